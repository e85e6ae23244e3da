"""Kernels that move pixels: flips, padding, and sampling on a grid. Images are ``(..., C, H, W)``."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._arrays import kernel
from .color import is_float


@kernel(lazy=True)
def flip(xp: Any, image: Any, *, dim: int) -> Any:
    """The image mirrored along a dim."""
    return xp.flip(image, dim).copy()


@kernel
def rot90(xp: Any, image: Any, *, k: int) -> Any:
    """The image turned by ``k`` quarter turns."""
    return xp.rot90(image, k, (-2, -1)).copy()


def _pad(xp: Any, image: Any, sides: Any, mode: str, fill: Any) -> Any:
    left, right, top, bottom = sides
    h, w = image.shape[-2:]
    image = image[..., max(-top, 0) : h - max(-bottom, 0), max(-left, 0) : w - max(-right, 0)]
    widths = [(0, 0)] * (image.ndim - 2) + [(max(top, 0), max(bottom, 0)), (max(left, 0), max(right, 0))]
    if mode == "constant":
        return xp.pad(image, widths, constant_values=fill)
    return xp.pad(image, widths, mode=mode)


@kernel
def pad(xp: Any, image: Any, fill: Any, *, sides: Any, mode: str) -> Any:
    """The image with borders of (left, right, top, bottom) pixels; negative ones cut off.

    Args:
        fill: an array of one value, or of one for each channel.
        mode: NumPy's: ``constant``, ``edge``, ``reflect`` or ``symmetric``.
    """
    fill = fill.astype(image.dtype)
    if mode != "constant" or fill.size == 1:
        return _pad(xp, image, sides, mode, fill.reshape(())).copy()
    inside = _pad(xp, xp.ones(image.shape[-2:], bool), sides, mode, False)
    return xp.where(inside, _pad(xp, image, sides, mode, image.dtype.type(0)), fill.reshape(-1, 1, 1))


def steps(start: float, end: float, count: int, dtype: Any) -> np.ndarray[Any, Any]:
    """``count`` numbers from ``start`` to ``end``, built from both ends (PyTorch's ``linspace``)."""
    f = np.dtype(dtype).type
    first, last = f(start), f(end)
    step = (last - first) / f(max(count - 1, 1))
    i = np.arange(count, dtype=dtype)
    return np.where(i < count // 2, first + step * i, last - step * (f(count - 1) - i)).astype(dtype)


def affine_grid(matrix: Any, size: tuple[int, int], out: tuple[int, int], dtype: Any) -> np.ndarray[Any, Any]:
    """Where each pixel of the result comes from: ``(oh, ow, 2)``, x and y from -1 to 1 over the input.

    Args:
        matrix: six numbers of the inverse map, about the image's centre, in pixels.
        size: height and width of the input.
        out: height and width of the result.
    """
    f = np.dtype(dtype)
    (h, w), (oh, ow) = size, out
    x = (np.arange(ow) - (ow - 1) * 0.5).astype(f)
    y = (np.arange(oh) - (oh - 1) * 0.5).astype(f)[:, None]
    theta = np.asarray(matrix, np.float64).astype(f).reshape(2, 3)
    rows = []
    for row, half in zip(theta, (f.type(0.5 * w), f.type(0.5 * h)), strict=True):
        a, b, c = row / half
        rows.append(x * a + y * b + c)
    return np.stack(rows, -1)


def perspective_grid(coefficients: Any, size: tuple[int, int], dtype: Any) -> np.ndarray[Any, Any]:
    """Where each pixel of the result comes from under a perspective map; as `affine_grid`."""
    f = np.dtype(dtype)
    h, w = size
    c = np.asarray(coefficients, np.float64).astype(f)
    x = (np.arange(w) + 0.5).astype(f)
    y = (np.arange(h) + 0.5).astype(f)[:, None]
    below = x * c[6] + y * c[7] + f.type(1.0)
    rows = []
    for row, half in ((c[0:3], f.type(0.5 * w)), (c[3:6], f.type(0.5 * h))):
        a, b, d = row / half
        with np.errstate(all="ignore"):
            rows.append((x * a + y * b + d) / below - f.type(1.0))
    return np.stack(rows, -1)


def identity_grid(size: tuple[int, int], dtype: Any) -> np.ndarray[Any, Any]:
    """The grid that leaves an image as it is, ``(h, w, 2)``."""
    h, w = size
    x = steps((-w + 1) / w, (w - 1) / w, w, dtype)
    y = steps((-h + 1) / h, (h - 1) / h, h, dtype)
    return np.stack(np.broadcast_arrays(x[None, :], y[:, None]), -1)


def _corners(xp: Any, image: Any, x: Any, y: Any) -> Any:
    """Values of pixels ``(y, x)`` (integers as floats), 0 outside, for all channels: ``(..., oh, ow)``."""
    h, w = image.shape[-2:]
    flat = image.reshape(*image.shape[:-2], h * w)
    inside = (x >= 0) & (x < w) & (y >= 0) & (y < h)
    index = xp.where(inside, y * w + x, 0).astype(np.int32)
    return xp.where(inside, xp.take(flat, index.reshape(-1), -1).reshape(*image.shape[:-2], *x.shape), 0)


def _bilinear(xp: Any, image: Any, x: Any, y: Any) -> Any:
    x0, y0 = xp.floor(x), xp.floor(y)
    east, south = x - x0, y - y0
    one = x.dtype.type(1.0)
    west, north = one - east, one - south
    made = _corners(xp, image, x0, y0) * (north * west)
    made = made + _corners(xp, image, x0 + 1, y0) * (north * east)
    made = made + _corners(xp, image, x0, y0 + 1) * (south * west)
    return made + _corners(xp, image, x0 + 1, y0 + 1) * (south * east)


@kernel
def sample(xp: Any, image: Any, grid: Any, fill: Any, *, mode: str, filled: bool, v2: bool) -> Any:
    """The image at the places of a grid ``(oh, ow, 2)``, ``nearest`` or ``bilinear``; outside it is ``fill``, or 0.

    Integers are interpolated as float32 and rounded.
    """
    f = grid.dtype
    h, w = image.shape[-2:]
    half = f.type(0.5)
    x = (grid[..., 0] + f.type(1.0)) * f.type(w / 2) - half
    y = (grid[..., 1] + f.type(1.0)) * f.type(h / 2) - half
    ones = xp.ones((1, h, w), f)
    colour = fill.astype(f).reshape(-1, 1, 1)
    if mode == "nearest":
        x, y = xp.rint(x), xp.rint(y)
        made = _corners(xp, image, x, y)
        if not filled:
            return made
        inside = (x >= 0) & (x < w) & (y >= 0) & (y < h)
        return xp.where(inside, made, rounded(xp, colour, image.dtype))
    made = _bilinear(xp, image.astype(f), x, y)
    if filled:
        mask = _bilinear(xp, ones, x, y)
        made = (made - colour) * mask + colour if v2 else made * mask + (f.type(1.0) - mask) * colour
    return rounded(xp, made, image.dtype)


def rounded(xp: Any, values: Any, dtype: Any) -> Any:
    """Floats as ``dtype``: rounded to even where it holds integers."""
    return values.astype(dtype) if is_float(dtype) else xp.rint(values).astype(dtype)


def blur_weights(size: int, sigma: float, dtype: Any) -> np.ndarray[Any, Any]:
    """A Gaussian of ``size`` samples with sum 1."""
    x = np.arange(size, dtype=np.float64) - (size - 1) * 0.5
    w = np.exp(-0.5 * (x / sigma) ** 2)
    return (w / w.sum()).astype(dtype)


@kernel
def blur(xp: Any, image: Any, across: Any, down: Any) -> Any:
    """The image smoothed by weights across and down, mirrored at its edges. Integers are rounded."""
    f = across.dtype
    kx, ky = across.shape[0], down.shape[0]
    sides = (kx // 2, kx // 2, ky // 2, ky // 2)
    x = _pad(xp, image.astype(f), sides, "reflect", 0)
    h, w = image.shape[-2:]
    x = _weighted(xp, [x[..., i : i + w] for i in range(kx)], across)
    x = _weighted(xp, [x[..., i : i + h, :] for i in range(ky)], down)
    return rounded(xp, x, image.dtype)


def _weighted(xp: Any, parts: list[Any], weights: Any) -> Any:
    total = parts[0] * weights[0]
    for i, part in enumerate(parts[1:], 1):
        if xp is np:
            total += part * weights[i]
        else:
            total = total + part * weights[i]
    return total


@kernel
def replace(xp: Any, image: Any, value: Any, corner: Any, *, size: tuple[int, int]) -> Any:
    """The image with a rectangle of ``size`` at ``corner`` (row, column) replaced."""
    if xp is np:
        made = np.array(image)
        i, j = corner
        made[..., i : i + size[0], j : j + size[1]] = value
        return made
    rows, columns = xp.arange(image.shape[-2])[:, None] - corner[0], xp.arange(image.shape[-1]) - corner[1]
    inside = (rows >= 0) & (rows < size[0]) & (columns >= 0) & (columns < size[1])
    value = xp.broadcast_to(value.astype(image.dtype), (*image.shape[:-2], *size))
    spread = xp.take(xp.take(value, xp.clip(rows[:, 0], 0, size[0] - 1), -2), xp.clip(columns, 0, size[1] - 1), -1)
    return xp.where(inside, spread, image)


@kernel
def noisy(xp: Any, image: Any, noise: Any, mean: Any, sigma: Any, *, clip: bool) -> Any:
    """``image + mean + sigma * noise``; bytes take whole numbers of noise (cut off), and wrap without ``clip``."""
    f = noise.dtype
    added = mean.astype(f) + noise * sigma.astype(f)
    if is_float(image.dtype):
        made = image + added.astype(image.dtype)
        return xp.clip(made, 0, 1) if clip else made
    total = image.astype(np.int16) + added.astype(np.int16)
    return (xp.clip(total, 0, 255) if clip else total).astype(image.dtype)


@kernel
def spread(xp: Any, noise: Any) -> Any:
    """Numbers from 0 to 1 as numbers from -1 to 1."""
    f = noise.dtype.type
    return noise * f(2) - f(1)


@kernel
def displacement(xp: Any, across: Any, down: Any, strength: Any) -> Any:
    """Noise ``(1, 1, H, W)`` of two directions as a displacement ``(1, H, W, 2)``, in shares of the image's sides."""
    f = across.dtype
    h, w = across.shape[-2:]
    s = strength.astype(f)
    return xp.stack([across[:, 0] * s[0] / f.type(w), down[:, 0] * s[1] / f.type(h)], -1)
