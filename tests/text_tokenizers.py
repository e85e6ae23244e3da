"""Small vocabularies and texts for the byte-level and WordPiece tokenizers, and what the tokenizers package makes of them."""

import json

TEXTS = [
    "Hello World, How are you!", "  leading and   several  spaces ", "it's we'll I'd they've she'm 12345 3.14", "tab\tand\nnewline\n\n end",
    "naïve café — großartig 東京 tower ½ x² Ⅷ", "under_score and-dash...dots!!!", "", " ", "\n", "the cat sat on the mat the cat",
    "emoji 🙂🙃 ok", "Don't STOP", "a  b", "x\u00a0y", "CamelCase unaffable [MASK] #hash",
]  # fmt: skip

MERGES = [
    ("t", "h"), ("th", "e"), ("Ġ", "the"), ("c", "a"), ("ca", "t"), ("Ġ", "cat"), ("a", "t"), ("l", "l"), ("o", "w"),
    ("H", "e"), ("He", "ll"), ("Hell", "o"), ("Ġ", "a"), ("n", "d"), ("Ġa", "nd"), ("1", "2"), ("12", "3"), ("!", "!"),
    ("Ã", "¯"), ("Ġ", "Ġ"), (".", "."), ("..", "."), ("Ġ", "s"), ("i", "n"),
]  # fmt: skip

CLIP_MERGES = [
    ("t", "h"), ("th", "e</w>"), ("c", "a"), ("ca", "t</w>"), ("o", "n</w>"), ("h", "e"), ("l", "l"), ("he", "ll"),
    ("hell", "o</w>"), ("1", "2"), ("a", "n"), ("an", "d</w>"),
]  # fmt: skip

WORDS = [
    "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "hello", "world", "how", "are", "you", "the", "cat", "sat", "on", "mat",
    "and", "it", "s", "we", "un", "##aff", "##able", "##s", "##e", "cafe", "na", "##ive", "3", "14", "12", "##345",
    "a", "b", "x", "y", "ok", "don", "t", "stop", "end", "tab", "new", "##line", "under", "score", "dash", "dots", "Hello",
    "café", "東", "京", *"!,.'-_#½²",
]  # fmt: skip


def byte_characters():
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [b for b in range(256) if b not in printable]
    return [chr(b) for b in printable] + [chr(256 + i) for i in range(len(others))]


def gpt2_vocabulary():
    return {token: i for i, token in enumerate([*byte_characters(), *(a + b for a, b in MERGES)])}


def record():
    """What the tokenizers package answers (run by the recorder)."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

    gpt2 = Tokenizer(models.BPE(gpt2_vocabulary(), MERGES))
    gpt2.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    out = {"gpt2": [gpt2.encode(text).tokens for text in TEXTS], "gpt2_ids": [gpt2.encode(text).ids for text in TEXTS]}
    for lower in (True, False):
        bert = Tokenizer(models.WordPiece({w: i for i, w in enumerate(WORDS)}, unk_token="[UNK]"))
        bert.normalizer = normalizers.BertNormalizer(lowercase=lower)
        bert.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        out[f"bert {lower}"] = [bert.encode(text).tokens for text in TEXTS]
    return json.loads(json.dumps(out))
