"""Softmax family: softmax, log_softmax, softmin. Derivatives need the result only."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from .common import canonical_dim, display_name
from .registry import op
from .samples import T, cases

F = ("nn.functional",)


def _check_softmax(name: str):
    def check(self, dim, *rest) -> None:
        dtype = next((d for d in rest[::-1] if isinstance(d, np.dtype)), None)
        if dim is not None:
            canonical_dim(dim, self.ndim)
        kind = np.dtype(self.dtype if dtype is None else dtype)
        if kind.kind in "biuc":
            at = self.ndim - 1 if dim is None else canonical_dim(dim, self.ndim)
            kernel = f"{name}_lastdim_kernel_impl" if at == max(self.ndim - 1, 0) else f"{name}_kernel_impl"
            raise NotImplementedError(f"\"{kernel}\" not implemented for '{display_name(kind)}'")

    return check


def _compute(x: jax.Array, dtype: np.dtype | None) -> tuple[jax.Array, np.dtype]:
    """``x`` in the dtype to compute in, and the dtype of the result."""
    final = np.dtype(x.dtype) if dtype is None else np.dtype(dtype)
    return x.astype(np.float32 if final.itemsize < 4 else final), final


def softmax_along(x: jax.Array, dim: int, dtype: np.dtype | None) -> jax.Array:
    """``exp(x) / sum(exp(x))`` along a dim."""
    x, final = _compute(x, dtype)
    if x.ndim == 0 or x.size == 0:
        return (jnp.ones_like(x) * (x == x) if x.ndim == 0 else x).astype(final)
    e = jnp.exp(x - jnp.max(x, axis=dim, keepdims=True))
    return (e / jnp.sum(e, axis=dim, keepdims=True)).astype(final)


def softmax_vjp(ct: jax.Array, result: jax.Array, dim: int) -> jax.Array:
    """``p * (ct - sum(ct * p))``."""
    if ct.ndim == 0:
        return jnp.zeros_like(ct)
    ct, p = _compute(ct, None)[0], _compute(result, None)[0]
    weighted = ct * p
    return weighted - p * jnp.sum(weighted, axis=dim, keepdims=True)


def log_softmax_along(x: jax.Array, dim: int, dtype: np.dtype | None) -> jax.Array:
    """``x - log(sum(exp(x)))`` along a dim."""
    x, final = _compute(x, dtype)
    if x.ndim == 0 or x.size == 0:
        return (x - x).astype(final)
    shifted = x - jnp.max(x, axis=dim, keepdims=True)
    return (shifted - jnp.log(jnp.sum(jnp.exp(shifted), axis=dim, keepdims=True))).astype(final)


def log_softmax_vjp(ct: jax.Array, result: jax.Array, dim: int) -> jax.Array:
    """``ct - exp(result) * sum(ct)``."""
    if ct.ndim == 0:
        return jnp.zeros_like(ct)
    ct, result = _compute(ct, None)[0], _compute(result, None)[0]
    return ct - jnp.exp(result) * jnp.sum(ct, axis=dim, keepdims=True)


def _implicit_dim(dim: int | None, ndim: int) -> int:
    """The dim PyTorch's functional forms take when none is given."""
    return dim if dim is not None else 0 if ndim in (0, 1, 3) else 1


_SOFTMAX = cases(
    (T((2, 3)), 1), (T((2, 3, 4)), -2), (T(()), 0), (T((5,)), 0, {"dtype": np.dtype(np.float64)}), (T((0, 3)), 1),
)  # fmt: skip
_SOFTMAX_F = cases((T((2, 3)),), (T((2, 3)), 0), (T((2, 3, 4)),), (T((5,)), 0, {"dtype": np.dtype(np.float64)}))


@op(
    "softmax(Tensor self, int dim, ScalarType? dtype=None) -> Tensor", namespaces=("torch", "special"),
    samples=_SOFTMAX,
)  # fmt: skip
def softmax(self, dim, dtype):
    """``exp(x) / sum(exp(x))`` along ``dim``."""
    return softmax_along(self, dim, dtype)


@softmax.vjp
def _(ct, result, dim):
    return softmax_vjp(ct, result, dim)


@op(
    "log_softmax(Tensor self, int dim, ScalarType? dtype=None) -> Tensor", namespaces=("torch", "special"),
    samples=_SOFTMAX,
)  # fmt: skip
def log_softmax(self, dim, dtype):
    """``log(softmax(x))`` along ``dim``."""
    return log_softmax_along(self, dim, dtype)


@log_softmax.vjp
def _(ct, result, dim):
    return log_softmax_vjp(ct, result, dim)


softmax.check(_check_softmax("softmax"))
log_softmax.check(_check_softmax("log_softmax"))


@op(
    "softmax.functional(Tensor input, int? dim=None, int _stacklevel=3, ScalarType? dtype=None) -> Tensor",
    out=False, method=False, namespaces=F, samples=_SOFTMAX_F,
)  # fmt: skip
def softmax_functional(input, dim, _stacklevel, dtype):
    """``exp(x) / sum(exp(x))`` along ``dim``."""
    return softmax_along(input, _implicit_dim(dim, input.ndim), dtype)


@softmax_functional.vjp
def _(ct, result, dim):
    return softmax_vjp(ct, result, _implicit_dim(dim, ct.ndim))


@op(
    "log_softmax.functional(Tensor input, int? dim=None, int _stacklevel=3, ScalarType? dtype=None) -> Tensor",
    out=False, method=False, namespaces=F, samples=_SOFTMAX_F,
)  # fmt: skip
def log_softmax_functional(input, dim, _stacklevel, dtype):
    """``log(softmax(x))`` along ``dim``."""
    return log_softmax_along(input, _implicit_dim(dim, input.ndim), dtype)


@log_softmax_functional.vjp
def _(ct, result, dim):
    return log_softmax_vjp(ct, result, _implicit_dim(dim, ct.ndim))


@op(
    "softmin(Tensor input, int? dim=None, int _stacklevel=3, ScalarType? dtype=None) -> Tensor",
    out=False, method=False, namespaces=F, grad_name="SoftmaxBackward0", samples=_SOFTMAX_F,
)  # fmt: skip
def softmin(input, dim, _stacklevel, dtype):
    """``softmax(-x)`` along ``dim``."""
    return softmax_along(-input, _implicit_dim(dim, input.ndim), dtype)


@softmin.vjp
def _(ct, result, dim):
    return -softmax_vjp(ct, result, _implicit_dim(dim, ct.ndim))


softmax_functional.check(_check_softmax("softmax"))
log_softmax_functional.check(_check_softmax("log_softmax"))


@softmin.check
def _(input, dim, _stacklevel, dtype):
    if input.dtype == np.bool_:
        raise RuntimeError("Negation, the `-` operator, on a bool tensor is not supported.")
    _check_softmax("softmax")(input, dim, _stacklevel, dtype)


ALIASES: dict[str, str] = {}
"""Other spellings: public name -> op."""
