"""Writes heads.safetensors: what methods make of bytes, token ids, words and regions, from their input to their logits, and the
learning rates of Ext-PIE-Net's classifier.

ViLT with its head is transformers' own `ViltForImagesAndTextClassification` for one picture; VisualBERT and LXMERT are
transformers' with SemiMemes' head written out (reference 12 §2); of CMML the path of words is scikit-learn's CountVectorizer
and layers written out, beside an image vector that is given. Weights are random, seed 0, of numbers that float16 holds exactly,
and so they are stored; of words only those that occur. Run with the Python of `Benchmarks/setup-python`: torch 2.13.0,
transformers 5.23.0 and scikit-learn 1.9.1.
"""
import pathlib

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from sklearn.feature_extraction.text import CountVectorizer
from transformers import (LxmertConfig, LxmertModel, ViltConfig, ViltForImagesAndTextClassification, VisualBertConfig,
                          VisualBertModel)
from transformers.image_utils import (IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD, IMAGENET_STANDARD_MEAN, IMAGENET_STANDARD_STD,
                                      OPENAI_CLIP_MEAN, OPENAI_CLIP_STD)

torch.manual_seed(0)
torch.set_num_threads(1)
out = {}


def record(name, tensor):
    out[name] = tensor.detach().clone().contiguous()


def drawn(*shape):
    """Numbers near 1 over the root of the inputs, which float16 holds exactly."""
    fan = shape[-1] if len(shape) > 1 else 25
    return (torch.randn(shape) / fan**0.5).half().float()


def randomise(model):
    for key, value in model.state_dict().items():
        if value.is_floating_point():
            gain = 1 if value.ndim == 1 and key.endswith("weight") else 0
            value.copy_((gain + drawn(*value.shape)).half())


# What networks see of bytes.
pixels = torch.tensor([[0, 51, 255], [128, 200, 7]], dtype=torch.uint8)[:, :, None, None]
record("pixels.bytes", pixels)
NORMALIZATIONS = {
    "clip": (OPENAI_CLIP_MEAN, OPENAI_CLIP_STD), "image_net": (IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD),
    "centered": (IMAGENET_STANDARD_MEAN, IMAGENET_STANDARD_STD),
}


def normalized(pixels, name):
    mean, deviation = (torch.tensor(values)[:, None, None] for values in NORMALIZATIONS[name])
    return (pixels.float() / 255 - mean) / deviation


for name in NORMALIZATIONS:
    record(f"pixels.{name}", normalized(pixels, name))

# Three memes: a text that is longer than the networks read, which keeps its end, and shorter ones.
LIMIT = 6
known = torch.tensor([0, 100, 101, 102, 2054, 2748, 3614, 9999, 30521])
lengths = [9, 4, 2]
ids = torch.zeros(3, 9, dtype=torch.long)
for row, length in enumerate(lengths):
    ids[row, 0], ids[row, length - 1] = 101, 102
    ids[row, 1:length - 1] = known[torch.randint(4, 9, (length - 2,))]
record("known", known)
record("ids", ids)
record("lengths", torch.tensor(lengths))
cut = torch.zeros(3, LIMIT, dtype=torch.long)
has_text = torch.zeros(3, LIMIT, dtype=torch.long)
for row, length in enumerate(lengths):
    text = ids[row, :length]
    if length > LIMIT:
        text = torch.cat([text[:LIMIT - 1], text[-1:]])
    cut[row, :len(text)], has_text[row, :len(text)] = text, 1

SIZE = dict(hidden_size=12, num_hidden_layers=1, num_attention_heads=3, intermediate_size=20, hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0, vocab_size=30522, attn_implementation="eager")


def weights(name, model, renamed):
    for key, value in model.state_dict().items():
        if value.is_floating_point():
            words = key.endswith("word_embeddings.weight")
            record(f"{name}.{renamed(key)}", (value[known] if words else value).half())


# ViLT: the words, the patches of a picture, and the head of its authors.
pictures = torch.randint(0, 256, (3, 3, 16, 16), dtype=torch.uint8)
record("pictures", pictures)
vilt = ViltForImagesAndTextClassification(ViltConfig(
    **SIZE, image_size=16, patch_size=8, max_position_embeddings=LIMIT, max_image_length=-1, qkv_bias=True, num_images=1,
    num_labels=3))
randomise(vilt)
vilt.eval()
HEAD = {"classifier.0.": "head.hidden.", "classifier.1.": "head.normalization.", "classifier.3.": "head.output."}


def of_vilt(key):
    for theirs, ours in HEAD.items():
        if key.startswith(theirs):
            return ours + key[len(theirs):]
    return "network." + key.removeprefix("vilt.")


weights("vilt", vilt, of_vilt)
with torch.no_grad():
    record("vilt.logits", vilt(cut, has_text, pixel_values=normalized(pictures, "centered")[:, None],
                               pixel_mask=torch.ones(3, 1, 16, 16, dtype=torch.long)).logits)

