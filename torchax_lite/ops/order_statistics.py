"""Order statistics: median, quantiles, k-th value, mode."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .common import canonical_dim, canonical_dims, display_name, reduced_shape
from .extremum import one_hot_flow, shared
from .memory import dense
from .registry import op
from .samples import T, cases
from .sorting import sort_along

# ---------------------------------------------------------------- medians and k-th values


def _check_median(x: jax.Array, dim: int | None) -> None:
    if x.dtype.kind in "cb":
        raise NotImplementedError(f"\"median_cpu\" not implemented for '{display_name(x.dtype)}'")
    if dim is not None and x.ndim and x.shape[canonical_dim(dim, x.ndim)] == 0:
        raise IndexError(f"median(): Expected reduction dim {canonical_dim(dim, x.ndim)} to have non-zero size.")


def _pick(x: jax.Array, at: int, rank: Any, keepdim: bool) -> tuple[jax.Array, jax.Array]:
    """Value and old position of the element of a rank (a number or an array with the dim kept as 1)."""
    values, indices = sort_along(x, at, False)
    if isinstance(rank, int):
        picked = [jax.lax.slice_in_dim(v, rank, rank + 1, axis=at) for v in (values, indices)]
    else:
        picked = [jnp.take_along_axis(v, rank, axis=at) for v in (values, indices)]
    return tuple(p if keepdim else jnp.squeeze(p, at) for p in picked)  # type: ignore[return-value]


def _median(x: jax.Array, dim: int, keepdim: bool, skip_nan: bool) -> tuple[jax.Array, jax.Array]:
    """Lower median along a dim; a NaN makes it NaN unless NaNs are skipped."""
    at = canonical_dim(dim, x.ndim)
    if x.ndim == 0:
        return x, jnp.zeros((), jnp.int64)
    n = x.shape[at]
    if x.dtype.kind in "iu":
        return _pick(x, at, (n - 1) // 2, keepdim)
    nans = jnp.isnan(x)
    missing = jnp.sum(nans, axis=at, keepdims=True)
    rank = jnp.maximum(n - missing - 1, 0) // 2
    if not skip_nan:
        # Sorting is stable and puts NaNs last: the first NaN follows the numbers.
        rank = jnp.where(missing > 0, n - missing, rank)
    return _pick(x, at, rank, keepdim)


def _whole_median(x: jax.Array, skip_nan: bool) -> jax.Array:
    _check_median(x, None)
    if x.size == 0:
        lowest = jnp.iinfo(x.dtype).min if x.dtype.kind in "iu" else jnp.nan
        return jnp.asarray(lowest, x.dtype)
    return _median(x.reshape(-1), 0, False, skip_nan)[0]


_DIM = cases((T((2, 5)), 1), (T((4, 3)), 0, True), (T(()), 0))
_WHOLE = cases((T((5,)),), (T((2, 4)),), (T(()),))


def _declare_median(name: str, skip_nan: bool) -> Any:
    what = "of the numbers" if skip_nan else "(NaN if there is one)"
    title = name.capitalize()

    @op(f"{name}(Tensor self) -> Tensor", grad_name=f"{title}Backward0", samples=_WHOLE)
    def whole(self):
        return _whole_median(self, skip_nan)

    @whole.vjp
    def _(ct, self, result):
        return shared(ct, self, result, tuple(range(self.ndim)))

    @op(
        f"{name}.dim(Tensor self, int dim, bool keepdim=False) -> (Tensor values, Tensor indices)",
        grad_name=f"{title}Backward1", samples=_DIM,
    )  # fmt: skip
    def along(self, dim, keepdim):
        canonical_dim(dim, self.ndim)
        _check_median(self, dim)
        return _median(self, dim, keepdim, skip_nan)

    @along.vjp
    def _(ct, results, dim, keepdim, self_shape):
        return one_hot_flow(ct, results[1], self_shape, dim, keepdim)

    whole.__doc__ = f"Lower median of all elements {what}."
    along.__doc__ = f"Lower medians along a dim {what} and where they are."
    return whole, along


median, median_dim = _declare_median("median", False)
nanmedian, nanmedian_dim = _declare_median("nanmedian", True)


@op(
    "kthvalue(Tensor self, int k, int dim=-1, bool keepdim=False) -> (Tensor values, Tensor indices)",
    samples=cases((T((2, 5)), 2), (T((4, 3)), 4, 0, True), (T(()), 1)),
)  # fmt: skip
def kthvalue(self, k, dim, keepdim):
    """The ``k``-th smallest element (from 1) along a dim and where it is."""
    at = canonical_dim(dim, self.ndim)
    if self.dtype.kind in "cb" and self.ndim:
        raise NotImplementedError(f"\"kthvalue_cpu\" not implemented for '{display_name(self.dtype)}'")
    if not 1 <= k <= (self.shape[at] if self.ndim else 1):
        raise RuntimeError(f"kthvalue(): selected number k out of range for dimension {at}")
    if self.ndim == 0:
        return self, jnp.zeros((), jnp.int64)
    return _pick(self, at, k - 1, keepdim)


@kthvalue.vjp
def _(ct, results, dim, keepdim, self_shape):
    return one_hot_flow(ct, results[1], self_shape, dim, keepdim)


@op(
    "mode(Tensor self, int dim=-1, bool keepdim=False) -> (Tensor values, Tensor indices)",
    samples=cases((T((2, 7), low=0, high=3),), (T((6, 2)), 0, True), (T(()),)),
)  # fmt: skip
def mode(self, dim, keepdim):
    """The most frequent element (the smallest of equally frequent ones) along a dim and its last position."""
    at = canonical_dim(dim, self.ndim)
    if self.ndim == 0:
        return self, jnp.zeros((), jnp.int64)
    if self.dtype.kind == "c":
        raise NotImplementedError(f"\"mode_cpu\" not implemented for '{display_name(self.dtype)}'")
    n = self.shape[at]
    if n == 0:
        raise IndexError(f"mode(): Expected reduction dim {at} to have non-zero size.")
    values, indices = sort_along(self, at, False)
    along = jax.lax.broadcasted_iota(jnp.int64, self.shape, at)
    fresh = jnp.ones_like(values, jnp.bool_)
    if n > 1:
        changed = jax.lax.slice_in_dim(values, 1, n, axis=at) != jax.lax.slice_in_dim(values, 0, n - 1, axis=at)
        fresh = jnp.concatenate([jax.lax.slice_in_dim(fresh, 0, 1, axis=at), changed], axis=at)
    start = jax.lax.cummax(jnp.where(fresh, along, 0), axis=at)
    best = jnp.argmax(along - start, axis=at, keepdims=True)
    picked = [jnp.take_along_axis(v, best, axis=at) for v in (values, indices)]
    return tuple(p if keepdim else jnp.squeeze(p, at) for p in picked)


@mode.vjp
def _(ct, results, dim, keepdim, self_shape):
    return one_hot_flow(ct, results[1], self_shape, dim, keepdim)


# ---------------------------------------------------------------- quantiles

_INTERPOLATIONS = ("linear", "lower", "higher", "midpoint", "nearest")


def _check_quantile(name: str, x: Any, q: Any, dim: int | None, interpolation: str) -> None:
    if x.size == 0:
        raise RuntimeError(f"{name}() input tensor must be non-empty")
    if np.dtype(x.dtype) not in (np.float32, np.float64):
        raise RuntimeError(f"{name}() input tensor must be either float or double dtype")
    if not isinstance(q, float):
        if q.ndim > 1:
            raise RuntimeError(f"{name}() q must be a scalar or 1D tensor")
        if q.dtype != x.dtype:
            raise RuntimeError(f"{name}() q tensor must be same dtype as the input tensor")
    elif not 0 <= q <= 1:
        raise RuntimeError(f"{name}() q must be in the range [0, 1] but got {q:g}")
    if dim is not None:
        canonical_dim(dim, x.ndim)
    if interpolation not in _INTERPOLATIONS:
        raise RuntimeError(
            f"{name}() interpolation must be one of linear, lower, higher, midpoint or nearest, but got {interpolation}"
        )


def _quantile(
    x: jax.Array, q: jax.Array, dim: int | None, keepdim: bool, interpolation: str, skip_nan: bool
) -> jax.Array:
    """Quantiles along a dim (all elements for None); those of a 1-D ``q`` form the first dim of the result."""
    ndim = x.ndim
    rows = x.reshape(-1) if dim is None or ndim == 0 else jnp.moveaxis(x, canonical_dim(dim, ndim), -1)
    ordered = jnp.sort(rows, axis=-1)
    numbers = jnp.sum(~jnp.isnan(rows), axis=-1, keepdims=True)
    last = (numbers if skip_nan else jnp.full_like(numbers, rows.shape[-1])) - 1
    rank = q.reshape(-1) * jnp.maximum(last, 0).astype(x.dtype)
    if interpolation == "lower":
        rank = jnp.floor(rank)
    elif interpolation == "higher":
        rank = jnp.ceil(rank)
    elif interpolation == "nearest":
        rank = jnp.round(rank)
    below = jnp.floor(rank)
    low = jnp.take_along_axis(ordered, below.astype(jnp.int64), axis=-1)
    if interpolation in ("linear", "midpoint"):
        high = jnp.take_along_axis(ordered, jnp.ceil(rank).astype(jnp.int64), axis=-1)
        weight = jnp.full_like(rank, 0.5) if interpolation == "midpoint" else rank - below
        gap = high - low
        low = jnp.where(weight < 0.5, low + weight * gap, high - gap * (1 - weight))
    empty = numbers == 0 if skip_nan else numbers < rows.shape[-1]
    result = jnp.moveaxis(jnp.where(empty, jnp.nan, low), -1, 0)
    if keepdim:
        kept = reduced_shape(x.shape, canonical_dims(None if dim is None else (dim,), ndim), True)
        result = result.reshape((result.shape[0], *kept))
    return result if q.ndim else result[0]


def _quantiles_innermost(shapes: Any, inputs: Any, statics: Any) -> list[tuple[int, ...] | None]:
    """Several quantiles of one place lie side by side."""
    shape = shapes[0]
    several = len(inputs) > 1 and len(inputs[1][0]) == 1
    return [dense(shape, [*range(1, len(shape)), 0]) if several else None]


_NUMBERS = cases((T((5,)), 0.3), (T((2, 6)), 0.5, 1), (T((6, 2)), 0.25, 0, True), *(
    (T((5,)), 0.6, {"interpolation": i}) for i in _INTERPOLATIONS[1:]
))  # fmt: skip
_TENSORS = cases(
    (T((5,)), T((3,), low=0.0, high=1.0)), (T((2, 6)), T((2,), low=0.0, high=1.0), 1, True),
    (T((2, 6)), T((), low=0.0, high=1.0), 0),
)  # fmt: skip


def _declare_quantile(name: str, skip_nan: bool) -> Any:
    what = "Quantiles of the numbers" if skip_nan else "Quantiles (NaN where there is a NaN)"

    @op(
        f"{name}(Tensor self, Tensor q, int? dim=None, bool keepdim=False, *, str interpolation='linear') -> Tensor",
        grad_name="SqueezeBackward4", samples=_TENSORS,
    )  # fmt: skip
    def by_tensor(self, q, dim, keepdim, interpolation):
        return _quantile(self, q, dim, keepdim, interpolation, skip_nan)

    @op(
        f"{name}.scalar(Tensor self, float q, int? dim=None, bool keepdim=False, *,"
        f" str interpolation='linear') -> Tensor",
        grad_name="SqueezeBackward4", samples=_NUMBERS,
    )  # fmt: skip
    def by_number(self, q, dim, keepdim, interpolation):
        return _quantile(self, jnp.asarray(q, self.dtype), dim, keepdim, interpolation, skip_nan)

    for made in (by_tensor, by_number):
        made.check(lambda self, q, dim, keepdim, interpolation: _check_quantile(name, self, q, dim, interpolation))
        made.memory_rule(_quantiles_innermost)
        made.__doc__ = f"{what} of all elements or along a dim, interpolated between neighbours."
    return by_tensor, by_number


quantile, quantile_scalar = _declare_quantile("quantile", False)
nanquantile, nanquantile_scalar = _declare_quantile("nanquantile", True)

ALIASES: dict[str, str] = {}
"""Other spellings: public name -> op."""
