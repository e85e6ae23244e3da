"""Trees of containers: taking tuples, lists, dicts and registered classes apart into leaves, and together again.

Third-party code written for PyTorch uses this module, so names, specs and their printed form are PyTorch's (and all of
it is in this one file, as there).
"""

from __future__ import annotations

import dataclasses
import functools
import importlib
import json
import threading
import types
import warnings
from collections import OrderedDict, defaultdict, deque, namedtuple
from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any, ClassVar, Generic, NamedTuple, Protocol, TypeVar

from ..tensor.return_types import _Result
from ..tensor.size import Size

__all__ = [
    "Context", "DumpableContext", "FlattenFn", "FlattenFunc", "FlattenWithKeysFn", "FlattenWithKeysFunc",
    "FromDumpableContextFn", "GetAttrKey", "KeyEntry", "KeyPath", "LeafSpec", "MappingKey", "PyTree", "PyTreeSpec",
    "SequenceKey", "ToDumpableContextFn", "TreeSpec", "UnflattenFn", "UnflattenFunc", "arg_tree_leaves",
    "is_constant_class", "is_namedtuple", "is_namedtuple_class", "is_namedtuple_instance", "is_structseq",
    "is_structseq_class", "is_structseq_instance", "key_get", "keystr", "register_constant", "register_dataclass",
    "register_pytree_node", "tree_all", "tree_all_only", "tree_any", "tree_any_only", "tree_flatten",
    "tree_flatten_with_path", "tree_is_leaf", "tree_iter", "tree_leaves", "tree_leaves_with_path", "tree_map",
    "tree_map_", "tree_map_only", "tree_map_only_", "tree_map_with_path", "tree_structure", "tree_unflatten",
    "treespec_dict", "treespec_dumps", "treespec_leaf", "treespec_loads", "treespec_pprint", "treespec_tuple",
]  # fmt: skip

T = TypeVar("T")
PyTree = Any
Context = Any
DumpableContext = Any
FlattenFunc = Callable[[Any], tuple[list[Any], Any]]
UnflattenFunc = Callable[[Iterable[Any], Any], Any]
FlattenWithKeysFunc = Callable[[Any], tuple[list[tuple[Any, Any]], Any]]
FlattenFn, UnflattenFn, FlattenWithKeysFn = FlattenFunc, UnflattenFunc, FlattenWithKeysFunc
ToDumpableContextFn = Callable[[Context], DumpableContext]
FromDumpableContextFn = Callable[[DumpableContext], Context]
ToStrFunc = Callable[["TreeSpec", list[str]], str]
MaybeFromStrFunc = Callable[[str], "tuple[Any, Context, str] | None"]
IsLeaf = Callable[[Any], bool] | None

DEFAULT_TREESPEC_SERIALIZATION_PROTOCOL = 1
NO_SERIALIZED_TYPE_NAME_FOUND = "NO_SERIALIZED_TYPE_NAME_FOUND"


# -- keys --------------------------------------------------------------------------------------------------------------


class KeyEntry(Protocol):
    """One step of the way from the root of a tree to a leaf."""

    def get(self, parent: Any) -> Any:
        """The child that the step leads to."""


KeyPath = tuple[KeyEntry, ...]


@dataclasses.dataclass(frozen=True)
class SequenceKey(Generic[T]):
    """An item by its position."""

    idx: int

    def __str__(self) -> str:
        return f"[{self.idx!r}]"

    def get(self, sequence: Any) -> Any:
        """The item."""
        return sequence[self.idx]


@dataclasses.dataclass(frozen=True)
class MappingKey(Generic[T]):
    """A value by its key."""

    key: Any

    def __str__(self) -> str:
        return f"[{self.key!r}]"

    def get(self, mapping: Any) -> Any:
        """The value."""
        return mapping[self.key]


@dataclasses.dataclass(frozen=True)
class GetAttrKey:
    """An attribute by its name."""

    name: str

    def __str__(self) -> str:
        return f".{self.name}"

    def get(self, obj: Any) -> Any:
        """The attribute's value."""
        return getattr(obj, self.name)


