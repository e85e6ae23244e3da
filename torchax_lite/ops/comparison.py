"""Elementwise comparisons, tests of number classes and logic; every result is bool and carries no gradient."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np

from .common import display_name, is_complex, is_floating, is_integral, refuse
from .registry import ALL, NONE, op
from .samples import T, binary, cases, unary


@op(
    "eq(Tensor self, Tensor|Scalar other) -> Tensor", promote=ALL, opmath=False, inplace=True, pointwise=True,
    differentiable=False, samples=binary(),
)  # fmt: skip
def eq(self, other):
    """``self == other``."""
    return self == other


@op(
    "ne(Tensor self, Tensor|Scalar other) -> Tensor", promote=ALL, opmath=False, inplace=True, pointwise=True,
    differentiable=False, samples=binary(),
)  # fmt: skip
def ne(self, other):
    """``self != other``."""
    return self != other


@refuse("c")
@op(
    "lt(Tensor self, Tensor|Scalar other) -> Tensor", promote=ALL, opmath=False, inplace=True, pointwise=True,
    differentiable=False, samples=binary(),
)  # fmt: skip
def lt(self, other):
    """``self < other``."""
    return self < other


@refuse("c")
@op(
    "le(Tensor self, Tensor|Scalar other) -> Tensor", promote=ALL, opmath=False, inplace=True, pointwise=True,
    differentiable=False, samples=binary(),
)  # fmt: skip
def le(self, other):
    """``self <= other``."""
    return self <= other


@refuse("c")
@op(
    "gt(Tensor self, Tensor|Scalar other) -> Tensor", promote=ALL, opmath=False, inplace=True, pointwise=True,
    differentiable=False, samples=binary(),
)  # fmt: skip
def gt(self, other):
    """``self > other``."""
    return self > other


@refuse("c")
@op(
    "ge(Tensor self, Tensor|Scalar other) -> Tensor", promote=ALL, opmath=False, inplace=True, pointwise=True,
    differentiable=False, samples=binary(),
)  # fmt: skip
def ge(self, other):
    """``self >= other``."""
    return self >= other


@op(
    "isclose(Tensor self, Tensor other, float rtol=1e-05, float atol=1e-08, bool equal_nan=False) -> Tensor",
    promote=NONE, out=False, pointwise=True, differentiable=False,
    samples=cases((T((2, 3)), T((3,))), (T((2, 3)), T((2, 3)), 0.5, 0.5), (T((3,)), T((3,)), {"equal_nan": True})),
)  # fmt: skip
def isclose(self, other, rtol, atol, equal_nan):
    """``|self - other| <= atol + rtol * |other|``; equal infinities are close, NaNs only with ``equal_nan``."""
    close = self == other
    if is_integral(self):
        if rtol == 0 and atol == 0:
            return close
        self, other = self.astype(jnp.float64), other.astype(jnp.float64)
    if equal_nan:
        close = close | (jnp.isnan(self) & jnp.isnan(other))
    if rtol == 0 and atol == 0:
        return close
    error = jnp.abs(self - other)
    return close | (jnp.isfinite(error) & (error <= atol + jnp.abs(rtol * other)))


@isclose.check
def _(self, other, rtol, atol, equal_nan):
    if self.dtype != other.dtype:
        raise RuntimeError(f"{display_name(self.dtype)} did not match {display_name(other.dtype)}")
    for name, value in (("rtol", rtol), ("atol", atol)):
        if value < 0:
            raise RuntimeError(f"{name} must be greater than or equal to zero, but got {value}")


# ---------------------------------------------------------------- classes of numbers


@op("isnan(Tensor self) -> Tensor", promote=NONE, out=False, pointwise=True, differentiable=False, samples=unary())
def isnan(self):
    """Whether ``x`` is NaN."""
    return jnp.isnan(self) if not is_integral(self) else jnp.zeros(self.shape, jnp.bool_)


@op("isinf(Tensor self) -> Tensor", promote=NONE, out=False, pointwise=True, differentiable=False, samples=unary())
def isinf(self):
    """Whether ``x`` is infinite."""
    return jnp.isinf(self) if not is_integral(self) else jnp.zeros(self.shape, jnp.bool_)


@op("isfinite(Tensor self) -> Tensor", promote=NONE, out=False, pointwise=True, differentiable=False, samples=unary())
def isfinite(self):
    """Whether ``x`` is neither infinite nor NaN."""
    return jnp.isfinite(self) if not is_integral(self) else jnp.ones(self.shape, jnp.bool_)


@refuse("c", "isposinf does not support complex inputs.", RuntimeError)
@op("isposinf(Tensor self) -> Tensor", promote=NONE, pointwise=True, differentiable=False, samples=unary())
def isposinf(self):
    """Whether ``x`` is positive infinity."""
    return self == jnp.inf if is_floating(self) else jnp.zeros(self.shape, jnp.bool_)


@refuse("c", "isneginf does not support complex inputs.", RuntimeError)
@op("isneginf(Tensor self) -> Tensor", promote=NONE, pointwise=True, differentiable=False, samples=unary())
def isneginf(self):
    """Whether ``x`` is negative infinity."""
    return self == -jnp.inf if is_floating(self) else jnp.zeros(self.shape, jnp.bool_)


@op("isreal(Tensor self) -> Tensor", promote=NONE, out=False, pointwise=True, differentiable=False, samples=unary())
def isreal(self):
    """Whether the imaginary part is zero."""
    return self.imag == 0 if is_complex(self) else jnp.ones(self.shape, jnp.bool_)


@refuse("c", "signbit is not implemented for complex tensors.")
@op("signbit(Tensor self) -> Tensor", promote=NONE, pointwise=True, differentiable=False, samples=unary())
def signbit(self):
    """Whether the sign bit is set (-0.0 included)."""
    if np.dtype(self.dtype).kind in "ub":
        return jnp.zeros(self.shape, jnp.bool_)
    return self < 0 if is_integral(self) else jnp.signbit(self)


# ---------------------------------------------------------------- logic


def _truth(x: Any) -> Any:
    return x if x.dtype == jnp.bool_ else x != 0


@op(
    "logical_not(Tensor self) -> Tensor", promote=NONE, inplace=True, pointwise=True, differentiable=False,
    samples=unary(),
)  # fmt: skip
def logical_not(self):
    """Whether ``x`` is zero."""
    return ~_truth(self)


@op(
    "logical_and(Tensor self, Tensor other) -> Tensor", promote=NONE, inplace=True, pointwise=True,
    differentiable=False, samples=binary(scalar=False),
)  # fmt: skip
def logical_and(self, other):
    """Whether both are non-zero."""
    return _truth(self) & _truth(other)


@op(
    "logical_or(Tensor self, Tensor other) -> Tensor", promote=NONE, inplace=True, pointwise=True,
    differentiable=False, samples=binary(scalar=False),
)  # fmt: skip
def logical_or(self, other):
    """Whether one is non-zero."""
    return _truth(self) | _truth(other)


@op(
    "logical_xor(Tensor self, Tensor other) -> Tensor", promote=NONE, inplace=True, pointwise=True,
    differentiable=False, samples=binary(scalar=False),
)  # fmt: skip
def logical_xor(self, other):
    """Whether exactly one is non-zero."""
    return _truth(self) ^ _truth(other)


ALIASES = {
    "not_equal": "ne", "less": "lt", "less_equal": "le", "greater": "gt", "greater_equal": "ge",
}  # fmt: skip
"""Other spellings: public name -> op."""
