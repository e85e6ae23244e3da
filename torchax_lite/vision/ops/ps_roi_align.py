"""Position-sensitive RoIAlign (Li et al. 2017)."""

from __future__ import annotations

from torchax_lite import Tensor, fx, nn
from torchax_lite._generated import internal as _ops
from torchax_lite.nn.modules.utils import _pair

from ._utils import check_channels, most_samples, regions_of


@fx.wrap
def ps_roi_align(
    input: Tensor,
    boxes: Tensor | list[Tensor],
    output_size: int | tuple[int, int],
    spatial_scale: float = 1.0,
    sampling_ratio: int = -1,
) -> Tensor:
    """``(K, C / (h * w), h, w)``: RoIAlign in which every bin reads channels of its own.

    Args:
        input: ``(N, C, H, W)``.
        boxes: ``(K, 5)`` rows (image, x1, y1, x2, y2), or for each image its corners ``(L, 4)``.
        output_size: number of bins, one or (height, width).
        spatial_scale: factor from the boxes' coordinates to those of ``input``.
        sampling_ratio: samples along each bin; not positive: one for each started unit of a bin's length.

    Raises:
        AssertionError: boxes of another shape.
    """
    rois = regions_of(boxes, input, "ps_roi_align")
    bins = _pair(output_size)
    check_channels(input, bins)
    most = most_samples(rois, spatial_scale, bins, sampling_ratio)
    return _ops.ps_roi_align(input, rois, float(spatial_scale), bins, sampling_ratio, most)


class PSRoIAlign(nn.Module):
    """:func:`ps_roi_align` as a layer."""

    def __init__(self, output_size: int | tuple[int, int], spatial_scale: float, sampling_ratio: int) -> None:
        super().__init__()
        self.output_size = output_size
        self.spatial_scale = spatial_scale
        self.sampling_ratio = sampling_ratio

    def forward(self, input: Tensor, rois: Tensor | list[Tensor]) -> Tensor:
        return ps_roi_align(input, rois, self.output_size, self.spatial_scale, self.sampling_ratio)

    def __repr__(self) -> str:
        return f"{self.__class__.__name__}(output_size={self.output_size}, spatial_scale={self.spatial_scale}, sampling_ratio={self.sampling_ratio})"
