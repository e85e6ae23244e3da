"""The backward pass: grad nodes run newest first; each derivative is recorded like any other op."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Sequence
from heapq import heappop, heappush
from typing import Any

from ..tensor import dispatch
from ..tensor.modes import modes
from ..tensor.tape import AccumulateGrad, GradNode, OpGradNode
from ..tensor.tensor import Tensor
from . import plain_pass
from .accumulation import accumulate_grad
from .anomaly_mode import run_watched
from .hooks import hook_name, run_hooks
from .saved import FREED, check_versions, derivatives, unpack, unpack_result

Edge = tuple[GradNode, int]


_numbers = itertools.count()


class Pass:
    """A backward pass that runs now.

    Attributes:
        nodes: what it reaches.
        full: whether it goes to all leaves, not only to named inputs.
        number: its own, counted over all threads.
        node: whose derivative is being computed.
        at_end: called when it is over.
    """

    def __init__(self, nodes: Any, full: bool = True) -> None:
        self.nodes = nodes
        self.full = full
        self.number = next(_numbers)
        self.node: GradNode | None = None
        self.at_end: list[Callable[[], Any]] = []

    def reaches(self, node: GradNode) -> bool:
        """Whether gradients come to this node in the pass."""
        return bool(self.nodes(node))


class _Passes(threading.local):
    stack: tuple[Pass, ...] = ()


_passes = _Passes()


def current_pass() -> Pass:
    """The innermost backward pass of this thread."""
    return _passes.stack[-1]


def running_pass() -> Pass | None:
    """The innermost backward pass of this thread; None outside of one."""
    return _passes.stack[-1] if _passes.stack else None


def edge_of(t: Tensor) -> Edge | None:
    """Where a tensor's gradient goes: (node, index), or None."""
    from ..tensor.tape import accumulator

    if not t.requires_grad:
        return None
    fn = t._grad_fn
    return (fn, t._output_nr) if fn is not None else (accumulator(t), 0)


def run_backward(
    roots: Sequence[Edge], grads: Sequence[Tensor | None], keep_graph: bool, create_graph: bool,
    inputs: Sequence[Edge] | None = None, accumulate: bool = True,
) -> list[Tensor | None]:  # fmt: skip
    """Send gradients from the roots to the leaves.

    Args:
        roots: edges to start from, with their gradients in ``grads``.
        keep_graph: keep what the nodes saved.
        create_graph: put the backward itself on the tape.
        inputs: only these edges matter; their gradients are returned (or accumulated).
        accumulate: add to the leaves' ``grad``; otherwise return the gradients of ``inputs``.
    """
    if inputs is None and plain_pass.applies(roots, grads, create_graph):
        waits = plain_pass.dependencies_of(roots)
        if waits is not None:
            previous, modes.grad = modes.grad, False
            task, around = Pass(lambda n: n in waits), _passes.stack
            _passes.stack = (*around, task)
            try:
                plain_pass.run(roots, grads, waits, keep_graph, task)
            finally:
                modes.grad = previous
                _passes.stack = around
                for done in task.at_end:
                    done()
            return []
    dependencies, needed = _plan([node for node, _ in roots], inputs)
    captured: dict[Edge, Tensor | None] = {}
    wanted: dict[GradNode, set[int]] = {}
    for node, nr in inputs or ():
        wanted.setdefault(node, set()).add(nr)
    buffers: dict[GradNode, list[Tensor | None]] = {}
    heap: list[tuple[int, int, GradNode]] = []
    tick = itertools.count().__next__

    def send(node: GradNode, nr: int, grad: Tensor) -> None:
        buffer = buffers.get(node)
        if buffer is None:
            buffer = buffers[node] = [None] * max(len(node._out_avals), 1)
        held = buffer[nr]
        buffer[nr] = grad if held is None else held + grad if not held._own_layout else _add_sparse(held, grad)

    previous = modes.grad
    run_node, thaw = _run_node, None
    if modes.transforms:
        from .under_transforms import prepare

        run_node, thaw = prepare(roots)
    modes.grad = create_graph
    roots_of = {node for node, _ in roots}
    task = Pass(
        lambda n: n in dependencies or n in roots_of if needed is None else needed.get(n, False) or n in wanted,
        inputs is None,
    )
    _passes.stack = (*_passes.stack, task)
    try:
        for (node, nr), grad in zip(roots, grads, strict=True):
            if grad is not None:
                send(node, nr, grad)
        for node in dict.fromkeys(node for node, _ in roots):
            if dependencies.get(node, 0) == 0:
                heappush(heap, (-node._seq, tick(), node))
        while heap:
            node = heappop(heap)[2]
            buffer = buffers.pop(node, None)
            if buffer is None:
                buffer = [None] * max(len(node._out_avals), 1)
            runs = needed is None or needed.get(node, False)
            leaf = node.__class__ is AccumulateGrad
            if inputs is not None and leaf:
                runs = accumulate and node in wanted
            # A node that runs on gives its gradient as it came; one where the pass ends, after its tensor's hooks.
            task.node = node
            before = list(buffer) if runs and not leaf and node in wanted else buffer
            if node._tensor_hooks is not None or node._retain is not None or (leaf and node.variable._backward_hooks):
                _run_tensor_hooks(node, buffer)
            if node in wanted:
                for nr in wanted[node]:
                    captured[(node, nr)] = before[nr]
            outputs: Sequence[Tensor | None]
            if runs:
                if node._prehooks:
                    buffer = _run_prehooks(node, buffer)
                outputs = run_node(node, buffer, keep_graph, needed, wanted)
            else:
                outputs = [None] * len(node._edges)
            for edge, grad in zip(node._edges, outputs, strict=False):
                if edge is None:
                    continue
                target, nr = edge
                if grad is not None and (needed is None or needed.get(target, False) or target in wanted):
                    send(target, nr, grad)
                left = dependencies[target] = dependencies[target] - 1
                if left == 0 and (target in buffers or needed is None or runs):
                    if target in buffers or (target._runs_empty and (needed is None or needed.get(target, False))):
                        heappush(heap, (-target._seq, tick(), target))
                    else:
                        _settle(target, dependencies, buffers, heap, tick, needed)
    finally:
        modes.grad = previous
        if thaw is not None:
            thaw()
        _passes.stack = _passes.stack[:-1]
        for done in task.at_end:
            done()
    if inputs is None or accumulate:
        return []
    return [captured.get(edge) for edge in inputs]


