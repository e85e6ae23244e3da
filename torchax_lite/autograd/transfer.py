"""Gradients of device transfers: the cotangent goes back to where the input came from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..tensor.casting import to_place_copy
from ..tensor.tape import GradNode, _sequence, accumulator


class TransferGradNode(GradNode):
    """Backward of a copy from one device to another."""

    def __init__(self, source: Any, aval: Any, where: Any) -> None:
        fn = source._grad_fn
        self._edges = ((fn, source._output_nr) if fn is not None else (accumulator(source), 0),)
        self._seq = _sequence()
        self._out_avals = (aval,)
        self.where = where

    def name(self) -> str:
        return "ToCopyBackward0"

    def _run(self, buffer: Sequence[Any]) -> list[Any]:
        """Move the cotangent back."""
        return [None if buffer[0] is None else to_place_copy(buffer[0], self.where)]


def attach_transfer(source: Any, out: Any, where: Any) -> None:
    """Put a transfer on the tape."""
    out._grad_fn = TransferGradNode(source, out._aval, where)
    out._requires_grad = True
    out._output_nr = 0
