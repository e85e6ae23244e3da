"""Reading and writing at positions: integer-array indexing, ``index_*``, ``take``/``put``, masks.

Boolean masks become integer indices above this layer. Indices wrap around once where PyTorch lets them; what is out of
range cannot be reported from inside a compiled program (reads are clamped, writes dropped): :func:`bounds` checks
indices whose values are known on the host.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from .common import canonical_dim, cast_like, display_name
from .gather_scatter import (
    REDUCTIONS,
    divide_by_count,
    is_complex_number,
    narrow_index,
    neutral,
)
from .registry import op
from .samples import Sample, T, array, cases
from .scattered_product import multiply_at

# ---------------------------------------------------------------- shared


def bounds(index: np.ndarray, size: int, dim: int, *, wrap: bool = True) -> None:
    """Check indices known on the host against the size of the dimension they index.

    Raises:
        IndexError: the first one out of ``[-size, size)`` (``[0, size)`` without ``wrap``), in PyTorch's words.
    """
    bad = (index >= size) | (index < (-size if wrap else 0))
    if bad.any():
        first = int(index[bad].flat[0])
        raise IndexError(f"index {first} is out of bounds for dimension {dim} with size {size}")


def _at_dim(x: Any, dim: int, index: Any) -> Any:
    """``x.at[:, .., index, ..]`` for a one-dimensional index along ``dim``."""
    return x.at[_places(x, dim, index)]


def _places(x: Any, dim: int, index: Any) -> tuple[Any, ...]:
    return (slice(None),) * dim + (narrow_index(index, x.shape[dim]),)


_WRITE = {"mode": "promise_in_bounds", "wrap_negative_indices": False}


def _as_vector(x: Any) -> Any:
    """0-dim arrays as arrays of one element."""
    return x.reshape(1) if x.ndim == 0 else x


def _names(dtype: Any) -> str:
    return display_name(dtype)


def _is_index(dtype: Any) -> bool:
    return np.dtype(dtype) in (np.dtype(np.int32), np.dtype(np.int64))


# ---------------------------------------------------------------- integer-array indexing


def index_shape(shape: Sequence[int], index_shapes: Sequence[tuple[int, ...] | None]) -> tuple[int, ...]:
    """Shape of ``x[indices]``: indexed dims stand together where they stood if adjacent, else in front.

    Raises:
        IndexError: too many indices, or index shapes that do not broadcast.
    """
    used = [i for i, s in enumerate(index_shapes) if s is not None]
    if len(index_shapes) > len(shape):
        raise IndexError(f"too many indices for tensor of dimension {len(shape)} (got {len(index_shapes)})")
    given = [index_shapes[i] for i in used]
    try:
        common = np.broadcast_shapes(*given)  # type: ignore[arg-type]
    except ValueError:
        text = ", ".join(str(list(s)) for s in given)  # type: ignore[arg-type]
        raise IndexError(
            f"shape mismatch: indexing tensors could not be broadcast together with shapes {text}"
        ) from None
    if not used:
        return tuple(shape)
    adjacent = used[-1] - used[0] + 1 == len(used)
    kept = [s for i, s in enumerate(shape) if i not in used]
    at = used[0] if adjacent else 0
    return (*kept[:at], *common, *kept[at:])


def _check_indices(self: Any, indices: Sequence[Any]) -> tuple[int, ...]:
    for i in indices:
        if i is not None and not _is_index(i.dtype):
            raise IndexError("tensors used as indices must be long, int, byte or bool tensors")
    return index_shape(self.shape, [None if i is None else i.shape for i in indices])


def _key(self: Any, indices: Sequence[Any]) -> tuple[Any, ...]:
    return tuple(slice(None) if i is None else narrow_index(i, n) for i, n in zip(indices, self.shape, strict=False))


def _index_samples(values: bool):
    def samples(rng, dtype):
        def ix(n, *shape):
            return rng.integers(-n, n, shape)

        calls = [
            ((4, 3), [ix(4, 2)]),
            ((4, 3), [ix(4, 2, 3)]),
            ((4, 3), [None, ix(3, 5)]),
            ((4, 3), [ix(4, 2, 1), ix(3, 3)]),
            ((4, 3, 2), [ix(4, 2), None, ix(2, 2)]),
            ((4, 3, 2), [None, ix(3, 2), ix(2)]),
            ((4, 3), [ix(4, 0)]),
            ((0, 3), [ix(1, 0)]),
        ]
        for shape, indices in calls:
            args = [array(rng, shape, dtype), indices]
            if values:
                out = index_shape(shape, [None if i is None else i.shape for i in indices])
                args.append(array(rng, out[1:], dtype))
                args.append(True)
            yield Sample(tuple(args))

    return samples


@op(
    "index(Tensor self, Tensor?[] indices) -> Tensor",
    function=False,
    method=False,
    namespaces=("_ops",),
    samples=_index_samples(False),
)
def index(self, indices):
    """``self[indices]`` with integer arrays that broadcast together; None keeps a dim whole, negative indices wrap."""
    shape = _check_indices(self, indices)
    if 0 in shape:
        return jnp.zeros(shape, self.dtype)
    return self.at[_key(self, indices)].get(mode="promise_in_bounds")


@index.vjp
def _(ct, self_shape, indices):
    none = [None] * len(indices)
    return (_put(jnp.zeros(self_shape, ct.dtype), indices, ct, "add") if ct.size else None), none


def _put(self, indices, values, how):
    if self.dtype == jnp.bool_ and how == "add":
        how = "max"
    return getattr(self.at[_key(self, indices)], how)(values, mode="promise_in_bounds")


@op(
    "index_put(Tensor self, Tensor?[] indices, Tensor values, bool accumulate=False) -> Tensor",
    inplace=True,
    out=False,
    samples=_index_samples(True),
)
def index_put(self, indices, values, accumulate):
    """A copy of ``self`` with ``values`` written (or added) at ``self[indices]``."""
    shape = _check_indices(self, indices)
    if values.dtype != self.dtype:
        raise RuntimeError(
            f"Index put requires the source and destination dtypes match, got {_names(self.dtype)} for the "
            f"destination and {_names(values.dtype)} for the source."
        )
    try:
        fits = np.broadcast_shapes(values.shape, shape) == shape
    except ValueError:
        fits = False
    if not fits:
        raise RuntimeError(
            f"shape mismatch: value tensor of shape {list(values.shape)} cannot be broadcast to indexing result of "
            f"shape {list(shape)}"
        )
    return self if 0 in shape else _put(self, indices, values, "add" if accumulate else "set")


@index_put.vjp
def _(ct, indices, accumulate):
    shape = _check_indices(ct, indices)
    none = [None] * len(indices)
    if 0 in shape:
        return ct, none, jnp.zeros(shape, ct.dtype)
    mine = ct if accumulate else _put(ct, indices, jnp.zeros((), ct.dtype), "set")
    return mine, none, ct.at[_key(ct, indices)].get(mode="promise_in_bounds")


# ---------------------------------------------------------------- one dimension


@op(
    "index_select(Tensor self, int dim, Tensor index) -> Tensor",
    samples=cases(
        (T((4, 3)), 0, T((5,), np.int64, 0, 3)),
        (T((4, 3)), -1, T((2,), np.int32, 0, 2)),
        (T((4, 3)), 0, T((), np.int64, 0, 3)),
        (T((4, 3)), 0, T((0,), np.int64)),
        (T(()), 0, T((1,), np.int64, 0, 0)),
    ),
)
def index_select(self, dim, index):
    """The slices of ``self`` at ``index`` along ``dim``."""
    if index.ndim > 1:
        raise IndexError("index_select(): Index is supposed to be a vector")
    if not _is_index(index.dtype):
        raise RuntimeError("index_select(): Expected dtype int32 or int64 for index")
    at = canonical_dim(dim, self.ndim)
    if self.ndim == 0:
        if index.size != 1:
            raise RuntimeError(f"index_select(): Index to scalar can have only 1 value, got {index.size} value(s)")
        return self
    return _select(self, at, index)


@index_select.vjp
def _(ct, self_shape, dim, index):
    if not self_shape or not ct.size:
        return ct if ct.size else None, None
    return _write(jnp.zeros(self_shape, ct.dtype), canonical_dim(dim, len(self_shape)), index, ct, "add"), None


def _select(x, at, index):
    index = _as_vector(index)
    if 0 in x.shape or not index.size:
        return jnp.zeros((*x.shape[:at], index.size, *x.shape[at + 1 :]), x.dtype)
    return _at_dim(x, at, index).get(mode="promise_in_bounds", wrap_negative_indices=False)


def _check_add(name: str, self: Any, at: int, index: Any, source: Any) -> None:
    if index.ndim > 1:
        raise IndexError(
            f"{name}(): Index is supposed to be a vector, but got dim: {index.ndim} with type: {_names(index.dtype)} "
            f"and size: {list(index.shape)}"
        )
    if not _is_index(index.dtype):
        raise RuntimeError(f"{name}(): Expected dtype int32/int64 for index but got: {_names(index.dtype)}")
    if self.dtype != source.dtype:
        raise RuntimeError(
            f"{name}(): self ({_names(self.dtype)}) and source ({_names(source.dtype)}) must have the same scalar type"
        )
    n = source.shape[at] if source.ndim > at else 1
    if index.size != n:
        raise RuntimeError(
            f"{name}(): Number of indices ({index.size}) should be equal to source.size(dim): ({n}), for dim: {at}"
        )
    if self.shape[:at] + self.shape[at + 1 :] != source.shape[:at] + source.shape[at + 1 :]:
        raise RuntimeError(
            "source tensor shape must match self tensor shape, excluding the specified dimension. Got self.shape = "
            f"{list(self.shape)} source.shape = {list(source.shape)}"
        )


def _write(self, at, index, source, how):
    """``self`` with the slices at ``index`` set to (or combined with) ``source``; anything may be 0-dim."""
    if 0 in (index.size, self.size):
        return self
    x = _as_vector(self)
    if source.ndim or self.ndim == 0:
        source = _as_vector(source) if source.size != 1 or x.ndim == source.ndim else source.reshape(())
    if x.dtype == jnp.bool_ and how in ("add", "multiply"):
        how = {"add": "max", "multiply": "min"}[how]
    if how == "multiply":
        return multiply_at(x, _places(x, at, _as_vector(index)), source).reshape(self.shape)
    return getattr(_at_dim(x, at, _as_vector(index)), how)(source, **_WRITE).reshape(self.shape)


_WITH_SOURCE = (
    (T((4, 3)), 0, T((3,), np.int64, 0, 3), T((3, 3))),
    (T((4, 3)), -1, T((2,), np.int64, 0, 2), T((4, 2))),
    (T((4, 3)), 0, T((), np.int64, 0, 3), T((1, 3))),
    (T((4, 3)), 0, T((0,), np.int64), T((0, 3))),
    (T(()), 0, T((1,), np.int64, 0, 0), T(())),
)


@op(
    "index_add(Tensor self, int dim, Tensor index, Tensor source, *, Scalar alpha=1) -> Tensor",
    inplace=True,
    samples=cases(*_WITH_SOURCE, (*_WITH_SOURCE[0], {"alpha": 2})),
)
def index_add(self, dim, index, source, alpha):
    """``self`` with ``alpha * source`` added to the slices at ``index`` along ``dim``; repeated slices add up."""
    at = canonical_dim(dim, self.ndim)
    _check_add("index_add_", self, at, index, source)
    scaled = source & (jnp.asarray(alpha) != 0) if source.dtype == jnp.bool_ else source * cast_like(alpha, source)
    return _write(self, at, index, scaled, "add")


@index_add.vjp
def _(ct, dim, index, alpha):
    at = canonical_dim(dim, ct.ndim)
    return ct, None, jnp.conj(cast_like(alpha, ct)) * (_select(ct, at, index) if ct.ndim else ct)


@op(
    "index_copy(Tensor self, int dim, Tensor index, Tensor source) -> Tensor",
    inplace=True,
    samples=cases(*_WITH_SOURCE[1:]),
)
def index_copy(self, dim, index, source):
    """``self`` with the slices at ``index`` along ``dim`` replaced by those of ``source``."""
    at = canonical_dim(dim, self.ndim)
    if index.ndim >= 2:
        raise IndexError(f"index_copy_(): Index should have dimension 1 or 0 (got {index.ndim})")
    if index.dtype != jnp.int64:
        raise RuntimeError(f"index_copy_(): Expected a long tensor for index, but got {_names(index.dtype)}")
    if self.dtype != source.dtype:
        raise RuntimeError(
            f"index_copy_(): self and source expected to have the same dtype, but got (self) {_names(self.dtype)} and "
            f"(source) {_names(source.dtype)}"
        )
    if source.ndim == 0 and index.size != 1:
        raise IndexError(f"index_copy_(): When source is scalar, index should have one element (got {index.size})")
    if source.ndim != self.ndim and source.ndim and self.ndim:
        raise IndexError(
            "index_copy_(): When source and destination are not scalars, their dimensionality must match. Source "
            f"dimensionality ({source.ndim}), destination dimensionality ({self.ndim})"
        )
    mine, theirs = self.shape[:at] + self.shape[at + 1 :], source.shape[:at] + source.shape[at + 1 :]
    if source.ndim and mine != theirs:
        raise RuntimeError(
            "index_copy_(): Source/destination tensor must have same slice shapes. Destination slice shape: "
            f"{' '.join(map(str, mine))} at dimension {at} and source slice shape: {' '.join(map(str, theirs))} at "
            "dimension 0."
        )
    if source.ndim and index.size != source.shape[at]:
        raise IndexError(
            f"index_copy_(): Number of indices ({index.size}) should be equal to source.size(dim) ({source.shape[at]})"
        )
    return _write(self, at, index, source, "set")


@index_copy.vjp
def _(ct, dim, index):
    at = canonical_dim(dim, ct.ndim)
    g_source = _select(ct, at, index) if ct.ndim else ct
    return _write(ct, at, index, jnp.zeros((), ct.dtype), "set"), None, g_source


def _check_fill(self: Any, index: Any) -> None:
    if index.dtype != jnp.int64:
        raise IndexError("index_fill_(): Expected dtype int64 for index.")
    if index.ndim > 1:
        raise RuntimeError("Index has to be a vector/scalar")


_FILLS = (
    (T((4, 3)), 0, T((2,), np.int64, -4, 3)),
    (T((4, 3)), -1, T((), np.int64, -3, 2)),
    (T((4, 3)), 0, T((0,), np.int64)),
    (T(()), 0, T((1,), np.int64, 0, 0)),
)


def _fill(self, dim, index, value):
    at = canonical_dim(dim, self.ndim)
    _check_fill(self, index)
    if not self.size or not index.size:
        return self
    x = _as_vector(self)
    return _at_dim(x, at, _as_vector(index)).set(value, mode="promise_in_bounds").reshape(self.shape)


def _numbered(base: str, position: int) -> Any:
    """Node name with PyTorch's number of the overload: 1 where the value is a tensor."""
    return lambda *args: f"{base}Backward{int(hasattr(args[position], 'shape'))}"


