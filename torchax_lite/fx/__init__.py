"""``torch.fx``: programs as graphs of calls, made by running them on proxies, changed, and turned into Python again."""

from __future__ import annotations

import importlib
from typing import Any

from . import _symbolic_trace, graph, graph_module, immutable_collections, interpreter, node, passes, proxy
from ._symbolic_trace import PH, ProxyableClassMeta, Tracer, symbolic_trace, wrap
from .graph import CodeGen, Graph
from .graph_module import GraphModule
from .interpreter import Interpreter, Transformer
from .node import Node, has_side_effect, map_arg
from .proxy import Proxy
from .subgraph_rewriter import replace_pattern

__all__ = [
    "CodeGen", "Graph", "GraphModule", "Interpreter", "Node", "PH", "Proxy", "ProxyableClassMeta", "Tracer",
    "Transformer", "graph", "graph_module", "has_side_effect", "immutable_collections", "interpreter", "map_arg", "node",
    "passes", "proxy", "replace_pattern", "symbolic_trace", "wrap",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name == "experimental":
        return importlib.import_module(f"{__name__}.experimental")
    if name in ("traceback", "config", "tensor_type", "annotate"):
        raise NotImplementedError(
            f"torch.fx.{name} is not available: sizes are plain ints and programs are compiled by the engine; "
            "torch.fx.symbolic_trace, Interpreter and Transformer are there"
        )
    raise AttributeError(f"module 'torch.fx' has no attribute {name!r}")
