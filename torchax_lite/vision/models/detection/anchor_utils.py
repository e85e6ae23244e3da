"""Anchors: boxes of several sizes and shapes at every place of every feature map."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

import torchax_lite as torch
from torchax_lite import Tensor, nn

from . import _host
from .image_list import ImageList

_CPU = torch.device("cpu")


class AnchorGenerator(nn.Module):
    """Anchors of the given sizes and aspect ratios (height / width), one tuple of each for every feature map."""

    def __init__(self, sizes: Any = ((128, 256, 512),), aspect_ratios: Any = ((0.5, 1.0, 2.0),)) -> None:
        super().__init__()
        if not isinstance(sizes[0], (list, tuple)):
            sizes = tuple((s,) for s in sizes)
        if not isinstance(aspect_ratios[0], (list, tuple)):
            aspect_ratios = (aspect_ratios,) * len(sizes)
        self.sizes = sizes
        self.aspect_ratios = aspect_ratios
        self.cell_anchors = [self.generate_anchors(s, a) for s, a in zip(sizes, aspect_ratios)]

    def generate_anchors(
        self, scales: Any, aspect_ratios: Any, dtype: Any = torch.float32, device: Any = _CPU
    ) -> Tensor:
        """``(ratios * scales, 4)`` corners around 0, in whole numbers."""
        scales = torch.as_tensor(scales, dtype=dtype, device=device)
        high = torch.sqrt(torch.as_tensor(aspect_ratios, dtype=dtype, device=device))
        widths, heights = (((1 / high)[:, None] * scales[None]).view(-1), (high[:, None] * scales[None]).view(-1))
        return (torch.stack([-widths, -heights, widths, heights], dim=1) / 2).round()

    def set_cell_anchors(self, dtype: Any, device: Any) -> None:
        """Move the anchors of one place to a dtype and device."""
        self.cell_anchors = [c.to(dtype=dtype, device=device) for c in self.cell_anchors]

    def num_anchors_per_location(self) -> list[int]:
        """Number of anchors at a place of each map."""
        return [len(s) * len(a) for s, a in zip(self.sizes, self.aspect_ratios)]

    def grid_anchors(self, grid_sizes: list[Any], strides: list[Any]) -> list[Tensor]:
        """The anchors ``(places * anchors, 4)`` of each map."""
        torch._assert(self.cell_anchors is not None, "cell_anchors should not be None")
        torch._assert(
            len(grid_sizes) == len(strides) == len(self.cell_anchors),
            "Anchors should be Tuple[Tuple[int]] because each feature map could potentially have different sizes and "
            "aspect ratios. There needs to be a match between the number of feature maps passed and the number of sizes "
            "/ aspect ratios specified.",
        )
        found = []
        for (height, width), (down, across), cell in zip(grid_sizes, strides, self.cell_anchors):
            y, x = np.meshgrid(np.arange(height) * int(down), np.arange(width) * int(across), indexing="ij")
            places = np.stack([x, y, x, y], -1).reshape(-1, 1, 4)
            base = _host.values(cell)
            found.append(_host.tensor((places + base[None]).astype(base.dtype).reshape(-1, 4), cell))
        return found

    def forward(self, image_list: ImageList, feature_maps: list[Tensor]) -> list[Tensor]:
        grids = [tuple(f.shape[-2:]) for f in feature_maps]
        height, width = image_list.tensors.shape[-2:]
        self.set_cell_anchors(feature_maps[0].dtype, feature_maps[0].device)
        strides = [(height // g[0], width // g[1]) for g in grids]
        anchors = np.concatenate([_host.values(a) for a in self.grid_anchors(grids, strides)])
        shared = _host.tensor(anchors, feature_maps[0])
        return [shared for _ in image_list.image_sizes]


class DefaultBoxGenerator(nn.Module):
    """Default boxes: at every place of every map a square, a larger one, and two of each aspect ratio.

    Args:
        aspect_ratios: for each map. scales: sizes of the boxes of each map (and one more), in shares of the image.
        min_ratio, max_ratio: first and last of evenly spaced scales, where none are given.
        steps: pixels between the places of each map, where it is not the image's size over the map's.
        clip: no side is longer than the image's.
    """

    def __init__(
        self, aspect_ratios: list[list[int]], min_ratio: float = 0.15, max_ratio: float = 0.9,
        scales: list[float] | None = None, steps: list[int] | None = None, clip: bool = True,
    ) -> None:  # fmt: skip
        super().__init__()
        if steps is not None and len(aspect_ratios) != len(steps):
            raise ValueError("aspect_ratios and steps should have the same length")
        self.aspect_ratios = aspect_ratios
        self.steps = steps
        self.clip = clip
        count = len(aspect_ratios)
        if scales is not None:
            self.scales = scales
        elif count > 1:
            self.scales = [min_ratio + (max_ratio - min_ratio) * k / (count - 1.0) for k in range(count)] + [1.0]
        else:
            self.scales = [min_ratio, max_ratio]
        self._wh_pairs = self._generate_wh_pairs(count)

    def _generate_wh_pairs(self, num_outputs: int, dtype: Any = torch.float32, device: Any = _CPU) -> list[Tensor]:
        """Widths and heights of the boxes of each map."""
        found = []
        for k in range(num_outputs):
            scale, larger = self.scales[k], math.sqrt(self.scales[k] * self.scales[k + 1])
            pairs = [[scale, scale], [larger, larger]]
            for ratio in map(math.sqrt, self.aspect_ratios[k]):
                pairs += [[scale * ratio, scale / ratio], [scale / ratio, scale * ratio]]
            found.append(torch.as_tensor(pairs, dtype=dtype, device=device))
        return found

    def num_anchors_per_location(self) -> list[int]:
        """Number of boxes at a place of each map."""
        return [2 + 2 * len(r) for r in self.aspect_ratios]

    def _grid_default_boxes(self, grid_sizes: Any, image_size: Any, dtype: Any = torch.float32) -> Tensor:
        """Centres and sizes ``(boxes, 4)`` of all maps, in shares of the image."""
        f = np.float32
        found = []
        for k, (height, width) in enumerate(grid_sizes):
            down, across = height, width
            if self.steps is not None:
                down, across = image_size[0] / self.steps[k], image_size[1] / self.steps[k]
            x, y = (np.arange(width) + f(0.5)).astype(f) / f(across), (np.arange(height) + f(0.5)).astype(f) / f(down)
            centres = np.stack(np.meshgrid(x, y), -1).reshape(-1, 1, 2)
            pairs = _host.values(self._wh_pairs[k])
            pairs = np.clip(pairs, 0, 1) if self.clip else pairs
            shape = (len(centres), len(pairs), 2)
            both = [np.broadcast_to(centres, shape), np.broadcast_to(pairs, shape)]
            found.append(np.concatenate(both, -1).reshape(-1, 4))
        return torch.from_numpy(np.concatenate(found)).to(dtype)

    def __repr__(self) -> str:
        return (
            f"{self.__class__.__name__}(aspect_ratios={self.aspect_ratios}, clip={self.clip}, scales={self.scales}, "
            f"steps={self.steps})"
        )

    def forward(self, image_list: ImageList, feature_maps: list[Tensor]) -> list[Tensor]:
        height, width = image_list.tensors.shape[-2:]
        like = feature_maps[0]
        grids = [tuple(f.shape[-2:]) for f in feature_maps]
        boxes = _host.values(self._grid_default_boxes(grids, (height, width), like.dtype))
        size = np.array([width, height], boxes.dtype)
        centre, half = boxes[:, :2], boxes.dtype.type(0.5) * boxes[:, 2:]
        corners = np.concatenate([(centre - half) * size, (centre + half) * size], -1)
        shared = _host.tensor(corners, like)
        return [shared for _ in image_list.image_sizes]
