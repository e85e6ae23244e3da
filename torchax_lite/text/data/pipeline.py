"""Chains of functions that are applied to tokens."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["Pipeline"]


class Pipeline:
    """A function of a token, to which others can be added before and after.

    Args:
        convert_token: the function; the identity by default.

    Raises:
        ValueError: it is not callable.
    """

    def __init__(self, convert_token: Callable[..., Any] | None = None) -> None:
        if convert_token is not None and not callable(convert_token):
            raise ValueError(f"Pipeline input convert_token {convert_token} is not None or callable")
        self.convert_token = Pipeline.identity if convert_token is None else convert_token
        self.pipes = [self]

    def __call__(self, x: Any, *args: Any) -> Any:
        for pipe in self.pipes:
            x = pipe.call(x, *args)
        return x

    def call(self, x: Any, *args: Any) -> Any:
        """This function alone of ``x``; of each in a list."""
        if isinstance(x, list):
            return [self.convert_token(token, *args) for token in x]
        return self.convert_token(x, *args)

    def add_before(self, pipeline: Any) -> Pipeline:
        """Apply ``pipeline`` (or a function) before all that is applied so far."""
        added = pipeline if isinstance(pipeline, Pipeline) else Pipeline(pipeline)
        self.pipes = [*added.pipes, *self.pipes]
        return self

    def add_after(self, pipeline: Any) -> Pipeline:
        """Apply ``pipeline`` (or a function) after all that is applied so far."""
        added = pipeline if isinstance(pipeline, Pipeline) else Pipeline(pipeline)
        self.pipes = [*self.pipes, *added.pipes]
        return self

    @staticmethod
    def identity(x: Any) -> Any:
        """``x``."""
        return x
