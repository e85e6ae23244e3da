"""Products of matrices and vectors: the ``mm`` family and ``matmul``.

float32 products are computed in full float32 (see ``precision.py``), float16 and bfloat16 ones accumulated in float32 and
rounded once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from . import exact
from .common import display_name, is_complex, sum_to
from .lowering import broadcast
from .precision import of_products
from .registry import ALL, op
from .samples import T, cases

ALIASES = {"ger": "outer", "linalg.matmul": "matmul"}


def accumulator(dtype: Any) -> Any:
    """Dtype to accumulate in, None for the dtype itself."""
    dtype = np.dtype(dtype)
    return np.dtype(np.float32) if jnp.issubdtype(dtype, jnp.floating) and dtype.itemsize < 4 else None


def contract(a: Any, b: Any, contracting: tuple[Sequence[int], Sequence[int]], batch: Any = ((), ())) -> Any:
    """``lax.dot_general`` with the set precision and this module's accumulation; the result has the dtype of ``a``."""
    out = lax.dot_general(
        a, b, (contracting, batch), precision=of_products(a.dtype), preferred_element_type=accumulator(a.dtype)
    )
    return out.astype(a.dtype)


def adjoint(x: Any) -> Any:
    """Conjugate transpose of the last two dims."""
    return jnp.conj(jnp.swapaxes(x, -1, -2)) if is_complex(x) else jnp.swapaxes(x, -1, -2)


def conj(x: Any) -> Any:
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


def refuse_bool(x: Any, kernel: str) -> None:
    if x.dtype == jnp.bool_:
        raise NotImplementedError(f"\"{kernel}\" not implemented for 'Bool'")


def sizes_text(a: Any, b: Any) -> str:
    return f"({a.shape[0]}x{a.shape[1]} and {b.shape[0]}x{b.shape[1]})"


def _check_mm(a: Any, b: Any) -> None:
    if a.ndim != 2:
        raise RuntimeError("self must be a matrix")
    if b.ndim != 2:
        raise RuntimeError("mat2 must be a matrix")
    check_pair(a, b)


def check_pair(a: Any, b: Any) -> None:
    if a.shape[1] != b.shape[0]:
        raise RuntimeError(f"mat1 and mat2 shapes cannot be multiplied {sizes_text(a, b)}")
    if a.dtype != b.dtype:
        raise RuntimeError(f"expected m1 and m2 to have the same dtype, but got: {_c_name(a)} != {_c_name(b)}")
    refuse_bool(a, "addmm_impl_cpu_")


def check_scalar_type(a: Any, b: Any) -> None:
    if a.dtype != b.dtype:
        raise RuntimeError(f"expected scalar type {display_name(a.dtype)} but found {display_name(b.dtype)}")


def _check_bmm(a: Any, b: Any) -> None:
    if a.ndim != 3:
        raise RuntimeError("batch1 must be a 3D tensor")
    if b.ndim != 3:
        raise RuntimeError("batch2 must be a 3D tensor")
    check_batches(a, b)
    check_scalar_type(a, b)
    refuse_bool(a, "bmm")


def check_batches(a: Any, b: Any) -> None:
    if (a.shape[0], a.shape[2]) != b.shape[:2]:
        raise RuntimeError(
            f"Expected size for first two dimensions of batch2 tensor to be: [{a.shape[0]}, {a.shape[2]}] but got: "
            f"[{b.shape[0]}, {b.shape[1]}]."
        )


def check_mv(mat: Any, vec: Any, given: int = 1) -> None:
    if mat.ndim != 2 or vec.ndim != 1 or given > 1:
        raise RuntimeError(f"vector + matrix @ vector expected, got {given}, {mat.ndim}, {vec.ndim}")


def check_mv_sizes(mat: Any, vec: Any, size: int) -> None:
    if mat.shape[1] != vec.shape[0] or size not in (1, mat.shape[0]):
        raise RuntimeError(
            f"size mismatch, got input ({size}), mat ({mat.shape[0]}x{mat.shape[1]}), vec ({vec.shape[0]})"
        )
    refuse_bool(mat, "addmv_impl_cpu")


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
    refuse_bool(a, kernel)


# ---------------------------------------------------------------- two factors


@op("mm(Tensor self, Tensor mat2) -> Tensor", samples=cases((T((2, 3)), T((3, 4))), (T((2, 0)), T((0, 4)))))
def mm(self, mat2):
    """Product of two matrices."""
    _check_mm(self, mat2)
    return two_matrices(self, mat2)


