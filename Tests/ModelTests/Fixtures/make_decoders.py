#!/usr/bin/env python3
"""Makes tiny-gpt2/, tiny-llama/ and decoders.json with the reference implementation.

    python3 make_decoders.py

Made with torch 2.15.0 (CPU) and transformers 5.23.0. Two random models of two blocks in Hugging Face form, with the
tokenizers of ../../TokenizerTests/Fixtures (make_byte_pairs.py): a GPT-2 in f16 in one file, and a Llama in bf16 in shards with
two heads of keys for four of queries and a head of its own. Values are computed in f32 from the stored weights.

decoders.json: for each model its prompts: token ids, the scores after the last token, its channels after the embeddings, after
each block but the last and after the last norm, and what each token costs given those before it, in nats.
"""

import json
import os
import shutil

import torch
import transformers
from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

HERE = os.path.dirname(os.path.abspath(__file__))
TOKENIZERS = os.path.join(HERE, "..", "..", "TokenizerTests", "Fixtures")


def randomize(model):
    generator = torch.Generator().manual_seed(11)
    with torch.no_grad():
        for name, parameter in sorted(model.named_parameters()):
            noise = torch.randn(parameter.shape, generator=generator)
            is_gain = parameter.dim() == 1 and name.endswith("weight")
            parameter.copy_(1 + 0.1 * noise if is_gain else (0.2 if parameter.dim() > 1 else 0.1) * noise)


def save(model, folder, dtype, tokenizer, **options):
    path = os.path.join(HERE, folder)
    shutil.rmtree(path, ignore_errors=True)
    model.to(dtype).save_pretrained(path, **options)
    shutil.copy(os.path.join(TOKENIZERS, tokenizer), os.path.join(path, "tokenizer.json"))
    extra = os.path.join(path, "generation_config.json")
    if os.path.exists(extra):
        os.remove(extra)
    # Read again: a model that was bf16 keeps rotary frequencies that were rounded to it.
    return type(model).from_pretrained(path, dtype=torch.float32).eval()


def rows(values):
    return [float(f"{value:.7g}") for value in values.tolist()]


def golden(model, prompts):
    result = []
    for tokens in prompts:
        with torch.no_grad():
            output = model(torch.tensor([tokens]), output_hidden_states=True)
        logits = output.logits[0]
        losses = torch.nn.functional.cross_entropy(logits[:-1], torch.tensor(tokens[1:], dtype=torch.long), reduction="none")
        result.append(
            {
                "tokens": tokens,
                "logits": rows(logits[-1]),
                # The last block's rows are those after the norm that follows it.
                "hidden": [rows(state[0, -1]) for state in output.hidden_states],
                "losses": rows(losses),
            }
        )
    return result


def main():
    print(torch.__version__, transformers.__version__)
    gpt2 = GPT2LMHeadModel(
        GPT2Config(
            vocab_size=600, n_positions=64, n_embd=24, n_layer=2, n_head=3, n_inner=40, bos_token_id=0, eos_token_id=0,
            resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0,
        )
    )
    llama = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=501, hidden_size=24, intermediate_size=40, num_hidden_layers=2, num_attention_heads=4,
            num_key_value_heads=2, head_dim=8, max_position_embeddings=64, rms_norm_eps=1e-5, rope_theta=10000.0,
            tie_word_embeddings=False, bos_token_id=0, eos_token_id=500,
        )
    )
    torch.manual_seed(3)
    prompts = lambda size: [torch.randint(0, size, (length,)).tolist() for length in (1, 2, 13, 64)]
    values = {}
    for name, model, dtype, tokenizer, options in [
        ("tiny-gpt2", gpt2, torch.float16, "byte_pairs_gpt2.json", {}),
        ("tiny-llama", llama, torch.bfloat16, "byte_pairs_llama3.json", {"max_shard_size": "30KB"}),
    ]:
        randomize(model)
        stored = save(model, name, dtype, tokenizer, **options)
        values[name] = golden(stored, prompts(model.config.vocab_size))
    with open(os.path.join(HERE, "decoders.json"), "w", encoding="utf-8") as file:
        json.dump(values, file, separators=(",", ":"))
        file.write("\n")


if __name__ == "__main__":
    main()
