"""Writes scores.json: random predictions with ties, missing classes and single classes, scored by scikit-learn.

    python generate.py        (scikit-learn 1.9.1, numpy 2.4.6)

`null` stands where scikit-learn has no value (AUROC of one class) or calls the value ill-defined for want of a
positive (average precision). MAMI's official scores and the calibration error, which scikit-learn lacks, are computed
here from their definitions.
"""

import json
import math
import warnings
from pathlib import Path

import numpy as np
from sklearn import metrics as sk

warnings.filterwarnings("ignore")
random = np.random.RandomState(2022)
AVERAGES = ("macro", "micro", "weighted")


def number(value):
    return None if value is None or math.isnan(value) else float(value)


def auroc(y, p):
    return None if len(set(y)) < 2 else sk.roc_auc_score(y, p)


def auroc_batched(y, p, size=64):
    """The mean over batches in their order, weighted by their sizes."""
    batches = [(y[start:start + size], p[start:start + size]) for start in range(0, len(y), size)]
    values = [auroc(*batch) for batch in batches]
    return None if any(v is None for v in values) else np.average(values, weights=[len(b[0]) for b in batches])


def average_precision(y, p):
    return None if not any(y) else sk.average_precision_score(y, p)


def mean(values):
    return None if any(v is None for v in values) else float(np.mean(values))


def ece(confidence, correct, bins=15):
    total = 0.0
    for b in range(bins):
        inside = (confidence > b / bins) & (confidence <= (b + 1) / bins)
        if inside.any():
            total += inside.mean() * abs(correct[inside].mean() - confidence[inside].mean())
    return total


def averages(y, predicted):
    scores = {}
    for average in AVERAGES:
        p, r, f, _ = sk.precision_recall_fscore_support(y, predicted, average=average, zero_division=0)
        scores |= {f"precision_{average}": p, f"recall_{average}": r, f"f1_{average}": f}
    return scores


def mami_a(y, predicted):
    f1 = []
    for positive in (1, 0):
        tp = np.sum((y == positive) & (predicted == positive))
        if tp == 0:
            f1.append(0.0)
            continue
        precision, recall = tp / np.sum(predicted == positive), tp / np.sum(y == positive)
        f1.append(2 * precision * recall / (precision + recall))
    return sum(f1) / 2


def label(y, p, predicted):
    return {
        "auroc": auroc(y, p),
        "average_precision": average_precision(y, p),
        "precision": sk.precision_score(y, predicted, zero_division=0),
        "recall": sk.recall_score(y, predicted, zero_division=0),
        "f1": sk.f1_score(y, predicted, zero_division=0),
        "support": int(np.sum(y)),
        "confusion_matrix": sk.confusion_matrix(y, predicted, labels=[0, 1]).tolist(),
    }


def binary_calibration(y, p):
    predicted = (p > 0.5).astype(int)
    return {
        "brier": sk.brier_score_loss(y, p, labels=[0, 1], pos_label=1),
        "ece": ece(np.maximum(p, 1 - p), (predicted == y).astype(float)),
        "log_loss": sk.log_loss(y, p, labels=[0, 1]),
    }


def binary(y, p):
    predicted = (p > 0.5).astype(int)
    scores = label(y, p, predicted) | averages(y, predicted) | binary_calibration(y, p)
    scores |= {"accuracy": sk.accuracy_score(y, predicted), "mami_a": mami_a(y, predicted)}
    scores["auroc_batched"] = auroc_batched(y, p)
    del scores["support"]
    return {"truth": y.tolist(), "probabilities": p.tolist(), "scores": scores}


def multiclass(y, p):
    classes = range(p.shape[1])
    predicted = p.argmax(1)
    per_label = [label((y == k).astype(int), p[:, k], (predicted == k).astype(int)) for k in classes]
    scores = averages(y, predicted) | {
        "auroc": mean([s["auroc"] for s in per_label]),
        "average_precision": mean([s["average_precision"] for s in per_label]),
        "accuracy": sk.accuracy_score(y, predicted),
        "brier": sk.brier_score_loss(y, p, labels=list(classes)),
        "ece": ece(p.max(1), (predicted == y).astype(float)),
        "log_loss": sk.log_loss(y, p, labels=list(classes)),
        "confusion_matrix": sk.confusion_matrix(y, predicted, labels=list(classes)).tolist(),
    }
    if scores["auroc"] is not None and p.shape[1] > 2:
        assert abs(scores["auroc"] - sk.roc_auc_score(y, p, multi_class="ovr")) < 1e-15
    return {"truth": y.tolist(), "probabilities": p.tolist(), "scores": scores, "per_label": per_label}


