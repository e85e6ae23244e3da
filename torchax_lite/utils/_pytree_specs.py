"""``TreeSpec``: the shape of a tree without its leaves."""

from __future__ import annotations

import warnings
from collections import defaultdict, deque
from collections.abc import Hashable, Iterable
from typing import Any, ClassVar

from ._pytree_nodes import BUILTIN_TYPES, STANDARD_DICT_TYPES, SUPPORTED_NODES, _get_node_type


class TreeSpec:
    """The shape of a tree: the type and context of its root, and its children's specs. A leaf has no type.

    Attributes:
        num_nodes, num_leaves, num_children: how many there are.
    """

    _leaf: ClassVar[TreeSpec]
    __slots__ = ("_children", "_context", "_type", "num_children", "num_leaves", "num_nodes")

    def __init__(self, type: Any, context: Any, children_specs: list[Any]) -> None:
        self._type = type
        self._context = context
        self._children = list(children_specs)
        self._count()

    def _count(self) -> None:
        if self._type is None:
            self.num_nodes = self.num_leaves = 1
            self.num_children = 0
            return
        self.num_nodes = sum((c.num_nodes for c in self._children), start=1)
        self.num_leaves = sum(c.num_leaves for c in self._children)
        self.num_children = len(self._children)

    @property
    def type(self) -> Any:
        """The root's class; None for a leaf."""
        return self._type

    @property
    def context(self) -> Any:
        """What the root needs besides its children."""
        return self._context

    @property
    def children_specs(self) -> list[Any]:
        """Old form of :meth:`children`."""
        warnings.warn(
            "`treespec.children_specs` is deprecated. Use `treespec.child(index)` to access a single child, or "
            "`treespec.children()` to get all children.",
            FutureWarning,
            stacklevel=2,
        )
        return self._children

    def children(self) -> list[Any]:
        """The children's specs."""
        return self._children.copy()

    def child(self, index: int) -> Any:
        """One child's spec."""
        return self._children[index]

    def is_leaf(self) -> bool:
        """Whether this is the spec of a leaf."""
        return self._type is None

    def unflatten(self, leaves: Iterable[Any]) -> Any:
        """The tree with these leaves.

        Raises:
            ValueError: their number is not the spec's.
        """
        if not isinstance(leaves, (list, tuple)):
            leaves = list(leaves)
        if len(leaves) != self.num_leaves:
            raise ValueError(
                f"treespec.unflatten(leaves): `leaves` has length {len(leaves)} but the spec refers to a pytree that "
                f"holds {self.num_leaves} items ({self})."
            )
        return self._build(iter(leaves))

    def _build(self, leaves: Any) -> Any:
        if self._type is None:
            return next(leaves)
        children = [c._build(leaves) for c in self._children]
        return SUPPORTED_NODES[self._type].unflatten_fn(children, self._context)

    def flatten_up_to(self, tree: Any) -> list[Any]:
        """The parts of a tree that stand where this spec has leaves.

        Raises:
            ValueError: the tree's shape differs above them.
        """
        found: list[Any] = []
        self._take(tree, found)
        return found

    def _take(self, tree: Any, found: list[Any]) -> None:
        if self._type is None:
            found.append(tree)
            return
        node_type = _get_node_type(tree)
        if self._type not in BUILTIN_TYPES:
            if node_type != self._type:
                raise ValueError(f"Type mismatch; expected {self._type!r}, but got {node_type!r}.")
            children, context = SUPPORTED_NODES[node_type].flatten_fn(tree)
            if len(children) != self.num_children:
                raise ValueError(f"Node arity mismatch; expected {self.num_children}, but got {len(children)}.")
            if context != self._context:
                raise ValueError(f"Node context mismatch for custom node type {self._type!r}.")
        else:
            both_dicts = self._type in STANDARD_DICT_TYPES and node_type in STANDARD_DICT_TYPES
            if node_type != self._type and not both_dicts:
                raise ValueError(f"Node type mismatch; expected {self._type!r}, but got {node_type!r}.")
            if len(tree) != self.num_children:
                raise ValueError(f"Node arity mismatch; expected {self.num_children}, but got {len(tree)}.")
            if both_dicts:
                keys = self._context[1] if self._type is defaultdict else self._context
                if set(tree) != set(keys):
                    missing, extra = set(keys) - set(tree), set(tree) - set(keys)
                    text = f"; missing key(s): {missing}" if missing else ""
                    text += f"; extra key(s): {extra}" if extra else ""
                    raise ValueError(f"Node keys mismatch{text}.")
                children = [tree[k] for k in keys]
            else:
                children, context = SUPPORTED_NODES[node_type].flatten_fn(tree)
                if node_type is not deque and context != self._context:
                    raise ValueError(
                        f"Node context mismatch for node type {self._type!r}; expected {self._context!r}, but got {context!r}."
                    )
        for spec, child in zip(self._children, children, strict=True):
            spec._take(child, found)

    def __repr__(self, indent: int = 0) -> str:
        if self._type is None:
            return "*"
        prefix = f"TreeSpec({self._type.__name__}, {self._context}, ["
        indent += 2
        parts = []
        for i, child in enumerate(self._children):
            parts.append(child.__repr__(indent) if i == 0 else "\n" + " " * indent + child.__repr__(indent))
        return prefix + ",".join(parts) + "])"

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, TreeSpec):
            return NotImplemented
        return (
            self._type == other._type and self._context == other._context and self._children == other._children
        )  # fmt: skip

    def __hash__(self) -> int:
        context = self._context
        if self._type is defaultdict:
            context = (context[0], tuple(context[1]))
        elif isinstance(context, list):
            context = tuple(context)
        return hash((self._type, context if isinstance(context, Hashable) else None, tuple(self._children)))

    def __reduce__(self) -> Any:
        return TreeSpec, (self._type, self._context, self._children)


