"""RoIAlign over the levels of a feature pyramid."""

from __future__ import annotations

import math
from typing import Any

import torchax_lite as torch
from torchax_lite import Tensor, fx, nn
from torchax_lite._generated import internal as _ops

from ._utils import convert_boxes_to_roi_format, most_samples
from .boxes import box_area
from .roi_align import roi_align

__all__ = ["LevelMapper", "MultiScaleRoIAlign", "initLevelMapper"]


class LevelMapper:
    """The level of each box: ``floor(level0 + log2(sqrt(area) / scale0) + eps)`` within the levels that there are."""

    def __init__(
        self, k_min: int, k_max: int, canonical_scale: int = 224, canonical_level: int = 4, eps: float = 1e-6
    ) -> None:
        self.k_min = k_min
        self.k_max = k_max
        self.s0 = canonical_scale
        self.lvl0 = canonical_level
        self.eps = eps

    def __call__(self, boxlists: list[Tensor]) -> Tensor:
        s = torch.sqrt(torch.cat([box_area(boxes) for boxes in boxlists]))
        level = torch.floor(self.lvl0 + torch.log2(s / self.s0) + torch.tensor(self.eps, dtype=s.dtype))
        return torch.clamp(level, min=self.k_min, max=self.k_max).to(torch.int64) - self.k_min


def initLevelMapper(
    k_min: int, k_max: int, canonical_scale: int = 224, canonical_level: int = 4, eps: float = 1e-6
) -> LevelMapper:
    """A :class:`LevelMapper`."""
    return LevelMapper(k_min, k_max, canonical_scale, canonical_level, eps)


def _infer_scale(feature: Tensor, original_size: tuple[int, int]) -> float:
    """The power of two nearest to the ratio of the map's height to the images'."""
    return float(2 ** round(math.log2(feature.shape[-2] / original_size[0])))


@fx.wrap
def _setup_scales(
    features: list[Tensor], image_shapes: list[tuple[int, int]], canonical_scale: int, canonical_level: int
) -> tuple[list[float], LevelMapper]:
    if not image_shapes:
        raise ValueError("images list should not be empty")
    largest = (max(s[0] for s in image_shapes), max(s[1] for s in image_shapes))
    scales = [_infer_scale(f, largest) for f in features]
    low, high = int(-math.log2(scales[0])), int(-math.log2(scales[-1]))
    return scales, initLevelMapper(low, high, canonical_scale=canonical_scale, canonical_level=canonical_level)


@fx.wrap
def _filter_input(x: dict[str, Tensor], featmap_names: list[str]) -> list[Tensor]:
    return [v for k, v in x.items() if k in featmap_names]


@fx.wrap
def _multiscale_roi_align(
    maps: list[Tensor], boxes: list[Tensor], output_size: tuple[int, ...], sampling_ratio: int,
    scales: list[float] | None, mapper: LevelMapper | None,
) -> Tensor:  # fmt: skip
    """``(K, C, *output_size)``: each box read from its own level.

    One op reads from all levels, so that how the boxes fall on them never decides a shape: a step stays one program.
    """
    if scales is None or mapper is None:
        raise ValueError("scales and mapper should not be None")
    rois = convert_boxes_to_roi_format(boxes)
    if len(maps) == 1:
        return roi_align(maps[0], rois, output_size, scales[0], sampling_ratio)
    most = most_samples(rois, max(scales), output_size, sampling_ratio)
    return _ops.roi_align(maps, rois, mapper(boxes), scales, output_size, sampling_ratio, most, False)


class MultiScaleRoIAlign(nn.Module):
    """RoIAlign of boxes on a dict of maps; a box's size decides the level that it is read from.

    Args:
        featmap_names: the maps to use. output_size: bins. sampling_ratio: as in ``roi_align``.
        canonical_scale, canonical_level: a box of this size is read from this level.
    """

    def __init__(
        self, featmap_names: list[str], output_size: int | tuple[int, ...] | list[int], sampling_ratio: int, *,
        canonical_scale: int = 224, canonical_level: int = 4,
    ) -> None:  # fmt: skip
        super().__init__()
        if isinstance(output_size, int):
            output_size = (output_size, output_size)
        self.featmap_names = featmap_names
        self.sampling_ratio = sampling_ratio
        self.output_size = tuple(output_size)
        self.scales: Any = None
        self.map_levels: Any = None
        self.canonical_scale = canonical_scale
        self.canonical_level = canonical_level

    def forward(self, x: dict[str, Tensor], boxes: list[Tensor], image_shapes: list[tuple[int, int]]) -> Tensor:
        maps = _filter_input(x, self.featmap_names)
        if self.scales is None or self.map_levels is None:
            self.scales, self.map_levels = _setup_scales(maps, image_shapes, self.canonical_scale, self.canonical_level)
        return _multiscale_roi_align(maps, boxes, self.output_size, self.sampling_ratio, self.scales, self.map_levels)

    def __repr__(self) -> str:
        return (
            f"{self.__class__.__name__}(featmap_names={self.featmap_names}, output_size={self.output_size}, "
            f"sampling_ratio={self.sampling_ratio})"
        )
