"""Byte-level, WordPiece and regular-expression tokenizers; what the tokenizers package answered is in ``data/text.json``."""

import json
import pathlib
import pickle

import pytest
import text_tokenizers

from torchax_lite.text import transforms
from torchax_lite.text._torchtext import GPT2BPEEncoder, RegexTokenizer

RECORD = json.loads((pathlib.Path(__file__).parents[1] / "data" / "text.json").read_text())["tokenizers"]


@pytest.fixture
def gpt2_files(tmp_path):
    encoder, merges = tmp_path / "encoder.json", tmp_path / "merges.bpe"
    encoder.write_text(json.dumps(text_tokenizers.gpt2_vocabulary()))
    lines = ["#version: 0.2", *(" ".join(pair) for pair in text_tokenizers.MERGES)]
    merges.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(encoder), str(merges)


# With a no-break space, torchtext's pattern (RE2's ASCII white space) is not GPT-2's.
SAME = [i for i, text in enumerate(text_tokenizers.TEXTS) if "\u00a0" not in text]


def test_gpt2(gpt2_files):
    tokens = transforms.GPT2BPETokenizer(*gpt2_files, return_tokens=True)
    numbers = transforms.GPT2BPETokenizer(*gpt2_files)
    for i in SAME:
        text = text_tokenizers.TEXTS[i]
        assert tokens(text) == RECORD["gpt2"][i], text
        assert numbers(text) == [str(number) for number in RECORD["gpt2_ids"][i]]
        assert numbers.decode(numbers(text)) == text
    assert numbers(text_tokenizers.TEXTS[:2]) == [numbers(text) for text in text_tokenizers.TEXTS[:2]]
    with pytest.raises(TypeError, match="Input type not supported"):
        numbers(3)


def test_gpt2_special_tokens_are_not_split(gpt2_files):
    tokenizer = transforms.GPT2BPETokenizer(*gpt2_files)
    known = len(text_tokenizers.gpt2_vocabulary())
    special = {"unk_token": "<|endoftext|>", "additional_special_tokens": ["[SEP]", "the"]}
    assert tokenizer.add_special_tokens(special) == 2  # "the" has a number
    assert tokenizer.add_special_tokens({"unk_token": "<|endoftext|>"}) == 0
    text = "<|endoftext|> <|endoftext|> cat [SEP] sat the"
    encoded = tokenizer(text)
    assert encoded[:2] == [str(known)] * 2 and str(known + 1) in encoded
    assert tokenizer.decode(encoded) == "<|endoftext|> <|endoftext|> cat [SEP] sat the"
    with pytest.raises(AssertionError, match="Key 'no' is not in the special token list"):
        tokenizer.add_special_tokens({"no": "x"})
    with pytest.raises(IndexError):
        tokenizer.decode(["99999"])


def test_clip_marks_the_ends_of_words(tmp_path):
    merges = tmp_path / "clip.bpe"
    lines = ["#version", *(" ".join(pair) for pair in text_tokenizers.CLIP_MERGES)]
    merges.write_text("\n".join(lines))
    tokens = transforms.CLIPTokenizer(str(merges), return_tokens=True)
    assert tokens("  The CAT's on") == ["the</w>", "cat</w>", "'", "s</w>", "on</w>"]
    assert tokens("hello 12") == ["hello</w>", "1</w>", "2</w>"]
    assert tokens("<|startoftext|>and<|endoftext|>") == ["<|startoftext|>", "and</w>", "<|endoftext|>"]
    numbers = transforms.CLIPTokenizer(str(merges))
    characters = text_tokenizers.byte_characters()
    order = [*characters, *(c + "</w>" for c in characters), *("".join(pair) for pair in text_tokenizers.CLIP_MERGES)]
    assert numbers("cat on") == [str(order.index("cat</w>")), str(order.index("on</w>"))]
    with_file = tmp_path / "encoder.json"
    with_file.write_text(json.dumps({t: i for i, t in enumerate([*order, "<|startoftext|>", "<|endoftext|>"])}))
    assert transforms.CLIPTokenizer(str(merges), str(with_file))(["hello", "and"]) == numbers(["hello", "and"])
    few = transforms.CLIPTokenizer(str(merges), num_merges=1, return_tokens=True)
    assert few("the cat") == ["th", "e</w>", "c", "a", "t</w>"]


@pytest.mark.parametrize("lower", [True, False])
def test_bert(tmp_path, lower):
    vocab = tmp_path / "vocab.txt"
    vocab.write_text("\n".join(text_tokenizers.WORDS) + "\n", encoding="utf-8")
    tokens = transforms.BERTTokenizer(str(vocab), do_lower_case=lower, return_tokens=True)
    numbers = transforms.BERTTokenizer(str(vocab), do_lower_case=lower)
    for text, wanted in zip(text_tokenizers.TEXTS, RECORD[f"bert {lower}"], strict=True):
        assert tokens(text) == wanted, text
        assert numbers(text) == [str(text_tokenizers.WORDS.index(token)) for token in wanted]
    kept = transforms.BERTTokenizer(str(vocab), do_lower_case=lower, return_tokens=True, never_split=["[MASK]"])
    assert kept(["unaffable [MASK] end"]) == [["un", "##aff", "##able", "[MASK]", "end"]]
    assert pickle.loads(pickle.dumps(kept.bert_model)).tokenize("[MASK] end") == ["[MASK]", "end"]


def test_regular_expressions():
    split = transforms.RegexTokenizer([(r"[,._+ ]+", " ")])
    assert (
        split("Basic.Regex,Tokenization_for+a..Line,,of  Text") == "Basic Regex Tokenization for a Line of Text".split()
    )
    groups = RegexTokenizer([r"(\w)-(\w)", "x"], [r"\2 \1", r"\\"], True)
    assert groups.forward("A-B X É") == ["b", "a", "\\", "É"]
    assert pickle.loads(pickle.dumps(groups)).forward("A-B") == ["b", "a"]
    with pytest.raises(RuntimeError, match="same size"):
        RegexTokenizer(["a"], [])


def test_encoders_are_pickled_as_torchtext_does(gpt2_files):
    encoder = transforms.GPT2BPETokenizer(*gpt2_files).bpe
    again = pickle.loads(pickle.dumps(encoder))
    assert type(again) is GPT2BPEEncoder and again.encode("the cat") == encoder.encode("the cat")
    assert len(encoder.__getstate__()) == 5
