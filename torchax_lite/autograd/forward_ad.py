"""Forward-mode differentiation: not available; every entry says so and names what to use instead."""

from __future__ import annotations

from typing import Any, NoReturn


def _missing(name: str) -> NoReturn:
    raise NotImplementedError(
        f"torch.autograd.forward_ad.{name} is not available: forward-mode differentiation is not implemented. "
        "torch.autograd.functional.jvp computes Jacobian-vector products by reverse mode"
    )


class dual_level:
    """A level of forward-mode differentiation; not available."""

    def __init__(self) -> None:
        _missing("dual_level")


def make_dual(tensor: Any, tangent: Any, *, level: int | None = None) -> Any:
    """A tensor with a tangent; not available."""
    _missing("make_dual")


def unpack_dual(tensor: Any, *, level: int | None = None) -> Any:
    """Value and tangent; not available."""
    _missing("unpack_dual")


def enter_dual_level() -> int:
    """Begin a level; not available."""
    _missing("enter_dual_level")


def exit_dual_level(*, level: int | None = None) -> None:
    """End a level; not available."""
    _missing("exit_dual_level")


__all__ = ["dual_level", "enter_dual_level", "exit_dual_level", "make_dual", "unpack_dual"]
