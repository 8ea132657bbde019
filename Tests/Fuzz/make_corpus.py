#!/usr/bin/env python3
"""Writes the inputs of Corpus/ that were made by hand; those named by a digest are the fuzzer's (`ops/fuzz keep`).

    python3 make_corpus.py

A file is called OUTCOME.what: `read`, or the class of the Problem that it is refused with. Formats are written here from
their byte tables, not by the code under test. Frames need the command zstd.
"""

import hashlib
import json
import os
import struct
import subprocess
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
BASE, RECIPE, WIDTH = "ab" * 32, "0f" * 32, 12
NAN, INF = float("nan"), float("inf")


def seed(target, name, content):
    folder = os.path.join(HERE, "Corpus", target)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name), "wb") as file:
        file.write(content.encode() if isinstance(content, str) else content)


def compact(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def changed(text, *pairs):
    """A text, or its JSON, with each old part replaced by the new one."""
    if not isinstance(text, str):
        text = compact(text)
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new)
    return text


# Safetensors


def framed(header, data=b""):
    header = header if isinstance(header, bytes) else header.encode()
    return struct.pack("<Q", len(header)) + header + data


SIZES = {"F32": 4, "F64": 8, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1, "U32": 4, "BOOL": 1}


def tensors(entries, metadata=None):
    """A file as SafetensorsWriter lays it out, from (name, dtype, shape, bytes)."""
    entries = sorted(entries, key=lambda entry: (-SIZES[entry[1]], entry[0]))
    header, data = {}, b""
    if metadata:
        header["__metadata__"] = dict(sorted(metadata.items()))
    for name, dtype, shape, content in entries:
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(content)]}
        data += content
    text = compact(header).encode()
    return framed(text + b" " * (-len(text) % 8), data)


def floats(*values):
    return struct.pack(f"<{len(values)}f", *values)


def tensor(dtype="U8", shape="[4]", offsets="[0,4]"):
    return f'{{"dtype":"{dtype}","shape":{shape},"data_offsets":{offsets}}}'


def safetensors():
    def one(header, data=b"\1\2\3\4"):
        return framed(header, data)

    seed("safetensors", "read.nothing", framed("{}"))
    seed("safetensors", "read.every-type", tensors([(t, t, [2], bytes(range(2 * n))) for t, n in SIZES.items()]))
    seed("safetensors", "read.scalar-and-empty", tensors(
        [("scalar", "F32", [], floats(7)), ("empty", "F32", [0, 4], b""), ("hollow", "I8", [3, 0, 2], b"")],
        {"format": "pt", "quote": 'a "b"\n\u0001é'}))
    seed("safetensors", "read.no-numbers", tensors(
        [("f32", "F32", [3], floats(NAN, INF, -INF)), ("f16", "F16", [2], b"\xff\x7f\x00\xfc"),
         ("bf16", "BF16", [1], b"\xc0\x7f"), ("f64", "F64", [2], struct.pack("<2d", 1e308, NAN))]))
    seed("safetensors", "read.two-spellings", tensors([("é", "U8", [1], b"a"), ("e\u0301", "U8", [1], b"b")]))
    seed("safetensors", "read.escaped-names", one(f'{{"\\ud83d\\ude00\\u0000/\\"":{tensor()}}}'))
    for name, header in {
        "overlap": f'{{"a":{tensor(shape="[3]", offsets="[0,3]")},"b":{tensor(shape="[2]", offsets="[2,4]")}}}',
        "same-bytes": f'{{"a":{tensor()},"b":{tensor()}}}',
        "gap": f'{{"a":{tensor(shape="[1]", offsets="[0,1]")},"b":{tensor(shape="[2]", offsets="[2,4]")}}}',
        "late-start": f'{{"a":{tensor(shape="[3]", offsets="[1,4]")}}}',
        "data-after": f'{{"a":{tensor(shape="[3]", offsets="[0,3]")}}}',
        "backwards": f'{{"a":{tensor(offsets="[4,0]")}}}',
        "negative-offset": f'{{"a":{tensor(offsets="[-4,0]")}}}',
        "offset-beyond-64-bits": f'{{"a":{tensor(offsets="[0,18446744073709551616]")}}}',
        "offset-real": f'{{"a":{tensor(offsets="[0,4.0]")}}}',
        "offset-infinite": f'{{"a":{tensor(offsets="[0,1e999]")}}}',
        "duplicate-name": f'{{"a":{tensor()},"a":{tensor()}}}',
        "duplicate-escaped": f'{{"a":{tensor()},"\\u0061":{tensor()}}}',
        "duplicate-field": '{"a":{"dtype":"U8","dtype":"U8","shape":[4],"data_offsets":[0,4]}}',
        "shape-overflow": f'{{"a":{tensor(shape="[4294967296,4294967296]")}}}',
        "shape-overflow-to-4": f'{{"a":{tensor("U8", "[9223372036854775807,4]")}}}',
        "shape-overflow-by-type": f'{{"a":{tensor("F64", "[2305843009213693952]")}}}',
        "shape-overflow-then-0": f'{{"a":{tensor("F32", "[4611686018427387904,4,0]", "[0,0]")}}}',
        "shape-negative": f'{{"a":{tensor(shape="[-1,-4]")}}}',
        "shape-nan": f'{{"a":{tensor(shape="[NaN]")}}}',
        "shape-long": f'{{"a":{tensor(shape="[" + "1," * 1500 + "2]")}}}',
        "shape-deep": f'{{"a":{tensor(shape="[" * 40 + "]" * 40)}}}',
        "unknown-type": f'{{"a":{tensor("F8")}}}',
        "type-long": f'{{"a":{tensor("e" + chr(0x301) * 1500)}}}',
        "no-fields": '{"a":{}}',
        "metadata-number": '{"__metadata__":{"a":1}}',
        "metadata-spellings": '{"__metadata__":{"\u00e9":"1","e\u0301":"2"}}',
        "array": "[]",
        "space-first": " {}",
        "cut-short": '{"a":{"dtype":"U8"',
        "lone-surrogate": f'{{"\\ud83d":{tensor()}}}',
        "control": f'{{"a\n":{tensor()}}}',
        "number-first": f'{{"a":{tensor(shape="[04]")}}}',
    }.items():
        seed("safetensors", f"safetensors_malformed.{name}", one(header))
    seed("safetensors", "safetensors_malformed.not-utf8", one(b'{"\xc3\x28":1}'))
    seed("safetensors", "safetensors_malformed.overlong-utf8", one(b'{"\xc0\x80":1}'))
    for name, length in {"length-2-63": 1 << 63, "length-all-ones": (1 << 64) - 1, "length-100MB": 100_000_001}.items():
        seed("safetensors", f"safetensors_malformed.{name}", struct.pack("<Q", length) + b"{}")
    seed("safetensors", "file_truncated.length-all", struct.pack("<Q", 100_000_000) + b"{}")
    seed("safetensors", "file_truncated.nothing", b"")
    seed("safetensors", "file_truncated.seven-bytes", b"\2\0\0\0\0\0\0")
    seed("safetensors", "file_truncated.data", one(f'{{"a":{tensor(shape="[5]", offsets="[0,5]")}}}'))
    seed("safetensors", "file_truncated.to-2-63", one(
        f'{{"a":{tensor(shape="[9223372036854775807]", offsets="[0,9223372036854775807]")}}}'))

    index = '{"metadata":{"total_size":24},"weight_map":{"a":"1.safetensors","b":"1.safetensors","c":"2.safetensors"}}'
    seed("safetensors-index", "read.two-files", index)
    seed("safetensors-index", "read.one-file", '{"weight_map":{"a":"1.safetensors"}}')
    seed("safetensors-index", "tensor_missing.elsewhere", changed(index, ('"c":"2', '"c":"1')))
    seed("safetensors-index", "tensor_missing.long-name", changed(index, ('"c"', '"' + "c" * 3000 + '"')))
    seed("safetensors-index", "file_unreadable.absent", changed(index, ('"2.', '"3.')))
    for name, file in {
        "parent": "../1.safetensors", "root": "/1.safetensors", "backslash": "a\\\\1.safetensors",
        "nul": "1\\u0000.safetensors", "hidden": ".safetensors", "other-kind": "1.bin", "nothing": "",
    }.items():
        seed("safetensors-index", f"index_malformed.{name}", changed(index, ("2.safetensors", file)))
    for name, text in {
        "no-map": "{}", "empty-map": '{"weight_map":{}}', "array": "[]", "number": '{"weight_map":{"a":1}}',
        "duplicate": changed(index, ('"b"', '"a"')), "deep": '{"a":' * 33 + "1" + "}" * 33,
        "long-name": '{"weight_map":{"' + "e\u0301\u0301" * 900 + '":1}}',
    }.items():
        seed("safetensors-index", f"index_malformed.{name}", text)


# Tokenizers

