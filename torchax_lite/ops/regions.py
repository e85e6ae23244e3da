"""Pooling of image regions (``torchvision.ops``): RoIAlign, RoIPool, their position-sensitive forms; greedy suppression.

A region is a row ``(image, x1, y1, x2, y2)``. Reading at fractional places is separable: for each region and bin, some
rows with weights and some columns with weights. Regions are worked through in groups so that memory stays bounded.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from .common import accumulation_dtype
from .registry import op
from .samples import Sample, array

_GROUP = 1 << 22
"""Values read in one go by a group of regions."""


def _regions(rng, dtype, images=2):
    low = rng.uniform(-1.0, 5.0, (4, 2))
    corners = np.concatenate([low, low + rng.uniform(0.5, 7.0, (4, 2))], 1)
    return np.concatenate([rng.integers(0, images, (4, 1)), corners], 1).astype(dtype)


def _round(x):
    """Half away from zero, as C rounds."""
    return jnp.sign(x) * jnp.floor(jnp.abs(x) + 0.5)


# ---------------------------------------------------------------- places and weights along one dim
def _sample_places(start, length, pooled: int, ratio: int, most: int):
    """Places ``(K, pooled, most)`` at which each bin is sampled, and the weight of each sample ``(K, most)``.

    A bin has ``ratio`` samples, or one for each started unit of its length (never more than ``most``).
    """
    bin_size = length / pooled
    count = jnp.full(start.shape, ratio, start.dtype) if ratio > 0 else jnp.ceil(length / pooled)
    each = jnp.arange(most, dtype=start.dtype)
    step = bin_size / jnp.where(count > 0, count, 1)
    place = (
        start[:, None, None]
        + jnp.arange(pooled, dtype=start.dtype)[None, :, None] * bin_size[:, None, None]
        + (each + 0.5)[None, None, :] * step[:, None, None]
    )
    return place, (each[None, :] < count[:, None]), count


def _linear_taps(place, used, size: int):
    """The two neighbours of each place and their weights, both ``(K, pooled, 2 * most)``; nothing beyond the border."""
    inside = (place >= -1) & (place <= size) & used[:, None, :]
    place = jnp.maximum(place, 0)
    low = jnp.minimum(jnp.floor(place), size - 1)
    part = jnp.where(low >= size - 1, 0, place - low)
    low = jnp.nan_to_num(low).astype(jnp.int32)
    weights = [jnp.where(inside, 1 - part, 0), jnp.where(inside, part, 0)]
    return jnp.concatenate([low, jnp.minimum(low + 1, size - 1)], -1), jnp.concatenate(weights, -1)


def _align_taps(rois, size, pooled, spatial_scale, ratio, most, offset, at_least_one):
    """Rows and columns with their weights; the weights hold the mean over a bin's samples.

    ``size`` and ``spatial_scale`` are numbers, or one for each region.
    """
    taps, total = [], 1
    for dim in (0, 1):
        start = rois[:, 2 - dim] * spatial_scale - offset
        length = rois[:, 4 - dim] * spatial_scale - offset - start
        if at_least_one:
            length = jnp.maximum(length, 1)
        place, used, count = _sample_places(start, length, pooled[dim], ratio, most[dim])
        taps.append(_linear_taps(place, used, jnp.reshape(size[dim], (-1, 1, 1))))
        total = total * count
    (rows, down), (columns, across) = taps
    return rows, down / jnp.maximum(total, 1)[:, None, None], columns, across


def _grouped(count: int, values_each: int) -> int:
    """Number of regions that are worked on together."""
    return max(1, min(count, _GROUP // max(values_each, 1)))


def _read(pixels, places):
    """``(K, C, pooled_h, pooled_w)`` weighted sums of rows of ``pixels (P, C)``.

    ``places``: for each region its image's first pixel and width, the rows and columns of each bin, and their weights.
    """

    def one(each):
        first, width, rows, down, columns, across = each
        picked = pixels[first + rows[:, :, None, None] * width + columns[None, None]]
        return jnp.einsum("ptqsc,pt,qs->cpq", picked, down, across)

    return lax.map(one, places, batch_size=_group_of(places, pixels))


def _group_of(places, pixels) -> int:
    _, _, rows, _, columns, _ = places
    return _grouped(len(rows), rows[0].size * columns[0].size * pixels.shape[1])


def _read_back(ct, pixels, places):
    """Gradient of :func:`_read` for the pixels."""
    group = _group_of(places, pixels)
    padded = -len(ct) % group
    parts = [jnp.pad(x, [(0, padded)] + [(0, 0)] * (x.ndim - 1)) for x in (ct, *places)]
    parts = [x.reshape(-1, group, *x.shape[1:]) for x in parts]

    def add(total, each):
        c, first, width, rows, down, columns, across = each
        values = jnp.einsum("ncpq,npt,nqs->nptqsc", c, down, across)
        first, width = first[:, None, None, None, None], width[:, None, None, None, None]
        at = first + rows[:, :, :, None, None] * width + columns[:, None, None, :, :]
        return total.at[at].add(values), None

    return lax.scan(add, jnp.zeros_like(pixels), tuple(parts))[0]


def _align_setup(maps, rois, levels, scales, pooled, ratio, most, aligned):
    """The pixels of all maps as rows, and where each region reads (see :func:`_read`)."""
    wide = accumulation_dtype(maps[0].dtype)
    rois = rois.astype(wide)
    level = jnp.zeros(len(rois), jnp.int32) if levels is None else levels.astype(jnp.int32)
    height, width, scale = (
        jnp.asarray(x)[level]
        for x in ([m.shape[2] for m in maps], [m.shape[3] for m in maps], np.asarray(scales, wide))
    )
    starts = np.cumsum([0] + [m.shape[0] * m.shape[2] * m.shape[3] for m in maps[:-1]])
    first = jnp.asarray(starts)[level] + rois[:, 0].astype(jnp.int32) * height * width
    most = (ratio, ratio) if ratio > 0 else most
    taps = _align_taps(rois, (height, width), pooled, scale, ratio, most, 0.5 if aligned else 0.0, not aligned)
    pixels = jnp.concatenate([jnp.moveaxis(m, 1, -1).reshape(-1, m.shape[1]).astype(wide) for m in maps])
    return pixels, (first.astype(jnp.int32), width.astype(jnp.int32), *taps)


def _align_samples(rng, dtype):
    image, rois = array(rng, (2, 3, 6, 5), dtype), _regions(rng, dtype)
    yield Sample(([image], rois, None, [1.0], [2, 3], 2, [0, 0], False))
    yield Sample(([image], rois, None, [0.5], [2, 2], -1, [4, 4], True))
    yield Sample(([image], rois[:0], None, [0.5], [2, 2], 2, [0, 0], True))
    maps = [image, array(rng, (2, 3, 3, 2), dtype)]
    yield Sample((maps, rois, np.array([0, 1, 1, 0]), [1.0, 0.5], [2, 2], 2, [0, 0], False))


@op(
    "roi_align(Tensor[] maps, Tensor rois, Tensor? levels, float[] scales, int[2] pooled, int sampling_ratio, "
    "int[2] most, bool aligned) -> Tensor",
    method=False, out=False, namespaces=("_ops",), differentiable=("maps",), samples=_align_samples,
)  # fmt: skip
def roi_align(maps, rois, levels, scales, pooled, sampling_ratio, most, aligned):
    """Mean of bilinear samples in each bin of each region: ``(K, C, *pooled)`` (He et al. 2017).

    ``levels`` tells which of several maps (of one batch) a region is read from. ``most`` bounds the samples along a bin
    where ``sampling_ratio`` does not fix their number.
    """
    if not len(rois):
        return jnp.zeros((0, maps[0].shape[1], *pooled), maps[0].dtype)
    pixels, places = _align_setup(maps, rois, levels, scales, pooled, sampling_ratio, most, aligned)
    return _read(pixels, places).astype(maps[0].dtype)


@roi_align.vjp
def _(ct, maps, rois, levels, scales, pooled, sampling_ratio, most, aligned):
    if not len(rois):
        return [jnp.zeros_like(m) for m in maps], None, None
    pixels, places = _align_setup(maps, rois, levels, scales, pooled, sampling_ratio, most, aligned)
    back = _read_back(ct.astype(pixels.dtype), pixels, places)
    found, start = [], 0
    for m in maps:
        n, c, h, w = m.shape
        part = back[start : start + n * h * w].reshape(n, h, w, c)
        found.append(jnp.moveaxis(part, -1, 1).astype(m.dtype))
        start += n * h * w
    return found, None, None


# ---------------------------------------------------------------- largest value of each bin
def _pool_bins(start, end, pooled: int, size: int):
    """Which places ``(K, pooled, size)`` each bin covers; bins overlap by whole places."""
    length = jnp.maximum(end - start + 1, 1)
    bin_size = length / pooled
    index = jnp.arange(pooled, dtype=start.dtype)
    low = jnp.floor(index[None] * bin_size[:, None]) + start[:, None]
    high = jnp.ceil((index[None] + 1) * bin_size[:, None]) + start[:, None]
    place = jnp.arange(size)
    return (place >= jnp.clip(low, 0, size)[..., None]) & (place < jnp.clip(high, 0, size)[..., None])


def _pool_samples(rng, dtype):
    yield Sample((array(rng, (2, 2, 6, 5), dtype), _regions(rng, dtype), 1.0, [2, 3]))


@op(
    "roi_pool_places(Tensor input, Tensor rois, float spatial_scale, int[2] pooled) -> Tensor",
    method=False, out=False, namespaces=("_ops",), differentiable=False, samples=_pool_samples,
)  # fmt: skip
def roi_pool_places(input, rois, spatial_scale, pooled):
    """Flat place in ``H * W`` of the largest value in each bin, the first on ties; -1 where a bin is empty."""
    height, width = input.shape[2:]
    edges = _round(rois[:, 1:].astype(accumulation_dtype(input.dtype)) * spatial_scale)
    rows = _pool_bins(edges[:, 1], edges[:, 3], pooled[0], height)
    columns = _pool_bins(edges[:, 0], edges[:, 2], pooled[1], width)

    def one(each):
        batch, row, column = each
        image = input[batch]
        masked = jnp.where(column[:, None, None], image, -jnp.inf)
        x = jnp.argmax(masked, -1)
        best = jnp.max(masked, -1)
        tall = jnp.where(row[:, None, None], best, -jnp.inf)
        y = jnp.argmax(tall, -1)
        at = jnp.take_along_axis(jnp.broadcast_to(x, tall.shape), y[..., None], -1)[..., 0]
        flat = jnp.moveaxis(y * width + at, -1, 0)
        some = row.any(-1)[:, None] & column.any(-1)[None]
        return jnp.where(some, flat, -1)

    if not len(rois):
        return jnp.zeros((0, input.shape[1], *pooled), jnp.int64)
    group = _grouped(len(rois), input[0].size * sum(pooled))
    return lax.map(one, (rois[:, 0].astype(jnp.int32), rows, columns), batch_size=group).astype(jnp.int64)


def _take_samples(rng, dtype):
    places = rng.integers(-1, 6, (4, 2, 2, 2))
    yield Sample((array(rng, (2, 2, 2, 3), dtype), _regions(rng, dtype), places))


@op(
    "roi_take(Tensor input, Tensor rois, Tensor places) -> Tensor",
    method=False, out=False, namespaces=("_ops",), differentiable=("input",), grad_name="RoiPoolBackward0",
    samples=_take_samples,
)  # fmt: skip
def roi_take(input, rois, places):
    """The values of each region's image at flat places ``(K, C, ...)``; 0 where the place is -1."""
    flat = input.reshape(*input.shape[:2], -1)
    batch = rois[:, 0].astype(jnp.int32)[:, None, None, None]
    channel = jnp.arange(input.shape[1])[None, :, None, None]
    return jnp.where(places >= 0, flat[batch, channel, jnp.maximum(places, 0)], 0)


