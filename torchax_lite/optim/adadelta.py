"""Adadelta: steps in units of the parameter's own past steps.

Zeiler, *ADADELTA: An adaptive learning rate method*, 2012, https://arxiv.org/abs/1212.5701.
"""

from __future__ import annotations

from typing import Any, ClassVar

import torchax_lite as torch

from ._rule import RuleOptimizer, check_learning_rate, check_rate, full_like
from ._update import Update, update
from .optimizer import ParamsT

__all__ = ["Adadelta"]


@update("param", "square_avg", "acc_delta")
def adadelta_formula(
    xp: Any,
    *,
    param: Any,
    grad: Any,
    square_avg: Any,
    acc_delta: Any,
    lr: Any,
    rho: Any,
    eps: Any,
    weight_decay: Any,
    maximize: bool,
    decay: bool,
) -> tuple:
    """``d = sqrt(u + eps) / sqrt(v + eps) * g;  p -= lr * d``; v, u: running means of the squares of g and d."""
    if maximize:
        grad = xp.neg(grad)
    if decay:
        grad = xp.add(grad, param, weight_decay)
    square_avg = xp.addcmul(xp.mul(square_avg, rho), grad, grad, 1 - rho)
    root = xp.sqrt(xp.add(square_avg, eps))
    delta = xp.mul(xp.div(xp.sqrt(xp.add(acc_delta, eps)), root), grad)
    acc_delta = xp.addcmul(xp.mul(acc_delta, rho), delta, delta, 1 - rho)
    return xp.add(param, delta, -lr), square_avg, acc_delta


class Adadelta(RuleOptimizer):
    """Adadelta: the gradient scaled by the ratio of two running root mean squares, of past steps and of gradients.

    All updates of a group are one fused operation.

    Args:
        params: parameters, named parameters or groups.
        lr: factor of the step, a number or a one-element tensor.
        rho: how much of the running means is kept.
        eps: added under both roots.
        weight_decay: L2 penalty, added to the gradient.
        foreach: accepted, selects nothing.
        capturable: keeps ``step`` on the device; accelerators only.
        maximize: climb instead of descending.
        differentiable: let autograd see the update.
    """

    rule: ClassVar[Update] = adadelta_formula
    newer_options: ClassVar[dict[str, Any]] = {**RuleOptimizer.newer_options, "capturable": False}

    def __init__(
        self,
        params: ParamsT,
        lr: float | torch.Tensor = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        capturable: bool = False,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_learning_rate(lr)
        if not 0.0 <= rho <= 1.0:
            raise ValueError(f"Invalid rho value: {rho}")
        check_rate("epsilon value", eps)
        check_rate("weight_decay value", weight_decay)
        defaults = {
            "lr": lr,
            "rho": rho,
            "eps": eps,
            "weight_decay": weight_decay,
            "maximize": maximize,
            "capturable": capturable,
            "foreach": foreach,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def _new_state(self, p: torch.Tensor, group: dict[str, Any]) -> dict[str, Any]:
        return {"step": self._new_number(p, group), "square_avg": full_like(p), "acc_delta": full_like(p)}

    def _state_columns(self, group: dict[str, Any]) -> tuple[str, ...]:
        return ("square_avg", "acc_delta")

    def _rates(self, group: dict[str, Any]) -> dict[str, Any]:
        return {name: group[name] for name in ("lr", "rho", "eps", "weight_decay")}
