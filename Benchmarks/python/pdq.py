"""Hashes a dataset in HarMeme's layout with pdqhash, the reference implementation of PDQ, one process a core.

Writes ids, splits, bits and qualities to an .npz file and prints hashes/s as JSON. Decoding is part of the time, the start of
the processes is not.
"""
import argparse
import json
import multiprocessing
import os
import pathlib
import time

import numpy as np
import pdqhash
from PIL import Image

NAMES = {"train": "train", "val": "validation", "test": "test"}


def hashed(path):
    with Image.open(path) as image:
        bits, quality = pdqhash.compute(np.asarray(image.convert("RGB")))
    return np.asarray(bits, np.uint8), quality


def ready(_):
    return os.getpid()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", type=pathlib.Path)
    parser.add_argument("output", type=pathlib.Path)
    options = parser.parse_args()
    rows = [(NAMES[split], json.loads(line)) for split in NAMES
            for line in (options.dataset / f"annotations/{split}.jsonl").read_text(encoding="utf-8").splitlines() if line.strip()]
    paths = [options.dataset / "images" / row["image"] for _, row in rows]
    with multiprocessing.Pool(os.cpu_count()) as pool:
        pool.map(ready, range(64))
        start = time.perf_counter()
        results = pool.map(hashed, paths, chunksize=16)
        seconds = time.perf_counter() - start
    np.savez(options.output, id=[row["id"] for _, row in rows], split=[split for split, _ in rows],
             bits=np.stack([bits for bits, _ in results]), quality=[quality for _, quality in results])
    print(json.dumps({"memes": len(rows), "hashes_per_second": round(len(rows) / seconds, 1)}))
