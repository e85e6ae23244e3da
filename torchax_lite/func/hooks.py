"""Saved-tensor hooks do not reach into function transforms."""

from __future__ import annotations

from typing import Any

from ..tensor.modes import modes

MESSAGE = "torch.func.{grad, vjp, jacrev, hessian} don't yet support saved tensor hooks. Please open an issue with your use case."


class _Nothing:
    def __enter__(self) -> None:
        pass

    def __exit__(self, *args: object) -> None:
        pass


def without_saved_tensors_hooks() -> Any:
    """A block in which using saved-tensor hooks raises RuntimeError; entering it while they are in use raises too."""
    from ..autograd.graph import _disabled, disable_saved_tensors_hooks

    if _disabled.message == MESSAGE and not modes.saved_hooks:
        return _Nothing()
    return disable_saved_tensors_hooks(MESSAGE)


__all__ = ["without_saved_tensors_hooks"]
