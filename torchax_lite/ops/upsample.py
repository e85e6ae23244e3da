"""Resampling: interpolation, sampling on a grid, pixel and channel shuffles, sliding blocks.

Interpolation is separable: each dim has, for every output place, a few input places and weights, worked out when the
op is built. The derivative multiplies by the matrix of these weights.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from .common import accumulation_dtype, display_name
from .memory import channels_last
from .pooling import padded_windows, window_sum, window_taps
from .registry import op
from .samples import T, cases

Taps = tuple[np.ndarray, np.ndarray]
"""Input places and weights of each output place, both ``(taps, out)``."""


# ---------------------------------------------------------------- weights of one dim
def _ratio(size: int, out: int, scale: float, align_corners: bool, kind: type) -> np.floating:
    """Input step for each output step; ``scale`` 0 means that it follows from the sizes."""
    if align_corners:
        return kind((size - 1) / (out - 1)) if out > 1 else kind(0)
    return kind(1 / scale) if scale > 0 else kind(size) / kind(out)


def _nearest_taps(size, out, scale, exact, kind) -> Taps:
    step = _ratio(size, out, scale, False, kind)
    place = np.arange(out).astype(kind) + (kind(0.5) if exact else kind(0))
    at = np.minimum(np.floor(place * step).astype(np.int64), size - 1)
    return at[None], np.ones((1, out), kind)


def _linear_taps(size, out, scale, align_corners, kind) -> Taps:
    step = _ratio(size, out, scale, align_corners, kind)
    place = np.arange(out).astype(kind)
    source = place * step if align_corners else np.maximum((place + kind(0.5)) * step - kind(0.5), 0)
    low = np.minimum(source.astype(np.int64), size - 1)
    part = np.clip(source - low, 0, 1).astype(kind)
    return np.stack([low, np.minimum(low + 1, size - 1)]), np.stack([1 - part, part])


def _cubic_weights(t, a):
    """Weights of the four neighbours of a place ``t`` past the second (cubic convolution, Keys 1981)."""

    def near(x):
        return ((a + 2) * x - (a + 3)) * x * x + 1

    def far(x):
        return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a

    return [far(t + 1), near(t), near(1 - t), far(2 - t)]


def _cubic_taps(size, out, scale, align_corners, kind) -> Taps:
    step = _ratio(size, out, scale, align_corners, kind)
    place = np.arange(out).astype(kind)
    source = place * step if align_corners else (place + kind(0.5)) * step - kind(0.5)
    low = np.floor(source).astype(np.int64)
    at = np.clip(np.stack([low + d for d in (-1, 0, 1, 2)]), 0, size - 1)
    return at, np.stack(_cubic_weights((source - low).astype(kind), kind(-0.75)))


def _triangle(x):
    return np.maximum(1 - np.abs(x), 0)


def _cubic_filter(x):
    x, a = np.abs(x), -0.5
    inner, outer = ((a + 2) * x - (a + 3)) * x * x + 1, (((x - 5) * x + 8) * x - 4) * a
    return np.where(x < 1, inner, np.where(x < 2, outer, 0))


def _lanczos_filter(x):
    return np.where(np.abs(x) < 3, np.sinc(x) * np.sinc(x / 3), 0)


_FILTERS: dict[str, tuple[int, Callable[..., np.ndarray]]] = {
    "bilinear": (2, _triangle), "bicubic": (4, _cubic_filter), "lanczos": (6, _lanczos_filter),
}  # fmt: skip


def _smooth_taps(size, out, scale, align_corners, mode, kind) -> Taps:
    """Antialiased: the filter is widened by the reduction, and its weights normalised."""
    width, weigh = _FILTERS[mode]
    step = float(_ratio(size, out, scale, align_corners, kind))
    support = width * 0.5 * max(step, 1.0)
    center = step * (np.arange(out) + 0.5)
    low = np.maximum((center - support + 0.5).astype(np.int64), 0)
    high = np.minimum((center + support + 0.5).astype(np.int64), size)
    place = low + np.arange(max(int((high - low).max()), 1))[:, None]
    weight = weigh((place - center + 0.5) / max(step, 1.0)) * (place < high)
    weight = weight / weight.sum(0)
    return np.minimum(place, size - 1), weight.astype(kind)


def _taps_of(size, out, scale, mode, align_corners, antialias, kind) -> Taps:
    if antialias:
        return _smooth_taps(size, out, scale, align_corners, mode, kind)
    if mode in ("nearest", "nearest-exact"):
        return _nearest_taps(size, out, scale, mode == "nearest-exact", kind)
    rule = _cubic_taps if mode == "bicubic" else _linear_taps
    return rule(size, out, scale, align_corners, kind)


# ---------------------------------------------------------------- interpolation
def _apply_taps(x, axis: int, taps: Taps):
    at, weight = taps
    tail = (1,) * (x.ndim - 1 - axis)
    if len(at) == 1:
        return _take_nearest(x, axis, at[0])
    total = None
    for place, w in zip(at, weight, strict=True):
        part = jnp.take(x, place, axis=axis) * jnp.asarray(w, x.dtype).reshape(-1, *tail)
        total = part if total is None else total + part
    return total


def _take_nearest(x, axis: int, place: np.ndarray):
    size = x.shape[axis]
    times = len(place) // size
    if times * size == len(place) and np.array_equal(place, np.repeat(np.arange(size), times)):
        return jnp.repeat(x, times, axis=axis)
    return jnp.take(x, place, axis=axis)


def _transpose_taps(ct, axis: int, size: int, taps: Taps):
    """The derivative of :func:`_apply_taps`: a product with the weights' matrix."""
    at, weight = taps
    out, times = at.shape[1], at.shape[1] // size
    if len(at) == 1 and times * size == out and np.array_equal(at[0], np.repeat(np.arange(size), times)):
        return jnp.sum(ct.reshape(*ct.shape[:axis], size, times, *ct.shape[axis + 1 :]), axis=axis + 1)
    columns = lax.broadcasted_iota(jnp.int32, (out, size), 1)
    matrix = jnp.zeros((out, size), ct.dtype)
    for place, w in zip(at, weight, strict=True):
        hit = columns == jnp.asarray(place, jnp.int32)[:, None]
        matrix = matrix + jnp.where(hit, jnp.asarray(w, ct.dtype)[:, None], 0)
    moved = lax.dot_general(ct, matrix, (((axis,), (0,)), ((), ())), precision=lax.Precision.HIGHEST)
    return jnp.moveaxis(moved, -1, axis)


