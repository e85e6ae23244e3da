"""Products of matrices and vectors: the ``mm`` family, ``matmul``, ``addmm`` and its relatives, contractions.

float32 products are computed in full float32 on every backend; :func:`set_float32_precision` lowers that. float16 and
bfloat16 products are accumulated in float32 and rounded once.
"""

from __future__ import annotations

import string
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from . import exact
from .common import canonical_dim, cast_like, display_name, is_complex, sum_to
from .indexing import broadcast
from .registry import ALL, op
from .samples import T, cases

ALIASES = {"ger": "outer", "linalg.matmul": "matmul", "linalg.cross": "linalg_cross"}

# ---------------------------------------------------------------- precision

_PRECISIONS = {"highest": lax.Precision.HIGHEST, "high": lax.Precision.HIGH, "medium": lax.Precision.DEFAULT}
_float32_precision = "highest"


def set_float32_precision(name: str) -> None:
    """Precision of float32 products: ``highest`` (float32), ``high`` or ``medium``."""
    global _float32_precision
    if name not in _PRECISIONS:
        raise RuntimeError(f"{name} is not one of 'highest', 'high', or 'medium'.")
    _float32_precision = name


def float32_precision() -> str:
    """Name of the precision of float32 products; programs depend on it."""
    return _float32_precision


def precision_for(dtype: Any) -> lax.Precision:
    """``jax.lax.Precision`` that products of this dtype are computed with."""
    if np.dtype(dtype) in (np.dtype(np.float32), np.dtype(np.complex64)):
        return _PRECISIONS[_float32_precision]
    return lax.Precision.HIGHEST


def _accumulator(dtype: Any) -> Any:
    """Dtype to accumulate in, None for the dtype itself."""
    dtype = np.dtype(dtype)
    return np.dtype(np.float32) if jnp.issubdtype(dtype, jnp.floating) and dtype.itemsize < 4 else None


def contract(a: Any, b: Any, contracting: tuple[Sequence[int], Sequence[int]], batch: Any = ((), ())) -> Any:
    """``lax.dot_general`` with this module's precision and accumulation; the result has the dtype of ``a``."""
    out = lax.dot_general(
        a, b, (contracting, batch), precision=precision_for(a.dtype), preferred_element_type=_accumulator(a.dtype)
    )
    return out.astype(a.dtype)


def adjoint(x: Any) -> Any:
    """Conjugate transpose of the last two dims."""
    return jnp.conj(jnp.swapaxes(x, -1, -2)) if is_complex(x) else jnp.swapaxes(x, -1, -2)


def _conj(x: Any) -> Any:
    return jnp.conj(x) if is_complex(x) else x


def two_matrices(a: Any, b: Any) -> Any:
    """``a @ b`` of two matrices; a small row times a matrix is summed in PyTorch's order on the CPU."""
    if exact.fits_row_product(a, b):
        return exact.on_cpu(exact.row_product, lambda x, y: contract(x, y, ((1,), (0,))), a, b)
    return contract(a, b, ((1,), (0,)))


def matrix_product(a: Any, b: Any) -> Any:
    """``a @ b`` over the last two dims; leading dims are equal."""
    n = a.ndim - 2
    lead = tuple(range(n))
    return contract(a, b, ((n + 1,), (n,)), (lead, lead))


_C_NAMES = {
    "Float": "float", "Double": "double", "Half": "c10::Half", "BFloat16": "c10::BFloat16", "Long": "long int",
    "Int": "int", "Short": "short int", "Char": "signed char", "Byte": "unsigned char", "Bool": "bool",
    "ComplexFloat": "c10::complex<float>", "ComplexDouble": "c10::complex<double>",
}  # fmt: skip


def _c_name(x: Any) -> str:
    return _C_NAMES.get(display_name(x.dtype), display_name(x.dtype))


def _refuse_bool(x: Any, kernel: str) -> None:
    if x.dtype == jnp.bool_:
        raise NotImplementedError(f"\"{kernel}\" not implemented for 'Bool'")


