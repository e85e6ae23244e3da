"""``torch._jit_internal``: marks that programs put on functions for the scripting compiler; none is needed here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

from .jit import export, ignore, is_scripting, unused

__all__ = ["Final", "export", "ignore", "is_scripting", "unused"]
F = TypeVar("F", bound=Callable[..., Any])


def _copy_to_script_wrapper(fn: F) -> F:
    """The function as it is."""
    return fn


def _overload(func: F) -> F:
    """The function as it is."""
    return func


def _overload_method(func: F) -> F:
    """The function as it is."""
    return func


def is_tracing() -> bool:
    """Whether ``torch.jit.trace`` is tracing."""
    from .jit import is_tracing

    return bool(is_tracing())


def boolean_dispatch(
    arg_name: str, arg_index: int, default: bool, if_true: Callable[..., Any], if_false: Callable[..., Any],
    module_name: str, func_name: str,
) -> Callable[..., Any]:  # fmt: skip
    """A function that calls one of two by the value of its argument ``arg_name``."""

    def chosen(*args: Any, **kwargs: Any) -> Any:
        flag = kwargs.get(arg_name, args[arg_index] if arg_index < len(args) else default)
        return (if_true if flag else if_false)(*args, **kwargs)

    chosen.__name__ = chosen.__qualname__ = func_name
    chosen.__module__ = module_name
    return chosen
