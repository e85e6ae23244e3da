"""Reductions by addition, multiplication and logic: sums, means, variances, products, all/any, logsumexp."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .common import accumulation_dtype, canonical_dims, display_name, is_integral, quotient, restore_dims
from .registry import FLOAT, op
from .samples import T, cases, reduction

_TYPED = cases((T((2, 3)), {"dtype": np.dtype(np.float64)}), (T((2, 3)), 1, {"dtype": np.dtype(np.float64)}))


def _both(*groups: Any) -> Any:
    def samples(rng: np.random.Generator, dtype: Any) -> Any:
        for group in groups:
            yield from group(rng, dtype)

    return samples


def summed_dtype(x: Any, dtype: np.dtype | None) -> np.dtype:
    """Dtype of a sum or product: the one asked for, int64 for integers and bools, else the input's."""
    if dtype is not None:
        return np.dtype(dtype)
    return np.dtype(np.int64) if is_integral(x) else np.dtype(x.dtype)


def cast(x: jax.Array, dtype: np.dtype) -> jax.Array:
    """``astype`` that drops imaginary parts quietly and reads bools as non-zero."""
    if x.dtype == dtype:
        return x
    if x.dtype.kind == "c" and dtype.kind != "c":
        return (x != 0) if dtype == np.bool_ else x.real.astype(dtype)
    return x.astype(dtype)


def _by_dim(first: str, second: str) -> Any:
    """Grad name that depends on whether dims are given."""
    return lambda self, dim=None, *rest: first if dim is None else second


# ---------------------------------------------------------------- sums and means


@op(
    "sum(Tensor self, int[]? dim=None, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor",
    grad_name=_by_dim("SumBackward0", "SumBackward1"), samples=_both(reduction(), _TYPED),
)  # fmt: skip
def sum_(self, dim, keepdim, dtype):
    """Sum over all dims or some; integers and bools are summed as int64."""
    final = summed_dtype(self, dtype)
    x = cast(self, accumulation_dtype(final) if final != np.bool_ else np.dtype(np.int64))
    return cast(jnp.sum(x, axis=canonical_dims(dim, self.ndim), keepdims=keepdim, dtype=x.dtype), final)


@sum_.vjp
def _(ct, dim, keepdim, self_shape):
    return jnp.broadcast_to(restore_dims(ct, self_shape, dim, keepdim), self_shape)


def _mean_dtype(x: Any, dtype: np.dtype | None) -> np.dtype:
    final = np.dtype(x.dtype if dtype is None else dtype)
    if final.kind in "iub":
        what = "Input" if dtype is None else "Optional"
        raise RuntimeError(
            f"mean(): could not infer output dtype. {what} dtype must be either a floating point or complex dtype. "
            f"Got: {display_name(final)}"
        )
    return final


def count(shape: tuple[int, ...], dim: tuple[int, ...] | None) -> int:
    """How many elements one result of a reduction comes from."""
    return math.prod(shape[d] for d in canonical_dims(dim, len(shape)))


@op(
    "mean(Tensor self, int[]? dim=None, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor",
    grad_name=_by_dim("MeanBackward0", "MeanBackward1"), samples=_both(reduction(), _TYPED),
)  # fmt: skip
def mean(self, dim, keepdim, dtype):
    """Mean over all dims or some; NaN over no elements."""
    final = _mean_dtype(self, dtype)
    x = cast(self, accumulation_dtype(final))
    total = jnp.sum(x, axis=canonical_dims(dim, self.ndim), keepdims=keepdim)
    return cast(quotient(total, count(self.shape, dim)), final)


@mean.vjp
def _(ct, dim, keepdim, self_shape):
    share = quotient(restore_dims(ct, self_shape, dim, keepdim), max(count(self_shape, dim), 1))
    return jnp.broadcast_to(share, self_shape)


def _no_nan(x: jax.Array) -> jax.Array:
    return x if is_integral(x) else jnp.where(jnp.isnan(x), 0, x)


@op(
    "nansum(Tensor self, int[]? dim=None, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor",
    samples=_both(reduction(), _TYPED),
)  # fmt: skip
def nansum(self, dim, keepdim, dtype):
    """Sum that counts NaN as 0."""
    if self.dtype.kind == "c":
        raise RuntimeError("nansum on CPU does not support complex inputs")
    return sum_.body(_no_nan(self), dim, keepdim, dtype)


