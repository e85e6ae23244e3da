"""All parameters as one vector, and back."""

from __future__ import annotations

from collections.abc import Iterable

import torchax_lite as torch
from torchax_lite import Tensor

__all__ = ["parameters_to_vector", "vector_to_parameters"]


def _check_device(tensor: Tensor, device: torch.device | None) -> torch.device:
    """``tensor``'s device, which has to be ``device`` if that is known."""
    if device is not None and tensor.device != device:
        raise TypeError("Found two parameters on different devices, this is currently not supported.")
    return tensor.device


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """The elements of all ``parameters``, one after another."""
    device = None
    pieces = []
    for parameter in parameters:
        device = _check_device(parameter, device)
        pieces.append(parameter.view(-1))
    return torch.cat(pieces)


def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """Give the ``parameters`` their values from slices of ``vec``, whose memory they then share."""
    if not isinstance(vec, Tensor):
        raise TypeError(f"expected torch.Tensor, but got: {_type_text(vec)}")
    device = None
    start = 0
    for parameter in parameters:
        device = _check_device(parameter, device)
        stop = start + parameter.numel()
        parameter.data = vec[start:stop].view_as(parameter).data
        start = stop


def _type_text(value: object) -> str:
    cls = type(value)
    return cls.__qualname__ if cls.__module__ == "builtins" else f"{cls.__module__}.{cls.__qualname__}"
