"""``torch.ops``: namespaces, and the operators in them as objects."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torchax_lite._library.aten import aten_function
from torchax_lite._library.operators import OPERATORS, Operator

PACKETS: dict[tuple[str, str], OpOverloadPacket] = {}


class OpOverload:
    """``torch.ops.ns.name.default``."""

    def __init__(self, packet: OpOverloadPacket, overload: str, fn: Callable[..., Any]) -> None:
        self._packet, self._overload, self._fn = packet, overload, fn
        self.__name__ = f"{packet._name}.{overload}"
        self.__module__ = f"torch.ops.{packet._namespace}"
        self.__qualname__ = self.__name__

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._fn(*args, **kwargs)

    @property
    def overloadpacket(self) -> OpOverloadPacket:
        """All overloads of the name."""
        return self._packet

    @property
    def namespace(self) -> str:
        """The part before ``::``."""
        return self._packet._namespace

    @property
    def _schema(self) -> Any:
        return self._fn.schema if isinstance(self._fn, Operator) else None

    def name(self) -> str:
        """``ns::name``."""
        suffix = "" if self._overload == "default" else f".{self._overload}"
        return f"{self._packet._namespace}::{self._packet._name}{suffix}"

    def __repr__(self) -> str:
        return f"<OpOverload(op='{self._packet._namespace}.{self._packet._name}', overload='{self._overload}')>"

    def __str__(self) -> str:
        return f"{self._packet._namespace}.{self._packet._name}.{self._overload}"


class OpOverloadPacket:
    """``torch.ops.ns.name``: calls the operator; its attributes are the overloads."""

    def __init__(self, namespace: str, name: str, fn: Callable[..., Any]) -> None:
        self._namespace, self._name, self._fn = namespace, name, fn
        self.__name__ = name
        self.__module__ = f"torch.ops.{namespace}"
        self._overloads: dict[str, OpOverload] = {}

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._fn(*args, **kwargs)

    def __getattr__(self, key: str) -> OpOverload:
        if key.startswith("_"):
            raise AttributeError(key)
        if isinstance(self._fn, Operator) and key != "default":
            raise AttributeError(f"The underlying op of '{self._namespace}.{self._name}' has no overload name '{key}'")
        return self._overloads.setdefault(key, OpOverload(self, key, self._fn))

    def overloads(self) -> list[str]:
        """Names of the overloads that were asked for, or ``default``."""
        return list(self._overloads) or ["default"]

    def __repr__(self) -> str:
        return f"<OpOverloadPacket(op='{self._namespace}.{self._name}')>"

    def __str__(self) -> str:
        return f"{self._namespace}.{self._name}"


class OpNamespace:
    """``torch.ops.ns``."""

    def __init__(self, name: str) -> None:
        self._ns = name

    def __getattr__(self, name: str) -> OpOverloadPacket:
        if name.startswith("__"):
            raise AttributeError(name)
        key = (self._ns, name)
        fn: Any = OPERATORS.get(self._ns, {}).get(name)
        found = PACKETS.get(key)
        if found is not None and (fn is None or found._fn is fn):
            return found
        if fn is None and self._ns == "aten":
            fn = aten_function(name)
        if fn is None:
            raise AttributeError(f"'_OpNamespace' '{self._ns}' object has no attribute '{name}'")
        PACKETS[key] = OpOverloadPacket(self._ns, name, fn)
        return PACKETS[key]

    def __dir__(self) -> list[str]:
        return sorted(OPERATORS.get(self._ns, {}))

    def __repr__(self) -> str:
        return f"<OpNamespace {self._ns}>"


NAMESPACES: dict[str, OpNamespace] = {}


def op_namespace(name: str) -> OpNamespace:
    """The namespace of a name, made at the first request."""
    return NAMESPACES.setdefault(name, OpNamespace(name))
