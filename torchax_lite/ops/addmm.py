"""A tensor plus a product: ``addmm`` and its relatives.

Each has a plain form without ``beta`` and ``alpha``, so that the everyday call carries no scaling.
"""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np

from .common import canonical_dim, cast_like, display_name
from .matmul import (
    Folded,
    accumulator,
    bmm,
    check_batches,
    check_mv,
    check_mv_sizes,
    check_pair,
    check_scalar_type,
    conj,
    contract,
    matrix_product,
    mm,
    mv,
    outer,
    refuse_bool,
    sizes_text,
    two_matrices,
)
from .registry import ALL, op
from .samples import T, cases


def _expand(self: Any, shape: tuple[int, ...]) -> None:
    """Check that ``self`` expands to the shape of the product."""
    if self.ndim > len(shape):
        raise RuntimeError(
            f"expand(torch.{display_name(self.dtype)}Tensor{{{list(self.shape)}}}, size={list(shape)}): the number of "
            f"sizes provided ({len(shape)}) must be greater or equal to the number of dimensions in the tensor "
            f"({self.ndim})"
        )
    lead = len(shape) - self.ndim
    for k in reversed(range(self.ndim)):
        if self.shape[k] not in (1, shape[k + lead]):
            raise RuntimeError(
                f"The expanded size of the tensor ({shape[k + lead]}) must match the existing size ({self.shape[k]}) "
                f"at non-singleton dimension {k + lead}.  Target sizes: {list(shape)}.  Tensor sizes: "
                f"{list(self.shape)}"
            )


def _combine(self, product, beta, alpha):
    """``beta * self + alpha * product``; for beta 0 ``self`` does not count, NaN included."""
    wide = accumulator(product.dtype) or product.dtype
    if jnp.issubdtype(wide, jnp.integer):
        alpha, beta = (jnp.asarray(x).astype(wide) for x in (alpha, beta))
    else:
        alpha, beta = cast_like(alpha, product.astype(wide)), cast_like(beta, product.astype(wide))
    kept = jnp.where(beta == 0, jnp.zeros((), wide), beta * self.astype(wide))
    return (kept + alpha * product.astype(wide)).astype(product.dtype)


def _check_addmm(self, mat1, mat2):
    for name, m in (("mat1", mat1), ("mat2", mat2)):
        if m.ndim != 2:
            raise RuntimeError(f"{name} must be a matrix, got {m.ndim}-D tensor")
    if mat1.shape[1] != mat2.shape[0]:
        raise RuntimeError(f"mat1 and mat2 shapes cannot be multiplied {sizes_text(mat1, mat2)}")
    if self.dtype != mat2.dtype:
        raise RuntimeError(
            f"self and mat2 must have the same dtype, but got {display_name(self.dtype)} and {display_name(mat2.dtype)}"
        )
    if mat1.dtype != mat2.dtype:
        names = f"{display_name(mat1.dtype)} and {display_name(mat2.dtype)}"
        raise RuntimeError(f"mat1 and mat2 must have the same dtype, but got {names}")
    check_pair(mat1, mat2)
    _expand(self, (mat1.shape[0], mat2.shape[1]))


def _add(self, product):
    """``self + product``, computed in the accumulation dtype and rounded once."""
    wide = accumulator(product.dtype)
    if wide is None:
        return self + product
    return (self.astype(wide) + product.astype(wide)).astype(product.dtype)


def _scaled(derivative: Any, ct: Any, beta: Any, alpha: Any) -> tuple[Any, ...]:
    """Cotangents of ``beta * self + alpha * product`` from the product's derivative."""
    flow = ct * conj(cast_like(alpha, ct))
    return ct * conj(cast_like(beta, ct)), *derivative(flow)


_ADDMM = ((T((2, 4)), T((2, 3)), T((3, 4))), (T((4,)), T((2, 3)), T((3, 4))), (T(()), T((2, 0)), T((0, 4))))
_SCALES = {"beta": 2, "alpha": 3}


@op("addmm(Tensor self, Tensor mat1, Tensor mat2) -> Tensor", inplace=True, samples=cases(*_ADDMM))
def addmm(self, mat1, mat2):
    """``self + mat1 @ mat2``."""
    _check_addmm(self, mat1, mat2)
    return _add(self, two_matrices(mat1, mat2))


@addmm.vjp
def _(ct, mat1, mat2):
    return ct, *mm.vjp_body(ct, mat1, mat2)


