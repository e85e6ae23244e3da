"""SGD with momentum, in Nesterov's form too.

Robbins and Monro, *A stochastic approximation method*, 1951; Sutskever, Martens, Dahl, Hinton, *On the importance of
initialization and momentum in deep learning*, ICML 2013 (whose velocity contains the rate; here it does not).
"""

from __future__ import annotations

from typing import Any, ClassVar

import torchax_lite as torch

from ._rule import HostNumber, RuleOptimizer, check_fused, check_learning_rate, check_rate, full_like
from ._update import RowUpdate, Update, update
from .optimizer import ParamsT

__all__ = ["SGD"]


@update("param", "momentum_buffer")
def sgd_formula(
    xp: Any,
    *,
    param: Any,
    grad: Any,
    momentum_buffer: Any = None,
    lr: Any,
    weight_decay: Any,
    momentum: Any,
    keep: Any = None,
    gain: Any = None,
    maximize: bool,
    decay: bool,
    nesterov: bool,
) -> tuple:
    """``b = keep * b + gain * g;  p -= lr * b``, or ``p -= lr * (g + momentum * b)`` for Nesterov.

    ``keep`` and ``gain`` are momentum and ``1 - dampening``, but 0 and 1 at a parameter's first update.
    """
    if maximize:
        grad = xp.neg(grad)
    if decay:
        grad = xp.add(grad, param, weight_decay)
    if momentum_buffer is not None:
        momentum_buffer = xp.add(xp.mul(momentum_buffer, keep), xp.start(grad, keep), gain)
        grad = xp.add(grad, momentum_buffer, momentum) if nesterov else momentum_buffer
    return xp.add(param, grad, -lr), momentum_buffer


class SGD(RuleOptimizer):
    """Stochastic gradient descent: ``b = momentum * b + (1 - dampening) * g``, ``p -= lr * b``.

    The first ``b`` is the gradient itself. All updates of a group are one fused operation.

    Args:
        params: parameters, named parameters or groups.
        lr: learning rate, a number or a one-element tensor.
        momentum: factor of the velocity ``b``.
        dampening: part of the gradient that does not enter ``b``.
        weight_decay: L2 penalty, added to the gradient.
        nesterov: step along ``g + momentum * b``; needs momentum and no dampening.
        maximize: climb instead of descending.
        foreach, fused: accepted, select nothing.
        differentiable: let autograd see the update.
    """

    rule: ClassVar[Update] = sgd_formula
    host_names = ()
    sparse_rule = RowUpdate(sgd_formula.formula, sgd_formula.mutates)
    newer_options: ClassVar[dict[str, Any]] = {**RuleOptimizer.newer_options, "nesterov": False, "fused": False}

    def __init__(
        self,
        params: ParamsT,
        lr: float | torch.Tensor = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float | torch.Tensor = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        check_learning_rate(lr)
        check_rate("momentum value", momentum)
        check_rate("weight_decay value", weight_decay)
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "dampening": dampening,
            "weight_decay": weight_decay,
            "nesterov": nesterov,
            "maximize": maximize,
            "foreach": foreach,
            "differentiable": differentiable,
            "fused": fused,
        }
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")
        super().__init__(params, defaults)
        check_fused(self, fused, foreach, differentiable)

    def _state_of(self, p: torch.Tensor, group: dict[str, Any]) -> dict[str, Any]:
        if group["momentum"] == 0:
            return {}
        return self.state[p]

    def _state_columns(self, group: dict[str, Any]) -> tuple[str, ...]:
        return ("momentum_buffer",) if group["momentum"] != 0 else ()

    def _rates(self, group: dict[str, Any]) -> dict[str, Any]:
        return {"lr": group["lr"], "weight_decay": group["weight_decay"], "momentum": group["momentum"]}

    def _values(
        self, p: torch.Tensor, group: dict[str, Any], state: dict[str, Any], numbers: list[HostNumber]
    ) -> tuple[float, ...]:
        if group["momentum"] == 0 or state.get("momentum_buffer") is not None:
            return ()
        if not p.grad.is_sparse:  # type: ignore[union-attr]
            state["momentum_buffer"] = full_like(p)
        return (0.0,)

    def _advance(
        self, group: dict[str, Any], rates: dict[str, Any], values: tuple[float, ...]
    ) -> tuple[tuple[float, ...], dict[str, Any]]:
        if group["momentum"] == 0:
            return (), {}
        if values:  # the first update
            return (), {"keep": 0.0, "gain": 1.0}
        return (), {"keep": rates["momentum"], "gain": 1 - group["dampening"]}

    def _flags(self, group: dict[str, Any]) -> dict[str, bool]:
        return {**super()._flags(group), "nesterov": bool(group["nesterov"])}

    def _check_sparse(self, group: dict[str, Any]) -> None:
        if group["fused"]:
            raise RuntimeError("`_fused_sgd` does not support sparse gradients")
        if group["weight_decay"] != 0:
            raise RuntimeError("add(sparse, dense) is not supported. Use add(dense, sparse) instead.")

    def _apply_sparse(
        self,
        group: dict[str, Any],
        rates: dict[str, Any],
        params: list[Any],
        grads: list[Any],
        states: list[dict[str, Any]],
        own: list[dict[str, Any]],
    ) -> None:
        """Update the rows that sparse gradients have; a momentum of theirs is a sparse tensor too."""
        momentum = group["momentum"]
        if momentum == 0:
            super()._apply_sparse(group, rates, params, grads, states, own)
            return
        for p, grad, state in zip(params, grads, states):
            if group["maximize"]:
                grad = -grad
            velocity = state.get("momentum_buffer")
            if velocity is None:
                velocity = state["momentum_buffer"] = grad.detach().clone()
            else:
                velocity.mul_(momentum).add_(grad, alpha=1 - group["dampening"])
            grad = grad.add(velocity, alpha=momentum) if group["nesterov"] else velocity
            p.add_(grad, alpha=-float(group["lr"]))
