"""Views of some of the elements: select, slice, diagonal, unfold, as_strided."""

from __future__ import annotations

import math
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from .common import canonical_dim
from .registry import op
from .views import Layout, Shape


@op("select(Tensor self, int dim, int index) -> Tensor", view=True)
def select(self, dim, index):
    """One slice of a dim, without that dim."""
    d, i = _selected(self.shape, dim, index)
    return lax.index_in_dim(self, i, d, keepdims=False)


def _selected(shape: Shape, dim: int, index: int) -> tuple[int, int]:
    if not shape:
        raise IndexError("select() cannot be applied to a 0-dim tensor.")
    d = canonical_dim(dim, len(shape))
    if not -shape[d] <= index < shape[d]:
        raise IndexError(f"select(): index {index} out of range for tensor of size {list(shape)} at dimension {d}")
    return d, index % shape[d]


@select.vjp
def _(ct, self_shape, dim, index):
    d, i = _selected(self_shape, dim, index)
    return _pad_into(jnp.expand_dims(ct, d), self_shape, d, i, 1)


def _pad_into(piece: Any, shape: Shape, d: int, start: int, step: int) -> Any:
    """``piece`` placed into zeros along one dim."""
    n = piece.shape[d]
    high = shape[d] - start - ((n - 1) * step + 1 if n else 0)
    config = [(0, 0, 0)] * len(shape)
    config[d] = (start, high, step - 1)
    return lax.pad(piece, jnp.zeros((), piece.dtype), config)


@select.layout_rule
def _(shape: Shape, strides: Shape, offset: int, dim: int, index: int) -> Layout:
    d, i = _selected(shape, dim, index)
    return shape[:d] + shape[d + 1 :], strides[:d] + strides[d + 1 :], offset + i * strides[d]


@select.shape_rule
def _(self, dim, index):
    d, _ = _selected(self.shape, dim, index)
    return self.shape[:d] + self.shape[d + 1 :]


@select.write
def _(base, value, dim, index):
    d, i = _selected(base.shape, dim, index)
    return lax.dynamic_update_index_in_dim(base, value.astype(base.dtype), i, d)


@op("select.moving(Tensor self, Scalar index, int dim) -> Tensor", view=True, function=False, method=False)
def select_moving(self, index, dim):
    """:func:`select` whose index enters the program as an input; it must be in range and not negative."""
    return lax.dynamic_index_in_dim(self, index, dim, keepdims=False)


@select_moving.vjp
def _(ct, self_shape, index, dim):
    return lax.dynamic_update_index_in_dim(jnp.zeros(self_shape, ct.dtype), ct, index, dim)


@select_moving.layout_rule
def _(shape: Shape, strides: Shape, offset: int, index: int, dim: int) -> Layout:
    return shape[:dim] + shape[dim + 1 :], strides[:dim] + strides[dim + 1 :], offset + index * strides[dim]


@select_moving.shape_rule
def _(self, index, dim):
    return self.shape[:dim] + self.shape[dim + 1 :]


@select_moving.write
def _(base, value, index, dim):
    return lax.dynamic_update_index_in_dim(base, value.astype(base.dtype), index, dim)


def slice_bounds(size: int, start: int | None, end: int | None, step: int) -> tuple[int, int]:
    """(start, length) of a slice with clamped bounds."""
    if step <= 0:
        raise RuntimeError("slice step must be positive")
    start = 0 if start is None else start
    end = size if end is None else end
    if start < 0:
        start += size
    if end < 0:
        end += size
    start = min(max(start, 0), size)
    end = min(max(end, start), size)
    return start, (end - start + step - 1) // step


@op("slice(Tensor self, int dim=0, int? start=None, int? end=None, int step=1) -> Tensor", view=True, function=False, method=False)  # fmt: skip
def slice_(self, dim, start, end, step):
    """Every ``step``-th slice of a dim from ``start`` to ``end``."""
    d = canonical_dim(dim, self.ndim)
    first, n = slice_bounds(self.shape[d], start, end, step)
    return lax.slice_in_dim(self, first, first + (n - 1) * step + 1 if n else first, step, d)


@slice_.vjp
def _(ct, self_shape, dim, start, end, step):
    d = canonical_dim(dim, len(self_shape))
    first, n = slice_bounds(self_shape[d], start, end, step)
    if n == 0:
        return jnp.zeros(self_shape, ct.dtype)
    return _pad_into(ct, self_shape, d, first, step)