@nansum.vjp
def _(ct, self, dim, keepdim):
    return jnp.where(jnp.isnan(self), 0, restore_dims(ct, self.shape, dim, keepdim))


@op(
    "nanmean(Tensor self, int[]? dim=None, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor",
    grad_name="DivBackward0", samples=_both(reduction(), _TYPED),
)  # fmt: skip
def nanmean(self, dim, keepdim, dtype):
    """Mean over what is not NaN."""
    if self.dtype.kind == "c":
        raise RuntimeError("nansum on CPU does not support complex inputs")
    if is_integral(self):
        name = display_name(self.dtype)
        raise RuntimeError(f"nanmean(): expected input to have floating point or complex dtype but got {name}")
    final = _mean_dtype(self, dtype)
    x = cast(self, accumulation_dtype(final))
    dims = canonical_dims(dim, self.ndim)
    numbers = jnp.sum(~jnp.isnan(x), axis=dims, keepdims=keepdim, dtype=x.dtype)
    return cast(jnp.sum(_no_nan(x), axis=dims, keepdims=keepdim) / numbers, final)


@nanmean.vjp
def _(ct, self, dim, keepdim):
    present = ~jnp.isnan(self)
    numbers = jnp.sum(present, axis=canonical_dims(dim, self.ndim), keepdims=True, dtype=ct.dtype)
    return jnp.where(present, restore_dims(ct, self.shape, dim, keepdim) / numbers, 0)


# ---------------------------------------------------------------- products


def _prod(x: jax.Array, dims: tuple[int, ...], keepdim: bool, dtype: np.dtype | None) -> jax.Array:
    final = summed_dtype(x, dtype)
    x = cast(x, accumulation_dtype(final) if final != np.bool_ else np.dtype(np.int64))
    if len(dims) > 1 and x.size > 1 << 12:
        x = jnp.prod(x, axis=dims[0], keepdims=True, dtype=x.dtype)  # XLA multiplies a whole array in one long chain
    return cast(jnp.prod(x, axis=dims, keepdims=keepdim, dtype=x.dtype), final)


def _prod_vjp(ct: jax.Array, x: jax.Array, dims: tuple[int, ...], keepdim: bool, dtype: np.dtype | None) -> jax.Array:
    """``ct`` times the product of the others: 0 beyond the first zero, without dividing by it."""
    x = cast(x, accumulation_dtype(summed_dtype(x, dtype)))
    zero = x == 0
    zeros = jnp.sum(zero, axis=dims, keepdims=True)
    rest = jnp.prod(jnp.where(zero, 1, x), axis=dims, keepdims=True)
    others = jnp.where(zero, jnp.where(zeros == 1, rest, 0), jnp.where(zeros == 0, rest / jnp.where(zero, 1, x), 0))
    return restore_dims(ct, x.shape, dims, keepdim) * jnp.conj(others)


@op(
    "prod(Tensor self, *, ScalarType? dtype=None) -> Tensor",
    samples=cases((T((2, 3)),), (T(()),), (T((0,)),), (T((4,)), {"dtype": np.dtype(np.float64)})),
)  # fmt: skip
def prod(self, dtype):
    """Product of all elements."""
    return _prod(self, tuple(range(self.ndim)), False, dtype)


@prod.vjp
def _(ct, self, dtype):
    return _prod_vjp(ct, self, tuple(range(self.ndim)), False, dtype)


@op(
    "prod.dim_int(Tensor self, int dim, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor",
    grad_name="ProdBackward1",
    samples=cases((T((2, 3)), 0), (T((2, 3, 4)), -2, True), (T(()), 0), (T((3,)), 0, {"dtype": np.dtype(np.float64)})),
)  # fmt: skip
def prod_dim(self, dim, keepdim, dtype):
    """Product along a dim."""
    return _prod(self, canonical_dims((dim,), self.ndim), keepdim, dtype)


@prod_dim.vjp
def _(ct, self, dim, keepdim, dtype):
    return _prod_vjp(ct, self, canonical_dims((dim,), self.ndim), keepdim, dtype)


# ---------------------------------------------------------------- variance