# -- registered classes ------------------------------------------------------------------------------------------------


class NodeDef(NamedTuple):
    """How a class is taken apart and put together."""

    type: Any
    flatten_fn: FlattenFunc
    unflatten_fn: UnflattenFunc
    flatten_with_keys_fn: FlattenWithKeysFunc | None


class _SerializeNodeDef(NamedTuple):
    typ: Any
    serialized_type_name: str
    to_dumpable_context: ToDumpableContextFn | None
    from_dumpable_context: FromDumpableContextFn | None


class ConstantNode:
    """Marks the contexts of classes registered by :func:`register_constant`."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ConstantNode) and bool(self.value == other.value)

    def __hash__(self) -> int:
        return hash(self.value)


_NODE_REGISTRY_LOCK = threading.RLock()
SUPPORTED_NODES: dict[Any, NodeDef] = {}
SUPPORTED_SERIALIZED_TYPES: dict[Any, _SerializeNodeDef] = {}
SERIALIZED_TYPE_TO_PYTHON_TYPE: dict[str, Any] = {}
CONSTANT_NODES: set[type] = set()


def register_pytree_node(
    cls: type[Any], flatten_fn: FlattenFunc, unflatten_fn: UnflattenFunc, *, serialized_type_name: str | None = None,
    to_dumpable_context: ToDumpableContextFn | None = None, from_dumpable_context: FromDumpableContextFn | None = None,
    flatten_with_keys_fn: FlattenWithKeysFunc | None = None,
) -> None:  # fmt: skip
    """Make a class a node of trees.

    Args:
        cls: the class itself (subclasses stay leaves).
        flatten_fn: ``flatten_fn(x) -> (children, context)``.
        unflatten_fn: ``unflatten_fn(children, context) -> x``.
        serialized_type_name: the class's name in :func:`treespec_dumps`.
        to_dumpable_context, from_dumpable_context: the context as something JSON knows, and back; both or neither.
        flatten_with_keys_fn: ``flatten_with_keys_fn(x) -> ([(key, child), ...], context)``.

    Raises:
        ValueError: registered before, or only one of the two conversions.
    """
    with _NODE_REGISTRY_LOCK:
        if cls in SUPPORTED_NODES:
            raise ValueError(f"{cls} is already registered as pytree node.")
    _private_register_pytree_node(
        cls, flatten_fn, unflatten_fn, serialized_type_name=serialized_type_name,
        to_dumpable_context=to_dumpable_context, from_dumpable_context=from_dumpable_context,
        flatten_with_keys_fn=flatten_with_keys_fn,
    )  # fmt: skip


def _private_register_pytree_node(
    cls: Any, flatten_fn: FlattenFunc, unflatten_fn: UnflattenFunc, *, serialized_type_name: str | None = None,
    to_dumpable_context: ToDumpableContextFn | None = None, from_dumpable_context: FromDumpableContextFn | None = None,
    flatten_with_keys_fn: FlattenWithKeysFunc | None = None,
) -> None:  # fmt: skip
    with _NODE_REGISTRY_LOCK:
        if cls in SUPPORTED_NODES:
            warnings.warn(
                f"{cls} is already registered as pytree node. Overwriting the previous registration.", stacklevel=3
            )
        SUPPORTED_NODES[cls] = NodeDef(cls, flatten_fn, unflatten_fn, flatten_with_keys_fn)
        if (to_dumpable_context is None) ^ (from_dumpable_context is None):
            raise ValueError(
                f"Both to_dumpable_context and from_dumpable_context for {cls} must be None or registered."
            )
        name = NO_SERIALIZED_TYPE_NAME_FOUND if serialized_type_name is None else serialized_type_name
        SUPPORTED_SERIALIZED_TYPES[cls] = _SerializeNodeDef(cls, name, to_dumpable_context, from_dumpable_context)
        SERIALIZED_TYPE_TO_PYTHON_TYPE[name] = cls


def _register_pytree_node(
    cls: type[Any], flatten_fn: FlattenFunc, unflatten_fn: UnflattenFunc, to_str_fn: ToStrFunc | None = None,
    maybe_from_str_fn: MaybeFromStrFunc | None = None, **kwargs: Any,
) -> None:  # fmt: skip
    """Old name of :func:`register_pytree_node`."""
    if to_str_fn is not None or maybe_from_str_fn is not None:
        warnings.warn(
            "`to_str_fn` and `maybe_from_str_fn` is deprecated. Please use `to_dumpable_context` and "
            "`from_dumpable_context` instead.",
            FutureWarning,
            stacklevel=2,
        )
    _private_register_pytree_node(cls, flatten_fn, unflatten_fn, **kwargs)


def _deregister_pytree_node(cls: type[Any]) -> None:
    with _NODE_REGISTRY_LOCK:
        del SUPPORTED_NODES[cls]
        node = SUPPORTED_SERIALIZED_TYPES.pop(cls)
        del SERIALIZED_TYPE_TO_PYTHON_TYPE[node.serialized_type_name]
        CONSTANT_NODES.discard(cls)


def register_dataclass(
    cls: type[Any], *, field_names: list[str] | None = None, drop_field_names: list[str] | None = None,
    serialized_type_name: str | None = None,
) -> None:  # fmt: skip
    """Make a dataclass a node: its fields are the children, fields with the value None are left out.

    Args:
        cls: a dataclass, or a class of which ``field_names`` are given.
        field_names: the fields; by default all that ``__init__`` takes.
        drop_field_names: fields left out.
        serialized_type_name: its name in :func:`treespec_dumps`.

    Raises:
        ValueError: names that do not fit.
    """
    drops = drop_field_names or []
    if not dataclasses.is_dataclass(cls):
        if field_names is None:
            raise ValueError(
                f"field_names must be specified with a list of all fields used to initialize {cls}, as it is not a dataclass."
            )
    elif field_names is None:
        field_names = [f.name for f in dataclasses.fields(cls) if f.init]
    else:
        all_init = {f.name for f in dataclasses.fields(cls) if f.init}
        given = set(field_names)
        wrong = [
            f"{text}: {names}"
            for text, names in (
                ("missing fields in `field_names`", all_init - given - set(drops)),
                ("unexpected fields in `field_names`", given - all_init),
            )
            if names
        ]
        if wrong:
            raise ValueError(f"field_names {field_names} do not fit dataclass {cls}: {'; '.join(wrong)}")
    names = [n for n in field_names if n not in drops]

    def flatten(x: Any) -> tuple[list[Any], Any]:
        values: list[Any] = []
        used: list[str] = []
        empty: list[str] = []
        for name in names:
            value = getattr(x, name)
            (empty if value is None else used).append(name)
            if value is not None:
                values.append(value)
        return values, [used, empty]

    def unflatten(values: Iterable[Any], context: Any) -> Any:
        used, empty = context
        return cls(**dict(zip(used, values, strict=True)), **dict.fromkeys(empty))

    def with_keys(x: Any) -> tuple[list[tuple[Any, Any]], Any]:
        values, context = flatten(x)
        return [(GetAttrKey(k), v) for k, v in zip(context[0], values, strict=True)], context

    _private_register_pytree_node(
        cls, flatten, unflatten, serialized_type_name=serialized_type_name, flatten_with_keys_fn=with_keys
    )


def register_constant(cls: type[Any]) -> None:
    """Make a class a node without children: equal instances have equal specs.

    Raises:
        TypeError: its instances are compared by identity, or cannot be hashed.
    """
    if cls.__eq__ is object.__eq__:
        raise TypeError("register_constant(cls) expects `cls` to have a non-default `__eq__` implementation.")
    if cls.__hash__ is None:
        raise TypeError("register_constant(cls) expects `cls` to have a non-default `__hash__` implementation.")
    register_pytree_node(
        cls, lambda x: ([], ConstantNode(x)), lambda _, context: context.value,
        flatten_with_keys_fn=lambda x: ([], ConstantNode(x)),
    )  # fmt: skip
    CONSTANT_NODES.add(cls)


def is_constant_class(cls: type[Any]) -> bool:
    """Whether a class was registered by :func:`register_constant`."""
    return isinstance(cls, type) and cls in CONSTANT_NODES


# -- named tuples, struct sequences ------------------------------------------------------------------------------------


def is_namedtuple_class(cls: type) -> bool:
    """Whether a class is a named tuple's."""
    return (
        isinstance(cls, type) and issubclass(cls, tuple) and isinstance(getattr(cls, "_fields", None), tuple)
        and all(type(f) is str for f in cls._fields) and callable(getattr(cls, "_make", None))
    )  # fmt: skip