def _sizes(a: Any, b: Any) -> str:
    return f"({a.shape[0]}x{a.shape[1]} and {b.shape[0]}x{b.shape[1]})"


def _check_mm(a: Any, b: Any) -> None:
    if a.ndim != 2:
        raise RuntimeError("self must be a matrix")
    if b.ndim != 2:
        raise RuntimeError("mat2 must be a matrix")
    _check_pair(a, b)


def _check_pair(a: Any, b: Any) -> None:
    if a.shape[1] != b.shape[0]:
        raise RuntimeError(f"mat1 and mat2 shapes cannot be multiplied {_sizes(a, b)}")
    if a.dtype != b.dtype:
        raise RuntimeError(f"expected m1 and m2 to have the same dtype, but got: {_c_name(a)} != {_c_name(b)}")
    _refuse_bool(a, "addmm_impl_cpu_")


def _check_scalar_type(a: Any, b: Any) -> None:
    if a.dtype != b.dtype:
        raise RuntimeError(f"expected scalar type {display_name(a.dtype)} but found {display_name(b.dtype)}")


def _check_bmm(a: Any, b: Any) -> None:
    if a.ndim != 3:
        raise RuntimeError("batch1 must be a 3D tensor")
    if b.ndim != 3:
        raise RuntimeError("batch2 must be a 3D tensor")
    _check_batches(a, b)
    _check_scalar_type(a, b)
    _refuse_bool(a, "bmm")


def _check_batches(a: Any, b: Any) -> None:
    if (a.shape[0], a.shape[2]) != b.shape[:2]:
        raise RuntimeError(
            f"Expected size for first two dimensions of batch2 tensor to be: [{a.shape[0]}, {a.shape[2]}] but got: "
            f"[{b.shape[0]}, {b.shape[1]}]."
        )


def _check_mv(mat: Any, vec: Any, given: int = 1) -> None:
    if mat.ndim != 2 or vec.ndim != 1 or given > 1:
        raise RuntimeError(f"vector + matrix @ vector expected, got {given}, {mat.ndim}, {vec.ndim}")


def _check_mv_sizes(mat: Any, vec: Any, size: int) -> None:
    if mat.shape[1] != vec.shape[0] or size not in (1, mat.shape[0]):
        raise RuntimeError(
            f"size mismatch, got input ({size}), mat ({mat.shape[0]}x{mat.shape[1]}), vec ({vec.shape[0]})"
        )
    _refuse_bool(mat, "addmv_impl_cpu")


def _check_dot(a: Any, b: Any, kernel: str = "dot") -> None:
    if a.ndim != 1 or b.ndim != 1:
        raise RuntimeError(f"1D tensors expected, but got {a.ndim}D and {b.ndim}D tensors")
    if a.dtype != b.dtype:
        raise RuntimeError(
            f"dot : expected both vectors to have same dtype, but found {display_name(a.dtype)} and "
            f"{display_name(b.dtype)}"
        )
    if a.shape != b.shape:
        raise RuntimeError(
            f"inconsistent tensor size, expected tensor [{a.shape[0]}] and src [{b.shape[0]}] to have the same number "
            f"of elements, but got {a.shape[0]} and {b.shape[0]} elements respectively"
        )
    _refuse_bool(a, kernel)


# ---------------------------------------------------------------- two factors


@op("mm(Tensor self, Tensor mat2) -> Tensor", samples=cases((T((2, 3)), T((3, 4))), (T((2, 0)), T((0, 4)))))
def mm(self, mat2):
    """Product of two matrices."""
    _check_mm(self, mat2)
    return two_matrices(self, mat2)


@mm.vjp
def _(ct, self, mat2):
    return contract(ct, _conj(mat2), ((1,), (1,))), contract(_conj(self), ct, ((0,), (0,)))


