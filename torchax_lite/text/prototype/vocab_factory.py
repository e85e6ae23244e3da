"""Vocabularies of files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from .._torchtext import Vocab as _Table
from ..vocab import Vocab

__all__ = ["build_vocab_from_text_file", "load_vocab_from_file"]


def build_vocab_from_text_file(
    file_path: str, tokenizer: Callable[[str], list[str]] | None = None, min_freq: int = 1, num_cpus: int | None = 4
) -> Vocab:
    """The vocabulary of a text file, the most frequent tokens first, equally frequent ones in lexical order.

    Args:
        tokenizer: from a line to its tokens; splits at white space by default.
        min_freq: tokens that come less often are left out.
        num_cpus: not used: one reads.
    """
    counter: Counter[str] = Counter()
    with open(file_path, encoding="utf-8") as lines:
        for line in lines:
            counter.update((tokenizer or str.split)(line.rstrip("\n")))
    rows = sorted(counter.items(), key=lambda item: (-item[1], item[0]))
    return Vocab(_Table([token for token, count in rows if token and count >= min_freq], None))


def load_vocab_from_file(file_path: str, min_freq: int = 1, num_cpus: int = 4) -> Vocab:
    """The vocabulary of a file with one token a line, in that order.

    Args:
        min_freq: tokens that come less often are left out.
        num_cpus: not used: one reads.
    """
    with open(file_path, encoding="utf-8") as lines:
        counter = Counter(token for line in lines if (token := line.strip()))
    return Vocab(_Table([token for token, count in counter.items() if count >= min_freq], None))
