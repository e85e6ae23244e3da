"""Small helpers shared by the op families: dimension checks, accumulation dtypes, scalar casts, refusals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from .lowering import Number

__all__ = [
    "accumulation_dtype", "canonical_dim", "canonical_dims", "cast_like", "display_name", "is_bool", "is_complex",
    "is_floating", "is_integral", "needs_tensor", "number_kind", "reduced_shape", "refuse", "restore_dims", "rounded_to", "sum_to",
]  # fmt: skip

_DISPLAY = {
    "float64": "Double", "float32": "Float", "float16": "Half", "bfloat16": "BFloat16", "int64": "Long",
    "int32": "Int", "int16": "Short", "int8": "Char", "uint8": "Byte", "uint16": "UInt16", "uint32": "UInt32",
    "uint64": "UInt64", "bool": "Bool", "complex64": "ComplexFloat", "complex128": "ComplexDouble",
    "float8_e4m3fn": "Float8_e4m3fn", "float8_e5m2": "Float8_e5m2", "float8_e4m3fnuz": "Float8_e4m3fnuz",
    "float8_e5m2fnuz": "Float8_e5m2fnuz", "float8_e8m0fnu": "Float8_e8m0fnu",
}  # fmt: skip


def display_name(dtype: Any) -> str:
    """The name PyTorch's error texts use for a dtype (``float32`` -> ``Float``)."""
    name = np.dtype(dtype).name
    return _DISPLAY.get(name, name)


def is_complex(x: Any) -> bool:
    """Whether an array (or its spec) is complex."""
    return bool(jnp.issubdtype(x.dtype, jnp.complexfloating))


def is_floating(x: Any) -> bool:
    """Whether an array (or its spec) is real floating, bfloat16 and float8 included."""
    return bool(jnp.issubdtype(x.dtype, jnp.floating))


def is_integral(x: Any) -> bool:
    """Whether an array (or its spec) is integer or bool."""
    return np.dtype(x.dtype).kind in "iub"


def canonical_dim(dim: int, ndim: int) -> int:
    """``dim`` in ``[0, ndim)``; a 0-dim tensor has the dims -1 and 0.

    Raises:
        IndexError: out of range, with PyTorch's words.
    """
    size = max(ndim, 1)
    if not -size <= dim < size:
        raise IndexError(f"Dimension out of range (expected to be in range of [{-size}, {size - 1}], but got {dim})")
    return dim % size


def canonical_dims(dims: Sequence[int] | None, ndim: int) -> tuple[int, ...]:
    """All dims as distinct numbers in ``[0, ndim)``; None or an empty sequence means every dim.

    Raises:
        IndexError: one is out of range; RuntimeError: one appears twice.
    """
    if not dims:
        return tuple(range(ndim))
    result: list[int] = []
    for dim in dims:
        at = canonical_dim(dim, ndim)
        if at in result:
            raise RuntimeError(f"dim {at} appears multiple times in the list of dims")
        result.append(at)
    return tuple(result) if ndim else ()


def reduced_shape(shape: Sequence[int], dims: Sequence[int], keepdim: bool) -> tuple[int, ...]:
    """Shape after reducing canonical ``dims``."""
    if keepdim:
        return tuple(1 if i in dims else s for i, s in enumerate(shape))
    return tuple(s for i, s in enumerate(shape) if i not in dims)


def restore_dims(x: jax.Array, shape: Sequence[int], dims: Sequence[int] | None, keepdim: bool) -> jax.Array:
    """Give a reduced array its reduced dims back with size 1, so that it broadcasts against ``shape``."""
    if keepdim or not shape:
        return x
    return x.reshape(reduced_shape(shape, canonical_dims(dims, len(shape)), True))


def accumulation_dtype(dtype: Any) -> np.dtype:
    """Dtype that sums are accumulated in: float32 for the floats of 16 and 8 bits, else the dtype itself."""
    dtype = np.dtype(dtype)
    return np.dtype(np.float32) if jnp.issubdtype(dtype, jnp.floating) and dtype.itemsize < 4 else dtype


def number_kind(x: Any) -> str | None:
    """``b``, ``i``, ``f`` or ``c`` for a number argument in a check (Python's, or bound); None for an array."""
    if isinstance(x, Number):
        return x.kind
    for kind, cls in (("b", bool), ("i", int), ("f", float), ("c", complex)):
        if isinstance(x, cls):
            return kind
    return None


