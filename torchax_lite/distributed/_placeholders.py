"""Names of parts of ``torch.distributed`` that need several processes: they import and compare, and refuse to be used.

Libraries import them at their top, and ask ``isinstance(model, FullyShardedDataParallel)`` of models that are none.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

from ._groups import _several


def absent_class(module: str, name: str) -> type:
    """A class without instances; making one raises ``NotImplementedError`` that says what to use instead."""

    def refuse(cls: type, *args: Any, **kwargs: Any) -> NoReturn:
        raise _several(f"{module}.{name}")

    return type(name, (), {"__new__": refuse, "__doc__": "Needs several processes: raises.", "__module__": module})


def absent_function(module: str, name: str) -> Callable[..., NoReturn]:
    """A function whose call raises ``NotImplementedError`` that says what to use instead."""

    def refuse(*args: Any, **kwargs: Any) -> NoReturn:
        raise _several(f"{module}.{name}")

    refuse.__name__ = refuse.__qualname__ = name
    refuse.__module__ = module
    refuse.__doc__ = "Needs several processes: raises."
    return refuse


def fill(namespace: dict[str, Any], classes: str = "", functions: str = "") -> None:
    """Put placeholders into a module's namespace; names are separated by spaces."""
    module = namespace["__name__"].replace("torchax_lite", "torch", 1)
    namespace.update({name: absent_class(module, name) for name in classes.split()})
    namespace.update({name: absent_function(module, name) for name in functions.split()})
    namespace.setdefault("__all__", []).extend([*classes.split(), *functions.split()])
