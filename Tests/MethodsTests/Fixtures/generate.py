"""Writes methods.safetensors: reference values for SemiMemes' losses, logistic regression and the fusion methods.

The distribution-balanced loss is written out from its formula in float64, its gradient by autograd; the linear models
are scikit-learn's. CMML, Hate-CLIPper, SimCLIP, TIB-VA and Ext-PIE-Net are written here in PyTorch, float32, without dropout. Random
inputs from seeds 0 to 3. Run with torch 2.13.0, scikit-learn 1.9 and safetensors.
"""
import pathlib
import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from sklearn.linear_model import LogisticRegression
from sklearn.utils.class_weight import compute_class_weight

torch.manual_seed(0)
out = {}


def balanced(z, y, n, count, alpha=10.0, beta=0.2, mu=0.1, scale=5.0, kappa=0.1, focal=False):
    inverse = 1 / n
    denominator = (y * inverse).sum(1, keepdim=True)
    weight = alpha + torch.sigmoid(beta * (inverse / denominator - mu))
    shifted = z - torch.log(count / n - 1) * kappa / scale
    s = torch.where(y > 0, shifted, scale * shifted)
    entropy = torch.where(y > 0, F.softplus(-s), F.softplus(s))
    loss = torch.where(y > 0, weight, weight / scale) * entropy
    if focal:
        loss = loss * 2 * (1 - torch.exp(-entropy)) ** 2
    return loss.mean()


z = torch.randn(12, 5, dtype=torch.float64) * 2
y = (torch.rand(12, 5) < 0.3).double()
n = torch.tensor([40.0, 7.0, 120.0, 3.0, 60.0], dtype=torch.float64)
out |= {"db.logits": z, "db.targets": y, "db.counts": n}
for name, focal in (("plain", False), ("focal", True)):
    leaf = z.clone().requires_grad_()
    loss = balanced(leaf, y, n, 200.0, focal=focal)
    loss.backward()
    out[f"db.{name}"] = loss.detach()
    out[f"db.{name}_gradient"] = leaf.grad

rng = np.random.RandomState(0)
x = rng.randn(60, 7)
binary = (x[:, 0] + 0.5 * x[:, 3] + rng.randn(60) > 0).astype(int)
classes = np.argmax(x[:, :3] + rng.randn(60, 3), 1)
out |= {"linear.inputs": torch.tensor(x), "linear.binary": torch.tensor(binary), "linear.classes": torch.tensor(classes)}
for name, target in (("binary", binary), ("classes", classes)):
    model = LogisticRegression(C=0.3, tol=1e-10, max_iter=10000).fit(x, target)
    out[f"linear.{name}_weight"] = torch.tensor(model.coef_)
    out[f"linear.{name}_bias"] = torch.tensor(model.intercept_)


class CMML(torch.nn.Module):
    def __init__(self, outputs, image=5, text=4, hidden=6):
        super().__init__()
        linear = torch.nn.Linear
        self.image, self.text = linear(image, hidden), linear(text, hidden)
        self.attention = torch.nn.ModuleList([linear(hidden, 64), linear(64, 32), linear(32, 1)])
        self.predictors = torch.nn.ModuleDict({k: linear(hidden, outputs) for k in ("image", "text", "fused")})

    def forward(self, image, text):
        views = torch.stack([self.image(image), self.text(text)], 1)
        scores = self.attention[2](F.relu(self.attention[1](F.relu(self.attention[0](views)))))
        fused = (scores.softmax(1) * views).sum(1)
        return self.predictors["image"](views[:, 0]), self.predictors["text"](views[:, 1]), self.predictors["fused"](fused)


def cmml_loss(model, image, text, labelled, target, kind):
    logits = model(image, text)
    if kind == "multiclass":
        entropy, probability = F.cross_entropy, lambda z: z.softmax(1)
    else:
        entropy, probability = F.binary_cross_entropy_with_logits, torch.sigmoid
    first = [entropy(z[:labelled], target) for z in logits]
    p, q = (probability(z) for z in logits[:2])
    if kind == "binary":
        p, q = (torch.cat([x, 1 - x], 1) for x in (p, q))
    cosine = F.cosine_similarity(p, q)
    d = 2 - cosine[labelled:]
    consistency = torch.where(d < 1.003, d * d / 2, 1.003 * (d - 1.003 / 2)).mean()
    return first[0] + first[1] + 2 * first[2] + 0.3 * cosine[:labelled].mean() + consistency


