"""Byte-level byte-pair encoding: the tokenizers of GPT-2 and CLIP.

A text is split into words by a pattern; a word's bytes become printable characters, which are merged pair by pair in the
order that was learnt (Sennrich et al., 2016, "Neural machine translation of rare words with subword units").
"""

from __future__ import annotations

import functools
import itertools
import math
import re
import sys
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["CLIPEncoder", "GPT2BPEEncoder", "merge_pairs"]

_SPACE = " \t\n\v\f\r"


@functools.cache
def _characters(major: str) -> str:
    """The characters whose Unicode category begins with ``major``, as the inside of a character class."""
    ranges: list[list[int]] = []
    for code in range(sys.maxunicode + 1):
        if unicodedata.category(chr(code))[0] == major:
            if ranges and ranges[-1][1] == code - 1:
                ranges[-1][1] = code
            else:
                ranges.append([code, code])
    return "".join(f"\\U{a:08x}-\\U{b:08x}" for a, b in ranges)


@functools.cache
def _gpt2_words() -> re.Pattern[str]:
    letters, numbers, space = _characters("L"), _characters("N"), r" \t\n\v\f\r"
    return re.compile(
        rf"'s|'t|'re|'ve|'m|'ll|'d| ?[{letters}]+| ?[{numbers}]+| ?[^{space}{letters}{numbers}]+|[{space}]+"
    )


@functools.cache
def _clip_words() -> re.Pattern[str]:
    letters, numbers, space = _characters("L"), _characters("N"), r" \t\n\f\r"
    return re.compile(
        rf"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[{letters}]+|[{numbers}]|"
        rf"[^{space}{letters}{numbers}]+",
        re.IGNORECASE,
    )


def merge_pairs(parts: Sequence[str], ranks: Mapping[Any, int], key: Any) -> list[str]:
    """Merge the adjacent pair of lowest rank, everywhere in ``parts``, until no pair has a rank.

    Args:
        ranks: of pairs; ``key(first, second)`` is how a pair is looked up.
    """
    parts = list(parts)
    while len(parts) > 1:
        best = min(itertools.pairwise(parts), key=lambda pair: ranks.get(key(*pair), math.inf))
        if key(*best) not in ranks:
            break
        merged: list[str] = []
        i = 0
        while i < len(parts):
            pair = tuple(parts[i : i + 2]) == best
            merged.append(best[0] + best[1] if pair else parts[i])
            i += 1 + pair
        parts = merged
    return parts


