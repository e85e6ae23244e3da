"""Products of matrices of which one is sparse, or both."""

from __future__ import annotations

from typing import Any

import numpy as np

import torchax_lite as torch

from ..tensor.layouts import strided
from ..tensor.tensor import Tensor
from ._convert import as_coo, beside, coalesce, compressed_to_coo, host, scatter, to_compressed
from ._graph import dense_result, lookup, part_of, pull, record, sparse_result, with_pattern
from ._tensor import LAYOUT_NAMES, CompressedTensor, CooTensor, SparseTensor, compressed, coo


def _lines(t: SparseTensor) -> tuple[Tensor, Tensor]:
    """Row and column of each value of a matrix, flat."""
    if isinstance(t, CooTensor):
        indices = t._index_parts()[0]
        return indices[0], indices[1]
    assert isinstance(t, CompressedTensor)
    if not t._blocks:
        return t._coordinates()
    keys, n = t._keys().reshape(-1), t.shape[1]
    return keys // n, keys % n


def _check_matrix(t: Any, name: str) -> None:
    if t.ndim != 2:
        raise RuntimeError(f"{name}: Matrices expected, got {t.ndim}D tensor")
    if isinstance(t, CooTensor) and (t.sparse_dim() != 2):
        raise RuntimeError(f"{name}: Expected sparse tensor with 2 sparse dims, got {t.sparse_dim()}")


def _same_dtype(a: Any, b: Any) -> None:
    if a.dtype is not b.dtype:
        from ..tensor.dtypes import scalar_type_name

        raise RuntimeError(f"expected scalar type {scalar_type_name(a.dtype)} but found {scalar_type_name(b.dtype)}")


def _times_dense(t: SparseTensor, turned: bool) -> Any:
    """``f(values, x) = t @ x``, or ``t^T @ x`` where ``turned``."""
    rows, columns = _lines(t)
    if turned:
        rows, columns = columns, rows
    m = t.shape[1] if turned else t.shape[0]

    def f(v: Tensor, x: Tensor) -> Tensor:
        flat = v.reshape(-1, *([1] * (x.ndim - 1)))
        return scatter(rows, flat * x.index_select(0, columns), m)

    return f


def _result_for(name: str, t: SparseTensor, f: Any, operands: Any, x: Any, masked: bool, turned: bool) -> Tensor:
    """The product, whose gradient of a sparse leaf is dense unless ``masked``."""
    if masked or not t.requires_grad or t._grad_fn is not None:
        return dense_result(name, f, operands)
    with torch.no_grad():
        out = f(*map(part_of, operands))

    def backward(g: Any) -> list[Any]:
        other = x.conj()
        g2, other2 = (g, other) if g.ndim == 2 else (g[:, None], other[:, None])
        dense = other2 @ g2.t() if turned else g2 @ other2.t()
        source = part_of(t)
        to_x = _times_dense(t, not turned)(source.conj(), g)
        return [dense, to_x]

    return record(name, operands, out, backward)  # type: ignore[no-any-return]


def mm(a: Any, b: Any, masked: bool = False) -> Any:
    """``a @ b`` for matrices; two sparse ones give a sparse one.

    ``masked``: gradients of a sparse operand are taken at its positions only (``torch.sparse.mm``).
    """
    if isinstance(a, SparseTensor) and isinstance(b, SparseTensor):
        return _sparse_sparse(a, b, "SparseSparseMatmulBackward0" if masked else "MmBackward0")
    name = "SparseAddmmBackward0" if masked else "MmBackward0"
    if isinstance(a, SparseTensor):
        _check_matrix(a, "mm")
        if b.ndim != 2 or a.shape[1] != b.shape[0]:
            if isinstance(a, CompressedTensor):
                raise RuntimeError(
                    f"mat1 and mat2 shapes cannot be multiplied ({a.shape[0]}x{a.shape[1]} and {'x'.join(map(str, b.shape))})"
                )
            raise RuntimeError(f"addmm: Argument #3 (dense): Expected dim 0 size {a.shape[1]}, got {b.shape[0]}")
        _same_dtype(a, b)
        return _result_for(name, a, _times_dense(a, False), (a, b), b, masked, False)
    _check_matrix(b, "mm")
    if a.ndim != 2 or a.shape[1] != b.shape[0]:
        if isinstance(b, CooTensor):
            raise RuntimeError(f"addmm: Argument #3 (dense): Expected dim 0 size {b.shape[0]}, got {a.shape[1]}")
        raise RuntimeError(
            f"mat1 and mat2 shapes cannot be multiplied ({'x'.join(map(str, a.shape))} and {b.shape[0]}x{b.shape[1]})"
        )
    _same_dtype(b, a)
    f = _times_dense(b, True)

    def turned(v: Tensor, x: Tensor) -> Tensor:
        return f(v, x.t()).t()

    return (
        dense_result(name, turned, (b, a))
        if masked or b._grad_fn is not None or not b.requires_grad
        else _right(name, b, a, turned)
    )


