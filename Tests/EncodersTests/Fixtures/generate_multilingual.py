"""Writes multilingual.safetensors: weights, tokens and sentence embeddings of a tiny BERT over XLM-RoBERTa's tokens.

The layout is that of sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2: a BertModel, the tokens of an
XLMRobertaTokenizer cut off at 16, and the mean over the states (`mean`). Random weights from seed 0, float32. Texts are
tokenized with the model that MemeDataTests has. Run with torch 2.13.0, transformers 5 and sentencepiece.
"""
import json
import pathlib

import torch
from safetensors.torch import save_file
from sentencepiece import sentencepiece_model_pb2
from transformers import BertConfig, BertModel, XLMRobertaTokenizer

HERE = pathlib.Path(__file__).parent
VOCABULARY = HERE.parent.parent / "MemeDataTests/Fixtures/xlm-roberta.model"
SENTENCES = ["", "one does not simply", "когда понедельник наступил снова", "月曜日がまた来た", "월요일이 또 왔다", "😂 100%",
             "wenn der Chef sagt, dass es nur fünf Minuten dauert " * 3]
LENGTH = 16
torch.manual_seed(0)

proto = sentencepiece_model_pb2.ModelProto.FromString(VOCABULARY.read_bytes())
vocabulary = [(piece, 0.0) for piece in ["<s>", "<pad>", "</s>", "<unk>"]]
vocabulary += [(piece.piece, piece.score) for piece in proto.pieces[3:]] + [("<mask>", 0.0)]
tokenizer = XLMRobertaTokenizer(vocab=vocabulary, _spm_precompiled_charsmap=proto.normalizer_spec.precompiled_charsmap)
config = BertConfig(vocab_size=len(vocabulary) + 30, hidden_size=16, num_hidden_layers=2, num_attention_heads=2,
                    intermediate_size=24, max_position_embeddings=40)
network = BertModel(config).eval()
with torch.no_grad():
    for name, value in network.named_parameters():
        value.normal_(0, 0.25)
    tokens = tokenizer(SENTENCES, padding=True, truncation=True, max_length=LENGTH, return_tensors="pt")
    hidden = network(tokens.input_ids, attention_mask=tokens.attention_mask).last_hidden_state
    mask = tokens.attention_mask[..., None]
    mean = (hidden * mask).sum(1) / mask.sum(1)
out = {f"multilingual.weights.{name}": value for name, value in network.state_dict().items()}
out |= {"tokens": tokens.input_ids.int(), "lengths": tokens.attention_mask.sum(1).int(), "mean": mean}
save_file({name: value.contiguous() for name, value in out.items()}, HERE / "multilingual.safetensors",
          metadata={"sentences": json.dumps(SENTENCES), "multilingual.config": config.to_json_string()})
