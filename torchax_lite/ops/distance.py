"""Distances and similarities between vectors, and bilinear forms."""

from __future__ import annotations

import math

import jax.numpy as jnp
import numpy as np
from jax import lax

from .common import accumulation_dtype, canonical_dim, display_name, is_integral
from .lowering import broadcast
from .registry import ALL, op
from .samples import T, cases

MATMUL_ROWS = 25
"""More rows than this on a side: the Euclidean distance of ``cdist`` goes through a matrix product, as in PyTorch."""


def _cosine_name(*_):
    return "SumBackward1"


@op(
    "cosine_similarity(Tensor x1, Tensor x2, int dim=1, float eps=1e-08) -> Tensor",
    promote=ALL, method=False, out=False, grad_name=_cosine_name,
    samples=cases((T((3, 4)), T((3, 4))), (T((2, 3, 4)), T((3, 4)), -1), (T((5,)), T((5,)), 0)),
)  # fmt: skip
def cosine_similarity(x1, x2, dim, eps):
    """``x1 . x2 / (max(|x1|, eps) max(|x2|, eps))`` along ``dim``."""
    if is_integral(x1):
        raise RuntimeError(f"expected common dtype to be floating point, yet common dtype is {display_name(x1.dtype)}")
    shape = broadcast([x1.shape, x2.shape])
    axis = canonical_dim(dim, len(shape))
    x1, x2 = jnp.broadcast_to(x1, shape or (1,)), jnp.broadcast_to(x2, shape or (1,))

    def unit(x):
        square = jnp.sum(x * x, axis=axis, keepdims=True)
        positive = square > 0
        norm = jnp.where(positive, jnp.sqrt(jnp.where(positive, square, 1)), 0)
        # the clamp is no part of the derivative (as in PyTorch)
        return x / (norm + lax.stop_gradient(jnp.maximum(norm, eps) - norm))

    return jnp.sum(unit(x1) * unit(x2), axis=axis)


# ---------------------------------------------------------------- all pairs
def _norm(d, p: float):
    """p-norm over the last dim."""
    if p == 0:
        return jnp.sum((d != 0).astype(d.dtype), -1)
    if p == 1:
        return jnp.sum(jnp.abs(d), -1)
    if p == 2:
        return jnp.sqrt(jnp.sum(d * d, -1))
    if math.isinf(p):
        return jnp.max(jnp.abs(d), -1, initial=0)
    return jnp.sum(jnp.abs(d) ** p, -1) ** (1 / p)


def _norm_slope(d, norm, p: float):
    """Derivative of :func:`_norm` for ``d``: 0 where the norm is 0."""
    sign, size, full = jnp.sign(d), jnp.abs(d), norm[..., None]
    if p == 0:
        return jnp.zeros_like(d)
    if p == 1:
        return sign
    safe = jnp.where(full == 0, 1, full)
    if p == 2:
        slope = d / safe
    elif math.isinf(p):
        slope = sign * (size == full)
    elif p < 1:
        slope = sign * jnp.where(size == 0, 0, jnp.where(size == 0, 1, size) ** (p - 1)) * safe ** (1 - p)
    else:
        slope = sign * (size / safe) ** (p - 1)
    return jnp.where(full == 0, 0, slope)


def _check_cdist(x1, x2, p) -> None:
    for name, x in (("X1", x1), ("X2", x2)):
        if is_integral(x):
            raise RuntimeError(f"cdist only supports floating-point dtypes, {name} got: {display_name(x.dtype)}")
    for name, x in (("X1", x1), ("X2", x2)):
        if x.ndim < 2:
            raise RuntimeError(f"cdist only supports at least 2D tensors, {name} got: {x.ndim}D")
    if x1.shape[-1] != x2.shape[-1]:
        raise RuntimeError(f"X1 and X2 must have the same number of columns. X1: {x1.shape[-1]} X2: {x2.shape[-1]}")
    if p < 0:
        raise RuntimeError("cdist only supports non-negative p values")


def _by_matmul(x1, x2, p, compute_mode) -> bool:
    large = x1.shape[-2] > MATMUL_ROWS or x2.shape[-2] > MATMUL_ROWS
    wanted = compute_mode == "use_mm_for_euclid_dist" or (
        compute_mode == "use_mm_for_euclid_dist_if_necessary" and large
    )
    return p == 2 and wanted


def _cdist_name(x1, x2, p=2.0, compute_mode="use_mm_for_euclid_dist_if_necessary"):
    return "ViewBackward0" if _by_matmul(x1, x2, p, compute_mode) else "CdistBackward0"


@op(
    "cdist(Tensor x1, Tensor x2, float p=2.0, str compute_mode='use_mm_for_euclid_dist_if_necessary') -> Tensor",
    method=False, out=False, grad_name=_cdist_name,
    samples=cases(
        (T((3, 4)), T((5, 4))), (T((2, 3, 4)), T((5, 4)), 1.0), (T((3, 4)), T((2, 4)), 3.0),
        (T((3, 4)), T((2, 4)), float("inf")), (T((30, 4)), T((7, 4))),
    ),
)  # fmt: skip
def cdist(x1, x2, p, compute_mode):
    """p-norm distance of every row of ``x1`` to every row of ``x2``: ``(..., P, R)``."""
    modes = ("use_mm_for_euclid_dist_if_necessary", "use_mm_for_euclid_dist", "donot_use_mm_for_euclid_dist")
    if compute_mode not in modes:
        raise ValueError(f"{compute_mode} is not a valid value for compute_mode")
    _check_cdist(x1, x2, p)
    if _by_matmul(x1, x2, p, compute_mode):
        # |a|^2 + |b|^2 - 2 a b, as one product; cancels near 0, clamped there
        n1, n2 = jnp.sum(x1 * x1, -1, keepdims=True), jnp.sum(x2 * x2, -1, keepdims=True)
        product = jnp.matmul(x1, jnp.swapaxes(x2, -1, -2), precision=lax.Precision.HIGHEST)
        return jnp.sqrt(jnp.maximum(n1 + jnp.swapaxes(n2, -1, -2) - 2 * product, 0))
    return _norm(x1[..., :, None, :] - x2[..., None, :, :], p)


