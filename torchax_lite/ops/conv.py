"""Convolution and transposed convolution over one, two or three spatial dims, and their derivative.

Arrays are ``(N, C, *spatial)``; the public functions (padding strings, unbatched input) are in ``nn/functional.py``.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jax import lax

from . import exact
from .common import display_name, is_complex
from .memory import channels_last
from .precision import of_convolutions
from .registry import op
from .samples import T, cases

_MOST_TAPS = 49
"""Kernels of more elements take XLA's own weight derivative on every platform."""

_CPP_NAMES = {
    "Float": "float", "Double": "double", "Half": "c10::Half", "BFloat16": "c10::BFloat16", "Long": "long long",
    "Int": "int", "Short": "short", "Char": "signed char", "Byte": "unsigned char", "Bool": "bool",
    "ComplexFloat": "c10::complex<float>", "ComplexDouble": "c10::complex<double>",
}  # fmt: skip


def _dims(n: int) -> lax.ConvDimensionNumbers:
    spec = tuple(range(n + 2))
    return lax.ConvDimensionNumbers(spec, spec, spec)


def _spread(values: Sequence[int], n: int, name: str, what: str = "") -> tuple[int, ...]:
    """One value a spatial dim; a single value is repeated."""
    values = tuple(values)
    if len(values) == 1:
        return values * n
    if len(values) != n:
        raise RuntimeError(
            f"expected {name} to be a single integer value or a list of {n} values to match the convolution "
            f"dimensions, but got {name}={list(values)}"
        )
    return values


def _pairs(values: Sequence[int]) -> list[tuple[int, int]]:
    return [(v, v) for v in values]


def _validate(x, weight, bias, stride, padding, dilation, transposed, output_padding, groups) -> None:
    """Raise PyTorch's error for arguments that do not fit together (XLA would abort the process on some)."""
    if any(s <= 0 for s in stride):
        raise RuntimeError("non-positive stride is not supported")
    if any(p < 0 for p in padding):
        raise RuntimeError("negative padding is not supported")
    if any(d < 0 for d in dilation):
        raise RuntimeError("dilation should be greater than zero")
    if 0 in dilation:
        raise RuntimeError(f"dilation should be greater than zero, but got {_shown_dilation(dilation, transposed)}")
    if any(p < 0 for p in output_padding):
        raise RuntimeError("negative output_padding is not supported")
    if groups <= 0:
        raise RuntimeError("non-positive groups is not supported")
    ws, xs = list(weight.shape), list(x.shape)
    if ws[0] < groups:
        raise RuntimeError(
            f"Given groups={groups}, expected weight to be at least {groups} at dimension 0, "
            f"but got weight of size {ws} instead"
        )
    if ws[0] % groups:
        raise RuntimeError(
            f"Given groups={groups}, expected weight to be divisible by {groups} at dimension 0, "
            f"but got weight of size [{ws}] instead"
        )
    wanted = ws[0] if transposed else ws[1] * groups
    if xs[1] != wanted:
        raise RuntimeError(
            f"Given {'transposed=1' if transposed else f'groups={groups}'}, weight of size {ws}, expected input{xs} "
            f"to have {wanted} channels, but got {xs[1]} channels instead"
        )
    outputs = ws[1] * groups if transposed else ws[0]
    if bias is not None and bias.shape != (outputs,):
        raise RuntimeError(
            f"Given {'transposed=1, ' if transposed else ''}weight of size {ws}, expected bias to be 1-dimensional "
            f"with {outputs} elements, but got bias of size {list(bias.shape)} instead"
        )
    _validate_dtypes(x, weight, bias)
    if transposed:
        _validate_transposed(xs, ws, stride, padding, dilation, output_padding)
        return
    padded = [s + 2 * p for s, p in zip(xs[2:], padding, strict=True)]
    extent = [d * (k - 1) + 1 for d, k in zip(dilation, ws[2:], strict=True)]
    if any(p < k for p, k in zip(padded, extent, strict=True)):
        raise RuntimeError(
            f"Calculated padded input size per channel: ({' x '.join(map(str, padded))}). "
            f"Kernel size: ({' x '.join(map(str, extent))}). Kernel size can't be greater than actual input size"
        )


