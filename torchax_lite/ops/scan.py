"""Cumulative functions along a dim: sums, products, extrema, logsumexp; differences and trapezoids."""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .binary import complex_logaddexp
from .common import accumulation_dtype, canonical_dim, cast_like, display_name, rounded_to
from .gather_scatter import neutral
from .prefix import running
from .reduction import cast, summed_dtype
from .registry import op
from .samples import T, cases

_SCANS = cases((T((3, 4)), 0), (T((3, 4)), -1), (T((2, 3, 2)), 1), (T(()), 0), (T((0,)), 0))
_TYPED = cases(
    (T((3, 4)), 0), (T((2, 3, 2)), -1), (T((4,)), 0, {"dtype": np.dtype(np.float64)}), (T(()), 0), (T((0,)), 0),
)  # fmt: skip


def _scan(fn: Any, start: int, x: jax.Array, dim: int, dtype: np.dtype | None, reverse: bool = False) -> jax.Array:
    """Running ``fn`` from ``start`` along a dim, with the dtype rule of sums."""
    at = canonical_dim(dim, x.ndim)
    final = summed_dtype(x, dtype)
    x = cast(x, accumulation_dtype(final) if final != np.bool_ else np.dtype(np.int64))
    if x.ndim and x.size:
        (x,) = running(lambda a, b: (fn(a[0], b[0]),), (start,), (x,), at, reverse)
    return cast(x, final)


@op("cumsum(Tensor self, int dim, *, ScalarType? dtype=None) -> Tensor", inplace=True, samples=_TYPED)
def cumsum(self, dim, dtype):
    """Running sum; integers and bools are summed as int64."""
    return _scan(jnp.add, 0, self, dim, dtype)


def _no_bools(name):
    def check(self, dim, dtype):
        if dtype is not None and np.dtype(dtype) == np.bool_:
            raise NotImplementedError(f"\"{name}_out_cpu\" not implemented for 'Bool'")

    return check


@cumsum.vjp
def _(ct, dim):
    return _scan(jnp.add, 0, ct, dim, None, reverse=True)


@op("cumprod(Tensor self, int dim, *, ScalarType? dtype=None) -> Tensor", inplace=True, samples=_TYPED)
def cumprod(self, dim, dtype):
    """Running product; integers and bools are multiplied as int64."""
    return _scan(jnp.multiply, 1, self, dim, dtype)


cumsum.check(_no_bools("cumsum"))
cumprod.check(_no_bools("cumprod"))


