"""Fields: how a column of examples becomes a tensor."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable
from itertools import chain
from typing import Any

import torchax_lite as torch

from ..legacy.vocab import SubwordVocab, Vocab
from .dataset import Dataset
from .pipeline import Pipeline
from .utils import dtype_to_attr, get_tokenizer, is_tokenizer_serializable

__all__ = ["Field", "LabelField", "RawField", "ReversibleField", "SubwordField"]


class RawField:
    """A column of any data.

    Args:
        preprocessing: applied to each value.
        postprocessing: applied to the list of a batch's values.
        is_target: whether the column is a target (batches give those apart).
    """

    def __init__(
        self,
        preprocessing: Callable[..., Any] | None = None,
        postprocessing: Callable[..., Any] | None = None,
        is_target: bool = False,
    ) -> None:
        self.preprocessing = preprocessing
        self.postprocessing = postprocessing
        self.is_target = is_target

    def preprocess(self, x: Any) -> Any:
        """A value, preprocessed."""
        return x if self.preprocessing is None else self.preprocessing(x)

    def process(self, batch: Any, *args: Any, **kwargs: Any) -> Any:
        """A batch's values, postprocessed."""
        return batch if self.postprocessing is None else self.postprocessing(batch)


class Field(RawField):
    """A column that becomes a tensor: texts are tokenized, padded, and numbered by a vocabulary.

    Args:
        sequential: whether values are sequences; else they are not tokenized.
        use_vocab: whether a vocabulary numbers the tokens; else values must be numbers (or spell them).
        init_token, eos_token: put before and after each sequence.
        fix_length: pad and cut to this length; by default to a batch's longest.
        dtype: of the tensor.
        preprocessing: applied to the tokens of each value.
        postprocessing: applied to a batch's numbers (and the vocabulary), before they become a tensor.
        lower: turn tokens into small letters.
        tokenize, tokenizer_language: as for :func:`get_tokenizer`.
        include_lengths: give ``(tensor, lengths)``.
        batch_first: give (batch, length) in place of (length, batch).
        pad_token, unk_token: stand for padding and for unknown tokens.
        pad_first, truncate_first: pad, and cut, at the beginning.
        stop_words: tokens to leave out.
        is_target: whether the column is a target.
    """

    vocab_cls: Any = Vocab
    vocab: Any
    dtypes = {
        **dict.fromkeys((torch.float16, torch.float32, torch.float64), float),
        **dict.fromkeys((torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64), int),
    }
    ignore = ["dtype", "tokenize"]

    def __init__(
        self,
        sequential: bool = True,
        use_vocab: bool = True,
        init_token: str | None = None,
        eos_token: str | None = None,
        fix_length: int | None = None,
        dtype: torch.dtype = torch.long,
        preprocessing: Callable[..., Any] | None = None,
        postprocessing: Callable[..., Any] | None = None,
        lower: bool = False,
        tokenize: Any = None,
        tokenizer_language: str = "en",
        include_lengths: bool = False,
        batch_first: bool = False,
        pad_token: Any = "<pad>",
        unk_token: Any = "<unk>",
        pad_first: bool = False,
        truncate_first: bool = False,
        stop_words: Iterable[str] | None = None,
        is_target: bool = False,
    ) -> None:
        super().__init__(preprocessing, postprocessing, is_target)
        self.sequential = sequential
        self.use_vocab = use_vocab
        self.init_token: Any = init_token
        self.eos_token: Any = eos_token
        self.unk_token = unk_token
        self.fix_length = fix_length
        self.dtype = dtype
        self.lower = lower
        self.tokenizer_args = (tokenize, tokenizer_language)
        self.tokenize = get_tokenizer(tokenize, tokenizer_language)
        self.include_lengths = include_lengths
        self.batch_first = batch_first
        self.pad_token = pad_token if sequential else None
        self.pad_first = pad_first
        self.truncate_first = truncate_first
        try:
            self.stop_words = set(stop_words) if stop_words is not None else None
        except TypeError:
            raise ValueError("Stop words must be convertible to a set") from None

    def __getstate__(self) -> dict[str, Any]:
        """All but a tokenizer that cannot be pickled; that is made anew."""
        state = {key: value for key, value in self.__dict__.items() if key not in self.ignore}
        state["dtype"] = dtype_to_attr(self.dtype)
        state["tokenize"] = self.tokenize if is_tokenizer_serializable(*self.tokenizer_args) else None
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        tokenize = state["tokenize"] or get_tokenizer(*state["tokenizer_args"])
        self.__dict__.update({**state, "dtype": getattr(torch, state["dtype"]), "tokenize": tokenize})

    def __hash__(self) -> int:
        return hash(Field)  # equality goes by value, and values change

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RawField) and self.__dict__ == other.__dict__

    def preprocess(self, x: Any) -> Any:
        """The tokens of a value."""
        if self.sequential and isinstance(x, str):
            x = self.tokenize(x.rstrip("\n"))
        if self.lower:
            x = Pipeline(str.lower)(x)
        if self.sequential and self.use_vocab and self.stop_words is not None:
            x = [word for word in x if word not in self.stop_words]
        return x if self.preprocessing is None else self.preprocessing(x)

    def process(self, batch: Any, device: Any = None) -> Any:  # type: ignore[override]
        """The tensor of a batch's values."""
        return self.numericalize(self.pad(batch), device=device)

    def pad(self, minibatch: Iterable[Any]) -> Any:
        """A batch's sequences, padded; with ``include_lengths``, and their lengths. Other values as they are."""
        minibatch = list(minibatch)
        if not self.sequential:
            return minibatch
        begin = [] if self.init_token is None else [self.init_token]
        end = [] if self.eos_token is None else [self.eos_token]
        if self.fix_length is None:
            longest = max(len(x) for x in minibatch)
        else:
            longest = self.fix_length - len(begin) - len(end)
        padded, lengths = [], []
        for x in minibatch:
            padding = [self.pad_token] * max(0, longest - len(x))
            kept = [*begin, *(x[-longest:] if self.truncate_first else x[:longest]), *end]
            padded.append(padding + kept if self.pad_first else kept + padding)
            lengths.append(len(kept))
        return (padded, lengths) if self.include_lengths else padded

    def _sources(self, args: Iterable[Any]) -> list[Any]:
        """The columns that belong to this field in datasets; other iterables as they are."""
        sources: list[Any] = []
        for arg in args:
            if isinstance(arg, Dataset):
                sources += [getattr(arg, name) for name, field in arg.fields.items() if field is self]
            else:
                sources.append(arg)
        return sources

    def build_vocab(self, *args: Any, **kwargs: Any) -> None:
        """Make the vocabulary of datasets (their columns of this field) or of other iterables of values.

        Args:
            kwargs: for the vocabulary's constructor, such as ``max_size``, ``min_freq`` and ``vectors``.
        """
        counter: Counter[Any] = Counter()
        for x in chain.from_iterable(self._sources(args)):
            try:
                counter.update(x if self.sequential else [x])
            except TypeError:  # tokens that are lists themselves
                counter.update(chain.from_iterable(x))
        special = [self.unk_token, self.pad_token, self.init_token, self.eos_token, *kwargs.pop("specials", [])]
        unique = list(OrderedDict.fromkeys(token for token in special if token is not None))
        self.vocab = self.vocab_cls(counter, specials=unique, **kwargs)

    def numericalize(self, arr: Any, device: Any = None) -> Any:
        """The tensor of a padded batch; with ``include_lengths``, and that of its lengths."""
        if self.include_lengths and not isinstance(arr, tuple):
            raise ValueError(
                "Field has include_lengths set to True, but input data is not a tuple of (data batch, batch lengths)."
            )
        lengths = None
        if isinstance(arr, tuple):
            arr, lengths = arr
            lengths = torch.tensor(lengths, dtype=self.dtype, device=device)
        arr = self._numbers(arr)
        out = torch.tensor(arr, dtype=self.dtype, device=device)
        if self.sequential:
            out = out.contiguous() if self.batch_first else out.t().contiguous()
        return (out, lengths) if self.include_lengths else out

    def _numbers(self, arr: Any) -> Any:
        if self.use_vocab:
            stoi = self.vocab.stoi
            arr = [[stoi[x] for x in ex] for ex in arr] if self.sequential else [stoi[x] for x in arr]
            return arr if self.postprocessing is None else self.postprocessing(arr, self.vocab)
        if self.dtype not in self.dtypes:
            raise ValueError(
                f"Specified Field dtype {self.dtype} can not be used with use_vocab=False because we do not know how to "
                "numericalize it. Please raise an issue at https://github.com/pytorch/text/issues"
            )
        if not self.sequential:
            number = self.dtypes[self.dtype]
            arr = [number(x) if isinstance(x, str) else x for x in arr]
        return arr if self.postprocessing is None else self.postprocessing(arr, None)