# ---------------------------------------------------------------- position-sensitive
def _channel_of_bin(channels: int, pooled) -> tuple[int, jax.Array]:
    """Number of result channels, and the input channel of each (channel, row, column)."""
    each = channels // (pooled[0] * pooled[1])
    return each, jnp.arange(channels).reshape(each, *pooled)


@op(
    "ps_roi_align(Tensor input, Tensor rois, float spatial_scale, int[2] pooled, int sampling_ratio, int[2] most) "
    "-> Tensor",
    method=False, out=False, namespaces=("_ops",), differentiable=("input",),
    samples=lambda rng, dtype: iter([
        Sample((array(rng, (2, 12, 6, 5), dtype), _regions(rng, dtype), 1.0, [2, 3], 2, [0, 0])),
        Sample((array(rng, (2, 4, 6, 5), dtype), _regions(rng, dtype), 0.5, [2, 2], -1, [4, 4])),
    ]),
)  # fmt: skip
def ps_roi_align(input, rois, spatial_scale, pooled, sampling_ratio, most):
    """RoIAlign in which every bin reads channels of its own: ``(K, C / (ph * pw), ph, pw)`` (Li et al. 2017)."""
    wide = accumulation_dtype(input.dtype)
    each, channel = _channel_of_bin(input.shape[1], pooled)
    if not len(rois):
        return jnp.zeros((0, each, *pooled), input.dtype)
    most = (sampling_ratio, sampling_ratio) if sampling_ratio > 0 else most
    rows, down, columns, across = _align_taps(
        rois.astype(wide), input.shape[2:], pooled, spatial_scale, sampling_ratio, most, 0.5, False
    )
    image = input.astype(wide)

    def one(region):
        b, r, d, c, a = region
        picked = image[b][channel[..., None, None], r[None, :, None, :, None], c[None, None, :, None, :]]
        return jnp.einsum("cpqts,pt,qs->cpq", picked, d, a)

    group = _grouped(len(rois), channel.size * rows.shape[-1] * columns.shape[-1])
    batch = rois[:, 0].astype(jnp.int32)
    return lax.map(one, (batch, rows, down, columns, across), batch_size=group).astype(input.dtype)


