"""Functional writes through a view: a copy of a tensor with a slice, a diagonal or a strided part replaced."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .common import canonical_dim
from .registry import op
from .samples import T, cases
from .shape import diagonal_of

_WRITE = {"mode": "promise_in_bounds", "wrap_negative_indices": False}


def _check_src(src: Any, shape: tuple[int, ...]) -> None:
    if src.shape != shape:
        raise RuntimeError(
            f"expected src to have a size equal to the slice of self. src size = {list(src.shape)}, slice size = "
            f"{list(shape)}"
        )


def _slice_bounds(size: int, start: int | None, end: int | None, step: int) -> tuple[int, int]:
    """Start and length of a slice, clamped as Python's slices are."""
    if step <= 0:
        raise RuntimeError("slice step must be positive")
    first, last, _ = slice(start, end).indices(size)
    return first, max(0, -(-(last - first) // step))


def _write_slice(self, src, at, first, n, step):
    if n == 0:
        return self
    if step == 1:
        starts = [0] * self.ndim
        starts[at] = first
        return jax.lax.dynamic_update_slice(
            self, jnp.broadcast_to(src, (*self.shape[:at], n, *self.shape[at + 1 :])), starts
        )
    after = self.shape[at] - first - ((n - 1) * step + 1)
    place = jax.lax.broadcasted_iota(jnp.int32, self.shape, at) - first
    hit = (place >= 0) & (place % step == 0) & (place < n * step)
    if src.ndim:
        widths = [(0, 0, 0)] * self.ndim
        widths[at] = (first, after, step - 1)
        src = jax.lax.pad(src, jnp.zeros((), src.dtype), widths)
    return jnp.where(hit, src, self)


@op(
    "slice_scatter(Tensor self, Tensor src, int dim=0, int? start=None, int? end=None, int step=1) -> Tensor",
    samples=cases(
        (T((4, 3)), T((2, 3)), 0, 1, 3),
        (T((4, 3)), T((4, 2)), -1, None, None, 2),
        (T((7,)), T((2,)), 0, 1, -1, 4),
        (T((4,)), T((0,)), 0, 3, 1),
    ),
)
def slice_scatter(self, src, dim, start, end, step):
    """A copy of ``self`` with ``src`` in the place of ``self[start:end:step]`` along ``dim``."""
    at = canonical_dim(dim, self.ndim)
    first, n = _slice_bounds(self.shape[at], start, end, step)
    _check_src(src, (*self.shape[:at], n, *self.shape[at + 1 :]))
    return _write_slice(self, src.astype(self.dtype), at, first, n, step)


@slice_scatter.vjp
def _(ct, dim, start, end, step):
    at = canonical_dim(dim, ct.ndim)
    first, n = _slice_bounds(ct.shape[at], start, end, step)
    g_src = jax.lax.slice_in_dim(ct, first, first + max(0, (n - 1) * step + 1) if n else first, stride=step, axis=at)
    return _write_slice(ct, jnp.zeros((), ct.dtype), at, first, n, step), g_src


def _select_at(shape: Sequence[int], dim: int, index: int) -> tuple[int, int]:
    at = canonical_dim(dim, len(shape))
    if not shape:
        raise IndexError("select() cannot be applied to a 0-dim tensor.")
    if not -shape[at] <= index < shape[at]:
        raise IndexError(f"select(): index {index} out of range for tensor of size {list(shape)} at dimension {at}")
    return at, index % shape[at]


@op(
    "select_scatter(Tensor self, Tensor src, int dim, int index) -> Tensor",
    samples=cases((T((4, 3)), T((3,)), 0, 1), (T((4, 3)), T((4,)), -1, -1)),
)
def select_scatter(self, src, dim, index):
    """A copy of ``self`` with ``src`` in the place of ``self.select(dim, index)``."""
    at, first = _select_at(self.shape, dim, index)
    _check_src(src, self.shape[:at] + self.shape[at + 1 :])
    return _write_slice(self, jnp.expand_dims(src.astype(self.dtype), at), at, first, 1, 1)


@select_scatter.vjp
def _(ct, dim, index):
    at, first = _select_at(ct.shape, dim, index)
    g_src = jax.lax.index_in_dim(ct, first, at, keepdims=False)
    return _write_slice(ct, jnp.zeros((), ct.dtype), at, first, 1, 1), g_src


def _on_diagonal(shape, offset, dim1, dim2):
    """(mask of the diagonal, its length, canonical dims)."""
    a, b = canonical_dim(dim1, len(shape)), canonical_dim(dim2, len(shape))
    if a == b:
        raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    plane = tuple(n if k in (a, b) else 1 for k, n in enumerate(shape))
    mask = jax.lax.broadcasted_iota(jnp.int32, plane, a) + offset == jax.lax.broadcasted_iota(jnp.int32, plane, b)
    return mask, max(0, min(shape[a] + min(offset, 0), shape[b] - max(offset, 0))), a, b


@op(
    "diagonal_scatter(Tensor self, Tensor src, int offset=0, int dim1=0, int dim2=1) -> Tensor",
    samples=cases((T((3, 4)), T((3,))), (T((3, 4)), T((2,)), -1), (T((2, 3, 4)), T((3, 1)), 1, 2, 0)),
)
def diagonal_scatter(self, src, offset, dim1, dim2):
    """A copy of ``self`` with ``src`` on one diagonal."""
    mask, n, a, b = _on_diagonal(self.shape, offset, dim1, dim2)
    _check_src(src, (*(s for k, s in enumerate(self.shape) if k not in (a, b)), n))
    if n == 0:
        return self
    along = jnp.pad(
        src.astype(self.dtype), [(0, 0)] * (src.ndim - 1) + [(max(-offset, 0), self.shape[a] - n - max(-offset, 0))]
    )
    along = jnp.expand_dims(along, -1)
    return jnp.where(mask, jnp.moveaxis(along, (-2, -1), (a, b)), self)


@diagonal_scatter.vjp
def _(ct, offset, dim1, dim2):
    mask, _, a, b = _on_diagonal(ct.shape, offset, dim1, dim2)
    return jnp.where(mask, jnp.zeros((), ct.dtype), ct), diagonal_of(ct, offset, a, b)


def _strided_places(self, size, stride, storage_offset):
    """Row-major positions in ``self`` that a strided view reads."""
    if len(size) != len(stride):
        raise RuntimeError(f"mismatch in length of strides and shape: got {len(size)} sizes and {len(stride)} strides")
    if any(s < 0 for s in stride):
        raise RuntimeError(f"as_strided: Negative strides are not supported at the moment, got strides: {list(stride)}")
    offset = storage_offset or 0
    if math.prod(size):
        last = offset + sum((n - 1) * s for n, s in zip(size, stride, strict=True))
        if last >= self.size or offset < 0:
            item = np.dtype(self.dtype).itemsize
            raise RuntimeError(
                f"setStorage: sizes {list(size)}, strides {list(stride)}, storage offset {offset}, and itemsize {item} "
                f"requiring a storage size of {(last + 1) * item} are out of bounds for storage of size "
                f"{self.size * item}"
            )
    dtype = jnp.int32 if self.size < 2**31 else jnp.int64
    places = jnp.full(size, offset, dtype)
    for k, s in enumerate(stride):
        places = places + s * jax.lax.broadcasted_iota(dtype, size, k)
    return places


@op(
    "as_strided_scatter(Tensor self, Tensor src, int[] size, int[] stride, int? storage_offset=None) -> Tensor",
    samples=cases(
        (T((3, 4)), T((2, 2)), (2, 2), (4, 2), 1), (T((3, 4)), T((3,)), (3,), (5,)), (T((4,)), T((0,)), (0,), (1,))
    ),
)
def as_strided_scatter(self, src, size, stride, storage_offset):
    """A copy of ``self`` (as contiguous memory) with ``src`` in the place of a strided view of it."""
    places = _strided_places(self, size, stride, storage_offset)
    _check_src(src, tuple(size))
    if not src.size:
        return self
    flat = self.reshape(-1).at[places].set(src.astype(self.dtype), **_WRITE)
    return flat.reshape(self.shape)


@as_strided_scatter.vjp
def _(ct, size, stride, storage_offset):
    places = _strided_places(ct, size, stride, storage_offset)
    flat = ct.reshape(-1)
    if not places.size:
        return ct, jnp.zeros(size, ct.dtype)
    zeroed = flat.at[places].set(jnp.zeros((), ct.dtype), **_WRITE).reshape(ct.shape)
    return zeroed, flat.at[places].get(mode="promise_in_bounds")
