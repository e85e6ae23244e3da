"""Resizing of ``(..., H, W)`` images: nearest, and weighted sums of neighbours along each dim in turn.

Antialiased filters on the host are Pillow's: the same filters, the same rounding of bytes, and far faster than NumPy.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image

from .._arrays import kernel, on_host
from .color import is_float

Array = np.ndarray[Any, Any]

SUPPORT = {"bilinear": 1.0, "bicubic": 2.0, "lanczos": 3.0}
_PIL_FILTERS = {
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}


def _cubic(x: Array, a: float) -> Array:
    x = np.abs(x)
    near = ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0
    far = (((x - 5.0) * x + 8.0) * x - 4.0) * a
    return np.where(x < 1.0, near, np.where(x < 2.0, far, 0.0))


_FILTERS: dict[str, Callable[[Array], Array]] = {
    "bilinear": lambda x: np.maximum(1.0 - np.abs(x), 0.0),
    "bicubic": lambda x: _cubic(x, -0.5),
    "lanczos": lambda x: np.where(np.abs(x) < 3.0, np.sinc(x) * np.sinc(x / 3.0), 0.0),
}


@functools.lru_cache(maxsize=256)
def nearest_index(old: int, new: int, exact: bool) -> Array:
    """Which of ``old`` pixels each of ``new`` shows: the one under its corner, or (exact) under its centre."""
    scale = np.float32(old) / np.float32(new)
    i = np.arange(new, dtype=np.float32)
    place = (i + np.float32(0.5)) * scale if exact else i * scale
    return np.minimum(np.floor(place).astype(np.int64), old - 1)


@functools.lru_cache(maxsize=256)
def taps(old: int, new: int, mode: str, antialias: bool) -> tuple[Array, Array]:
    """Indices and weights, each ``(new, k)``, of the input pixels that make each output pixel; float64 weights."""
    scale = old / new
    centre = (np.arange(new) + 0.5) * scale
    if antialias:
        stretch = max(scale, 1.0)
        support = SUPPORT[mode] * stretch
        first = np.maximum((centre - support + 0.5).astype(np.int64), 0)
        end = np.minimum((centre + support + 0.5).astype(np.int64), old)
        index = first[:, None] + np.arange(int((end - first).max()))
        weights = _FILTERS[mode]((index - centre[:, None] + 0.5) / stretch) * (index < end[:, None])
        weights /= weights.sum(1, keepdims=True)
    else:
        place = centre - 0.5
        if mode == "bilinear":
            place = np.maximum(place, 0.0)
        low = np.floor(place)
        reach = np.arange(2) if mode == "bilinear" else np.arange(-1, 3)
        index = low[:, None].astype(np.int64) + reach
        away = (place - low)[:, None] - reach
        weights = np.maximum(1.0 - np.abs(away), 0.0) if mode == "bilinear" else _cubic(away, -0.75)
    return np.clip(index, 0, old - 1), weights


def _along(xp: Any, image: Any, index: Any, weights: Any, axis: int) -> Any:
    """Sums of ``k`` weighted neighbours along one of the last two dims."""
    total = None
    for k in range(index.shape[1]):
        w = weights[:, k].astype(image.dtype)
        part = xp.take(image, index[:, k], axis) * (w if axis == -1 else w[:, None])
        total = part if total is None else total + part
    return total


def _within(image: Any, box: Any) -> Any:
    """The part of an image in a box of row, column, height and width; all of it without one."""
    if box is None:
        return image
    top, left, height, width = box
    return image[..., top : top + height, left : left + width]


@kernel
def nearest(xp: Any, image: Any, rows: Any, columns: Any, *, box: Any = None) -> Any:
    """The image's pixels at ``rows`` × ``columns``."""
    return xp.take(xp.take(_within(image, box), rows, -2), columns, -1)


@kernel
def weighted(xp: Any, image: Any, across: Any, wx: Any, down: Any, wy: Any, *, box: Any = None) -> Any:
    """The image resized by `taps`, across and then down; bytes are rounded after each."""
    image = _within(image, box)
    if is_float(image.dtype):
        return _along(xp, _along(xp, image, across, wx, -1), down, wy, -2)
    x = image.astype(np.float32)
    for index, weights, axis in ((across, wx, -1), (down, wy, -2)):
        x = xp.clip(xp.floor(_along(xp, x, index, weights, axis) + np.float32(0.5)), 0, 255)
    return x.astype(image.dtype)


