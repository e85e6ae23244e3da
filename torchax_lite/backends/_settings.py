"""Modules whose attributes are checked settings, and context managers that set several of them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

PRECISIONS = ("none", "ieee", "tf32", "bf16")


def check_bool(setter: str) -> Callable[[Any], None]:
    """A check of a setting's type, with the name of PyTorch's setter in its error."""

    def check(value: Any) -> None:
        if not isinstance(value, bool):
            raise RuntimeError(f"{setter} expects a bool, but got {type(value).__name__}")

    return check


def check_precision(value: Any) -> None:
    """A check that a setting names a precision."""
    if value not in PRECISIONS:
        raise RuntimeError(f"Unknown precision: {value}")


def check_cuda_precision(value: Any) -> None:
    """A check that a setting names a precision of float32 work on a GPU."""
    check_precision(value)
    if value == "bf16":
        raise RuntimeError("backend 'cuda' does not support precision 'bf16'")


class Settings:
    """Attributes with checks; unknown ones are refused.

    Args:
        values: name -> value at the start. checks: name -> function that raises. after: called after each change.
    """

    def __init__(
        self, values: dict[str, Any], checks: dict[str, Callable[[Any], None]] | None = None,
        after: Callable[[], None] | None = None,
    ) -> None:  # fmt: skip
        object.__setattr__(self, "_values", dict(values))
        object.__setattr__(self, "_checks", checks or {})
        object.__setattr__(self, "_after", after)

    def __getattr__(self, name: str) -> Any:
        values = object.__getattribute__(self, "_values")
        if name in values:
            return values[name]
        raise AttributeError(f"Unknown attribute {name}")

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in self._values:
            raise AttributeError(f"Unknown attribute {name}")
        if name in self._checks:
            self._checks[name](value)
        self._values[name] = value
        if self._after:
            self._after()


def checked_module(name: str, checks: dict[str, Callable[[Any], None]], **properties: property) -> None:
    """Let assignments to attributes of a module be checked; `properties` are attributes that are computed."""

    class Checked(ModuleType):
        def __setattr__(self, attribute: str, value: Any) -> None:
            if attribute in checks:
                checks[attribute](value)
            super().__setattr__(attribute, value)

    for attribute, computed in properties.items():
        setattr(Checked, attribute, computed)
    sys.modules[name].__class__ = Checked


@contextmanager
def changed(module: ModuleType, new: dict[str, Any]) -> Iterator[None]:
    """Other values of a module's settings for the length of a ``with`` block."""
    old = {name: getattr(module, name) for name in new}
    for name, value in new.items():
        setattr(module, name, value)
    try:
        yield
    finally:
        for name, value in old.items():
            setattr(module, name, value)
