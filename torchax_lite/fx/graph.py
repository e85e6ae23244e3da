"""Graphs: lists of nodes, and the Python code that they stand for."""

from __future__ import annotations

import builtins
import contextlib
import keyword
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torchax_lite as torch

from .node import Node, Target, map_arg, qualified_name, type_text
from .proxy import INPLACE, MAGIC

_ILLEGAL = re.compile("[^0-9a-zA-Z_]+")
_SUFFIX = re.compile(r"(.*)_(\d+)$")


class _Namespace:
    """Names in use, and fresh ones."""

    def __init__(self) -> None:
        self._used: set[str] = set()
        self._base_count: dict[str, int] = {}
        self._by_object: dict[Any, str] = {}

    def create_name(self, candidate: str, obj: Any) -> str:
        """A name like ``candidate`` that is free, is no keyword and hides no builtin."""
        if obj is not None and id(obj) in self._by_object:
            return self._by_object[id(obj)]
        candidate = _ILLEGAL.sub("_", candidate) or "_unnamed"
        if candidate[0].isdigit():
            candidate = f"_{candidate}"
        match = _SUFFIX.match(candidate)
        base, number = (candidate, None) if match is None else (match.group(1), int(match.group(2)))
        name = candidate if number is None else f"{base}_{number}"
        count = number or 0
        while name in self._used or self._illegal(name, obj):
            count = max(count, self._base_count.get(base, 0)) + 1
            name = f"{base}_{count}"
        self._used.add(name)
        self._base_count[base] = max(count, self._base_count.get(base, 0))
        if obj is not None:
            self._by_object[id(obj)] = name
        return name

    def associate(self, name: str, obj: Any) -> None:
        """Give an object a name that was made without it."""
        self._by_object[id(obj)] = name

    def _illegal(self, name: str, obj: Any) -> bool:
        if name in keyword.kwlist:
            return True
        if name in builtins.__dict__:
            return builtins.__dict__[name] is not obj
        return name in _GLOBALS and _GLOBALS[name] is not obj


_GLOBALS: dict[str, Any] = {
    "inf": math.inf, "nan": math.nan, "NoneType": type(None), "torch": torch, "device": torch.device,
}  # fmt: skip


@dataclass
class PythonCode:
    """Source of a ``forward`` function and the globals that it needs."""

    src: str
    globals: dict[str, Any]