def is_namedtuple_instance(obj: object) -> bool:
    """Whether an object is a named tuple."""
    return is_namedtuple_class(type(obj))


def is_namedtuple(obj: object | type) -> bool:
    """Whether an object or a class is a named tuple('s)."""
    return is_namedtuple_class(obj if isinstance(obj, type) else type(obj))


def is_structseq_class(cls: type) -> bool:
    """Whether a class is a struct sequence's (``torch.return_types``, ``time.struct_time``)."""
    return (
        isinstance(cls, type) and issubclass(cls, tuple) and cls is not tuple
        and isinstance(getattr(cls, "n_fields", None), int) and isinstance(getattr(cls, "n_sequence_fields", None), int)
        and isinstance(getattr(cls, "n_unnamed_fields", None), int)
    )  # fmt: skip


def is_structseq_instance(obj: object) -> bool:
    """Whether an object is a struct sequence."""
    return is_structseq_class(type(obj))


def is_structseq(obj: object | type) -> bool:
    """Whether an object or a class is a struct sequence('s)."""
    return is_structseq_class(obj if isinstance(obj, type) else type(obj))


_is_namedtuple_instance = is_namedtuple_instance


def _indexed(children: Iterable[Any]) -> list[tuple[Any, Any]]:
    return [(SequenceKey(i), x) for i, x in enumerate(children)]


