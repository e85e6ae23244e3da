"""Elementwise powers: pow with every mixture of tensors and numbers, float_power.

A Python number as exponent of ``pow`` goes to ``pow.static`` where it is a small whole or half number (then it is
part of the program's key and compiles to multiplications and roots), else to ``pow.Tensor_Scalar`` (then its value
is an input of the program).
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

from .common import cast_like, is_bool, is_complex, is_integral, refuse
from .registry import ALL, NONE, ArraySpec, op
from .samples import T, cases


def _power(base: jax.Array, exponent: jax.Array) -> jax.Array:
    """``base ** exponent`` of one dtype; integers wrap, and a negative integer power is 0 but for 1 and -1."""
    if not is_integral(base):
        return jnp.power(base, exponent)
    result = jnp.power(base, jnp.maximum(exponent, 0))
    if base.dtype.kind == "u":
        return result
    odd = jnp.where(exponent % 2 == 0, 1, -1).astype(base.dtype)
    inverse = jnp.where(base == 1, 1, jnp.where(base == -1, odd, 0)).astype(base.dtype)
    return jnp.where(exponent < 0, inverse, result)


def _power_slope(ct: jax.Array, base: jax.Array, exponent: jax.Array) -> jax.Array:
    """Cotangent of the base; 0 where the exponent is 0."""
    return jnp.where(exponent == 0, 0, ct * jnp.conj(exponent * jnp.power(base, exponent - 1)))


def _exponent_slope(ct: jax.Array, base: jax.Array, exponent: jax.Array, result: jax.Array) -> jax.Array:
    """Cotangent of the exponent; 0 where the base is 0 and the exponent is not negative."""
    flat = (base == 0) & (jnp.real(exponent) >= 0)
    return jnp.where(flat, 0, ct * jnp.conj(result * jnp.log(base)))


@refuse("b", "\"pow\" not implemented for 'Bool'")
@op(
    "pow.static(Tensor self, float exponent) -> Tensor", promote=ALL, inplace=True, pointwise=True,
    grad_name="PowBackward0",
    samples=cases(*((T((2, 3), low=0.5), e) for e in (2.0, 3.0, 0.5, 1.0, 0.0))),
)  # fmt: skip
def pow_static(self, exponent):
    """``self ** exponent`` for a fixed exponent, by multiplications and roots where it is small."""
    if exponent == int(exponent) and abs(exponent) <= 3:
        if is_integral(self) and exponent < 0:
            raise RuntimeError("Integers to negative integer powers are not allowed.")
        return jax.lax.integer_pow(self, int(exponent))
    if exponent == 0.5:
        return jnp.sqrt(self)
    if exponent == -0.5:
        return jax.lax.rsqrt(self)
    return jnp.power(self, exponent)


@pow_static.vjp
def _(ct, self, exponent):
    if exponent == 0:
        return jnp.zeros_like(ct)
    slope = pow_static(self, exponent - 1)
    return ct * jnp.conj(slope if exponent == 1 else slope * exponent)


@op(
    "pow.Tensor_Tensor(Tensor self, Tensor exponent) -> Tensor", promote=ALL, inplace=True, pointwise=True,
    grad_name="PowBackward1",
    samples=cases((T((2, 3), low=0.5), T((3,), low=0.0)), (T((), low=0.5), T((), low=0.0)), (T((0,)), T((0,)))),
)  # fmt: skip
def pow_tensor(self, exponent):
    """``self ** exponent``, broadcast."""
    return _power(self, exponent)


@pow_tensor.vjp
def _(ct, self, exponent, result):
    return _power_slope(ct, self, exponent), _exponent_slope(ct, self, exponent, result)


@op(
    "pow.Tensor_Scalar(Tensor self, Scalar exponent) -> Tensor", promote=ALL, inplace=True, pointwise=True,
    grad_name="PowBackward0", samples=cases((T((2, 3), low=0.5), 2), (T((), low=0.5), 3), (T((0,)), 4)),
)  # fmt: skip
def pow_scalar(self, exponent):
    """``self ** exponent`` for a number that may change from call to call."""
    return _power(self, cast_like(exponent, self))


@pow_scalar.vjp
def _(ct, self, exponent):
    return _power_slope(ct, self, cast_like(exponent, self))


@op(
    "pow.Scalar(Scalar self, Tensor exponent) -> Tensor", promote=ALL, method=False, pointwise=True,
    grad_name="PowBackward2", samples=cases((2, T((2, 3), low=0.0)), (3, T((), low=0.0))),
)  # fmt: skip
def pow_of_scalar(self, exponent):
    """``number ** exponent``."""
    return _power(cast_like(self, exponent), exponent)


@pow_of_scalar.vjp
def _(ct, self, exponent, result):
    return _exponent_slope(ct, cast_like(self, ct), exponent, result)


for _op in (pow_tensor, pow_scalar, pow_of_scalar):

    @_op.check
    def _(self, exponent):
        if is_bool(self) and is_bool(exponent):
            raise NotImplementedError("\"pow\" not implemented for 'Bool'")
        negative = isinstance(exponent, int) and exponent < 0
        if negative and isinstance(self, ArraySpec) and is_integral(self):
            raise RuntimeError("Integers to negative integer powers are not allowed.")


def _widest(*arrays: jax.Array) -> tuple[jax.Array, ...]:
    """All arrays as float64, or complex128 if one is complex."""
    dtype = jnp.complex128 if any(is_complex(a) for a in arrays) else jnp.float64
    return tuple(a.astype(dtype) for a in arrays)


@op(
    "float_power.Tensor_Tensor(Tensor self, Tensor exponent) -> Tensor", promote=NONE, inplace=True, pointwise=True,
    grad_name="PowBackward1", samples=cases((T((2, 3), low=0.5), T((3,), low=0.0))),
)  # fmt: skip
def float_power(self, exponent):
    """``self ** exponent`` in float64 (complex128 for complex input)."""
    return jnp.power(*_widest(self, exponent))


@float_power.vjp
def _(ct, self, exponent, result):
    base, exponent = _widest(self, exponent)
    return _power_slope(ct, base, exponent), _exponent_slope(ct, base, exponent, result)


@op(
    "float_power.Tensor_Scalar(Tensor self, Scalar exponent) -> Tensor", promote=NONE, inplace=True, pointwise=True,
    grad_name="PowBackward0", samples=cases((T((2, 3), low=0.5), 2), (T((2, 3), low=0.5), 1.5)),
)  # fmt: skip
def float_power_scalar(self, exponent):
    """``self ** exponent`` in float64 (complex128 for complex input)."""
    return jnp.power(*_widest(self, jnp.asarray(exponent)))


@float_power_scalar.vjp
def _(ct, self, exponent):
    return _power_slope(ct, *_widest(self, jnp.asarray(exponent)))


@op(
    "float_power.Scalar(Scalar self, Tensor exponent) -> Tensor", promote=NONE, method=False, pointwise=True,
    grad_name="PowBackward2", samples=cases((2, T((2, 3), low=0.0))),
)  # fmt: skip
def float_power_of_scalar(self, exponent):
    """``number ** exponent`` in float64 (complex128 for complex input)."""
    return jnp.power(*_widest(jnp.asarray(self), exponent))


@float_power_of_scalar.vjp
def _(ct, self, exponent, result):
    return _exponent_slope(ct, *_widest(jnp.asarray(self), exponent), result)


ALIASES: dict[str, str] = {}
"""Other spellings: public name -> op."""
