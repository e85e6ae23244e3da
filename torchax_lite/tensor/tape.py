"""The tape: grad nodes made while ops are recorded. Walking them is autograd's (see autograd/engine.py)."""

from __future__ import annotations

import itertools
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any
from weakref import ref

from ..engine.recorder import Node as Value
from ..ops.lowering import is_inexact
from ..ops.registry import ArraySpec
from .modes import modes

if TYPE_CHECKING:
    from .sites import DiffSite
    from .storage import Storage

_sequence = itertools.count(1).__next__


class _Notes:
    """``node.metadata``: a dict for users' notes. On the class it is a function of a node, as PyTorch has it there."""

    def __get__(self, node: GradNode | None, cls: type) -> Any:
        return self.of if node is None else self.of(node)

    @staticmethod
    def of(node: GradNode) -> dict[Any, Any]:
        """The notes on a node."""
        if node._metadata is None:
            node._metadata = {}
        return node._metadata


class GradNode:
    """One step of the backward graph; ``grad_fn`` of the tensors that its forward made.

    Attributes:
        _edges: for each tensor input of the forward: (grad node, index of its output), or None.
    """

    _seq: int
    _edges: Sequence[tuple[GradNode, int] | None]
    _prehooks: OrderedDict[int, Callable[..., Any]] | None = None
    _hooks: OrderedDict[int, Callable[..., Any]] | None = None
    _tensor_hooks: dict[int, OrderedDict[int, Callable[..., Any]]] | None = None
    _retain: dict[int, Any] | None = None
    _metadata: dict[Any, Any] | None = None
    _out_avals: Sequence[Any] = ()
    _traceback: str | None = None
    _runs_empty = False
    """Whether the node runs even when no gradient came for any of its outputs."""

    def name(self) -> str:
        """Name of the node, as PyTorch names it."""
        return type(self).__name__

    metadata = _Notes()

    @property
    def next_functions(self) -> tuple[tuple[GradNode | None, int], ...]:
        """The nodes that receive this one's results, with the index of the input they receive."""
        return tuple((None, 0) if e is None else e for e in self._spread(self._edges))

    def _spread(self, values: Sequence[Any]) -> Sequence[Any]:
        """One value for each edge, with None added where PyTorch's node has an input that holds no tensor."""
        return values

    def _sequence_nr(self) -> int:
        return self._seq

    def register_hook(self, fn: Callable[..., Any]) -> Any:
        """Call ``fn(grad_inputs, grad_outputs)`` after this node ran; it may return new grad inputs."""
        from ..utils.hooks import add_hook

        if self._hooks is None:
            self._hooks = OrderedDict()
        return add_hook(self._hooks, fn)

    def register_prehook(self, fn: Callable[..., Any]) -> Any:
        """Call ``fn(grad_outputs)`` before this node runs; it may return new grad outputs."""
        from ..utils.hooks import add_hook

        if self._prehooks is None:
            self._prehooks = OrderedDict()
        return add_hook(self._prehooks, fn)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} object at {id(self):#x}>"

    def __call__(self, *grads: Any) -> Any:
        """Run this node on gradient tensors."""
        from ..autograd.engine import call_node

        return call_node(self, grads)

    def _release(self) -> None:
        """Drop what is saved for the backward."""


class Saved:
    """A value kept for the backward, with what is needed to tell whether it was changed in place since."""

    __slots__ = ("aval", "counter", "hooked", "node", "storage")

    def __init__(self, node: Value, storage: Storage) -> None:
        self.node: Value | None = node
        self.aval = node.aval
        self.storage = storage
        self.counter = storage.counter
        self.hooked: Any = None


class OpGradNode(GradNode):
    """Grad node of a recorded op: its derivative is its site's.

    Attributes:
        residuals: (site that returned them, nodes) where the forward kept what the derivative needs.
    """

    residuals: Any = None
    saved: Sequence[Saved] = ()
    saved_out: Sequence[Saved] = ()
    freed = False

    def __init__(self, site: DiffSite, numbers: Sequence[Any], edges: Sequence[Any]) -> None:
        self.site = site
        self.numbers = numbers
        self._edges = edges
        self._seq = _sequence()
        self._out_avals = site.out_avals

    def name(self) -> str:
        name: str = self.site.grad_name
        return f"torch::autograd::{name}" if name in ("CopySlices", "CopyBackwards") else name

    def _spread(self, values: Sequence[Any]) -> Sequence[Any]:
        op = getattr(self.site, "op", None)
        if op is None or op.base not in _WRAPS_NUMBERS or len(values) == 2:
            return values
        given = iter(values)
        return tuple(next(given) if isinstance(t, ArraySpec) else None for t in self.site.binding.tensors)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_saved_") and name != "_saved_":
            from ..autograd.saved import saved_attribute

            return saved_attribute(self, name[7:])
        if name.startswith("_raw_saved_"):
            from ..autograd.graph import raw_saved

            return raw_saved(self, name[11:])
        raise AttributeError(f"'{self.name()}' object has no attribute '{name}'")

    def _release(self) -> None:
        self.freed = self.freed or bool(self.saved or self.saved_out)
        self.saved = ()
        self.saved_out = ()


_WRAPS_NUMBERS = frozenset(("add", "sub", "mul", "div"))
_node_classes: dict[str, type[OpGradNode]] = {}


def node_class(name: str) -> type[OpGradNode]:
    """The class of the grad nodes of this name: ``type(t.grad_fn).__name__`` tells what made a tensor."""
    found = _node_classes.get(name)
    if found is None:
        found = _node_classes[name] = type(name, (OpGradNode,), {"__module__": __name__})
    return found


class AccumulateGrad(GradNode):
    """The end of the backward graph at a leaf: adds to the leaf's ``grad``."""

    _edges = ()

    def __init__(self, variable: Any) -> None:
        self.variable = variable
        self._seq = 1 << 62
        self._out_avals = (variable._aval,)

    def name(self) -> str:
        return "torch::autograd::AccumulateGrad"


def accumulator(t: Any) -> AccumulateGrad:
    """The leaf's own AccumulateGrad node (one as long as anybody holds it)."""
    held = t._acc
    node: AccumulateGrad | None = held() if held is not None else None
    if node is None:
        node = AccumulateGrad(t)
        t._acc = ref(node)
    return node


def attach(
    site: DiffSite,
    flat: Sequence[Any],
    nodes: Sequence[Value],
    numbers: Sequence[Any],
    outs: Sequence[Any],
    out_nodes: Sequence[Value],
) -> None:
    """Put an op on the tape: its results require grad and point to a new grad node."""
    diff_in = site.diff_in
    edges: list[tuple[GradNode, int] | None] = []
    for t, differentiable in zip(flat, diff_in, strict=True):
        if differentiable and t._requires_grad:
            fn = t._grad_fn
            edges.append((fn, t._output_nr) if fn is not None else (accumulator(t), 0))
        else:
            edges.append(None)
    g = site.node_class(site, numbers, edges)
    if site.saves_in:
        g.saved = [Saved(nodes[i], flat[i]._storage) for i in site.saves_in]
    if site.saves_out:
        g.saved_out = [Saved(out_nodes[k], outs[k]._storage) for k in site.saves_out]
    if modes.watch:
        from ..autograd.graph import watch

        watch(g, flat)
    for k, out in enumerate(outs):
        if site.diff_out[k]:
            out._requires_grad = True
            out._grad_fn = g
            out._output_nr = k
    site.recorder.tape = True


def specs_of(avals: Sequence[Any]) -> list[ArraySpec]:
    """Avals as the specs that lowering works with."""
    return [ArraySpec(a.shape, a.dtype) for a in avals]


def inexact(avals: Sequence[Any]) -> tuple[bool, ...]:
    """For each aval, whether gradients exist for it."""
    return tuple(is_inexact(a.dtype) for a in avals)
