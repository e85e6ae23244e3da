"""Max, average, adaptive and fractional pooling over one, two or three trailing dims, and max-unpooling.

The ops are rank-generic (``n`` spatial dims, any number of leading dims); the public functions with PyTorch's
signatures are in ``nn/functional.py``. Windows are read as strided slices, which XLA fuses into one loop; large
windows are reduced one dim at a time.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from .common import accumulation_dtype, display_name, is_integral, quotient
from .memory import channels_last
from .registry import op
from .samples import T, cases

LARGE_WINDOW = 32
"""Windows with more elements than this are reduced one dim at a time."""


# ---------------------------------------------------------------- sizes and checks
def spatial(values: Sequence[int], n: int, name: str, function: str) -> tuple[int, ...]:
    """One value a spatial dim; a single value is repeated."""
    values = tuple(values)
    if len(values) == 1:
        return values * n
    if len(values) != n:
        count = {1: "one int", 2: "two ints", 3: "three ints"}[n]
        raise RuntimeError(f"{function}: {name} must either be a single int, or a tuple of {count}")
    return values


def pooled_size(size: int, kernel: int, stride: int, padding: int, dilation: int, ceil_mode: bool) -> int:
    """Number of windows along one dim; with ``ceil_mode`` no window starts in the right padding."""
    span = size + 2 * padding - dilation * (kernel - 1) - 1
    count = (-(-span // stride) if ceil_mode else span // stride) + 1
    if ceil_mode and (count - 1) * stride >= size + padding:
        count -= 1
    return count


def _check_window(x, n, kernel, stride, padding, dilation, ceil_mode) -> list[int]:
    """Validate a pooling window with PyTorch's errors; the output's spatial size."""
    axes = ("T", "H", "W")[-n:]
    if any(s == 0 for s in stride):
        raise RuntimeError("stride should not be zero")
    if any(k <= 0 for k in kernel):
        listed = " ".join(f"k{a}: {k}" for a, k in zip(axes, kernel, strict=True))
        raise RuntimeError(f"kernel size should be greater than zero, but got {listed}")
    if any(s < 0 for s in stride):
        listed = " ".join(f"d{a}: {s}" for a, s in zip(axes, stride, strict=True))
        raise RuntimeError(f"stride should be greater than zero, but got {listed}")
    if any(d <= 0 for d in dilation):
        listed = " ".join(f"dilation{a}: {d}" for a, d in zip(axes, dilation, strict=True))
        raise RuntimeError(f"dilation should be greater than zero, but got {listed}")
    for p, k, d in zip(padding, kernel, dilation, strict=True):
        if p < 0:
            raise RuntimeError(f"pad must be non-negative, but got pad: {p}")
        if p > (d * (k - 1) + 1) // 2:
            raise RuntimeError(
                f"pad should be at most half of effective kernel size, but got pad={p}, kernel_size={k} "
                f"and dilation={d}"
            )
    _check_not_empty(x, n)
    size = x.shape[x.ndim - n :]
    out = [pooled_size(*w, ceil_mode) for w in zip(size, kernel, stride, padding, dilation, strict=True)]
    if any(o < 1 for o in out):
        given = "x".join(map(str, x.shape[-n - 1 :]))
        made = "x".join(map(str, (x.shape[-n - 1], *out)))
        raise RuntimeError(f"Given input size: ({given}). Calculated output size: ({made}). Output size is too small")
    return out


def _check_rank(x, n, message: str) -> None:
    """``n + 1`` or ``n + 2`` dims."""
    if x.ndim not in (n + 1, n + 2):
        raise RuntimeError(message)


def _check_not_empty(x, n: int) -> None:
    """All dims but the batch non-empty."""
    if 0 in x.shape[x.ndim - n - 1 :]:
        raise RuntimeError(
            f"Expected {n + 1}D or {n + 2}D (batch mode) tensor with optional 0 dim batch size for input, "
            f"but got:{list(x.shape)}"
        )


def _reject(x, name: str, kinds: str = "bc") -> None:
    if np.dtype(x.dtype).kind in kinds:
        raise NotImplementedError(f"\"{name}\" not implemented for '{display_name(x.dtype)}'")


# ---------------------------------------------------------------- windows
def padded_windows(x, n, fill, kernel, stride, padding, dilation, out):
    """``x`` padded (or cut) so that every window lies inside."""
    pads = [(0, 0, 0)] * (x.ndim - n)
    for size, k, s, p, d, o in zip(x.shape[x.ndim - n :], kernel, stride, padding, dilation, out, strict=True):
        pads.append((p, (o - 1) * s + d * (k - 1) + 1 - size - p, 0))
    return lax.pad(x, jnp.asarray(fill, x.dtype), pads) if any(p != (0, 0, 0) for p in pads) else x


def window_taps(x, n, kernel, stride, dilation, out) -> Iterator[jax.Array]:
    """The strided slice of each window position, in row-major order."""
    lead = x.ndim - n
    for tap in itertools.product(*(range(k) for k in kernel)):
        start = [t * d for t, d in zip(tap, dilation, strict=True)]
        stop = [b + (o - 1) * s + 1 for b, o, s in zip(start, out, stride, strict=True)]
        yield lax.slice(x, (*(0,) * lead, *start), (*x.shape[:lead], *stop), (*(1,) * lead, *stride))


def window_sum(parts: Sequence[jax.Array], shape, n, kernel, stride, padding, dilation, out):
    """Sum of the window positions' contributions put back where they were read: the transpose of ``window_taps``."""
    lead = len(shape) - n
    tiled = all(k == s and p == 0 and d == 1 for k, s, p, d in zip(kernel, stride, padding, dilation, strict=True))
    if tiled:
        block = jnp.stack(parts, -1).reshape(*parts[0].shape, *kernel)
        order = [*range(lead), *itertools.chain(*((lead + i, lead + n + i) for i in range(n)))]
        whole = block.transpose(order).reshape(*shape[:lead], *(o * k for o, k in zip(out, kernel, strict=True)))
        edges = [(0, 0, 0)] * lead + [
            (0, size - o * k, 0) for size, o, k in zip(shape[lead:], out, kernel, strict=True)
        ]
        return lax.pad(whole, jnp.zeros((), whole.dtype), edges) if any(e[1] for e in edges) else whole
    total = None
    for tap, part in zip(itertools.product(*(range(k) for k in kernel)), parts, strict=True):
        edges = [(0, 0, 0)] * lead
        for t, s, p, d, o, size in zip(tap, stride, padding, dilation, out, shape[lead:], strict=True):
            low = t * d - p
            edges.append((low, size - low - (o - 1) * s - 1, s - 1))
        placed = lax.pad(part, jnp.zeros((), part.dtype), edges)
        total = placed if total is None else total + placed
    return total


