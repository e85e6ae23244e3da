"""Sparse tensors rearranged: transposes, selections, concatenation, other sizes."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

import torchax_lite as torch

from ..tensor.layouts import sparse_bsc, sparse_bsr, sparse_csc, sparse_csr
from ..tensor.tensor import Tensor
from ._convert import as_coo, beside, compressed_to_coo, host
from ._graph import may_change, sparse_result
from ._tensor import CompressedTensor, CooTensor, compressed, coo, unsupported

_TURNED = {sparse_csr: sparse_csc, sparse_csc: sparse_csr, sparse_bsr: sparse_bsc, sparse_bsc: sparse_bsr}


def dim_of(t: Any, dim: int) -> int:
    """A dim counted from the front.

    Raises:
        IndexError: there is no such dim.
    """
    n = max(t.ndim, 1)
    if not -n <= dim < n:
        raise IndexError(f"Dimension out of range (expected to be in range of [{-n}, {n - 1}], but got {dim})")
    return dim % n


def permute(t: Any, dims: Sequence[int], name: str = "PermuteBackward0") -> Any:
    """Dims in another order."""
    order = [dim_of(t, d) for d in dims]
    if len(order) != t.ndim:
        raise RuntimeError(
            "permute(sparse_coo): number of dimensions in the tensor input does not match the length of the desired "
            f"ordering of dimensions i.e. input.dim() = {t.ndim} is not equal to len(dims) = {len(order)}"
        )
    if len(set(order)) != len(order):
        raise RuntimeError("permute(): duplicate dims are not allowed.")
    if isinstance(t, CompressedTensor):
        if order == list(range(t.ndim)):
            return t
        if t.ndim == 2:
            return _turned(t, name)
        raise unsupported("permute", t)
    n = t.sparse_dim()
    if any((d < n) is not (i < n) for i, d in enumerate(order)):
        raise RuntimeError(
            "transpose: transposing dimensions of a sparse tensor must both be sparse or both be dense"
            if len(order) == 2
            else "permute: sparse and dense dimensions must not be mixed"
        )
    indices = t._index_parts()[0]
    if order[:n] != list(range(n)):
        indices = torch.stack([indices[d] for d in order[:n]]) if n else indices
    shape = [t.shape[d] for d in order]
    dense = [0, *(d - n + 1 for d in order[n:])]
    kept = t._coalesced and order[:n] == list(range(n))
    return sparse_result(name, lambda v: v.permute(dense), (t,), lambda v: coo(indices, v, shape, kept))


def _turned(t: CompressedTensor, name: str) -> Any:
    batch = t._plain.ndim - 1
    shape = [*t.shape[:batch], t.shape[batch + 1], t.shape[batch], *t.shape[batch + 2 :]]
    at = t._plain.ndim

    def f(v: Tensor) -> Tensor:
        return v.transpose(at, at + 1) if t._blocks else v.clone()

    def make(v: Tensor) -> CompressedTensor:
        return compressed(_TURNED[t.layout], t._compressed, t._plain, v, shape)

    return sparse_result(name, f, (t,), make)


def transpose(t: Any, dim0: int, dim1: int, name: str = "TransposeBackward0") -> Any:
    """Two dims swapped; rows and columns of a compressed tensor give the other compressed layout."""
    a, b = dim_of(t, dim0), dim_of(t, dim1)
    if isinstance(t, CompressedTensor):
        batch = t._plain.ndim - 1
        if a == b:
            return t
        if {a, b} != {batch, batch + 1}:
            raise RuntimeError(
                "transpose(): can only transpose the two sparse dimensions of a compressed tensor, got "
                f"{dim0} and {dim1}"
            )
        return _turned(t, name)
    order = list(range(t.ndim))
    order[a], order[b] = order[b], order[a]
    return permute(t, order, name)


def t_(t: Any) -> Any:
    """The transpose of a matrix."""
    if t.ndim > 2 or (isinstance(t, CooTensor) and t.sparse_dim() > 2):
        raise RuntimeError(
            f"t() expects a tensor with <= 2 sparse and 0 dense dimensions, but got {t.sparse_dim()} sparse and "
            f"{t.dense_dim()} dense dimensions"
        )
    return t if t.ndim < 2 else transpose(t, 0, 1, "TBackward0")


def unsqueeze(t: CooTensor, dim: int) -> Any:
    """A dim of size one."""
    n = t.ndim + 1
    if not -n <= dim < n:
        raise IndexError(f"Dimension out of range (expected to be in range of [{-n}, {n - 1}], but got {dim})")
    d = dim % n
    shape = [*t.shape[:d], 1, *t.shape[d:]]
    indices = t._index_parts()[0]
    lead = t.sparse_dim()
    if d <= lead:
        row = torch.zeros((1, indices.shape[1]), dtype=torch.int64, device=t.device)
        wider = torch.cat([indices[:d], row, indices[d:]])
        return sparse_result("UnsqueezeBackward0", lambda v: v.clone(), (t,), lambda v: coo(wider, v, shape))
    return sparse_result(
        "UnsqueezeBackward0", lambda v: v.unsqueeze(d - lead + 1), (t,), lambda v: coo(indices, v, shape)
    )


def _picked(
    t: CooTensor, which: np.ndarray[Any, Any], indices: np.ndarray[Any, Any], shape: Any, name: str, known: bool
) -> Any:
    """The values at places ``which``, at other coordinates."""
    place, where = beside(which, t), beside(indices, t)
    return sparse_result(name, lambda v: v.index_select(0, place), (t,), lambda v: coo(where, v, shape, known))


def select(t: Any, dim: int, index: int) -> Any:
    """The slice at one position of a dim."""
    d = dim_of(t, dim)
    if t.ndim == 0:
        raise IndexError("select() cannot be applied to a 0-dim tensor.")
    size = t.shape[d]
    if not -size <= index < size:
        raise IndexError(f"select(): index {index} out of range for tensor of size {list(t.shape)} at dimension {d}")
    i = index % size
    t = compressed_to_coo(t) if isinstance(t, CompressedTensor) else t
    shape = [s for k, s in enumerate(t.shape) if k != d]
    n = t.sparse_dim()
    indices = t._index_parts()[0]
    if d >= n:
        at = d - n + 1
        return sparse_result(
            "SelectBackward0", lambda v: v.select(at, i), (t,), lambda v: coo(indices, v, shape, t._coalesced)
        )
    known = host(indices)
    which = np.flatnonzero(known[d] == i)
    if n == 1:
        place = beside(which, t)
        from ._graph import dense_result

        return dense_result("SelectBackward0", lambda v: v.index_select(0, place).sum(0).to(v.dtype), (t,))
    rest = np.delete(known[:, which], d, 0)
    return _picked(t, which, rest, shape, "SelectBackward0", t._coalesced)


def index_select(t: Any, dim: int, index: Tensor) -> Any:
    """The slices at the given positions of a dim, in their order."""
    if not isinstance(t, CooTensor):
        raise unsupported("index_select", t)
    d = dim_of(t, dim)
    if index.ndim > 1:
        raise IndexError("index_select(): Index is supposed to be a vector")
    if index.dtype not in (torch.int64, torch.int32):
        raise RuntimeError("index_select(): Expected dtype int32 or int64 for index")
    wanted = host(index.detach()).reshape(-1).astype(np.int64)
    size = t.shape[d]
    if wanted.size and (wanted.min() < -size or wanted.max() >= size):
        bad = int(wanted[(wanted < -size) | (wanted >= size)][0])
        raise IndexError(
            f"index_select(): index contains {bad} that is out of range for tensor of size {list(t.shape)} at dimension {d}"
        )
    wanted = np.where(wanted < 0, wanted + size, wanted)
    shape = [*t.shape[:d], len(wanted), *t.shape[d + 1 :]]
    n = t.sparse_dim()
    if d >= n:
        place, indices = beside(wanted, t), t._index_parts()[0]
        at = d - n + 1
        return sparse_result(
            "IndexSelectBackward0",
            lambda v: v.index_select(at, place),
            (t,),
            lambda v: coo(indices, v, shape, t._coalesced),
        )
    coordinates = host(t._index_parts()[0])
    order = np.argsort(coordinates[d], kind="stable")
    line = coordinates[d][order]
    first, last = np.searchsorted(line, wanted, "left"), np.searchsorted(line, wanted, "right")
    counts = last - first
    total = int(counts.sum())
    offset = np.arange(total) - np.repeat(np.cumsum(counts) - counts, counts)
    which = order[np.repeat(first, counts) + offset]
    target = np.repeat(np.arange(len(wanted)), counts)
    picked = coordinates[:, which].copy()
    picked[d] = target
    return _picked(t, which, picked, shape, "IndexSelectBackward0", False)


def narrow_copy(t: Any, dim: int, start: int, length: int) -> Any:
    """A stretch of a dim, as a copy."""
    d = dim_of(t, dim)
    if start < 0:
        start += t.shape[d]
    if not 0 <= start <= t.shape[d] - length:
        raise RuntimeError(
            f"Invalid range to narrow. range(start, start+length) must be a subset of range(0, {t.shape[d]})."
        )
    return index_select(t, d, torch.arange(start, start + length, device=t.device))


def cat(tensors: Sequence[Any], dim: int = 0) -> Any:
    """COO tensors one after the other along a dim."""
    if not all(isinstance(t, CooTensor) for t in tensors):
        raise RuntimeError(
            "Concatenating sparse tensors, but a dense tensor was found at position "
            f"{next(i for i, t in enumerate(tensors) if not isinstance(t, CooTensor))}."
        )
    first = tensors[0]
    d = dim_of(first, dim)
    n = first.sparse_dim()
    for i, t in enumerate(tensors):
        rest, have = list(first.shape), list(t.shape)
        if (
            len(rest) != len(have)
            or t.sparse_dim() != n
            or any(a != b for k, (a, b) in enumerate(zip(rest, have, strict=True)) if k != d)
        ):
            raise RuntimeError(
                f"All tensors must have the same shape: {rest} (except in the concatenating dimension), but found shape: "
                f"{have} at position {i}"
            )
    shape = list(first.shape)
    shape[d] = sum(t.shape[d] for t in tensors)
    if d >= n:
        return _cat_dense(tensors, d, shape)
    parts, offset = [], 0
    for t in tensors:
        indices = t._index_parts()[0]
        step = torch.zeros((n, 1), dtype=torch.int64, device=t.device)
        step[d] = offset
        parts.append(indices + step)
        offset += t.shape[d]
    joined = torch.cat(parts, 1)
    return sparse_result("CatBackward0", lambda *vs: torch.cat(vs), tensors, lambda v: coo(joined, v, shape))


def _cat_dense(tensors: Sequence[Any], d: int, shape: Sequence[int]) -> Any:
    at = d - tensors[0].sparse_dim() + 1
    joined = torch.cat([t._index_parts()[0] for t in tensors], 1)
    total = shape[d]

    def f(*vs: Tensor) -> Tensor:
        padded, before = [], 0
        for v in vs:
            lead, tail = list(v.shape), list(v.shape)
            lead[at], tail[at] = before, total - before - v.shape[at]
            padded.append(torch.cat([v.new_zeros(lead), v, v.new_zeros(tail)], at))
            before += v.shape[at]
        return torch.cat(padded)

    return sparse_result("CatBackward0", f, tensors, lambda v: coo(joined, v, shape))


def stack(tensors: Sequence[Any], dim: int = 0) -> Any:
    """COO tensors of one shape along a new dim."""
    return cat([unsqueeze(t, dim) for t in tensors], dim if dim >= 0 else dim + tensors[0].ndim + 1)


def get_item(t: Any, key: Any) -> Any:
    """``t[key]``: integers select, ``:`` and ``...`` keep a dim, ``None`` adds one, one vector of indices picks slices."""
    keys = list(key) if isinstance(key, tuple) else [key]
    if Ellipsis in [k for k in keys if not isinstance(k, Tensor)]:
        at = next(i for i, k in enumerate(keys) if k is Ellipsis)
        used = sum(k is not None and k is not Ellipsis for k in keys)
        keys[at : at + 1] = [slice(None)] * (t.ndim - used)
    if sum(k is not None for k in keys) > t.ndim:
        raise IndexError(f"too many indices for tensor of dimension {t.ndim}")
    out, dim = t, 0
    for k in keys:
        if k is None:
            out, dim = unsqueeze(as_coo(out), dim), dim + 1
        elif isinstance(k, slice):
            if k != slice(None):
                raise unsupported("as_strided", t)
            dim += 1
        elif isinstance(k, (Tensor, list, np.ndarray)) and not (isinstance(k, Tensor) and k.ndim == 0):
            places = k if isinstance(k, Tensor) else torch.as_tensor(k)
            if places.dtype is torch.bool:
                places = places.nonzero().squeeze(1)
            out, dim = index_select(out, dim, places), dim + 1
        else:
            out = out.select(dim, operator.index(k))
    return out


def sparse_resize_(t: CooTensor, size: Any, sparse_dim: int, dense_dim: int) -> CooTensor:
    """Other sizes with the same coordinates; what lists values must neither shrink nor change its number of dims."""
    sizes = _checked_sizes("sparse_resize_", size, sparse_dim, dense_dim)
    may_change(t)
    if t._nnz():
        if sparse_dim != t.sparse_dim():
            raise RuntimeError(
                f"changing the number of sparse dimensions (from {t.sparse_dim()} to {sparse_dim}) on a non-empty sparse "
                "tensor is not supported."
            )
        if dense_dim != t.dense_dim():
            raise RuntimeError(
                f"changing the number of dense dimensions (from {t.dense_dim()} to {dense_dim}) on a non-empty sparse "
                "tensor is not supported."
            )
        if any(a < b for a, b in zip(sizes, t.shape, strict=True)):
            raise RuntimeError(
                "shrinking the size of sparse dimensions or dense dimensions on a non-empty sparse tensor is not supported."
            )
        if tuple(sizes[sparse_dim:]) == tuple(t.shape[sparse_dim:]):
            t._become(coo(t._index_parts()[0], t._values_part, sizes, t._coalesced))
            return t
        padded = torch.zeros((t._nnz(), *sizes[sparse_dim:]), dtype=t.dtype, device=t.device)
        padded[tuple(slice(0, s) for s in t._values_part.shape)] = t._values_part
        t._become(coo(t._index_parts()[0], padded, sizes, t._coalesced))
        return t
    return sparse_resize_and_clear_(t, size, sparse_dim, dense_dim)


def sparse_resize_and_clear_(t: CooTensor, size: Any, sparse_dim: int, dense_dim: int) -> CooTensor:
    """Other sizes, and no values."""
    sizes = _checked_sizes("sparse_resize_and_clear_", size, sparse_dim, dense_dim)
    may_change(t)
    indices = torch.empty((sparse_dim, 0), dtype=torch.int64, device=t.device)
    values = torch.empty((0, *sizes[sparse_dim:]), dtype=t.dtype, device=t.device)
    t._become(coo(indices, values, sizes, t._coalesced))
    return t


def _checked_sizes(name: str, size: Any, sparse_dim: int, dense_dim: int) -> tuple[int, ...]:
    if isinstance(size, int):
        raise TypeError(f"{name}(): argument 'size' (position 1) must be tuple of ints, not int")
    sizes = tuple(int(s) for s in size)
    if sparse_dim + dense_dim != len(sizes):
        raise RuntimeError(
            f"'len(size) == sparse_dim + dense_dim' is not satisfied: len(size) = {len(sizes)}, sparse_dim = "
            f"{sparse_dim}, dense_dim = {dense_dim}"
        )
    return sizes
