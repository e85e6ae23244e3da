"""RoIAlign (He et al. 2017)."""

from __future__ import annotations

from torchax_lite import Tensor, fx, nn
from torchax_lite._generated import internal as _ops
from torchax_lite.nn.modules.utils import _pair

from ._utils import most_samples, regions_of


@fx.wrap
def roi_align(
    input: Tensor,
    boxes: Tensor | list[Tensor],
    output_size: int | tuple[int, int],
    spatial_scale: float = 1.0,
    sampling_ratio: int = -1,
    aligned: bool = False,
) -> Tensor:
    """``(K, C, *output_size)``: mean of bilinear samples in each bin of each box.

    Args:
        input: ``(N, C, H, W)``.
        boxes: ``(K, 5)`` rows (image, x1, y1, x2, y2), or for each image its corners ``(L, 4)``.
        output_size: number of bins, one or (height, width).
        spatial_scale: factor from the boxes' coordinates to those of ``input``.
        sampling_ratio: samples along each bin; not positive: one for each started unit of a bin's length.
        aligned: places are pixel centres (boxes move by half a pixel); else a box is at least one unit wide.

    Raises:
        AssertionError: boxes of another shape.
    """
    rois = regions_of(boxes, input, "roi_align")
    bins = _pair(output_size)
    most = most_samples(rois, spatial_scale, bins, sampling_ratio)
    return _ops.roi_align([input], rois, None, [float(spatial_scale)], bins, sampling_ratio, most, aligned)


class RoIAlign(nn.Module):
    """:func:`roi_align` as a layer."""

    def __init__(
        self, output_size: int | tuple[int, int], spatial_scale: float, sampling_ratio: int, aligned: bool = False
    ) -> None:
        super().__init__()
        self.output_size = output_size
        self.spatial_scale = spatial_scale
        self.sampling_ratio = sampling_ratio
        self.aligned = aligned

    def forward(self, input: Tensor, rois: Tensor | list[Tensor]) -> Tensor:
        return roi_align(input, rois, self.output_size, self.spatial_scale, self.sampling_ratio, self.aligned)

    def __repr__(self) -> str:
        return f"{self.__class__.__name__}(output_size={self.output_size}, spatial_scale={self.spatial_scale}, sampling_ratio={self.sampling_ratio}, aligned={self.aligned})"
