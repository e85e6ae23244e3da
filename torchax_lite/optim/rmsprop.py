"""RMSprop, centred and with momentum as options.

Hinton, *Neural networks for machine learning*, lecture 6, 2012; centred form: Graves, *Generating sequences with
recurrent neural networks*, 2013, https://arxiv.org/abs/1308.0850.
"""

from __future__ import annotations

from typing import Any, ClassVar

import torchax_lite as torch

from ._rule import RuleOptimizer, check_learning_rate, check_rate, full_like
from ._update import Update, update
from .optimizer import ParamsT

__all__ = ["RMSprop"]


@update("param", "square_avg", "momentum_buffer", "grad_avg")
def rmsprop_formula(
    xp: Any,
    *,
    param: Any,
    grad: Any,
    square_avg: Any,
    momentum_buffer: Any = None,
    grad_avg: Any = None,
    lr: Any,
    alpha: Any,
    eps: Any,
    weight_decay: Any,
    momentum: Any,
    maximize: bool,
    decay: bool,
) -> tuple:
    """``p -= lr * g / (sqrt(v) + eps)``, with v the running mean of g squared (less the mean's square if centred)."""
    if maximize:
        grad = xp.neg(grad)
    if decay:
        grad = xp.add(grad, param, weight_decay)
    square_avg = xp.addcmul(xp.mul(square_avg, alpha), grad, grad, 1 - alpha)
    variance = square_avg
    if grad_avg is not None:
        grad_avg = xp.lerp(grad_avg, grad, 1 - alpha)
        variance = xp.addcmul(square_avg, grad_avg, grad_avg, -1)
    denominator = xp.add(xp.sqrt(variance), eps)
    if momentum_buffer is None:
        return xp.addcdiv(param, grad, denominator, -lr), square_avg, None, grad_avg
    momentum_buffer = xp.addcdiv(xp.mul(momentum_buffer, momentum), grad, denominator, 1)
    return xp.add(param, momentum_buffer, -lr), square_avg, momentum_buffer, grad_avg


class RMSprop(RuleOptimizer):
    """RMSprop: the gradient divided by the root of its running mean square, ``eps`` added after the root.

    All updates of a group are one fused operation.

    Args:
        params: parameters, named parameters or groups.
        lr: learning rate, a number or a one-element tensor.
        alpha: how much of the running mean is kept.
        eps: added to the denominator.
        weight_decay: L2 penalty, added to the gradient.
        momentum: factor of the velocity.
        centered: divide by the root of the running variance.
        capturable: keeps ``step`` on the device; accelerators only.
        foreach: accepted, selects nothing.
        maximize: climb instead of descending.
        differentiable: let autograd see the update.
    """

    rule: ClassVar[Update] = rmsprop_formula
    newer_options: ClassVar[dict[str, Any]] = {
        **RuleOptimizer.newer_options,
        "momentum": 0,
        "centered": False,
        "capturable": False,
    }

    def __init__(
        self,
        params: ParamsT,
        lr: float | torch.Tensor = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_learning_rate(lr)
        check_rate("epsilon value", eps)
        check_rate("momentum value", momentum)
        check_rate("weight_decay value", weight_decay)
        check_rate("alpha value", alpha)
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "alpha": alpha,
            "eps": eps,
            "centered": centered,
            "weight_decay": weight_decay,
            "capturable": capturable,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def _new_state(self, p: torch.Tensor, group: dict[str, Any]) -> dict[str, Any]:
        columns = {name: full_like(p) for name in self._state_columns(group)}
        return {"step": self._new_number(p, group), **columns}

    def _state_columns(self, group: dict[str, Any]) -> tuple[str, ...]:
        momentum = ("momentum_buffer",) if group["momentum"] > 0 else ()
        return ("square_avg", *momentum, *(("grad_avg",) if group["centered"] else ()))

    def _rates(self, group: dict[str, Any]) -> dict[str, Any]:
        return {name: group[name] for name in ("lr", "alpha", "eps", "weight_decay", "momentum")}