def _check_upsample(x, mode, output_size) -> int:
    n = x.ndim - 2
    sizes = list(x.shape[2:])
    if any(s <= 0 for s in (*sizes, *output_size)):
        names = ("D", "H", "W")[-n:]
        given, wanted = (", ".join(f"{a}: {s}" for a, s in zip(names, v, strict=True)) for v in (sizes, output_size))
        raise RuntimeError(
            f"Input and output sizes should be greater than 0, but got input ({given}) output ({wanted})"
        )
    if np.dtype(x.dtype).kind in "bic" or (np.dtype(x.dtype).kind == "u" and x.dtype != jnp.uint8):
        raise NotImplementedError(
            f"\"upsample_{mode}{n}d_channels_last\" not implemented for '{display_name(x.dtype)}'"
        )
    return n


def _compute_dtype(dtype) -> np.dtype:
    return np.dtype(np.float32) if np.dtype(dtype) == np.uint8 else accumulation_dtype(dtype)


def _in_fixed_point(x, mode, output_size, scales, align_corners, antialias):
    """Bytes of images of up to four channels, resized by rows, then by columns, with 16-bit weights (PyTorch's AVX2)."""
    for i in (1, 0):
        size = x.shape[2 + i]
        if output_size[i] == size:
            continue
        at, weight = _taps_of(size, output_size[i], scales[i], mode, align_corners, antialias, np.float64)
        weight = weight.copy()
        for t in range(1, len(at)):  # places beyond an edge count for the edge
            same = at[t] == at[t - 1]
            weight[t] += np.where(same, weight[t - 1], 0)
            weight[t - 1] = np.where(same, 0, weight[t - 1])
        bits = next(b for b in range(23) if b == 22 or int(0.5 + weight.max() * (1 << (b + 1))) >= 1 << 15)
        whole = np.trunc(weight * (1 << bits) + np.where(weight < 0, -0.5, 0.5)).astype(np.int32)
        shape = [1] * x.ndim
        shape[2 + i] = -1
        total = jnp.asarray(1 << (bits - 1), jnp.int32)
        for places, w in zip(at, whole, strict=True):
            total = total + jnp.take(x, places, axis=2 + i).astype(jnp.int32) * w.reshape(shape)
        x = jnp.clip(total >> bits, 0, 255).astype(jnp.uint8)
    return x


