"""Writes what the tests of Audit compare with.

pictures/*.png and pdq.json: drawn pictures with the hash and quality that the reference implementation of PDQ (pdqhash
0.2.8, the C++ of its authors) gives their pixels. confident.json: confident learning by its definitions in plain NumPy.
Made with the Python of Benchmarks/setup-python: python generate.py
"""
import json
import pathlib

import numpy as np
import pdqhash
from PIL import Image, ImageDraw, ImageFilter

here = pathlib.Path(__file__).parent


# MARK: PDQ

def drawing(rng, width, height, shapes):
    image = Image.new("RGB", (width, height), tuple(int(v) for v in rng.integers(0, 256, 3)))
    draw = ImageDraw.Draw(image)
    for number in range(shapes):
        x, y = int(rng.integers(-width // 4, width)), int(rng.integers(-height // 4, height))
        box = [x, y, x + int(rng.integers(4, width // 2 + 5)), y + int(rng.integers(4, height // 2 + 5))]
        colour = tuple(int(v) for v in rng.integers(0, 256, 3))
        (draw.ellipse if number % 2 else draw.rectangle)(box, fill=colour)
    return image


def pictures():
    rng = np.random.default_rng(7)
    # Sides below, at and above 64 and 128, odd and even windows, flat and tall.
    for name, width, height, shapes in [
        ("tiny", 40, 31, 12), ("square", 64, 64, 20), ("small", 100, 75, 20), ("wide", 400, 129, 30), ("tall", 50, 300, 25),
        ("odd", 257, 193, 30), ("large", 640, 400, 40), ("plain", 120, 120, 1), ("few", 200, 150, 4),
    ]:
        yield name, drawing(rng, width, height, shapes)
    grey = drawing(rng, 320, 200, 30).convert("L")
    yield "grey", grey
    yield "blurred", drawing(rng, 90, 70, 15).filter(ImageFilter.GaussianBlur(3))


def write_pdq():
    folder = here / "pictures"
    folder.mkdir(exist_ok=True)
    rows = []
    for name, image in pictures():
        image.save(folder / f"{name}.png", optimize=True)
        bits, quality = pdqhash.compute(np.asarray(image.convert("RGB")))
        # The highest bit comes first.
        rows.append({"name": name, "hash": f"{int(''.join(map(str, bits)), 2):064x}", "quality": int(quality)})
    (here / "pdq.json").write_text(json.dumps(rows, indent=1) + "\n")


# MARK: Confident learning

def confident(labels, probabilities):
    """Thresholds, confident joint, calibrated joint and ranked suspicions, as Northcutt et al. and cleanlab define them."""
    count, classes = probabilities.shape
    thresholds = np.array([probabilities[labels == j, j].mean() if (labels == j).any() else np.inf for j in range(classes)])
    above = probabilities >= thresholds - 1e-6
    likeliest = probabilities.argmax(1)
    guess = np.where(above.sum(1) > 1, likeliest, above.argmax(1))
    is_confident = above.any(1)
    joint = np.zeros((classes, classes), int)
    np.add.at(joint, (labels[is_confident], guess[is_confident]), 1)
    np.fill_diagonal(joint, joint.diagonal().clip(min=1))
    sizes = np.bincount(labels, minlength=classes)
    calibrated = joint / joint.sum(1, keepdims=True) * sizes[:, None]
    suspicious = is_confident & (guess != labels) & (likeliest != labels)
    own = probabilities[np.arange(count), labels]
    rival = np.where(np.eye(classes, dtype=bool)[labels], -np.inf, probabilities).max(1)
    rows = np.flatnonzero(suspicious)
    rows = rows[np.lexsort((rows, own[rows]))]
    return {
        # JSON has no infinity.
        "thresholds": [None if np.isinf(t) else t for t in thresholds],
        "joint": joint.tolist(), "calibrated": calibrated.tolist(),
        "rows": rows.tolist(), "suggested": guess[rows].tolist(), "self_confidence": own[rows].tolist(),
        "normalized_margin": ((own[rows] - rival[rows] + 1) / 2).tolist(),
    }


def write_confident():
    rng = np.random.default_rng(11)
    cases = []
    for count, classes, noise, unused in [(60, 2, 0.2, 0), (90, 4, 0.25, 0), (50, 3, 0.3, 1)]:
        truth = rng.integers(0, classes - unused, count)
        logits = rng.normal(0, 1, (count, classes)) + 1.6 * np.eye(classes)[truth]
        probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
        labels = np.where(rng.random(count) < noise, rng.integers(0, classes - unused, count), truth)
        cases.append({"labels": labels.tolist(), "probabilities": probabilities.tolist(), "expected": confident(labels, probabilities)})
    (here / "confident.json").write_text(json.dumps(cases) + "\n")


if __name__ == "__main__":
    write_pdq()
    write_confident()
