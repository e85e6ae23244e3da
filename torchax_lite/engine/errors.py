"""Errors of a running program, as users of accelerators know them."""

from __future__ import annotations


class OutOfMemoryError(RuntimeError):
    """A program needed more memory than the device has."""


class AcceleratorError(RuntimeError):
    """A program failed on the device."""


OutOfMemoryError.__module__ = AcceleratorError.__module__ = "torch"


def translated(error: Exception) -> Exception:
    """XLA's error for exhausted memory as :class:`OutOfMemoryError`; others as they are."""
    text = str(error)
    if isinstance(error, RuntimeError) and text.startswith("RESOURCE_EXHAUSTED"):
        made = OutOfMemoryError(f"out of memory: {text}")
        made.__cause__ = error
        return made
    return error
