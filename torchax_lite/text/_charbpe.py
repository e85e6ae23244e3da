"""Byte-pair encoding of characters, as in the first GPT."""

from __future__ import annotations

import json
import re
from typing import Any

from .. import nn
from ._bpe import merge_pairs
from .utils import get_asset_local_path

__all__ = ["CharBPETokenizer"]


class CharBPETokenizer(nn.Module):
    """A text, or each in a list, becomes the entries of its tokens.

    Args:
        bpe_encoder_path: a JSON file with the entry of each token.
        bpe_merges_path: a file with a line for each merge, after a line that names its version.
        return_tokens: give the tokens themselves.
        unk_token: stands for tokens without an entry.
        suffix: ends the last token of a word.
        special_tokens: words that are never split.

    Raises:
        RuntimeError: ``unk_token`` or a special token has no entry.
    """

    def __init__(
        self,
        bpe_encoder_path: str,
        bpe_merges_path: str,
        return_tokens: bool = False,
        unk_token: str | None = None,
        suffix: str | None = None,
        special_tokens: list[str] | None = None,
    ) -> None:
        super().__init__()
        with open(get_asset_local_path(bpe_encoder_path)) as file:
            self._encoder: dict[str, Any] = dict(json.load(file))
        with open(get_asset_local_path(bpe_merges_path), encoding="utf-8") as file:
            merges = file.read().split("\n")[1:-1]
        self._decoder = {entry: token for token, entry in self._encoder.items()}
        self._bpe_ranks = {tuple(line.split()): rank for rank, line in enumerate(merges)}
        self._return_tokens = return_tokens
        self._cache: dict[str, list[str]] = {}
        for kind, token in [("Unknown", unk_token), *(("Special", token) for token in special_tokens or ())]:
            if token and token not in self._encoder:
                raise RuntimeError(f"{kind} token {token} not found in encoder. Special tokens must be in encoder.")
        self._unk_token = unk_token
        self._suffix = suffix
        self._cache.update({token: token.split(" ") for token in special_tokens or ()})

    @property
    def vocab_size(self) -> int:
        """How many tokens there are."""
        return len(self._encoder)

    def _bpe(self, word: str) -> list[str]:
        if word not in self._cache:
            parts = [*word[:-1], word[-1] + (self._suffix or "")]
            merged = merge_pairs(parts, self._bpe_ranks, lambda first, second: (first, second))
            self._cache[word] = " ".join(merged).split(" ")
        return self._cache[word]

    def _tokenize(self, text: str) -> list[str]:
        return [token for word in re.findall(r"\S+\n?", text) for token in self._bpe(word)]

    def encode(self, text: str) -> list[Any]:
        """The entries of the tokens of a text.

        Raises:
            KeyError: one has none, and there is no ``unk_token``.
        """
        tokens = self._tokenize(text)
        if self._unk_token:
            return [self._encoder.get(token, self._encoder.get(self._unk_token)) for token in tokens]
        return [self._encoder[token] for token in tokens]

    def decode(self, tokens: list[Any]) -> str:
        """The text of entries."""
        unknown = self._unk_token
        words = [self._decoder.get(token, unknown) if unknown else self._decoder[token] for token in tokens]
        return "".join(words).replace(self._suffix, " ") if self._suffix else " ".join(words)

    def forward(self, input: Any) -> Any:
        function = self._tokenize if self._return_tokens else self.encode
        if isinstance(input, list):
            return [function(text) for text in input]
        if isinstance(input, str):
            return function(input)
        raise TypeError("Input type not supported")
