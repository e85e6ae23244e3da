"""Errors about the values of indices and divisors, raised where those values are known without running anything.

Known is what lies on the host, and what a few recorded integer ops make of it. What only a running program knows cannot
be reported: reads are clamped and writes dropped there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..ops.registry import Op
from . import dispatch, dtypes


def host_values(t: Any) -> np.ndarray[Any, Any] | None:
    """The values of a tensor that has never left the host, else None."""
    if not isinstance(t, dispatch.Tensor) or t._view is not None:
        return None
    if t._storage.host is not None:
        return t._storage.host
    node = t._storage.node
    return node.value if node is not None and isinstance(node.value, np.ndarray) else None


def known_values(t: Any) -> np.ndarray[Any, Any] | None:
    """The values of a CPU tensor where reading them runs no program, else None."""
    place = t._aval.place
    if place.type != "cpu" or place.kind in ("meta", "trace"):
        return None
    found: np.ndarray[Any, Any] | None = t._known_view()
    if found is not None:
        return found
    if t._view is not None:
        current = t._vnode is not None and t._vversion == t._storage.version and t._vnode.value is not None
        return np.asarray(t._vnode.value) if current else None
    if t._storage.host is not None:
        return t._storage.host
    node = t._storage.node
    return None if node is None or node.value is None else np.asarray(node.value)


_UNSIGNED = {n: np.dtype(f"u{n}") for n in (1, 2, 4, 8)}


def integer_values(t: Any) -> np.ndarray[Any, Any] | None:
    """The values of an integer tensor on the CPU that are known, or follow from known ones in a few steps; else None."""
    found = host_values(t)
    if found is not None or not isinstance(t, dispatch.Tensor) or t._aval.dtype.kind not in "iu":
        return found
    place = t._aval.place
    if place.type != "cpu" or place.kind != "device":
        return None
    found = t._known_view()
    if found is not None:
        return found
    node = t._sync()
    if node.value is None:
        from .on_numpy import small_values

        return small_values(node)
    return node.value if isinstance(node.value, np.ndarray) else None


def _outside(index: Any, low: int, high: int) -> int | None:
    """The first known index outside ``low <= i < high``."""
    values = integer_values(index)
    if values is None or values.dtype.kind not in "iu" or not values.size:
        return None
    if low == 0 and values.dtype.kind == "i":  # seen as unsigned, negative ones are large: one pass instead of two
        if values.view(_UNSIGNED[values.itemsize]).max() < high:
            return None
    elif low <= int(values.min()) and int(values.max()) < high:
        return None
    return int(values[(values < low) | (values >= high)][0])


def _size(t: Any, dim: Any) -> tuple[int, int] | None:
    """The dim counted from the front, and its size; None for arguments that the op itself refuses."""
    if not isinstance(t, dispatch.Tensor) or type(dim) is not int:
        return None
    n = max(t.ndim, 1)
    if not -n <= dim < n:
        return None
    return dim % n, t._aval.shape[dim] if t.ndim else 1


def _along_dim(error: type[Exception], text: str, wraps: bool = False) -> Callable[..., None]:
    def check(op: Op, tensors: Sequence[Any], scalars: Sequence[Any], statics: Sequence[Any]) -> None:
        at = _size(tensors[0], statics[0])
        if at is None:
            return
        dim, size = at
        own, index = tensors[0]._aval.shape, tensors[1]._aval.shape
        if (
            op.base == "gather"
            and len(own) == len(index)
            and any(n > m for k, (n, m) in enumerate(zip(index, own, strict=True)) if k != dim)
        ):
            return  # the sizes are refused first
        source = tensors[2] if op.base.startswith("scatter") and len(tensors) > 2 else None
        if isinstance(source, dispatch.Tensor) and max(source.ndim, 1) != max(len(index), 1):
            return
        bad = _outside(tensors[1], -size if wraps else 0, size)
        if bad is not None:
            raise error(text.format(index=bad, dim=dim, size=size))

    return check


def _flat(op: Op, tensors: Sequence[Any], scalars: Sequence[Any], statics: Sequence[Any]) -> None:
    if not isinstance(tensors[0], dispatch.Tensor):
        return
    size = tensors[0].numel()
    bad = _outside(tensors[1], -size, size)
    if bad is not None:
        raise IndexError(f"out of range: tried to access index {bad} on a tensor of {size} elements.")


def _rows(op: Op, tensors: Sequence[Any], scalars: Sequence[Any], statics: Sequence[Any]) -> None:
    if isinstance(tensors[0], dispatch.Tensor) and tensors[0].ndim:
        if _outside(tensors[1], 0, tensors[0]._aval.shape[0]) is not None:
            raise IndexError("index out of range in self")


def _classes(op: Op, tensors: Sequence[Any], scalars: Sequence[Any], statics: Sequence[Any]) -> None:
    scores, target = tensors[0], tensors[1]
    if isinstance(scores, dispatch.Tensor) and scores.ndim:
        _check_classes(target, scores._aval.shape[1 if scores.ndim > 1 else 0], statics[1])


def _linear_classes(op: Op, tensors: Sequence[Any], scalars: Sequence[Any], statics: Sequence[Any]) -> None:
    if isinstance(tensors[1], dispatch.Tensor):
        _check_classes(tensors[2], tensors[1]._aval.shape[0], statics[1])


def _check_classes(target: Any, n: int, ignored: int) -> None:
    if _outside(target, 0, n) is None:
        return
    values = integer_values(target)
    assert values is not None
    bad = values[((values < 0) | (values >= n)) & (values != ignored)]
    if bad.size:
        raise IndexError(f"Target {int(bad.reshape(-1)[0])} is out of bounds.")


def _probabilities(op: Op, tensors: Sequence[Any], scalars: Sequence[Any], statics: Sequence[Any]) -> None:
    for name, tensor in (("input", tensors[0]), ("target", tensors[1])):
        values = host_values(tensor)
        if values is not None and values.size and not (0 <= values.min() and values.max() <= 1):  # false for NaN too
            raise RuntimeError(f"all elements of {name} should be between 0 and 1")


def _divisor(op: Op, tensors: Sequence[Any], scalars: Sequence[Any], statics: Sequence[Any]) -> None:
    if statics and statics[0] is None:
        return
    for x in tensors[:2]:
        if (
            x.dtype.is_floating_point or x.dtype.is_complex
            if isinstance(x, dispatch.Tensor)
            else not isinstance(x, int)
        ):
            return
    divisor = tensors[1]
    if isinstance(divisor, dispatch.Tensor):
        values = integer_values(divisor)
        if values is None or values.all():
            return
    elif divisor != 0:
        return
    if any(isinstance(x, dispatch.Tensor) and x.dtype is not dtypes.bool_ and x.numel() for x in tensors[:2]):
        raise RuntimeError("ZeroDivisionError")


_scatter = _along_dim(RuntimeError, "index {index} is out of bounds for dimension {dim} with size {size}")
_select = _along_dim(IndexError, "index out of range in self")

_RULES: dict[str, Callable[..., None]] = {
    "gather": _scatter, "scatter": _scatter, "scatter_add": _scatter, "scatter_reduce": _scatter,
    "index_select": _select, "index_add": _select,
    "index_copy": _along_dim(
        IndexError, "index_copy_(): index {index} is out of bounds for dimension {dim} with size {size}"
    ),
    "index_fill": _along_dim(
        IndexError, "index {index} is out of bounds for dimension {dim} with size {size}", wraps=True
    ),
    "take": _flat, "put": _flat, "embedding": _rows, "nll_loss": _classes, "nll_loss2d": _classes,
    "linear_cross_entropy_chunked": _linear_classes, "binary_cross_entropy": _probabilities,
    "floor_divide": _divisor, "remainder": _divisor, "fmod": _divisor, "div": _divisor,
}  # fmt: skip


def check_values(op: Op, tensors: Sequence[Any], scalars: Sequence[Any] = (), statics: Sequence[Any] = ()) -> None:
    """Raise PyTorch's error for an index or divisor whose known value it refuses."""
    _RULES[op.base](op, tensors, scalars, statics)


__all__ = ["check_values", "host_values", "integer_values", "known_values"]