class CodeGen:
    """Turns a graph into the source of a function. Subclasses may change its parameters and results."""

    def gen_fn_def(self, free_vars: list[str], maybe_return_annotation: str, *, expanded_def: bool = False) -> str:
        """The line that begins the function."""
        if not free_vars or free_vars[0] != "self":
            free_vars = ["self", *free_vars]
        return f"def forward({', '.join(free_vars)}){maybe_return_annotation}:"

    def generate_output(self, output_args: Any, *, descs: Any = None, repr_fn: Callable[[Any], str] = repr) -> str:
        """The line that ends it."""
        return f"return {repr_fn(output_args)}"

    def process_inputs(self, *args: Any) -> Any:
        """The caller's arguments as the graph's."""
        return args

    def process_outputs(self, outputs: Any) -> Any:
        """The graph's result as the caller's."""
        return outputs

    def additional_globals(self) -> list[tuple[str, Any]]:
        """Further names for the generated code."""
        return []

    def _gen_python_code(
        self, nodes: Any, root: str, names: _Namespace, details: Callable[[Node], tuple[str, str]] | None = None
    ) -> PythonCode:
        """`details` gives a node's line of comment and its annotation, where it has none of its own."""
        globals_: dict[str, Any] = {}
        wrapped: dict[str, None] = {}
        free_vars: list[str] = []
        annotation = ""

        def add_global(hint: str, obj: Any) -> str:
            if qualified(obj).startswith("torch.") or hint.startswith("torch."):
                globals_.setdefault("torch", torch)
                return hint
            for name, known in globals_.items():
                if known is obj:
                    return name
            name = names.create_name(hint.replace(".", "_"), None)
            globals_[name] = obj
            return name

        def qualified(obj: Any) -> str:
            return qualified_name(obj) if callable(obj) and not isinstance(obj, type) else ""

        def show(a: Any) -> str:
            if isinstance(a, Node):
                return repr(a)
            if isinstance(a, tuple) and hasattr(a, "_fields"):
                return f"{add_global(type(a).__name__, type(a))}({', '.join(map(show, a))})"
            if isinstance(a, torch.Size):
                globals_.setdefault("torch", torch)
                return f"torch.Size({list(a)})"
            if isinstance(a, tuple):
                return f"({', '.join(map(show, a))}{',' if len(a) == 1 else ''})"
            if isinstance(a, list):
                return f"[{', '.join(map(show, a))}]"
            if isinstance(a, dict):
                return "{" + ", ".join(f"{show(k)}: {show(v)}" for k, v in a.items()) + "}"
            if isinstance(a, slice):
                return f"slice({show(a.start)}, {show(a.stop)}, {show(a.step)})"
            if isinstance(a, float) and not math.isfinite(a):
                globals_.setdefault(str(abs(a)), abs(a))
                return repr(a)
            if isinstance(a, torch.device):
                globals_.setdefault("device", torch.device)
                return repr(a)
            if isinstance(a, (torch.dtype, torch.layout, torch.memory_format)):
                globals_.setdefault("torch", torch)
                return repr(a)
            if isinstance(a, type):
                text = type_text(a)
                if text.startswith("torch."):
                    globals_.setdefault("torch", torch)
                    return text
                return a.__name__ if a.__module__ == "builtins" else add_global(a.__name__, a)
            if callable(a) and not isinstance(a, (str, bytes)):
                return function(a)
            return repr(a)

        def function(f: Any) -> str:
            name = qualified_name(f)
            if getattr(builtins, name, None) is f:
                return name
            return add_global(name, f)

        def annotated(t: Any) -> str:
            text = type_text(t)
            if text.startswith("torch.") or isinstance(t, type):
                return f" : {show(t)}" if isinstance(t, type) else f" : {text}"
            return f" : {add_global('type', t)}"

        last_use: dict[Node, Node] = {}
        dying: dict[Node, list[Node]] = {}
        for node in reversed(list(nodes)):
            for used in node.all_input_nodes:
                if used not in last_use:
                    last_use[used] = node
                    dying.setdefault(node, []).append(used)

        body: list[str] = []

        def delete_unused(user: Node) -> None:
            """Names that are not used any more are set to None, so that their memory can be taken."""
            if user.op in ("placeholder", "output"):
                body.append("\n")
                return
            gone = list(dying.get(user, []))
            if not user.users:
                gone.append(user)
            if gone:
                body.append(";  " + " = ".join([*(repr(n) for n in gone), "None"]) + "\n")
            else:
                body.append("\n")

        for node in nodes:
            comment, described = details(node) if details is not None else ("", "")
            typed = annotated(node.type) if node.type is not None else described
            target = node.target
            body.append(comment)
            if node.op == "placeholder":
                default = f" = {show(node.args[0])}" if node.args else ""
                free_vars.append(f"{target}{typed}{default}")
                raw = str(target).replace("*", "")
                if raw != repr(node):
                    body.append(f"{node!r} = {raw}\n")
                continue
            if node.op == "output":
                if node.type is not None:
                    annotation = f" -> {annotated(node.type).removeprefix(' : ')}"
                body.append(self.generate_output(node.args[0], repr_fn=show))
                continue
            if node.op == "call_method":
                call = f"{_attribute(show(node.args[0]), str(target))}({_arguments(node.args[1:], node.kwargs, show)})"
                body.append(f"{node!r}{typed} = {call}")
            elif node.op == "call_function":
                body.append(self._call_function(node, typed, show, function, wrapped))
            elif node.op == "call_module":
                call = f"{_attribute(root, str(target))}({_arguments(node.args, node.kwargs, show)})"
                body.append(f"{node!r}{typed} = {call}")
            elif node.op == "get_attr":
                body.append(f"{node!r}{typed} = {_attribute(root, str(target))}")
            delete_unused(node)

        for name, obj in self.additional_globals():
            globals_[name] = obj
        wraps = "".join(f"wrap('{name}')\n" for name in wrapped)
        text = "".join(body) or "pass\n"
        code = "\n".join("    " + line for line in text.split("\n"))
        head = self.gen_fn_def(free_vars, annotation)
        return PythonCode(
            f"\n{wraps}\n\n{head}\n{code}\n    " if text.endswith("\n") is False else f"\n{wraps}\n\n{head}\n{code}",
            globals_,
        )

    def _call_function(self, node: Node, typed: str, show: Any, function: Any, wrapped: dict[str, None]) -> str:
        target: Any = node.target
        name = getattr(target, "__name__", "")
        module = getattr(target, "__module__", "")
        if module == "_operator" and name in MAGIC and not node.kwargs:
            return f"{node!r}{typed} = {MAGIC[name].format(*(show(a) for a in node.args))}"
        if module == "_operator" and name in INPLACE and not node.kwargs:
            first, second = (show(a) for a in node.args)
            return f"{INPLACE[name].format(first, second)};  {node!r}{typed} = {first}"
        text = function(target)
        if getattr(target, "_fx_wrapped", False):
            wrapped[text] = None
        if (
            text == "getattr"
            and isinstance(node.args, tuple)
            and len(node.args) == 2
            and str(node.args[1]).isidentifier()
        ):
            return f"{node!r}{typed} = {_attribute(show(node.args[0]), str(node.args[1]))}"
        return f"{node!r}{typed} = {text}({_arguments(node.args, node.kwargs, show)})"


