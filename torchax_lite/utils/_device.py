"""``torch.utils._device``: the default device, and a mode that sets it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from torchax_lite.overrides import TorchFunctionMode

from ..tensor.device import device as _device
from ..tensor.device import get_default_device

__all__ = ["DeviceContext", "set_device"]


class DeviceContext(TorchFunctionMode):
    """Within it factory functions that name no device use ``device``; ``old_device`` is what they used before."""

    def __init__(self, device: Any) -> None:
        super().__init__()
        self.device = _device(device)
        self.old_device: Any = None

    def __enter__(self) -> DeviceContext:
        self.old_device = get_default_device()
        self.device.__enter__()
        return self

    def __exit__(self, *exc: Any) -> None:
        self.device.__exit__(*exc)


def set_device(device: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A decorator: within the function, factory functions that name no device use ``device``."""

    def decorate(func: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(func)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            with DeviceContext(device):
                return func(*args, **kwargs)

        return wrapped

    return decorate
