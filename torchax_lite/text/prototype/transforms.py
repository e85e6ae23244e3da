"""Transforms made by factories."""

from __future__ import annotations

from typing import Any

import torchax_lite as torch

from ... import nn
from .._torchtext import RegexTokenizer
from ..data.functional import load_sp_model
from ..data.utils import _BASIC_ENGLISH

__all__ = [
    "BasicEnglishNormalize", "SentencePieceProcessor", "SentencePieceTokenizer", "VectorTransform", "VocabTransform",
    "basic_english_normalize", "load_sp_model", "sentencepiece_processor", "sentencepiece_tokenizer",
]  # fmt: skip


class BasicEnglishNormalize(nn.Module):
    """The words and marks of a line in small letters.

    Args:
        regex_tokenizer: does it; :func:`basic_english_normalize` makes one.
    """

    def __init__(self, regex_tokenizer: RegexTokenizer) -> None:
        super().__init__()
        self.regex_tokenizer = regex_tokenizer

    def forward(self, line: str) -> list[str]:
        return self.regex_tokenizer.forward(line)


def basic_english_normalize() -> BasicEnglishNormalize:
    """The tokenizer that ``get_tokenizer("basic_english")`` gives, as a module (ASCII capitals alone are made small)."""
    patterns = [pattern.pattern for pattern, _ in _BASIC_ENGLISH]
    return BasicEnglishNormalize(RegexTokenizer(patterns, [text for _, text in _BASIC_ENGLISH], True))


class SentencePieceTokenizer(nn.Module):
    """The pieces of a text, by a model of :func:`load_sp_model`."""

    def __init__(self, spm_model: Any) -> None:
        super().__init__()
        self.sp_model = spm_model

    def forward(self, line: str) -> list[str]:
        return self.sp_model.EncodeAsPieces(line)

    def decode(self, tokens: list[str]) -> str:
        """The text of pieces."""
        return self.sp_model.DecodePieces(tokens)


class SentencePieceProcessor(nn.Module):
    """The numbers of the pieces of a text, by a model of :func:`load_sp_model`."""

    def __init__(self, spm_model: Any) -> None:
        super().__init__()
        self.sp_model = spm_model

    def forward(self, line: str) -> list[int]:
        return self.sp_model.EncodeAsIds(line)

    def decode(self, ids: list[int]) -> str:
        """The text of numbered pieces."""
        return self.sp_model.DecodeIds(ids)


def sentencepiece_tokenizer(sp_model: Any) -> SentencePieceTokenizer:
    """The tokenizer of a model's file."""
    return SentencePieceTokenizer(load_sp_model(sp_model))


def sentencepiece_processor(sp_model: Any) -> SentencePieceProcessor:
    """The processor of a model's file."""
    return SentencePieceProcessor(load_sp_model(sp_model))


class VocabTransform(nn.Module):
    """The indices of tokens in a vocabulary."""

    def __init__(self, vocab: Any) -> None:
        super().__init__()
        self.vocab = vocab

    def forward(self, tokens: list[str]) -> list[int]:
        return self.vocab.lookup_indices(tokens)


class VectorTransform(nn.Module):
    """The vectors of tokens, (tokens, dim)."""

    def __init__(self, vector: Any) -> None:
        super().__init__()
        self.vector = vector

    def forward(self, tokens: list[str]) -> torch.Tensor:
        return self.vector.lookup_vectors(tokens)