LLAMA3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def byte_pairs():
    def added(id, content, **flags):
        return {"id": id, "content": content, "special": True, **flags}

    gpt2 = {
        "added_tokens": [added(0, "<|end|>")], "normalizer": None,
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False, "use_regex": True}, "post_processor": None,
        "model": {
            "type": "BPE", "dropout": None, "byte_fallback": False, "ignore_merges": False,
            "vocab": {"<|end|>": 0, "@": 0, "Ġh": 1, "un": 2, "te": 3, "au": 4, "Ġhau": 5, "teun": 6, "aa": 7},
            "merges": ["Ġ h", "u n", "t e", "a u", "Ġh au", "te un", "a a"]},
    }
    llama3 = {
        "added_tokens": [added(0, "<|begin|>"), added(300, "<|end|>"), added(301, "<|")],
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
            {"type": "Split", "pattern": {"Regex": LLAMA3}, "behavior": "Isolated", "invert": False},
            {"type": "ByteLevel", "add_prefix_space": False, "use_regex": False}]},
        "post_processor": {"type": "Sequence", "processors": [
            {"type": "ByteLevel", "trim_offsets": False},
            {"type": "TemplateProcessing", "single": [
                {"SpecialToken": {"id": "<|begin|>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
                {"SpecialToken": {"id": "<|end|>", "type_id": 0}}],
             "special_tokens": {
                 "<|begin|>": {"id": "<|begin|>", "ids": [0], "tokens": ["<|begin|>"]},
                 "<|end|>": {"id": "<|end|>", "ids": [300, 300], "tokens": ["<|end|>"]}}}]},
        "model": {
            "type": "BPE", "ignore_merges": True, "vocab": {"@": 0, "12": 1, "Ġhaunt": 2, "ed": 3},
            "merges": [["1", "2"], ["e", "d"]]},
    }
    plain = compact(gpt2)
    seed("byte-pairs", "read.gpt2", plain)
    seed("byte-pairs", "read.prefix-space", changed(plain, ('"add_prefix_space":false', '"add_prefix_space":true')))
    framed = compact(llama3)
    seed("byte-pairs", "read.llama3", framed)
    seed("byte-pairs", "read.single-digits", changed(framed, ("{1,3}", "")))
    for name, pairs in {
        "frame-beyond-vocabulary": [('"ids":[0]', '"ids":[500]')],
        "frame-negative": [('"ids":[0]', '"ids":[-1]')],
        "frame-beyond-limit": [('"ids":[0]', '"ids":[99999999]')],
        "frame-real": [('"ids":[0]', '"ids":[0.5]')],
        "frame-unknown": [('{"id":"<|begin|>","type_id":0}', '{"id":"x","type_id":0}')],
        "frame-long": [('"ids":[300,300]', '"ids":[' + "300, " * 1100 + "300]")],
        "added-twice": [('"content":"<|"', '"content":"<|end|>"')],
        "added-for-another": [('"id":301', '"id":2')],
        "added-id-twice": [('"id":301', '"id":300')],
        "added-negative": [('"id":301', '"id":-1')],
        "merge-twice": [('["1","2"]', '["1","2"],["1","2"]')],
        "merge-of-three": [('["1","2"]', '["1","2","3"]')],
        "merge-of-nothing": [('["1","2"]', '["","2"]')],
        "merge-unknown": [('["1","2"]', '["12","2"]')],
        "id-twice": [('"12":1', '"12":2')],
        "id-huge": [('"12":1', '"12":9223372036854775807')],
        "id-beyond-64-bits": [('"12":1', '"12":9223372036854775808')],
        "name-twice": [('"12":1', '"ed":1')],
        "byte-missing": [('"@":0,', "")],
        "no-merges": [('"merges"', '"merge"')],
        "deep": [('"ids":[0]', '"ids":' + "[" * 40 + "]" * 40)],
    }.items():
        seed("byte-pairs", f"tokenizer_malformed.{name}", changed(framed, *pairs))
    for name, pairs in {
        "unigram": [('"BPE"', '"Unigram"')], "fallback": [('"byte_fallback":false', '"byte_fallback":true')],
        "dropout": [('"dropout":null', '"dropout":1e-300')], "normalizer": [('"normalizer":null', '"normalizer":{}')],
        "no-regex": [('"use_regex":true', '"use_regex":false')],
        "stripping": [('"special":true', '"special":true,"lstrip":true')],
    }.items():
        seed("byte-pairs", f"tokenizer_family.{name}", changed(plain, *pairs))


WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "na", "##ive", "cafe", "isn", "'", "t", "aa", "##bb", "犬", "1"]


def word_pieces():
    file = {
        "added_tokens": [{"id": 4, "content": "[MASK]", "special": True, "normalized": False}],
        "normalizer": {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True,
                       "strip_accents": None, "lowercase": True},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {"type": "TemplateProcessing", "single": [
            {"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
            {"SpecialToken": {"id": "[SEP]", "type_id": 0}}]},
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                  "max_input_chars_per_word": 100, "vocab": {word: index for index, word in enumerate(WORDS)}},
    }
    text = compact(file)
    seed("word-pieces", "read.uncased", text)
    seed("word-pieces", "read.cased", changed(text, ('"lowercase":true', '"lowercase":false')))
    seed("word-pieces", "read.no-prefix", changed(text, ('"##"', '""')))
    seed("word-pieces", "read.no-word-fits", changed(text, (":100,", ":-9223372036854775808,")))
    seed("word-pieces", "read.any-word-fits", changed(text, (":100,", ":9223372036854775807,")))
    seed("word-pieces", "read.older-frame", compact(
        {**file, "post_processor": {"type": "BertProcessing", "sep": ["[SEP]", 3], "cls": ["[CLS]", 2]}}))
    for name, pairs in {
        "id-twice": [('"aa":11', '"aa":12')], "id-huge": [('"aa":11', '"aa":16777216')],
        "name-twice": [('"aa":11', '"na":11')], "no-start": [('"[CLS]":2', '"[CLX]":2')],
        "other-spelling": [('"[CLS]":2', '"[CLS]\u0301":2')],
        "added-for-another": [('"id":4', '"id":5')], "added-empty": [('"content":"[MASK]"', '"content":""')],
        "no-prefix": [('"continuing_subword_prefix"', '"prefix"')], "real-length": [(":100,", ":1e2,")],
        "long-name": [('"aa":11', '"' + "e\u0301\u0301" * 700 + '":-1')],
    }.items():
        seed("word-pieces", f"tokenizer_malformed.{name}", changed(text, *pairs))
    seed("word-pieces", "tokenizer_family.bpe", changed(text, ('"WordPiece"', '"BPE"')))
    seed("word-pieces", "tokenizer_family.one-in-frame", changed(text, ('{"SpecialToken":{"id":"[CLS]","type_id":0}},', "")))

    lines = "\n".join(WORDS) + "\n"
    seed("vocabulary", "read.lines", lines)
    seed("vocabulary", "read.carriage-returns", lines.replace("\n", "\r\n"))
    seed("vocabulary", "read.no-last-line-feed", lines[:-1])
    seed("vocabulary", "read.only-a-prefix", lines + "##\n#\n\u0000\n\u2028\n")
    seed("vocabulary", "tokenizer_malformed.twice", lines + "aa\n")
    seed("vocabulary", "tokenizer_malformed.two-blank-lines", lines + "\n\n")
    seed("vocabulary", "tokenizer_malformed.not-utf8", lines.encode() + b"\xff\n")
    seed("vocabulary", "tokenizer_family.no-mask", changed(lines, ("[MASK]", "[MASQUE]")))
    seed("vocabulary", "tokenizer_family.nothing", b"")


# Configurations


