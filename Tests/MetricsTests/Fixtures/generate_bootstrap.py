"""Writes bootstrap.json: paired differences of AUROC with percentile intervals by SciPy, on resamples drawn here.

    python generate_bootstrap.py        (scipy 1.17.1, scikit-learn 1.9.1, numpy 2.4.6)

`indices` is the program's own resampling in Python. scipy.stats.bootstrap is given a generator that hands out exactly
these indices; AUROCs are scikit-learn's. `draws` has the first indices, to compare the resampling by itself.
"""

import json
from pathlib import Path

import numpy as np
from scipy import stats
from sklearn.metrics import roc_auc_score

MASK = (1 << 64) - 1


def indices(seed, resamples, size):
    state, drawn = seed, np.empty(resamples * size, dtype=int)
    for position in range(resamples * size):
        state = (state + 0x9E3779B97F4A7C15) & MASK
        mixed = state
        mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & MASK
        mixed ^= mixed >> 31
        drawn[position] = (mixed * size) >> 64
    return drawn.reshape(resamples, size)


class Fixed(np.random.Generator):
    """A generator that hands out rows of indices in order instead of random ones."""

    def __new__(cls, rows):
        return super().__new__(cls, np.random.PCG64(0))

    def __init__(self, rows):
        super().__init__(np.random.PCG64(0))
        self.rows, self.position = rows, 0

    def integers(self, low, high=None, size=None, dtype=np.int64, endpoint=False):
        count = size[0]
        assert size[1] == self.rows.shape[1]
        taken = self.rows[self.position : self.position + count]
        self.position += count
        return taken


def auroc(truth, scores):
    """The mean over labels; NaN where one has a single class."""
    if any(len(set(column)) < 2 for column in truth.T):
        return np.nan
    return np.mean([roc_auc_score(t, s) for t, s in zip(truth.T, scores.T)])


def interval(size, statistic, seed, resamples):
    rows = indices(seed, resamples, size)
    result = stats.bootstrap(
        (np.arange(size),), statistic, n_resamples=resamples, vectorized=False, method="percentile",
        random_state=Fixed(rows), batch=resamples)
    values = result.bootstrap_distribution
    assert np.array_equal(values, [statistic(row) for row in rows], equal_nan=True)
    defined = values[~np.isnan(values)]
    lower, upper = result.confidence_interval
    if len(defined) < len(values):  # SciPy gives no interval then
        lower, upper = np.percentile(defined, [2.5, 97.5])
    tail = min((defined <= 1e-12).sum(), (defined >= -1e-12).sum())  # what rounding leaves of zero is zero
    return {
        "lower": lower, "upper": upper, "p_value": min(1, 2 * (tail + 1) / (len(defined) + 1)),
        "undefined_count": int(len(values) - len(defined)),
    }


def case(random, seeds, memes, labels, digits, share, resampling_seed, resamples):
    truth = (random.uniform(size=(memes, labels)) < share).astype(int)
    signal = truth[None] * 0.25
    models = [
        np.round(random.uniform(size=(seeds, memes, labels)) * 0.7 + signal * strength, digits)
        for strength in (1.0, 0.6)
    ]

    def difference(seed, rows):
        return auroc(truth[rows], models[0][seed][rows]) - auroc(truth[rows], models[1][seed][rows])

    everything = np.arange(memes)
    by_seed = np.array([difference(seed, everything) for seed in range(seeds)])
    return {
        "truth": truth.tolist(), "first": models[0].tolist(), "second": models[1].tolist(),
        "seed": resampling_seed, "resamples": resamples, "difference": by_seed.mean(),
        "memes": interval(
            memes, lambda rows: np.mean([difference(seed, rows) for seed in range(seeds)]), resampling_seed, resamples),
        "seeds": interval(seeds, lambda rows: by_seed[rows].mean(), resampling_seed, resamples) if seeds > 1 else None,
    }


def main():
    random = np.random.RandomState(2026)
    cases = [
        case(random, 3, 40, 1, 2, 0.4, 42, 200),
        case(random, 5, 30, 1, 1, 0.5, 7, 150),
        case(random, 2, 40, 3, 2, 0.4, 1 << 63, 120),
        case(random, 1, 12, 1, 1, 0.2, 42, 200),  # some resamples have one class
    ]
    assert cases[3]["memes"]["undefined_count"] > 0
    draws = [
        {"seed": seed, "size": size, "indices": indices(seed, 2, size).tolist()}
        for seed, size in ((0, 5), (42, 10), (MASK, 1000))
    ]
    Path(__file__).with_name("bootstrap.json").write_text(
        json.dumps({"cases": cases, "draws": draws}, separators=(",", ":")) + "\n")


main()
