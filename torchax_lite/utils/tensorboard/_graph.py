"""The graph of a model for TensorBoard: what its output's place in the autograd graph leads back to."""

from __future__ import annotations

from typing import Any

from tensorboardX.proto.attr_value_pb2 import AttrValue
from tensorboardX.proto.graph_pb2 import GraphDef
from tensorboardX.proto.node_def_pb2 import NodeDef
from tensorboardX.proto.tensor_shape_pb2 import TensorShapeProto
from tensorboardX.proto.versions_pb2 import VersionDef

import torchax_lite as torch

from .._pytree import tree_leaves


def _shape(avals: Any) -> AttrValue:
    shapes = [TensorShapeProto(dim=[TensorShapeProto.Dim(size=n) for n in a.shape]) for a in avals]
    return AttrValue(list=AttrValue.ListValue(shape=shapes))


class _Graph:
    """Nodes by the grad nodes that they stand for."""

    def __init__(self, names: dict[int, str]) -> None:
        self.leaves = names
        self.nodes: list[NodeDef] = []
        self.known: dict[Any, str] = {}
        self.counts: dict[str, int] = {}

    def name_of(self, fn: Any) -> tuple[str, str]:
        """A name of its own for a node, and its kind."""
        variable = getattr(fn, "variable", None)
        if variable is not None:
            name = self.leaves.get(id(variable), "constant")
            kind = "Parameter" if id(variable) in self.leaves and not name.startswith("input/") else "IO Node"
        else:
            kind = fn.name().rpartition("::")[2]
            kind = kind[: kind.rfind("Backward")] if "Backward" in kind else kind
            name = kind
        n = self.counts[name] = self.counts.get(name, 0) + 1
        return (name if n == 1 else f"{name}_{n}"), kind

    def add(self, root: Any) -> str:
        """Put a grad node and all before it into the graph; returns its name."""
        stack = [(root, False)]
        while stack:
            fn, ready = stack.pop()
            if fn in self.known:
                continue
            before = [f for f, _ in fn.next_functions if f is not None]
            if not ready:
                stack.append((fn, True))
                stack += [(f, False) for f in before if f not in self.known]
                continue
            name, kind = self.name_of(fn)
            self.known[fn] = name
            self.nodes.append(
                NodeDef(
                    name=name,
                    op=kind,
                    input=[self.known[f] for f in before],
                    attr={"_output_shapes": _shape(fn._out_avals)},
                )  # fmt: skip
            )
        return self.known[root]


def graph_of(model: Any, inputs: Any) -> Any:
    """The graph of ``model(*inputs)``: parameters by their names, ops by theirs, inputs that can have gradients."""
    args = inputs if isinstance(inputs, (tuple, list)) else () if inputs is None else (inputs,)
    given = tuple(
        x.detach().requires_grad_() if isinstance(x, torch.Tensor) and x.is_floating_point() else x for x in args
    )
    names = {id(p): n.replace(".", "/") for n, p in model.named_parameters()}
    names.update({id(x): f"input/{i}" for i, x in enumerate(given) if isinstance(x, torch.Tensor)})
    with torch.enable_grad():
        out = model(*given)
    graph = _Graph(names)
    for i, t in enumerate(tree_leaves(out)):
        if isinstance(t, torch.Tensor) and t.grad_fn is not None:
            source = graph.add(t.grad_fn)
            graph.nodes.append(
                NodeDef(name=f"output/{i}", op="IO Node", input=[source], attr={"_output_shapes": _shape([t._aval])})
            )
    return GraphDef(node=graph.nodes, versions=VersionDef(producer=22))
