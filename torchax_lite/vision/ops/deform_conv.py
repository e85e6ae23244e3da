"""Deformable convolution (Dai et al. 2017, Zhu et al. 2019)."""

from __future__ import annotations

import math

import torchax_lite as torch
from torchax_lite import Tensor, nn
from torchax_lite._generated import internal as _ops
from torchax_lite.nn import init
from torchax_lite.nn.modules.utils import _pair

_Pair = int | tuple[int, int]


def deform_conv2d(
    input: Tensor, offset: Tensor, weight: Tensor, bias: Tensor | None = None, stride: _Pair = (1, 1),
    padding: _Pair = (0, 0), dilation: _Pair = (1, 1), mask: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """A convolution of ``input (N, C, H, W)`` whose kernel reads at shifted places.

    Args:
        offset: ``(N, 2 * groups * kh * kw, oh, ow)``: (y, x) for each offset group and place of the kernel.
        weight: ``(out, C / groups, kh, kw)``.
        mask: ``(N, groups * kh * kw, oh, ow)``: factors of what is read.

    Raises:
        RuntimeError: shapes that do not fit.
    """
    kernel = weight.shape[-2:]
    stride, padding, dilation = _pair(stride), _pair(padding), _pair(dilation)
    offset_groups = offset.shape[1] // (2 * kernel[0] * kernel[1])
    if offset_groups == 0:
        raise RuntimeError(
            "the shape of the offset tensor at dimension 1 is not valid. It should be a multiple of 2 * weight.size[2] "
            f"* weight.size[3].\nGot offset.shape[1]={offset.shape[1]}, while 2 * weight.size[2] * weight.size[3]="
            f"{2 * kernel[0] * kernel[1]}"
        )
    out = [(input.shape[2 + d] + 2 * padding[d] - (dilation[d] * (kernel[d] - 1) + 1)) // stride[d] + 1 for d in (0, 1)]
    if offset.shape[1] != offset_groups * 2 * kernel[0] * kernel[1]:
        raise RuntimeError(
            f"offset.shape[1] is not valid: got: {offset.shape[1]} expected: {offset_groups * 2 * kernel[0] * kernel[1]}"
        )
    if input.shape[1] % offset_groups:
        raise RuntimeError("input channels must be divisible by the number of offset groups")
    if tuple(offset.shape[2:]) != tuple(out):
        raise RuntimeError(
            f"offset output dims: ({offset.shape[2]}, {offset.shape[3]}) - computed output dims: ({out[0]}, {out[1]})"
        )
    if mask is not None and mask.shape[1] != offset_groups * kernel[0] * kernel[1]:
        raise RuntimeError(
            f"mask.shape[1] is not valid: got: {mask.shape[1]} expected: {offset_groups * kernel[0] * kernel[1]}"
        )
    groups = input.shape[1] // weight.shape[1]
    return _ops.deform_conv2d(input, weight, offset, mask, bias, stride, padding, dilation, groups, offset_groups)


class DeformConv2d(nn.Module):
    """:func:`deform_conv2d` with parameters, initialised as those of Conv2d."""

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: int, stride: int = 1, padding: int = 0,
        dilation: int = 1, groups: int = 1, bias: bool = True,
    ) -> None:  # fmt: skip
        super().__init__()
        if in_channels % groups != 0:
            raise ValueError("in_channels must be divisible by groups")
        if out_channels % groups != 0:
            raise ValueError("out_channels must be divisible by groups")
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.kernel_size = _pair(kernel_size)
        self.stride = _pair(stride)
        self.padding = _pair(padding)
        self.dilation = _pair(dilation)
        self.groups = groups
        self.weight = nn.Parameter(torch.empty(out_channels, in_channels // groups, *self.kernel_size))
        if bias:
            self.bias = nn.Parameter(torch.empty(out_channels))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Weights and bias uniform within ``1 / sqrt(fan_in)``."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            bound = 1 / math.sqrt(math.prod(self.weight.shape[1:]))
            init.uniform_(self.bias, -bound, bound)

    def forward(self, input: Tensor, offset: Tensor, mask: Tensor | None = None) -> Tensor:
        return deform_conv2d(
            input, offset, self.weight, self.bias, stride=self.stride, padding=self.padding, dilation=self.dilation,
            mask=mask,
        )  # fmt: skip

    def __repr__(self) -> str:
        s = f"{self.__class__.__name__}({self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}"
        s += f", stride={self.stride}"
        s += f", padding={self.padding}" if self.padding != (0, 0) else ""
        s += f", dilation={self.dilation}" if self.dilation != (1, 1) else ""
        s += f", groups={self.groups}" if self.groups != 1 else ""
        s += ", bias=False" if self.bias is None else ""
        return s + ")"