def _settle(
    node: GradNode,
    dependencies: dict[GradNode, int],
    buffers: Any,
    heap: Any,
    tick: Any,
    needed: dict[GradNode, bool] | None,
) -> None:
    """A node that received nothing: its successors wait for it no longer."""
    stack = [node]
    while stack:
        current = stack.pop()
        for edge in current._edges:
            if edge is None:
                continue
            target = edge[0]
            dependencies[target] -= 1
            if dependencies[target] == 0:
                if target in buffers or (target._runs_empty and (needed is None or needed.get(target, False))):
                    heappush(heap, (-target._seq, tick(), target))
                else:
                    stack.append(target)


def _plan(
    roots: Sequence[GradNode], inputs: Sequence[Edge] | None
) -> tuple[dict[GradNode, int], dict[GradNode, bool] | None]:
    """How many gradients each node waits for, and which nodes lead to the wanted inputs."""
    dependencies: dict[GradNode, int] = {}
    order: list[GradNode] = []
    seen: set[GradNode] = set()
    stack = list(dict.fromkeys(roots))
    seen.update(stack)
    while stack:
        node = stack.pop()
        order.append(node)
        for edge in node._edges:
            if edge is not None:
                target = edge[0]
                dependencies[target] = dependencies.get(target, 0) + 1
                if target not in seen:
                    seen.add(target)
                    stack.append(target)
    if inputs is None:
        return dependencies, None
    targets = {node for node, _ in inputs}
    needed: dict[GradNode, bool] = {}
    for node in sorted(
        order,
        key=lambda n: (isinstance(n, AccumulateGrad) is False, n._seq if not isinstance(n, AccumulateGrad) else 0),
    ):
        needed[node] = any(e is not None and (needed.get(e[0], False) or e[0] in targets) for e in node._edges)
    return dependencies, needed


def _run_tensor_hooks(node: GradNode, buffer: list[Tensor | None]) -> None:
    """Hooks of the tensors whose gradients a node is about to receive, then ``grad`` of those that retain it."""
    by_output = node._tensor_hooks
    if isinstance(node, AccumulateGrad):
        by_output = {0: node.variable._backward_hooks}
    for nr, hooks in (by_output or {}).items():
        grad = buffer[nr]
        if grad is not None and hooks:
            buffer[nr] = run_hooks(hooks, grad)
    for nr, held in (node._retain or {}).items():
        t, grad = held(), buffer[nr]
        if t is not None and grad is not None:
            if t._grad is not None:
                t._grad = t._grad + grad
            else:
                t._grad = grad.clone() if modes.grad or grad._own_layout else dispatch.wrap(grad._sync())