def _average_bins(start, end, pooled: int, size: int, last: int):
    """Which places ``(K, pooled, size)`` each bin covers; those from ``last`` on belong to none."""
    bin_size = jnp.maximum(end - start, 1) / pooled
    index = jnp.arange(pooled, dtype=start.dtype)
    low = jnp.floor(index[None] * bin_size[:, None]) + start[:, None]
    high = jnp.ceil((index[None] + 1) * bin_size[:, None]) + start[:, None]
    place = jnp.arange(size)
    return (place >= jnp.clip(low, 0, last)[..., None]) & (place < jnp.clip(high, 0, last)[..., None])


def _average_places(input, rois, spatial_scale, pooled, short):
    """Image number, rows and columns of each region's bins (as 0 and 1), and the size of each bin."""
    wide = accumulation_dtype(input.dtype)
    edges = _round(rois[:, 1:].astype(wide) * spatial_scale)
    height, width = input.shape[2:]
    rows = _average_bins(edges[:, 1], edges[:, 3], pooled[0], height, height - short).astype(wide)
    columns = _average_bins(edges[:, 0], edges[:, 2], pooled[1], width, width - short).astype(wide)
    area = rows.sum(-1)[:, :, None] * columns.sum(-1)[:, None, :]
    return rois[:, 0].astype(jnp.int32), rows, columns, jnp.maximum(area, 1)


