"""Pooling into a given number of windows: adaptive, and with random windows (fractional)."""

from __future__ import annotations

import math

import jax.numpy as jnp
import numpy as np

from .common import accumulation_dtype, quotient
from .memory import channels_last
from .pooling import _avg_pool_forward, _max_pool_forward, _reject, _scatter_flat
from .registry import op
from .samples import T, cases


# ---------------------------------------------------------------- adaptive
def _adaptive_check(n, x, output_size, name, colon="") -> tuple[int, ...]:
    size = tuple(output_size) * (n if len(output_size) == 1 else 1)
    if len(size) != n:
        maximum = f"{name}(): internal error: output_size.size() must be {n}"
        raise RuntimeError(maximum if colon else f"{name}: output_size must be {n}")
    if x.ndim not in (n + 1, n + 2):
        raise RuntimeError(f"{name}(): Expected {n + 1}D or {n + 2}D tensor, but got{colon} {list(x.shape)}")
    if any(s < 0 for s in size):
        if colon:
            made = [*x.shape[: x.ndim - n], *size]
            raise RuntimeError(f"Trying to create tensor with negative dimension {min(size)}: {made}")
        listed = ", ".join(map(str, size))
        raise RuntimeError(
            f"{name}: elements of output_size must be greater than or equal to 0 but received {{{listed}}}"
        )
    for i, s in enumerate(x.shape[-n:], x.ndim - n):
        if s == 0:
            raise RuntimeError(
                f"{name}(): Expected input to have non-zero size for non-batch dimensions, but input has sizes "
                f"{list(x.shape)} with dimension {i} being empty"
            )
    _reject(x, name, "biuc")
    return size


