"""Writes pretraining.safetensors: losses, schedules, averages and gradients of self-supervised methods.

The formulas are those of facebookresearch/dino, pranavsinghps1/CASS and moein-shariatnia/OpenAI-CLIP as the references of
this project describe them, written anew on PyTorch. Weights are random, seed 0, of numbers that float16 holds exactly.
Run with the Python of `Benchmarks/setup-python --open-clip`.
"""
import math
import pathlib
import sys

import torch

sys.path.append(str(pathlib.Path(__file__).parents[2] / "NetworksTests" / "Fixtures"))
from recording import out, randomise, record  # before timm
from pretraining_parts import Projection, agreement_loss, clip_loss

import torch.nn as nn
import torch.nn.functional as F
from safetensors.torch import save_file
from timm.models.resnet import BasicBlock, ResNet
from timm.models.vision_transformer import VisionTransformer

torch.manual_seed(0)
torch.set_num_threads(1)
GRADIENT_LIMIT = 40


def record_weights(name, model):
    for key, value in model.state_dict().items():
        if value.is_floating_point():
            record(f"{name}.{key}", value.half())


def record_gradients(name, model):
    for key, value in model.named_parameters():
        record(f"{name}.{key}", value.grad.flatten()[:GRADIENT_LIMIT])


def record_statistics(name, model):
    for key, value in model.named_buffers():
        if "running" in key:
            record(f"{name}.{key}", value)


class Head(nn.Module):
    """DINO's head with the gain fixed to 1."""

    def __init__(self, inputs, hidden, bottleneck, outputs):
        super().__init__()
        self.mlp = nn.Sequential(nn.Linear(inputs, hidden), nn.GELU(), nn.Linear(hidden, hidden), nn.GELU(),
                                 nn.Linear(hidden, bottleneck))
        self.last_layer = nn.Module()
        self.last_layer.weight_v = nn.Parameter(torch.zeros(outputs, bottleneck))

    def forward(self, x):
        x = F.normalize(self.mlp(x), dim=-1)
        rows = self.last_layer.weight_v / self.last_layer.weight_v.norm(dim=1, keepdim=True)
        return x @ rows.T


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = ResNet(BasicBlock, [1, 1, 1, 1], channels=(4, 4, 6, 6), num_classes=0)
        self.head = Head(6, 10, 5, 12)

    def forward(self, crops):
        return self.head(torch.cat([self.backbone(group) for group in crops]))


def dino_loss(student, teacher, center, views, student_temperature, teacher_temperature):
    logs = F.log_softmax(student / student_temperature, dim=-1).chunk(views)
    expected = F.softmax((teacher - center) / teacher_temperature, dim=-1).detach().chunk(2)
    total, terms = 0, 0
    for i, q in enumerate(expected):
        for v, p in enumerate(logs):
            if v != i:
                total = total + (-q * p).sum(-1).mean()
                terms += 1
    return total / terms


# One step of DINO: two global and three local views of two pictures.
student, teacher = Network(), Network()
randomise(student)
teacher.load_state_dict(student.state_dict())
for parameter in teacher.parameters():
    parameter.data.copy_((parameter + 0.05 * torch.randn_like(parameter)).half())
    parameter.requires_grad = False
student.train(), teacher.train()
record_weights("dino.student", student)
record_weights("dino.teacher", teacher)
large, small = (torch.randn(count, 3, side, side).half().float() for count, side in ((4, 32), (6, 16)))
center = 0.1 * torch.randn(1, 12)
record("dino.global", large.half()), record("dino.local", small.half()), record("dino.center", center)
teacher_out = teacher([large])
loss = dino_loss(student([large, small]), teacher_out, center, 5, 0.1, 0.05)
loss.backward()
record("dino.loss", loss)
record_gradients("dino.gradient", student)
record_statistics("dino.student_after", student)
record_statistics("dino.teacher_after", teacher)
record("dino.center_after", center * 0.9 + teacher_out.mean(0, keepdim=True) * 0.1)
# The gradient is cut to a length tensor by tensor, then the teacher follows.
for key, parameter in student.named_parameters():
    factor = 0.02 / (parameter.grad.norm() + 1e-6)
    if factor < 1:
        parameter.grad.mul_(factor)
