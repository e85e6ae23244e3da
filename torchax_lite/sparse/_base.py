"""Tensors whose values lie at listed positions: coordinates (COO), or rows/columns compressed (CSR, CSC, BSR, BSC).

A sparse tensor is made of dense ones (:meth:`SparseTensor._parts`), which are recorded and compiled as ever. Ops reach
it through the dispatcher's slow path (``tensor/dispatch.py: other_layout``), so dense tensors never ask for layouts.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

import torchax_lite as torch

from ..tensor.casting import parse_to
from ..tensor.layouts import layout, sparse_bsc, sparse_bsr, sparse_coo, sparse_csc, sparse_csr
from ..tensor.modes import modes
from ..tensor.overriding import disabled_torch_function_impl
from ..tensor.tensor import Tensor

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


_GRAPH = {
    "_requires_grad", "_grad_fn", "_output_nr", "_grad", "_acc", "_backward_hooks", "_post_accumulate_grad_hooks",
    "_name", "_is_param",
}  # fmt: skip
"""Attributes that tell the place in the graph."""


class SparseTensor(Tensor):
    """What all sparse layouts have in common.

    Attributes:
        _values_part: dense values, outside autograd; the gradient graph belongs to the sparse tensor itself.
        _changes: counts in-place changes.
    """

    _own_layout = True
    _changes = 0
    __torch_function__ = disabled_torch_function_impl
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
        names = {"_grad", "_acc", "_name", "_changes", "_is_param"} | (set() if modes.grad else _GRAPH)
        kept = {k: v for k, v in self.__dict__.items() if k in names}
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

    def is_shared(self) -> bool:
        return self._values_part.is_shared()

    def share_memory_(self) -> Any:
        for part in (*self._index_parts(), self._values_part):
            part.share_memory_()
        return self

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

    def view(self, *shape: Any, **kwargs: Any) -> Any:
        raise unsupported("view", self)

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

    def __repr__(self, *, tensor_contents: str | None = None) -> str:  # type: ignore[override]
        from ._text import sparse_repr

        return sparse_repr(self)

    def __format__(self, spec: str) -> str:
        return object.__format__(self, spec)

    # -- copies ----------------------------------------------------------------------------------------------------

    def detach(self) -> Any:
        """The same parts without a place in the graph."""
        made: Any = object.__new__(type(self))
        made.__dict__.update({k: v for k, v in self.__dict__.items() if k not in _GRAPH})
        return made

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

    def copy_(self, other: Any, non_blocking: bool = False) -> Any:
        src = other
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
        made = self._with_parts(parts, self._values_part.clone())
        if self.__dict__.get("_is_param"):
            made._is_param = True
        made._requires_grad = self._requires_grad
        memo[id(self)] = made
        if self._grad is not None:
            made._grad = copy.deepcopy(self._grad, memo)
        return made

    def _reduced(self) -> tuple[Any, ...]:
        """What a pickle keeps of the parts."""
        raise NotImplementedError

    def __reduce_ex__(self, protocol: Any) -> Any:
        from .._utils import _rebuild_parameter, _rebuild_sparse_tensor

        if self.__dict__.get("_is_param"):
            return _rebuild_parameter, (self.detach(), self._requires_grad, OrderedDict())
        return _rebuild_sparse_tensor, (self._layout, self._reduced())

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


def _caster(dtype: Any, name: str) -> Callable[..., Any]:
    def method(self: SparseTensor, memory_format: Any = None) -> Any:
        return self.to(dtype)

    method.__name__ = method.__qualname__ = name
    return method


for _name in (
    "float", "double", "half", "bfloat16", "long", "int", "short", "char", "byte", "bool", "cfloat", "cdouble",
):  # fmt: skip
    setattr(
        SparseTensor,
        _name,
        _caster({"byte": torch.uint8, "char": torch.int8}.get(_name) or getattr(torch, _name), _name),
    )


def copy_between(target: Tensor, source: Tensor) -> RuntimeError:
    """The error of copying between dense and sparse tensors."""
    return RuntimeError(
        "copy_() between dense and sparse Tensors is not implemented! "
        f"Found self type = {target.type()} and src type = {source.type()}"
    )