class GPT2BPEEncoder:
    """GPT-2's tokenizer.

    Args:
        bpe_encoder: from a token to its number.
        bpe_merge_ranks: from a pair, joined by ``seperator``, to the order in which it is merged.
        seperator: as torchtext spells it.
        byte_encoder: the printable character of each byte.
        caching_enabled: remember the tokens of each word.
    """

    def __init__(
        self,
        bpe_encoder: Mapping[str, int],
        bpe_merge_ranks: Mapping[str, int],
        seperator: str,
        byte_encoder: Mapping[int, str],
        caching_enabled: bool = False,
    ) -> None:
        self.bpe_encoder_ = dict(bpe_encoder)
        self.bpe_merge_ranks_ = dict(bpe_merge_ranks)
        self.seperator_ = seperator
        self.byte_encoder_ = dict(byte_encoder)
        self.caching_enabled_ = caching_enabled
        self._decoder = {number: token for token, number in self.bpe_encoder_.items()}
        self._byte_decoder = {character: byte for byte, character in self.byte_encoder_.items()}
        self._whole: set[str] = set()  # tokens that are never split
        self._added: dict[str, int] = {}
        self._added_decoder: dict[int, str] = {}
        self._cache: dict[str, list[str]] = {}

    def _join(self, first: str, second: str) -> str:
        return f"{first}{self.seperator_}{second}"

    # -- words ---------------------------------------------------------------------------------------------------------

    def _chunks(self, text: str) -> list[str]:
        """``text`` cut around the tokens that are never split; one white space on each side of those is dropped."""
        if not self._whole:
            return [text]
        chunks = []
        end = 0
        for match in re.finditer("|".join(map(re.escape, sorted(self._whole))), text):
            start = match.start()
            if start > end:
                chunks.append(text[end : start - 1] if text[start - 1] in _SPACE else text[end:start])
            chunks.append(match[0])
            end = match.end()
            if text[end : end + 1] in tuple(_SPACE):
                end += 1
        if end < len(text):
            chunks.append(text[end:])
        return chunks

    def _words(self, text: str) -> list[str]:
        """Words with the space before them; further white space by itself."""
        words: list[str] = []
        for chunk in self._chunks(text):
            if chunk in self._whole:
                words.append(chunk)
                continue
            carried = ""
            for match in _gpt2_words().finditer(chunk):
                word = match[0]
                if word.strip(_SPACE):
                    words.append(carried + word)
                    carried = ""
                    continue
                carried = ""
                if match.end() == len(chunk):
                    words.append(word)
                    continue
                if len(word) > 1:
                    words.append(word[:-1])
                if word[-1] == " ":
                    carried = " "
                else:
                    words.append(word[-1])
        return words

    # -- tokens --------------------------------------------------------------------------------------------------------

    def _tokens_of(self, word: str) -> list[str]:
        if word in self._whole:
            return [word]
        found = self._cache.get(word)
        if found is None:
            found = self._split("".join(self.byte_encoder_[byte] for byte in word.encode()))
            if self.caching_enabled_:
                self._cache[word] = found
        return found

    def _split(self, word: str) -> list[str]:
        return merge_pairs(word, self.bpe_merge_ranks_, self._join)

    def tokenize(self, text: str) -> list[str]:
        """The tokens of a text."""
        return [token for word in self._words(text) for token in self._tokens_of(word)]

    def encode(self, text: str) -> list[int]:
        """The numbers of the tokens of a text.

        Raises:
            IndexError: a token has no number.
        """
        numbers = []
        for word in self._words(text):
            if word in self._added:
                numbers.append(self._added[word])
                continue
            for token in self._tokens_of(word):
                if token not in self.bpe_encoder_:
                    raise IndexError(f"Argument passed to at() was not in the map. (token {token!r} has no number)")
                numbers.append(self.bpe_encoder_[token])
        return numbers

    def decode(self, tokens: Sequence[int]) -> str:
        """The text of numbered tokens; the ones that are never split stand between spaces."""
        text = b""
        was_whole = False
        for i, number in enumerate(tokens):
            if number in self._added_decoder:
                token = self._added_decoder[number]
            elif number in self._decoder:
                token = self._decoder[number]
            else:
                raise IndexError(f"Argument passed to at() was not in the map. (no token has the number {number})")
            whole = number in self._added_decoder or token in self._whole
            if whole and i > 0 and not was_whole:
                text += b" "
            text += token.encode() if whole else bytes(self._byte_decoder[character] for character in token)
            if whole and i < len(tokens) - 1:
                text += b" "
            was_whole = whole
        return text.decode()

    def add_special_tokens(self, standard: Mapping[str, str], additional: Sequence[str]) -> int:
        """Never split these tokens; number those that are new. Returns how many are."""
        new = 0
        for token in (*standard.values(), *additional):
            if token in self._added:
                continue
            self._whole.add(token)
            if token not in self.bpe_encoder_:
                self._added[token] = len(self.bpe_encoder_) + len(self._added)
                self._added_decoder[len(self._decoder) + len(self._added_decoder)] = token
                new += 1
        return new

    def __getstate__(self) -> tuple[dict[str, int], dict[str, int], str, dict[int, str], bool]:
        return self.bpe_encoder_, self.bpe_merge_ranks_, self.seperator_, self.byte_encoder_, self.caching_enabled_

    def __setstate__(self, state: Any) -> None:
        if len(state) != 5:
            name = type(self).__name__
            raise RuntimeError(f"Expected deserialized {name} to have 5 states but found {len(state)} states")
        GPT2BPEEncoder.__init__(self, *state)


class CLIPEncoder(GPT2BPEEncoder):
    """CLIP's tokenizer: words have no space before them, and their last token ends in ``</w>``."""

    _SPECIAL = ("<|startoftext|>", "<|endoftext|>")

    def _words(self, text: str) -> list[str]:
        return _clip_words().findall(text)

    def _split(self, word: str) -> list[str]:
        if word in self._SPECIAL:
            return [word]
        return merge_pairs([*word[:-1], word[-1] + "</w>"], self.bpe_merge_ranks_, self._join)
