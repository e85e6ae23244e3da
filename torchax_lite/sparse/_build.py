"""Making sparse tensors of their parts: ``sparse_coo_tensor``, ``sparse_csr_tensor`` and their kin."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torchax_lite as torch

from ..tensor.arguments import no_overload
from ..tensor.creation import tensor
from ..tensor.layouts import sparse_bsc, sparse_bsr, sparse_coo, sparse_csc, sparse_csr
from ..tensor.tensor import Tensor
from . import _checks
from ._graph import lookup, record
from ._tensor import LAYOUT_NAMES, CompressedTensor, CooTensor, compressed, coo

_COMPRESSED_FORMS = (
    "object {0}_indices, object {1}_indices, object values, tuple of ints size, *, torch.dtype dtype = None, "
    "torch.device device = None, bool requires_grad = False, bool check_invariants = None",
    "object {0}_indices, object {1}_indices, object values, *, torch.dtype dtype = None, torch.device device = None, "
    "bool requires_grad = False, bool check_invariants = None",
)
_COO_FORMS = (
    "object indices, object values, *, torch.dtype dtype = None, torch.device device = None, bool requires_grad = "
    "False, bool check_invariants = None",
    "object indices, object values, tuple of ints size, *, torch.dtype dtype = None, torch.device device = None, bool "
    "requires_grad = False, bool check_invariants = None, bool is_coalesced = None",
    "tuple of ints size, *, torch.dtype dtype = None, torch.device device = None, bool requires_grad = False, bool "
    "check_invariants = None",
)
_OPTIONS = {"dtype", "layout", "device", "requires_grad", "check_invariants", "pin_memory"}


def _values(values: Any, dtype: Any, device: Any) -> Tensor:
    if isinstance(values, Tensor):
        return values.to(device=values.device if device is None else device, dtype=dtype or values.dtype)
    return tensor(values, dtype=dtype, device=device)


def _indices(indices: Any, device: Any, dtype: Any = None) -> Tensor:
    if isinstance(indices, Tensor):
        return indices.detach().to(device=device, dtype=dtype or indices.dtype)
    return tensor(indices, dtype=dtype, device=device)


def _sizes(size: Any) -> tuple[int, ...] | None:
    if isinstance(size, (tuple, list, torch.Size)):
        try:
            return tuple(int(s.__index__()) for s in size)
        except AttributeError:
            return None
    return None


def _options(name: str, forms: Sequence[str], args: Any, kwargs: dict[str, Any], names: Sequence[str]) -> None:
    if set(kwargs) - _OPTIONS - set(names) or len(args) > 4:
        raise no_overload(name, forms, args, kwargs)
    if kwargs.get("pin_memory"):
        raise RuntimeError("Cannot access accelerator device when none is available.")


def _finish(made: Any, values: Tensor, requires_grad: bool, name: str) -> Any:
    if requires_grad:
        made = made.detach()
        if not (made.dtype.is_floating_point or made.dtype.is_complex):
            raise RuntimeError("Only Tensors of floating point and complex dtype can require gradients")
        made._requires_grad = True
        return made
    pattern = made.detach()
    return record(name, (values,), made, lambda g: (lookup(g, pattern),))


def sparse_coo_tensor(*args: Any, **kwargs: Any) -> CooTensor:
    """A tensor with ``values`` (nnz, dense dims) at ``indices`` (sparse dims, nnz), and zeros elsewhere.

    Called as ``(indices, values)``, ``(indices, values, size)`` or ``(size)``; see PyTorch's page for the options.
    Coordinates are looked at only to find the size, or with ``check_invariants``.
    """
    given = dict(kwargs)
    names = ("indices", "values", "size")
    only_size = (not args and "indices" not in given) or (len(args) == 1 and "values" not in given)
    if only_size:
        size = _sizes(args[0] if args else given.pop("size", None))
        if size is None:
            raise no_overload("sparse_coo_tensor", _COO_FORMS, args, kwargs)
        _options("sparse_coo_tensor", _COO_FORMS, (), given, ())
        return no_values(size, given.get("dtype"), given.get("device"), sparse_coo, given.get("requires_grad", False))  # type: ignore[no-any-return]
    _options("sparse_coo_tensor", _COO_FORMS, args, given, (*names, "is_coalesced"))
    given.update(zip(names, args, strict=False))
    if given.get("layout", sparse_coo) is not sparse_coo or "values" not in given:
        raise no_overload("sparse_coo_tensor", _COO_FORMS, args, kwargs)
    values = _values(given["values"], given.get("dtype"), given.get("device"))
    indices = _indices(given["indices"], values.device, torch.int64)
    if indices.ndim != 2 and (indices.ndim == 0 or _sizes(given.get("size")) is None):
        raise RuntimeError(f"indices must be sparse_dim x nnz, but got: {list(indices.shape)}")
    if values.ndim == 0:
        values = values.reshape(1)
    if "size" in given and given["size"] is not None:
        sizes = _sizes(given["size"])
        if sizes is None:
            raise no_overload("sparse_coo_tensor", _COO_FORMS, args, kwargs)
    else:
        sizes = _checks.inferred_size(indices, values)
    _checks.check_coo_shapes(indices, values, sizes)
    coalesced = bool(given.get("is_coalesced"))
    if _checks.wanted(given.get("check_invariants")):
        _checks.check_coo_values(indices, sizes, coalesced)
    made = coo(indices, values, sizes, coalesced)
    return _finish(  # type: ignore[no-any-return]
        made, values, bool(given.get("requires_grad")), "SparseCooTensorWithDimsAndTensorsBackward0"
    )


def no_values(size: Any, dtype: Any, device: Any, kind: Any, requires_grad: bool = False) -> Any:
    """A sparse tensor of zeros: it lists no values."""
    sizes = tuple(int(s) for s in size)
    if any(s < 0 for s in sizes):
        raise RuntimeError(f"Trying to create tensor with negative dimension {min(sizes)}: {list(sizes)}")
    values = torch.empty(0, dtype=dtype, device=device)
    if kind is sparse_coo:
        made: Any = coo(torch.empty((len(sizes), 0), dtype=torch.int64, device=values.device), values, sizes, True)
    else:
        if len(sizes) < 2:
            raise RuntimeError(
                f"torch.empty: Only batched sparse compressed (non-block) tensors are supported, but got size {list(sizes)}"
            )
        if kind in (sparse_bsr, sparse_bsc):
            raise NotImplementedError(f"an empty tensor of layout {kind} has no block size; build it of its parts")
        lead = sizes[:-2]
        outer = sizes[-2] if kind is sparse_csr else sizes[-1]
        ends = torch.zeros((*lead, outer + 1), dtype=torch.int64, device=values.device)
        plain = torch.zeros((*lead, 0), dtype=torch.int64, device=values.device)
        made = compressed(kind, ends, plain, values.reshape(*lead, 0), sizes)
    made._requires_grad = requires_grad
    return made


def _compressed_size(kind: Any, ends: Tensor, plain: Tensor, values: Tensor) -> tuple[int, ...]:
    """The size that the parts of a compressed tensor imply."""
    at = plain.ndim
    block = tuple(values.shape[at : at + 2]) if kind in (sparse_bsr, sparse_bsc) else (1, 1)
    by_rows = kind in (sparse_csr, sparse_bsr)
    outer = ends.shape[-1] - 1
    inner = int(plain.max().item()) + 1 if plain.numel() else 0
    rows, columns = (outer, inner) if by_rows else (inner, outer)
    dense = tuple(values.shape[at + (2 if kind in (sparse_bsr, sparse_bsc) else 0) :])
    return (*ends.shape[:-1], rows * block[0], columns * block[1], *dense)


def _build_compressed(name: str, kind: Any, args: tuple[Any, ...], kwargs: dict[str, Any], names: Sequence[str]) -> Any:
    forms = [f.format(names[0].removesuffix("_indices"), names[1].removesuffix("_indices")) for f in _COMPRESSED_FORMS]
    _options(name, forms, args, kwargs, names)
    given = {**kwargs, **dict(zip(names, args, strict=False))}
    layout = given.get("layout")
    if kind is None:
        if layout is None:
            raise RuntimeError(f"{name} expected sparse compressed tensor layout but got none")
        kind = layout
    elif layout is not None and layout is not kind:
        raise RuntimeError(f"{name}: layout must be {LAYOUT_NAMES[kind]} but got {LAYOUT_NAMES[layout]}")
    if any(n not in given for n in names[:3]):
        raise no_overload(name, forms, args, kwargs)
    values = _values(given["values"], given.get("dtype"), given.get("device"))
    ends = _indices(given[names[0]], values.device)
    plain = _indices(given[names[1]], values.device)
    size = given.get("size")
    sizes = _compressed_size(kind, ends, plain, values) if size is None else _sizes(size)
    if sizes is None:
        raise no_overload(name, forms, args, kwargs)
    if _checks.wanted(given.get("check_invariants")):
        _checks.check_compressed(kind, ends, plain, values, sizes)
    made: CompressedTensor = compressed(kind, ends, plain, values, sizes)
    return _finish(made, values, bool(given.get("requires_grad")), "SparseCompressedTensorBackward0")


def _factory(name: str, kind: Any, compressed_name: str, plain_name: str, what: str) -> Any:
    def factory(*args: Any, **kwargs: Any) -> CompressedTensor:
        return _build_compressed(  # type: ignore[no-any-return]
            name, kind, args, kwargs, (compressed_name, plain_name, "values", "size")
        )

    factory.__name__ = factory.__qualname__ = name
    factory.__doc__ = f"A tensor with {what}: ``({compressed_name}, {plain_name}, values, size=None)`` and options."
    return factory


sparse_csr_tensor = _factory("sparse_csr_tensor", sparse_csr, "crow_indices", "col_indices", "compressed rows")
sparse_csc_tensor = _factory("sparse_csc_tensor", sparse_csc, "ccol_indices", "row_indices", "compressed columns")
sparse_bsr_tensor = _factory(
    "sparse_bsr_tensor", sparse_bsr, "crow_indices", "col_indices", "compressed rows of blocks"
)
sparse_bsc_tensor = _factory(
    "sparse_bsc_tensor", sparse_bsc, "ccol_indices", "row_indices", "compressed columns of blocks"
)
sparse_compressed_tensor = _factory(
    "sparse_compressed_tensor", None, "compressed_indices", "plain_indices", "compressed rows or columns, by ``layout``"
)
