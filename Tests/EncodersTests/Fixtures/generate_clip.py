"""Writes clip.safetensors: inputs, weights and outputs of tiny CLIPs, as transformers has them.

Networks of random weights from seed 0 (`clip.*`, `gelu.*`, `tanh.*`, each with `weights.*`), all float32, with their
configurations in the metadata; and pictures as transformers prepares them with Pillow (`pictures.*`), drawn by `picture`,
which the test draws likewise. Texts are tokenized with the vocabulary that MemeDataTests has. Run with torch 2.13.0,
transformers 5, pillow and numpy.
"""
import json
import pathlib

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file
from transformers import CLIPConfig, CLIPModel, CLIPTokenizer
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

HERE = pathlib.Path(__file__).parent
VOCABULARY = HERE.parent.parent / "MemeDataTests/Fixtures"
SENTENCES = ["", "one does not simply", "When you realise it is Monday again", "a", "MEMES!!! 100 %", "one more a",
             "much longer than the network has places for, so that its end is cut off and nobody reads it " * 3]
SIZES = [(640, 480), (333, 517), (97, 31), (24, 24), (51, 50), (7, 90), (301, 25)]
out, metadata = {}, {"sentences": json.dumps(SENTENCES), "sizes": json.dumps(SIZES)}
torch.manual_seed(0)


def picture(width, height):
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    disc = (x - width // 3) ** 2 + (y - height // 2) ** 2 < (height // 4) ** 2
    channels = [x * 255 // width, y * 255 // height, np.where(disc, 230, (x // 16 + y // 16) % 2 * 90)]
    return np.stack(channels, -1).astype(np.uint8)


def random_weights(network):
    for name, value in network.named_parameters():
        value.normal_(0, 0.25)
        if "norm" in name and name.endswith("weight"):
            value.add_(1)
    return network.eval()


def record(name, values):
    for key, value in values.items():
        out[f"{name}.{key}"] = value


def record_weights(name, network):
    record(name + ".weights", network.state_dict())


def normalized(pixels, mean, deviation):
    scaled = pixels.float() / 255
    return (scaled - torch.tensor(mean)[:, None, None]) / torch.tensor(deviation)[:, None, None]


def clip(name, activation, end, image_side, patch_side):
    tokenizer = CLIPTokenizer(str(VOCABULARY / "clip_vocab.json"), str(VOCABULARY / "clip_merges.txt"))
    config = CLIPConfig(
        projection_dim=20,
        vision_config={"hidden_size": 16, "intermediate_size": 20, "num_hidden_layers": 2, "num_attention_heads": 4,
                       "image_size": image_side, "patch_size": patch_side, "hidden_act": activation},
        text_config={"hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2,
                     "vocab_size": len(tokenizer), "max_position_embeddings": 16, "hidden_act": activation,
                     "eos_token_id": end or tokenizer.eos_token_id})
    metadata[name + ".config"] = config.to_json_string()
    network = random_weights(CLIPModel(config))
    record_weights(name, network)
    pixels = torch.randint(0, 256, (5, 3, image_side, image_side), dtype=torch.uint8)
    mean, deviation = [0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711]
    vision = network.vision_model(normalized(pixels, mean, deviation)).pooler_output
    record(name, {"pixels": pixels, "image.pooled": vision, "image.projected": network.visual_projection(vision)})
    tokens = tokenizer(SENTENCES, padding="max_length", truncation=True, max_length=16, return_tensors="pt")
    text = network.text_model(tokens.input_ids, attention_mask=tokens.attention_mask).pooler_output
    # As the authors of TIB-VA fill up: with zeros, which the network reads like any other token.
    zeros = tokens.input_ids * tokens.attention_mask
    states = network.text_model(zeros).last_hidden_state
    record(name, {"text.pooled": text, "text.projected": network.text_projection(text),
                  "tokens": zeros.int(), "lengths": tokens.attention_mask.sum(1).int(), "text.states": states,
                  "text.projected_states": network.text_projection(states)})
    out[name + ".similarity"] = torch.nn.functional.normalize(network.visual_projection(vision)) @ (
        torch.nn.functional.normalize(network.text_projection(text)).T)


def pictures():
    crop = CLIPImageProcessorPil(size={"shortest_edge": 24}, crop_size={"height": 24, "width": 24})
    wide = CLIPImageProcessorPil(size={"shortest_edge": 31}, crop_size={"height": 24, "width": 24})
    for width, height in SIZES:
        image = Image.fromarray(picture(width, height))
        name = f"pictures.{width}x{height}"
        squashed = np.array(image.resize((24, 24), Image.BICUBIC))
        out[name + ".squash"] = torch.from_numpy(squashed).permute(2, 0, 1)
        for kind, processor in {"crop": crop, "wide": wide}.items():
            bytes_ = processor(image, do_rescale=False, do_normalize=False).pixel_values[0]
            out[f"{name}.{kind}"] = torch.from_numpy(np.asarray(bytes_).astype(np.uint8))
    image = Image.fromarray(picture(640, 480))
    out["pictures.640x480.normalized"] = torch.as_tensor(np.asarray(crop(image).pixel_values[0]))
    metadata["preprocessor"] = crop.to_json_string()


with torch.no_grad():
    clip("clip", "quick_gelu", None, 24, 7)
    clip("gelu", "gelu", 2, 24, 8)
    clip("tanh", "gelu_pytorch_tanh", None, 24, 12)
    pictures()
save_file({name: value.contiguous() for name, value in out.items()}, HERE / "clip.safetensors", metadata=metadata)
