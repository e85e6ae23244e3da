"""Anchors: boxes of several sizes and shapes at every place of every feature map."""

from __future__ import annotations

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
