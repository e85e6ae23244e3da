"""SparseAdam: Adam for the rows that a sparse gradient has.

Kingma and Ba, *Adam: A method for stochastic optimization*, ICLR 2015, https://arxiv.org/abs/1412.6980.
"""

from __future__ import annotations

from typing import Any, ClassVar

import torchax_lite as torch

from ._rule import RuleOptimizer, check_betas, check_one_element, full_like
from ._update import RowUpdate
from .optimizer import ParamsT

__all__ = ["SparseAdam"]


def sparse_adam_formula(
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
    correction: Any,
    maximize: bool,
) -> tuple:
    """``p -= lr * sqrt(c2) / c1 * m / (sqrt(v) + eps)`` with running means m of g and v of g squared."""
    if maximize:
        grad = xp.neg(grad)
    exp_avg = xp.add(exp_avg, xp.sub(grad, exp_avg), 1 - beta1)
    exp_avg_sq = xp.add(exp_avg_sq, xp.sub(xp.mul(grad, grad), exp_avg_sq), 1 - beta2)
    return xp.addcdiv(param, exp_avg, xp.add(xp.sqrt(exp_avg_sq), eps), -(lr * correction)), exp_avg, exp_avg_sq


class SparseAdam(RuleOptimizer):
    """Adam that changes only the rows (and their running means) for which the gradient has an entry.

    For dense parameters with sparse gradients, ``nn.Embedding(sparse=True)`` say. All updates of a group are one fused
    operation, whose cost is that of the rows touched.

    Args:
        params: parameters, named parameters or groups; real and dense.
        lr: learning rate, a number or a one-element tensor; above 0.
        betas: how much of the running means of the gradient and of its square is kept.
        eps: added to the denominator; above 0.
        maximize: climb instead of descending.
    """

    sparse_rule: ClassVar[RowUpdate] = RowUpdate(sparse_adam_formula, ("param", "exp_avg", "exp_avg_sq"))
    host_names = ()
    newer_options: ClassVar[dict[str, Any]] = {}

    def __init__(
        self,
        params: ParamsT,
        lr: float | torch.Tensor = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        maximize: bool = False,
    ) -> None:
        check_one_element(lr)
        if not 0.0 < lr:
            raise ValueError(f"Invalid learning rate: {lr}")
        if not 0.0 < eps:
            raise ValueError(f"Invalid epsilon value: {eps}")
        check_betas(betas)
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "maximize": maximize})
        places = [(i, j, p) for i, group in enumerate(self.param_groups) for j, p in enumerate(group["params"])]
        sparse = [[i, j] for i, j, p in places if p.is_sparse]
        if sparse:
            raise ValueError(f"Sparse params at indices {sparse}: SparseAdam requires dense parameter tensors")
        complex_ones = [[i, j] for i, j, p in places if p.is_complex()]
        if complex_ones:
            raise ValueError(
                f"Complex params at indices {complex_ones}: SparseAdam does not support complex parameters"
            )

    def _check_sparse(self, group: dict[str, Any]) -> None:
        """Sparse gradients are the only ones it takes."""

    def _state_of(self, p: torch.Tensor, group: dict[str, Any]) -> dict[str, Any]:
        if not p.grad.is_sparse:  # type: ignore[union-attr]
            raise RuntimeError("SparseAdam does not support dense gradients, please consider Adam instead")
        state = super()._state_of(p, group)
        state["step"] += 1
        return state

    def _new_state(self, p: torch.Tensor, group: dict[str, Any]) -> dict[str, Any]:
        return {"step": 0, "exp_avg": full_like(p), "exp_avg_sq": full_like(p)}

    def _state_columns(self, group: dict[str, Any]) -> tuple[str, ...]:
        return ("exp_avg", "exp_avg_sq")

    def _rates(self, group: dict[str, Any]) -> dict[str, Any]:
        beta1, beta2 = group["betas"]
        return {"lr": group["lr"], "eps": group["eps"], "beta1": beta1, "beta2": beta2}

    def _values(
        self, p: torch.Tensor, group: dict[str, Any], state: dict[str, Any], numbers: list[Any]
    ) -> tuple[float, ...]:
        return (state["step"],)

    def _advance(
        self, group: dict[str, Any], rates: dict[str, Any], values: tuple[float, ...]
    ) -> tuple[tuple[float, ...], dict[str, Any]]:
        step = values[0]
        return (), {"correction": (1 - rates["beta2"] ** step) ** 0.5 / (1 - rates["beta1"] ** step)}

    def _flags(self, group: dict[str, Any]) -> dict[str, bool]:
        return {"maximize": bool(group.get("maximize", False))}
