"""Writes the fixtures of the SentencePiece tokenizers.

Made with sentencepiece 0.2.2 or later and transformers 5.23 (Python 3.11, whose Unicode is 14.0). Comparisons are exact.

- siglip.model, siglip.json: a tiny model in the layout of SigLIP's spiece.model (<pad>, </s>, <unk> first), and the ids that
  transformers' SiglipTokenizer gives texts with it at a length of 24.
- xlm-roberta.model, xlm-roberta.json: the same in the layout of XLM-RoBERTa's sentencepiece.bpe.model (<unk>, <s>, </s>
  first), and fairseq's ids made from those of the sentencepiece package, cut off at 24. `agrees` says whether transformers'
  XLMRobertaTokenizer, which works otherwise inside, gives the same.
- symbols.model, symbols.json: a model with symbols of the user and every switch the other way, and its ids.

Published models normalise by all of NFKC, which takes 240 kB; these by a part of it.
"""
import io
import json
import pathlib
import random
import sys
import tempfile
import unicodedata

import sentencepiece
from sentencepiece import sentencepiece_model_pb2
from transformers import SiglipTokenizer, XLMRobertaTokenizer

HERE = pathlib.Path(__file__).parent
LENGTH = 24
SENTENCES = """one does not simply walk into a meeting|when you realise it is monday again|they said it would be easy
me explaining to my mum why the wifi is slow|nobody: absolutely nobody: my cat at three in the morning|what if i told you
wenn der Chef sagt, dass es nur fünf Minuten dauert|das ist ja wohl ein schlechter Witz|Straße, Größe und Übermut
quand tu réalises que c'est déjà lundi|où est passé le café?|ça va être une longue journée
когда понедельник наступил снова|это не то, чем кажется|кот в три часа ночи
όταν ξυπνάς τη Δευτέρα|ο γάτος στις τρεις το πρωί|Σίσυφος
月曜日がまた来た|猫は夜中の三時に走る|簡単だと言われた|又到星期一了|我的猫在半夜三点
월요일이 또 왔다|고양이는 새벽 세 시에 뛴다|عندما يأتي يوم الاثنين|قطتي في الثالثة صباحا|जब सोमवार फिर आता है
100% of the time it works 60% of the time|2 + 2 = 5|e-mail me at 9:30 pm!!!|LOL 😂😂 this is fine 🔥""".replace("\n", "|").split("|")
WORDS = ["</s>", "<unk>", "<s>", "<pad>", "<mask>", "</s", " </s> ", "\u2581", "\u2581\u2581", "don't", "ΟΔΟΣ", "ΑΣ'Σ", "Σ", "İstanbul",
         "ﬁne", "ＷＩＤＥ", "½", "①", "e\u0301", "한글", "\u1112\u1161\u11ab", "\ufeff", "\u200b", "\u200d", "\u00ad", "\ufffd", "\x00",
         "\x07", "\u202e", "\U0001f602", "\U0001f468\u200d\U0001f469\u200d\U0001f467", "\U0001f1e9\U0001f1ea", "\ufdfa", "\u0345",
         "\U0010ffff", "\ue000", "\u0e33", "X" * 70, "a" * 40, "___", "...", "!?", "<", "http://a.b/c?d=e", "[user]", "@@", "#meme"]
SPACES = ["\t", "\n", "\r\n", "\x0b", "\x1c", "\x85", "\xa0", "\u2003", "\u2028", "\u3000", " ", "  ", "   "]
ASSIGNED = [c for c in range(1, 0x30000) if unicodedata.category(chr(c)) not in ("Cn", "Co", "Cs")]


def random_text(rng):
    text = ""
    for _ in range(rng.randint(0, 12)):
        kind = rng.random()
        if kind < 0.35:
            text += rng.choice(rng.choice(SENTENCES).split(" ")) + " "
        elif kind < 0.5:
            text += rng.choice(SPACES)
        elif kind < 0.7:
            text += rng.choice(WORDS)
        elif kind < 0.85:
            text += "".join(chr(rng.randint(33, 126)) for _ in range(rng.randint(1, 4)))
        else:
            text += chr(rng.choice(ASSIGNED))
    return text


def texts(seed):
    rng = random.Random(seed)
    return ["", " ", "\u3000", "</s>", "<unk>", *SENTENCES, *WORDS, *(random_text(rng) for _ in range(300))]


