"""View ops: bodies read, ``layout_rule`` gives the metadata, ``write`` puts a value back into the base."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from .common import canonical_dim, display_name
from .registry import op

Shape = tuple[int, ...]
Layout = tuple[Shape, Shape, int]


def _strides_of_view(old: Shape, strides: Shape, new: Shape) -> Shape | None:
    """Strides of a reshape that needs no copy, None otherwise."""
    if 0 in old or not old:
        step, made = 1, []
        for s in reversed(new):
            made.append(step)
            step *= max(s, 1)
        return tuple(reversed(made))
    result = [0] * len(new)
    d_new = len(new) - 1
    base = strides[-1]
    numel_old = numel_new = 1
    for d in range(len(old) - 1, -1, -1):
        numel_old *= old[d]
        if d == 0 or (old[d - 1] != 1 and strides[d - 1] != numel_old * base):
            while d_new >= 0 and (numel_new < numel_old or new[d_new] == 1):
                result[d_new] = numel_new * base
                numel_new *= new[d_new]
                d_new -= 1
            if numel_new != numel_old:
                return None
            if d > 0:
                base = strides[d - 1]
                numel_old = numel_new = 1
    return tuple(result) if d_new == -1 else None


def infer_size(shape: Sequence[int], numel: int) -> Shape:
    """``shape`` with its one -1 filled in; RuntimeError where it does not fit."""
    known, hole = 1, None
    for i, s in enumerate(shape):
        if s == -1:
            if hole is not None:
                raise RuntimeError("only one dimension can be inferred")
            hole = i
        elif s < 0:
            raise RuntimeError(f"invalid shape dimension {s}")
        else:
            known *= s
    if hole is not None:
        if known == 0 and numel == 0:
            raise RuntimeError(
                f"cannot reshape tensor of 0 elements into shape {list(shape)} because the unspecified dimension size -1 "
                "can be any value and is ambiguous"
            )
        if known == 0 or numel % known:
            raise RuntimeError(f"shape '{list(shape)}' is invalid for input of size {numel}")
        return (*shape[:hole], numel // known, *shape[hole + 1 :])
    if known != numel:
        raise RuntimeError(f"shape '{list(shape)}' is invalid for input of size {numel}")
    return tuple(shape)


@op("view(Tensor self, int[] size) -> Tensor", view=True, function=False, method=False)
def view(self, size):
    """The same elements in another shape."""
    return self.reshape(infer_size(size, self.size))


@view.vjp
def _(ct, self_shape):
    return ct.reshape(self_shape)


@view.layout_rule
def _(shape: Shape, strides: Shape, offset: int, size: Shape) -> Layout:
    new = infer_size(size, math.prod(shape))
    made = _strides_of_view(shape, strides, new)
    if made is None:
        raise RuntimeError(
            "view size is not compatible with input tensor's size and stride (at least one dimension spans across two "
            "contiguous subspaces). Use .reshape(...) instead."
        )
    return new, made, offset


@view.write
def _(base, value, size):
    return value.reshape(base.shape)


@op("permute(Tensor self, int[] dims) -> Tensor", view=True)
def permute(self, dims):
    """Dims in another order."""
    return jnp.transpose(self, _permutation(dims, self.ndim))


def _permutation(dims: Sequence[int], ndim: int) -> tuple[int, ...]:
    if len(dims) != ndim:
        raise RuntimeError(
            "permute(sparse_coo): number of dimensions in the tensor input does not match the length of the desired "
            f"ordering of dimensions i.e. input.dim() = {ndim} is not equal to len(dims) = {len(dims)}"
        )
    found = tuple(canonical_dim(d, ndim) for d in dims)
    if len(set(found)) != ndim:
        raise RuntimeError("permute(): duplicate dims are not allowed.")
    return found


def _inverse(perm: Sequence[int]) -> tuple[int, ...]:
    inverse = [0] * len(perm)
    for i, p in enumerate(perm):
        inverse[p] = i
    return tuple(inverse)


@permute.vjp
def _(ct, dims):
    return jnp.transpose(ct, _inverse(_permutation(dims, ct.ndim)))


@permute.layout_rule
def _(shape: Shape, strides: Shape, offset: int, dims: Shape) -> Layout:
    perm = _permutation(dims, len(shape))
    return tuple(shape[p] for p in perm), tuple(strides[p] for p in perm), offset


@permute.write
def _(base, value, dims):
    return jnp.transpose(value, _inverse(_permutation(dims, base.ndim)))


@op("transpose(Tensor self, int dim0, int dim1) -> Tensor", view=True)
def transpose(self, dim0, dim1):
    """Two dims swapped."""
    if self.ndim == 0:
        canonical_dim(dim0, 0), canonical_dim(dim1, 0)
        return self
    return jnp.swapaxes(self, canonical_dim(dim0, self.ndim), canonical_dim(dim1, self.ndim))


@transpose.vjp
def _(ct, dim0, dim1):
    return jnp.swapaxes(ct, dim0, dim1) if ct.ndim else ct


@transpose.layout_rule
def _(shape: Shape, strides: Shape, offset: int, dim0: int, dim1: int) -> Layout:
    if not shape:
        return shape, strides, offset
    perm = list(range(len(shape)))
    a, b = canonical_dim(dim0, len(shape)), canonical_dim(dim1, len(shape))
    perm[a], perm[b] = perm[b], perm[a]
    return tuple(shape[p] for p in perm), tuple(strides[p] for p in perm), offset


@transpose.write
def _(base, value, dim0, dim1):
    return jnp.swapaxes(value, dim0, dim1) if value.ndim else value


@op("t(Tensor self) -> Tensor", view=True)
def t(self):
    """Transpose of a matrix; tensors of fewer dims unchanged."""
    if self.ndim > 2:
        raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {self.ndim}D")
    return self.T


@t.vjp
def _(ct):
    return ct.T


@t.layout_rule
def _(shape: Shape, strides: Shape, offset: int) -> Layout:
    return shape[::-1], strides[::-1], offset


@t.write
def _(base, value):
    return value.T


@op("squeeze.all(Tensor self) -> Tensor", view=True)
def squeeze_all(self):
    """All dims of size 1 removed."""
    return jnp.squeeze(self)


@squeeze_all.vjp
def _(ct, self_shape):
    return ct.reshape(self_shape)


@squeeze_all.layout_rule
def _(shape: Shape, strides: Shape, offset: int) -> Layout:
    keep = [i for i, s in enumerate(shape) if s != 1]
    return tuple(shape[i] for i in keep), tuple(strides[i] for i in keep), offset


@squeeze_all.write
def _(base, value):
    return value.reshape(base.shape)


@op("squeeze.dims(Tensor self, int[] dim) -> Tensor", view=True, grad_name="SqueezeBackward1")
def squeeze_dims(self, dim):
    """The named dims removed where their size is 1."""
    return jnp.squeeze(self, _squeezed(self.shape, dim))


def _squeezed(shape: Shape, dim: Sequence[int]) -> tuple[int, ...]:
    found = [canonical_dim(d, len(shape)) for d in dim]
    if len(set(found)) != len(found) and shape:
        raise RuntimeError(
            f"dim {next(d for d in found if found.count(d) > 1)} appears multiple times in the list of dims"
        )
    return tuple(d for d in found if shape and shape[d] == 1)


@squeeze_dims.vjp
def _(ct, self_shape, dim):
    return ct.reshape(self_shape)


@squeeze_dims.layout_rule
def _(shape: Shape, strides: Shape, offset: int, dim: Shape) -> Layout:
    gone = _squeezed(shape, dim)
    keep = [i for i in range(len(shape)) if i not in gone]
    return tuple(shape[i] for i in keep), tuple(strides[i] for i in keep), offset


@squeeze_dims.write
def _(base, value, dim):
    return value.reshape(base.shape)


@op("unsqueeze(Tensor self, int dim) -> Tensor", view=True)
def unsqueeze(self, dim):
    """A dim of size 1 inserted."""
    return jnp.expand_dims(self, canonical_dim(dim, self.ndim + 1))


@unsqueeze.vjp
def _(ct, self_shape, dim):
    return ct.reshape(self_shape)


@unsqueeze.layout_rule
def _(shape: Shape, strides: Shape, offset: int, dim: int) -> Layout:
    d = canonical_dim(dim, len(shape) + 1)
    step = shape[d] * strides[d] if d < len(shape) else 1
    return (*shape[:d], 1, *shape[d:]), (*strides[:d], step, *strides[d:]), offset


@unsqueeze.write
def _(base, value, dim):
    return value.reshape(base.shape)


def _expanded(shape: Shape, size: Sequence[int]) -> Shape:
    if len(size) < len(shape):
        raise RuntimeError(
            f"expand({{{list(shape)}}}, size={list(size)}): the number of sizes provided ({len(size)}) must be greater or "
            f"equal to the number of dimensions in the tensor ({len(shape)})"
        )
    lead = len(size) - len(shape)
    made = []
    for i, s in enumerate(size):
        have = shape[i - lead] if i >= lead else 1
        if s == -1:
            if i < lead:
                raise RuntimeError(
                    f"The expanded size of the tensor (-1) isn't allowed in a leading, non-existing dimension {i}"
                )
            s = have
        elif s < 0:
            raise RuntimeError(
                f"The expanded size of the tensor ({s}) isn't allowed in a leading, non-existing dimension {i}"
            )
        if have != s and have != 1:
            raise RuntimeError(
                f"The expanded size of the tensor ({s}) must match the existing size ({have}) at non-singleton dimension "
                f"{i}.  Target sizes: {list(size)}.  Tensor sizes: {list(shape)}"
            )
        made.append(s)
    return tuple(made)


@op("expand(Tensor self, int[] size) -> Tensor", view=True, function=False, method=False)
def expand(self, size):
    """Dims of size 1 repeated without copying."""
    return jnp.broadcast_to(self, _expanded(self.shape, size))


@expand.vjp
def _(ct, self_shape, size):
    return ct


@expand.layout_rule
def _(shape: Shape, strides: Shape, offset: int, size: Shape) -> Layout:
    new = _expanded(shape, size)
    lead = len(new) - len(shape)
    made = []
    for i, s in enumerate(new):
        if i < lead:
            made.append(0)
        else:
            made.append(strides[i - lead] if shape[i - lead] == s else 0)
    if lead and all(s == 1 for s in new[:lead]):
        step = shape[0] * strides[0] if shape else 1
        made[:lead] = [step] * lead
    return new, tuple(made), offset


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


@op("view_as_real(Tensor self) -> Tensor", view=True)
def view_as_real(self):
    """A complex tensor as a real one with a last dim of size 2."""
    if self.dtype.kind != "c":
        raise RuntimeError("view_as_real is only supported for complex tensors")
    return jnp.stack([jnp.real(self), jnp.imag(self)], axis=-1)


@view_as_real.vjp
def _(ct):
    return lax.complex(ct[..., 0], ct[..., 1])


@view_as_real.layout_rule
def _(shape: Shape, strides: Shape, offset: int) -> Layout:
    return (*shape, 2), (*(2 * s for s in strides), 1), 2 * offset


@view_as_real.write
def _(base, value):
    return lax.complex(value[..., 0], value[..., 1])


@op("view_as_complex(Tensor self) -> Tensor", view=True)
def view_as_complex(self):
    """A real tensor whose last dim has size 2 as a complex one."""
    if self.dtype == np.float16:
        raise NotImplementedError("view_as_complex of float16: torch.complex32 tensors do not exist here")
    if self.dtype not in (np.float32, np.float64):
        raise RuntimeError(
            "view_as_complex is only supported for half, float and double tensors, but got a tensor of another type"
        )
    if self.ndim == 0:
        raise RuntimeError("Input tensor must have one or more dimensions")
    if self.shape[-1] != 2:
        raise RuntimeError("Tensor must have a last dimension of size 2")
    return lax.complex(self[..., 0], self[..., 1])


@view_as_complex.vjp
def _(ct):
    return jnp.stack([jnp.real(ct), jnp.imag(ct)], axis=-1)


@view_as_complex.layout_rule
def _(shape: Shape, strides: Shape, offset: int) -> Layout:
    if strides[-1] != 1:
        raise RuntimeError("Tensor must have a last dimension with stride 1")
    if any(s % 2 for s in strides[:-1]):
        raise RuntimeError("Tensor must have a stride divisible by 2 for all but last dimension")
    return shape[:-1], tuple(s // 2 for s in strides[:-1]), offset // 2


@view_as_complex.write
def _(base, value):
    return jnp.stack([jnp.real(value), jnp.imag(value)], axis=-1)


def _unchanged(shape: Shape, strides: Shape, offset: int) -> Layout:
    return shape, strides, offset


@op("conj(Tensor self) -> Tensor", view=True, method=False, function=False, grad_name="ConjBackward0")
def conj(self):
    """The complex conjugate of memory that holds the numbers themselves."""
    return jnp.conj(self)


@op("neg_view(Tensor self) -> Tensor", view=True, method=False, function=False, grad_name="NegViewBackward0")
def neg_view(self):
    """The negative of memory that holds the numbers themselves."""
    return -self


@conj.vjp
def _(ct):
    return jnp.conj(ct)


@neg_view.vjp
def _(ct):
    return -ct


@conj.write
def _(base, value):
    return jnp.conj(value)


@neg_view.write
def _(base, value):
    return -value


conj.layout_rule(_unchanged)
neg_view.layout_rule(_unchanged)


@op("real(Tensor self) -> Tensor", view=True, method=False, function=False)
def real(self):
    """Real part of a complex tensor."""
    return jnp.real(self)


@real.vjp
def _(ct):
    return lax.complex(ct, jnp.zeros_like(ct))


@op("imag(Tensor self) -> Tensor", view=True, method=False, function=False)
def imag(self):
    """Imaginary part of a complex tensor."""
    return jnp.imag(self)


@imag.vjp
def _(ct):
    return lax.complex(jnp.zeros_like(ct), ct)


@real.layout_rule
def _(shape: Shape, strides: Shape, offset: int) -> Layout:
    return shape, tuple(2 * s for s in strides), 2 * offset


@imag.layout_rule
def _(shape: Shape, strides: Shape, offset: int) -> Layout:
    return shape, tuple(2 * s for s in strides), 2 * offset + 1


@real.write
def _(base, value):
    return lax.complex(value, jnp.imag(base))


@imag.write
def _(base, value):
    return lax.complex(jnp.real(base), value)


@op(
    "view.dtype(Tensor self, ScalarType dtype) -> Tensor", view=True, method=False, function=False, differentiable=False
)
def view_dtype(self, dtype):
    """The same bytes read as another dtype."""
    have, want = self.dtype.itemsize, np.dtype(dtype).itemsize
    x = self
    if have < want:
        if self.ndim == 0:
            raise RuntimeError(f"self.dim() cannot be 0 to view {self.dtype} as {dtype} (different element sizes)")
        ratio = want // have
        if self.shape[-1] % ratio:
            raise RuntimeError(
                f"self.size(-1) must be divisible by {ratio} to view {display_name(self.dtype)} as {display_name(dtype)} "
                f"(different element sizes), "
                f"but got {self.shape[-1]}"
            )
        x = self.reshape(*self.shape[:-1], self.shape[-1] // ratio, ratio)
    elif have > want and self.ndim == 0:
        raise RuntimeError(f"self.dim() cannot be 0 to view {self.dtype} as {dtype} (different element sizes)")
    if (self.dtype.kind == "c" or np.dtype(dtype).kind == "c") and not _halves(self.dtype, np.dtype(dtype), have, want):
        return _through_bytes(self, np.dtype(dtype))
    out = _bitcast(x, dtype)
    return out.reshape(*self.shape[:-1], -1) if have > want else out


def _halves(have: Any, want: Any, have_size: int, want_size: int) -> bool:
    """Whether a complex number is read as, or made of, two real ones."""
    if have.kind == "c":
        return want.kind != "c" and want_size * 2 == have_size
    return have.kind != "b" and have_size * 2 == want_size


def _through_bytes(x: Any, dtype: Any) -> Any:
    """Elements read as another dtype by way of their bytes."""
    shape = x.shape
    if x.dtype.kind == "c":
        x = jnp.stack([jnp.real(x), jnp.imag(x)], axis=-1)
    elif x.dtype == np.bool_:
        x = x.astype(np.uint8)
    raw = x if x.dtype.itemsize == 1 else lax.bitcast_convert_type(x, np.uint8)
    lead = shape[:-1]
    part = dtype.itemsize // 2 if dtype.kind == "c" else dtype.itemsize
    raw = raw.reshape(*lead, -1, *((2,) if dtype.kind == "c" else ()), part)
    if dtype == np.bool_:
        out = raw[..., 0] != 0
    elif dtype.kind == "c":
        real = lax.bitcast_convert_type(raw, np.float32 if dtype == np.complex64 else np.float64)
        out = lax.complex(real[..., 0], real[..., 1])
    else:
        out = lax.bitcast_convert_type(raw if part > 1 else raw[..., 0], dtype)
    return out if shape else out.reshape(())


def _bitcast(x: Any, dtype: Any) -> Any:
    dtype = np.dtype(dtype)
    if x.dtype == np.bool_:
        x = x.astype(np.uint8)
    if x.dtype.kind == "c":
        part = jnp.stack([jnp.real(x), jnp.imag(x)], axis=-1)
        if dtype.itemsize == part.dtype.itemsize:
            return lax.bitcast_convert_type(part, dtype).reshape(*x.shape, 2)
        raise NotImplementedError(f"view of {x.dtype} as {dtype}")
    if dtype.kind == "c":
        real_dtype = np.float32 if dtype == np.complex64 else np.float64
        if x.shape[-1:] == (2,) and x.dtype.itemsize * 2 == dtype.itemsize:
            part = lax.bitcast_convert_type(x, real_dtype)
            return lax.complex(part[..., 0], part[..., 1])
        raise NotImplementedError(f"view of {x.dtype} as {dtype}")
    if dtype == np.bool_:
        return lax.bitcast_convert_type(x, np.uint8) != 0
    return lax.bitcast_convert_type(x, dtype)


@view_dtype.layout_rule
def _(shape: Shape, strides: Shape, offset: int, dtype: Any) -> Layout:
    raise NotImplementedError("layout of a dtype view is computed by Tensor.view")


@view_dtype.write
def _(base, value, dtype):
    flat = value
    have, want = base.dtype.itemsize, value.dtype.itemsize
    if have > want:
        flat = value.reshape(*base.shape, have // want)
    out = _bitcast(flat, base.dtype)
    return out.reshape(base.shape)


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
