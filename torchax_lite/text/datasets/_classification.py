"""Text classification: ``(label, text)``, labels from 1."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from ..data.datasets_utils import as_pipe, dataset, find_file, lines_of, rows_of
from ..utils import extract_archive
from ._sources import FOLDERS, URLS

__all__ = [
    "AG_NEWS", "AmazonReviewFull", "AmazonReviewPolarity", "DBpedia", "IMDB", "SogouNews", "YahooAnswers",
    "YelpReviewFull", "YelpReviewPolarity",
]  # fmt: skip


def _labelled(path: str) -> Iterator[tuple[int, str]]:
    for row in rows_of(path):
        yield int(row[0]), " ".join(row[1:])


@dataset("AG_NEWS", ("train", "test"))
def AG_NEWS(root: str, split: str) -> Any:  # noqa: N802
    """News in four classes: ``(label, title and description)``, from ``train.csv`` and ``test.csv``."""
    return as_pipe(_labelled, find_file(root, f"{split}.csv", None, URLS["AG_NEWS"][split], "AG_NEWS"))


def _from_archive(name: str, root: str, split: str) -> Any:
    folder = FOLDERS[name]
    path = find_file(root, os.path.join(folder, f"{split}.csv"), f"{folder}.tar.gz", URLS[name], name)
    return as_pipe(_labelled, path)


@dataset("AmazonReviewFull", ("train", "test"))
def AmazonReviewFull(root: str, split: str) -> Any:  # noqa: N802
    """Reviews with one to five stars: ``(label, title and text)``."""
    return _from_archive("AmazonReviewFull", root, split)


@dataset("AmazonReviewPolarity", ("train", "test"))
def AmazonReviewPolarity(root: str, split: str) -> Any:  # noqa: N802
    """Bad and good reviews: ``(label, title and text)``."""
    return _from_archive("AmazonReviewPolarity", root, split)


@dataset("DBpedia", ("train", "test"))
def DBpedia(root: str, split: str) -> Any:  # noqa: N802
    """Articles in 14 classes: ``(label, title and text)``."""
    return _from_archive("DBpedia", root, split)


@dataset("SogouNews", ("train", "test"))
def SogouNews(root: str, split: str) -> Any:  # noqa: N802
    """News in five classes: ``(label, title and text)``."""
    return _from_archive("SogouNews", root, split)


@dataset("YahooAnswers", ("train", "test"))
def YahooAnswers(root: str, split: str) -> Any:  # noqa: N802
    """Questions in ten classes: ``(label, title, question and best answer)``."""
    return _from_archive("YahooAnswers", root, split)


@dataset("YelpReviewFull", ("train", "test"))
def YelpReviewFull(root: str, split: str) -> Any:  # noqa: N802
    """Reviews with one to five stars: ``(label, text)``."""
    return _from_archive("YelpReviewFull", root, split)


@dataset("YelpReviewPolarity", ("train", "test"))
def YelpReviewPolarity(root: str, split: str) -> Any:  # noqa: N802
    """Bad and good reviews: ``(label, text)``."""
    return _from_archive("YelpReviewPolarity", root, split)


def _reviews(folder: str) -> Iterator[tuple[int, str]]:
    for label, name in enumerate(("neg", "pos"), 1):
        part = os.path.join(folder, name)
        # torchtext keeps a class's reviews in one file, a line each; the archive has a file for each.
        files = [part] if os.path.isfile(part) else [os.path.join(part, f) for f in sorted(os.listdir(part))]
        for file in files:
            for line in lines_of(file):
                yield label, line


@dataset("IMDB", ("train", "test"))
def IMDB(root: str, split: str) -> Any:  # noqa: N802
    """Bad (1) and good (2) film reviews: ``(label, text)``, from the folder ``aclImdb`` of the archive."""
    for name in ("aclImdb_v1", "aclImdb"):
        folder = os.path.join(root, name, split)
        if os.path.exists(os.path.join(folder, "neg")) and os.path.exists(os.path.join(folder, "pos")):
            return as_pipe(_reviews, folder)
    archive = os.path.join(root, "aclImdb_v1.tar.gz")
    if not os.path.isfile(archive):
        find_file(root, os.path.join("aclImdb", split), "aclImdb_v1.tar.gz", URLS["IMDB"], "IMDB")
    extract_archive(archive, root)
    return as_pipe(_reviews, os.path.join(root, "aclImdb", split))