def _running(x: jax.Array, dim: int, sign: int) -> tuple[jax.Array, jax.Array]:
    """Running largest (smallest) element and its last position; a NaN stays."""
    if x.ndim == 0 or x.size == 0:
        return x, jnp.zeros(x.shape, jnp.int64)
    at = canonical_dim(dim, x.ndim)
    order = jax.lax.broadcasted_iota(jnp.int64, x.shape, at)

    def later(a: tuple[jax.Array, jax.Array], b: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        wins = (b[0] >= a[0]) if sign > 0 else (b[0] <= a[0])
        if x.dtype.kind not in "iub":
            wins = jnp.isnan(b[0]) | (wins & ~jnp.isnan(a[0]))
        return jnp.where(wins, b[0], a[0]), jnp.where(wins, b[1], a[1])

    worst = neutral("amax" if sign > 0 else "amin", x.dtype)
    values, indices = running(later, (worst, 0), (x, order), at)
    return values, indices


def _running_vjp(ct: jax.Array, indices: jax.Array, dim: int) -> jax.Array:
    """``ct`` added up at the positions that the running extremum came from."""
    if ct.ndim == 0 or ct.size == 0:
        return ct
    at = canonical_dim(dim, ct.ndim)
    flow = jnp.moveaxis(ct, at, -1)
    places = jnp.moveaxis(indices, at, -1)
    rows = jnp.arange(flow.size // flow.shape[-1])[:, None]
    flat = jnp.zeros((rows.shape[0], flow.shape[-1]), ct.dtype)
    flat = flat.at[rows, places.reshape(flat.shape)].add(flow.reshape(flat.shape), mode="promise_in_bounds")
    return jnp.moveaxis(flat.reshape(flow.shape), -1, at)


def _declare_running(name: str, sign: int, word: str) -> Any:
    @op(f"{name}(Tensor self, int dim) -> (Tensor values, Tensor indices)", samples=_SCANS)
    def running(self, dim):
        canonical_dim(dim, self.ndim)
        if self.dtype.kind == "c":
            raise NotImplementedError(f"\"{name}_cpu\" not implemented for '{display_name(self.dtype)}'")
        return _running(self, dim, sign)

    @running.vjp
    def _(ct, results, dim):
        return _running_vjp(ct, results[1], dim)

    running.__doc__ = f"Running {word} element and its position (the last of equals)."
    return running


cummax, cummin = _declare_running("cummax", 1, "largest"), _declare_running("cummin", -1, "smallest")


@functools.partial(jax.custom_vjp, nondiff_argnums=(1,))
def _complex_running(x: jax.Array, at: int) -> jax.Array:
    """Running ``log(sum(exp(x)))`` of complex numbers; its cotangent is one as well, from the other end."""
    rows = jnp.moveaxis(x, at, 0)
    first = jnp.full(rows.shape[1:], -jnp.inf, x.dtype)

    def step(total: jax.Array, row: jax.Array) -> tuple[jax.Array, jax.Array]:
        total = complex_logaddexp(row, total)
        return total, total

    return jnp.moveaxis(jax.lax.scan(step, first, rows)[1], 0, at)


def _complex_running_back(at: int, kept: Any, ct: jax.Array) -> tuple[jax.Array]:
    x, result = kept
    behind = jnp.flip(_complex_running(jnp.flip(jnp.log(ct) - result, at), at), at)
    return (jnp.exp(behind + x),)


def _complex_running_kept(x: jax.Array, at: int) -> tuple[jax.Array, Any]:
    result = _complex_running(x, at)
    return result, (x, result)


_complex_running.defvjp(_complex_running_kept, _complex_running_back)


@op("logcumsumexp(Tensor self, int dim) -> Tensor", samples=_SCANS)
def logcumsumexp(self, dim):
    """Running ``log(sum(exp(x)))``; the imaginary part of a complex result is not reduced."""
    at = canonical_dim(dim, self.ndim)
    if self.dtype.kind in "iub":
        raise NotImplementedError(f"\"logcumsumexp_out_cpu\" not implemented for '{display_name(self.dtype)}'")
    x = self.astype(accumulation_dtype(self.dtype))
    if x.dtype.kind == "c" and x.ndim and x.size:
        return _complex_running(x, at)
    if not x.ndim or not x.size or x.dtype.kind == "c":
        return x.astype(self.dtype)
    return running(lambda a, b: (jnp.logaddexp(a[0], b[0]),), (-np.inf,), (x,), at)[0].astype(self.dtype)


@logcumsumexp.vjp
def _(ct, self, result, dim):
    _, pull = jax.vjp(lambda x: logcumsumexp.body(x, dim), self)
    grad = jnp.conj(pull(jnp.conj(ct))[0])
    if self.dtype not in (jnp.float16, jnp.bfloat16):
        return grad
    # PyTorch's steps, each of which rounds: log|ct| disappears beside a large result. The true derivative is what
    # further derivatives are taken of.
    return grad + jax.lax.stop_gradient(_by_logarithms(ct, self, result, canonical_dim(dim, self.ndim)) - grad)


def _by_logarithms(ct: jax.Array, x: jax.Array, result: jax.Array, at: int) -> jax.Array:
    """Derivative of logcumsumexp from the logarithms of the cotangents of each sign."""
    size = jnp.log(jnp.abs(ct))
    lowest = jnp.finfo(x.dtype).min

    def part(taken: jax.Array) -> jax.Array:
        exponent = rounded_to(jnp.where(taken, size, lowest) - result, x.dtype)
        behind = jnp.flip(logcumsumexp.body(jnp.flip(exponent, at), at), at) if x.ndim else exponent
        return rounded_to(jnp.exp(rounded_to(behind + x, x.dtype)), x.dtype)

    return part(ct > 0) - part(ct < 0)


# ---------------------------------------------------------------- differences and integrals


@op(
    "diff(Tensor self, int n=1, int dim=-1, Tensor? prepend=None, Tensor? append=None) -> Tensor",
    grad_name="SubBackward0",
    samples=cases((T((2, 5)),), (T((5, 2)), 2, 0), (T((2, 3)), 1, -1, T((2, 1)), T((2, 2))), (T((2, 3)), 3)),
)  # fmt: skip
def diff(self, n, dim, prepend, append):
    """``n``-th difference along ``dim``; bools differ by xor."""
    if self.ndim == 0:
        raise RuntimeError("diff expects input to be at least one-dimensional")
    if n < 0:
        raise RuntimeError(f"order must be non-negative but got {n}")
    at = canonical_dim(dim, self.ndim)
    for name, x in (("prepend", prepend), ("append", append)):
        if x is not None and x.ndim != self.ndim:
            raise RuntimeError(f"diff expects {name} to have the same number of dimensions as input")
    if n == 0:
        return self
    parts = [x for x in (prepend, self, append) if x is not None]
    x = jnp.concatenate(parts, axis=at) if len(parts) > 1 else self
    for _ in range(min(n, x.shape[at])):
        late = jax.lax.slice_in_dim(x, 1, None, axis=at)
        early = jax.lax.slice_in_dim(x, 0, x.shape[at] - 1, axis=at)
        x = late ^ early if x.dtype == jnp.bool_ else late - early
    return x


def _pairs(y: jax.Array, dim: int) -> tuple[jax.Array, int]:
    """Sums of neighbours along a dim, and the dim."""
    at = canonical_dim(dim, y.ndim)
    if y.dtype == jnp.bool_:
        raise RuntimeError("trapezoid: received a bool input for `y`, but bool is not supported")
    n = y.shape[at]
    return jax.lax.slice_in_dim(y, min(1, n), n, axis=at) + jax.lax.slice_in_dim(y, 0, max(n - 1, 0), axis=at), at


def _widened(x: jax.Array) -> jax.Array:
    """Integers as int64: what sums are made in, after products have wrapped around in their own dtype."""
    return x.astype(jnp.int64) if x.dtype.kind in "iu" else x


def _halved(x: jax.Array) -> jax.Array:
    return (x.astype(jnp.float32) if x.dtype.kind in "iu" else x) / 2


def _widths(x: jax.Array, y: jax.Array, at: int) -> jax.Array:
    """Steps of the sample points, shaped to multiply the pairs."""
    if x.ndim == 1:
        if x.shape[0] != y.shape[at]:
            raise RuntimeError("trapezoid: There must be one `x` value for each sample point")
        return jnp.diff(x).reshape((-1,) + (1,) * (y.ndim - at - 1))
    return jnp.diff(x, axis=at - y.ndim)


@op(
    "trapezoid.x(Tensor y, Tensor x, *, int dim=-1) -> Tensor", out=False, method=False, grad_name="DivBackward1",
    samples=cases((T((2, 4)), T((4,))), (T((4, 2)), T((4,)), {"dim": 0}), (T((2, 4)), T((2, 4)))),
)  # fmt: skip
def trapezoid(y, x, dim):
    """Integral along ``dim`` by the trapezoidal rule at the points ``x``."""
    pairs, at = _pairs(y, dim)
    return _halved(jnp.sum(_widened(pairs * _widths(x, y, at)), axis=at))


@op(
    "trapezoid.dx(Tensor y, *, Scalar dx=1, int dim=-1) -> Tensor", out=False, method=False, grad_name="MulBackward1",
    samples=cases((T((2, 4)),), (T((4, 2)), {"dx": 0.5, "dim": 0})),
)  # fmt: skip
def trapezoid_dx(y, dx, dim):
    """Integral along ``dim`` by the trapezoidal rule at points ``dx`` apart."""
    pairs, at = _pairs(y, dim)
    if y.dtype.kind in "iu" and y.shape[at]:
        ends = jax.lax.index_in_dim(y, 0, at, False) + jax.lax.index_in_dim(y, -1, at, False)
        total = jnp.sum(_widened(y), axis=at).astype(jnp.float32) - ends.astype(jnp.float32) / 2
        return total * dx.astype(jnp.float32)
    total = jnp.sum(pairs, axis=at)
    return total * (cast_like(dx, total) / 2)


@op(
    "cumulative_trapezoid.x(Tensor y, Tensor x, *, int dim=-1) -> Tensor", out=False, method=False,
    grad_name="DivBackward1", samples=cases((T((2, 4)), T((4,))), (T((4, 2)), T((4,)), {"dim": 0})),
)  # fmt: skip
def cumulative_trapezoid(y, x, dim):
    """Running integral along ``dim`` by the trapezoidal rule at the points ``x``."""
    pairs, at = _pairs(y, dim)
    return _halved(jnp.cumsum(_widened(pairs * _widths(x, y, at)), axis=at))


@op(
    "cumulative_trapezoid.dx(Tensor y, *, Scalar dx=1, int dim=-1) -> Tensor", out=False, method=False,
    grad_name="CumsumBackward0", samples=cases((T((2, 4)),), (T((4, 2)), {"dx": 0.5, "dim": 0})),
)  # fmt: skip
def cumulative_trapezoid_dx(y, dx, dim):
    """Running integral along ``dim`` by the trapezoidal rule at points ``dx`` apart."""
    pairs, at = _pairs(y, dim)
    pairs = pairs.astype(jnp.float32) if pairs.dtype.kind in "iu" else pairs
    return jnp.cumsum(pairs * (cast_like(dx, pairs) / 2), axis=at)


ALIASES = {"trapz": "trapezoid"}
"""Other spellings: public name -> op."""