def _attribute(root: str, target: str) -> str:
    """``root.a.b``, by getattr where a part is no identifier."""
    text = root
    for part in target.split("."):
        text = f"{text}.{part}" if part.isidentifier() and not keyword.iskeyword(part) else f'getattr({text}, "{part}")'
    return text


def _arguments(args: Any, kwargs: Any, show: Callable[[Any], str]) -> str:
    return ", ".join([*map(show, args), *(f"{k} = {show(v)}" for k, v in kwargs.items())])


class _node_list:
    """The nodes of a graph in order."""

    def __init__(self, graph: Graph, direction: str = "_next") -> None:
        self.graph, self.direction = graph, direction

    def __len__(self) -> int:
        return self.graph._len

    def __iter__(self) -> Iterator[Node]:
        root = self.graph._root
        node = getattr(root, self.direction)
        while node is not root:
            following = getattr(node, self.direction)
            if not node._erased:
                yield node
            node = following if not node._erased else getattr(node, self.direction)

    def __reversed__(self) -> _node_list:
        return _node_list(self.graph, "_next" if self.direction == "_prev" else "_prev")


class _InsertPoint:
    def __init__(self, graph: Graph, insert: Callable[[Node], None]) -> None:
        self.graph, self.saved = graph, graph._insert
        graph._insert = insert

    def __enter__(self) -> None:
        pass

    def __exit__(self, *exc: Any) -> None:
        self.graph._insert = self.saved


