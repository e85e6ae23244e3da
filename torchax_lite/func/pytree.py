"""Nested containers of tensors: flattened in order of insertion, ``None`` is a leaf, as ``torch.utils._pytree`` has it."""

from __future__ import annotations

from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple


class Spec(NamedTuple):
    """Structure of a tree: type of the container (None for a leaf), what else rebuilds it, and its children."""

    kind: Any
    context: Any = None
    children: tuple[Any, ...] = ()

    @property
    def leaves(self) -> int:
        """Number of leaves."""
        return 1 if self.kind is None else sum(c.leaves for c in self.children)

    def __repr__(self) -> str:
        if self.kind is None:
            return "*"
        inner = ", ".join(repr(c) for c in self.children)
        return f"TreeSpec({self.kind.__name__}, {self.context}, [{inner}])"


LEAF = Spec(None)


def _registered(kind: type) -> Any:
    """(flatten, unflatten) of a type registered with ``torch.utils._pytree``; None for others."""
    import sys

    module = sys.modules.get("torchax_lite.utils._pytree")
    found = None if module is None else getattr(module, "SUPPORTED_NODES", {}).get(kind)
    return None if found is None else (found.flatten_fn, found.unflatten_fn)


def _open(tree: Any) -> tuple[list[Any], Any] | None:
    """(children, context) of a container; None for a leaf."""
    kind = type(tree)
    if kind in (dict, OrderedDict):
        return list(tree.values()), tuple(tree)
    if kind is defaultdict:
        return list(tree.values()), (tree.default_factory, tuple(tree))
    if kind is deque:
        return list(tree), tree.maxlen
    if kind in (list, tuple) or (isinstance(tree, tuple) and hasattr(tree, "_fields")):
        return list(tree), None
    found = _registered(kind)
    if found is not None:
        children, context = found[0](tree)
        return list(children), context
    return None


def flatten(tree: Any) -> tuple[list[Any], Spec]:
    """Leaves in order, and the structure."""
    opened = _open(tree)
    if opened is None:
        return [tree], LEAF
    leaves: list[Any] = []
    specs = []
    for child in opened[0]:
        found, spec = flatten(child)
        leaves += found
        specs.append(spec)
    return leaves, Spec(type(tree), opened[1], tuple(specs))


def unflatten(leaves: Sequence[Any], spec: Spec) -> Any:
    """The tree of this structure with these leaves."""
    return _build(iter(leaves), spec)


def _build(given: Iterator[Any], s: Spec) -> Any:
    """The tree of a structure from the next leaves. (A closure that calls itself would keep them until a collection.)"""
    kind = s.kind
    if kind is None:
        return next(given)
    children = [_build(given, c) for c in s.children]
    if kind in (dict, OrderedDict):
        return kind(zip(s.context, children, strict=True))
    if kind is defaultdict:
        return defaultdict(s.context[0], zip(s.context[1], children, strict=True))
    if kind is deque:
        return deque(children, s.context)
    if kind in (list, tuple):
        return kind(children)
    if hasattr(kind, "_fields"):
        return kind(*children) if hasattr(kind, "_make") else kind(children)
    return _registered(kind)[1](children, s.context)


def tree_map(fn: Callable[[Any], Any], tree: Any) -> Any:
    """The tree with ``fn`` of every leaf."""
    leaves, spec = flatten(tree)
    return unflatten([fn(x) for x in leaves], spec)


def spread(prefix: Any, spec: Spec) -> list[Any] | None:
    """One entry of ``prefix`` (a tree whose leaves may stand for whole subtrees) for each leaf; None where it misfits."""
    if spec.kind is None:
        return [prefix] if _open(prefix) is None else None
    if _open(prefix) is None:
        return [prefix] * spec.leaves
    opened = _open(prefix)
    assert opened is not None
    children, context = opened
    if type(prefix) is not spec.kind or context != spec.context or len(children) != len(spec.children):
        return None
    found: list[Any] = []
    for child, s in zip(children, spec.children, strict=True):
        part = spread(child, s)
        if part is None:
            return None
        found += part
    return found


__all__ = ["LEAF", "Spec", "flatten", "spread", "tree_map", "unflatten"]