image, text = torch.randn(13, 5), torch.randn(13, 4)
out |= {"cmml.image_features": image, "cmml.text_features": text}
targets = {
    "binary": (torch.rand(5, 1) < 0.5).float(),
    "multiclass": torch.tensor([0, 2, 1, 1, 0]),
    "multilabel": (torch.rand(5, 3) < 0.4).float(),
}
base = CMML(3)
for kind, target in targets.items():
    model = CMML(1 if kind == "binary" else 3)
    shared = {k: v for k, v in base.state_dict().items() if kind != "binary" or not k.startswith("predictors")}
    model.load_state_dict(shared, strict=False)
    # What all kinds share is stored once.
    out |= {f"cmml.shared.{k}": v.clone() for k, v in shared.items() if not k.startswith("predictors")}
    out |= {f"cmml.{kind}.{k}": v.clone() for k, v in model.state_dict().items() if k.startswith("predictors")}
    loss = cmml_loss(model, image, text, 5, target, kind)
    loss.backward()
    out |= {f"cmml.{kind}.targets": target, f"cmml.{kind}.loss": loss.detach()}
    out |= {f"cmml.{kind}.gradient.{k}": v.grad.clone() for k, v in model.named_parameters()}
    out[f"cmml.{kind}.fused"] = model(image, text)[2].detach()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 5, 0.9)
    curve = []
    for _ in range(20):
        optimizer.zero_grad()
        loss = cmml_loss(model, image, text, 5, target, kind)
        loss.backward()
        curve.append(loss.item())
        optimizer.step()
        schedule.step()
    out[f"cmml.{kind}.curve"] = torch.tensor(curve, dtype=torch.float64)

def train(name, parameters, logits, loss, clip=None, optimizer=None):
    """Twenty full-batch steps, of AdamW unless told: the initial values, the first gradients and the losses."""
    out.update({f"{name}.{key}": value.detach().clone() for key, value in parameters.items()})
    optimizer = optimizer or torch.optim.AdamW(parameters.values(), lr=1e-3, weight_decay=1e-4)
    losses = []
    for step in range(20):
        optimizer.zero_grad()
        z = logits()
        value = loss(z)
        value.backward()
        if step == 0:
            out[f"{name}.logits"] = z.detach()
            out.update({f"{name}.gradient.{key}": p.grad.clone() for key, p in parameters.items()})
        if clip:
            torch.nn.utils.clip_grad_norm_(optimizer.param_groups[0]["params"], clip)
        optimizer.step()
        losses.append(value.item())
    out[f"{name}.losses"] = torch.tensor(losses, dtype=torch.float64)


def linear(inputs, outputs):
    layer = torch.nn.Linear(inputs, outputs)
    return {"weight": layer.weight, "bias": layer.bias}


def named(prefix, layer):
    return {f"{prefix}.{key}": value for key, value in layer.items()}


torch.manual_seed(1)
image, text = torch.randn(12, 6), torch.randn(12, 4)
yes = (torch.rand(12, 1) < 0.4).float()
kinds = torch.arange(12) % 3
several = (torch.rand(12, 3) < 0.4).float()
out.update({"fusion.image": image, "fusion.text": text, "fusion.yes": yes, "fusion.kinds": kinds, "fusion.several": several})

# Hate-CLIPper: two layers of projection, every fusion, two layers before the output.
for fusion, width in (("align", 5), ("cross", 25), ("concat", 10), ("align_concat", 15)):
    p = {
        **named("image.0", linear(6, 5)), **named("image.1", linear(5, 5)), **named("text.0", linear(4, 5)),
        **named("text.1", linear(5, 5)), **named("head.pre_output.0", linear(width, 7)),
        **named("head.pre_output.1", linear(7, 7)), **named("head.output", linear(7, 1)),
    }

    def apply(name, x, p=p):
        return F.linear(x, p[f"{name}.weight"], p[f"{name}.bias"])

    def logits(fusion=fusion, apply=apply):
        i = F.normalize(apply("image.1", F.relu(apply("image.0", image))))
        t = F.normalize(apply("text.1", F.relu(apply("text.0", text))))
        fused = {
            "align": lambda: i * t, "cross": lambda: torch.einsum("bi,bj->bij", i, t).flatten(1),
            "concat": lambda: torch.cat([i, t], 1), "align_concat": lambda: torch.cat([i * t, i, t], 1),
        }[fusion]()
        hidden = F.relu(apply("head.pre_output.1", F.relu(apply("head.pre_output.0", fused))))
        return apply("head.output", hidden)

    train(f"hate_clipper.{fusion}", p, logits, lambda z: F.binary_cross_entropy_with_logits(z, yes), clip=0.1)