PyTreeSpec = TreeSpec


class _LeafSpecMeta(type):
    def __instancecheck__(cls, instance: Any) -> bool:
        warnings.warn(
            "`isinstance(treespec, LeafSpec)` is deprecated, use `isinstance(treespec, TreeSpec) and treespec.is_leaf()` "
            "instead.",
            FutureWarning,
            stacklevel=2,
        )
        return isinstance(instance, TreeSpec) and instance.is_leaf()


class LeafSpec(TreeSpec, metaclass=_LeafSpecMeta):
    """Old form of the spec of a leaf."""

    __slots__ = ()

    def __init__(self) -> None:
        warnings.warn(
            "`isinstance(treespec, LeafSpec)` is deprecated, use `isinstance(treespec, TreeSpec) and treespec.is_leaf()` "
            "instead.",
            FutureWarning,
            stacklevel=2,
        )
        super().__init__(None, None, [])

    def __reduce__(self) -> Any:
        return treespec_leaf, ()


_LEAF_SPEC = TreeSpec(None, None, [])


def treespec_leaf() -> TreeSpec:
    """The spec of a leaf."""
    return _LEAF_SPEC


def treespec_tuple(iterable: Iterable[Any] = ()) -> TreeSpec:
    """The spec of a tuple of trees with these specs."""
    children = list(iterable)
    if not all(isinstance(c, TreeSpec) for c in children):
        raise ValueError(f"Expected a tuple of TreeSpec values, got: {children!r}.")
    return TreeSpec(tuple, None, children)


def treespec_dict(mapping: Any = (), **kwargs: Any) -> TreeSpec:
    """The spec of a dict of trees with these specs."""
    made = dict(mapping, **kwargs)
    if not all(isinstance(c, TreeSpec) for c in made.values()):
        raise ValueError(f"Expected a dictionary of TreeSpec values, got: {made!r}.")
    return TreeSpec(dict, list(made), list(made.values()))
