"""RAdam: Adam that waits until the variance of its adaptive rate is tractable.

Liu, Jiang, He, Chen, Liu, Gao, Han, *On the variance of the adaptive learning rate and beyond*, ICLR 2020,
https://arxiv.org/abs/1908.03265.
"""

from __future__ import annotations

from typing import Any, ClassVar

import torchax_lite as torch

from ._rule import RuleOptimizer, check_betas, check_learning_rate, check_rate, full_like
from ._update import Update, update
from .optimizer import ParamsT

__all__ = ["RAdam"]


@update("param", "exp_avg", "exp_avg_sq")
def radam_formula(
    xp: Any,
    *,
    param: Any,
    grad: Any,
    exp_avg: Any,
    exp_avg_sq: Any,
    lr: Any,
    beta1: Any,
    beta2: Any,
    eps: Any,
    weight_decay: Any,
    correction1: Any,
    rectification: Any,
    maximize: bool,
    decay: bool,
    decoupled: bool,
    from_start: bool | None,
) -> tuple:
    """``p -= lr * m / c1 * rectification / (sqrt(v) + eps)``; without the last factor while rectification is 0."""
    if maximize:
        grad = xp.neg(grad)
    if decay and decoupled:
        param = xp.mul(param, 1 - lr * weight_decay)
    elif decay:
        grad = xp.add(grad, param, weight_decay)
    exp_avg = xp.lerp(exp_avg, grad, 1 - beta1, from_start)
    exp_avg_sq = xp.addcmul(xp.mul(exp_avg_sq, beta2), grad, grad, 1 - beta2)
    mean = xp.div(exp_avg, correction1)
    adaptive = xp.div(xp.mul(mean, rectification), xp.add(xp.sqrt(exp_avg_sq), eps))
    return xp.add(param, xp.where(rectification > 0, adaptive, mean), -lr), exp_avg, exp_avg_sq


class RAdam(RuleOptimizer):
    """Rectified Adam: plain momentum at first, then Adam with a growing factor.

    All updates of a group are one fused operation.

    Args:
        params: parameters, named parameters or groups.
        lr: learning rate, a number or a one-element tensor.
        betas: how much of the running means of the gradient and of its square is kept.
        eps: added to the denominator.
        weight_decay: L2 penalty added to the gradient, or the decay of the parameter if ``decoupled_weight_decay``.
        decoupled_weight_decay: decay the parameter as AdamW does.
        foreach: accepted, selects nothing.
        maximize: climb instead of descending.
        capturable: keeps ``step`` on the device; accelerators only.
        differentiable: let autograd see the update.
    """

    rule: ClassVar[Update] = radam_formula
    interpolates: ClassVar[bool] = True
    newer_options: ClassVar[dict[str, Any]] = {
        **RuleOptimizer.newer_options,
        "capturable": False,
        "decoupled_weight_decay": False,
    }

    def __init__(
        self,
        params: ParamsT,
        lr: float | torch.Tensor = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
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
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "decoupled_weight_decay": decoupled_weight_decay,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def _new_state(self, p: torch.Tensor, group: dict[str, Any]) -> dict[str, Any]:
        return {"step": self._new_number(p, group), "exp_avg": full_like(p), "exp_avg_sq": full_like(p)}

    def _state_columns(self, group: dict[str, Any]) -> tuple[str, ...]:
        return ("exp_avg", "exp_avg_sq")

    def _rates(self, group: dict[str, Any]) -> dict[str, Any]:
        beta1, beta2 = group["betas"]
        rates = {name: group[name] for name in ("lr", "eps", "weight_decay")}
        return {**rates, "beta1": beta1, "beta2": beta2}

    def _advance(
        self, group: dict[str, Any], rates: dict[str, Any], values: tuple[float, ...]
    ) -> tuple[tuple[float, ...], dict[str, Any]]:
        step, beta2 = values[0] + 1, rates["beta2"]
        correction2 = 1 - beta2**step
        longest = 2 / (1 - beta2) - 1  # length of the simple moving average that approximates the running mean
        length = longest - 2 * step * (beta2**step) / correction2
        rectification = 0.0
        if length > 5.0:
            ratio = (length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length)
            rectification = ratio**0.5 * correction2**0.5
        return (step,), {"correction1": 1 - rates["beta1"] ** step, "rectification": rectification}