def _spread(
    x: jax.Array, dim: Any, correction: float | None, keepdim: bool, name: str = "std and var"
) -> tuple[jax.Array, jax.Array]:
    """Variance and mean, in the dtype that sums are accumulated in."""
    if x.dtype.kind in "iub":
        raise RuntimeError(f"{name} only support floating point and complex dtypes")
    x = x.astype(accumulation_dtype(x.dtype))
    dims = canonical_dims(dim, x.ndim)
    n = count(x.shape, dim)
    center = quotient(jnp.sum(x, axis=dims, keepdims=True), n)
    gap = x - center
    square = gap.real * gap.real + gap.imag * gap.imag if x.dtype.kind == "c" else gap * gap
    freedom = max(n - (1.0 if correction is None else correction), 0.0)
    total = jnp.sum(square, axis=dims, keepdims=keepdim)
    variance = quotient(total, freedom) if freedom else total / jnp.zeros((), total.dtype)
    return variance, center if keepdim else center.reshape(variance.shape)


def _variance_vjp(ct: jax.Array, x: jax.Array, dim: Any, correction: float | None, keepdim: bool) -> jax.Array:
    """``2 (x - mean) / (n - correction) * ct``."""
    wide = x.astype(accumulation_dtype(x.dtype))
    n = count(x.shape, dim)
    gap = wide - jnp.sum(wide, axis=canonical_dims(dim, x.ndim), keepdims=True) / n
    freedom = n - (1.0 if correction is None else correction)
    ct = restore_dims(ct, x.shape, dim, keepdim)
    if freedom <= 0:
        return jnp.where(ct == 0, ct, jnp.inf).astype(wide.dtype) * gap
    return ct * (2.0 / freedom) * gap


def _std_ct(ct: jax.Array, result: jax.Array) -> jax.Array:
    """Cotangent of the variance from that of its root; 0 where the root is 0."""
    return jnp.where(result == 0, 0, ct / (2 * result))


def _real(x: jax.Array) -> np.dtype:
    return np.dtype(jnp.finfo(x.dtype).dtype) if x.dtype.kind == "c" else np.dtype(x.dtype)


def _mean_share(ct: jax.Array, shape: tuple[int, ...], dim: Any, keepdim: bool) -> jax.Array:
    return restore_dims(ct, shape, dim, keepdim) / max(count(shape, dim), 1)


_VAR_ALL = cases((T((2, 3)),), (T((2, 3)), False), (T((5,)), {"unbiased": False}))
_VAR_DIM = cases(
    (T((2, 3)), 0), (T((2, 3)), -1, False, True), (T((2, 3, 4)), (0, 2), {"keepdim": True}), (T((2, 3)), None, True),
)  # fmt: skip
_VAR_CORRECTION = cases(
    (T((2, 3)), 1, {"correction": 0}), (T((2, 3)), {"correction": 2}),
    (T((2, 3, 4)), (0, 2), {"correction": 0, "keepdim": True}), (T((3, 4)), 0, {"correction": 1.5}),
)  # fmt: skip


def _freedom(unbiased: bool) -> float:
    return 1.0 if unbiased else 0.0


@op("var(Tensor self, bool unbiased=True) -> Tensor", samples=_VAR_ALL)
def var(self, unbiased):
    """Variance of all elements."""
    return _spread(self, None, _freedom(unbiased), False)[0].astype(_real(self))


@var.vjp
def _(ct, self, unbiased):
    return _variance_vjp(ct, self, None, _freedom(unbiased), False)


@op(
    "var.dim(Tensor self, int[]? dim, bool unbiased=True, bool keepdim=False) -> Tensor", grad_name="VarBackward0",
    samples=_VAR_DIM,
)  # fmt: skip
def var_dim(self, dim, unbiased, keepdim):
    """Variance over some dims."""
    return _spread(self, dim, _freedom(unbiased), keepdim)[0].astype(_real(self))


@var_dim.vjp
def _(ct, self, dim, unbiased, keepdim):
    return _variance_vjp(ct, self, dim, _freedom(unbiased), keepdim)


@op(
    "var.correction(Tensor self, int[]? dim=None, *, float? correction=None, bool keepdim=False) -> Tensor",
    grad_name="VarBackward0", samples=_VAR_CORRECTION,
)  # fmt: skip
def var_correction(self, dim, correction, keepdim):
    """Variance with ``n - correction`` in the denominator (1 unless given)."""
    return _spread(self, dim, correction, keepdim)[0].astype(_real(self))


@var_correction.vjp
def _(ct, self, dim, correction, keepdim):
    return _variance_vjp(ct, self, dim, correction, keepdim)


