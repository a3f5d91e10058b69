"""What generators of pretraining fixtures share: losses and layers of its methods in PyTorch."""
import torch
import torch.nn as nn
import torch.nn.functional as F


class Projection(nn.Module):
    """What maps features to the space that CLIP's pictures and texts share, without dropout."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.projection, self.layer = nn.Linear(inputs, outputs), nn.Linear(outputs, outputs)
        self.normalization = nn.LayerNorm(outputs)

    def forward(self, x):
        projected = self.projection(x)
        return self.normalization(self.layer(F.gelu(projected)) + projected)


def clip_loss(kind, image, text, log_scale):
    if kind == "paired":
        logits = F.normalize(image, dim=1) @ F.normalize(text, dim=1).T * log_scale.exp()
        pairs = torch.arange(len(image))
        return (F.cross_entropy(logits, pairs) + F.cross_entropy(logits.T, pairs)) / 2
    logits = text @ image.T
    targets = F.softmax((image @ image.T + text @ text.T) / 2, dim=-1)
    rows = (-targets * F.log_softmax(logits, dim=-1)).sum(1)
    columns = (-targets.T * F.log_softmax(logits.T, dim=-1)).sum(1)
    return ((rows + columns) / 2).mean()


def agreement_loss(x, y, standardizes):
    """CASS's loss of two networks' outputs, whose columns are first brought to mean 0 and variance 1 where wanted."""
    if standardizes:
        x, y = ((z - z.mean(0)) / (z.var(0, unbiased=False) + 1e-5).sqrt() for z in (x, y))
    return (2 - 2 * (F.normalize(x, dim=1) * F.normalize(y, dim=1)).sum(1)).mean()
