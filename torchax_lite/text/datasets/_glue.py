"""The tasks of GLUE, and Quora's question pairs."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

from ..data.datasets_utils import as_pipe, dataset, find_file, plain_tabs, rows_of
from ._sources import URLS

__all__ = ["CoLA", "MNLI", "MRPC", "QNLI", "QQP", "RTE", "SST2", "STSB", "WNLI"]

_TABS = {"delimiter": "\t"}


def _parsed(path: str, parse: Callable[[list[str]], Any], skip: int, options: dict[str, Any]) -> Iterator[Any]:
    """The samples of a file's rows; rows that ``parse`` gives None for are left out."""
    for row in rows_of(path, skip, **options):
        sample = parse(row)
        if sample is not None:
            yield sample


def _cola(row: list[str]) -> Any:
    return (row[0], int(row[1]), row[3]) if len(row) == 4 else None


@dataset("CoLA", ("train", "dev", "test"))
def CoLA(root: str, split: str) -> Any:  # noqa: N802
    """Whether a sentence is grammatical: ``(source, label, sentence)``."""
    files = {"train": "in_domain_train.tsv", "dev": "in_domain_dev.tsv", "test": "out_of_domain_dev.tsv"}
    name = os.path.join("cola_public", "raw", files[split])
    path = find_file(root, name, "cola_public_1.1.zip", URLS["CoLA"], "CoLA")
    return as_pipe(_parsed, path, _cola, 1, plain_tabs())


_MNLI_LABELS = {"entailment": 0, "neutral": 1, "contradiction": 2}


def _mnli(row: list[str]) -> Any:
    return (_MNLI_LABELS[row[0]], row[5], row[6]) if row[0] in _MNLI_LABELS else None


@dataset("MNLI", ("train", "dev_matched", "dev_mismatched"))
def MNLI(root: str, split: str) -> Any:  # noqa: N802
    """Entailment (0), neither (1) or contradiction (2): ``(label, premise, hypothesis)``."""
    path = find_file(root, f"multinli_1.0_{split}.txt", "multinli_1.0.zip", URLS["MNLI"], "MNLI")
    return as_pipe(_parsed, path, _mnli, 1, plain_tabs())


def _mrpc(row: list[str]) -> Any:
    return int(row[0]), row[3], row[4]


@dataset("MRPC", ("train", "test"))
def MRPC(root: str, split: str) -> Any:  # noqa: N802
    """Whether two sentences mean the same: ``(label, sentence, sentence)``."""
    path = find_file(root, f"msr_paraphrase_{split}.txt", None, URLS["MRPC"][split], "MRPC")
    return as_pipe(_parsed, path, _mrpc, 1, plain_tabs())


_ENTAILS = {"entailment": 0, "not_entailment": 1}


def _entails(row: list[str]) -> Any:
    return _ENTAILS[row[3]], row[1], row[2]


def _pair(row: list[str]) -> Any:
    return row[1], row[2]


def _glue_pairs(name: str, archive: str, root: str, split: str, parse: Any, options: dict[str, Any]) -> Any:
    path = find_file(root, os.path.join(name, f"{split}.tsv"), archive, URLS[name], name)
    return as_pipe(_parsed, path, _pair if split == "test" else parse, 1, options)


@dataset("QNLI", ("train", "dev", "test"))
def QNLI(root: str, split: str) -> Any:  # noqa: N802
    """Whether a sentence answers a question (0) or not: ``(label, question, sentence)``; no label in the test split."""
    return _glue_pairs("QNLI", "QNLIv2.zip", root, split, _entails, plain_tabs())


@dataset("RTE", ("train", "dev", "test"))
def RTE(root: str, split: str) -> Any:  # noqa: N802
    """Entailment (0) or not: ``(label, sentence, sentence)``; no label in the test split."""
    return _glue_pairs("RTE", "RTE.zip", root, split, _entails, plain_tabs())


def _wnli(row: list[str]) -> Any:
    return int(row[3]), row[1], row[2]


@dataset("WNLI", ("train", "dev", "test"))
def WNLI(root: str, split: str) -> Any:  # noqa: N802
    """Whether a sentence with a pronoun resolved follows: ``(label, sentence, sentence)``; no label in the test split."""
    return _glue_pairs("WNLI", "WNLI.zip", root, split, _wnli, _TABS)


def _qqp(row: list[str]) -> Any:
    return int(row[-1]), row[3], row[4]


@dataset("QQP", None)
def QQP(root: str) -> Any:  # noqa: N802
    """Whether two questions ask the same: ``(label, question, question)``."""
    path = find_file(root, "quora_duplicate_questions.tsv", None, URLS["QQP"], "QQP")
    return as_pipe(_parsed, path, _qqp, 1, _TABS)


def _sst2(row: list[str]) -> Any:
    return row[0].strip(), int(row[1])


def _sst2_test(row: list[str]) -> Any:
    return (row[1].strip(),)


@dataset("SST2", ("train", "dev", "test"))
def SST2(root: str, split: str) -> Any:  # noqa: N802
    """Bad (0) and good (1) opinions: ``(text, label)``; ``(text,)`` in the test split."""
    path = find_file(root, os.path.join("SST-2", f"{split}.tsv"), "SST-2.zip", URLS["SST2"], "SST2")
    return as_pipe(_parsed, path, _sst2_test if split == "test" else _sst2, 1, _TABS)


def _stsb(row: list[str]) -> Any:
    return int(row[3]), float(row[4]), row[5], row[6]


@dataset("STSB", ("train", "dev", "test"))
def STSB(root: str, split: str) -> Any:  # noqa: N802
    """How similar two sentences are, from 0 to 5: ``(index, similarity, sentence, sentence)``."""
    path = find_file(root, f"sts-{split}.csv", "Stsbenchmark.tar.gz", URLS["STSB"], "STSB")
    return as_pipe(_parsed, path, _stsb, 0, plain_tabs())
