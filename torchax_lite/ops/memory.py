"""In which order results lie in memory, where that is neither row by row nor as the inputs of an elementwise op.

A rule is ``fn(shapes, inputs, statics) -> strides of each result`` (None: row by row), in elements; ``inputs`` are the
shapes and strides of the tensors of the call, ``statics`` its static arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

Shape = tuple[int, ...]
Rule = Callable[[Sequence[Shape], Sequence[tuple[Shape, Shape]], tuple[Any, ...]], list[Shape | None]]


def dense(shape: Shape, order: Sequence[int]) -> Shape:
    """Strides without gaps, where ``order`` names the dims from the slowest to the fastest."""
    strides, step = [0] * len(shape), 1
    for d in reversed(order):
        strides[d] = step
        step *= max(shape[d], 1)
    return tuple(strides)


def column_major(shape: Shape) -> Shape | None:
    """Matrices one after another, each column by column, as LAPACK wants them."""
    n = len(shape)
    return dense(shape, [*range(n - 2), n - 1, n - 2]) if n >= 2 else None


def columns(*which: int) -> Rule:
    """The results with these numbers are column-major matrices (those of one dim stay as they are)."""

    def rule(shapes: Sequence[Shape], inputs: Any, statics: Any) -> list[Shape | None]:
        return [column_major(s) if i in which else None for i, s in enumerate(shapes)]

    return rule


def joined(shapes: Sequence[Shape], inputs: Sequence[tuple[Shape, Shape]], statics: Any) -> list[Shape | None]:
    """``cat``: channels last where every tensor is."""
    shape = shapes[0]
    ndim = len(shape)
    if ndim not in (4, 5) or not all(_is_channels_last(s, st) for s, st in inputs):
        return [None]
    return [dense(shape, [0, *range(2, ndim), 1])]


def channels_last(inputs_asked: int = 1) -> Rule:
    """Images (their batches) channels last where one of the first inputs is; every image among the results."""

    def rule(shapes: Sequence[Shape], inputs: Sequence[tuple[Shape, Shape]], statics: Any) -> list[Shape | None]:
        asked = any(_is_channels_last(s, st) for s, st in inputs[:inputs_asked])
        rank = len(inputs[0][0])
        return [dense(s, [0, *range(2, rank), 1]) if asked and len(s) == rank else None for s in shapes]

    rule.only_strided = True  # type: ignore[attr-defined]
    return rule


def as_first(shapes: Sequence[Shape], inputs: Sequence[tuple[Shape, Shape]], statics: Any) -> list[Shape | None]:
    """Results of the first input's shape in its order."""
    shape, strides = inputs[0]
    if any(n > 1 and st == 0 for n, st in zip(shape, strides, strict=True)):
        return [None for _ in shapes]
    order = sorted(range(len(shape)), key=lambda d: -strides[d])
    return [dense(s, order) if s == shape else None for s in shapes]


as_first.only_strided = True  # type: ignore[attr-defined]


def _is_channels_last(shape: Shape, strides: Shape) -> bool:
    """Whether the strides fall from the batch over the space to the channels; a tie speaks for row by row."""
    ndim = len(shape)
    if ndim not in (4, 5) or strides[1] == 0:
        return False
    least = 0
    for d in (1, *range(ndim - 1, 1, -1), 0):
        if shape[d] == 0 or strides[d] < least:
            return False
        if d == 0 and least == strides[1]:
            return False
        least = strides[d] * (shape[d] if shape[d] > 1 else 1)
    return True
