"""Which classes are nodes of trees: the table of them, how each is taken apart, and the keys of its children."""

from __future__ import annotations

import dataclasses
import importlib
import threading
import warnings
from collections import OrderedDict, defaultdict, deque, namedtuple
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from ..tensor.return_types import _Result
from ..tensor.size import Size

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
ToStrFunc = Callable[[Any, list[str]], str]
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
