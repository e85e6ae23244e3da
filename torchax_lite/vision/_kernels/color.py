"""Kernels that change colours. Images are ``(..., C, H, W)``; integers span their dtype, floats span 0 to 1.

torchvision's two interfaces round differently. ``v2=True`` is ``transforms.v2``: there ``a + alpha * b`` is one fused
multiply-add, and integers become floats by multiplication with the reciprocal of their maximum.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .._arrays import kernel as kernel

_BITS = {"uint8": 8, "int8": 7, "int16": 15, "uint16": 16, "int32": 31, "int64": 63}


def max_value(dtype: Any) -> int:
    """The value of full intensity: the maximum of an integer dtype, 1 for others."""
    bits = _BITS.get(np.dtype(dtype).name)
    return 1 if bits is None else 2**bits - 1


def value_bits(dtype: Any) -> int:
    """How many bits of an integer dtype hold intensity."""
    return _BITS[np.dtype(dtype).name]


def is_float(dtype: Any) -> bool:
    """Whether a dtype is a floating one (bfloat16 too)."""
    return np.dtype(dtype).kind not in "iub"


def float_type(dtype: Any) -> np.dtype[Any]:
    """The dtype that images of a dtype are computed in."""
    return np.dtype(dtype) if is_float(dtype) else np.dtype(np.float32)


def fused(xp: Any, a: Any, b: Any, c: Any) -> Any:
    """``a * b + c``, rounded once."""
    if xp is np and c.dtype == np.float32:
        return (np.multiply(a, b, dtype=np.float64) + c).astype(np.float32)
    return a * b + c


def _blend(xp: Any, image: Any, other: Any, ratio: Any, v2: bool) -> Any:
    """``ratio * image + (1 - ratio) * other``, clipped to the image's range, in its dtype."""
    f = float_type(image.dtype)
    part, rest = ratio.astype(f), (1.0 - ratio).astype(f)
    scaled = image.astype(f) * part
    mixed = fused(xp, other.astype(f), rest, scaled) if v2 else scaled + rest * other.astype(f)
    return xp.clip(mixed, 0, max_value(image.dtype)).astype(image.dtype)


def luminance(xp: Any, image: Any, v2: bool) -> Any:
    """``0.2989 R + 0.587 G + 0.114 B`` as floats, shape ``(..., 1, H, W)``."""
    f = float_type(image.dtype)
    r, g, b = (image[..., i : i + 1, :, :].astype(f) for i in range(3))
    wr, wg, wb = (f.type(w) for w in (0.2989, 0.587, 0.114))
    if v2:
        return fused(xp, b, wb, fused(xp, g, wg, r * wr))
    return wr * r + wg * g + wb * b


@kernel(lazy=True)
def grayscale(xp: Any, image: Any, *, v2: bool) -> Any:
    """The luminance of an RGB image in the image's dtype, one channel."""
    return luminance(xp, image, v2).astype(image.dtype)


@kernel(lazy=True)
def brightness(xp: Any, image: Any, factor: Any) -> Any:
    """``factor * image``, clipped."""
    f = float_type(image.dtype)
    return xp.clip(image.astype(f) * factor.astype(f), 0, max_value(image.dtype)).astype(image.dtype)


@kernel(lazy=True)
def contrast(xp: Any, image: Any, factor: Any, *, v2: bool) -> Any:
    """The image blended with its mean luminance."""
    f = float_type(image.dtype)
    gray = luminance(xp, image, v2) if image.shape[-3] == 3 else image.astype(f)
    if not is_float(image.dtype):
        gray = xp.floor(gray)
    count = f.type(gray.shape[-1] * gray.shape[-2] * gray.shape[-3])
    mean = gray.sum((-3, -2, -1), keepdims=True, dtype=np.float64).astype(f) / count
    return _blend(xp, image, mean, factor, v2)


@kernel(lazy=True)
def saturation(xp: Any, image: Any, factor: Any, *, v2: bool) -> Any:
    """An RGB image blended with its luminance."""
    gray = luminance(xp, image, v2)
    return _blend(xp, image, gray if is_float(image.dtype) else xp.floor(gray), factor, v2)


def _smoothed(xp: Any, image: Any) -> Any:
    """The inner pixels smoothed: weights 5/13 for the pixel and 1/13 for its eight neighbours, as floats."""
    f = float_type(image.dtype)
    whole = not is_float(image.dtype)
    x = image.astype(np.int64 if image.dtype.itemsize > 2 else np.int32) if whole else image
    h, w = x.shape[-2:]
    near = sum(x[..., i : h - 2 + i, j : w - 2 + j] for i in range(3) for j in range(3))
    centre = x[..., 1:-1, 1:-1]
    if whole:
        return xp.rint((near + 4 * centre) / np.float64(13.0)).astype(f)
    return near * f.type(1.0 / 13.0) + centre * f.type(4.0 / 13.0)


