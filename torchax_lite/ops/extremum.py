"""Largest and smallest elements: max, min, amax, amin, aminmax, argmax, argmin. NaN wins over every number."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .common import canonical_dim, canonical_dims, display_name, refuse, restore_dims
from .registry import ALL, op
from .samples import T, binary, cases, reduction
from .selection import larger, larger_vjp, smaller, smaller_vjp

_WHOLE = cases((T((2, 3)),), (T(()),), (T((5,)),))


def _require_elements(x: Any, dim: int | None, name: str) -> None:
    """There is no largest of nothing."""
    if x.size:
        return
    if dim is None:
        raise RuntimeError(
            f"{name}(): Expected reduction dim to be specified for input.numel() == 0. Specify the reduction dim with "
            "the 'dim' argument."
        )
    at = canonical_dim(dim, x.ndim)
    if x.ndim and x.shape[at] == 0:
        raise IndexError(f"{name}(): Expected reduction dim {at} to have non-zero size.")


def _refuse_complex(x: Any, kernel: str) -> None:
    if np.dtype(x.dtype).kind == "c":
        raise NotImplementedError(f"\"{kernel}\" not implemented for '{display_name(x.dtype)}'")


def _largest(x: jax.Array, dims: tuple[int, ...], keepdim: bool, sign: int) -> jax.Array:
    """Largest (sign 1) or smallest (sign -1) element over canonical dims."""
    if x.dtype == jnp.bool_:
        return (jnp.any if sign > 0 else jnp.all)(x, axis=dims, keepdims=keepdim)
    return (jnp.max if sign > 0 else jnp.min)(x, axis=dims, keepdims=keepdim)


def _position(x: jax.Array, dim: int, keepdim: bool, sign: int) -> jax.Array:
    """First position of the largest (smallest) element, as int64; that of a NaN where there is one."""
    if x.ndim == 0:
        return jnp.zeros((), jnp.int64)
    return (jnp.argmax if sign > 0 else jnp.argmin)(x, axis=dim, keepdims=keepdim).astype(jnp.int64)


def shared(ct: jax.Array, x: jax.Array, best: jax.Array, dims: Any) -> jax.Array:
    """``ct`` in equal parts to the elements equal to ``best`` (both with reduced dims kept)."""
    chosen = x == best
    if x.dtype.kind not in "iub":
        chosen = chosen | (jnp.isnan(x) & jnp.isnan(best))
    return jnp.where(chosen, ct / jnp.sum(chosen, axis=dims, keepdims=True, dtype=ct.dtype), 0)


def one_hot_flow(ct: jax.Array, indices: jax.Array, shape: tuple[int, ...], dim: int, keepdim: bool) -> jax.Array:
    """``ct`` at the chosen position of each slice of ``shape`` along a dim, 0 elsewhere."""
    if not shape:
        return ct
    at = canonical_dim(dim, len(shape))
    ct = restore_dims(ct, shape, (at,), keepdim)
    indices = restore_dims(indices, shape, (at,), keepdim)
    along = jax.lax.broadcasted_iota(indices.dtype, tuple(s if i == at else 1 for i, s in enumerate(shape)), at)
    return jnp.where(along == indices, ct, 0)


def _declare_whole(name: str, sign: int, word: str) -> Any:
    @op(f"{name}(Tensor self) -> Tensor", grad_name=f"{name.capitalize()}Backward1", samples=_WHOLE)
    def whole(self):
        _require_elements(self, None, name)
        _refuse_complex(self, f"{name}_all")
        return _largest(self, tuple(range(self.ndim)), False, sign)

    @whole.vjp
    def _(ct, self, result):
        return shared(ct, self, result, tuple(range(self.ndim)))

    whole.__doc__ = f"The {word} element; ties share the gradient."
    return whole


def _declare_dim(name: str, sign: int, word: str) -> Any:
    @op(
        f"{name}.dim(Tensor self, int dim, bool keepdim=False) -> (Tensor values, Tensor indices)",
        samples=cases((T((2, 3)), 0), (T((2, 3, 4)), -1, True), (T(()), 0)),
    )
    def along(self, dim, keepdim):
        at = canonical_dim(dim, self.ndim)
        _require_elements(self, dim, name)
        if self.dtype.kind == "c":
            raise RuntimeError(f"{name}(): does not support complex input")
        dims = (at,) if self.ndim else ()
        return _largest(self, dims, keepdim, sign), _position(self, at, keepdim, sign)

    @along.vjp
    def _(ct, results, dim, keepdim, self_shape):
        return one_hot_flow(ct, results[1], self_shape, dim, keepdim)

    along.__doc__ = f"The {word} elements along a dim and where they first are."
    return along


def _declare_amax(name: str, sign: int, word: str) -> Any:
    @op(f"{name}(Tensor self, int[] dim=[], bool keepdim=False) -> Tensor", samples=reduction())
    def over(self, dim, keepdim):
        for d in dim or (None,):
            _require_elements(self, d, name)
        _refuse_complex(self, "max_values_cpu" if sign > 0 else "min_values_cpu")
        return _largest(self, canonical_dims(dim, self.ndim), keepdim, sign)

    @over.vjp
    def _(ct, self, result, dim, keepdim):
        best = restore_dims(result, self.shape, dim, keepdim)
        return shared(restore_dims(ct, self.shape, dim, keepdim), self, best, canonical_dims(dim, self.ndim))

    over.__doc__ = f"The {word} elements over all dims or some; ties share the gradient."
    return over


def _declare_arg(name: str, sign: int, word: str) -> Any:
    @op(
        f"{name}(Tensor self, int? dim=None, bool keepdim=False) -> Tensor", differentiable=False,
        samples=cases((T((2, 3)),), (T((2, 3)), 0), (T((2, 3)), -1, True), (T((2, 3)), None, True), (T(()),)),
    )  # fmt: skip
    def position(self, dim, keepdim):
        if self.dtype.kind in "cb":
            raise RuntimeError(f"{name}(): does not support {'complex' if self.dtype.kind == 'c' else 'bool'} input")
        if dim is not None:
            at = canonical_dim(dim, self.ndim)
            _require_elements(self, dim, name)
            return _position(self, at, keepdim, sign)
        if not self.size:
            raise IndexError(f"{name}(): Expected reduction dim to be specified for input.numel() == 0.")
        found = _position(self.reshape(-1), 0, False, sign)
        return found.reshape((1,) * self.ndim) if keepdim else found

    position.__doc__ = f"Position of the {word} element (the first of equals), in the flattened tensor or along a dim."
    return position


@refuse("c", "maximum not implemented for complex tensors.", RuntimeError)
@op(
    "max.other(Tensor self, Tensor other) -> Tensor", promote=ALL, opmath=False, pointwise=True,
    grad_name="MaximumBackward0", samples=binary(scalar=False),
)  # fmt: skip
def max_other(self, other):
    """The larger of two, NaN if one is NaN."""
    return larger(self, other)


@refuse("c", "minimum not implemented for complex tensors.", RuntimeError)
@op(
    "min.other(Tensor self, Tensor other) -> Tensor", promote=ALL, opmath=False, pointwise=True,
    grad_name="MinimumBackward0", samples=binary(scalar=False),
)  # fmt: skip
def min_other(self, other):
    """The smaller of two, NaN if one is NaN."""
    return smaller(self, other)


max_other.vjp(larger_vjp)
min_other.vjp(smaller_vjp)
# The overloads are tried in this order: a 0-dim integer tensor is the other operand, not a dim.
max_all, min_all = _declare_whole("max", 1, "largest"), _declare_whole("min", -1, "smallest")
max_dim, min_dim = _declare_dim("max", 1, "largest"), _declare_dim("min", -1, "smallest")
amax, amin = _declare_amax("amax", 1, "largest"), _declare_amax("amin", -1, "smallest")
argmax, argmin = _declare_arg("argmax", 1, "largest"), _declare_arg("argmin", -1, "smallest")


@op(
    "aminmax(Tensor self, *, int? dim=None, bool keepdim=False) -> (Tensor min, Tensor max)",
    samples=cases((T((2, 3)),), (T((2, 3)), {"dim": 0}), (T((2, 3)), {"dim": -1, "keepdim": True}), (T(()),)),
)  # fmt: skip
def aminmax(self, dim, keepdim):
    """Smallest and largest element, of all or along a dim."""
    if not self.size:
        if dim is None:
            raise RuntimeError(
                "aminmax(): cannot compute aminmax over an empty dimension as the operation has no identity."
            )
        at = canonical_dim(dim, self.ndim)
        if self.shape[at] == 0:
            raise IndexError(f"aminmax: Expected reduction dim {at} to have non-zero size.")
    _refuse_complex(self, "aminmax_cpu")
    dims = canonical_dims(None if dim is None else (dim,), self.ndim)
    return _largest(self, dims, keepdim, -1), _largest(self, dims, keepdim, 1)


@aminmax.vjp
def _(cts, self, results, dim, keepdim):
    given = None if dim is None else (dim,)
    dims = canonical_dims(given, self.ndim)
    flows = [
        shared(restore_dims(c, self.shape, given, keepdim), self, restore_dims(r, self.shape, given, keepdim), dims)
        for c, r in zip(cts, results, strict=True)
    ]
    return flows[0] + flows[1]


ALIASES: dict[str, str] = {}
"""Other spellings: public name -> op."""
