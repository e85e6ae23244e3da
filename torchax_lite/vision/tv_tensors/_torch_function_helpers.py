"""What operations on TVTensors return."""

from __future__ import annotations

from typing import Any

from ...tensor import overriding


class _ReturnType:
    """The context that restores what operations returned before."""

    def __init__(self, restored: bool) -> None:
        self._restored = restored

    def __enter__(self) -> _ReturnType:
        return self

    def __exit__(self, *exc: Any) -> None:
        _set(self._restored)


_keeps_class = False


def _must_return_subclass() -> bool:
    return _keeps_class


def _set(keep: bool) -> None:
    """Let operations keep the class, or not.

    Without it TVTensors take no part in ``__torch_function__`` at all: no operation of the program is slowed down.
    """
    global _keeps_class
    from ._tv_tensor import TVTensor, keep_class

    _keeps_class = keep
    hook: Any = classmethod(keep_class) if keep else overriding.disabled_torch_function_impl
    TVTensor.__torch_function__ = hook  # type: ignore[method-assign]
    overriding.hook_changed(TVTensor)


def set_return_type(return_type: str) -> _ReturnType:
    """Choose what operations on TVTensors return: ``"Tensor"`` (from the start) or ``"TVTensor"``, in any case.

    The result is a context manager that restores the choice before. Transforms return what they are given anyway.

    Raises:
        ValueError: neither of the two.
    """
    before = _keeps_class
    wanted = {"tensor": False, "tvtensor": True}.get(return_type.lower())
    if wanted is None:
        raise ValueError(f"return_type must be 'TVTensor' or 'Tensor', got {return_type}")
    _set(wanted)
    return _ReturnType(before)
