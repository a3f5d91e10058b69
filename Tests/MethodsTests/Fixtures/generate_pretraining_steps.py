"""Writes pretraining_steps.safetensors: a whole training step each of CLIP and of CASS-MM, on timm's and transformers' networks.

Networks are the smallest that recipes can name. Weights are random, seed 0, of numbers that float16 holds exactly; so they are
stored, of the embedding of words nothing but the rows of words that occur, since the others are 0. Of each gradient it has the
norm, up to 40 elements spread over those that are not 0, the places of these, and by how much a step of AdamW changes the
weights there. Run with the Python of `Benchmarks/setup-python --open-clip`.
"""
import pathlib
import sys

import torch

sys.path.append(str(pathlib.Path(__file__).parents[2] / "NetworksTests" / "Fixtures"))
from recording import out, randomise, record  # before timm
from pretraining_parts import Projection, agreement_loss, clip_loss

import torch.nn as nn
from safetensors.torch import save_file
from timm.models.resnet import BasicBlock, ResNet
from timm.models.vision_transformer import VisionTransformer
from transformers import BertConfig, BertModel, DistilBertConfig, DistilBertModel

torch.manual_seed(0)
torch.set_num_threads(1)
GRADIENT_LIMIT = 40
WORDS = "word_embeddings.weight"
# Of the picture networks, of the networks for texts and of what lies on both.
LEARNING_RATE, TEXT_RATE, HEAD_RATE = 1e-2, 1e-3, 1e-1
WEIGHT_DECAY = 0.5

# Five memes. The first text is longer than what is read of one; its last token then follows on what is left.
lengths, limit = [7, 4, 2, 6, 3], 6
ids = torch.randint(1000, 30522, (5, 7)) * (torch.arange(7)[None] < torch.tensor(lengths)[:, None])
read = torch.cat([ids[:, :limit - 1], ids[:, limit - 1:limit]], 1)
read[0, -1] = ids[0, -1]
has_text = (read > 0).long()
known = read.unique()
record("ids", ids), record("lengths", torch.tensor(lengths)), record("known", known)


def drawn_pictures(name, side):
    """Bytes of pictures, and what a network sees of them: channels of ImageNet's mean and deviation."""
    pictures = torch.randint(0, 256, (5, 3, side, side), dtype=torch.uint8)
    record(name, pictures)
    mean, deviation = (torch.tensor(x)[:, None, None] for x in ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]))
    return (pictures / 255 - mean) / deviation


def drawn_weights(name, model):
    randomise(model)
    for key, value in model.state_dict().items():
        if key.endswith(WORDS):
            kept = value[known].clone()
            value.zero_()
            value[known] = kept
            record(f"{name}.{key}", kept.half())
        elif value.is_floating_point():
            record(f"{name}.{key}", value.half())


def record_step(name, model, loss):
    """What `loss` gives, its gradients, and a step of AdamW, in which matrices alone decay; the model is then as it was."""
    start = {key: value.clone() for key, value in model.state_dict().items()}
    model.zero_grad()
    value = loss()
    value.backward()
    record(f"{name}.loss", value)
    places = {}
    for key, parameter in model.named_parameters():
        if parameter.grad is None:
            continue
        gradient = parameter.grad.flatten()
        nonzero = gradient.nonzero().flatten()
        places[key] = nonzero[::max(1, -(-len(nonzero) // GRADIENT_LIMIT))]
        record(f"{name}.places.{key}", places[key].int())
        record(f"{name}.gradient.{key}", gradient[places[key]])
        record(f"{name}.norm.{key}", gradient.norm())
    for key, value in model.named_buffers():
        if "running" in key:
            record(f"{name}.after.{key}", value)

    def rate(key):
        # The layer after a picture network stands where its classifier was.
        if "images." in key or "head.picture." in key:
            return LEARNING_RATE
        return TEXT_RATE if "texts." in key else HEAD_RATE

    optimizer = torch.optim.AdamW([
        {"params": [value], "lr": rate(key), "weight_decay": WEIGHT_DECAY if value.ndim > 1 else 0}
        for key, value in model.named_parameters()])
    optimizer.step()
    for key, parameter in model.named_parameters():
        if key in places:
            record(f"{name}.change.{key}", (parameter - start[key]).flatten()[places[key]])
    model.load_state_dict(start)


def vit(side):
    return VisionTransformer(
        img_size=side, patch_size=16, embed_dim=24, depth=2, num_heads=3, num_classes=0, global_pool="token")


class CLIP(nn.Module):
    def __init__(self):
        super().__init__()
        self.images = vit(32)
        self.texts = DistilBertModel(DistilBertConfig(
            dim=12, n_layers=2, n_heads=3, hidden_dim=20, dropout=0.0, attention_dropout=0.0, attn_implementation="eager"))
        self.projections = nn.Module()
        self.projections.image, self.projections.text = Projection(24, 8), Projection(12, 8)
        self.projections.log_scale = nn.Parameter(torch.zeros(()))

    def forward(self, pictures):
        text = self.texts(read, has_text).last_hidden_state[:, 0]
        return self.projections.image(self.images(pictures)), self.projections.text(text)


clip = CLIP()
drawn_weights("clip.weights", clip)
clip.projections.log_scale.data.fill_(2.65625)  # close to ln(1 / 0.07)
record("clip.weights.projections.log_scale", clip.projections.log_scale.half())
pictures = drawn_pictures("clip.pictures", 32)
clip.train()
for name, embedding in zip(("image", "text"), clip(pictures)):
    record(f"clip.{name}", embedding)
for kind in ("paired", "soft"):
    record_step(f"clip.{kind}", clip, lambda: clip_loss(kind, *clip(pictures), clip.projections.log_scale))


class Multimodal(nn.Module):
    """One of the two networks of CASS-MM."""

    def __init__(self, images):
        super().__init__()
        self.images = images
        self.texts = BertModel(BertConfig(
            hidden_size=12, num_hidden_layers=2, num_attention_heads=3, intermediate_size=20, hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0, attn_implementation="eager"), add_pooling_layer=False)
        self.head = nn.ModuleDict({
            "picture": nn.Linear(images.num_features, 14), "image": nn.Linear(14, 10), "text": nn.Linear(12, 10),
            "fused": nn.Linear(20, 11), "output": nn.Linear(11, 9)})

    def forward(self, pictures):
        seen = self.head["image"](self.head["picture"](self.images(pictures)))
        text = self.head["text"](self.texts(read, has_text).last_hidden_state[:, 0])
        return self.head["output"](self.head["fused"](torch.cat([text, seen], 1)).relu())


pair = nn.ModuleDict({
    "convolutional": Multimodal(ResNet(BasicBlock, [1, 1, 1, 1], channels=(8, 8, 16, 16), num_classes=0)),
    "transformer": Multimodal(vit(48))})
drawn_weights("cass_mm.weights", pair)
pictures = drawn_pictures("cass_mm.pictures", 48)
pair.train()
for name, standardizes in {"plain": False, "standardized": True}.items():
    record_step(f"cass_mm.{name}", pair, lambda: agreement_loss(*(pair[key](pictures) for key in pair), standardizes))
for key, network in pair.items():
    record(f"cass_mm.outputs.{key}", network(pictures))

save_file(out, pathlib.Path(__file__).with_name("pretraining_steps.safetensors"))