def _dict_flatten(d: Mapping[Any, Any]) -> tuple[list[Any], Any]:
    return list(d.values()), list(d.keys())


def _dict_flatten_with_keys(d: Mapping[Any, Any]) -> tuple[list[tuple[Any, Any]], Any]:
    return [(MappingKey(k), v) for k, v in d.items()], list(d.keys())


def _dict_unflatten(values: Iterable[Any], keys: Any) -> dict[Any, Any]:
    return dict(zip(keys, values, strict=True))


def _dump_default(context: Any) -> Any:
    factory, keys = context
    return {
        "default_factory_module": factory.__module__, "default_factory_name": factory.__qualname__, "dict_context": keys,
    }  # fmt: skip


def _load_default(data: Any) -> Any:
    module = importlib.import_module(data["default_factory_module"])
    return [getattr(module, data["default_factory_name"]), data["dict_context"]]


def _dump_namedtuple(context: Any) -> str:
    if context not in SUPPORTED_SERIALIZED_TYPES:
        raise NotImplementedError(
            f"Can't serialize TreeSpec of namedtuple class {context} because we didn't register a serializated_type_name. "
            "Please register using `_register_namedtuple`."
        )
    name = SUPPORTED_SERIALIZED_TYPES[context].serialized_type_name
    if name == NO_SERIALIZED_TYPE_NAME_FOUND:
        raise NotImplementedError(f"Serializing {context} in pytree is not registered.")
    return name


def _load_namedtuple(name: str) -> Any:
    if name not in SERIALIZED_TYPE_TO_PYTHON_TYPE:
        raise NotImplementedError(f"Can't deserialize TreeSpec of namedtuple class {name} because we couldn't find it.")
    return SERIALIZED_TYPE_TO_PYTHON_TYPE[name]


def _register_namedtuple(cls: type[Any], *, serialized_type_name: str) -> None:
    """Give a named tuple's class a name for :func:`treespec_dumps`."""
    _private_register_pytree_node(
        cls, lambda x: (list(x), cls), lambda values, context: context(*values), serialized_type_name=serialized_type_name,
        to_dumpable_context=lambda c: c, from_dumpable_context=lambda c: c,
        flatten_with_keys_fn=SUPPORTED_NODES[namedtuple].flatten_with_keys_fn,
    )  # fmt: skip