# VisualBERT and LXMERT: the words and regions, of which memes have 3, 2 and 1, and SemiMemes' head.
counts = [3, 2, 1]
features, boxes = drawn(3, 3, 5), torch.rand(3, 3, 4).half().float()
has_regions = (torch.arange(3)[None] < torch.tensor(counts)[:, None]).long()
features, boxes = features * has_regions[:, :, None], boxes * has_regions[:, :, None]
present = has_regions.bool()
record("regions.features", features[present])
record("regions.boxes", boxes[present])
record("regions.counts", torch.tensor(counts))


def head(name):
    layers = torch.nn.Sequential(torch.nn.Linear(12, 7), torch.nn.Dropout(0.3), torch.nn.Linear(7, 3))
    randomise(layers)
    for ours, layer in (("hidden", layers[0]), ("output", layers[2])):
        record(f"{name}.head.{ours}.weight", layer.weight.half())
        record(f"{name}.head.{ours}.bias", layer.bias.half())
    return layers.eval()


visual_bert = VisualBertModel(VisualBertConfig(**SIZE, max_position_embeddings=512, visual_embedding_dim=5))
randomise(visual_bert)
visual_bert.eval()
weights("visualbert", visual_bert, lambda key: "network." + key)
with torch.no_grad():
    pooled = visual_bert(cut, has_text, visual_embeds=features, visual_attention_mask=has_regions).pooler_output
    record("visualbert.logits", head("visualbert")(pooled))

lxmert = LxmertModel(LxmertConfig(**SIZE, l_layers=1, r_layers=1, x_layers=1, visual_feat_dim=5, visual_pos_dim=4,
                                  max_position_embeddings=512))
randomise(lxmert)
lxmert.eval()
weights("lxmert", lxmert, lambda key: "network." + key)
with torch.no_grad():
    pooled = lxmert(cut, features, boxes, has_text, has_regions).pooled_output
    record("lxmert.logits", head("lxmert")(pooled))

# CMML on words: five memes, the last of which has no text; the vocabulary is that of all texts. What ResNet-18 says of
# pictures is a bias.
TEXTS = ["when the test passes", "The TEST fails: the test!", "nobody: the cat", "cat cat monday"]
counter = CountVectorizer(max_features=3, binary=True).fit(TEXTS)
assert list(counter.get_feature_names_out()) == ["cat", "test", "the"]
bags = torch.tensor(counter.transform(TEXTS).toarray()).float()
bags = torch.cat([bags, torch.zeros(1, 3)])
p = {"words.weight": drawn(5, 3), "words.bias": drawn(5), "network.image.weight": drawn(6, 512), "network.image.bias": drawn(6),
     "network.text.weight": drawn(6, 5), "network.text.bias": drawn(6)}
for index, (inputs, outputs) in enumerate([(6, 64), (64, 32), (32, 1)]):
    p |= {f"network.attention.{index}.weight": drawn(outputs, inputs), f"network.attention.{index}.bias": drawn(outputs)}
for name in ("image", "text", "fused"):
    p |= {f"network.predictors.{name}.weight": drawn(3, 6), f"network.predictors.{name}.bias": drawn(3)}
seen = drawn(512)
record("cmml.images.layer4.1.bn2.bias", seen.half())
for key, value in p.items():
    record(f"cmml.{key}", value.half())


def linear(name, x):
    return F.linear(x, p[f"{name}.weight"], p[f"{name}.bias"])


text = linear("network.text", F.relu(linear("words", bags)))
image = linear("network.image", F.relu(seen)[None].expand(5, -1))
views = torch.stack([image, text], 1)
scores = linear("network.attention.2", F.relu(linear("network.attention.1", F.relu(linear("network.attention.0", views)))))
fused = (scores.softmax(1) * views).sum(1)
for name, vector in (("image", image), ("text", text), ("fused", fused)):
    record(f"cmml.logits.{name}", linear(f"network.predictors.{name}", vector))


# OneCycleLR: all of a short cycle, and the rates of 100 epochs where it is moved once an epoch from that of number 3 on
# (reference 11 §4).
def cycle(batches, epochs):
    optimizer = torch.optim.Adam([torch.nn.Parameter(torch.zeros(1))], lr=1e-4)
    return optimizer, torch.optim.lr_scheduler.OneCycleLR(optimizer, 1e-3, steps_per_epoch=batches, epochs=epochs)


for length in (20, 7):
    optimizer, schedule = cycle(1, length)
    rates = []
    for step in range(length):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if step + 1 < length:
            schedule.step()
    record(f"one_cycle.whole.{length}", torch.tensor(rates, dtype=torch.float64))
for batches in (1, 5, 40):
    optimizer, schedule = cycle(batches, 100)
    rates = []
    for epoch in range(100):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if epoch >= 3:
            schedule.step()
    record(f"one_cycle.epochs.{batches}", torch.tensor(rates, dtype=torch.float64))

save_file(out, pathlib.Path(__file__).with_name("heads.safetensors"))
