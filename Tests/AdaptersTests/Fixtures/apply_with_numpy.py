"""Applies an adapter with nothing of Attune: `pip install numpy safetensors`, then `python apply_with_numpy.py`.

Reads adapter.safetensors and inputs.safetensors beside this script and writes scores.safetensors, the golden values of
NumPyAgreementTests.swift.
"""

from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

folder = Path(__file__).parent
adapter = load_file(folder / "adapter.safetensors")
inputs = load_file(folder / "inputs.safetensors")

width = inputs["start.weights"].shape[0]
kept = np.unpackbits(adapter["rows"], bitorder="little")[:width].astype(bool)
scale, bias = adapter["scale_bias"].astype(np.float64)

head = inputs["start.weights"].astype(np.float64)
head[kept] += adapter["values"] * scale
scores = inputs["features"].astype(np.float64) @ head + inputs["start.bias"][0] + bias
save_file({"scores": scores.astype(np.float32)}, folder / "scores.safetensors")
print(scores)
