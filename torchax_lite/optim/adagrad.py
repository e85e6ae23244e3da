"""Adagrad: each coordinate's rate falls with the squared gradients that it has seen.

Duchi, Hazan, Singer, *Adaptive subgradient methods for online learning and stochastic optimization*, JMLR 12, 2011.
"""

from __future__ import annotations

from typing import Any, ClassVar

import torchax_lite as torch

from .._generated import internal as _ops
from ..sparse._embedding import row_gradient
from ._rule import RuleOptimizer, check_fused, check_learning_rate, check_rate, full_like
from ._update import Update, update
from .optimizer import ParamsT

__all__ = ["Adagrad"]


@update("param", "sum")
def adagrad_formula(
    xp: Any,
    *,
    param: Any,
    grad: Any,
    sum: Any,
    lr: Any,
    eps: Any,
    weight_decay: Any,
    slowdown: Any,
    maximize: bool,
    decay: bool,
) -> tuple:
    """``s += g * g;  p -= lr / slowdown * g / (sqrt(s) + eps)``."""
    if maximize:
        grad = xp.neg(grad)
    if decay:
        grad = xp.add(grad, param, weight_decay)
    sum = xp.addcmul(sum, grad, grad, 1)
    return xp.addcdiv(param, grad, xp.add(xp.sqrt(sum), eps), -(lr / slowdown)), sum


class Adagrad(RuleOptimizer):
    """Adagrad: the gradient divided by the root of the sum of its squares so far.

    All updates of a group are one fused operation. The state exists from the start.

    Args:
        params: parameters, named parameters or groups.
        lr: learning rate, a number or a one-element tensor.
        lr_decay: the rate of update t is ``lr / (1 + (t - 1) * lr_decay)``.
        weight_decay: L2 penalty, added to the gradient.
        initial_accumulator_value: start of the sum.
        eps: added to the denominator.
        foreach, fused: accepted, select nothing.
        maximize: climb instead of descending.
        differentiable: let autograd see the update.
    """

    rule: ClassVar[Update] = adagrad_formula
    newer_options: ClassVar[dict[str, Any]] = {**RuleOptimizer.newer_options, "fused": None}

    def __init__(
        self,
        params: ParamsT,
        lr: float | torch.Tensor = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        check_learning_rate(lr)
        check_rate("lr_decay value", lr_decay)
        check_rate("weight_decay value", weight_decay)
        check_rate("initial_accumulator_value value", initial_accumulator_value)
        check_rate("epsilon value", eps)
        defaults = {
            "lr": lr,
            "lr_decay": lr_decay,
            "eps": eps,
            "weight_decay": weight_decay,
            "initial_accumulator_value": initial_accumulator_value,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "fused": fused,
        }
        super().__init__(params, defaults)
        check_fused(fused, foreach, differentiable)
        for group in self.param_groups:
            for p in group["params"]:
                self.state[p].update(self._new_state(p, group))

    def share_memory(self) -> None:
        """Move the sums to shared memory."""
        for group in self.param_groups:
            for p in group["params"]:
                self.state[p]["sum"].share_memory_()

    def _new_state(self, p: torch.Tensor, group: dict[str, Any]) -> dict[str, Any]:
        start = self.defaults["initial_accumulator_value"]
        value = complex(start, start) if p.is_complex() else start
        return {"step": self._new_number(p, group), "sum": full_like(p, value)}

    def _step_sparse(self, p: torch.Tensor, grad: torch.Tensor, group: dict[str, Any]) -> None:
        """Only the rows that the gradient lists change."""
        if group["weight_decay"] != 0:
            raise RuntimeError("weight_decay option is not compatible with sparse gradients")
        state = self.state[p]
        numbers = self._numbers_of(p, state)
        after, rates = self._advance(group, {}, self._values(p, group, state, numbers))
        for number, value in zip(numbers, after):
            number.set(value)
        rows, values = row_gradient(grad)
        if group["maximize"]:
            values = -values
        lr = group["lr"] / rates["slowdown"]
        shape = (-1, *values.shape[1:])
        made = _ops.sparse_adagrad(p.reshape(shape), state["sum"].reshape(shape), rows, values, lr, group["eps"])
        p.copy_(made[0].reshape(p.shape))
        state["sum"].copy_(made[1].reshape(p.shape))

    def _state_columns(self, group: dict[str, Any]) -> tuple[str, ...]:
        return ("sum",)

    def _rates(self, group: dict[str, Any]) -> dict[str, Any]:
        return {name: group[name] for name in ("lr", "eps", "weight_decay")}

    def _advance(
        self, group: dict[str, Any], rates: dict[str, Any], values: tuple[float, ...]
    ) -> tuple[tuple[float, ...], dict[str, Any]]:
        return (values[0] + 1,), {"slowdown": 1 + values[0] * group["lr_decay"]}
