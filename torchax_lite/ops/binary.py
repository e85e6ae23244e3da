"""Elementwise arithmetic of two or three tensors: sums, products, quotients, powers, interpolation."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .arcs import arctan2
from .common import (
    cast_like,
    display_name,
    is_bool,
    is_complex,
    is_floating,
    is_integral,
    needs_tensor,
    number_kind,
    quotient,
    refuse,
)
from .registry import ALL, FLOAT, NONE, ArraySpec, op
from .samples import Samples, T, binary, cases, ternary


def several(*groups: Samples) -> Samples:
    """The samples of all groups, one after the other."""

    def samples(rng: np.random.Generator, dtype: Any) -> Any:
        for group in groups:
            yield from group(rng, dtype)

    return samples


# ---------------------------------------------------------------- sums and differences


def _check_alpha(self: Any, other: Any, alpha: Any) -> None:
    """``alpha`` must fit the common dtype: no fraction for integers, no bool but for bools."""
    kind = number_kind(alpha)
    if kind == "b" and not (is_bool(self) and is_bool(other)):
        raise RuntimeError("Boolean alpha only supported for Boolean results.")
    if kind in ("f", "c") and all(
        number_kind(x) in ("b", "i") or (isinstance(x, ArraySpec) and is_integral(x)) for x in (self, other)
    ):
        raise RuntimeError("For integral input tensors, argument alpha must not be a floating point number.")


def _check_sub(self: Any, other: Any) -> None:
    """Bools cannot be subtracted."""
    bools = [is_bool(self), is_bool(other)]
    if all(bools):
        raise RuntimeError(
            "Subtraction, the `-` operator, with two bool tensors is not supported. Use the `^` or `logical_xor()` "
            "operator instead."
        )
    if any(bools):
        raise RuntimeError(
            "Subtraction, the `-` operator, with a bool tensor is not supported. If you are trying to invert a mask, "
            "use the `~` or `logical_not()` operator instead."
        )


@op(
    "add(Tensor|Scalar self, Tensor|Scalar other, *, Scalar alpha=1) -> Tensor", promote=ALL, inplace=True,
    pointwise=True, promote_args=("self", "other"), samples=several(binary(), binary(alpha=2)),
)  # fmt: skip
def add(self, other, alpha):
    """``self + alpha * other``, broadcast."""
    return self + cast_like(alpha, other) * other


@add.vjp
def _(ct, alpha):
    return ct, ct * jnp.conj(cast_like(alpha, ct))


add.check(_check_alpha)


@op(
    "sub(Tensor|Scalar self, Tensor|Scalar other, *, Scalar alpha=1) -> Tensor", promote=ALL, inplace=True,
    pointwise=True, promote_args=("self", "other"), samples=several(binary(), binary(alpha=2)),
)  # fmt: skip
def sub(self, other, alpha):
    """``self - alpha * other``, broadcast."""
    return self - cast_like(alpha, other) * other


@sub.vjp
def _(ct, alpha):
    return ct, -ct * jnp.conj(cast_like(alpha, ct))


def _rsub_name(self: Any, other: Any, *_: Any) -> str:
    return "RsubBackward0" if isinstance(other, ArraySpec) else "RsubBackward1"


@op(
    "rsub(Tensor self, Tensor|Scalar other, *, Scalar alpha=1) -> Tensor", promote=ALL, out=False, method=False,
    pointwise=True, grad_name=_rsub_name, promote_args=("self", "other"), samples=several(binary(), binary(alpha=2)),
)  # fmt: skip
def rsub(self, other, alpha):
    """``other - alpha * self``, broadcast."""
    return other - cast_like(alpha, self) * self


@rsub.vjp
def _(ct, alpha):
    return -ct * jnp.conj(cast_like(alpha, ct)), ct


for _op in (sub, rsub):

    @_op.check
    def _(self, other, alpha):
        _check_sub(self, other)
        _check_alpha(self, other, alpha)


# ---------------------------------------------------------------- products and quotients


@op(
    "mul(Tensor|Scalar self, Tensor|Scalar other) -> Tensor", promote=ALL, inplace=True, pointwise=True,
    samples=binary(),
)  # fmt: skip
def mul(self, other):
    """``self * other``, broadcast."""
    return self * other


@mul.vjp
def _(ct, self, other):
    return ct * jnp.conj(other), ct * jnp.conj(self)


@op(
    "div(Tensor|Scalar self, Tensor|Scalar other) -> Tensor", promote=FLOAT, inplace=True, pointwise=True,
    samples=binary(0.5, 2.0),
)  # fmt: skip
def div(self, other):
    """``self / other``, broadcast; integers give floats."""
    return quotient(self, other)


@div.vjp
def _(ct, self, other):
    return quotient(ct, jnp.conj(other)), -ct * jnp.conj(quotient(quotient(self, other), other))


def _subnormal(x: jax.Array) -> jax.Array:
    """Whether a float32 is subnormal, told from its bits: XLA reads such numbers as zeros."""
    bits = jax.lax.bitcast_convert_type(jax.lax.stop_gradient(x), jnp.int32) & 0x7FFFFFFF
    return (bits > 0) & (bits < 0x00800000)


def _rest(a: jax.Array, b: jax.Array) -> jax.Array:
    """``a - trunc(a / b) * b`` without rounding errors (C's ``fmod``).

    In float32 it is computed in float64, exactly as long as the quotient has at most 29 bits and nothing is subnormal;
    XLA calls a scalar function for each element.
    """
    if a.dtype != jnp.float32:
        return jax.lax.rem(a, b)
    negative = jnp.signbit(a)
    size, unit = jnp.where(negative, -a, a).astype(jnp.float64), jnp.abs(b).astype(jnp.float64)
    quotient = size / unit
    long = jnp.any((quotient >= 2.0**29) & jnp.isfinite(quotient) | _subnormal(a) | _subnormal(b))

    def short(a: jax.Array, b: jax.Array) -> jax.Array:
        rest = jnp.where(jnp.isinf(unit), size, size - jnp.trunc(quotient) * unit).astype(jnp.float32)
        return jnp.where(jnp.isnan(a), a, jnp.where(negative, -rest, rest))

    return jax.lax.cond(long, jax.lax.rem, short, a, b)


def _floor_quotient(a: jax.Array, b: jax.Array) -> jax.Array:
    """``floor(a / b)`` without the rounding error of the quotient (as Python's ``//``)."""
    if is_integral(a):
        return jnp.floor_divide(a, b)
    rest = _rest(a, b)
    quotient = (a - rest) / b
    quotient = jnp.where((rest != 0) & ((b < 0) != (rest < 0)), quotient - 1, quotient)
    floor = jnp.floor(quotient)
    floor = jnp.where(quotient - floor > 0.5, floor + 1, floor)
    floor = jnp.where(quotient == 0, jnp.copysign(jnp.zeros_like(a), a / b), floor)
    return jnp.where(b == 0, a / b, floor)


def _trunc_quotient(a: jax.Array, b: jax.Array) -> jax.Array:
    """``trunc(a / b)``."""
    return jax.lax.div(a, b) if is_integral(a) else jnp.trunc(a / b)


def _check_rounding(kind: str, self: Any, other: Any) -> None:
    specs = [x for x in (self, other) if isinstance(x, ArraySpec)]
    bad = next((x for x in specs if is_complex(x)), specs[0] if is_bool(self) and is_bool(other) else None)
    if bad is not None:
        raise NotImplementedError(f"\"{kind}_cpu\" not implemented for '{display_name(bad.dtype)}'")


@op(
    "div.mode(Tensor|Scalar self, Tensor|Scalar other, *, str? rounding_mode) -> Tensor", promote=ALL, inplace=True,
    pointwise=True, grad_name="DivBackward2",
    samples=cases(
        (T((2, 3)), T((3,), low=1.0), {"rounding_mode": "floor"}),
        (T((2, 3)), T((3,), low=1.0), {"rounding_mode": "trunc"}), (T((4,)), 2, {"rounding_mode": "floor"}),
        (T((4,)), 2, {"rounding_mode": "trunc"}), (T((4,)), 2, {"rounding_mode": None}),
    ),
)  # fmt: skip
def div_mode(self, other, rounding_mode):
    """``self / other`` rounded towards zero (``trunc``), down (``floor``) or not at all (None)."""
    self, other = jnp.broadcast_arrays(self, other)
    if rounding_mode == "floor":
        return _floor_quotient(self, other)
    if rounding_mode == "trunc":
        return _trunc_quotient(self, other)
    return jnp.divide(self.astype(jnp.float32), other.astype(jnp.float32)) if is_integral(self) else self / other


@div_mode.vjp
def _(ct, self, other, rounding_mode):
    if rounding_mode is not None:
        return jnp.zeros_like(ct), jnp.zeros_like(ct)
    return ct / jnp.conj(other), -ct * jnp.conj(self / other / other)


@div_mode.check
def _(self, other, rounding_mode):
    if rounding_mode not in (None, "trunc", "floor"):
        raise RuntimeError(
            f"div expected rounding_mode to be one of None, 'trunc', or 'floor' but found '{rounding_mode}'"
        )
    if rounding_mode is not None:
        _check_rounding(f"div_{rounding_mode}", self, other)


@op(
    "floor_divide(Tensor|Scalar self, Tensor|Scalar other) -> Tensor", promote=ALL, inplace=True, pointwise=True,
    differentiable=False, samples=binary(1.0, 5.0),
)  # fmt: skip
def floor_divide(self, other):
    """``floor(self / other)``, broadcast."""
    return _floor_quotient(*jnp.broadcast_arrays(self, other))


@floor_divide.check
def _(self, other):
    _check_rounding("div_floor", self, other)


def _modulus_name(name: str):
    def grad_name(self: Any, other: Any) -> str:
        if not isinstance(self, ArraySpec):
            return f"{name}Backward2"
        return f"{name}Backward1" if isinstance(other, ArraySpec) else f"{name}Backward0"

    return grad_name


@op(
    "remainder(Tensor|Scalar self, Tensor|Scalar other) -> Tensor", promote=ALL, inplace=True, pointwise=True,
    grad_name=_modulus_name("Remainder"),
    samples=cases((T((2, 3)), T((3,), low=1.0)), (T((4,)), 2), (T((4,)), T((), low=1.0)), (T((0,)), T((0,)))),
)  # fmt: skip
def remainder(self, other):
    """``self - floor(self / other) * other``: the sign is the divisor's (Python's ``%``)."""
    if is_integral(self):
        return jnp.remainder(self, other)
    self, other = jnp.broadcast_arrays(self, other)
    rest = _rest(self, other)
    return jnp.where((rest != 0) & ((rest < 0) != (other < 0)), rest + other, rest)


@remainder.vjp
def _(ct, self, other):
    return ct, -ct * _floor_quotient(*jnp.broadcast_arrays(self, other))


@remainder.check
def _(self, other):
    _check_rounding("remainder", self, other)


needs_tensor("remainder")(remainder)


@op(
    "fmod(Tensor self, Tensor|Scalar other) -> Tensor", promote=ALL, inplace=True, pointwise=True,
    grad_name=_modulus_name("Fmod"),
    samples=cases((T((2, 3)), T((3,), low=1.0)), (T((4,)), 2), (T((4,)), T((), low=1.0)), (T((0,)), T((0,)))),
)  # fmt: skip
def fmod(self, other):
    """``self - trunc(self / other) * other``: the sign is the dividend's (C's ``fmod``)."""
    return _rest(*jnp.broadcast_arrays(self, other))


@fmod.vjp
def _(ct, self, other):
    return ct, -ct * _trunc_quotient(*jnp.broadcast_arrays(self, other))


@fmod.check
def _(self, other):
    _check_rounding("fmod", self, other)


# ---------------------------------------------------------------- three operands


@op(
    "addcmul(Tensor self, Tensor tensor1, Tensor tensor2, *, Scalar value=1) -> Tensor", promote=ALL, inplace=True,
    pointwise=True, promote_args=("self", "tensor1", "tensor2"), samples=ternary(value=2),
)  # fmt: skip
def addcmul(self, tensor1, tensor2, value):
    """``self + value * tensor1 * tensor2``, broadcast."""
    return self + cast_like(value, self) * tensor1 * tensor2


@addcmul.vjp
def _(ct, tensor1, tensor2, value):
    scaled = ct * jnp.conj(cast_like(value, ct))
    return ct, scaled * jnp.conj(tensor2), scaled * jnp.conj(tensor1)


@addcmul.check
def _(self, tensor1, tensor2, value):
    if all(x.dtype == np.bool_ for x in (self, tensor1, tensor2)):
        raise NotImplementedError("\"addcmul_cpu_out\" not implemented for 'Bool'")


@op(
    "addcdiv(Tensor self, Tensor tensor1, Tensor tensor2, *, Scalar value=1) -> Tensor", promote=ALL, inplace=True,
    pointwise=True, promote_args=("self", "tensor1", "tensor2"), samples=ternary(0.5, 2.0, value=2),
)  # fmt: skip
def addcdiv(self, tensor1, tensor2, value):
    """``self + value * tensor1 / tensor2``, broadcast."""
    return self + cast_like(value, self) * tensor1 / tensor2


@addcdiv.vjp
def _(ct, tensor1, tensor2, value):
    quotient = ct * jnp.conj(cast_like(value, ct) / tensor2)
    return ct, quotient, -quotient * jnp.conj(tensor1 / tensor2)


@addcdiv.check
def _(self, tensor1, tensor2, value):
    if is_integral(tensor1) and is_integral(tensor2):
        raise RuntimeError(
            "Integer division with addcdiv is no longer supported: cast one of tensor1 and tensor2 to a floating "
            "dtype, or use addcmul with a rounded quotient."
        )


_CPP_NAMES = {
    "float32": "float", "float64": "double", "float16": "c10::Half", "bfloat16": "c10::BFloat16",
    "int64": "long int", "int32": "int", "int16": "short int", "int8": "signed char", "uint8": "unsigned char",
    "bool": "bool", "complex64": "c10::complex<float>", "complex128": "c10::complex<double>",
}  # fmt: skip


def _check_lerp(self: Any, end: Any, weight: Any) -> None:
    others = {"end": end, "weight": weight}
    for name, x in others.items():
        if isinstance(x, ArraySpec) and x.dtype != self.dtype:
            names = [_CPP_NAMES.get(np.dtype(d).name, np.dtype(d).name) for d in (self.dtype, x.dtype)]
            raise RuntimeError(f"expected dtype {names[0]} for `{name}` but got dtype {names[1]}")
    if is_integral(self):
        kind = "tensor" if isinstance(weight, ArraySpec) else "scalar"
        raise NotImplementedError(f"\"lerp_kernel_{kind}\" not implemented for '{display_name(self.dtype)}'")


def _lerp(start: jax.Array, end: jax.Array, weight: jax.Array) -> jax.Array:
    """Exact at both ends: the formula starts from the nearer one."""
    gap = end - start
    return jnp.where(jnp.abs(weight) < 0.5, start + weight * gap, end - gap * (1 - weight))


@op(
    "lerp.Tensor(Tensor self, Tensor end, Tensor weight) -> Tensor", promote=ALL, inplace=True,
    pointwise=True, grad_name="LerpBackward1", samples=ternary(),
)  # fmt: skip
def lerp_tensor(self, end, weight):
    """``self + weight * (end - self)``."""
    return _lerp(self, end, weight)


@lerp_tensor.vjp
def _(ct, self, end, weight):
    return ct * jnp.conj(1 - weight), ct * jnp.conj(weight), ct * jnp.conj(end - self)


@op(
    "lerp.Scalar(Tensor self, Tensor end, Scalar weight) -> Tensor", promote=ALL, promote_args=("self", "end"),
    inplace=True, pointwise=True, grad_name="LerpBackward0",
    samples=cases((T((2, 3)), T((3,)), 0.25), (T((2, 3)), T((2, 3)), 0.75), (T(()), T(()), 1.5)),
)  # fmt: skip
def lerp_scalar(self, end, weight):
    """``self + weight * (end - self)``."""
    return _lerp(self, end, cast_like(weight, self))


@lerp_scalar.vjp
def _(ct, weight):
    weight = jnp.conj(cast_like(weight, ct))
    return ct * (1 - weight), ct * weight


lerp_scalar.check(_check_lerp)
lerp_tensor.check(_check_lerp)

# ---------------------------------------------------------------- other functions of two tensors


@refuse("c", "\"atan2_cpu\" not implemented for 'ComplexFloat'")
@op(
    "atan2(Tensor self, Tensor other) -> Tensor", promote=FLOAT, inplace=True, pointwise=True,
    samples=binary(scalar=False),
)  # fmt: skip
def atan2(self, other):
    """Angle of the point (other, self), in radians."""
    return arctan2(self, other)


@atan2.vjp
def _(ct, self, other):
    scale = jnp.where((self == 0) & (other == 0), 0, ct / (self * self + other * other))
    return scale * other, -scale * self


@refuse("biuc")
@op(
    "hypot(Tensor self, Tensor other) -> Tensor", promote=ALL, inplace=True, pointwise=True,
    samples=binary(0.5, 2.0, scalar=False),
)  # fmt: skip
def hypot(self, other):
    """``sqrt(self**2 + other**2)`` without overflow."""
    return jnp.hypot(self, other)


@hypot.vjp
def _(ct, self, other, result):
    scale = ct / result
    return scale * self, scale * other


def _copysign_name(self: Any, other: Any) -> str:
    return "CopysignBackward0" if isinstance(other, ArraySpec) else "CopysignBackward1"


@refuse("c")
@op(
    "copysign(Tensor self, Tensor|Scalar other) -> Tensor", promote=FLOAT, inplace=True, pointwise=True,
    grad_name=_copysign_name, samples=binary(),
)  # fmt: skip
def copysign(self, other):
    """``|self|`` with the sign of ``other``."""
    return jnp.copysign(self, other)


@copysign.vjp
def _(ct, self, result):
    zero = self == 0
    return ct * jnp.where(zero, 0, result / jnp.where(zero, 1, self)), jnp.zeros_like(ct)


@refuse("biuc")
@op(
    "nextafter(Tensor self, Tensor other) -> Tensor", promote=ALL, opmath=False, inplace=True, pointwise=True,
    samples=binary(scalar=False),
)  # fmt: skip
def nextafter(self, other):
    """The next representable value after ``self`` towards ``other``."""
    return jnp.nextafter(*jnp.broadcast_arrays(self, other))


@nextafter.vjp
def _(ct):
    return ct, jnp.zeros_like(ct)


@op(
    "ldexp(Tensor self, Tensor other) -> Tensor", promote=FLOAT, inplace=True, pointwise=True,
    samples=binary(scalar=False),
)  # fmt: skip
def ldexp(self, other):
    """``self * 2**other``."""
    return self * jnp.power(jnp.asarray(2, other.dtype), other)


@ldexp.vjp
def _(ct, self, other):
    scale = jnp.conj(jnp.power(jnp.asarray(2, other.dtype), other))
    return ct * scale, ct * jnp.conj(self) * scale * math.log(2.0)


@op(
    "frexp(Tensor self) -> (Tensor mantissa, Tensor exponent)", promote=NONE,
    samples=cases((T((2, 3), high=100.0),), (T((0,)),)),
)  # fmt: skip
def frexp(self):
    """Mantissa in [0.5, 1) and int32 exponent with ``x = mantissa * 2**exponent``."""
    if not is_floating(self):
        raise RuntimeError("torch.frexp() only supports floating-point dtypes")
    mantissa, exponent = jnp.frexp(self)
    mantissa = jnp.where(jnp.isfinite(self), mantissa, self).astype(self.dtype)
    return mantissa, jnp.where(jnp.isfinite(self), exponent, 0).astype(jnp.int32)


@frexp.vjp
def _(cts, self):
    exponent = jnp.frexp(self)[1]
    return cts[0] / jnp.power(jnp.asarray(2, cts[0].dtype), exponent.astype(cts[0].dtype))


def _xlogy_name(name: str):
    def grad_name(self: Any, other: Any) -> str:
        if not isinstance(self, ArraySpec):
            return f"{name}Backward1"
        return f"{name}Backward0" if isinstance(other, ArraySpec) else f"{name}Backward2"

    return grad_name


@needs_tensor("xlogy")
@refuse("c", "\"xlogy_cpu\" not implemented for 'ComplexFloat'")
@op(
    "xlogy(Tensor|Scalar self, Tensor|Scalar other) -> Tensor", promote=FLOAT, inplace=True, pointwise=True,
    grad_name=_xlogy_name("Xlogy"), samples=binary(0.5, 2.0),
)  # fmt: skip
def xlogy(self, other):
    """``self * log(other)``; 0 where ``self`` is 0, unless ``other`` is NaN."""
    return jnp.where(jnp.isnan(other), jnp.nan, jnp.where(self == 0, 0, self * jnp.log(other)))


@xlogy.vjp
def _(ct, self, other):
    return jnp.where((self == 0) & (other <= 0), 0, ct * jnp.log(other)), ct * self / other


@refuse("biu")
@op("logaddexp(Tensor self, Tensor other) -> Tensor", promote=ALL, pointwise=True, samples=binary(scalar=False))
def logaddexp(self, other):
    """``log(exp(self) + exp(other))`` without overflow; the imaginary part of a complex result is not reduced."""
    return complex_logaddexp(self, other) if is_complex(self) else jnp.logaddexp(self, other)


def complex_logaddexp(a: jax.Array, b: jax.Array) -> jax.Array:
    """``b + log1p(exp(a - b))`` for the operand ``b`` with the larger real part; NaN makes the result NaN."""
    swap = (jnp.real(a) > jnp.real(b)) | jnp.isnan(a)
    low, high = jnp.where(swap, b, a), jnp.where(swap, a, b)
    gap = jnp.real(low) - jnp.real(high)
    finite = high + jnp.where(gap == -jnp.inf, 0, jnp.log1p(jnp.exp(low - high)))
    tie = ~jnp.isfinite(jnp.real(high)) & (jnp.real(low) == jnp.real(high))
    infinite = jnp.where(jnp.real(high) < 0, low, jnp.log(jnp.exp(low) + jnp.exp(high)))
    nan = jnp.asarray(complex(math.nan, math.nan), high.dtype)
    return jnp.where(jnp.isnan(a) | jnp.isnan(b), nan, jnp.where(tie, infinite, finite))


@logaddexp.vjp
def _(ct, self, other):
    return ct / (1 + jnp.exp(jnp.conj(other - self))), ct / (1 + jnp.exp(jnp.conj(self - other)))


@refuse("biuc")
@op("logaddexp2(Tensor self, Tensor other) -> Tensor", promote=ALL, pointwise=True, samples=binary(scalar=False))
def logaddexp2(self, other):
    """``log2(2**self + 2**other)`` without overflow."""
    return jnp.logaddexp2(self, other)


@logaddexp2.vjp
def _(ct, self, other):
    return ct / (1 + jnp.exp2(other - self)), ct / (1 + jnp.exp2(self - other))


ALIASES = {
    "subtract": "sub", "multiply": "mul", "divide": "div", "true_divide": "div", "arctan2": "atan2",
    "special.xlogy": "xlogy",
}  # fmt: skip
"""Other spellings: public name -> op."""
