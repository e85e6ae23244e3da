"""The few functions that update formulas are written in, over tensors, for ``differentiable=True``.

``_arrays.py`` has the same names over JAX arrays. Rates may be Python numbers or tensors, which get gradients.
"""

from __future__ import annotations

from typing import Any

import torchax_lite as torch


def add(x: torch.Tensor, y: Any, alpha: Any = None) -> torch.Tensor:
    """``x + alpha * y``."""
    if alpha is None:
        return x + y
    return x + alpha * y if isinstance(alpha, torch.Tensor) else torch.add(x, y, alpha=alpha)


def sub(x: torch.Tensor, y: Any) -> torch.Tensor:
    """``x - y``."""
    return x - y


def mul(x: torch.Tensor, y: Any) -> torch.Tensor:
    """``x * y``."""
    return x * y


def div(x: torch.Tensor, y: Any) -> torch.Tensor:
    """``x / y``."""
    return x / y


def addcmul(x: torch.Tensor, a: torch.Tensor, b: torch.Tensor, value: Any) -> torch.Tensor:
    """``x + value * a * b``."""
    return x + value * a * b if isinstance(value, torch.Tensor) else torch.addcmul(x, a, b, value=value)


def addcdiv(x: torch.Tensor, a: torch.Tensor, b: torch.Tensor, value: Any) -> torch.Tensor:
    """``x + value * a / b``."""
    return x + value * (a / b) if isinstance(value, torch.Tensor) else torch.addcdiv(x, a, b, value=value)


def lerp(x: torch.Tensor, end: torch.Tensor, weight: Any, from_start: bool | None = None) -> torch.Tensor:
    """``x + weight * (end - x)``; from which end, ``torch.lerp`` finds out itself."""
    return torch.lerp(x, end, weight)


def sqrt(x: torch.Tensor) -> torch.Tensor:
    """Square root."""
    return torch.sqrt(x)


def neg(x: torch.Tensor) -> torch.Tensor:
    """``-x``."""
    return -x


def start(x: torch.Tensor, keep: Any) -> torch.Tensor:
    """``x``, as the start of a running value, of which ``keep`` is kept: the first is constant for autograd."""
    return x if keep else x.detach()


def absolute(x: torch.Tensor) -> torch.Tensor:
    """``|x|``."""
    return torch.abs(x)


def sign(x: torch.Tensor) -> torch.Tensor:
    """-1, 0 or 1."""
    return torch.sign(x)


def maximum(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """The larger; NaN wins."""
    return torch.maximum(x, y)


def clamp(x: torch.Tensor, low: float, high: float) -> torch.Tensor:
    """``min(max(x, low), high)``."""
    return torch.clamp(x, low, high)


def where(condition: Any, x: Any, y: Any) -> Any:
    """``x`` where the condition (a tensor, or one bool for all) holds, else ``y``."""
    if not isinstance(condition, torch.Tensor):
        return x if condition else y
    return torch.where(condition, x, y)


def to_real(x: torch.Tensor) -> torch.Tensor:
    """Complex numbers as pairs in a new last dimension (a view); others as they are."""
    return torch.view_as_real(x) if x.is_complex() else x
