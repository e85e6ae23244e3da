"""The ``reduction`` argument of losses, and the two older arguments that it replaced."""

from __future__ import annotations

import warnings

_NAMES = ("none", "mean", "sum")


def get_enum(reduction: str) -> int:
    """The number of a reduction: 0 for ``"none"``, 1 for ``"mean"``, 2 for ``"sum"``."""
    if reduction == "elementwise_mean":
        warnings.warn("reduction='elementwise_mean' is deprecated. Please use reduction='mean' instead.", stacklevel=3)
        return 1
    if reduction not in _NAMES:
        raise ValueError(f"{reduction} is not a valid value for reduction")
    return _NAMES.index(reduction)


def legacy_get_string(size_average: bool | None, reduce: bool | None, emit_warning: bool = True) -> str:
    """The reduction that the old arguments ``size_average`` and ``reduce`` (both true by default) stand for."""
    size_average = True if size_average is None else size_average
    reduce = True if reduce is None else reduce
    reduction = "none" if not reduce else "mean" if size_average else "sum"
    if emit_warning:
        warnings.warn(
            f"size_average and reduce args will be deprecated, please use reduction='{reduction}' instead.",
            stacklevel=3,
        )
    return reduction


def legacy_get_enum(size_average: bool | None, reduce: bool | None, emit_warning: bool = True) -> int:
    """The number of the reduction that the old arguments stand for."""
    return get_enum(legacy_get_string(size_average, reduce, emit_warning))