@op(
    "index_fill(Tensor self, int dim, Tensor index, Tensor|Scalar value) -> Tensor",
    inplace=True,
    out=False,
    grad_name=_numbered("IndexFill", 3),
    samples=cases(*((*c, v) for c in _FILLS for v in (2, T(())))),
)
def index_fill(self, dim, index, value):
    """``self`` with the slices at ``index`` along ``dim`` filled with a number or the value of a 0-dim tensor."""
    return _fill(self, dim, index, cast_like(value, self))


@index_fill.check
def _(self, dim, index, value):
    if is_complex_number(value) and np.dtype(self.dtype).kind != "c":
        raise RuntimeError("index_fill_(): Converting complex Scalar to non-complex type is not supported")
    if getattr(value, "ndim", 0):
        raise RuntimeError(
            f"index_fill_ only supports a 0-dimensional value tensor, but got tensor with {value.ndim} dimension(s)."
        )


@index_fill.vjp
def _(ct, dim, index):
    nothing = jnp.zeros((), ct.dtype)
    kept = _fill(jnp.ones(ct.shape, bool), dim, index, jnp.zeros((), bool))
    return jnp.where(kept, ct, nothing), None, jnp.sum(jnp.where(kept, nothing, ct), dtype=ct.dtype)


@op(
    "index_reduce(Tensor self, int dim, Tensor index, Tensor source, str reduce, *, bool include_self=True) -> Tensor",
    inplace=True,
    samples=cases(
        *(
            (*c, r, {"include_self": keep})
            for c in _WITH_SOURCE
            for r in ("prod", "mean", "amax")
            for keep in (True, False)
        ),
    ),
)
def index_reduce(self, dim, index, source, reduce, include_self):
    """``self`` with ``source`` reduced (prod, mean, amax, amin) into the slices at ``index`` along ``dim``."""
    at = canonical_dim(dim, self.ndim)
    if reduce not in ("prod", "mean", "amax", "amin"):
        raise RuntimeError(f"index_reduce(): Expected reduce to be one of prod, mean, amax or amin but got {reduce}.")
    _check_add("index_reduce", self, at, index, source)
    if self.dtype == jnp.bool_ and (reduce == "mean" or not include_self):
        kernel = "index_reduce_func_exclude_input_init" if not include_self else "div_floor_cpu"
        raise NotImplementedError(f"\"{kernel}\" not implemented for 'Bool'")
    return _index_reduce(self, at, index, source, reduce, include_self)


