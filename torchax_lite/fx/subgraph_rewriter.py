"""Replacing every occurrence of a pattern in a graph."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from torchax_lite import nn

from ._symbolic_trace import symbolic_trace
from .graph import Graph
from .graph_module import GraphModule, _copy_attribute
from .node import Node, map_arg


class Match(NamedTuple):
    """An occurrence: the node of the pattern's result, and the node for each node of the pattern."""

    anchor: Node
    nodes_map: dict[Node, Node]


@dataclass
class ReplacedPatterns:
    """What was put in the place of an occurrence."""

    anchor: Node
    nodes_map: dict[Node, Node]
    replacements: list[Node] = field(default_factory=list)


def replace_pattern(
    gm: GraphModule, pattern: Callable[..., Any] | GraphModule, replacement: Callable[..., Any] | GraphModule
) -> list[Match]:
    """Replace what does the same as ``pattern`` by ``replacement``, without overlaps; returns the occurrences.

    Both are functions, modules or graphs with equally many inputs. Inputs match anything; an inner node of an
    occurrence must not be used from outside of it.
    """
    return [Match(r.anchor, r.nodes_map) for r in _replace(gm, pattern, replacement, None, False)]


def replace_pattern_with_filters(
    gm: GraphModule, pattern: Any, replacement: Any = None, match_filters: list[Callable[..., bool]] | None = None,
    ignore_literals: bool = False, replacement_callback: Callable[..., Graph] | None = None,
) -> list[ReplacedPatterns]:  # fmt: skip
    """:func:`replace_pattern` for the occurrences that every filter takes.

    A filter is called with the match, the graph and the pattern's graph; ``replacement_callback`` (same arguments) may
    make the replacement of each occurrence. With ``ignore_literals`` numbers in the pattern match any number.
    """
    return _replace(gm, pattern, replacement, match_filters, ignore_literals, replacement_callback)


def _graph_of(x: Any) -> Graph:
    if isinstance(x, Graph):
        return x
    return x.graph if isinstance(x, GraphModule) else symbolic_trace(x).graph


def _replace(
    gm: GraphModule, pattern: Any, replacement: Any, filters: Any, ignore_literals: bool, callback: Any = None
) -> list[ReplacedPatterns]:
    wanted = _graph_of(pattern)
    new = None if callback is not None else _graph_of(replacement)
    source = replacement if isinstance(replacement, nn.Module) else None
    graph = gm.graph
    inputs = [n for n in wanted.nodes if n.op == "placeholder"]
    outputs = _leaves(wanted.output_node().args[0])
    taken: set[Node] = set()
    found: list[ReplacedPatterns] = []
    for node in list(graph.nodes):
        match = _match(node, outputs, inputs, taken, ignore_literals)
        if match is None or not all(f(Match(node, match), graph, wanted) for f in filters or ()):
            continue
        body = new if new is not None else callback(Match(node, match), graph, wanted)
        taken.update(match[n] for n in match if n.op != "placeholder")
        values = {p: match[q] for p, q in zip([n for n in body.nodes if n.op == "placeholder"], inputs, strict=True)}
        last = max((match[o] for o in outputs), key=list(graph.nodes).index)
        before = set(graph.nodes)
        with graph.inserting_before(last):
            result = graph.graph_copy(body, dict(values))
        made = [n for n in graph.nodes if n not in before]
        for n in made:
            if n.op in ("call_module", "get_attr") and source is not None:
                _copy_attribute(source, gm, str(n.target))
        results = _leaves(result)
        for old, now in zip(outputs, results, strict=True):
            match[old].replace_all_uses_with(now)
        for n in reversed(list(wanted.nodes)):
            if n in match and n.op not in ("placeholder", "output") and not match[n].users:
                graph.erase_node(match[n])
        for earlier in found:
            for key, value in earlier.nodes_map.items():
                if value is match.get(outputs[0]) and results:
                    earlier.nodes_map[key] = results[0]
        # a later occurrence may begin at what replaced this one
        found.append(ReplacedPatterns(node, match, made))
    gm.recompile()
    return found


def _leaves(value: Any) -> list[Node]:
    found: list[Node] = []

    def note(n: Node) -> Node:
        found.append(n)
        return n

    map_arg(value, note)
    return found


def _match(
    node: Node, outputs: list[Node], inputs: list[Node], taken: set[Node], ignore_literals: bool
) -> dict[Node, Node] | None:
    """The nodes of an occurrence whose (last) result is ``node``."""
    match: dict[Node, Node] = {}

    def same(p: Any, g: Any) -> bool:
        if isinstance(p, Node):
            return isinstance(g, Node) and same_node(p, g) if p.op != "placeholder" else bind(p, g)
        if isinstance(p, (list, tuple)):
            return isinstance(g, (list, tuple)) and len(p) == len(g) and all(map(same, p, g))
        if isinstance(p, dict):
            return isinstance(g, dict) and p.keys() == g.keys() and all(same(p[k], g[k]) for k in p)
        if isinstance(p, slice):
            return isinstance(g, slice) and all(same(getattr(p, k), getattr(g, k)) for k in ("start", "stop", "step"))
        if isinstance(g, Node):
            return False
        return (ignore_literals and isinstance(p, (int, float))) or (type(p) is type(g) and bool(p == g))

    def bind(p: Node, g: Any) -> bool:
        if not isinstance(g, Node):
            return False
        return match.setdefault(p, g) is g

    def same_node(p: Node, g: Node) -> bool:
        if p in match:
            return match[p] is g
        if p.op != g.op or p.target != g.target or g in taken or len(p.args) != len(g.args):
            return False
        match[p] = g
        return same(p.args, g.args) and same(p.kwargs, g.kwargs)

    if not same_node(outputs[-1], node) if outputs[-1].op != "placeholder" else True:
        return None
    for other in outputs[:-1]:
        if other in match:
            continue
        candidate = next((g for g in node.graph.nodes if _try(same_node, other, g, match)), None)
        if candidate is None:
            return None
    if any(p not in match for p in inputs if p.users):
        return None
    inner = {g for p, g in match.items() if p.op != "placeholder"}
    for p, g in match.items():
        if p.op != "placeholder" and p not in outputs and any(u not in inner for u in g.users):
            return None
    return match


def _try(same_node: Any, p: Node, g: Node, match: dict[Node, Node]) -> bool:
    before = dict(match)
    if same_node(p, g):
        return True
    match.clear()
    match.update(before)
    return False
