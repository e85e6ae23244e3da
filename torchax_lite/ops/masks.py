"""Reading and writing where a mask is true."""

from __future__ import annotations

import math
from typing import Any

import jax.numpy as jnp
import numpy as np

from .common import cast_like
from .gather_scatter import (
    check_number,
    narrow_index,
)
from .indexing import _WRITE, _names, _numbered, take
from .lowering import broadcast
from .registry import op
from .samples import T, cases


def _check_mask(self: Any, mask: Any) -> None:
    if mask.dtype != jnp.bool_:
        names = {"Long": "long int", "Float": "float", "Int": "int", "Byte": "unsigned char", "Double": "double"}
        name = _names(mask.dtype)
        raise RuntimeError(f"masked_fill_ only supports boolean masks, but got mask with dtype {names.get(name, name)}")
    broadcast([mask.shape, self.shape])


_MASKED = (
    (T((2, 3)), T((2, 3), np.bool_)),
    (T((2, 3)), T((3,), np.bool_)),
    (T((3,)), T((2, 3), np.bool_)),
    (T(()), T((), np.bool_)),
)


@op(
    "masked_fill(Tensor self, Tensor mask, Tensor|Scalar value) -> Tensor",
    inplace=True,
    out=False,
    pointwise=True,
    grad_name=_numbered("MaskedFill", 2),
    samples=cases(*((*c, v) for c in _MASKED for v in (2, T(())))),
)
def masked_fill(self, mask, value):
    """A number or the value of a 0-dim tensor where ``mask``, else ``self``."""
    return jnp.where(mask, cast_like(value, self), self)


@masked_fill.check
def _(self, mask, value):
    if getattr(value, "ndim", 0):
        raise RuntimeError(
            f"masked_fill_ only supports a 0-dimensional value tensor, but got tensor with {value.ndim} dimension(s)."
        )
    _check_mask(self, mask)
    check_number(value, self.dtype)


@masked_fill.vjp
def _(ct, mask):
    zero = jnp.zeros((), ct.dtype)
    return jnp.where(mask, zero, ct), None, jnp.sum(jnp.where(mask, ct, zero), dtype=ct.dtype)


@op(
    "masked_scatter(Tensor self, Tensor mask, Tensor source) -> Tensor",
    inplace=True,
    out=False,
    samples=cases(*((*c, T((7,))) for c in _MASKED)),
)
def masked_scatter(self, mask, source):
    """``self`` with the places where ``mask`` is true filled with the elements of ``source``, in row-major order."""
    if mask.dtype != jnp.bool_:
        raise RuntimeError(f"masked_scatter_ only supports boolean masks, but got mask with dtype {_names(mask.dtype)}")
    if self.dtype != source.dtype:
        raise RuntimeError(
            "masked_scatter: expected self and source to have same dtypes but got"
            f"{_names(self.dtype)} and {_names(source.dtype)}"
        )
    shape = broadcast([self.shape, mask.shape])
    if not source.size:
        return jnp.broadcast_to(self, shape)
    picked = source.reshape(-1).at[_ranks(mask, shape)].get(mode="clip")
    return jnp.where(mask, picked, self)


def _ranks(mask, shape):
    """For each place the number of true places before it, in row-major order of the broadcast mask."""
    flat = jnp.broadcast_to(mask, shape).reshape(-1)
    return (jnp.cumsum(flat, dtype=jnp.int32 if flat.size < 2**31 else jnp.int64) - 1).clip(0).reshape(shape)


@masked_scatter.vjp
def _(ct, mask, source_shape):
    n = math.prod(source_shape)
    kept = jnp.where(mask, jnp.zeros((), ct.dtype), ct)
    if not n:
        return kept, None, None
    places = jnp.where(mask, _ranks(mask, ct.shape), n)
    return kept, None, jnp.zeros(n, ct.dtype).at[places].set(ct, mode="drop").reshape(source_shape)


@op(
    "masked_select_at(Tensor self, Tensor index, int[] shape) -> Tensor",
    method=False,
    out=False,
    namespaces=("_ops",),
    grad_name="MaskedSelectBackward0",
    samples=cases((T((3,)), T((4,), np.int64, 0, 5), (2, 3)), (T((2, 3)), T((0,), np.int64), (2, 3))),
)
def masked_select_at(self, index, shape):
    """Elements of ``self``, broadcast to ``shape``, at positions counted in row-major order."""
    return take.body(jnp.broadcast_to(self, shape), index)


@masked_select_at.vjp
def _(ct, index, shape):
    if not ct.size:
        return None, None
    flat = jnp.zeros(math.prod(shape), ct.dtype)
    return flat.at[narrow_index(index, flat.size)].add(ct, **_WRITE).reshape(shape), None