def _index_reduce(self, at, index, source, reduce, include_self):
    start = self if include_self else _write(self, at, index, neutral(reduce, self.dtype), "set")
    out = _write(start, at, index, source, REDUCTIONS[reduce])
    if reduce == "mean":
        out = divide_by_count(out, _counts(self, at, index, include_self, out.dtype))
    return out


def _counts(self, at, index, include_self, dtype):
    start = jnp.full(self.shape, 1 if include_self else 0, dtype)
    return jnp.maximum(_write(start, at, index, jnp.ones((), dtype), "add"), 1)


@index_reduce.vjp
def _(ct, self, dim, index, source, reduce, include_self, result):
    at = canonical_dim(dim, self.ndim)

    def pick(x):
        return _select(x, at, index) if x.ndim else x

    zero, one = jnp.zeros((), ct.dtype), jnp.ones((), ct.dtype)
    if reduce == "mean":
        ct = ct / _counts(self, at, index, include_self, ct.dtype)
        g_self, g_source = ct, pick(ct)
    elif reduce == "prod":
        safe = jnp.where(self == 0, one, self)
        g_self = ct * jnp.conj(_index_reduce(safe, at, index, source, reduce, include_self) / safe)
        is_zero = source == 0
        n_zero = pick(_write(jnp.zeros_like(self), at, index, is_zero.astype(self.dtype), "add"))
        lone = is_zero & (n_zero == 1)
        without = _index_reduce(self, at, index, jnp.where(lone, one, source), reduce, include_self)
        g_source = jnp.where(
            lone, pick(ct * jnp.conj(without)), pick(ct * jnp.conj(result)) / jnp.conj(jnp.where(is_zero, one, source))
        )
    else:
        chosen_self = (self == result).astype(ct.dtype)
        if not include_self:
            chosen_self = _write(chosen_self, at, index, zero, "set")
        chosen = (source == pick(result)).astype(ct.dtype)
        shared = ct / jnp.maximum(_write(chosen_self, at, index, chosen, "add"), 1)
        g_self, g_source = chosen_self * shared, chosen * pick(shared)
    if not include_self:
        g_self = _write(g_self, at, index, zero, "set")
    return g_self, None, g_source


