"""Writes curves.json: precision-recall curves by scikit-learn, with and without ties.

    python generate_curves.py        (scikit-learn 1.9.1, numpy 2.4.6)
"""

import json
from pathlib import Path

import numpy as np
from sklearn.metrics import precision_recall_curve

random = np.random.RandomState(2024)
cases = []
for count, digits in ((30, 1), (25, 16), (12, 0)):
    truth = random.randint(0, 2, count)
    scores = np.round(random.uniform(size=count), digits)
    precision, recall, _ = precision_recall_curve(truth, scores)
    cases.append(
        {"truth": truth.tolist(), "scores": scores.tolist(), "precision": precision[::-1].tolist(),
         "recall": recall[::-1].tolist()}
    )
Path(__file__).with_name("curves.json").write_text(json.dumps(cases, separators=(",", ":")) + "\n")
