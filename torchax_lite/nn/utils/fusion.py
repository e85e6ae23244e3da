"""Normalization folded into the layer before it, for evaluation."""

from __future__ import annotations

import copy
from typing import TypeVar

import torchax_lite as torch
from torchax_lite import Tensor
from torchax_lite.nn.modules.module import Module
from torchax_lite.nn.parameter import Parameter

__all__ = ["fuse_conv_bn_eval", "fuse_conv_bn_weights", "fuse_linear_bn_eval", "fuse_linear_bn_weights"]

M = TypeVar("M", bound=Module)


def fuse_conv_bn_eval(conv: M, bn: Module, transpose: bool = False) -> M:
    """A convolution that computes ``bn(conv(x))``; both have to be in evaluation mode.

    Args:
        conv: the convolution.
        bn: the batch normalization after it.
        transpose: whether the convolution is transposed.
    """
    assert not (conv.training or bn.training), "Fusion only for eval!"
    assert bn.running_mean is not None and bn.running_var is not None
    fused = copy.deepcopy(conv)
    fused.weight, fused.bias = fuse_conv_bn_weights(
        fused.weight, fused.bias, bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias, transpose
    )
    return fused


def _fold(
    weight: Tensor,
    bias: Tensor | None,
    mean: Tensor,
    var: Tensor,
    eps: float,
    bn_weight: Tensor | None,
    bn_bias: Tensor | None,
    shape: list[int],
) -> tuple[Parameter, Parameter]:
    """Weight and bias scaled and shifted as the normalization would; ``shape`` lays a channel vector on the weight."""
    bias_dtype = weight.dtype if bias is None else bias.dtype
    bias = torch.zeros_like(mean) if bias is None else bias
    scale = torch.rsqrt(var + eps)
    if bn_weight is not None:
        scale = bn_weight * scale
    shift = (bias - mean) * scale
    if bn_bias is not None:
        shift = shift + bn_bias
    return (
        Parameter((weight * scale.reshape(shape)).to(dtype=weight.dtype), weight.requires_grad),
        Parameter(shift.to(dtype=bias_dtype), bias.requires_grad),
    )


def fuse_conv_bn_weights(
    conv_w: Tensor,
    conv_b: Tensor | None,
    bn_rm: Tensor,
    bn_rv: Tensor,
    bn_eps: float,
    bn_w: Tensor | None,
    bn_b: Tensor | None,
    transpose: bool = False,
) -> tuple[Parameter, Parameter]:
    """Weight and bias of the convolution that also does a batch normalization.

    Args:
        conv_w: the convolution's weight.
        conv_b: its bias.
        bn_rm: the running mean.
        bn_rv: the running variance.
        bn_eps: what is added to it.
        bn_w: the normalization's scale.
        bn_b: its shift.
        transpose: whether the convolution is transposed.
    """
    shape = [1, -1] if transpose else [-1, 1]
    return _fold(conv_w, conv_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b, shape + [1] * (conv_w.dim() - 2))


def fuse_linear_bn_eval(linear: M, bn: Module) -> M:
    """A linear layer that computes ``bn(linear(x))``; both have to be in evaluation mode."""
    assert not (linear.training or bn.training), "Fusion only for eval!"
    assert linear.out_features == bn.num_features or bn.num_features == 1, (
        "To fuse, linear.out_features == bn.num_features or bn.num_features == 1"
    )
    assert bn.running_mean is not None and bn.running_var is not None
    fused = copy.deepcopy(linear)
    fused.weight, fused.bias = fuse_linear_bn_weights(
        fused.weight, fused.bias, bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias
    )
    return fused


def fuse_linear_bn_weights(
    linear_w: Tensor,
    linear_b: Tensor | None,
    bn_rm: Tensor,
    bn_rv: Tensor,
    bn_eps: float,
    bn_w: Tensor,
    bn_b: Tensor,
) -> tuple[Parameter, Parameter]:
    """Weight and bias of the linear layer that also does a batch normalization.

    Args:
        linear_w: the layer's weight.
        linear_b: its bias.
        bn_rm: the running mean.
        bn_rv: the running variance.
        bn_eps: what is added to it.
        bn_w: the normalization's scale.
        bn_b: its shift.
    """
    return _fold(linear_w, linear_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b, [-1, 1])
