"""Writes tsne.json: points, the affinities that scikit-learn's t-SNE gives them, and how good its map is.

    python generate.py        (scikit-learn 1.9.1, numpy 2.4.6)
"""

import json
from pathlib import Path

import numpy as np
from scipy.spatial.distance import squareform
from sklearn.manifold import TSNE, trustworthiness
from sklearn.manifold._t_sne import _joint_probabilities
from sklearn.metrics import pairwise_distances

COUNT, WIDTH, PERPLEXITY = 120, 8, 20
random = np.random.RandomState(2023)
centres = random.normal(size=(5, WIDTH)) * 2
points = np.round(centres[np.arange(COUNT) % 5] + random.normal(size=(COUNT, WIDTH)), 3)

distances = pairwise_distances(points, squared=True)
affinities = squareform(_joint_probabilities(distances, PERPLEXITY, 0))
maps = [
    TSNE(method="exact", perplexity=PERPLEXITY, max_iter=1000, init="random", random_state=seed) for seed in range(5)
]
layouts = [t.fit_transform(points) for t in maps]
fixture = {
    "perplexity": PERPLEXITY,
    "points": points.tolist(),
    "affinity_rows": [0, 7, 64],
    "affinities": affinities[[0, 7, 64]].tolist(),
    "divergences": [float(t.kl_divergence_) for t in maps],
    "trustworthiness": [float(trustworthiness(points, layout, n_neighbors=10)) for layout in layouts],
}
Path(__file__).with_name("tsne.json").write_text(json.dumps(fixture, separators=(",", ":")) + "\n")
