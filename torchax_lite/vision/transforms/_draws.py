"""Random parameters, drawn from the default generator as torchvision draws them: one small tensor at a time."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

import torchax_lite as torch
from torchax_lite import Tensor

from ...engine.avals import CPU
from ...random import fills
from ...random.mt19937 import CPUGenerator
from ...tensor.device import to_place
from ...tensor.dtypes import to_numpy_dtype
from ...tensor.generator import generator_for
from ...tensor.modes import modes
from .._kernels import geometry


def _source() -> CPUGenerator | None:
    """The default generator, where draws are made on the host: then numbers are taken from it without tensors."""
    if to_place(None) is not CPU or modes.transforms:
        return None
    source = generator_for(None, CPU, "rand")._host
    return source if isinstance(source, CPUGenerator) else None


def _default_dtype() -> Any:
    return to_numpy_dtype(torch.get_default_dtype())


def uniform(low: float, high: float) -> float:
    """A number of the default dtype from ``low`` to ``high``."""
    source = _source()
    if source is None:
        return torch.empty(1).uniform_(float(low), float(high)).item()  # type: ignore[no-any-return]
    return float(fills.uniform(source, 1, _default_dtype(), float(low), float(high))[0])


def integer(low: int, high: int) -> int:
    """An integer from ``low`` to ``high - 1``."""
    source = _source()
    if source is None:
        return torch.randint(low, high, size=(1,)).item()  # type: ignore[no-any-return]
    return int(fills.random_int(source, 1, np.int64, low, high)[0])


def unit() -> Any:
    """A number from 0 to 1, as NumPy has the default dtype."""
    source = _source()
    return torch.rand(1).cpu().numpy()[0] if source is None else fills.uniform(source, 1, _default_dtype())[0]


def below(p: Any) -> bool:
    """Whether a draw falls below ``p``, compared in the default dtype."""
    drawn = unit()
    return bool(drawn < drawn.dtype.type(p))


def unit_below(p: float) -> bool:
    """Whether a draw falls below ``p``, compared as Python numbers."""
    return bool(float(unit()) < p)


def permutation(n: int) -> list[int]:
    """The numbers from 0 to ``n - 1`` in random order."""
    return torch.randperm(n).tolist()  # type: ignore[no-any-return]


def rectangle(scale: Any, log_ratio: tuple[float, float], area: int) -> tuple[float, float]:
    """Sides ``(a, b)`` of a rectangle: a share of ``area`` from ``scale``, ``a / b`` from the exponential of a range."""
    target = area * uniform(scale[0], scale[1])
    ratio = float(np.exp(np.float32(uniform(*log_ratio))))
    return math.sqrt(target * ratio), math.sqrt(target / ratio)


def log_range(ratio: Any) -> tuple[float, float]:
    """Logarithms of two numbers, in float32."""
    low, high = np.log(np.asarray(ratio, np.float32))
    return float(low), float(high)


def crop_of_area(height: int, width: int, scale: Any, ratio: Any) -> tuple[int, int, int, int]:
    """Row, column, height and width of a rectangle of random area and shape; after ten failures the middle."""
    log_ratio = log_range(ratio)
    for _ in range(10):
        across, down = rectangle(scale, log_ratio, height * width)
        w, h = round(across), round(down)
        if 0 < w <= width and 0 < h <= height:
            i = integer(0, height - h + 1)
            return i, integer(0, width - w + 1), h, w
    shape = float(width) / float(height)
    w, h = width, height
    if shape < min(ratio):
        h = round(w / min(ratio))
    elif shape > max(ratio):
        w = round(h * max(ratio))
    return (height - h) // 2, (width - w) // 2, h, w


def erased_area(
    channels: int, height: int, width: int, scale: Any, ratio: Any, value: Any
) -> tuple[int, int, int, int, Tensor] | None:
    """Row, column, height, width and filling of a rectangle to erase; None after ten failures.

    ``value`` is a list of numbers, or None for Gaussian noise.
    """
    log_ratio = log_range(ratio)
    for _ in range(10):
        down, across = rectangle(scale, log_ratio, height * width)
        h, w = round(down), round(across)
        if not (h < height and w < width):
            continue
        if value is None:
            v = torch.empty([channels, h, w], dtype=torch.float32).normal_()
        else:
            v = torch.tensor(value)[:, None, None]
        i = integer(0, height - h + 1)
        return i, integer(0, width - w + 1), h, w, v
    return None


def corners(width: int, height: int, distortion_scale: float) -> tuple[list[list[int]], list[list[int]]]:
    """The corners of an image (clockwise from the top left), and where a random perspective moves them."""
    across, down = int(distortion_scale * (width // 2)) + 1, int(distortion_scale * (height // 2)) + 1
    left, right = (0, across), (width - across, width)
    top, bottom = (0, down), (height - down, height)
    ends = [[integer(*x), integer(*y)] for x, y in ((left, top), (right, top), (right, bottom), (left, bottom))]
    return [[0, 0], [width - 1, 0], [width - 1, height - 1], [0, height - 1]], ends


def affine_map(
    degrees: Any, translate: Any, scale: Any, shear: Any, width: int, height: int
) -> tuple[float, tuple[int, int], float, tuple[float, float]]:
    """Angle, translation in pixels, scale and shears of a random affine map."""
    angle = uniform(degrees[0], degrees[1])
    moved = (0, 0)
    if translate is not None:
        dx, dy = float(translate[0] * width), float(translate[1] * height)
        tx = round(uniform(-dx, dx))
        moved = tx, round(uniform(-dy, dy))
    factor = 1.0 if scale is None else uniform(scale[0], scale[1])
    shear_x = shear_y = 0.0
    if shear is not None:
        shear_x = uniform(shear[0], shear[1])
        if len(shear) == 4:
            shear_y = uniform(shear[2], shear[3])
    return angle, moved, factor, (shear_x, shear_y)


def displacement(alpha: Any, sigma: Any, size: list[int], smooth: Any) -> Tensor:
    """A random displacement ``(1, H, W, 2)``: noise smoothed by ``smooth(noise, kernel_size, sigma)``, scaled by ``alpha``."""
    parts = []
    for deviation in (sigma[0], sigma[1]):
        noise = geometry.spread(torch.rand([1, 1, *size]))
        if deviation > 0.0:
            k = int(8 * deviation + 1)
            noise = smooth(noise, [k + (k % 2 == 0)] * 2, list(sigma))
        parts.append(noise)
    return geometry.displacement(*parts, np.asarray(alpha, np.float64))  # type: ignore[no-any-return]
