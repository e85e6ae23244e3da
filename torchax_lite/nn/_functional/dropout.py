"""The dropout family: masks are drawn from the default generator in PyTorch's order and applied by one op."""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING

import torchax_lite as torch

from ..._generated import internal as _ops
from .common import check_probability, keep_mask

if TYPE_CHECKING:
    from torchax_lite import Tensor

__all__ = ["alpha_dropout", "dropout", "dropout1d", "dropout2d", "dropout3d", "feature_alpha_dropout"]

_ALPHA = 1.7580993408473766
"""``-lambda alpha`` of SELU: the value that alpha dropout drops to (arXiv:1706.02515)."""


def _feature_shape(input: Tensor) -> tuple[int, ...]:
    """Shape of a mask with one element for each sample and channel."""
    if input.dim() < 2:
        raise RuntimeError("Feature dropout requires at least 2 dimensions in the input")
    return (*input.shape[:2], *(1,) * (input.dim() - 2))


def _drop(input: Tensor, p: float, training: bool, inplace: bool, feature: bool) -> Tensor:
    if not training or p == 0 or input.numel() == 0:
        return input
    if p == 1:
        zero = torch.zeros((), dtype=input.dtype, device=input.device)
        return input.mul_(zero) if inplace else input.mul(zero)
    mask = keep_mask(input, p, _feature_shape(input) if feature else None)
    if inplace:
        return input.mul_(mask.to(input.dtype).div_(1 - p))
    return _ops.dropout_mask_apply(input, mask, 1 / (1 - p))


def drop_channels(input: Tensor, p: float, training: bool, inplace: bool) -> Tensor:
    """Whole channels of ``(N, C, *)`` zeroed with probability ``p``."""
    check_probability(p)
    return _drop(input, p, training, inplace, True)


def _drop_alpha(input: Tensor, p: float, training: bool, inplace: bool, feature: bool) -> Tensor:
    if not training or p == 0 or input.numel() == 0:
        return input
    if p == 1:
        zero = torch.zeros((), dtype=input.dtype, device=input.device)
        return input.mul_(zero) if inplace else input.mul(zero)
    noise = keep_mask(input, p, _feature_shape(input) if feature else None).to(input.dtype)
    a = 1 / math.sqrt((_ALPHA * _ALPHA * p + 1) * (1 - p))
    shift = (noise - 1).mul_(_ALPHA * a).add_(_ALPHA * a * p)
    noise.mul_(a)
    return input.mul_(noise).add_(shift) if inplace else input * noise + shift


def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Elements zeroed with probability ``p``, the others divided by ``1 - p``; the input itself when not training."""
    check_probability(p)
    return _drop(input, p, training, inplace, False)


def alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
    """Dropout that keeps mean and variance of a self-normalising network (arXiv:1706.02515)."""
    check_probability(p)
    return _drop_alpha(input, p, training, inplace, False)


def feature_alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
    """:func:`alpha_dropout` of whole channels."""
    check_probability(p)
    return _drop_alpha(input, p, training, inplace, True)


def dropout1d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Whole channels of ``(N, C, L)`` or ``(C, L)`` zeroed with probability ``p``."""
    check_probability(p)
    if input.dim() not in (2, 3):
        raise RuntimeError(
            f"dropout1d: Expected 2D or 3D input, but received a {input.dim()}D input. Note that dropout1d exists to "
            "provide channel-wise dropout on inputs with 1 spatial dimension, a channel dimension, and an optional "
            "batch dimension (i.e. 2D or 3D inputs)."
        )
    return _drop_channels(input, p, training, inplace, input.dim() == 3)


def _drop_channels(input: Tensor, p: float, training: bool, inplace: bool, batched: bool) -> Tensor:
    if batched:
        return _drop(input, p, training, inplace, True)
    return _drop(input.unsqueeze(0), p, training, inplace, True).squeeze(0)


def dropout2d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Whole channels of ``(N, C, H, W)`` zeroed with probability ``p``."""
    check_probability(p)
    rank = input.dim()
    if rank not in (3, 4):
        warnings.warn(
            f"dropout2d: Received a {rank}-D input to dropout2d, which is deprecated and will result in an error in a "
            "future release. To retain the behavior and silence this warning, please use dropout instead. Note that "
            "dropout2d exists to provide channel-wise dropout on inputs with 2 spatial dimensions, a channel "
            "dimension, and an optional batch dimension (i.e. 3D or 4D inputs).",
            stacklevel=2,
        )
    if rank == 3:
        warnings.warn(
            "dropout2d: Received a 3D input to dropout2d and assuming that channel-wise 1D dropout behavior is desired "
            "- input is interpreted as shape (N, C, L), where C is the channel dim. This behavior will change in a "
            "future release to interpret the input as one without a batch dimension, i.e. shape (C, H, W). To maintain "
            "the 1D channel-wise dropout behavior, please switch to using dropout1d instead.",
            stacklevel=2,
        )
    return _drop(input, p, training, inplace, True)


def dropout3d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Whole channels of ``(N, C, D, H, W)`` or ``(C, D, H, W)`` zeroed with probability ``p``."""
    check_probability(p)
    rank = input.dim()
    if rank not in (4, 5):
        warnings.warn(
            f"dropout3d: Received a {rank}-D input to dropout3d, which is deprecated and will result in an error in a "
            "future release. To retain the behavior and silence this warning, please use dropout instead. Note that "
            "dropout3d exists to provide channel-wise dropout on inputs with 3 spatial dimensions, a channel "
            "dimension, and an optional batch dimension (i.e. 4D or 5D inputs).",
            stacklevel=2,
        )
    return _drop_channels(input, p, training, inplace, rank == 5)
