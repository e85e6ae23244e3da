"""Padding: constant, reflected, replicated."""

from __future__ import annotations

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
from jax import lax

from .memory import channels_last
from .registry import op
from .samples import T, cases


def _pairs(pad: Sequence[int], ndim: int) -> list[tuple[int, int]]:
    """(low, high) for every dim, from PyTorch's last-dim-first list."""
    pairs = [(0, 0)] * (ndim - len(pad) // 2)
    return pairs + [(pad[i], pad[i + 1]) for i in range(len(pad) - 2, -1, -2)]


@op(
    "constant_pad_nd(Tensor self, int[] pad, Scalar value=0) -> Tensor",
    method=False, out=False,
    samples=cases((T((2, 3)), (1, 2)), (T((2, 3)), (1, 2, 0, 1), 0.5), (T((2, 4)), (-1, 2, 1, 0)), (T((4,)), (-1, -2))),
)  # fmt: skip
def constant_pad_nd(self, pad, value):
    """``value`` around the last dims (last dim first, low then high); negative amounts cut."""
    if len(pad) % 2:
        raise RuntimeError(f"Length of pad must be even but instead it equals {len(pad)}")
    if len(pad) // 2 > self.ndim:
        raise RuntimeError(
            f"Length of pad should be no more than twice the number of dimensions of the input. Pad length is "
            f"{len(pad)}while the input has {self.ndim}dimensions."
        )
    for i, (size, (low, high)) in enumerate(zip(self.shape, _pairs(pad, self.ndim), strict=True)):
        if size + min(low, 0) + min(high, 0) < 0:
            raise RuntimeError("narrow(): length must be non-negative.")
        if size + low + high < 0:
            raise RuntimeError(
                f"The input size {size}, plus negative padding {low} and {high} resulted in a negative output size, "
                f"which is invalid. Check dimension {i} of your input."
            )
    edges = [(low, high, 0) for low, high in _pairs(pad, self.ndim)]
    fill = value.astype(bool) if self.dtype == jnp.bool_ else value.astype(self.dtype)
    return lax.pad(self, fill, edges)


constant_pad_nd.memory_rule(channels_last())


@constant_pad_nd.vjp
def _(ct, pad):
    edges = [(-low, -high, 0) for low, high in _pairs(pad, ct.ndim)]
    return lax.pad(ct, jnp.zeros((), ct.dtype), edges)


def _check_extent(x, n: int, pad: Sequence[int], what: str) -> None:
    """Rank, sizes and amounts of a reflection or replication."""
    if len(pad) != 2 * n:
        raise RuntimeError(f"padding size is expected to be {2 * n}")
    if x.ndim not in (n + 1, n + 2) or 0 in x.shape[x.ndim - n - 1 :]:
        raise RuntimeError(
            f"Expected {n + 1}D or {n + 2}D (batch mode) tensor with possibly 0 batch size and other non-zero "
            f"dimensions for input, but got: {list(x.shape)}"
        )
    for i, (size, (low, high)) in enumerate(zip(x.shape, _pairs(pad, x.ndim), strict=True)):
        if what == "reflect" and (low >= size or high >= size) and (low or high):
            raise RuntimeError(
                f"Argument #{4 + 2 * (x.ndim - 1 - i)}: Padding size should be less than the corresponding input "
                f"dimension, but got: padding ({low}, {high}) at dimension {i} of input {list(x.shape)}"
            )
        if (low or high) and size + low + high < 1:
            letter = ("D", "H", "W")[3 - (x.ndim - i)] if i >= x.ndim - 3 else "N"
            raise RuntimeError(
                f"input ({letter}: {size}) is too small. Calculated output {letter}: {size + low + high}"
            )


def _edge_pad(x, pad: Sequence[int], mode: str):
    """Extend by the positive amounts and cut by the negative ones; each place names the input place it shows."""
    pairs = _pairs(pad, x.ndim)
    if all(low >= 0 and high >= 0 for low, high in pairs):
        return jnp.pad(x, pairs, mode=mode) if any(p != (0, 0) for p in pairs) else x
    for axis, (size, (low, high)) in enumerate(zip(x.shape, pairs, strict=True)):
        if not (low or high):
            continue
        place = np.arange(-low, size + high)
        if mode == "edge":
            place = np.clip(place, 0, size - 1)
        else:
            place = np.abs(place)
            place = np.where(place > size - 1, 2 * (size - 1) - place, place)
        x = jnp.take(x, place, axis=axis)
    return x


def _reflect(n, x, pad):
    _check_extent(x, n, pad, "reflect")
    return _edge_pad(x, pad, "reflect")


def _replicate(n, x, pad):
    _check_extent(x, n, pad, "replicate")
    return _edge_pad(x, pad, "edge")


@op(
    "reflection_pad1d(Tensor self, int[] padding) -> Tensor",
    method=False, out=False, namespaces=("_ops",), grad_name="ReflectionPad1DBackward0",
    samples=cases((T((2, 3, 5)), (2, 3)), (T((3, 5)), (1, 0))),
)  # fmt: skip
def reflection_pad1d(self, padding):
    """The last dim continued by its mirror image, the edge element not repeated."""
    return _reflect(1, self, padding)


@op(
    "reflection_pad2d(Tensor self, int[] padding) -> Tensor",
    method=False, out=False, namespaces=("_ops",), grad_name="ReflectionPad2DBackward0",
    samples=cases((T((2, 3, 5, 4)), (2, 3, 1, 0))),
)  # fmt: skip
def reflection_pad2d(self, padding):
    """The last two dims continued by their mirror image, the edge elements not repeated."""
    return _reflect(2, self, padding)


reflection_pad2d.memory_rule(channels_last())


@op(
    "reflection_pad3d(Tensor self, int[] padding) -> Tensor",
    method=False, out=False, namespaces=("_ops",), grad_name="ReflectionPad3DBackward0",
    samples=cases((T((2, 3, 3, 4, 3)), (2, 1, 1, 0, 1, 2))),
)  # fmt: skip
def reflection_pad3d(self, padding):
    """The last three dims continued by their mirror image, the edge elements not repeated."""
    return _reflect(3, self, padding)


@op(
    "replication_pad1d(Tensor self, int[] padding) -> Tensor",
    method=False, out=False, namespaces=("_ops",), grad_name="ReplicationPad1DBackward0",
    samples=cases((T((2, 3, 5)), (2, 7)), (T((3, 5)), (1, -2))),
)  # fmt: skip
def replication_pad1d(self, padding):
    """The last dim continued by its edge elements."""
    return _replicate(1, self, padding)


@op(
    "replication_pad2d(Tensor self, int[] padding) -> Tensor",
    method=False, out=False, namespaces=("_ops",), grad_name="ReplicationPad2DBackward0",
    samples=cases((T((2, 3, 5, 4)), (2, 3, 1, 0))),
)  # fmt: skip
def replication_pad2d(self, padding):
    """The last two dims continued by their edge elements."""
    return _replicate(2, self, padding)


replication_pad2d.memory_rule(channels_last())


@op(
    "replication_pad3d(Tensor self, int[] padding) -> Tensor",
    method=False, out=False, namespaces=("_ops",), grad_name="ReplicationPad3DBackward0",
    samples=cases((T((2, 3, 3, 4, 3)), (2, 1, 1, 0, 1, 2))),
)  # fmt: skip
def replication_pad3d(self, padding):
    """The last three dims continued by their edge elements."""
    return _replicate(3, self, padding)
