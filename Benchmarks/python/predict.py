"""Predicts one meme with a model of semimemes.py: loads both encoders and the head, reads the image, prints JSON."""
import argparse
import json
import pathlib

import torch

from encoders import ImageEncoder, TextEncoder
from heads import SemiMemes

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("model", type=pathlib.Path)
parser.add_argument("image", type=pathlib.Path)
parser.add_argument("--text", required=True)
options = parser.parse_args()

model = SemiMemes()
model.load_state_dict(torch.load(options.model, weights_only=True))
model.eval()
with torch.inference_mode():
    probability = torch.sigmoid(model(ImageEncoder()([options.image]), TextEncoder()([options.text])))
print(json.dumps({"id": options.image.name, "probabilities": {"harmful": round(probability.item(), 6)}}))
