"""``torch.signal.windows``: weights that fade out a piece of a signal at both ends.

All take the number of points ``M``; ``sym=False`` gives the periodic window, one of ``M + 1`` points without its last.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import torchax_lite as torch

__all__ = [
    "bartlett", "blackman", "cosine", "exponential", "gaussian", "general_cosine", "general_hamming", "hamming", "hann",
    "kaiser", "nuttall",
]  # fmt: skip


class _Options:
    """Where and as what a window is made."""

    def __init__(self, name: str, M: int, sym: bool, dtype: Any, layout: Any, device: Any, requires_grad: bool) -> None:
        self.dtype = torch.get_default_dtype() if dtype is None else dtype
        if M < 0:
            raise ValueError(f"{name} requires non-negative window length, got M={M}")
        if layout is not torch.strided:
            raise ValueError(f"{name} is implemented for strided tensors only, got: {layout}")
        if self.dtype not in (torch.float32, torch.float64):
            raise ValueError(f"{name} expects float32 or float64 dtypes, got: {self.dtype}")
        self.M = M
        self.sym = sym
        self.device = device
        self.requires_grad = requires_grad

    def made(self, start: float, end: float, formula: Callable[[torch.Tensor], torch.Tensor]) -> torch.Tensor:
        """``formula`` of M points from ``start`` to ``end``; differentiable where asked for, as PyTorch's are."""
        if self.M == 0:
            return torch.empty((0,), dtype=self.dtype, device=self.device, requires_grad=self.requires_grad)
        if self.M == 1:
            return torch.ones((1,), dtype=self.dtype, device=self.device, requires_grad=self.requires_grad)
        points = torch.linspace(
            start, end, self.M, dtype=self.dtype, device=self.device, requires_grad=self.requires_grad
        )
        return formula(points)

    @property
    def last(self) -> int:
        """Distance of the first point and the one that mirrors it."""
        return self.M - 1 if self.sym else self.M


def exponential(
    M: int, *, center: float | None = None, tau: float = 1.0, sym: bool = True, dtype: torch.dtype | None = None,
    layout: torch.layout = torch.strided, device: Any = None, requires_grad: bool = False,
) -> torch.Tensor:  # fmt: skip
    """``exp(-|n - center| / tau)``."""
    options = _Options("exponential", M, sym, dtype, layout, device, requires_grad)
    if tau <= 0:
        raise ValueError(f"Tau must be positive, got: {tau} instead.")
    if sym and center is not None:
        raise ValueError("Center must be None for symmetric windows")
    middle = options.last / 2.0 if center is None else center
    return options.made(-middle / tau, (-middle + (M - 1)) / tau, lambda points: torch.exp(-torch.abs(points)))


def cosine(
    M: int, *, sym: bool = True, dtype: torch.dtype | None = None, layout: torch.layout = torch.strided,
    device: Any = None, requires_grad: bool = False,
) -> torch.Tensor:  # fmt: skip
    """``sin(pi (n + 1/2) / M)``."""
    options = _Options("cosine", M, sym, dtype, layout, device, requires_grad)
    step = math.pi / max(M if sym else M + 1, 1)
    return options.made(0.5 * step, (0.5 + (M - 1)) * step, torch.sin)


def gaussian(
    M: int, *, std: float = 1.0, sym: bool = True, dtype: torch.dtype | None = None,
    layout: torch.layout = torch.strided, device: Any = None, requires_grad: bool = False,
) -> torch.Tensor:  # fmt: skip
    """``exp(-(n / (2 std))**2)``, n from the middle, in PyTorch's scale of ``std``."""
    options = _Options("gaussian", M, sym, dtype, layout, device, requires_grad)
    if std <= 0:
        raise ValueError(f"Standard deviation must be positive, got: {std} instead.")
    start = -options.last / 2.0
    scale = 1 / (std * math.sqrt(2))
    return options.made(start * scale, (start + (M - 1)) * scale, lambda points: torch.exp(-(points**2)))


def kaiser(
    M: int, *, beta: float = 12.0, sym: bool = True, dtype: torch.dtype | None = None,
    layout: torch.layout = torch.strided, device: Any = None, requires_grad: bool = False,
) -> torch.Tensor:  # fmt: skip
    """``I0(beta sqrt(1 - (2 n / (M - 1) - 1)**2)) / I0(beta)``, I0 the modified Bessel function."""
    options = _Options("kaiser", M, sym, dtype, layout, device, requires_grad)
    if beta < 0:
        raise ValueError(f"beta must be non-negative, got: {beta} instead.")
    limit = torch.as_tensor(beta, dtype=options.dtype, device=device)
    start = -beta
    end = start + (M - 1) * (2.0 * beta / options.last if options.last > 0 else 0.0)
    return options.made(
        start,
        min(beta, end),
        lambda points: torch.i0(torch.sqrt(limit * limit - torch.pow(points, 2))) / torch.i0(limit),
    )