@op("bmm(Tensor self, Tensor mat2) -> Tensor", samples=cases((T((5, 2, 3)), T((5, 3, 4))), (T((0, 2, 3)), T((0, 3, 1)))))
def bmm(self, mat2):
    """Products of two equal batches of matrices."""
    _check_bmm(self, mat2)
    return matrix_product(self, mat2)


@bmm.vjp
def _(ct, self, mat2):
    lead = ((0,), (0,))
    return contract(ct, _conj(mat2), ((2,), (2,)), lead), contract(_conj(self), ct, ((1,), (1,)), lead)


@op("mv(Tensor self, Tensor vec) -> Tensor", samples=cases((T((2, 3)), T((3,))), (T((2, 0)), T((0,)))))
def mv(self, vec):
    """Product of a matrix and a vector."""
    _check_mv(self, vec)
    _check_mv_sizes(self, vec, self.shape[0])
    if self.dtype != vec.dtype:
        raise RuntimeError(
            f"addmv input tensors must have the same dtype, but got {display_name(vec.dtype)}, "
            f"{display_name(self.dtype)}, and {display_name(vec.dtype)}"
        )
    return contract(self, vec, ((1,), (0,)))


@mv.vjp
def _(ct, self, vec):
    return ct[:, None] * _conj(vec)[None, :], contract(_conj(self), ct, ((0,), (0,)))


@op("dot(Tensor self, Tensor tensor) -> Tensor", samples=cases((T((3,)), T((3,))), (T((0,)), T((0,)))))
def dot(self, tensor):
    """Sum of the products of two vectors' elements (no conjugation)."""
    _check_dot(self, tensor)
    return contract(self, tensor, ((0,), (0,)))


@dot.vjp
def _(ct, self, tensor):
    return ct * _conj(tensor), ct * _conj(self)


@op("vdot(Tensor self, Tensor other) -> Tensor", samples=cases((T((3,)), T((3,)))))
def vdot(self, other):
    """``sum(conj(self) * other)`` of two vectors."""
    _check_dot(self, other, "vdot" if is_complex(self) else "dot")
    return contract(_conj(self), other, ((0,), (0,)))


@vdot.vjp
def _(ct, self, other):
    return _conj(ct) * other, ct * self


def _inner_name(self, other):
    return "MulBackward0" if 0 in (self.ndim, other.ndim) else "ViewBackward0"


@op(
    "inner(Tensor self, Tensor other) -> Tensor",
    grad_name=_inner_name,
    samples=cases((T((3,)), T((3,))), (T((2, 3)), T((4, 5, 3))), (T(()), T((2, 3)))),
)
def inner(self, other):
    """Sums of products over the last dim of both."""
    if 0 in (self.ndim, other.ndim):
        return self * other
    if self.dtype != other.dtype:
        raise RuntimeError("both inputs should have same dtype")
    if self.shape[-1] != other.shape[-1]:
        raise RuntimeError(
            "inner() the last dimension must match on both input tensors but got shapes "
            f"{list(self.shape)} and {list(other.shape)}"
        )
    return contract(self, other, ((self.ndim - 1,), (other.ndim - 1,)))


@inner.vjp
def _(ct, self, other):
    if 0 in (self.ndim, other.ndim):
        return sum_to(ct * _conj(other), self.shape), sum_to(ct * _conj(self), other.shape)
    n, m = self.ndim - 1, other.ndim - 1
    g_self = contract(ct, _conj(other), (tuple(range(n, n + m)), tuple(range(m))))
    return g_self, contract(ct, _conj(self), (tuple(range(n)), tuple(range(n))))


@op(
    "outer(Tensor self, Tensor vec2) -> Tensor",
    promote=ALL,
    opmath=False,
    grad_name="MulBackward0",
    samples=cases((T((3,)), T((4,))), (T((0,)), T((2,)))),
)
def outer(self, vec2):
    """All products of two vectors' elements."""
    for name, x in (("self", self), ("vec2", vec2)):
        if x.ndim != 1:
            raise RuntimeError(f"outer: Expected 1-D argument {name}, but got {x.ndim}-D")
    return self[:, None] * vec2[None, :]


