"""Complex numbers from parts or from polar coordinates, and their angle."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp

from .common import display_name, is_complex
from .registry import FLOAT, NONE, op
from .samples import T, cases, unary
from .unary import sgn


@op("angle(Tensor self) -> Tensor", promote=FLOAT, pointwise=True, samples=unary())
def angle(self):
    """Phase in radians; of a real number 0, pi below 0, or NaN."""
    if is_complex(self):
        return jnp.angle(self)
    return jnp.where(jnp.isnan(self), self, jnp.where(self < 0, math.pi, 0).astype(self.dtype))


@angle.vjp
def _(ct, self):
    if not is_complex(self):
        return jnp.zeros_like(ct)
    norm2 = self.real * self.real + self.imag * self.imag
    safe = jnp.where(norm2 == 0, 1, norm2)
    zero = norm2 == 0
    return jax.lax.complex(jnp.where(zero, 0, -ct * self.imag / safe), jnp.where(zero, 0, ct * self.real / safe))


def _complex_parts(a, b, name: str) -> None:
    """Both parts must be real floating arrays of one dtype that a complex dtype can hold."""
    for x in (a, b):
        if jnp.dtype(x.dtype).name not in ("float16", "float32", "float64"):
            raise RuntimeError(
                "Expected both inputs to be Half, Float or Double tensors but got "
                f"{display_name(a.dtype)} and {display_name(b.dtype)}"
            )
    if a.dtype != b.dtype:
        names = display_name(a.dtype), display_name(b.dtype)
        raise RuntimeError(
            f"Expected object of scalar type {names[0]} but got scalar type {names[1]} for second argument"
        )
    if jnp.dtype(a.dtype).name == "float16":
        raise NotImplementedError(f"{name}: complex32 (a pair of float16) has no counterpart in XLA")


@op(
    "complex(Tensor real, Tensor imag) -> Tensor", promote=NONE, method=False, pointwise=True,
    samples=cases((T((3,)), T((3,))), (T((2, 1)), T((3,)))),
)  # fmt: skip
def complex_(real, imag):
    """``real + i imag``, broadcast."""
    _complex_parts(real, imag, "complex")
    real, imag = jnp.broadcast_arrays(real, imag)
    return jax.lax.complex(real, imag)


@complex_.vjp
def _(ct):
    return ct.real, ct.imag


@op(
    "polar(Tensor abs, Tensor angle) -> Tensor", promote=NONE, method=False, pointwise=True,
    samples=cases((T((3,), low=0.1), T((3,))), (T((2, 1), low=0.1), T((3,)))),
)  # fmt: skip
def polar(abs, angle):
    """``abs * (cos(angle) + i sin(angle))``, broadcast."""
    _complex_parts(abs, angle, "polar")
    return jax.lax.complex(*jnp.broadcast_arrays(abs * jnp.cos(angle), abs * jnp.sin(angle)))


@polar.vjp
def _(ct, result):
    unit = sgn.body(result)
    along = ct.real * unit.real + ct.imag * unit.imag
    return along, ct.imag * result.real - ct.real * result.imag
