"""``rearrange``: dims reordered, merged and split by a pattern of names (the notation of einops)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from ..tensor.tensor import Tensor

_TOKEN = re.compile(r"\.\.\.|[()]|[^\s()]+")


_REST = ["...", "alone"]
"""The group of an ellipsis outside of brackets."""


def _side(text: str, pattern: str) -> list[list[str]]:
    """Groups of names, one for each dim; ``1`` is an empty group."""
    groups: list[list[str]] = []
    inner: list[str] | None = None
    for token in _TOKEN.findall(text):
        if token == "(":
            if inner is not None:
                raise ValueError(f"brackets are nested in pattern: {pattern}")
            inner = []
        elif token == ")":
            if inner is None:
                raise ValueError(f"brackets are not balanced in pattern: {pattern}")
            groups.append(inner)
            inner = None
        elif token == "1":
            if inner is None:
                groups.append([])
        elif token != "..." and not token.isidentifier():
            raise ValueError(f"Invalid axis identifier: {token} in pattern: {pattern}")
        elif inner is None:
            groups.append(_REST if token == "..." else [token])
        else:
            inner.append(token)
    if inner is not None:
        raise ValueError(f"brackets are not balanced in pattern: {pattern}")
    names = [n for g in groups for n in (g[:1] if g is _REST else g)]
    if len(set(names)) != len(names):
        twice = next(n for n in names if names.count(n) > 1)
        raise ValueError(f"Indexing expression contains duplicate dimension {twice!r} in pattern: {pattern}")
    return groups


def rearrange(tensor: Tensor | Sequence[Tensor], pattern: str, **axes_lengths: int) -> Tensor:
    """A tensor with its dims reordered, merged and split: ``rearrange(x, "b (h w) c -> b c h w", h=2)``.

    Args:
        tensor: one tensor, or a sequence of equal shapes that is stacked first.
        pattern: names of the dims before and after ``->``; brackets merge dims, ``...`` stands for all others, ``1``
            for a dim of size 1.
        axes_lengths: sizes of names that the shape does not tell.

    Raises:
        ValueError: a pattern that does not fit.
    """
    import torchax_lite as torch

    x: Any = tensor if isinstance(tensor, Tensor) else torch.stack(tuple(tensor))
    if pattern.count("->") != 1:
        raise ValueError(f"Pattern must contain exactly one '->' separator: {pattern}")
    left, right = (_side(text, pattern) for text in pattern.split("->"))
    if any("..." in g for g in (*left, *right)):
        if _REST not in left:
            raise ValueError(f"Ellipsis is not allowed inside brackets on the left side: {pattern}")
        n = x.ndim - (len(left) - 1)
        if n < 0:
            raise ValueError(
                f"Number of dimensions in pattern ({len(left) - 1}) and tensor ({x.ndim}) do not match: {pattern}"
            )
        rest = [f".{i}" for i in range(n)]
        i = left.index(_REST)
        left[i : i + 1] = [[r] for r in rest]
        spread = []
        for g in right:
            if g is _REST:
                spread += [[r] for r in rest]
            else:
                spread.append([m for name in g for m in (rest if name == "..." else [name])])
        right = spread
    if len(left) != x.ndim:
        raise ValueError(f"Number of dimensions in pattern ({len(left)}) and tensor ({x.ndim}) do not match: {pattern}")
    names = [n for g in left for n in g]
    wanted = [n for g in right for n in g]
    if set(names) != set(wanted):
        odd = sorted(set(names) ^ set(wanted))
        raise ValueError(f"Identifiers only on one side of expression (should be on both): {odd} in pattern: {pattern}")
    unknown = set(axes_lengths) - set(names)
    if unknown:
        raise ValueError(f"Axes lengths name dims that are not in the pattern: {sorted(unknown)}")
    sizes = _sizes(x.shape, left, axes_lengths, pattern)
    split = x.reshape([sizes[n] for n in names])
    moved = split.permute([names.index(n) for n in wanted]) if names != wanted else split
    out: Tensor = moved.reshape([_product(sizes[n] for n in g) for g in right])
    return out


def _product(values: Any) -> int:
    total = 1
    for v in values:
        total *= v
    return total


def _sizes(shape: Sequence[int], left: list[list[str]], given: dict[str, int], pattern: str) -> dict[str, int]:
    sizes = dict(given)
    for size, group in zip(shape, left, strict=True):
        open_names = [n for n in group if n not in sizes]
        known = _product(sizes[n] for n in group if n in sizes)
        if len(open_names) > 1:
            raise ValueError(f"Could not infer sizes for {open_names} in pattern: {pattern}")
        if (known == 0 or size % known) if open_names else size != known:
            raise ValueError(f"Dimension of size {size} does not fit {group} with {sizes} in pattern: {pattern}")
        if open_names:
            sizes[open_names[0]] = size // known
    return sizes


__all__ = ["rearrange"]