def _by_pillow(image: Array, size: tuple[int, int], mode: str) -> Array:
    """The planes of a uint8 or float32 array resized by Pillow."""
    h, w = size
    if image.dtype == np.uint8 and image.shape[:-2] == (3,) and image.strides[0] == 1 and image.strides[-1] == 3:
        picture = Image.fromarray(np.ascontiguousarray(image.transpose(1, 2, 0)))  # as Pillow lays colours out
        return np.asarray(picture.resize((w, h), _PIL_FILTERS[mode])).transpose(2, 0, 1)
    planes = np.ascontiguousarray(image).reshape(-1, *image.shape[-2:])
    made = np.empty((len(planes), h, w), image.dtype)
    kind = "L" if image.dtype == np.uint8 else "F"
    for plane, out in zip(planes, made, strict=True):
        source = Image.frombuffer(kind, plane.shape[::-1], plane, "raw", kind, 0, 1)
        out[...] = np.asarray(source.resize((w, h), _PIL_FILTERS[mode]))
    return made.reshape(*image.shape[:-2], h, w)


@kernel
def _antialiased(xp: Any, image: Any, *, size: tuple[int, int], mode: str, box: Any = None) -> Any:
    """The image resized through an antialiasing filter; floats of any kind or bytes."""
    image = _within(image, box)
    if xp is np and image.dtype in (np.uint8, np.float32) and all(n < 1 << 15 for n in (*size, *image.shape[-2:])):
        return _by_pillow(image, size, mode)
    (h, w), (oh, ow) = image.shape[-2:], size
    f = image.dtype if is_float(image.dtype) else np.dtype(np.float32)
    made = _along(xp, image.astype(f), *taps(w, ow, mode, True), -1)
    made = _along(xp, made, *taps(h, oh, mode, True), -2)
    return made if is_float(image.dtype) else xp.clip(xp.rint(made), 0, 255).astype(image.dtype)


def resize(image: Any, size: tuple[int, int], mode: str, antialias: bool, box: Any = None) -> Any:
    """A tensor ``(..., H, W)`` resized to ``size``; bytes give bytes, floats give floats.

    Args:
        image: uint8, float32 or float64; of any dtype where the mode is ``nearest`` or ``nearest-exact``.
        size: height and width.
        mode: ``nearest``, ``nearest-exact``, ``bilinear``, ``bicubic`` or ``lanczos`` (antialiased only).
        antialias: widen the filter when shrinking.
        box: resize only this part (row, column, height, width).
    """
    if box is not None and not on_host(image):  # a constant of the recorded program: every box would be a new one
        image, box = _within(image, box), None
    (h, w), (oh, ow) = image.shape[-2:] if box is None else box[2:], size
    if mode.startswith("nearest"):
        exact = mode != "nearest"
        return nearest(image, nearest_index(h, oh, exact), nearest_index(w, ow, exact), box=box)
    if antialias:
        return _antialiased(image, size=(oh, ow), mode=mode, box=box)
    return weighted(image, *taps(w, ow, mode, False), *taps(h, oh, mode, False), box=box)


def output_size(image: tuple[int, int], size: Any, max_size: int | None = None) -> tuple[int, int]:
    """Height and width that ``Resize`` gives an image.

    Args:
        image: height and width before.
        size: height and width; or one number for the shorter edge; or None where only ``max_size`` counts.
        max_size: the longer edge is at most this.

    Raises:
        ValueError: sizes that cannot be met.
    """
    h, w = image
    short, long = (w, h) if w <= h else (h, w)
    if size is None:
        if not isinstance(max_size, int):
            raise ValueError(f"max_size must be an integer when size is None, but got {max_size} instead.")
        new_short, new_long = int(max_size * short / long), max_size
    elif len(size) == 1:
        wanted = size[0]
        new_short, new_long = wanted, int(wanted * long / short)
        if max_size is not None:
            if max_size <= wanted:
                raise ValueError(
                    f"max_size = {max_size} must be strictly greater than the requested size for the smaller edge "
                    f"size = {size}"
                )
            if new_long > max_size:
                new_short, new_long = int(max_size * new_short / new_long), max_size
    else:
        return size[0], size[1]
    return (new_long, new_short) if w <= h else (new_short, new_long)