def _shown_dilation(dilation, transposed) -> str:
    """A dilation as errors print it; one dim is two to PyTorch."""
    values = (1, *dilation) if len(dilation) == 1 else tuple(dilation)
    if not transposed:
        return str(list(values))
    names = ("depth", "height", "width")[-len(values) :]
    return ", ".join(f"dilation_{n}: {d}" for n, d in zip(names, values, strict=True))


def _validate_dtypes(x, weight, bias) -> None:
    if x.dtype == jnp.bool_:
        raise NotImplementedError("\"slow_conv2d_cpu\" not implemented for 'Bool'")
    for other, name in ((weight, "weight"), (bias, "bias")):
        if other is not None and other.dtype != x.dtype:
            given, found = (_CPP_NAMES.get(display_name(a.dtype), str(a.dtype)) for a in (x, other))
            raise RuntimeError(f"Input type ({given}) and {name} type ({found}) should be the same")


def _validate_transposed(xs, ws, stride, padding, dilation, output_padding) -> None:
    if any(o >= s and o >= d for o, s, d in zip(output_padding, stride, dilation, strict=True)):
        names = ("depth", "height", "width")[-len(stride) :]
        text = " ".join(
            f"{label}_{name}: {value}"
            for label, values in (("output_padding", output_padding), ("stride", stride), ("dilation", dilation))
            for name, value in zip(names, values, strict=True)
        )
        raise RuntimeError(f"output padding must be smaller than either stride or dilation, but got {text}")
    sizes = [
        (n - 1) * s - 2 * p + d * (k - 1) + o + 1
        for n, s, p, d, k, o in zip(xs[2:], stride, padding, dilation, ws[2:], output_padding, strict=True)
    ]
    if any(n < 1 for n in sizes):
        raise RuntimeError(
            f"Given input size per channel: ({' x '.join(map(str, xs[2:]))}). "
            f"Calculated output size per channel: ({' x '.join(map(str, sizes))}). Output size is too small"
        )


def _forward(x, weight, stride, padding, dilation, groups):
    """The plain convolution; ``padding`` is a list of (low, high) pairs."""
    return lax.conv_general_dilated(
        x, weight, stride, padding, rhs_dilation=dilation, dimension_numbers=_dims(x.ndim - 2),
        feature_group_count=groups, precision=of_convolutions(x.dtype),
    )  # fmt: skip


