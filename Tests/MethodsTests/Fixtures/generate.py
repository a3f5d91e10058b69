"""Writes methods.safetensors: reference values for SemiMemes' losses and for logistic regression.

The distribution-balanced loss is written out from its formula in float64, its gradient by autograd; the linear models
are scikit-learn's. Random inputs from seed 0. Run with torch 2.13.0, scikit-learn 1.9 and safetensors.
"""
import pathlib
import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from sklearn.linear_model import LogisticRegression

torch.manual_seed(0)
out = {}


def balanced(z, y, n, count, alpha=10.0, beta=0.2, mu=0.1, scale=5.0, kappa=0.1, focal=False):
    inverse = 1 / n
    denominator = (y * inverse).sum(1, keepdim=True)
    weight = alpha + torch.sigmoid(beta * (inverse / denominator - mu))
    shifted = z - torch.log(count / n - 1) * kappa / scale
    s = torch.where(y > 0, shifted, scale * shifted)
    entropy = torch.where(y > 0, F.softplus(-s), F.softplus(s))
    loss = torch.where(y > 0, weight, weight / scale) * entropy
    if focal:
        loss = loss * 2 * (1 - torch.exp(-entropy)) ** 2
    return loss.mean()


z = torch.randn(12, 5, dtype=torch.float64) * 2
y = (torch.rand(12, 5) < 0.3).double()
n = torch.tensor([40.0, 7.0, 120.0, 3.0, 60.0], dtype=torch.float64)
out |= {"db.logits": z, "db.targets": y, "db.counts": n}
for name, focal in (("plain", False), ("focal", True)):
    leaf = z.clone().requires_grad_()
    loss = balanced(leaf, y, n, 200.0, focal=focal)
    loss.backward()
    out[f"db.{name}"] = loss.detach()
    out[f"db.{name}_gradient"] = leaf.grad

rng = np.random.RandomState(0)
x = rng.randn(60, 7)
binary = (x[:, 0] + 0.5 * x[:, 3] + rng.randn(60) > 0).astype(int)
classes = np.argmax(x[:, :3] + rng.randn(60, 3), 1)
out |= {"linear.inputs": torch.tensor(x), "linear.binary": torch.tensor(binary), "linear.classes": torch.tensor(classes)}
for name, target in (("binary", binary), ("classes", classes)):
    model = LogisticRegression(C=0.3, tol=1e-10, max_iter=10000).fit(x, target)
    out[f"linear.{name}_weight"] = torch.tensor(model.coef_)
    out[f"linear.{name}_bias"] = torch.tensor(model.intercept_)

save_file({k: v.contiguous() for k, v in out.items()}, pathlib.Path(__file__).with_name("methods.safetensors"))
