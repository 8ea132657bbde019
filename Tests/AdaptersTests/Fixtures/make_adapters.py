#!/usr/bin/env python3
"""Makes tiny-bert/, peft-tiny-*/ and adapters-tiny-*.json: losses and gradients of adapters by the reference implementation.

    python3 make_adapters.py [MODELS]

Made with torch 2.15.0 (CPU), transformers 5.23.0, peft 0.21.2 and tokenizers 0.23.3. MODELS holds tiny-gpt2/ and tiny-llama/
(make_decoders.py); without it: ../../ModelTests/Fixtures. tiny-bert/ is made here: a random encoder of two blocks in f32.

Everything is computed in f64 from the stored weights, rotary tables and RMS norms included (transformers computes those two
in f32 whatever the model is; they are replaced here). Each sequence is computed by itself, without padding or dropout. Every
gradient is checked against central differences on some coordinates, and every loss and gradient of peft against the same
adapter written out as a hook.

adapters-MODEL.json is an object:

    sequences     [[id]]; of tiny-bert also `texts`, which tokenizer.json turns into them, and `labels`
    head          of tiny-bert: weights [3, width], bias [3]; scores are f W^T + b, f the mean of a text's last rows
                  over its tokens divided by its Euclidean norm
    base_loss     the loss without an adapter. tiny-bert: softmax cross-entropy, the mean over the texts. Decoders: cross-entropy
                  of the next token, the mean over all predicted tokens of all sequences together
    cases         [{name, kind, ..., sites, loss, head_gradients {weights, bias}}]; head_gradients of tiny-bert only
    training      ten steps of AdamW, below
    features      of tiny-bert: [[width]], the features f without an adapter
    heads         of tiny-bert: losses of other heads on those features, below

A case's site is {site, block, parameters {NAME: [number]}, gradients {NAME: [number]}}: matrices row by row. Sites: q, k, v, o,
gate, up, down are a projection, x its input and y its output with its bias; of GPT-2's joined c_attn q, k, v are a third each.
attention and feed_forward are y after o or down with its bias, before the residual is added; block is y after the block (BERT:
after its last norm; decoders: the residual stream); pooled is f, before the head, not scaled again. pooled and embeddings
have no block. Parameters are three decimals at most, read as f32. By kind:

    lora          y += scale (x A^T) B^T; A [rank, inputs], B [outputs, rank]; scale = alpha / rank, rslora: alpha / sqrt(rank)
    adalora       y += scale ((x A^T) * E) B^T; E [rank]; scale = alpha / (rank + 1e-5), as peft has it (its state alpha / rank,
                  and 1e-5 in the division). The loss is without the regulariser; `orthogonality` is that alone:
                  {weight, value, sites [{site, block, gradients {A, B}}]}, value = weight * the mean over all A and B of the
                  Frobenius norm of A A^T - I or B^T B - I
    bottleneck    y += relu(y D) U; D [width, rank], U [rank, width]
    parallel      y += scale relu(x D) U at attention and feed_forward, x the rows that the layer reads: BERT: the block's input,
                  the rows after the attention's norm; decoders: the normalised rows
    sparse        y += (x * mask) A; A [inputs, outputs] is `values` at `rows`, `columns` (row by row, ascending), 0 elsewhere;
                  `mask` [inputs] of 0 and 1. At block and pooled x is y. The gradient is listed in the same order, 0 where
                  the mask is 0
    prompt        virtual tokens before a sequence's, in place of token embeddings: P [tokens, width]; positions count from the
                  first virtual token. Decoders predict every token of the sequence, the first from the last virtual token;
                  tiny-bert averages over the sequence's tokens alone

training: from lora at `sites` with `A` given and B = 0, the whole batch each step: `losses` before each of the ten steps and
after the last. All parameters have the same decay; of tiny-bert the head is trained too, from `head`, with the same settings.

heads: {kind, weights [1, width], bias [1], targets or pairs, scores, loss, gradients {weights, bias, features [[width]],
features_sum [width]}}; scores z = f W^T + b. binary: the mean of -log sigmoid(z or -z); squared: the mean of (z - target)^2;
preference: the mean over pairs [preferred, other] of -log sigmoid(z_preferred - z_other).

peft-MODEL/: the adapter of a case as save_pretrained writes it, in f32: of tiny-bert and tiny-llama the case `lora-all`, of
tiny-gpt2 `lora-peft` (peft cannot adapt the thirds of c_attn one by one).
"""

