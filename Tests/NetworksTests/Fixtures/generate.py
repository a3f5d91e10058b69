"""Writes networks.safetensors: outputs and gradients of timm's and transformers' networks in tiny configurations.

Weights are random, seed 0, of numbers that float16 holds exactly; so they are stored. Outputs and gradients are float32, of
large tensors the first 100 elements of the gradient, and norm and sum of the whole. Run with the Python of
`Benchmarks/setup-python --open-clip`.
"""
import pathlib

import torch

from recording import out, randomise, record  # before timm

import torch.nn.functional as F
from safetensors.torch import save_file
from timm.models.resnet import BasicBlock, Bottleneck, ResNet
from timm.models.vision_transformer import VisionTransformer
from transformers import (BertConfig, BertModel, DistilBertConfig, DistilBertModel, LxmertConfig, LxmertModel, ViltConfig, ViltModel, VisualBertConfig,
                          VisualBertModel)

torch.manual_seed(0)
torch.set_num_threads(1)
GRADIENT_LIMIT = 100


def network(name, model, call, inputs, skipped=()):
    """Records a model's weights, its output in evaluation and training, and the gradients of a training pass.

    `call` gives the output; dropout is off, so that training only means that statistics are the batch's."""
    randomise(model)
    for key, value in model.state_dict().items():
        if value.is_floating_point() and not key.startswith(skipped):
            record(f"{name}.weights.{key}", value.half())
    for key, value in inputs.items():
        record(f"{name}.input.{key}", value)
    model.eval()
    with torch.no_grad():
        record(f"{name}.evaluated", call(model, inputs))
    model.train()
    output = call(model, inputs)
    seed = torch.randn_like(output)
    record(f"{name}.trained", output)
    record(f"{name}.seed", seed)
    output.backward(seed)
    for key, value in model.named_parameters():
        if value.grad is not None and not key.startswith(skipped):
            record(f"{name}.gradient.{key}", value.grad.flatten()[:GRADIENT_LIMIT])
            if value.grad.numel() > GRADIENT_LIMIT:
                record(f"{name}.whole.{key}", torch.stack([value.grad.norm(), value.grad.sum()]))
    for key, value in model.named_buffers():
        if "running" in key:
            record(f"{name}.after.{key}", value)


pictures = {"pictures": torch.randn(2, 3, 40, 40)}
for name, block in {"basic": BasicBlock, "bottleneck": Bottleneck}.items():
    network(f"resnet.{name}", ResNet(block, [1, 2, 1, 1], channels=(4, 4, 6, 6), num_classes=0),
            lambda model, inputs: model(inputs["pictures"]), pictures)

vit = VisionTransformer(img_size=32, patch_size=8, embed_dim=12, depth=2, num_heads=3, num_classes=0, global_pool="token")
network("vit", vit, lambda model, inputs: model(inputs["pictures"]), {"pictures": torch.randn(2, 3, 32, 32)})
for side in (16, 48):
    pictures = torch.randn(2, 3, side, side)
    vit.eval()
    with torch.no_grad():
        grid = vit.pos_embed[:, 1:].reshape(1, 4, 4, -1).permute(0, 3, 1, 2)
        grid = F.interpolate(grid, size=(side // 8, side // 8), mode="bicubic", align_corners=False)
        positions = torch.cat([vit.pos_embed[:, :1], grid.permute(0, 2, 3, 1).flatten(1, 2)], 1)
        patches = vit.patch_embed.proj(pictures).flatten(2).transpose(1, 2)
        tokens = torch.cat([vit.cls_token.expand(2, -1, -1), patches], 1) + positions
        record(f"vit.{side}.evaluated", vit.norm(vit.blocks(tokens))[:, 0])
    record(f"vit.{side}.pictures", pictures)

size = dict(hidden_size=12, num_hidden_layers=2, num_attention_heads=3, intermediate_size=20, hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0, vocab_size=30, attn_implementation="eager")
ids = torch.randint(0, 30, (3, 7))
has_text = (torch.arange(7)[None] < torch.tensor([7, 4, 1])[:, None]).long()
text = {"ids": ids, "has_text": has_text}

network("bert", BertModel(BertConfig(**size, max_position_embeddings=10)),
        lambda model, inputs: model(inputs["ids"], inputs["has_text"]).pooler_output, text)

vilt_size = size | dict(image_size=24, patch_size=8, max_position_embeddings=10, max_image_length=-1, qkv_bias=True)
network("vilt", ViltModel(ViltConfig(**vilt_size)),
        lambda model, inputs: model(inputs["ids"], inputs["has_text"], pixel_values=inputs["pictures"]).pooler_output,
        text | {"pictures": torch.randn(3, 3, 24, 24)})

regions = {"regions": torch.randn(3, 5, 12), "has_regions": (torch.arange(5)[None] < torch.tensor([5, 2, 5])[:, None]).long()}
network("visualbert", VisualBertModel(VisualBertConfig(**size, max_position_embeddings=10, visual_embedding_dim=12)),
        lambda model, inputs: model(inputs["ids"], inputs["has_text"], visual_embeds=inputs["regions"],
                                    visual_attention_mask=inputs["has_regions"]).pooler_output, text | regions)

lxmert_size = size | dict(l_layers=2, r_layers=1, x_layers=1, visual_feat_dim=12, visual_pos_dim=4, max_position_embeddings=10)
network("lxmert", LxmertModel(LxmertConfig(**lxmert_size)),
        lambda model, inputs: model(inputs["ids"], inputs["regions"], inputs["boxes"], inputs["has_text"],
                                    inputs["has_regions"]).pooled_output,
        text | regions | {"boxes": torch.rand(3, 5, 4)})

# Last, so that what stands above draws the numbers that it always drew.
distil_size = dict(dim=12, n_layers=2, n_heads=3, hidden_dim=20, dropout=0.0, attention_dropout=0.0, vocab_size=30,
                   max_position_embeddings=10, attn_implementation="eager")
network("distilbert", DistilBertModel(DistilBertConfig(**distil_size)),
        lambda model, inputs: model(inputs["ids"], inputs["has_text"]).last_hidden_state[:, 0], text)

save_file(out, pathlib.Path(__file__).with_name("networks.safetensors"))
