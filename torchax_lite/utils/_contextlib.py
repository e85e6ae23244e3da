"""``torch.utils._contextlib``: context managers that decorate functions too (those of ``torch.no_grad`` and friends)."""

from __future__ import annotations

import functools
import inspect
import warnings
from collections.abc import Callable
from typing import Any, TypeVar

from ..autograd.grad_mode import _DecoratorContext as _DecoratorContextManager
from ..autograd.grad_mode import _NoParams as _NoParamDecoratorContextManager

__all__ = ["_DecoratorContextManager", "_NoParamDecoratorContextManager", "context_decorator"]
F = TypeVar("F", bound=Callable[..., Any])


class _Factory(_DecoratorContextManager):
    """A decorator that makes the context anew for each call."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make

    def clone(self) -> Any:
        return self._make()


def _wrap_generator(ctx_factory: Callable[[], Any], func: F) -> F:
    """A generator function whose every step runs in a context of its own."""
    return _Factory(ctx_factory)._wrap_generator(func)  # type: ignore[return-value]


def context_decorator(ctx: Any, func: Any) -> Any:
    """``func`` with each call (each step of a generator) in a context; of a class, the making of instances.

    Args:
        ctx: a context manager, or a function that makes one.

    Raises:
        ValueError: ``ctx`` is neither or both.
    """
    if callable(ctx) and hasattr(ctx, "__enter__"):
        raise ValueError(
            f"Passed in {ctx} is both callable and also a valid context manager (has __enter__): pass a function that returns "
            "the context manager"
        )
    make = ctx if callable(ctx) else lambda: ctx
    if inspect.isclass(func):
        warnings.warn(
            "Decorating classes is deprecated: decorate the `__init__` method directly", FutureWarning, stacklevel=2
        )
        func.__init__ = context_decorator(make, func.__init__)  # type: ignore[method-assign]
        return func
    if inspect.isgeneratorfunction(func):
        return _wrap_generator(make, func)

    @functools.wraps(func)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        with make():
            return func(*args, **kwargs)

    return wrapped