class Graph:
    """A function as a list of nodes: inputs first, one output last.

    Args:
        owning_module: the module whose parameters and submodules the nodes name.
        tracer_cls: the class of tracer that made the graph, used again when it is unpickled.
        tracer_extras: arguments for that tracer.
    """

    def __init__(
        self, owning_module: Any = None, tracer_cls: Any = None, tracer_extras: dict[str, Any] | None = None
    ) -> None:
        self._root = Node(self, "", "root", "", (), {})
        self._insert: Callable[[Node], None] = self._root.prepend
        self._len = 0
        self._graph_namespace = _Namespace()
        self.owning_module = owning_module
        self._tracer_cls = tracer_cls
        self._tracer_extras = tracer_extras
        self._codegen = CodeGen()

    @property
    def nodes(self) -> _node_list:
        """The nodes in order; ``reversed`` works, and nodes may be erased while this is iterated."""
        return _node_list(self)

    # -- making nodes --------------------------------------------------------------------------------------------------

    def create_node(
        self, op: str, target: Target, args: Any = None, kwargs: Any = None, name: str | None = None,
        type_expr: Any = None,
    ) -> Node:  # fmt: skip
        """A new node at the insertion point (the end, by default)."""
        candidate = name if name is not None else self._target_to_str(target)
        node = Node(
            self, self._graph_namespace.create_name(candidate, None), op, target, args or (), kwargs or {}, type_expr
        )
        self._graph_namespace.associate(node.name, node)
        self._insert(node)
        self._len += 1
        return node

    def _target_to_str(self, target: Target) -> str:
        if callable(target):
            text = getattr(target, "__name__", type(target).__name__)
        else:
            text = target.replace(".", "_")
            if text.startswith("__") and text.endswith("__"):
                text = text[2:-2]
        text = text.lstrip("*")
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", text).lower() if not text.startswith("_") else text.lower()

    def placeholder(self, name: str, type_expr: Any = None, default_value: Any = ...) -> Node:
        """An input of the function."""
        args = () if default_value is ... else (default_value,)
        return self.create_node("placeholder", name, args=args, type_expr=type_expr)

    def get_attr(self, qualified_name: str, type_expr: Any = None) -> Node:
        """A parameter, buffer or attribute of the owning module."""
        return self.create_node("get_attr", qualified_name, type_expr=type_expr)

    def call_module(self, module_name: str, args: Any = None, kwargs: Any = None, type_expr: Any = None) -> Node:
        """A call of a submodule."""
        return self.create_node("call_module", module_name, args, kwargs, type_expr=type_expr)

    def call_method(self, method_name: str, args: Any = None, kwargs: Any = None, type_expr: Any = None) -> Node:
        """A call of a method of the first argument."""
        return self.create_node("call_method", method_name, args, kwargs, type_expr=type_expr)

    def call_function(
        self, the_function: Callable[..., Any], args: Any = None, kwargs: Any = None, type_expr: Any = None,
        name: str | None = None,
    ) -> Node:  # fmt: skip
        """A call of a function."""
        return self.create_node("call_function", the_function, args, kwargs, name=name, type_expr=type_expr)

    def output(self, result: Any, type_expr: Any = None) -> Node:
        """The result of the function."""
        return self.create_node("output", "output", (result,), type_expr=type_expr)

    def output_node(self) -> Node:
        """The node of the result."""
        node = next(iter(reversed(self.nodes)))
        if node.op != "output":
            raise AssertionError("the graph has no output node at its end")
        return node

    def find_nodes(self, *, op: str, target: Any = None, sort: bool = True) -> list[Node]:
        """The nodes of a kind, with a target if one is given, in order."""
        if op == "call_function" and target is None:
            raise AssertionError("find_nodes of op call_function needs a target")
        return [n for n in self.nodes if n.op == op and (target is None or n.target == target)]

    def node_copy(self, node: Node, arg_transform: Callable[[Node], Any] = lambda x: x) -> Node:
        """A copy of another graph's node; ``arg_transform`` gives this graph's node for each of its arguments."""
        args, kwargs = map_arg(node.args, arg_transform), map_arg(node.kwargs, arg_transform)
        made = self.create_node(node.op, node.target, args, kwargs, node.name, node.type)
        made.meta = dict(node.meta)
        return made

    def graph_copy(self, g: Graph, val_map: dict[Node, Node], return_output_node: bool = False) -> Any:
        """Copy all nodes of ``g`` to the insertion point; returns what its output would be here."""
        for node in g.nodes:
            if node in val_map:
                continue
            if node.op == "output":
                value = map_arg(node.args[0], lambda n: val_map[n])
                return (value, node) if return_output_node else value
            val_map[node] = self.node_copy(node, lambda n: val_map[n])
        return None

    def __deepcopy__(self, memo: Any = None) -> Graph:
        memo = memo if memo else {}
        made = Graph(tracer_cls=self._tracer_cls)
        found = made.graph_copy(self, val_map=memo, return_output_node=True)
        if isinstance(found, tuple):
            made.output(found[0], type_expr=found[1].type)
        made._codegen = self._codegen
        return made

    # -- changing ------------------------------------------------------------------------------------------------------

    def inserting_before(self, n: Node | None = None) -> _InsertPoint:
        """New nodes go in front of ``n`` (the beginning, if None): for good, or within the ``with`` block."""
        if n is None:
            return self.inserting_after(self._root)
        if n.graph is not self:
            raise AssertionError("Node to insert before is not in graph.")
        return _InsertPoint(self, n.prepend)

    def inserting_after(self, n: Node | None = None) -> _InsertPoint:
        """New nodes go behind ``n`` (the end, if None)."""
        if n is None:
            return self.inserting_before(self._root)
        if n.graph is not self:
            raise AssertionError("Node to insert after is not in graph.")
        return _InsertPoint(self, n.append)

    def erase_node(self, to_erase: Node) -> None:
        """Take a node out, which nobody may use."""
        if to_erase.users:
            raise RuntimeError(
                f"Tried to erase Node {to_erase} but it still had {len(to_erase.users)} users in the graph: "
                f"{to_erase.users}!"
            )
        if to_erase.graph is not self:
            raise RuntimeError(f"Attempting to remove {to_erase} from wrong graph!")
        if to_erase._erased:
            return
        to_erase._remove_from_list()
        to_erase._erased = True
        self._len -= 1
        to_erase._update_args_kwargs((), {})

    def eliminate_dead_code(self, is_impure_node: Callable[[Node], bool] | None = None) -> bool:
        """Erase the nodes whose result nobody uses and that have no effect; whether there were any."""
        self.lint()
        impure = is_impure_node or (lambda n: n.is_impure())
        changed = False
        for node in reversed(self.nodes):
            if not node.users and not impure(node):
                self.erase_node(node)
                changed = True
        return changed

    def lint(self) -> None:
        """Check that names are unique, nodes are used after they are defined, and targets exist in the module."""
        seen: set[Node] = set()
        names: set[str] = set()
        for node in self.nodes:
            if node.graph is not self:
                raise RuntimeError(f"Node '{node}' does not belong to this Graph!")
            for used in node.all_input_nodes:
                if used.graph is not self:
                    raise RuntimeError(f"Argument '{used}' of Node '{node}' does not belong to this Graph, but was used "
                                       "as an argument! If you are copying nodes from another graph, make sure to use "
                                       "``arg_transform`` on node_copy() to remap values")  # fmt: skip
                if used not in seen:
                    raise RuntimeError(f"Argument '{used}' of Node '{node}' was used before it has been defined! Please "
                                       f"check that Nodes in the graph are topologically ordered\n{self}")  # fmt: skip
            if node.name in names:
                raise RuntimeError(f"Node redefined name {node.name}!")
            names.add(node.name)
            seen.add(node)
            if node.op in ("get_attr", "call_module") and self.owning_module is not None:
                self._check_target(node)

    def _check_target(self, node: Node) -> None:
        current: Any = self.owning_module
        for part in str(node.target).split("."):
            if not hasattr(current, part):
                raise RuntimeError(
                    f"Node {node} target {node.target} references nonexistent attribute {part} of {current}"
                )
            current = getattr(current, part)
        if node.op == "call_module" and not isinstance(current, torch.nn.Module):
            raise RuntimeError(f"Node {node} target {node.target} does not reference an nn.Module")

    # -- code ----------------------------------------------------------------------------------------------------------

    def python_code(
        self, root_module: str, *, verbose: bool = False, include_stride: bool = False, include_device: bool = False,
        colored: bool = False, **kwargs: Any,
    ) -> PythonCode:  # fmt: skip
        """Source of a function that does what the graph says; ``root_module`` is what the module is called in it.

        Args:
            verbose: with comments on where the nodes come from (``stack_trace``), and annotations of dtype and shape
                where the nodes' ``meta`` says them.
            include_stride, include_device: the annotations have strides and devices too.
        """
        if colored:
            raise NotImplementedError("Graph.python_code(colored=True)")
        details = described(include_stride, include_device) if verbose or include_stride or include_device else None
        return self._codegen._gen_python_code(self.nodes, root_module, _copied(self._graph_namespace), details)

    def set_codegen(self, codegen: CodeGen) -> None:
        """Let ``codegen`` write the code from now on."""
        self._codegen = codegen

    @contextlib.contextmanager
    def on_generate_code(self, make_transformer: Any) -> Iterator[None]:
        """Not supported."""
        raise NotImplementedError("Graph.on_generate_code: set a CodeGen subclass with Graph.set_codegen instead")
        yield

    def process_inputs(self, *args: Any) -> Any:
        """The caller's arguments as the graph's."""
        return self._codegen.process_inputs(*args)

    def process_outputs(self, out: Any) -> Any:
        """The graph's result as the caller's."""
        return self._codegen.process_outputs(out)

    def __str__(self) -> str:
        names: list[str] = []
        returned = [""]
        lines = [text for n in self.nodes if (text := n.format_node(names, returned)) is not None]
        return f"graph():{''.join(chr(10) + '    ' + line for line in lines)}"

    __repr__ = __str__

    def print_tabular(self) -> None:
        """Print the nodes as a table."""
        rows = [[n.op, n.name, str(n.target), str(n.args), str(n.kwargs)] for n in self.nodes]
        head = ["opcode", "name", "target", "args", "kwargs"]
        widths = [max(len(r[i]) for r in [head, *rows]) for i in range(5)]
        lines = [head, ["-" * w for w in widths], *rows]
        print("\n".join("  ".join(c.ljust(w) for c, w in zip(r, widths, strict=True)).rstrip() for r in lines))


