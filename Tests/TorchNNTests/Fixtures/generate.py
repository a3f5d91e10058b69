"""Writes layers.safetensors: inputs, outputs and gradients of PyTorch's layers, losses and optimizers.

Random weights and inputs from seed 0; float32 unless named otherwise. Run with torch 2.13.0 and safetensors.
"""
import pathlib
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import nn

torch.manual_seed(0)
out = {}


def record(name, tensor):
    out[name] = tensor.detach().clone().contiguous()


def layer(name, module, x):
    for parameter in module.parameters():
        nn.init.normal_(parameter)
    x = x.clone().requires_grad_()
    y = module(x)
    seed = torch.randn_like(y)
    y.backward(seed)
    for key, value in module.named_parameters():
        record(f"{name}.parameter.{key}", value)
        record(f"{name}.gradient.{key}", value.grad)
    for key, value in {"input": x, "output": y, "seed": seed, "input_gradient": x.grad}.items():
        record(f"{name}.{key}", value)


layer("linear", nn.Linear(5, 3), torch.randn(4, 5))
layer("prelu", nn.PReLU(5), torch.randn(4, 5))
layer("layer_norm", nn.LayerNorm(6, eps=1e-12), torch.randn(3, 6))

logits, targets = torch.randn(6, 4) * 3, torch.randint(0, 2, (6, 4)).float()
classes = torch.randint(0, 4, (6,))
record("loss.logits", logits)
record("loss.targets", targets)
record("loss.classes", classes)
record("loss.mean_squared_error", F.mse_loss(logits, targets))
record("loss.binary_cross_entropy", F.binary_cross_entropy_with_logits(logits, targets))
record("loss.cross_entropy", F.cross_entropy(logits, classes))

x, y = torch.randn(8, 5), torch.randn(8, 3)
start = torch.randn(3, 5)
record("optimizer.x", x)
record("optimizer.y", y)
record("optimizer.start", start)
for name, make in {
    "adam": lambda p: torch.optim.Adam(p, 0.05, weight_decay=0.1),
    "adamw": lambda p: torch.optim.AdamW(p, 0.05, betas=(0.8, 0.95), eps=1e-6, weight_decay=0.1),
    "sgd": lambda p: torch.optim.SGD(p, 0.05),
    "sgd_momentum": lambda p: torch.optim.SGD(p, 0.05, momentum=0.9, weight_decay=0.01),
    "sgd_nesterov": lambda p: torch.optim.SGD(p, 0.05, momentum=0.9, nesterov=True),
}.items():
    weight = start.clone().requires_grad_()
    optimizer = make([weight])
    for _ in range(7):
        optimizer.zero_grad()
        F.mse_loss(F.linear(x, weight), y).backward()
        optimizer.step()
    record(f"optimizer.{name}", weight)

# Three groups with rates and decays of their own, each the columns of one product.
for name, make in {
    "adam": lambda g: torch.optim.Adam(g, 0.05, weight_decay=0.1),
    "adamw": lambda g: torch.optim.AdamW(g, 0.05, weight_decay=0.1),
    "sgd_momentum": lambda g: torch.optim.SGD(g, 0.05, momentum=0.9, weight_decay=0.1),
}.items():
    weights = [part.clone().requires_grad_() for part in start.split([2, 2, 1], dim=1)]
    optimizer = make([
        {"params": [weights[0]]},
        {"params": [weights[1]], "lr": 0.05 * 0.3},
        {"params": [weights[2]], "lr": 0.05 * 2, "weight_decay": 0.0},
    ])
    for _ in range(7):
        optimizer.zero_grad()
        F.mse_loss(F.linear(x, torch.cat(weights, dim=1)), y).backward()
        optimizer.step()
    record(f"optimizer.groups.{name}", torch.cat(weights, dim=1))


def rates(make, count=30):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], 1.0)
    scheduler = make(optimizer)
    values = []
    for _ in range(count):
        values.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return torch.tensor(values, dtype=torch.float64)


S = torch.optim.lr_scheduler
record("schedule.step", rates(lambda o: S.StepLR(o, 3, 0.93)))

a, b = torch.randn(4, 3), torch.randn(5)
a.grad, b.grad = torch.randn(4, 3), torch.randn(5)
record("clip.a", a.grad)
record("clip.b", b.grad)
record("clip.norm", nn.utils.clip_grad_norm_([a, b], 0.7))
record("clip.a_clipped", a.grad)
record("clip.b_clipped", b.grad)

generator = torch.Generator().manual_seed(42)
record("random.uniform", torch.empty(5).uniform_(-1, 1, generator=generator))
record("random.permutation", torch.randperm(7, generator=generator))
record("random.normal", torch.empty(20).normal_(generator=generator))

save_file(out, pathlib.Path(__file__).with_name("layers.safetensors"))
