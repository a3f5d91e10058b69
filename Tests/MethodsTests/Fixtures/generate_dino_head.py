"""Writes dino_head.safetensors: DINO's head whose last layer's rows have lengths of their own, and its gradients.

The last layer is PyTorch's own weight normalisation, as in facebookresearch/dino. Weights are random, seed 0, of numbers that
float16 holds exactly. Run with the Python of `Benchmarks/setup-python`.
"""
import pathlib
import sys

import torch

sys.path.append(str(pathlib.Path(__file__).parents[2] / "NetworksTests" / "Fixtures"))
from recording import out, randomise, record

import torch.nn as nn
import torch.nn.functional as F
from safetensors.torch import save_file

torch.manual_seed(0)
torch.set_num_threads(1)


class Head(nn.Module):
    def __init__(self, inputs, hidden, bottleneck, outputs):
        super().__init__()
        self.mlp = nn.Sequential(nn.Linear(inputs, hidden), nn.GELU(), nn.Linear(hidden, hidden), nn.GELU(),
                                 nn.Linear(hidden, bottleneck))
        self.last_layer = nn.utils.weight_norm(nn.Linear(bottleneck, outputs, bias=False))

    def forward(self, x):
        return self.last_layer(F.normalize(self.mlp(x), dim=-1))


head = Head(7, 10, 5, 12)
randomise(head)
head.last_layer.weight_g.data.copy_((0.5 + torch.rand(12, 1)).half())
for key, value in head.state_dict().items():
    record(f"weights.{key}", value.half())
features, targets = torch.randn(4, 7).half().float(), torch.randn(4, 12)
record("features", features.half()), record("targets", targets)
outputs = head(features)
(outputs - targets).square().sum().backward()
record("outputs", outputs)
for key, value in head.named_parameters():
    record(f"gradient.{key}", value.grad)

save_file(out, pathlib.Path(__file__).with_name("dino_head.safetensors"))
