"""Activation functions: the declared ops with PyTorch's ``inplace`` argument, and the randomised ones."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import torchax_lite as torch

from ..._generated import internal as _ops
from ..._generated import nn_functional as _declared
from ..._generated.nn_functional import (
    elu_,
    gelu,
    glu,
    hardshrink,
    hardtanh_,
    leaky_relu_,
    log_softmax,
    logsigmoid,
    prelu,
    sigmoid,
    softmax,
    softmin,
    softplus,
    softshrink,
    softsign,
    tanh,
    tanhshrink,
)
from ..._generated.torch_ops import celu_, relu_, selu_, threshold_

if TYPE_CHECKING:
    from torchax_lite import Tensor

__all__ = [
    "celu", "celu_", "elu", "elu_", "gelu", "glu", "gumbel_softmax", "hardshrink", "hardsigmoid", "hardswish",
    "hardtanh", "hardtanh_", "leaky_relu", "leaky_relu_", "log_softmax", "logsigmoid", "mish", "prelu", "relu",
    "relu6", "relu_", "rrelu", "rrelu_", "selu", "selu_", "sigmoid", "silu", "softmax", "softmin", "softplus",
    "softshrink", "softsign", "tanh", "tanhshrink", "threshold", "threshold_",
]  # fmt: skip


def threshold(input: Tensor, threshold: float, value: float, inplace: bool = False) -> Tensor:
    """``x`` where ``x > threshold``, else ``value``."""
    return (_declared.threshold_ if inplace else _declared.threshold)(input, threshold, value)


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """``max(x, 0)``."""
    return _declared.relu_(input) if inplace else _declared.relu(input)


def relu6(input: Tensor, inplace: bool = False) -> Tensor:
    """``min(max(x, 0), 6)``."""
    return _declared.relu6_(input) if inplace else _declared.relu6(input)


def hardtanh(input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Tensor:
    """``x`` clamped to ``[min_val, max_val]``."""
    if min_val > max_val:
        raise ValueError("min_val cannot be greater than max_val")
    return (_declared.hardtanh_ if inplace else _declared.hardtanh)(input, min_val, max_val)


def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """``x`` above 0, ``alpha (exp(x) - 1)`` below."""
    return (_declared.elu_ if inplace else _declared.elu)(input, alpha)


def selu(input: Tensor, inplace: bool = False) -> Tensor:
    """``scale (max(x, 0) + min(alpha (exp(x) - 1), 0))`` with the self-normalising constants."""
    return _declared.selu_(input) if inplace else _declared.selu(input)


def celu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """``max(x, 0) + min(alpha (exp(x / alpha) - 1), 0)``."""
    return (_declared.celu_ if inplace else _declared.celu)(input, alpha)


def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """``x`` above 0, ``negative_slope x`` below."""
    return (_declared.leaky_relu_ if inplace else _declared.leaky_relu)(input, negative_slope)


def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """``x sigmoid(x)``."""
    return _declared.silu_(input) if inplace else _declared.silu(input)


def mish(input: Tensor, inplace: bool = False) -> Tensor:
    """``x tanh(softplus(x))``."""
    return _declared.mish_(input) if inplace else _declared.mish(input)


def hardsigmoid(input: Tensor, inplace: bool = False) -> Tensor:
    """``relu6(x + 3) / 6``."""
    return _declared.hardsigmoid_(input) if inplace else _declared.hardsigmoid(input)


def hardswish(input: Tensor, inplace: bool = False) -> Tensor:
    """``x relu6(x + 3) / 6``."""
    return _declared.hardswish_(input) if inplace else _declared.hardswish(input)


def _slopes(input: Tensor, lower: float, upper: float) -> Tensor:
    """A slope in ``[lower, upper)`` for each element that is not positive (only these draw), 1 elsewhere."""
    below = input.detach() <= 0
    drawn = torch.empty(int(below.sum()), dtype=torch.float64, device=input.device).uniform_()
    drawn = (drawn * (upper - lower) + lower).to(input.dtype)
    return torch.ones_like(input, requires_grad=False).masked_scatter_(below, drawn)


def rrelu(
    input: Tensor, lower: float = 1.0 / 8, upper: float = 1.0 / 3, training: bool = False, inplace: bool = False
) -> Tensor:
    """``x`` above 0, ``a x`` below; ``a`` is drawn from ``[lower, upper)`` in training, else the middle."""
    if lower > upper:
        raise RuntimeError("Lower bound should be less than or equal to the upper bound")
    slope = _slopes(input, lower, upper) if training else input.new_full((), (lower + upper) / 2)
    return (_declared._rrelu_ if inplace else _ops._rrelu)(input, slope)


def rrelu_(input: Tensor, lower: float = 1.0 / 8, upper: float = 1.0 / 3, training: bool = False) -> Tensor:
    """:func:`rrelu` in place."""
    return rrelu(input, lower, upper, training, True)


def gumbel_softmax(logits: Tensor, tau: float = 1, hard: bool = False, eps: float = 1e-10, dim: int = -1) -> Tensor:
    """A sample of the Gumbel-softmax distribution (arXiv:1611.01144); ``hard`` gives a one-hot with its gradient."""
    if eps != 1e-10:
        warnings.warn("`eps` parameter is deprecated and has no effect.", stacklevel=2)
    noise = -torch.empty_like(logits, requires_grad=False).exponential_().log()
    soft = ((logits + noise) / tau).softmax(dim)
    if not hard:
        return soft
    index = soft.detach().max(dim, keepdim=True)[1]
    picked = torch.zeros_like(logits, requires_grad=False).scatter_(dim, index, 1.0)
    return picked - soft.detach() + soft