@slice_.layout_rule
def _(shape: Shape, strides: Shape, offset: int, dim: int, start: int | None, end: int | None, step: int) -> Layout:
    if not shape:
        raise RuntimeError("slice() cannot be applied to a 0-dim tensor.")
    d = canonical_dim(dim, len(shape))
    first, n = slice_bounds(shape[d], start, end, step)
    return (
        (*shape[:d], n, *shape[d + 1 :]),
        (*strides[:d], strides[d] * step, *strides[d + 1 :]),
        offset + first * strides[d],
    )


@slice_.shape_rule
def _(self, dim, start, end, step):
    if not self.shape:
        raise RuntimeError("slice() cannot be applied to a 0-dim tensor.")
    d = canonical_dim(dim, len(self.shape))
    return (*self.shape[:d], slice_bounds(self.shape[d], start, end, step)[1], *self.shape[d + 1 :])


@slice_.write
def _(base, value, dim, start, end, step):
    d = canonical_dim(dim, base.ndim)
    first, n = slice_bounds(base.shape[d], start, end, step)
    value = value.astype(base.dtype)
    if n == 0:
        return base
    if step == 1:
        return lax.dynamic_update_slice_in_dim(base, value, first, d)
    where = (slice(None),) * d + (slice(first, first + (n - 1) * step + 1, step),)
    return base.at[where].set(value)


@op("slice.moving(Tensor self, Scalar start, int dim, int length) -> Tensor", view=True, function=False, method=False)
def slice_moving(self, start, dim, length):
    """``length`` slices from a start that enters the program as an input; it must be in range."""
    return lax.dynamic_slice_in_dim(self, start, length, dim)


@slice_moving.vjp
def _(ct, self_shape, start, dim, length):
    return lax.dynamic_update_slice_in_dim(jnp.zeros(self_shape, ct.dtype), ct, start, dim)


@slice_moving.layout_rule
def _(shape: Shape, strides: Shape, offset: int, start: int, dim: int, length: int) -> Layout:
    return (*shape[:dim], length, *shape[dim + 1 :]), strides, offset + start * strides[dim]


@slice_moving.shape_rule
def _(self, start, dim, length):
    return (*self.shape[:dim], length, *self.shape[dim + 1 :])


@slice_moving.write
def _(base, value, start, dim, length):
    return lax.dynamic_update_slice_in_dim(base, value.astype(base.dtype), start, dim)


@op("diagonal(Tensor self, int offset=0, int dim1=0, int dim2=1) -> Tensor", view=True)
def diagonal(self, offset, dim1, dim2):
    """The diagonal of two dims, as the last dim."""
    a, b = _diagonal_dims(self.ndim, dim1, dim2)
    return jnp.diagonal(self, offset, a, b)


def _diagonal_dims(ndim: int, dim1: int, dim2: int) -> tuple[int, int]:
    a, b = canonical_dim(dim1, ndim), canonical_dim(dim2, ndim)
    if a == b:
        raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    return a, b


def _diagonal_index(shape: Shape, offset: int, a: int, b: int) -> tuple[Any, Any]:
    n = max(min(shape[a], shape[b] - offset) if offset >= 0 else min(shape[a] + offset, shape[b]), 0)
    i = np.arange(n)
    return (i, i + offset) if offset >= 0 else (i - offset, i)


@diagonal.vjp
def _(ct, self_shape, offset, dim1, dim2):
    return _write_diagonal(jnp.zeros(self_shape, ct.dtype), ct, offset, dim1, dim2)


def _write_diagonal(base: Any, value: Any, offset: int, dim1: int, dim2: int) -> Any:
    a, b = _diagonal_dims(base.ndim, dim1, dim2)
    i, j = _diagonal_index(base.shape, offset, a, b)
    moved = jnp.moveaxis(base, (a, b), (-2, -1))
    return jnp.moveaxis(moved.at[..., i, j].set(value.astype(base.dtype)), (-2, -1), (a, b))


@diagonal.layout_rule
def _(shape: Shape, strides: Shape, offset: int, diag: int, dim1: int, dim2: int) -> Layout:
    a, b = _diagonal_dims(len(shape), dim1, dim2)
    i, _ = _diagonal_index(shape, diag, a, b)
    rest = [d for d in range(len(shape)) if d not in (a, b)]
    if len(i):
        offset += diag * strides[b] if diag >= 0 else -diag * strides[a]
    return (
        (*(shape[d] for d in rest), len(i)),
        (*(strides[d] for d in rest), strides[a] + strides[b]),
        offset,
    )


@diagonal.write
def _(base, value, offset, dim1, dim2):
    return _write_diagonal(base, value, offset, dim1, dim2)


