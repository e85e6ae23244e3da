"""ASGD: SGD with a falling rate, and the average of its iterates.

Polyak and Juditsky, *Acceleration of stochastic approximation by averaging*, SIAM J. Control Optim. 30, 1992.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

import torchax_lite as torch

from ._rule import RuleOptimizer, check_learning_rate, check_rate, full_like, number_dtype
from ._update import Update, update
from .optimizer import ParamsT

__all__ = ["ASGD"]


@update("param", "ax")
def asgd_formula(
    xp: Any,
    *,
    param: Any,
    grad: Any,
    ax: Any,
    lambd: Any,
    weight_decay: Any,
    eta: Any,
    mu: Any,
    maximize: bool,
    decay: bool,
) -> tuple:
    """``p -= eta * (lambd * p + g);  a += mu * (p - a)``."""
    if maximize:
        grad = xp.neg(grad)
    if decay:
        grad = xp.add(grad, param, weight_decay)
    param = xp.add(xp.mul(param, 1 - lambd * eta), grad, -eta)
    return param, xp.where(mu == 1, param, xp.add(ax, xp.mul(xp.sub(param, ax), mu)))


class ASGD(RuleOptimizer):
    """Averaged stochastic gradient descent; the average is ``state[p]["ax"]``.

    All updates of a group are one fused operation.

    Args:
        params: parameters, named parameters or groups.
        lr: first rate, a number or a one-element tensor.
        lambd: decay of the parameters, and of the rate: ``eta_t = lr / (1 + lambd * lr * t) ** alpha``.
        alpha: exponent of the rate's decay.
        t0: the update at which averaging starts.
        weight_decay: L2 penalty, added to the gradient.
        foreach: accepted, selects nothing.
        maximize: climb instead of descending.
        differentiable: let autograd see the update.
        capturable: accelerators only.
    """

    rule: ClassVar[Update] = asgd_formula
    host_names = ("step", "eta", "mu")
    placed = "params, mus, etas, and state_steps"
    newer_options: ClassVar[dict[str, Any]] = {**RuleOptimizer.newer_options, "capturable": False}

    def __init__(
        self,
        params: ParamsT,
        lr: float | torch.Tensor = 1e-2,
        lambd: float = 1e-4,
        alpha: float = 0.75,
        t0: float = 1e6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        check_learning_rate(lr)
        check_rate("weight_decay value", weight_decay)
        defaults = {
            "lr": lr,
            "lambd": lambd,
            "alpha": alpha,
            "t0": t0,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, defaults)

    def _new_state(self, p: torch.Tensor, group: dict[str, Any]) -> dict[str, Any]:
        values = {"step": 0.0, "eta": float(group["lr"]), "mu": 1.0}
        numbers = {name: torch.tensor(value, dtype=number_dtype(), device=p.device) for name, value in values.items()}
        return {**numbers, "ax": full_like(p)}

    def _state_columns(self, group: dict[str, Any]) -> tuple[str, ...]:
        return ("ax",)

    def _rates(self, group: dict[str, Any]) -> dict[str, Any]:
        return {"lambd": group["lambd"], "weight_decay": group["weight_decay"]}

    def _advance(
        self, group: dict[str, Any], rates: dict[str, Any], values: tuple[float, ...]
    ) -> tuple[tuple[float, ...], dict[str, Any]]:
        step, lr, lambd = values[0] + 1, float(group["lr"]), group["lambd"]
        eta = lr / ((1 + lambd * lr * step) ** group["alpha"])
        mu = 1 / max(1, step - group["t0"])
        if number_dtype() == torch.float32:  # also where a loaded state has another dtype
            eta, mu = float(np.float32(eta)), float(np.float32(mu))
        return (step, eta, mu), {"eta": values[1], "mu": values[2]}
