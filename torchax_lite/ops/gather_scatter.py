"""``gather`` and the ``scatter`` family: one index per element, along one dimension.

With ``index`` of shape S, ``gather`` reads ``self[i, .., index[i, .., j, ..], ..]`` for every position of S, and the
scatters write (or combine) ``src`` there. ``index`` may be smaller than the tensors; what lies outside is not touched.
Indices out of range cannot be reported from inside a compiled program: reads are clamped, writes dropped.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .common import canonical_dim, cast_like, display_name
from .registry import ArraySpec, op
from .samples import Sample, Samples, array

# ---------------------------------------------------------------- shared


def narrow_index(index: Any, size: int) -> Any:
    """An integer index as int32 where the dimension allows it: cheaper on every backend."""
    return index.astype(jnp.int32) if size < 2**31 else index


def _dims(x: Any) -> tuple[int, ...]:
    """Shape with 0-dim tensors seen as one element."""
    return tuple(x.shape) or (1,)


def _check_index_dtype(name: str, index: Any) -> None:
    if 0 not in index.shape and np.dtype(index.dtype) not in (np.dtype(np.int32), np.dtype(np.int64)):
        raise RuntimeError(f"{name}(): Expected dtype int32/int64 for index")


def _check_scatter(self: Any, dim: int, index: Any, src: Any = None) -> int:
    at = canonical_dim(dim, self.ndim)
    _check_index_dtype("scatter", index)
    if src is not None and src.dtype != self.dtype:
        raise RuntimeError("scatter(): Expected self.dtype to be equal to src.dtype")
    if 0 in index.shape:
        return at
    shape, own = _dims(index), _dims(self)
    if len(shape) != len(own):
        raise RuntimeError("Index tensor must have the same number of dimensions as self tensor")
    if src is not None and len(_dims(src)) != len(shape):
        if src.ndim:
            canonical_dim(len(shape) - 1, src.ndim)
        raise RuntimeError("Index tensor must have the same number of dimensions as src tensor")
    fits = all(k == at or n <= m for k, (n, m) in enumerate(zip(shape, own, strict=True)))
    if src is None:
        if not fits:
            raise RuntimeError(
                f"Expected index {list(index.shape)} to be no larger than self {list(self.shape)} apart from "
                f"dimension {at}"
            )
    elif not fits or any(n > m for n, m in zip(shape, _dims(src), strict=True)):
        raise RuntimeError(
            f"Expected index {list(index.shape)} to be no larger than self {list(self.shape)} apart from dimension "
            f"{at} and to be no larger size than src {list(src.shape)}"
        )
    return at


def _places(self: Any, dim: int, index: Any) -> tuple[Any, ...]:
    """Index arrays that address one element of ``self`` for each element of ``index``."""
    shape = index.shape
    grid = [jax.lax.broadcasted_iota(jnp.int32, shape, k) if k != dim else None for k in range(len(shape))]
    return tuple(narrow_index(index, self.shape[dim]) if g is None else g for g in grid)


def _cut(src: Any, shape: tuple[int, ...]) -> Any:
    """The leading part of ``src`` that ``index`` covers."""
    return src if src.shape == shape else src[tuple(slice(0, n) for n in shape)]


def _scatter(self: Any, dim: int, index: Any, src: Any, how: str) -> Any:
    """``self.at[...].<how>(src)``, with 0-dim and empty arguments, bools and 0-d ``src`` taken care of."""
    if index.size == 0:
        return self
    x, index = self.reshape(_dims(self)), index.reshape(_dims(index))
    if src.ndim or index.ndim == 1:
        src = _cut(src.reshape(_dims(src)), index.shape) if src.size != 1 else src.reshape(())
    if x.dtype == jnp.bool_ and how in ("add", "multiply"):
        how = {"add": "max", "multiply": "min"}[how]
    at = x.at[_places(x, dim, index)]
    out = getattr(at, how)(src, mode="promise_in_bounds", wrap_negative_indices=False)
    return out.reshape(self.shape)


def _gather(self: Any, dim: int, index: Any) -> Any:
    shape = index.shape
    if 0 in shape:
        return jnp.zeros(shape, self.dtype)
    x, index = self.reshape(_dims(self)), index.reshape(_dims(index))
    lead = tuple(slice(0, n) if k != dim else slice(None) for k, n in enumerate(index.shape))
    x = x if all(n == m or k == dim for k, (n, m) in enumerate(zip(index.shape, x.shape, strict=True))) else x[lead]
    out = jnp.take_along_axis(x, narrow_index(index, x.shape[dim]), axis=dim, mode="promise_in_bounds")
    return out.reshape(shape)


def _samples(*, src: bool = False, value: bool = False, tail: tuple[Any, ...] = (), **kwargs: Any) -> Samples:
    """(self, dim, index[, src | number]) with distinct indices and with repeated ones."""
    shapes = [((4, 3), 0, (2, 3)), ((3, 4), 1, (3, 6)), ((5,), 0, (7,)), ((2, 3, 4), -1, (2, 3, 2)), ((), 0, ())]

    def samples(rng: np.random.Generator, dtype: Any) -> Any:
        for shape, dim, ishape in shapes:
            size = shape[dim] if shape else 1
            args: list[Any] = [array(rng, shape, dtype), dim, rng.integers(0, size, ishape)]
            if src:
                args.append(array(rng, ishape, dtype))
            if value:
                args.append(2)
            yield Sample((*args, *tail), dict(kwargs))
        yield Sample(
            (array(rng, (3, 2), dtype), 0, np.zeros((0, 2), np.int64))
            + ((array(rng, (0, 2), dtype),) if src else (1,) if value else ())
            + tail,
            dict(kwargs),
        )

    return samples


# ---------------------------------------------------------------- gather


@op("gather(Tensor self, int dim, Tensor index, *, bool sparse_grad=False) -> Tensor", samples=_samples())
def gather(self, dim, index, sparse_grad):
    """``out[.., i, ..] = self[.., index[.., i, ..], ..]`` along ``dim``; a sparse gradient is the caller's affair."""
    at = canonical_dim(dim, self.ndim)
    _check_index_dtype("gather", index)
    if 0 not in index.shape:
        if len(_dims(index)) != len(_dims(self)):
            raise RuntimeError("Index tensor must have the same number of dimensions as input tensor")
        for k, (n, m) in enumerate(zip(_dims(index), _dims(self), strict=True)):
            if k != at and n > m:
                raise RuntimeError(
                    f"Size does not match at dimension {k} expected index {list(index.shape)} to be no larger than "
                    f"self {list(self.shape)} apart from dimension {at}"
                )
    return _gather(self, at, index)