@op("std(Tensor self, bool unbiased=True) -> Tensor", samples=_VAR_ALL)
def std(self, unbiased):
    """Standard deviation of all elements."""
    return jnp.sqrt(_spread(self, None, _freedom(unbiased), False)[0]).astype(_real(self))


@std.vjp
def _(ct, self, result, unbiased):
    return _variance_vjp(_std_ct(ct, result), self, None, _freedom(unbiased), False)


@op(
    "std.dim(Tensor self, int[]? dim, bool unbiased=True, bool keepdim=False) -> Tensor", grad_name="StdBackward0",
    samples=_VAR_DIM,
)  # fmt: skip
def std_dim(self, dim, unbiased, keepdim):
    """Standard deviation over some dims."""
    return jnp.sqrt(_spread(self, dim, _freedom(unbiased), keepdim)[0]).astype(_real(self))


@std_dim.vjp
def _(ct, self, result, dim, unbiased, keepdim):
    return _variance_vjp(_std_ct(ct, result), self, dim, _freedom(unbiased), keepdim)


@op(
    "std.correction(Tensor self, int[]? dim=None, *, float? correction=None, bool keepdim=False) -> Tensor",
    grad_name="StdBackward0", samples=_VAR_CORRECTION,
)  # fmt: skip
def std_correction(self, dim, correction, keepdim):
    """Standard deviation with ``n - correction`` in the denominator (1 unless given)."""
    return jnp.sqrt(_spread(self, dim, correction, keepdim)[0]).astype(_real(self))


@std_correction.vjp
def _(ct, self, result, dim, correction, keepdim):
    return _variance_vjp(_std_ct(ct, result), self, dim, correction, keepdim)


def _pair(x: jax.Array, dim: Any, correction: float | None, keepdim: bool, root: bool) -> tuple[jax.Array, jax.Array]:
    variance, center = _spread(x, dim, correction, keepdim, "std_mean" if root else "var_mean")
    return (jnp.sqrt(variance) if root else variance).astype(_real(x)), center.astype(x.dtype)


@op("var_mean(Tensor self, bool unbiased=True) -> (Tensor, Tensor)", out=False, method=False, samples=_VAR_ALL)
def var_mean(self, unbiased):
    """Variance and mean of all elements."""
    return _pair(self, None, _freedom(unbiased), False, False)


@var_mean.vjp
def _(cts, self, unbiased):
    return _variance_vjp(cts[0], self, None, _freedom(unbiased), False) + _mean_share(cts[1], self.shape, None, False)


@op(
    "var_mean.dim(Tensor self, int[]? dim, bool unbiased=True, bool keepdim=False) -> (Tensor, Tensor)", out=False,
    method=False, grad_name="VarMeanBackward0", samples=_VAR_DIM,
)  # fmt: skip
def var_mean_dim(self, dim, unbiased, keepdim):
    """Variance and mean over some dims."""
    return _pair(self, dim, _freedom(unbiased), keepdim, False)


@var_mean_dim.vjp
def _(cts, self, dim, unbiased, keepdim):
    flow = _variance_vjp(cts[0], self, dim, _freedom(unbiased), keepdim)
    return flow + _mean_share(cts[1], self.shape, dim, keepdim)


@op(
    "var_mean.correction(Tensor self, int[]? dim=None, *, float? correction=None, bool keepdim=False) -> (Tensor,"
    " Tensor)",
    out=False, method=False, grad_name="VarMeanBackward0", samples=_VAR_CORRECTION,
)  # fmt: skip
def var_mean_correction(self, dim, correction, keepdim):
    """Variance and mean, with ``n - correction`` in the denominator."""
    return _pair(self, dim, correction, keepdim, False)


@var_mean_correction.vjp
def _(cts, self, dim, correction, keepdim):
    flow = _variance_vjp(cts[0], self, dim, correction, keepdim)
    return flow + _mean_share(cts[1], self.shape, dim, keepdim)


@op("std_mean(Tensor self, bool unbiased=True) -> (Tensor, Tensor)", out=False, method=False, samples=_VAR_ALL)
def std_mean(self, unbiased):
    """Standard deviation and mean of all elements."""
    return _pair(self, None, _freedom(unbiased), False, True)


@std_mean.vjp
def _(cts, self, result, unbiased):
    flow = _variance_vjp(_std_ct(cts[0], result), self, None, _freedom(unbiased), False)
    return flow + _mean_share(cts[1], self.shape, None, False)


