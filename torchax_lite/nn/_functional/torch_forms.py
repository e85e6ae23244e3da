"""The forms of these functions that ``torch`` itself offers: a required ``train``, numbers for reductions.

``torch.conv2d`` and the like are the functions of ``nn.functional``; the others bind their arguments as listed here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..._generated import internal as _ops
from . import activation, loss, normalization, pooling, vision
from . import dropout as _dropout
from .distance import pairwise_distance
from .linear import (
    conv1d,
    conv2d,
    conv3d,
    conv_transpose1d,
    conv_transpose2d,
    conv_transpose3d,
)
from .pooling import adaptive_avg_pool1d, avg_pool1d

if TYPE_CHECKING:
    from torchax_lite import Tensor

__all__ = [
    "adaptive_avg_pool1d", "adaptive_max_pool1d", "alpha_dropout", "alpha_dropout_", "avg_pool1d", "batch_norm",
    "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d",
    "cosine_embedding_loss", "ctc_loss", "dropout", "dropout_", "embedding_bag", "feature_alpha_dropout",
    "feature_alpha_dropout_", "feature_dropout", "feature_dropout_", "grid_sampler", "grid_sampler_2d",
    "grid_sampler_3d", "group_norm", "hinge_embedding_loss", "instance_norm", "kl_div", "layer_norm",
    "margin_ranking_loss", "max_pool1d", "max_pool1d_with_indices", "max_pool2d", "max_pool3d",
    "native_channel_shuffle", "pairwise_distance", "poisson_nll_loss", "rrelu", "rrelu_", "triplet_margin_loss",
]  # fmt: skip

_REDUCTIONS = ("none", "mean", "sum")
_Size = int | Sequence[int]


# ---------------------------------------------------------------- dropout
def dropout(input: Tensor, p: float, train: bool) -> Tensor:
    """``nn.functional.dropout`` with ``train``."""
    return _dropout.dropout(input, p, train)


def dropout_(input: Tensor, p: float, train: bool) -> Tensor:
    """``dropout`` in place."""
    return _dropout.dropout(input, p, train, True)


def alpha_dropout(input: Tensor, p: float, train: bool) -> Tensor:
    """``nn.functional.alpha_dropout`` with ``train``."""
    return _dropout.alpha_dropout(input, p, train)


def alpha_dropout_(input: Tensor, p: float, train: bool) -> Tensor:
    """``alpha_dropout`` in place."""
    return _dropout.alpha_dropout(input, p, train, True)


def feature_dropout(input: Tensor, p: float, train: bool) -> Tensor:
    """Whole channels zeroed with probability ``p``."""
    return _dropout.drop_channels(input, p, train, False)


def feature_dropout_(input: Tensor, p: float, train: bool) -> Tensor:
    """``feature_dropout`` in place."""
    return _dropout.drop_channels(input, p, train, True)


def feature_alpha_dropout(input: Tensor, p: float, train: bool) -> Tensor:
    """``nn.functional.feature_alpha_dropout`` with ``train``."""
    return _dropout.feature_alpha_dropout(input, p, train)


def feature_alpha_dropout_(input: Tensor, p: float, train: bool) -> Tensor:
    """``feature_alpha_dropout`` in place."""
    return _dropout.feature_alpha_dropout(input, p, train, True)


def rrelu(
    input: Tensor, lower: float = 0.125, upper: float = 1 / 3, training: bool = False, generator: Any = None
) -> Tensor:
    """``nn.functional.rrelu``."""
    if generator is not None:
        raise NotImplementedError("rrelu: generator is not available")
    return activation.rrelu(input, lower, upper, training)


def rrelu_(
    input: Tensor, lower: float = 0.125, upper: float = 1 / 3, training: bool = False, generator: Any = None
) -> Tensor:
    """``rrelu`` in place."""
    if generator is not None:
        raise NotImplementedError("rrelu_: generator is not available")
    return activation.rrelu(input, lower, upper, training, True)


# ---------------------------------------------------------------- normalisation
def batch_norm(
    input: Tensor, weight: Tensor | None, bias: Tensor | None, running_mean: Tensor | None,
    running_var: Tensor | None, training: bool, momentum: float, eps: float, cudnn_enabled: bool,
) -> Tensor:  # fmt: skip
    """``nn.functional.batch_norm`` with every argument given."""
    return normalization.normalize_batch(input, running_mean, running_var, weight, bias, training, momentum, eps)


def instance_norm(
    input: Tensor, weight: Tensor | None, bias: Tensor | None, running_mean: Tensor | None,
    running_var: Tensor | None, use_input_stats: bool, momentum: float, eps: float, cudnn_enabled: bool,
) -> Tensor:  # fmt: skip
    """``nn.functional.instance_norm`` with every argument given."""
    return normalization.instance_norm(input, running_mean, running_var, weight, bias, use_input_stats, momentum, eps)


def layer_norm(
    input: Tensor, normalized_shape: Sequence[int], weight: Tensor | None = None, bias: Tensor | None = None,
    eps: float = 1e-05, cudnn_enable: bool = True,
) -> Tensor:  # fmt: skip
    """``nn.functional.layer_norm``."""
    return normalization.layer_norm(input, normalized_shape, weight, bias, eps)


def group_norm(
    input: Tensor, num_groups: int, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-05,
    cudnn_enabled: bool = True,
) -> Tensor:  # fmt: skip
    """``nn.functional.group_norm``."""
    return normalization.group_norm(input, num_groups, weight, bias, eps)


# ---------------------------------------------------------------- losses
def cosine_embedding_loss(
    input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0.0, reduction: int = 1
) -> Tensor:
    """``nn.functional.cosine_embedding_loss`` with a number for the reduction."""
    return loss.cosine_embedding_loss(input1, input2, target, margin, reduction=_REDUCTIONS[reduction])


def ctc_loss(
    log_probs: Tensor, targets: Tensor, input_lengths: Any, target_lengths: Any, blank: int = 0, reduction: int = 1,
    zero_infinity: bool = False,
) -> Tensor:  # fmt: skip
    """``nn.functional.ctc_loss`` with a number for the reduction."""
    return loss.ctc_loss(
        log_probs, targets, input_lengths, target_lengths, blank, _REDUCTIONS[reduction], zero_infinity
    )


def hinge_embedding_loss(input: Tensor, target: Tensor, margin: float = 1.0, reduction: int = 1) -> Tensor:
    """``nn.functional.hinge_embedding_loss`` with a number for the reduction."""
    return loss.hinge_embedding_loss(input, target, margin, reduction=_REDUCTIONS[reduction])


def kl_div(input: Tensor, target: Tensor, reduction: int = 1, *, log_target: bool = False) -> Tensor:
    """``nn.functional.kl_div`` with a number for the reduction."""
    terms = loss.kl_div(input, target, reduction="none", log_target=log_target)
    return terms.mean() if reduction == 1 else terms.sum() if reduction == 2 else terms


def margin_ranking_loss(
    input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0.0, reduction: int = 1
) -> Tensor:
    """``nn.functional.margin_ranking_loss`` with a number for the reduction."""
    return loss.margin_ranking_loss(input1, input2, target, margin, reduction=_REDUCTIONS[reduction])


def poisson_nll_loss(input: Tensor, target: Tensor, log_input: bool, full: bool, eps: float, reduction: int) -> Tensor:
    """``nn.functional.poisson_nll_loss`` with a number for the reduction."""
    return loss.poisson_nll_loss(input, target, log_input, full, eps=eps, reduction=_REDUCTIONS[reduction])


def triplet_margin_loss(
    anchor: Tensor, positive: Tensor, negative: Tensor, margin: float = 1.0, p: float = 2, eps: float = 1e-06,
    swap: bool = False, reduction: int = 1,
) -> Tensor:  # fmt: skip
    """``nn.functional.triplet_margin_loss`` with a number for the reduction."""
    return loss.triplet_margin_loss(anchor, positive, negative, margin, p, eps, swap, reduction=_REDUCTIONS[reduction])


# ---------------------------------------------------------------- pooling and the rest
def adaptive_max_pool1d(input: Tensor, output_size: _Size) -> tuple[Tensor, Tensor]:
    """Maxima and their positions."""
    return pooling.adaptive_max_pool1d_with_indices(input, output_size)


def max_pool1d(
    input: Tensor, kernel_size: _Size, stride: _Size = (), padding: _Size = 0, dilation: _Size = 1,
    ceil_mode: bool = False,
) -> Tensor:  # fmt: skip
    """``nn.functional.max_pool1d`` without indices."""
    return pooling.max_pool1d_with_indices(input, kernel_size, stride or None, padding, dilation, ceil_mode)[0]


def max_pool1d_with_indices(
    input: Tensor, kernel_size: _Size, stride: _Size = (), padding: _Size = 0, dilation: _Size = 1,
    ceil_mode: bool = False,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """Maxima and their positions."""
    return pooling.max_pool1d_with_indices(input, kernel_size, stride or None, padding, dilation, ceil_mode)


def max_pool2d(
    input: Tensor, kernel_size: _Size, stride: _Size = (), padding: _Size = 0, dilation: _Size = 1,
    ceil_mode: bool = False,
) -> Tensor:  # fmt: skip
    """``nn.functional.max_pool2d`` without indices."""
    return pooling.max_pool2d(input, kernel_size, stride, padding, dilation, ceil_mode)


def max_pool3d(
    input: Tensor, kernel_size: _Size, stride: _Size = (), padding: _Size = 0, dilation: _Size = 1,
    ceil_mode: bool = False,
) -> Tensor:  # fmt: skip
    """``nn.functional.max_pool3d`` without indices."""
    return pooling.max_pool3d(input, kernel_size, stride, padding, dilation, ceil_mode)


def native_channel_shuffle(input: Tensor, groups: int) -> Tensor:
    """``nn.functional.channel_shuffle``."""
    return vision.channel_shuffle(input, groups)


def grid_sampler(
    input: Tensor, grid: Tensor, interpolation_mode: int, padding_mode: int, align_corners: bool
) -> Tensor:
    """``nn.functional.grid_sample`` with numbers for the modes."""
    mode = ("bilinear", "nearest", "bicubic")[interpolation_mode]
    padding = ("zeros", "border", "reflection")[padding_mode]
    return _ops.grid_sampler(input, grid, mode, padding, align_corners)


grid_sampler_2d = grid_sampler_3d = grid_sampler


def embedding_bag(
    weight: Tensor, indices: Tensor, offsets: Tensor, scale_grad_by_freq: bool = False, mode: int = 0,
    sparse: bool = False, per_sample_weights: Tensor | None = None, include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> Any:  # fmt: skip
    """Bags of embeddings as ``torch`` returns them, with bookkeeping for its own backward: not available."""
    raise NotImplementedError("torch.embedding_bag is not available; nn.functional.embedding_bag is")
