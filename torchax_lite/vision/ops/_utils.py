"""What several operators share: lists of boxes as regions, wider dtypes, reductions of losses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torchax_lite as torch
from torchax_lite import Tensor, nn

__all__ = [
    "check_roi_boxes_shape", "convert_boxes_to_roi_format", "reduce_loss", "regions_of", "split_normalization_params",
]  # fmt: skip


def convert_boxes_to_roi_format(boxes: Sequence[Tensor]) -> Tensor:
    """Rows ``(image, x1, y1, x2, y2)`` of the boxes ``(L, 4)`` of each image."""
    numbers = [torch.full_like(b[:, :1], i) for i, b in enumerate(boxes)]
    return torch.cat([torch.cat(numbers, 0), torch.cat(list(boxes), 0)], dim=1)


def check_roi_boxes_shape(boxes: Any) -> None:
    """Raises AssertionError unless ``boxes`` is ``(K, 5)``, or a list of ``(L, 4)``."""
    if isinstance(boxes, (list, tuple)):
        for each in boxes:
            torch._assert(
                each.size(1) == 4, "The shape of the tensor in the boxes list is not correct as List[Tensor[L, 4]]"
            )
    elif isinstance(boxes, Tensor):
        torch._assert(boxes.size(1) == 5, "The boxes tensor shape is not correct as Tensor[K, 5]")
    else:
        torch._assert(False, "boxes is expected to be a Tensor[L, 5] or a List[Tensor[K, 4]]")


def regions_of(boxes: Any, input: Tensor, name: str) -> Tensor:
    """The boxes as rows ``(image, x1, y1, x2, y2)``.

    Raises:
        AssertionError: wrong shapes. RuntimeError: the boxes' dtype is not that of ``input``.
    """
    check_roi_boxes_shape(boxes)
    rois = boxes if isinstance(boxes, Tensor) else convert_boxes_to_roi_format(boxes)
    if rois.dtype != input.dtype:
        raise RuntimeError(f"{name}: input and rois must have the same dtype, got {input.dtype} and {rois.dtype}")
    return rois


def most_samples(rois: Tensor, spatial_scale: float, pooled: Sequence[int], sampling_ratio: int) -> list[int]:
    """A bound of the samples along each bin where the regions' sizes decide: a power of two, so that few programs arise."""
    if sampling_ratio > 0 or rois.shape[0] == 0:
        return [0, 0]
    values = rois.detach()._host_array().astype("float64")
    bound = []
    for low, high, bins in ((2, 4, pooled[0]), (1, 3, pooled[1])):
        length = max(float(((values[:, high] - values[:, low]) * spatial_scale).max()), 1.0)
        bound.append(1 << max(0, int(-(-length // bins)) - 1).bit_length())
    return bound


def check_channels(input: Tensor, bins: Sequence[int]) -> None:
    """Raises RuntimeError unless every bin can have channels of its own."""
    if input.size(1) % (bins[0] * bins[1]):
        raise RuntimeError("input channels must be a multiple of pooling height * pooling width")


def split_normalization_params(
    model: nn.Module, norm_classes: Sequence[type] | None = None
) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    """The parameters of normalisation layers, and all others (for weight decay)."""
    chosen = norm_classes or [
        nn.modules.batchnorm._BatchNorm, nn.LayerNorm, nn.GroupNorm, nn.modules.instancenorm._InstanceNorm,
        nn.LocalResponseNorm,
    ]  # fmt: skip
    for t in chosen:
        if not issubclass(t, nn.Module):
            raise ValueError(f"Class {t} is not a subclass of nn.Module.")
    norms: list[nn.Parameter] = []
    others: list[nn.Parameter] = []
    for module in model.modules():
        leaf = next(module.children(), None) is None
        found = [p for p in module.parameters(recurse=leaf) if p.requires_grad]
        (norms if leaf and isinstance(module, tuple(chosen)) else others).extend(found)
    return norms, others


def upcast(t: Tensor) -> Tensor:
    """Wider, so that products do not overflow: float32 at least, int32 at least."""
    if t.is_floating_point():
        return t if t.dtype in (torch.float32, torch.float64) else t.float()
    return t if t.dtype in (torch.int32, torch.int64) else t.int()


def as_float(t: Tensor) -> Tensor:
    """Float32, unless it is float32 or float64 already."""
    return t if t.dtype in (torch.float32, torch.float64) else t.float()


def paired_inter_union(boxes1: Tensor, boxes2: Tensor) -> tuple[Tensor, Tensor]:
    """Areas of intersection and union of each pair of boxes (row by row)."""
    x1, y1, x2, y2 = boxes1.unbind(dim=-1)
    u1, v1, u2, v2 = boxes2.unbind(dim=-1)
    across = torch.min(x2, u2) - torch.max(x1, u1)
    down = torch.min(y2, v2) - torch.max(y1, v1)
    inter = torch.where((down > 0) & (across > 0), across * down, torch.zeros_like(x1))
    return inter, (x2 - x1) * (y2 - y1) + (u2 - u1) * (v2 - v1) - inter


def enclosing(boxes1: Tensor, boxes2: Tensor) -> tuple[Tensor, Tensor]:
    """Width and height of the smallest box around each pair of boxes."""
    x1, y1, x2, y2 = boxes1.unbind(dim=-1)
    u1, v1, u2, v2 = boxes2.unbind(dim=-1)
    return torch.max(x2, u2) - torch.min(x1, u1), torch.max(y2, v2) - torch.min(y1, v1)


def reduce_loss(loss: Tensor, reduction: str, empty_mean_is_zero: bool = True) -> Tensor:
    """The loss as it is, its mean or its sum; the mean of nothing is 0 where asked for.

    Raises:
        ValueError: for another reduction.
    """
    if reduction == "none":
        return loss
    if reduction == "mean":
        return 0.0 * loss.sum() if empty_mean_is_zero and loss.numel() == 0 else loss.mean()
    if reduction == "sum":
        return loss.sum()
    raise ValueError(
        f"Invalid Value for arg 'reduction': '{reduction} \n Supported reduction modes: 'none', 'mean', 'sum'"
    )
