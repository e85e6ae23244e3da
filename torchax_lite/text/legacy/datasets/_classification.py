"""Text classification: reviews, opinions and questions."""

from __future__ import annotations

import glob
import os
from typing import Any

from ...data import Dataset, Example, Field, Iterator, Pipeline
from ...data.iterator import BucketIterator


class _Labelled(Dataset):
    """Texts with labels: the columns ``text`` and ``label``."""

    @staticmethod
    def sort_key(ex: Any) -> int:
        return len(ex.text)

    @classmethod
    def iters(
        cls, batch_size: int = 32, device: Any = 0, root: str = ".data", vectors: Any = None, **kwargs: Any
    ) -> tuple[Iterator, ...]:
        """Iterators over the splits, with fields and vocabularies made for them."""
        text, label = Field(), Field(sequential=False)
        parts = cls.splits(text, label, root=root, **kwargs)
        text.build_vocab(parts[0], vectors=vectors)
        label.build_vocab(parts[0])
        return BucketIterator.splits(parts, batch_size=batch_size, device=device)


class IMDB(_Labelled):
    """Good and bad film reviews, from the folders ``pos`` and ``neg`` of a split."""

    urls = ["http://ai.stanford.edu/~amaas/data/sentiment/aclImdb_v1.tar.gz"]
    name = "imdb"
    dirname = "aclImdb"

    def __init__(self, path: str, text_field: Any, label_field: Any, **kwargs: Any) -> None:
        fields = [("text", text_field), ("label", label_field)]
        examples = []
        for label in ("pos", "neg"):
            for file in glob.iglob(os.path.join(path, label, "*.txt")):
                with open(file, encoding="utf-8") as lines:
                    examples.append(Example.fromlist([lines.readline(), label], fields))
        super().__init__(examples, fields, **kwargs)

    @classmethod
    def splits(  # type: ignore[override]
        cls,
        text_field: Any,
        label_field: Any,
        root: str = ".data",
        train: Any = "train",
        test: Any = "test",
        **kwargs: Any,
    ) -> tuple[Dataset, ...]:
        """The training and the test set."""
        kwargs.update(text_field=text_field, label_field=label_field)
        return super().splits(root=root, train=train, test=test, **kwargs)


class SST(_Labelled):
    """The Stanford Sentiment Treebank (needs nltk).

    Args:
        subtrees: examples also of the parts of sentences.
        fine_grained: five classes in place of three.
    """

    urls = ["http://nlp.stanford.edu/sentiment/trainDevTestTrees_PTB.zip"]
    dirname = "trees"
    name = "sst"

    def __init__(
        self,
        path: str,
        text_field: Any,
        label_field: Any,
        subtrees: bool = False,
        fine_grained: bool = False,
        **kwargs: Any,
    ) -> None:
        fields = [("text", text_field), ("label", label_field)]
        very = "very " if fine_grained else ""
        names = [very + "negative", "negative", "neutral", "positive", very + "positive"]
        label_field.preprocessing = Pipeline(lambda label: None if label is None else names[int(label)])
        with open(os.path.expanduser(path)) as lines:
            found = [Example.fromtree(line, fields, subtrees) for line in lines]
        examples = [example for examples in found for example in examples] if subtrees else found
        super().__init__(examples, fields, **kwargs)

    @classmethod
    def splits(  # type: ignore[override]
        cls,
        text_field: Any,
        label_field: Any,
        root: str = ".data",
        train: Any = "train.txt",
        validation: Any = "dev.txt",
        test: Any = "test.txt",
        train_subtrees: bool = False,
        **kwargs: Any,
    ) -> tuple[Dataset, ...]:
        """The training, the validation and the test set; ``train_subtrees`` is the first one's ``subtrees``."""
        path = cls.download(root)
        return tuple(
            cls(os.path.join(path, name), text_field, label_field, subtrees=first and train_subtrees, **kwargs)
            for name, first in ((train, True), (validation, False), (test, False))
            if name is not None
        )


class TREC(_Labelled):
    """Questions by what they ask for, in 6 classes, or in 50 if ``fine_grained``."""

    urls = ["http://cogcomp.org/Data/QA/QC/train_5500.label", "http://cogcomp.org/Data/QA/QC/TREC_10.label"]
    name = "trec"
    dirname = ""

    def __init__(self, path: str, text_field: Any, label_field: Any, fine_grained: bool = False, **kwargs: Any) -> None:
        fields = [("text", text_field), ("label", label_field)]
        label_field.preprocessing = Pipeline(lambda label: label if fine_grained else label.split(":")[0])
        examples = []
        with open(os.path.expanduser(path), "rb") as lines:
            for line in lines:
                # One byte of the official file is no text.
                label, _, text = line.replace(b"\xf0", b" ").decode().partition(" ")
                examples.append(Example.fromlist([text, label], fields))
        super().__init__(examples, fields, **kwargs)

    @classmethod
    def splits(  # type: ignore[override]
        cls,
        text_field: Any,
        label_field: Any,
        root: str = ".data",
        train: Any = "train_5500.label",
        test: Any = "TREC_10.label",
        **kwargs: Any,
    ) -> tuple[Dataset, ...]:
        """The training and the test set."""
        kwargs.update(text_field=text_field, label_field=label_field)
        return super().splits(root=root, train=train, test=test, **kwargs)
