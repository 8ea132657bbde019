#!/usr/bin/env python3
"""Writes what a PEFT folder adds to each weight, scale * B @ A, as peft defines it, with numpy and safetensors alone.

    python3 multiply_peft.py FOLDER OUT.safetensors
"""

import json
import math
import re
import sys

from safetensors.numpy import load_file, save_file

folder, out = sys.argv[1:]
with open(f"{folder}/adapter_config.json", encoding="utf8") as file:
    config = json.load(file)
assert config["peft_type"] == "LORA" and config["bias"] == "none"
tensors = load_file(f"{folder}/adapter_model.safetensors")


def of(pattern, default, module):
    return next((value for key, value in pattern.items() if re.match(rf"(.*\.)?({key})$", module)), default)


deltas = {}
for name in sorted(tensors):
    if not name.endswith(".lora_A.weight"):
        continue
    module = name.removeprefix("base_model.model.").removesuffix(".lora_A.weight")
    assert any(module == target or module.endswith("." + target) for target in config["target_modules"]), module
    a, b = tensors.pop(name), tensors.pop(name.replace("lora_A", "lora_B"))
    rank = of(config["rank_pattern"], config["r"], module)
    assert a.shape[0] == rank and b.shape[1] == rank, (module, a.shape, b.shape, rank)
    alpha = of(config["alpha_pattern"], config["lora_alpha"], module)
    deltas[module] = alpha / (math.sqrt(rank) if config["use_rslora"] else rank) * (b @ a)
assert not tensors, tensors.keys()
save_file({module: delta.astype("float32") for module, delta in deltas.items()}, out)
