#!/usr/bin/env python3
"""Makes rendered.jsonl.gz: conversations as transformers' apply_chat_template renders them.

    python3 make_rendered.py TEMPLATES > rendered.jsonl

TEMPLATES is a folder with NAME.jinja for the names below that testdata does not hold. Needs transformers 5 and jinja2.
"""

import json
import lzma
import pathlib
import sys
import tempfile

from transformers import PreTrainedTokenizerFast

HERE = pathlib.Path(__file__).resolve().parent
TOKENIZERS = HERE.parent.parent / "tokenizer" / "testdata"
TEMPLATES = pathlib.Path(sys.argv[1])


def own_template(name):
    return json.loads((TOKENIZERS / f"{name}.tokenizer_config.json").read_text())["chat_template"]


def template_file(name):
    here = HERE / f"{name}.jinja"
    return (here if here.exists() else TEMPLATES / f"{name}.jinja").read_text()


def user(text):
    return {"role": "user", "content": text}


def assistant(text):
    return {"role": "assistant", "content": text}


def system(text):
    return {"role": "system", "content": text}


CONVERSATIONS = [
    [user("Hi")],
    [user("Hi"), assistant("Hello!"), user("2+2?")],
    [system("Be brief."), user("Hi")],
    [system("One."), user("Hi"), system("Two."), user("Again")],
    [user("Q"), assistant("<think>\nlong\n</think>\n\nAnswer"), user("Next")],
    [user("Q"), assistant("x</think>y</think>z"), user("N")],
    [system(""), user("Q")],
    [user("  spaces \n"), assistant(" kept \n"), user("\n\nlines\n")],
    [user("<｜User｜><|im_end|><think>")],
    [system("S"), user("Q"), assistant("A")],
    [user("Q"), assistant("<think>\nwhy\n</think>\n\nA")],
    [user("Q"), assistant("no think"), assistant("<think>r</think>B"), user("<tool_response>1</tool_response>")],
    [user("Ünïcödé 我想 🦙")],
    [system("only system")],
    [system("\t S \u2003"), user("\u2028Q\u00a0"), assistant("\x1fA\u3000"), user("\u200bz\u200b")],
    [user("e\u0301 \U0001f469\u200d\U0001f469\u200d\U0001f467 שלום \u202eabc"), assistant("नमस्ते ไทย"), user("한국어?")],
    [system("<|im_start|>system\n<|eot_id|>"), user("<|begin_of_text|><|start_header_id|>user<|end_header_id|>")],
    [user("a"), user("b"), assistant("c"), assistant("d"), user("e")],
    [user("1"), assistant("<think>\n\nr1\n\n</think>\n\n\na1\n"), user("2"), assistant("<think></think>a2"), user("3")],
    [user("def f():\n\treturn 12345 * 0.5\r\n"), assistant("```python\n\tpass\n```"), user("100000000 it's we'LL")],
]

BOS, EOS = "<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>"
# name: template, tokenizer whose ids are recorded, bos, eos, what the template is told.
FAMILIES = {
    "assay-reference": (json.loads((HERE.parents[3] / "models/reference/tokenizer_config.json").read_text())["chat_template"],
                        None, BOS, EOS, {}),
    "deepseek-r1": (template_file("deepseek-r1"), "deepseek_v3", BOS, EOS, {}),
    "deepseek-v3": (own_template("deepseek_v3"), "deepseek_v3", BOS, EOS, {}),
    "deepseek-v3.1": (template_file("deepseek-v3.1"), "deepseek_v3", BOS, EOS, {"thinking": False}),
    "deepseek-v3.1-thinking": (template_file("deepseek-v3.1"), "deepseek_v3", BOS, EOS, {"thinking": True}),
    "deepseek-v2": (template_file("deepseek-v2"), None, BOS, EOS, {}),
    "qwen2.5": (template_file("qwen2.5"), "qwen3", None, "<|im_end|>", {}),
    "qwen3": (own_template("qwen3"), "qwen3", None, "<|im_end|>", {}),
    "qwen3-no-think": (own_template("qwen3"), "qwen3", None, "<|im_end|>", {"enable_thinking": False}),
    "smollm2": (template_file("smollm2"), None, "<|im_start|>", "<|im_end|>", {}),
    "chatml": (template_file("chatml"), None, None, "<|im_end|>", {}),
    "llama3": (template_file("llama3"), None, "<|begin_of_text|>", "<|eot_id|>", {}),
    "llama3.1": (template_file("llama3.1"), None, "<|begin_of_text|>", "<|eot_id|>", {}),
    "llama3.2": (template_file("llama3.2"), None, "<|begin_of_text|>", "<|eot_id|>", {"date_string": "26 Jul 2024"}),
}


def load(name, bos, eos):
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        file.write(lzma.decompress((TOKENIZERS / f"{name}.tokenizer.json.xz").read_bytes()))
        file.flush()
        return PreTrainedTokenizerFast(tokenizer_file=file.name, bos_token=bos, eos_token=eos)


loaded = {name: load(name, BOS if name == "deepseek_v3" else None, None) for name in ("deepseek_v3", "qwen3")}
plain = {}
for family, (template, tokenizer_name, bos, eos, told) in FAMILIES.items():
    if tokenizer_name:
        tokenizer = loaded[tokenizer_name]
    else:
        tokenizer = plain.setdefault((bos, eos), load("qwen3", bos, eos))
    for conversation in CONVERSATIONS:
        for opens_reply in (True, False):
            text = tokenizer.apply_chat_template(conversation, chat_template=template, tokenize=False,
                                                 add_generation_prompt=opens_reply, **told)
            record = {"template": family, "opens_reply": opens_reply, "messages": conversation, "text": text}
            if family.startswith("deepseek-v3.1") and opens_reply and conversation[-1]["role"] != "user":
                record["text"] = None  # the template opens no reply there
            elif tokenizer_name:
                encoded = tokenizer.apply_chat_template(conversation, chat_template=template, tokenize=True,
                                                        return_dict=False, add_generation_prompt=opens_reply, **told)
                record |= {"tokenizer": tokenizer_name, "ids": encoded}
            print(json.dumps(record, ensure_ascii=False))