# SimCLIP: shared and separate projections, each kind of task with balanced weights (scikit-learn's rule).
for name, siamese, outputs in (("binary", True, 1), ("classes", False, 3), ("labels", True, 3)):
    other = text if not siamese else torch.randn(12, 6)
    if siamese:
        out[f"simclip.{name}.text"] = other
    p = named("projection", linear(6, 2)) if siamese else {
        **named("image_projection", linear(6, 2)), **named("text_projection", linear(4, 2))}
    for index in range(3):
        p |= {f"head.norms.{index}.weight": torch.nn.Parameter(torch.rand(8) + 0.5),
              f"head.norms.{index}.bias": torch.nn.Parameter(torch.randn(8) * 0.1),
              **named(f"head.layers.{index}", linear(8, 8))}
    p |= named("head.output", linear(8, outputs))

    def logits(p=p, siamese=siamese, other=other):
        i = F.linear(F.gelu(image), *(p[f"{'projection' if siamese else 'image_projection'}.{k}"] for k in ("weight", "bias")))
        t = F.linear(F.gelu(other), *(p[f"{'projection' if siamese else 'text_projection'}.{k}"] for k in ("weight", "bias")))
        i, t = F.normalize(i), F.normalize(t)
        x = torch.cat([i, t, (i - t).abs(), i * t], 1)
        for index in range(3):
            x = F.layer_norm(x, (8,), p[f"head.norms.{index}.weight"], p[f"head.norms.{index}.bias"])
            x = F.gelu(F.linear(x, p[f"head.layers.{index}.weight"], p[f"head.layers.{index}.bias"]))
        return F.linear(x, p["head.output.weight"], p["head.output.bias"])

    def loss(z, name=name):
        if name == "classes":
            weights = torch.tensor(compute_class_weight("balanced", classes=np.arange(3), y=kinds.numpy())).float()
            return F.cross_entropy(z, kinds, weight=weights)
        if name == "binary":
            no_and_yes = torch.tensor(compute_class_weight("balanced", classes=np.arange(2), y=yes[:, 0].numpy())).float()
            weight = torch.where(yes > 0, no_and_yes[1], no_and_yes[0])
            return F.binary_cross_entropy_with_logits(z, yes, weight=weight) / weight.mean()
        counts = several.sum(0)
        return F.binary_cross_entropy_with_logits(z, several, weight=counts.sum() / (3 * counts))

    train(f"simclip.{name}", p, logits, loss)

# SimCLIP on two tasks: kinds, and yes for some memes alone; a head each, the mean of both losses.
torch.manual_seed(3)
other, known = torch.randn(12, 6), torch.tensor([1, 1, 0, 1, 0, 1, 1, 1, 0, 1, 0, 1]).bool()
out.update({"simclip.tasks.text": other, "simclip.tasks.known": known.float()})
p = named("projection", linear(6, 2))
for head, outputs in (("head", 3), ("further_heads.0", 1)):
    for index in range(3):
        p |= {f"{head}.norms.{index}.weight": torch.nn.Parameter(torch.rand(8) + 0.5),
              f"{head}.norms.{index}.bias": torch.nn.Parameter(torch.randn(8) * 0.1),
              **named(f"{head}.layers.{index}", linear(8, 8))}
    p |= named(f"{head}.output", linear(8, outputs))


def several_logits(p=p):
    i, t = (F.normalize(F.linear(F.gelu(x), p["projection.weight"], p["projection.bias"])) for x in (image, other))
    joined, each = torch.cat([i, t, (i - t).abs(), i * t], 1), []
    for head in ("head", "further_heads.0"):
        x = joined
        for index in range(3):
            x = F.layer_norm(x, (8,), p[f"{head}.norms.{index}.weight"], p[f"{head}.norms.{index}.bias"])
            x = F.gelu(F.linear(x, p[f"{head}.layers.{index}.weight"], p[f"{head}.layers.{index}.bias"]))
        each.append(F.linear(x, p[f"{head}.output.weight"], p[f"{head}.output.bias"]))
    return torch.cat(each, 1)


def several_loss(z):
    weights = torch.tensor(compute_class_weight("balanced", classes=np.arange(3), y=kinds.numpy())).float()
    target = yes[known]
    pair = torch.tensor(compute_class_weight("balanced", classes=np.arange(2), y=target[:, 0].numpy())).float()
    second = F.binary_cross_entropy_with_logits(z[known, 3:], target, weight=torch.where(target > 0, pair[1], pair[0]))
    return (F.cross_entropy(z[:, :3], kinds, weight=weights) + second) / 2


