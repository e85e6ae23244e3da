"""Tables of vectors: look-up, and look-up with reduction over bags."""

from __future__ import annotations

from typing import Any

import torchax_lite as torch
from torchax_lite import Tensor
from torchax_lite.nn import functional as F
from torchax_lite.nn import init
from torchax_lite.nn.modules.module import Module
from torchax_lite.nn.parameter import Parameter

__all__ = ["Embedding", "EmbeddingBag"]


def _resolve_padding(padding_idx: int | None, num_embeddings: int, what: str) -> int | None:
    """``padding_idx`` counted from the start of the table."""
    if padding_idx is None:
        return None
    assert -num_embeddings <= padding_idx < num_embeddings, f"{what} must be within num_embeddings"
    return padding_idx + num_embeddings if padding_idx < 0 else padding_idx


class Embedding(Module):
    """A table of ``num_embeddings`` vectors; integers are mapped to their rows.

    The weight ``(num_embeddings, embedding_dim)`` is drawn from the standard normal law.

    Args:
        num_embeddings: rows of the table.
        embedding_dim: their length.
        padding_idx: a row that is zero at first and gets no gradient.
        max_norm: rows that are looked up are first scaled, in place, to at most this norm.
        norm_type: p of that norm.
        scale_grad_by_freq: whether a row's gradient is divided by how often the row occurs.
        sparse: whether the weight's gradient is a sparse tensor.
        device: where the parameter is.
        dtype: of the parameter.
    """

    __constants__ = [
        "num_embeddings",
        "embedding_dim",
        "padding_idx",
        "max_norm",
        "norm_type",
        "scale_grad_by_freq",
        "sparse",
    ]
    weight: Tensor

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
        _weight: Tensor | None = None,
        _freeze: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.num_embeddings = num_embeddings
        self.embedding_dim = embedding_dim
        self.padding_idx = _resolve_padding(padding_idx, num_embeddings, "Padding_idx")
        self.max_norm = max_norm
        self.norm_type = norm_type
        self.scale_grad_by_freq = scale_grad_by_freq
        if _weight is None:
            self.weight = Parameter(
                torch.empty((num_embeddings, embedding_dim), device=device, dtype=dtype), requires_grad=not _freeze
            )
            self.reset_parameters()
        else:
            assert list(_weight.shape) == [num_embeddings, embedding_dim], (
                "Shape of weight does not match num_embeddings and embedding_dim"
            )
            self.weight = Parameter(_weight, requires_grad=not _freeze)
        self.sparse = sparse

    def reset_parameters(self) -> None:
        """Draw the table anew."""
        init.normal_(self.weight)
        self._fill_padding_idx_with_zero()

    def _fill_padding_idx_with_zero(self) -> None:
        if self.padding_idx is not None:
            with torch.no_grad():
                self.weight[self.padding_idx].fill_(0)

    def forward(self, input: Tensor) -> Tensor:
        """The rows of an integer tensor ``(*)``: ``(*, embedding_dim)``."""
        return F.embedding(
            input,
            self.weight,
            self.padding_idx,
            self.max_norm,
            self.norm_type,
            self.scale_grad_by_freq,
            self.sparse,
        )

    def extra_repr(self) -> str:
        text = f"{self.num_embeddings}, {self.embedding_dim}"
        if self.padding_idx is not None:
            text += f", padding_idx={self.padding_idx}"
        if self.max_norm is not None:
            text += f", max_norm={self.max_norm}"
        if self.norm_type != 2:
            text += f", norm_type={self.norm_type}"
        if self.scale_grad_by_freq is not False:
            text += f", scale_grad_by_freq={self.scale_grad_by_freq}"
        if self.sparse is not False:
            text += ", sparse=True"
        return text

    @classmethod
    def from_pretrained(
        cls,
        embeddings: Tensor,
        freeze: bool = True,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
    ) -> Embedding:
        """An embedding whose table is the matrix ``embeddings``.

        Args:
            embeddings: the table.
            freeze: whether it is left out of training.
            padding_idx: a row that gets no gradient.
            max_norm: rows that are looked up are first scaled, in place, to at most this norm.
            norm_type: p of that norm.
            scale_grad_by_freq: whether a row's gradient is divided by how often the row occurs.
            sparse: whether the weight's gradient is a sparse tensor.
        """
        assert embeddings.dim() == 2, "Embeddings parameter is expected to be 2-dimensional"
        rows, columns = embeddings.shape
        return cls(
            num_embeddings=rows,
            embedding_dim=columns,
            _weight=embeddings,
            _freeze=freeze,
            padding_idx=padding_idx,
            max_norm=max_norm,
            norm_type=norm_type,
            scale_grad_by_freq=scale_grad_by_freq,
            sparse=sparse,
        )


