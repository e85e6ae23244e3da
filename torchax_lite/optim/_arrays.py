"""The few functions that update formulas are written in, over JAX arrays.

``_tensors.py`` has the same names over tensors. The result has the first array's dtype; numbers (0-d float64 arrays)
and operands take the dtype that PyTorch computes in: float32 for bfloat16 and float16, else the array's own.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

Array = jax.Array


def _compute_dtype(x: Array) -> Any:
    return jnp.float32 if x.dtype in (jnp.bfloat16, jnp.float16) else x.dtype


def _to(value: Any, dtype: Any) -> Array:
    return jnp.asarray(value).astype(dtype)


def _rounded(value: Array, like: Array) -> Array:
    """The value in the dtype of ``like``; to bfloat16 by an explicit rounding, as XLA may leave a cast out."""
    if like.dtype == jnp.bfloat16:
        value = jax.lax.reduce_precision(value, exponent_bits=8, mantissa_bits=7)
    return value.astype(like.dtype)


def add(x: Array, y: Any, alpha: Any = None) -> Array:
    """``x + alpha * y``."""
    dtype = _compute_dtype(x)
    y = _to(y, dtype)
    return _rounded(_to(x, dtype) + (y if alpha is None else _to(alpha, dtype) * y), x)


def sub(x: Array, y: Any) -> Array:
    """``x - y``."""
    dtype = _compute_dtype(x)
    return _rounded(_to(x, dtype) - _to(y, dtype), x)


def mul(x: Array, y: Any) -> Array:
    """``x * y``."""
    dtype = _compute_dtype(x)
    return _rounded(_to(x, dtype) * _to(y, dtype), x)


def div(x: Array, y: Any) -> Array:
    """``x / y``."""
    dtype = _compute_dtype(x)
    return _rounded(_to(x, dtype) / _to(y, dtype), x)


def addcmul(x: Array, a: Array, b: Array, value: Any) -> Array:
    """``x + value * a * b``."""
    dtype = _compute_dtype(x)
    return _rounded(_to(x, dtype) + _to(value, dtype) * _to(a, dtype) * _to(b, dtype), x)


def addcdiv(x: Array, a: Array, b: Array, value: Any) -> Array:
    """``x + value * a / b``."""
    dtype = _compute_dtype(x)
    return _rounded(_to(x, dtype) + _to(value, dtype) * (_to(a, dtype) / _to(b, dtype)), x)


def lerp(x: Array, end: Array, weight: Any) -> Array:
    """``x + weight * (end - x)``, from the nearer end as PyTorch does."""
    dtype = _compute_dtype(x)
    start, end, weight = _to(x, dtype), _to(end, dtype), _to(weight, dtype)
    step = end - start
    return _rounded(jnp.where(weight < 0.5, start + weight * step, end - step * (1 - weight)), x)


def sqrt(x: Array) -> Array:
    """Square root."""
    return _rounded(jnp.sqrt(_to(x, _compute_dtype(x))), x)


def neg(x: Array) -> Array:
    """``-x``."""
    return -x


def absolute(x: Array) -> Array:
    """``|x|``."""
    return jnp.abs(x)


def sign(x: Array) -> Array:
    """-1, 0 or 1; 0 for NaN, as in PyTorch."""
    return (x > 0).astype(x.dtype) - (x < 0).astype(x.dtype)


def maximum(x: Array, y: Array) -> Array:
    """The larger; NaN wins."""
    return jnp.maximum(x, y)


def clamp(x: Array, low: Any, high: Any) -> Array:
    """``min(max(x, low), high)``."""
    return jnp.clip(x, _to(low, x.dtype), _to(high, x.dtype))


def where(condition: Array, x: Any, y: Any) -> Array:
    """``x`` where the condition holds, else ``y``; a number takes the array's dtype."""
    dtype = x.dtype if jnp.ndim(x) else y.dtype
    return jnp.where(condition, _to(x, dtype), _to(y, dtype))


def to_real(x: Array) -> Array:
    """Complex numbers as pairs in a new last dimension; others as they are."""
    return jnp.stack([x.real, x.imag], -1) if jnp.iscomplexobj(x) else x


def from_real(x: Array, like: Array) -> Array:
    """The inverse of :func:`to_real`, for an array like ``like``."""
    return jax.lax.complex(x[..., 0], x[..., 1]) if jnp.iscomplexobj(like) else x
