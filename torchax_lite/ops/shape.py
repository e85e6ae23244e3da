"""Rearranging without arithmetic: flips, rolls, repeats, triangles, diagonals."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from .common import canonical_dim, canonical_dims, display_name
from .memory import as_first, dense
from .registry import op
from .samples import T, cases

# ---------------------------------------------------------------- flips, rolls, rotations


@op(
    "flip(Tensor self, int[] dims) -> Tensor",
    out=False,
    samples=cases((T((2, 3)), (0,)), (T((2, 3, 2)), (-1, 0)), (T((3,)), ()), (T(()), (0,))),
)
def flip(self, dims):
    """``self`` with the order of the elements along each of ``dims`` reversed."""
    return jax.lax.rev(self, canonical_dims(dims, self.ndim)) if dims and self.ndim else self


flip.memory_rule(as_first)


@flip.vjp
def _(ct, dims):
    return flip(ct, dims)


@op(
    "roll(Tensor self, int[] shifts, int[] dims=[]) -> Tensor",
    out=False,
    samples=cases((T((2, 3)), (1,)), (T((2, 3)), (-1, 2), (0, 1)), (T((4,)), (9,), (0,)), (T((0, 2)), (1,), (0,))),
)
def roll(self, shifts, dims):
    """Elements moved by ``shifts`` places along ``dims`` and wrapped around; without ``dims`` in row-major order."""
    if not shifts:
        raise RuntimeError("`shifts` required")
    if not dims and len(shifts) == 1:
        return _rolled(self.reshape(-1), shifts[0], 0).reshape(self.shape)
    if len(shifts) != len(dims):
        raise RuntimeError(f"shifts and dimensions must align. shifts: {len(shifts)}, dims:{len(dims)}")
    if not self.size:
        return self
    x = self
    for shift, dim in zip(shifts, dims, strict=True):
        if not x.ndim:
            raise IndexError(f"Dimension specified as {dim} but tensor has no dimensions")
        x = _rolled(x, shift, canonical_dim(dim, x.ndim))
    return x


roll.memory_rule(as_first)


def _rolled(x, shift, dim):
    """One static rotation: two slices joined."""
    size = x.shape[dim]
    shift = shift % size if size else 0
    if not shift:
        return x
    head = jax.lax.slice_in_dim(x, 0, size - shift, axis=dim)
    tail = jax.lax.slice_in_dim(x, size - shift, size, axis=dim)
    return jax.lax.concatenate([tail, head], dim)


@roll.vjp
def _(ct, shifts, dims):
    return roll(ct, tuple(-s for s in shifts), dims)


@op(
    "rot90(Tensor self, int k=1, int[] dims=[0, 1]) -> Tensor",
    out=False,
    samples=cases((T((2, 3)),), (T((2, 3)), 2), (T((2, 3)), -1), (T((2, 3, 2)), 3, (2, 0)), (T((2, 3)), 4)),
)
def rot90(self, k, dims):
    """Rotation by ``k`` quarter turns in the plane of ``dims``, from the first towards the second."""
    if len(dims) != 2:
        raise RuntimeError(f"expected total rotation dims == 2, but got dims = {len(dims)}")
    if self.ndim < 2:
        raise RuntimeError(f"expected total dims >= 2, but got total dims = {self.ndim}")
    if dims[0] == dims[1] or abs(dims[0] - dims[1]) == self.ndim:
        raise RuntimeError(f"expected rotation dims to be different, but got dim0 = {dims[0]} and dim1 = {dims[1]}")
    a, b = (canonical_dim(d, self.ndim) for d in dims)
    k %= 4
    if k == 2:
        return jax.lax.rev(self, (a, b))
    if k == 0:
        return self
    return jax.lax.rev(jnp.swapaxes(self, a, b), (a if k == 1 else b,))


@rot90.memory_rule
def _(shapes, inputs, statics):
    k, dims = statics
    if k % 2 == 0:
        return [None]
    order = list(range(len(shapes[0])))
    a, b = (canonical_dim(d, len(order)) for d in dims)
    order[a], order[b] = b, a
    return [dense(shapes[0], order)]


@rot90.vjp
def _(ct, k, dims):
    return rot90(ct, -k, dims)


# ---------------------------------------------------------------- repeats


@op(
    "repeat(Tensor self, int[] repeats) -> Tensor",
    function=False,
    samples=cases((T((2, 3)), (2, 1)), (T((3,)), (2, 2)), (T(()), (3,)), (T((2, 3)), (0, 1)), (T(()), ())),
)
def repeat(self, repeats):
    """``self`` tiled ``repeats[i]`` times along dim i; more repeats than dims add dims in front."""
    if len(repeats) < self.ndim:
        raise RuntimeError("Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor")
    lead = len(repeats) - self.ndim
    shape = (1,) * lead + self.shape
    sizes = [r * s for r, s in zip(repeats, shape, strict=True)]
    negative = next((s for r, s in zip(repeats, sizes, strict=True) if r < 0), None)
    if negative is not None:
        raise RuntimeError(f"Trying to create tensor with negative dimension {negative}: {sizes}")
    split = [n for pair in zip(repeats, shape, strict=True) for n in pair]
    x = self.reshape([n for s in shape for n in (1, s)])
    return jnp.broadcast_to(x, split).reshape(sizes)


@repeat.vjp
def _(ct, repeats):
    if 0 in repeats:
        return None
    sizes = [s // r for r, s in zip(repeats, ct.shape, strict=True)]
    split = [n for pair in zip(repeats, sizes, strict=True) for n in pair]
    return jnp.sum(ct.reshape(split), axis=tuple(range(0, len(split), 2)), dtype=ct.dtype)


# ---------------------------------------------------------------- triangles


def _below(shape, diagonal):
    """Mask of the elements on and below a diagonal of the last two dims."""
    row = jax.lax.broadcasted_iota(jnp.int32, shape[-2:], 0)
    col = jax.lax.broadcasted_iota(jnp.int32, shape[-2:], 1)
    limit = max(shape[-2:], default=0)
    return row + max(-limit, min(limit, diagonal)) >= col


def _check_matrix(name, self):
    if self.ndim < 2:
        raise RuntimeError(f"{name}: input tensor must have at least 2 dimensions")


_TRIANGLES = cases((T((3, 3)),), (T((2, 4)), 1), (T((2, 4, 3)), -1), (T((0, 3)),), (T((3, 3)), 9), (T((3, 3)), -9))


@op("tril(Tensor self, int diagonal=0) -> Tensor", inplace=True, samples=_TRIANGLES)
def tril(self, diagonal):
    """The elements on and below the given diagonal of the last two dims, zero elsewhere."""
    _check_matrix("tril", self)
    return jnp.where(_below(self.shape, diagonal), self, jnp.zeros((), self.dtype))


@tril.vjp
def _(ct, diagonal):
    return tril(ct, diagonal)


@op("triu(Tensor self, int diagonal=0) -> Tensor", inplace=True, samples=_TRIANGLES)
def triu(self, diagonal):
    """The elements on and above the given diagonal of the last two dims, zero elsewhere."""
    _check_matrix("triu", self)
    return jnp.where(_below(self.shape, diagonal - 1), jnp.zeros((), self.dtype), self)


@triu.vjp
def _(ct, diagonal):
    return triu(ct, diagonal)


# ---------------------------------------------------------------- diagonals


def diagonal_of(x, offset, dim1, dim2):
    """The elements with ``index[dim2] - index[dim1] == offset``, as a new last dim."""
    rows, cols = x.shape[dim1], x.shape[dim2]
    n = max(0, min(rows + min(offset, 0), cols - max(offset, 0)))
    x = jnp.moveaxis(x, (dim1, dim2), (-2, -1))
    lead = x.shape[:-2]
    if n == 0:
        return jnp.zeros((*lead, 0), x.dtype)
    if offset == 0 and rows == cols:
        flat = x.reshape(*lead, rows * cols)
        return jax.lax.slice_in_dim(flat, 0, None, stride=cols + 1, axis=len(lead))
    top, left = max(-offset, 0), max(offset, 0)
    x = x[..., top : top + n, left : left + n].reshape(*lead, n * n)
    return jax.lax.slice_in_dim(x, 0, None, stride=n + 1, axis=len(lead))


def _diag_name(self, diagonal=0):
    return "DiagEmbedBackward0" if self.ndim == 1 else "DiagonalBackward0_copy"


@op(
    "diag(Tensor self, int diagonal=0) -> Tensor",
    grad_name=_diag_name,
    samples=cases((T((3,)),), (T((3,)), -1), (T((2, 4)),), (T((4, 2)), 1), (T((3, 3)), -2), (T((2, 2)), 5)),
)
def diag(self, diagonal):
    """The given diagonal of a matrix, or the square matrix with a vector on its diagonal."""
    if self.ndim == 1:
        return diag_embed(self, diagonal, 0, 1)
    if self.ndim == 2:
        return diagonal_of(self, diagonal, 0, 1)
    raise RuntimeError(f"diag(): Supports 1D or 2D tensors. Got {self.ndim}D")


@diag.vjp
def _(ct, self_shape, diagonal):
    if len(self_shape) == 1:
        return diagonal_of(ct, diagonal, 0, 1)
    return on_diagonal(ct, self_shape, diagonal)


def on_diagonal(x, shape, offset):
    """A matrix of this shape with the vector ``x`` on a diagonal, zero elsewhere."""
    rows = jnp.pad(x, (max(-offset, 0), max(0, shape[0] - x.size - max(-offset, 0))))[: shape[0], None]
    row = jax.lax.broadcasted_iota(jnp.int32, shape, 0)
    col = jax.lax.broadcasted_iota(jnp.int32, shape, 1)
    return jnp.where(row + offset == col, rows, jnp.zeros((), x.dtype))


@op(
    "diag_embed(Tensor self, int offset=0, int dim1=-2, int dim2=-1) -> Tensor",
    out=False,
    samples=cases((T((3,)),), (T((2, 3)), 1), (T((2, 3)), -2, 0, 2), (T((2, 3)), 1, 1, 0)),
)
def diag_embed(self, offset, dim1, dim2):
    """Square matrices in the plane of ``dim1, dim2`` of the result, with the last dim on a diagonal; zero elsewhere."""
    a, b = canonical_dim(dim1, self.ndim + 1), canonical_dim(dim2, self.ndim + 1)
    if a == b:
        raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    n = self.shape[-1] + abs(offset)
    padded = [(0, 0)] * (self.ndim - 1) + [(max(-offset, 0), max(offset, 0))]
    rows = jnp.pad(self, padded)[..., None] if offset else self[..., None]
    row = jax.lax.broadcasted_iota(jnp.int32, (n, n), 0)
    col = jax.lax.broadcasted_iota(jnp.int32, (n, n), 1)
    x = jnp.where(row + offset == col, rows, jnp.zeros((), self.dtype))
    return jnp.moveaxis(x, (-2, -1), (a, b))


@diag_embed.vjp
def _(ct, offset, dim1, dim2):
    return diagonal_of(ct, offset, canonical_dim(dim1, ct.ndim), canonical_dim(dim2, ct.ndim))


@op("trace(Tensor self) -> Tensor", out=False, samples=cases((T((3, 3)),), (T((2, 4)),), (T((0, 2)),)))
def trace(self):
    """Sum of the main diagonal of a matrix; integers are summed as int64."""
    if self.ndim != 2:
        raise RuntimeError(f"trace: expected a matrix, but got tensor with dim {self.ndim}")
    if self.dtype == jnp.bool_:
        raise NotImplementedError(f"\"trace\" not implemented for '{display_name(self.dtype)}'")
    on_diagonal = diagonal_of(self, 0, 0, 1)
    return jnp.sum(on_diagonal, dtype=jnp.int64 if self.dtype.kind in "iu" else self.dtype)


@trace.vjp
def _(ct, self_shape):
    return on_diagonal(jnp.broadcast_to(ct, (min(self_shape),)), self_shape, 0)
