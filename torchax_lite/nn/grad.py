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


def _by_input(name: str) -> Callable[..., Tensor]:
    """``name_input``: the gradient of a convolution with respect to its input."""

    def gradient(
        input_size: Sequence[int], weight: Tensor, grad_output: Tensor, stride: Any = 1, padding: Any = 0,
        dilation: Any = 1, groups: int = 1,
    ) -> Tensor:  # fmt: skip
        convolve = getattr(F, name)
        return _gradient(
            lambda input: convolve(input, weight, None, stride, padding, dilation, groups), input_size, grad_output
        )

    gradient.__name__ = gradient.__qualname__ = f"{name}_input"
    gradient.__doc__ = f"The gradient of ``{name}`` with respect to an input of ``input_size``; arguments as there."
    return gradient


def _by_weight(name: str) -> Callable[..., Tensor]:
    """``name_weight``: the gradient of a convolution with respect to its weight."""

    def gradient(
        input: Tensor, weight_size: Sequence[int], grad_output: Tensor, stride: Any = 1, padding: Any = 0,
        dilation: Any = 1, groups: int = 1,
    ) -> Tensor:  # fmt: skip
        convolve = getattr(F, name)
        return _gradient(
            lambda weight: convolve(input, weight, None, stride, padding, dilation, groups), weight_size, grad_output
        )

    gradient.__name__ = gradient.__qualname__ = f"{name}_weight"
    gradient.__doc__ = f"The gradient of ``{name}`` with respect to a weight of ``weight_size``; arguments as there."
    return gradient


conv1d_input, conv1d_weight = _by_input("conv1d"), _by_weight("conv1d")
conv2d_input, conv2d_weight = _by_input("conv2d"), _by_weight("conv2d")
conv3d_input, conv3d_weight = _by_input("conv3d"), _by_weight("conv3d")
