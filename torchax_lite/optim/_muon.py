"""Muon: momentum whose matrices are made orthogonal before the step.

Jordan, *Muon: An optimizer for hidden layers in neural networks*, 2024, https://kellerjordan.github.io/posts/muon/;
Liu and others, *Muon is scalable for LLM training*, 2025, https://arxiv.org/abs/2502.16982 (``match_rms_adamw``).
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

import torchax_lite as torch

from ._rule import RuleOptimizer, check_one_element, full_like
from ._update import Update, update
from .optimizer import ParamsT

__all__ = ["Muon"]

ADJUSTMENTS = {
    "original": lambda rows, columns: math.sqrt(max(1, rows / columns)),
    "match_rms_adamw": lambda rows, columns: 0.2 * math.sqrt(max(rows, columns)),
}


@update("param", "momentum_buffer")
def muon_formula(
    xp: Any,
    *,
    param: Any,
    grad: Any,
    momentum_buffer: Any,
    lr: Any,
    weight_decay: Any,
    momentum: Any,
    eps: Any,
    a: Any,
    b: Any,
    c: Any,
    nesterov: bool,
    ns_steps: int,
    adjust_lr_fn: str | None,
) -> tuple:
    """``m = momentum * m + (1 - momentum) * g;  p -= lr * ratio * orthogonal(m)``.

    For Nesterov, ``momentum * m + (1 - momentum) * g`` once more in the place of m. ``orthogonal(x)`` is
    ``ns_steps`` times ``x -> a x + (b x x' + c (x x') (x x')) x``, from ``x / max(|x|, eps)``, in bfloat16.
    """
    momentum_buffer = xp.lerp(momentum_buffer, grad, 1 - momentum)
    mean = xp.lerp(grad, momentum_buffer, momentum) if nesterov else momentum_buffer
    step = xp.orthogonal(mean, eps, (a, b, c), ns_steps)
    ratio = ADJUSTMENTS[adjust_lr_fn or "original"](*param.shape)
    return xp.add(xp.mul(param, 1 - lr * weight_decay), step, -(lr * ratio)), momentum_buffer


class Muon(RuleOptimizer):
    """Muon: steps along the momentum with its singular values brought near 1. For matrices of hidden layers.

    All updates of a group are one fused operation.

    Args:
        params: parameters, named parameters or groups; real, of two dimensions.
        lr: learning rate, a number or a one-element tensor.
        weight_decay: decay of the parameter, times ``lr``.
        momentum: how much of the running mean of the gradient is kept.
        nesterov: look ahead along the momentum.
        ns_coefficients: of ``x``, its cube and its fifth power in the Newton-Schulz iteration.
        eps: smallest norm to divide by.
        ns_steps: iterations, fewer than 100.
        adjust_lr_fn: factor of the rate for a matrix of A by B: ``original`` ``sqrt(max(1, A / B))`` (also for
            None), ``match_rms_adamw`` ``0.2 * sqrt(max(A, B))``.
    """

    rule: ClassVar[Update] = muon_formula
    host_names = ()
    newer_options: ClassVar[dict[str, Any]] = {}

    def __init__(
        self,
        params: ParamsT,
        lr: float = 1e-3,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_coefficients: tuple[float, float, float] = (3.4445, -4.7750, 2.0315),
        eps: float = 1e-7,
        ns_steps: int = 5,
        adjust_lr_fn: str | None = None,
    ) -> None:
        check_one_element(lr)
        if not 0.0 <= lr:
            raise ValueError(f"Learning rate should be >= 0 but is: {lr}")
        if not 0.0 <= momentum:
            raise ValueError(f"momentum should be >= 0 but is: {momentum}")
        if not 0.0 <= weight_decay:
            raise ValueError(f"weight decay should be >= 0 but is: {weight_decay}")
        if adjust_lr_fn is not None and adjust_lr_fn not in ADJUSTMENTS:
            raise ValueError(f"Adjust learning rate function {adjust_lr_fn} is not supported")
        defaults = {
            "lr": lr,
            "weight_decay": weight_decay,
            "momentum": momentum,
            "nesterov": nesterov,
            "ns_coefficients": ns_coefficients,
            "eps": eps,
            "ns_steps": ns_steps,
            "adjust_lr_fn": adjust_lr_fn,
        }
        super().__init__(params, defaults)
        for group in self.param_groups:
            for p in group["params"]:
                if p.ndim != 2:
                    raise ValueError(
                        f"Muon only supports 2D parameters whereas we found a parameter with size: {p.size()}"
                    )

    def _state_of(self, p: torch.Tensor, group: dict[str, Any]) -> dict[str, Any]:
        if p.is_complex():
            raise RuntimeError("Muon does not support complex parameters")
        state = self.state[p]
        if "momentum_buffer" not in state:
            state["momentum_buffer"] = full_like(p)
        return state

    def _state_columns(self, group: dict[str, Any]) -> tuple[str, ...]:
        return ("momentum_buffer",)

    def _rates(self, group: dict[str, Any]) -> dict[str, Any]:
        if group["ns_steps"] >= 100:
            raise ValueError("Number of steps must be less than 100 for computational efficiency")
        if len(group["ns_coefficients"]) != 3:
            raise ValueError("Coefficients must be a tuple of exactly 3 values")
        rates = {name: group[name] for name in ("lr", "weight_decay", "momentum", "eps")}
        return {**rates, **dict(zip("abc", group["ns_coefficients"]))}

    def _advance(
        self, group: dict[str, Any], rates: dict[str, Any], values: tuple[float, ...]
    ) -> tuple[tuple[float, ...], dict[str, Any]]:
        return (), {}

    def _flags(self, group: dict[str, Any]) -> dict[str, Any]:
        names = ("ns_steps", "adjust_lr_fn")
        return {"nesterov": bool(group["nesterov"]), **{name: group[name] for name in names}}
