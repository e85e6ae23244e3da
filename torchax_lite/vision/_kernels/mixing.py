"""Kernels that mix the samples of a batch ``(N, ...)``, each with the one before it."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._arrays import kernel
from .color import float_type, is_float


def _mix(xp: Any, batch: Any, share: Any) -> Any:
    f = float_type(batch.dtype)
    x = batch.astype(f)
    return xp.roll(x, 1, 0) * (1.0 - share).astype(f) + x * share.astype(f)


@kernel(lazy=True)
def mixed(xp: Any, batch: Any, share: Any) -> Any:
    """``share * batch + (1 - share) * rolled batch``."""
    if is_float(batch.dtype):
        return _mix(xp, batch, share)
    raise RuntimeError(f"result type Float can't be cast to the desired output type {batch.dtype}")


@kernel(lazy=True)
def mixed_classes(xp: Any, labels: Any, share: Any, *, classes: int) -> Any:
    """`mixed`, of labels ``(N,)`` as rows of zeros and a one, float32."""
    if xp is np and labels.size:
        if labels.min() < 0:
            raise RuntimeError("Class values must be non-negative.")
        if labels.max() >= classes:
            raise RuntimeError("Class values must be smaller than num_classes.")
    return _mix(xp, (labels[:, None] == xp.arange(classes)).astype(np.float32), share)


@kernel(lazy=True)
def pasted(xp: Any, batch: Any, box: Any) -> Any:
    """The batch with a rectangle ``(x1, y1, x2, y2)`` of each image from the one before it."""
    x1, y1, x2, y2 = (box[i] for i in range(4))
    rows, columns = xp.arange(batch.shape[-2])[:, None], xp.arange(batch.shape[-1])
    inside = (rows >= y1) & (rows < y2) & (columns >= x1) & (columns < x2)
    return xp.where(inside, xp.roll(batch, 1, 0), batch)


@kernel(lazy=True)
def weighed(xp: Any, batch: Any, shares: Any) -> Any:
    """Each sample of a batch times its share ``(N,)``, as floats."""
    return shares.reshape(-1, *[1] * (batch.ndim - 1)) * batch.astype(float_type(batch.dtype))


@kernel(lazy=True)
def added(xp: Any, total: Any, batch: Any, shares: Any) -> Any:
    """``total`` and each sample of a batch times its share."""
    return total + shares.reshape(-1, *[1] * (batch.ndim - 1)) * batch.astype(total.dtype)


@kernel(lazy=True)
def cut_off(xp: Any, batch: Any, *, shape: tuple[int, ...], dtype: Any) -> Any:
    """The batch in another shape and dtype, fractions cut off."""
    return batch.reshape(shape).astype(dtype)
