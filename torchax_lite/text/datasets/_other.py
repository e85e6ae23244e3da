"""Sequence tagging, question answering and summaries."""

from __future__ import annotations

import gzip
import json
import os
import shutil
from collections.abc import Iterator
from typing import Any

from ..data.datasets_utils import (
    article_and_abstract,
    as_pipe,
    columns_of_blocks,
    dataset,
    find_file,
    lines_of,
    questions_of,
    story_names,
)
from ..utils import extract_archive
from ._sources import CNNDM_LISTS, URLS

__all__ = ["CNNDM", "CoNLL2000Chunking", "SQuAD1", "SQuAD2", "UDPOS"]


def _tagged(path: str, sep: str) -> Iterator[list[list[str]]]:
    yield from columns_of_blocks(lines_of(path), sep)


@dataset("CoNLL2000Chunking", ("train", "test"))
def CoNLL2000Chunking(root: str, split: str) -> Any:  # noqa: N802
    """Sentences as ``[words, part-of-speech tags, chunk tags]``."""
    path = os.path.join(root, f"{split}.txt")
    if not os.path.exists(path) and os.path.isfile(path + ".gz"):
        with gzip.open(path + ".gz") as packed, open(path, "wb") as plain:
            shutil.copyfileobj(packed, plain)
    url = URLS["CoNLL2000Chunking"][split]
    return as_pipe(_tagged, find_file(root, f"{split}.txt", None, url, "CoNLL2000Chunking"), " ")


@dataset("UDPOS", ("train", "valid", "test"))
def UDPOS(root: str, split: str) -> Any:  # noqa: N802
    """Sentences of the English Web Treebank as ``[words, universal tags, Penn tags]``."""
    part = "dev" if split == "valid" else split
    url = URLS["UDPOS"]
    for name in (f"{part}.txt", os.path.join("en-ud-v2", f"en-ud-tag.v2.{part}.txt")):
        if os.path.exists(os.path.join(root, name)):
            return as_pipe(_tagged, os.path.join(root, name), "\t")
    return as_pipe(_tagged, find_file(root, f"en-ud-tag.v2.{part}.txt", "en-ud-v2.zip", url, "UDPOS"), "\t")


def _questions(path: str) -> Iterator[Any]:
    with open(path, encoding="utf-8") as file:
        yield from questions_of(json.load(file))


@dataset("SQuAD1", ("train", "dev"))
def SQuAD1(root: str, split: str) -> Any:  # noqa: N802
    """Questions on paragraphs: ``(context, question, answers, their beginnings)``."""
    url = URLS["SQuAD1"][split]
    return as_pipe(_questions, find_file(root, os.path.basename(url), None, url, "SQuAD1"))


@dataset("SQuAD2", ("train", "dev"))
def SQuAD2(root: str, split: str) -> Any:  # noqa: N802
    """As :func:`SQuAD1`, also with questions that have no answer: ``[""]`` and ``[-1]``."""
    url = URLS["SQuAD2"][split]
    return as_pipe(_questions, find_file(root, os.path.basename(url), None, url, "SQuAD2"))


def _stories(root: str, split: str) -> Iterator[tuple[str, str]]:
    for source in ("cnn", "dailymail"):
        folder = os.path.join(root, source, "stories")
        wanted = set(story_names(lines_of(os.path.join(root, os.path.basename(CNNDM_LISTS[f"{source}_{split}"])))))
        for name in sorted(os.listdir(folder)):
            if name in wanted:
                yield article_and_abstract(lines_of(os.path.join(folder, name)))


@dataset("CNNDM", ("train", "val", "test"))
def CNNDM(root: str, split: str) -> Any:  # noqa: N802
    """News and their highlights: ``(article, abstract)``.

    Reads the stories' archives (or their folders ``cnn/stories`` and ``dailymail/stories``), and the lists of addresses
    that make up a split.
    """
    for source in ("cnn", "dailymail"):
        archive = f"{source}_stories.tgz"
        if not os.path.isdir(os.path.join(root, source, "stories")) and os.path.isfile(os.path.join(root, archive)):
            extract_archive(os.path.join(root, archive), root)
        find_file(root, os.path.join(source, "stories"), archive, URLS["CNNDM"][source], "CNNDM")
        url = CNNDM_LISTS[f"{source}_{split}"]
        find_file(root, os.path.basename(url), None, url, "CNNDM")
    return as_pipe(_stories, root, split)
