"""Writes the fixtures of the splits and of the text processing.

Run in this folder with NumPy and Hugging Face tokenizers and transformers installed (made with numpy 2.4.6, tokenizers
0.23.3 and Python 3.11, whose Unicode is 14.0). Comparisons are exact.

- permutations.json: numpy.random.RandomState: first uniforms and permutations. Long ones are kept as their first and
  last 20 numbers and sum(i * p[i]).
- cleaning.json: the cleaning of SemiMemes and TIB-VA, rewritten from its published description, on random texts.
- vocab.txt, wordpiece.json: a small vocabulary and the ids that tokenizers gives random texts with it.
- clip_vocab.json, clip_merges.txt, clip.json: a byte-level BPE learned here from made-up words and the ids that
  transformers' CLIPTokenizer gives random texts with it, cut off at 24.
- clip_kinds.json: the letters, numbers and spaces of CLIP's pattern, as ranges.
- bag_of_words.json: the vocabulary and the columns that scikit-learn's CountVectorizer gives random texts.
- bert_kinds.json: for every scalar what BertNormalizer and BertPreTokenizer do with it, as ranges.
"""
import collections
import json
import random
import re
import unicodedata

import numpy
from sklearn.feature_extraction.text import CountVectorizer
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import CLIPTokenizer


def write(name, value):
    with open(name, "w", encoding="utf-8", newline="\n") as file:
        json.dump(value, file, ensure_ascii=True, indent=0, separators=(",", ":"))
        file.write("\n")


def permutations():
    cases = []
    for seed in [0, 42, 2**32 - 1]:
        for count in [1, 2, 3, 10, 400, 3013, 8000, 8500, 10000, 100000]:
            order = numpy.random.RandomState(seed).permutation(count)
            cases.append({
                "seed": seed, "count": count, "first": order[:20].tolist(), "last": order[-20:].tolist(),
                "weighted": int((numpy.arange(count, dtype=numpy.int64) * order).sum()),
            })
    uniforms = [{"seed": s, "values": numpy.random.RandomState(s).random_sample(5).tolist()} for s in [0, 42, 2**32 - 1]]
    write("permutations.json", {"permutations": cases, "uniforms": uniforms})


SCALARS = [c for c in range(1, 0x110000) if not 0xD800 <= c < 0xE000]
ASSIGNED = [c for c in SCALARS if unicodedata.category(chr(c)) not in ("Cn", "Co")]
MARKS = [c for c in ASSIGNED if unicodedata.combining(chr(c))]
COMPOSED = [c for c in ASSIGNED if unicodedata.decomposition(chr(c))]
SPACES = "\t\n\r\x0b\x0c\x1c\x1f\x85\xa0\u2003\u2028\u3000 "
WORDS = ["http", "HTTP://", "https://a.b", ".com", "end.the", "www.", "a.nx", ".nx", "[SEP]", "[MASK]", "[CLS", "the cat",
         "playing", "unaffable", "x" * 101, "e\u0301" * 60, "\uac01\ud55c", "\u4e2d\u6587", "\u0663", "\U0001d7d8", "\u00bd",
         "\ufb01", "\u2460", "_", "\uff3f", "na\u00efve", "I\u0307", "\u0130", "\u1e9e", "don't", "100%", "\U0001f602",
         "\U0001f468\u200d\U0001f469", "\u2019", "\u2026", "\u0e33", "\U00011938", "\u302e\u0344"]


def random_text(rng):
    text = ""
    for _ in range(rng.randint(0, 14)):
        kind = rng.random()
        if kind < 0.35:
            text += "".join(chr(rng.randint(32, 126)) for _ in range(rng.randint(1, 5)))
        elif kind < 0.50:
            text += rng.choice(SPACES)
        elif kind < 0.70:
            text += rng.choice(WORDS)
        else:
            text += chr(rng.choice(rng.choice([ASSIGNED, MARKS, COMPOSED, range(0xA0, 0x250)])))
    return "".join(c for c in text if unicodedata.category(c) != "Cn")


def cleaned(text):
    text = re.sub(r"\S+\.[(net)|comrg]\S+", "", text)
    text = re.sub(r"http\S+", "", text)
    text = re.sub(r"\d+", " ", text)
    text = re.sub(r"\s+", " ", text)
    words = []
    for word in text.replace("_", " ").split(" "):
        word = unicodedata.normalize("NFKD", word).encode("ascii", "ignore").decode().lower()
        word = re.sub(r"[^\w\s]", " ", word)
        if word:
            words.append(word)
    return " ".join(words).strip()


