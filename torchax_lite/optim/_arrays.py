"""The few functions that update formulas are written in, over JAX arrays.

``_tensors.py`` has the same names over tensors. The result has the first array's dtype; numbers (0-d float64 arrays)
and operands take the dtype that PyTorch computes in: float32 for bfloat16 and float16, else the array's own.
"""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp

from ..ops.common import quotient, rounded_to

Array = jax.Array


def _compute_dtype(x: Array) -> Any:
    return jnp.float32 if x.dtype in (jnp.bfloat16, jnp.float16) else x.dtype


def _to(value: Any, dtype: Any) -> Array:
    return jnp.asarray(value).astype(dtype)


def _rounded(value: Array, like: Array) -> Array:
    """The value in the dtype of ``like``; to bfloat16 by an explicit rounding, as XLA may leave a cast out."""
    if like.dtype == jnp.bfloat16:
        value = rounded_to(value, like.dtype)
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
    return _rounded(quotient(_to(x, dtype), _to(y, dtype)), x)


def addcmul(x: Array, a: Array, b: Array, value: Any) -> Array:
    """``x + value * a * b``."""
    dtype = _compute_dtype(x)
    return _rounded(_to(x, dtype) + _to(value, dtype) * _to(a, dtype) * _to(b, dtype), x)


def addcdiv(x: Array, a: Array, b: Array, value: Any) -> Array:
    """``x + value * a / b``."""
    dtype = _compute_dtype(x)
    return _rounded(_to(x, dtype) + _to(value, dtype) * (_to(a, dtype) / _to(b, dtype)), x)


def lerp(x: Array, end: Array, weight: Any, from_start: bool | None = None) -> Array:
    """``x + weight * (end - x)``, from the nearer end as PyTorch does; ``from_start`` says which, if it is known."""
    dtype = _compute_dtype(x)
    start, end, weight = _to(x, dtype), _to(end, dtype), _to(weight, dtype)
    step = end - start
    if from_start is None:
        return _rounded(jnp.where(weight < 0.5, start + weight * step, end - step * (1 - weight)), x)
    return _rounded(start + weight * step if from_start else end - step * (1 - weight), x)


def sqrt(x: Array) -> Array:
    """Square root."""
    return _rounded(jnp.sqrt(_to(x, _compute_dtype(x))), x)


def neg(x: Array) -> Array:
    """``-x``."""
    return -x


def start(x: Array, keep: Any) -> Array:
    """``x``, as the start of a running value."""
    return x


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


def rsqrt(x: Array) -> Array:
    """One over the square root."""
    return _rounded(jax.lax.rsqrt(_to(x, _compute_dtype(x))), x)


def at_least(x: Array, low: Any) -> Array:
    """``max(x, low)``; NaN stays."""
    return jnp.maximum(x, _to(low, x.dtype))


def smaller(x: Any, y: Any) -> Any:
    """The smaller of two rates."""
    return jnp.minimum(x, y)


def mean(x: Array, axis: int) -> Array:
    """Mean over a dimension, which stays with size 1."""
    return _rounded(jnp.mean(_to(x, _compute_dtype(x)), axis, keepdims=True), x)


def mean_square(x: Array, axis: int) -> Array:
    """Mean of the squares over a dimension, which stays with size 1; by way of the norm, as PyTorch takes it."""
    norm = _rounded(jnp.sqrt(jnp.sum(jnp.square(_to(x, _compute_dtype(x))), axis, keepdims=True)), x)
    return div(mul(norm, norm), x.shape[axis])


def outer(column: Array, row: Array) -> Array:
    """``column @ row``: (..., n, 1) and (..., 1, m) to (..., n, m)."""
    return mul(column, row)


def _norm(x: Array) -> Array:
    return _rounded(jnp.sqrt(jnp.sum(jnp.square(_to(x, _compute_dtype(x))))), x).astype(jnp.float64)


def scaled_rms(x: Array, low: Any, factor: Any) -> Array:
    """``max(low, rms(x)) * factor``, a float64 number."""
    return jnp.maximum(low, _norm(x) / math.sqrt(x.size)) * factor


def excess(x: Array, limit: Any) -> Array:
    """``max(1, rms(x) / limit)``, a float64 number."""
    return jnp.maximum(1.0, _norm(x) / (math.sqrt(x.size) * limit))


def orthogonal(x: Array, eps: Any, coefficients: tuple[Any, Any, Any], steps: int) -> Array:
    """The matrix with its singular values brought near 1 by a quintic Newton-Schulz iteration in bfloat16."""
    tall = x.shape[0] > x.shape[1]
    x = _rounded(x, jnp.zeros((), jnp.bfloat16))
    x = x.T if tall else x
    a, b, c = (jnp.asarray(k).astype(jnp.float32) for k in coefficients)
    norm = _rounded(jnp.sqrt(jnp.sum(jnp.square(x.astype(jnp.float32)))), x)
    x = div(x, jnp.maximum(norm, _rounded(jnp.asarray(eps), x)))

    def product(left: Array, right: Array) -> Array:
        return jnp.matmul(left, right, preferred_element_type=jnp.float32)

    def iterate(_: Any, x: Array) -> Array:
        gram = _rounded(product(x, x.T), x)
        step = _rounded(b * gram.astype(jnp.float32) + c * product(gram, gram), x)
        return _rounded(a * x.astype(jnp.float32) + product(step, x), x)

    x = jax.lax.fori_loop(0, steps, iterate, x)
    return x.T if tall else x


def merged_rows(indices: Array, values: Array, shape: tuple[int, ...]) -> tuple[Array, Array]:
    """Sum the entries of a sparse gradient that have equal indices.

    Args:
        indices: (sparse dimensions, entries).
        values: (entries, *dense dimensions).
        shape: the gradient's dense shape.

    Returns:
        (keys, rows): the row numbers in ascending order, and their sums. As many as there were entries; those left
        over have a number past the last row.
    """
    n = values.shape[0]
    sizes = shape[: indices.shape[0]]
    keys = jnp.zeros(n, indices.dtype)
    for size, index in zip(sizes, indices):
        keys = keys * size + index
    order = jnp.argsort(keys, stable=True)
    keys = keys[order]
    group = jnp.cumsum(jnp.concatenate([jnp.zeros(1, bool), keys[1:] != keys[:-1]])) if n else keys
    rows = jnp.zeros_like(values).at[group].add(values[order])
    unused = math.prod(sizes) + jnp.arange(n, dtype=keys.dtype)
    return unused.at[group].set(keys), rows
