"""Norms of vectors: linalg.vector_norm, torch.norm's forms, dist."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .common import accumulation_dtype, canonical_dims, display_name, is_bool, is_integral, restore_dims
from .extremum import shared
from .registry import ALL, op
from .samples import T, cases

NAME = "LinalgVectorNormBackward0"


def _prepared(x: jax.Array, ord: float, dim: Any, dtype: np.dtype | None) -> tuple[jax.Array, np.dtype]:
    """The input in the dtype to compute in, and the dtype of the result."""
    if x.dtype.kind in "iub":
        raise RuntimeError(
            f"linalg.vector_norm: Expected a floating point or complex tensor as input. Got {display_name(x.dtype)}"
        )
    wanted = np.dtype(x.dtype)
    if dtype is not None:
        wanted = np.dtype(dtype)
        check_norm_dtype("linalg.vector_norm", np.dtype(x.dtype), wanted)
    if x.size == 0 and (ord < 0 or ord == math.inf):
        dims = canonical_dims(dim, x.ndim)
        if math.prod(x.shape[d] for d in dims) == 0:
            text = "inf" if ord == math.inf else f"{ord:g}"
            raise RuntimeError(
                f"linalg.vector_norm cannot compute the {text} norm on an empty tensor because the operation does "
                "not have an identity"
            )
    final = np.dtype(jnp.finfo(wanted).dtype) if wanted.kind == "c" else wanted
    return x.astype(accumulation_dtype(wanted)), final


def check_norm_dtype(name: str, given: np.dtype, wanted: np.dtype) -> None:
    """Raise unless a norm of elements ``given`` may be asked for as ``wanted``: of the same kind and no narrower."""
    shown = display_name(wanted)
    if wanted.kind in "iub":
        raise RuntimeError(f"{name}: dtype should be floating point or complex, but got {shown}")
    if (wanted.kind == "c") != (given.kind == "c"):
        kind = "complex" if given.kind == "c" else "real"
        raise RuntimeError(f"{name}: dtype should be {kind} for {kind} inputs, but got {shown}")
    if jnp.promote_types(given, wanted) != wanted:
        raise RuntimeError(
            f"{name}: the dtype of the input ({display_name(given)}) should be convertible without narrowing to the "
            f"specified dtype ({shown})"
        )


def _norm(x: jax.Array, ord: float, dims: tuple[int, ...], keepdim: bool) -> jax.Array:
    """``(sum |x|**ord) ** (1 / ord)`` and its limits."""
    size = jnp.abs(x)
    if ord == math.inf:
        return jnp.max(size, axis=dims, keepdims=keepdim, initial=0 if x.size == 0 else None)
    if ord == -math.inf:
        return jnp.min(size, axis=dims, keepdims=keepdim)
    if ord == 0:
        return jnp.sum(size != 0, axis=dims, keepdims=keepdim, dtype=size.dtype)
    if ord == 1:
        return jnp.sum(size, axis=dims, keepdims=keepdim)
    if ord == 2:
        square = x.real * x.real + x.imag * x.imag if x.dtype.kind == "c" else x * x
        return jnp.sqrt(jnp.sum(square, axis=dims, keepdims=keepdim))
    return jnp.power(jnp.sum(jnp.power(size, ord), axis=dims, keepdims=keepdim), 1 / ord)


def _unit(x: jax.Array, size: jax.Array) -> jax.Array:
    """``x / |x|``, 0 at 0."""
    return jnp.where(size == 0, 0, x / jnp.where(size == 0, 1, size)) if x.dtype.kind == "c" else jnp.sign(x)


def norm_vjp(ct: jax.Array, x: jax.Array, norm: jax.Array, ord: float, dims: tuple[int, ...]) -> jax.Array:
    """Cotangent of the input (``ct`` and ``norm`` with reduced dims kept); 0 where the norm is 0."""
    if ord == 0:
        return jnp.zeros_like(x)
    if ord == 2:
        return jnp.where(norm == 0, 0, x * (ct / jnp.where(norm == 0, 1, norm)))
    size = jnp.abs(x)
    if ord == 1:
        return ct * _unit(x, size)
    if abs(ord) == math.inf:
        return _unit(x, size) * shared(ct, size, norm, dims)
    zero = size == 0 if ord < 1 else norm == 0
    slope = jnp.power(jnp.where(size == 0, 1, size), ord - 1) * jnp.power(jnp.where(norm == 0, 1, norm), 1 - ord)
    return jnp.where(zero | (size == 0), 0, _unit(x, size) * slope * ct)


def _vector_norm(x: jax.Array, ord: float, dim: Any, keepdim: bool, dtype: np.dtype | None) -> jax.Array:
    wide, final = _prepared(x, ord, dim, dtype)
    return _norm(wide, ord, canonical_dims(dim, x.ndim), keepdim).astype(final)


def _vector_norm_vjp(ct: jax.Array, x: jax.Array, result: jax.Array, ord: float, dim: Any, keepdim: bool) -> jax.Array:
    wide = x.astype(accumulation_dtype(x.dtype))
    if result.dtype.itemsize > jnp.abs(wide[:0] if wide.ndim else wide).dtype.itemsize:
        wide = wide.astype(jnp.complex128 if wide.dtype.kind == "c" else jnp.float64)
    ct = restore_dims(ct, x.shape, dim, keepdim)
    norm = restore_dims(result, x.shape, dim, keepdim)
    return norm_vjp(ct, wide, norm, ord, canonical_dims(dim, x.ndim))


_NORMS = cases(
    (T((2, 3)),), (T((2, 3)), 1.0), (T((2, 3)), 3.0, 1), (T((2, 3)), math.inf, 0), (T((2, 3)), -math.inf, 0, True),
    (T((2, 3)), 0.0), (T((2, 3)), 0.5, 1), (T((2, 3, 4)), 2.0, (0, 2)), (T(()),), (T((0,)),),
    (T((2, 3)), 2.0, 1, {"dtype": np.dtype(np.float64)}),
)  # fmt: skip


@op(
    "vector_norm(Tensor x, float ord=2, int[]? dim=None, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor",
    method=False, namespaces=("linalg",), grad_name=NAME, samples=_NORMS,
)  # fmt: skip
def vector_norm(x, ord, dim, keepdim, dtype):
    """``(sum |x|**ord) ** (1 / ord)`` over all elements or some dims."""
    return _vector_norm(x, ord, dim, keepdim, dtype)


@vector_norm.vjp
def _(ct, x, result, ord, dim, keepdim):
    return _vector_norm_vjp(ct, x, result, ord, dim, keepdim)


@op(
    "norm.number(Tensor self, float? p, int[]? dim=None, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor",
    out=False, grad_name=NAME,
    samples=cases((T((2, 3)), 1.0), (T((2, 3)), 2.0, 1, True), (T((2, 3)), math.inf), (T((2, 3)), None)),
)  # fmt: skip
def norm_number(self, p, dim, keepdim, dtype):
    """``(sum |x|**p) ** (1 / p)`` over all elements or some dims; 2 for None."""
    return _vector_norm(self, 2.0 if p is None else p, dim, keepdim, dtype)


@norm_number.vjp
def _(ct, self, result, p, dim, keepdim):
    return _vector_norm_vjp(ct, self, result, 2.0 if p is None else p, dim, keepdim)


def _named_norm(self: Any, p: Any = "fro", *rest: Any) -> str:
    return NAME if p == "fro" else "SumBackward1"


@op(
    "norm(Tensor self, str p='fro', int[]? dim=None, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor",
    out=False, grad_name=_named_norm,
    samples=cases((T((2, 3)),), (T((2, 3)), {"dim": 1}), (T((2, 3)), "fro", (0, 1), True)),
)  # fmt: skip
def norm(self, p, dim, keepdim, dtype):
    """Frobenius norm (``fro``: the 2-norm of the elements) or nuclear norm (``nuc``: the sum of singular values)."""
    if p == "fro":
        return _vector_norm(self, 2.0, dim, keepdim, dtype)
    if p != "nuc":
        raise RuntimeError(f"norm expected p to be a number, 'fro' or 'nuc', but got '{p}'")
    if self.dtype.itemsize == 2 and self.dtype.kind not in "iub":
        raise RuntimeError(f"linalg.matrix_norm: Low precision dtypes not supported. Got {display_name(self.dtype)}")
    if dtype is not None:
        check_norm_dtype("linalg.matrix_norm", np.dtype(self.dtype), np.dtype(dtype))
    return _nuclear_norm(self if dtype is None else self.astype(dtype), dim, keepdim)


def _nuclear_norm(x: jax.Array, dim: Any, keepdim: bool) -> jax.Array:
    dims = canonical_dims(dim, x.ndim)
    if len(dims) != 2:
        raise RuntimeError("linalg.matrix_norm: dim must be a 2-tuple" + f", got {len(dims)} dims")
    values = jnp.linalg.svd(jnp.moveaxis(x, dims, (-2, -1)), compute_uv=False)
    total = jnp.sum(values, axis=-1)
    return restore_dims(total, x.shape, dims, False) if keepdim else total


@norm.vjp
def _(ct, self, result, p, dim, keepdim):
    if p == "fro":
        return _vector_norm_vjp(ct, self, result, 2.0, dim, keepdim)
    out, pull = jax.vjp(lambda x: _nuclear_norm(x, dim, keepdim), self)
    return jnp.conj(pull(ct.astype(out.dtype))[0])


@op(
    "dist(Tensor self, Tensor other, float p=2) -> Tensor", promote=ALL, out=False,
    samples=cases((T((2, 3)), T((2, 3))), (T((2, 3)), T((3,)), 1.0), (T((4,)), T((4,)), 3.0)),
)  # fmt: skip
def dist(self, other, p):
    """p-norm of ``self - other``."""
    gap = self - other
    return _norm(gap, p, tuple(range(gap.ndim)), False)


@dist.check
def _(self, other, p):
    if is_bool(self) and is_bool(other):
        raise RuntimeError("Subtraction, the `-` operator, with two bool tensors is not supported.")
    if is_integral(self) and is_integral(other):
        raise RuntimeError(
            f"norm(): input dtype should be either floating point or complex. Got {display_name(self.dtype)} instead."
        )


@dist.vjp
def _(ct, self, other, result, p):
    gap = self - other
    flow = norm_vjp(ct, gap, result, p, tuple(range(gap.ndim)))
    return flow, -flow


ALIASES: dict[str, str] = {}
"""Other spellings: public name -> op."""