class EmbeddingBag(Module):
    """A table of vectors; bags of integers are mapped to the sum, mean or maximum of their rows.

    The weight ``(num_embeddings, embedding_dim)`` is drawn from the standard normal law.

    Args:
        num_embeddings: rows of the table.
        embedding_dim: their length.
        max_norm: rows that are looked up are first scaled, in place, to at most this norm.
        norm_type: p of that norm.
        scale_grad_by_freq: whether a row's gradient is divided by how often the row occurs.
        mode: ``"sum"``, ``"mean"`` or ``"max"``.
        sparse: whether the weight's gradient is a sparse tensor.
        include_last_offset: whether ``offsets`` ends with the number of indices.
        padding_idx: a row that is left out of all bags.
        device: where the parameter is.
        dtype: of the parameter.
    """

    __constants__ = [
        "num_embeddings",
        "embedding_dim",
        "max_norm",
        "norm_type",
        "scale_grad_by_freq",
        "mode",
        "sparse",
        "include_last_offset",
        "padding_idx",
    ]
    weight: Tensor

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        mode: str = "mean",
        sparse: bool = False,
        _weight: Tensor | None = None,
        include_last_offset: bool = False,
        padding_idx: int | None = None,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.num_embeddings = num_embeddings
        self.embedding_dim = embedding_dim
        self.max_norm = max_norm
        self.norm_type = norm_type
        self.scale_grad_by_freq = scale_grad_by_freq
        self.padding_idx = _resolve_padding(padding_idx, num_embeddings, "padding_idx")
        if _weight is None:
            self.weight = Parameter(torch.empty((num_embeddings, embedding_dim), device=device, dtype=dtype))
            self.reset_parameters()
        else:
            assert list(_weight.shape) == [num_embeddings, embedding_dim], (
                "Shape of weight does not match num_embeddings and embedding_dim"
            )
            self.weight = Parameter(_weight)
        self.mode = mode
        self.sparse = sparse
        self.include_last_offset = include_last_offset

    def reset_parameters(self) -> None:
        """Draw the table anew."""
        init.normal_(self.weight)
        self._fill_padding_idx_with_zero()

    def _fill_padding_idx_with_zero(self) -> None:
        if self.padding_idx is not None:
            with torch.no_grad():
                self.weight[self.padding_idx].fill_(0)

    def forward(self, input: Tensor, offsets: Tensor | None = None, per_sample_weights: Tensor | None = None) -> Tensor:
        """The reduced rows of each bag, ``(bags, embedding_dim)``.

        Args:
            input: the bags, as the rows of a matrix, or one after another in a vector.
            offsets: where the bags of a vector begin.
            per_sample_weights: a factor for each index (mode ``"sum"`` only).
        """
        return F.embedding_bag(
            input,
            self.weight,
            offsets,
            self.max_norm,
            self.norm_type,
            self.scale_grad_by_freq,
            self.mode,
            self.sparse,
            per_sample_weights,
            self.include_last_offset,
            self.padding_idx,
        )

    def extra_repr(self) -> str:
        text = f"{self.num_embeddings}, {self.embedding_dim}"
        if self.max_norm is not None:
            text += f", max_norm={self.max_norm}"
        if self.norm_type != 2:
            text += f", norm_type={self.norm_type}"
        if self.scale_grad_by_freq is not False:
            text += f", scale_grad_by_freq={self.scale_grad_by_freq}"
        text += f", mode={self.mode!r}"
        if self.padding_idx is not None:
            text += f", padding_idx={self.padding_idx}"
        return text

    @classmethod
    def from_pretrained(
        cls,
        embeddings: Tensor,
        freeze: bool = True,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        mode: str = "mean",
        sparse: bool = False,
        include_last_offset: bool = False,
        padding_idx: int | None = None,
    ) -> EmbeddingBag:
        """An embedding bag whose table is the matrix ``embeddings``.

        Args:
            embeddings: the table.
            freeze: whether it is left out of training.
            max_norm: rows that are looked up are first scaled, in place, to at most this norm.
            norm_type: p of that norm.
            scale_grad_by_freq: whether a row's gradient is divided by how often the row occurs.
            mode: ``"sum"``, ``"mean"`` or ``"max"``.
            sparse: whether the weight's gradient is a sparse tensor.
            include_last_offset: whether ``offsets`` ends with the number of indices.
            padding_idx: a row that is left out of all bags.
        """
        assert embeddings.dim() == 2, "Embeddings parameter is expected to be 2-dimensional"
        rows, columns = embeddings.shape
        bag = cls(
            num_embeddings=rows,
            embedding_dim=columns,
            _weight=embeddings,
            max_norm=max_norm,
            norm_type=norm_type,
            scale_grad_by_freq=scale_grad_by_freq,
            mode=mode,
            sparse=sparse,
            include_last_offset=include_last_offset,
            padding_idx=padding_idx,
        )
        bag.weight.requires_grad = not freeze
        return bag
