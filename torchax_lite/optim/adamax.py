"""Adamax: Adam with the infinity norm in place of the second moment.

Kingma and Ba, *Adam: A method for stochastic optimization*, section 7, ICLR 2015, https://arxiv.org/abs/1412.6980.
"""

from __future__ import annotations

from typing import Any, ClassVar

import torchax_lite as torch

from ._rule import RuleOptimizer, check_betas, check_learning_rate, check_rate, full_like
from ._update import Update, update
from .optimizer import ParamsT

__all__ = ["Adamax"]


@update("param", "exp_avg", "exp_inf")
def adamax_formula(
    xp: Any,
    *,
    param: Any,
    grad: Any,
    exp_avg: Any,
    exp_inf: Any,
    lr: Any,
    beta1: Any,
    beta2: Any,
    eps: Any,
    weight_decay: Any,
    correction: Any,
    maximize: bool,
    decay: bool,
    from_start: bool | None,
) -> tuple:
    """``u = max(beta2 * u, |g| + eps);  p -= lr / c1 * m / u``."""
    if maximize:
        grad = xp.neg(grad)
    if decay:
        grad = xp.add(grad, param, weight_decay)
    exp_avg = xp.lerp(exp_avg, grad, 1 - beta1, from_start)
    exp_inf = xp.maximum(xp.mul(exp_inf, beta2), xp.add(xp.absolute(grad), eps))
    return xp.addcdiv(param, exp_avg, exp_inf, -(lr / correction)), exp_avg, exp_inf


class Adamax(RuleOptimizer):
    """Adamax: steps along the mean gradient, divided by its decaying largest magnitude.

    All updates of a group are one fused operation.

    Args:
        params: parameters, named parameters or groups.
        lr: learning rate, a number or a one-element tensor.
        betas: how much of the running mean, and of the running maximum, is kept.
        eps: added to the gradient's magnitude.
        weight_decay: L2 penalty, added to the gradient.
        foreach: accepted, selects nothing.
        maximize: climb instead of descending.
        differentiable: let autograd see the update.
        capturable: keeps ``step`` on the device; accelerators only.
    """

    rule: ClassVar[Update] = adamax_formula
    interpolates: ClassVar[bool] = True
    newer_options: ClassVar[dict[str, Any]] = {**RuleOptimizer.newer_options, "capturable": False}

    def __init__(
        self,
        params: ParamsT,
        lr: float | torch.Tensor = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        check_learning_rate(lr)
        check_rate("epsilon value", eps)
        check_betas(betas)
        check_rate("weight_decay value", weight_decay)
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, defaults)

    def _new_state(self, p: torch.Tensor, group: dict[str, Any]) -> dict[str, Any]:
        return {"step": self._new_number(p, group), "exp_avg": full_like(p), "exp_inf": full_like(p)}

    def _state_columns(self, group: dict[str, Any]) -> tuple[str, ...]:
        return ("exp_avg", "exp_inf")

    def _rates(self, group: dict[str, Any]) -> dict[str, Any]:
        beta1, beta2 = group["betas"]
        rates = {name: group[name] for name in ("lr", "eps", "weight_decay")}
        return {**rates, "beta1": beta1, "beta2": beta2}

    def _advance(
        self, group: dict[str, Any], rates: dict[str, Any], values: tuple[float, ...]
    ) -> tuple[tuple[float, ...], dict[str, Any]]:
        step = values[0] + 1
        return (step,), {"correction": 1 - rates["beta1"] ** step}
