#!/usr/bin/env python3
"""Loads our exports in peft and in sentence-transformers and compares what they give with what they give here.

    export ATTUNE_TEST_EXPORT=/tmp/exports ATTUNE_TEST_BASE=.../all-MiniLM-L6-v2 ATTUNE_TEST_DECODER=.../novels-gpt2
    swift test -c release --filter PEFTReferenceExport
    python3 check_peft.py /tmp/exports

The first writes (PEFTReferenceExport.swift), for tiny-bert, tiny-gpt2, tiny-llama and the two real models: a LoRA of rank 4 at
every product, of rank 8 at the first block's values, at none of the second block's keys and outputs of the feed-forward layer
(there zeros are written), as a PEFT folder; the outputs with and without it; for encoders also heads as models of
sentence-transformers, without and with the LoRA.

A file of attune adapt for that decoder, and the folder that attune makes of it, are checked likewise, as the case `adapted`:

    attune adapt --base $ATTUNE_TEST_DECODER --text mine.txt --out mine.safetensors
    attune adapter export-peft mine.safetensors --base $ATTUNE_TEST_DECODER --out mine-peft
    ATTUNE_TEST_ADAPTER=$PWD/mine.safetensors swift test -c release --filter PEFTReferenceExport
    python3 check_peft.py /tmp/exports mine-peft

So is a folder that PEFT saved, with the file that attune adapter import-peft makes of it as ATTUNE_TEST_ADAPTER.

Compared are, in f32 on the CPU, sequence by sequence without padding: unit-norm means of encoders and scores of every next token
of decoders, unadapted, with the folder loaded by PeftModel.from_pretrained, and merged into the base by merge_and_unload; of
sentence-transformers, from texts and padded, features with SentenceTransformer(...).load_adapter(FOLDER), logits of the
folder `head` and probabilities of the folder `head-and-lora`. Also that peft finds every tensor that it looks for and looks for every
tensor there is. Every difference must be below 1e-4, and every adapter must change its outputs by more than 1e-2.

Run with torch 2.15.0 (CPU), transformers 5.23.0, peft 0.21.2 and sentence-transformers 6.2.0; largest absolute
differences, and in the first column by how much the adapter changes an output:

                       change  unadapted  peft     merged   load_adapter  Dense    Dense, load_adapter  Dense and LoRA
    tiny-bert          0.403   1.2e-07    1.3e-07  1.2e-07  1.6e-07       1.5e-07  1.2e-07              0.0e+00
    tiny-gpt2          4.357   2.3e-06    2.3e-06  2.2e-06
    tiny-llama         5.347   2.2e-06    3.6e-06  3.3e-06
    all-MiniLM-L6-v2   0.126   2.8e-07    1.9e-07  1.9e-07  2.1e-07       1.1e-06  8.3e-07              1.3e-07
    novels-gpt2        1.428   1.5e-05    1.5e-05  1.3e-05
    adapted            2.706   1.3e-05    1.4e-05  1.3e-05
    saved by PEFT      1.434   1.3e-05    1.4e-05  1.8e-05

The last two are of novels-gpt2: adapted to 20,000 characters of a novelist, and drawn by PEFT with other ranks and alphas by
rank_pattern and alpha_pattern, rank-stabilised.
"""

import json
import os
import sys
import warnings

os.environ["HF_HUB_OFFLINE"] = "1"

import numpy
import peft
import torch
from peft import PeftModel
from safetensors.numpy import load_file
from transformers import AutoModel, AutoModelForCausalLM

warnings.filterwarnings("error", message=".*missing adapter keys.*")
warnings.filterwarnings("error", message=".*unexpected keys.*")
LIMIT = 1e-4


def outputs(model, sequences, is_encoder):
    rows = []
    with torch.no_grad():
        for sequence in sequences:
            output = model(input_ids=torch.tensor([sequence]))
            if is_encoder:
                mean = output.last_hidden_state[0].mean(0)
                rows.append((mean / mean.norm())[None])
            else:
                rows.append(output.logits[0])
    return torch.cat(rows).numpy()


def base(case):
    if case["isEncoder"]:
        return AutoModel.from_pretrained(case["base"], dtype=torch.float32).eval()
    return AutoModelForCausalLM.from_pretrained(case["base"], dtype=torch.float32).eval()


def check_peft(case, folder, ours, compare):
    sequences = [part.tolist() for part in numpy.split(ours["ids"], ours["lengths"].cumsum()[:-1])]
    compare("unadapted", outputs(base(case), sequences, case["isEncoder"]), ours["unadapted"])
    model = PeftModel.from_pretrained(base(case), folder).eval()
    named = peft.get_peft_model_state_dict(model)
    stored = load_file(os.path.join(folder, "adapter_model.safetensors"))
    assert named.keys() == stored.keys(), named.keys() ^ stored.keys()
    assert all(numpy.array_equal(named[name].numpy(), stored[name]) for name in stored)
    compare("peft", outputs(model, sequences, case["isEncoder"]), ours["adapted"])
    compare("peft, merged", outputs(model.merge_and_unload(), sequences, case["isEncoder"]), ours["adapted"])


def check_sentence_transformers(case, folder, ours, compare):
    from sentence_transformers import SentenceTransformer

    def load(name):
        return SentenceTransformer(os.path.join(folder, name), device="cpu")

    def logistic(values):
        return 1 / (1 + numpy.exp(-values))

    head = load("head")
    compare("Dense", head.encode(case["texts"]), ours["unadapted.logits"])
    head.load_adapter(folder)
    compare("Dense, load_adapter", head.encode(case["texts"]), ours["adapted.logits"])
    encoder = SentenceTransformer(modules=[head[0], head[1], head[2]], device="cpu")
    compare("load_adapter", encoder.encode(case["texts"]), ours["adapted"])
    compare("Dense and LoRA", load("head-and-lora").encode(case["texts"]), logistic(ours["adapted.logits"]))


def main():
    root = sys.argv[1]
    with open(os.path.join(root, "cases.json"), encoding="utf8") as file:
        cases = json.load(file)
    worst = 0.0
    for case in cases:
        folder = os.path.join(root, case["name"])
        ours = load_file(os.path.join(folder, "outputs.safetensors"))
        if case["name"] == "adapted" and len(sys.argv) > 2:
            folder = sys.argv[2]
        effect = numpy.abs(ours["adapted"] - ours["unadapted"]).max()
        assert effect > 1e-2, (case["name"], effect)
        print(f"{case['name']}: {ours['adapted'].shape}, the adapter changes up to {effect:.3f}")

        def compare(what, theirs, mine):
            nonlocal worst
            assert theirs.shape == mine.shape, (what, theirs.shape, mine.shape)
            difference = float(numpy.abs(theirs - mine).max())
            print(f"    {what}: {difference:.1e}")
            assert difference < LIMIT, (case["name"], what, difference)
            worst = max(worst, difference)

        check_peft(case, folder, ours, compare)
        if case["isEncoder"]:
            check_sentence_transformers(case, folder, ours, compare)
    print(f"largest difference {worst:.1e}")


main()
