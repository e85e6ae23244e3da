"""BERT's tokenizer: words and marks, each cut into the longest pieces that the vocabulary has (WordPiece)."""

from __future__ import annotations

import itertools
import unicodedata
from collections.abc import Sequence
from typing import Any

__all__ = ["BERTEncoder"]

_UNKNOWN = "[UNK]"
_LONGEST = 100
"""Bytes of a word that is looked at."""
_IDEOGRAPHS = (
    (0x4E00, 0x9FFF), (0x3400, 0x4DBF), (0x20000, 0x2A6DF), (0x2A700, 0x2B73F), (0x2B740, 0x2B81F), (0x2B820, 0x2CEAF),
    (0xF900, 0xFAFF), (0x2F800, 0x2FA1F),
)  # fmt: skip


def _is_control(c: str) -> bool:
    return c not in "\t\n\r" and unicodedata.category(c)[0] == "C"


def _is_space(c: str) -> bool:
    return c in "\t\n\r " or unicodedata.category(c) == "Zs"


def _is_mark(c: str) -> bool:
    """Punctuation, and all other printable ASCII that is neither letter nor digit."""
    return (c.isascii() and c.isprintable() and not c.isalnum() and c != " ") or unicodedata.category(c)[0] == "P"


def _is_ideograph(c: str) -> bool:
    return any(low <= ord(c) <= high for low, high in _IDEOGRAPHS)


class BERTEncoder:
    """The tokenizer of BERT.

    Args:
        vocab_file: a file with one token a line.
        do_lower_case: turn all but whole tokens into small letters.
        strip_accents: drop combining marks; None does so with ``do_lower_case``. As in torchtext, a given value, also
            False, means yes.
        never_split: tokens that are taken as they are where they stand between spaces.
    """

    def __init__(
        self, vocab_file: str, do_lower_case: bool, strip_accents: bool | None, never_split: Sequence[str]
    ) -> None:
        with open(vocab_file, encoding="utf-8") as lines:
            tokens = [line.rstrip("\n") for line in lines]
        self.__setstate__((do_lower_case, strip_accents, list(never_split), tokens))

    def _normal(self, word: str, whole: bool) -> str:
        """``word`` without control characters and accents, with spaces around marks and ideographs."""
        strip = self.do_lower_case_ if self.strip_accents_ is None else True
        if strip:
            word = unicodedata.normalize("NFD", word)
        out = []
        for c in word:
            if c in "\0\ufffd" or _is_control(c) or (strip and not whole and unicodedata.category(c) == "Mn"):
                continue
            if _is_space(c):
                out.append(" ")
            elif _is_ideograph(c) or (not whole and _is_mark(c)):
                out.append(f" {c} ")
            else:
                out.append(c)
        text = "".join(out)
        return "".join(map(_lower, text)) if self.do_lower_case_ and not whole else text

    def _pieces(self, word: str) -> list[str]:
        """The longest known piece from the start, and so on; the unknown token where there is none."""
        pieces = []
        start = 0
        while start < len(word):
            for end in range(len(word), start, -1):
                piece = word[start:end] if start == 0 else "##" + word[start:end]
                if piece in self._numbers:
                    pieces.append(piece)
                    start = end
                    break
            else:
                return [_UNKNOWN]
        return pieces

    def tokenize(self, text: str) -> list[str]:
        """The tokens of a text."""
        words = itertools.chain.from_iterable(
            self._normal(word, word in self._whole).split(" ") for word in text.split(" ") if word
        )
        tokens: list[str] = []
        for word in words:
            if word:
                tokens += [_UNKNOWN] if len(word.encode()) > _LONGEST else self._pieces(word)
        return tokens

    def encode(self, text: str) -> list[int]:
        """The numbers of the tokens of a text."""
        numbers = []
        for token in self.tokenize(text):
            if token not in self._numbers:
                raise RuntimeError(f"Token {token} not found and default index is not set")
            numbers.append(self._numbers[token])
        return numbers

    def batch_tokenize(self, text: Sequence[str]) -> list[list[str]]:
        """The tokens of each text."""
        return [self.tokenize(t) for t in text]

    def batch_encode(self, text: Sequence[str]) -> list[list[int]]:
        """The numbers of the tokens of each text."""
        return [self.encode(t) for t in text]

    def __getstate__(self) -> tuple[bool, bool | None, list[str], list[str]]:
        return self.do_lower_case_, self.strip_accents_, self.never_split_, list(self._numbers)

    def __setstate__(self, state: Any) -> None:
        self.do_lower_case_, self.strip_accents_, self.never_split_, tokens = state
        self._whole = set(self.never_split_)
        self._numbers: dict[str, int] = {}
        for i, token in enumerate(tokens):
            if self._numbers.setdefault(token, i) != i:
                raise RuntimeError(f"Duplicate token found in tokens list: {token}")


def _lower(c: str) -> str:
    """The small letter, where it is one character."""
    small = c.lower()
    return small if len(small) == 1 else c
