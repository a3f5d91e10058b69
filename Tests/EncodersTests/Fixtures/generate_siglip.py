"""Writes siglip.safetensors: inputs, weights and outputs of tiny SigLIPs, as transformers has them.

Networks of random weights from seed 0 (`siglip.*`; `narrow.*`, whose texts are projected to another width), each with
`weights.*`, all float32, with their configurations in the metadata. Texts are tokenized with the model that MemeDataTests
has. Run with torch 2.13.0, transformers 5, sentencepiece, pillow and numpy.
"""
import json
import pathlib

import torch
from safetensors.torch import save_file
from transformers import SiglipConfig, SiglipModel, SiglipTokenizer
from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil

HERE = pathlib.Path(__file__).parent
VOCABULARY = HERE.parent.parent / "MemeDataTests/Fixtures/siglip.model"
SENTENCES = ["", "one does not simply", "When you realise it is Monday again!", "a", "MEMES!!! 100 % \U0001f602", "кот",
             "much longer than the network has places for, so that its end is cut off and nobody reads it " * 3]
LENGTH = 16
out, metadata = {}, {"sentences": json.dumps(SENTENCES)}
torch.manual_seed(0)


def random_weights(network):
    for name, value in network.named_parameters():
        value.normal_(0, 0.25)
        if "norm" in name and name.endswith("weight"):
            value.add_(1)
    return network.eval()


def siglip(name, image_side, patch_side, **text):
    tokenizer = SiglipTokenizer(str(VOCABULARY), model_max_length=LENGTH)
    config = SiglipConfig(
        vision_config={"hidden_size": 16, "intermediate_size": 20, "num_hidden_layers": 2, "num_attention_heads": 4,
                       "image_size": image_side, "patch_size": patch_side},
        text_config={"hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2,
                     "vocab_size": tokenizer.vocab_size, "max_position_embeddings": LENGTH, **text})
    metadata[name + ".config"] = config.to_json_string()
    network = random_weights(SiglipModel(config))
    for key, value in network.state_dict().items():
        out[f"{name}.weights.{key}"] = value
    pixels = torch.randint(0, 256, (5, 3, image_side, image_side), dtype=torch.uint8)
    image = network.get_image_features((pixels.float() / 255 - 0.5) / 0.5).pooler_output
    # The network reads what fills a text up like any other token: no mask.
    tokens = tokenizer(SENTENCES, padding="max_length", truncation=True, max_length=LENGTH, return_tensors="pt").input_ids
    text = network.text_model(tokens)
    for key, value in {"pixels": pixels, "image": image, "tokens": tokens.int(), "text.projected": text.pooler_output,
                       "text.pooled": text.last_hidden_state[:, -1], "text.states": text.last_hidden_state}.items():
        out[f"{name}.{key}"] = value


with torch.no_grad():
    siglip("siglip", 24, 7)
    siglip("narrow", 24, 8, projection_size=12, hidden_act="gelu")
metadata["preprocessor"] = SiglipImageProcessorPil(size={"height": 24, "width": 24}).to_json_string()
save_file({name: value.contiguous() for name, value in out.items()}, HERE / "siglip.safetensors", metadata=metadata)