def configurations():
    bert = {
        "model_type": "bert", "hidden_act": "gelu", "hidden_size": 8, "intermediate_size": 12, "num_attention_heads": 2,
        "num_hidden_layers": 1, "max_position_embeddings": 16, "vocab_size": 7, "type_vocab_size": 2,
        "layer_norm_eps": 1e-12, "position_embedding_type": "absolute"}
    gpt2 = {
        "model_type": "gpt2", "activation_function": "gelu_new", "n_embd": 8, "n_head": 2, "n_layer": 2, "n_inner": None,
        "vocab_size": 300, "n_positions": 16, "layer_norm_epsilon": 1e-05, "scale_attn_weights": True,
        "tie_word_embeddings": True}
    llama = {
        "model_type": "llama", "hidden_act": "silu", "attention_bias": False, "head_dim": 6, "hidden_size": 8,
        "intermediate_size": 12, "num_attention_heads": 4, "num_key_value_heads": 2, "num_hidden_layers": 1,
        "max_position_embeddings": 16, "vocab_size": 300, "rms_norm_eps": 1e-05, "tie_word_embeddings": False,
        "rope_parameters": {"rope_theta": 10000.0, "rope_type": "default"}, "rope_scaling": None}
    seed("configuration", "read.bert", json.dumps(bert, indent=1))
    seed("configuration", "read.gpt2", compact(gpt2))
    seed("configuration", "read.llama", compact(llama))
    seed("configuration", "read.gpt2-own-head", changed(gpt2, ('embeddings":true', 'embeddings":false'), ("null", "5")))
    seed("configuration", "read.llama-many-positions", changed(llama, ('embeddings":16', 'embeddings":1048576')))
    seed("configuration", "read.bert-large", changed(bert, ('_size":8', '_size":65536'), ('size":7', 'size":16777216')))
    for name, file, pairs in [
        ("epsilon-rounds-to-0", bert, [("1e-12", "1e-300")]),
        ("epsilon-one", gpt2, [("1e-05", "1.0")]),
        ("odd-heads", llama, [('"head_dim":6', '"head_dim":5')]),
        ("heads-do-not-divide", llama, [('heads":4', 'heads":5')]),
        ("no-heads", gpt2, [('"n_head":2', '"n_head":0')]),
        ("width-negative", bert, [('"hidden_size":8', '"hidden_size":-8')]),
        ("width-beyond-64-bits", bert, [('"hidden_size":8', '"hidden_size":99999999999999999999')]),
        ("width-real", bert, [('"hidden_size":8', '"hidden_size":8.0')]),
        ("width-above-limit", bert, [('"hidden_size":8', '"hidden_size":65537')]),
        ("blocks-huge", llama, [('layers":1', 'layers":9223372036854775807')]),
        ("theta-one", llama, [("10000.0", "1")]),
        ("theta-infinite", llama, [("10000.0", "1e999")]),
        ("one-position", bert, [('embeddings":16', 'embeddings":1')]),
        ("twice", bert, [('"hidden_size"', '"vocab_size"')]),
    ]:
        seed("configuration", f"config_malformed.{name}", changed(file, *pairs))
    seed("configuration", "config_malformed.array", "[]")
    seed("configuration", "config_malformed.deep", '{"a":' * 40 + "1" + "}" * 40)
    seed("configuration", "config_malformed.ids-beyond", changed(bert, ('vocab_size":7', 'vocab_size":6')))
    for name, file, pairs in [
        ("bert-wide-heads", bert, [('{"', '{"head_dim":8,"')]),
        ("bert-shared-heads", bert, [('{"', '{"num_key_value_heads":1,"')]),
        ("gpt2-wide-heads", gpt2, [('{"', '{"head_dim":8,"')]),
        ("gpt2-shared-heads", gpt2, [('{"', '{"num_key_value_heads":1,"')]),
    ]:
        seed("configuration", f"model_family.{name}", changed(file, *pairs))
    seed("configuration", "model_family.other", changed(bert, ('"bert"', '"roberta"')))
    seed("configuration", "model_family.long-name", changed(bert, ('"bert"', '"' + "\u0301" * 3000 + '"')))
    seed("configuration", "model_family.scaled", changed(llama, ("default", "yarn")))


# Adapters, frames and packs


