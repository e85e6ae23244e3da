"""Small helpers of the functional families: argument spreading, reduction names, masks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ...tensor.randomness import dropout_mask
from .._reduction import get_enum, legacy_get_string

if TYPE_CHECKING:
    from torchax_lite import Tensor

_REDUCTIONS = ("none", "mean", "sum")


def spread(value: int | Sequence[int], n: int) -> tuple[int, ...]:
    """An int repeated ``n`` times, or the sequence as a tuple."""
    return (value,) * n if isinstance(value, int) else tuple(value)


def reduction_name(size_average: bool | None, reduce: bool | None, reduction: str) -> str:
    """The reduction after the two deprecated arguments; ValueError for an unknown one."""
    if size_average is not None or reduce is not None:
        return legacy_get_string(size_average, reduce)
    return _REDUCTIONS[get_enum(reduction)]


def reduced(loss: Tensor, reduction: str) -> Tensor:
    """``loss`` itself, its mean or its sum."""
    if reduction == "mean":
        return loss.mean()
    if reduction == "sum":
        return loss.sum()
    return loss


def keep_mask(like: Tensor, p: float, shape: Sequence[int] | None = None) -> Tensor:
    """Bool mask, False with probability ``p``, drawn from the default generator in memory order."""
    return dropout_mask(like, p, shape)


def check_probability(p: float) -> None:
    """``p`` must lie in [0, 1]."""
    if p < 0.0 or p > 1.0:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