# ---------------------------------------------------------------- flat indices


def _check_long(name: str, index: Any) -> None:
    if index.dtype != jnp.int64:
        raise RuntimeError(f"{name}(): Expected a long tensor for index, but got {_names(index.dtype)}")


@op(
    "take(Tensor self, Tensor index) -> Tensor",
    samples=cases(
        (T((4, 3)), T((2, 3), np.int64, -12, 11)), (T(()), T((), np.int64, 0, 0)), (T((3,)), T((0,), np.int64))
    ),
)
def take(self, index):
    """Elements of ``self`` at positions counted in row-major order; the result has the shape of ``index``."""
    _check_long("take", index)
    if not index.size:
        return jnp.zeros(index.shape, self.dtype)
    return self.reshape(-1).at[narrow_index(index, self.size)].get(mode="promise_in_bounds")


@take.vjp
def _(ct, self_shape, index):
    if not ct.size:
        return None, None
    flat = jnp.zeros(math.prod(self_shape), ct.dtype)
    return _put(flat, [index.reshape(-1)], ct.reshape(-1), "add").reshape(self_shape), None


@op(
    "put(Tensor self, Tensor index, Tensor source, bool accumulate=False) -> Tensor",
    inplace=True,
    out=False,
    samples=cases(
        (T((4, 3)), T((2, 3), np.int64, -12, 11), T((6,)), True),
        (T(()), T((), np.int64, 0, 0), T(())),
        (T((3,)), T((0,), np.int64), T((0,))),
    ),
)
def put(self, index, source, accumulate):
    """``self`` with ``source`` written (or added) at positions counted in row-major order."""
    _check_long("put_", index)
    if self.dtype != source.dtype:
        raise RuntimeError(
            f"put_(): self and source expected to have the same dtype, but got self.dtype = {_names(self.dtype)} and "
            f"source.dtype = {_names(source.dtype)}"
        )
    if source.size != index.size:
        raise IndexError(
            "put_(): Expected source and index to have the same number of elements, but got source.numel() = "
            f"{source.size}, index.numel() = {index.size}"
        )
    if not index.size:
        return self
    return _put(self.reshape(-1), [index.reshape(-1)], source.reshape(-1), "add" if accumulate else "set").reshape(
        self.shape
    )


@put.vjp
def _(ct, index, source_shape, accumulate):
    if not index.size:
        return ct, None, None
    flat, at = ct.reshape(-1), index.reshape(-1)
    mine = ct if accumulate else _put(flat, [at], jnp.zeros((), ct.dtype), "set").reshape(ct.shape)
    return mine, None, flat.at[_key(flat, [at])].get(mode="promise_in_bounds").reshape(source_shape)
