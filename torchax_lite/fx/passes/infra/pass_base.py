"""Passes over graphs: a function of a graph module that says whether it changed it."""

from __future__ import annotations

import abc
from typing import Any, NamedTuple

__all__ = ["PassBase", "PassResult"]


class PassResult(NamedTuple):
    """What a pass returns: the graph module, and whether it was changed."""

    graph_module: Any
    modified: bool


class PassBase(abc.ABC):
    """A pass: ``requires``, then ``call``, then ``ensures``."""

    def __call__(self, graph_module: Any) -> PassResult | None:
        self.requires(graph_module)
        result = self.call(graph_module)
        self.ensures(graph_module)
        return result

    @abc.abstractmethod
    def call(self, graph_module: Any) -> PassResult | None:
        """Change the graph module."""

    def requires(self, graph_module: Any) -> None:  # noqa: B027
        """Checks before the pass; nothing unless a subclass has some."""

    def ensures(self, graph_module: Any) -> None:  # noqa: B027
        """Checks after the pass; nothing unless a subclass has some."""
