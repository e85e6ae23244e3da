"""Questions about symbolic sizes, answered for the plain numbers that sizes are here."""

from __future__ import annotations

from typing import Any

__all__ = [
    "GuardOnDataDependentSymNode", "definitely_false", "definitely_true", "free_symbols", "free_unbacked_symbols",
    "guard_or_false", "guard_or_true", "guard_size_oblivious", "is_concrete_bool", "is_concrete_int", "statically_known_true",
]  # fmt: skip


class GuardOnDataDependentSymNode(RuntimeError):
    """Kept for ``except`` clauses; never raised here."""


def guard_or_false(a: Any) -> bool:
    """The condition."""
    return bool(a)


def guard_or_true(a: Any) -> bool:
    """The condition."""
    return bool(a)


def guard_size_oblivious(expr: Any) -> bool:
    """The condition."""
    return bool(expr)


def statically_known_true(x: Any) -> bool:
    """The condition."""
    return bool(x)


def definitely_true(a: Any) -> bool:
    """The condition."""
    return bool(a)


def definitely_false(a: Any) -> bool:
    """Whether the condition is false."""
    return not a


def is_concrete_bool(a: Any) -> bool:
    """True: conditions are plain."""
    return True


def is_concrete_int(a: Any) -> bool:
    """True: sizes are plain."""
    return True


def free_symbols(val: Any) -> set[Any]:
    """The symbols in a value: none."""
    return set()


def free_unbacked_symbols(x: Any) -> set[Any]:
    """The symbols without a known value: none."""
    return set()