@outer.vjp
def _(ct, self, vec2):
    return contract(ct, _conj(vec2), ((1,), (0,))), contract(_conj(self), ct, ((0,), (0,)))


# ---------------------------------------------------------------- matmul


def _matmul_name(self, other):
    kinds = (min(self.ndim, 3), min(other.ndim, 3))
    return {
        (1, 1): "DotBackward0",
        (2, 2): "MmBackward0",
        (2, 1): "MvBackward0",
        (1, 2): "SqueezeBackward4",
        (2, 3): "CloneBackward0",
    }.get(kinds, "UnsafeViewBackward0")


def _check_matmul(a: Any, b: Any) -> None:
    if 0 in (a.ndim, b.ndim):
        raise RuntimeError(f"both arguments to matmul need to be at least 1D, but they are {a.ndim}D and {b.ndim}D")
    if a.ndim == b.ndim == 1:
        _check_dot(a, b)
    elif a.ndim <= 2 and b.ndim == 2:
        _check_pair(_Folded(a, 1), b)
    elif b.ndim == 1:
        folded = _Folded(a, 1)
        _check_mv_sizes(folded, b, folded.shape[0])
        if a.dtype != b.dtype:
            raise RuntimeError(
                f"addmv input tensors must have the same dtype, but got {display_name(b.dtype)}, "
                f"{display_name(a.dtype)}, and {display_name(b.dtype)}"
            )
    elif b.ndim == 2:
        _check_pair(_Folded(a, 1), b)
    else:
        lead = broadcast(a.shape[:-2], b.shape[:-2])
        n = 1
        for s in lead:
            n *= s
        if a.shape[-1] != b.shape[-2]:
            raise RuntimeError(
                f"Expected size for first two dimensions of batch2 tensor to be: [{n}, {a.shape[-1]}] but got: "
                f"[{n}, {b.shape[-2]}]."
            )
        _check_scalar_type(a, b)
        _refuse_bool(a, "bmm")


class _Folded:
    """Shape of a tensor seen as a matrix: all dims but the last merged."""

    def __init__(self, x: Any, keep: int) -> None:
        self.dtype = x.dtype
        rows = 1
        for s in x.shape[:-keep]:
            rows *= s
        self.shape = (rows, x.shape[-1])
        self.ndim = 2


@op(
    "matmul(Tensor self, Tensor other) -> Tensor",
    grad_name=_matmul_name,
    samples=cases(
        (T((3,)), T((3,))),
        (T((2, 3)), T((3,))),
        (T((3,)), T((3, 2))),
        (T((2, 3)), T((3, 4))),
        (T((5, 2, 3)), T((3, 4))),
        (T((5, 2, 3)), T((3,))),
        (T((3,)), T((5, 3, 2))),
        (T((2, 3)), T((5, 3, 2))),
        (T((5, 2, 3)), T((5, 3, 2))),
        (T((2, 1, 2, 3)), T((5, 3, 2))),
        (T((0, 2, 3)), T((3, 2))),
    ),
)
def matmul(self, other):
    """Matrix product over the last two dims; leading dims broadcast, vectors count as a row or a column."""
    _check_matmul(self, other)
    return _matmul(self, other)


def _matmul(a, b):
    if b.ndim <= 2:
        return contract(a, b, ((a.ndim - 1,), (0 if b.ndim == 1 else b.ndim - 2,)))
    row = a.ndim == 1
    if a.ndim <= 2 or all(s == 1 for s in a.shape[:-2]) and a.ndim <= b.ndim:
        flat = a.reshape(a.shape[-2:]) if a.ndim > 2 else a
        out = contract(b, flat, ((b.ndim - 2,), (flat.ndim - 1,)))
        return out if row else jnp.swapaxes(out, -1, -2)
    lead = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    a = jnp.broadcast_to(a, (*lead, *a.shape[-2:]))
    b = jnp.broadcast_to(b, (*lead, *b.shape[-2:]))
    return matrix_product(a, b)