@kernel
def sharpness(xp: Any, image: Any, factor: Any, *, v2: bool) -> Any:
    """The image blended with its smoothed self; pixels on the border stay (v2) or are blended with themselves (v1)."""
    f = float_type(image.dtype)
    x = image.astype(f)
    smooth = _smoothed(xp, image)
    if v2:
        inner = x[..., 1:-1, 1:-1]
        changed = fused(xp, smooth - inner, (1.0 - factor).astype(f), inner)
        return xp.clip(with_inner(xp, x, changed), 0, max_value(image.dtype)).astype(image.dtype)
    return _blend(xp, image, with_inner(xp, x, smooth), factor, False)


def with_inner(xp: Any, image: Any, inner: Any) -> Any:
    """The image with all but its outermost pixels replaced."""
    if xp is np:
        made = np.array(image)
        made[..., 1:-1, 1:-1] = inner
        return made
    return image.at[..., 1:-1, 1:-1].set(inner)


def to_float(xp: Any, image: Any, v2: bool) -> Any:
    """An image of integers as floats from 0 to 1 (float32); floats stay."""
    if is_float(image.dtype):
        return image
    bound = max_value(image.dtype)
    x = image.astype(np.float32)
    return x * np.float32(1.0 / bound) if v2 else x / np.float32(bound)


def from_float(xp: Any, image: Any, dtype: Any) -> Any:
    """Floats from 0 to 1 as an image of ``dtype``: ``(max + 0.999) * image``, cut off."""
    if is_float(dtype):
        return image.astype(dtype)
    return (image * image.dtype.type(float(max_value(dtype)) + 1.0 - 1e-3)).astype(dtype)


