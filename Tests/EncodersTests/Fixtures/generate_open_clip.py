"""Writes open_clip.safetensors: inputs, weights and outputs of tiny CLIPs under the names of OpenAI's and open_clip's files.

`vit.*` has a vision transformer and the exact GELU, `resnet.*` the residual network with attention pooling and QuickGELU, each
with `weights.*` and a configuration in the metadata. The networks are written here after the paper's description (Radford
et al., 2021, section 2.4); parts are named so that their tensors have the names of those files. Random weights from seed 0,
float32. Texts are tokenized with the vocabulary that MemeDataTests has. Run with torch 2.13.0 and transformers 5.
"""
import collections
import json
import pathlib

import torch
from safetensors.torch import save_file
from torch import nn
from transformers import CLIPTokenizer

HERE = pathlib.Path(__file__).parent
VOCABULARY = HERE.parent.parent / "MemeDataTests/Fixtures"
SENTENCES = ["", "one does not simply", "When you realise it is Monday again", "MEMES!!! 100 %", "one more a",
             "much longer than the network has places for, so that its end is cut off and nobody reads it " * 3]
out, metadata = {}, {"sentences": json.dumps(SENTENCES)}
torch.manual_seed(0)


class QuickGELU(nn.Module):
    def forward(self, x):
        return x * torch.sigmoid(1.702 * x)


class Block(nn.Module):
    def __init__(self, width, heads, inner, activation):
        super().__init__()
        self.ln_1, self.ln_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attn = nn.MultiheadAttention(width, heads, batch_first=True)
        self.mlp = nn.Sequential(collections.OrderedDict(
            c_fc=nn.Linear(width, inner), activation=activation(), c_proj=nn.Linear(inner, width)))

    def forward(self, x, mask):
        normalized = self.ln_1(x)
        x = x + self.attn(normalized, normalized, normalized, need_weights=False, attn_mask=mask)[0]
        return x + self.mlp(self.ln_2(x))


class Transformer(nn.Module):
    def __init__(self, layers, *shape):
        super().__init__()
        self.resblocks = nn.ModuleList(Block(*shape) for _ in range(layers))

    def forward(self, x, mask=None):
        for block in self.resblocks:
            x = block(x, mask)
        return x