@matmul.vjp
def _(ct, self, other):
    a, b = _conj(self), _conj(other)
    if b.ndim <= 2:
        lead = tuple(range(a.ndim - 1))
        if b.ndim == 1:
            return ct[..., None] * b, contract(a, ct, (lead, lead))
        return contract(ct, b, ((ct.ndim - 1,), (1,))), contract(a, ct, (lead, lead))
    matrix = a[None, :] if a.ndim == 1 else a
    flow = ct[..., None, :] if a.ndim == 1 else ct
    if matrix.ndim == 2:
        dims = (*range(b.ndim - 2), b.ndim - 1)
        g_a = contract(flow, b, (dims, dims))
        g_b = jnp.swapaxes(contract(flow, matrix, ((flow.ndim - 2,), (0,))), -1, -2)
        return g_a.reshape(self.shape), g_b
    full_a = jnp.broadcast_to(matrix, (*flow.shape[:-2], *matrix.shape[-2:]))
    full_b = jnp.broadcast_to(b, (*flow.shape[:-2], *b.shape[-2:]))
    n = flow.ndim
    lead = (tuple(range(n - 2)), tuple(range(n - 2)))
    g_a = contract(flow, full_b, ((n - 1,), (n - 1,)), lead)
    g_b = contract(full_a, flow, ((n - 2,), (n - 2,)), lead)
    return sum_to(g_a, self.shape), sum_to(g_b, other.shape)


# ---------------------------------------------------------------- sum of a tensor and a product


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
    wide = _accumulator(product.dtype) or product.dtype
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
        raise RuntimeError(f"mat1 and mat2 shapes cannot be multiplied {_sizes(mat1, mat2)}")
    if self.dtype != mat2.dtype:
        raise RuntimeError(
            f"self and mat2 must have the same dtype, but got {display_name(self.dtype)} and "
            f"{display_name(mat2.dtype)}"
        )
    _check_pair(mat1, mat2)
    _expand(self, (mat1.shape[0], mat2.shape[1]))


def _add(self, product):
    """``self + product``, computed in the accumulation dtype and rounded once."""
    wide = _accumulator(product.dtype)
    if wide is None:
        return self + product
    return (self.astype(wide) + product.astype(wide)).astype(product.dtype)


def _scaled(derivative: Any, ct: Any, beta: Any, alpha: Any) -> tuple[Any, ...]:
    """Cotangents of ``beta * self + alpha * product`` from the product's derivative."""
    flow = ct * _conj(cast_like(alpha, ct))
    return ct * _conj(cast_like(beta, ct)), *derivative(flow)


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
    _check_mv(mat, vec, self.ndim if self.ndim > 1 else 1)
    _check_mv_sizes(mat, vec, self.shape[0] if self.ndim else mat.shape[0])
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
    _check_pair(_Folded(batch1, 1), _Matrix(batch2))


class _Matrix:
    """The matrices of a batch as one, for the dtype checks of :func:`_check_pair`."""

    def __init__(self, x: Any) -> None:
        self.dtype, self.shape, self.ndim = x.dtype, x.shape[-2:], 2


_ADDBMM = ((T((2, 4)), T((5, 2, 3)), T((5, 3, 4))), (T((4,)), T((5, 2, 3)), T((5, 3, 4))))


def _addbmm_grads(flow, batch1, batch2):
    """Cotangents of the factors of a sum of products."""
    g1 = jnp.swapaxes(contract(_conj(batch2), flow, ((2,), (1,))), 1, 2)
    return g1, contract(_conj(batch1), flow, ((1,), (0,)))


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
    _check_batches(batch1, batch2)
    _expand(self, (batch1.shape[0], batch1.shape[1], batch2.shape[2]))
    _check_scalar_type(self, batch1)
    _check_scalar_type(batch1, batch2)
    _refuse_bool(batch1, "baddbmm")


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
                raise RuntimeError(
                    f"For integral input tensors, argument {name} must not be a floating point number."
                )