def hamming(
    M: int, *, sym: bool = True, dtype: torch.dtype | None = None, layout: torch.layout = torch.strided,
    device: Any = None, requires_grad: bool = False,
) -> torch.Tensor:  # fmt: skip
    """``0.54 - 0.46 cos(2 pi n / (M - 1))``."""
    return general_hamming(M, sym=sym, dtype=dtype, layout=layout, device=device, requires_grad=requires_grad)


def hann(
    M: int, *, sym: bool = True, dtype: torch.dtype | None = None, layout: torch.layout = torch.strided,
    device: Any = None, requires_grad: bool = False,
) -> torch.Tensor:  # fmt: skip
    """``(1 - cos(2 pi n / (M - 1))) / 2``."""
    return general_hamming(
        M, alpha=0.5, sym=sym, dtype=dtype, layout=layout, device=device, requires_grad=requires_grad
    )


def blackman(
    M: int, *, sym: bool = True, dtype: torch.dtype | None = None, layout: torch.layout = torch.strided,
    device: Any = None, requires_grad: bool = False,
) -> torch.Tensor:  # fmt: skip
    """``0.42 - 0.5 cos(2 pi n / (M - 1)) + 0.08 cos(4 pi n / (M - 1))``."""
    a = (0.42, 0.5, 0.08)
    return general_cosine(M, a=a, sym=sym, dtype=dtype, layout=layout, device=device, requires_grad=requires_grad)


def nuttall(
    M: int, *, sym: bool = True, dtype: torch.dtype | None = None, layout: torch.layout = torch.strided,
    device: Any = None, requires_grad: bool = False,
) -> torch.Tensor:  # fmt: skip
    """Nuttall's cosine sum of four terms with the least side lobes."""
    a = (0.3635819, 0.4891775, 0.1365995, 0.0106411)
    return general_cosine(M, a=a, sym=sym, dtype=dtype, layout=layout, device=device, requires_grad=requires_grad)


def bartlett(
    M: int, *, sym: bool = True, dtype: torch.dtype | None = None, layout: torch.layout = torch.strided,
    device: Any = None, requires_grad: bool = False,
) -> torch.Tensor:  # fmt: skip
    """Triangle ``1 - |2 n / (M - 1) - 1|``."""
    options = _Options("bartlett", M, sym, dtype, layout, device, requires_grad)
    step = 2.0 / options.last if options.last > 0 else 0.0
    return options.made(-1.0, -1.0 + (M - 1) * step, lambda points: 1 - torch.abs(points))


def general_cosine(
    M: int, *, a: Iterable[float], sym: bool = True, dtype: torch.dtype | None = None,
    layout: torch.layout = torch.strided, device: Any = None, requires_grad: bool = False,
) -> torch.Tensor:  # fmt: skip
    """``sum over k of (-1)**k a[k] cos(2 pi k n / (M - 1))``."""
    options = _Options("general_cosine", M, sym, dtype, layout, device, requires_grad)
    if M == 0:
        return torch.empty((0,), dtype=options.dtype, device=device, requires_grad=requires_grad)
    if not isinstance(a, Iterable):
        raise TypeError("Coefficients must be a list/tuple")
    given = [c.item() if isinstance(c, torch.Tensor) else c for c in a]
    if not given:
        raise ValueError("Coefficients cannot be empty")
    step = 2 * math.pi / options.last if options.last > 0 else 0.0

    def formula(points: torch.Tensor) -> torch.Tensor:
        signed = [c if k % 2 == 0 else -c for k, c in enumerate(given)]
        weights = torch.as_tensor(signed, dtype=options.dtype, device=device).requires_grad_(requires_grad)
        orders = torch.arange(len(given), dtype=options.dtype, device=device)
        return (weights.unsqueeze(-1) * torch.cos(orders.unsqueeze(-1) * points)).sum(0)

    return options.made(0, (M - 1) * step, formula)


def general_hamming(
    M: int, *, alpha: float = 0.54, sym: bool = True, dtype: torch.dtype | None = None,
    layout: torch.layout = torch.strided, device: Any = None, requires_grad: bool = False,
) -> torch.Tensor:  # fmt: skip
    """``alpha - (1 - alpha) cos(2 pi n / (M - 1))``."""
    a = (alpha, 1.0 - alpha)
    return general_cosine(M, a=a, sym=sym, dtype=dtype, layout=layout, device=device, requires_grad=requires_grad)
