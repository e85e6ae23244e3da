"""``torch.sparse``: products, sums and softmax of sparse tensors; and what makes sparse tensors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torchax_lite as torch

from ..tensor import dispatch as _dispatch
from ..tensor.creation import tensor as _tensor_of
from ..tensor.layouts import sparse_coo, sparse_csc, sparse_csr
from ..tensor.tensor import Tensor
from . import _calls, _products, _reduce
from ._build import (
    sparse_bsc_tensor,
    sparse_bsr_tensor,
    sparse_compressed_tensor,
    sparse_coo_tensor,
    sparse_csc_tensor,
    sparse_csr_tensor,
)
from ._checks import check_sparse_tensor_invariants
from ._gradcheck import as_sparse_gradcheck
from ._legacy import LEGACY_TYPES
from ._products import hspmm, sampled_addmm
from ._tensor import LAYOUT_NAMES, CooTensor, SparseTensor
from .semi_structured import (
    SparseSemiStructuredTensor,
    SparseSemiStructuredTensorCUSPARSELT,
    SparseSemiStructuredTensorCUTLASS,
    to_sparse_semi_structured,
)

__all__ = [
    "addmm", "as_sparse_gradcheck", "check_sparse_tensor_invariants", "log_softmax", "mm", "sampled_addmm",
    "softmax", "spdiags", "sum", "SparseSemiStructuredTensor", "SparseSemiStructuredTensorCUSPARSELT",
    "SparseSemiStructuredTensorCUTLASS", "to_sparse_semi_structured",
]  # fmt: skip

_dispatch.other_layout = _calls.call
globals().update(LEGACY_TYPES)


def _need(name: str, t: Any, position: int, label: str = "input") -> None:
    if not isinstance(t, Tensor):
        raise TypeError(
            f"{name}(): argument '{label}' (position {position}) must be Tensor, not {_dispatch.type_name(t)}"
        )


def mm(input: Any, mat2: Any, reduce: str | None = None, *, out: Any = None) -> Any:
    """``input @ mat2`` with gradients of sparse operands at their positions only; ``reduce`` for CSR @ dense.

    Args:
        reduce: ``sum``, ``mean``, ``amax`` or ``amin`` over each row's products.
    """
    _need("_sparse_mm", input, 1, "sparse")
    _need("_sparse_mm", mat2, 2, "dense")
    if reduce is not None:
        made = _products.mm_reduce(input, mat2, reduce)
    elif not isinstance(input, SparseTensor) and not isinstance(mat2, SparseTensor):
        made = torch.mm(input, mat2)
    else:
        made = _products.mm(input, mat2, masked=True)
    return made if out is None else _into(out, made)


def addmm(input: Any, mat1: Any, mat2: Any, *, beta: Any = 1, alpha: Any = 1, out: Any = None) -> Any:
    """``beta * input + alpha * (mat1 @ mat2)`` with gradients of ``mat1`` at its positions only."""
    for i, t in enumerate((input, mat1, mat2)):
        _need("_sparse_addmm", t, i + 1, ("input", "mat1", "mat2")[i])
    if isinstance(input, CooTensor):
        raise RuntimeError("addmm_sparse_dense: expected strided result tensor, got tensor with layout Sparse")
    product = mm(mat1, mat2)
    made = _products._renamed(_products.add_scaled(input, product, beta, alpha), "SparseAddmmBackward0")
    return made if out is None else _into(out, made)


def _into(out: Any, made: Any) -> Any:
    if isinstance(out, SparseTensor):
        return _calls.store(out, made)
    _dispatch.write_out(out, made, "mm")
    return out


def sum(input: Any, dim: int | Sequence[int] | None = None, dtype: Any = None) -> Any:
    """Sum of the values, all (a dense number) or over dims; gradients at the listed positions only."""
    _need("_sparse_sum", input, 1)
    if not isinstance(input, CooTensor):
        raise RuntimeError(f"coalesce expected sparse coordinate tensor layout but got {LAYOUT_NAMES[input.layout]}")
    return _reduce.sparse_sum(input, dim, dtype)


def softmax(input: Any, dim: int, *, dtype: Any = None) -> Any:
    """Softmax along a dim in which what is not listed counts as minus infinity."""
    return _reduce.softmax(input, dim, False, dtype)


def log_softmax(input: Any, dim: int, *, dtype: Any = None) -> Any:
    """Logarithm of :func:`softmax`."""
    return _reduce.softmax(input, dim, True, dtype)


def spdiags(diagonals: Tensor, offsets: Tensor, shape: tuple[int, int], layout: Any = None) -> Any:
    """The matrix whose diagonal ``offsets[d]`` is taken from ``diagonals[d]`` by column."""
    if diagonals.ndim not in (1, 2):
        raise RuntimeError("Diagonals must be vector or matrix")
    if len(shape) != 2:
        raise RuntimeError("Output shape must be 2d")
    if offsets.ndim > 1:
        raise RuntimeError("Offsets must be scalar or vector")
    rows = diagonals if diagonals.ndim == 2 else diagonals.unsqueeze(0)
    lines = offsets.reshape(-1)
    if rows.shape[0] != lines.shape[0]:
        raise RuntimeError(
            f"Number of diagonals ({rows.shape[0]}) does not match the number of offsets ({lines.shape[0]})"
        )
    if offsets.dtype is not torch.int64:
        raise RuntimeError("Offset Tensor must have dtype Long but got " + str(offsets.dtype).removeprefix("torch."))
    if layout not in (None, sparse_coo, sparse_csr, sparse_csc):
        raise RuntimeError(
            f"Only output layouts (Sparse, SparseCsc, SparseCsr) are supported, got {LAYOUT_NAMES.get(layout, layout)}"
        )
    known = lines.tolist()
    if len(set(known)) != len(known):
        raise RuntimeError("Offset tensor contains duplicate values")
    m, n = shape
    places, coordinates = [], []
    for d, k in enumerate(known):
        first, last = max(k, 0), min(rows.shape[1], n, m + k)
        for j in range(first, last):
            places.append(d * rows.shape[1] + j)
            coordinates.append((j - k, j))
    indices = _tensor_of(coordinates, dtype=torch.int64).reshape(-1, 2).t().contiguous()
    values = rows.reshape(-1).index_select(0, _tensor_of(places, dtype=torch.int64))
    made = sparse_coo_tensor(indices, values, shape)
    return made if layout in (None, sparse_coo) else made.to_sparse(layout=layout)


def smm(input: Any, mat2: Tensor) -> Any:
    """``input @ mat2`` as a sparse tensor."""
    return _products.sspaddmm(None, input, mat2)


def sspaddmm(input: Any, mat1: Any, mat2: Tensor, *, beta: Any = 1, alpha: Any = 1, out: Any = None) -> Any:
    """``beta * input + alpha * (mat1 @ mat2)`` as a sparse tensor."""
    made = _products.sspaddmm(input, mat1, mat2, beta, alpha)
    return made if out is None else _into(out, made)


def _hspmm(mat1: Any, mat2: Tensor, *, out: Any = None) -> Any:
    """``mat1 @ mat2`` as a COO tensor with one sparse dim: the rows that have values."""
    made = hspmm(mat1, mat2)
    return made if out is None else _into(out, made)


def resize_as_sparse_(input: Any, the_template: Any) -> Any:
    """Give a sparse tensor the size of another; returns it."""
    return input.sparse_resize_(the_template.shape, the_template.sparse_dim(), the_template.dense_dim())


TORCH_NAMES: dict[str, Callable[..., Any]] = {
    "sparse_coo_tensor": sparse_coo_tensor, "sparse_csr_tensor": sparse_csr_tensor,
    "sparse_csc_tensor": sparse_csc_tensor, "sparse_bsr_tensor": sparse_bsr_tensor,
    "sparse_bsc_tensor": sparse_bsc_tensor, "sparse_compressed_tensor": sparse_compressed_tensor,
    "hspmm": _hspmm, "smm": smm, "sspaddmm": sspaddmm, "resize_as_sparse_": resize_as_sparse_,
}  # fmt: skip
"""What ``torch`` shows of this module."""
_hspmm.__name__ = _hspmm.__qualname__ = "hspmm"
