"""Trains SemiMemes in float32 on features of HarMeme, as its published code does: data loaders and one Adam a network.

Harmful is any level above 0. The labelled memes of a seed are the first of NumPy's legacy permutation of the train split.
Prints one JSON line a label ratio: test AUROC and seconds, of training alone, a seed.
"""
import argparse
import json
import os
import pathlib
import time

import numpy as np
import torch
from sklearn.metrics import roc_auc_score
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

from heads import SemiMemes

torch.set_num_threads(os.cpu_count())
HEAD_DECAY = {0.05: 0.93, 0.1: 0.90, 0.3: 0.85}


def distribution_balanced_loss(logits, labels, positives, count):
    """DB loss of one label: rebalanced weights, negative-tolerant regularisation (lambda 5, kappa 0.1)."""
    share = 1 / positives
    weights = 10 + torch.sigmoid(0.2 * (share / (labels * share).sum(1, keepdim=True) - 0.1))
    logits = logits - 0.1 / 5 * torch.log(count / positives - 1)
    positive = labels > 0
    losses = functional.binary_cross_entropy_with_logits(torch.where(positive, logits, 5 * logits), labels, reduction="none")
    return (torch.where(positive, weights, weights / 5) * losses).mean()


def train(network, data, loss, epochs, rate, decay, weight_decay):
    optimizer = torch.optim.Adam(network.parameters(), rate, weight_decay=weight_decay)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 1, decay)
    loader = DataLoader(TensorDataset(*data), batch_size=40, shuffle=True)
    network.train()
    for _ in range(epochs):
        for batch in loader:
            optimizer.zero_grad()
            loss(*batch).backward()
            optimizer.step()
        schedule.step()
    network.eval()


def fit(model, image, text, target, labelled, unlabelled, decay, epochs):
    """Both auto-encoders on the unlabelled memes, then the classifier on the labelled ones; all features standardised."""
    for network, source, goal in ((model.image_to_text, image, text), (model.text_to_image, text, image)):
        train(network, (source[unlabelled], goal[unlabelled]), lambda x, y: functional.mse_loss(network(x), y),
              epochs, 2e-4, 0.95, 1e-4)
    with torch.no_grad():
        views = model.views(image[labelled], text[labelled])
    labels = target[labelled]
    positives, count = labels.sum(0), float(len(labels))
    train(model.classifier, (*views, labels),
          lambda *batch: distribution_balanced_loss(model.classifier(batch[:-1]), batch[-1], positives, count),
          50, 1e-4, decay, 0)


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("features", type=pathlib.Path, help="the .npz file of extract.py")
parser.add_argument("--ratios", default="0.05,0.1,0.3")
parser.add_argument("--seeds", type=int, default=5, help="how many, from 42 on")
parser.add_argument("--epochs", type=int, default=100, help="of the auto-encoders")
parser.add_argument("--output", type=pathlib.Path, help="where the last trained model goes, for predict.py")
options = parser.parse_args()

data = np.load(options.features)
image, text = torch.from_numpy(data["image"]), torch.from_numpy(data["text"])
target = torch.from_numpy((data["level"] > 0).astype(np.float32))[:, None]
training, testing = (np.flatnonzero(data["split"] == split) for split in ("train", "test"))
for ratio in map(float, options.ratios.split(",")):
    scores, seconds, count = [], [], round(ratio * len(training))
    for seed in range(42, 42 + options.seeds):
        torch.manual_seed(seed)
        order = training[np.random.RandomState(seed).permutation(len(training))]
        model = SemiMemes()
        for name, features in (("image", image), ("text", text)):
            getattr(model, f"{name}_mean").copy_(features[training].mean(0))
            getattr(model, f"{name}_deviation").copy_(features[training].std(0) + 1e-6)
        start = time.perf_counter()
        fit(model, *model.standardised(image, text), target, order[:count], order[count:],
            HEAD_DECAY.get(ratio, 0.9), options.epochs)
        seconds.append(time.perf_counter() - start)
        with torch.no_grad():
            scores.append(roc_auc_score(target[testing], torch.sigmoid(model(image[testing], text[testing]))))
    print(json.dumps({"ratio": ratio, "labels": count, "seconds_per_seed": round(np.mean(seconds), 2),
                      "semimemes": f"{np.mean(scores):.4f} ± {np.std(scores):.4f}"}, ensure_ascii=False), flush=True)
if options.output:
    torch.save(model.state_dict(), options.output)
