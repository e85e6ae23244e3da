"""Symbolic tracing: a program is run once on proxies, and what it calls becomes a graph."""

from __future__ import annotations

import builtins
import functools
import inspect
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import CodeType, FunctionType, ModuleType
from typing import Any

import torchax_lite as torch
from torchax_lite import nn

from .._C import ScriptObject  # noqa: F401
from ..tensor import overriding
from .graph import Graph
from .graph_module import GraphModule
from .node import map_aggregate
from .proxy import ParameterProxy, Proxy, TracerBase

_wrapped: list[tuple[dict[str, Any], str]] = []
"""Functions that are recorded as calls: the globals of a module and a name in them."""
_tracing = 0
_orig_module_call: Callable[..., Any] = nn.Module.__call__
_orig_module_getattr: Callable[..., Any] = nn.Module.__getattr__


def compatibility(is_backward_compatible: bool) -> Callable[[Any], Any]:
    """A decorator that says whether a function will stay; it leaves the function as it is."""
    return lambda fn: fn


class PH:
    """Stands for "this stays an input" in ``concrete_args``."""

    def __repr__(self) -> str:
        return "PH"


PH = PH()  # type: ignore[assignment,misc]


def is_fx_tracing() -> bool:
    """Whether a symbolic trace is running."""
    return _tracing > 0


def _assert_is_none(value: Any, msg: str) -> None:
    if value is not None:
        raise AssertionError(msg)


def wrap(fn_or_name: str | Callable[..., Any]) -> Any:
    """Record calls of a function of this module (given by name, or decorated) instead of tracing into it.

    To be used at the top level of a module, which is where the function is looked up.
    """
    if not callable(fn_or_name) and not isinstance(fn_or_name, str):
        raise RuntimeError("Unsupported type for global function! Must be either a callable or string name")
    name = fn_or_name if isinstance(fn_or_name, str) else fn_or_name.__name__
    frame = inspect.currentframe()
    caller = frame.f_back if frame is not None else None
    if caller is None or caller.f_code.co_name != "<module>":
        raise NotImplementedError("wrap must be called at the top level of a module")
    _wrapped.append((caller.f_globals, name))
    return fn_or_name


class _Patcher:
    """A block in which functions are replaced; they come back at its end. Calls of torch's functions are seen in it."""

    def __init__(self) -> None:
        self._undo: list[Callable[[], None]] = []
        self.visited: set[int] = set()

    def patch(
        self, frame_dict: dict[str, Any], name: str, new_fn: Callable[..., Any], deduplicate: bool = True
    ) -> None:
        """Put a function in a module's globals (a builtin's name may be new there).

        Args:
            deduplicate: leave what this or another patcher has replaced already.
        """
        had = name in frame_dict
        if not had and not hasattr(builtins, name):
            return
        original = frame_dict[name] if had else getattr(builtins, name)
        if getattr(original, "_fx_replaced", False):
            return
        new_fn._fx_replaced = deduplicate  # type: ignore[attr-defined]
        frame_dict[name] = new_fn
        if had:
            self._undo.append(lambda: frame_dict.__setitem__(name, original))
        else:
            self._undo.append(lambda: frame_dict.pop(name, None))

    def patch_method(self, cls: type, name: str, new_fn: Callable[..., Any], deduplicate: bool = True) -> None:
        """Put a function in the place of a class's method."""
        original = getattr(cls, name)
        if getattr(original, "_fx_replaced", False):
            return
        new_fn._fx_replaced = deduplicate  # type: ignore[attr-defined]
        own = name in cls.__dict__
        setattr(cls, name, new_fn)
        self._undo.append((lambda: setattr(cls, name, original)) if own else (lambda: delattr(cls, name)))

    def visit_once(self, thing: Any) -> bool:
        """Whether this is the first question about an object."""
        first = id(thing) not in self.visited
        self.visited.add(id(thing))
        return first

    def __enter__(self) -> _Patcher:
        global _tracing
        overriding.load_namespaces()
        overriding.LAYER.enable()
        _tracing += 1
        return self

    def __exit__(self, *args: object) -> None:
        global _tracing
        while self._undo:
            self._undo.pop()()
        _tracing -= 1
        overriding.LAYER.disable()
        self.visited.clear()


def _patch_wrapped_functions(patcher: _Patcher) -> None:
    """Let the functions that were given to :func:`wrap` be recorded as calls."""
    for table, name in _wrapped:
        original = table.get(name, getattr(builtins, name, None))
        if original is not None:
            patcher.patch(table, name, _recorder(original))


