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
    """None, as :func:`active_fake_mode`."""
    return active_fake_mode()


class _Never:
    """The context of something that never runs here."""

    @staticmethod
    def try_get() -> None:
        """None: it does not run."""
        return None


class TracingContext(_Never):
    """The context of a trace."""

    @staticmethod
    def get() -> Any:
        """Raises: nothing is being traced."""
        raise RuntimeError("TracingContext.get() must be called within an ongoing trace.")


class CompileContext(_Never):
    """The context of a compilation."""

    @staticmethod
    def current_compile_id() -> None:
        """None: nothing is being compiled."""
        return None


@contextlib.contextmanager
def tracing(context: Any) -> Iterator[Any]:
    """A block that does nothing."""
    yield context


compile_context = tracing

fill(
    globals(), "programs are recorded op by op here and need no guards", classes="Guard GuardsSet Source ChainedSource"
)
