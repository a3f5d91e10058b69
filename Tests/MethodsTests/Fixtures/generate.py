"""Writes methods.safetensors: reference values for SemiMemes' losses, CMML and logistic regression.

The distribution-balanced loss is written out from its formula in float64, its gradient by autograd; the linear models
are scikit-learn's; CMML is written here in PyTorch, float32, from the description of its code. Random inputs from seed 0. Run with torch 2.13.0, scikit-learn 1.9 and safetensors.
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


class CMML(torch.nn.Module):
    def __init__(self, outputs, image=5, text=4, hidden=6):
        super().__init__()
        linear = torch.nn.Linear
        self.image, self.text = linear(image, hidden), linear(text, hidden)
        self.attention = torch.nn.ModuleList([linear(hidden, 64), linear(64, 32), linear(32, 1)])
        self.predictors = torch.nn.ModuleDict({k: linear(hidden, outputs) for k in ("image", "text", "fused")})

    def forward(self, image, text):
        views = torch.stack([self.image(image), self.text(text)], 1)
        scores = self.attention[2](F.relu(self.attention[1](F.relu(self.attention[0](views)))))
        fused = (scores.softmax(1) * views).sum(1)
        return self.predictors["image"](views[:, 0]), self.predictors["text"](views[:, 1]), self.predictors["fused"](fused)


def cmml_loss(model, image, text, labelled, target, kind):
    logits = model(image, text)
    if kind == "multiclass":
        entropy, probability = F.cross_entropy, lambda z: z.softmax(1)
    else:
        entropy, probability = F.binary_cross_entropy_with_logits, torch.sigmoid
    first = [entropy(z[:labelled], target) for z in logits]
    p, q = (probability(z) for z in logits[:2])
    if kind == "binary":
        p, q = (torch.cat([x, 1 - x], 1) for x in (p, q))
    cosine = F.cosine_similarity(p, q)
    d = 2 - cosine[labelled:]
    consistency = torch.where(d < 1.003, d * d / 2, 1.003 * (d - 1.003 / 2)).mean()
    return first[0] + first[1] + 2 * first[2] + 0.3 * cosine[:labelled].mean() + consistency


image, text = torch.randn(13, 5), torch.randn(13, 4)
out |= {"cmml.image_features": image, "cmml.text_features": text}
targets = {
    "binary": (torch.rand(5, 1) < 0.5).float(),
    "multiclass": torch.tensor([0, 2, 1, 1, 0]),
    "multilabel": (torch.rand(5, 3) < 0.4).float(),
}
base = CMML(3)
for kind, target in targets.items():
    model = CMML(1 if kind == "binary" else 3)
    shared = {k: v for k, v in base.state_dict().items() if kind != "binary" or not k.startswith("predictors")}
    model.load_state_dict(shared, strict=False)
    # What all kinds share is stored once.
    out |= {f"cmml.shared.{k}": v.clone() for k, v in shared.items() if not k.startswith("predictors")}
    out |= {f"cmml.{kind}.{k}": v.clone() for k, v in model.state_dict().items() if k.startswith("predictors")}
    loss = cmml_loss(model, image, text, 5, target, kind)
    loss.backward()
    out |= {f"cmml.{kind}.targets": target, f"cmml.{kind}.loss": loss.detach()}
    out |= {f"cmml.{kind}.gradient.{k}": v.grad.clone() for k, v in model.named_parameters()}
    out[f"cmml.{kind}.fused"] = model(image, text)[2].detach()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 5, 0.9)
    curve = []
    for _ in range(20):
        optimizer.zero_grad()
        loss = cmml_loss(model, image, text, 5, target, kind)
        loss.backward()
        curve.append(loss.item())
        optimizer.step()
        schedule.step()
    out[f"cmml.{kind}.curve"] = torch.tensor(curve, dtype=torch.float64)

save_file({k: v.contiguous() for k, v in out.items()}, pathlib.Path(__file__).with_name("methods.safetensors"))