def _autowrap_check(patcher: _Patcher, frame_dict: dict[str, Any], function_ids: set[int]) -> None:
    """Let those of a module's public functions be recorded as calls whose ids are given (once for each module)."""
    if patcher.visit_once(frame_dict):
        for name, value in list(frame_dict.items()):
            if not name.startswith("_") and callable(value) and id(value) in function_ids:
                patcher.patch(frame_dict, name, _recorder(value))


@contextmanager
def _patched(tracer: Tracer, scope: dict[str, Any]) -> Iterator[None]:
    """Replace the functions to be recorded, module calls and attribute reads, while a trace runs."""
    call, getter = nn.Module.__call__, nn.Module.__getattr__

    @functools.wraps(call)
    def module_call(self: nn.Module, *args: Any, **kwargs: Any) -> Any:
        return tracer.call_module(self, lambda *a, **k: call(self, *a, **k), args, kwargs)

    @functools.wraps(getter)
    def module_getattr(self: nn.Module, attr: str) -> Any:
        return tracer.getattr(attr, getter(self, attr), tracer._proxies)

    with _Patcher() as patcher:
        patcher.patch_method(nn.Module, "__call__", module_call, deduplicate=False)
        patcher.patch_method(nn.Module, "__getattr__", module_getattr, deduplicate=False)
        _patch_wrapped_functions(patcher)
        _autowrap_check(patcher, scope, tracer._autowrap_function_ids)
        for module in tracer._autowrap_search:
            _autowrap_check(patcher, module.__dict__, tracer._autowrap_function_ids)
        yield


def _recorded(target: Any, args: Any, kwargs: Any) -> Proxy | None:
    """The node of a call where one of its arguments is a proxy; None where none is."""
    found: list[Proxy] = []

    def note(a: Any) -> Any:
        if isinstance(a, Proxy):
            found.append(a)
        return a

    map_aggregate((args, kwargs), note)
    return found[0].tracer.create_proxy("call_function", target, args, kwargs) if found else None


def _recorder(original: Callable[..., Any]) -> Callable[..., Any]:
    """A function that becomes a node where one of its arguments is a proxy."""

    @functools.wraps(original)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        node = _recorded(original, args, kwargs)
        return original(*args, **kwargs) if node is None else node

    return wrapped