_private_register_pytree_node(
    tuple, lambda x: (list(x), None), lambda values, _: tuple(values), serialized_type_name="builtins.tuple",
    flatten_with_keys_fn=lambda x: (_indexed(x), None),
)  # fmt: skip
_private_register_pytree_node(
    list, lambda x: (x, None), lambda values, _: list(values), serialized_type_name="builtins.list",
    flatten_with_keys_fn=lambda x: (_indexed(x), None),
)  # fmt: skip
_private_register_pytree_node(
    dict, _dict_flatten, _dict_unflatten,
    serialized_type_name="builtins.dict", flatten_with_keys_fn=_dict_flatten_with_keys,
)  # fmt: skip
_private_register_pytree_node(
    namedtuple, lambda x: (list(x), type(x)), lambda values, cls: cls(*values),
    serialized_type_name="collections.namedtuple", to_dumpable_context=_dump_namedtuple,
    from_dumpable_context=_load_namedtuple,
    flatten_with_keys_fn=lambda x: ([(GetAttrKey(n), v) for n, v in zip(x._fields, x, strict=True)], type(x)),
)  # fmt: skip
_private_register_pytree_node(
    OrderedDict, _dict_flatten, lambda values, keys: OrderedDict(zip(keys, values, strict=True)),
    serialized_type_name="collections.OrderedDict", flatten_with_keys_fn=_dict_flatten_with_keys,
)  # fmt: skip
_private_register_pytree_node(
    defaultdict, lambda d: (list(d.values()), [d.default_factory, list(d.keys())]),
    lambda values, c: defaultdict(c[0], zip(c[1], values, strict=True)), serialized_type_name="collections.defaultdict",
    to_dumpable_context=_dump_default, from_dumpable_context=_load_default,
    flatten_with_keys_fn=lambda d: (_dict_flatten_with_keys(d)[0], [d.default_factory, list(d.keys())]),
)  # fmt: skip
_private_register_pytree_node(
    deque, lambda d: (list(d), d.maxlen), lambda values, n: deque(values, maxlen=n),
    serialized_type_name="collections.deque", flatten_with_keys_fn=lambda d: (_indexed(d), d.maxlen),
)  # fmt: skip
_private_register_pytree_node(
    Size, lambda x: (list(x), None), lambda values, _: Size(values), serialized_type_name="torch.Size",
    flatten_with_keys_fn=lambda x: (_indexed(x), None),
)  # fmt: skip

STANDARD_DICT_TYPES = frozenset({dict, OrderedDict, defaultdict})
BUILTIN_TYPES = frozenset({tuple, list, dict, namedtuple, OrderedDict, defaultdict, deque})


def _get_node_type(tree: Any) -> Any:
    """The key of a tree's root in the table of nodes."""
    node_type = type(tree)
    if node_type in SUPPORTED_NODES:
        return node_type
    if is_namedtuple_class(node_type):
        return namedtuple
    if issubclass(node_type, _Result):
        _private_register_pytree_node(
            node_type, lambda x: (list(x), None), lambda values, _: node_type(values),
            serialized_type_name=f"torch.return_types.{node_type.__name__}",
            flatten_with_keys_fn=lambda x: (_indexed(x), None),
        )  # fmt: skip
    return node_type


# -- specs -------------------------------------------------------------------------------------------------------------


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


# -- flatten, unflatten ------------------------------------------------------------------------------------------------


def tree_is_leaf(tree: Any, is_leaf: IsLeaf = None) -> bool:
    """Whether a tree is a leaf."""
    return (is_leaf is not None and is_leaf(tree)) or _get_node_type(tree) not in SUPPORTED_NODES


def _flatten(tree: Any, leaves: list[Any], is_leaf: IsLeaf) -> TreeSpec:
    if tree_is_leaf(tree, is_leaf):
        leaves.append(tree)
        return _LEAF_SPEC
    node_type = _get_node_type(tree)
    children, context = SUPPORTED_NODES[node_type].flatten_fn(tree)
    return TreeSpec(node_type, context, [_flatten(c, leaves, is_leaf) for c in children])