def adapter(kept=(0, 3, 11), scale=0.5, bias=-0.25, width=WIDTH, start=None, base=BASE, recipe=RECIPE, **changes):
    bitmap = bytearray((width + 7) // 8)
    for row in kept:
        bitmap[row // 8] |= 1 << row % 8
    values = bytes((37 * index + 1) % 127 for index in range(len(kept)))
    entries = {
        "head.kept_rows": ("U8", [len(bitmap)], bytes(bitmap)), "head.values": ("I8", [len(kept)], values),
        "head.scale": ("F32", [1], floats(scale)), "head.bias": ("F32", [1], floats(bias))}
    if start:
        entries["start.weights"] = ("F32", [len(start)], floats(*start))
        entries["start.bias"] = ("F32", [1], floats(0.5))
    metadata = {"format": "attune.adapter", "version": "1", "kind": "head_delta", "width": str(width), "base": base,
                "recipe": recipe}
    for name, change in changes.items():
        if name in metadata:
            metadata[name] = change
        else:
            entries[name.replace("_", ".", 1)] = change
    return tensors(
        [(name, *entry) for name, entry in entries.items() if entry], {k: v for k, v in metadata.items() if v is not None})


def frame(content, dictionary=True, *options):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "content")
        with open(path, "wb") as file:
            file.write(content)
        if dictionary:
            # The adapter that keeps every row, all of them zero.
            zeros = adapter(range(WIDTH), 0, 0, head_values=("I8", [WIDTH], bytes(WIDTH)))
            with open(os.path.join(folder, "dictionary"), "wb") as file:
                file.write(zeros)
            options += ("-D", os.path.join(folder, "dictionary"))
        return subprocess.run(
            ["zstd", "-q", "-3", "-c", *options, path], check=True, stdout=subprocess.PIPE).stdout


def sealed(form, body, width=WIDTH, base=BASE, recipe=RECIPE):
    """A frame of the second version."""
    digests = bytes.fromhex(base) + bytes.fromhex(recipe)
    return bytes([form]) + hashlib.sha256(digests + struct.pack("<IB", width, form) + body).digest()[:4] + body


def brain(value):
    """A bfloat16, cut off."""
    return struct.pack("<f", value)[2:]


def rows_frame(kept=(0, 3, 11), scale=0.5, bias=-0.25, values=None, **changes):
    bitmap = bytearray((WIDTH + 7) // 8)
    for row in kept:
        bitmap[row // 8] |= 1 << row % 8
    values = bytes((37 * index + 1) % 127 for index in range(len(kept))) if values is None else values
    return sealed(1, floats(scale, bias) + bytes(bitmap) + values, **changes)


def coefficients_frame(form, values, scale=0.5, bias=-0.25):
    return sealed(form, brain(scale) + brain(bias) + values)


def varint(value):
    parts = []
    while value >= 0x80:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(parts + [value])


def sealed_index(uids, lengths):
    """The index of a pack of the second version."""
    content, last = b"", 0
    for uid, length in zip(uids, lengths):
        step = (uid - last + (1 << 63)) % (1 << 64) - (1 << 63)
        content += varint((step << 1 ^ step >> 63) & (1 << 64) - 1) + varint(length)
        last = uid
    return content


def new_pack(frames, uids=None, index=None, **changes):
    lengths = [len(part) for part in frames]
    return pack(frames, version=2, index=sealed_index(uids or range(len(frames)), lengths) if index is None else index, **changes)


def pack(frames, uids=None, version=1, index=None, count=None, width=WIDTH, padding=b""):
    content = b"ATTNPACK" + struct.pack("<II", version, width) + bytes.fromhex(BASE) + bytes.fromhex(RECIPE)
    entries = b""
    for place, part in enumerate(frames):
        entries += struct.pack("<qII", (uids or range(len(frames)))[place], len(content), len(part))
        content += part
    content += padding
    start = len(content)
    return content + (index if index is not None else entries) + struct.pack(
        "<II", count if count is not None else len(frames), start) + b"ATTNPEND"


def adapters():
    small = [0.25 * row for row in range(WIDTH)]
    seed("adapter", "read.three-rows", adapter())
    seed("adapter", "read.no-rows", adapter(kept=(), scale=0))
    seed("adapter", "read.every-row", adapter(kept=range(WIDTH)))
    seed("adapter", "read.with-start", adapter(start=small))
    seed("adapter", "read.one-feature", adapter(kept=(0,), width=1))
    seed("adapter", "read.half-scale", adapter(head_scale=("F16", [1], b"\x00\x3c")))
    for name, content in {
        "scale-nan": adapter(scale=NAN), "scale-infinite": adapter(scale=INF), "scale-negative": adapter(scale=-1),
        "scale-overflows": adapter(scale=3e38), "bias-nan": adapter(bias=NAN),
        "start-nan": adapter(start=[NAN] * WIDTH), "start-bias-infinite": adapter(
            start=small, start_bias=("F32", [1], floats(INF))),
        "value-128": adapter(head_values=("I8", [3], b"\x80\1\2")),
        "values-too-few": adapter(head_values=("I8", [2], b"\1\2")),
        "rows-past-width": adapter(head_kept_rows=("U8", [2], b"\xff\xff"), head_values=("I8", [16], b"\1" * 16)),
        "bitmap-short": adapter(head_kept_rows=("U8", [1], b"\7")),
        "width-0": adapter_of_width("0"),
        "width-huge": adapter_of_width("9223372036854775807"), "width-no-number": adapter_of_width("12 "),
        "other-kind": adapter(kind="lora"), "no-format": adapter(format=None), "no-version": adapter(version="one"),
        "version-0": adapter(version="0"), "version-negative": adapter(version="-1"),
        "digest-short": adapter(base="ab"), "digest-no-hex": adapter(recipe="0g" * 32),
        "digest-signed": adapter(recipe="+f" * 32),
    }.items():
        seed("adapter", f"adapter_malformed.{name}", content)
    full = adapter(kind="head_full", version="2", head_kept_rows=None, head_values=None, head_scale=None,
                   head_weights=("F32", [WIDTH], floats(*small)))
    seed("adapter", "read.full", full)
    seed("adapter", "read.full-half", adapter(
        kind="head_full", version="2", start=small, head_weights=("F16", [WIDTH], b"\x00\x3c" * WIDTH)))
    seed("adapter", "read.rows-version-2", adapter(version="2"))
    for name, content in {
        "full-version-1": adapter(kind="head_full"),
        "full-nan": adapter(kind="head_full", version="2", head_weights=("F32", [WIDTH], floats(*[NAN] * WIDTH))),
        "full-infinite": adapter(kind="head_full", version="2", head_weights=("F16", [WIDTH], b"\x00\x7c" * WIDTH)),
    }.items():
        seed("adapter", f"adapter_malformed.{name}", content)
    seed("adapter", "tensor_missing.full-without-weights", adapter(kind="head_full", version="2"))
    seed("adapter", "tensor_shape.full-narrow", adapter(
        kind="head_full", version="2", head_weights=("F32", [2], floats(1, 2))))
    seed("adapter", "payload_newer.version-3", adapter(version="3"))
    seed("adapter", "payload_newer.version-huge", adapter(version="9223372036854775807"))
    seed("adapter", "tensor_missing.no-bias", adapter(head_bias=None))
    seed("adapter", "tensor_missing.start-without-bias", adapter(start=small, start_bias=None))
    seed("adapter", "tensor_shape.two-scales", adapter(head_scale=("F32", [2], floats(1, 2))))
    seed("adapter", "tensor_shape.no-scale", adapter(head_scale=("F32", [0], b"")))
    seed("adapter", "tensor_shape.start-narrow", adapter(start=small[:5]))
    seed("adapter", "tensor_shape.start-long-shape", adapter(
        start=small, start_weights=("F32", [1] * 1200 + [WIDTH], floats(*small))))
    seed("adapter", "tensor_type.values-u8", adapter(head_values=("U8", [3], b"\1\2\3")))
    seed("adapter", "file_truncated.cut", adapter()[:-1])

    magic = b"\x28\xb5\x2f\xfd"
    frames = [frame(adapter()), frame(adapter(kept=range(WIDTH))), frame(adapter(kept=(), scale=0))]
    for name, content in zip(["three-rows", "every-row", "no-rows"], frames):
        seed("frame", f"read.{name}", content)
    seed("frame", "read.without-dictionary", frame(adapter(), False))
    # One block that is not compressed, and no checksum: a mutation of its content reaches what is inside.
    content = adapter()
    block = struct.pack("<I", len(content) << 3 | 1)[:3]
    stored = magic + b"\xa0" + struct.pack("<I", len(content)) + block + content
    seed("frame", "read.stored", stored)
    seed("pack", "read.stored", pack([stored]))
    seed("frame", "read.without-checksum", frame(adapter(), True, "--no-check"))
    seed("frame", "zstd_corrupt.checksum", frames[0][:-1] + bytes([frames[0][-1] ^ 1]))
    seed("frame", "zstd_corrupt.two-frames", frames[0] + frames[1])
    seed("frame", "zstd_corrupt.no-frame", magic + b"no frame")
    seed("frame", "provenance_mismatch.no-frame", b"ATTNPACK")
    seed("frame", "file_truncated.cut", frames[1][:-5])
    seed("frame", "adapter_malformed.nothing", b"")
    sealed_frames()
    seed("frame", "zstd_bomb.states-a-terabyte", magic + b"\xe0" + struct.pack("<Q", 1 << 40) + b"\1\0\0")
    seed("frame", "zstd_bomb.states-all-ones", magic + b"\xe0" + b"\xff" * 7 + b"\x7f\1\0\0")
    seed("frame", "zstd_bomb.repeats", magic + b"\x00\x58" + b"\x02\0\x10\0" * 80 + b"\1\0\0")
    seed("frame", "zstd_corrupt.states-more", magic + b"\xe0" + struct.pack("<Q", 100) + b"\1\0\0")
    seed("frame", "safetensors_malformed.no-content", frame(framed(""), False))
    seed("frame", "base_mismatch.other-base", frame(adapter(base="cd" * 32), False))
    seed("frame", "recipe_mismatch.other-recipe", frame(adapter(recipe="cd" * 32), False))
    seed("frame", "adapter_malformed.scale-nan", frame(adapter(scale=NAN)))

    seed("pack", "read.three-users", pack(frames, [-2, 0, 1 << 62]))
    seed("pack", "read.no-user", pack([]))
    entry = struct.pack("<qII", 1, 80, len(frames[0]))
    for name, content in {
        "same-bytes": pack(frames[:1], index=entry * 2, count=2),
        "overlap": pack(frames[:1], index=entry + struct.pack("<qII", 2, 81, len(frames[0]) - 1), count=2),
        "backwards": pack(
            frames[:2], index=struct.pack("<qII", 1, 80 + len(frames[0]), len(frames[1])) + entry),
        "gap": pack(frames[:1], padding=b"gap"), "begins-late": pack(frames[:1], index=struct.pack("<qII", 1, 81, 3)),
        "into-header": pack(frames[:1], index=struct.pack("<qII", 1, 79, 3)),
        "past-index": pack(frames[:1], index=struct.pack("<qII", 1, 80, len(frames[0]) + 1)),
        "offset-huge": pack(frames[:1], index=struct.pack("<qII", 1, (1 << 32) - 1, (1 << 32) - 1)),
        "no-length": pack(frames[:1], index=struct.pack("<qII", 1, 80, 0)),
        "count-huge": pack(frames[:1], count=(1 << 32) - 1), "count-short": pack(frames[:2], count=1),
        "no-end": pack(frames)[:-1], "nothing": b"",
    }.items():
        seed("pack", f"pack_malformed.{name}", content)
    seed("pack", "payload_newer.version-3", pack(frames, version=3))
    seed("pack", "zstd_corrupt.no-frame", pack([magic + b"no frame"]))
    sealed_packs()


def sealed_frames():
    eight, four = b"\x7f\x81\0\1\xff", b"\x97\x10\x0f"
    values = list(range(-6, 6))
    full = {4: struct.pack(f"<f{WIDTH}e", 0.5, *values), 5: struct.pack(f"<f{WIDTH}f", 0.5, *values)}
    for name, content in {
        "rows": rows_frame(), "no-rows-sealed": rows_frame((), 0), "every-row-sealed": rows_frame(range(WIDTH)),
        "int8": coefficients_frame(2, eight), "int8-zero": coefficients_frame(2, bytes(5), 0, 0),
        "int4": coefficients_frame(3, four), "f16": sealed(4, full[4]), "f32": sealed(5, full[5]),
        "sparse": sealed(6, sparse_delta(width=WIDTH)), "sparse-mixed": sealed(6, sparse_delta(bits=(4, 8), mask=None, width=WIDTH)),
    }.items():
        seed("frame", f"read.{name}", content)
    for name, content in {
        "form-0": sealed(0, eight), "form-7": sealed(7, b"\0" * 40), "form-255": sealed(255, b"\1")}.items():
        seed("frame", f"payload_newer.{name}", content)
    for name, content in {
        "rows-short": sealed(1, floats(1, 1) + b"\0"), "rows-too-few": rows_frame(values=b"\1"),
        "rows-value-128": rows_frame(values=b"\x80\1\2"), "rows-scale-infinite": rows_frame(scale=INF),
        "rows-past-width": sealed(1, floats(1, 1) + b"\xff\xff" + b"\1" * 16),
        "int8-too-few": coefficients_frame(2, eight[:4]), "int8-too-many": coefficients_frame(2, eight + b"\0"),
        "int8-value-128": coefficients_frame(2, b"\x80" + eight[1:]), "int8-no-numbers": sealed(2, b"\0"),
        "int8-scale-nan": coefficients_frame(2, eight, NAN), "int8-scale-negative": coefficients_frame(2, eight, -1),
        "int8-scale-overflows": coefficients_frame(2, eight, 3e38),
        "int8-sum-overflows": coefficients_frame(2, eight, 2e36),
        "int8-bias-infinite": coefficients_frame(2, eight, 1, INF),
        "int4-too-few": coefficients_frame(3, four[:2]), "int4-too-many": coefficients_frame(3, four + b"\0"),
        "int4-value-8": coefficients_frame(3, b"\x98\x10\x0f"), "int4-odd-half": coefficients_frame(3, b"\x97\x10\x1f"),
        "int4-scale-nan": coefficients_frame(3, four, NAN),
        "f16-infinite": sealed(4, floats(0) + b"\x00\x7c" * WIDTH), "f16-short": sealed(4, full[4][:-1]),
        "f32-nan": sealed(5, floats(0, *[NAN] * WIDTH)), "f32-bias-nan": sealed(5, floats(NAN, *[1] * WIDTH)),
        "f32-long": sealed(5, full[5] + b"\0"), "only-a-seal": rows_frame()[:5],
        "sparse-other-width": sealed(6, sparse_delta()), "sparse-nothing": sealed(6, b"\0"),
        "sparse-scale-nan": sealed(6, sparse_delta(scales=(NAN, 1), width=WIDTH)),
    }.items():
        seed("frame", f"adapter_malformed.{name}", content)
    for name, content in {
        "other-base": rows_frame(base="cd" * 32), "other-recipe": rows_frame(recipe="cd" * 32),
        "other-width": rows_frame(width=13), "cut": rows_frame()[:-1], "form-changed": b"\3" + coefficients_frame(2, eight)[1:],
        "sparse-other-recipe": sealed(6, sparse_delta(width=WIDTH), recipe="cd" * 32),
    }.items():
        seed("frame", f"provenance_mismatch.{name}", content)


def sealed_packs():
    frames = [rows_frame(), coefficients_frame(2, bytes(5)), coefficients_frame(3, bytes(3))]
    seed("pack", "read.sealed", new_pack(frames, [7, -2, 1 << 62]))
    seed("pack", "read.no-user-sealed", new_pack([]))
    seed("pack", "read.uids-wrap", new_pack(frames, [(1 << 63) - 1, -(1 << 63), 0]))
    length = varint(len(frames[0]))
    for name, index in {
        "uid-long": b"\x82\0" + length, "length-long": b"\2" + bytes([len(frames[0]) | 0x80]) + b"\0",
        "uid-beyond-64-bits": b"\xff" * 9 + b"\2" + length, "uid-endless": b"\xff" * 30,
        "length-0": b"\2\0", "length-past": b"\2" + varint(len(frames[0]) + 1), "length-short": b"\2\1",
        "length-huge": b"\2" + varint((1 << 64) - 1), "cut": b"\2", "goes-on": b"\2" + length + b"\0",
        "cut-in-varint": b"\x82\x81",
    }.items():
        seed("pack", f"pack_malformed.sealed-{name}", new_pack(frames[:1], index=index))
    seed("pack", "pack_malformed.sealed-count-huge", new_pack(frames, count=(1 << 32) - 1))
    seed("pack", "pack_malformed.sealed-count-short", new_pack(frames, count=2))
    seed("pack", "pack_malformed.sealed-gap", new_pack(frames[:1], padding=b"gap"))
    seed("pack", "payload_newer.form-9", new_pack([sealed(9, b"\1")]))


def adapter_of_width(text):
    """An adapter whose metadata states another width."""
    content = adapter()
    length = struct.unpack("<Q", content[:8])[0]
    header = content[8:8 + length].replace(b'"width":"12"', b'"width":"' + text.encode() + b'"')
    return framed(header, content[8 + length:])


# LoRA inside a base, as files and as folders of PEFT, for the small bases of Targets/LowRank.swift

CHANNELS = {"q": (4, 4), "k": (4, 4), "v": (4, 4), "o": (4, 4), "gate": (4, 6), "up": (4, 6), "down": (6, 4)}


def numbers(count, start=0):
    return [((7 * index + start) % 9 - 4) / 4 for index in range(count)]


def lora(ranks, width=4, tensor=None, **changes):
    """A file; `ranks` says each site's, and the keys and values have `width` channels."""
    own = list(ranks.values())
    metadata = {"format": "attune.adapter.inner", "version": "1" if len(set(own)) < 2 else "2", "kind": "lora",
                "sites": " ".join(ranks), "rank": " ".join(map(str, own if len(set(own)) > 1 else own[:1])),
                "alpha": "4.0", "rank_stabilized": "false", "base": BASE, **changes}
    entries = {}
    for start, (site, rank) in enumerate(ranks.items()):
        inputs, outputs = CHANNELS[site.split(".")[1]]
        outputs = width if site.split(".")[1] in "kv" else outputs
        entries[f"{site}.A"] = ("F32", [rank, inputs], floats(*numbers(rank * inputs, start)))
        entries[f"{site}.B"] = ("F32", [outputs, rank], floats(*numbers(rank * outputs, start + 1)))
    entries.update(tensor or {})
    return tensors(
        [(name, *entry) for name, entry in entries.items() if entry], {k: v for k, v in metadata.items() if v is not None})


def loras():
    two, joined = {"0.q": 2, "1.down": 2}, {"0.q": 1, "0.k": 3, "0.v": 2}
    seed("lora", "read.two-sites", lora(two))
    seed("lora", "read.stabilized", lora(two, rank_stabilized="true", alpha="-0.1"))
    seed("lora", "read.each-its-own", lora({"0.o": 2, "0.up": 1}, alpha="1.5 3e-5", rank_stabilized="true false"))
    seed("lora", "read.joined-in-gpt2", lora(joined, alpha="4 2 0.3"))
    seed("lora", "read.every-site-of-llama", lora({f"0.{place}": 1 for place in CHANNELS}, width=2))
    seed("lora", "read.scale-0", lora(joined, alpha="0"))
    seed("lora", "read.half", lora({"1.o": 1}, tensor={"1.o.A": ("F16", [1, 4], b"\x00\x3c" * 4)}))
    seed("lora", "read.zeros", lora({"1.o": 1}, tensor={
        "1.o.A": ("F32", [1, 4], bytes(16)), "1.o.B": ("F32", [4, 1], bytes(16))}))
    seed("lora", "read.another-tensor", lora(two, tensor={"head.bias": ("F32", [1], floats(1))}))
    seed("lora", "read.alpha-largest", lora(two, alpha="3.4028235e38"))
    seed("lora", "peft_unsupported.joined-alpha-overflows", lora(joined, alpha="3e38"))
    for name, content in {
        "other-format": lora(two, format="attune.adapter"), "no-version": lora(two, version=None),
        "version-0": lora(two, version="0"), "other-kind": lora(two, kind="bottleneck"),
        "no-base": lora(two, base=None),
        "rank-0": lora(two, rank="0"), "rank-huge": lora(two, rank="65537"), "rank-none": lora(two, rank=None),
        "ranks-of-version-1": lora({"0.q": 2, "0.o": 1}, version="1"),
        "ranks-too-few": lora({"0.q": 2, "0.o": 1, "1.o": 1}, rank="2 1"),
        "ranks-empty": lora({"0.q": 2, "0.o": 1}, rank=" "), "alpha-nan": lora(two, alpha="nan"),
        "alpha-infinite": lora(two, alpha="1e39"), "scale-maybe": lora(two, rank_stabilized="maybe"),
        "sites-none": lora(two, sites=""), "site-twice": lora(two, sites="0.q 0.q"),
        "site-none": lora(two, sites="0.q x"),
        "site-beyond": lora(two, sites="0.q 2.down"), "site-no-product": lora(two, sites="0.q 0.block"),
        "site-negative": lora(two, sites="0.q -1.down"), "site-huge": lora(two, sites="0.q 9223372036854775808.down"),
        "parameter-nan": lora(two, tensor={"0.q.B": ("F32", [4, 2], floats(*[NAN] * 8))}),
    }.items():
        seed("lora", f"adapter_malformed.{name}", content)
    seed("lora", "payload_newer.version-3", lora(two, version="3"))
    seed("lora", "base_mismatch.other-base", lora(two, base="cd" * 32))
    seed("lora", "base_mismatch.long-base", lora(two, base="e\u0301" * 1000))
    seed("lora", "tensor_missing.no-b", lora(two, tensor={"1.down.B": None}))
    seed("lora", "tensor_missing.rank-largest", lora(two, rank="65536", tensor={"0.q.A": None}))
    seed("lora", "tensor_shape.rank-largest", lora(two, rank="65536"))
    seed("lora", "tensor_shape.transposed", lora(two, tensor={"0.q.A": ("F32", [4, 2], floats(*numbers(8)))}))
    seed("lora", "tensor_type.booleans", lora(two, tensor={"0.q.A": ("BOOL", [2, 4], bytes(8))}))
    seed("lora", "file_truncated.cut", lora(two)[:-1])


LAYERS = {
    "gpt2": {"attn.c_attn": (4, 12), "attn.c_proj": (4, 4), "mlp.c_fc": (4, 6), "mlp.c_proj": (6, 4)},
    "bert": {"attention.self.query": (4, 4), "attention.self.key": (4, 4), "attention.self.value": (4, 4),
             "attention.output.dense": (4, 4), "intermediate.dense": (4, 6), "output.dense": (6, 4)},
    "llama": {"self_attn.q_proj": (4, 4), "self_attn.k_proj": (4, 2), "self_attn.v_proj": (4, 2),
              "self_attn.o_proj": (4, 4), "mlp.gate_proj": (4, 6), "mlp.up_proj": (4, 6), "mlp.down_proj": (6, 4)},
}
PATHS = {"gpt2": "base_model.model.transformer.h.", "bert": "base_model.model.encoder.layer.",
         "llama": "base_model.model.model.layers."}


def peft(family, modules=None, root=None, metadata=None, tensor=None, pairs=(), **changes):
    """A folder as one input; `modules` says each module's rank, `0.attn.c_attn`."""
    modules = modules or {f"0.{layer}": 2 for layer in LAYERS[family]}
    entries = {}
    for start, (module, rank) in enumerate(modules.items()):
        inputs, outputs = LAYERS[family][module.split(".", 1)[1]]
        name = (root if root is not None else PATHS[family]) + module
        entries[f"{name}.lora_A.weight"] = ("F32", [rank, inputs], floats(*numbers(rank * inputs, start)))
        entries[f"{name}.lora_B.weight"] = ("F32", [outputs, rank], floats(*numbers(rank * outputs, start + 1)))
    entries.update(tensor or {})
    configuration = {
        "peft_type": "LORA", "r": 2, "lora_alpha": 3, "use_rslora": False, "bias": "none", "rank_pattern": {},
        "alpha_pattern": {}, "init_lora_weights": True, "layers_to_transform": None, "modules_to_save": None,
        "target_modules": sorted({module.split(".")[-1] for module in modules}), "use_dora": False, **changes}
    configuration = {name: value for name, value in configuration.items() if value is not ...}
    content = tensors([(name, *entry) for name, entry in entries.items() if entry], metadata or {"format": "pt"})
    return changed(configuration, *pairs).encode() + b"\0" + content


def pefts():
    for family in LAYERS:
        seed("peft", f"read.{family}", peft(family))
    few = {"0.attn.c_proj": 2, "1.mlp.c_fc": 2}
    seed("peft", "read.patterns", peft(
        "gpt2", {"0.attn.c_attn": 1, "1.attn.c_attn": 3, "1.mlp.c_proj": 2},
        rank_pattern={"0.attn.c_attn": 1, "^transformer\\.h\\.1\\.attn.c_attn$": 3},
        alpha_pattern={"c_attn": 0.1, "mlp.c_proj": 1e-45}))
    seed("peft", "read.stabilized", peft("gpt2", few, use_rslora=True, lora_alpha=-0.7))
    seed("peft", "read.alpha-largest", peft("gpt2", lora_alpha=3.4028235e38))
    seed("peft", "read.alpha-smallest", peft("llama", {"1.self_attn.k_proj": 2}, lora_alpha=1e-45, use_rslora=True))
    seed("peft", "read.without-root", peft("bert", {"1.output.dense": 2}, root="bert.encoder.layer."))
    seed("peft", "read.an-expression", peft("gpt2", few, target_modules=".*proj|.*fc"))
    seed("peft", "read.one-block", peft("gpt2", {"1.mlp.c_fc": 2}, layers_to_transform=[1]))
    seed("peft", "read.bfloat16", peft("gpt2", {"0.attn.c_proj": 1}, r=1, tensor={
        PATHS["gpt2"] + "0.attn.c_proj.lora_A.weight": ("BF16", [1, 4], b"\x80\x3f\x00\x80" * 2)}))
    zeros = {PATHS["gpt2"] + f"0.attn.c_proj.lora_{part}.weight": ("F32", shape, b"\0\0\0\x80" * 8)
             for part, shape in [("A", [2, 4]), ("B", [4, 2])]}
    seed("peft", "read.zeros", peft("gpt2", {"0.attn.c_proj": 2}, tensor=zeros))
    seed("peft", "read.zeros-in-part", peft("gpt2", tensor=zeros))
    for name, changes in {
        "no-type": {"peft_type": ...}, "rank-0": {"r": 0}, "rank-huge": {"r": 65537}, "rank-real": {"r": 2.5},
        "alpha-text": {"lora_alpha": "3"}, "alpha-overflows": {"lora_alpha": 1e39}, "flag-number": {"use_rslora": 1},
        "no-target": {"target_modules": []}, "target-number": {"target_modules": [7]},
        "target-other": {"target_modules": ["c_attn"]},
        "blocks-text": {"layers_to_transform": "1"}, "blocks-other": {"layers_to_transform": [0]},
        "pattern-array": {"rank_pattern": []}, "pattern-rank": {"rank_pattern": {"c_fc": -1}},
    }.items():
        seed("peft", f"peft_malformed.{name}", peft("gpt2", few, **changes))
    seed("peft", "peft_malformed.twice", peft("gpt2", few, pairs=[('"r":2', '"r":2,"r":2')]))
    seed("peft", "peft_malformed.array", b"[]\0" + peft("gpt2", few).split(b"\0", 1)[1])
    seed("peft", "peft_malformed.deep", b"[" * 40 + b"]" * 40)
    seed("peft", "peft_malformed.no-tensor", peft("gpt2", few, tensor={
        f"{PATHS['gpt2']}{module}.lora_{part}.weight": None for module in few for part in "AB"}))
    seed("peft", "peft_malformed.two-names", peft("gpt2", few, tensor={
        "h.0.attn.c_proj.lora_B.weight": ("F32", [4, 2], floats(*numbers(8)))}))
    seed("peft", "peft_malformed.weight-nan", peft("gpt2", few, tensor={
        PATHS["gpt2"] + "0.attn.c_proj.lora_A.weight": ("F32", [2, 4], floats(*[NAN] * 8))}))
    for name, changes in {
        "other-type": {"peft_type": "LOHA" * 700}, "dora": {"use_dora": True}, "bias": {"bias": "all"},
        "modules": {"modules_to_save": ["lm_head"]}, "start": {"init_lora_weights": "pissa"},
        "unknown": {"of_tomorrow" * 250: 1}, "pattern": {"alpha_pattern": {"c_(fc|proj)": 2}},
    }.items():
        seed("peft", f"peft_unsupported.{name}", peft("gpt2", few, **changes))
    seed("peft", "tensor_unknown.block-2", peft("gpt2", {"2.mlp.c_fc": 2}))
    seed("peft", "tensor_unknown.block-00", peft("gpt2", {"0.mlp.c_fc": 2}, root="h.0"))
    seed("peft", "tensor_unknown.long-name", peft("gpt2", few, tensor={
        "e\u0301" * 900: ("F32", [1], floats(1))}))
    seed("peft", "tensor_missing.no-b", peft("gpt2", few, tensor={PATHS["gpt2"] + "0.attn.c_proj.lora_B.weight": None}))
    seed("peft", "tensor_shape.other-rank", peft("llama", r=3))
    seed("peft", "tensor_shape.rank-largest", peft("bert", r=65536))
    seed("peft", "tensor_type.double", peft("gpt2", few, tensor={
        PATHS["gpt2"] + "0.attn.c_proj.lora_A.weight": ("F64", [2, 4], bytes(64))}))
    seed("peft", "base_mismatch.other-base", peft("gpt2", few, metadata={"attune.base": "cd" * 32}))
    seed("peft", "file_truncated.no-weights", peft("gpt2", few).split(b"\0", 1)[0])
    seed("peft", "file_truncated.nothing-after", peft("gpt2", few).split(b"\0", 1)[0] + b"\0")
    seed("peft", "safetensors_malformed.text", peft("gpt2", few).split(b"\0", 1)[0] + b"\0" + framed("[]"))


# Recipes and users

SETTINGS = {"guarding": {"minimumExamples": 4, "smallSupportGain": 0.003}, "maximumExamples": 64, "rowBudget": 2,
            "scale": 0.5, "steps": 2}
VALIDATION = {"users": 75, "rows": [{"steps": 1, "support": 8, "areaUnderCurve": 0.6342, "logLoss": 0.6655}]}


def recipe(width=3, settings=SETTINGS, validation=VALIDATION, **changes):
    entries = {
        "start.weights": ("F32", [width], floats(*[0.5] * width)), "start.bias": ("F32", [1], floats(0.5)),
        "preconditioner": ("F32", [width, width], floats(*[float(i % 4) for i in range(width * width)])),
        "steps": ("F32", [2, 3], floats(-0.2, -2, -4, -1, -3, -5)), "support_exponent": ("F32", [1], floats(0.5)),
        "without_data.weights": ("F32", [width], floats(*[0.25] * width)), "without_data.bias": ("F32", [1], floats(-1))}
    metadata = {"format": "attune-recipe", "version": "1", "name": 'taste "v1"', "base": BASE, "gate": "magnitude",
                "settings": settings if isinstance(settings, str) else compact(settings),
                "validation": validation if isinstance(validation, str) else compact(validation)}
    for name, change in changes.items():
        if name in metadata or name in ("coefficients", "sparse"):
            metadata[name] = change
        else:
            entries[name.replace("__", ".")] = change
    return tensors(
        [(name, *entry) for name, entry in entries.items() if entry], {k: v for k, v in metadata.items() if v is not None})


def basis(count=2, **changes):
    """What a recipe of three features with a basis has more."""
    matrix = ("F32", [count, 3], floats(*[0.5 * (index % 5) - 1 for index in range(3 * count)]))
    return {"version": "2", "coefficients": "int8", "basis__directions": matrix, "basis__projector": matrix,
            "basis__mean_feature": ("F32", [3], floats(0.1, 0.2, 0.3)), **changes}


def items(**changes):
    """What a recipe of three features, two of them a text's vector, has more."""
    return {"version": "3", "items__digests": ("U8", [2, 16], b"\1" * 16 + b"\2" * 16),
            "items__vectors": ("F16", [2, 2], bytes(8)), **changes}


SPARSE = {"site": "1.feed_forward", "inputs": 4, "outputs": 3, "groups": 2, "keptGroups": 1, "entryBits": 8, "headBits": 4,
          "entryBudget": 3}


def inside(stated=SPARSE, **changes):
    """What a recipe of three features that adapts five entries inside the encoder has more."""
    return {"version": "4", "sparse": stated if isinstance(stated, (str, type(None))) else compact(stated),
            "settings": {**SETTINGS, "steps": 2},
            "sparse__rows": ("I32", [5], words(0, 0, 1, 3, 3)), "sparse__columns": ("I32", [5], words(0, 2, 1, 0, 1)),
            "sparse__groups": ("I32", [5], words(0, 0, 1, 1, 1)), "sparse__scales": ("F32", [5], floats(1, 0, 0.5, 2, 1)),
            "sparse__start": ("F32", [9], floats(*[0.25 * index for index in range(9)])),
            "sparse__log_rates": ("F32", [2, 3], floats(-1, -2, -3, -1, -2, -4)),
            "sparse__support_exponent": ("F32", [1], floats(0.5)), **changes}


def words(*values):
    return struct.pack(f"<{len(values)}i", *values)


def recipes_inside():
    seed("recipe", "read.inside", recipe(**inside()))
    seed("recipe", "read.inside-all-kept", recipe(**inside({**SPARSE, "keptGroups": 2, "entryBudget": None})))
    seed("recipe", "read.inside-none-kept", recipe(**inside({**SPARSE, "keptGroups": 0, "entryBudget": 0})))
    for name, changes in {
        "unsaid": inside(None), "not-json": inside("{"), "no-site": inside({**SPARSE, "site": "pooled"}),
        "site-far": inside({**SPARSE, "site": "99999999999999999999.q"}), "channels-none": inside({**SPARSE, "inputs": 0}),
        "channels-huge": inside({**SPARSE, "outputs": 2**62}), "groups-none": inside({**SPARSE, "groups": 0}),
        "groups-huge": inside({**SPARSE, "groups": 2**62}), "kept-more": inside({**SPARSE, "keptGroups": 3}),
        "kept-negative": inside({**SPARSE, "keptGroups": -1}), "budget-more": inside({**SPARSE, "entryBudget": 6}),
        "row-outside": inside(sparse__rows=("I32", [5], words(0, 0, 1, 3, 4))),
        "column-negative": inside(sparse__columns=("I32", [5], words(-1, 2, 1, 0, 1))),
        "twice": inside(sparse__columns=("I32", [5], words(0, 0, 1, 0, 1))),
        "unordered": inside(sparse__rows=("I32", [5], words(3, 0, 1, 3, 3))),
        "group-outside": inside(sparse__groups=("I32", [5], words(0, 0, 1, 1, 2))),
        "scale-nan": inside(sparse__scales=("F32", [5], floats(NAN, 1, 1, 1, 1))),
        "start-infinite": inside(sparse__start=("F32", [9], floats(INF, *[1] * 8))),
        "rates-none": inside(sparse__log_rates=("F32", [0, 3], b"")),
        "rates-four": inside(sparse__log_rates=("F32", [4], floats(1, 2, 3, 4))),
        "exponent-nan": inside(sparse__support_exponent=("F32", [1], floats(NAN))),
        "steps-fewer": inside(settings={**SETTINGS, "steps": 1}),
        "empty": inside(sparse__rows=("I32", [0], b""), sparse__columns=("I32", [0], b""), sparse__groups=("I32", [0], b""),
                        sparse__scales=("F32", [0], b""), sparse__start=("F32", [4], floats(1, 1, 1, 1))),
        "with-basis": {**basis(), **inside()}, "with-items": {**items(), **inside()},
    }.items():
        seed("recipe", f"recipe_malformed.inside-{name}", recipe(**changes))
    seed("recipe", "recipe_newer.inside-bits", recipe(**inside({**SPARSE, "entryBits": 2})))
    seed("recipe", "tensor_shape.inside-start", recipe(**inside(sparse__start=("F32", [8], floats(*[1] * 8)))))
    seed("recipe", "tensor_missing.inside-scales", recipe(**inside(sparse__scales=None)))


def gradient_request(users=((2, 1), (1, 2)), **changes):
    """What a job of meta-training asks for: examples of support and query by user, over texts 0 to 3."""
    counts = {"support": [u[0] for u in users], "query": [u[1] for u in users]}
    entries = {}
    for name, each in counts.items():
        entries[f"{name}.rows"] = ("I32", [sum(each)], struct.pack(f"<{sum(each)}i", *[i % 4 for i in range(sum(each))]))
        entries[f"{name}.labels"] = ("U8", [sum(each)], bytes(i % 2 for i in range(sum(each))))
        entries[f"{name}.counts"] = ("I32", [len(each)], struct.pack(f"<{len(each)}i", *each))
    bits = lambda value: str(struct.unpack("<I", floats(value))[0])
    metadata = {"format": "attune-gradient-request", "version": "1", "run": "7", "fold": "2", "step": "31", "shard": "3",
                "features": BASE, "parameters": RECIPE, "scale": bits(4), "ranking_share": bits(0.5)}
    for name, change in changes.items():
        if name in metadata:
            metadata[name] = change
        else:
            entries[name.replace("__", ".")] = change
    return tensors(
        [(name, *entry) for name, entry in entries.items() if entry], {k: v for k, v in metadata.items() if v is not None})


def gradient_requests():
    ints = lambda *values: ("I32", [len(values)], struct.pack(f"<{len(values)}i", *values))
    seed("gradient-request", "read.two-users", gradient_request())
    seed("gradient-request", "read.one-class", gradient_request(query__labels=("U8", [3], b"\0\0\0")))
    seed("gradient-request", "read.negative-scale", gradient_request(scale="3229614080"))
    seed("gradient-request", "gradient_request_newer.version-2", gradient_request(version="2"))
    seed("gradient-request", "gradient_request_newer.version-none", gradient_request(version=None))
    seed("gradient-request", "gradient_request_newer.version-long", gradient_request(version="1" * 3000))
    seed("gradient-request", "tensor_missing.no-rows", gradient_request(support__rows=None))
    seed("gradient-request", "tensor_type.rows-floats", gradient_request(query__rows=("F32", [3], floats(0, 1, 2))))
    seed("gradient-request", "tensor_shape.labels-short", gradient_request(support__labels=("U8", [1], b"\1")))
    for name, content in {
        "other-format": gradient_request(format="attune-recipe"), "features-path": gradient_request(features="../" * 22),
        "features-long": gradient_request(features="a" * 3000), "parameters-none": gradient_request(parameters=None),
        "run-negative": gradient_request(run="-1"), "fold-huge": gradient_request(fold="99999999999999999999"),
        "scale-nan": gradient_request(scale="2143289344"), "share-above-1": gradient_request(ranking_share="1073741824"),
        "label-2": gradient_request(query__labels=("U8", [3], b"\0\1\2")), "nobody": gradient_request(()),
        "count-0": gradient_request(support__counts=ints(3, 0)), "count-negative": gradient_request(support__counts=ints(4, -1)),
        "counts-overflow": gradient_request(support__counts=ints(2**31 - 1, 2**31 - 1)),
        "users-differ": gradient_request(query__counts=ints(3)), "text-4": gradient_request(query__rows=ints(0, 1, 4)),
        "text-negative": gradient_request(support__rows=ints(-1, 1, 2)),
    }.items():
        seed("gradient-request", f"gradient_file_malformed.{name}", content)


def recipes():
    recipes_inside()
    seed("recipe", "read.dense", recipe())
    seed("recipe", "read.isotropic", recipe(preconditioner=("F32", [1], floats(2.5))))
    seed("recipe", "read.one-feature", recipe(1, {**SETTINGS, "rowBudget": 1}))
    seed("recipe", "read.unguarded", recipe(settings={**SETTINGS, "guarding": None}))
    seed("recipe", "read.many-examples", recipe(settings={**SETTINGS, "maximumExamples": 2**63 - 1}))
    seed("recipe", "read.rates-overflow", recipe(steps=("F32", [2, 3], floats(*[3e38] * 6))))
    seed("recipe", "read.exponent-overflows", recipe(support_exponent=("F32", [1], floats(-3e38))))
    seed("recipe", "read.no-rows", recipe(validation={"users": 0, "rows": []}))
    for name, content in {
        "start-nan": recipe(start__bias=("F32", [1], floats(NAN))),
        "start-empty": recipe(start__weights=("F32", [0], b"")),
        "without-data-infinite": recipe(without_data__weights=("F32", [3], floats(1, INF, 1))),
        "widths-differ": recipe(without_data__weights=("F32", [2], floats(1, 1))),
        "preconditioner-nan": recipe(preconditioner=("F32", [1], floats(NAN))),
        "preconditioner-short": recipe(preconditioner=("F32", [2, 3], floats(*[1] * 6))),
        "preconditioner-empty": recipe(preconditioner=("F32", [0], b"")),
        "steps-nan": recipe(steps=("F32", [2, 3], floats(*[NAN] * 6))), "steps-none": recipe(steps=("F32", [0, 3], b"")),
        "steps-four": recipe(steps=("F32", [4], floats(1, 2, 3, 4))),
        "exponent-nan": recipe(support_exponent=("F32", [1], floats(NAN))),
        "f64-overflows": recipe(start__bias=("F64", [1], struct.pack("<d", 1e300))),
        "settings-steps": recipe(settings={**SETTINGS, "steps": 3}),
        "settings-budget": recipe(settings={**SETTINGS, "rowBudget": 4}),
        "settings-scale": recipe(settings={**SETTINGS, "scale": 1.5}),
        "settings-huge": recipe(settings=compact({**SETTINGS, "scale": 0}).replace('"scale":0', '"scale":1e999')),
        "settings-gain-overflows": recipe(settings=compact(SETTINGS).replace("0.003", "1e300")),
        "settings-long-number": recipe(settings=compact(SETTINGS).replace("0.003", "1" + "0" * 2500)),
        "settings-long-name": recipe(settings='{"' + "e" * 2500 + '":1}'),
        "settings-deep": recipe(settings="[" * 1000 + "]" * 1000), "settings-none": recipe(settings=None),
        "settings-not-json": recipe(settings="{"), "validation-array": recipe(validation="[]"),
        "validation-text": recipe(validation='{"users":"' + "7" * 2500 + '","rows":[]}'),
        "other-format": recipe(format="attune.adapter"), "no-version": recipe(version=None),
    }.items():
        seed("recipe", f"recipe_malformed.{name}", content)
    seed("recipe", "read.basis-int8", recipe(**basis()))
    seed("recipe", "read.basis-int4", recipe(**basis(3, coefficients="int4")))
    seed("recipe", "read.version-2-without-basis", recipe(version="2"))
    seed("recipe", "read.basis-large", recipe(**basis(basis__projector=("F32", [2, 3], floats(*[3e38] * 6)))))
    for name, changes in {
        "basis-nan": basis(basis__directions=("F32", [2, 3], floats(*[NAN] * 6))),
        "basis-infinite": basis(basis__projector=("F32", [2, 3], floats(*[INF] * 6))),
        "basis-mean-nan": basis(basis__mean_feature=("F32", [3], floats(NAN, 0, 0))),
        "basis-narrow": basis(basis__directions=("F32", [2, 2], floats(*[1] * 4))),
        "basis-none": basis(basis__directions=("F32", [0, 3], b"")), "basis-257": basis(257),
        "basis-flat": basis(basis__directions=("F32", [3], floats(1, 2, 3))), "basis-unsaid": basis(coefficients=None),
    }.items():
        seed("recipe", f"recipe_malformed.{name}", recipe(**changes))
    seed("recipe", "tensor_shape.basis-projector", recipe(**basis(basis__projector=("F32", [1, 3], floats(1, 2, 3)))))
    seed("recipe", "tensor_shape.basis-mean", recipe(**basis(basis__mean_feature=("F32", [2], floats(1, 2)))))
    seed("recipe", "tensor_missing.basis-directions", recipe(**basis(basis__directions=None)))
    seed("recipe", "recipe_newer.basis-int2", recipe(**basis(coefficients="int2")))
    seed("recipe", "recipe_newer.version-5", recipe(version="5"))
    seed("recipe", "read.items", recipe(**items()))
    seed("recipe", "read.items-large", recipe(**items(items__vectors=("F16", [2, 2], b"\xff\x7b" * 4))))
    for name, changes in {
        "items-nan": items(items__vectors=("F16", [2, 2], b"\xff\x7f" * 4)),
        "items-wide": items(items__vectors=("F16", [2, 3], bytes(12))), "items-flat": items(items__vectors=("F16", [4], bytes(8))),
        "items-none": items(items__vectors=("F16", [0, 2], b""), items__digests=("U8", [0, 16], b"")),
        "items-descend": items(items__digests=("U8", [2, 16], b"\2" * 16 + b"\1" * 16)),
        "items-twice": items(items__digests=("U8", [2, 16], bytes(32))),
        "items-unsaid": items(items__vectors=None), "items-negative": items(items__vectors=("F16", [2, 0], b"")),
    }.items():
        seed("recipe", f"recipe_malformed.{name}", recipe(**changes))
    seed("recipe", "tensor_missing.items-digests", recipe(**items(items__digests=None)))
    seed("recipe", "tensor_shape.items-digests", recipe(**items(items__digests=("U8", [1, 16], bytes(16)))))
    seed("recipe", "read.version-4-without-more", recipe(version="4"))
    seed("recipe", "recipe_newer.other-gate", recipe(gate="learned" + "\u0301" * 2000))
    seed("recipe", "tensor_missing.steps", recipe(steps=None))
    seed("recipe", "tensor_shape.two-exponents", recipe(support_exponent=("F32", [2], floats(1, 2))))
    seed("recipe", "tensor_type.boolean-start", recipe(start__weights=("BOOL", [3], b"\1\1\1")))


def users():
    user = ('{"user":"u-1","examples":[{"text":"a sea","label":1},{"item":"m17","rating":3.5,"ts":12},'
            '{"text":"\\u00e9","item":5,"label":false,"split":"query","x":[{}]}]}')
    seed("user", "read.three-examples", user)
    seed("user", "read.number-for-a-name", changed(user, ('"u-1"', "-9223372036854775808")))
    seed("user", "read.oldest-time", changed(user, ('"ts":12', '"ts":-9223372036854775808')))
    for name, pairs in {
        "no-user": [('"user"', '"name"')], "user-empty": [('"u-1"', '""')], "user-control": [("u-1", "u\\u0000")],
        "user-real": [('"u-1"', "1e300")], "user-long": [("u-1", "u" * 201)], "no-examples": [('"examples"', '"example"')],
        "ts-real": [('"ts":12', '"ts":12.5')], "ts-huge": [('"ts":12', '"ts":9223372036854775808')],
        "neither": [('"text"', '"txet"')], "rating-text": [("3.5", '"3.5"')], "split-unknown": [('"query"', '"test"')],
    }.items():
        seed("user", f"bad_user_line.{name}", changed(user, *pairs))
    seed("user", "bad_user_line.array", "[]")
    seed("user", "label_out_of_range.two", changed(user, ('"label":1', '"label":2')))
    seed("user", "one_class_examples.rating", changed(user, ("3.5", "4"), ("false", "true")))
    seed("user", "no_examples.long-name", '{"user":"' + "e\u0301" * 60 + '","examples":[]}')
    seed("user", "bad_json.twice", changed(user, ('"x"', '"text"')))
    seed("user", "bad_json.deep", '{"user":1,"examples":' + "[" * 40 + "]" * 40 + "}")
    seed("user", "bad_json.infinite", changed(user, ("3.5", "1e999")))
    seed("user", "not_utf8.half", user.encode().replace(b"sea", b"\xc3"))


def sparse_delta(version=1, bits=(8, 8), mask=0b101, scales=(0.5, 0.25), bias=-1.5, entries=None, head=None, width=5):
    """Thirteen entries in three groups, of which 4, 4 and 5 are; a head of five weights, or more."""
    kept = sum(size for group, size in enumerate((4, 4, 5)) if mask is None or mask >> group & 1)

    def values(count, bits):
        if bits == 8:
            return bytes((37 * index + 1) % 127 for index in range(count))
        halves = [(5 * index + 1) % 8 for index in range(count)] + [0] * (count % 2)
        return bytes(low | high << 4 for low, high in zip(halves[::2], halves[1::2]))

    content = bytes([version, *bits, mask is not None]) + floats(*scales, bias)
    content += b"" if mask is None else bytes([mask])
    content += values(kept, bits[0]) if entries is None else entries
    return content + (values(width, bits[1]) if head is None else head)


def sparse_deltas():
    seed("sparse-delta", "read.two-groups", sparse_delta())
    seed("sparse-delta", "read.every-group", sparse_delta(mask=None))
    seed("sparse-delta", "read.no-group", sparse_delta(mask=0, scales=(0, 0.25)))
    seed("sparse-delta", "read.four-bits", sparse_delta(bits=(4, 4)))
    seed("sparse-delta", "read.mixed", sparse_delta(bits=(4, 8), mask=None))
    for name, content in {
        "version-0": sparse_delta(version=0), "bits-5": sparse_delta(bits=(8, 5)), "mask-of-all": sparse_delta(mask=7),
        "group-past-the-last": sparse_delta(mask=9), "cut": sparse_delta()[:-1], "longer": sparse_delta() + b"\0",
        "header": sparse_delta()[:15], "no-mask": sparse_delta()[:16], "scale-nan": sparse_delta(scales=(NAN, 1)),
        "scale-negative": sparse_delta(scales=(1, -1)), "scale-overflows": sparse_delta(scales=(3e38, 1)),
        "bias-infinite": sparse_delta(bias=INF), "value-128": sparse_delta(head=b"\x80\1\2\3\4"),
        "half-minus-8": sparse_delta(bits=(8, 4), head=b"\x18\x22\3"),
        "half-past-the-last": sparse_delta(bits=(8, 4), head=b"\x11\x22\x13"), "empty": b"",
    }.items():
        seed("sparse-delta", f"adapter_malformed.{name}", content)
    seed("sparse-delta", "payload_newer.version-2", sparse_delta(version=2))


for write in [
    safetensors, byte_pairs, word_pieces, configurations, adapters, loras, pefts, recipes, users, sparse_deltas,
    gradient_requests,
]:
    write()
