"""NAdam: Adam with Nesterov's momentum.

Dozat, *Incorporating Nesterov momentum into Adam*, ICLR workshop 2016.
"""

from __future__ import annotations

from typing import Any, ClassVar

import ml_dtypes
import numpy as np

import torchax_lite as torch

from ._rule import HostNumber, RuleOptimizer, check_betas, check_learning_rate, check_rate, full_like
from ._update import Update, update
from .optimizer import ParamsT

__all__ = ["NAdam"]

_ROUND: dict[Any, Any] = {torch.float32: np.float32, torch.float16: np.float16, torch.bfloat16: ml_dtypes.bfloat16}


@update("param", "exp_avg", "exp_avg_sq")
def nadam_formula(
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
    correction2: Any,
    grad_factor: Any,
    mean_factor: Any,
    maximize: bool,
    decay: bool,
    decoupled: bool,
    from_start: bool | None,
) -> tuple:
    """``p -= lr * (grad_factor * g + mean_factor * m) / (sqrt(v / c2) + eps)``."""
    if maximize:
        grad = xp.neg(grad)
    if decay and decoupled:
        param = xp.mul(param, 1 - lr * weight_decay)
    elif decay:
        grad = xp.add(grad, param, weight_decay)
    exp_avg = xp.lerp(exp_avg, grad, 1 - beta1, from_start)
    exp_avg_sq = xp.addcmul(xp.mul(exp_avg_sq, beta2), grad, grad, 1 - beta2)
    denominator = xp.add(xp.sqrt(xp.div(exp_avg_sq, correction2)), eps)
    param = xp.addcdiv(param, grad, denominator, -lr * grad_factor)
    return xp.addcdiv(param, exp_avg, denominator, -lr * mean_factor), exp_avg, exp_avg_sq


class NAdam(RuleOptimizer):
    """NAdam: Adam that looks ahead along the momentum, whose factor grows towards ``betas[0]``.

    All updates of a group are one fused operation.

    Args:
        params: parameters, named parameters or groups.
        lr: learning rate, a number or a one-element tensor.
        betas: how much of the running means of the gradient and of its square is kept.
        eps: added to the denominator.
        weight_decay: L2 penalty added to the gradient, or the decay of the parameter if ``decoupled_weight_decay``.
        momentum_decay: speed of the momentum schedule ``mu_t = betas[0] * (1 - 0.5 * 0.96 ** (t * momentum_decay))``.
        decoupled_weight_decay: decay the parameter as AdamW does.
        foreach: accepted, selects nothing.
        maximize: climb instead of descending.
        capturable: keeps ``step`` on the device; accelerators only.
        differentiable: let autograd see the update.
    """

    rule: ClassVar[Update] = nadam_formula
    interpolates: ClassVar[bool] = True
    host_names = ("step", "mu_product")
    placed = "params, mu_products and state_steps"
    newer_options: ClassVar[dict[str, Any]] = {
        **RuleOptimizer.newer_options,
        "capturable": False,
        "decoupled_weight_decay": False,
    }

    def __init__(
        self,
        params: ParamsT,
        lr: float | torch.Tensor = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum_decay: float = 4e-3,
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
        check_rate("momentum_decay value", momentum_decay)
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "momentum_decay": momentum_decay,
            "decoupled_weight_decay": decoupled_weight_decay,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def _new_state(self, p: torch.Tensor, group: dict[str, Any]) -> dict[str, Any]:
        numbers = {"step": self._new_number(p, group), "mu_product": self._new_number(p, group, 1.0)}
        return {**numbers, "exp_avg": full_like(p), "exp_avg_sq": full_like(p)}

    def _state_columns(self, group: dict[str, Any]) -> tuple[str, ...]:
        return ("exp_avg", "exp_avg_sq")

    def _rates(self, group: dict[str, Any]) -> dict[str, Any]:
        beta1, beta2 = group["betas"]
        rates = {name: group[name] for name in ("lr", "eps", "weight_decay")}
        return {**rates, "beta1": beta1, "beta2": beta2}

    def _values(
        self, p: torch.Tensor, group: dict[str, Any], state: dict[str, Any], numbers: list[HostNumber]
    ) -> tuple[Any, ...]:
        # The product is rounded to the dtype that it has: the parameter's, once it was loaded.
        return (*super()._values(p, group, state, numbers), _ROUND.get(numbers[1].tensor.dtype))

    def _advance(
        self, group: dict[str, Any], rates: dict[str, Any], values: tuple[Any, ...]
    ) -> tuple[tuple[float, ...], dict[str, Any]]:
        step, beta1, decay = values[0] + 1, rates["beta1"], group["momentum_decay"]
        mu = beta1 * (1.0 - 0.5 * (0.96 ** (step * decay)))
        mu_next = beta1 * (1.0 - 0.5 * (0.96 ** ((step + 1) * decay)))
        product = values[1] * mu if values[2] is None else float(values[2](values[1] * float(np.float32(mu))))
        return (step, product), {
            "correction2": 1 - rates["beta2"] ** step,
            "grad_factor": (1.0 - mu) / (1.0 - product),
            "mean_factor": mu_next / (1.0 - product * mu_next),
        }
