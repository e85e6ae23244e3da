"""Elementwise functions of integers and bools: bit operations, shifts, divisors. No gradients."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .common import display_name, is_bool, needs_tensor, number_kind, refuse
from .registry import ALL, NONE, ArraySpec, op
from .samples import T, binary, cases, unary


def _check_integral(name: str, *, bools: bool = True):
    """Floats are refused; bools too where ``bools`` is False."""

    def check(self: Any, other: Any) -> None:
        for x in (self, other):
            kind = number_kind(x) or np.dtype(x.dtype).kind
            if kind not in "iub":
                dtype = x.dtype if isinstance(x, ArraySpec) else np.complex64 if kind == "c" else np.float32
                raise NotImplementedError(f"\"{name}\" not implemented for '{display_name(dtype)}'")
        if not bools and is_bool(self) and is_bool(other):
            raise NotImplementedError(f"\"{name}\" not implemented for 'Bool'")

    return check


@refuse("fVc")
@op(
    "bitwise_not(Tensor self) -> Tensor", promote=NONE, inplace=True, pointwise=True, differentiable=False,
    samples=unary(),
)  # fmt: skip
def bitwise_not(self):
    """Complement of every bit; ``not`` for bools."""
    return ~self


@op(
    "bitwise_and(Tensor|Scalar self, Tensor|Scalar other) -> Tensor", promote=ALL, opmath=False, inplace=True,
    pointwise=True, differentiable=False, samples=binary(),
)  # fmt: skip
def bitwise_and(self, other):
    """``self & other``."""
    return self & other


@op(
    "bitwise_or(Tensor|Scalar self, Tensor|Scalar other) -> Tensor", promote=ALL, opmath=False, inplace=True,
    pointwise=True, differentiable=False, samples=binary(),
)  # fmt: skip
def bitwise_or(self, other):
    """``self | other``."""
    return self | other


@op(
    "bitwise_xor(Tensor|Scalar self, Tensor|Scalar other) -> Tensor", promote=ALL, opmath=False, inplace=True,
    pointwise=True, differentiable=False, samples=binary(),
)  # fmt: skip
def bitwise_xor(self, other):
    """``self ^ other``."""
    return self ^ other


bitwise_and.check(_check_integral("bitwise_and_cpu"))
needs_tensor("bitwise_and")(bitwise_and)
bitwise_or.check(_check_integral("bitwise_or_cpu"))
needs_tensor("bitwise_or")(bitwise_or)
bitwise_xor.check(_check_integral("bitwise_xor_cpu"))
needs_tensor("bitwise_xor")(bitwise_xor)


def _shift_range(x: jax.Array, amount: jax.Array) -> tuple[jax.Array, jax.Array]:
    """The shift amount held inside the type's width, and where it lay outside."""
    width = x.dtype.itemsize * 8
    outside = (amount < 0) | (amount >= width)
    return jnp.where(outside, 0, amount), outside


@op(
    "bitwise_left_shift(Tensor|Scalar self, Tensor|Scalar other) -> Tensor", promote=ALL, opmath=False, inplace=True,
    pointwise=True, differentiable=False, samples=binary(0, 4),
)  # fmt: skip
def bitwise_left_shift(self, other):
    """``self << other``; 0 where the amount is negative or too large."""
    amount, outside = _shift_range(self, other)
    return jnp.where(outside, 0, jnp.left_shift(self, amount))


@op(
    "bitwise_right_shift(Tensor|Scalar self, Tensor|Scalar other) -> Tensor", promote=ALL, opmath=False, inplace=True,
    pointwise=True, differentiable=False, samples=binary(0, 4),
)  # fmt: skip
def bitwise_right_shift(self, other):
    """``self >> other``, keeping the sign; an amount out of range leaves only the sign."""
    amount, outside = _shift_range(self, other)
    width = self.dtype.itemsize * 8
    emptied = jnp.zeros_like(self) if self.dtype.kind == "u" else jnp.right_shift(self, width - 1)
    return jnp.where(outside, emptied, jnp.right_shift(self, amount))


bitwise_left_shift.check(_check_integral("lshift_cpu", bools=False))
bitwise_right_shift.check(_check_integral("rshift_cpu", bools=False))
needs_tensor("bitwise_left_shift")(bitwise_left_shift)
needs_tensor("bitwise_right_shift")(bitwise_right_shift)


@op(
    "gcd(Tensor self, Tensor other) -> Tensor", promote=ALL, opmath=False, inplace=True, pointwise=True,
    differentiable=False, samples=cases((T((2, 3), high=60), T((3,), high=60)), (T((0,)), T((0,)))),
)  # fmt: skip
def gcd(self, other):
    """Greatest common divisor, never negative; ``gcd(0, 0) = 0``."""
    return jnp.gcd(self, other)


@op(
    "lcm(Tensor self, Tensor other) -> Tensor", promote=ALL, opmath=False, inplace=True, pointwise=True,
    differentiable=False, samples=cases((T((2, 3), high=60), T((3,), high=60)), (T((0,)), T((0,)))),
)  # fmt: skip
def lcm(self, other):
    """Least common multiple, never negative; 0 where one is 0."""
    return jnp.lcm(self, other)


gcd.check(_check_integral("gcd_cpu", bools=False))
lcm.check(_check_integral("lcm_cpu", bools=False))

ALIASES: dict[str, str] = {}
"""Other spellings: public name -> op."""
