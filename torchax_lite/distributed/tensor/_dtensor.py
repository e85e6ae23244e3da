"""``DTensor``: tensors spread over processes. The class has no instances; its functions say what to use instead."""

from __future__ import annotations

from typing import Any, NoReturn

from .._groups import _several


class DTensor:
    """A tensor spread over processes, of which there is one: making one raises."""

    __module__ = "torch.distributed.tensor"

    def __new__(cls, *args: Any, **kwargs: Any) -> NoReturn:  # type: ignore[misc]
        raise _several("torch.distributed.tensor.DTensor")

    @staticmethod
    def from_local(local_tensor: Any, device_mesh: Any = None, placements: Any = None, **kwargs: Any) -> NoReturn:
        """Not available."""
        raise _several("torch.distributed.tensor.DTensor.from_local")

    def to_local(self, *, grad_placements: Any = None) -> NoReturn:
        """Not available."""
        raise _several("torch.distributed.tensor.DTensor.to_local")

    def redistribute(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Not available."""
        raise _several("torch.distributed.tensor.DTensor.redistribute")

    def full_tensor(self, *, grad_placements: Any = None) -> NoReturn:
        """Not available."""
        raise _several("torch.distributed.tensor.DTensor.full_tensor")
