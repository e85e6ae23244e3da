"""Making vocabularies from counts and from texts."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Iterable

from .._torchtext import Vocab as _Table
from .vocab import Vocab

__all__ = ["build_vocab_from_iterator", "vocab"]


def vocab(
    ordered_dict: dict[str, int], min_freq: int = 1, specials: list[str] | None = None, special_first: bool = True
) -> Vocab:
    """The vocabulary of a dict's keys, in its order.

    Args:
        ordered_dict: from token to how often it comes. The special ones are removed from it.
        min_freq: tokens that come less often are left out.
        specials: tokens to add, in this order.
        special_first: whether those come before all others, or after.
    """
    specials = specials or []
    for token in specials:
        ordered_dict.pop(token, None)
    tokens = [token for token, count in ordered_dict.items() if count >= min_freq]
    return Vocab(_Table([*specials, *tokens] if special_first else [*tokens, *specials], None))


def build_vocab_from_iterator(
    iterator: Iterable[Iterable[str]],
    min_freq: int = 1,
    specials: list[str] | None = None,
    special_first: bool = True,
    max_tokens: int | None = None,
) -> Vocab:
    """The vocabulary of texts: the most frequent tokens first, equally frequent ones in lexical order.

    Args:
        iterator: gives the tokens of one text after the other.
        min_freq, specials, special_first: as of :func:`vocab`.
        max_tokens: how many to keep at most, the special ones included.
    """
    counter: Counter[str] = Counter()
    for tokens in iterator:
        counter.update(tokens)
    specials = specials or []
    counts = sorted(counter.items(), key=lambda item: (-item[1], item[0]))
    if max_tokens is not None:
        assert len(specials) < max_tokens, "len(specials) >= max_tokens, so the vocab will be entirely special tokens."
        counts = counts[: max_tokens - len(specials)]
    return vocab(OrderedDict(counts), min_freq=min_freq, specials=specials, special_first=special_first)
