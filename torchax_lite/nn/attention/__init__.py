"""Choices about attention kernels: ``sdpa_kernel`` says which kinds may compute scaled dot-product attention.

XLA has one body for all of them; what is not allowed raises as PyTorch's CPU build does. ``bias`` has causal biases,
``flex_attention`` attention with a function of the scores, ``varlen`` attention over packed sequences.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from enum import Enum
from typing import Any

from torchax_lite.backends import _attention

__all__ = [
    "WARN_FOR_UNFUSED_KERNELS",
    "SDPBackend",
    "activate_flash_attention_impl",
    "current_flash_attention_impl",
    "list_flash_attention_impls",
    "register_flash_attention_impl",
    "restore_flash_attention_impl",
    "sdpa_kernel",
]

WARN_FOR_UNFUSED_KERNELS = False
"""Kept for programs that set it: there are no kernels to warn about."""


class SDPBackend(Enum):
    """A kind of attention kernel."""

    ERROR = -1
    MATH = 0
    FLASH_ATTENTION = 1
    EFFICIENT_ATTENTION = 2
    CUDNN_ATTENTION = 3
    OVERRIDEABLE = 4

    def __int__(self) -> int:
        return self.value

    __index__ = __int__


_KINDS = {
    "cudnn": SDPBackend.CUDNN_ATTENTION,
    "flash": SDPBackend.FLASH_ATTENTION,
    "mem_efficient": SDPBackend.EFFICIENT_ATTENTION,
    "math": SDPBackend.MATH,
    "overrideable": SDPBackend.OVERRIDEABLE,
}


def _cur_sdpa_kernel_backends(with_priority: bool = False) -> list[SDPBackend]:
    """The kinds that are allowed, in the order they are tried if ``with_priority``."""
    order: Sequence[str] = _attention.PRIORITY if with_priority else list(_KINDS)
    return [_KINDS[kind] for kind in order if _attention.ENABLED[kind]]


@contextmanager
def sdpa_kernel(backends: list[SDPBackend] | SDPBackend, set_priority: bool = False) -> Iterator[dict[Any, Any]]:
    """Allow only some kinds of attention kernels inside the block (or the decorated function).

    Args:
        backends: the kind or kinds that are allowed.
        set_priority: whether their order is that in which they are tried.
    """
    if not isinstance(backends, (list, SDPBackend)):
        raise AssertionError(
            "Backend must be an instance of SDPBackend or a list of SDPBackend instances, got "
            f"{type(backends).__name__}"
        )
    allowed = list(dict.fromkeys([backends] if isinstance(backends, SDPBackend) else backends))
    before, order = dict(_attention.ENABLED), list(_attention.PRIORITY)
    _attention.ENABLED.update({kind: backend in allowed for kind, backend in _KINDS.items()})
    if set_priority:
        named = {backend: kind for kind, backend in _KINDS.items()}
        first = [named[backend] for backend in allowed if backend in named]
        _attention.PRIORITY[:] = first + [kind for kind in order if kind not in first]
    try:
        yield {}
    finally:
        _attention.ENABLED.update(before)
        _attention.PRIORITY[:] = order


# -- PyTorch's own flash attention, which can be exchanged there ---------------------------------------------------------


def _absent(name: str) -> Callable[[], Any]:
    def register() -> Any:
        raise NotImplementedError(f"flash attention {name} is a CUDA library for PyTorch; attention here is XLA's")

    return register


_implementations: dict[str, Callable[[], Any]] = {"FA3": _absent("FA3"), "FA4": _absent("FA4")}
_active: list[tuple[str, Any]] = []


def register_flash_attention_impl(impl: str, *, register_fn: Callable[[], Any]) -> None:
    """Name a function that puts another flash attention in place and returns a handle with ``remove()``."""
    _implementations[impl] = register_fn


def activate_flash_attention_impl(impl: str) -> None:
    """Call the function registered as ``impl``; the one before is removed.

    Raises:
        ValueError: nothing has that name.
        NotImplementedError: it is one of PyTorch's CUDA libraries.
    """
    if impl not in _implementations:
        raise ValueError(
            f"Unknown flash attention impl '{impl}'. Available implementations: {list_flash_attention_impls()}"
        )
    if current_flash_attention_impl() == impl:
        return
    handle = _implementations[impl]()
    if _active:
        restore_flash_attention_impl()
    _active.append((impl, handle))


def list_flash_attention_impls() -> list[str]:
    """The names that can be activated."""
    return sorted(_implementations)


def current_flash_attention_impl() -> str | None:
    """The name that is active."""
    return _active[-1][0] if _active else None


def restore_flash_attention_impl() -> None:
    """Remove what was activated."""
    if not _active:
        warnings.warn("no flash attention implementation was activated", stacklevel=2)
        return
    _, handle = _active.pop()
    if handle is not None:
        handle.remove()
