"""Position-sensitive RoIPool (Dai et al. 2016)."""

from __future__ import annotations

from torchax_lite import Tensor, fx, nn
from torchax_lite._generated import internal as _ops
from torchax_lite.nn.modules.utils import _pair

from ._utils import check_channels, regions_of


@fx.wrap
def ps_roi_pool(
    input: Tensor, boxes: Tensor | list[Tensor], output_size: int | tuple[int, int], spatial_scale: float = 1.0
) -> Tensor:
    """``(K, C / (h * w), h, w)``: mean of each bin's own channels over the places it covers.

    Args:
        input: ``(N, C, H, W)``.
        boxes: ``(K, 5)`` rows (image, x1, y1, x2, y2), or for each image its corners ``(L, 4)``.
        output_size: number of bins, one or (height, width).
        spatial_scale: factor from the boxes' coordinates to those of ``input``.

    Raises:
        AssertionError: boxes of another shape.
    """
    rois = regions_of(boxes, input, "ps_roi_pool")
    bins = _pair(output_size)
    check_channels(input, bins)
    return _ops.ps_roi_pool(input, rois, float(spatial_scale), bins)


class PSRoIPool(nn.Module):
    """:func:`ps_roi_pool` as a layer."""

    def __init__(self, output_size: int | tuple[int, int], spatial_scale: float) -> None:
        super().__init__()
        self.output_size = output_size
        self.spatial_scale = spatial_scale

    def forward(self, input: Tensor, rois: Tensor | list[Tensor]) -> Tensor:
        return ps_roi_pool(input, rois, self.output_size, self.spatial_scale)

    def __repr__(self) -> str:
        return f"{self.__class__.__name__}(output_size={self.output_size}, spatial_scale={self.spatial_scale})"
