"""Writes calibration.json: temperatures and thresholds of random, badly calibrated predictions, by SciPy and scikit-learn.

    python generate_calibration.py        (scikit-learn 1.9.1, scipy 1.17.1, numpy 2.4.6)

Temperatures minimise the log loss by SciPy's bounded search, whose values are scikit-learn's; thresholds are found by trying scikit-learn's
metric at every one there is. Folds deal each kind of meme out by itself, one after the other.
"""

import json
from pathlib import Path

import numpy as np
from scipy import optimize, special
from sklearn import metrics as sk

MARGIN = 2.0**-24
random = np.random.RandomState(1706)


def logit(p):
    return special.logit(np.clip(p, MARGIN, 1 - MARGIN))


def binary_at(p, t):
    return special.expit(logit(p) / t)


def classes_at(p, t):
    return special.softmax(np.log(np.maximum(p, MARGIN)) / t, axis=1)


def binary_loss(y, p):
    return sk.log_loss(y, p, labels=[0, 1])


def class_loss(y, p):
    return sk.log_loss(y, p, labels=list(range(p.shape[1])))


def temperature(y, p):
    # Not scikit-learn's log loss: it clips sure mistakes, which makes plateaus that the search gets lost on.
    def loss(inverse):
        if p.ndim == 1:
            return np.logaddexp(0, -inverse * np.where(y == 1, 1, -1) * logit(p)).sum()
        scores = inverse * np.log(np.maximum(p, MARGIN))
        return (special.logsumexp(scores, axis=1) - scores[np.arange(len(y)), y]).sum()

    found = optimize.minimize_scalar(loss, bounds=(1 / 20, 1 / 0.05), method="bounded", options={"xatol": 1e-12})
    ends = {1 / 20: 20.0, 1 / 0.05: 0.05}
    best = min((found.x, *ends), key=loss)
    return ends.get(best, 1 / best)


def folds(y, k):
    seen, result = {}, []
    for value in y:
        result.append(seen.get(value, 0) % k)
        seen[value] = seen.get(value, 0) + 1
    return np.array(result)


METRICS = {
    "f1": lambda y, d: sk.f1_score(y, d, zero_division=0),
    "f1_macro": lambda y, d: sk.f1_score(y, d, average="macro", labels=[0, 1], zero_division=0),
    "accuracy": sk.accuracy_score,
}


def threshold(y, p, metric):
    edges = sorted({0.0, 1.0, *p})
    choices = [0.5 if a <= 0.5 < b else (a + b) / 2 for a, b in zip(edges, edges[1:])]
    if edges[-2] == 1.0 or 1.0 in p:
        choices.append(1.0)
    return min(choices, key=lambda t: (-METRICS[metric](y, p > t), abs(t - 0.5), t))


def part(y, p, metric, limit, at, loss):
    k = min(limit, *(np.sum(y == c) for c in (0, 1))) if metric else min(limit, len(y))
    before = loss(y, p)
    result = {"temperature": 1.0, "folds": int(k) if k > 1 else 0, "log_loss": {"before": before, "after": before}}
    fold = folds(y, k) if k > 1 else None
    scaled = p
    if k > 1:
        out = np.zeros_like(p)
        for f in range(k):
            out[fold == f] = at(p[fold == f], temperature(y[fold != f], p[fold != f]))
        after = loss(y, out)
        if after < before:
            result["temperature"] = temperature(y, p)
            result["log_loss"]["after"] = after
            scaled = at(p, result["temperature"])
    if metric:
        score = METRICS[metric](y, p > 0.5)
        result |= {"threshold": 0.5, "score": {"before": score, "after": score}, "metric": metric}
        if k > 1:
            thresholds = [threshold(y[fold != f], scaled[fold != f], metric) for f in range(k)]
            decisions = scaled > np.array(thresholds)[fold]
            if METRICS[metric](y, decisions) > score:
                result["threshold"] = float(np.median(thresholds))
                result["score"]["after"] = METRICS[metric](y, decisions)
    return result


def binary(n, sureness, shift, metric, share=0.4, digits=16, limit=5):
    y = (random.uniform(size=n) < share).astype(int)
    p = np.round(special.expit(sureness * (random.normal(size=n) + 1.2 * (y - 0.5)) + shift), digits)
    return {
        "truth": y.tolist(),
        "probabilities": p.tolist(),
        "settings": {"threshold": metric, "folds": limit},
        "expected": part(y, p, metric, limit, binary_at, binary_loss),
    }


def multiclass(n, k, sureness, limit=5):
    y = random.randint(0, k, n)
    p = special.softmax(sureness * (random.normal(size=(n, k)) + 1.2 * np.eye(k)[y]), axis=1)
    return {
        "truth": y.tolist(),
        "probabilities": p.tolist(),
        "settings": {"threshold": "f1", "folds": limit},
        "expected": part(y, p, None, limit, classes_at, class_loss),
    }


def number(value):
    return float(value) if isinstance(value, np.floating) else value


def main():
    cases = {
        "binary": [
            binary(120, 4, -3, "f1"),
            binary(90, 0.3, 0, "f1_macro"),
            binary(60, 3, 2, "accuracy"),
            binary(150, 5, -4, "f1", share=0.1),
            binary(40, 2, -1, "f1", digits=1),
            binary(40, 1, 0, "f1_macro", digits=1, limit=3),
            binary(9, 6, 0, "f1"),
            binary(12, 1, 0, "f1", share=0.1),
            binary(60, 40, 0, "f1"),
        ],
        "multiclass": [multiclass(90, 3, 4), multiclass(60, 5, 0.2), multiclass(50, 2, 1), multiclass(6, 4, 9)],
    }
    text = json.dumps(cases, default=number, separators=(",", ":"))
    Path(__file__).with_name("calibration.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