def _run_prehooks(node: GradNode, buffer: list[Tensor | None]) -> list[Tensor | None]:
    given: Any = tuple(buffer)
    for hook in list((node._prehooks or {}).values()):
        result = hook(given)
        if result is not None:
            given = _same_length(hook, result, given)
    return list(given)


def _same_length(hook: Any, result: Any, given: Sequence[Any]) -> tuple[Any, ...]:
    result = result if isinstance(result, tuple) else tuple(result) if isinstance(result, list) else (result,)
    if len(result) != len(given):
        raise RuntimeError(
            f"hook '{hook_name(hook)}' has returned an incorrect number of values (got {len(result)}, but expected {len(given)})"
        )
    return result  # type: ignore[no-any-return]


def _run_node(
    node: GradNode, buffer: list[Tensor | None], keep_graph: bool, needed: dict[GradNode, bool] | None = None,
    wanted: Any = (),
) -> Sequence[Tensor | None]:  # fmt: skip
    """The gradients of a node's inputs, after its hooks."""
    if modes.anomaly:
        return run_watched(node, lambda: _run_plain(node, buffer, keep_graph, needed, wanted))
    return _run_plain(node, buffer, keep_graph, needed, wanted)


def _run_plain(
    node: GradNode, buffer: list[Tensor | None], keep_graph: bool, needed: dict[GradNode, bool] | None, wanted: Any
) -> Sequence[Tensor | None]:
    outputs: Sequence[Tensor | None]
    if isinstance(node, AccumulateGrad):
        accumulate_grad(node, buffer[0])
        outputs = ()
    elif isinstance(node, OpGradNode):
        outputs = _run_op(node, buffer, needed, wanted)
        if not keep_graph:
            node._release()
    else:
        outputs = node._run(buffer)  # type: ignore[attr-defined]
        if not keep_graph:
            node._release()
    if node._hooks:
        given = tuple(buffer)
        for hook in list(node._hooks.values()):
            shown = tuple(node._spread(outputs))
            result = hook(shown, given)
            if result is not None:
                result = _same_length(hook, result, shown)
                if len(shown) != len(outputs):
                    result = tuple(r for r, e in zip(result, node._spread([True] * len(outputs)), strict=True) if e)
                outputs = result
    return outputs


def _run_op(
    node: OpGradNode, buffer: list[Tensor | None], needed: dict[GradNode, bool] | None, wanted: Any
) -> Sequence[Tensor | None]:
    given = tuple([g is not None for g in buffer])
    if True not in given:
        return [None] * len(node._edges)
    if node.freed:
        raise RuntimeError(FREED)
    if needed is None:
        needs = tuple([e is not None for e in node._edges])
    else:
        needs = tuple([e is not None and (needed.get(e[0], False) or e[0] in wanted) for e in node._edges])
        if True not in needs:
            return [None] * len(needs)
    if modes.grad:
        grads = _graph_derivatives(node, needs, given, [g for g in buffer if g is not None])
    else:
        made = derivatives(node, needs, [None if g is None else g._sync() for g in buffer])
        grads = [dispatch.wrap(r) for r in made]
    if False not in needs:
        return grads
    rest = iter(grads)
    return [next(rest) if need else None for need in needs]


def _graph_derivatives(
    node: OpGradNode, needs: tuple[bool, ...], given: tuple[bool, ...], cts: list[Tensor]
) -> Sequence[Tensor]:
    """The derivative of an op as a step of the graph itself."""
    site = node.site.vjp_site(needs, given)
    check_versions(node, needs, given)
    flat = [unpack(node, k) for k in range(len(node.saved))]
    flat += [unpack_result(node, k) for k in range(len(node.saved_out))]
    if any(t._requires_grad for t in flat):
        read = node.site.reads(needs, given)
        for k, t in enumerate(flat):
            if k not in read:
                t._requires_grad = False
    flat += cts
    nodes = [t._sync() for t in flat]
    made = dispatch.finish(site, flat, nodes, list(node.numbers), any(t._requires_grad for t in flat), False)
    return [made] if site.single else made


def _add_sparse(held: Tensor, grad: Tensor) -> Tensor:
    from ..sparse._graph import add_gradients

    return add_gradients(held, grad)  # type: ignore[no-any-return]


def call_node(node: GradNode, grads: Sequence[Any]) -> Any:
    """Run one node by hand on gradient tensors; returns the gradients of its inputs."""
    buffer = list(grads)
    outputs = node._spread(_run_node(node, buffer, True))
    return outputs[0] if len(outputs) == 1 else tuple(outputs)
