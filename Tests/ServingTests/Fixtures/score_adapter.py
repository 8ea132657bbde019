#!/usr/bin/env python3
"""Applies a pulled adapter with `safetensors` and NumPy alone: what anyone can do with a file of ours.

usage: score_adapter.py ADAPTER.safetensors FEATURES.safetensors > scores.json
needs: pip install safetensors numpy

`features` is [texts, width], the base's pooled features of unit norm. Prints the probability of a positive label for
each text, with the user's adapter and with the recipe's start alone. GoldenAdapterTests holds the product to them."""
import json
import sys

import numpy
from safetensors.numpy import load_file


def head(adapter):
    """The user's dense head: the start plus its difference, in full or as value times scale at each kept row."""
    weights = adapter["start.weights"].astype(numpy.float64)
    if "head.weights" in adapter:
        return weights + adapter["head.weights"], float(adapter["start.bias"][0]) + float(adapter["head.bias"][0])
    kept = numpy.unpackbits(adapter["head.kept_rows"], bitorder="little")[: len(weights)].astype(bool)
    weights[kept] += adapter["head.values"].astype(numpy.float64) * adapter["head.scale"][0]
    return weights, float(adapter["start.bias"][0]) + float(adapter["head.bias"][0])


def probabilities(features, weights, bias):
    return (1 / (1 + numpy.exp(-(features.astype(numpy.float64) @ weights + bias)))).tolist()


def main():
    adapter, features = load_file(sys.argv[1]), load_file(sys.argv[2])["features"]
    start = adapter["start.weights"].astype(numpy.float64), float(adapter["start.bias"][0])
    print(json.dumps({"with_adapter": probabilities(features, *head(adapter)),
                      "start_alone": probabilities(features, *start)}, indent=1))


main()
