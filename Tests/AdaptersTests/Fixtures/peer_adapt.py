#!/usr/bin/env python3
"""The peer of `attune bench adapt`: the same per-user adaptation with transformers, peft and torch on the CPU.

    python3 peer_adapt.py [--file FILE] [--mode f32|f32-onednn|bf16] [--users N] [--threads N] [--base FOLDER]
                          [--write FILE]

Run with torch 2.15.0 (CPU), transformers 5.23.0 and peft 0.21.2. Per user: 32 examples of 64 tokens with labels 0 and 1; LoRA
of rank 8, alpha 16, on query and value of all blocks of all-MiniLM-L6-v2, and a linear head on the mean of the last rows over
the tokens divided by its Euclidean norm; binary cross-entropy, the mean over the batch; ten steps of AdamW (1e-3, .9, .999,
1e-8, decay .01, of head and adapter alike) on batches of eight: step k takes the examples 8k up to 8k + 7, modulo 32. No
dropout. All users have the same examples and start: only the time depends on how many there are.

FILE is safetensors: tokens int32 [32, 64], labels [32] (0 or 1, of any type), head.weights f32 [1, width], head.bias f32 [1],
and for each block and site q, v: blocks.BLOCK.SITE.A f32 [8, width], blocks.BLOCK.SITE.B f32 [width, 8]. Without it: random
ones. --write FILE keeps those that were used.

Modes, all without padding and attention mask:
    f32           as it comes: a new peft model and a new optimizer for each user around the one base in memory, f32, torch's
                  fused attention
    f32-onednn    the best form in f32: one peft model for all users, its weights set to the start again, a new optimizer,
                  eager attention, products by oneDNN rather than MKL (set_float32_matmul_precision("medium"), which here
                  loses no precision: that is checked first; with AMX it would compute in bf16)
    bf16          the best form: as f32-onednn, with autocast to bf16; weights, norms, head and optimizer stay in f32
MKL takes its AVX2 kernels on AMD's processors: f32 reaches about 100 GFLOP/s there where oneDNN's AVX-512 reaches 215. Tried
and no faster: weights stored in bf16, autocast with fused attention, setting weights again in f32, torch.compile (within 5 %,
after more than a minute of compiling).

Prints one JSON object: users_per_second over all timed users, seconds of each, cpu_users_per_second by the processor time of all
threads (for a machine that others use too), the loss before each step of the last user, over that step's batch, and final_loss
over all 32 examples after the last step, which is not timed. One user before them warms up and is not counted.
"""

import argparse
import contextlib
import json
import os
import platform
import statistics
import sys
import time

os.environ["HF_HUB_OFFLINE"] = "1"

import peft
import torch
import transformers
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import AutoModel

EXAMPLES, TOKENS, BATCH, STEPS, RANK, ALPHA = 32, 64, 8, 10, 8, 16
SITES = {"q": "query", "v": "value"}


def random_inputs(config):
    generator = torch.Generator().manual_seed(7)
    width = config.hidden_size
    inputs = {
        "tokens": torch.randint(1000, config.vocab_size, (EXAMPLES, TOKENS), generator=generator, dtype=torch.int32),
        "labels": torch.randint(0, 2, (EXAMPLES,), generator=generator, dtype=torch.int32),
        "head.weights": torch.randn((1, width), generator=generator) * 0.5,
        "head.bias": torch.zeros(1),
    }
    inputs["tokens"][:, 0], inputs["tokens"][:, -1] = 101, 102
    for block in range(config.num_hidden_layers):
        for site in SITES:
            inputs[f"blocks.{block}.{site}.A"] = torch.randn((RANK, width), generator=generator) / RANK**0.5
            inputs[f"blocks.{block}.{site}.B"] = torch.zeros((width, RANK))
    return inputs


def use_onednn():
    torch.set_float32_matmul_precision("medium")
    generator = torch.Generator().manual_seed(1)
    a, b = torch.randn((2, 384, 384), generator=generator)
    exact = a.double() @ b.double()
    error = ((a @ b).double() - exact).abs().max() / exact.abs().max()
    assert error < 1e-5, f"products are not f32's on this processor: {error}"