record_gradients("dino.clipped", student)
for (key, old), new in zip(teacher.named_parameters(), student.parameters()):
    record(f"dino.average.{key}", (0.9 * old + 0.1 * new).flatten()[:GRADIENT_LIMIT])

# One step of CASS: a convolutional network and a transformer, heads and all, on the same pictures.
cnn = ResNet(BasicBlock, [1, 1, 1, 1], channels=(4, 4, 6, 6), num_classes=9)
vit = VisionTransformer(img_size=32, patch_size=8, embed_dim=12, depth=2, num_heads=3, num_classes=9, global_pool="token")
pictures = torch.randn(3, 3, 32, 32).half().float()
record("cass.pictures", pictures.half())
for standardizes in (False, True):
    for name, model in {"cnn": cnn, "vit": vit}.items():
        randomise(model)
        model.train()
        model.zero_grad()
        if not standardizes:
            record_weights(f"cass.{name}", model)
        else:
            model.load_state_dict({key: out[f"cass.{name}.{key}"].float() if f"cass.{name}.{key}" in out else value
                                   for key, value in model.state_dict().items()})
    x, y = cnn(pictures), vit(pictures)
    loss = agreement_loss(x, y, standardizes)
    loss.backward()
    prefix = "cass.standardized" if standardizes else "cass.plain"
    record(f"{prefix}.loss", loss)
    record_gradients(f"{prefix}.gradient.cnn", cnn)
    record_gradients(f"{prefix}.gradient.vit", vit)

# CLIP's projection and both losses, with gradients of what goes in.
image, text, scale = torch.randn(5, 7), torch.randn(5, 7), torch.tensor(math.log(1 / 0.07))
for kind in ("paired", "soft"):
    i, t, s = (x.clone().requires_grad_() for x in (image, text, scale))
    loss = clip_loss(kind, i, t, s)
    loss.backward()
    record(f"clip.{kind}.loss", loss)
    record(f"clip.{kind}.gradient.image", i.grad)
    record(f"clip.{kind}.gradient.text", t.grad)
    if kind == "paired":
        record(f"clip.{kind}.gradient.scale", s.grad)
record("clip.image", image), record("clip.text", text)
projection = Projection(7, 6)
randomise(projection)
record_weights("clip.projection", projection)
projected = projection(image)
record("clip.projected", projected)
projected.square().sum().backward()
record_gradients("clip.projection_gradient", projection)


def cosine_schedule(base, final, epochs, steps, warmup_epochs=0, start=0.0):
    warmup = torch.linspace(start, base, warmup_epochs * steps, dtype=torch.float64)
    count = epochs * steps - warmup_epochs * steps
    rest = [final + 0.5 * (base - final) * (1 + math.cos(math.pi * i / count)) for i in range(count)]
    return torch.cat([warmup, torch.tensor(rest, dtype=torch.float64)])


record("schedule.learning_rate", cosine_schedule(5e-4, 1e-6, 5, 4, warmup_epochs=2))
record("schedule.weight_decay", cosine_schedule(0.04, 0.4, 5, 4))
record("schedule.momentum", cosine_schedule(0.996, 1, 5, 4))
record("schedule.temperature", torch.cat([torch.linspace(0.04, 0.07, 3, dtype=torch.float64),
                                          torch.full((2,), 0.07, dtype=torch.float64)]))

# What tells a collapse: deviation, uniformity and alignment of vectors, and votes of neighbours.
a, b = F.normalize(torch.randn(6, 4), dim=1), F.normalize(torch.randn(6, 4), dim=1)
record("watch.first", a), record("watch.second", b)
record("watch.deviation", a.std(0, unbiased=False).mean() * 4**0.5)
record("watch.alignment", (a - b).square().sum(1).mean())
record("watch.uniformity", torch.pdist(a).square().mul(-2).exp().mean().log())
labels = torch.tensor([1.0, 0, 1, 0, 0, 1])
likeness = (a @ a.T).fill_diagonal_(-math.inf)
values, neighbours = likeness.topk(3, dim=1)
weights = (values / 0.07).exp()
record("watch.votes", (weights * labels[neighbours]).sum(1) / weights.sum(1))

save_file(out, pathlib.Path(__file__).with_name("pretraining.safetensors"))
