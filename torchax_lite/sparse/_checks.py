"""What the parts of a sparse tensor have to satisfy, and when the values of indices are looked at."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..tensor.dtypes import scalar_type_name
from ..tensor.layouts import sparse_bsc, sparse_bsr, sparse_csr
from ..tensor.tensor import Tensor


class check_sparse_tensor_invariants:  # noqa: N801  (PyTorch's name)
    """Switch of the checks of indices: a context manager, a decorator, or by ``enable()`` and ``disable()``."""

    _on = False

    @staticmethod
    def is_enabled() -> bool:
        """Whether index values are checked where a call does not say."""
        return check_sparse_tensor_invariants._on

    @staticmethod
    def enable() -> None:
        """Check index values from now on."""
        check_sparse_tensor_invariants._on = True

    @staticmethod
    def disable() -> None:
        """Stop checking index values."""
        check_sparse_tensor_invariants._on = False

    def __init__(self, enable: bool = True) -> None:
        self.state = enable
        self.saved_state: bool | None = None

    def __enter__(self) -> None:
        if self.saved_state is not None:
            raise RuntimeError(
                "This context manager instance is already activated. Use a different context manager instance for "
                "context nesting."
            )
        self.saved_state = self.is_enabled()
        check_sparse_tensor_invariants._on = self.state

    def __exit__(self, *exc: object) -> None:
        assert self.saved_state is not None
        check_sparse_tensor_invariants._on = self.saved_state
        self.saved_state = None

    def __call__(self, fn: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(fn)
        def checked(*args: Any, **kwargs: Any) -> Any:
            with type(self)(self.state):
                return fn(*args, **kwargs)

        return checked


def wanted(asked: bool | None) -> bool:
    """Whether a construction checks index values."""
    return check_sparse_tensor_invariants.is_enabled() if asked is None else bool(asked)


def _host(t: Tensor) -> np.ndarray[Any, Any]:
    return np.asarray(t.detach()._host_array())


def inferred_size(indices: Tensor, values: Tensor) -> tuple[int, ...]:
    """Sizes that hold all coordinates, followed by those of a value."""
    known = _host(indices)
    if known.size and known.min() < 0:
        dim = int(np.argmax((known < 0).any(1)))
        raise RuntimeError(f"found negative index {known[dim].min()} for dim {dim}")
    top = known.max(1) + 1 if known.shape[1] else np.zeros(known.shape[0], np.int64)
    return (*map(int, top), *values.shape[1:])


def check_coo_shapes(indices: Tensor, values: Tensor, size: Sequence[int]) -> None:
    """The shapes of indices, values and the tensor fit together."""
    sparse_dim = indices.shape[0]
    if any(s < 0 for s in size):
        raise RuntimeError("numel: integer multiplication overflow")
    if len(size) != sparse_dim + values.ndim - 1:
        raise RuntimeError(
            f"'len(size) == sparse_dim + dense_dim' is not satisfied: len(size) = {len(size)}, sparse_dim = "
            f"{sparse_dim}, dense_dim = {values.ndim - 1}"
        )
    if indices.ndim != 2:
        raise RuntimeError(f"indices must be sparse_dim x nnz, but got: {list(indices.shape)}")
    nnz = indices.shape[1]
    if values.shape[0] != nnz:
        raise RuntimeError(
            f"indices and values must have same nnz, but got nnz from indices: {nnz}, nnz from values: {values.shape[0]}"
        )
    expected = [nnz, *size[sparse_dim:]]
    if list(values.shape) != expected:
        raise RuntimeError(f"values has incorrect size, expected {expected}, got {list(values.shape)}")


def check_coo_values(indices: Tensor, size: Sequence[int], coalesced: bool) -> None:
    """Coordinates are in range, and distinct and sorted where the tensor is said to be coalesced."""
    known = _host(indices)
    if not known.size:
        return
    for d in range(known.shape[0]):
        low, high = int(known[d].min()), int(known[d].max())
        if low < 0:
            raise RuntimeError(f"found negative index {low} for dim {d}")
        if high >= size[d]:
            raise RuntimeError(
                f"size is inconsistent with indices: for dim {d}, size is {size[d]} but found index {high}"
            )
    if coalesced:
        keys = np.ravel_multi_index(tuple(known), tuple(size[: len(known)]))
        if (np.diff(keys) <= 0).any():
            raise RuntimeError("cannot set is_coalesced to true if indices correspond to uncoalesced COO tensor")


def check_compressed(kind: Any, ends: Tensor, plain: Tensor, values: Tensor, size: Sequence[int]) -> None:
    """The invariants of a compressed tensor, in PyTorch's order and words."""
    by_rows = kind in (sparse_csr, sparse_bsr)
    names = ("crow_indices", "col_indices") if by_rows else ("ccol_indices", "row_indices")
    outer_name, inner_name = ("row", "column") if by_rows else ("column", "row")
    blocks = kind in (sparse_bsr, sparse_bsc)
    batch = ends.ndim - 1
    block = tuple(values.shape[plain.ndim : plain.ndim + 2]) if blocks else (1, 1)
    rows, columns = size[batch] // block[0], size[batch + 1] // block[1]
    outer, inner = (rows, columns) if by_rows else (columns, rows)
    nnz = values.shape[batch]
    if ends.dtype is not plain.dtype:
        raise RuntimeError(
            f"{names[0]} and {names[1]} must have the same dtype, bot got {scalar_type_name(ends.dtype)} and "
            f"{scalar_type_name(plain.dtype)}, respectively"
        )
    if ends.shape[-1] != outer + 1:
        raise RuntimeError(
            f"{names[0]}.shape[-1] must be equal to the number of {outer_name}s + 1 (={outer + 1}), but got "
            f"{ends.shape[-1]}"
        )
    if plain.shape[-1] != nnz:
        raise RuntimeError(
            f"{names[1]}.shape[-1] must be equal to nnz (={nnz}) as defined by values.shape[{batch}], but got "
            f"{plain.shape[-1]}"
        )
    known = _host(ends).reshape(-1, outer + 1)
    listed = _host(plain).reshape(-1, nnz)
    count = f"n{outer_name[:3]}s" if outer_name == "column" else "nrows"
    other = "ncols" if by_rows else "nrows"
    if (known[:, 0] != 0).any():
        raise RuntimeError(f"`{names[0]}[..., 0] == 0` is not satisfied.")
    if (known[:, -1] != nnz).any():
        raise RuntimeError(f"`{names[0]}[..., -1] == nnz` is not satisfied.")
    steps = np.diff(known, axis=1)
    if ((steps < 0) | (steps > inner)).any():
        raise RuntimeError(f"`0 <= {names[0]}[..., 1:] - {names[0]}[..., :-1] <= {other}` is not satisfied.")
    if ((listed < 0) | (listed >= inner)).any():
        raise RuntimeError(f"`0 <= {names[1]} < {other}` is not satisfied.")
    for line, starts in zip(listed, known, strict=True):
        owner = np.repeat(np.arange(outer), np.diff(starts))
        same = owner[1:] == owner[:-1]
        if (np.diff(line)[same] <= 0).any():
            raise RuntimeError(
                f"`{names[1]}[..., {names[0]}[..., i - 1]:{names[0]}[..., i]] for all i = 1, ..., {count} are sorted and "
                "distinct along the last dimension values` is not satisfied."
            )