@op(
    "ps_roi_pool(Tensor input, Tensor rois, float spatial_scale, int[2] pooled) -> Tensor",
    method=False, out=False, namespaces=("_ops",), differentiable=("input",),
    samples=lambda rng, dtype: iter([
        Sample((array(rng, (2, 12, 6, 5), dtype), _regions(rng, dtype), 1.0, [2, 3])),
    ]),
)  # fmt: skip
def ps_roi_pool(input, rois, spatial_scale, pooled):
    """Mean of each bin's own channels over the places it covers: ``(K, C / (ph * pw), ph, pw)`` (Dai et al. 2016).

    As in torchvision, the image's last row and column are never read, though the derivative spreads over them too.
    """
    wide = accumulation_dtype(input.dtype)
    each, _ = _channel_of_bin(input.shape[1], pooled)
    if not len(rois):
        return jnp.zeros((0, each, *pooled), input.dtype)
    image = input.astype(wide).reshape(input.shape[0], each, *pooled, *input.shape[2:])

    def one(region):
        b, r, c, area = region
        return jnp.einsum("cpqhw,ph,qw->cpq", image[b], r, c) / area

    places = _average_places(input, rois, spatial_scale, pooled, 1)
    return lax.map(one, places, batch_size=_grouped(len(rois), input[0].size)).astype(input.dtype)


