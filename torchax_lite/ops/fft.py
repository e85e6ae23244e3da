"""Discrete Fourier transforms over one, two or any dims: complex, of real signals, of Hermitian signals.

Every transform is one of three kinds, forward or backward: complex to complex (``c2c``), real to the non-redundant
half of a Hermitian spectrum (``r2c``), and back (``c2r``); the other dims of the latter two are ``c2c``. The adjoint
of a transform is the transform back with the same scale; halves count the bins that stand for two twice.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from .common import canonical_dim, display_name, is_complex
from .memory import Shape, dense
from .registry import FLOAT, ArraySpec, op
from .samples import Samples, T, cases
from .view_slices import overlap_sum

_MOST = 3
"""Dims that XLA transforms at once."""

# ---------------------------------------------------------------- transforms without scale


def _at_end(x: Any, dims: Sequence[int], kind: Any, lengths: Sequence[int]) -> Any:
    """XLA's transform of ``dims``, which it wants last."""
    moved = jnp.moveaxis(x, dims, range(-len(dims), 0))
    return jnp.moveaxis(lax.fft(moved, kind, tuple(lengths)), range(-len(dims), 0), dims)


def _c2c(x: Any, dims: Sequence[int], forward: bool) -> Any:
    for start in range(0, len(dims), _MOST):
        some = dims[start : start + _MOST]
        lengths = [x.shape[d] for d in some]
        x = _at_end(x, some, "FFT" if forward else "IFFT", lengths)
        if not forward:
            x = x * float(math.prod(lengths))
    return x


def _r2c(x: Any, dims: Sequence[int], forward: bool) -> Any:
    *others, last = dims
    half = _at_end(x, (last,), "RFFT", (x.shape[last],))
    return _c2c(half if forward else jnp.conj(half), others, forward)


def _c2r(x: Any, dims: Sequence[int], forward: bool, length: int) -> Any:
    *others, last = dims
    x = _c2c(x, others, forward)
    return _at_end(jnp.conj(x) if forward else x, (last,), "IRFFT", (length,)) * float(length)