def _upsample_name(input, mode, *rest) -> str:
    n = input.ndim - 2
    kind = {"nearest": "Nearest", "nearest-exact": "NearestExact"}.get(mode, mode.capitalize())
    return f"Upsample{kind}{n}D{'Aa' if rest[-1] else ''}Backward0"


@op(
    "upsample(Tensor input, str mode, int[] output_size, float[] scales, bool align_corners=False, "
    "bool antialias=False) -> Tensor",
    method=False, out=False, namespaces=("_ops",), grad_name=_upsample_name,
    samples=cases(
        (T((2, 3, 4)), "nearest", (8,), (0.0,)), (T((2, 3, 4)), "linear", (7,), (0.0,)),
        (T((2, 3, 4, 5)), "bilinear", (7, 3), (0.0, 0.0)), (T((2, 3, 4, 5)), "bicubic", (7, 8), (0.0, 0.0), True),
        (T((2, 3, 4, 5)), "nearest-exact", (7, 3), (0.0, 0.0)),
        (T((2, 3, 9, 8)), "bilinear", (4, 5), (0.0, 0.0), False, True),
        (T((1, 2, 3, 4, 3)), "trilinear", (4, 2, 5), (0.0, 0.0, 0.0)),
    ),
)  # fmt: skip
def upsample(input, mode, output_size, scales, align_corners, antialias):
    """``(N, C, *spatial)`` resampled to ``output_size``; ``scales`` (0: unknown) fix the coordinate steps."""
    n = _check_upsample(input, mode, output_size)
    if input.dtype == jnp.uint8 and mode in ("bilinear", "bicubic") and input.shape[1] <= 4:
        return _in_fixed_point(input, mode, output_size, scales, align_corners, antialias)
    kind = _compute_dtype(input.dtype)
    x = input if mode.startswith("nearest") else input.astype(kind)
    for i in reversed(range(n)):
        taps = _taps_of(input.shape[2 + i], output_size[i], scales[i], mode, align_corners, antialias, kind.type)
        x = _apply_taps(x, 2 + i, taps)
    if input.dtype == jnp.uint8 and x.dtype != jnp.uint8:
        x = jnp.clip(jnp.floor(x + 0.5), 0, 255)
    return x.astype(input.dtype)


upsample.memory_rule(channels_last())


@upsample.vjp
def _(ct, input_shape, mode, output_size, scales, align_corners, antialias):
    kind = _compute_dtype(ct.dtype)
    g = ct.astype(kind)
    for i, size in enumerate(input_shape[2:]):
        taps = _taps_of(size, output_size[i], scales[i], mode, align_corners, antialias, kind.type)
        g = _transpose_taps(g, 2 + i, size, taps)
    return g.astype(ct.dtype)


# ---------------------------------------------------------------- sampling on a grid
def _unnormalize(grid, size: int, align_corners: bool):
    """From [-1, 1] to input places."""
    return (grid + 1) / 2 * (size - 1) if align_corners else ((grid + 1) * size - 1) / 2


def _clip(x, size: int):
    """Into the image, with zero slope from the border on."""
    inside = (x > 0) & (x < size - 1)
    return jnp.where(inside, x, lax.stop_gradient(jnp.clip(x, 0, size - 1)))