def _lowest(dtype):
    return jnp.iinfo(dtype).min if np.dtype(dtype).kind in "iu" else -jnp.inf


def _first_inside(n, ndim, kernel, stride, padding, dilation, out):
    """Row-major number of the first window position outside the padding, for every window (None: always 0)."""
    if not any(padding):
        return None
    total = jnp.zeros((1,) * n, jnp.int32)
    for i, (k, s, p, d, o) in enumerate(zip(kernel, stride, padding, dilation, out, strict=True)):
        start = np.arange(o) * s - p
        first = np.where(start < 0, -(start // d), 0).astype(np.int32)
        total = total * k + jnp.asarray(first).reshape([o if j == i else 1 for j in range(n)])
    return total.reshape(*(1,) * (ndim - n), *total.shape)


def _argmax_small(x, n, kernel, stride, padding, dilation, out):
    """Maximum and its row-major position inside the window; the first on ties, the last NaN."""
    parts = window_taps(
        padded_windows(x, n, _lowest(x.dtype), kernel, stride, padding, dilation, out), n, kernel, stride, dilation, out
    )
    first = _first_inside(n, x.ndim, kernel, stride, padding, dilation, out)
    best = next(parts)
    at = jnp.zeros(best.shape, jnp.int32) if first is None else jnp.broadcast_to(first, best.shape)
    for i, part in enumerate(parts, 1):
        better = part > best
        if not is_integral(x):
            better = better | jnp.isnan(part)
        best = jnp.where(better, part, best)
        at = jnp.where(better, i, at)
    return best, at


def _argmax_by_dim(x, n, kernel, stride, padding, dilation, out):
    """As :func:`_argmax_small`, one dim at a time (last dim first, so that ties keep row-major order)."""
    best, at = x, None
    for i in reversed(range(n)):
        one = [(v[i],) for v in (kernel, stride, padding, dilation)]
        axis = x.ndim - n + i
        moved, local = _argmax_small(jnp.moveaxis(best, axis, -1), 1, *one, (out[i],))
        if at is not None:
            source = jnp.arange(out[i]) * stride[i] - padding[i] + local * dilation[i]
            inner = jnp.take_along_axis(jnp.moveaxis(at, axis, -1), source, -1)
            local = local * math.prod(kernel[i + 1 :]) + inner
        best, at = jnp.moveaxis(moved, -1, axis), jnp.moveaxis(local, -1, axis)
    return best, at


def _window_argmax(x, n, kernel, stride, padding, dilation, out):
    large = math.prod(kernel) > LARGE_WINDOW and n > 1
    return (_argmax_by_dim if large else _argmax_small)(x, n, kernel, stride, padding, dilation, out)


def _flat_index(at, size, kernel, stride, padding, dilation):
    """Position in the flattened spatial dims of the input, from the position in the window."""
    n = len(kernel)
    flat = jnp.zeros((), jnp.int64)
    rest = at
    within: list[jax.Array] = []
    for k in reversed(kernel):
        within.insert(0, rest % k)
        rest = rest // k
    for i in range(n):
        start = lax.broadcasted_iota(jnp.int64, at.shape, at.ndim - n + i) * stride[i] - padding[i]
        flat = flat * size[i] + start + within[i] * dilation[i]
    return flat


def _scatter_flat(values, index, shape, n):
    """Zeros of ``shape`` with ``values`` added at flat spatial positions ``index``."""
    lead = math.prod(shape[: len(shape) - n])
    area = math.prod(shape[len(shape) - n :])
    rows = jnp.arange(lead)[:, None]
    flat = jnp.zeros((lead, area), values.dtype)
    if not flat.size:
        return flat.reshape(shape)
    return flat.at[rows, index.reshape(lead, -1)].add(values.reshape(lead, -1)).reshape(shape)


def _max_pool(n, x, kernel_size, stride, padding, dilation, ceil_mode):
    """Normalised arguments and the output size of a max pooling."""
    name = f"max_pool{n}d"
    kernel = spatial(kernel_size, n, "kernel_size", name)
    stride = spatial(stride, n, "stride", name) if stride else kernel
    padding = spatial(padding, n, "padding", name)
    dilation = spatial(dilation, n, "dilation", name)
    _check_rank(x, n, f"non-empty {n + 1}D or {n + 2}D (batch mode) tensor expected for input")
    _reject(x, name)
    return kernel, stride, padding, dilation, _check_window(x, n, kernel, stride, padding, dilation, ceil_mode)


def _max_pool_forward(n, x, kernel_size, stride, padding, dilation, ceil_mode):
    window = _max_pool(n, x, kernel_size, stride, padding, dilation, ceil_mode)
    best, at = _window_argmax(x, n, *window)
    return best, _flat_index(at, x.shape[x.ndim - n :], *window[:4])


def _max_pool_backward(n, ct, x, kernel_size, stride, padding, dilation, ceil_mode):
    window = _max_pool(n, x, kernel_size, stride, padding, dilation, ceil_mode)
    kernel = window[0]
    _, at = _window_argmax(x, n, *window)
    if math.prod(kernel) > LARGE_WINDOW:
        return _scatter_flat(ct, _flat_index(at, x.shape[x.ndim - n :], *window[:4]), x.shape, n)
    parts = [jnp.where(at == i, ct, 0) for i in range(math.prod(kernel))]
    return window_sum(parts, x.shape, n, *window)


@op(
    "max_pool2d_with_indices(Tensor self, int[2] kernel_size, int[2] stride=[], int[2] padding=0, int[2] dilation=1, "
    "bool ceil_mode=False) -> (Tensor, Tensor)",
    method=False, out=False, namespaces=("_ops",), grad_name="MaxPool2DWithIndicesBackward0",
    samples=cases(
        (T((2, 3, 6, 7)), (2, 2)),
        (T((3, 7, 8)), (3, 2), (2, 1), (1, 1), (1, 2)),
        (T((1, 2, 7, 7)), (3, 3), (2, 2), (1, 1), (1, 1), True),
        (T((1, 2, 9, 9)), (7, 7), (1, 1), (3, 3)),
    ),
)  # fmt: skip
def max_pool2d_with_indices(self, kernel_size, stride, padding, dilation, ceil_mode):
    """Maximum of each window of the last two dims, and its flat position in them."""
    return _max_pool_forward(2, self, kernel_size, stride, padding, dilation, ceil_mode)


max_pool2d_with_indices.memory_rule(channels_last())


@max_pool2d_with_indices.vjp
def _(ct, self, kernel_size, stride, padding, dilation, ceil_mode):
    return _max_pool_backward(2, ct, self, kernel_size, stride, padding, dilation, ceil_mode)


@op(
    "max_pool3d_with_indices(Tensor self, int[3] kernel_size, int[3] stride=[], int[3] padding=0, int[3] dilation=1, "
    "bool ceil_mode=False) -> (Tensor, Tensor)",
    method=False, out=False, namespaces=("_ops",), grad_name="MaxPool3DWithIndicesBackward0",
    samples=cases(
        (T((2, 3, 4, 4, 5)), (2, 2, 2)),
        (T((2, 5, 5, 4)), (3, 2, 2), (2, 1, 2), (1, 1, 0)),
        (T((2, 5, 5, 4)), (4, 4, 4), (1, 1, 1), (1, 1, 1)),
    ),
)  # fmt: skip
def max_pool3d_with_indices(self, kernel_size, stride, padding, dilation, ceil_mode):
    """Maximum of each window of the last three dims, and its flat position in them."""
    return _max_pool_forward(3, self, kernel_size, stride, padding, dilation, ceil_mode)


max_pool3d_with_indices.memory_rule(channels_last())


@max_pool3d_with_indices.vjp
def _(ct, self, kernel_size, stride, padding, dilation, ceil_mode):
    return _max_pool_backward(3, ct, self, kernel_size, stride, padding, dilation, ceil_mode)


# ---------------------------------------------------------------- unpooling
def _max_unpool(x, indices, output_size):
    n = len(output_size)
    if indices.dtype != jnp.int64:
        raise RuntimeError(f"elements in indices should be type int64 but got: {display_name(indices.dtype)}")
    if x.shape != indices.shape:
        raise RuntimeError(
            f"Expected shape of indices to be same as that of the input tensor ({list(x.shape)}) but got indices "
            f"tensor with shape: {list(indices.shape)}"
        )
    if x.ndim not in (n + 1, n + 2):
        raise RuntimeError(
            f"Input to max_unpooling{n}d should be a {n + 1}d or {n + 2}d Tensor, but got a tensor with {x.ndim} dims."
        )
    lead = x.shape[: x.ndim - n]
    rows = jnp.arange(math.prod(lead))[:, None]
    flat = jnp.zeros((math.prod(lead), math.prod(output_size)), x.dtype)
    at = indices.reshape(math.prod(lead), -1)
    return flat.at[rows, at].set(x.reshape(at.shape)).reshape(*lead, *output_size)


def _max_unpool_backward(ct, indices, output_size):
    lead = math.prod(indices.shape[: indices.ndim - len(output_size)])
    flat = ct.reshape(lead, -1)
    return jnp.take_along_axis(flat, indices.reshape(lead, -1), 1).reshape(indices.shape)


@op(
    "max_unpool2d(Tensor self, Tensor indices, int[2] output_size) -> Tensor",
    method=False, out=False, namespaces=("_ops",), differentiable=("self",), grad_name="MaxUnpool2DBackward0",
)  # fmt: skip
def max_unpool2d(self, indices, output_size):
    """Zeros of ``(..., *output_size)`` with the input's values at the flat positions ``indices``."""
    return _max_unpool(self, indices, output_size)


max_unpool2d.memory_rule(channels_last())


@max_unpool2d.vjp
def _(ct, indices, output_size):
    return _max_unpool_backward(ct, indices, output_size), None


@op(
    "max_unpool3d(Tensor self, Tensor indices, int[3] output_size) -> Tensor",
    method=False, out=False, namespaces=("_ops",), differentiable=("self",), grad_name="MaxUnpool3DBackward0",
)  # fmt: skip
def max_unpool3d(self, indices, output_size):
    """Zeros of ``(..., *output_size)`` with the input's values at the flat positions ``indices``."""
    return _max_unpool(self, indices, output_size)


@max_unpool3d.vjp
def _(ct, indices, output_size):
    return _max_unpool_backward(ct, indices, output_size), None


# ---------------------------------------------------------------- average
def _avg_pool(n, x, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override):
    """Normalised window, output size and divisor (a number, or an array over the output's spatial dims)."""
    name = f"avg_pool{n}d"
    kernel = spatial(kernel_size, n, "kernel_size", name)
    stride = spatial(stride, n, "stride", name) if stride else kernel
    padding = spatial(padding, n, "padding", name)
    if divisor_override == 0:
        raise RuntimeError("divisor must be not zero")
    _reject(x, name)
    _check_rank(x, n, f"non-empty {n + 1}D or {n + 2}D (batch mode) tensor expected for input")
    out = _check_window(x, n, kernel, stride, padding, (1,) * n, ceil_mode)
    window = (kernel, stride, padding, (1,) * n, out)
    if divisor_override is not None:
        return window, divisor_override
    divisor = np.ones((1,) * n)
    for i, (size, k, s, p, o) in enumerate(zip(x.shape[x.ndim - n :], kernel, stride, padding, out, strict=True)):
        start = np.arange(o) * s - p
        stop = np.minimum(start + k, size + p)
        if not count_include_pad:
            start, stop = np.maximum(start, 0), np.minimum(stop, size)
        divisor = divisor * (stop - start).reshape([o if j == i else 1 for j in range(n)])
    return window, divisor.flat[0] if np.all(divisor == divisor.flat[0]) else divisor


def _divide(x, divisor):
    if is_integral(x):
        total = jnp.asarray(divisor, x.dtype)
        return lax.div(x, jnp.broadcast_to(total, x.shape))
    return quotient(x, jnp.asarray(divisor, x.dtype))


def _avg_pool_forward(n, x, *args):
    (kernel, stride, padding, dilation, out), divisor = _avg_pool(n, x, *args)
    dtype = x.dtype
    wide = x.astype(accumulation_dtype(dtype))
    padded = padded_windows(wide, n, 0, kernel, stride, padding, dilation, out)
    if math.prod(kernel) <= LARGE_WINDOW:
        total = sum(window_taps(padded, n, kernel, stride, dilation, out))
    else:
        lead = (1,) * (x.ndim - n)
        total = lax.reduce_window(
            padded, jnp.zeros((), wide.dtype), lax.add, (*lead, *kernel), (*lead, *stride), "VALID"
        )
    return _divide(total, divisor).astype(dtype)


def _avg_pool_backward(n, ct, x, *args):
    (kernel, stride, padding, dilation, out), divisor = _avg_pool(n, x, *args)
    part = _divide(ct.astype(accumulation_dtype(ct.dtype)), divisor)
    tiled = tuple(kernel) == tuple(stride) and not any(padding)
    if tiled or math.prod(kernel) <= LARGE_WINDOW:
        grad = window_sum([part] * math.prod(kernel), x.shape, n, kernel, stride, padding, dilation, out)
        return grad.astype(x.dtype)
    lead = x.ndim - n
    edges = [(0, 0, 0)] * lead
    for k, s, p, o, size in zip(kernel, stride, padding, out, x.shape[lead:], strict=True):
        low = k - 1 - p
        edges.append((low, size + k - 1 - low - (o - 1) * s - 1, s - 1))
    spread = lax.pad(part, jnp.zeros((), part.dtype), edges)
    ones = (1,) * lead
    return lax.reduce_window(
        spread, jnp.zeros((), part.dtype), lax.add, (*ones, *kernel), (1,) * x.ndim, "VALID"
    ).astype(x.dtype)


@op(
    "avg_pool2d(Tensor self, int[2] kernel_size, int[2] stride=[], int[2] padding=0, bool ceil_mode=False, "
    "bool count_include_pad=True, int? divisor_override=None) -> Tensor",
    method=False, namespaces=("_ops",), grad_name="AvgPool2DBackward0",
    samples=cases(
        (T((2, 3, 6, 7)), (2, 2)),
        (T((3, 7, 8)), (3, 2), (2, 1), (1, 1)),
        (T((1, 2, 7, 7)), (3, 3), (2, 2), (1, 1), True, False),
        (T((1, 2, 7, 7)), (3, 3), (2, 2), (1, 1), True, True),
        (T((1, 2, 9, 9)), (7, 7), (1, 1), (3, 3), False, True, 5),
    ),
)  # fmt: skip
def avg_pool2d(self, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override):
    """Mean of each window of the last two dims."""
    return _avg_pool_forward(2, self, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)


avg_pool2d.memory_rule(channels_last())


@avg_pool2d.vjp
def _(ct, self, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override):
    return _avg_pool_backward(2, ct, self, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)


@op(
    "avg_pool3d(Tensor self, int[3] kernel_size, int[3] stride=[], int[3] padding=0, bool ceil_mode=False, "
    "bool count_include_pad=True, int? divisor_override=None) -> Tensor",
    method=False, namespaces=("_ops",), grad_name="AvgPool3DBackward0",
    samples=cases((T((2, 3, 4, 5, 4)), (2, 2, 2)), (T((3, 5, 6, 4)), (3, 2, 3), (2, 1, 2), (1, 1, 1), True, False)),
)  # fmt: skip
def avg_pool3d(self, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override):
    """Mean of each window of the last three dims."""
    return _avg_pool_forward(3, self, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)


@avg_pool3d.vjp
def _(ct, self, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override):
    return _avg_pool_backward(3, ct, self, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)
