"""``torch._ops``: the classes behind ``torch.ops``, and that of operators that take functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ._library.namespaces import OpOverload, OpOverloadPacket

__all__ = ["HigherOrderOperator", "OpOverload", "OpOverloadPacket", "OperatorBase"]


class OperatorBase:
    """The base of operators that are objects."""


class HigherOrderOperator(OperatorBase):
    """An operator whose arguments are functions too; a subclass says what a call does.

    Args:
        name: how it is shown.
    """

    def __init__(self, name: str, *, cacheable: bool = False) -> None:
        if type(self) is HigherOrderOperator:
            raise RuntimeError("Direct instantiation of HigherOrderOperator is not allowed. Please subclass it.")
        self._name = self.__name__ = name
        self.namespace = "higher_order"

    def name(self) -> str:
        """How it is shown."""
        return self._name

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError(
            f"torch._ops.HigherOrderOperator {self._name!r}: there is no dispatcher that would find a kernel for it; "
            "override __call__, or call a Python function"
        )

    def py_impl(self, k: Any) -> Callable[[Any], Any]:
        """A decorator that leaves the function as it is: no dispatcher calls it."""
        return lambda fn: fn

    def __str__(self) -> str:
        return self._name
