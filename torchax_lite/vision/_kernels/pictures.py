"""Kernels that lay out and colour pictures."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._arrays import kernel


@kernel
def scaled(xp: Any, batch: Any, limits: Any = None, *, each: bool) -> Any:
    """Images brought to 0 to 1 from ``limits`` (2,), or from their own lowest and highest values."""
    f = batch.dtype
    if limits is None:
        dims = tuple(range(1 if each else 0, batch.ndim))
        low, high = batch.min(dims, keepdims=True), batch.max(dims, keepdims=True)
    else:
        low, high = limits[0].astype(f), limits[1].astype(f)
    return (xp.clip(batch, low, high) - low) / xp.maximum(high - low, f.type(1e-5))


@kernel
def grid(xp: Any, batch: Any, pad_value: Any, *, across: int, padding: int) -> Any:
    """Images ``(N, C, H, W)`` in rows of ``across``."""
    n, c, h, w = batch.shape
    down = -(-n // across)
    value = pad_value.astype(batch.dtype)
    cells = xp.pad(batch, [(0, 0), (0, 0), (padding, 0), (padding, 0)], constant_values=value)
    cells = xp.pad(cells, [(0, down * across - n), (0, 0), (0, 0), (0, 0)], constant_values=value)
    rows = cells.reshape(down, across, c, h + padding, w + padding).transpose(2, 0, 3, 1, 4)
    whole = rows.reshape(c, down * (h + padding), across * (w + padding))
    return xp.pad(whole, [(0, 0), (0, padding), (0, padding)], constant_values=value)


@kernel
def overlaid(xp: Any, image: Any, masks: Any, colors: Any, alpha: Any) -> Any:
    """``(1 - alpha) * image + alpha * colours`` of masks ``(N, H, W)``; 0 in place of colours where masks overlap."""
    painted = image
    for i in range(masks.shape[0]):
        painted = xp.where(masks[i], colors[i].astype(image.dtype)[:, None, None], painted)
    painted = xp.where(masks.sum(0) > 1, image.dtype.type(0), painted)
    f = image.dtype if image.dtype.kind == "f" else np.dtype(np.float32)
    mixed = image.astype(f) * (1.0 - alpha).astype(f) + painted.astype(f) * alpha.astype(f)
    return mixed.astype(image.dtype)


@kernel
def flow_colors(xp: Any, flow: Any, wheel: Any) -> Any:
    """Flow ``(N, 2, H, W)``, scaled by its longest vector, in the colours of a wheel ``(n, 3)`` from 0 to 255."""
    f = flow.dtype.type
    x, y = flow[:, 0], flow[:, 1]
    longest = xp.sqrt(x * x + y * y).max()
    x, y = x / (longest + np.finfo(np.float32).eps), y / (longest + np.finfo(np.float32).eps)
    length = xp.sqrt(x * x + y * y)
    count = wheel.shape[0]
    place = (xp.arctan2(-y, -x) / f(np.pi) + f(1)) / f(2) * f(count - 1)
    low = xp.floor(place).astype(np.int64)
    high = xp.where(low + 1 == count, 0, low + 1)
    part = place - low.astype(f)
    color = (f(1) - part)[..., None] * (wheel[low] / f(255)) + part[..., None] * (wheel[high] / f(255))
    color = f(1) - length[..., None] * (f(1) - color)
    return xp.moveaxis(xp.floor(f(255) * color).astype(np.uint8), -1, 1)
