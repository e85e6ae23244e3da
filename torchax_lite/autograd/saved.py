"""What grad nodes keep for the backward pass: checked, handed out, and turned into derivatives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from weakref import ref

from ..engine.recorder import Node
from ..ops.registry import ArraySpec
from ..tensor import dispatch
from ..tensor.tape import AccumulateGrad, GradNode, OpGradNode, Saved
from ..tensor.tensor import Tensor

FREED = (
    "Trying to backward through the graph a second time (or directly access saved tensors after they have already been "
    "freed). Saved intermediate values of the graph are freed when you call .backward() or autograd.grad(). Specify "
    "retain_graph=True if you need to backward through the graph a second time or if you need to access saved tensors "
    "after calling backward."
)

Edge = tuple[GradNode, int]


def derivatives(node: OpGradNode, needs: tuple[bool, ...], cts: Sequence[Node | None]) -> Sequence[Node]:
    """Record the derivative of an op outside of any graph.

    Args:
        node: of the op.
        needs: which inputs' gradients are wanted, at least one.
        cts: gradients of the results, at least one of them not None.

    Returns:
        One value for each needed input.

    Raises:
        RuntimeError: what the node saved is gone, or was changed in place and is read.
    """
    if node.freed:
        raise RuntimeError(FREED)
    given = tuple([g is not None for g in cts])
    forward = node.site
    site: Any = forward.vjp_sites.get((needs, given))
    if site is None:
        site = forward.vjp_site(needs, given)
    values: list[Any] = []
    for held in (node.saved, node.saved_out):
        for s in held:
            if s.hooked is not None:
                values.append(value_of(s)._sync())
                continue
            if s.storage.counter != s.counter:
                check_versions(node, needs, given)
            values.append(s.node)
    numbers = node.numbers
    if node.residuals is not None:
        keeper, values = node.residuals
        site = keeper.pull_site(needs, given)
        numbers = ()
    made = site.record(site, [*values, *[g for g in cts if g is not None]], numbers)
    return [made] if site.single else made


def check_versions(node: OpGradNode, needs: tuple[bool, ...], given: tuple[bool, ...]) -> None:
    """Raise if a saved value that the derivative reads was changed in place since."""
    for k, s in enumerate([*node.saved, *node.saved_out]):
        if s.storage.counter != s.counter and s.hooked is None and k in node.site.reads(needs, given):
            made_by = (node, node.site.saves_out[k - len(node.saved)]) if k >= len(node.saved) else None
            raise RuntimeError(version_error(s.aval, s.storage.counter, s.counter, made_by))


def version_error(aval: Any, found: int, expected: int, made_by: Edge | None) -> str:
    """Text for a saved tensor that was changed in place; ``made_by`` is the place in the graph it came from."""
    from ..tensor.dtypes import from_numpy_dtype, scalar_type_name

    kind = scalar_type_name(from_numpy_dtype(aval.dtype))
    prefix = "torch.cuda." if aval.place.type == "cuda" else "torch."
    origin = "" if made_by is None else f", which is output {made_by[1]} of {short_name(made_by[0])},"
    return (
        "one of the variables needed for gradient computation has been modified by an inplace operation: "
        f"[{prefix}{kind}Tensor {list(aval.shape)}]{origin} is at version {found}; expected version {expected} instead. "
        "Hint: enable anomaly detection to find the operation that failed to compute its gradient, with "
        "torch.autograd.set_detect_anomaly(True, check_nan=False)."
    )


def short_name(node: GradNode) -> str:
    """What made a tensor, without the ``Backward`` of its grad node's name."""
    name = node.name()
    head, found, tail = name.rpartition("Backward")
    return head if found and (not tail or tail.isdigit()) else name


def unpack(node: OpGradNode, k: int) -> Tensor:
    """A saved input as a tensor with its place in the graph."""
    t = value_of(node.saved[k])
    edge = node._edges[node.site.saves_in[k]]
    if edge is not None:
        place_in_graph(t, edge)
    return t


def value_of(s: Saved) -> Tensor:
    """A saved value as a tensor outside of any graph."""
    if s.hooked is not None:
        from .graph import unpacked

        return unpacked(s.hooked)
    t: Tensor = dispatch.wrap(s.node)
    return t


def place_in_graph(t: Any, edge: Edge) -> None:
    """Make gradients of a fresh tensor flow to ``edge``."""
    fn, nr = edge
    t._requires_grad = True
    if isinstance(fn, AccumulateGrad):
        t._acc = ref(fn)
    else:
        t._grad_fn, t._output_nr = fn, nr


def unpack_result(node: OpGradNode, k: int) -> Tensor:
    """A saved result as a tensor with its place in the graph."""
    t = value_of(node.saved_out[k])
    place_in_graph(t, (node, node.site.saves_out[k]))
    return t


def saved_slot(node: OpGradNode, name: str) -> Saved | None:
    """What a node saved of the parameter (or ``result``) of this name."""
    found = _slot_of(node, name)
    if found is None:
        return None
    k, is_result = found
    return node.saved_out[k] if is_result else node.saved[k]


def _slot_of(node: OpGradNode, name: str) -> tuple[int, bool] | None:
    op = getattr(node.site, "op", None)
    if op is None:
        return None
    if name in ("result", "result0") and node.site.saves_out:
        return 0, True
    flat_names = [
        p.name
        for p, t in zip(op.tensor_params, node.site.binding.tensors, strict=True)
        for _ in (t if isinstance(t, list) else [t] if isinstance(t, ArraySpec) else [])
    ]
    for k, i in enumerate(node.site.saves_in):
        if flat_names[i] == name:
            return k, False
    return None


def saved_attribute(node: OpGradNode, name: str) -> Any:
    """``grad_fn._saved_self`` and the like: saved tensors by parameter name, static arguments by name."""
    found = _slot_of(node, name)
    if found is not None:
        if node.freed:
            raise RuntimeError(FREED)
        k, is_result = found
        return unpack_result(node, k) if is_result else unpack(node, k)
    op = getattr(node.site, "op", None)
    if op is not None:
        for p, v in zip(op.static_params, node.site.binding.statics, strict=True):
            if p.name == name:
                return v
        for p, v in zip(op.scalar_params, node.numbers, strict=False):
            if p.name == name:
                return v
    raise AttributeError(f"'{node.name()}' object has no attribute '_saved_{name}'")
