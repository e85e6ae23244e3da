"""``torch._guards``: what ``torch.compile`` knows while it traces; nothing is captured from bytecode here."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from ._absent import fill

__all__ = ["CompileContext", "TracingContext", "active_fake_mode", "compile_context", "detect_fake_mode", "tracing"]


def active_fake_mode() -> None:
    """None: there are no fake tensors; ``device="meta"`` serves."""
    return None


def detect_fake_mode(inputs: Any = None) -> None:
    """None: there are no fake tensors; ``device="meta"`` serves."""
    return None


class TracingContext:
    """The context of a trace, of which there is never one."""

    @staticmethod
    def try_get() -> None:
        """None: nothing is being traced."""
        return None

    @staticmethod
    def get() -> Any:
        """Raises: nothing is being traced."""
        raise RuntimeError("TracingContext.get() must be called within an ongoing trace.")


class CompileContext:
    """The context of a compilation, of which there is never one."""

    @staticmethod
    def try_get() -> None:
        """None: nothing is being compiled."""
        return None

    @staticmethod
    def current_compile_id() -> None:
        """None: nothing is being compiled."""
        return None


@contextlib.contextmanager
def tracing(context: Any) -> Iterator[Any]:
    """A block that does nothing."""
    yield context


@contextlib.contextmanager
def compile_context(context: Any) -> Iterator[Any]:
    """A block that does nothing."""
    yield context


fill(
    globals(), "programs are recorded op by op here and need no guards", classes="Guard GuardsSet Source ChainedSource"
)
