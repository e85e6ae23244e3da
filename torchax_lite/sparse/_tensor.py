"""Tensors whose values lie at listed positions: coordinates (COO), or rows/columns compressed (CSR, CSC, BSR, BSC).

A sparse tensor is made of dense ones (:meth:`SparseTensor._parts`), which are recorded and compiled as ever. Ops reach
it through the dispatcher's slow path (``tensor/dispatch.py: other_layout``), so dense tensors never ask for layouts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import torchax_lite as torch

from ..engine.avals import aval, place
from ..tensor.casting import parse_to
from ..tensor.tensor import Tensor, layout, sparse_bsc, sparse_bsr, sparse_coo, sparse_csc, sparse_csr

LAYOUT_NAMES = {
    sparse_coo: "Sparse", sparse_csr: "SparseCsr", sparse_csc: "SparseCsc", sparse_bsr: "SparseBsr",
    sparse_bsc: "SparseBsc", torch.strided: "Strided",
}  # fmt: skip
"""Names of layouts in error texts."""


def unsupported(name: str, t: Any) -> NotImplementedError:
    """The error of an operation that does not take this layout."""
    backend = "SparseCPU" if t.layout is sparse_coo else "SparseCsrCPU"
    return NotImplementedError(
        f"Could not run 'aten::{name}' with arguments from the '{backend}' backend. "
        "Sparse tensors do not have this operation here; use to_dense() first."
    )


class SparseTensor(Tensor):
    """What all sparse layouts have in common.

    Attributes:
        _values_part: dense values, outside autograd; the gradient graph belongs to the sparse tensor itself.
        _changes: counts in-place changes.
    """

    _own_layout: ClassVar[bool] = True
    _changes = 0
    _values_part: Tensor
    _layout: layout

    # -- parts -----------------------------------------------------------------------------------------------------

    def _index_parts(self) -> tuple[Tensor, ...]:
        """The dense tensors that say where the values lie."""
        raise NotImplementedError

    def _with_parts(self, indices: Sequence[Tensor], values: Tensor) -> Any:
        """A tensor of the same layout and size with other parts."""
        raise NotImplementedError

    def _keys(self) -> Tensor:
        """Position of each value in the dims that are sparse, counted in row-major order: an int64 tensor."""
        raise NotImplementedError

    def _key_sizes(self) -> tuple[int, ...]:
        """Sizes of the dims that ``_keys`` counts over."""
        return tuple(self.shape[: self.ndim - self.dense_dim()])

    def _flat(self) -> tuple[Tensor, Tensor]:
        """Keys (n) and values (n, dense sizes)."""
        keys = self._keys()
        dense = self._values_part.shape[keys.ndim :]
        return keys.reshape(-1), self._values_part.reshape(keys.numel(), *dense)

    def _become(self, other: SparseTensor) -> SparseTensor:
        """Take over another tensor's parts: what an in-place operation does."""
        kept = {k: v for k, v in self.__dict__.items() if k in ("_grad", "_acc", "_name", "_changes")}
        self.__dict__.clear()
        self.__dict__.update(other.__dict__)
        self.__dict__.update(kept)
        self._changes += 1
        return self

    def _sync(self) -> Any:
        raise unsupported("dense operation", self)

    @property
    def _storage(self) -> Any:  # type: ignore[override]
        raise NotImplementedError(
            "Cannot access storage of SparseTensorImpl. Sparse tensors do not have this operation here; use to_dense() first."
        )

    # -- metadata --------------------------------------------------------------------------------------------------

    @property
    def layout(self) -> layout:
        return self._layout

    is_sparse = property(lambda self: self._layout is sparse_coo)  # type: ignore[assignment]
    is_sparse_csr = property(lambda self: self._layout is sparse_csr)  # type: ignore[assignment]

    @property
    def _version(self) -> int:
        return self._changes

    @property
    def nbytes(self) -> int:
        raise RuntimeError(
            "nbytes is not defined for sparse tensors.  If you want the size of the constituent tensors, add the nbytes "
            "of the indices and values.  If you want the size of the equivalent dense tensor, multiply numel() by "
            "element_size()"
        )

    def stride(self, dim: int | None = None) -> Any:
        if self._layout is not sparse_coo:
            raise RuntimeError("Sparse CSR tensors do not have strides")
        return (0,) * self.ndim if dim is None else 0

    def is_contiguous(self, memory_format: Any = torch.contiguous_format) -> bool:
        return False

    def contiguous(self, memory_format: Any = torch.contiguous_format) -> Tensor:
        return self

    def data_ptr(self) -> int:
        raise RuntimeError("Cannot access data pointer of Tensor that doesn't have storage")

    def storage(self) -> Any:
        return self._storage

    untyped_storage = storage

    def numpy(self, *, force: bool = False) -> Any:
        raise TypeError("can't convert Sparse layout tensor to numpy. Use Tensor.to_dense() first.")

    def tolist(self) -> Any:
        raise RuntimeError("Cannot access data pointer of Tensor that doesn't have storage")

    def item(self) -> Any:
        if self._aval.size != 1:
            raise RuntimeError(f"a Tensor with {self._aval.size} elements cannot be converted to Scalar")
        return self.to_dense().item()

    def type(self, dtype: Any = None, non_blocking: bool = False) -> Any:
        """Name of the tensor's type, or the tensor cast to a type."""
        if dtype is None:
            if self._layout is not sparse_coo:
                raise RuntimeError("Unimplemented backend SparseCsrCPU")
            name: str = self._values_part.type()
            return name.replace("torch.", "torch.sparse.", 1)
        return self.to(dtype)

    def select(self, dim: int, index: int) -> Any:
        """The slice at one position of a dim."""
        from ._shape import select

        return select(self, dim, index)

    def narrow_copy(self, dim: int, start: int, length: int) -> Any:
        """A stretch of a dim, as a copy."""
        from ._shape import narrow_copy

        return narrow_copy(self, dim, start, length)

    def reshape(self, *shape: Any) -> Any:
        raise RuntimeError("reshape is not implemented for sparse tensors")

    def norm(self, p: Any = "fro", dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Tensor:
        """The norm of the values."""
        from ._pointwise import norm

        return norm(self, p, dim, keepdim, dtype)

    def __len__(self) -> int:
        if self.ndim == 0:
            raise TypeError("len() of a 0-d tensor")
        return self.shape[0]

    def __iter__(self) -> Any:
        return iter([self[i] for i in range(len(self))])

    def __getitem__(self, key: Any) -> Any:
        from ._shape import get_item

        return get_item(self, key)

    def __setitem__(self, key: Any, value: Any) -> None:
        raise unsupported("index_put_", self)

    def __repr__(self, *, tensor_contents: str | None = None) -> str:
        from ._text import sparse_repr

        return sparse_repr(self)

    def __format__(self, spec: str) -> str:
        return object.__format__(self, spec)

    # -- copies ----------------------------------------------------------------------------------------------------

    def detach(self) -> Any:
        """The same parts without a place in the graph."""
        made = self._with_parts(self._index_parts(), self._values_part)
        return _in_class(made, type(self))

    @property
    def data(self) -> Any:
        return self.detach()

    @data.setter
    def data(self, value: Any) -> None:
        if not isinstance(value, SparseTensor):
            raise RuntimeError(
                "Attempted to call `variable.set_data(tensor)`, but `variable` and `tensor` have incompatible tensor type."
            )
        requires_grad = self._requires_grad
        self._become(value.detach())
        self._requires_grad = requires_grad

    def detach_(self) -> Any:
        self._grad_fn, self._requires_grad = None, False
        return self

    def clone(self, *, memory_format: Any = torch.preserve_format) -> Any:
        from ._graph import sparse_result

        parts = [p.clone() for p in self._index_parts()]
        return sparse_result("CloneBackward0", lambda v: v.clone(), (self,), lambda v: self._with_parts(parts, v))

    def to(self, *args: Any, **kwargs: Any) -> Any:
        """The tensor with another dtype and/or device; itself when nothing changes and ``copy`` is False."""
        device, dtype, _, copy, _ = parse_to(args, kwargs)
        moves = device is not None and torch.device(device) != self.device
        changes = dtype is not None and dtype is not self.dtype
        if not moves and not changes:
            return self.clone() if copy else self
        from ._graph import sparse_result

        parts = [p.to(device) if moves else p for p in self._index_parts()]
        return sparse_result(
            "ToCopyBackward0",
            lambda v: v.to(device=device if moves else None, dtype=dtype if changes else None),
            (self,),
            lambda v: self._with_parts(parts, v),
        )

    def cpu(self, memory_format: Any = None) -> Any:
        return self.to("cpu")

    def cuda(self, device: Any = None, non_blocking: bool = False, memory_format: Any = None) -> Any:
        return self.to("cuda" if device is None else device)

    def copy_(self, src: Any, non_blocking: bool = False) -> Any:
        if not isinstance(src, SparseTensor):
            raise copy_between(self, src)
        from ._graph import may_change

        may_change(self)
        return self._become(src.to(dtype=self.dtype, device=self.device, copy=True))

    def zero_(self) -> Any:
        """Every value to zero: a COO tensor then lists none."""
        raise NotImplementedError

    def requires_grad_(self, requires_grad: bool = True) -> Any:
        return super().requires_grad_(requires_grad)

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        import copy

        if not self.is_leaf:
            return super().__deepcopy__(memo)
        if id(self) in memo:
            return memo[id(self)]
        parts = [p.clone() for p in self._index_parts()]
        made = _in_class(self._with_parts(parts, self._values_part.clone()), type(self))
        made._requires_grad = self._requires_grad
        memo[id(self)] = made
        if self._grad is not None:
            made._grad = copy.deepcopy(self._grad, memo)
        return made

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise NotImplementedError

    # -- conversions -------------------------------------------------------------------------------------------------

    def to_dense(self, dtype: Any = None, *, masked_grad: bool | None = None) -> Tensor:
        """The tensor as a strided one; duplicate coordinates are summed."""
        from ._convert import to_dense

        return to_dense(self, dtype, masked_grad)

    def values(self) -> Tensor:
        """The values, with gradients flowing to this tensor."""
        from ._graph import values_of

        return values_of(self)

    def _nnz(self) -> int:
        raise NotImplementedError

    def new_zeros(self, *size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Any:
        from ._build import no_values

        sizes = size[0] if len(size) == 1 and not isinstance(size[0], int) else size
        return no_values(sizes, dtype or self.dtype, device or self.device, self._layout, requires_grad)

    new_empty = new_zeros

    def new_ones(self, *size: Any, **options: Any) -> Any:
        raise unsupported("fill_.Scalar", self)

    def new_full(self, *size: Any, **options: Any) -> Any:
        raise unsupported("fill_.Scalar", self)

    def _as_class(self, cls: type, requires_grad: bool) -> Any:
        """The same tensor as an instance of a subclass of Tensor (``Parameter``)."""
        made = _in_class(self.detach(), combined(type(self), cls))
        made._requires_grad = requires_grad
        return made


def _caster(dtype: Any, name: str) -> Callable[..., Any]:
    def method(self: SparseTensor, memory_format: Any = None) -> Any:
        return self.to(dtype)

    method.__name__ = method.__qualname__ = name
    return method


for _name in (
    "float", "double", "half", "bfloat16", "long", "int", "short", "char", "byte", "bool", "cfloat", "cdouble",
):  # fmt: skip
    setattr(SparseTensor, _name, _caster({"byte": torch.uint8, "char": torch.int8}.get(_name) or getattr(torch, _name), _name))


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

    def __reduce_ex__(self, protocol: Any) -> Any:
        from .._utils import _rebuild_sparse_tensor

        data = (self._indices(), self._values(), self.size(), self._coalesced)
        return _rebuild_sparse_tensor, (self._layout, data)


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

    def __reduce_ex__(self, protocol: Any) -> Any:
        from .._utils import _rebuild_sparse_tensor

        data = (self._compressed.detach(), self._plain.detach(), self._values_part.detach(), self.size())
        return _rebuild_sparse_tensor, (self._layout, data)


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


def _in_class(made: SparseTensor, cls: type) -> Any:
    if type(made) is not cls:
        made.__class__ = cls
    return made


_classes: dict[Any, type] = {}


def combined(own: type, cls: type) -> type:
    """The class of a sparse tensor that is also an instance of ``cls``."""
    if issubclass(own, cls):
        return own
    found = _classes.get((own, cls))
    if found is None:
        meta = type(cls)
        found = _classes[(own, cls)] = meta(cls.__name__, (own, cls), {"__module__": cls.__module__})
    return found


def copy_between(target: Tensor, source: Tensor) -> RuntimeError:
    """The error of copying between dense and sparse tensors."""
    return RuntimeError(
        "copy_() between dense and sparse Tensors is not implemented! "
        f"Found self type = {target.type()} and src type = {source.type()}"
    )


def is_sparse(t: Any) -> bool:
    """Whether a value is a sparse tensor of any layout."""
    return isinstance(t, SparseTensor)


__all__ = ["CompressedTensor", "CooTensor", "SparseTensor", "compressed", "coo"]