def _right(name: str, b: SparseTensor, a: Tensor, f: Any) -> Tensor:
    """``a @ b`` with a sparse leaf ``b``, whose gradient is dense."""
    with torch.no_grad():
        out = f(part_of(b), part_of(a))

    def backward(g: Any) -> list[Any]:
        return [a.t().conj() @ g, _times_dense(b, False)(part_of(b).conj(), g.t()).t()]

    return record(name, (b, a), out, backward)  # type: ignore[no-any-return]


def mv(a: Any, x: Tensor) -> Tensor:
    """``a @ x`` for a vector."""
    if not isinstance(a, SparseTensor) or isinstance(x, SparseTensor):
        raise RuntimeError("mv: expected a sparse matrix and a strided vector")
    if a.ndim != 2 or x.ndim != 1:
        raise RuntimeError(
            f"mv: two tensor dim should be 2 and 1, but got SparseTensor Dim: {a.ndim} Tensor Dim: {x.ndim}"
        )
    if a.shape[1] != x.shape[0]:
        raise RuntimeError("mv: expected self.size(-1) == vec.size(-1)")
    _same_dtype(a, x)
    return _result_for("MvBackward0", a, _times_dense(a, False), (a, x), x, False, False)


def bmm(a: Any, b: Any) -> Tensor:
    """Products of a batch of matrices of which the first is sparse."""
    if not isinstance(a, CooTensor) or isinstance(b, SparseTensor):
        raise RuntimeError("bmm_sparse: expected a sparse COO first operand and a strided second one")
    if a.ndim != 3 or b.ndim != 3 or a.shape[0] != b.shape[0] or a.shape[2] != b.shape[1]:
        raise RuntimeError(f"bmm_sparse: shapes {list(a.shape)} and {list(b.shape)} cannot be multiplied")
    _same_dtype(a, b)
    indices = a._index_parts()[0]
    count, m, n = a.shape
    target, source = indices[0] * m + indices[1], indices[0] * n + indices[2]
    k = b.shape[2]

    def f(v: Tensor, x: Tensor) -> Tensor:
        picked = x.reshape(count * n, k).index_select(0, source)
        return scatter(target, v[:, None] * picked, count * m).reshape(count, m, k)

    return dense_result("BmmBackward0", f, (a, b))


def matmul(a: Any, b: Any) -> Any:
    """``a @ b`` by the numbers of dims."""
    if a.ndim == 2 and b.ndim == 2:
        return mm(a, b)
    if a.ndim == 2 and b.ndim == 1:
        return mv(a, b)
    if a.ndim == 3 and b.ndim == 3:
        return bmm(a, b)
    if a.ndim == 1 and b.ndim == 2:
        return mv(b.t(), a)
    raise RuntimeError(f"matmul: sparse operands of {a.ndim} and {b.ndim} dims cannot be multiplied here")


