"""Sparse tensors by coordinates (COO), and by compressed rows or columns (CSR, CSC, BSR, BSC)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torchax_lite as torch

from ..engine.avals import aval, place
from ..tensor.layouts import layout, sparse_bsc, sparse_bsr, sparse_coo, sparse_csr
from ..tensor.tensor import Tensor
from ._base import LAYOUT_NAMES, SparseTensor, copy_between, unsupported


class CooTensor(SparseTensor):
    """Values at coordinates: ``indices`` (sparse dims, nnz) and ``values`` (nnz, dense dims).

    Attributes:
        _ignored: values that were appended for a padding row and are zero: they count as absent. A bool tensor of (nnz),
            or None. They are dropped when the parts are asked for; what can do with zeros (optimizers) keeps them, so
            that shapes do not depend on the data.
    """

    _layout = sparse_coo
    _coalesced = False
    _ignored: Tensor | None = None
    _raw_indices: Tensor
    _raw_values: Tensor

    def _index_parts(self) -> tuple[Tensor, ...]:
        self._settle()
        return (self._raw_indices,)

    def _settle(self) -> None:
        if self._ignored is not None:
            keep = (~self._ignored).nonzero().squeeze(1)
            self._raw_indices = self._raw_indices.index_select(1, keep)
            self.__dict__["_values_part"] = self._raw_values.index_select(0, keep)
            self._ignored = None

    def __getattr__(self, name: str) -> Any:
        # only a tensor with ignored values has no ``_values_part`` yet
        if name == "_values_part" and self.__dict__.get("_ignored") is not None:
            self._settle()
            return self.__dict__["_values_part"]
        raise AttributeError(f"'Tensor' object has no attribute '{name}'")

    def _with_parts(self, indices: Sequence[Tensor], values: Tensor) -> CooTensor:
        return coo(indices[0], values, self.shape, self._coalesced)

    def _keys(self) -> Tensor:
        return coordinate_keys(self._index_parts()[0], self._key_sizes())

    def _key_sizes(self) -> tuple[int, ...]:
        return tuple(self.shape[: self._raw_indices.shape[0]])

    def sparse_dim(self) -> int:
        """Number of dims that have coordinates."""
        return int(self._raw_indices.shape[0])

    def dense_dim(self) -> int:
        """Number of dims of each value."""
        return self.ndim - self.sparse_dim()

    def _nnz(self) -> int:
        return int(self._index_parts()[0].shape[1])

    def _indices(self) -> Tensor:
        """Coordinates as they are, also of an uncoalesced tensor; shares memory."""
        return self._index_parts()[0].detach()

    def _values(self) -> Tensor:
        """Values as they are, also of an uncoalesced tensor, outside autograd; shares memory."""
        return self._values_part.detach()

    def indices(self) -> Tensor:
        """Coordinates (sparse dims, nnz) of a coalesced tensor."""
        if not self._coalesced:
            raise RuntimeError("Cannot get indices on an uncoalesced tensor, please call .coalesce() first")
        return self._indices()

    def values(self) -> Tensor:
        """Values (nnz, dense dims) of a coalesced tensor, with gradients flowing to this tensor."""
        if not self._coalesced:
            raise RuntimeError("Cannot get values on an uncoalesced tensor, please call .coalesce() first")
        return super().values()

    def is_coalesced(self) -> bool:
        """Whether coordinates are distinct and sorted, as far as is known."""
        return self._coalesced

    def coalesce(self) -> CooTensor:
        """The tensor with distinct, sorted coordinates; values at equal ones are summed."""
        from ._convert import coalesce

        return coalesce(self)

    def _coalesced_(self, coalesced: bool) -> CooTensor:
        self._coalesced = bool(coalesced)
        return self

    def zero_(self) -> CooTensor:
        from ._build import no_values
        from ._graph import may_change

        may_change(self)
        made = coo(
            torch.empty((self.sparse_dim(), 0), dtype=torch.int64, device=self.device),
            torch.empty((0, *self.shape[self.sparse_dim() :]), dtype=self.dtype, device=self.device),
            self.shape, True,
        ) if self.ndim else no_values(self.shape, self.dtype, self.device, sparse_coo, False)  # fmt: skip
        self._become(made)
        return self

    def sparse_resize_(self, size: Any, sparse_dim: int, dense_dim: int) -> CooTensor:
        """Other sizes with the same coordinates; returns the tensor itself."""
        from ._shape import sparse_resize_

        return sparse_resize_(self, size, sparse_dim, dense_dim)

    def sparse_resize_and_clear_(self, size: Any, sparse_dim: int, dense_dim: int) -> CooTensor:
        """Other sizes, and no values; returns the tensor itself."""
        from ._shape import sparse_resize_and_clear_

        return sparse_resize_and_clear_(self, size, sparse_dim, dense_dim)

    def _reduced(self) -> tuple[Any, ...]:
        return self._indices(), self._values(), self.size(), self._coalesced


class CompressedTensor(SparseTensor):
    """Rows (CSR, BSR) or columns (CSC, BSC) by their ends: ``compressed`` (batch, n + 1), ``plain`` (batch, nnz)."""

    _compressed: Tensor
    _plain: Tensor

    @property
    def _by_rows(self) -> bool:
        return self._layout in (sparse_csr, sparse_bsr)

    @property
    def _blocks(self) -> bool:
        return self._layout in (sparse_bsr, sparse_bsc)

    def _index_parts(self) -> tuple[Tensor, ...]:
        return self._compressed, self._plain

    def _with_parts(self, indices: Sequence[Tensor], values: Tensor) -> CompressedTensor:
        return compressed(self._layout, indices[0], indices[1], values, self.shape)

    def sparse_dim(self) -> int:
        """Number of compressed dims: two."""
        return 2

    def dense_dim(self) -> int:
        """Number of dims of each value (or of each element of a block)."""
        return self._values_part.ndim - self._plain.ndim - (2 if self._blocks else 0)

    def _nnz(self) -> int:
        return int(self._plain.shape[-1])

    def _block_size(self) -> tuple[int, int]:
        at = self._plain.ndim
        return tuple(self._values_part.shape[at : at + 2]) if self._blocks else (1, 1)  # type: ignore[return-value]

    def _coordinates(self) -> tuple[Tensor, Tensor]:
        """Row and column of each value (of each block), shaped like ``plain``."""
        n = self._plain.shape[-1]
        place_ = torch.arange(n, device=self.device, dtype=self._compressed.dtype).expand(self._plain.shape)
        owner = torch.searchsorted(self._compressed.contiguous(), place_.contiguous(), right=True) - 1
        plain = self._plain.to(torch.int64)
        return (owner, plain) if self._by_rows else (plain, owner)

    def _keys(self) -> Tensor:
        rows, columns = self._coordinates()
        batch = self._plain.ndim - 1
        height, width = self._block_size()
        if self._blocks:
            rows = rows[..., None, None] * height + torch.arange(height, device=self.device)[:, None]
            columns = columns[..., None, None] * width + torch.arange(width, device=self.device)
        m, n = self.shape[batch : batch + 2]
        keys = rows * n + columns
        if batch:
            count = self.shape[:batch].numel()
            first = (torch.arange(count, device=self.device) * (m * n)).reshape(
                *self.shape[:batch], *([1] * (keys.ndim - batch))
            )
            keys = keys + first
        return keys

    def _expect(self, name: str, by_rows: bool) -> None:
        if self._by_rows is not by_rows:
            side = "row" if by_rows else "column"
            raise RuntimeError(
                f"{name} expected sparse {side} compressed tensor layout but got {LAYOUT_NAMES[self._layout]}"
            )

    def crow_indices(self) -> Tensor:
        """Where each row (of blocks) ends: (batch, rows + 1)."""
        self._expect("crow_indices", True)
        return self._compressed.detach()

    def col_indices(self) -> Tensor:
        """Column (of blocks) of each value: (batch, nnz)."""
        self._expect("col_indices", True)
        return self._plain.detach()

    def ccol_indices(self) -> Tensor:
        """Where each column (of blocks) ends: (batch, columns + 1)."""
        self._expect("ccol_indices", False)
        return self._compressed.detach()

    def row_indices(self) -> Tensor:
        """Row (of blocks) of each value: (batch, nnz)."""
        self._expect("row_indices", False)
        return self._plain.detach()

    def zero_(self) -> CompressedTensor:
        from ._graph import may_change

        may_change(self)
        self._values_part = torch.zeros_like(self._values_part)
        self._changes += 1
        return self

    def _reduced(self) -> tuple[Any, ...]:
        return self._compressed.detach(), self._plain.detach(), self._values_part.detach(), self.size()


for _cls in (SparseTensor, CooTensor, CompressedTensor):
    _cls.__name__ = _cls.__qualname__ = "Tensor"
    _cls.__module__ = "torch"


def coordinate_keys(indices: Tensor, sizes: Sequence[int]) -> Tensor:
    """Coordinates (dims, n) as positions in row-major order (n)."""
    if len(sizes) == 1:
        return indices[0]
    keys = torch.zeros(indices.shape[1], dtype=torch.int64, device=indices.device)
    step = 1
    for d in reversed(range(len(sizes))):
        keys = keys + indices[d] * step
        step *= sizes[d]
    return keys


def coo(indices: Tensor, values: Tensor, size: Sequence[int], coalesced: bool = False) -> CooTensor:
    """A COO tensor of these parts, outside autograd."""
    made: CooTensor = object.__new__(CooTensor)
    _place(made, size, values)
    made._raw_indices = indices.detach() if indices.requires_grad else indices
    made._coalesced = coalesced or indices.shape[1] < 2
    return made


def coo_with_padding(indices: Tensor, values: Tensor, size: Sequence[int], ignored: Tensor) -> CooTensor:
    """A COO tensor in which the values where ``ignored`` holds, which are zero, count as absent."""
    made = coo(indices, values, size)
    made._coalesced = False
    made._raw_values = made.__dict__.pop("_values_part")
    made._ignored = ignored
    return made


def raw_parts(t: CooTensor) -> tuple[Tensor, Tensor]:
    """Indices and values with ignored (zero) values among them: their shapes do not depend on the data."""
    return t._raw_indices, t._raw_values if t._ignored is not None else t._values_part


def compressed(
    kind: layout, compressed_indices: Tensor, plain_indices: Tensor, values: Tensor, size: Sequence[int]
) -> CompressedTensor:
    """A compressed tensor of these parts, outside autograd."""
    made: CompressedTensor = object.__new__(CompressedTensor)
    _place(made, size, values)
    made._layout = kind
    made._compressed, made._plain = compressed_indices, plain_indices
    return made


def _place(made: SparseTensor, size: Sequence[int], values: Tensor) -> None:
    where = values._aval.place
    made._aval = aval(tuple(int(s) for s in size), values._aval.dtype, place(where.type, where.index, "sparse"))
    made._values_part = values.detach() if values.requires_grad else values


__all__ = [
    "LAYOUT_NAMES", "CompressedTensor", "CooTensor", "SparseTensor", "compressed", "coo", "copy_between", "unsupported",
]  # fmt: skip
