"""Gradients of convolutions with respect to input and weight, as functions of the other arguments."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torchax_lite as torch
from torchax_lite import Tensor
from torchax_lite.nn import functional as F

__all__ = ["conv1d_input", "conv1d_weight", "conv2d_input", "conv2d_weight", "conv3d_input", "conv3d_weight"]


def _gradient(function: Callable[[Tensor], Tensor], size: Sequence[int], grad_output: Tensor) -> Tensor:
    """The gradient of a linear function of a tensor of ``size``; differentiable in all else."""
    further = torch.is_grad_enabled()
    with torch.enable_grad():
        at = torch.zeros(tuple(size), dtype=grad_output.dtype, device=grad_output.device, requires_grad=True)
        return torch.autograd.grad(function(at), at, grad_output, create_graph=further)[0]


def conv1d_input(
    input_size: Sequence[int], weight: Tensor, grad_output: Tensor, stride: Any = 1, padding: Any = 0,
    dilation: Any = 1, groups: int = 1,
) -> Tensor:  # fmt: skip
    """The gradient of ``conv1d`` with respect to an input of ``input_size``; other arguments as of ``conv1d``."""
    return _gradient(
        lambda input: F.conv1d(input, weight, None, stride, padding, dilation, groups), input_size, grad_output
    )


def conv1d_weight(
    input: Tensor, weight_size: Sequence[int], grad_output: Tensor, stride: Any = 1, padding: Any = 0,
    dilation: Any = 1, groups: int = 1,
) -> Tensor:  # fmt: skip
    """The gradient of ``conv1d`` with respect to a weight of ``weight_size``; other arguments as of ``conv1d``."""
    return _gradient(
        lambda weight: F.conv1d(input, weight, None, stride, padding, dilation, groups), weight_size, grad_output
    )


def conv2d_input(
    input_size: Sequence[int], weight: Tensor, grad_output: Tensor, stride: Any = 1, padding: Any = 0,
    dilation: Any = 1, groups: int = 1,
) -> Tensor:  # fmt: skip
    """The gradient of ``conv2d`` with respect to an input of ``input_size``; other arguments as of ``conv2d``."""
    return _gradient(
        lambda input: F.conv2d(input, weight, None, stride, padding, dilation, groups), input_size, grad_output
    )


def conv2d_weight(
    input: Tensor, weight_size: Sequence[int], grad_output: Tensor, stride: Any = 1, padding: Any = 0,
    dilation: Any = 1, groups: int = 1,
) -> Tensor:  # fmt: skip
    """The gradient of ``conv2d`` with respect to a weight of ``weight_size``; other arguments as of ``conv2d``."""
    return _gradient(
        lambda weight: F.conv2d(input, weight, None, stride, padding, dilation, groups), weight_size, grad_output
    )


def conv3d_input(
    input_size: Sequence[int], weight: Tensor, grad_output: Tensor, stride: Any = 1, padding: Any = 0,
    dilation: Any = 1, groups: int = 1,
) -> Tensor:  # fmt: skip
    """The gradient of ``conv3d`` with respect to an input of ``input_size``; other arguments as of ``conv3d``."""
    return _gradient(
        lambda input: F.conv3d(input, weight, None, stride, padding, dilation, groups), input_size, grad_output
    )


def conv3d_weight(
    input: Tensor, weight_size: Sequence[int], grad_output: Tensor, stride: Any = 1, padding: Any = 0,
    dilation: Any = 1, groups: int = 1,
) -> Tensor:  # fmt: skip
    """The gradient of ``conv3d`` with respect to a weight of ``weight_size``; other arguments as of ``conv3d``."""
    return _gradient(
        lambda weight: F.conv3d(input, weight, None, stride, padding, dilation, groups), weight_size, grad_output
    )