def _reflect(x, low2: int, high2: int):
    """Mirrored at both ends; the ends are given doubled."""
    if low2 == high2:
        return jnp.zeros_like(x)
    low, span = low2 / 2, (high2 - low2) / 2
    x = jnp.abs(x - low)
    flips = lax.stop_gradient(jnp.floor(x / span))
    extra = x - flips * span
    return jnp.where(flips % 2 == 0, extra + low, span - extra + low)


def _place(x, size: int, padding_mode: str, align_corners: bool):
    if padding_mode == "border":
        return _clip(x, size)
    if padding_mode == "reflection":
        ends = (0, 2 * (size - 1)) if align_corners else (-1, 2 * size - 1)
        return _clip(_reflect(x, *ends), size)
    return x


def _look_up(x, places: Sequence[jax.Array]):
    """``x[n, :, places]``, 0 outside the image; places are integers ``(N, *out)``."""
    sizes = x.shape[2:]
    flat, inside = jnp.zeros((), jnp.int64), True
    for p, s in zip(places, sizes, strict=True):
        inside = inside & (p >= 0) & (p < s)
        flat = flat * s + jnp.clip(p, 0, s - 1)
    n, out = x.shape[0], places[0].shape[1:]
    picked = jnp.take_along_axis(x.reshape(*x.shape[:2], -1), flat.reshape(n, 1, -1), axis=2)
    picked = picked.reshape(n, x.shape[1], *out)
    return jnp.where(inside[:, None], picked, 0)


def _grid_linear(x, where):
    low = [jnp.floor(lax.stop_gradient(w)) for w in where]
    total = 0
    for corner in np.ndindex(*(2,) * len(where)):
        places = [(b + c).astype(jnp.int64) for b, c in zip(low, corner, strict=True)]
        weight = 1
        for w, b, c in zip(where, low, corner, strict=True):
            weight = weight * (w - b if c else b + 1 - w)
        total = total + _look_up(x, places) * weight[:, None]
    return total


def _grid_cubic(x, where, padding_mode, align_corners):
    low = [jnp.floor(lax.stop_gradient(w)) for w in where]
    weights = [_cubic_weights(w - b, -0.75) for w, b in zip(where, low, strict=True)]
    total = 0
    for i in range(4):
        row = 0
        for j in range(4):
            places = [
                _place(b + d - 1, s, padding_mode, align_corners).astype(jnp.int64)
                for b, d, s in zip(low, (i, j), x.shape[2:], strict=True)
            ]
            row = row + _look_up(x, places) * weights[1][j][:, None]
        total = total + row * weights[0][i][:, None]
    return total


def _grid_name(input, *_) -> str:
    return f"GridSampler{input.ndim - 2}DBackward0"