def _weight(x: Any, dim: int, length: int, weight: float) -> Any:
    """Half a spectrum of ``length`` points with the bins that stand for two multiplied by ``weight``."""
    factors = np.full(length // 2 + 1, weight)
    factors[0] = 1
    if length % 2 == 0:
        factors[-1] = 1
    shape = [1] * x.ndim
    shape[dim] = -1
    return x * jnp.asarray(factors.reshape(shape), x.real.dtype)


def _resized(x: Any, dims: Sequence[int], sizes: Sequence[int]) -> Any:
    """Cut off or filled up with zeros at the end of each dim."""
    cut = [slice(None)] * x.ndim
    fill = [(0, 0)] * x.ndim
    for d, n in zip(dims, sizes, strict=True):
        cut[d] = slice(n)
        fill[d] = (0, max(n - x.shape[d], 0))
    x = x[tuple(cut)]
    return jnp.pad(x, fill) if any(high for _, high in fill) else x


# ---------------------------------------------------------------- arguments


def _check_dtype(x: Any) -> None:
    if np.dtype(x.dtype).name not in ("float32", "float64", "complex64", "complex128"):
        raise RuntimeError(f"Unsupported dtype {display_name(x.dtype)}")


def _check_norm(norm: str | None) -> None:
    if norm not in (None, "backward", "ortho", "forward"):
        raise RuntimeError(f'Invalid normalization mode: "{norm}"')


def _check_size(n: int) -> None:
    if n < 1:
        raise RuntimeError(f"Invalid number of data points ({n}) specified")


def _scale(norm: str | None, forward: bool, points: int) -> float:
    if norm == "ortho":
        return 1 / math.sqrt(points)
    return 1 / points if (norm == "forward") == forward else 1.0


def _dims_and_sizes(
    shape: Sequence[int], s: Sequence[int] | None, dim: Sequence[int] | None, halved: bool
) -> tuple[list[int], list[int]]:
    """Transformed dims and signal sizes; ``halved``: the input's last transformed dim holds half a spectrum."""
    ndim = len(shape)
    if dim is not None:
        dims = [canonical_dim(d, ndim) for d in dim]
        if len(set(dims)) != len(dims):
            raise RuntimeError("FFT dims must be unique")
        if s is not None and len(s) != len(dims):
            raise RuntimeError("When given, dim and shape arguments must have the same length")
    elif s is not None:
        if len(s) > ndim:
            raise RuntimeError(f"Got shape with {len(s)} values but input tensor only has {ndim} dimensions.")
        dims = list(range(ndim - len(s), ndim))
    else:
        dims = list(range(ndim))
    sizes = (
        [shape[d] for d in dims] if s is None else [shape[d] if n == -1 else n for d, n in zip(dims, s, strict=True)]
    )
    if halved and dims and (s is None or s[-1] == -1):
        sizes[-1] = 2 * (shape[dims[-1]] - 1)
    for n in sizes:
        _check_size(n)
    return dims, sizes


# ---------------------------------------------------------------- the transforms, scaled


class _Transform:
    """One transform: kind, direction; its value and its adjoint for given dims and sizes."""

    def __init__(self, name: str, kind: str, forward: bool) -> None:
        self.name = name
        self.kind = kind
        self.forward = forward

    def check(self, x: ArraySpec, norm: str | None, many: bool) -> None:
        """Refuse what cannot be transformed, with PyTorch's words."""
        if self.kind == "r2c" and is_complex(x):
            name = display_name(x.dtype)
            if self.name == "ihfftn":
                raise RuntimeError(f"Only supports floating-point dtypes, but found: {name}")
            kind = "real-valued" if many else "real"
            raise RuntimeError(f"{self.name} expects a {kind} input tensor, but got {name}")
        _check_norm(norm)

    def value(self, x: Any, dims: Sequence[int], sizes: Sequence[int], norm: str | None) -> Any:
        """The transform of ``x`` cut or filled to ``sizes``."""
        real = jnp.finfo(x.dtype).dtype
        wide = jnp.result_type(real, jnp.complex64)
        if self.kind != "r2c":
            x = x.astype(wide)
        given = [*sizes[:-1], sizes[-1] // 2 + 1] if self.kind == "c2r" else sizes
        x = _resized(x, dims, given)
        scale = _scale(norm, self.forward, math.prod(sizes))
        if not x.size:
            return jnp.zeros(self._result_shape(x.shape, dims, sizes), real if self.kind == "c2r" else wide)
        return self._run(self.kind, x, dims, self.forward, sizes, scale)

    def adjoint(
        self, ct: Any, shape: Sequence[int], dims: Sequence[int], sizes: Sequence[int], norm: str | None
    ) -> Any:
        """Cotangent of the input of ``shape``."""
        scale = _scale(norm, self.forward, math.prod(sizes))
        back = {"c2c": "c2c", "r2c": "c2r", "c2r": "r2c"}[self.kind]
        if not ct.size:
            return jnp.zeros(shape, ct.dtype)
        if self.kind == "r2c":
            ct = _weight(ct, dims[-1], sizes[-1], 0.5)
        g = self._run(back, ct, dims, not self.forward, sizes, scale)
        if self.kind == "c2r":
            g = _weight(g, dims[-1], sizes[-1], 2.0)
        return _resized(g, dims, [shape[d] for d in dims])

    def memory(self, shape: Shape, given: tuple[Shape, Shape], dims: Sequence[int], sizes: Sequence[int]) -> Shape:
        """Strides of the result: batch dims first, by falling strides of the input, transformed dims behind."""
        had, strides = given
        points = [*sizes[:-1], sizes[-1] // 2 + 1] if self.kind == "c2r" else sizes
        if any(n > had[d] for d, n in zip(dims, points, strict=True)):
            padded = [*had]
            for d, n in zip(dims, points, strict=True):
                padded[d] = n
            strides = dense(tuple(padded), range(len(had)))
        *others, last = dims
        inside = list(shape)
        inside[last] = points[-1]
        if self.kind == "c2c" or (self.kind == "r2c" and self.forward):
            order = sorted(others, key=lambda d: -strides[d])
            rest = [*order, last] if self.kind == "r2c" else sorted(dims, key=lambda d: -strides[d])
            return self._laid(shape, strides, rest)
        if self.kind == "c2r":
            if others:
                strides = self._laid(tuple(inside), strides, sorted(others, key=lambda d: -strides[d]))
            return self._laid(shape, strides, [last])
        strides = self._laid(shape, strides, [last])
        return self._laid(shape, strides, sorted(others, key=lambda d: -strides[d])) if others else strides

    @staticmethod
    def _laid(shape: Shape, strides: Shape, dims: Sequence[int]) -> Shape:
        batch = sorted((d for d in range(len(shape)) if d not in dims), key=lambda d: -strides[d])
        return dense(shape, [*batch, *dims])

    def _result_shape(self, shape: Sequence[int], dims: Sequence[int], sizes: Sequence[int]) -> tuple[int, ...]:
        result = list(shape)
        if self.kind != "c2c":
            result[dims[-1]] = sizes[-1] // 2 + 1 if self.kind == "r2c" else sizes[-1]
        return tuple(result)

    @staticmethod
    def _run(kind: str, x: Any, dims: Sequence[int], forward: bool, sizes: Sequence[int], scale: float) -> Any:
        if kind == "c2c":
            y = _c2c(x, dims, forward)
        elif kind == "r2c":
            y = _r2c(x, dims, forward)
        else:
            y = _c2r(x, dims, forward, sizes[-1])
        return y if scale == 1 else y * scale


_NODES = {"c2c": "FftC2CBackward0", "r2c": "FftR2CBackward0", "c2r": "FftC2RBackward0"}


def _declare(name: str, kind: str, forward: bool, doc: str) -> None:
    """Declare the forms over one dim, over two and over any number."""
    _declare_one(name, kind, forward, doc)
    _declare_many(name + "2", name + "n", kind, forward, doc, "int[] dim=(-2, -1)", two=True)
    _declare_many(name + "n", name + "n", kind, forward, doc, "int[]? dim=None", two=False)


def _declare_one(name: str, kind: str, forward: bool, doc: str) -> None:
    transform = _Transform(name, kind, forward)

    def sizes(shape: Sequence[int], n: int | None, dim: int) -> tuple[list[int], list[int]]:
        d = canonical_dim(dim, len(shape))
        size = n if n is not None else 2 * (shape[d] - 1) if kind == "c2r" else shape[d]
        _check_size(size)
        return [d], [size]

    def node(self: ArraySpec, n: int | None, dim: int, norm: str | None) -> str:
        if kind == "c2r" or is_complex(self):
            return _NODES[kind]
        return _NODES["r2c"] if forward else "ConjBackward0"

    @op(
        f"fft_{name}(Tensor self, int? n=None, int dim=-1, str? norm=None) -> Tensor",
        promote=FLOAT, opmath=False, method=False, namespaces=("_ops",), grad_name=node, samples=_SAMPLES_ONE,
    )  # fmt: skip
    def body(self, n, dim, norm):
        return transform.value(self, *sizes(self.shape, n, dim), norm)

    @body.check
    def _(self, n, dim, norm):
        if not self.ndim:
            raise IndexError(f"Dimension specified as {dim} but tensor has no dimensions")
        transform.check(self, norm, False)
        if self.dtype.kind not in "biu":
            _check_dtype(self)

    @body.vjp
    def _(ct, self_shape, n, dim, norm):
        return transform.adjoint(ct, self_shape, *sizes(self_shape, n, dim), norm)

    @body.memory_rule
    def _(shapes, inputs, statics):
        n, dim, _ = statics
        return [transform.memory(shapes[0], inputs[0], *sizes(inputs[0][0], n, dim))]

    body.__doc__ = f"{doc} along ``dim``, of ``n`` points."
    ALIASES[f"fft.{name}"] = f"fft_{name}"


def _declare_many(name: str, general: str, kind: str, forward: bool, doc: str, dims: str, *, two: bool) -> None:
    transform = _Transform(general, kind, forward)
    halved = kind == "c2r"

    def node(self: ArraySpec, s: Any, dim: Any, norm: str | None) -> str:
        return _NODES["c2c"] if kind == "r2c" and not forward else _NODES[kind]

    @op(
        f"fft_{name}(Tensor self, int[]? s=None, {dims}, str? norm=None) -> Tensor",
        promote=FLOAT, opmath=False, method=False, namespaces=("_ops",), grad_name=node,
        samples=_SAMPLES_TWO if two else _SAMPLES_MANY,
    )  # fmt: skip
    def body(self, s, dim, norm):
        axes, sizes = _dims_and_sizes(self.shape, s, dim, halved)
        if not axes:
            return self.astype(jnp.result_type(self.dtype, jnp.complex64))
        return transform.value(self, axes, sizes, norm)

    @body.check
    def _(self, s, dim, norm):
        if dim and not self.ndim:
            raise IndexError(f"Dimension specified as {dim[0]} but tensor has no dimensions")
        transform.check(self, norm, True)
        if kind != "c2c" and (dim == () or (dim is None and (s == () or (s is None and not self.ndim)))):
            raise RuntimeError(f"{general} must transform at least one axis")
        if self.dtype.kind not in "biu":
            _check_dtype(self)

    @body.vjp
    def _(ct, self_shape, s, dim, norm):
        axes, sizes = _dims_and_sizes(self_shape, s, dim, halved)
        return transform.adjoint(ct, self_shape, axes, sizes, norm) if axes else ct

    @body.memory_rule
    def _(shapes, inputs, statics):
        axes, sizes = _dims_and_sizes(inputs[0][0], statics[0], statics[1], halved)
        return [transform.memory(shapes[0], inputs[0], axes, sizes) if axes else None]

    body.__doc__ = f"{doc} over the dims ``dim``, of ``s`` points."
    ALIASES[f"fft.{name}"] = f"fft_{name}"


_SAMPLES_ONE: Samples = cases(
    (T((5,)),), (T((2, 6)), 4, 0, "ortho"), (T((2, 3, 4)), 7, 1, "forward"), (T((3, 4)), None, -1, "backward"),
)  # fmt: skip
_SAMPLES_TWO: Samples = cases((T((4, 5)),), (T((2, 3, 4)), (4, 3), (0, 2), "ortho"), (T((3, 6)), None, (1, 0)))
_SAMPLES_MANY: Samples = cases(
    (T((4, 5)),), (T((2, 3, 4)), (4, 3), None, "forward"), (T((2, 3, 2, 3)), None, None, "ortho"),
    (T((3, 6)), (-1, 5), (1, 0)),
)  # fmt: skip

ALIASES: dict[str, str] = {}
"""Public name (``fft.fft``) -> op."""

for _name, _kind, _forward, _doc in (
    ("fft", "c2c", True, "Discrete Fourier transform"),
    ("ifft", "c2c", False, "Inverse discrete Fourier transform"),
    ("rfft", "r2c", True, "Non-redundant half of the Fourier transform of a real signal"),
    ("irfft", "c2r", False, "Real signal of which half a spectrum is given: inverse of ``rfft``"),
    ("hfft", "c2r", True, "Real spectrum of a Hermitian signal of which half is given"),
    ("ihfft", "r2c", False, "Half of the Hermitian signal that has a real spectrum: inverse of ``hfft``"),
):
    _declare(_name, _kind, _forward, _doc)

# ---------------------------------------------------------------- overlapping pieces


@op(
    "overlap_add(Tensor frames, int hop) -> Tensor",
    method=False, namespaces=("_ops",), out=False,
    samples=cases((T((2, 5, 4)), 2), (T((3, 4)), 3), (T((3, 2)), 5)),
)  # fmt: skip
def overlap_add(frames, hop):
    """Signal ``(..., (T - 1) * hop + L)`` that is the sum of T pieces ``(..., T, L)``, each ``hop`` after the last."""
    count, length = frames.shape[-2:]
    return overlap_sum(frames, hop, (count - 1) * hop + length)


@overlap_add.vjp
def _(ct, frames_shape, hop):
    at = np.arange(frames_shape[-2])[:, None] * hop + np.arange(frames_shape[-1])
    return ct[..., at]