@mm.vjp
def _(ct, self, mat2):
    return contract(ct, conj(mat2), ((1,), (1,))), contract(conj(self), ct, ((0,), (0,)))


@op(
    "bmm(Tensor self, Tensor mat2) -> Tensor", samples=cases((T((5, 2, 3)), T((5, 3, 4))), (T((0, 2, 3)), T((0, 3, 1))))
)
def bmm(self, mat2):
    """Products of two equal batches of matrices."""
    _check_bmm(self, mat2)
    return matrix_product(self, mat2)


@bmm.vjp
def _(ct, self, mat2):
    lead = ((0,), (0,))
    return contract(ct, conj(mat2), ((2,), (2,)), lead), contract(conj(self), ct, ((1,), (1,)), lead)


@op(
    "wide_product(Tensor self, Tensor mat2, ScalarType out_dtype) -> Tensor", method=False, out=False,
    namespaces=("_ops",), grad_name="MmBackward0", samples=lambda rng, dtype: iter(()),
)  # fmt: skip
def wide_product(self, mat2, out_dtype):
    """Product of two matrices, or of two equal batches of them, summed in ``out_dtype``."""
    (_check_bmm if self.ndim == 3 else _check_mm)(self, mat2)
    return jnp.matmul(self, mat2, preferred_element_type=out_dtype)


@op("mv(Tensor self, Tensor vec) -> Tensor", samples=cases((T((2, 3)), T((3,))), (T((2, 0)), T((0,)))))
def mv(self, vec):
    """Product of a matrix and a vector."""
    check_mv(self, vec)
    check_mv_sizes(self, vec, self.shape[0])
    if self.dtype != vec.dtype:
        raise RuntimeError(
            f"addmv input tensors must have the same dtype, but got {display_name(vec.dtype)}, "
            f"{display_name(self.dtype)}, and {display_name(vec.dtype)}"
        )
    return contract(self, vec, ((1,), (0,)))


@mv.vjp
def _(ct, self, vec):
    return ct[:, None] * conj(vec)[None, :], contract(conj(self), ct, ((0,), (0,)))


@op("dot(Tensor self, Tensor tensor) -> Tensor", samples=cases((T((3,)), T((3,))), (T((0,)), T((0,)))))
def dot(self, tensor):
    """Sum of the products of two vectors' elements (no conjugation)."""
    _check_dot(self, tensor)
    return contract(self, tensor, ((0,), (0,)))


@dot.vjp
def _(ct, self, tensor):
    return ct * conj(tensor), ct * conj(self)


@op("vdot(Tensor self, Tensor other) -> Tensor", samples=cases((T((3,)), T((3,)))))
def vdot(self, other):
    """``sum(conj(self) * other)`` of two vectors."""
    _check_dot(self, other, "vdot" if is_complex(self) else "dot")
    return contract(conj(self), other, ((0,), (0,)))


@vdot.vjp
def _(ct, self, other):
    return conj(ct) * other, ct * self


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
        return sum_to(ct * conj(other), self.shape), sum_to(ct * conj(self), other.shape)
    n, m = self.ndim - 1, other.ndim - 1
    g_self = contract(ct, conj(other), (tuple(range(n, n + m)), tuple(range(m))))
    return g_self, contract(ct, conj(self), (tuple(range(n)), tuple(range(n))))


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
    return contract(ct, conj(vec2), ((1,), (0,))), contract(conj(self), ct, ((0,), (0,)))


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
        check_pair(Folded(a, 1), b)
    elif b.ndim == 1:
        folded = Folded(a, 1)
        check_mv_sizes(folded, b, folded.shape[0])
        if a.dtype != b.dtype:
            raise RuntimeError(
                f"addmv input tensors must have the same dtype, but got {display_name(b.dtype)}, "
                f"{display_name(a.dtype)}, and {display_name(b.dtype)}"
            )
    elif b.ndim == 2:
        check_pair(Folded(a, 1), b)
    else:
        lead = broadcast([a.shape[:-2], b.shape[:-2]])
        n = 1
        for s in lead:
            n *= s
        if a.shape[-1] != b.shape[-2]:
            raise RuntimeError(
                f"Expected size for first two dimensions of batch2 tensor to be: [{n}, {a.shape[-1]}] but got: "
                f"[{n}, {b.shape[-2]}]."
            )
        check_scalar_type(a, b)
        refuse_bool(a, "bmm")


class Folded:
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
    a, b = conj(self), conj(other)
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