@op(
    "std_mean.dim(Tensor self, int[]? dim, bool unbiased=True, bool keepdim=False) -> (Tensor, Tensor)", out=False,
    method=False, grad_name="StdMeanBackward0", samples=_VAR_DIM,
)  # fmt: skip
def std_mean_dim(self, dim, unbiased, keepdim):
    """Standard deviation and mean over some dims."""
    return _pair(self, dim, _freedom(unbiased), keepdim, True)


@std_mean_dim.vjp
def _(cts, self, result, dim, unbiased, keepdim):
    flow = _variance_vjp(_std_ct(cts[0], result), self, dim, _freedom(unbiased), keepdim)
    return flow + _mean_share(cts[1], self.shape, dim, keepdim)


@op(
    "std_mean.correction(Tensor self, int[]? dim=None, *, float? correction=None, bool keepdim=False) -> (Tensor,"
    " Tensor)",
    out=False, method=False, grad_name="StdMeanBackward0", samples=_VAR_CORRECTION,
)  # fmt: skip
def std_mean_correction(self, dim, correction, keepdim):
    """Standard deviation and mean, with ``n - correction`` in the denominator."""
    return _pair(self, dim, correction, keepdim, True)


@std_mean_correction.vjp
def _(cts, self, result, dim, correction, keepdim):
    flow = _variance_vjp(_std_ct(cts[0], result), self, dim, correction, keepdim)
    return flow + _mean_share(cts[1], self.shape, dim, keepdim)


# ---------------------------------------------------------------- logic and counts


@op("all(Tensor self, int[]? dim=None, bool keepdim=False) -> Tensor", differentiable=False, samples=reduction())
def all_(self, dim, keepdim):
    """Whether every element is non-zero; uint8 for uint8 input, else bool."""
    found = jnp.all(self != 0, axis=canonical_dims(dim, self.ndim), keepdims=keepdim)
    return found.astype(jnp.uint8) if self.dtype == jnp.uint8 else found


@op("any(Tensor self, int[]? dim=None, bool keepdim=False) -> Tensor", differentiable=False, samples=reduction())
def any_(self, dim, keepdim):
    """Whether some element is non-zero; uint8 for uint8 input, else bool."""
    found = jnp.any(self != 0, axis=canonical_dims(dim, self.ndim), keepdims=keepdim)
    return found.astype(jnp.uint8) if self.dtype == jnp.uint8 else found


@op(
    "count_nonzero(Tensor self, int[]? dim=None) -> Tensor", differentiable=False,
    samples=cases((T((2, 3), high=0.4),), (T((2, 3, 4)), (0, 2)), (T((2, 3)), -1), (T(()),)),
)  # fmt: skip
def count_nonzero(self, dim):
    """How many elements are not 0, as int64."""
    return jnp.sum(self != 0, axis=canonical_dims(dim, self.ndim), dtype=jnp.int64)


# ---------------------------------------------------------------- logsumexp


@op(
    "logsumexp(Tensor self, int[] dim, bool keepdim=False) -> Tensor", promote=FLOAT,
    samples=cases((T((2, 3)), 1), (T((2, 3, 4)), (0, -1), True), (T(()), 0), (T((0,)), 0)),
)  # fmt: skip
def logsumexp(self, dim, keepdim):
    """``log(sum(exp(x)))`` without overflow."""
    dims = canonical_dims(dim, self.ndim)
    if self.size == 0:
        return jnp.log(jnp.sum(jnp.exp(self), axis=dims, keepdims=keepdim))
    if self.dtype.kind == "c":
        peak: Any = jnp.max(self.real, axis=dims, keepdims=True)
    else:
        peak = jnp.max(self, axis=dims, keepdims=True)
    peak = jnp.where(jnp.isinf(peak), 0, peak)
    total = jnp.log(jnp.sum(jnp.exp(self - peak), axis=dims, keepdims=True)) + peak
    return total if keepdim else total.reshape([s for i, s in enumerate(self.shape) if i not in dims])


@logsumexp.vjp
def _(ct, self, result, dim, keepdim):
    ct = restore_dims(ct, self.shape, dim, keepdim)
    return ct * jnp.exp(jnp.conj(self - restore_dims(result, self.shape, dim, keepdim)))


ALIASES = {"special.logsumexp": "logsumexp"}
"""Other spellings: public name -> op."""