def multilabel(y, p):
    predicted = (p > 0.5).astype(int)
    columns = range(p.shape[1])
    per_label = [label(y[:, k], p[:, k], predicted[:, k]) for k in columns]
    calibrations = [binary_calibration(y[:, k], p[:, k]) for k in columns]
    support = y.sum(0)
    scores = averages(y, predicted) | {
        "auroc": mean([s["auroc"] for s in per_label]),
        "average_precision": mean([s["average_precision"] for s in per_label]),
        "accuracy": sk.accuracy_score(y, predicted),
        "mami_b": sum(mami_a(y[:, k], predicted[:, k]) * support[k] for k in columns) / support.sum()
        if support.sum()
        else None,
    }
    scores |= {name: mean([c[name] for c in calibrations]) for name in ("brier", "ece", "log_loss")}
    if scores["auroc"] is not None:
        assert abs(scores["auroc"] - sk.roc_auc_score(y, p, average="macro")) < 1e-15
        assert abs(scores["average_precision"] - sk.average_precision_score(y, p, average="macro")) < 1e-15
    return {"truth": y.tolist(), "probabilities": p.tolist(), "scores": scores, "per_label": per_label}


def merged(y, p, groups):
    """Five classes decided, then reported as fewer: scikit-learn's classification report of both mapped."""
    predicted = groups[p.argmax(1)]
    report = sk.classification_report(groups[y], predicted, output_dict=True, zero_division=0)
    sums = np.stack([p[:, groups == k].sum(1) for k in range(3)], 1)
    rows = [report[str(k)] | {"auroc": auroc((groups[y] == k).astype(int), sums[:, k])} for k in range(3)]
    rows = [{name.replace("f1-score", "f1"): number(value) for name, value in row.items()} for row in rows]
    overall = {f"{name.replace('-score', '')}_{average}": report[f"{average} avg"][name]
               for name in ("precision", "recall", "f1-score") for average in ("macro", "weighted")}
    return {"truth": y.tolist(), "probabilities": p.tolist(), "scores": overall | {"accuracy": report["accuracy"]},
            "per_label": rows}


def probabilities(shape, digits):
    return np.round(random.uniform(size=shape), digits)


def distribution(n, k, digits):
    p = random.dirichlet(np.full(k, 0.7), size=n)
    if digits:  # twentieths: many ties, also between the classes of one row
        p = np.array([random.multinomial(20, row) for row in p]) / 20
    return p


def main():
    binaries = [binary(random.randint(0, 2, n), probabilities(n, d)) for n, d in ((40, 1), (40, 1), (33, 2), (25, 16))]
    binaries += [binary((random.uniform(size=30) < 0.1).astype(int), probabilities(30, 1)) for _ in range(2)]
    binaries += [binary(np.full(6, c), probabilities(6, 1)) for c in (0, 1)]
    binaries += [binary(np.array([0, 1, 1]), np.full(3, v)) for v in (0.5, 0.0, 1.0)]
    binaries += [binary(np.array([1]), np.array([1.0])), binary(np.array([0]), np.array([0.75]))]

    multiclasses = [multiclass(random.randint(0, k, n), distribution(n, k, d)) for n, k, d in ((40, 3, 1), (40, 4, 0))]
    multiclasses += [multiclass(random.randint(0, 2, 20), distribution(20, 5, d)) for d in (0, 1)]  # three missing
    multiclasses += [multiclass(np.full(5, 1), distribution(5, 3, 1)), multiclass(np.array([1, 0]), np.eye(3)[[1, 0]])]
    multiclasses += [multiclass(random.randint(0, 2, 20), distribution(20, 2, 1))]

    shapes = ((30, 4, 1), (25, 3, 9))
    multilabels = [multilabel(random.randint(0, 2, (n, k)), probabilities((n, k), d)) for n, k, d in shapes]
    sparse = (random.uniform(size=(20, 4)) < 0.1).astype(int)
    sparse[:, 2] = 0
    multilabels += [multilabel(sparse, probabilities((20, 4), 1))]
    multilabels += [multilabel(np.zeros((4, 2), int), probabilities((4, 2), 1))]
    multilabels += [multilabel(np.ones((4, 1), int), np.full((4, 1), 0.7))]
    multilabels += [multilabel(np.zeros((3, 2), int), np.zeros((3, 2)))]

    levels = np.array([0, 0, 1, 2, 2])
    mergeds = [merged(random.randint(0, 5, 60), distribution(60, 5, d), levels) for d in (0, 1)]

    # After all others, whose numbers stay as they are: more memes than a batch has, and a last batch of one class.
    binaries += [binary(random.randint(0, 2, n), probabilities(n, 2)) for n in (150, 129)]

    cases = {"binary": binaries, "multiclass": multiclasses, "multilabel": multilabels}
    for case in sum(cases.values(), []):
        for scores in [case["scores"], *case.get("per_label", [])]:
            for name, value in scores.items():
                if not isinstance(value, list):
                    scores[name] = number(value)
    cases["merged"] = mergeds
    Path(__file__).with_name("scores.json").write_text(json.dumps(cases, separators=(",", ":")) + "\n")


main()