@op(
    "addmm.scaled(Tensor self, Tensor mat1, Tensor mat2, *, Scalar beta=1, Scalar alpha=1) -> Tensor",
    inplace=True,
    samples=cases(*((*c, _SCALES) for c in _ADDMM)),
)
def addmm_scaled(self, mat1, mat2, beta, alpha):
    """``beta * self + alpha * mat1 @ mat2``; for ``beta`` 0 ``self`` does not count, NaN included."""
    _check_addmm(self, mat1, mat2)
    return _combine(self, contract(mat1, mat2, ((1,), (0,))), beta, alpha)


@addmm_scaled.vjp
def _(ct, mat1, mat2, beta, alpha):
    return _scaled(lambda flow: mm.vjp_body(flow, mat1, mat2), ct, beta, alpha)


def _check_addmv(self, mat, vec):
    check_mv(mat, vec, self.ndim if self.ndim > 1 else 1)
    check_mv_sizes(mat, vec, self.shape[0] if self.ndim else mat.shape[0])
    if not self.dtype == mat.dtype == vec.dtype:
        raise RuntimeError(
            f"addmv input tensors must have the same dtype, but got {display_name(self.dtype)}, "
            f"{display_name(mat.dtype)}, and {display_name(vec.dtype)}"
        )


_ADDMV = ((T((2,)), T((2, 3)), T((3,))), (T(()), T((2, 3)), T((3,))), (T((2,)), T((2, 0)), T((0,))))


@op("addmv(Tensor self, Tensor mat, Tensor vec) -> Tensor", inplace=True, samples=cases(*_ADDMV))
def addmv(self, mat, vec):
    """``self + mat @ vec``."""
    _check_addmv(self, mat, vec)
    return _add(self, contract(mat, vec, ((1,), (0,))))


@addmv.vjp
def _(ct, mat, vec):
    return ct, *mv.vjp_body(ct, mat, vec)


@op(
    "addmv.scaled(Tensor self, Tensor mat, Tensor vec, *, Scalar beta=1, Scalar alpha=1) -> Tensor",
    inplace=True,
    samples=cases(*((*c, _SCALES) for c in _ADDMV)),
)
def addmv_scaled(self, mat, vec, beta, alpha):
    """``beta * self + alpha * mat @ vec``; for ``beta`` 0 ``self`` does not count, NaN included."""
    _check_addmv(self, mat, vec)
    return _combine(self, contract(mat, vec, ((1,), (0,))), beta, alpha)


@addmv_scaled.vjp
def _(ct, mat, vec, beta, alpha):
    return _scaled(lambda flow: mv.vjp_body(flow, mat, vec), ct, beta, alpha)


def _check_3d(batch1, batch2):
    if batch1.ndim != 3:
        raise RuntimeError("batch1 must be a 3D tensor")
    canonical_dim(2, batch2.ndim)
    if batch2.ndim != 3:
        raise RuntimeError("batch2 must be a 3D tensor")


def _check_addbmm(self, batch1, batch2):
    _check_3d(batch1, batch2)
    if batch1.shape[0] != batch2.shape[0]:
        raise RuntimeError(
            f"batch1 and batch2 must have same number of batches, got {batch1.shape[0]} and {batch2.shape[0]}"
        )
    if batch1.shape[2] != batch2.shape[1]:
        raise RuntimeError(
            f"Incompatible matrix sizes for bmm ({batch1.shape[1]}x{batch1.shape[2]} and "
            f"{batch2.shape[1]}x{batch2.shape[2]})"
        )
    _expand(self, (batch1.shape[1], batch2.shape[2]))
    check_pair(Folded(batch1, 1), _Matrix(batch2))


class _Matrix:
    """The matrices of a batch as one, for the dtype checks of :func:`check_pair`."""

    def __init__(self, x: Any) -> None:
        self.dtype, self.shape, self.ndim = x.dtype, x.shape[-2:], 2


_ADDBMM = ((T((2, 4)), T((5, 2, 3)), T((5, 3, 4))), (T((4,)), T((5, 2, 3)), T((5, 3, 4))))


def _addbmm_grads(flow, batch1, batch2):
    """Cotangents of the factors of a sum of products."""
    g1 = jnp.swapaxes(contract(conj(batch2), flow, ((2,), (1,))), 1, 2)
    return g1, contract(conj(batch1), flow, ((1,), (0,)))


@op("addbmm(Tensor self, Tensor batch1, Tensor batch2) -> Tensor", inplace=True, samples=cases(*_ADDBMM))
def addbmm(self, batch1, batch2):
    """``self`` + the sum over the batch of ``batch1[i] @ batch2[i]``."""
    _check_addbmm(self, batch1, batch2)
    return _add(self, contract(batch1, batch2, ((0, 2), (0, 1))))