@addr.vjp
def _(ct, vec1, vec2, beta, alpha):
    return _scaled(lambda flow: outer.vjp_body(flow, vec1, vec2), ct, beta, alpha)


# ---------------------------------------------------------------- contractions


@op(
    "tensordot(Tensor self, Tensor other, int[] dims_self, int[] dims_other) -> Tensor",
    method=False,
    namespaces=("_ops",),
    grad_name="ViewBackward0",
    samples=cases((T((2, 3)), T((3, 4)), (1,), (0,)), (T((2, 3, 4)), T((4, 5, 2)), (0, 2), (2, 0))),
)
def tensordot(self, other, dims_self, dims_other):
    """Sums of products over pairs of dims; the other dims of ``self``, then those of ``other``, remain."""
    if self.dtype != other.dtype:
        raise RuntimeError("both inputs should have same dtype")
    if len(dims_self) != len(dims_other):
        raise RuntimeError("both dimension lists should have same length")
    left = tuple(canonical_dim(d, self.ndim) for d in dims_self)
    right = tuple(canonical_dim(d, other.ndim) for d in dims_other)
    for i, j in zip(left, right, strict=True):
        n, m = self.shape[i], other.shape[j]
        if n != m and 1 not in (n, m):
            raise RuntimeError(
                f"contracted dimensions need to match, but first has size {n} in dim {i} and second has size {m} in "
                f"dim {j}"
            )
        if n == 1 != m:
            other = jnp.sum(other, axis=j, keepdims=True, dtype=other.dtype)
        elif m == 1 != n:
            self = jnp.sum(self, axis=i, keepdims=True, dtype=self.dtype)
    return contract(self, other, (left, right))


@op(
    "kron(Tensor self, Tensor other) -> Tensor",
    promote=ALL,
    opmath=False,
    grad_name="UnsafeViewBackward0",
    samples=cases((T((2, 3)), T((3, 2))), (T((2,)), T((2, 3))), (T(()), T((2,))), (T((2, 1, 2)), T((3, 2)))),
)
def kron(self, other):
    """Kronecker product: blocks of ``other`` scaled by the elements of ``self``."""
    n = max(self.ndim, other.ndim)
    a = self.reshape((1,) * (n - self.ndim) + self.shape)
    b = other.reshape((1,) * (n - other.ndim) + other.shape)
    wide = a.reshape([k for s in a.shape for k in (s, 1)]) * b.reshape([k for s in b.shape for k in (1, s)])
    return wide.reshape([p * q for p, q in zip(a.shape, b.shape, strict=True)])


def _cross(a, b, dim):
    a1, a2 = jnp.roll(a, -1, dim), jnp.roll(a, -2, dim)
    b1, b2 = jnp.roll(b, -1, dim), jnp.roll(b, -2, dim)
    return a1 * b2 - a2 * b1


@op(
    "linalg_cross(Tensor self, Tensor other, *, int dim=-1) -> Tensor",
    method=False,
    namespaces=("_ops",),
    samples=cases((T((2, 3)), T((2, 3))), (T((3, 2)), T((3, 1)), {"dim": 0}), (T((1, 3)), T((4, 3)))),
)
def linalg_cross(self, other, dim):
    """Vector products along ``dim`` of size 3; the other dims broadcast."""
    if self.ndim != other.ndim:
        raise RuntimeError("linalg.cross: inputs must have the same number of dimensions.")
    at = canonical_dim(dim, self.ndim)
    if self.shape[at] != 3 or other.shape[at] != 3:
        raise RuntimeError(
            f"linalg.cross: inputs dimension {dim} must have length 3. Got {self.shape[at]} and {other.shape[at]}"
        )
    broadcast(self.shape, other.shape)
    _check_scalar_type(self, other)
    return _cross(self, other, at)


