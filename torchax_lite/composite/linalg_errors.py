"""What the functions of ``torch.linalg`` raise, and when."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchax_lite.ops.registry import ArraySpec

from .registry import is_traced

if TYPE_CHECKING:
    from torchax_lite import Tensor


class _LinAlgError(RuntimeError):
    """A factorisation that could not be computed."""

    __module__ = "torch._C"


LinAlgError = _LinAlgError


def array_spec(t: Tensor) -> ArraySpec:
    """What argument checks look at."""
    return ArraySpec(t._aval.shape, t._aval.dtype)


def raise_if(info: Tensor, name: str, text: str) -> None:
    """Raise for the first nonzero ``info``; ``{}`` in the text stands for its value."""
    if is_traced(info):
        return
    values = info._host_array()
    if not values.any():
        return
    first = int(values.reshape(-1).nonzero()[0][0])
    where = f"(Batch element {first}): " if values.ndim else ""
    raise LinAlgError(f"{name}: {where}{text.format(int(values.reshape(-1)[first]))}")