def tree_flatten(tree: Any, is_leaf: IsLeaf = None) -> tuple[list[Any], TreeSpec]:
    """``(leaves, spec)`` of a tree; ``is_leaf(x)`` may stop the descent."""
    leaves: list[Any] = []
    return leaves, _flatten(tree, leaves, is_leaf)


def tree_unflatten(leaves: Iterable[Any], treespec: TreeSpec) -> Any:
    """The tree of a spec with these leaves."""
    if not isinstance(treespec, TreeSpec):
        raise TypeError(f"Expected `treespec` to be an instance of PyTreeSpec but got item of type {type(treespec)}.")
    return treespec.unflatten(leaves)


def tree_iter(tree: Any, is_leaf: IsLeaf = None) -> Iterable[Any]:
    """The leaves, one after another."""
    if tree_is_leaf(tree, is_leaf):
        yield tree
        return
    for child in SUPPORTED_NODES[_get_node_type(tree)].flatten_fn(tree)[0]:
        yield from tree_iter(child, is_leaf)


def tree_leaves(tree: Any, is_leaf: IsLeaf = None) -> list[Any]:
    """The leaves."""
    return list(tree_iter(tree, is_leaf))


def tree_structure(tree: Any, is_leaf: IsLeaf = None) -> TreeSpec:
    """The spec."""
    return tree_flatten(tree, is_leaf)[1]


def arg_tree_leaves(*args: Any, **kwargs: Any) -> list[Any]:
    """The leaves of a call's arguments."""
    return [leaf for a in (*args, *kwargs.values()) for leaf in tree_iter(a)]


def tree_map(func: Callable[..., Any], tree: Any, *rests: Any, is_leaf: IsLeaf = None) -> Any:
    """The tree of ``func(leaf, *corresponding parts of rests)``."""
    leaves, spec = tree_flatten(tree, is_leaf)
    return spec.unflatten(list(map(func, leaves, *(spec.flatten_up_to(r) for r in rests))))


def tree_map_(func: Callable[..., Any], tree: Any, *rests: Any, is_leaf: IsLeaf = None) -> Any:
    """Call ``func`` as :func:`tree_map` does, for what it does to the leaves; returns the tree itself."""
    leaves, spec = tree_flatten(tree, is_leaf)
    deque(map(func, leaves, *(spec.flatten_up_to(r) for r in rests)), maxlen=0)
    return tree


def _predicate(wanted: Any) -> Callable[[Any], bool]:
    if isinstance(wanted, (type, tuple, types.UnionType)):
        return lambda x: isinstance(x, wanted)
    if callable(wanted):
        return wanted  # type: ignore[no-any-return]
    raise TypeError("Argument must be a type, a tuple of types, or a callable.")


def map_only(type_or_types_or_pred: Any, /) -> Callable[[Callable[[Any], Any]], Callable[[Any], Any]]:
    """Decorator: a function that leaves everything alone that is not of a type (or does not fulfil a predicate)."""
    wanted = _predicate(type_or_types_or_pred)

    def wrap(func: Callable[[Any], Any]) -> Callable[[Any], Any]:
        @functools.wraps(func)
        def wrapped(x: Any) -> Any:
            return func(x) if wanted(x) else x

        return wrapped

    return wrap


def tree_map_only(type_or_types_or_pred: Any, /, func: Callable[[Any], Any], tree: Any, is_leaf: IsLeaf = None) -> Any:
    """:func:`tree_map` for leaves of a type (or that fulfil a predicate); the others stay."""
    wanted = _predicate(type_or_types_or_pred)
    return tree_map(lambda x: func(x) if wanted(x) else x, tree, is_leaf=is_leaf)


def tree_map_only_(type_or_types_or_pred: Any, /, func: Callable[[Any], Any], tree: Any, is_leaf: IsLeaf = None) -> Any:
    """:func:`tree_map_` for leaves of a type (or that fulfil a predicate)."""
    wanted = _predicate(type_or_types_or_pred)
    return tree_map_(lambda x: func(x) if wanted(x) else x, tree, is_leaf=is_leaf)