@op("unfold(Tensor self, int dimension, int size, int step) -> Tensor", view=True, function=False)
def unfold(self, dimension, size, step):
    """Windows of a dim, as a new last dim; windows may overlap."""
    if self.ndim == 0:
        return jnp.broadcast_to(self, (size,))
    d, n = _windows(self.shape, dimension, size, step)
    index = np.arange(n)[:, None] * step + np.arange(size)[None, :]
    return jnp.moveaxis(jnp.take(self, index, axis=d), d + 1, -1)


def _windows(shape: Shape, dimension: int, size: int, step: int) -> tuple[int, int]:
    d = canonical_dim(dimension, len(shape))
    have = shape[d] if shape else 1
    if size < 0:
        raise RuntimeError(f"size is {size} but must be >= 0")
    if step <= 0:
        raise RuntimeError(f"step is {step} but must be > 0")
    if size > have:
        raise RuntimeError(f"maximum size for tensor at dimension {d} is {have} but size is {size}")
    return d, (have - size) // step + 1


_FEW_SHIFTS = 64
"""Up to this many windows over one point are summed as shifted wholes, more of them by scattering."""


def overlap_sum(frames: Any, hop: int, total: int) -> Any:
    """Signal ``(..., total)`` that is the sum of windows ``(..., T, L)``, each ``hop`` after the last."""
    *lead, count, length = frames.shape
    if not frames.size:
        return jnp.zeros((*lead, total), frames.dtype)
    columns = -(-length // hop)
    if columns > _FEW_SHIFTS:
        at = np.arange(count)[:, None] * hop + np.arange(length)
        return jnp.zeros((*lead, total), frames.dtype).at[..., at].add(frames)
    padded = jnp.pad(frames, [(0, 0)] * (len(lead) + 1) + [(0, columns * hop - length)])
    blocks = padded.reshape(*lead, count, columns, hop)
    summed = jnp.zeros((*lead, count + columns - 1, hop), frames.dtype)
    for j in range(columns):
        edges = [(0, 0)] * len(lead) + [(j, columns - 1 - j), (0, 0)]
        summed = summed + jnp.pad(blocks[..., j, :], edges)
    signal = summed.reshape(*lead, -1)[..., :total]
    return jnp.pad(signal, [(0, 0)] * len(lead) + [(0, total - signal.shape[-1])])


@unfold.vjp
def _(ct, self_shape, dimension, size, step):
    if not self_shape:
        return jnp.sum(ct)
    d, _ = _windows(self_shape, dimension, size, step)
    return jnp.moveaxis(overlap_sum(jnp.moveaxis(ct, d, -2), step, self_shape[d]), -1, d)


@unfold.layout_rule
def _(shape: Shape, strides: Shape, offset: int, dimension: int, size: int, step: int) -> Layout:
    d, n = _windows(shape, dimension, size, step)
    if not shape:
        return (size,), (1,), offset
    return (
        (*shape[:d], n, *shape[d + 1 :], size),
        (*strides[:d], strides[d] * step, *strides[d + 1 :], strides[d]),
        offset,
    )


@op("as_strided(Tensor self, int[] size, int[] stride, int? storage_offset=None) -> Tensor", view=True, function=False, method=False)  # fmt: skip
def as_strided(self, size, stride, storage_offset):
    """Elements of the flat memory (``self``) at ``offset + sum(index * stride)``."""
    if 0 in size:
        return jnp.zeros(size, self.dtype)
    return jnp.take(self.reshape(-1), strided_index(size, stride, storage_offset or 0), mode="clip")


def strided_index(size: Shape, stride: Shape, offset: int) -> Any:
    """Flat positions of a strided view."""
    index = np.asarray(offset, np.int64)
    for s, st in zip(size, stride, strict=True):
        index = index[..., None] + np.arange(s, dtype=np.int64) * st
    return index


@as_strided.vjp
def _(ct, self_shape, size, stride, storage_offset):
    index = strided_index(size, stride, storage_offset or 0).reshape(-1)
    return jnp.zeros((math.prod(self_shape),), ct.dtype).at[index].add(ct.reshape(-1)).reshape(self_shape)


@as_strided.layout_rule
def _(shape: Shape, strides: Shape, offset: int, size: Shape, stride: Shape, storage_offset: int | None) -> Layout:
    return size, stride, offset if storage_offset is None else storage_offset


@as_strided.write
def _(base, value, size, stride, storage_offset):
    index = strided_index(size, stride, storage_offset or 0).reshape(-1)
    return base.reshape(-1).at[index].set(value.reshape(-1).astype(base.dtype)).reshape(base.shape)
