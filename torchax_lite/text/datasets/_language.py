"""Texts for language models: a line at a time."""

from __future__ import annotations

import lzma
import os
import shutil
from collections.abc import Iterator
from typing import Any

from ..data.datasets_utils import as_pipe, dataset, find_file, lines_of
from ._sources import CC100_LANGUAGES, URLS

__all__ = ["CC100", "EnWik9", "PennTreebank", "WikiText103", "WikiText2"]


def _stripped(path: str) -> Iterator[str]:
    for line in lines_of(path):
        yield line.strip()


@dataset("PennTreebank", ("train", "valid", "test"))
def PennTreebank(root: str, split: str) -> Any:  # noqa: N802
    """The Penn Treebank's sentences as Mikolov prepared them, from ``ptb.<split>.txt``."""
    return as_pipe(_stripped, find_file(root, f"ptb.{split}.txt", None, URLS["PennTreebank"][split], "PennTreebank"))


def _wikitext(name: str, folder: str, root: str, split: str) -> Any:
    path = find_file(root, os.path.join(folder, f"wiki.{split}.tokens"), f"{folder}-v1.zip", URLS[name], name)
    return as_pipe(lines_of, path, False)


@dataset("WikiText2", ("train", "valid", "test"))
def WikiText2(root: str, split: str) -> Any:  # noqa: N802
    """Two million words of Wikipedia, with the ends of lines."""
    return _wikitext("WikiText2", "wikitext-2", root, split)


@dataset("WikiText103", ("train", "valid", "test"))
def WikiText103(root: str, split: str) -> Any:  # noqa: N802
    """A hundred million words of Wikipedia, with the ends of lines."""
    return _wikitext("WikiText103", "wikitext-103", root, split)


@dataset("EnWik9", None)
def EnWik9(root: str) -> Any:  # noqa: N802
    """The first gigabyte of the English Wikipedia's XML dump."""
    return as_pipe(lines_of, find_file(root, "enwik9", "enwik9.zip", URLS["EnWik9"], "EnWik9"))


def _with_language(path: str, language: str) -> Iterator[tuple[str, str]]:
    for line in lines_of(path):
        yield language, line


@dataset("CC100", None)
def CC100(root: str, language_code: str = "en") -> Any:  # noqa: N802
    """Web pages in one of a hundred languages: ``(language, line)``.

    Raises:
        ValueError: an unknown language code.
    """
    if language_code not in CC100_LANGUAGES:
        raise ValueError(f"Invalid language code {language_code}")
    path = os.path.join(root, f"{language_code}.txt")
    if not os.path.exists(path) and os.path.isfile(path + ".xz"):
        with lzma.open(path + ".xz") as packed, open(path, "wb") as plain:
            shutil.copyfileobj(packed, plain)
    found = find_file(root, f"{language_code}.txt", None, URLS["CC100"] % language_code, "CC100")
    return as_pipe(_with_language, found, language_code)