class ReversibleField(Field):
    """A field whose tensors can be turned back into texts; tokenized by revtok, or by ``list`` into characters."""

    def __init__(self, **kwargs: Any) -> None:
        self.use_revtok = kwargs.get("tokenize") is not list
        if kwargs.get("tokenize") is None:
            kwargs["tokenize"] = "revtok"
        kwargs.setdefault("unk_token", " UNK ")
        super().__init__(**kwargs)

    def reverse(self, batch: torch.Tensor) -> list[str]:
        """The texts of a batch of numbers, each up to its first ``eos_token``."""
        if self.use_revtok:
            try:
                import revtok
            except ImportError:
                print("Please install revtok.")
                raise
        texts = []
        for numbers in (batch if self.batch_first else batch.t()).tolist():
            words = []
            for number in numbers:
                word = self.vocab.itos[number]
                if word == self.eos_token:
                    break
                if word not in (self.init_token, self.pad_token):
                    words.append(word)
            texts.append(revtok.detokenize(words) if self.use_revtok else "".join(words))
        return texts


class SubwordField(ReversibleField):
    """A reversible field of the pieces of words that revtok finds."""

    vocab_cls = SubwordVocab

    def __init__(self, **kwargs: Any) -> None:
        kwargs["tokenize"] = "subword"
        kwargs.setdefault("unk_token", "\N{REPLACEMENT CHARACTER}")
        super().__init__(**kwargs)

    def segment(self, *args: Any) -> None:
        """Cut the words of datasets (their columns of this field) or of other iterables into pieces, in place."""
        for x in chain.from_iterable(self._sources(args)):
            x[:] = self.vocab.segment(x)


class LabelField(Field):
    """A field of labels: not tokenized, without an unknown token, a target."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{**kwargs, "sequential": False, "unk_token": None, "is_target": True})
