"""``torch.autograd.graph``: edges of the graph, hooks on what is saved, multi-tensor hooks."""

from __future__ import annotations

from typing import Any, NamedTuple

from ..tensor.tape import GradNode


class GradientEdge(NamedTuple):
    """A place in the graph: the gradient of one output of a node."""

    node: GradNode
    output_nr: int
    ownership_token: Any = None