@cdist.vjp
def _(ct, x1, x2, p, compute_mode, result):
    if _by_matmul(x1, x2, p, compute_mode):
        ratio = jnp.where(result == 0, 0, ct / jnp.where(result == 0, 1, result))
        flipped = jnp.swapaxes(ratio, -1, -2)
        return (
            x1 * jnp.sum(ratio, -1)[..., None] - jnp.matmul(ratio, x2, precision=lax.Precision.HIGHEST),
            x2 * jnp.sum(flipped, -1)[..., None] - jnp.matmul(flipped, x1, precision=lax.Precision.HIGHEST),
        )
    d = x1[..., :, None, :] - x2[..., None, :, :]
    g = ct[..., None] * _norm_slope(d, result, p)
    return jnp.sum(g, -2), -jnp.sum(g, -3)


def _differences(x):
    """Every row minus every row, (n, n, width): XLA forms it while it reduces, so that pairs need no gathering."""
    return x[:, None, :] - x[None, :, :]


def _symmetric(pairs, n: int):
    """The matrix, zero on its diagonal, whose upper triangle row by row is ``pairs``."""
    upper = jnp.zeros((n, n), pairs.dtype).at[np.triu_indices(n, 1)].set(pairs)
    return upper + upper.T


@op(
    "pdist(Tensor self, float p=2.0) -> Tensor",
    method=False, out=False, samples=cases((T((4, 3)),), (T((4, 3)), 1.0), (T((3, 2)), 3.0)),
)  # fmt: skip
def pdist(self, p):
    """p-norm distance of every pair of rows, the upper triangle of ``cdist(x, x)`` row by row."""
    if self.ndim != 2:
        raise RuntimeError(f"pdist only supports 2D tensors, got: {self.ndim}D")
    if is_integral(self):
        raise RuntimeError(f"pdist only supports floating-point dtypes, got: {display_name(self.dtype)}")
    if p < 0:
        raise RuntimeError("pdist only supports non-negative p values")
    i, j = np.triu_indices(self.shape[0], 1)
    if self.size < 1 << 10:
        return _norm(self[i] - self[j], p)
    return _norm(_differences(self) + jnp.eye(self.shape[0], dtype=self.dtype)[..., None], p)[i, j]


@pdist.vjp
def _(ct, self, p, result):
    n = self.shape[0]
    g = _symmetric(ct, n)[..., None] * _norm_slope(_differences(self), _symmetric(result, n), p)
    return jnp.sum(g, 1)


# ---------------------------------------------------------------- bilinear
def _bilinear_name(input1, input2, weight, bias=None):
    return "ViewBackward0" if bias is None else "AddBackward0"


@op(
    "bilinear(Tensor input1, Tensor input2, Tensor weight, Tensor? bias=None) -> Tensor",
    method=False, out=False, grad_name=_bilinear_name,
    samples=cases((T((3, 4)), T((3, 2)), T((5, 4, 2)), T((5,))), (T((2, 3, 4)), T((2, 3, 2)), T((5, 4, 2)))),
)  # fmt: skip
def bilinear(input1, input2, weight, bias):
    """``x1^T W_o x2 + b_o`` for every output ``o``."""
    if input1.ndim != input2.ndim:
        raise RuntimeError(f"bilinear(): input dimensions do not match: got {input1.ndim} and {input2.ndim}")
    for i, (a, b) in enumerate(zip(input1.shape[:-1], input2.shape[:-1], strict=True)):
        if a != b:
            raise RuntimeError(f"bilinear(): input batch dimensions do not match at dim {i}: got {a} and {b}")
    for name, x, size in (("input1", input1, weight.shape[1]), ("input2", input2, weight.shape[2])):
        if x.shape[-1] != size:
            raise RuntimeError(
                f"bilinear(): {name} size does not match weight size: got {x.shape[-1]} but expected {size}"
            )
    if bias is not None and bias.shape[0] != weight.shape[0]:
        raise RuntimeError(
            f"bilinear(): bias size does not match weight size: got {bias.shape[0]} but expected {weight.shape[0]}"
        )
    out = jnp.einsum(
        "...i,oij,...j->...o", input1, weight, input2,
        preferred_element_type=accumulation_dtype(input1.dtype),
    ).astype(input1.dtype)  # fmt: skip
    return out if bias is None else out + bias


@op(
    "_unsafe_view(Tensor self, int[] size) -> Tensor",
    method=False, out=False, namespaces=("_ops",), grad_name="UnsafeViewBackward0",
    samples=cases((T((6, 4)), (2, 3, 4))),
)  # fmt: skip
def unsafe_view(self, size):
    """The same elements in another shape, as a tensor of its own."""
    return self.reshape(size)


@unsafe_view.vjp
def _(ct, self_shape):
    return ct.reshape(self_shape)
