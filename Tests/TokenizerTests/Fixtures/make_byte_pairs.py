#!/usr/bin/env python3
"""Makes byte_pairs_gpt2.json, byte_pairs_llama3.json and byte_pairs.json with the reference implementation.

    python3 make_byte_pairs.py

Made with tokenizers 0.23.3. The two tokenizer files are trained here, on the texts of ../../ModelTests/Fixtures/golden_texts.py:
one with GPT-2's split and an added token, one with Llama 3's split, ignore_merges and a token before every text.
byte_pairs.json: a list of {"text", "gpt2", "llama3"}, the ids of those texts and of the cases below under either.
"""

import json
import os
import random
import sys

from tokenizers import AddedToken, Regex, Tokenizer, models, pre_tokenizers, processors, trainers

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "ModelTests", "Fixtures"))
from golden_texts import texts  # noqa: E402

LLAMA3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
CASES = [
    "", " ", "  ", "a", " a", "  a", "a ", "a  ", "a  b", "a\nb", "a\n\nb", "a \n b", "a\r\n\r\n  b\t\tc", "\n", " \n", "\n ", "\t",
    "it's I'll we've you're they'd I'm can't", "IT'S I'LL 'S 'x ' 's", "it'\u017f", "''s'''ll", "'", "' s",
    "1", "12", "123", "1234", "a1b22c333 4444", " 1 22", "3.14159, 1,000,000", "\u0663\u0664\u0665 \u2167 \u00bd",
    "!?", " !?", "!?\n", "!?\n\na", "a!b", "...", " ...\r\n", "-a", "\u2014a", "$a $1", "\u00a0a\u00a0", "\u2003\u2003a", "\u3000",
    "\u0085x", "\u200bx\u200b", "e\u0301 \u0301", "\u4f60\u597d\u4e16\u754c", "\u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35", "\U0001f600\U0001f468\u200d\U0001f469",
    "\x00\x01\x7f", "<|endoftext|>", "a<|endoftext|> b<|endoftext|>", "<|endoftext", "<|begin|>x", "word" * 40, "ab " * 50, " " * 33 + "x",
    "a" * 1000, "Zo\u00eb's na\u00efve caf\u00e9", "\u0130stanbul", "x\u2028y\u2029z", "\u180ex",
]


def main():
    corpus = list(texts(lambda text, tokens: text))
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    gpt2 = Tokenizer(models.BPE())
    gpt2.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    gpt2.train_from_iterator(
        corpus,
        trainers.BpeTrainer(
            vocab_size=600, initial_alphabet=sorted(alphabet), special_tokens=["<|endoftext|>"], show_progress=False
        ),
    )
    llama3 = Tokenizer(models.BPE(ignore_merges=True))
    llama3.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(LLAMA3), behavior="isolated", invert=False),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    llama3.train_from_iterator(
        corpus,
        trainers.BpeTrainer(vocab_size=500, initial_alphabet=sorted(alphabet), special_tokens=["<|begin|>"], show_progress=False),
    )
    llama3.add_special_tokens([AddedToken("<|endoftext|>", special=True, normalized=False)])
    begin = llama3.token_to_id("<|begin|>")
    llama3.post_processor = processors.Sequence(
        [
            processors.ByteLevel(trim_offsets=False),
            processors.TemplateProcessing(single="<|begin|> $A", special_tokens=[("<|begin|>", begin)]),
        ]
    )
    random.seed(7)
    scalars = [c for c in range(1, 0x3000) if not 0xD800 <= c < 0xE000]
    mixed = ["".join(chr(random.choice(scalars)) for _ in range(20)) for _ in range(50)]
    spaced = ["".join(random.choice("a1'! \n\r\ts\u00e9\u00a0") for _ in range(24)) for _ in range(100)]
    golden = []
    for text in corpus + CASES + mixed + spaced:
        golden.append({"text": text, "gpt2": gpt2.encode(text).ids, "llama3": llama3.encode(text).ids})
    gpt2.save(os.path.join(HERE, "byte_pairs_gpt2.json"), pretty=False)
    llama3.save(os.path.join(HERE, "byte_pairs_llama3.json"), pretty=False)
    with open(os.path.join(HERE, "byte_pairs.json"), "w", encoding="utf-8") as file:
        file.write("[\n" + ",\n".join(json.dumps(line, separators=(",", ":")) for line in golden) + "\n]\n")


if __name__ == "__main__":
    main()
