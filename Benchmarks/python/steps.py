"""A training step (forward, backward, AdamW) of batch 8 in PyTorch, on random weights and inputs.

    steps.py time NETWORK PRECISION TUNING STEPS DEVICE   NETWORK vilt (ViLT-B/32, 384 × 384, 40 words), resnet18 (224 × 224), or
                                                          a pretraining at 96 × 96: dino-resnet18, dino-vit-tiny16 or cass (both)
    steps.py floor NETWORK PRECISION DEVICE               what the step multiplies, and how fast the device multiplies

TUNING is `usual` (as a notebook has it), `tuned` (channels-last, fused AdamW) or `compiled` (the same under torch.compile).
DEVICE is cpu or cuda.
"""
import json
import os
import statistics
import sys
import time

import torch
import torch.nn.functional as F

BATCH = 8
torch.set_num_threads(len(os.sched_getaffinity(0)))
torch.manual_seed(0)
# PyPI's torchvision is built for CUDA: beside a torch without it, it misses its operators, of which none is used here.
if torch.version.cuda is None:
    missing = torch.library.Library("torchvision", "DEF")
    missing.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    missing.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")


def network(name):
    """A network with two logits, and a batch for it."""
    classes = torch.arange(BATCH) % 2
    if name == "resnet18":
        import timm

        return timm.create_model("resnet18", num_classes=2), (torch.randn(BATCH, 3, 224, 224),), classes
    from transformers import ViltConfig, ViltModel

    class Classifier(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.vilt = ViltModel(ViltConfig(hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0))
            self.head = torch.nn.Linear(768, 2)

        def forward(self, ids, mask, pictures):
            return self.head(self.vilt(ids, mask, pixel_values=pictures).pooler_output)

    ids = torch.randint(1000, 30000, (BATCH, 40))
    return Classifier(), (ids, torch.ones_like(ids), torch.randn(BATCH, 3, 384, 384)), classes


class DINONetwork(torch.nn.Module):
    """A backbone and DINO's head, as facebookresearch/dino has it, with the gain fixed to 1."""

    def __init__(self, backbone):
        super().__init__()
        self.backbone, width = backbone, backbone.num_features
        self.mlp = torch.nn.Sequential(torch.nn.Linear(width, 512), torch.nn.GELU(), torch.nn.Linear(512, 512), torch.nn.GELU(),
                                       torch.nn.Linear(512, 128))
        self.last = torch.nn.Parameter(torch.randn(4096, 128) / 128**0.5)

    def forward(self, *groups):
        features = torch.cat([self.backbone(group) for group in groups])
        return F.linear(F.normalize(self.mlp(features).float(), dim=-1), F.normalize(self.last, dim=-1))


def backbone(name, classes):
    import timm

    if name == "resnet18":
        return timm.create_model("resnet18", num_classes=classes)
    return timm.create_model("vit_tiny_patch16_224", img_size=96, dynamic_img_size=True, num_classes=classes)


def pretraining_step(name, precision, tuning):
    """A step of DINO (two global views of 96 and two local ones of 48 a picture) or CASS (one of 96), views given."""
    def views(count, side):
        pictures = torch.randn(count * BATCH, 3, side, side)
        return pictures if tuning == "usual" else pictures.contiguous(memory_format=torch.channels_last)

    def prepared(model):
        model.train()
        return model if tuning == "usual" else model.to(memory_format=torch.channels_last)

    def compiled(model):
        return torch.compile(model) if tuning == "compiled" else model

    kind, _, network = name.partition("-")
    if kind == "dino":
        models = [prepared(DINONetwork(backbone("resnet18" if network == "resnet18" else "vit", 0))) for _ in range(2)]
        models[1].load_state_dict(models[0].state_dict())
        models[1].requires_grad_(False)
        groups, center = (views(2, 96), views(2, 48)), torch.zeros(1, 4096)
    else:
        models = [prepared(backbone(which, 1000)) for which in ("resnet18", "vit")]
        groups = (views(1, 96),)
    forward = [compiled(model) for model in models]
    trained = [p for model in models for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=1e-4, weight_decay=0.04, fused=True if tuning != "usual" else None)

    def dino_loss():
        with torch.no_grad():
            seen = forward[1](groups[0]).float()
            expected = F.softmax((seen - center) / 0.04, dim=-1).chunk(2)
            center.mul_(0.9).add_(seen.mean(0, keepdim=True), alpha=0.1)
        logs = F.log_softmax(forward[0](*groups).float() / 0.1, dim=-1).chunk(4)
        terms = [-(q * p).sum(-1).mean() for i, q in enumerate(expected) for v, p in enumerate(logs) if v != i]
        return sum(terms) / len(terms)

    def cass_loss():
        x, y = (F.normalize(model(groups[0]).float(), dim=1) for model in forward)
        return (2 - 2 * (x * y).sum(1)).mean()

    def step():
        optimizer.zero_grad()
        with torch.autocast(torch.get_default_device().type, dtype=torch.bfloat16, enabled=precision == "bfloat16"):
            loss = dino_loss() if kind == "dino" else cass_loss()
        loss.backward()
        for parameter in trained:
            torch.nn.utils.clip_grad_norm_(parameter, 3)
        optimizer.step()
        if kind == "dino":
            with torch.no_grad():
                if tuning == "usual":
                    for average, parameter in zip(models[1].parameters(), trained):
                        average.mul_(0.99).add_(parameter, alpha=0.01)
                else:
                    torch._foreach_lerp_(list(models[1].parameters()), trained, 0.01)
        return loss.item()

    return step


def step_of(name, precision, tuning):
    if name.startswith(("dino", "cass")):
        return pretraining_step(name, precision, tuning)
    model, inputs, classes = network(name)
    model.train()
    if tuning != "usual":
        model = model.to(memory_format=torch.channels_last)
        inputs = tuple(x.contiguous(memory_format=torch.channels_last) if x.ndim == 4 else x for x in inputs)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, weight_decay=1e-2, fused=True if tuning != "usual" else None)
    forward = torch.compile(model) if tuning == "compiled" else model

    def step():
        optimizer.zero_grad()
        with torch.autocast(torch.get_default_device().type, dtype=torch.bfloat16, enabled=precision == "bfloat16"):
            loss = F.cross_entropy(forward(*inputs).float(), classes)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def measure(name, precision, tuning, steps):
    step = step_of(name, precision, tuning)
    losses = [step() for _ in range(3)]
    seconds = []
    for _ in range(steps):
        start = time.perf_counter()
        losses.append(step())
        seconds.append(time.perf_counter() - start)
    if not all(abs(loss) < 1e6 for loss in losses):
        sys.exit(f"steps.py: losses {losses}")
    print(json.dumps({"milliseconds": 1e3 * statistics.median(seconds), "fastest": 1e3 * min(seconds), "last_loss": losses[-1]}))


