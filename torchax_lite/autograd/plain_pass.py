"""The backward pass through graphs of recorded ops alone: no hooks, no functions of the user, nothing to capture.

Most training steps are such graphs. Gradients then travel as bare engine nodes, and the leaves take them at the end;
what the pass computes, and in which order, is what :func:`.engine.run_backward` does.
"""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heapify, heappop, heappush
from typing import Any

from ..engine.recorder import Node
from ..tensor import dispatch
from ..tensor.modes import modes
from ..tensor.tape import AccumulateGrad, GradNode, OpGradNode
from .accumulation import accumulate_grad
from .saved import derivatives

Edge = tuple[GradNode, int]


def dependencies_of(roots: Sequence[Edge]) -> dict[GradNode, int] | None:
    """How many gradients each node below the roots waits for; None where the graph is not a plain one."""
    waits: dict[GradNode, int] = {}
    stack = [node for node, _ in roots]
    seen = set(stack)
    if len(seen) != len(stack):
        return None
    while stack:
        node = stack.pop()
        if (
            not isinstance(node, OpGradNode)
            or node._hooks is not None
            or node._prehooks is not None
            or node._tensor_hooks is not None
            or node._retain is not None
        ):
            return None
        for edge in node._edges:
            if edge is None:
                continue
            target = edge[0]
            known = waits.get(target)
            if known is not None:
                waits[target] = known + 1
                continue
            waits[target] = 1
            if target.__class__ is AccumulateGrad:
                leaf = target.variable  # type: ignore[attr-defined]
                if (
                    leaf._backward_hooks
                    or leaf._post_accumulate_grad_hooks
                    or target._hooks is not None
                    or target._prehooks is not None
                ):
                    return None
            elif target not in seen:
                seen.add(target)
                stack.append(target)
    return waits


def run(roots: Sequence[Edge], grads: Sequence[Any], waits: dict[GradNode, int], keep_graph: bool, task: Any) -> None:
    """Send gradients from the roots to the leaves; ``waits`` is :func:`dependencies_of` the roots, ``task`` the pass."""
    buffers: dict[GradNode, list[Node | None]] = {}
    for (node, nr), grad in zip(roots, grads, strict=True):
        buffer: list[Node | None] = [None] * len(node._out_avals)
        buffer[nr] = grad._sync()
        buffers[node] = buffer
    heap = [(-node._seq, node) for node, _ in roots if node not in waits]
    heapify(heap)  # no two nodes have the same number
    while heap:
        current = task.node = heappop(heap)[1]
        given = buffers.pop(current, None)
        if given is None:
            values: Sequence[Node | None] = [None] * len(current._edges)
        else:
            values = derivatives(current, tuple([e is not None for e in current._edges]), given)  # type: ignore[arg-type]
            if not keep_graph:
                current._release()
        results = iter(values)
        for edge in current._edges:
            if edge is None:
                continue
            value = next(results)
            target, nr = edge
            if value is not None:
                held = buffers.get(target)
                if held is None:
                    buffers[target] = held = [None] * len(target._out_avals)
                before = held[nr]
                held[nr] = value if before is None else _sum(before, value)
            waits[target] = left = waits[target] - 1
            if left == 0:
                if target.__class__ is AccumulateGrad:
                    if target in buffers:
                        _accumulate(target, buffers.pop(target)[0])
                else:
                    heappush(heap, (-target._seq, target))


def _sum(held: Node, value: Node) -> Node:
    total: Node = (dispatch.wrap(held) + dispatch.wrap(value))._sync()
    return total


def _accumulate(node: Any, value: Node | None) -> None:
    leaf = node.variable
    if leaf._grad is None and value is not None and value.aval is leaf._aval and leaf._strides is None:
        leaf._grad = dispatch.wrap(value)
    else:
        accumulate_grad(node, dispatch.wrap(value))


def applies(roots: Sequence[Edge], grads: Sequence[Any], create_graph: bool) -> bool:
    """Whether nothing but the graph itself could make the pass an unusual one."""
    return not (
        create_graph
        or modes.transforms
        or modes.anomaly
        or modes.function_mode
        or any(g is None or g._own_layout or g.__class__ not in dispatch.PLAIN for g in grads)
    )
