"""Nodes of a graph: one call, attribute, input or result each, in a doubly linked list."""

from __future__ import annotations

import builtins
import inspect
import types
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..tensor import overriding
from ..tensor.dtypes import dtype
from .immutable_collections import immutable_dict, immutable_list

if TYPE_CHECKING:
    from .graph import Graph

Argument = Any
Target = Callable[..., Any] | str
OPS = ("placeholder", "call_method", "call_module", "call_function", "get_attr", "output", "root")

_side_effectful: set[Any] = set()


def has_side_effect(fn: Any) -> Any:
    """Mark a function whose calls are kept though nobody uses the result; usable as a decorator."""
    _side_effectful.add(fn)
    return fn


def map_arg(a: Any, fn: Callable[[Node], Any]) -> Any:
    """An argument with ``fn`` of each node in the place of the node."""
    return map_aggregate(a, lambda x: fn(x) if isinstance(x, Node) else x)


def map_aggregate(a: Any, fn: Callable[[Any], Any]) -> Any:
    """An argument with ``fn`` of each leaf; lists and dicts become immutable ones."""
    if isinstance(a, tuple):
        mapped = [map_aggregate(x, fn) for x in a]
        return type(a)(*mapped) if hasattr(a, "_fields") else tuple(mapped)
    if isinstance(a, list):
        return immutable_list([map_aggregate(x, fn) for x in a])
    if isinstance(a, dict):
        return immutable_dict({k: map_aggregate(v, fn) for k, v in a.items()})
    if isinstance(a, slice):
        return slice(map_aggregate(a.start, fn), map_aggregate(a.stop, fn), map_aggregate(a.step, fn))
    return fn(a)


def qualified_name(f: Any) -> str:
    """Where generated code finds a function: ``torch.add``, ``operator.mul``, ``package.module.function``."""
    known = overriding.name_of(f)
    if known is not None:
        return known
    name, module = getattr(f, "__name__", type(f).__name__), getattr(f, "__module__", None)
    if getattr(builtins, name, None) is f:
        return str(name)
    if isinstance(f, (types.MethodDescriptorType, types.WrapperDescriptorType)):
        return f"{f.__objclass__.__module__}.{f.__objclass__.__qualname__}.{name}"
    if isinstance(module, str) and module.startswith("torchax_lite"):
        module = "torch" + module.removeprefix("torchax_lite")
    if module == "_operator":
        module = "operator"
    return f"{module}.{name}" if module else str(name)


_get_qualified_name = qualified_name


def type_text(o: Any) -> str:
    """A type as generated code writes it."""
    if isinstance(o, type) and o.__module__ in ("builtins", "typing"):
        return o.__name__
    if isinstance(o, type):
        name = "torch.Tensor" if o is overriding.dispatch.Tensor else f"{o.__module__}.{o.__qualname__}"
        return name.replace("torchax_lite", "torch")
    return repr(o).replace("torchax_lite.tensor.tensor.", "torch.")


