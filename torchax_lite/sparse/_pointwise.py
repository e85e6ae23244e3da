"""Elementwise operations: functions that keep zero, scaling, sums and products."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import torchax_lite as torch

from ..tensor import dispatch
from ..tensor.tensor import Tensor
from ._convert import as_coo, beside, coalesce, compressed_to_coo, host, scatter, to_compressed
from ._graph import dense_result, lookup, record, same_pattern, sparse_result, with_pattern
from ._merging import merge_lists
from ._tensor import CompressedTensor, CooTensor, SparseTensor, coo, raw_parts

ADD_DENSE = "add(sparse, dense) is not supported. Use add(dense, sparse) instead."


def on_values(op: Any, t: SparseTensor, *rest: Any) -> Any:
    """An op that keeps zero, applied to the values; duplicates of a COO tensor are summed first."""
    from ..tensor.sites import grad_name

    if isinstance(t, CooTensor):
        t = coalesce(t)
    parts = t._index_parts()
    name = grad_name(op, (t, *rest))
    return sparse_result(name, lambda v: call_dense(op, (v, *rest)), (t,), lambda v: t._with_parts(parts, v))


def call_dense(op: Any, arguments: Any) -> Any:
    """A declared op on dense arguments in schema order."""
    sorted_: tuple[list[Any], list[Any], list[Any]] = ([], [], [])
    for p, a in zip(op.schema.params, arguments, strict=True):
        sorted_[0 if p.is_tensor else 1 if p.is_scalar else 2].append(a)
    return dispatch.call(op, sorted_[0], tuple(sorted_[1]), tuple(sorted_[2]))


def scaled(name: str, f: Callable[[Tensor], Tensor], t: SparseTensor) -> Any:
    """A linear function of each value; coordinates stay as they are."""
    parts = t._index_parts()
    return sparse_result(name, f, (t,), lambda v: t._with_parts(parts, v))


def neg(t: Any) -> Any:
    """``-t``."""
    return scaled("NegBackward0", lambda v: -v, t)


def _is_scalar(x: Any) -> bool:
    return not isinstance(x, Tensor) or (x.ndim == 0 and not isinstance(x, SparseTensor))


def mul(a: Any, b: Any) -> Any:
    """``a * b``: where either lists no value the product is zero."""
    if not isinstance(a, SparseTensor):
        a, b = b, a
    parts = a._index_parts()
    if _is_scalar(b):
        return sparse_result("MulBackward0", lambda v, w: v * w, (a, b), lambda v: a._with_parts(parts, v))
    if isinstance(b, SparseTensor):
        return _mul_sparse(a, b)
    wide = torch.broadcast_shapes(a.shape, b.shape)
    if tuple(wide) != tuple(a.shape):
        raise RuntimeError(
            f"mul(sparse, dense): the sparse operand of shape {list(a.shape)} would have to be broadcast to {list(wide)}"
        )
    pattern = a.detach()
    return sparse_result(
        "MulBackward0", lambda v, w: v * lookup(w.expand(wide), pattern), (a, b), lambda v: a._with_parts(parts, v)
    )


def _mul_sparse(a: Any, b: Any) -> Any:
    if a.layout is not b.layout:
        raise RuntimeError(f"mul: expected operands of one layout, got {a.layout} and {b.layout}")
    if a.shape != b.shape:
        raise RuntimeError(
            f"mul: expected 'self' and 'other' to have same sizes, but {list(a.shape)} != {list(b.shape)}"
        )
    parts = a._index_parts()
    if same_pattern(a, b) and getattr(a, "_coalesced", True):
        return sparse_result("MulBackward0", lambda v, w: v * w, (a, b), lambda v: a._with_parts(parts, v))
    if isinstance(a, CooTensor) and not (a._coalesced and b._coalesced):
        return _mul_uncoalesced(*((b, a) if a._coalesced else (a, b)))
    kind = a.layout
    made = _intersection(_flat_coo(a), _flat_coo(b))
    return made if isinstance(a, CooTensor) else to_compressed(made, kind)


def _mul_uncoalesced(a: CooTensor, b: CooTensor) -> Any:
    """The product with the entries of ``a``, duplicates among them, that ``b`` lists too."""
    place = beside(np.flatnonzero(np.isin(host(a._keys()), host(b._keys()))), a)
    indices = a._index_parts()[0].index_select(1, place)
    source = b.detach()
    made = coo(indices, a._values_part.index_select(0, place), a.shape)

    def f(v: Tensor, w: Tensor) -> Tensor:
        return v.index_select(0, place) * lookup(with_pattern(source, w), made, exact=True)

    return sparse_result("MulBackward0", f, (a, b), lambda v: coo(indices, v, a.shape))


def _flat_coo(t: Any) -> CooTensor:
    return t if isinstance(t, CooTensor) else compressed_to_coo(t)


def _intersection(a: CooTensor, b: CooTensor) -> Any:
    """The product of two coalesced tensors: coordinates that both list."""
    x, y = host(a._keys()), host(b._keys())
    _, i, j = np.intersect1d(x, y, assume_unique=True, return_indices=True)
    at, bt = beside(i, a), beside(j, a)
    indices = a._index_parts()[0].index_select(1, at)
    return sparse_result(
        "MulBackward0", lambda v, w: v.index_select(0, at) * w.index_select(0, bt), (a, b),
        lambda v: coo(indices, v, a.shape, True),
    )  # fmt: skip


def div(a: Any, b: Any, rounding_mode: str | None = None) -> Any:
    """``a / b`` by a number."""
    if not isinstance(a, SparseTensor):
        raise RuntimeError("div(dense, sparse) is not supported: it would divide by zero; use to_dense()")
    if not _is_scalar(b):
        raise RuntimeError(
            f"Sparse division requires a scalar or zero-dim dense tensor divisor (got shape {list(b.shape)} for divisor)"
        )
    if isinstance(a, CompressedTensor):
        raise RuntimeError("unsupported tensor layout: SparseCsr")
    parts = a._index_parts()
    if rounding_mode is None:
        return sparse_result("DivBackward0", lambda v, w: v / w, (a, b), lambda v: a._with_parts(parts, v))
    a = coalesce(as_coo(a))
    parts = a._index_parts()
    return sparse_result(
        "DivBackward0", lambda v, w: torch.div(v, w, rounding_mode=rounding_mode), (a, b),
        lambda v: a._with_parts(parts, v),
    )  # fmt: skip


# -- sums --------------------------------------------------------------------------------------------------------------


def add(a: Any, b: Any, alpha: Any = 1, name: str = "AddBackward0") -> Any:
    """``a + alpha * b``: dense and sparse give dense; two sparse ones list the coordinates of both."""
    if not isinstance(a, SparseTensor):
        return _add_to_dense(a, b, alpha, name)
    if not isinstance(b, SparseTensor):
        if isinstance(a, CompressedTensor) and isinstance(b, Tensor) and a.shape == b.shape:
            return _add_to_dense(b if alpha == 1 else b * alpha, a, 1, name)
        raise RuntimeError(ADD_DENSE)
    if a.shape != b.shape:
        raise RuntimeError(
            f"add: expected sizes of 'self' and 'other' to match, but {list(a.shape)} != {list(b.shape)}"
        )
    if a.layout is not b.layout:
        raise RuntimeError(f"add: expected 'self' and 'other' to have one layout, but got {a.layout} and {b.layout}")
    if same_pattern(a, b):
        parts = a._index_parts()
        return sparse_result(name, lambda v, w: torch.add(v, w, alpha=alpha), (a, b), lambda v: a._with_parts(parts, v))
    if isinstance(a, CompressedTensor):
        made = _merged(as_coo(a), as_coo(b), alpha, name)
        return to_compressed(made, a.layout, a._block_size() if a._blocks else None)
    return _merged(as_coo(a), as_coo(b), alpha, name)


def _add_to_dense(a: Any, b: SparseTensor, alpha: Any, name: str) -> Tensor:
    if not isinstance(a, Tensor) or a.shape != b.shape:
        shape = list(a.shape) if isinstance(a, Tensor) else []
        raise RuntimeError(
            f"add: expected 'self' and 'other' to have same size, but self has size {shape} while other has size "
            f"{list(b.shape)} (FYI: dense-sparse addition does not currently support broadcasting)"
        )
    with torch.no_grad():
        out = added_to(a.detach(), b, alpha)

    def backward(g: Any) -> tuple[Any, Any]:
        return g, g if alpha == 1 else g * alpha

    return record(name, (a, b), out, backward)  # type: ignore[no-any-return]


def added_to(dense: Tensor, t: SparseTensor, alpha: Any = 1) -> Tensor:
    """``dense + alpha * t`` outside autograd: the values are added at their positions, duplicates too."""
    if isinstance(t, CooTensor):
        from ._tensor import coordinate_keys

        indices, values = raw_parts(t)
        keys = (
            coordinate_keys(indices, t._key_sizes())
            if t._key_sizes()
            else torch.zeros(indices.shape[1], dtype=torch.int64)
        )
        flat = values
    else:
        keys, flat = t._flat()
    count = int(np.prod(t._key_sizes(), dtype=np.int64))
    shape = dense.shape
    dtype = torch.result_type(dense, values if isinstance(t, CooTensor) else flat)
    source = flat.to(dtype) if alpha == 1 else flat.to(dtype) * alpha
    return dense.to(dtype).reshape(count, *flat.shape[1:]).index_add(0, keys, source).reshape(shape)


def _merged(a: CooTensor, b: CooTensor, alpha: Any, name: str) -> Any:
    """The sum of two COO tensors, their coordinates merged as two sorted lists are."""
    indices_a, indices_b = a._index_parts()[0], b._index_parts()[0]
    if a.sparse_dim() != b.sparse_dim():
        raise RuntimeError(
            f"add: expected 'self' and 'other' to have same number of sparse dimensions, but {a.sparse_dim()} != {b.sparse_dim()}"
        )
    x, y = host(a._keys()), host(b._keys())
    coalesced = a._coalesced and b._coalesced
    slot_a, slot_b, n = _merge_sorted(x, y) if coalesced else merge_lists(x, y)
    where = np.zeros((len(indices_a), n), np.int64)
    where[:, slot_b], where[:, slot_a] = host(indices_b), host(indices_a)
    indices, at, bt = beside(where, a), beside(slot_a, a), beside(slot_b, a)
    dtype = torch.result_type(a._values_part, b._values_part)

    def f(v: Tensor, w: Tensor) -> Tensor:
        w = w.to(dtype) if alpha == 1 else w.to(dtype) * alpha
        return scatter(at, v.to(dtype), n).index_add(0, bt, w)

    return sparse_result(name, f, (a, b), lambda v: coo(indices, v, a.shape, coalesced))


def _merge_sorted(x: np.ndarray[Any, Any], y: np.ndarray[Any, Any]) -> tuple[Any, Any, int]:
    """Places of two sorted lists of distinct keys in their union."""
    both = np.union1d(x, y)
    return np.searchsorted(both, x), np.searchsorted(both, y), len(both)


def pow_(t: Any, exponent: Any) -> Any:
    """``t ** exponent`` for an exponent that keeps zero."""
    if isinstance(exponent, Tensor):
        raise RuntimeError("pow: a sparse base needs a number as its exponent")
    if exponent == 0:
        raise RuntimeError("pow: cannot raise to zeroth power on sparse tensor; it would make the result tensor dense")
    if isinstance(t, CooTensor):
        t = coalesce(t)
    parts = t._index_parts()
    return sparse_result("PowBackward0", lambda v: v**exponent, (t,), lambda v: t._with_parts(parts, v))


def norm(t: Any, p: Any = 2, dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Tensor:
    """The norm of the values."""
    if dim not in (None, (), []):
        raise RuntimeError(
            "norm_sparse currently only supports full reductions, so 'dim' must either be empty or contain all dimensions of the input"
        )
    if keepdim:
        raise RuntimeError("norm_sparse currently does not support keepdim=True")
    t = coalesce(as_coo(t))
    return dense_result("NormBackward1", lambda v: torch.norm(v, 2 if p in (None, "fro") else p, dtype=dtype), (t,))
