"""Construction of modules without initial values."""

from __future__ import annotations

import inspect
from typing import Any

from torchax_lite.nn.modules.module import Module


def skip_init(module_cls: type[Module], *args: Any, **kwargs: Any) -> Module:
    """``module_cls(*args, **kwargs)`` with its parameters and buffers allocated but not initialized.

    Args:
        module_cls: a module class whose constructor has a ``device`` argument.
        args: for the constructor.
        kwargs: for the constructor.
    """
    if not (isinstance(module_cls, type) and issubclass(module_cls, Module)):
        raise RuntimeError(f"Expected a Module; got {module_cls}")
    if "device" not in inspect.signature(module_cls).parameters:
        raise RuntimeError("Module must support a 'device' arg to skip initialization")
    device = kwargs.pop("device", "cpu")
    return module_cls(*args, device="meta", **kwargs).to_empty(device=device)