import contextlib
import copy
import json
import math
import os
import shutil
import sys
import types
import zlib

os.environ["HF_HUB_OFFLINE"] = "1"

import peft
import tokenizers
import torch
import transformers
from peft import AdaLoraConfig, LoraConfig, PromptTuningConfig, get_peft_model
from torch.nn.functional import cross_entropy, logsigmoid
from transformers import AutoModelForCausalLM, BertConfig, BertModel
from transformers.models.llama import modeling_llama

HERE = os.path.dirname(os.path.abspath(__file__))
TEXTS = ["the lamp is warm, i see", "was it?", "no cat in a red box 7, at all", "k"]
BLOCKS = 2


# The models.


def exact_norm(norm, rows):
    return norm.weight * rows * torch.rsqrt(rows.pow(2).mean(-1, keepdim=True) + norm.variance_epsilon)


def exact_rotary(rotary, rows, position_ids):
    channels = rotary.config.head_dim
    powers = torch.arange(0, channels, 2, dtype=torch.float64) / channels
    angles = position_ids[..., None].double() / rotary.config.rope_parameters["rope_theta"] ** powers
    angles = torch.cat((angles, angles), dim=-1)
    return angles.cos().to(rows.dtype), angles.sin().to(rows.dtype)


modeling_llama.LlamaRMSNorm.forward = exact_norm
modeling_llama.LlamaRotaryEmbedding.forward = exact_rotary


def randomize(model):
    generator = torch.Generator().manual_seed(11)
    with torch.no_grad():
        for name, parameter in sorted(model.named_parameters()):
            noise = torch.randn(parameter.shape, generator=generator)
            is_gain = parameter.dim() == 1 and name.endswith("weight")
            parameter.copy_(1 + 0.1 * noise if is_gain else (0.2 if parameter.dim() > 1 else 0.1) * noise)


def word_pieces():
    letters = "abcdefghijklmnopqrstuvwxyz"
    digits = "0123456789"
    words = "the is was it in at to of and no cat box red warm lamp see all big sun ##s ##ed ##ing ##er ##ly".split()
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *".,?!'-:;()", *letters, *digits]
    vocabulary += ["##" + piece for piece in letters + digits] + words
    vocabulary = list(dict.fromkeys(vocabulary))
    tokenizer = tokenizers.Tokenizer(
        tokenizers.models.WordPiece({word: id for id, word in enumerate(vocabulary)}, unk_token="[UNK]")
    )
    tokenizer.add_special_tokens(vocabulary[:5])
    tokenizer.normalizer = tokenizers.normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = tokenizers.processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    tokenizer.decoder = tokenizers.decoders.WordPiece()
    return tokenizer