@op(
    "grid_sampler(Tensor input, Tensor grid, str mode, str padding_mode, bool align_corners) -> Tensor",
    method=False, out=False, namespaces=("_ops",), grad_name=_grid_name,
    samples=cases(
        (T((2, 3, 4, 5)), T((2, 3, 2, 2)), "bilinear", "zeros", False),
        (T((2, 3, 4, 5)), T((2, 3, 2, 2)), "bicubic", "border", True),
        (T((2, 3, 4, 5)), T((2, 3, 2, 2)), "nearest", "reflection", False),
        (T((2, 2, 3, 4, 3)), T((2, 2, 2, 3, 3)), "bilinear", "reflection", True),
    ),
)  # fmt: skip
def grid_sampler(input, grid, mode, padding_mode, align_corners):
    """``input`` read at the places of ``grid`` (last dim x, y (, z), from -1 to 1)."""
    n = input.ndim - 2
    if input.shape[0] != grid.shape[0]:
        raise RuntimeError(
            f"grid_sampler(): expected grid and input to have same batch size, but got input with sizes "
            f"{list(input.shape)} and grid with sizes {list(grid.shape)}"
        )
    if grid.shape[-1] != n:
        raise RuntimeError(
            f"grid_sampler(): expected grid to have size {n} in last dimension, but got grid with sizes "
            f"{list(grid.shape)}"
        )
    if n not in (2, 3) or grid.ndim != input.ndim:
        raise RuntimeError(
            f"grid_sampler(): expected 4D or 5D input and grid with same number of dimensions, but got input with "
            f"sizes {list(input.shape)} and grid with sizes {list(grid.shape)}"
        )
    if grid.dtype != input.dtype:
        raise RuntimeError(f"expected scalar type {display_name(input.dtype)} but found {display_name(grid.dtype)}")
    for i, s in enumerate(input.shape[2:], 2):
        if s == 0:
            raise RuntimeError(
                f"grid_sampler(): expected input to have non-empty spatial dimensions, but input has sizes "
                f"{list(input.shape)} with dimension {i} being empty"
            )
    if n == 3 and mode == "bicubic":
        raise RuntimeError("grid_sampler(): bicubic interpolation only supports 4D input")
    wide = accumulation_dtype(input.dtype)
    x, coordinates = input.astype(wide), grid.astype(wide)
    where = [_unnormalize(coordinates[..., n - 1 - i], s, align_corners) for i, s in enumerate(input.shape[2:])]
    if mode == "bicubic":
        return _grid_cubic(x, where, padding_mode, align_corners).astype(input.dtype)
    where = [_place(w, s, padding_mode, align_corners) for w, s in zip(where, input.shape[2:], strict=True)]
    if mode == "nearest":
        return _look_up(x, [jnp.round(lax.stop_gradient(w)).astype(jnp.int64) for w in where]).astype(input.dtype)
    return _grid_linear(x, where).astype(input.dtype)


@op(
    "affine_grid_generator(Tensor theta, int[] size, bool align_corners) -> Tensor",
    method=False, out=False,
    samples=cases((T((2, 2, 3)), (2, 3, 4, 5), False), (T((2, 3, 4)), (2, 3, 4, 5, 2), True)),
)  # fmt: skip
def affine_grid_generator(theta, size, align_corners):
    """Places ``theta (x, y, 1)`` of a regular grid over [-1, 1]: ``(N, *spatial, n)``."""
    axes = []
    for s in size[2:]:
        line = np.linspace(-1, 1, s) if s > 1 else np.zeros(1)
        axes.append(line if align_corners else line * (s - 1) / s)
    mesh = np.meshgrid(*axes, indexing="ij")
    base = jnp.asarray(np.stack([*reversed(mesh), np.ones_like(mesh[0])], -1), theta.dtype)
    return jnp.einsum("...k,nik->n...i", base, theta, precision=lax.Precision.HIGHEST)