def tree_all(pred: Callable[[Any], bool], tree: Any, is_leaf: IsLeaf = None) -> bool:
    """Whether all leaves fulfil a predicate."""
    return all(map(pred, tree_iter(tree, is_leaf)))


def tree_any(pred: Callable[[Any], bool], tree: Any, is_leaf: IsLeaf = None) -> bool:
    """Whether some leaf fulfils a predicate."""
    return any(map(pred, tree_iter(tree, is_leaf)))


def tree_all_only(type_or_types: Any, /, pred: Callable[[Any], bool], tree: Any, is_leaf: IsLeaf = None) -> bool:
    """Whether all leaves of a type fulfil a predicate."""
    return all(pred(x) for x in tree_iter(tree, is_leaf) if isinstance(x, type_or_types))


def tree_any_only(type_or_types: Any, /, pred: Callable[[Any], bool], tree: Any, is_leaf: IsLeaf = None) -> bool:
    """Whether some leaf of a type fulfils a predicate."""
    return any(pred(x) for x in tree_iter(tree, is_leaf) if isinstance(x, type_or_types))


def _broadcast_to_and_flatten(tree: Any, treespec: TreeSpec, is_leaf: IsLeaf = None) -> list[Any] | None:
    """The leaves of a tree that may be a prefix of a spec, each as often as the spec has leaves there; None if it is not."""
    if tree_is_leaf(tree, is_leaf):
        return [tree] * treespec.num_leaves
    if treespec.is_leaf():
        return None
    node_type = _get_node_type(tree)
    if node_type != treespec.type:
        return None
    children, context = SUPPORTED_NODES[node_type].flatten_fn(tree)
    if len(children) != treespec.num_children or context != treespec.context:
        return None
    result: list[Any] = []
    for child, spec in zip(children, treespec.children(), strict=True):
        part = _broadcast_to_and_flatten(child, spec, is_leaf)
        if part is None:
            return None
        result += part
    return result


# -- paths -------------------------------------------------------------------------------------------------------------


def _paths(path: KeyPath, tree: Any, is_leaf: IsLeaf) -> Iterable[tuple[KeyPath, Any]]:
    if tree_is_leaf(tree, is_leaf):
        yield path, tree
        return
    node_type = _get_node_type(tree)
    with_keys = SUPPORTED_NODES[node_type].flatten_with_keys_fn
    if with_keys is None:
        raise ValueError(
            f"Did not find a flatten_with_keys_fn for type: {node_type}. Please pass a flatten_with_keys_fn argument to "
            "register_pytree_node."
        )
    for key, child in with_keys(tree)[0]:
        yield from _paths((*path, key), child, is_leaf)


def tree_flatten_with_path(tree: Any, is_leaf: IsLeaf = None) -> tuple[list[tuple[KeyPath, Any]], TreeSpec]:
    """``([(path, leaf), ...], spec)`` of a tree."""
    spec = tree_structure(tree, is_leaf)
    return list(_paths((), tree, is_leaf)), spec


def tree_leaves_with_path(tree: Any, is_leaf: IsLeaf = None) -> list[tuple[KeyPath, Any]]:
    """``[(path, leaf), ...]`` of a tree."""
    return list(_paths((), tree, is_leaf))


def tree_map_with_path(func: Callable[..., Any], tree: Any, *rests: Any, is_leaf: IsLeaf = None) -> Any:
    """The tree of ``func(path, leaf, *corresponding parts of rests)``."""
    found, spec = tree_flatten_with_path(tree, is_leaf)
    columns = list(zip(*found, strict=True)) or [(), ()]
    return spec.unflatten(list(map(func, *columns, *(spec.flatten_up_to(r) for r in rests))))


def keystr(kp: KeyPath) -> str:
    """A path as Python would write it."""
    return "".join(str(k) for k in kp)


def key_get(obj: Any, kp: KeyPath) -> Any:
    """What a path leads to."""
    for k in kp:
        obj = k.get(obj)
    return obj


# -- text --------------------------------------------------------------------------------------------------------------


