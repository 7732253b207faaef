#!/usr/bin/env python3
"""Compares `assay tokenize` with huggingface/tokenizers on random texts.

    python3 compare_tokenizers.py ASSAY N SEED [--all-unicode] [--sample FILE N_SAMPLE] NAME=TOKENIZER_JSON[,GGUF]…

Prints how many of N texts per tokenizer got equal ids and decode to the same text, and the first differences; exits 1 if
there are any. --sample writes N_SAMPLE of the texts per tokenizer with their ids, as hf_random.jsonl.gz has them.
Characters are those assigned in Python's Unicode version unless --all-unicode is given: libraries with tables of other
versions split and compose newer ones differently. With GGUF, assay reads that file instead. Needs the package tokenizers.
"""

import argparse
import gzip
import json
import pathlib
import random
import subprocess
import sys
import tempfile
import unicodedata

from tokenizers import Tokenizer

NASTY = [
    "e\u0301", "a\u0308\u0301", "\u1112\u1161\u11ab", "\u0915\u094d\u0937", "\u0344", "\u212b", "\ufb03",  # combining, composing
    "\U0001f469\u200d\U0001f469\u200d\U0001f467", "\U0001f3f3\ufe0f\u200d\U0001f308", "\U0001f1e9\U0001f1ea", "\U0001f44d\U0001f3fd",
    "שלום", "مرحبا", "\u202eabc\u202c", "\u200f", "\u061c",  # right to left
    "\u2028", "\u2029", "\u0085", "\u180e", "\u200b", "\u2060", "\ufeff", "\u00a0", "\u3000", "\u1680", "\x1c", "\x1f", "\x00", "\x7f",
    "\ufffd", "\ufffd\ufffd", "\ufdd0", "\U0010ffff",  # what lone surrogates become, and non-characters
    "12345678", "٣٤٥", "½", "Ⅷ", "一二三", "1,234.5e-6", "0x1F", "3\u00b2",
    "\t", "\n", "\r\n", "\n\n\n", " \n ", "\t\t\n", "  ", "   ", "\v", "\f",
    "I'LL", "don't", "we've", "'s", "'S", "\u2019s", "'\u017f", "it'd'm",
    "我想在apple工作", "ひらがなカタカナ", "한국어", "ไทย", "Ελληνικά", "Ünïcödé", "İstanbul", "ǆ", "ß", "ſ", "ϐ",
    "def f(x):\n\treturn x", "{\"a\": [1, 2]}", "<b>&amp;</b>", "//==--", "!!!???", "$x^2$", "#include", "a_b-c.d/e", "～！？", "「」",
    "Hello", " world", "the", " the", "tokenizer", " reasoning", "ĠÑĤ", "Â",
]
LATIN = "etaoinshrdlucmfwypvbgkjqxz"


def word(rng):
    return "".join(rng.choice(LATIN) for _ in range(rng.randint(1, 9)))


def character(rng, all_unicode):
    while True:
        top = rng.choice((0x80, 0x250, 0x800, 0x3000, 0xA000, 0x10000, 0x20000, 0x110000))
        code = rng.randrange(top)
        if 0xD800 <= code < 0xE000:
            continue
        if all_unicode or unicodedata.category(chr(code)) != "Cn":
            return chr(code)


def part(rng, contents, all_unicode):
    kind = rng.random()
    if kind < 0.30:
        return rng.choice(NASTY)
    if kind < 0.45:
        return "".join(character(rng, all_unicode) for _ in range(rng.randint(1, 6)))
    if kind < 0.70:
        return rng.choice(("", " ", " ", "\n")) + word(rng) + rng.choice(("", "", ",", ". ", "'s", "\n"))
    if kind < 0.78:
        return rng.choice(contents) if contents else ""
    if kind < 0.84:
        return str(rng.randrange(10 ** rng.randint(1, 12)))
    if kind < 0.90:
        return rng.choice(NASTY + [" ", "\n", "a", "!", "-", "0"]) * rng.randint(2, 40)
    return rng.choice((" ", "  ", "\t", "\n", "\u00a0"))


