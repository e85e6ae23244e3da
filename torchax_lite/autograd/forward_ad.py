"""Forward-mode differentiation: dual tensors carry a tangent through every op.

An op on dual tensors is recorded together with its derivative along the tangents, so nothing runs before a value is
needed, and both parts can be differentiated by reverse mode.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from ..tensor import transforms
from ..tensor.modes import modes
from ..tensor.tensor import Tensor
from .grad_mode import _DecoratorContext


class UnpackedDualTensor(NamedTuple):
    """What :func:`unpack_dual` returns: the value, and the tangent or None."""

    primal: Tensor
    tangent: Tensor | None


def _levels() -> list[transforms.Level]:
    return [x for x in modes.transforms if x.taped]


def enter_dual_level() -> int:
    """Begin a level of forward differentiation and return its number.

    Raises:
        RuntimeError: a level is open already.
    """
    if _levels():
        raise RuntimeError("Nested forward mode AD is not supported at the moment")
    transforms.Level(transforms.DUAL, taped=True).__enter__()
    return 0


def exit_dual_level(*, level: int | None = None) -> None:
    """End the level: tensors made in it are plain tensors again.

    Raises:
        RuntimeError: it is not the open one.
    """
    found = _levels()
    current = len(found) - 1
    if level is not None and level != current:
        raise RuntimeError(
            "Trying to exit a forward AD level that was not the last one that was created. This is not supported."
        )
    if not found:
        raise RuntimeError("Dual level must be a positive number.")
    found[-1].__exit__()


def make_dual(tensor: Tensor, tangent: Tensor, *, level: int | None = None) -> Any:
    """``tensor`` with a tangent: ops on it compute their derivative in this direction too.

    Args:
        tensor: floating or complex.
        tangent: of the same shape.

    Raises:
        RuntimeError: no level is open, or the shapes differ. ValueError: an integer tensor.
    """
    from ..func.forward import dual, undual

    levels = _levels()
    if not levels or (level is not None and level < 0):
        raise RuntimeError(
            "Trying to create a dual Tensor for forward AD but no level exists, make sure to enter_dual_level() first."
        )
    for name, t in (("primal", tensor), ("tangent", tangent)):
        if not (t.is_floating_point() or t.is_complex()):
            raise ValueError(f"Expected {name} to be floating point or complex, but got: {t.dtype}")
    if undual(tensor, levels[-1])[1] is not None:
        raise RuntimeError(
            "Making a dual Tensor based on a Tensor that already has a forward gradient at the same level 0 is not supported."
        )
    if undual(tangent, levels[-1])[1] is not None:
        raise RuntimeError(
            "Setting a forward grad that itself has a forward gradient at the same level0 is not supported."
        )
    if tensor.shape != tangent.shape:
        raise RuntimeError(
            "Trying to set a forward gradient that has a different size than that of the original Tensor, this is not "
            f"supported. Tensor is of size {list(tensor.shape)} while the given forward gradient is of size "
            f"{list(tangent.shape)}."
        )
    return dual(tensor, tangent, levels[-1])


def unpack_dual(tensor: Tensor, *, level: int | None = None) -> UnpackedDualTensor:
    """``(primal, tangent)`` of a tensor; the tangent is None where it has none (or no level is open)."""
    from ..func.forward import undual

    levels = _levels()
    if not levels or (level is not None and level < 0):
        return UnpackedDualTensor(tensor, None)
    if getattr(tensor._aval.place, "depth", 0) > levels[-1].depth:
        raise RuntimeError("unpack_dual(): a tensor of a transform inside the dual level has to leave it first")
    return UnpackedDualTensor(*undual(tensor, levels[-1]))


class dual_level(_DecoratorContext):
    """A block in which :func:`make_dual` works; tangents exist only inside it."""

    def __init__(self) -> None:
        self.entered: list[int] = []

    def clone(self) -> dual_level:
        """A level of its own for each call of a decorated function."""
        return type(self)()

    def __enter__(self) -> int:
        level = enter_dual_level()
        self.entered.append(level)
        return level

    def __exit__(self, *args: object) -> None:
        exit_dual_level(level=self.entered.pop())


class _set_fwd_grad_enabled(_DecoratorContext):
    """A block in which tangents do, or do not, go through ops."""

    def __init__(self, mode: bool) -> None:
        self.mode = mode
        self.previous: list[bool] = []

    def clone(self) -> _set_fwd_grad_enabled:
        """The same switch for each call of a decorated function."""
        return type(self)(self.mode)

    def __enter__(self) -> None:
        self.previous.append(modes.forward_grad)
        modes.forward_grad = self.mode

    def __exit__(self, *args: object) -> None:
        modes.forward_grad = self.previous.pop()


def __getattr__(name: str) -> Any:
    if name == "_current_level":  # the number of the open level, -1 outside
        return len(_levels()) - 1
    raise AttributeError(f"module 'torch.autograd.forward_ad' has no attribute {name!r}")


__all__ = ["UnpackedDualTensor", "dual_level", "enter_dual_level", "exit_dual_level", "make_dual", "unpack_dual"]