class _Star:
    def __repr__(self) -> str:
        return "*"


def treespec_pprint(treespec: TreeSpec) -> str:
    """A spec as its tree with stars for leaves."""
    return repr(tree_unflatten([_Star()] * treespec.num_leaves, treespec))


def _to_schema(treespec: TreeSpec) -> dict[str, Any]:
    if treespec.is_leaf():
        return {"type": None, "context": None, "children_spec": []}
    if treespec.type not in SUPPORTED_SERIALIZED_TYPES:
        raise NotImplementedError(f"Serializing {treespec.type} in pytree is not registered.")
    node = SUPPORTED_SERIALIZED_TYPES[treespec.type]
    if node.serialized_type_name == NO_SERIALIZED_TYPE_NAME_FOUND:
        raise NotImplementedError(
            f"No registered serialization name for {treespec.type} found. Please update your _register_pytree_node call "
            "with a `serialized_type_name` kwarg."
        )
    context = treespec.context
    if node.to_dumpable_context is None:
        try:
            dumped = json.dumps(context)
        except TypeError as error:
            raise TypeError(
                "Unable to serialize context. Please make the context json dump-able, or register a custom serializer "
                "using _register_pytree_node."
            ) from error
    else:
        dumped = node.to_dumpable_context(context)
    children = [_to_schema(c) for c in treespec.children()]
    return {"type": node.serialized_type_name, "context": dumped, "children_spec": children}


def treespec_dumps(treespec: TreeSpec, protocol: int | None = None) -> str:
    """A spec as JSON.

    Raises:
        TypeError: no spec. ValueError: an unknown protocol. NotImplementedError: a class without a name.
    """
    if not isinstance(treespec, TreeSpec):
        raise TypeError(f"Expected `treespec` to be an instance of PyTreeSpec but got item of type {type(treespec)}.")
    chosen = DEFAULT_TREESPEC_SERIALIZATION_PROTOCOL if protocol is None else protocol
    if chosen != DEFAULT_TREESPEC_SERIALIZATION_PROTOCOL:
        raise ValueError(f"Unknown protocol {chosen}. Available protocols: [1]")
    return json.dumps((chosen, _to_schema(treespec)))


def _from_schema(data: Mapping[str, Any]) -> TreeSpec:
    if data["type"] is None and data["context"] is None and not data["children_spec"]:
        return _LEAF_SPEC
    if data["type"] not in SERIALIZED_TYPE_TO_PYTHON_TYPE:
        raise NotImplementedError(f"Deserializing {data['type']} in pytree is not registered.")
    cls = SERIALIZED_TYPE_TO_PYTHON_TYPE[data["type"]]
    load = SUPPORTED_SERIALIZED_TYPES[cls].from_dumpable_context
    if load is None:
        try:
            context = json.loads(data["context"])
        except TypeError as error:
            raise TypeError(
                "Unable to deserialize context. Please make the context json load-able, or register a custom serializer "
                "using _register_pytree_node."
            ) from error
    else:
        context = load(data["context"])
    return TreeSpec(cls, context, [_from_schema(c) for c in data["children_spec"]])


def treespec_loads(serialized: str) -> TreeSpec:
    """The spec of :func:`treespec_dumps`.

    Raises:
        ValueError: an unknown protocol.
    """
    protocol, schema = json.loads(serialized)
    if protocol != DEFAULT_TREESPEC_SERIALIZATION_PROTOCOL:
        raise ValueError(f"Unknown protocol {protocol}. Available protocols: [1]")
    return _from_schema(schema)


def pytree_to_str(treespec: TreeSpec) -> str:
    """Old name of :func:`treespec_dumps`."""
    warnings.warn("pytree_to_str is deprecated. Please use treespec_dumps", FutureWarning, stacklevel=2)
    return treespec_dumps(treespec)


def str_to_pytree(json: str) -> TreeSpec:
    """Old name of :func:`treespec_loads`."""
    warnings.warn("str_to_pytree is deprecated. Please use treespec_loads", FutureWarning, stacklevel=2)
    return treespec_loads(json)
