"""Layers that extend the last one, two or three dimensions at their ends."""

from __future__ import annotations

from typing import Any

from torchax_lite import Tensor
from torchax_lite.nn import functional as F
from torchax_lite.nn.modules.module import Module
from torchax_lite.nn.modules.utils import _ntuple

__all__ = [
    "CircularPad1d",
    "CircularPad2d",
    "CircularPad3d",
    "ConstantPad1d",
    "ConstantPad2d",
    "ConstantPad3d",
    "ReflectionPad1d",
    "ReflectionPad2d",
    "ReflectionPad3d",
    "ReplicationPad1d",
    "ReplicationPad2d",
    "ReplicationPad3d",
    "ZeroPad1d",
    "ZeroPad2d",
    "ZeroPad3d",
]

_Padding = int | tuple[int, ...]


class _PadNd(Module):
    """Extend the last dimensions of a ``(N, C, *size)`` or ``(C, *size)``.

    Args:
        padding: how far at each end: one number, or two for each dimension, the last dimension's first; negative
            numbers cut.
    """

    __constants__ = ["padding"]
    _spatial: int
    _mode: str
    padding: tuple[int, ...]

    def __init__(self, padding: _Padding) -> None:
        super().__init__()
        self.padding = _ntuple(2 * self._spatial)(padding)

    def forward(self, input: Tensor) -> Tensor:
        """The extended input."""
        return F.pad(input, self.padding, self._mode)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class _CircularPadNd(_PadNd):
    _mode = "circular"

    def _check_input_dim(self, input: Tensor) -> None:
        n = self._spatial + 1
        if input.dim() not in (n, n + 1):
            raise ValueError(f"expected {n}D or {n + 1}D input (got {input.dim()}D input)")

    def forward(self, input: Tensor) -> Tensor:
        """The extended input."""
        self._check_input_dim(input)
        return super().forward(input)


class CircularPad1d(_CircularPadNd):
    """Extend the last dimension as if the input repeated itself."""

    _spatial = 1


class CircularPad2d(_CircularPadNd):
    """Extend the last two dimensions as if the input repeated itself."""

    _spatial = 2


class CircularPad3d(_CircularPadNd):
    """Extend the last three dimensions as if the input repeated itself."""

    _spatial = 3


class _ConstantPadNd(_PadNd):
    __constants__ = ["padding", "value"]
    _mode = "constant"

    def __init__(self, padding: _Padding, value: float) -> None:
        super().__init__(padding)
        self.value = value

    def forward(self, input: Tensor) -> Tensor:
        """The extended input."""
        return F.pad(input, self.padding, "constant", self.value)

    def extra_repr(self) -> str:
        return f"padding={self.padding}, value={self.value}"


class ConstantPad1d(_ConstantPadNd):
    """Extend the last dimension by ``value``."""

    _spatial = 1


class ConstantPad2d(_ConstantPadNd):
    """Extend the last two dimensions by ``value``."""

    _spatial = 2


class ConstantPad3d(_ConstantPadNd):
    """Extend the last three dimensions by ``value``."""

    _spatial = 3


class _ReflectionPadNd(_PadNd):
    _mode = "reflect"


class ReflectionPad1d(_ReflectionPadNd):
    """Extend the last dimension by its mirror image, the edge not repeated."""

    _spatial = 1


class ReflectionPad2d(_ReflectionPadNd):
    """Extend the last two dimensions by their mirror image, the edges not repeated."""

    _spatial = 2


class ReflectionPad3d(_ReflectionPadNd):
    """Extend the last three dimensions by their mirror image, the edges not repeated."""

    _spatial = 3


class _ReplicationPadNd(_PadNd):
    _mode = "replicate"


class ReplicationPad1d(_ReplicationPadNd):
    """Extend the last dimension by its edge values."""

    _spatial = 1


class ReplicationPad2d(_ReplicationPadNd):
    """Extend the last two dimensions by their edge values."""

    _spatial = 2


class ReplicationPad3d(_ReplicationPadNd):
    """Extend the last three dimensions by their edge values."""

    _spatial = 3


class _Zero:
    """The constant 0, for the classes below."""

    padding: Any

    def __init__(self, padding: _Padding) -> None:
        super().__init__(padding, 0.0)  # type: ignore[call-arg]

    def extra_repr(self) -> str:
        return f"{self.padding}"


class ZeroPad1d(_Zero, ConstantPad1d):
    """Extend the last dimension by zeros."""


class ZeroPad2d(_Zero, ConstantPad2d):
    """Extend the last two dimensions by zeros."""


class ZeroPad3d(_Zero, ConstantPad3d):
    """Extend the last three dimensions by zeros."""
