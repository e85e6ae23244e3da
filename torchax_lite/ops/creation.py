"""Ops that make arrays from numbers alone, and copies between dtypes."""

from __future__ import annotations

import functools

import jax.numpy as jnp
import numpy as np
from jax import lax

from .common import rounded_to
from .lowering import _astype
from .registry import op


@op("full(Scalar value, int[] size, ScalarType dtype) -> Tensor", function=False, method=False, differentiable=False)
def full(value, size, dtype):
    """``size`` copies of a number."""
    return jnp.broadcast_to(_astype(value, np.dtype(dtype)), size)


@op("arange(Scalar start, Scalar step, int length, ScalarType dtype) -> Tensor", function=False, method=False, differentiable=False)  # fmt: skip
def arange(start, step, length, dtype):
    """``start + i * step``; floating results are computed in float64."""
    dtype = np.dtype(dtype)
    wide = np.int64 if start.dtype.kind in "iub" and step.dtype.kind in "iub" else np.float64
    i = lax.iota(wide, length)
    return (start.astype(wide) + i * step.astype(wide)).astype(dtype)


@op("linspace(Scalar start, Scalar end, int steps, ScalarType dtype) -> Tensor", function=False, method=False, differentiable=False)  # fmt: skip
def linspace(start, end, steps, dtype):
    """``steps`` evenly spaced numbers; the second half is counted back from ``end``; narrow floats round at each step."""
    dtype = np.dtype(dtype)
    narrow = dtype.kind not in "biufc" or (dtype.kind == "f" and dtype.itemsize == 2)
    work = np.dtype(np.float32) if narrow else dtype if dtype.kind in "fc" else np.dtype(np.float64)
    keep = functools.partial(rounded_to, dtype=dtype) if narrow else lambda x: x
    start, end = keep(_astype(start, work)), keep(_astype(end, work))
    if steps == 1:
        return _astype(start[None], dtype)
    i = jnp.arange(steps)
    step = keep(keep(end - start) / keep(jnp.asarray(steps - 1, work)))
    forward = start + keep(step * keep(i.astype(work)))
    backward = end - keep(step * keep((steps - 1 - i).astype(work)))
    return _astype(jnp.where(i < steps // 2, forward, backward), dtype)


@op("eye(int n, int m, ScalarType dtype) -> Tensor", function=False, method=False, differentiable=False)
def eye(n, m, dtype):
    """Ones on the diagonal."""
    return jnp.eye(n, m, dtype=np.dtype(dtype))


@op("to_copy(Tensor self, ScalarType dtype) -> Tensor", function=False, method=False, pointwise=True, grad_name="ToCopyBackward0")  # fmt: skip
def to_copy(self, dtype):
    """The values in another dtype."""
    target = np.dtype(dtype)
    if target.kind in "iu" and jnp.issubdtype(self.dtype, jnp.floating):
        return _truncate(self, target)
    return _astype(self, target)


def _truncate(x, target):
    """Floats as integers: narrow ones wrap around, what the wide register has not becomes its smallest number."""
    register = np.dtype(np.int32 if target.itemsize <= 2 or target == np.int32 else np.int64)
    low = float(np.iinfo(register).min)
    x = x.astype(np.float64) if x.dtype == np.float64 else x.astype(np.float32)
    return jnp.where((x >= low) & (x < -low), x.astype(register), np.iinfo(register).min).astype(target)


@to_copy.vjp
def _(ct):
    return ct


@op("clone(Tensor self) -> Tensor", function=False, method=False, pointwise=True)
def clone(self):
    """A copy."""
    return self


@clone.vjp
def _(ct):
    return ct


@op("copy_into(Tensor self, Tensor src) -> Tensor", function=False, method=False, grad_name="CopyBackwards")
def copy_into(self, src):
    """``src`` broadcast to ``self``'s shape and cast to its dtype."""
    return jnp.broadcast_to(to_copy.body(src, self.dtype), self.shape)


@copy_into.vjp
def _(ct):
    return None, ct


@op("reshape_copy(Tensor self, int[] size) -> Tensor", function=False, method=False, grad_name="UnsafeViewBackward0")
def reshape_copy(self, size):
    """A contiguous copy in another shape."""
    return self.reshape(size)


@reshape_copy.vjp
def _(ct, self_shape):
    return ct.reshape(self_shape)