@ps_roi_pool.vjp
def _(ct, input, rois, spatial_scale, pooled):
    if not len(rois):
        return jnp.zeros_like(input), None
    wide = accumulation_dtype(input.dtype)
    each, _ = _channel_of_bin(input.shape[1], pooled)

    def add(total, region):
        c, b, r, k, area = region
        return total.at[b].add(jnp.einsum("cpq,ph,qw->cpqhw", c / area, r, k)), None

    zero = jnp.zeros((input.shape[0], each, *pooled, *input.shape[2:]), wide)
    places = _average_places(input, rois, spatial_scale, pooled, 0)
    return lax.scan(add, zero, (ct.astype(wide), *places))[0].reshape(input.shape).astype(input.dtype), None


# ---------------------------------------------------------------- greedy suppression
def _keep_samples(rng, dtype):
    boxes = _regions(rng, dtype)[:, 1:]
    yield Sample((boxes, array(rng, (4,), dtype), None, 0.3))
    yield Sample((boxes, array(rng, (4,), dtype), np.array([0, 1, 0, 1]), 0.1))


@op(
    "nms_keep(Tensor boxes, Tensor scores, Tensor? classes, float iou_threshold) -> (Tensor order, Tensor keep)",
    method=False, out=False, namespaces=("_ops",), differentiable=False, samples=_keep_samples,
)  # fmt: skip
def nms_keep(boxes, scores, classes, iou_threshold):
    """Boxes by falling score, and which of them no better kept box (of the same class) overlaps beyond the threshold."""
    order = jnp.argsort(scores, descending=True, stable=True)
    x1, y1, x2, y2 = jnp.moveaxis(boxes[order], -1, 0)
    area = (x2 - x1) * (y2 - y1)
    group = None if classes is None else classes[order]
    place = jnp.arange(len(order))

    def visit(i, alive):
        across = jnp.maximum(jnp.minimum(x2[i], x2) - jnp.maximum(x1[i], x1), 0)
        down = jnp.maximum(jnp.minimum(y2[i], y2) - jnp.maximum(y1[i], y1), 0)
        overlap = across * down
        share = overlap / (area[i] + area - overlap)
        hit = (share.astype(jnp.float64) > iou_threshold) & (place > i) & alive[i]
        if group is not None:
            hit = hit & (group == group[i])
        return alive & ~hit

    return order.astype(jnp.int64), lax.fori_loop(0, len(order), visit, jnp.ones(len(order), bool))