def _sparse_sparse(a: Any, b: Any, name: str) -> Any:
    if a.layout is not b.layout and LAYOUT_NAMES[a.layout] != LAYOUT_NAMES[b.layout]:
        kinds = LAYOUT_NAMES[a.layout], LAYOUT_NAMES[b.layout]
        if {a.layout, b.layout} - {torch.sparse_csr, torch.sparse_csc}:
            raise RuntimeError(f"addmm: computation on CPU is not implemented for {kinds[0]} + {kinds[0]} @ {kinds[1]}")
    _check_matrix(a, "mm")
    _check_matrix(b, "mm")
    if a.shape[1] != b.shape[0]:
        raise RuntimeError(
            f"mat1 and mat2 shapes cannot be multiplied ({a.shape[0]}x{a.shape[1]} and {b.shape[0]}x{b.shape[1]})"
        )
    _same_dtype(a, b)
    kind = a.layout
    x, y = (coalesce(t) if isinstance(t, CooTensor) else compressed_to_coo(t) for t in (a, b))
    left, right, indices, slot = _pairs(host(x._index_parts()[0]), host(y._index_parts()[0]), b.shape)
    at, bt, where, place = (beside(p, a) for p in (left, right, indices, slot))
    n = indices.shape[1]

    def f(v: Tensor, w: Tensor) -> Tensor:
        return scatter(place, v.index_select(0, at) * w.index_select(0, bt), n)

    made = sparse_result(name, f, (x, y), lambda v: coo(where, v, (a.shape[0], b.shape[1]), True))
    return made if isinstance(a, CooTensor) else to_compressed(made, kind)


def _pairs(x: Any, y: Any, shape: Any) -> tuple[Any, Any, Any, Any]:
    """For each product of entries that meet: its factors' places, and its place among the result's coordinates."""
    starts = np.searchsorted(y[0], np.arange(shape[0] + 1))
    counts = starts[x[1] + 1] - starts[x[1]]
    total = int(counts.sum())
    left = np.repeat(np.arange(x.shape[1]), counts)
    right = np.repeat(starts[x[1]], counts) + np.arange(total) - np.repeat(np.cumsum(counts) - counts, counts)
    keys = x[0][left] * shape[1] + y[1][right]
    distinct, slot = np.unique(keys, return_inverse=True)
    indices = np.stack(np.divmod(distinct, max(shape[1], 1)))
    return left, right, indices, slot.reshape(-1)


def addmm(c: Any, a: Any, b: Any, beta: Any = 1, alpha: Any = 1, masked: bool = False) -> Any:
    """``beta * c + alpha * (a @ b)``."""
    if isinstance(c, SparseTensor) and not (isinstance(a, SparseTensor) and isinstance(b, SparseTensor)):
        if isinstance(c, CooTensor):
            raise RuntimeError("addmm_sparse_dense: expected strided result tensor, got tensor with layout Sparse")
        return to_compressed(add_scaled(c, mm(a, b), beta, alpha), c.layout)
    product = mm(a, b)
    return _renamed(add_scaled(c, product, beta, alpha), "SparseAddmmBackward0" if masked else "AddmmBackward0")


def add_scaled(c: Any, product: Any, beta: Any, alpha: Any) -> Any:
    """``beta * c + alpha * product``."""
    if beta == 0:
        return product if alpha == 1 else product * alpha
    start = c if beta == 1 else c * beta
    if isinstance(start, SparseTensor) and not isinstance(product, SparseTensor):
        return torch.add(product if alpha == 1 else product * alpha, start)
    return torch.add(start, product, alpha=alpha)


def _renamed(t: Any, name: str) -> Any:
    """``t`` with a grad node of this name in front of its own."""
    if not t.requires_grad:
        return t
    if isinstance(t, SparseTensor):
        made = t.detach()
        return record(name, (t,), made, lambda g: (g,))
    return record(name, (t,), t.detach(), lambda g: (g,))


def addmv(c: Tensor, a: Any, x: Tensor, beta: Any = 1, alpha: Any = 1) -> Any:
    """``beta * c + alpha * (a @ x)``."""
    return _renamed(add_scaled(c, mv(a, x), beta, alpha), "AddmvBackward0")


