"""Pooling over one, two and three dimensions: maximum, average, power mean, adaptive, fractional, and unpooling."""

from __future__ import annotations

from typing import Any

from torchax_lite import Tensor
from torchax_lite.nn import functional as F
from torchax_lite.nn.modules.module import Module
from torchax_lite.nn.modules.utils import _ntuple, _single

__all__ = [
    "AdaptiveAvgPool1d",
    "AdaptiveAvgPool2d",
    "AdaptiveAvgPool3d",
    "AdaptiveMaxPool1d",
    "AdaptiveMaxPool2d",
    "AdaptiveMaxPool3d",
    "AvgPool1d",
    "AvgPool2d",
    "AvgPool3d",
    "FractionalMaxPool2d",
    "FractionalMaxPool3d",
    "LPPool1d",
    "LPPool2d",
    "LPPool3d",
    "MaxPool1d",
    "MaxPool2d",
    "MaxPool3d",
    "MaxUnpool1d",
    "MaxUnpool2d",
    "MaxUnpool3d",
]

_Size = int | tuple[int, ...]


class _MaxPoolNd(Module):
    """The maximum over each window.

    Args:
        kernel_size: extent of the window.
        stride: step of the window; its extent if left out.
        padding: how much -inf is added on both sides.
        dilation: distance between the window's elements.
        return_indices: also return where the maxima are, as :class:`MaxUnpool2d` and its kin take them.
        ceil_mode: also take windows that begin inside but reach out at the end.
    """

    __constants__ = ["kernel_size", "stride", "padding", "dilation", "return_indices", "ceil_mode"]
    _pool: str

    def __init__(
        self,
        kernel_size: _Size,
        stride: _Size | None = None,
        padding: _Size = 0,
        dilation: _Size = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding = padding
        self.dilation = dilation
        self.return_indices = return_indices
        self.ceil_mode = ceil_mode

    def forward(self, input: Tensor) -> Any:
        """The maxima of ``(N, C, *size)`` or ``(C, *size)``."""
        return getattr(F, self._pool)(
            input,
            self.kernel_size,
            self.stride,
            self.padding,
            self.dilation,
            ceil_mode=self.ceil_mode,
            return_indices=self.return_indices,
        )

    def extra_repr(self) -> str:
        return (
            f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, "
            f"dilation={self.dilation}, ceil_mode={self.ceil_mode}"
        )


class MaxPool1d(_MaxPoolNd):
    __doc__ = _MaxPoolNd.__doc__
    _pool = "max_pool1d"


class MaxPool2d(_MaxPoolNd):
    __doc__ = _MaxPoolNd.__doc__
    _pool = "max_pool2d"


class MaxPool3d(_MaxPoolNd):
    __doc__ = _MaxPoolNd.__doc__
    _pool = "max_pool3d"


class _MaxUnpoolNd(Module):
    """The partial inverse of a max pooling: each value goes back to where it was, all else is zero.

    Args:
        kernel_size: extent of the pooling's window.
        stride: its step; the window's extent if left out.
        padding: its padding.
    """

    _spatial: int

    def __init__(self, kernel_size: _Size, stride: _Size | None = None, padding: _Size = 0) -> None:
        super().__init__()
        ntuple = _ntuple(self._spatial)
        self.kernel_size = ntuple(kernel_size)
        self.stride = ntuple(kernel_size if stride is None else stride)
        self.padding = ntuple(padding)

    def forward(self, input: Tensor, indices: Tensor, output_size: list[int] | None = None) -> Tensor:
        """``input``'s values at the places ``indices`` of an ``output_size``."""
        unpool = (F.max_unpool1d, F.max_unpool2d, F.max_unpool3d)[self._spatial - 1]
        return unpool(input, indices, self.kernel_size, self.stride, self.padding, output_size)

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class MaxUnpool1d(_MaxUnpoolNd):
    __doc__ = _MaxUnpoolNd.__doc__
    _spatial = 1


class MaxUnpool2d(_MaxUnpoolNd):
    __doc__ = _MaxUnpoolNd.__doc__
    _spatial = 2


class MaxUnpool3d(_MaxUnpoolNd):
    __doc__ = _MaxUnpoolNd.__doc__
    _spatial = 3


class _AvgPoolNd(Module):
    __constants__ = ["kernel_size", "stride", "padding", "ceil_mode", "count_include_pad"]

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AvgPool1d(_AvgPoolNd):
    """The mean over each window of a ``(N, C, L)`` or ``(C, L)``.

    Args:
        kernel_size: extent of the window.
        stride: step of the window; its extent if left out.
        padding: how many zeros are added on both sides.
        ceil_mode: also take windows that begin inside but reach out at the end.
        count_include_pad: whether added zeros count.
    """

    def __init__(
        self,
        kernel_size: int | tuple[int],
        stride: int | tuple[int] | None = None,
        padding: int | tuple[int] = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        super().__init__()
        self.kernel_size = _single(kernel_size)
        self.stride = _single(kernel_size if stride is None else stride)
        self.padding = _single(padding)
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad

    def forward(self, input: Tensor) -> Tensor:
        """The means over the windows."""
        return F.avg_pool1d(input, self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad)


class _AvgPoolSpatial(_AvgPoolNd):
    """The mean over each window.

    Args:
        kernel_size: extent of the window.
        stride: step of the window; its extent if left out.
        padding: how many zeros are added on both sides.
        ceil_mode: also take windows that begin inside but reach out at the end.
        count_include_pad: whether added zeros count.
        divisor_override: what to divide the sums by instead of the count.
    """

    __constants__ = [*_AvgPoolNd.__constants__, "divisor_override"]
    _pool: str

    def __init__(
        self,
        kernel_size: _Size,
        stride: _Size | None = None,
        padding: _Size = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding = padding
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad
        self.divisor_override = divisor_override

    def forward(self, input: Tensor) -> Tensor:
        """The means over the windows of ``(N, C, *size)`` or ``(C, *size)``."""
        return getattr(F, self._pool)(
            input,
            self.kernel_size,
            self.stride,
            self.padding,
            self.ceil_mode,
            self.count_include_pad,
            self.divisor_override,
        )


class AvgPool2d(_AvgPoolSpatial):
    __doc__ = _AvgPoolSpatial.__doc__
    _pool = "avg_pool2d"


class AvgPool3d(_AvgPoolSpatial):
    __doc__ = _AvgPoolSpatial.__doc__
    _pool = "avg_pool3d"


class _FractionalMaxPoolNd(Module):
    """The maximum over windows whose steps vary at random so that the output has a given size (Graham, 2014).

    Args:
        kernel_size: extent of the windows.
        output_size: of the output; either this or ``output_ratio`` is given.
        output_ratio: the output's size as a part of the input's, between 0 and 1.
        return_indices: also return where the maxima are.
        _random_samples: the random numbers, which otherwise are drawn at each call.
    """

    __constants__ = ["kernel_size", "return_indices", "output_size", "output_ratio"]
    _spatial: int

    def __init__(
        self,
        kernel_size: _Size,
        output_size: _Size | None = None,
        output_ratio: float | tuple[float, ...] | None = None,
        return_indices: bool = False,
        _random_samples: Tensor | None = None,
    ) -> None:
        super().__init__()
        ntuple = _ntuple(self._spatial)
        self.kernel_size = ntuple(kernel_size)
        self.return_indices = return_indices
        self.register_buffer("_random_samples", _random_samples)
        self.output_size = None if output_size is None else ntuple(output_size)
        self.output_ratio = None if output_ratio is None else ntuple(output_ratio)
        if output_size is None and output_ratio is None:
            raise ValueError(f"{type(self).__name__} requires specifying either an output size, or a pooling ratio")
        if output_size is not None and output_ratio is not None:
            raise ValueError("only one of output_size and output_ratio may be specified")
        if self.output_ratio is not None and not all(0 < ratio < 1 for ratio in self.output_ratio):
            raise ValueError(f"output_ratio must be between 0 and 1 (got {output_ratio})")

    def forward(self, input: Tensor) -> Any:
        """The maxima of ``(N, C, *size)`` or ``(C, *size)``."""
        pool = F.fractional_max_pool2d if self._spatial == 2 else F.fractional_max_pool3d
        return pool(
            input,
            self.kernel_size,
            self.output_size,
            self.output_ratio,
            self.return_indices,
            _random_samples=self._random_samples,
        )


class FractionalMaxPool2d(_FractionalMaxPoolNd):
    __doc__ = _FractionalMaxPoolNd.__doc__
    _spatial = 2


class FractionalMaxPool3d(_FractionalMaxPoolNd):
    __doc__ = _FractionalMaxPoolNd.__doc__
    _spatial = 3


class _LPPoolNd(Module):
    """(Σ xᵖ)^(1/p) over each window.

    Args:
        norm_type: p.
        kernel_size: extent of the window.
        stride: step of the window; its extent if left out.
        ceil_mode: also take windows that begin inside but reach out at the end.
    """

    __constants__ = ["norm_type", "kernel_size", "stride", "ceil_mode"]
    _pool: str

    def __init__(
        self, norm_type: float, kernel_size: _Size, stride: _Size | None = None, ceil_mode: bool = False
    ) -> None:
        super().__init__()
        self.norm_type = norm_type
        self.kernel_size = kernel_size
        self.stride = stride
        self.ceil_mode = ceil_mode

    def forward(self, input: Tensor) -> Tensor:
        """The power means of ``(N, C, *size)`` or ``(C, *size)``."""
        return getattr(F, self._pool)(input, float(self.norm_type), self.kernel_size, self.stride, self.ceil_mode)

    def extra_repr(self) -> str:
        return (
            f"norm_type={self.norm_type}, kernel_size={self.kernel_size}, stride={self.stride}, "
            f"ceil_mode={self.ceil_mode}"
        )


class LPPool1d(_LPPoolNd):
    __doc__ = _LPPoolNd.__doc__
    _pool = "lp_pool1d"


class LPPool2d(_LPPoolNd):
    __doc__ = _LPPoolNd.__doc__
    _pool = "lp_pool2d"


class LPPool3d(_LPPoolNd):
    __doc__ = _LPPoolNd.__doc__
    _pool = "lp_pool3d"


class _AdaptiveMaxPoolNd(Module):
    """The maximum over windows chosen so that the output has a given size.

    Args:
        output_size: of the output; ``None`` in a tuple keeps the input's.
        return_indices: also return where the maxima are.
    """

    __constants__ = ["output_size", "return_indices"]
    _pool: str

    def __init__(self, output_size: Any, return_indices: bool = False) -> None:
        super().__init__()
        self.output_size = output_size
        self.return_indices = return_indices

    def forward(self, input: Tensor) -> Any:
        """The maxima of ``(N, C, *size)`` or ``(C, *size)``."""
        return getattr(F, self._pool)(input, self.output_size, self.return_indices)

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}"


class AdaptiveMaxPool1d(_AdaptiveMaxPoolNd):
    __doc__ = _AdaptiveMaxPoolNd.__doc__
    _pool = "adaptive_max_pool1d"


class AdaptiveMaxPool2d(_AdaptiveMaxPoolNd):
    __doc__ = _AdaptiveMaxPoolNd.__doc__
    _pool = "adaptive_max_pool2d"


class AdaptiveMaxPool3d(_AdaptiveMaxPoolNd):
    __doc__ = _AdaptiveMaxPoolNd.__doc__
    _pool = "adaptive_max_pool3d"


class _AdaptiveAvgPoolNd(Module):
    """The mean over windows chosen so that the output has a given size.

    Args:
        output_size: of the output; ``None`` in a tuple keeps the input's.
    """

    __constants__ = ["output_size"]
    _pool: str

    def __init__(self, output_size: Any) -> None:
        super().__init__()
        self.output_size = output_size

    def forward(self, input: Tensor) -> Tensor:
        """The means of ``(N, C, *size)`` or ``(C, *size)``."""
        return getattr(F, self._pool)(input, self.output_size)

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}"


class AdaptiveAvgPool1d(_AdaptiveAvgPoolNd):
    __doc__ = _AdaptiveAvgPoolNd.__doc__
    _pool = "adaptive_avg_pool1d"


class AdaptiveAvgPool2d(_AdaptiveAvgPoolNd):
    __doc__ = _AdaptiveAvgPoolNd.__doc__
    _pool = "adaptive_avg_pool2d"


class AdaptiveAvgPool3d(_AdaptiveAvgPoolNd):
    __doc__ = _AdaptiveAvgPoolNd.__doc__
    _pool = "adaptive_avg_pool3d"
