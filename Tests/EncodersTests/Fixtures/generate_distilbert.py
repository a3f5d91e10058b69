"""Writes distilbert.safetensors: weights, tokens and features of a tiny DistilBERT in the layout of the hub.

The layout is that of distilbert/distilbert-base-uncased: a DistilBertForMaskedLM, whose network lies below `distilbert.`,
word pieces cut off at 16, the mean over the states (`mean`) and the state of the first token (`first`). Random weights
from seed 0, float32. Texts are tokenized with the vocabulary that MemeDataTests has. Run with torch 2.13.0 and
transformers 5.
"""
import json
import pathlib

import torch
from safetensors.torch import save_file
from transformers import BertTokenizer, DistilBertConfig, DistilBertForMaskedLM

HERE = pathlib.Path(__file__).parent
VOCABULARY = HERE.parent.parent / "MemeDataTests/Fixtures/vocab.txt"
SENTENCES = ["", "hello", "one does not simply", "MEMES? 100%!", "it is monday again " * 8]
LENGTH = 16
torch.manual_seed(0)

words = VOCABULARY.read_text().splitlines()
tokenizer = BertTokenizer(vocab={word: number for number, word in enumerate(words)}, do_lower_case=True)
config = DistilBertConfig(vocab_size=len(words), dim=16, n_layers=2, n_heads=2, hidden_dim=24, max_position_embeddings=40)
network = DistilBertForMaskedLM(config).eval()
with torch.no_grad():
    for value in network.parameters():
        value.normal_(0, 0.25)
    tokens = tokenizer(SENTENCES, padding=True, truncation=True, max_length=LENGTH, return_tensors="pt")
    hidden = network.distilbert(tokens.input_ids, attention_mask=tokens.attention_mask).last_hidden_state
    mask = tokens.attention_mask[..., None]
    mean = (hidden * mask).sum(1) / mask.sum(1)
out = {f"distilbert.weights.{name}": value.clone() for name, value in network.state_dict().items()}
# The map back to words is the table of words; published files have it once or twice.
out.pop("distilbert.weights.vocab_projector.weight")
out |= {"tokens": tokens.input_ids.int(), "lengths": tokens.attention_mask.sum(1).int(), "mean": mean, "first": hidden[:, 0]}
save_file({name: value.contiguous() for name, value in out.items()}, HERE / "distilbert.safetensors",
          metadata={"sentences": json.dumps(SENTENCES), "distilbert.config": config.to_json_string()})
