"""View ops: bodies read, ``layout_rule`` gives the metadata, ``write`` puts a value back into the base."""

from __future__ import annotations

import math
from collections.abc import Sequence

import jax.numpy as jnp

from .common import canonical_dim
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