@linalg_cross.vjp
def _(ct, self, other, dim):
    at = canonical_dim(dim, ct.ndim)
    return sum_to(_cross(_conj(other), ct, at), self.shape), sum_to(_cross(ct, _conj(self), at), other.shape)


# ---------------------------------------------------------------- einsum


def _label_sizes(terms: Sequence[str], operands: Sequence[Any]) -> dict[str, int]:
    """Size of each label.

    Raises:
        RuntimeError: a label has sizes that do not broadcast.
    """
    sizes: dict[str, int] = {}
    for i, (term, x) in enumerate(zip(terms, operands, strict=True)):
        own: dict[str, int] = {}
        for c, n in zip(term, x.shape, strict=True):
            if own.setdefault(c, n) != n:
                raise RuntimeError(
                    f"einsum(): subscript {c} is repeated for operand {i} but the sizes don't match, {n} != {own[c]}"
                )
        for c, n in own.items():
            seen = sizes.get(c, 1)
            if seen != n and 1 not in (seen, n):
                raise RuntimeError(
                    f"einsum(): subscript {c} has size {n} for operand {i} which does not broadcast with previously "
                    f"seen size {seen}"
                )
            sizes[c] = max(seen, n) if 0 not in (seen, n) else 0
    return sizes


def _einsum_name(operands, equation):
    inputs, output = equation.split("->")
    terms = inputs.split(",")
    if len(terms) > 1:
        kept = set(output) | {c for t in terms[1:-1] for c in t}
        return "ViewBackward0" if kept != set("".join(terms)) or len(terms) > 2 else "MulBackward0"
    if set(terms[0]) != set(output):
        return "SumBackward1"
    return "PermuteBackward0"


@op(
    "einsum(Tensor[] operands, str equation) -> Tensor",
    method=False,
    namespaces=("_ops",),
    grad_name=_einsum_name,
    samples=cases(
        ([T((2, 3)), T((3, 4))], "ij,jk->ik"),
        ([T((2, 3))], "ij->ji"),
        ([T((3, 3))], "ii->i"),
        ([T((2, 3)), T((2, 3)), T((3, 4))], "bi,bj,jk->bik"),
        ([T((2, 3)), T((2, 1))], "ij,ij->"),
    ),
)
def einsum(operands, equation):
    """Sums of products over labelled dims; ``equation`` is explicit, one letter a dim; dims of size 1 broadcast."""
    inputs, output = equation.split("->")
    terms = inputs.split(",")
    sizes = _label_sizes(terms, operands)
    squeezed_terms, squeezed = [], []
    for term, x in zip(terms, operands, strict=True):
        drop = tuple(k for k, (c, n) in enumerate(zip(term, x.shape, strict=True)) if n == 1 and sizes[c] != 1)
        squeezed_terms.append("".join(c for k, c in enumerate(term) if k not in drop))
        squeezed.append(jnp.squeeze(x, drop) if drop else x)
    if len(operands) == 1 and operands[0].dtype == jnp.bool_ and set(terms[0]) == set(output):
        return jnp.einsum(equation, operands[0].astype(jnp.uint8)).astype(jnp.bool_)
    for x in operands[1:]:
        _check_scalar_type(operands[0], x)
    dtype = operands[0].dtype
    _refuse_bool(operands[0], "addmm_impl_cpu_")
    out = jnp.einsum(
        f"{','.join(squeezed_terms)}->{output}",
        *squeezed,
        optimize="optimal" if len(operands) <= 4 else "auto",
        precision=precision_for(dtype),
        preferred_element_type=_accumulator(dtype) or dtype,
    )
    return out.astype(dtype)


LETTERS = string.ascii_uppercase + string.ascii_lowercase
"""The 52 subscripts in the order in which implicit outputs list them."""
