"""Image features of a CLIP as Python users compute them, with transformers or open_clip, on weights drawn at random.

    clip.py make MODEL HUB                        writes the model into HUB, a cache in the layout of the hub
    clip.py time LIBRARY PRECISION MODEL DATASET  times LIBRARY (transformers, open_clip) on DATASET's metadata.jsonl
"""
import json
import os
import pathlib
import shutil
import sys
import time

import torch
from PIL import Image

torch.set_num_threads(os.cpu_count())
BATCH = 8
# open_clip's name, and what transformers' default configuration (B/32) is changed in.
MODELS = {
    "b32": ("ViT-B-32-quickgelu", {}, {}, 512),
    "l14": ("ViT-L-14-quickgelu",
            {"hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 24, "num_attention_heads": 16, "patch_size": 14},
            {"hidden_size": 768, "intermediate_size": 3072, "num_attention_heads": 12}, 768),
}


def configuration(name):
    from transformers import CLIPConfig

    _, vision, text, width = MODELS[name]
    vision, text = vision | {"projection_dim": width}, text | {"projection_dim": width}
    return CLIPConfig(vision_config=vision, text_config=text, projection_dim=width)


def make(name, hub):
    from transformers import CLIPImageProcessor, CLIPModel

    commit = "0" * 40
    model = hub / f"models--random--{name}"
    shutil.rmtree(model, ignore_errors=True)
    snapshot = model / "snapshots" / commit
    torch.manual_seed(1)
    CLIPModel(configuration(name)).save_pretrained(snapshot)
    CLIPImageProcessor().save_pretrained(snapshot)
    # Pictures alone are timed: a vocabulary of the letters is enough.
    letters = [*(chr(code) for code in range(ord("a"), ord("z") + 1)), "<|startoftext|>", "<|endoftext|>"]
    words = letters[:26] + [letter + "</w>" for letter in letters[:26]] + letters[26:]
    (snapshot / "vocab.json").write_text(json.dumps({word: number for number, word in enumerate(words)}))
    (snapshot / "merges.txt").write_text("#version: 0.2\n")
    (model / "refs").mkdir()
    (model / "refs/main").write_text(commit)


def transformers_encoder(name, dtype):
    from transformers import CLIPImageProcessor, CLIPVisionModelWithProjection

    model = CLIPVisionModelWithProjection(configuration(name).vision_config).eval().to(dtype)
    processor = CLIPImageProcessor()
    return lambda images: model(processor(images, return_tensors="pt")["pixel_values"].to(dtype)).image_embeds


def open_clip_encoder(name, dtype):
    # PyPI's torchvision is built for CUDA: beside a torch without it, it misses its operators, of which none is used here.
    missing = torch.library.Library("torchvision", "DEF")
    missing.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    missing.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    import open_clip

    model, _, preprocess = open_clip.create_model_and_transforms(MODELS[name][0])
    model = model.visual.eval().to(dtype)
    return lambda images: model(torch.stack([preprocess(image) for image in images]).to(dtype))


def measure(library, precision, name, dataset):
    torch.manual_seed(1)
    encode = {"transformers": transformers_encoder, "open_clip": open_clip_encoder}[library](name, getattr(torch, precision))
    rows = [json.loads(line) for line in (dataset / "metadata.jsonl").read_text().splitlines()]
    features = []
    start = time.perf_counter()
    with torch.inference_mode():
        for first in range(0, len(rows), BATCH):
            images = [Image.open(dataset / row["file_name"]).convert("RGB") for row in rows[first:first + BATCH]]
            features.append(encode(images).float())
    seconds = time.perf_counter() - start
    if not torch.cat(features).isfinite().all():
        sys.exit("clip.py: features that are not finite")
    print(json.dumps({"memes": len(rows), "images_per_second": len(rows) / seconds}))


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["make", model, hub]: make(model, pathlib.Path(hub))
        case ["time", library, precision, model, dataset]: measure(library, precision, model, pathlib.Path(dataset))
        case _: sys.exit(__doc__)