# ---------------------------------------------------------------- shuffles
@op(
    "pixel_shuffle(Tensor self, int upscale_factor) -> Tensor", method=False, out=False,
    samples=cases((T((2, 8, 3, 2)), 2), (T((9, 1, 2)), 3)),
)  # fmt: skip
def pixel_shuffle(self, upscale_factor):
    """``(*, C r^2, H, W)`` to ``(*, C, H r, W r)``."""
    r = upscale_factor
    if self.ndim < 3:
        raise RuntimeError(
            f"pixel_shuffle expects input to have at least 3 dimensions, but got input with {self.ndim} dimension(s)"
        )
    if r <= 0:
        raise RuntimeError(f"pixel_shuffle expects a positive upscale_factor, but got {r}")
    *lead, channels, h, w = self.shape
    if channels % (r * r):
        raise RuntimeError(
            f"pixel_shuffle expects its input's 'channel' dimension to be divisible by the square of upscale_factor, "
            f"but input.size(-3)={channels} is not divisible by {r * r}"
        )
    n = len(lead)
    x = self.reshape(*lead, channels // (r * r), r, r, h, w)
    x = x.transpose(*range(n), n, n + 3, n + 1, n + 4, n + 2)
    return x.reshape(*lead, channels // (r * r), h * r, w * r)


pixel_shuffle.memory_rule(channels_last())


@pixel_shuffle.vjp
def _(ct, upscale_factor):
    return pixel_unshuffle(ct, upscale_factor)


@op(
    "pixel_unshuffle(Tensor self, int downscale_factor) -> Tensor", method=False, out=False,
    samples=cases((T((2, 3, 4, 6)), 2), (T((1, 3, 6)), 3)),
)  # fmt: skip
def pixel_unshuffle(self, downscale_factor):
    """``(*, C, H r, W r)`` to ``(*, C r^2, H, W)``."""
    r = downscale_factor
    if self.ndim < 3:
        raise RuntimeError(
            f"pixel_unshuffle expects input to have at least 3 dimensions, but got input with {self.ndim} dimension(s)"
        )
    if r <= 0:
        raise RuntimeError(f"pixel_unshuffle expects a positive downscale_factor, but got {r}")
    *lead, channels, h, w = self.shape
    for name, place, size in (("height", -2, h), ("width", -1, w)):
        if size % r:
            raise RuntimeError(
                f"pixel_unshuffle expects {name} to be divisible by downscale_factor, but input.size({place})={size} "
                f"is not divisible by {r}"
            )
    n = len(lead)
    x = self.reshape(*lead, channels, h // r, r, w // r, r)
    x = x.transpose(*range(n), n, n + 2, n + 4, n + 1, n + 3)
    return x.reshape(*lead, channels * r * r, h // r, w // r)


pixel_unshuffle.memory_rule(channels_last())


@pixel_unshuffle.vjp
def _(ct, downscale_factor):
    return pixel_shuffle(ct, downscale_factor)


@op(
    "channel_shuffle(Tensor self, int groups) -> Tensor", method=False, out=False,
    samples=cases((T((2, 6, 3)), 3), (T((1, 4, 2, 2)), 2)),
)  # fmt: skip
def channel_shuffle(self, groups):
    """Channels ``(g, C / g)`` transposed to ``(C / g, g)``."""
    if self.ndim <= 2:
        raise RuntimeError(f"channel_shuffle expects input with > 2 dims, but got input with sizes {list(self.shape)}")
    if groups <= 0:
        raise RuntimeError(f"Number of groups to divide channels in must be positive. Value of groups:{groups}")
    channels = self.shape[1]
    if channels % groups:
        raise RuntimeError(
            f"Number of channels must be divisible by groups. Got {channels} channels and {groups} groups."
        )
    x = self.reshape(self.shape[0], groups, channels // groups, *self.shape[2:])
    return jnp.swapaxes(x, 1, 2).reshape(self.shape)


channel_shuffle.memory_rule(channels_last())


@channel_shuffle.vjp
def _(ct, groups):
    return channel_shuffle(ct, ct.shape[1] // groups)


# ---------------------------------------------------------------- sliding blocks
def _blocks_window(size, kernel_size, dilation, padding, stride):
    """Checked window of a 2-D image and the number of blocks each way."""
    given = {"kernel_size": kernel_size, "dilation": dilation, "padding": padding, "stride": stride}
    for name, v in given.items():
        if len(v) != 2:
            raise RuntimeError(f"It is expected {name} equals to 2, but got size {len(v)}")
        if any(e < (0 if name == "padding" else 1) for e in v):
            rule = "padding should be non-negative" if name == "padding" else f"{name} should be greater than zero"
            title = name.removesuffix("_size")
            raise RuntimeError(f"{rule}, but got {title}_height: {v[0]} {title}_width: {v[1]}")
    return [
        (s + 2 * p - d * (k - 1) - 1) // t + 1
        for s, k, d, p, t in zip(size, kernel_size, dilation, padding, stride, strict=True)
    ]


@op(
    "im2col(Tensor self, int[] kernel_size, int[] dilation, int[] padding, int[] stride) -> Tensor",
    method=False, out=False, namespaces=("_ops",), grad_name="Im2ColBackward0",
    samples=cases((T((2, 3, 5, 6)), (2, 3), (1, 1), (1, 0), (2, 1)), (T((3, 4, 4)), (2, 2), (2, 1), (0, 0), (1, 1))),
)  # fmt: skip
def im2col(self, kernel_size, dilation, padding, stride):
    """Sliding blocks of ``(N, C, H, W)`` as columns: ``(N, C kh kw, blocks)``."""
    if self.ndim not in (3, 4) or 0 in self.shape[-3:]:
        raise RuntimeError(
            f"Expected 3D or 4D (batch mode) tensor with possibly 0 batch size and other non-zero dimensions for "
            f"input, but got: {list(self.shape)}"
        )
    out = _blocks_window(self.shape[-2:], kernel_size, dilation, padding, stride)
    if any(o < 1 for o in out):
        pair = [f"({v[0]}, {v[1]})" for v in (self.shape[-2:], kernel_size, dilation, padding, out)]
        raise RuntimeError(
            f"Given input with spatial size {pair[0]}, kernel_size={pair[1]}, dilation={pair[2]}, padding={pair[3]}, "
            f"calculated shape of the array of sliding blocks as {pair[4]}, but its components must be at least one."
        )
    x = padded_windows(self, 2, 0, kernel_size, stride, padding, dilation, out)
    parts = jnp.stack(list(window_taps(x, 2, kernel_size, stride, dilation, out)), -3)
    return parts.reshape(*self.shape[:-3], self.shape[-3] * math.prod(kernel_size), math.prod(out))


@im2col.vjp
def _(ct, self_shape, kernel_size, dilation, padding, stride):
    return _col2im(ct, self_shape[-2:], kernel_size, dilation, padding, stride)


def _col2im(x, output_size, kernel_size, dilation, padding, stride):
    out = _blocks_window(output_size, kernel_size, dilation, padding, stride)
    taps = math.prod(kernel_size)
    channels = x.shape[-2] // taps
    parts = x.reshape(*x.shape[:-2], channels, taps, *out)
    shape = (*x.shape[:-2], channels, *output_size)
    return window_sum([parts[..., i, :, :] for i in range(taps)], shape, 2, kernel_size, stride, padding, dilation, out)


@op(
    "col2im(Tensor self, int[] output_size, int[] kernel_size, int[] dilation, int[] padding, int[] stride) -> Tensor",
    method=False, out=False, namespaces=("_ops",), grad_name="Col2ImBackward0",
    samples=cases(
        (T((2, 12, 9)), (4, 4), (2, 2), (1, 1), (0, 0), (1, 1)),
        (T((8, 9)), (4, 4), (2, 2), (1, 1), (1, 1), (2, 2)),
    ),
)  # fmt: skip
def col2im(self, output_size, kernel_size, dilation, padding, stride):
    """Columns of sliding blocks summed back into an image ``(N, C, *output_size)``."""
    if self.ndim not in (2, 3) or 0 in self.shape[-2:]:
        raise RuntimeError(
            f"Expected 2D or 3D (batch mode) tensor for input with possibly 0 batch size and non-zero dimensions for "
            f"input, but got: {list(self.shape)}"
        )
    if len(output_size) != 2:
        raise RuntimeError(f"It is expected output_size equals to 2, but got size {len(output_size)}")
    out = _blocks_window(output_size, kernel_size, dilation, padding, stride)
    row = self.ndim - 2
    if self.shape[row] % math.prod(kernel_size):
        raise RuntimeError(
            f"Expected size of input's dimension {row} to be divisible by the product of kernel_size, but got "
            f"input.size({row})={self.shape[row]} and kernel_size=({kernel_size[0]}, {kernel_size[1]})."
        )
    if any(o < 1 for o in out) or self.shape[-1] != math.prod(out):
        pair = [f"({v[0]}, {v[1]})" for v in (output_size, kernel_size, dilation, padding, stride)]
        raise RuntimeError(
            f"Given output_size={pair[0]}, kernel_size={pair[1]}, dilation={pair[2]}, padding={pair[3]}, "
            f"stride={pair[4]}, expected size of input's dimension {row + 1} to match the calculated number of sliding "
            f"blocks {out[0]} * {out[1]} = {math.prod(out)}, but got input.size({row + 1})={self.shape[-1]}."
        )
    return _col2im(self, output_size, kernel_size, dilation, padding, stride)


@col2im.vjp
def _(ct, kernel_size, dilation, padding, stride):
    return im2col(ct, kernel_size, dilation, padding, stride)
