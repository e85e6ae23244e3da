"""Methods of Tensor about sparse layouts, as dense tensors have them; ``torch.sparse`` is loaded when one is used."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn

import torchax_lite as torch
from torchax_lite._generated import torch_ops as _plain

from ..tensor.modes import modes
from .registry import METHODS, composite

if TYPE_CHECKING:
    from torchax_lite import Tensor


def _layout_name(t: Tensor) -> str:
    from ..sparse._tensor import LAYOUT_NAMES

    return LAYOUT_NAMES[t.layout]


@composite()
def gather(input: Tensor, dim: int, index: Tensor, *, sparse_grad: bool = False, out: Tensor | None = None) -> Tensor:
    """``out[.., i, ..] = input[.., index[.., i, ..], ..]`` along ``dim``.

    ``sparse_grad``: the gradient of ``input`` is a COO tensor that lists the places read.
    """
    if sparse_grad and out is None and modes.grad and input.requires_grad:
        from ..sparse._gather import gather as gather_listing

        return gather_listing(input, dim, index)
    return _plain.gather(input, dim, index, sparse_grad=sparse_grad, out=out)  # type: ignore[no-any-return]


@composite(name="gather", namespaces=(), method=True)
def _gather_method(self: Tensor, dim: int, index: Tensor, *, sparse_grad: bool = False) -> Tensor:
    """:func:`gather` along ``dim``."""
    return gather(self, dim, index, sparse_grad=sparse_grad)


@composite(namespaces=(), method=True)
def to_sparse(
    self: Tensor, sparse_dim: Any = None, *, layout: Any = None, blocksize: Any = None, dense_dim: int | None = None
) -> Tensor:
    """The tensor in a sparse layout (COO if none is named): a host read, as it lists what is not zero."""
    from ..sparse._convert import to_sparse as convert

    return convert(self, sparse_dim, layout=layout, blocksize=blocksize, dense_dim=dense_dim)


@composite(namespaces=(), method=True)
def to_sparse_coo(self: Tensor) -> Tensor:
    """The coordinates of what is not zero and the values there."""
    return self.to_sparse()


@composite(namespaces=(), method=True)
def to_sparse_csr(self: Tensor, dense_dim: int | None = None) -> Tensor:
    """The tensor with compressed rows."""
    return self.to_sparse(layout=torch.sparse_csr, dense_dim=dense_dim)


@composite(namespaces=(), method=True)
def to_sparse_csc(self: Tensor, dense_dim: int | None = None) -> Tensor:
    """The tensor with compressed columns."""
    return self.to_sparse(layout=torch.sparse_csc, dense_dim=dense_dim)


@composite(namespaces=(), method=True)
def to_sparse_bsr(self: Tensor, blocksize: Any, dense_dim: int | None = None) -> Tensor:
    """The tensor with compressed rows of blocks."""
    return self.to_sparse(layout=torch.sparse_bsr, blocksize=blocksize, dense_dim=dense_dim)


@composite(namespaces=(), method=True)
def to_sparse_bsc(self: Tensor, blocksize: Any, dense_dim: int | None = None) -> Tensor:
    """The tensor with compressed columns of blocks."""
    return self.to_sparse(layout=torch.sparse_bsc, blocksize=blocksize, dense_dim=dense_dim)


@composite(namespaces=(), method=True)
def to_dense(self: Tensor, dtype: Any = None, *, masked_grad: bool | None = None) -> Tensor:
    """The tensor itself (in another dtype, if one is named): it is dense."""
    return self if dtype is None else self.to(dtype)


@composite(namespaces=(), method=True)
def sparse_mask(self: Tensor, mask: Tensor) -> Tensor:
    """The entries at the positions that the sparse tensor ``mask`` lists, in its layout."""
    from ..sparse._convert import sparse_mask as masked

    return masked(self, mask)


@composite(namespaces=(), method=True)
def sparse_dim(self: Tensor) -> int:
    """Number of dims that have coordinates: none."""
    return 0


@composite(namespaces=(), method=True)
def dense_dim(self: Tensor) -> int:
    """Number of dims that have none: all."""
    return self.ndim


@composite(namespaces=(), method=True)
def smm(self: Tensor, mat2: Tensor) -> Tensor:
    """``self @ mat2`` as a sparse tensor."""
    return torch.smm(self, mat2)


@composite(namespaces=(), method=True)
def sspaddmm(self: Tensor, mat1: Tensor, mat2: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
    """``beta * self + alpha * (mat1 @ mat2)`` as a sparse tensor."""
    return torch.sspaddmm(self, mat1, mat2, beta=beta, alpha=alpha)


@composite(namespaces=(), method=True)
def hspmm(self: Tensor, mat2: Tensor) -> Tensor:
    """``self @ mat2`` as a COO tensor with one sparse dim."""
    return torch.hspmm(self, mat2)


@composite(name="resize_as_sparse_", namespaces=(), method=True)
def _resize_as_sparse(self: Tensor, the_template: Tensor) -> Tensor:
    """Give a sparse tensor the size of another; returns it."""
    return torch.resize_as_sparse_(self, the_template)


_EXPECTS = {
    "indices": "sparse coordinate tensor layout", "coalesce": "sparse coordinate tensor layout",
    "is_coalesced": "sparse coordinate tensor layout", "values": "sparse tensor layout",
    "crow_indices": "sparse row compressed tensor layout", "col_indices": "sparse row compressed tensor layout",
    "ccol_indices": "sparse column compressed tensor layout", "row_indices": "sparse column compressed tensor layout",
}  # fmt: skip


def _expecting(name: str, layout: str) -> Callable[[Tensor], NoReturn]:
    def refuse(self: Tensor) -> NoReturn:
        raise RuntimeError(f"{name} expected {layout} but got {_layout_name(self)}")

    refuse.__name__ = refuse.__qualname__ = name
    refuse.__doc__ = f"Of a tensor of {layout}; raises for any other."
    return refuse


def _without(name: str) -> Callable[..., NoReturn]:
    def refuse(self: Tensor, *args: Any) -> NoReturn:
        backend = {"Strided": "CPU", "Sparse": "SparseCPU"}.get(_layout_name(self), "SparseCsrCPU")
        raise NotImplementedError(
            f"Could not run 'aten::{name}' with arguments from the '{backend}' backend. It is a sparse COO tensor's."
        )

    refuse.__name__ = refuse.__qualname__ = name
    refuse.__doc__ = "Of a sparse COO tensor; raises for any other."
    return refuse


for _name, _layout in _EXPECTS.items():
    METHODS[_name] = _expecting(_name, _layout)
for _name in ("_indices", "_values", "_nnz", "_coalesced_", "sparse_resize_", "sparse_resize_and_clear_"):
    METHODS[_name] = _without(_name)
