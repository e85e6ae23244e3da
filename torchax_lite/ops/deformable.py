"""Deformable convolution: a convolution whose kernel reads at places shifted by learned offsets."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np

from .common import accumulation_dtype
from .registry import op
from .samples import Sample, array


def _corner(image, y, x):
    """Values ``(N, G, C, P)`` at whole places ``(N, G, P)`` of an image ``(N, G, C, H, W)``; 0 outside."""
    height, width = image.shape[-2:]
    inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
    flat = image.reshape(*image.shape[:3], -1)
    at = jnp.clip(y, 0, height - 1) * width + jnp.clip(x, 0, width - 1)
    return jnp.where(inside[:, :, None], jnp.take_along_axis(flat, at[:, :, None], -1), 0)


def _bilinear(image, y, x):
    """Bilinear values at fractional places; nothing is read further than one place outside."""
    height, width = image.shape[-2:]
    low_y, low_x = jnp.floor(y), jnp.floor(x)
    down, across = (y - low_y)[:, :, None], (x - low_x)[:, :, None]
    iy, ix = low_y.astype(jnp.int32), low_x.astype(jnp.int32)
    value = (
        _corner(image, iy, ix) * (1 - down) * (1 - across)
        + _corner(image, iy, ix + 1) * (1 - down) * across
        + _corner(image, iy + 1, ix) * down * (1 - across)
        + _corner(image, iy + 1, ix + 1) * down * across
    )
    near = (y > -1) & (y < height) & (x > -1) & (x < width)
    return jnp.where(near[:, :, None], value, 0)


def _samples(rng, dtype):
    image, weight = array(rng, (2, 4, 5, 4), dtype), array(rng, (6, 2, 3, 2), dtype)
    offset, mask = array(rng, (2, 24, 2, 3), dtype), array(rng, (2, 12, 2, 3), dtype)
    settings = ([2, 2], [1, 1], [1, 2], 2, 2)
    yield Sample((image, weight, offset, mask, array(rng, (6,), dtype), *settings))
    yield Sample((image, weight, offset, None, None, *settings))


@op(
    "deform_conv2d(Tensor input, Tensor weight, Tensor offset, Tensor? mask, Tensor? bias, int[2] stride, "
    "int[2] padding, int[2] dilation, int groups, int offset_groups) -> Tensor",
    method=False, out=False, namespaces=("_ops",), samples=_samples,
)  # fmt: skip
def deform_conv2d(input, weight, offset, mask, bias, stride, padding, dilation, groups, offset_groups):
    """``sum_k w_k * mask_k * x(p + p_k + offset_k) + b`` (Dai et al. 2017; with ``mask`` Zhu et al. 2019).

    ``offset (N, 2 * G * kh * kw, oh, ow)`` holds (y, x) for each offset group and kernel place, ``mask`` half as many.
    """
    wide = accumulation_dtype(input.dtype)
    n, channels = input.shape[:2]
    kh, kw = weight.shape[2:]
    oh, ow = offset.shape[2:]
    shift = offset.astype(wide).reshape(n, offset_groups, kh * kw, 2, oh, ow)
    taps = np.stack(np.meshgrid(np.arange(kh) * dilation[0], np.arange(kw) * dilation[1], indexing="ij"))
    tap_y, tap_x = taps.reshape(2, kh * kw, 1, 1)
    y = shift[:, :, :, 0] + (np.arange(oh) * stride[0] - padding[0])[:, None] + tap_y
    x = shift[:, :, :, 1] + (np.arange(ow) * stride[1] - padding[1]) + tap_x
    image = input.astype(wide).reshape(n, offset_groups, channels // offset_groups, *input.shape[2:])
    read = _bilinear(image, y.reshape(n, offset_groups, -1), x.reshape(n, offset_groups, -1))
    read = read.reshape(n, offset_groups, -1, kh * kw, oh, ow)
    if mask is not None:
        read = read * mask.astype(wide).reshape(n, offset_groups, 1, kh * kw, oh, ow)
    read = read.reshape(n, groups, channels // groups, kh * kw, oh, ow)
    kernel = weight.astype(wide).reshape(groups, weight.shape[0] // groups, weight.shape[1], kh * kw)
    result = jnp.einsum("ngckhw,gock->ngohw", read, kernel).reshape(n, -1, oh, ow)
    if bias is not None:
        result = result + bias.astype(wide)[:, None, None]
    return result.astype(input.dtype)
