"""A training step (forward, backward, AdamW) of batch 8 in PyTorch, on random weights and inputs.

    steps.py time NETWORK PRECISION TUNING STEPS   NETWORK vilt (ViLT-B/32, 384 × 384, 40 words) or resnet18 (224 × 224)
    steps.py floor NETWORK PRECISION               what the step multiplies, and how fast this machine multiplies

TUNING is `usual` (as a notebook has it), `tuned` (channels-last, fused AdamW) or `compiled` (the same under torch.compile).
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


def step_of(name, precision, tuning):
    model, inputs, classes = network(name)
    model.train()
    if tuning != "usual":
        model = model.to(memory_format=torch.channels_last)
        inputs = tuple(x.contiguous(memory_format=torch.channels_last) if x.ndim == 4 else x for x in inputs)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, weight_decay=1e-2, fused=True if tuning != "usual" else None)
    forward = torch.compile(model) if tuning == "compiled" else model

    def step():
        optimizer.zero_grad()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=precision == "bfloat16"):
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
    a, b = torch.randn(2048, 2048).to(dtype), torch.randn(2048, 2048).to(dtype)
    fastest = float("inf")
    for _ in range(20):
        start = time.perf_counter()
        a @ b
        fastest = min(fastest, time.perf_counter() - start)
    peak = 2 * 2048**3 / fastest / 1e9
    gigaflop = counter.get_total_flops() / 1e9
    print(json.dumps({"gigaflop": gigaflop, "gigaflop_per_second": peak, "milliseconds": 1e3 * gigaflop / peak}))


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["time", name, precision, tuning, steps]: measure(name, precision, tuning, int(steps))
        case ["floor", name, precision]: floor(name, precision)
        case _: sys.exit(__doc__)
