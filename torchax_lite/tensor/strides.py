"""Stride arithmetic: contiguity, memory formats, overlap, view feasibility. Everything in elements."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

Shape = tuple[int, ...]
Strides = tuple[int, ...]


@functools.lru_cache(maxsize=8192)
def contiguous_strides(shape: Shape) -> Strides:
    """Row-major strides; dims of size 0 count as 1."""
    strides, step = [], 1
    for s in reversed(shape):
        strides.append(step)
        step *= max(s, 1)
    return tuple(reversed(strides))


def is_contiguous(shape: Shape, strides: Strides) -> bool:
    """Row-major without gaps (strides of dims of size 1 do not matter)."""
    if 0 in shape:
        return True
    expected = 1
    for s, st in zip(reversed(shape), reversed(strides), strict=True):
        if s != 1:
            if st != expected:
                return False
            expected *= s
    return True


def channels_last_strides(shape: Shape) -> Strides:
    """Strides of ``channels_last`` (4-D) or ``channels_last_3d`` (5-D)."""
    order = [1, *range(len(shape) - 1, 1, -1), 0]
    return strides_for_order(shape, order)


def strides_for_order(shape: Shape, order: Sequence[int]) -> Strides:
    """Dense strides where ``order`` lists the dims from the fastest to the slowest."""
    strides = [0] * len(shape)
    step = 1
    for d in order:
        strides[d] = step
        step *= max(shape[d], 1)
    return tuple(strides)


def is_channels_last(shape: Shape, strides: Strides, ndim: int) -> bool:
    """Whether the strides are dense in channels-last order."""
    if len(shape) != ndim:
        return False
    expected = 1
    for d in (1, *range(ndim - 1, 1, -1), 0):
        if shape[d] != 1:
            if strides[d] != expected:
                return False
            expected *= shape[d]
    return True


def memory_order(shape: Shape, strides: Strides) -> list[int]:
    """Dims from the slowest to the fastest in memory; ties keep their order."""
    return sorted(range(len(shape)), key=lambda d: (-strides[d], d) if shape[d] != 1 else (-strides[d], d))


def is_non_overlapping_and_dense(shape: Shape, strides: Strides) -> bool:
    """Every element has a place of its own and there are no gaps."""
    if 0 in shape:
        return True
    expected = 1
    for st, s in sorted((st, s) for st, s in zip(strides, shape, strict=True) if s != 1):
        if st != expected:
            return False
        expected *= s
    return True


def is_overlapping(shape: Shape, strides: Strides) -> bool:
    """Whether two elements certainly share a memory location (a broadcast dim)."""
    return 0 not in shape and any(st == 0 and s > 1 for st, s in zip(strides, shape, strict=True))


def pointwise_strides(shape: Shape, tensors: Sequence[Any]) -> Strides | None:
    """Memory format of an elementwise result: the inputs' common dense order, else row-major (None)."""
    operands = [t for t in tensors if t._aval.ndim]
    if not operands:
        return None
    full = [t for t in operands if t._aval.shape == shape]
    if full and all(t._strides == full[0]._strides for t in full) and len(full) == len(operands):
        strides = full[0]._strides
        if strides is None or is_non_overlapping_and_dense(shape, strides):
            return strides  # type: ignore[no-any-return]
    permutation = _permutation(shape, operands)
    strides = strides_for_order(shape, permutation)
    return None if strides == contiguous_strides(shape) else strides


def _permutation(shape: Shape, tensors: Sequence[Any]) -> list[int]:
    """Dims from the fastest to the slowest, by insertion sort over the operands' strides."""
    n = len(shape)
    padded = []
    for t in tensors:
        a = t._aval
        strides = t._strides if t._strides is not None else contiguous_strides(a.shape)
        lead = n - a.ndim
        padded.append(
            [0] * lead + [0 if a.shape[i] == 1 and shape[lead + i] != 1 else strides[i] for i in range(a.ndim)]
        )
    perm = list(range(n - 1, -1, -1))

    def should_swap(d0: int, d1: int) -> int:
        for strides in padded:
            s0, s1 = strides[d0], strides[d1]
            if s0 == 0 or s1 == 0:
                continue
            if s0 < s1:
                return -1
            if s0 > s1:
                return 1
            if shape[d0] > shape[d1]:
                return 1
        return 0

    for i in range(1, n):
        dim1 = i
        for dim0 in range(i - 1, -1, -1):
            comparison = should_swap(perm[dim0], perm[dim1])
            if comparison > 0:
                perm[dim0], perm[dim1] = perm[dim1], perm[dim0]
                dim1 = dim0
            elif comparison < 0:
                break
    return perm


def preserve_strides(shape: Shape, strides: Strides) -> Strides | None:
    """Strides of a copy that preserves the memory format; None for contiguous."""
    if is_non_overlapping_and_dense(shape, strides):
        return None if strides == contiguous_strides(shape) else strides
    order = sorted(range(len(shape)), key=lambda d: (strides[d], -d))
    if all(st > 0 for st in strides):
        made = strides_for_order(shape, order)
    else:
        made = contiguous_strides(shape)
    return None if made == contiguous_strides(shape) else made


def view_strides(old: Shape, strides: Strides, new: Shape) -> Strides | None:
    """Strides of ``view(new)``; None where the memory layout does not allow it."""
    if 0 in old:
        return contiguous_strides(new) if old != new else strides
    if not old:
        return (1,) * len(new)
    result = [0] * len(new)
    view_d = len(new) - 1
    base_stride = strides[-1]
    tensor_numel = view_numel = 1
    for d in range(len(old) - 1, -1, -1):
        tensor_numel *= old[d]
        if d == 0 or (old[d - 1] != 1 and strides[d - 1] != tensor_numel * base_stride):
            while view_d >= 0 and (view_numel < tensor_numel or new[view_d] == 1):
                result[view_d] = view_numel * base_stride
                view_numel *= new[view_d]
                view_d -= 1
            if view_numel != tensor_numel:
                return None
            if d > 0:
                base_stride = strides[d - 1]
                tensor_numel = view_numel = 1
    return tuple(result) if view_d == -1 else None


def check_one_order(t: Any, order: tuple[int, ...], formats: Any) -> tuple[int, ...]:
    """``order`` if it is the only one that describes a tensor's memory, or only one of the memory formats does.

    Raises:
        TypeError: ``formats`` is neither True nor a list of memory formats.
        RuntimeError: there are several.
    """
    from .layouts import contiguous_format, memory_format

    if formats is not True and not (isinstance(formats, list) and all(isinstance(f, memory_format) for f in formats)):
        raise TypeError("The ambiguity_check argument must be a bool or a list of memory formats.")
    strides, shape = t.stride(), tuple(t.shape)
    if any(s == 0 for s in strides):
        raise RuntimeError("The tensor does not have unique dim order.")
    if len(set(strides)) == len(strides) and 1 not in shape:
        return order
    given = [contiguous_format] if formats is True else formats
    if formats is not True and sum(t.is_contiguous(memory_format=f) for f in given) == 1:
        if t.is_contiguous(memory_format=contiguous_format):
            return tuple(range(len(shape)))
        return order
    raise RuntimeError(
        "The tensor does not have unique dim order, or cannot map to exact one of the given memory formats."
    )