def make_bert():
    """Writes tiny-bert/."""
    path = os.path.join(HERE, "tiny-bert")
    shutil.rmtree(path, ignore_errors=True)
    tokenizer = word_pieces()
    config = BertConfig(
        vocab_size=tokenizer.get_vocab_size(), hidden_size=24, num_hidden_layers=BLOCKS, num_attention_heads=4,
        intermediate_size=40, max_position_embeddings=48, hidden_act="gelu", hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    model = BertModel(config, add_pooling_layer=False)
    randomize(model)
    model.save_pretrained(path)
    os.chmod(os.path.join(path, "model.safetensors"), 0o644)
    tokenizer.save(os.path.join(path, "tokenizer.json"))


def numbers(shape, generator, scale):
    """Random numbers of at most three decimals, those f32 can hold, as f64."""
    noise = torch.randn(shape, generator=generator, dtype=torch.float64)
    return (noise * scale).round(decimals=3).float().double()


class Base:
    """A model, its batch, its loss, and where its sites are."""

    PARTS = {
        "bert": dict(
            q="attention.self.query", k="attention.self.key", v="attention.self.value", o="attention.output.dense",
            up="intermediate.dense", down="output.dense",
        ),
        "gpt2": dict(q="attn.c_attn", k="attn.c_attn", v="attn.c_attn", o="attn.c_proj", up="mlp.c_fc", down="mlp.c_proj"),
        "llama": dict(
            q="self_attn.q_proj", k="self_attn.k_proj", v="self_attn.v_proj", o="self_attn.o_proj", gate="mlp.gate_proj",
            up="mlp.up_proj", down="mlp.down_proj",
        ),
    }

    def __init__(self, name, models):
        self.name = name
        self.family = name.removeprefix("tiny-")
        self.is_encoder = self.family == "bert"
        generator = torch.Generator().manual_seed(zlib.crc32(name.encode()))
        if self.is_encoder:
            path = os.path.join(HERE, name)
            self.model = BertModel.from_pretrained(path, add_pooling_layer=False, dtype=torch.float32)
            tokenizer = tokenizers.Tokenizer.from_file(os.path.join(path, "tokenizer.json"))
            self.sequences = [tokenizer.encode(text).ids for text in TEXTS]
            self.labels = torch.tensor([2, 0, 1, 2])
            self.head = {
                "weights": numbers((3, self.model.config.hidden_size), generator, 1.0),
                "bias": numbers((3,), generator, 0.3),
            }
        else:
            self.model = AutoModelForCausalLM.from_pretrained(os.path.join(models, name), dtype=torch.float32)
            size = self.model.config.vocab_size
            self.sequences = [torch.randint(0, size, (length,), generator=generator).tolist() for length in (9, 5, 12, 2)]
            self.head = {}
        self.model.config.use_cache = False
        self.model.double().eval().requires_grad_(False)
        self.width = self.model.config.hidden_size
        self.projections = list(self.PARTS[self.family])

    def block(self, model, index):
        return {
            "bert": lambda: model.encoder.layer, "gpt2": lambda: model.transformer.h, "llama": lambda: model.model.layers,
        }[self.family]()[index]

    def part(self, model, site, index):
        """The module that computes a site, and which of its output's channels."""
        block = self.block(model, index)
        if site == "block":
            return block, slice(None)
        projection = {"attention": "o", "feed_forward": "down"}.get(site, site)
        channels = slice(None)
        if self.family == "gpt2" and site in "qkv":
            third = "qkv".index(site)
            channels = slice(third * self.width, (third + 1) * self.width)
        return block.get_submodule(self.PARTS[self.family][projection]), channels

    def shape(self, site):
        """Inputs and outputs of a site."""
        config = self.model.config
        inner = getattr(config, "intermediate_size", None) or config.n_inner
        head = getattr(config, "head_dim", None) or self.width // config.num_attention_heads
        heads = config.num_attention_heads * head
        pairs = getattr(config, "num_key_value_heads", config.num_attention_heads) * head
        return {
            "q": (self.width, heads), "k": (self.width, pairs), "v": (self.width, pairs), "o": (heads, self.width),
            "gate": (self.width, inner), "up": (self.width, inner), "down": (inner, self.width),
        }.get(site, (self.width, self.width))

    def embeddings(self, model, ids):
        return model.get_input_embeddings()(ids)

    def rows(self, model, sequence, prompt=None, through=None):
        """The last rows of an encoder or the scores of a decoder, and where the sequence's begin."""
        ids = torch.tensor([sequence])
        if through is not None:
            output = through(input_ids=ids)
        elif prompt is None:
            output = model(input_ids=ids)
        else:
            dtype = next(model.parameters()).dtype
            output = model(inputs_embeds=torch.cat((prompt[None].to(dtype), self.embeddings(model, ids)), dim=1))
        return (output.last_hidden_state if self.is_encoder else output.logits)[0]

    def features(self, model, prompt=None, through=None, pooled=lambda features: features):
        skipped = 0 if prompt is None else prompt.shape[0]
        means = torch.stack([self.rows(model, s, prompt, through)[skipped:].mean(0) for s in self.sequences])
        return pooled(means / means.norm(dim=1, keepdim=True))

    def loss(self, model, head, prompt=None, through=None, pooled=lambda features: features):
        if self.is_encoder:
            features = self.features(model, prompt, through, pooled)
            return cross_entropy(features @ head["weights"].T + head["bias"], self.labels)
        total = 0
        count = 0
        for sequence in self.sequences:
            scores = self.rows(model, sequence, prompt, through)
            targets = sequence[1:] if prompt is None else sequence
            first = 0 if prompt is None else prompt.shape[0] - 1
            total = total + cross_entropy(scores[first:-1], torch.tensor(targets), reduction="sum")
            count += len(targets)
        return total / count


# Adapters as hooks.


class Site:
    def __init__(self, site, block, parameters, **fixed):
        self.site = site
        self.block = block
        self.parameters = {name: values.requires_grad_() for name, values in parameters.items()}
        self.fixed = fixed

    def key(self):
        return {"site": self.site} if self.block is None else {"site": self.site, "block": self.block}


KINKS = []


def relu(values):
    KINKS.append(values.detach().abs().min().item())
    return values.relu()


def change(kind, scale, site, x, y):
    """What an adapter adds to y."""
    p = site.parameters
    if kind == "lora":
        return scale * (x @ p["A"].T) @ p["B"].T
    if kind == "adalora":
        return scale * ((x @ p["A"].T) * p["E"]) @ p["B"].T
    if kind == "bottleneck":
        return relu(y @ p["D"]) @ p["U"]
    if kind == "parallel":
        return scale * relu(x @ p["D"]) @ p["U"]
    assert kind == "sparse"
    inputs = x if site.site in Base.PARTS["llama"] else y
    matrix = torch.zeros(site.fixed["shape"], dtype=inputs.dtype)
    matrix = matrix.index_put((site.fixed["rows"], site.fixed["columns"]), p["values"])
    return (inputs * site.fixed["mask"].to(inputs.dtype)) @ matrix


@contextlib.contextmanager
def hooked(base, model, kind, scale, sites):
    """The model with adapters at its sites; yields the function for the pooled one."""
    handles = []
    pooled = lambda features: features
    for site in sites:
        if site.site == "pooled":
            pooled = lambda features, site=site: features + change(kind, scale, site, None, features)
            continue
        if site.site == "embeddings":
            continue
        module, channels = base.part(model, site.site, site.block)
        read = {}
        if kind == "parallel":
            reader, _ = base.part(model, {"attention": "q", "feed_forward": "up"}[site.site], site.block)
            handles.append(reader.register_forward_pre_hook(lambda _, inputs, read=read: read.update(x=inputs[0])))

        def add(_, inputs, output, site=site, channels=channels, read=read):
            assert isinstance(output, torch.Tensor)
            y = output[..., channels]
            parts = [output[..., : channels.start or 0], y + change(kind, scale, site, read.get("x", inputs[0]), y)]
            return torch.cat(parts + ([] if channels.stop is None else [output[..., channels.stop :]]), dim=-1)

        handles.append(module.register_forward_hook(add))
    try:
        yield pooled
    finally:
        for handle in handles:
            handle.remove()


def hook_loss(base, model, kind, scale, sites, head):
    prompt = sites[0].parameters["P"] if kind == "prompt" else None
    with hooked(base, model, kind, scale, sites) as pooled:
        return base.loss(model, head, prompt=prompt, pooled=pooled)


# Adapters by peft.


def peft_modules(base, wrapped, sites):
    return {(site.site, site.block): base.part(wrapped.base_model.model, site.site, site.block)[0] for site in sites}


def peft_targets(base, sites):
    """As users write them: the ends of names, and blocks only where they are not all."""
    parts = {base.PARTS[base.family][site.site] for site in sites}
    blocks = sorted({site.block for site in sites})
    return dict(
        target_modules=sorted({part if part.endswith("dense") else part.split(".")[-1] for part in parts}),
        layers_to_transform=None if blocks == list(range(BLOCKS)) else blocks, fan_in_fan_out=base.family == "gpt2",
    )


def peft_lora(base, sites, options):
    model = copy.deepcopy(base.model)
    model.name_or_path = base.name
    config = LoraConfig(
        task_type="FEATURE_EXTRACTION" if base.is_encoder else "CAUSAL_LM", r=options["rank"], lora_alpha=options["alpha"],
        use_rslora=options["rslora"], lora_dropout=0.0, bias="none", **peft_targets(base, sites),
    )
    wrapped = get_peft_model(model, config).eval()
    found = {}
    for key, module in peft_modules(base, wrapped, sites).items():
        site = next(site for site in sites if (site.site, site.block) == key)
        for name, layer in (("A", module.lora_A["default"]), ("B", module.lora_B["default"])):
            assert layer.weight.dtype == torch.float64 and layer.weight.shape == site.parameters[name].shape
            layer.weight.data.copy_(site.parameters[name].detach())
            found[(*key, name)] = layer.weight
    assert len(found) == sum(parameter.requires_grad for parameter in wrapped.parameters())
    return wrapped, found


def peft_adalora(base, sites, options):
    model = copy.deepcopy(base.model)
    config = AdaLoraConfig(
        task_type="FEATURE_EXTRACTION", init_r=options["rank"], lora_alpha=options["alpha"], total_step=100,
        orth_reg_weight=options["orthogonality"], **peft_targets(base, sites),
    )
    wrapped = get_peft_model(model, config).double().eval()
    found = {}
    for key, module in peft_modules(base, wrapped, sites).items():
        site = next(site for site in sites if (site.site, site.block) == key)
        for name in ("A", "E", "B"):
            parameter = getattr(module, f"lora_{name}")["default"]
            parameter.data.copy_(site.parameters[name].detach().view_as(parameter))
            found[(*key, name)] = parameter
    return wrapped, found


def peft_prompt(base, sites, _):
    model = copy.deepcopy(base.model)
    config = PromptTuningConfig(
        task_type="FEATURE_EXTRACTION" if base.is_encoder else "CAUSAL_LM", num_virtual_tokens=len(sites[0].parameters["P"])
    )
    wrapped = get_peft_model(model, config).double().eval()
    embedding = wrapped.prompt_encoder["default"].embedding.weight
    embedding.data.copy_(sites[0].parameters["P"].detach())
    return wrapped, {("embeddings", None, "P"): embedding}


# Cases.


def clear(parameters):
    for parameter in parameters:
        parameter.grad = None


def leaves(sites, head):
    yield from ((site.site, site.block, name, values) for site in sites for name, values in site.parameters.items())
    yield from (("head", None, name, values) for name, values in head.items())


def close(a, b, tolerance=1e-11):
    return (a - b).abs().max() <= tolerance * (1 + b.abs().max())


def check_differences(loss, parameters, generator, what):
    """Central differences on four coordinates of each parameter."""
    worst = 0.0
    for parameter in parameters:
        flat = parameter.detach().view(-1)
        for index in torch.randperm(flat.numel(), generator=generator)[:4].tolist():
            value = flat[index].item()
            ends = []
            for step in (1e-5, -1e-5):
                flat[index] = value + step
                with torch.no_grad():
                    ends.append(loss().item())
            flat[index] = value
            slope = (ends[0] - ends[1]) / 2e-5
            gradient = parameter.grad.view(-1)[index].item()
            worst = max(worst, abs(slope - gradient) / (abs(slope) + abs(gradient) + 1e-4))
    assert worst < 1e-5, f"{what}: {worst}"
    return worst


def digits(values):
    return [float(f"{value:.8g}") for value in values.detach().double().reshape(-1).tolist()]


def short(values):
    return [float(f"{value:.3f}") for value in values.detach().reshape(-1).tolist()]


def site_values(site):
    """The parameters as they go into the file; the fixed parts of a sparse one beside them."""
    result = site.key()
    if "rows" in site.fixed:
        result.update({name: site.fixed[name].int().tolist() for name in ("rows", "columns", "mask")})
    result["parameters"] = {name: short(values) for name, values in site.parameters.items()}
    return result


def case(base, name, kind, sites, scale=1.0, options=None, reference=None):
    options = options or {}
    head = {key: values.clone().requires_grad_() for key, values in base.head.items()}
    every = [values for *_, values in leaves(sites, head)]
    loss = lambda: hook_loss(base, base.model, kind, scale, sites, head)
    KINKS.clear()
    value = loss()
    clear(every)
    value.backward()
    assert min(KINKS, default=1) > 1e-4, f"{name}: a relu at {min(KINKS)}"
    generator = torch.Generator().manual_seed(5)
    worst = check_differences(loss, every, generator, name)
    result = {"name": name, "kind": kind, **options, "scale": scale, "sites": []}
    if kind == "prompt":
        del result["scale"]
    gradients = {(site, block, parameter): values.grad.clone() for site, block, parameter, values in leaves(sites, head)}
    checked = "-"
    if reference is not None:
        wrapped, found = reference(base, sites, options)
        clear(every)
        prompt = sites[0].parameters["P"] if kind == "prompt" else None
        other = base.loss(wrapped, head, prompt=prompt, through=wrapped)
        other.backward()
        assert close(other, value), f"{name}: peft {other} and {value}"
        for key, parameter in found.items():
            assert close(parameter.grad.view_as(gradients[key]), gradients[key]), f"{name}: {key}"
        for key, parameter in head.items():
            assert close(parameter.grad, gradients[("head", None, key)])
        checked = "peft"
        if kind == "adalora":
            result["orthogonality"] = orthogonality(wrapped, found, sites, options["orthogonality"])
    for site in sites:
        entry = site_values(site)
        entry["gradients"] = {key: digits(gradients[(site.site, site.block, key)]) for key in site.parameters}
        result["sites"].append(entry)
    result["loss"] = digits(value)[0]
    if head:
        result["head_gradients"] = {key: digits(gradients[("head", None, key)]) for key in head}
    smallest = min(float(values.norm()) for values in gradients.values())
    print(f"  {name}: loss {value.item():.8g}, differences {worst:.1e}, least norm {smallest:.2g}, {checked}")
    return result


def orthogonality(wrapped, found, sites, weight):
    """peft's own regulariser: what its forward adds to a loss of 0."""
    clear(found.values())
    inner = wrapped.base_model.model
    inner.forward = lambda: types.SimpleNamespace(loss=torch.zeros((), dtype=torch.float64))
    value = wrapped.base_model.forward().loss
    value.backward()
    matrices = [(key, values) for key, values in found.items() if key[2] != "E"]
    mean = 0
    for (*_, name), values in matrices:
        product = values @ values.T if name == "A" else values.T @ values
        mean = mean + (product - torch.eye(len(product), dtype=torch.float64)).norm() / len(matrices)
    assert close(value, weight * mean)
    by_site = [
        {**site.key(), "gradients": {name: digits(found[(site.site, site.block, name)].grad) for name in ("A", "B")}}
        for site in sites
    ]
    return {"weight": weight, "value": digits(value)[0], "sites": by_site}


def low_rank(base, places, generator, rank=3, kind="lora"):
    sites = []
    for block, site in places:
        inputs, outputs = base.shape(site)
        parameters = {"A": numbers((rank, inputs), generator, 0.3)}
        if kind == "adalora":
            parameters["E"] = numbers((rank,), generator, 1.0)
        sites.append(Site(site, block, {**parameters, "B": numbers((outputs, rank), generator, 0.3)}))
    return sites


def bottlenecks(base, places, generator, rank=5):
    return [
        Site(
            site, block,
            {"D": numbers((base.width, rank), generator, 0.3), "U": numbers((rank, base.width), generator, 0.3)},
        )
        for block, site in places
    ]


def sparse(base, places, generator, count=40):
    sites = []
    for block, site in places:
        inputs, outputs = base.shape(site)
        support = torch.randperm(inputs * outputs, generator=generator)[:count].sort().values
        mask = torch.ones(inputs, dtype=torch.int64)
        mask[torch.randperm(inputs, generator=generator)[: round(0.3 * inputs)]] = 0
        values = numbers((count,), generator, 0.5)
        values[values == 0] = 0.5
        sites.append(
            Site(
                site, block, {"values": values}, shape=(inputs, outputs), rows=support // outputs, columns=support % outputs,
                mask=mask,
            )
        )
    return sites


def cases(base):
    stream = lambda name: torch.Generator().manual_seed(zlib.crc32(f"{base.name} {name}".encode()))
    blocks = range(BLOCKS)
    last = [BLOCKS - 1]
    at = lambda blocks, sites: [(block, site) for block in blocks for site in sites]
    attended = ["o", "down"] if base.family == "gpt2" else ["q", "v"]
    result = []

    def lora(name, places, rslora=False, reference=peft_lora):
        options = {"rank": 3, "alpha": 6, "rslora": rslora}
        sites = low_rank(base, places, stream(name))
        scale = 6 / math.sqrt(3) if rslora else 2.0
        result.append(case(base, name, "lora", sites, scale, options, reference))
        return sites

    if base.family == "gpt2":
        saved = lora("lora-peft", at(blocks, ["o", "up", "down"]))
        lora("lora-qkv", at(blocks, ["q", "k", "v"]), reference=None)
        lora("lora-all", at(blocks, base.projections), reference=None)
    else:
        saved = lora("lora-all", at(blocks, base.projections))
    lora("lora-last-block", at(last, attended))
    lora("lora-rslora", at(blocks, attended), rslora=True)

    for name, site in [("attention",) * 2, ("feed-forward", "feed_forward"), ("block",) * 2]:
        sites = bottlenecks(base, at(blocks, [site]), stream(f"bottleneck-{name}"))
        result.append(case(base, f"bottleneck-{name}", "bottleneck", sites, options={"rank": 5}))
    places = at(blocks, ["attention", "feed_forward", "block"])
    pooled = [(None, "pooled")] if base.is_encoder else []
    result.append(
        case(base, "bottleneck-all", "bottleneck", bottlenecks(base, places + pooled, stream("bottleneck-all")),
             options={"rank": 5})
    )
    if base.is_encoder:
        sites = bottlenecks(base, pooled, stream("bottleneck-pooled"))
        result.append(case(base, "bottleneck-pooled", "bottleneck", sites, options={"rank": 5}))

    places = at(blocks, ["attention", "feed_forward"])
    sites = bottlenecks(base, places, stream("parallel"))
    result.append(case(base, "parallel", "parallel", sites, 2.0, {"rank": 5}))

    places = at(blocks, ["q", "v", "o", "up", "down"])
    result.append(case(base, "sparse-projections", "sparse", sparse(base, places, stream("sparse-projections"))))
    result.append(case(base, "sparse-block", "sparse", sparse(base, at(blocks, ["block"]), stream("sparse-block"))))
    if base.is_encoder:
        result.append(case(base, "sparse-pooled", "sparse", sparse(base, pooled, stream("sparse-pooled"))))

    prompt = [Site("embeddings", None, {"P": numbers((4, base.width), stream("prompt"), 0.3)})]
    result.append(case(base, "prompt", "prompt", prompt, options={"tokens": 4}, reference=peft_prompt))

    if base.is_encoder:
        sites = low_rank(base, at(blocks, ["q", "v"]), stream("adalora"), kind="adalora")
        options = {"rank": 3, "alpha": 6, "orthogonality": 0.5}
        result.append(case(base, "adalora", "adalora", sites, 6 / (3 + 1e-5), options, peft_adalora))
    save_peft(base, saved)
    return result


def save_peft(base, sites):
    path = os.path.join(HERE, f"peft-{base.name}")
    shutil.rmtree(path, ignore_errors=True)
    wrapped, _ = peft_lora(base, sites, {"rank": 3, "alpha": 6, "rslora": False})
    wrapped.float().save_pretrained(path, save_embedding_layers=False)
    os.remove(os.path.join(path, "README.md"))
    # A set, so in another order each time.
    path_of_config = os.path.join(path, "adapter_config.json")
    with open(path_of_config, encoding="utf-8") as file:
        config = json.load(file)
    config["target_modules"].sort()
    with open(path_of_config, "w", encoding="utf-8") as file:
        json.dump(config, file, indent=2)
        file.write("\n")
    os.chmod(os.path.join(path, "adapter_model.safetensors"), 0o644)


def training(base):
    """Ten steps of AdamW on LoRA everywhere."""
    generator = torch.Generator().manual_seed(zlib.crc32(f"{base.name} training".encode()))
    places = [(block, site) for block in range(BLOCKS) for site in base.projections]
    sites = []
    for block, site in places:
        inputs, outputs = base.shape(site)
        parameters = {"A": numbers((3, inputs), generator, 0.3), "B": torch.zeros((outputs, 3), dtype=torch.float64)}
        sites.append(Site(site, block, parameters))
    start = [{**site.key(), "A": short(site.parameters["A"])} for site in sites]
    head = {key: values.clone().requires_grad_() for key, values in base.head.items()}
    settings = {"learning_rate": 1e-2, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8, "decay": 0.01}
    optimizer = torch.optim.AdamW(
        [values for *_, values in leaves(sites, head)], lr=1e-2, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01
    )
    losses = []
    for step in range(11):
        loss = hook_loss(base, base.model, "lora", 2.0, sites, head)
        losses.append(digits(loss)[0])
        if step < 10:
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    print(f"  training: {losses}")
    return {"kind": "lora", "rank": 3, "alpha": 6, "scale": 2.0, "optimizer": settings, "sites": start, "losses": losses}


def heads(base, features):
    """Losses of other heads on the features."""
    generator = torch.Generator().manual_seed(17)
    result = []
    for kind, given in [
        ("binary", {"targets": [1, 0, 0, 1]}),
        ("squared", {"targets": [0.5, -1.25, 2.0, 0.125]}),
        ("preference", {"pairs": [[0, 1], [2, 1], [3, 0], [2, 3], [0, 2]]}),
    ]:
        weights = numbers((1, base.width), generator, 1.0).requires_grad_()
        bias = numbers((1,), generator, 0.3).requires_grad_()
        rows = features.clone().requires_grad_()

        def evaluate():
            scores = (rows @ weights.T + bias)[:, 0]
            if kind == "binary":
                return scores, -logsigmoid(scores * (2 * torch.tensor(given["targets"]) - 1)).mean()
            if kind == "squared":
                return scores, (scores - torch.tensor(given["targets"], dtype=torch.float64)).pow(2).mean()
            pairs = torch.tensor(given["pairs"])
            return scores, -logsigmoid(scores[pairs[:, 0]] - scores[pairs[:, 1]]).mean()

        scores, loss = evaluate()
        loss.backward()
        check_differences(lambda: evaluate()[1], [weights, bias, rows], torch.Generator().manual_seed(5), kind)
        result.append(
            {
                "kind": kind, "weights": short(weights), "bias": short(bias), **given, "scores": digits(scores),
                "loss": digits(loss)[0],
                "gradients": {
                    "weights": digits(weights.grad), "bias": digits(bias.grad),
                    "features": [digits(row) for row in rows.grad], "features_sum": digits(rows.grad.sum(0)),
                },
            }
        )
        print(f"  {kind}: loss {loss.item():.8g}")
    return result


def main():
    torch.set_num_threads(1)
    models = sys.argv[1] if len(sys.argv) > 1 else os.path.join(HERE, "..", "..", "ModelTests", "Fixtures")
    print(torch.__version__, transformers.__version__, peft.__version__, tokenizers.__version__)
    make_bert()
    for name in ["tiny-bert", "tiny-gpt2", "tiny-llama"]:
        base = Base(name, models)
        print(name, [len(sequence) for sequence in base.sequences])
        with torch.no_grad():
            values = {"sequences": base.sequences, "base_loss": digits(base.loss(base.model, base.head))[0]}
        if base.is_encoder:
            values["texts"] = TEXTS
            values["labels"] = base.labels.tolist()
            values["head"] = {key: short(parameter) for key, parameter in base.head.items()}
        values["cases"] = cases(base)
        values["training"] = training(base)
        if base.is_encoder:
            with torch.no_grad():
                features = base.features(base.model)
            values["features"] = [digits(row) for row in features]
            values["heads"] = heads(base, features)
        with open(os.path.join(HERE, f"adapters-{name}.json"), "w", encoding="utf-8") as file:
            json.dump(values, file, separators=(",", ":"))
            file.write("\n")


if __name__ == "__main__":
    main()
