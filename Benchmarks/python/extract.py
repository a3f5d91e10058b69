"""Embeds a dataset in HarMeme's layout, writes the features to an .npz file and prints images/s and texts/s as JSON.

`--tuned` adds what a performance-minded user would: channels-last, bfloat16 autocast, inference mode and texts sorted
by length. The allocator setting, the third way measured, comes from the environment (see ../compare).
"""
import argparse
import contextlib
import json
import pathlib
import time

import numpy as np
import torch

from encoders import ImageEncoder, TextEncoder, harmeme_rows

BATCH = 32
LEVELS = ("not harmful", "somewhat harmful", "very harmful")


def embedded(encoder, items, order, width):
    """The features of the items, taken in the given order, and how many were done a second."""
    features = np.empty((len(items), width), np.float32)
    start = time.perf_counter()
    for first in range(0, len(items), BATCH):
        batch = order[first:first + BATCH]
        features[batch] = encoder([items[i] for i in batch]).numpy()
    return features, len(items) / (time.perf_counter() - start)


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("dataset", type=pathlib.Path)
parser.add_argument("output", type=pathlib.Path)
parser.add_argument("--tuned", action="store_true")
options = parser.parse_args()

rows = harmeme_rows(options.dataset)
paths = [options.dataset / "images" / row["image"] for row in rows]
texts = [row["text"] for row in rows]
image_encoder, text_encoder = ImageEncoder(options.tuned), TextEncoder()
in_order = list(range(len(rows)))
text_order = sorted(in_order, key=lambda i: len(texts[i])) if options.tuned else in_order
guard = torch.inference_mode() if options.tuned else torch.no_grad()
with guard, torch.autocast("cpu", torch.bfloat16) if options.tuned else contextlib.nullcontext():
    images, images_per_second = embedded(image_encoder, paths, in_order, 1280)
    sentences, texts_per_second = embedded(text_encoder, texts, text_order, 384)
np.savez(options.output, image=images, text=sentences, split=np.array([row["split"] for row in rows]),
         level=np.array([LEVELS.index(row["labels"][0]) for row in rows]))
print(json.dumps({"memes": len(rows), "images_per_second": round(images_per_second, 1),
                  "texts_per_second": round(texts_per_second, 1), "tuned": options.tuned}))