def cleaning():
    rng = random.Random(1)
    texts = ["", "http://only.an/url", "CHECK THIS OUT end.the www.foo.com HTTP://IMGFLIP.COM 1511 don't na\u00efve_caf\u00e9 100%"]
    texts += [random_text(rng) for _ in range(250)]
    write("cleaning.json", [[text, cleaned(text)] for text in texts])


def wordpiece():
    letters = "abcdefghijklmnopqrstuvwxyz0123456789"
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + [chr(c) for c in range(33, 127) if not chr(c).isupper()]
    tokens += ["##" + c for c in letters] + ["the", "cat", "play", "##ing", "un", "##aff", "##able", "na", "##ive", "don"]
    tokens += ["http", "com", "##ve", "##\u0301", "\u4e2d", "\u6587", "\U0001f602", "\u2019", "\u2026", "\u1112", "##\u1161",
               "##\u11ab", "\u00df", "\u0438", "##\u0438", "\u03c3", "##\u03c3", "fi", "##fi", "\u5efa", "##", "\u00e9"]
    tokens = list(dict.fromkeys(tokens))
    with open("vocab.txt", "w", encoding="utf-8", newline="\n") as file:
        file.write("".join(token + "\n" for token in tokens))
    rng = random.Random(2)
    texts = ["", " ", "The cat, playing.", "x" * 100, "x" * 101, "unaffable", "[CLS] a [SEP]"]
    texts += [random_text(rng) for _ in range(250)]
    cases = {}
    for name, lowercase in [("uncased", True), ("cased", False)]:
        tokenizer = Tokenizer(models.WordPiece(
            {token: i for i, token in enumerate(tokens)}, unk_token="[UNK]", max_input_chars_per_word=100))
        tokenizer.add_special_tokens(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"])
        tokenizer.normalizer = normalizers.BertNormalizer(lowercase=lowercase)
        tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        tokenizer.post_processor = processors.TemplateProcessing(
            single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
        tokenizer.enable_truncation(24)
        cases[name] = [[text, tokenizer.encode(text).ids] for text in texts]
    write("wordpiece.json", {
        name: [{"text": text, "ids": ids} for text, ids in pairs] for name, pairs in cases.items()})


def ranges(scalars):
    result = []
    for c in scalars:
        if result and result[-1][1] == c - 1:
            result[-1][1] = c
        else:
            result.append([c, c])
    return result


def bert_kinds():
    clean = normalizers.BertNormalizer(handle_chinese_chars=False, strip_accents=False, lowercase=False)
    ideographs = normalizers.BertNormalizer(clean_text=False, strip_accents=False, lowercase=False)
    marks = normalizers.BertNormalizer(clean_text=False, handle_chinese_chars=False, strip_accents=True, lowercase=False)
    split = pre_tokenizers.BertPreTokenizer()
    kinds = {"removed": [], "space": [], "ideograph": [], "punctuation": [], "mark": []}
    for c in [0] + SCALARS:
        scalar = chr(c)
        cleaned_scalar = clean.normalize_str(scalar)
        if cleaned_scalar == "":
            kinds["removed"].append(c)
        elif cleaned_scalar == " ":
            kinds["space"].append(c)
        elif ideographs.normalize_str(scalar) != scalar:
            kinds["ideograph"].append(c)
        elif [word for word, _ in split.pre_tokenize_str("a" + scalar + "b")] == ["a", scalar, "b"]:
            kinds["punctuation"].append(c)
        elif marks.normalize_str(scalar) == "":
            kinds["mark"].append(c)
    with open("bert_kinds.json", "w", encoding="utf-8", newline="\n") as file:
        json.dump({kind: ranges(scalars) for kind, scalars in kinds.items()}, file, separators=(",", ":"))
        file.write("\n")


def byte_scalars():
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [b for b in range(256) if b not in printable]
    return {**{b: chr(b) for b in printable}, **{b: chr(256 + i) for i, b in enumerate(others)}}


CLIP_WORDS = ["<|startoftext|>", "<|endoftext|>", "<|ENDOFTEXT|>", "<|StartOfText|>!", "!<|endoftext|>", "it's", "DON'T", "we'll",
              "I'VE", "''s", "'S", "\u0130stanbul", "\u03a3\u0391\u03a3", "</w>", "a</w>", "1234", "\u212b", "\u1e9b\u0323", "\ufffd",
              "\x00", "e\u0301\u0327", "x\U00011839\u0730"]


def clip():
    scalars = byte_scalars()
    rng = random.Random(3)
    words = collections.Counter()
    for _ in range(3000):
        word = rng.choice(["the", "cat", "play", "un", "don", "text", "\u4e2d\u6587", "\U0001f602", "na\u00efve", "\u03c3"])
        word += rng.choice(["", "", "ing", "able", "t", "s", "er", "\U0001f602", "!!", rng.choice("abcdefghij")])
        symbols = [scalars[b] for b in word.encode()]
        words[(*symbols[:-1], symbols[-1] + "</w>")] += 1
    vocabulary = list(scalars.values()) + [s + "</w>" for s in scalars.values()]
    merges = []
    while len(merges) < 200:
        pairs = collections.Counter()
        for word, count in words.items():
            for pair in zip(word, word[1:]):
                pairs[pair] += count
        if not pairs:
            break
        best = max(pairs, key=lambda pair: (pairs[pair], pair))
        merges.append(best)
        if "".join(best) not in vocabulary:
            vocabulary.append("".join(best))
        merged = collections.Counter()
        for word, count in words.items():
            symbols = list(word)
            i = 0
            while i < len(symbols) - 1:
                if (symbols[i], symbols[i + 1]) == best:
                    symbols[i:i + 2] = ["".join(best)]
                i += 1
            merged[tuple(symbols)] += count
        words = merged
    vocabulary += ["<|startoftext|>", "<|endoftext|>"]
    ids = {token: i for i, token in enumerate(vocabulary)}
    write("clip_vocab.json", ids)
    with open("clip_merges.txt", "w", encoding="utf-8", newline="\n") as file:
        file.write("#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in merges))
    texts = ["", " ", "The cat, playing.", "unable " * 20, "cat" * 50]
    texts += ["".join(random_text(rng) + rng.choice(CLIP_WORDS) for _ in range(rng.randint(0, 2))) for _ in range(300)]
    tokenizer = CLIPTokenizer(vocab=ids, merges=merges)
    write("clip.json", [
        {"text": text, "ids": tokenizer(text, truncation=True, max_length=24)["input_ids"]} for text in texts])


def clip_kinds():
    split = pre_tokenizers.Split(Regex(r"[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"), behavior="removed", invert=True)
    kinds = {"letter": [], "space": [], "number": []}
    for c in SCALARS:
        # A letter joins both neighbours, a space vanishes, numbers stand alone; everything else joins itself.
        words = [word for word, _ in split.pre_tokenize_str("a" + chr(c) * 2 + "b")]
        kind = {1: "letter", 2: "space", 4: "number"}.get(len(words))
        if kind:
            kinds[kind].append(c)
    with open("clip_kinds.json", "w", encoding="utf-8", newline="\n") as file:
        json.dump({kind: ranges(scalars) for kind, scalars in kinds.items()}, file, separators=(",", ":"))
        file.write("\n")


def bag_of_words():
    rng = random.Random(9)
    words = ["me", "when", "Monday", "cat", "CATS", "don't", "x", "_", "_a", "42", "4.5", "naïve", "nai\u0308ve", "Ünder", "日本語", "½½",
             "ТЕКСТ", "e\u0301a", "a-b", "co_op"]
    texts = [" ".join(rng.choice(words) for _ in range(rng.randint(0, 8))) for _ in range(60)]
    texts += [random_text(rng) for _ in range(60)]
    counts = CountVectorizer(binary=True).fit_transform(texts).sum(axis=0).A1
    counts = sorted(counts, reverse=True)
    # Where the limit parts words that equally many texts have, scikit-learn's choice is its sorting's.
    limit = next(n for n in range(15, len(counts)) if counts[n - 1] > counts[n])
    vectorizer = CountVectorizer(binary=True, max_features=limit).fit(texts)
    matrix = vectorizer.transform(texts)
    write("bag_of_words.json", {
        "limit": limit, "vocabulary": vectorizer.get_feature_names_out().tolist(),
        "texts": [{"text": text, "columns": sorted(matrix[row].indices.tolist())} for row, text in enumerate(texts)]})


permutations()
cleaning()
bag_of_words()
clip()
clip_kinds()
wordpiece()
bert_kinds()
