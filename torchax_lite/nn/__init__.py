"""Layers, losses, parameters and containers for building models."""

from __future__ import annotations

from typing import Any

from . import attention, functional, grad, init, modules, parameter, utils
from .modules import *
from .modules import __all__ as _module_names
from .parameter import Buffer, Parameter, UninitializedBuffer, UninitializedParameter

__all__ = [
    *_module_names,
    "Buffer",
    "Parameter",
    "UninitializedBuffer",
    "UninitializedParameter",
    "attention",
    "factory_kwargs",
    "functional",
    "grad",
    "init",
    "modules",
    "parameter",
    "utils",
]


def factory_kwargs(kwargs: dict[str, Any] | None) -> dict[str, Any]:
    """The ``device``, ``dtype`` and ``memory_format`` of a constructor's ``kwargs``, for a tensor factory.

    A dictionary ``kwargs["factory_kwargs"]`` may hold some of them; nothing may be given twice, or be anything else.
    """
    if kwargs is None:
        return {}
    known = {"device", "dtype", "memory_format"}
    unexpected = kwargs.keys() - {*known, "factory_kwargs"}
    if unexpected:
        raise TypeError(f"unexpected kwargs {unexpected}")
    result = dict(kwargs.get("factory_kwargs", {}))
    for name in known & kwargs.keys():
        if name in result:
            raise TypeError(f"{name} specified twice, in **kwargs and in factory_kwargs")
        result[name] = kwargs[name]
    return result


def __getattr__(name: str) -> Any:
    if name in ("parallel", "DataParallel"):
        import importlib

        found = importlib.import_module(f"{__name__}.parallel")
        return found if name == "parallel" else found.DataParallel
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