class Node:
    """One step of a graph.

    Attributes:
        op: ``placeholder``, ``get_attr``, ``call_function``, ``call_method``, ``call_module`` or ``output``.
        target: the function, or the name of a method, attribute, module or input.
        args, kwargs: the arguments; nodes in them are the results of other steps.
        users: the nodes that use this one's result.
        meta: what passes know of the node (``meta["tensor_meta"]``, say).
    """

    def __init__(
        self, graph: Graph, name: str, op: str, target: Target, args: Any, kwargs: Any, return_type: Any = None
    ) -> None:
        if op not in OPS:
            raise AssertionError(f"invalid op {op!r}: one of {OPS} is wanted")
        if op == "call_function":
            if not callable(target):
                raise ValueError(f"Node [graph = {graph}, name = '{name}'] target {target} has type {type(target)} "
                                 "but a Callable is expected")  # fmt: skip
        elif not isinstance(target, str):
            raise ValueError(f"Node [graph = {graph}, name = '{name}'] target {target} has type {type(target)} "
                             "but a str is expected")  # fmt: skip
        self.graph = graph
        self.name = name
        self.op = op
        self.target = target
        self.type = return_type
        self.users: dict[Node, None] = {}
        self._input_nodes: dict[Node, None] = {}
        self._args: Any = ()
        self._kwargs: Any = immutable_dict()
        self._prev: Node = self
        self._next: Node = self
        self._erased = False
        self._repr_fn: Any = None
        self.meta: dict[str, Any] = {}
        self._update_args_kwargs(args, kwargs)

    # -- position ------------------------------------------------------------------------------------------------------

    @property
    def next(self) -> Node:
        """The node after this one."""
        return self._next

    @property
    def prev(self) -> Node:
        """The node before this one."""
        return self._prev

    def prepend(self, x: Node) -> None:
        """Move ``x`` in front of this node."""
        if x.graph is not self.graph:
            raise AssertionError("Attempting to move a Node into a different Graph")
        if x is self:
            return
        x._remove_from_list()
        before = self._prev
        before._next, x._prev = x, before
        x._next, self._prev = self, x

    def append(self, x: Node) -> None:
        """Move ``x`` behind this node."""
        if x is not self._next:
            self._next.prepend(x)

    def _remove_from_list(self) -> None:
        self._prev._next, self._next._prev = self._next, self._prev

    def __lt__(self, other: Node) -> bool:
        order = {n: i for i, n in enumerate(self.graph.nodes)}
        return order[self] < order[other]

    def __gt__(self, other: Node) -> bool:
        return other < self

    def __le__(self, other: Node) -> bool:
        return self is other or self < other

    def __ge__(self, other: Node) -> bool:
        return self is other or other < self

    # -- arguments -----------------------------------------------------------------------------------------------------

    @property
    def args(self) -> tuple[Any, ...]:
        """The positional arguments."""
        return self._args  # type: ignore[no-any-return]

    @args.setter
    def args(self, a: Any) -> None:
        self._update_args_kwargs(a, self._kwargs)

    @property
    def kwargs(self) -> dict[str, Any]:
        """The arguments by name."""
        return self._kwargs  # type: ignore[no-any-return]

    @kwargs.setter
    def kwargs(self, k: Any) -> None:
        self._update_args_kwargs(self._args, k)

    @property
    def all_input_nodes(self) -> list[Node]:
        """The nodes among the arguments, each once."""
        return list(self._input_nodes)

    def _update_args_kwargs(self, args: Any, kwargs: Any) -> None:
        for used in self._input_nodes:
            used.users.pop(self, None)
        self._input_nodes = {}

        def note(n: Node) -> Node:
            self._input_nodes.setdefault(n)
            n.users.setdefault(self)
            return n

        self._args = map_arg(tuple(args), note)
        self._kwargs = map_arg(dict(kwargs), note)

    def update_arg(self, idx: int, arg: Any) -> None:
        """Replace one positional argument."""
        args = list(self.args)
        args[idx] = arg
        self.args = tuple(args)

    def insert_arg(self, idx: int, arg: Any) -> None:
        """Insert a positional argument."""
        if not 0 <= idx <= len(self.args):
            raise AssertionError("insert_args index must be between 0 and len(self.args)")
        self.args = (*self.args[:idx], arg, *self.args[idx:])

    def update_kwarg(self, key: str, arg: Any) -> None:
        """Replace or add one argument by name."""
        self.kwargs = {**self.kwargs, key: arg}

    def replace_input_with(self, old_input: Node, new_input: Node) -> None:
        """Use ``new_input`` wherever this node used ``old_input``."""

        def swap(n: Node) -> Node:
            return new_input if n is old_input else n

        self._update_args_kwargs(map_arg(self.args, swap), map_arg(self.kwargs, swap))

    def replace_all_uses_with(
        self, replace_with: Node, delete_user_cb: Callable[[Node], bool] | None = None, *, propagate_meta: bool = False
    ) -> list[Node]:
        """Let the users of this node (those that ``delete_user_cb`` takes) use another one; returns them."""
        if propagate_meta:
            if replace_with.meta:
                raise AssertionError("Called node.replace_all_uses_with(replace_with, propagate_meta=True), but "
                                     "replace_with already has .meta keys")  # fmt: skip
            replace_with.meta.update(self.meta)
        changed = []
        for user in list(self.users):
            if delete_user_cb is None or delete_user_cb(user):
                user.replace_input_with(self, replace_with)
                changed.append(user)
        return changed

    def is_impure(self, impure_random: bool = True) -> bool:
        """Whether the node is kept although nobody uses its result."""
        if self.op in ("placeholder", "output"):
            return True
        if self.op == "call_function":
            if self.target in _side_effectful:
                return True
            name = qualified_name(self.target)
            if impure_random and name.rpartition(".")[2] in _RANDOM:
                return True
            return name.rpartition(".")[2].endswith("_") and name.startswith("torch.") and not name.endswith("__")
        if self.op == "call_method":
            return str(self.target).endswith("_") and not str(self.target).endswith("__")
        if self.op == "call_module":
            owner = self.graph.owning_module
            module = None if owner is None else owner.get_submodule(str(self.target))
            return bool(getattr(module, "_is_impure", False))
        return False

    def normalized_arguments(
        self, root: Any, arg_types: Any = None, kwarg_types: Any = None, normalize_to_only_use_kwargs: bool = False
    ) -> Any:
        """``(args, kwargs)`` by the signature of the callee, all by name if asked for; None where there is none."""
        from ..tensor.interception import original

        if self.op == "call_function":
            target: Any = original(self.target)
        elif self.op == "call_module":
            target = root.get_submodule(self.target).forward
        else:
            return None
        try:
            signature = inspect.signature(target)
            bound = signature.bind(*self.args, **self.kwargs)
        except (TypeError, ValueError):
            return None
        bound.apply_defaults()
        if not normalize_to_only_use_kwargs:
            return ArgsKwargsPair(bound.args, bound.kwargs)
        if any(p.kind is p.VAR_POSITIONAL for p in signature.parameters.values()):
            return None
        return ArgsKwargsPair((), dict(bound.arguments))

    # -- text ----------------------------------------------------------------------------------------------------------

    @property
    def stack_trace(self) -> str | None:
        """Where the traced program made this call, if the tracer recorded it."""
        return self.meta.get("stack_trace")

    @stack_trace.setter
    def stack_trace(self, trace: str | None) -> None:
        self.meta["stack_trace"] = trace

    def __repr__(self) -> str:
        return self._repr_fn(self) if self._repr_fn else self.name

    def _pretty_target(self) -> str:
        if isinstance(self.target, str):
            return self.target
        name = qualified_name(self.target)
        return f"builtins.{name}" if getattr(builtins, name, None) is self.target else name

    def format_node(
        self, placeholder_names: list[str] | None = None, maybe_return_typename: list[str] | None = None, *,
        include_tensor_metadata: bool = False,
    ) -> str | None:  # fmt: skip
        """The node as a line of text."""
        typed = f"{type_text(self.type)} " if self.type else ""
        tail = self._metadata_text() if include_tensor_metadata else ""
        if self.op == "placeholder":
            if placeholder_names is not None:
                placeholder_names.append(str(self.target) + (f" : {type_text(self.type)}" if self.type else ""))
            default = f"(default={self.args[0]})" if self.args else ""
            return (
                f"%{self.name} : {typed}[num_users={len(self.users)}] = {self.op}[target={self.target}]{default}{tail}"
            )
        if self.op == "get_attr":
            return f"%{self.name} : {typed}[num_users={len(self.users)}] = {self.op}[target={self.target}]{tail}"
        if self.op == "output":
            if self.type and maybe_return_typename is not None:
                maybe_return_typename[0] = f" -> {type_text(self.type)}"
            return f"return {self.args[0]}"
        return (
            f"%{self.name} : {typed}[num_users={len(self.users)}] = {self.op}[target={self._pretty_target()}]"
            f"(args = {_show(self.args)}, kwargs = {_show(self.kwargs)}){tail}"
        )

    def _metadata_text(self) -> str:
        found = self.meta.get("tensor_meta")
        return "" if found is None else f" | {found.dtype}{list(found.shape)}"


class ArgsKwargsPair(tuple[Any, ...]):
    """Arguments by position and by name."""

    __slots__ = ()

    def __new__(cls, args: Any, kwargs: Any) -> ArgsKwargsPair:
        return super().__new__(cls, (args, kwargs))

    @property
    def args(self) -> Any:
        return self[0]

    @property
    def kwargs(self) -> Any:
        return self[1]


def _show(a: Any) -> str:
    if isinstance(a, Node):
        return f"%{a.name}"
    if isinstance(a, tuple):
        return f"({', '.join(map(_show, a))}{',' if len(a) == 1 else ''})"
    if isinstance(a, list):
        return f"[{', '.join(map(_show, a))}]"
    if isinstance(a, dict):
        return "{" + ", ".join(f"{k}: {_show(v)}" for k, v in a.items()) + "}"
    if isinstance(a, dtype):
        return repr(a)
    return str(a)


_RANDOM = {
    "rand", "randn", "randint", "randperm", "rand_like", "randn_like", "randint_like", "normal", "bernoulli", "poisson",
    "multinomial", "dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "feature_alpha_dropout", "rrelu",
}  # fmt: skip
