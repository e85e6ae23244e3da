"""Elementwise choice between values: where, clamp, larger and smaller of two, replacement of non-numbers."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np

from .common import at_least, at_most, display_name, is_complex, is_floating, is_integral, number_kind, refuse
from .registry import ALL, NONE, ArraySpec, op
from .samples import T, binary, cases, unary


@op(
    "where(Tensor condition, Tensor|Scalar self, Tensor|Scalar other) -> Tensor", promote=ALL, opmath=False,
    pointwise=True, promote_args=("self", "other"),
    samples=cases(
        (T((2, 3), np.bool_), T((2, 3)), T((2, 3))), (T((2, 1), np.bool_), T((3,)), T(())),
        (T((2, 3), np.bool_), T((2, 3)), 1), (T((2, 3), np.bool_), 1, T((3,))),
    ),
)  # fmt: skip
def where(condition, self, other):
    """``self`` where ``condition``, else ``other``, broadcast."""
    return jnp.where(condition, self, other)


@where.vjp
def _(ct, condition):
    return None, jnp.where(condition, ct, 0), jnp.where(condition, 0, ct)


@where.check
def _(condition, self, other):
    if condition.dtype not in (np.bool_, np.uint8):
        raise RuntimeError(
            "where expected condition to be a boolean tensor, but got a tensor with dtype "
            + display_name(condition.dtype)
        )


def _bounded(self: Any, low: Any, high: Any) -> Any:
    """``min(max(self, low), high)``, NaN kept; where low > high it is high."""
    if low is not None:
        self = at_least(self, low)
    return self if high is None else at_most(self, high)


def _clamp_name(name: str):
    def grad_name(self: Any, *bounds: Any) -> str:
        tensors = any(isinstance(b, ArraySpec) for b in bounds)
        return f"{name}Backward{0 if tensors == (name == 'Clamp') else 1}"

    return grad_name


@op(
    "clamp(Tensor self, Tensor|Scalar? min=None, Tensor|Scalar? max=None) -> Tensor", promote=ALL, opmath=False,
    inplace=True, pointwise=True, grad_name=_clamp_name("Clamp"),
    samples=cases(
        (T((2, 3)), -1, 1), (T((2, 3)), None, 1), (T((2, 3)), {"min": 0}), (T((2, 3)), T((3,)), T((2, 1))),
        (T((2, 3)), T((3,)), None), (T((2, 3)), None, T(())), (T(()), 0, 1), (T((0,)), 0, 1),
    ),
)  # fmt: skip
def clamp(self, min, max):
    """``min(max(self, min), max)``; either bound may be missing, not both."""
    return _bounded(self, min, max)


@clamp.vjp
def _(ct, self, min, max):
    above = True if min is None else self >= min
    below = True if max is None else self <= max
    flow_min = flow_max = None
    if min is not None:
        flow_min = jnp.where((self < min) if max is None else (min < max) & (self < min), ct, 0)
    if max is not None:
        flow_max = jnp.where((self > max) if min is None else (self > max) | (max < min), ct, 0)
    return jnp.where(jnp.logical_and(above, below), ct, 0), flow_min, flow_max


@clamp.check
def _(self, min, max):
    if min is None and max is None:
        raise RuntimeError("torch.clamp: At least one of 'min' or 'max' must not be None")
    _check_real(self, min, max)


def _check_real(*args: Any) -> None:
    if any(number_kind(a) == "c" or (isinstance(a, ArraySpec) and is_complex(a)) for a in args):
        raise NotImplementedError("clamp is not supported for complex types")


@op(
    "clamp_min(Tensor self, Tensor|Scalar min) -> Tensor", promote=ALL, opmath=False, inplace=True, pointwise=True,
    grad_name=_clamp_name("ClampMin"), samples=cases((T((2, 3)), 0), (T((2, 3)), T((3,)))),
)  # fmt: skip
def clamp_min(self, min):
    """``max(self, min)``."""
    return at_least(self, min)


@clamp_min.vjp
def _(ct, self, min):
    return jnp.where(self >= min, ct, 0), jnp.where(self < min, ct, 0)


@op(
    "clamp_max(Tensor self, Tensor|Scalar max) -> Tensor", promote=ALL, opmath=False, inplace=True, pointwise=True,
    grad_name=_clamp_name("ClampMax"), samples=cases((T((2, 3)), 0), (T((2, 3)), T((3,)))),
)  # fmt: skip
def clamp_max(self, max):
    """``min(self, max)``."""
    return at_most(self, max)


@clamp_max.vjp
def _(ct, self, max):
    return jnp.where(self <= max, ct, 0), jnp.where(self > max, ct, 0)


clamp_min.check(_check_real)
clamp_max.check(_check_real)


def shared_tie(ct: Any, wins: Any, ties: Any) -> Any:
    """``ct`` to the winner, half of it to each at a tie."""
    return jnp.where(ties, ct / 2, jnp.where(wins, ct, 0))


def larger(self: Any, other: Any) -> Any:
    """``max(self, other)``; NaN if one is NaN."""
    return self | other if self.dtype == jnp.bool_ else at_least(self, other)


def smaller(self: Any, other: Any) -> Any:
    """``min(self, other)``; NaN if one is NaN."""
    return self & other if self.dtype == jnp.bool_ else at_most(self, other)


def larger_vjp(ct: Any, self: Any, other: Any) -> Any:
    """Cotangents of :func:`larger`; ties share."""
    ties = self == other
    return shared_tie(ct, ~(self < other), ties), shared_tie(ct, ~(self > other), ties)


def smaller_vjp(ct: Any, self: Any, other: Any) -> Any:
    """Cotangents of :func:`smaller`; ties share."""
    ties = self == other
    return shared_tie(ct, ~(self > other), ties), shared_tie(ct, ~(self < other), ties)


@refuse("c", "maximum not implemented for complex tensors.", RuntimeError)
@op(
    "maximum(Tensor self, Tensor other) -> Tensor", promote=ALL, opmath=False, pointwise=True,
    samples=binary(scalar=False),
)  # fmt: skip
def maximum(self, other):
    """The larger of two, NaN if one is NaN."""
    return larger(self, other)


@refuse("c", "minimum not implemented for complex tensors.", RuntimeError)
@op(
    "minimum(Tensor self, Tensor other) -> Tensor", promote=ALL, opmath=False, pointwise=True,
    samples=binary(scalar=False),
)  # fmt: skip
def minimum(self, other):
    """The smaller of two, NaN if one is NaN."""
    return smaller(self, other)


maximum.vjp(larger_vjp)
minimum.vjp(smaller_vjp)


@refuse("c", "fmax not implemented for complex tensors.", RuntimeError)
@op(
    "fmax(Tensor self, Tensor other) -> Tensor", promote=ALL, opmath=False, pointwise=True,
    samples=binary(scalar=False),
)  # fmt: skip
def fmax(self, other):
    """The larger of two; a NaN loses."""
    return larger(self, other) if is_integral(self) else jnp.where((self < other) | jnp.isnan(self), other, self)


@fmax.vjp
def _(ct, self, other):
    first = (self >= other) | jnp.isnan(other)
    return jnp.where(first, ct, 0), jnp.where(first, 0, ct)


@refuse("c", "fmin not implemented for complex tensors.", RuntimeError)
@op(
    "fmin(Tensor self, Tensor other) -> Tensor", promote=ALL, opmath=False, pointwise=True,
    samples=binary(scalar=False),
)  # fmt: skip
def fmin(self, other):
    """The smaller of two; a NaN loses."""
    return smaller(self, other) if is_integral(self) else jnp.where((self > other) | jnp.isnan(self), other, self)


@fmin.vjp
def _(ct, self, other):
    first = (self <= other) | jnp.isnan(other)
    return jnp.where(first, ct, 0), jnp.where(first, 0, ct)


@op(
    "nan_to_num(Tensor self, float? nan=None, float? posinf=None, float? neginf=None) -> Tensor", promote=NONE,
    inplace=True, pointwise=True, samples=unary(),
)  # fmt: skip
def nan_to_num(self, nan, posinf, neginf):
    """NaN becomes ``nan`` (0), infinities become ``posinf``/``neginf`` (the dtype's largest and lowest)."""
    if is_integral(self):
        return self
    if is_complex(self):
        return nan_to_num.body(self.real, nan, posinf, neginf) + 1j * nan_to_num.body(self.imag, nan, posinf, neginf)
    info = jnp.finfo(self.dtype)
    high = jnp.asarray(info.max if posinf is None else posinf, self.dtype)
    low = jnp.asarray(info.min if neginf is None else neginf, self.dtype)
    number = jnp.where(jnp.isnan(self), jnp.asarray(0.0 if nan is None else nan, self.dtype), self)
    return jnp.where(self == jnp.inf, high, jnp.where(self == -jnp.inf, low, number))


@nan_to_num.vjp
def _(ct, self):
    if is_complex(self):
        return jnp.where(jnp.isfinite(self.real), ct.real, 0) + 1j * jnp.where(jnp.isfinite(self.imag), ct.imag, 0)
    return jnp.where(jnp.isfinite(self), ct, 0)


@op(
    "heaviside(Tensor self, Tensor values) -> Tensor", promote=NONE, inplace=True, pointwise=True,
    differentiable=False, samples=binary(scalar=False),
)  # fmt: skip
def heaviside(self, values):
    """0 below 0, 1 above, ``values`` at 0."""
    step = (self > 0).astype(self.dtype)
    result = jnp.where(self == 0, values, step)
    return jnp.where(jnp.isnan(self), jnp.zeros_like(self), result) if is_floating(self) else result


@heaviside.check
def _(self, values):
    if is_complex(self) or is_complex(values):
        raise RuntimeError("heaviside is not yet implemented for complex tensors.")
    if self.dtype != values.dtype:
        raise RuntimeError("heaviside is not yet implemented for tensors with different dtypes.")


ALIASES = {"clip": "clamp"}
"""Other spellings: public name -> op."""
