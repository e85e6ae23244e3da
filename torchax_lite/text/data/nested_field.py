"""A field of sequences whose tokens are sequences themselves, such as words of characters."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import chain
from typing import Any

import torchax_lite as torch

from .field import Field

__all__ = ["NestedField"]


class NestedField(Field):
    """A sequence whose tokens ``nesting_field`` preprocesses, pads and numbers; both share a vocabulary.

    Args:
        nesting_field: for the tokens. Its ``pad_token`` is taken if it is sequential.
        use_vocab, init_token, eos_token, fix_length, dtype, preprocessing, postprocessing, tokenize,
        tokenizer_language, include_lengths, pad_token, pad_first, truncate_first: as of :class:`Field`. With
            ``include_lengths``, batches are (tensor, lengths of the sequences, lengths of their tokens).

    Raises:
        ValueError: ``nesting_field`` is nested itself, or includes lengths.
    """

    def __init__(
        self,
        nesting_field: Field,
        use_vocab: bool = True,
        init_token: str | None = None,
        eos_token: str | None = None,
        fix_length: int | None = None,
        dtype: torch.dtype = torch.long,
        preprocessing: Callable[..., Any] | None = None,
        postprocessing: Callable[..., Any] | None = None,
        tokenize: Any = None,
        tokenizer_language: str = "en",
        include_lengths: bool = False,
        pad_token: str = "<pad>",
        pad_first: bool = False,
        truncate_first: bool = False,
    ) -> None:
        if isinstance(nesting_field, NestedField):
            raise ValueError("nesting field must not be another NestedField")
        if nesting_field.include_lengths:
            raise ValueError("nesting field cannot have include_lengths=True")
        super().__init__(
            use_vocab=use_vocab, init_token=init_token, eos_token=eos_token, fix_length=fix_length, dtype=dtype,
            preprocessing=preprocessing, postprocessing=postprocessing, lower=nesting_field.lower, tokenize=tokenize,
            tokenizer_language=tokenizer_language, batch_first=True, unk_token=nesting_field.unk_token,
            pad_token=nesting_field.pad_token if nesting_field.sequential else pad_token, pad_first=pad_first,
            truncate_first=truncate_first, include_lengths=include_lengths,
        )  # fmt: skip
        self.nesting_field = nesting_field
        self.nesting_field.batch_first = True

    def preprocess(self, x: Any) -> list[Any]:
        """The tokens of a value, each preprocessed by ``nesting_field``."""
        return [self.nesting_field.preprocess(token) for token in super().preprocess(x)]

    def pad(self, minibatch: Iterable[Any]) -> Any:
        """A batch's sequences and their tokens, padded; with ``include_lengths``, and the lengths of both."""
        minibatch = list(minibatch)
        inner = self.nesting_field
        if not inner.sequential:
            return super().pad(minibatch)
        ends = (self.init_token, self.eos_token, self.pad_token, self.include_lengths)
        fixed = inner.fix_length
        if inner.fix_length is None:
            added = 2 - (inner.init_token, inner.eos_token).count(None)
            inner.fix_length = max(len(token) for x in minibatch for token in x) + added
        padding = [self.pad_token] * inner.fix_length
        # Sequences of tokens that are lists: so are the first, the last and the padding.
        self.init_token = None if self.init_token is None else [self.init_token]
        self.eos_token = None if self.eos_token is None else [self.eos_token]
        self.pad_token = padding
        self.include_lengths = inner.include_lengths = True
        try:
            padded, lengths = super().pad(minibatch)
            rows = [self._pad_tokens(x, length, padding) for x, length in zip(padded, lengths, strict=True)]
        finally:
            self.init_token, self.eos_token, self.pad_token, self.include_lengths = ends
            inner.fix_length = fixed
        tokens = [row for row, _ in rows]
        return (tokens, lengths, [row for _, row in rows]) if self.include_lengths else tokens

    def _pad_tokens(self, x: list[Any], length: int, padding: list[Any]) -> tuple[list[Any], list[int]]:
        """A padded sequence with its tokens padded, and their lengths (0 of the padding)."""
        tokens, lengths = self.nesting_field.pad(x)
        missing = len(x) - length
        if missing:
            part = slice(0, missing) if self.pad_first else slice(len(x) - missing, None)
            tokens[part], lengths[part] = [padding] * missing, [0] * missing
        return tokens, lengths

    def build_vocab(self, *args: Any, **kwargs: Any) -> None:
        """Make the vocabulary, as of :class:`Field`, with the special tokens of both fields."""
        vectors = {key: kwargs.pop(key, None) for key in ("vectors", "unk_init", "vectors_cache")}
        self.nesting_field.build_vocab(*chain.from_iterable(self._sources(args)), **kwargs)
        super().build_vocab()
        self.vocab.extend(self.nesting_field.vocab)
        self.vocab.freqs = self.nesting_field.vocab.freqs.copy()
        if vectors["vectors"] is not None:
            self.vocab.load_vectors(vectors["vectors"], unk_init=vectors["unk_init"], cache=vectors["vectors_cache"])
        self.nesting_field.vocab = self.vocab

    def numericalize(self, arr: Any, device: Any = None) -> Any:
        """The tensor of a padded batch, (batch, length, length of tokens); with ``include_lengths``, and the lengths."""
        lengths: tuple[Any, ...] = ()
        if self.include_lengths:
            arr, *given = arr
            lengths = tuple(torch.tensor(x, dtype=self.dtype, device=device) for x in given)
        self.nesting_field.include_lengths = False
        out = torch.stack([self.nesting_field.numericalize(x, device=device) for x in arr])
        self.nesting_field.include_lengths = True
        return (out, *lengths) if self.include_lengths else out
