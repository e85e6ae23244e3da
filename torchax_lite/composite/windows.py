"""Window functions: weights that fade out a piece of a signal at both ends."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torchax_lite as torch

from .registry import composite

if TYPE_CHECKING:
    from torchax_lite import Tensor


def _window(
    name: str, formula: Callable[[Tensor, int], Tensor], window_length: Any, periodic: bool, dtype: Any, layout: Any,
    device: Any, requires_grad: bool, pin_memory: bool,
) -> Tensor:  # fmt: skip
    """``formula(0 .. n-1, n - 1)`` in float32 or wider; a periodic window is one of one more point without its last."""
    if isinstance(window_length, bool) or not hasattr(window_length, "__index__"):
        given = type(window_length).__name__
        raise TypeError(f"{name}(): argument 'window_length' (position 1) must be int, not {given}")
    length = int(window_length)
    dtype = torch.get_default_dtype() if dtype is None else dtype
    if not dtype.is_floating_point:
        raise RuntimeError(f"{name} expects floating point dtypes, got: {dtype}")
    if layout not in (None, torch.strided):
        raise RuntimeError(f"{name} is not implemented for sparse types, got: {layout}")
    if length < 0:
        raise RuntimeError(f"{name} requires non-negative window_length, got window_length={length}")
    if length <= 1:
        made = torch.ones(length, dtype=dtype, device=device, pin_memory=pin_memory)
    else:
        n = length + 1 if periodic else length
        exact = dtype if dtype.itemsize >= 4 else torch.float32
        points = torch.arange(n, dtype=exact, device=device, pin_memory=pin_memory)
        with torch.no_grad():
            made = formula(points, n - 1)[:length].to(dtype)
    return made.requires_grad_(requires_grad)


@composite()
def bartlett_window(
    window_length: int, periodic: bool = True, *, dtype: Any = None, layout: Any = None, device: Any = None,
    requires_grad: bool = False, pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """Triangle ``1 - |2 n / (N - 1) - 1|``."""

    def formula(points: Tensor, last: int) -> Tensor:
        rising = points * (2 / last)
        return torch.where(points <= last // 2, rising, 2 - rising)

    return _window(
        "bartlett_window", formula, window_length, periodic, dtype, layout, device, requires_grad, pin_memory
    )


@composite()
def hann_window(
    window_length: int, periodic: bool = True, *, dtype: Any = None, layout: Any = None, device: Any = None,
    requires_grad: bool = False, pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """``(1 - cos(2 pi n / (N - 1))) / 2``."""
    formula = _raised_cosine(0.5, 0.5)
    return _window("hann_window", formula, window_length, periodic, dtype, layout, device, requires_grad, pin_memory)


@composite()
def hamming_window(
    window_length: int, periodic: bool = True, alpha: float = 0.54, beta: float = 0.46, *, dtype: Any = None,
    layout: Any = None, device: Any = None, requires_grad: bool = False, pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """``alpha - beta * cos(2 pi n / (N - 1))``."""
    formula = _raised_cosine(alpha, beta)
    return _window("hamming_window", formula, window_length, periodic, dtype, layout, device, requires_grad, pin_memory)


def _raised_cosine(alpha: float, beta: float) -> Callable[[Tensor, int], Tensor]:
    return lambda points, last: (points * (math.pi * 2 / last)).cos() * -beta + alpha


@composite()
def blackman_window(
    window_length: int, periodic: bool = True, *, dtype: Any = None, layout: Any = None, device: Any = None,
    requires_grad: bool = False, pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """``0.42 - 0.5 cos(2 pi n / (N - 1)) + 0.08 cos(4 pi n / (N - 1))``."""

    def formula(points: Tensor, last: int) -> Tensor:
        angle = points * (math.pi / last)
        return (angle * 4).cos() * 0.08 - (angle * 2).cos() * 0.5 + 0.42

    return _window(
        "blackman_window", formula, window_length, periodic, dtype, layout, device, requires_grad, pin_memory
    )


@composite()
def kaiser_window(
    window_length: int, periodic: bool = True, beta: float = 12.0, *, dtype: Any = None, layout: Any = None,
    device: Any = None, requires_grad: bool = False, pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """``I0(beta sqrt(1 - (2 n / (N - 1) - 1)**2)) / I0(beta)``, I0 the modified Bessel function."""

    def formula(points: Tensor, last: int) -> Tensor:
        centered = points * (2 / last) - 1
        scale = torch.special.i0(torch.full((), beta, dtype=points.dtype, device=points.device))
        return torch.special.i0((1 - centered * centered).clamp(min=0).sqrt() * beta) / scale

    return _window("kaiser_window", formula, window_length, periodic, dtype, layout, device, requires_grad, pin_memory)