def floor(name, precision):
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        step_of(name, "float32", "usual")()
    dtype = getattr(torch, precision)
    on_gpu = torch.get_default_device().type == "cuda"
    side = 8192 if on_gpu else 2048
    a, b = torch.randn(side, side).to(dtype), torch.randn(side, side).to(dtype)
    kernels = [lambda: a @ b]
    if not on_gpu:
        # PyTorch multiplies float32 by MKL, which takes AVX-512 on Intel's processors only; oneDNN takes it on all.
        kernels.append(lambda: torch.ops.mkldnn._linear_pointwise(a, b, None, "none", [], ""))
    fastest = float("inf")
    for kernel in kernels * 20:
        start = time.perf_counter()
        kernel()[0, 0].item()  # a GPU is waited for so
        fastest = min(fastest, time.perf_counter() - start)
    peak = 2 * side**3 / fastest / 1e9
    gigaflop = counter.get_total_flops() / 1e9
    print(json.dumps({"gigaflop": gigaflop, "gigaflop_per_second": peak, "milliseconds": 1e3 * gigaflop / peak}))


if __name__ == "__main__":
    if sys.argv[-1] not in ("cpu", "cuda"):
        sys.exit(__doc__)
    torch.set_default_device(sys.argv[-1])
    match sys.argv[1:-1]:
        case ["time", name, precision, tuning, steps]: measure(name, precision, tuning, int(steps))
        case ["floor", name, precision]: floor(name, precision)
        case _: sys.exit(__doc__)
