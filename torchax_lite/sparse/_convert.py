"""From one layout to another: dense, COO, and the compressed ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

import torchax_lite as torch

from ..tensor.creation import on_place
from ..tensor.device import to_place
from ..tensor.layouts import sparse_bsc, sparse_bsr, sparse_coo, sparse_csc, sparse_csr, strided
from ..tensor.tensor import Tensor
from ._graph import dense_result, lookup, record, sparse_result, with_pattern
from ._tensor import LAYOUT_NAMES, CompressedTensor, CooTensor, SparseTensor, compressed, coo, coordinate_keys

COMPRESSED = (sparse_csr, sparse_csc, sparse_bsr, sparse_bsc)
BLOCKED = (sparse_bsr, sparse_bsc)
_NODES = {
    sparse_csr: "ToSparseCsrBackward0", sparse_csc: "ToSparseCscBackward0", sparse_bsr: "ToSparseBsrBackward0",
    sparse_bsc: "ToSparseBscBackward0",
}  # fmt: skip


def host(t: Tensor) -> np.ndarray[Any, Any]:
    """The values of an index tensor on the host; runs what they wait for, and only that is a cut."""
    known = t._known_value()
    return np.asarray(known if known is not None else t._host_array())


def beside(array: np.ndarray[Any, Any], like: Tensor) -> Tensor:
    """Indices made on the host as a tensor on the device of ``like``."""
    return on_place(np.ascontiguousarray(array), to_place(like.device))


def flat_values(t: SparseTensor) -> tuple[Tensor, Tensor]:
    """Keys (n) and values (n, dense sizes), with gradients flowing to ``t``."""
    from ._graph import values_of

    keys = t._keys()
    values = values_of(t)
    return keys.reshape(-1), values.reshape(keys.numel(), *values.shape[keys.ndim :])


def scatter(keys: Tensor, values: Tensor, count: int) -> Tensor:
    """Zeros (count, dense sizes) with the values added at their keys."""
    shape = (count, *values.shape[1:])
    if values.dtype is torch.bool:
        return scatter(keys, values.to(torch.int32), count) != 0
    return torch.zeros(shape, dtype=values.dtype, device=values.device).index_add(0, keys, values)


def to_dense(t: SparseTensor, dtype: Any = None, masked_grad: bool | None = None) -> Tensor:
    """The strided tensor with the values at their positions."""
    if dtype is not None:
        raise RuntimeError("dtype argument is not supported by sparse_to_dense")
    keys, shape = t._keys(), tuple(t.shape)
    count = int(np.prod(t._key_sizes(), dtype=np.int64))

    def f(values: Tensor) -> Tensor:
        flat = values.reshape(keys.numel(), *values.shape[keys.ndim :])
        return scatter(keys.reshape(-1), flat, count).reshape(shape)

    with torch.no_grad():
        out = f(t._values_part)

    def backward(g: Any) -> tuple[Any]:
        if masked_grad is False:
            return (g,)
        return (with_pattern(t, lookup(g, t)),)

    return record("ToDenseBackward0", (t,), out, backward)  # type: ignore[no-any-return]


def coalesce(t: CooTensor) -> CooTensor:
    """Distinct, sorted coordinates; itself where they are known to be so."""
    if t._coalesced:
        return t
    indices, sizes = t._index_parts()[0], t._key_sizes()
    known = host(indices).astype(np.int64)
    keys = np.zeros(known.shape[1], np.int64)
    for row, size in zip(known, sizes, strict=True):
        keys = keys * size + row
    if len(keys) < 2 or (np.diff(keys) > 0).all():
        return sparse_result(  # type: ignore[no-any-return]
            "CoalesceBackward0", lambda v: v.clone(), (t,), lambda v: coo(indices, v, t.shape, True)
        )
    distinct, slot = np.unique(keys, return_inverse=True)
    found = beside(np.stack(np.unravel_index(distinct, sizes)) if sizes else np.zeros((0, 1), np.int64), t)
    where, n = beside(slot.reshape(-1), t), len(distinct)
    return sparse_result(  # type: ignore[no-any-return]
        "CoalesceBackward0", lambda v: scatter(where, v, n), (t,), lambda v: coo(found, v, t.shape, True)
    )


# -- to COO ------------------------------------------------------------------------------------------------------------


def dense_to_coo(t: Tensor, sparse_dim: int | None = None) -> CooTensor:
    """The coordinates of what is not zero (of the slices that are not all zero) and the values there."""
    n = t.ndim if sparse_dim is None else sparse_dim
    if not 0 <= n <= t.ndim:
        raise RuntimeError(
            f"dense_to_sparse: sparse_dim argument must be in [0,{t.ndim}] range, but {sparse_dim} is given"
        )
    if t.ndim and n == 0:
        raise RuntimeError(
            f"dense_to_sparse: sparse_dim argument must be in >0 when self is not a scalar, but {sparse_dim} is given"
        )
    source = t.detach()
    some = source != 0
    if n < t.ndim:
        some = some.flatten(n).any(-1)
    indices = some.nonzero().t().contiguous() if n else torch.zeros((0, int(some.item())), dtype=torch.int64)
    shape = tuple(t.shape)
    keys = coordinate_keys(indices, shape[:n]) if n else torch.zeros(indices.shape[1], dtype=torch.int64)

    def f(x: Tensor) -> Tensor:
        return x.reshape(-1, *shape[n:]).index_select(0, keys)

    name = "ToSparseBackward1" if sparse_dim is None else "ToSparseBackward0"
    if 0 in shape:
        return sparse_result(name, lambda x: x.new_zeros((0, *shape[n:])), (t,), lambda v: coo(indices, v, shape, True))  # type: ignore[no-any-return]
    return sparse_result(name, f, (t,), lambda v: coo(indices, v, shape, True))  # type: ignore[no-any-return]


def compressed_to_coo(t: CompressedTensor) -> CooTensor:
    """The coordinates that a compressed tensor lists, in its order; sorted where it is by rows."""
    keys = t._keys().reshape(-1)
    sizes = t._key_sizes()
    indices = torch.stack([(keys // _step(sizes, d)) % sizes[d] for d in range(len(sizes))])
    lead = t._keys().ndim
    in_order = t.layout is sparse_csr

    def make(v: Tensor) -> CooTensor:
        return coo(indices, v, t.shape, in_order)

    made = sparse_result("ToSparseBackward0", lambda v: v.reshape(keys.numel(), *v.shape[lead:]), (t,), make)
    return made if in_order else coalesce(made)


def _step(sizes: Sequence[int], d: int) -> int:
    return int(np.prod(sizes[d + 1 :], dtype=np.int64))


def as_coo(t: Any) -> CooTensor:
    """Any tensor in COO layout."""
    if isinstance(t, CooTensor):
        return t
    return compressed_to_coo(t) if isinstance(t, CompressedTensor) else dense_to_coo(t)


# -- to compressed -----------------------------------------------------------------------------------------------------


def _block(name: str, kind: Any, blocksize: Any, shape: Sequence[int], batch: int) -> tuple[int, int]:
    if kind not in BLOCKED:
        return 1, 1
    pair = (blocksize, blocksize) if isinstance(blocksize, int) else tuple(blocksize)
    if len(pair) != 2:
        raise RuntimeError(f"{name}: blocksize needs to be a tuple of size 2, but got {len(pair)}")
    if min(pair) < 1:
        raise RuntimeError(f"{name}: blocksize needs to be positive, but got {list(pair)}")
    if shape[batch] % pair[0] or shape[batch + 1] % pair[1]:
        raise RuntimeError(
            f"{name}: tensor sparse size ({shape[batch]},{shape[batch + 1]}) must be divisible by given blocksize "
            f"({pair[0]},{pair[1]})"
        )
    return pair  # type: ignore[return-value]


def _positions(
    keys: np.ndarray[Any, Any], shape: Sequence[int], batch: int, by_rows: bool, block: tuple[int, int]
) -> tuple[Any, Any, Any, int]:
    """Sorted occupied (batch, row, column) of blocks as a compressed index: (ends, plain, key of each block, nnz)."""
    height, width = block
    m, n = shape[batch], shape[batch + 1]
    count = int(np.prod(shape[:batch], dtype=np.int64))
    b, rest = np.divmod(keys, m * n)
    rows, columns = np.divmod(rest, n)
    rows, columns = rows // height, columns // width
    outer, inner = (rows, columns) if by_rows else (columns, rows)
    n_outer, n_inner = (m // height, n // width) if by_rows else (n // width, m // height)
    code = np.unique((b * n_outer + outer) * n_inner + inner)
    owner, plain = np.divmod(code, n_inner) if n_inner else (code, code)
    per_row = np.bincount(owner, minlength=count * n_outer).reshape(count, n_outer)
    totals = per_row.sum(1)
    if batch and len(set(totals.tolist())) > 1:
        raise RuntimeError("Expect the same number of specified elements per batch.")
    nnz = int(totals[0]) if count else 0
    ends = np.concatenate([np.zeros((count, 1), np.int64), np.cumsum(per_row, 1)], 1)
    lead = tuple(shape[:batch])
    return ends.reshape(*lead, n_outer + 1), plain.reshape(*lead, nnz), code, nnz


def to_compressed(t: Any, kind: Any, blocksize: Any = None, dense_dim: int | None = None) -> CompressedTensor:
    """Any tensor in a compressed layout; a dense one lists what is not zero."""
    if isinstance(t, CompressedTensor) and t.layout is kind and blocksize in (None, t._block_size()):
        return t
    if kind in BLOCKED and blocksize is None:
        source = LAYOUT_NAMES[t.layout]
        raise RuntimeError(
            f"{'dense' if t.layout is strided else 'sparse'}_to_sparse: conversion from {source} to "
            f"{LAYOUT_NAMES[kind]} without blocksize argument given is not supported"
        )
    dense = t.dense_dim() if isinstance(t, SparseTensor) else dense_dim or 0
    batch = t.ndim - dense - 2
    if batch < 0:
        raise RuntimeError(
            f"dense_to_sparse_{LAYOUT_NAMES[kind][6:].lower()}: number of dimensions must be at least 2, got {t.ndim}"
        )
    shape = tuple(t.shape)
    origin = {strided: "dense", sparse_coo: "coo"}.get(t.layout) or LAYOUT_NAMES[t.layout][6:].lower()
    name = f"{origin}_to_sparse_{LAYOUT_NAMES[kind][6:].lower()}"
    block = _block(name, kind, blocksize, shape, batch)
    if isinstance(t, SparseTensor):
        if isinstance(t, CooTensor):
            if batch:
                raise RuntimeError(
                    f"conversion from Sparse to {LAYOUT_NAMES[kind]} for input tensors with sparse_dim()!=2 is not supported"
                )
            t = coalesce(t)
        keys = host(t._keys()).reshape(-1)
    else:
        some = t.detach() != 0
        if dense:
            some = some.flatten(t.ndim - dense).any(-1)
        keys = np.flatnonzero(host(some))
    by_rows = kind in (sparse_csr, sparse_bsr)
    ends, plain, _, nnz = _positions(keys, shape, batch, by_rows, block)
    compressed_indices, plain_indices = beside(ends, t), beside(plain, t)
    lead = (*shape[:batch], nnz)
    values_shape = (*lead, *block, *shape[batch + 2 :]) if kind in BLOCKED else (*lead, *shape[batch + 2 :])
    empty = torch.zeros(values_shape, dtype=t.dtype, device=t.device)
    pattern = compressed(kind, compressed_indices, plain_indices, empty, shape)

    def make(v: Tensor) -> CompressedTensor:
        return compressed(kind, compressed_indices, plain_indices, v, shape)

    if not isinstance(t, SparseTensor):
        return sparse_result(_NODES[kind], lambda x: lookup(x, pattern), (t,), make)  # type: ignore[no-any-return]
    known = t._keys().reshape(-1)
    lead_dims = t._keys().ndim

    def f(v: Tensor) -> Tensor:
        from .._generated import internal as _ops

        flat = v.reshape(known.numel(), *v.shape[lead_dims:])
        wanted = pattern._keys()
        return _ops.sparse_lookup(known, flat, wanted.reshape(-1)).reshape(values_shape)

    return sparse_result(_NODES[kind], f, (t,), make)  # type: ignore[no-any-return]


def to_sparse(
    t: Tensor, sparse_dim: int | None = None, *, layout: Any = None, blocksize: Any = None, dense_dim: int | None = None
) -> Any:
    """The tensor in a sparse layout, COO if none is named; itself where it is in that layout."""
    if sparse_dim is not None and not isinstance(sparse_dim, int):
        sparse_dim, layout = None, sparse_dim
    kind = sparse_coo if layout is None else layout
    if blocksize is not None and kind not in BLOCKED:
        raise RuntimeError(
            f"{'dense' if t.layout is strided else 'sparse'}_to_sparse: conversion from {LAYOUT_NAMES[t.layout]} to "
            f"{LAYOUT_NAMES[kind]} with blocksize argument given is not supported"
        )
    if t.layout is kind and not (kind in BLOCKED and blocksize is not None):
        if sparse_dim is not None and sparse_dim != t.sparse_dim():
            raise RuntimeError(
                "to_sparse: conversion from Sparse to Sparse with sparse_dim argument !=self.sparse_dim() is not supported"
            )
        return t
    if kind is strided:
        return t.to_dense()
    if kind in COMPRESSED:
        return to_compressed(t, kind, blocksize, dense_dim)
    if isinstance(t, CompressedTensor):
        return compressed_to_coo(t)
    if dense_dim is not None:
        sparse_dim = t.ndim - dense_dim
    return dense_to_coo(t, sparse_dim)


def sparse_mask(t: Any, mask: Any) -> Any:
    """The entries of ``t`` at the positions of ``mask``, in its layout."""
    if not isinstance(mask, SparseTensor):
        raise NotImplementedError(
            "Could not run 'aten::_nnz' with arguments from the 'CPU' backend. The mask has to be a sparse tensor."
        )
    if t.shape != mask.shape:
        raise RuntimeError(
            f"sparse_mask(): operands have incompatible sizes; self has size {list(t.shape)} but mask has size "
            f"{list(mask.shape)}"
        )
    if isinstance(mask, CooTensor):
        mask = coalesce(mask.detach())
    parts = mask._index_parts()

    def make(v: Tensor) -> Any:
        return mask._with_parts(parts, v)

    if isinstance(t, SparseTensor):
        source = t

        def f(v: Tensor) -> Tensor:
            return lookup(with_pattern(source, v), mask, exact=True)

        return sparse_result("SparseMaskBackward0", f, (t,), make)
    return sparse_result("SparseMaskBackward0", lambda x: lookup(x, mask), (t,), make)


__all__ = ["as_coo", "coalesce", "dense_result", "sparse_mask", "to_compressed", "to_dense", "to_sparse"]