def rules():
    """A part of NFKC, and spaces and controls as SentencePiece's own rules have them, as its table wants them."""
    lines = {}
    for c in [*range(0x80, 0x250), *range(0x1E00, 0x1F00), *range(0x2000, 0x2100), *range(0x2460, 0x2480),
              *range(0x3000, 0x3001), *range(0xFB00, 0xFB07), *range(0xFDFA, 0xFDFB), *range(0xFF01, 0xFF5F)]:
        composed, decomposed = unicodedata.normalize("NFKC", chr(c)), unicodedata.normalize("NFD", chr(c))
        if composed != chr(c):
            lines[chr(c)] = " " if composed.isspace() else composed
        elif decomposed != composed:
            lines[decomposed] = composed
    for initial in "\u1112\u1100":
        for vowel in "\u1161\u1163":
            for final in ["", "\u11ab", "\u11af"]:
                lines[initial + vowel + final] = unicodedata.normalize("NFKC", initial + vowel + final)
    for c in "\t\n\x0b\x0c\r\u1680\u200b\u200e\u200f\u2028\u2029\u2581\ufeff\ufffd":
        lines[c] = " "
    for c in [*range(1, 9), 0x0E, 0x1F, 0x7F, 0x8F, 0x9F]:
        lines[chr(c)] = ""
    code = lambda text: " ".join(f"{ord(c):04X}" for c in text)
    return "".join(f"{code(k)}\t{code(v)}\n" for k, v in sorted(lines.items()))


def train(name, **options):
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(SENTENCES * 3), model_writer=model, model_type="unigram", num_threads=1,
        character_coverage=0.98, hard_vocab_limit=False, minloglevel=2, **options)
    proto = sentencepiece_model_pb2.ModelProto.FromString(model.getvalue())
    proto.normalizer_spec.normalization_rule_tsv = ""  # a path
    (HERE / f"{name}.model").write_bytes(proto.SerializeToString())
    return sentencepiece.SentencePieceProcessor(model_file=str(HERE / f"{name}.model")), proto


def write(name, value):
    text = json.dumps(value, ensure_ascii=True, indent=0, separators=(",", ":"))
    (HERE / name).write_text(text + "\n", encoding="utf-8")


def siglip(table):
    train("siglip", vocab_size=330, pad_id=0, eos_id=1, unk_id=2, bos_id=-1, normalization_rule_tsv=table)
    cases = {}
    for name, lowercases in [("lower", True), ("as-is", False)]:
        tokenizer = SiglipTokenizer(str(HERE / "siglip.model"), model_max_length=LENGTH, do_lower_case=lowercases)
        cases[name] = [
            {"text": text, "ids": tokenizer(text, padding="max_length", truncation=True, max_length=LENGTH)["input_ids"]}
            for text in texts(0)]
    write("siglip.json", cases)


SPECIAL = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]


def fairseq(model, text):
    special = {"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3, "<mask>": model.get_piece_size() + 1}
    ids, rest = [0], text
    while True:
        places = [(rest.find(token), token) for token in SPECIAL if token in rest]
        place, token = min(places, default=(len(rest), ""))
        ids += [id_ + 1 if id_ else 3 for id_ in model.encode(rest[:place])]
        if not token:
            return ids[:LENGTH - 1] + [2]
        ids.append(special[token])
        rest = rest[place + len(token):]


def xlm_roberta(table):
    model, proto = train("xlm-roberta", vocab_size=390, unk_id=0, bos_id=1, eos_id=2, pad_id=-1,
                         normalization_rule_tsv=table)
    vocabulary = [(piece, 0.0) for piece in SPECIAL[:4]] + [(p.piece, p.score) for p in proto.pieces[3:]]
    other = XLMRobertaTokenizer(vocab=vocabulary + [("<mask>", 0.0)],
                                _spm_precompiled_charsmap=proto.normalizer_spec.precompiled_charsmap)
    cases = []
    for text in texts(1):
        ids = fairseq(model, text)
        agrees = other(text, truncation=True, max_length=LENGTH)["input_ids"] == ids
        cases.append({"text": text, "ids": ids, "agrees": agrees})
    print("XLMRobertaTokenizer agrees on", sum(case["agrees"] for case in cases), "of", len(cases), file=sys.stderr)
    write("xlm-roberta.json", cases)


def symbols():
    model, _ = train("symbols", vocab_size=300, normalization_rule_name="identity", add_dummy_prefix=False,
                     remove_extra_whitespaces=False, user_defined_symbols=["[user]", "\u2581@@", "##", "#meme"])
    write("symbols.json", [{"text": text, "ids": model.encode(text)} for text in texts(2)])


with tempfile.NamedTemporaryFile("w", suffix=".tsv", encoding="utf-8") as table:
    table.write(rules())
    table.flush()
    siglip(table.name)
    xlm_roberta(table.name)
symbols()
