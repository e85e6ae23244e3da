"""``torch._tensor_str``: parts of a tensor's text, for libraries that print tensors of their own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .tensor.printing import _options as PRINT_OPTS
from .tensor.printing import (
    _with_suffixes,
    format_values,
    get_printoptions,
    printoptions,
    set_printoptions,
    tensor_repr,
)

__all__ = ["PRINT_OPTS", "get_printoptions", "printoptions", "set_printoptions"]


def _tensor_str(self: Any, indent: int) -> str:
    """The values in nested brackets, of which the first stands in column ``indent``."""
    return format_values(self.detach()._host_array(), indent=indent)


def _add_suffixes(tensor_str: str, suffixes: Sequence[str], indent: int, force_newline: bool) -> str:
    """The text with suffixes and a closing bracket; lines are broken at the line width.

    Args:
        indent: of a new line.
        force_newline: begin one before the first suffix.
    """
    return _with_suffixes(tensor_str, list(suffixes), indent, new_line=force_newline)


def _str_intern(inp: Any, *, tensor_contents: str | None = None) -> str:
    """The whole text of a tensor; ``tensor_contents`` in place of its values."""
    return tensor_repr(inp, tensor_contents=tensor_contents)


def _str(self: Any, *, tensor_contents: str | None = None) -> str:
    """The whole text of a tensor; ``tensor_contents`` in place of its values."""
    return tensor_repr(self, tensor_contents=tensor_contents)
