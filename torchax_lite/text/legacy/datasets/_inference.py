"""Natural language inference: pairs of sentences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...data import Dataset, Field, Iterator, TabularDataset, interleave_keys
from ...data.iterator import BucketIterator


class NLIDataset(TabularDataset):
    """Pairs of a premise and a hypothesis, from lines of JSON."""

    urls: Sequence[Any] = []
    dirname = ""
    name = "nli"

    @staticmethod
    def sort_key(ex: Any) -> int:
        return interleave_keys(len(ex.premise), len(ex.hypothesis))

    @classmethod
    def splits(  # type: ignore[override]
        cls,
        text_field: Any,
        label_field: Any,
        parse_field: Any = None,
        extra_fields: dict[str, Any] | None = None,
        root: str = ".data",
        train: Any = "train.jsonl",
        validation: Any = "val.jsonl",
        test: Any = "test.jsonl",
    ) -> tuple[Dataset, ...]:
        """The training, the validation and the test set, without the pairs that have no agreed label.

        Args:
            parse_field: for the shifts and reductions of the parses.
            extra_fields: from further keys to ``(name, field)``.
        """
        fields: dict[str, Any] = {}
        for number, name in (("1", "premise"), ("2", "hypothesis")):
            if parse_field is None:
                fields[f"sentence{number}"] = (name, text_field)
            else:
                both = [(name, text_field), (f"{name}_transitions", parse_field)]
                fields[f"sentence{number}_binary_parse"] = both
        fields["gold_label"] = ("label", label_field)
        return super().splits(
            cls.download(root), root, train, validation, test, format="json",
            fields={**(extra_fields or {}), **fields}, filter_pred=lambda ex: ex.label != "-",
        )  # fmt: skip

    @classmethod
    def iters(
        cls,
        batch_size: int = 32,
        device: Any = 0,
        root: str = ".data",
        vectors: Any = None,
        trees: bool = False,
        **kwargs: Any,
    ) -> tuple[Iterator, ...]:
        """Iterators over the splits, with fields and vocabularies made for them (texts are tokenized by spaCy)."""
        text, transitions = (ParsedTextField(), ShiftReduceField()) if trees else (Field(tokenize="spacy"), None)
        label = Field(sequential=False)
        parts = cls.splits(text, label, transitions, root=root, **kwargs)
        text.build_vocab(parts[0], vectors=vectors)
        label.build_vocab(parts[0])
        return BucketIterator.splits(parts, batch_size=batch_size, device=device)


def _is_no_bracket(token: str) -> bool:
    return token not in ("(", ")")


class ShiftReduceField(Field):
    """The shifts and reductions of a parse in brackets."""

    def __init__(self) -> None:
        super().__init__(preprocessing=lambda parse: ["reduce" if t == ")" else "shift" for t in parse if t != "("])
        self.build_vocab([["reduce"], ["shift"]])


class ParsedTextField(Field):
    """The words of a parse in brackets, in reverse order if ``reverse``; with their number."""

    def __init__(self, eos_token: str = "<pad>", lower: bool = False, reverse: bool = False) -> None:
        super().__init__(
            eos_token=eos_token, lower=lower, preprocessing=lambda parse: list(filter(_is_no_bracket, parse)),
            postprocessing=(lambda parse, _: [p[::-1] for p in parse]) if reverse else None, include_lengths=True,
        )  # fmt: skip


class SNLI(NLIDataset):
    """Stanford's natural language inference."""

    urls = ["http://nlp.stanford.edu/projects/snli/snli_1.0.zip"]
    dirname = "snli_1.0"
    name = "snli"

    @classmethod
    def splits(  # type: ignore[override]
        cls,
        text_field: Any,
        label_field: Any,
        parse_field: Any = None,
        root: str = ".data",
        train: Any = "snli_1.0_train.jsonl",
        validation: Any = "snli_1.0_dev.jsonl",
        test: Any = "snli_1.0_test.jsonl",
    ) -> tuple[Dataset, ...]:
        """The training, the validation and the test set."""
        return super().splits(text_field, label_field, parse_field, None, root, train, validation, test)


def _extra(**fields: Any) -> dict[str, Any]:
    return {name: (name, field) for name, field in fields.items() if field is not None}


class MultiNLI(NLIDataset):
    """Natural language inference over several genres."""

    urls = ["http://www.nyu.edu/projects/bowman/multinli/multinli_1.0.zip"]
    dirname = "multinli_1.0"
    name = "multinli"

    @classmethod
    def splits(  # type: ignore[override]
        cls,
        text_field: Any,
        label_field: Any,
        parse_field: Any = None,
        genre_field: Any = None,
        root: str = ".data",
        train: Any = "multinli_1.0_train.jsonl",
        validation: Any = "multinli_1.0_dev_matched.jsonl",
        test: Any = "multinli_1.0_dev_mismatched.jsonl",
    ) -> tuple[Dataset, ...]:
        """The training set, and the sets of the same and of other genres."""
        extra = _extra(genre=genre_field)
        return super().splits(text_field, label_field, parse_field, extra, root, train, validation, test)


class XNLI(NLIDataset):
    """Natural language inference in several languages."""

    urls = ["http://www.nyu.edu/projects/bowman/xnli/XNLI-1.0.zip"]
    dirname = "XNLI-1.0"
    name = "xnli"

    @classmethod
    def splits(  # type: ignore[override]
        cls,
        text_field: Any,
        label_field: Any,
        genre_field: Any = None,
        language_field: Any = None,
        root: str = ".data",
        validation: Any = "xnli.dev.jsonl",
        test: Any = "xnli.test.jsonl",
    ) -> tuple[Dataset, ...]:
        """The validation and the test set."""
        extra = _extra(genre=genre_field, language=language_field)
        return super().splits(text_field, label_field, None, extra, root, None, validation, test)

    @classmethod
    def iters(cls, *args: Any, **kwargs: Any) -> Any:
        """Refused, as in torchtext: there is no training set."""
        raise NotImplementedError("XNLI dataset does not support iters")