def _biased(x, weight, bias, stride, padding, dilation, groups):
    """The plain convolution plus bias; a small one is summed in PyTorch's order on the CPU."""
    n = x.ndim - 2
    pairs = _pairs(padding)

    def fast(a, w, b):
        return _forward(a, w, stride, pairs, dilation, groups) + b.reshape(1, -1, *(1,) * n)

    spatial = zip(x.shape[2:], pairs, dilation, weight.shape[2:], stride, strict=True)
    positions = math.prod((size + lo + hi - d * (k - 1) - 1) // s + 1 for size, (lo, hi), d, k, s in spatial)
    if not exact.fits_convolution(x, weight, positions, groups):
        return fast(x, weight, bias)
    ordered = functools.partial(exact.convolution, stride=stride, padding=pairs, dilation=dilation)
    return exact.on_cpu(ordered, fast, x, weight, bias)


def _transposed(ct, weight, size, stride, padding, dilation, groups):
    """Transposed convolution that gives spatial ``size``."""
    n = ct.ndim - 2
    low = [d * (k - 1) - p for d, k, p in zip(dilation, weight.shape[2:], padding, strict=True)]
    full = [
        (c - 1) * s + d * (k - 1) + 1
        for c, s, d, k in zip(ct.shape[2:], stride, dilation, weight.shape[2:], strict=True)
    ]
    high = [
        o - (f - d * (k - 1)) + p for o, f, d, k, p in zip(size, full, dilation, weight.shape[2:], padding, strict=True)
    ]
    flipped = lax.rev(weight, tuple(range(2, n + 2)))
    outs, ins = weight.shape[:2]
    kernel = flipped.reshape(groups, outs // groups, ins, *weight.shape[2:])
    kernel = jnp.swapaxes(kernel, 1, 2).reshape(groups * ins, outs // groups, *weight.shape[2:])
    return lax.conv_general_dilated(
        ct, kernel, (1,) * n, list(zip(low, high, strict=True)), lhs_dilation=stride, rhs_dilation=dilation,
        dimension_numbers=_dims(n), feature_group_count=groups, precision=of_convolutions(ct.dtype),
    )  # fmt: skip


def _steps(size, kernel, stride, padding, dilation):
    """How many windows a convolution of spatial ``size`` has."""
    return [
        (n + 2 * p - d * (k - 1) - 1) // s + 1
        for n, k, s, p, d in zip(size, kernel, stride, padding, dilation, strict=True)
    ]


def _input_cotangent(ct, weight, shape, stride, padding, dilation, groups):
    """Derivative of :func:`_forward` for its input."""
    zero = jnp.zeros(shape, ct.dtype)
    return jax.linear_transpose(lambda x: _forward(x, weight, stride, _pairs(padding), dilation, groups), zero)(ct)[0]


def _weight_cotangent(x, ct, weight_shape, stride, padding, dilation, groups):
    """Derivative of :func:`_forward` for its weight."""

    def general(x, ct):
        zero = jnp.zeros(weight_shape, x.dtype)
        return jax.linear_transpose(lambda w: _forward(x, w, stride, _pairs(padding), dilation, groups), zero)(ct)[0]

    def by_sample(x, ct):
        return _sample_products(x, ct, weight_shape, stride, padding, dilation)

    if groups != 1 or math.prod(weight_shape[2:]) > _MOST_TAPS or 0 in (*x.shape, *ct.shape):
        return general(x, ct)
    return lax.platform_dependent(x, ct, cpu=by_sample, default=general)


def _sample_products(x, ct, weight_shape, stride, padding, dilation):
    """Sum over the samples of (cotangent) x (unfolded input): faster than XLA's own form on a CPU."""
    out = ct.shape[2:]
    if any(padding):
        x = jnp.pad(x, [(0, 0), (0, 0), *_pairs(padding)])

    def step(total, sample):
        image, c = sample
        parts = []
        for tap in itertools.product(*(range(k) for k in weight_shape[2:])):
            start = [t * d for t, d in zip(tap, dilation, strict=True)]
            stop = [b + (o - 1) * s + 1 for b, o, s in zip(start, out, stride, strict=True)]
            parts.append(lax.slice(image, (0, *start), (image.shape[0], *stop), (1, *stride)))
        unfolded = jnp.stack(parts, 1).reshape(-1, math.prod(out))
        return total + c.reshape(c.shape[0], -1) @ unfolded.T, None

    rows = math.prod(weight_shape[1:])
    return lax.scan(step, jnp.zeros((weight_shape[0], rows), x.dtype), (x, ct))[0].reshape(weight_shape)


def _split_complex(x, weight, run):
    """A complex convolution as real ones (XLA has none)."""
    a, b, c, d = x.real, x.imag, weight.real, weight.imag
    return lax.complex(run(a, c) - run(b, d), run(a, d) + run(b, c))


def _run(x, weight, stride, padding, dilation, transposed, output_padding, groups):
    if is_complex(x):
        return _split_complex(
            x, weight, lambda a, b: _run(a, b, stride, padding, dilation, transposed, output_padding, groups)
        )
    if not transposed:
        return _forward(x, weight, stride, _pairs(padding), dilation, groups)
    size = [
        (n - 1) * s - 2 * p + d * (k - 1) + o + 1
        for n, s, p, d, k, o in zip(
            x.shape[2:], stride, padding, dilation, weight.shape[2:], output_padding, strict=True
        )
    ]
    return _transposed(x, weight, size, stride, padding, dilation, groups)


@op(
    "convolution(Tensor self, Tensor weight, Tensor? bias, int[] stride, int[] padding, int[] dilation, "
    "bool transposed, int[] output_padding, int groups) -> Tensor",
    method=False, out=False,
    samples=cases(
        (T((2, 3, 7)), T((4, 3, 3)), T((4,)), (1,), (0,), (1,), False, (0,), 1),
        (T((2, 3, 7, 6)), T((4, 3, 3, 2)), T((4,)), (2, 1), (1, 1), (1, 2), False, (0, 0), 1),
        (T((2, 4, 5, 5)), T((6, 2, 3, 3)), None, (1, 1), (1, 1), (1, 1), False, (0, 0), 2),
        (T((2, 3, 4, 4)), T((3, 2, 3, 3)), T((2,)), (2, 2), (1, 1), (1, 1), True, (1, 1), 1),
        (T((2, 2, 5, 4, 3)), T((3, 2, 3, 2, 1)), T((3,)), (1,), (0,), (1,), False, (0,), 1),
    ),
)  # fmt: skip
def convolution(self, weight, bias, stride, padding, dilation, transposed, output_padding, groups):
    """Cross-correlation of ``(N, C, *spatial)`` with ``(O, C / groups, *kernel)``, or its transpose."""
    n = weight.ndim - 2
    stride, padding = _spread(stride, n, "stride"), _spread(padding, n, "padding")
    dilation, output_padding = _spread(dilation, n, "dilation"), _spread(output_padding, n, "output_padding")
    if self.ndim != weight.ndim:
        raise RuntimeError(
            f"Expected {weight.ndim}-dimensional input for {weight.ndim}-dimensional weight {list(weight.shape)}, "
            f"but got {self.ndim}-dimensional input of size {list(self.shape)} instead"
        )
    _validate(self, weight, bias, stride, padding, dilation, transposed, output_padding, groups)
    if bias is not None and not transposed and not is_complex(self):
        return _biased(self, weight, bias, stride, padding, dilation, groups)
    y = _run(self, weight, stride, padding, dilation, transposed, output_padding, groups)
    return y if bias is None else y + bias.reshape(1, -1, *(1,) * n)


convolution.memory_rule(channels_last(2))


@convolution.vjp
def _(ct, self, self_shape, weight, stride, padding, dilation, transposed, groups):
    n = weight.ndim - 2
    stride, padding = _spread(stride, n, "stride"), _spread(padding, n, "padding")
    dilation = _spread(dilation, n, "dilation")
    dbias = jnp.sum(ct, axis=(0, *range(2, n + 2)))

    def for_input(c, w):
        if transposed:
            return _forward(c, w, stride, _pairs(padding), dilation, groups)[
                (..., *(slice(0, s) for s in self_shape[2:]))
            ]
        return _input_cotangent(c, w, self_shape, stride, padding, dilation, groups)

    def for_weight(x, c):
        if transposed:
            # output padding beyond the stride: the input stands for more places than it has elements
            steps = _steps(c.shape[2:], weight.shape[2:], stride, padding, dilation)
            x, c = c, jnp.pad(x, [(0, 0), (0, 0), *((0, m - k) for m, k in zip(steps, x.shape[2:], strict=True))])
        return _weight_cotangent(x, c, weight.shape, stride, padding, dilation, groups)

    if is_complex(ct):
        return (
            _split_complex(ct, jnp.conj(weight), for_input),
            _split_complex(jnp.conj(self), ct, for_weight),
            dbias,
        )
    return for_input(ct, weight), for_weight(self, ct), dbias


@op(
    "conv_tbc(Tensor self, Tensor weight, Tensor bias, int pad=0) -> Tensor",
    method=False, out=False, samples=cases((T((6, 2, 3)), T((3, 3, 4)), T((4,)), 1)),
)  # fmt: skip
def conv_tbc(self, weight, bias, pad):
    """1-D convolution of ``(time, batch, channels)`` with ``(kernel, in, out)``."""
    if self.ndim != 3 or weight.ndim != 3 or bias.ndim != 1:
        raise RuntimeError("Input must have 3 dims: time, batch, in_channel")
    if self.shape[2] != weight.shape[1]:
        raise RuntimeError("Input dim 2 (input channels) is not == dim 1 in the weight tensor")
    if weight.shape[2] != bias.shape[0]:
        raise RuntimeError("Bias size must equal dim 2 in the weight tensor (output channels).")
    if self.shape[0] + 2 * pad < weight.shape[0]:
        raise RuntimeError("conv_tbc: the padded input is shorter than the kernel")
    dims = lax.ConvDimensionNumbers((1, 2, 0), (2, 1, 0), (1, 2, 0))
    precision = of_convolutions(self.dtype)
    return (
        lax.conv_general_dilated(self, weight, (1,), [(pad, pad)], dimension_numbers=dims, precision=precision) + bias
    )
