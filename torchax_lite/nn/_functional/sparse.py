"""Embeddings, bags of embeddings and one-hot encoding."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torchax_lite as torch

from ..._generated import internal as _ops
from ..._generated import torch_ops as _torch

if TYPE_CHECKING:
    from torchax_lite import Tensor

__all__ = ["embedding", "embedding_bag", "one_hot"]


def _row_number(padding_idx: int | None, rows: int, name: str) -> int:
    """``padding_idx`` as a row number, -1 for none."""
    if padding_idx is None:
        return -1
    if padding_idx >= rows or padding_idx < -rows:
        raise AssertionError(f"{name} must be within num_embeddings")
    return padding_idx % rows


def embedding(
    input: Tensor, weight: Tensor, padding_idx: int | None = None, max_norm: float | None = None,
    norm_type: float = 2.0, scale_grad_by_freq: bool = False, sparse: bool = False,
) -> Tensor:  # fmt: skip
    """``weight[input]``; ``max_norm`` first shrinks the rows in use, in place; row ``padding_idx`` gets no gradient."""
    row = _row_number(padding_idx, weight.shape[0] if weight.ndim else 0, "Padding_idx")
    if weight.ndim != 2:
        if max_norm is not None:
            raise RuntimeError(
                f"Expected 2-dimensional tensor, but got {weight.ndim}-dimensional tensor for argument #1 'self' (while "
                "checking arguments for embedding_renorm_)"
            )
        raise RuntimeError("'weight' must be 2-D")
    if max_norm is not None:
        with torch.no_grad():
            torch.embedding_renorm_(weight, input.contiguous(), float(max_norm), float(norm_type))
    if sparse:
        return _sparse_embedding(weight, input, row, scale_grad_by_freq)
    return _torch.embedding(weight, input, row, scale_grad_by_freq)


def _sparse_embedding(weight: Tensor, input: Tensor, row: int, scale_grad_by_freq: bool) -> Tensor:
    """The look-up with a sparse gradient of the weight."""
    from ...sparse._embedding import embedding as look_up

    return look_up(weight, input, row, scale_grad_by_freq)


def _check_bag(input: Tensor, offsets: Tensor | None, mode: str, per_sample_weights: Tensor | None) -> None:
    if per_sample_weights is not None and input.size() != per_sample_weights.size():
        raise ValueError(
            f"embedding_bag: If per_sample_weights ({per_sample_weights.shape}) is not None, then it must have the "
            f"same shape as the input ({input.shape})"
        )
    if input.dim() == 2:
        if offsets is not None:
            raise ValueError(
                "if input is 2D, then offsets has to be None, as input is treated is a mini-batch of fixed length "
                f"sequences. However, found offsets of type {type(offsets)}"
            )
    elif input.dim() == 1:
        if offsets is None:
            raise ValueError("offsets has to be a 1D Tensor but got None")
        if offsets.dim() != 1:
            raise ValueError("offsets has to be a 1D Tensor")
    else:
        raise ValueError(f"input has to be 1D or 2D Tensor, but got Tensor of dimension {input.dim()}")
    if mode not in ("sum", "mean", "max"):
        raise ValueError("mode has to be one of sum, mean or max")
    if per_sample_weights is not None and mode != "sum":
        raise NotImplementedError(
            f"embedding_bag: per_sample_weights was not None. per_sample_weights is only supported for mode='sum' "
            f"(got mode='{mode}'). Please open a feature request on GitHub."
        )


def embedding_bag(
    input: Tensor, weight: Tensor, offsets: Tensor | None = None, max_norm: float | None = None, norm_type: float = 2,
    scale_grad_by_freq: bool = False, mode: str = "mean", sparse: bool = False,
    per_sample_weights: Tensor | None = None, include_last_offset: bool = False, padding_idx: int | None = None,
) -> Tensor:  # fmt: skip
    """Sum, mean or maximum of ``weight[input]`` over bags: the rows of ``input``, or its parts from ``offsets`` on."""
    if weight.dtype in (torch.long, torch.int) and input.is_floating_point():
        raise TypeError("embedding_bag: the arguments are in the order input, weight")
    _check_bag(input, offsets, mode, per_sample_weights)
    if mode == "max" and sparse:
        raise ValueError("max mode does not support sparse weights")
    if mode == "max" and scale_grad_by_freq:
        raise ValueError("max mode does not support scaling the gradient by the frequency")
    row = _row_number(padding_idx, weight.shape[0], "padding_idx")
    if max_norm is not None:
        with torch.no_grad():
            torch.embedding_renorm_(weight, input.contiguous(), float(max_norm), float(norm_type))
    if sparse:
        from ...sparse._embedding import embedding_bag as look_up

        return look_up(weight, input, offsets, mode, per_sample_weights, include_last_offset, row, scale_grad_by_freq)
    return _ops.embedding_bag_reduce(
        weight, input, offsets, mode, per_sample_weights, include_last_offset, row, scale_grad_by_freq
    )


def one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor:
    """int64 tensor with a last dim of ``num_classes`` (-1: the largest value and one): 1 at the index, else 0."""
    if tensor.dtype != torch.int64:
        raise RuntimeError("one_hot is only applicable to index tensor of type LongTensor.")
    if tensor.numel() == 0:
        if num_classes <= 0:
            raise RuntimeError("Can not infer total number of classes from empty tensor.")
        return torch.empty((*tensor.shape, num_classes), dtype=torch.int64, device=tensor.device)
    if num_classes == 0 or num_classes < -1:
        raise RuntimeError("num_classes should be positive")
    if num_classes > 0 and tensor._aval.place.kind == "transform":  # examples of a vmap cannot be looked at
        return _ops.one_hot(tensor, num_classes)
    if int(tensor.min()) < 0:
        raise RuntimeError("Class values must be non-negative.")
    top = int(tensor.max())
    if num_classes == -1:
        num_classes = top + 1
    elif top >= num_classes:
        raise RuntimeError("Class values must be smaller than num_classes.")
    return _ops.one_hot(tensor, num_classes)
