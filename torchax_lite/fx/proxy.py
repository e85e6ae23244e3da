"""Proxies: stand for values while a program is traced, and record what is done with them."""

from __future__ import annotations

import dis
import inspect
import operator
import os
import sys
import traceback
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ..tensor import overriding
from .node import Node, map_aggregate

if TYPE_CHECKING:
    from .graph import Graph

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
"""Frames in here are no part of a node's stack trace."""

__all__ = ["Attribute", "GraphAppendingTracer", "ParameterProxy", "Proxy", "TraceError", "TracerBase"]


class TraceError(ValueError):
    """A program did something with a proxy that a graph cannot hold."""


TraceError.__module__ = "torch.fx.proxy"


class TracerBase:
    """What makes nodes of calls."""

    graph: Graph
    record_stack_traces = False
    check_mutable_operations = False
    trace_asserts = False
    proxy_buffer_attributes = False
    param_shapes_constant = False

    def create_node(
        self, kind: str, target: Any, args: Any, kwargs: Any, name: str | None = None, type_expr: Any = None
    ) -> Node:
        """A node at the end of the graph."""
        return self.graph.create_node(kind, target, args, kwargs, name, type_expr)

    def proxy(self, node: Node) -> Proxy:
        """What stands for a node's value."""
        return Proxy(node, self)

    def create_proxy(
        self, kind: str, target: Any, args: Any, kwargs: Any, name: str | None = None, type_expr: Any = None,
        proxy_factory_fn: Any = None,
    ) -> Any:  # fmt: skip
        """A node of these arguments (proxies among them become their nodes), and its proxy."""
        args_, kwargs_ = self.create_arg(args), self.create_arg(kwargs)
        if not isinstance(args_, tuple) or not isinstance(kwargs_, dict):
            raise AssertionError("args must be a tuple and kwargs a dict")
        node = self.create_node(kind, target, args_, kwargs_, name, type_expr)
        made = (proxy_factory_fn or self.proxy)(node)
        if self.record_stack_traces and kind not in ("placeholder", "output"):
            frames = [f for f in traceback.extract_stack() if not f.filename.startswith(_PACKAGE)]
            node.stack_trace = "".join(traceback.format_list(frames)).strip()
        return made

    def create_arg(self, a: Any) -> Any:
        """An argument of the program as an argument of a node.

        Raises:
            NotImplementedError: for a value that generated code could not write.
        """
        if isinstance(a, Proxy):
            return a.node
        if isinstance(a, (tuple, list)):
            items = [self.create_arg(x) for x in a]
            return type(a)(*items) if hasattr(a, "_fields") else type(a)(items)
        if isinstance(a, dict):
            found = {}
            for k, v in a.items():
                if isinstance(self.create_arg(k), Node):
                    raise RuntimeError(f"Keys for dictionaries used as an argument cannot contain a Node. Got key: {k}")
                found[k] = self.create_arg(v)
            return found
        if isinstance(a, slice):
            return slice(self.create_arg(a.start), self.create_arg(a.stop), self.create_arg(a.step))
        if isinstance(a, range):
            return range(self.create_arg(a.start), self.create_arg(a.stop), self.create_arg(a.step))
        if a is None or a is ... or isinstance(a, (*_CONSTANTS, type)) or inspect.isfunction(a):
            return a
        raise NotImplementedError(f"argument of type: {type(a)}")

    def to_bool(self, obj: Proxy) -> bool:
        """The truth of a proxy."""
        raise TraceError("symbolically traced variables cannot be used as inputs to control flow")

    def iter(self, obj: Proxy) -> Iterator[Any]:
        """The items of a proxy, where the program unpacks it into a known number of names."""
        frame = inspect.currentframe()
        while frame is not None and frame.f_code.co_filename == __file__:
            frame = frame.f_back
        if frame is None:
            raise AssertionError("no calling frame")
        found = next((i for i in dis.get_instructions(frame.f_code) if i.offset == frame.f_lasti), None)
        if found is not None and found.opname == "UNPACK_SEQUENCE":
            return (operator.getitem(obj, i) for i in range(found.argval))  # type: ignore[call-overload]
        raise TraceError(
            "Proxy object cannot be iterated. This can be attempted when the Proxy is used in a loop or as a *args or "
            "**kwargs function argument. What a graph can hold is a loop over a known number of items."
        )

    def keys(self, obj: Proxy) -> Any:
        """What ``**proxy`` unpacks."""
        return Attribute(obj, "keys")()