@addbmm.vjp
def _(ct, batch1, batch2):
    return ct, *_addbmm_grads(ct, batch1, batch2)


@op(
    "addbmm.scaled(Tensor self, Tensor batch1, Tensor batch2, *, Scalar beta=1, Scalar alpha=1) -> Tensor",
    inplace=True,
    samples=cases(*((*c, _SCALES) for c in _ADDBMM)),
)
def addbmm_scaled(self, batch1, batch2, beta, alpha):
    """``beta * self + alpha * sum_i batch1[i] @ batch2[i]``; for ``beta`` 0 ``self`` does not count."""
    _check_addbmm(self, batch1, batch2)
    return _combine(self, contract(batch1, batch2, ((0, 2), (0, 1))), beta, alpha)


@addbmm_scaled.vjp
def _(ct, batch1, batch2, beta, alpha):
    return _scaled(lambda flow: _addbmm_grads(flow, batch1, batch2), ct, beta, alpha)


def _check_baddbmm(self, batch1, batch2):
    _check_3d(batch1, batch2)
    check_batches(batch1, batch2)
    _expand(self, (batch1.shape[0], batch1.shape[1], batch2.shape[2]))
    check_scalar_type(self, batch1)
    check_scalar_type(batch1, batch2)
    refuse_bool(batch1, "baddbmm")


_BADDBMM = ((T((5, 2, 4)), T((5, 2, 3)), T((5, 3, 4))), (T((2, 1)), T((5, 2, 3)), T((5, 3, 4))))


@op("baddbmm(Tensor self, Tensor batch1, Tensor batch2) -> Tensor", inplace=True, samples=cases(*_BADDBMM))
def baddbmm(self, batch1, batch2):
    """``self + batch1 @ batch2`` for each matrix of the batch."""
    _check_baddbmm(self, batch1, batch2)
    return _add(self, matrix_product(batch1, batch2))


@baddbmm.vjp
def _(ct, batch1, batch2):
    return ct, *bmm.vjp_body(ct, batch1, batch2)


@op(
    "baddbmm.scaled(Tensor self, Tensor batch1, Tensor batch2, *, Scalar beta=1, Scalar alpha=1) -> Tensor",
    inplace=True,
    samples=cases(*((*c, _SCALES) for c in _BADDBMM)),
)
def baddbmm_scaled(self, batch1, batch2, beta, alpha):
    """``beta * self + alpha * batch1 @ batch2`` for each matrix; for ``beta`` 0 ``self`` does not count."""
    _check_baddbmm(self, batch1, batch2)
    return _combine(self, matrix_product(batch1, batch2), beta, alpha)


@baddbmm_scaled.vjp
def _(ct, batch1, batch2, beta, alpha):
    return _scaled(lambda flow: bmm.vjp_body(flow, batch1, batch2), ct, beta, alpha)


@op(
    "addr(Tensor self, Tensor vec1, Tensor vec2, *, Scalar beta=1, Scalar alpha=1) -> Tensor",
    promote=ALL,
    promote_args=("self", "vec1", "vec2"),
    inplace=True,
    samples=cases((T((3, 4)), T((3,)), T((4,))), (T((4,)), T((3,)), T((4,)), _SCALES)),
)
def addr(self, vec1, vec2, beta, alpha):
    """``beta * self + alpha * outer(vec1, vec2)``."""
    _expand(self, (vec1.shape[0], vec2.shape[0]))
    product = vec1[:, None] * vec2[None, :]
    if self.dtype == jnp.bool_:
        return (self & (beta != 0)) | (product & (alpha != 0))
    return _combine(self, product, beta, alpha)


@addr.check
def _(self, vec1, vec2, beta, alpha):
    for name, x in (("vec1", vec1), ("vec2", vec2)):
        if x.ndim != 1:
            raise RuntimeError(f"addr: Expected 1-D argument {name}, but got {x.ndim}-D")
    if all(np.dtype(x.dtype).kind in "iub" for x in (self, vec1, vec2)):
        for name, value in (("beta", beta), ("alpha", alpha)):
            if isinstance(value, float):
                raise RuntimeError(f"For integral input tensors, argument {name} must not be a floating point number.")


@addr.vjp
def _(ct, vec1, vec2, beta, alpha):
    return _scaled(lambda flow: outer.vjp_body(flow, vec1, vec2), ct, beta, alpha)
