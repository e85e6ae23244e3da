"""What the dataset readers share: their folders, splits, files, and the parsing of rows."""

from __future__ import annotations

import csv
import functools
import hashlib
import inspect
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from ...utils.data import IterDataPipe
from ..utils import cache_dir, extract_archive, unicode_csv_reader

__all__: list[str] = []


class Lines(IterDataPipe):
    """The samples that a generator function gives; it is called at each pass.

    Args:
        read: the function.
        arguments: what it is given.
    """

    def __init__(self, read: Callable[..., Iterator[Any]], *arguments: Any) -> None:
        self.read = read
        self.arguments = arguments

    def __iter__(self) -> Iterator[Any]:
        yield from self.read(*self.arguments)


def as_pipe(read: Callable[..., Iterator[Any]], *arguments: Any) -> Any:
    """The pipe of a reader, with a shuffler (off) and a filter that shares it out among a loader's workers."""
    return Lines(read, *arguments).shuffle().set_shuffle(False).sharding_filter()


# -- files -------------------------------------------------------------------------------------------------------------


def find_file(root: str, name: str, archive: str | None, url: str, dataset: str) -> str:
    """The path of a dataset's file in its folder, extracted from its archive if that is there.

    Args:
        root: the dataset's folder.
        name: of the file, as torchtext extracts it.
        archive: of the archive that holds it; None where the file itself is published.
        url: where the archive (or the file) is published.

    Raises:
        RuntimeError: neither is there. Nothing is fetched.
    """
    path = os.path.join(root, name)
    if os.path.exists(path):
        return path
    if archive is not None and os.path.isfile(os.path.join(root, archive)):
        extract_archive(os.path.join(root, archive), root)
        for found in _files_in(root):
            if os.path.basename(found) == os.path.basename(name) or found.endswith(os.sep + name):
                return found
        raise RuntimeError(f"{dataset}: the archive {os.path.join(root, archive)} has no file {name}")
    wanted = path if archive is None else f"{path} or {os.path.join(root, archive)}"
    raise RuntimeError(
        f"{dataset}: there is no {wanted}, and datasets are not downloaded here. Fetch {url} and put it there, or give "
        f"root= of a folder that has datasets/{dataset}/{archive or name} in it."
    )


def _files_in(root: str) -> Iterator[str]:
    for folder, _, files in os.walk(root):
        yield from (os.path.join(folder, file) for file in sorted(files))


def lines_of(path: str, strip_newline: bool = True) -> Iterator[str]:
    """The lines of a text file."""
    with open(path, encoding="utf-8", newline="\n") as file:
        for line in file:
            yield line.rstrip("\r\n") if strip_newline else line


def rows_of(path: str, skip: int = 0, **options: Any) -> Iterator[list[str]]:
    """The rows of a CSV file, or of one with tabs (``delimiter="\\t"``)."""
    with open(path, encoding="utf-8", newline="") as file:
        for i, row in enumerate(unicode_csv_reader(file, **options)):
            if i >= skip:
                yield row


def plain_tabs() -> dict[str, Any]:
    """Options of tab-separated rows without quotes."""
    return {"delimiter": "\t", "quoting": csv.QUOTE_NONE}


# -- parsing -----------------------------------------------------------------------------------------------------------


def columns_of_blocks(lines: Iterable[str], sep: str = "\t") -> Iterator[list[list[str]]]:
    """The columns of each block of lines; empty lines end blocks."""
    columns: list[list[str]] = []
    for line in lines:
        line = line.strip()
        if not line:
            if columns:
                yield columns
            columns = []
            continue
        for i, cell in enumerate(line.split(sep)):
            if i == len(columns):
                columns.append([])
            columns[i].append(cell)
    if columns:
        yield columns


def questions_of(document: dict[str, Any]) -> Iterator[tuple[str, str, list[str], list[int]]]:
    """The context, the question, its answers and where they begin, of each question of a SQuAD file."""
    for article in document["data"]:
        for paragraph in article["paragraphs"]:
            for question in paragraph["qas"]:
                answers = [answer["text"] for answer in question["answers"]]
                starts = [answer["answer_start"] for answer in question["answers"]]
                yield paragraph["context"], question["question"], answers or [""], starts or [-1]


_SENTENCE_ENDS = (".", "!", "?", "...", "'", "`", '"', "\u2019", "\u201d", ")")


def article_and_abstract(lines: Iterable[str]) -> tuple[str, str]:
    """The text of a CNN/Daily Mail story and its highlights; lines that do not end a sentence get a full stop."""
    article: list[str] = []
    highlights: list[str] = []
    in_highlight = False
    for line in (line.strip() for line in lines):
        if line.startswith("@highlight"):
            in_highlight = True
        elif line:
            whole = line if line.endswith(_SENTENCE_ENDS) or "@highlight" in line else line + " ."
            (highlights if in_highlight else article).append(whole)
    return " ".join(article), " ".join(highlights)


def story_names(urls: Iterable[str]) -> list[str]:
    """The names of the story files of web addresses."""
    return [hashlib.sha1(url.strip().encode(), usedforsecurity=False).hexdigest() + ".story" for url in urls]


# -- splits and folders ------------------------------------------------------------------------------------------------


def _check_default_set(split: Any, target_select: Any, dataset_name: str) -> tuple[str, ...]:
    """The splits that are asked for."""
    splits = (split,) if isinstance(split, str) else split
    allowed = (target_select,) if isinstance(target_select, str) else target_select
    if not isinstance(splits, tuple):
        raise ValueError("Internal error: Expected split to be of type tuple.")
    if not set(splits).issubset(allowed):
        raise TypeError(
            f"Given selection {splits} of splits is not supported for dataset {dataset_name}. "
            f"Please choose from {allowed}."
        )
    return splits


def dataset(name: str, splits: Sequence[str] | None) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Make a dataset's function of one that reads a split from the dataset's own folder.

    The result takes ``root`` (files are looked for in ``root/datasets/<name>``; by default in the cache folder) and,
    where there are splits, ``split``: a name, or a tuple of names for a tuple of pipes.

    Args:
        name: of the dataset.
        splits: their names; None for a dataset without.
    """

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        def folder(root: str) -> str:
            path = os.path.join(root, "datasets", name)
            os.makedirs(path, exist_ok=True)
            return path

        if splits is None:

            @functools.wraps(function)
            def whole(root: str | None = None, *args: Any, **kwargs: Any) -> Any:
                return function(folder(cache_dir() if root is None else root), *args, **kwargs)

            return whole

        @functools.wraps(function)
        def split_up(root: str | None = None, split: Any = tuple(splits), *args: Any, **kwargs: Any) -> Any:
            path = folder(cache_dir() if root is None else root)
            chosen = _check_default_set(split, tuple(splits), name)
            pipes = tuple(function(path, part, *args, **kwargs) for part in chosen)
            return pipes[0] if isinstance(split, str) else pipes

        old = inspect.signature(function)
        parameters = list(old.parameters.values())
        parameters[:2] = [parameters[0].replace(default=".data"), parameters[1].replace(default=tuple(splits))]
        split_up.__signature__ = old.replace(parameters=parameters)  # type: ignore[attr-defined]
        return split_up

    return decorate