class Adaptation:
    """One user's model: the base, its adapters and a head."""

    def __init__(self, base, inputs, uses_bf16):
        self.inputs = inputs
        self.uses_bf16 = uses_bf16
        config = LoraConfig(
            task_type="FEATURE_EXTRACTION", r=RANK, lora_alpha=ALPHA, target_modules=list(SITES.values()), lora_dropout=0.0,
            bias="none",
        )
        self.model = get_peft_model(base, config).eval()
        self.adapters = {}
        for index, block in enumerate(base.encoder.layer):
            for site, name in SITES.items():
                module = getattr(block.attention.self, name)
                self.adapters[f"blocks.{index}.{site}.A"] = module.lora_A["default"].weight
                self.adapters[f"blocks.{index}.{site}.B"] = module.lora_B["default"].weight
        self.adapters["head.weights"] = torch.nn.Parameter(torch.empty_like(inputs["head.weights"]))
        self.adapters["head.bias"] = torch.nn.Parameter(torch.empty_like(inputs["head.bias"]))

    def reset(self):
        with torch.no_grad():
            for name, parameter in self.adapters.items():
                assert parameter.dtype == torch.float32
                parameter.copy_(self.inputs[name])
                parameter.grad = None

    def loss(self, rows):
        autocast = torch.autocast("cpu", dtype=torch.bfloat16) if self.uses_bf16 else contextlib.nullcontext()
        with autocast:
            hidden = self.model(input_ids=self.inputs["tokens"][rows]).last_hidden_state
        means = hidden.float().mean(1)
        features = means / means.norm(dim=1, keepdim=True)
        scores = torch.nn.functional.linear(features, self.adapters["head.weights"], self.adapters["head.bias"])[:, 0]
        return torch.nn.functional.binary_cross_entropy_with_logits(scores, self.inputs["labels"][rows])

    def run(self):
        """Ten steps from the start; the loss before each."""
        self.reset()
        optimizer = torch.optim.AdamW(self.adapters.values(), lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01)
        losses = []
        for step in range(STEPS):
            first = BATCH * step % EXAMPLES
            loss = self.loss(slice(first, first + BATCH))
            losses.append(loss.item())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        return losses


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--base", default=os.path.expanduser("~/.cache/attune/all-MiniLM-L6-v2"))
    parser.add_argument("--file")
    parser.add_argument("--write")
    parser.add_argument("--mode", choices=["f32", "f32-onednn", "bf16"], default="f32")
    parser.add_argument("--users", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.set_num_interop_threads(1)
    transformers.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()

    uses_bf16 = options.mode == "bf16"
    if options.mode == "f32-onednn":
        use_onednn()
    attention = "sdpa" if options.mode == "f32" else "eager"
    base = AutoModel.from_pretrained(
        options.base, add_pooling_layer=False, dtype=torch.float32, attn_implementation=attention
    )
    base.eval().requires_grad_(False)
    inputs = load_file(options.file) if options.file else random_inputs(base.config)
    if options.write:
        save_file(inputs, options.write)
    assert inputs["tokens"].shape == (EXAMPLES, TOKENS) and inputs["labels"].shape == (EXAMPLES,)
    inputs["tokens"] = inputs["tokens"].long()
    inputs["labels"] = inputs["labels"].float()

    shared = None if options.mode == "f32" else Adaptation(base, inputs, uses_bf16)
    seconds = []
    cpu = 0.0
    for user in range(options.users + 1):
        start = time.perf_counter()
        cpu_start = time.process_time()
        adaptation = shared or Adaptation(base, inputs, uses_bf16)
        losses = adaptation.run()
        seconds.append(time.perf_counter() - start)
        cpu += time.process_time() - cpu_start if user > 0 else 0
        if user == options.users:
            with torch.no_grad():
                final = adaptation.loss(slice(0, EXAMPLES)).item()
        if shared is None:
            start = time.perf_counter()
            base = adaptation.model.unload()
            seconds[-1] += time.perf_counter() - start
    seconds = seconds[1:]
    json.dump(
        {
            "peer": "transformers+peft+torch", "mode": options.mode, "threads": options.threads, "users": options.users,
            "users_per_second": options.users / sum(seconds), "cpu_users_per_second": options.users / cpu,
            "seconds_median": statistics.median(seconds), "seconds": seconds, "losses": losses, "final_loss": final,
            "torch": torch.__version__, "transformers": transformers.__version__, "peft": peft.__version__,
            "python": platform.python_version(),
        },
        sys.stdout,
    )
    print()


if __name__ == "__main__":
    main()