@gather.vjp
def _(ct, self_shape, dim, index):
    return _scatter(jnp.zeros(self_shape, ct.dtype), canonical_dim(dim, len(self_shape)), index, ct, "add"), None


def _for_src(ct, at, index, shape):
    """Cotangent of ``src``: what was read from it, zero outside of ``index``."""
    g = _gather(ct, at, index)
    if g.ndim != len(shape):
        return g.reshape(shape) if g.size else jnp.zeros(shape, g.dtype)
    return jnp.pad(g, [(0, n - m) for n, m in zip(shape, g.shape, strict=True)]) if g.shape != shape else g


# ---------------------------------------------------------------- scatter


@op(
    "scatter.src(Tensor self, int dim, Tensor index, Tensor src) -> Tensor",
    inplace=True,
    samples=_samples(src=True),
)
def scatter_src(self, dim, index, src):
    """``self`` with ``src`` written at ``index`` along ``dim``; of several writes to one place the last stays."""
    return _scatter(self, _check_scatter(self, dim, index, src), index, src, "set")


@scatter_src.vjp
def _(ct, dim, index, src_shape):
    at = canonical_dim(dim, ct.ndim)
    return _scatter(ct, at, index, jnp.zeros((), ct.dtype), "set"), None, _for_src(ct, at, index, src_shape)


def _scatter_vjp(op_):
    """Derivative of an op whose only other tensor is the index."""

    @op_.vjp
    def _(ct, dim, index):
        at = canonical_dim(dim, ct.ndim)
        return _scatter(ct, at, index, jnp.zeros((), ct.dtype), "set"), None


