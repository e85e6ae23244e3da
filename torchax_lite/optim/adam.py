"""Adam: adaptive moment estimation, with decoupled weight decay (AdamW) and AMSGrad as options.

Kingma and Ba, *Adam: A method for stochastic optimization*, ICLR 2015, https://arxiv.org/abs/1412.6980; Reddi, Kale,
Kumar, *On the convergence of Adam and beyond*, ICLR 2018, https://arxiv.org/abs/1904.09237 (AMSGrad).
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

import torchax_lite as torch

from ._rule import (
    RuleOptimizer,
    check_betas,
    check_fused,
    check_learning_rate,
    check_rate,
    full_like,
    number_dtype,
)
from ._update import Update, update
from .optimizer import ParamsT

__all__ = ["Adam"]


@update("param", "exp_avg", "exp_avg_sq", "max_exp_avg_sq")
def adam_formula(
    xp: Any,
    *,
    param: Any,
    grad: Any,
    exp_avg: Any,
    exp_avg_sq: Any,
    max_exp_avg_sq: Any = None,
    lr: Any,
    beta1: Any,
    beta2: Any,
    eps: Any,
    weight_decay: Any,
    correction1: Any,
    correction2_sqrt: Any,
    maximize: bool,
    decay: bool,
    decoupled: bool,
    from_start: bool | None,
) -> tuple:
    """``p -= lr * m / c1 / (sqrt(v) / sqrt(c2) + eps)`` with running means m of g and v of g squared."""
    if maximize:
        grad = xp.neg(grad)
    if decay and decoupled:
        param = xp.mul(param, 1 - lr * weight_decay)
    elif decay:
        grad = xp.add(grad, param, weight_decay)
    exp_avg = xp.lerp(exp_avg, grad, 1 - beta1, from_start)
    exp_avg_sq = xp.addcmul(xp.mul(exp_avg_sq, beta2), grad, grad, 1 - beta2)
    second = exp_avg_sq
    if max_exp_avg_sq is not None:
        second = max_exp_avg_sq = xp.maximum(max_exp_avg_sq, exp_avg_sq)
    denominator = xp.add(xp.div(xp.sqrt(second), correction2_sqrt), eps)
    return xp.addcdiv(param, exp_avg, denominator, -(lr / correction1)), exp_avg, exp_avg_sq, max_exp_avg_sq


class Adam(RuleOptimizer):
    """Adam: steps along the mean gradient, divided by the root of the mean squared gradient.

    All updates of a group are one fused operation.

    Args:
        params: parameters, named parameters or groups.
        lr: learning rate, a number or a one-element tensor.
        betas: how much of the running means of the gradient and of its square is kept (both numbers or both
            one-element tensors).
        eps: added to the denominator.
        weight_decay: L2 penalty added to the gradient, or the decay of the parameter if ``decoupled_weight_decay``.
        amsgrad: divide by the root of the largest mean square so far.
        maximize: climb instead of descending.
        capturable: keeps ``step`` on the device; accelerators only.
        foreach, fused: accepted, select nothing.
        differentiable: let autograd see the update.
        decoupled_weight_decay: make it AdamW.
    """

    rule: ClassVar[Update] = adam_formula
    interpolates: ClassVar[bool] = True
    newer_options: ClassVar[dict[str, Any]] = {
        **RuleOptimizer.newer_options,
        "amsgrad": False,
        "capturable": False,
        "decoupled_weight_decay": False,
        "fused": None,
    }

    def __init__(
        self,
        params: ParamsT,
        lr: float | torch.Tensor = 1e-3,
        betas: tuple[float | torch.Tensor, float | torch.Tensor] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        decoupled_weight_decay: bool = False,
    ) -> None:
        if isinstance(lr, torch.Tensor) and foreach and not capturable:
            raise ValueError("lr as a Tensor is not supported for capturable=False and foreach=True")
        check_learning_rate(lr)
        check_rate("epsilon value", eps)
        check_betas(betas)
        check_rate("weight_decay value", weight_decay)
        _check_tensor_betas(betas, bool(foreach) and not capturable)
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "amsgrad": amsgrad,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "differentiable": differentiable,
            "fused": fused,
            "decoupled_weight_decay": decoupled_weight_decay,
        }
        super().__init__(params, defaults)
        check_fused(self, fused, foreach, differentiable)

    def _new_state(self, p: torch.Tensor, group: dict[str, Any]) -> dict[str, Any]:
        names = ("exp_avg", "exp_avg_sq", "max_exp_avg_sq") if group["amsgrad"] else ("exp_avg", "exp_avg_sq")
        return {"step": self._new_number(p, group), **{name: full_like(p) for name in names}}

    def _state_columns(self, group: dict[str, Any]) -> tuple[str, ...]:
        return ("exp_avg", "exp_avg_sq", "max_exp_avg_sq") if group["amsgrad"] else ("exp_avg", "exp_avg_sq")

    def _rates(self, group: dict[str, Any]) -> dict[str, Any]:
        if group["foreach"] and isinstance(group["lr"], torch.Tensor) and not group["capturable"]:
            raise RuntimeError("lr as a Tensor is not supported for capturable=False and foreach=True")
        beta1, beta2 = group["betas"]
        return {
            "lr": group["lr"],
            "beta1": beta1,
            "beta2": beta2,
            "eps": group["eps"],
            "weight_decay": group["weight_decay"],
        }

    def _advance(
        self, group: dict[str, Any], rates: dict[str, Any], values: tuple[float, ...]
    ) -> tuple[tuple[float, ...], dict[str, Any]]:
        step = values[0] + 1
        beta1, beta2 = rates["beta1"], rates["beta2"]
        number: Any = float
        if group["differentiable"] and not isinstance(beta1, torch.Tensor) and number_dtype() == torch.float32:
            number = np.float32  # as PyTorch's step tensor is
            beta1, beta2 = number(beta1), number(beta2)
        correction2 = 1 - beta2 ** number(step)
        return (step,), {"correction1": 1 - beta1 ** number(step), "correction2_sqrt": correction2**0.5}

    def _check_sparse(self, group: dict[str, Any]) -> None:
        raise RuntimeError("Adam does not support sparse gradients, please consider SparseAdam instead")


def _check_tensor_betas(betas: tuple[Any, Any], plain_foreach: bool) -> None:
    kinds = [isinstance(beta, torch.Tensor) for beta in betas]
    if kinds[0] != kinds[1]:
        raise ValueError("betas must be either both floats or both Tensors")
    for i, beta in enumerate(betas):
        if not kinds[i]:
            continue
        if plain_foreach:
            raise ValueError(f"betas[{i}] as a Tensor is not supported for capturable=False and foreach=True")
        if beta.numel() != 1:
            raise ValueError(f"Tensor betas[{i}] must be 1-element")
