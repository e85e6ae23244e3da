"""The backward pass while function transforms run: batches of gradients, and dual ones, through graphs made below."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..tensor import transforms
from ..tensor.modes import modes
from ..tensor.tape import OpGradNode
from ..tensor.transformed_sites import run_op_in
from . import engine, saved


def prepare(roots: Sequence[engine.Edge]) -> tuple[Callable[..., Any], Callable[[], None] | None]:
    """How nodes run in a pass from these roots, and what to call at its end.

    Whether the pass itself is differentiable concerns the graph that it walks; graphs below that one go on as before.
    """
    depth = max(
        (getattr(a.place, "depth", 0) for node, _ in roots for a in node._out_avals if a is not None), default=0
    )
    thaw = None
    if 0 < depth <= len(modes.transforms):
        thaw = freeze(modes.transforms[depth - 1], modes.grad)
    return run_node, thaw


def freeze(level: transforms.Level, recording: bool) -> Callable[[], None] | None:
    """From now on the graph below a level records or not, whatever this thread's grad mode becomes."""
    if level.below is not None or level.taped:
        return None
    level.below = recording

    def thaw() -> None:
        level.below = None

    return thaw


def run_node(
    node: Any, buffer: list[Any], keep_graph: bool, needed: dict[Any, bool] | None, wanted: Any
) -> Sequence[Any]:
    """:func:`~torchax_lite.autograd.engine._run_node`, also where gradients live in a place above the node's."""
    if not isinstance(node, OpGradNode):
        return engine._run_node(node, buffer, keep_graph, needed, wanted)
    cts = [g for g in buffer if g is not None]
    own = node.site.recorder.place
    places = {g._aval.place for g in cts} - {own}
    above = [p for p in places if p.kind == "transform"]
    if not above:
        return engine._run_node(node, buffer, keep_graph, needed, wanted)
    where = transforms.meet(above)
    return engine._run_node(_Borrowed(node, where, needed, wanted), buffer, keep_graph, needed, wanted)  # type: ignore[arg-type]


class _Borrowed:
    """A node that runs in a place above its own."""

    def __init__(self, node: OpGradNode, where: Any, needed: dict[Any, bool] | None, wanted: Any) -> None:
        self.node = node
        self.where = where
        self.needed = needed
        self.wanted = wanted

    def __getattr__(self, name: str) -> Any:
        return getattr(self.node, name)

    def _run(self, buffer: Sequence[Any]) -> list[Any]:
        node, needed = self.node, self.needed
        if node.freed:
            raise RuntimeError(saved.FREED)
        needs = tuple(
            e is not None and (needed is None or needed.get(e[0], False) or e[0] in self.wanted) for e in node._edges
        )
        if not any(needs):
            return [None] * len(needs)
        given = tuple(g is not None for g in buffer)
        read = node.site.reads(needs, given) if any(_changed(s) for s in (*node.saved, *node.saved_out)) else ()
        for k, s in enumerate((*node.saved, *node.saved_out)):
            if k in read and _changed(s):
                raise RuntimeError(saved.version_error(s.aval, s.storage.counter, s.counter, None))
        cts = [g for g in buffer if g is not None]
        found = iter(run_op_in(node, cts, needs, given, self.where))
        return [next(found) if need else None for need in needs]


def _changed(s: Any) -> bool:
    return s.storage.counter != s.counter and s.hooked is None


__all__ = ["freeze", "prepare", "run_node"]