class ProxyableClassMeta(type):
    """Metaclass of containers whose construction with proxies becomes a node."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        node = _recorded(cls, args, kwargs)
        return super().__call__(*args, **kwargs) if node is None else node


class Tracer(TracerBase):
    """Runs a module or function on proxies and collects the graph.

    Args:
        autowrap_modules: modules of Python whose functions are recorded when they are called with proxies.
        autowrap_functions: further such functions.
        param_shapes_constant: whether shapes of parameters are known numbers in the program.
    """

    def __init__(
        self, autowrap_modules: tuple[ModuleType, ...] = (math,), autowrap_functions: tuple[Callable[..., Any], ...] = (),
        param_shapes_constant: bool = False,
    ) -> None:  # fmt: skip
        self._autowrap_function_ids = {
            id(v) for m in autowrap_modules for n, v in m.__dict__.items() if callable(v) and n[0] != "_"
        }
        self._autowrap_function_ids |= {id(f) for f in autowrap_functions}
        self._autowrap_search = list(autowrap_modules)
        self.param_shapes_constant = param_shapes_constant
        self.root: nn.Module = nn.Module()
        self.graph = Graph()
        self.tensor_attrs: dict[Any, str] = {}
        self.submodule_paths: dict[nn.Module, str] = {}
        self._proxies: dict[str, Proxy] = {}

    # -- what a subclass may decide --------------------------------------------------------------------------------------

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        """Whether a module's call is one node: those of ``torch.nn`` but ``Sequential``."""
        name = m.__module__
        return (name.startswith(("torch.nn", "torchax_lite.nn"))) and not isinstance(m, nn.Sequential)

    def path_of_module(self, mod: nn.Module) -> str:
        """The dotted name of a submodule.

        Raises:
            NameError: where the root does not hold it.
        """
        path = self.submodule_paths.get(mod)
        if path is None:
            for name, m in self.root.named_modules():
                if m is mod:
                    return name
            raise NameError("module is not installed as a submodule")
        return path

    def call_module(self, m: nn.Module, forward: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        """A call of a module in the program: a node for a leaf, else what it does inside."""
        path = self.path_of_module(m)
        if self.is_leaf_module(m, path):
            return self.create_proxy("call_module", path, args, kwargs)
        return forward(*args, **kwargs)

    def getattr(self, attr: str, attr_val: Any, parameter_proxy_cache: dict[str, Any]) -> Any:
        """What the program gets for an attribute of a module: a proxy for a parameter of the root."""
        if isinstance(attr_val, nn.Parameter):
            named: Any = self.root.named_parameters(remove_duplicate=False)
        elif self.proxy_buffer_attributes and isinstance(attr_val, torch.Tensor):
            named = self.root.named_buffers(remove_duplicate=False)
        else:
            return attr_val
        for name, p in named:
            if p is attr_val:
                if name not in parameter_proxy_cache:
                    factory = None
                    if self.param_shapes_constant:
                        factory = functools.partial(_parameter_proxy, self, name, attr_val)
                    parameter_proxy_cache[name] = self.create_proxy("get_attr", name, (), {}, proxy_factory_fn=factory)
                return parameter_proxy_cache[name]
        return attr_val

    def get_fresh_qualname(self, prefix: str) -> str:
        """A name of the root that is free: ``prefix`` and a number."""
        i = 0
        while hasattr(self.root, f"{prefix}{i}"):
            i += 1
        return f"{prefix}{i}"

    def create_arg(self, a: Any) -> Any:
        """As in the base class; parameters, buffers, modules and constant tensors become ``get_attr`` nodes."""
        if isinstance(a, nn.Parameter):
            for name, p in self.root.named_parameters(remove_duplicate=False):
                if p is a:
                    return self.create_node("get_attr", name, (), {})
            raise NameError("parameter is not a member of this module")
        if isinstance(a, torch.Tensor):
            for name, b in self.root.named_buffers(remove_duplicate=False):
                if b is a:
                    return self.create_node("get_attr", name, (), {})
            name = next((n for t, n in self.tensor_attrs.items() if t is a), "")
            if not name:
                name = self.get_fresh_qualname("_tensor_constant")
                self.tensor_attrs[a] = name
                setattr(self.root, name, a)
            return self.create_node("get_attr", name, (), {})
        if isinstance(a, nn.Module):
            for name, m in self.root.named_modules():
                if m is a:
                    return self.create_node("get_attr", name, (), {})
        if isinstance(a, tuple) and hasattr(a, "_fields"):
            return self.create_node("call_function", type(a), tuple(self.create_arg(x) for x in a), {})
        return super().create_arg(a)

    # -- tracing ---------------------------------------------------------------------------------------------------------

    def create_args_for_root(self, root_fn: Any, is_module: bool, concrete_args: Any = None) -> Any:
        """The function and its arguments as proxies: one placeholder for each parameter."""
        fn = inspect.unwrap(root_fn)
        code = fn.__code__
        total = code.co_argcount + code.co_kwonlyargcount
        names = iter(code.co_varnames)
        args: list[Any] = []
        skip = 0
        if is_module:
            if total == 0:
                raise RuntimeError("``self`` argument cannot be part of *args expansion!")
            skip = 1
            next(names)
            args.append(self.root)
        parameters = inspect.signature(fn).parameters
        hints = getattr(fn, "__annotations__", {})

        def proxy_for(name: str) -> Any:
            plain = name.lstrip("*")
            if concrete_args and plain in concrete_args and concrete_args[plain] is not PH:
                return self._concrete(plain, concrete_args[plain])
            if name.startswith("*"):
                default: Any = ()
            else:
                p = parameters.get(plain)
                default = () if p is None or p.default is inspect.Parameter.empty else (p.default,)
            kind = hints.get(plain)
            return self.create_proxy(
                "placeholder", name, default, {}, type_expr=kind if not isinstance(kind, str) else None
            )

        if isinstance(concrete_args, tuple):
            if len(concrete_args) != total - skip:
                raise RuntimeError(
                    f"Tracing expected {total - skip} arguments but got {len(concrete_args)} concrete arguments"
                )
            concrete_args = dict(zip(list(code.co_varnames)[skip:total], concrete_args, strict=True))
        positional = code.co_argcount - skip
        keywords: dict[str, Any] = {}
        for i in range(total - skip):
            name = next(names)
            made = proxy_for(name)
            if i < positional:
                args.append(made)
            else:
                keywords[name] = made
        root: Any = root_fn
        if code.co_flags & inspect.CO_VARARGS:
            star = proxy_for("*" + next(names))
        else:
            star = None
        double = proxy_for("**" + next(names)) if code.co_flags & inspect.CO_VARKEYWORDS else None
        if star is not None or double is not None or keywords:
            # *args and **kwargs of the program are one proxy each, as the generated function has them
            root = _with_collected(root_fn, len(args), star is not None, double is not None, tuple(keywords))
            args += [x for x in (star, double) if x is not None] + list(keywords.values())
        return root, args

    def _concrete(self, name: str, value: Any) -> Any:
        """An argument with a fixed value: the graph keeps the input and checks it where that can be checked."""
        proxy = self.create_proxy("placeholder", f"{name}_1", (value,) if value is None else (), {})
        if value is None:
            text = f"{name} has been specialized to have value None but got another value"
            self.create_proxy("call_function", _assert_is_none, (proxy, text), {})
        elif isinstance(value, (bool, int, float, str)):
            same = self.create_proxy("call_function", _equal, (proxy, value), {})
            text = f"{name} has been specialized to have value {value} but got another value"
            self.create_proxy("call_function", torch._assert, (same, text), {})
        return value

    def trace(self, root: nn.Module | Callable[..., Any], concrete_args: dict[str, Any] | None = None) -> Graph:
        """The graph of a module's forward, or of a function."""
        if isinstance(root, nn.Module):
            self.root = root
            fn: Any = getattr(type(root), "forward", None)
            if fn is None:
                raise AssertionError(f"traced_func_name='forward' doesn't exist in {type(root).__name__}")
            self.submodule_paths = {m: name for name, m in root.named_modules()}
        else:
            self.root = nn.Module()
            fn = root
        self.graph = Graph(tracer_cls=type(self) if getattr(type(self), "__module__", "") != __name__ else None)
        self.tensor_attrs = {}
        self._proxies = {}
        self._collect_constants(self.root, "")
        if not isinstance(inspect.unwrap(fn), FunctionType):
            raise AssertionError("root must be a module or a Python function")
        try:
            return self._trace(fn, isinstance(root, nn.Module), concrete_args)
        finally:
            self.submodule_paths = {}

    def _trace(self, fn: Any, is_module: bool, concrete_args: Any) -> Graph:
        fn, args = self.create_args_for_root(fn, is_module, concrete_args)
        with _patched(self, getattr(inspect.unwrap(fn), "__globals__", {})):
            result = fn(*args)
            annotation = getattr(inspect.unwrap(fn), "__annotations__", {}).get("return")
            self.create_node(
                "output", "output", (self.create_arg(result),), {},
                type_expr=None if isinstance(annotation, str) else annotation,
            )  # fmt: skip
        return self.graph

    def _collect_constants(self, m: nn.Module, prefix: str) -> None:
        """Tensors that are plain attributes of modules keep their name."""
        for name, value in m.__dict__.items():
            if isinstance(value, torch.Tensor):
                self.tensor_attrs[value] = f"{prefix}{name}"
        for name, child in m.named_children():
            self._collect_constants(child, f"{prefix}{name}.")


def _parameter_proxy(tracer: Tracer, name: str, param: Any, node: Any) -> ParameterProxy:
    return ParameterProxy(tracer, node, name, param)


def _equal(a: Any, b: Any) -> bool:
    return bool(a == b)


def _with_collected(fn: Any, n: int, star: bool, double: bool, keywords: tuple[str, ...]) -> Any:
    """``fn`` taking the values of ``*args``, ``**kwargs`` and keyword-only parameters as single arguments."""
    code: CodeType = inspect.unwrap(fn).__code__
    body = code.replace(
        co_argcount=code.co_argcount + code.co_kwonlyargcount + star + double,
        co_kwonlyargcount=0, co_posonlyargcount=0,
        co_flags=code.co_flags & ~(inspect.CO_VARARGS | inspect.CO_VARKEYWORDS),
    )  # fmt: skip
    plain = inspect.unwrap(fn)
    made = FunctionType(body, plain.__globals__, plain.__name__, None, plain.__closure__)
    made.__annotations__ = dict(plain.__annotations__)

    @functools.wraps(made)
    def call(*args: Any) -> Any:
        given, rest = list(args[:n]), list(args[n:])
        collected = [rest.pop(0) for _ in range(star + double)]
        return made(*given, *rest, *collected)

    return call


def symbolic_trace(root: nn.Module | Callable[..., Any], concrete_args: dict[str, Any] | None = None) -> GraphModule:
    """A module's forward, or a function, as a :class:`GraphModule`.

    The program is run once on proxies: control flow may not depend on values of inputs (``TraceError``), and arguments
    in ``concrete_args`` are fixed.
    """
    tracer = Tracer()
    graph = tracer.trace(root, concrete_args)
    name = root.__class__.__name__ if isinstance(root, nn.Module) else root.__name__
    return GraphModule(tracer.root, graph, name)
