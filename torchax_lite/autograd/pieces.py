"""One grad node for the several views that ``unbind`` and ``split`` return."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..tensor.tape import GradNode, _sequence, accumulator


class PiecesGradNode(GradNode):
    """Backward of views that together are their input: their gradients are put side by side along ``dim``."""

    def __init__(self, source: Any, outs: Sequence[Any], dim: int) -> None:
        fn = source._grad_fn
        self._edges = ((fn, source._output_nr) if fn is not None else (accumulator(source), 0),)
        self._seq = _sequence()
        self._out_avals = tuple(o._aval for o in outs)
        self.dim = dim

    def name(self) -> str:
        return type(self).__name__

    def _run(self, buffer: Sequence[Any]) -> list[Any]:
        import torchax_lite as torch

        if all(g is None for g in buffer):
            return [None]
        parts = [
            torch.zeros(a.shape, dtype=a.ext.dtype, device=a.ext.device) if g is None else g
            for g, a in zip(buffer, self._out_avals, strict=True)
        ]
        return [torch.stack(parts, self.dim) if self.stacks else torch.cat(parts, self.dim)]

    stacks = False


class SplitBackward0(PiecesGradNode):
    """Backward of ``split`` and ``chunk`` by one size."""


class SplitWithSizesBackward0(PiecesGradNode):
    """Backward of ``split`` by listed sizes."""


class UnbindBackward0(PiecesGradNode):
    """Backward of ``unbind``."""

    stacks = True


_KINDS = {c.__name__: c for c in (SplitBackward0, SplitWithSizesBackward0, UnbindBackward0)}


def attach_pieces(source: Any, outs: Sequence[Any], name: str, dim: int) -> None:
    """Put a call that returned all pieces of ``source`` on the tape, in place of the pieces' own nodes."""
    node = _KINDS[name](source, outs, dim)
    for k, out in enumerate(outs):
        out._grad_fn, out._output_nr = node, k
