"""What generators of networks' fixtures share: weights drawn at random, and the tensors that go into the file.

Import it before timm.
"""
import torch

# PyPI's torchvision, which timm imports, is built for CUDA and lacks these beside a torch without it.
missing = torch.library.Library("torchvision", "DEF")
missing.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
missing.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")

out = {}


def record(name, tensor):
    out[name] = tensor.detach().clone().contiguous()


def randomise(model):
    """Weights of float16 numbers, small enough that activations stay near one; variances are positive."""
    for key, value in model.state_dict().items():
        if not value.is_floating_point():
            continue
        if key.endswith("running_var"):
            drawn = 0.5 + torch.rand_like(value)
        elif value.ndim > 1:
            drawn = torch.randn_like(value) / value[0].numel() ** 0.5
        elif key.endswith("weight"):
            drawn = 1 + 0.2 * torch.randn_like(value)
        else:
            drawn = 0.2 * torch.randn_like(value)
        value.copy_(drawn.half())