def is_bool(x: Any) -> bool:
    """Whether an argument in a check is a bool array or a bool number."""
    return number_kind(x) == "b" or (hasattr(x, "dtype") and x.dtype == np.bool_)


def cast_like(value: Any, x: jax.Array) -> jax.Array:
    """A number (Python's or a 0-d array) as a 0-d array of ``x``'s dtype."""
    value = jnp.asarray(value)
    if jnp.issubdtype(value.dtype, jnp.complexfloating) and not is_complex(x):
        value = value.real
    return value.astype(x.dtype)


def sum_to(x: jax.Array, shape: Sequence[int]) -> jax.Array:
    """Sum a broadcast result back to ``shape``."""
    if x.shape == tuple(shape):
        return x
    lead = x.ndim - len(shape)
    dims = tuple(range(lead)) + tuple(i + lead for i, s in enumerate(shape) if s == 1 and x.shape[i + lead] != 1)
    return jnp.sum(x, axis=dims, keepdims=True).reshape(tuple(shape))


def refuse(
    kinds: str, message: str | None = None, error: type[Exception] = NotImplementedError, kernel: str | None = None
) -> Callable[..., Any]:
    """Decorator for an op that does not take these NumPy dtype kinds (``"c"``, ``"b"``, ``"iu"``).

    Complex counts when any tensor has it, the others when all tensors do. Without a message PyTorch's
    ``"name_cpu" not implemented for 'ComplexFloat'`` is raised, or with the name of another kernel. Refusals stack.
    """

    def decorate(op: Any) -> Any:
        earlier = op.check_body

        def check(*args: Any) -> None:
            if earlier is not None:
                earlier(*args)
            found = [np.dtype(a.dtype) for a in args if hasattr(a, "dtype")]
            bad = [d for d in found if d.kind in kinds]
            if bad and (len(bad) == len(found) or any(d.kind == "c" for d in bad)):
                culprit = next((d for d in bad if d.kind == "c"), bad[0])
                name = kernel or f"{op.base}_cpu"
                raise error(message or f"\"{name}\" not implemented for '{display_name(culprit)}'")

        op.check(check)
        return op

    return decorate


_NUMBER_TYPES = {"b": "bool", "i": "int", "f": "float", "c": "complex"}


def needs_tensor(name: str, first: str = "input", second: str = "other") -> Callable[..., Any]:
    """Decorator for an op of two tensors or numbers that does not take two numbers; ``name`` as errors print it."""

    def decorate(op: Any) -> Any:
        earlier = op.check_body

        def check(*args: Any) -> None:
            kinds = [_NUMBER_TYPES.get(number_kind(v) or "") for v in args[:2]]
            if all(kinds):
                raise TypeError(
                    f"{name}() received an invalid combination of arguments - got ({', '.join(map(str, kinds))}), but "
                    f"expected one of:\n * (Tensor {first}, Tensor {second}, *, Tensor out = None)\n * (Number "
                    f"{'self' if first == 'input' else first}, Tensor {second}, *, Tensor out = None)\n * (Tensor {first}, "
                    f"Number {second}, *, Tensor out = None)\n"
                )
            if earlier is not None:
                earlier(*args)

        op.check(check)
        return op

    return decorate


def rounded_to(x: jax.Array, dtype: Any) -> jax.Array:
    """float32 numbers rounded to what a narrower float holds; a cast there and back may be skipped by XLA."""
    limits = jnp.finfo(dtype)
    return x if np.dtype(dtype).itemsize >= 4 else lax.reduce_precision(x, limits.nexp, limits.nmant)


def at_least(x: jax.Array, low: Any) -> jax.Array:
    """``max(x, low)``: ``x`` where they are equal, so that -0.0 stays beside 0.0; NaN where either is NaN."""
    return jnp.where((x < low) | (low != low), low, x)


def at_most(x: jax.Array, high: Any) -> jax.Array:
    """``min(x, high)``: ``x`` where they are equal; NaN where either is NaN."""
    return jnp.where((x > high) | (high != high), high, x)


def quotient(x: jax.Array, y: Any) -> jax.Array:
    """``x / y`` rounded once. XLA multiplies by the reciprocal where ``y`` is a constant or broadcast, and rounds twice."""
    if is_complex(x) or x.shape == jnp.shape(y) != ():
        return x / y
    return x / jnp.where(x != x, x, y)  # a divisor that XLA does not take for a broadcast; NaN stays NaN