@op(
    "scatter.value(Tensor self, int dim, Tensor index, Scalar value) -> Tensor",
    inplace=True,
    grad_name="ScatterBackward1",
    samples=_samples(value=True),
)
def scatter_value(self, dim, index, value):
    """A copy of ``self`` with one number written at ``index`` along ``dim``."""
    return _scatter(self, _check_scatter(self, dim, index), index, cast_like(value, self), "set")


_scatter_vjp(scatter_value)


@scatter_value.check
def _(self, dim, index, value):
    check_number(value, self.dtype)


def is_complex_number(value: Any) -> bool:
    """Whether a number argument, as argument checks see it, is complex."""
    if isinstance(value, ArraySpec):
        return np.dtype(value.dtype).kind == "c"
    return isinstance(value, complex) or getattr(value, "kind", None) == "c"


def check_number(value: Any, dtype: Any) -> None:
    """Refuse a complex number for a real dtype.

    Raises:
        RuntimeError: with PyTorch's words.
    """
    if is_complex_number(value) and np.dtype(dtype).kind != "c":
        name = {"Float": "float", "Double": "double", "Long": "int64_t", "Int": "int"}.get(display_name(dtype))
        raise RuntimeError(f"value cannot be converted to type {name or display_name(dtype)} without overflow")


def _how(reduce: str) -> str:
    if reduce not in ("add", "multiply"):
        raise RuntimeError("reduce argument must be either add or multiply.")
    return reduce


@op(
    "scatter.reduce(Tensor self, int dim, Tensor index, Tensor src, *, str reduce) -> Tensor",
    inplace=True,
    samples=_samples(src=True, reduce="add"),
)
def scatter_with(self, dim, index, src, reduce):
    """``self`` with ``src`` added to or multiplied into the places at ``index`` along ``dim``."""
    return _scatter(self, _check_scatter(self, dim, index, src), index, src, _how(reduce))


@scatter_with.vjp
def _(ct, self, dim, index, src, reduce, result):
    if reduce == "add":
        return ct, None, _for_src(ct, canonical_dim(dim, ct.ndim), index, src.shape)
    return _reduce_vjp(ct, self, canonical_dim(dim, ct.ndim), index, src, "prod", True, result)


@op(
    "scatter.value_reduce(Tensor self, int dim, Tensor index, Scalar value, *, str reduce) -> Tensor",
    inplace=True,
    samples=_samples(value=True, reduce="multiply"),
)
def scatter_value_with(self, dim, index, value, reduce):
    """``self`` with one number added to or multiplied into the places at ``index`` along ``dim``."""
    return _scatter(self, _check_scatter(self, dim, index), index, cast_like(value, self), _how(reduce))


@scatter_value_with.vjp
def _(ct, dim, index, value, reduce):
    if reduce == "add":
        return ct, None
    at = canonical_dim(dim, ct.ndim)
    return _scatter(ct, at, index, cast_like(value, ct), "multiply"), None


@op(
    "scatter_add(Tensor self, int dim, Tensor index, Tensor src) -> Tensor",
    inplace=True,
    samples=_samples(src=True),
)
def scatter_add(self, dim, index, src):
    """``self`` with ``src`` added at ``index`` along ``dim``; repeated places add up."""
    return _scatter(self, _check_scatter(self, dim, index, src), index, src, "add")


@scatter_add.vjp
def _(ct, dim, index, src_shape):
    return ct, None, _for_src(ct, canonical_dim(dim, ct.ndim), index, src_shape)


# ---------------------------------------------------------------- scatter_reduce

REDUCTIONS = {"sum": "add", "prod": "multiply", "mean": "add", "amax": "max", "amin": "min"}


def neutral(reduce: str, dtype: Any) -> Any:
    """The value that a reduction starts from."""
    if reduce in ("sum", "mean"):
        return jnp.zeros((), dtype)
    if reduce == "prod":
        return jnp.ones((), dtype)
    if dtype == jnp.bool_:
        return jnp.asarray(reduce == "amin", dtype)
    if jnp.issubdtype(dtype, jnp.integer):
        info = jnp.iinfo(dtype)
        return jnp.asarray(info.min if reduce == "amax" else info.max, dtype)
    return jnp.asarray(-jnp.inf if reduce == "amax" else jnp.inf, dtype)