def _adaptive_window(size: int, out: int) -> tuple[np.ndarray, np.ndarray]:
    """Input positions of each output's window ``(out, widest)``, clipped, and which of them count."""
    start = np.arange(out) * size // out
    stop = -(-(np.arange(1, out + 1) * size) // out)
    widest = int((stop - start).max()) if out else 1
    at = start[:, None] + np.arange(widest)
    return np.minimum(at, size - 1), at < stop[:, None]


def _adaptive_tiled(x, n, size):
    return all(o and s % o == 0 for s, o in zip(x.shape[x.ndim - n :], size, strict=True))


def _adaptive_avg(n, x, output_size):
    size = _adaptive_check(n, x, output_size, f"adaptive_avg_pool{n}d")
    dtype, lead = x.dtype, x.ndim - n
    if 0 in size or not x.size:
        return jnp.zeros((*x.shape[:lead], *size), dtype)
    wide = x.astype(accumulation_dtype(dtype))
    if _adaptive_tiled(x, n, size):
        kernel = tuple(s // o for s, o in zip(x.shape[lead:], size, strict=True))
        return _avg_pool_forward(n, wide, kernel, kernel, (0,) * n, False, True, None).astype(dtype)
    count = np.ones((1,) * n)
    for i in reversed(range(n)):
        at, valid = _adaptive_window(wide.shape[lead + i], size[i])
        tail = (1,) * (n - 1 - i)
        picked = [
            jnp.where(valid[:, j].reshape(-1, *tail), jnp.take(wide, at[:, j], axis=lead + i), 0)
            for j in range(at.shape[1])
        ]
        wide = sum(picked[1:], picked[0])
        count = count * valid.sum(1).reshape([size[i] if j == i else 1 for j in range(n)])
    return quotient(wide, jnp.asarray(count, wide.dtype)).astype(dtype)


@op(
    "adaptive_avg_pool2d(Tensor self, int[2] output_size) -> Tensor",
    method=False, out=False, namespaces=("_ops",), grad_name="AdaptiveAvgPool2DBackward0",
    samples=cases((T((2, 3, 7, 8)), (3, 5)), (T((3, 6, 4)), (2, 2)), (T((2, 2, 3, 3)), (5, 4))),
)  # fmt: skip
def adaptive_avg_pool2d(self, output_size):
    """Mean over windows that split the last two dims evenly into ``output_size``."""
    return _adaptive_avg(2, self, output_size)


adaptive_avg_pool2d.memory_rule(channels_last())


@op(
    "adaptive_avg_pool3d(Tensor self, int[3] output_size) -> Tensor",
    method=False, out=False, namespaces=("_ops",), grad_name="AdaptiveAvgPool3DBackward0",
    samples=cases((T((2, 3, 5, 4, 6)), (3, 2, 4)), (T((3, 4, 4, 2)), (2, 2, 1))),
)  # fmt: skip
def adaptive_avg_pool3d(self, output_size):
    """Mean over windows that split the last three dims evenly into ``output_size``."""
    return _adaptive_avg(3, self, output_size)


def _adaptive_max(n, x, output_size):
    size = _adaptive_check(n, x, output_size, f"adaptive_max_pool{n}d", ":")
    lead = x.ndim - n
    if 0 in size or not x.size:
        empty = (*x.shape[:lead], *size)
        return jnp.zeros(empty, x.dtype), jnp.zeros(empty, jnp.int64)
    if _adaptive_tiled(x, n, size):
        kernel = tuple(s // o for s, o in zip(x.shape[lead:], size, strict=True))
        return _max_pool_forward(n, x, kernel, kernel, (0,) * n, (1,) * n, False)
    best = x
    index = jnp.arange(math.prod(x.shape[lead:])).reshape(*(1,) * lead, *x.shape[lead:])
    index = jnp.broadcast_to(index, x.shape)
    for i in reversed(range(n)):
        at, valid = _adaptive_window(x.shape[lead + i], size[i])
        tail = (1,) * (n - 1 - i)
        new, where = None, None
        for j in range(at.shape[1]):
            part, place = (jnp.take(a, at[:, j], axis=lead + i) for a in (best, index))
            if new is None:
                new, where = part, place
                continue
            better = (part > new) | jnp.isnan(part)
            better &= valid[:, j].reshape(-1, *tail)
            new, where = jnp.where(better, part, new), jnp.where(better, place, where)
        best, index = new, where
    return best, index


@op(
    "adaptive_max_pool2d(Tensor self, int[2] output_size) -> (Tensor, Tensor)",
    method=False, out=False, namespaces=("_ops",), grad_name="AdaptiveMaxPool2DBackward0",
    samples=cases((T((2, 3, 7, 8)), (3, 5)), (T((3, 6, 4)), (2, 2))),
)  # fmt: skip
def adaptive_max_pool2d(self, output_size):
    """Maximum over windows that split the last two dims evenly, and its flat position in them."""
    return _adaptive_max(2, self, output_size)


adaptive_max_pool2d.memory_rule(channels_last())


@adaptive_max_pool2d.vjp
def _(ct, self, output_size):
    return _scatter_flat(ct, _adaptive_max(2, self, output_size)[1], self.shape, 2)


@op(
    "adaptive_max_pool3d(Tensor self, int[3] output_size) -> (Tensor, Tensor)",
    method=False, out=False, namespaces=("_ops",), grad_name="AdaptiveMaxPool3DBackward0",
    samples=cases((T((2, 3, 5, 4, 6)), (3, 2, 4)), (T((3, 4, 4, 2)), (2, 2, 1))),
)  # fmt: skip
def adaptive_max_pool3d(self, output_size):
    """Maximum over windows that split the last three dims evenly, and its flat position in them."""
    return _adaptive_max(3, self, output_size)


@adaptive_max_pool3d.vjp
def _(ct, self, output_size):
    return _scatter_flat(ct, _adaptive_max(3, self, output_size)[1], self.shape, 3)


# ---------------------------------------------------------------- fractional
def _check_samples(shape, batch, channels, n) -> None:
    if len(shape) != 3:
        raise RuntimeError(f"Expect _random_samples to have 3 dimensions, got {len(shape)}")
    if shape[0] < batch:
        raise RuntimeError("Expect _random_samples.size(0) no less then input batch size.")
    for i, name, wanted in ((1, "input channel size.", channels), (2, f"{n}; got {shape[2]}.", n)):
        if shape[i] != wanted:
            raise RuntimeError(f"Expect _random_samples.size({i}) equals to {name}")


def _fractional(n, x, kernel_size, output_size, random_samples):
    """Windows that start at pseudo-random steps drawn by ``random_samples (N, C, n)`` (arXiv:1412.6071)."""
    lead = x.shape[: x.ndim - n]
    for i, (k, o, s) in enumerate(zip(kernel_size, output_size, x.shape[x.ndim - n :], strict=True)):
        if o + k - 1 > s:
            name = ("time", "height", "width")[3 - n + i]
            raise RuntimeError(f"fractional_max_pool{n}d(): pool {name} {k} too large relative to input {name} {s}")
    batch, channels = lead if len(lead) > 1 else (1, *lead)
    _check_samples(random_samples.shape, batch, channels, n)
    draws = random_samples[:batch]
    best = x.reshape(*draws.shape[:2], *x.shape[x.ndim - n :])
    index = jnp.broadcast_to(
        jnp.arange(math.prod(x.shape[x.ndim - n :])).reshape(1, 1, *x.shape[x.ndim - n :]), best.shape
    )
    for i in reversed(range(n)):
        size, k, o = x.shape[x.ndim - n + i], kernel_size[i], output_size[i]
        # PyTorch draws one number a dim and gives the last dim the first of them
        u = draws[..., n - 1 - i] if n == 2 else draws[..., i]
        alpha = (size - k) / (o - 1) if o > 1 else 0.0
        alpha = jnp.asarray(alpha, x.dtype)
        step = jnp.trunc((jnp.arange(o).astype(x.dtype) + u[..., None]) * alpha) - jnp.trunc(u * alpha)[..., None]
        start = step.astype(jnp.int64).at[..., -1].set(size - k)
        shape = [*start.shape[:2], *(o if j == i else 1 for j in range(n))]
        new, where = None, None
        for j in range(k):
            at = (start + j).reshape(shape)
            part, place = (jnp.take_along_axis(a, at, axis=2 + i) for a in (best, index))
            if new is None:
                new, where = part, place
                continue
            better = (part > new) | jnp.isnan(part)
            new, where = jnp.where(better, part, new), jnp.where(better, place, where)
        best, index = new, where
    return best.reshape(*lead, *output_size), index.reshape(*lead, *output_size)


@op(
    "fractional_max_pool2d(Tensor self, int[2] kernel_size, int[2] output_size, Tensor random_samples) "
    "-> (Tensor, Tensor)",
    method=False, out=False, namespaces=("_ops",), grad_name="FractionalMaxPool2DBackward0",
    differentiable=("self",),
    samples=cases((T((2, 3, 7, 8)), (2, 2), (3, 4), T((2, 3, 2), None, 0.0, 1.0))),
)  # fmt: skip
def fractional_max_pool2d(self, kernel_size, output_size, random_samples):
    """Maximum over pseudo-randomly placed windows of the last two dims, and its flat position in them."""
    return _fractional(2, self, kernel_size, output_size, random_samples)


@fractional_max_pool2d.vjp
def _(ct, self, kernel_size, output_size, random_samples):
    index = _fractional(2, self, kernel_size, output_size, random_samples)[1]
    return _scatter_flat(ct, index, self.shape, 2), None


@op(
    "fractional_max_pool3d(Tensor self, int[3] kernel_size, int[3] output_size, Tensor random_samples) "
    "-> (Tensor, Tensor)",
    method=False, out=False, namespaces=("_ops",), grad_name="FractionalMaxPool3DBackward0",
    differentiable=("self",),
    samples=cases((T((2, 3, 5, 6, 5)), (2, 2, 2), (3, 4, 2), T((2, 3, 3), None, 0.0, 1.0))),
)  # fmt: skip
def fractional_max_pool3d(self, kernel_size, output_size, random_samples):
    """Maximum over pseudo-randomly placed windows of the last three dims, and its flat position in them."""
    return _fractional(3, self, kernel_size, output_size, random_samples)


@fractional_max_pool3d.vjp
def _(ct, self, kernel_size, output_size, random_samples):
    index = _fractional(3, self, kernel_size, output_size, random_samples)[1]
    return _scatter_flat(ct, index, self.shape, 3), None