def mm_reduce(a: Any, x: Tensor, reduce: str) -> Tensor:
    """The product of a CSR matrix and a dense one in which sums over a row are means, maxima or minima."""
    from ._tensor import unsupported

    if a.layout is not torch.sparse_csr or x.layout is not strided:
        raise unsupported("_sparse_mm_reduce_impl", a)
    if reduce not in ("sum", "prod", "mean", "amax", "amin"):
        raise RuntimeError(f"reduce argument must be either sum, prod, mean, amax or amin, got {reduce}")
    _same_dtype(a, x)
    rows, columns = _lines(a)
    m, k = a.shape[0], x.shape[1]

    def f(v: Tensor, w: Tensor) -> Tensor:
        products = v[:, None] * w.index_select(0, columns)
        zeros = torch.zeros((m, k), dtype=v.dtype, device=v.device)
        return zeros.scatter_reduce(0, rows[:, None].expand(-1, k), products, reduce, include_self=False)

    return dense_result("SparseMmReduceImplBackward0", f, (a, x))


def sampled_addmm(c: Any, a: Tensor, b: Tensor, *, beta: Any = 1, alpha: Any = 1, out: Any = None) -> Any:
    """``beta * c + alpha * (a @ b)`` at the positions that the CSR tensor ``c`` lists."""
    if not isinstance(c, CompressedTensor) or c.layout is not torch.sparse_csr:
        from ._tensor import unsupported

        raise unsupported("sparse_sampled_addmm", c)
    if a.layout is not strided or b.layout is not strided:
        raise RuntimeError("sampled_addmm: Expected mat1 and mat2 to have strided layout")
    if a.shape[-1] != b.shape[-2]:
        raise RuntimeError(
            f"sampled_addmm: mat1 and mat2 shapes cannot be multiplied ({a.shape[-2]}x{a.shape[-1]} and {b.shape[-2]}x{b.shape[-1]})"
        )
    if c.shape[-2:] != (a.shape[-2], b.shape[-1]):
        raise RuntimeError(
            f"sampled_addmm: Expected self.shape[-2] == mat1.shape[-2] and self.shape[-1] == mat2.shape[-1], but got "
            f"{list(c.shape)}"
        )
    parts, pattern = c._index_parts(), c.detach()

    def f(v: Tensor, x: Tensor, y: Tensor) -> Tensor:
        if c.ndim > 2:
            found = lookup(x @ y, pattern)
        else:
            rows, columns = _lines(pattern)
            found = (x.index_select(0, rows) * y.t().index_select(0, columns)).sum(1)
        return beta * v + alpha * found

    with torch.no_grad():
        made = c._with_parts(parts, f(*map(part_of, (c, a, b))))
    shown = made.detach()

    def backward(g: Any) -> list[Any]:
        grads = pull(f, (c, a, b), lookup(g, shown))
        if not isinstance(g, SparseTensor) and c.requires_grad:
            grads[0] = g * (beta.conjugate() if isinstance(beta, complex) else beta)
        return grads

    made = record("SparseSampledAddmmBackward0", (c, a, b), made, backward)
    return made if out is None else out.copy_(made)


def hspmm(a: Any, b: Tensor) -> Any:
    """``a @ b`` as a COO tensor whose one sparse dim lists the rows that have values."""
    product = mm(coalesce(as_coo(a)), b)
    rows = np.unique(host(a._index_parts()[0][0]))
    place = beside(rows, b)
    indices = beside(rows[None], b)
    return sparse_result(
        "HspmmBackward0", lambda x: x.index_select(0, place), (product,), lambda v: coo(indices, v, product.shape, True)
    )


def sspaddmm(c: Any, a: Any, b: Tensor, beta: Any = 1, alpha: Any = 1) -> Any:
    """``beta * c + alpha * (a @ b)`` as a COO tensor: the rows of ``a`` that have values are full in it."""
    rows = np.unique(host(a._index_parts()[0][0]))
    m, k = a.shape[0], b.shape[1]
    indices = np.stack([np.repeat(rows, k), np.tile(np.arange(k), len(rows))])
    pattern = coo(beside(indices, b), torch.zeros(indices.shape[1], dtype=b.dtype, device=b.device), (m, k), True)
    product = with_pattern(pattern, lookup(mm(a, b).detach(), pattern) * alpha)
    if c is None:
        return product
    return torch.add(c if beta == 1 else c * beta, product)


__all__ = [
    "addmm",
    "addmv",
    "bmm",
    "compressed",
    "hspmm",
    "matmul",
    "mm",
    "mm_reduce",
    "mv",
    "sampled_addmm",
    "sspaddmm",
]
