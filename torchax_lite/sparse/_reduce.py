"""Sums over dims of sparse tensors, and the softmax of what they list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

import torchax_lite as torch

from ..tensor.modes import modes
from ..tensor.tensor import Tensor
from ._convert import beside, coalesce, host, scatter
from ._graph import dense_result, lookup, pull, record, sparse_result, with_pattern
from ._shape import dim_of
from ._tensor import LAYOUT_NAMES, CompressedTensor, CooTensor, SparseTensor, compressed, coo


def sum_(t: Any, dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Any:
    """``t.sum()``: all values, or over dims as a sparse tensor."""
    dims = (
        None
        if dim is None or dim == ()
        else [dim_of(t, d) for d in (dim if isinstance(dim, (tuple, list)) else (dim,))]
    )
    if dims is None or len(dims) == t.ndim:
        with torch.no_grad():
            out = t._values_part.sum(dtype=dtype)

        def backward(g: Any) -> tuple[Any]:
            return (g.to(t.dtype).expand(t.shape),)

        made = record("SumBackward0", (t,), out, backward)
        return made.reshape([1] * t.ndim) if keepdim and t.ndim else made
    if isinstance(t, CompressedTensor):
        return _sum_compressed(t, dims, keepdim, dtype)
    made = sparse_sum(t, dims, dtype, "SumBackward1")
    if keepdim:
        for d in sorted(dims):
            made = made.unsqueeze(d)
    return made


def _sum_compressed(t: CompressedTensor, dims: Sequence[int], keepdim: bool, dtype: Any) -> Any:
    if not keepdim:
        raise RuntimeError("reduction operations on CSR tensors with keepdim=False is unsupported")
    if t.ndim != 2 or t._blocks or not t._by_rows:
        raise RuntimeError(f"sum over dims of {LAYOUT_NAMES[t.layout]} tensors is not supported here")
    over_columns = dims == [1]
    from ._products import _lines

    rows, columns = _lines(t)
    lines = host(rows if over_columns else columns)
    distinct, slot = np.unique(lines, return_inverse=True)
    place, n = beside(slot.reshape(-1), t), len(distinct)
    if over_columns:
        ends = np.concatenate([[0], np.cumsum(np.isin(np.arange(t.shape[0]), distinct))])
        plain, shape = np.zeros(n, np.int64), (t.shape[0], 1)
    else:
        ends, plain, shape = np.array([0, n]), distinct, (1, t.shape[1])
    first, second = beside(ends.astype(np.int64), t), beside(plain, t)
    return sparse_result(
        "SumBackward1", lambda v: scatter(place, v.to(dtype or v.dtype), n), (t,),
        lambda v: compressed(t.layout, first, second, v, shape),
    )  # fmt: skip


def sparse_sum(t: Any, dim: Any = None, dtype: Any = None, name: str = "SparseSumBackward0") -> Any:
    """``torch.sparse.sum``: sums over sparse dims merge coordinates, sums over all sparse dims are dense.

    Gradients are taken at the listed positions only.
    """
    if dim is None or dim in ((), []):
        return coalesce(t).values().sum(dtype=dtype)
    dims = sorted({dim_of(t, d) for d in (dim if isinstance(dim, (tuple, list)) else (dim,))})
    t = coalesce(t)
    n = t.sparse_dim()
    gone = [d for d in dims if d < n]
    inner = [d - n + 1 for d in dims if d >= n]
    shape = [s for d, s in enumerate(t.shape) if d not in dims]

    def over_dense(v: Tensor) -> Tensor:
        v = v if dtype is None else v.to(dtype)
        return v.sum(inner) if inner else v

    if len(gone) == n:
        return dense_result(name, lambda v: over_dense(v).sum(0), (t,))
    indices = t._index_parts()[0]
    if not gone:
        return sparse_result(name, over_dense, (t,), lambda v: coo(indices, v, shape, True))
    kept = [d for d in range(n) if d not in gone]
    known = host(indices)[kept]
    sizes = tuple(t.shape[d] for d in kept)
    keys = np.ravel_multi_index(tuple(known), sizes) if known.shape[1] else np.zeros(0, np.int64)
    distinct, slot = np.unique(keys, return_inverse=True)
    where = beside(np.stack(np.unravel_index(distinct, sizes)).astype(np.int64), t)
    place, count = beside(slot.reshape(-1), t), len(distinct)
    return sparse_result(
        name, lambda v: scatter(place, over_dense(v), count), (t,), lambda v: coo(where, v, shape, True)
    )


def softmax(t: Any, dim: int, log: bool = False, dtype: Any = None) -> Any:
    """The (log-)softmax along a dim over the listed values: what is not listed counts as minus infinity."""
    if not isinstance(t, CooTensor):
        kind = "log_softmax" if log else "softmax"
        raise NotImplementedError(
            f"Could not run 'aten::_sparse_{kind}' with arguments from the '"
            f"{'SparseCsrCPU' if isinstance(t, SparseTensor) else 'CPU'}' backend. The input has to be a sparse COO tensor."
        )
    name = "SparseLogSoftmaxBackward0" if log else "SparseSoftmaxBackward0"
    t = coalesce(t if dtype is None else t.to(dtype))
    d = dim_of(t, dim)
    n = t.sparse_dim()
    indices = t._index_parts()[0]

    def make(v: Tensor) -> CooTensor:
        return coo(indices, v, t.shape, True)

    if d >= n:
        at = d - n + 1
        return sparse_result(name, lambda v: torch.log_softmax(v, at) if log else torch.softmax(v, at), (t,), make)
    known = np.delete(host(indices), d, 0)
    sizes = tuple(s for k, s in enumerate(t.shape[:n]) if k != d)
    keys = np.ravel_multi_index(tuple(known), sizes) if sizes and known.shape[1] else np.zeros(known.shape[1], np.int64)
    distinct, slot = np.unique(keys, return_inverse=True)
    place, count = beside(slot.reshape(-1), t), len(distinct)

    def f(v: Tensor) -> Tensor:
        index = place.reshape(-1, *([1] * (v.ndim - 1))).expand(v.shape)
        low = torch.full((count, *v.shape[1:]), float("-inf"), dtype=v.dtype, device=v.device)
        top = low.scatter_reduce(0, index, v.detach(), "amax")
        shifted = v - top.index_select(0, place)
        e = shifted.exp()
        total = scatter(place, e, count).index_select(0, place)
        return shifted - total.log() if log else e / total

    with torch.no_grad():
        made = make(f(t._values_part))
    pattern, y = made.detach(), made._values_part

    def backward(g: Any) -> Any:
        if modes.grad:
            return pull(f, (t,), lookup(g, pattern))
        v = lookup(g, pattern)
        if log:
            return (with_pattern(t, v - y.exp() * scatter(place, v, count).index_select(0, place)),)
        return (with_pattern(t, y * (v - scatter(place, v * y, count).index_select(0, place))),)

    return record(name, (t,), made, backward)
