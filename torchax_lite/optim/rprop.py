"""Rprop: step sizes that follow the sign of the gradient alone.

Riedmiller and Braun, *A direct adaptive method for faster backpropagation learning: the RPROP algorithm*, 1993.
"""

from __future__ import annotations

from typing import Any, ClassVar

import torchax_lite as torch

from ._rule import RuleOptimizer, check_learning_rate, full_like
from ._update import Update, update
from .optimizer import ParamsT

__all__ = ["Rprop"]


@update("param", "prev", "step_size")
def rprop_formula(
    xp: Any,
    *,
    param: Any,
    grad: Any,
    prev: Any,
    step_size: Any,
    shrink: Any,
    grow: Any,
    smallest: Any,
    largest: Any,
    maximize: bool,
) -> tuple:
    """``p -= sign(g) * s``; s grows while the sign stays, shrinks (and the step is left out) when it turns."""
    if maximize:
        grad = xp.neg(grad)
    turned = xp.sign(xp.mul(grad, prev))
    factor = xp.where(turned > 0, grow, xp.where(turned < 0, shrink, xp.add(turned, 1.0)))
    step_size = xp.clamp(xp.mul(step_size, factor), smallest, largest)
    grad = xp.where(turned < 0, 0.0, grad)
    return xp.addcmul(param, xp.sign(grad), step_size, -1), grad, step_size


class Rprop(RuleOptimizer):
    """Resilient backpropagation: one step size a coordinate, changed by the gradient's sign. For full batches.

    All updates of a group are one fused operation.

    Args:
        params: parameters, named parameters or groups.
        lr: first step size, a number or a one-element tensor.
        etas: factors of the step size when the sign turns, and when it stays.
        step_sizes: smallest and largest step size.
        capturable: keeps ``step`` on the device; accelerators only.
        foreach: accepted, selects nothing.
        maximize: climb instead of descending.
        differentiable: let autograd see the update.
    """

    rule: ClassVar[Update] = rprop_formula
    newer_options: ClassVar[dict[str, Any]] = {**RuleOptimizer.newer_options, "capturable": False}

    def __init__(
        self,
        params: ParamsT,
        lr: float | torch.Tensor = 1e-2,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50),
        *,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_learning_rate(lr)
        if not 0.0 < etas[0] < 1.0 < etas[1]:
            raise ValueError(f"Invalid eta values: {etas[0]}, {etas[1]}")
        defaults = {
            "lr": lr,
            "etas": etas,
            "step_sizes": step_sizes,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, defaults)

    def _new_state(self, p: torch.Tensor, group: dict[str, Any]) -> dict[str, Any]:
        first = float(group["lr"])
        size = complex(first, first) if p.is_complex() else first
        return {"step": self._new_number(p, group), "prev": full_like(p), "step_size": full_like(p, size)}

    def _state_columns(self, group: dict[str, Any]) -> tuple[str, ...]:
        return ("prev", "step_size")

    def _rates(self, group: dict[str, Any]) -> dict[str, Any]:
        shrink, grow = group["etas"]
        smallest, largest = group["step_sizes"]
        return {"shrink": shrink, "grow": grow, "smallest": smallest, "largest": largest}

    def _flags(self, group: dict[str, Any]) -> dict[str, bool]:
        return {"maximize": bool(group["maximize"])}