class VisionTransformer(nn.Module):
    def __init__(self, side, patch, width, heads, inner, layers, embedding, activation):
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, patch, patch, bias=False)
        self.class_embedding = nn.Parameter(torch.empty(width))
        self.positional_embedding = nn.Parameter(torch.empty((side // patch) ** 2 + 1, width))
        self.ln_pre, self.ln_post = nn.LayerNorm(width), nn.LayerNorm(width)
        self.transformer = Transformer(layers, width, heads, inner, activation)
        self.proj = nn.Parameter(torch.empty(width, embedding))

    def pooled(self, pixels):
        patches = self.conv1(pixels).flatten(2).transpose(1, 2)
        first = self.class_embedding.expand(len(pixels), 1, -1)
        x = self.ln_pre(torch.cat([first, patches], 1) + self.positional_embedding)
        return self.ln_post(self.transformer(x)[:, 0])

    def projected(self, pooled):
        return pooled @ self.proj


class Bottleneck(nn.Module):
    def __init__(self, inputs, width, stride):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(inputs, width, 1, bias=False), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width)
        self.conv3, self.bn3 = nn.Conv2d(width, 4 * width, 1, bias=False), nn.BatchNorm2d(4 * width)
        self.shrink = nn.AvgPool2d(stride)
        self.downsample = None
        if stride > 1 or inputs != 4 * width:
            self.downsample = nn.Sequential(collections.OrderedDict([
                ("-1", nn.AvgPool2d(stride)), ("0", nn.Conv2d(inputs, 4 * width, 1, bias=False)),
                ("1", nn.BatchNorm2d(4 * width))]))

    def forward(self, x):
        y = self.bn1(self.conv1(x)).relu()
        y = self.shrink(self.bn2(self.conv2(y)).relu())
        return (self.bn3(self.conv3(y)) + (x if self.downsample is None else self.downsample(x))).relu()


class AttentionPool(nn.Module):
    def __init__(self, elements, width, heads, embedding):
        super().__init__()
        self.positional_embedding = nn.Parameter(torch.empty(elements + 1, width))
        self.q_proj, self.k_proj, self.v_proj = (nn.Linear(width, width) for _ in range(3))
        self.c_proj = nn.Linear(width, embedding)
        self.heads = heads

    def forward(self, x):
        x = x.flatten(2).transpose(1, 2)
        x = torch.cat([x.mean(1, keepdim=True), x], 1) + self.positional_embedding
        q, k, v = (project(x).unflatten(2, (self.heads, -1)).transpose(1, 2)
                   for project in (self.q_proj, self.k_proj, self.v_proj))
        scores = (q[:, :, :1] @ k.transpose(2, 3)) / q.shape[-1] ** 0.5
        return (scores.softmax(-1) @ v).flatten(1)


class ResNet(nn.Module):
    def __init__(self, side, width, layers, heads, embedding):
        super().__init__()
        sizes = [(3, width // 2, 2), (width // 2, width // 2, 1), (width // 2, width, 1)]
        for i, (inputs, outputs, stride) in enumerate(sizes, 1):
            setattr(self, f"conv{i}", nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False))
            setattr(self, f"bn{i}", nn.BatchNorm2d(outputs))
        inputs = width
        for stage, count in enumerate(layers):
            blocks = []
            for i in range(count):
                blocks.append(Bottleneck(inputs, width << stage, 2 if stage and not i else 1))
                inputs = 4 * (width << stage)
            setattr(self, f"layer{stage + 1}", nn.Sequential(*blocks))
        self.attnpool = AttentionPool((side // 32) ** 2, 32 * width, heads, embedding)

    def pooled(self, x):
        for i in (1, 2, 3):
            x = getattr(self, f"bn{i}")(getattr(self, f"conv{i}")(x)).relu()
        x = nn.functional.avg_pool2d(x, 2)
        for stage in (1, 2, 3, 4):
            x = getattr(self, f"layer{stage}")(x)
        return self.attnpool(x)

    def projected(self, pooled):
        return self.attnpool.c_proj(pooled)


class CLIP(nn.Module):
    def __init__(self, visual, vocabulary, length, width, heads, layers, embedding, activation):
        super().__init__()
        self.visual = visual
        self.transformer = Transformer(layers, width, heads, 4 * width, activation)
        self.token_embedding = nn.Embedding(vocabulary, width)
        self.positional_embedding = nn.Parameter(torch.empty(length, width))
        self.ln_final = nn.LayerNorm(width)
        self.text_projection = nn.Parameter(torch.empty(width, embedding))
        self.logit_scale = nn.Parameter(torch.empty(()))

    def text(self, tokens):
        length = tokens.shape[1]
        mask = torch.full((length, length), -torch.inf).triu(1)
        x = self.transformer(self.token_embedding(tokens) + self.positional_embedding[:length], mask)
        pooled = self.ln_final(x)[torch.arange(len(tokens)), tokens.argmax(1)]
        return pooled, pooled @ self.text_projection


def random_weights(network):
    for name, value in network.state_dict().items():
        if value.dtype != torch.float32:
            continue
        value.normal_(0, 0.25)
        if name.endswith("running_var"):
            value.uniform_(0.5, 2)
        elif value.ndim == 1 and name.endswith("weight"):  # a normalisation
            value.add_(1)
        elif value.ndim == 4:  # keeps the size of what goes through
            value.mul_(8 / value[0].numel() ** 0.5)
    return network.eval()


def record(name, visual, side, vision, text, **model):
    tokenizer = CLIPTokenizer(str(VOCABULARY / "clip_vocab.json"), str(VOCABULARY / "clip_merges.txt"))
    text = {"context_length": 16, "vocab_size": len(tokenizer), **text}
    embedding = 12
    activation = QuickGELU if model.get("quick_gelu") else nn.GELU
    network = random_weights(CLIP(visual(embedding, activation), text["vocab_size"], 16, text["width"], text["heads"],
                                  text["layers"], embedding, activation))
    mean, deviation = [0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711]
    metadata[name + ".config"] = json.dumps({
        "model_cfg": {"embed_dim": embedding, **model, "vision_cfg": {"image_size": side, **vision}, "text_cfg": text},
        "preprocess_cfg": {"mean": mean, "std": deviation}}, indent=1)
    for key, value in network.state_dict().items():
        out[f"{name}.weights.{key}"] = value
    pixels = torch.randint(0, 256, (2, 3, side, side), dtype=torch.uint8)
    values = (pixels / 255 - torch.tensor(mean)[:, None, None]) / torch.tensor(deviation)[:, None, None]
    pooled = network.visual.pooled(values)
    tokens = tokenizer(SENTENCES, padding="max_length", truncation=True, max_length=16, return_tensors="pt")
    text_pooled, text_projected = network.text(tokens.input_ids * tokens.attention_mask)
    for key, value in {"pixels": pixels, "image.pooled": pooled, "image.projected": network.visual.projected(pooled),
                       "text.pooled": text_pooled, "text.projected": text_projected}.items():
        out[f"{name}.{key}"] = value


with torch.no_grad():
    record("vit", lambda embedding, gelu: VisionTransformer(24, 8, 16, 2, 40, 2, embedding, gelu), 24,
           {"layers": 2, "width": 16, "patch_size": 8, "head_width": 8, "mlp_ratio": 2.5},
           {"width": 16, "heads": 4, "layers": 2})
    record("resnet", lambda embedding, gelu: ResNet(64, 2, [1, 2, 1, 1], 4, embedding), 64,
           {"layers": [1, 2, 1, 1], "width": 2, "patch_size": None, "head_width": 16},
           {"width": 8, "heads": 2, "layers": 1}, quick_gelu=True)
save_file({name: value.contiguous() for name, value in out.items()}, HERE / "open_clip.safetensors", metadata=metadata)