_SHORT = {
    "bfloat16": "bf16", "float64": "f64", "float32": "f32", "float16": "f16", "complex64": "c64", "complex128": "c128",
    "int8": "i8", "int16": "i16", "int32": "i32", "int64": "i64", "bool": "b8", "uint8": "u8", "uint16": "u16",
    "uint32": "u32", "uint64": "u64",
}  # fmt: skip


def described(stride: bool, device: bool) -> Callable[[Node], tuple[str, str]]:
    """What tells of each node, asked in their order, where it comes from (a line of comment) and what its value is."""
    last: str | None = None

    def comment(node: Node) -> str:
        nonlocal last
        trace = node.stack_trace or ""
        if node.op in ("placeholder", "output") or trace == last:
            return ""
        last = trace
        if not trace:
            return "# No stacktrace found for following nodes\n"
        found = re.findall(r'File "(.*)", line (\d+), in (.*)\n\s*(.*)', trace)
        file, line, function, code = found[-1] if found else ("?", "0", "?", "")
        return f"# File: {file}:{line} in {function}, code: {code}\n"

    def annotation(node: Node) -> str:
        value: Any = node.meta.get("val", node.meta.get("tensor_meta"))
        if not hasattr(value, "dtype") or not hasattr(value, "shape"):
            return ""
        name = str(value.dtype).removeprefix("torch.")
        text = f"{_SHORT.get(name, name)}{list(value.shape)}"
        if isinstance(value, torch.Tensor):
            text += (str(list(value.stride())) if stride else "") + (str(value.device) if device else "")
        return f': "{text}"'

    return lambda node: (comment(node), annotation(node))


def _copied(namespace: _Namespace) -> _Namespace:
    made = _Namespace()
    made._used, made._base_count = set(namespace._used), dict(namespace._base_count)
    return made