def make_text(rng, contents, all_unicode):
    if rng.random() < 0.01:
        return rng.choice(" a\n0=-\u3042") * rng.randint(200, 3000)
    return "".join(part(rng, contents, all_unicode) for _ in range(rng.randint(0, 12)))


def plain(text):
    """Python can hold half characters; a program that reads UTF-8 sees U+FFFD."""
    return text.encode("utf-8", "replace").decode()


def read(path):
    data = pathlib.Path(path).read_bytes()
    return gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data


def run_assay(assay, file, lines, *options):
    text = "".join(json.dumps(line) + "\n" for line in lines)
    done = subprocess.run([assay, "tokenize", "--tokenizer", file, "--jsonl", *options], input=text.encode(), stdout=subprocess.PIPE)
    if done.returncode != 0:
        sys.exit(f"assay left with {done.returncode}")
    return [json.loads(line) for line in done.stdout.decode().split("\n") if line]


def expected_ids(reference, bare, text, special):
    return (reference if special else bare).encode(text, add_special_tokens=False).ids


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("assay")
    parser.add_argument("n", type=int)
    parser.add_argument("seed", type=int)
    parser.add_argument("tokenizers", nargs="+")
    parser.add_argument("--all-unicode", action="store_true")
    parser.add_argument("--sample", nargs=2)
    args = parser.parse_args()
    sample = []
    n_different = 0
    for named in args.tokenizers:
        name, paths = named.split("=", 1)
        path, _, gguf = paths.partition(",")
        data = read(path)
        reference = Tokenizer.from_str(data.decode())
        bare = Tokenizer.from_str(data.decode())
        bare.encode_special_tokens = True  # as the characters that they are written with
        contents = [token["content"] for token in json.loads(data).get("added_tokens", [])]
        rng = random.Random(f"{args.seed} {name}")
        texts = [plain(make_text(rng, contents, args.all_unicode)) for _ in range(args.n)]
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / ("tokenizer.gguf" if gguf else "tokenizer.json")
            file.write_bytes(read(gguf) if gguf else data)
            got, back = [None] * args.n, [None] * args.n
            for special in (True, False):
                chosen = [i for i in range(args.n) if (i % 2 == 0) == special]
                lines = run_assay(args.assay, str(file), [{"text": texts[i]} for i in chosen], *(["--special"] if special else []))
                decoded = run_assay(args.assay, str(file), [{"ids": line["ids"]} for line in lines], "--decode")
                for i, line, text in zip(chosen, lines, decoded):
                    got[i], back[i] = line["ids"], text["text"]
        differences = 0
        for i, text in enumerate(texts):
            special = i % 2 == 0
            want = expected_ids(reference, bare, text, special)
            # The library reads added tokens as byte-mapped ("ü" becomes one broken byte), and which spaces behind special
            # tokens encoding put there is each program's own rule; the text itself decides where it can.
            decoded = {reference.decode(want, skip_special_tokens=False)}
            if gguf:
                decoded |= {text, text.replace("\u2581", " ")} | ({back[i]} if special else set())
            if got[i] != want or back[i] not in decoded:
                differences += 1
                if differences <= 5:
                    print(f"{name} {i} special={special} {text[:120]!r}\n  assay {got[i][:40]}\n  want  {want[:40]}\n  decoded {back[i][:120]!r}")
            if args.sample and i < int(args.sample[1]):
                sample.append({"tokenizer": name, "special": special, "text": text, "ids": want})
        print(f"{name}: {args.n - differences} of {args.n} texts equal")
        n_different += differences
    if args.sample:
        pathlib.Path(args.sample[0]).write_text("".join(json.dumps(record, ensure_ascii=False) + "\n" for record in sample))
    sys.exit(1 if n_different else 0)


if __name__ == "__main__":
    main()