@kernel(lazy=True)
def convert(xp: Any, image: Any, *, dtype: Any, v2: bool) -> Any:
    """The image in another dtype, its values rescaled from one range to the other (see `from_float`, `to_float`)."""
    if is_float(image.dtype):
        return from_float(xp, image, dtype)
    if is_float(dtype):
        x = image.astype(dtype)
        bound = max_value(image.dtype)
        return x * dtype.type(1.0 / bound) if v2 else x / dtype.type(float(bound))
    ratio = (max_value(image.dtype) + 1) / (max_value(dtype) + 1)
    if ratio >= 1:
        return (image // image.dtype.type(ratio)).astype(dtype)
    return image.astype(dtype) * dtype.type(1 / ratio)


def _hsv(xp: Any, image: Any, v2: bool) -> tuple[Any, Any, Any]:
    """Hue, saturation and value of float RGB images; hue from 0 to 1, 0 for grays."""
    r, g, b = (image[..., i, :, :] for i in range(3))
    high, low = image.max(-3), image.min(-3)
    gray = high == low
    span = high - low
    one = xp.ones_like(high)
    s = span / xp.where(gray, one, high)
    divisor = xp.where(gray, one, span)
    rc, gc, bc = ((high - c) / divisor for c in (r, g, b))
    f = image.dtype.type
    is_r, is_g = high == r, high == g
    zero = xp.zeros_like(high)
    from_g = (rc + f(2.0)) - bc if v2 else f(2.0) + rc - bc
    from_b = (gc + f(4.0)) - rc if v2 else f(4.0) + gc - rc
    h = xp.where(is_r, bc - gc, xp.where(is_g, from_g, xp.where(is_r | is_g, zero, from_b)))
    sixth = h * f(1.0 / 6.0) if v2 else h / f(6.0)
    return xp.fmod(sixth + f(1.0), f(1.0)), s, high


def _rgb(xp: Any, h: Any, s: Any, v: Any, v2: bool) -> Any:
    """Float RGB images of hue, saturation and value."""
    f = h.dtype.type
    h6 = h * f(6.0)
    sextant = xp.floor(h6)
    rest = h6 - sextant
    i = sextant.astype(np.int32) % 6
    one = f(1.0)
    p = xp.clip(v * (one - s), 0, 1)
    q = xp.clip(v * (one - s * rest), 0, 1)
    t = xp.clip((s * rest + (one - s)) * v if v2 else v * (one - s * (one - rest)), 0, 1)
    table = ((v, q, p, p, t, v), (t, v, v, q, p, p), (p, p, t, v, v, q))
    return xp.stack([_choose(xp, i, row) for row in table], -3)


def _choose(xp: Any, i: Any, choices: Any) -> Any:
    made = choices[-1]
    for n in range(len(choices) - 2, -1, -1):
        made = xp.where(i == n, choices[n], made)
    return made


@kernel(lazy=True)
def hue(xp: Any, image: Any, factor: Any, *, v2: bool) -> Any:
    """The hue of an RGB image turned by ``factor`` of a full turn."""
    x = to_float(xp, image, v2)
    x = x if v2 or x.dtype == np.float32 else x.astype(np.float32)
    h, s, v = _hsv(xp, x, v2)
    h = xp.remainder(h + factor.astype(h.dtype), h.dtype.type(1.0))
    return from_float(xp, _rgb(xp, h, s, v, v2), image.dtype)


@kernel(lazy=True)
def gamma(xp: Any, image: Any, exponent: Any, gain: Any, *, v2: bool, gained: bool) -> Any:
    """``gain * image ** gamma``, clipped to 0 to 1 (in v2 only where there is a gain)."""
    x = to_float(xp, image, v2)
    y = _power(xp, x, exponent)
    if gained or not v2:
        y = xp.clip(gain.astype(y.dtype) * y, 0, 1)
    return from_float(xp, y, image.dtype)


def _power(xp: Any, x: Any, exponent: Any) -> Any:
    """``x ** exponent``; in double precision on the host, where PyTorch's float32 result is the rounded one."""
    if xp is np and x.dtype == np.float32:
        value = float(exponent)
        if value == 0.5:
            return np.sqrt(x)
        if value in (1.0, 2.0, 3.0):
            return x if value == 1.0 else (x * x if value == 2.0 else x * x * x)
        return np.power(x, value, dtype=np.float64).astype(np.float32)
    return x ** exponent.astype(x.dtype)


@kernel(lazy=True)
def posterize(xp: Any, image: Any, *, bits: int) -> Any:
    """Only the ``bits`` highest bits of each value; floats are cut to ``2 ** bits`` levels."""
    if is_float(image.dtype):
        f = image.dtype.type
        levels = 1 << bits
        return xp.clip(xp.floor(image * f(levels)), 0, levels - 1) * f(1.0 / levels)
    n = value_bits(image.dtype)
    return image & image.dtype.type(((1 << bits) - 1) << (n - bits))


@kernel(lazy=True)
def invert(xp: Any, image: Any) -> Any:
    """``max - image``."""
    return _inverted(image)


def _inverted(image: Any) -> Any:
    return image.dtype.type(max_value(image.dtype)) - image


@kernel(lazy=True)
def solarize(xp: Any, image: Any, threshold: Any) -> Any:
    """The image, inverted where it reaches the threshold."""
    reached = image >= threshold.astype(float_type(image.dtype))
    return xp.where(reached, _inverted(image), image)


@kernel(lazy=True)
def autocontrast(xp: Any, image: Any, *, v2: bool) -> Any:
    """Each channel stretched from its own extremes to the full range; constant channels stay."""
    f = float_type(image.dtype)
    bound = max_value(image.dtype)
    low = image.min((-2, -1), keepdims=True).astype(f)
    high = image.max((-2, -1), keepdims=True).astype(f)
    flat = high == low
    zero, one = f.type(0), f.type(1)
    x = image.astype(f)
    if v2:
        span = xp.where(flat, one, (high - low) * f.type(1.0 / bound))
        y = (x - xp.where(flat, zero, low)) / span
    else:
        scale = f.type(bound) / (high - low)
        usable = xp.isfinite(scale)
        y = (x - xp.where(usable, low, zero)) * xp.where(usable, scale, one)
    return xp.clip(y, 0, bound).astype(image.dtype)


@kernel
def equalize(xp: Any, image: Any) -> Any:
    """Each channel of a uint8 image with a flat histogram, as Pillow computes it."""
    shape = image.shape
    flat = image.reshape(-1, shape[-2] * shape[-1]).astype(np.int32)
    rows = flat.shape[0]
    offsets = xp.arange(rows, dtype=np.int32)[:, None] * np.int32(256)
    size = {"minlength": 256 * rows} if xp is np else {"length": 256 * rows}
    counts = xp.bincount((flat + offsets).reshape(-1), **size).reshape(rows, 256)
    total = xp.cumsum(counts, -1)
    last = xp.take_along_axis(counts, xp.argmax(total, -1)[:, None], -1)
    step = (flat.shape[1] - last) // 255
    table = xp.clip((total[:, :-1] + step // 2) // xp.maximum(step, 1), 0, 255).astype(np.uint8)
    table = xp.concatenate([xp.zeros((rows, 1), np.uint8), table], -1)
    made = xp.take_along_axis(table, flat, -1).reshape(shape)
    unusable = (step == 0).reshape(*shape[:-2], 1, 1)
    return xp.where(unusable, image, made)


@kernel(lazy=True)
def normalize(xp: Any, image: Any, mean: Any, std: Any) -> Any:
    """``(image - mean) / std``, channel by channel."""
    y = image - mean.astype(image.dtype)
    if xp is np:
        y /= std.astype(image.dtype)
        return y
    return y / std.astype(image.dtype)


@kernel
def permuted(xp: Any, image: Any, order: Any) -> Any:
    """The channels in another order."""
    return xp.take(image, order, -3)