train("simclip.tasks", p, several_logits, several_loss)

# TIB-VA: an LSTM without biases over 7 tokens, or packed over as many as each text has; heads one by one, losses added.
torch.manual_seed(2)
lengths = torch.tensor([7, 3, 1, 5, 7, 2, 4, 6, 7, 1, 3, 5])
states = torch.randn(12, 7, 5)
out.update({"tib_va.image": torch.randn(12, 6), "tib_va.states": states, "tib_va.lengths": lengths})
five = (torch.rand(12, 5) < 0.4).float()
out["tib_va.five"] = five
for name, packed, outputs in (("binary", True, 1), ("classes", True, 3), ("labels", False, 5)):
    visual, joint = torch.nn.Linear(6, 4), torch.nn.Linear(8, 4)
    reader = torch.nn.LSTM(5, 4, bias=False, batch_first=True)
    heads = [torch.nn.Linear(4, 1) for _ in range(outputs)]

    def logits(visual=visual, joint=joint, reader=reader, heads=heads, packed=packed):
        x = states
        if packed:
            x = torch.nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        read = reader(x)[1][0][0]
        h = F.relu(joint(torch.cat([F.relu(visual(out["tib_va.image"])), read], 1)))
        return torch.cat([head(h) for head in heads], 1)

    def loss(z, name=name):
        if name == "classes":
            return F.cross_entropy(z, kinds)
        target = yes if name == "binary" else five
        return sum(F.binary_cross_entropy(torch.sigmoid(z[:, k]), target[:, k]) for k in range(z.shape[1]))

    p = {"lstm.weight_ih": reader.weight_ih_l0, "lstm.weight_hh": reader.weight_hh_l0,
         "visual.weight": visual.weight, "visual.bias": visual.bias, "joint.weight": joint.weight, "joint.bias": joint.bias}
    each = [value for head in heads for value in (head.weight, head.bias)]
    optimizer = torch.optim.Adam([*p.values(), *each], lr=1e-3, betas=(0.99, 0.98), weight_decay=1e-4)
    # The heads are compared as the rows of one matrix.
    for key in ("weight", "bias"):
        out[f"tib_va.{name}.heads.{key}"] = torch.cat([getattr(head, key) for head in heads]).detach().clone()
    loss(logits()).backward()
    for key in ("weight", "bias"):
        out[f"tib_va.{name}.gradient.heads.{key}"] = torch.cat([getattr(head, key).grad for head in heads])
    train(f"tib_va.{name}", p, logits, loss, clip=0.5, optimizer=optimizer)

# BERT + ResNet-18's head: five classes of sentiment, Adam without decay.
torch.manual_seed(5)
p = {**named("image", linear(6, 5)), **named("text", linear(4, 5)), **named("fused", linear(10, 7)),
     **named("output", linear(7, 3))}


def head_logits(p=p):
    def apply(name, x):
        return F.linear(x, p[f"{name}.weight"], p[f"{name}.bias"])

    joined = torch.cat([F.relu(apply("text", text)), F.relu(apply("image", image))], 1)
    return apply("output", F.relu(apply("fused", joined)))


train("bert_resnet18", p, head_logits, lambda z: F.cross_entropy(z, kinds))

# Ext-PIE-Net on the vectors of its trunks (image 6, text 4): the embeddings of two views, the loss of pretraining, and the
# classifier on the vectors of both PIEs.
torch.manual_seed(6)
p = {}
for name, width in (("image", 6), ("text", 4)):
    hidden, score = torch.nn.Linear(width, width, bias=False), torch.nn.Linear(width, 1, bias=False)
    norm = torch.nn.LayerNorm(width)
    p |= {f"{name}.attention.hidden.weight": hidden.weight, f"{name}.attention.score.weight": score.weight,
          f"{name}.normalization.weight": norm.weight, f"{name}.normalization.bias": norm.bias,
          **named(f"{name}.gate", linear(width, width)), **named(f"{name}.output", linear(width, width)),
          **named(f"{name}_projection.0", linear(width, 5)), **named(f"{name}_projection.1", linear(5, 5))}
norm = torch.nn.LayerNorm(5)
p |= {"fusion.hidden.weight": torch.nn.Linear(5, 5, bias=False).weight, "fusion.scores.weight": torch.nn.Linear(5, 2, bias=False).weight,
      "fusion.normalization.weight": norm.weight, "fusion.normalization.bias": norm.bias}
