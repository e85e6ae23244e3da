"""Views that read the bits of elements in another way: real and imaginary parts, other dtypes."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from .common import display_name
from .registry import op
from .views import Layout, Shape


@op("view_as_real(Tensor self) -> Tensor", view=True)
def view_as_real(self):
    """A complex tensor as a real one with a last dim of size 2."""
    if self.dtype.kind != "c":
        raise RuntimeError("view_as_real is only supported for complex tensors")
    return jnp.stack([jnp.real(self), jnp.imag(self)], axis=-1)


@view_as_real.vjp
def _(ct):
    return lax.complex(ct[..., 0], ct[..., 1])


@view_as_real.layout_rule
def _(shape: Shape, strides: Shape, offset: int) -> Layout:
    return (*shape, 2), (*(2 * s for s in strides), 1), 2 * offset


@view_as_real.write
def _(base, value):
    return lax.complex(value[..., 0], value[..., 1])


@op("view_as_complex(Tensor self) -> Tensor", view=True)
def view_as_complex(self):
    """A real tensor whose last dim has size 2 as a complex one."""
    if self.dtype == np.float16:
        raise NotImplementedError("view_as_complex of float16: torch.complex32 tensors do not exist here")
    if self.dtype not in (np.float32, np.float64):
        raise RuntimeError(
            "view_as_complex is only supported for half, float and double tensors, but got a tensor of another type"
        )
    if self.ndim == 0:
        raise RuntimeError("Input tensor must have one or more dimensions")
    if self.shape[-1] != 2:
        raise RuntimeError("Tensor must have a last dimension of size 2")
    return lax.complex(self[..., 0], self[..., 1])


@view_as_complex.vjp
def _(ct):
    return jnp.stack([jnp.real(ct), jnp.imag(ct)], axis=-1)


@view_as_complex.layout_rule
def _(shape: Shape, strides: Shape, offset: int) -> Layout:
    if strides[-1] != 1:
        raise RuntimeError("Tensor must have a last dimension with stride 1")
    if any(s % 2 for s in strides[:-1]):
        raise RuntimeError("Tensor must have a stride divisible by 2 for all but last dimension")
    return shape[:-1], tuple(s // 2 for s in strides[:-1]), offset // 2


@view_as_complex.write
def _(base, value):
    return jnp.stack([jnp.real(value), jnp.imag(value)], axis=-1)


def _unchanged(shape: Shape, strides: Shape, offset: int) -> Layout:
    return shape, strides, offset


@op("conj(Tensor self) -> Tensor", view=True, method=False, function=False, grad_name="ConjBackward0")
def conj(self):
    """The complex conjugate of memory that holds the numbers themselves."""
    return jnp.conj(self)


@op("neg_view(Tensor self) -> Tensor", view=True, method=False, function=False, grad_name="NegViewBackward0")
def neg_view(self):
    """The negative of memory that holds the numbers themselves."""
    return -self


@conj.vjp
def _(ct):
    return jnp.conj(ct)


@neg_view.vjp
def _(ct):
    return -ct


@conj.write
def _(base, value):
    return jnp.conj(value)


@neg_view.write
def _(base, value):
    return -value


conj.layout_rule(_unchanged)
neg_view.layout_rule(_unchanged)


@op("real(Tensor self) -> Tensor", view=True, method=False, function=False)
def real(self):
    """Real part of a complex tensor."""
    return jnp.real(self)


@real.vjp
def _(ct):
    return lax.complex(ct, jnp.zeros_like(ct))


@op("imag(Tensor self) -> Tensor", view=True, method=False, function=False)
def imag(self):
    """Imaginary part of a complex tensor."""
    return jnp.imag(self)


@imag.vjp
def _(ct):
    return lax.complex(jnp.zeros_like(ct), ct)


@real.layout_rule
def _(shape: Shape, strides: Shape, offset: int) -> Layout:
    return shape, tuple(2 * s for s in strides), 2 * offset


@imag.layout_rule
def _(shape: Shape, strides: Shape, offset: int) -> Layout:
    return shape, tuple(2 * s for s in strides), 2 * offset + 1


@real.write
def _(base, value):
    return lax.complex(value, jnp.imag(base))


@imag.write
def _(base, value):
    return lax.complex(jnp.real(base), value)


@op(
    "view.dtype(Tensor self, ScalarType dtype) -> Tensor", view=True, method=False, function=False, differentiable=False
)
def view_dtype(self, dtype):
    """The same bytes read as another dtype."""
    have, want = self.dtype.itemsize, np.dtype(dtype).itemsize
    x = self
    if have < want:
        if self.ndim == 0:
            raise RuntimeError(f"self.dim() cannot be 0 to view {self.dtype} as {dtype} (different element sizes)")
        ratio = want // have
        if self.shape[-1] % ratio:
            raise RuntimeError(
                f"self.size(-1) must be divisible by {ratio} to view {display_name(self.dtype)} as {display_name(dtype)} "
                f"(different element sizes), "
                f"but got {self.shape[-1]}"
            )
        x = self.reshape(*self.shape[:-1], self.shape[-1] // ratio, ratio)
    elif have > want and self.ndim == 0:
        raise RuntimeError(f"self.dim() cannot be 0 to view {self.dtype} as {dtype} (different element sizes)")
    if (self.dtype.kind == "c" or np.dtype(dtype).kind == "c") and not _halves(self.dtype, np.dtype(dtype), have, want):
        return _through_bytes(self, np.dtype(dtype))
    out = _bitcast(x, dtype)
    return out.reshape(*self.shape[:-1], -1) if have > want else out


def _halves(have: Any, want: Any, have_size: int, want_size: int) -> bool:
    """Whether a complex number is read as, or made of, two real ones."""
    if have.kind == "c":
        return want.kind != "c" and want_size * 2 == have_size
    return have.kind != "b" and have_size * 2 == want_size


def _through_bytes(x: Any, dtype: Any) -> Any:
    """Elements read as another dtype by way of their bytes."""
    shape = x.shape
    if x.dtype.kind == "c":
        x = jnp.stack([jnp.real(x), jnp.imag(x)], axis=-1)
    elif x.dtype == np.bool_:
        x = x.astype(np.uint8)
    raw = x if x.dtype.itemsize == 1 else lax.bitcast_convert_type(x, np.uint8)
    lead = shape[:-1]
    part = dtype.itemsize // 2 if dtype.kind == "c" else dtype.itemsize
    raw = raw.reshape(*lead, -1, *((2,) if dtype.kind == "c" else ()), part)
    if dtype == np.bool_:
        out = raw[..., 0] != 0
    elif dtype.kind == "c":
        real = lax.bitcast_convert_type(raw, np.float32 if dtype == np.complex64 else np.float64)
        out = lax.complex(real[..., 0], real[..., 1])
    else:
        out = lax.bitcast_convert_type(raw if part > 1 else raw[..., 0], dtype)
    return out if shape else out.reshape(())


def _bitcast(x: Any, dtype: Any) -> Any:
    dtype = np.dtype(dtype)
    if x.dtype == np.bool_:
        x = x.astype(np.uint8)
    if x.dtype.kind == "c":
        part = jnp.stack([jnp.real(x), jnp.imag(x)], axis=-1)
        if dtype.itemsize == part.dtype.itemsize:
            return lax.bitcast_convert_type(part, dtype).reshape(*x.shape, 2)
        raise NotImplementedError(f"view of {x.dtype} as {dtype}")
    if dtype.kind == "c":
        real_dtype = np.float32 if dtype == np.complex64 else np.float64
        if x.shape[-1:] == (2,) and x.dtype.itemsize * 2 == dtype.itemsize:
            part = lax.bitcast_convert_type(x, real_dtype)
            return lax.complex(part[..., 0], part[..., 1])
        raise NotImplementedError(f"view of {x.dtype} as {dtype}")
    if dtype == np.bool_:
        return lax.bitcast_convert_type(x, np.uint8) != 0
    return lax.bitcast_convert_type(x, dtype)


@view_dtype.layout_rule
def _(shape: Shape, strides: Shape, offset: int, dtype: Any) -> Layout:
    raise NotImplementedError("layout of a dtype view is computed by Tensor.view")


@view_dtype.write
def _(base, value, dtype):
    flat = value
    have, want = base.dtype.itemsize, value.dtype.itemsize
    if have > want:
        flat = value.reshape(*base.shape, have // want)
    out = _bitcast(flat, base.dtype)
    return out.reshape(base.shape)