_CONSTANTS: tuple[type, ...] = ()


def _constants() -> tuple[type, ...]:
    from ..tensor.device import device
    from ..tensor.dtypes import dtype
    from ..tensor.layouts import layout, memory_format
    from ..tensor.size import Size

    return (str, int, float, bool, complex, bytes, dtype, device, layout, memory_format, Size)


_CONSTANTS = _constants()


class GraphAppendingTracer(TracerBase):
    """Adds calls on proxies to a graph that exists already."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph


class Proxy:
    """Stands for the value of a node; what is done with it becomes further nodes."""

    def __init__(self, node: Node, tracer: TracerBase | None = None) -> None:
        self.tracer = GraphAppendingTracer(node.graph) if tracer is None else tracer
        self.node = node
        if not overriding.LAYER.enabled:
            overriding.enable_for_good()

    def __repr__(self) -> str:
        return f"Proxy({self.node.name})"

    def __getattr__(self, k: str) -> Any:
        if k in ("__deepcopy__", "__setstate__", "__getstate__", "__array__", "__index__", "__float__", "__int__"):
            raise AttributeError(k)
        return Attribute(self, k)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.tracer.create_proxy("call_method", "__call__", (self, *args), kwargs)

    def __iter__(self) -> Iterator[Any]:
        return self.tracer.iter(self)

    def __bool__(self) -> bool:
        if self.tracer.trace_asserts:
            frame = sys._getframe(1)
            following = [i for i in dis.get_instructions(frame.f_code) if i.offset > frame.f_lasti][:3]
            if any(i.opname in ("LOAD_ASSERTION_ERROR", "LOAD_COMMON_CONSTANT") for i in following):
                from .. import _assert

                self.tracer.create_proxy("call_function", _assert, (self, ""), {})
                return True
        return self.tracer.to_bool(self)

    def keys(self) -> Any:
        """The keys of a dict that the proxy stands for."""
        return self.tracer.keys(self)

    def __len__(self) -> int:
        raise RuntimeError(
            "'len' is not supported in symbolic tracing by default. If you want this call to be recorded, please call "
            "torch.fx.wrap('len') at module scope"
        )

    __array_priority__ = 2000
    __array_ufunc__ = None

    @classmethod
    def __torch_function__(cls, orig_method: Any, types: Any, args: Any = None, kwargs: Any = None) -> Any:
        args, kwargs = args or (), kwargs or {}
        tracers: dict[Any, None] = {}

        def note(a: Any) -> Any:
            if isinstance(a, Proxy):
                tracers[a.tracer] = None
            return a

        map_aggregate(args, note)
        map_aggregate(kwargs, note)
        if len(tracers) > 1:
            raise RuntimeError(
                f"Found multiple different tracers {list(tracers)} while trying to trace operations {orig_method}"
            )
        tracer = next(iter(tracers))
        name = overriding.name_of(orig_method) or ""
        if name.startswith("torch.Tensor."):
            method = name.removeprefix("torch.Tensor.")
            if method.endswith(".__get__"):
                return tracer.create_proxy("call_function", getattr, (args[0], method.removesuffix(".__get__")), {})
            return tracer.create_proxy("call_method", method, args, kwargs)
        return tracer.create_proxy("call_function", orig_method, args, kwargs, name=None)


class Attribute(Proxy):
    """An attribute of a proxy: a method until it is used as a value."""

    def __init__(self, root: Proxy, attr: str) -> None:
        self.root = root
        self.attr = attr
        self.tracer = root.tracer
        self._node: Node | None = None

    @property
    def node(self) -> Node:  # type: ignore[override]
        if self._node is None:
            self._node = self.tracer.create_proxy("call_function", getattr, (self.root, self.attr), {}).node
        return self._node

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.tracer.create_proxy("call_method", self.attr, (self.root, *args), kwargs)


class ParameterProxy(Proxy):
    """Stands for a parameter whose shape is known, so that programs may look at it."""

    def __init__(self, tracer: TracerBase, node: Node, name: str, param: Any) -> None:
        super().__init__(node, tracer)
        self.param = param
        self.name = name

    def __repr__(self) -> str:
        return f"ParameterProxy({self.name})"

    @property
    def shape(self) -> Any:
        return self.param.shape

    def size(self, *args: Any) -> Any:
        return self.param.size(*args)

    def dim(self) -> int:
        return self.param.dim()  # type: ignore[no-any-return]

    @property
    def ndim(self) -> int:
        return self.param.ndim  # type: ignore[no-any-return]

    def numel(self) -> int:
        return self.param.numel()  # type: ignore[no-any-return]


MAGIC = {
    "add": "{} + {}", "sub": "{} - {}", "mul": "{} * {}", "floordiv": "{} // {}", "truediv": "{} / {}",
    "div": "{} / {}", "mod": "{} % {}", "pow": "{} ** {}", "lshift": "{} << {}", "rshift": "{} >> {}",
    "and_": "{} & {}", "or_": "{} | {}", "xor": "{} ^ {}", "getitem": "{}[{}]", "matmul": "{} @ {}", "eq": "{} == {}",
    "ne": "{} != {}", "lt": "{} < {}", "gt": "{} > {}", "le": "{} <= {}", "ge": "{} >= {}", "pos": "+{}",
    "neg": "-{}", "invert": "~{}",
}  # fmt: skip
INPLACE = {
    "iadd": "{} += {}", "isub": "{} -= {}", "imul": "{} *= {}", "ifloordiv": "{} //= {}", "itruediv": "{} /= {}",
    "imod": "{} %= {}", "ipow": "{} **= {}", "ilshift": "{} <<= {}", "irshift": "{} >>= {}", "iand": "{} &= {}",
    "ior": "{} |= {}", "ixor": "{} ^= {}", "imatmul": "{} @= {}",
}  # fmt: skip
_REFLECTED = {
    "add": "add", "sub": "sub", "mul": "mul", "floordiv": "floordiv", "truediv": "truediv", "div": "truediv",
    "mod": "mod", "pow": "pow", "lshift": "lshift", "rshift": "rshift", "and": "and_", "or": "or_", "xor": "xor",
    "matmul": "matmul",
}  # fmt: skip


def _define_operators() -> None:
    def direct(target: Any) -> Any:
        def method(self: Proxy, *args: Any, **kwargs: Any) -> Any:
            return self.tracer.create_proxy("call_function", target, (self, *args), kwargs)

        return method

    def reflected(target: Any) -> Any:
        def method(self: Proxy, rhs: Any) -> Any:
            return self.tracer.create_proxy("call_function", target, (rhs, self), {})

        return method

    for name in MAGIC:
        target = getattr(operator, "truediv" if name == "div" else name)
        setattr(Proxy, f"__{name.strip('_')}__", direct(target))
    for name in ("abs",):
        setattr(Proxy, f"__{name}__", direct(getattr(operator, name)))
    for name, target in _REFLECTED.items():
        setattr(Proxy, f"__r{name}__", reflected(getattr(operator, target)))
    Proxy.__hash__ = object.__hash__  # type: ignore[method-assign]


_define_operators()