def divide_by_count(total: Any, count: Any) -> Any:
    """Mean from a sum; integers are divided towards minus infinity."""
    count = jnp.maximum(count, 1)
    if jnp.issubdtype(total.dtype, jnp.inexact):
        return total / count
    return jnp.floor_divide(total, count)


@op(
    "scatter_reduce(Tensor self, int dim, Tensor index, Tensor src, str reduce, *, bool include_self=True) -> Tensor",
    inplace=True,
    samples=lambda rng, dtype: (
        s
        for reduce in REDUCTIONS
        for keep in (True, False)
        for s in _samples(src=True, tail=(reduce,), include_self=keep)(rng, dtype)
    ),
)
def scatter_reduce(self, dim, index, src, reduce, include_self):
    """``self`` reduced (sum, prod, mean, amax, amin) with ``src`` at ``index``.

    Without ``include_self`` the old value of a place that is written does not count.
    """
    if reduce not in REDUCTIONS:
        raise RuntimeError(f"reduce argument must be either sum, prod, mean, amax or amin, got {reduce}")
    at = _check_scatter(self, dim, index, src)
    return _reduce(self, at, index, src, reduce, include_self)


def _reduce(self, at, index, src, reduce, include_self):
    if 0 in index.shape:
        return self
    start = self if include_self else _scatter(self, at, index, neutral(reduce, self.dtype), "set")
    out = _scatter(start, at, index, src, REDUCTIONS[reduce])
    if reduce == "mean":
        out = divide_by_count(out, _counts(self, at, index, include_self, out.dtype))
    return out


def _counts(self, at, index, include_self, dtype):
    start = jnp.full(self.shape, 1 if include_self else 0, dtype)
    return jnp.maximum(_scatter(start, at, index, jnp.ones((), dtype), "add"), 1)


@scatter_reduce.vjp
def _(ct, self, dim, index, src, reduce, include_self, result):
    if 0 in index.shape:
        return ct, None, jnp.zeros_like(src)
    at = canonical_dim(dim, self.ndim)
    return _reduce_vjp(ct, self, at, index, src, reduce, include_self, result)


def _reduce_vjp(ct, self, at, index, src, reduce, include_self, result):
    """Cotangents of (self, index, src). Ties of amax/amin share the cotangent equally."""
    shape = src.shape
    src = _cut(src.reshape(_dims(src)), _dims(index)).reshape(index.shape)
    if reduce in ("sum", "mean"):
        if reduce == "mean":
            ct = ct / _counts(self, at, index, include_self, ct.dtype)
        g_self, g_src = ct, _gather(ct, at, index)
    elif reduce == "prod":
        safe = jnp.where(self == 0, jnp.ones((), self.dtype), self)
        others = _reduce(safe, at, index, src, reduce, include_self)
        g_self = ct * jnp.conj(others / safe)
        is_zero = src == 0
        zeros = jnp.zeros(self.shape, self.dtype)
        n_zero = _gather(_scatter(zeros, at, index, is_zero.astype(self.dtype), "add"), at, index)
        lone = is_zero & (n_zero == 1)
        without = _reduce(self, at, index, jnp.where(lone, jnp.ones((), src.dtype), src), reduce, include_self)
        g_src = jnp.where(
            lone,
            _gather(ct * jnp.conj(without), at, index),
            _gather(ct * jnp.conj(result), at, index) / jnp.conj(jnp.where(is_zero, jnp.ones((), src.dtype), src)),
        )
    else:
        chosen_self = (self == result).astype(ct.dtype)
        chosen = (src == _gather(result, at, index)).astype(ct.dtype)
        if not include_self:
            chosen_self = _scatter(chosen_self, at, index, jnp.zeros((), ct.dtype), "set")
        shared = ct / jnp.maximum(_scatter(chosen_self, at, index, chosen, "add"), 1)
        g_self, g_src = chosen_self * shared, chosen * _gather(shared, at, index)
    if not include_self:
        g_self = _scatter(g_self, at, index, jnp.zeros((), ct.dtype), "set")
    if g_src.shape != shape:
        g_src = jnp.pad(g_src, [(0, n - m) for n, m in zip(shape, g_src.shape, strict=True)])
    return g_self, None, g_src
