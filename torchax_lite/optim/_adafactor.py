"""Adafactor: second moments of a matrix kept as one row and one column.

Shazeer and Stern, *Adafactor: Adaptive learning rates with sublinear memory cost*, ICML 2018,
https://arxiv.org/abs/1804.04235; with a learning rate, as in PyTorch.
"""

from __future__ import annotations

from typing import Any, ClassVar

import torchax_lite as torch

from ._rule import RuleOptimizer, check_one_element, full_like
from ._update import Update, update
from .optimizer import ParamsT

__all__ = ["Adafactor"]


@update("param", "row_var", "col_var", "variance")
def adafactor_formula(
    xp: Any,
    *,
    param: Any,
    grad: Any,
    row_var: Any = None,
    col_var: Any = None,
    variance: Any = None,
    lr: Any,
    weight_decay: Any,
    eps1: Any,
    eps2: Any,
    d: Any,
    fresh: Any,
    longest: Any,
    maximize: bool,
    decay: bool,
) -> tuple:
    """``u = g / sqrt(v);  p -= max(eps2, rms(p)) * min(lr, longest) * u / max(1, rms(u) / d)``.

    v is a running mean of g squared, of which ``fresh`` is new; for a matrix, the product of its mean over columns and
    over rows, divided by the mean of both.
    """
    if maximize:
        grad = xp.neg(grad)
    rate = xp.smaller(lr, longest)
    size = xp.scaled_rms(param, eps2, rate)
    if decay:
        param = xp.mul(param, 1 - lr * weight_decay)
    if variance is None:
        row_var = xp.lerp(row_var, xp.mean_square(grad, -1), fresh)
        col_var = xp.lerp(col_var, xp.mean_square(grad, -2), fresh)
        estimate = xp.div(xp.outer(row_var, col_var), xp.at_least(xp.mean(row_var, -2), eps1))
    else:
        estimate = variance = xp.lerp(variance, xp.mul(grad, grad), fresh)
    step = xp.mul(xp.rsqrt(xp.at_least(estimate, eps1 * eps1)), grad)
    return xp.add(param, step, -size / xp.excess(step, d)), row_var, col_var, variance


class Adafactor(RuleOptimizer):
    """Adafactor: steps relative to the parameter's own size, with the memory of a row and a column for each matrix.

    The updates of a group's matrices are one fused operation, those of its vectors another.

    Args:
        params: parameters, named parameters or groups; real.
        lr: largest relative step (and the factor of the weight decay), a number or a one-element tensor.
        beta2_decay: update t keeps ``1 - t ** beta2_decay`` of the running means.
        eps: smallest estimate of the root mean square (None: the dtype's epsilon), and smallest size of a parameter.
        d: steps whose root mean square is larger are shortened to it.
        weight_decay: decay of the parameter, times ``lr``.
        foreach: accepted, selects nothing.
        maximize: climb instead of descending.
    """

    rule: ClassVar[Update] = adafactor_formula
    newer_options: ClassVar[dict[str, Any]] = {"foreach": None}

    def __init__(
        self,
        params: ParamsT,
        lr: float | torch.Tensor = 1e-2,
        beta2_decay: float = -0.8,
        eps: tuple[float | None, float] = (None, 1e-3),
        d: float = 1.0,
        weight_decay: float = 0.0,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
    ) -> None:
        check_one_element(lr)
        if not 0.0 <= lr:
            raise ValueError(f"Learning rate should be >= 0 but is: {lr}")
        if not 0.0 >= beta2_decay:
            raise ValueError(f"beta2_decay should be <= 0 but is: {beta2_decay}")
        if eps[0] is not None and not 0.0 <= eps[0]:
            raise ValueError(f"epsilon1 should be >= 0 but is: {eps[0]}")
        if not 0.0 <= eps[1]:
            raise ValueError(f"epsilon2 should be >= 0 but is: {eps[1]}")
        if not 1.0 <= d:
            raise ValueError(f"Clipping threshold d should be >= 1 but is: {d}")
        if not 0.0 <= weight_decay:
            raise ValueError(f"weight_decay should be >= 0 but is: {weight_decay}")
        defaults = {
            "lr": lr,
            "beta2_decay": beta2_decay,
            "eps": eps,
            "d": d,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
        }
        super().__init__(params, defaults)

    def _state_of(self, p: torch.Tensor, group: dict[str, Any]) -> dict[str, Any]:
        if p.is_complex():
            raise RuntimeError("Adafactor does not support complex parameters")
        if not p.numel():
            raise ZeroDivisionError("float division by zero")
        return super()._state_of(p, group)

    def _new_state(self, p: torch.Tensor, group: dict[str, Any]) -> dict[str, Any]:
        state = {"step": self._new_number(p, group)}
        if p.dim() < 2:
            return {**state, "variance": full_like(p)}
        row, column = list(p.shape), list(p.shape)
        row[-1] = column[-2] = 1
        return {**state, "row_var": full_like(p, shape=row), "col_var": full_like(p, shape=column)}

    def _rates(self, group: dict[str, Any]) -> dict[str, Any]:
        eps1, eps2 = group["eps"]
        if eps1 is None:  # of the first parameter's dtype, as in PyTorch
            first = next((p for p in group["params"] if p.grad is not None and p.is_floating_point()), None)
            eps1 = 0.0 if first is None else torch.finfo(first.dtype).eps
        rates = {name: group[name] for name in ("lr", "weight_decay", "d")}
        return {**rates, "eps1": eps1, "eps2": eps2}

    def _advance(
        self, group: dict[str, Any], rates: dict[str, Any], values: tuple[float, ...]
    ) -> tuple[tuple[float, ...], dict[str, Any]]:
        step = values[0] + 1
        return (step,), {"fresh": step ** group["beta2_decay"], "longest": 1 / step**0.5}

    def _apply_group(
        self, group: dict[str, Any], columns: dict[str, list[Any]], states: list[dict[str, Any]], *rest: Any
    ) -> None:
        matrices = [i for i, grad in enumerate(columns["grad"]) if grad.dim() > 1]
        vectors = [i for i, grad in enumerate(columns["grad"]) if grad.dim() < 2]
        rates, own, flags, apply = rest
        for here, names in ((matrices, ("row_var", "col_var")), (vectors, ("variance",))):
            if here:
                part = {name: [column[i] for i in here] for name, column in columns.items()}
                part.update({name: [states[i][name] for i in here] for name in names})
                self._apply(part, rates, [own[i] for i in here], flags, apply)
