"""Functions over iterators of texts."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any

from ...utils.data import Dataset

__all__ = [
    "custom_replace", "filter_wikipedia_xml", "generate_sp_model", "load_sp_model", "numericalize_tokens_from_iterator",
    "sentencepiece_numericalizer", "sentencepiece_tokenizer", "simple_space_split", "to_map_style_dataset",
]  # fmt: skip


def generate_sp_model(
    filename: str, vocab_size: int = 20000, model_type: str = "unigram", model_prefix: str = "m_user"
) -> None:
    """Train a SentencePiece model on a file; writes ``<model_prefix>.model`` and ``<model_prefix>.vocab``.

    Args:
        model_type: ``"unigram"``, ``"bpe"``, ``"char"`` or ``"word"``.
    """
    try:
        from sentencepiece import SentencePieceTrainer
    except ImportError as error:
        raise ImportError(
            "generate_sp_model needs the sentencepiece package here: pip install sentencepiece"
        ) from error
    SentencePieceTrainer.train(input=filename, model_prefix=model_prefix, vocab_size=vocab_size, model_type=model_type)


def load_sp_model(spm: Any) -> Any:
    """The SentencePiece model of a file (its name, or itself open in binary mode)."""
    from .._torchtext import SentencePiece

    if isinstance(spm, str):
        with open(spm, "rb") as file:
            return SentencePiece(file.read())
    if isinstance(spm, io.BufferedReader):
        return SentencePiece(spm.read())
    raise TypeError(
        f"Unsupported type for spm argument: {type(spm).__name__}. Supported types are: str, io.BufferedReader"
    )


def sentencepiece_numericalizer(sp_model: Any) -> Callable[[Iterable[str]], Iterator[list[int]]]:
    """A generator function from texts to the numbers of their pieces."""

    def numericalize(txt_iter: Iterable[str]) -> Iterator[list[int]]:
        for line in txt_iter:
            yield sp_model.EncodeAsIds(line)

    return numericalize


def sentencepiece_tokenizer(sp_model: Any) -> Callable[[Iterable[str]], Iterator[list[str]]]:
    """A generator function from texts to their pieces."""

    def tokenize(txt_iter: Iterable[str]) -> Iterator[list[str]]:
        for line in txt_iter:
            yield sp_model.EncodeAsPieces(line)

    return tokenize


def custom_replace(replace_pattern: Iterable[tuple[str, str]]) -> Callable[[Iterable[str]], Iterator[str]]:
    """A generator function that replaces one pattern after the other in each text."""
    steps = [(re.compile(pattern), replacement) for pattern, replacement in replace_pattern]

    def replace(txt_iter: Iterable[str]) -> Iterator[str]:
        for line in txt_iter:
            for pattern, replacement in steps:
                line = pattern.sub(replacement, line)
            yield line

    return replace


def simple_space_split(iterator: Iterable[str]) -> Iterator[list[str]]:
    """Each text, split at white space."""
    for line in iterator:
        yield line.split()


def numericalize_tokens_from_iterator(
    vocab: Any, iterator: Iterable[Iterable[str]], removed_tokens: Collection[str] | None = None
) -> Iterator[Iterator[int]]:
    """An iterator over the numbers of each text's tokens, without those of ``removed_tokens``."""
    for tokens in iterator:
        kept = tokens if removed_tokens is None else (token for token in tokens if token not in removed_tokens)
        yield (vocab[token] for token in kept)


_DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_WIKIPEDIA = [
    ("<.*>", ""), ("&amp;", "&"), ("&lt;", "<"), ("&gt;", ">"), (r"<ref[^<]*<\/ref>", ""), ("<[^>]*>", ""),
    (r"\[http:[^] ]*", "["), (r"\|thumb", ""), (r"\|left", ""), (r"\|right", ""), (r"\|\d+px", ""),
    (r"\[\[image:[^\[\]]*\|", ""), (r"\[\[category:([^|\]]*)[^]]*\]\]", "[[$1]]"), (r"\[\[[a-z\-]*:[^\]]*\]\]", ""),
    (r"\[\[[^\|\]]*\|", "[["), (r"\{\{[^\}]*\}\}", ""), (r"\{[^\}]*\}", ""), (r"\[", ""), (r"\]", ""), ("&[^;]*;", " "),
    *((chr(code), chr(code).lower()) for code in range(ord("A"), ord("Z") + 1)),
    *((str(digit), f" {name} ") for digit, name in enumerate(_DIGITS)),
    (r"[^a-z\n]+", " "), (r"\n ", ""), (r"\s+", " "), (r"\n\s*\n", r"\n"),
]  # fmt: skip
"""What ``wikifil.pl`` (of Matt Mahoney, via fastText) replaces, in order."""


def filter_wikipedia_xml(text_iterator: Iterable[str]) -> Iterator[str]:
    """The words of the lines of a Wikipedia dump, in small letters a to z; lines without any are left out.

    Raises:
        TypeError: ``text_iterator`` cannot be iterated over.
    """
    try:
        iter(text_iterator)
    except TypeError:
        raise TypeError(f"Input {text_iterator} must support iterator semantics") from None
    replace = custom_replace(_WIKIPEDIA)
    for line in text_iterator:
        if "#redirect" in line or "#REDIRECT" in line:
            continue
        words = next(replace([line])).strip()
        if words:
            yield words


class _MapStyleDataset(Dataset):
    """All that an iterator gave, by index."""

    def __init__(self, iter_data: Iterable[Any]) -> None:
        self._data = list(iter_data)

    def __len__(self) -> int:
        return len(self._data)

    def __getitem__(self, idx: Any) -> Any:
        return self._data[idx]


def to_map_style_dataset(iter_data: Iterable[Any]) -> _MapStyleDataset:
    """The dataset of all that an iterable gives."""
    return _MapStyleDataset(iter_data)