first, second = torch.randn(12, 6), torch.randn(12, 6)
out.update({"ext_pie.first": first, "ext_pie.second": second})


def pie(name, x, p=p):
    x = x[:, None]
    weights = (torch.tanh(x @ p[f"{name}.attention.hidden.weight"].T) @ p[f"{name}.attention.score.weight"].T).softmax(1)
    attended = (weights * x).sum(1)
    gate = torch.sigmoid(F.linear(attended, p[f"{name}.gate.weight"], p[f"{name}.gate.bias"]))
    y = F.layer_norm(attended + gate, attended.shape[1:], p[f"{name}.normalization.weight"], p[f"{name}.normalization.bias"])
    return F.linear(y, p[f"{name}.output.weight"], p[f"{name}.output.bias"])


def project(name, x, p=p):
    hidden = F.relu(F.linear(x, p[f"{name}_projection.0.weight"], p[f"{name}_projection.0.bias"]))
    return F.linear(hidden, p[f"{name}_projection.1.weight"], p[f"{name}_projection.1.bias"])


def fuse(prefix, a, b, p=p):
    tokens = torch.stack([a, b], 1)
    scores = torch.tanh(tokens @ p[f"{prefix}.hidden.weight"].T) @ p[f"{prefix}.scores.weight"].T
    attended = torch.einsum("bth,btd->bhd", scores.softmax(1), tokens)
    y = F.layer_norm(tokens + attended, tokens.shape[2:], p[f"{prefix}.normalization.weight"], p[f"{prefix}.normalization.bias"])
    return y.sum(1)


def hinge(u, v, margin):
    s = u @ v.T
    own, others = s.diag(), 1 - torch.eye(len(s))
    a = ((margin + s - own[:, None]).clamp(min=0) * others).sum()
    b = ((margin + s - own[None, :]).clamp(min=0) * others).sum()
    return 0.7 * a + 0.3 * b


def contrast(u, v, temperature):
    z = torch.cat([u, v])
    s = (z @ z.T / temperature).masked_fill(torch.eye(len(z)).bool(), -float("inf"))
    return F.cross_entropy(s, torch.arange(len(z)).roll(len(u)))


def embeddings():
    a, b, t = project("image", pie("image", first)), project("image", pie("image", second)), project("text", pie("text", text))
    both = torch.maximum(a, b)
    parts = [both, t, fuse("fusion", both, t), fuse("fusion", a, t), fuse("fusion", b, t)]
    return torch.cat([F.normalize(x) for x in parts], 1)


def pretraining(z):
    i, t, fused, one, two = z.split(5, 1)
    return 0.2 * hinge(fused, i, 0.1) + 0.2 * hinge(fused, t, 0.1) + 0.6 * contrast(one, two, 0.07)


train("ext_pie.heads", p, embeddings, pretraining)

for name in ("self_attention", "pie"):
    c = {**named("text", linear(4, 6)), **named("layers.0", linear(12 if name == "self_attention" else 6, 7)),
         **named("layers.1", linear(7, 5)), **named("layers.2", linear(5, 3))}
    if name == "self_attention":
        c |= {**named("query", linear(6, 3)), **named("key", linear(6, 3))}
    else:
        norm = torch.nn.LayerNorm(6)
        c |= {"fusion.hidden.weight": torch.nn.Linear(6, 6, bias=False).weight, "fusion.normalization.bias": norm.bias,
              "fusion.scores.weight": torch.nn.Linear(6, 2, bias=False).weight, "fusion.normalization.weight": norm.weight}

    def apply(key, x, c=c):
        return F.linear(x, c[f"{key}.weight"], c[f"{key}.bias"])

    def logits(name=name, c=c, apply=apply):
        t = torch.tanh(apply("text", text))
        if name == "pie":
            joined = fuse("fusion", image, t, c)
        else:
            score = lambda x, y: (F.relu(apply("query", x)) * F.relu(apply("key", y))).sum(1, keepdim=True)
            share = torch.cat([score(image, t), score(t, image)], 1).softmax(1)
            joined = torch.cat([image * share[:, :1], t * share[:, 1:]], 1)
        return apply("layers.2", torch.tanh(apply("layers.1", torch.tanh(apply("layers.0", joined)))))

    train(f"ext_pie.{name}", c, logits, lambda z: F.cross_entropy(z, kinds))

save_file({k: v.contiguous() for k, v in out.items()}, pathlib.Path(__file__).with_name("methods.safetensors"))
