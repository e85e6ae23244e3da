"""``torch.jit.script``: functions and modules that are used like PyTorch's compiled ones, and run their Python here."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

from torchax_lite import Tensor, nn

_NO_GRAPH = (
    "TorchScript's {what} does not exist here: the Python code runs as it is (torch.fx.symbolic_trace gives a graph)"
)


class ScriptFunction:
    """A function as ``script`` and ``trace`` give it.

    Args:
        fn: the Python function.
        example_inputs: arguments for which :meth:`save` exports it; otherwise those of the last call.
    """

    def __init__(self, fn: Callable[..., Any], example_inputs: tuple[Any, ...] | None = None) -> None:
        functools.update_wrapper(self, fn)
        self._fn = fn
        self._example_inputs = example_inputs
        name = getattr(fn, "__name__", type(fn).__name__)
        self.name = "_lambda" if name == "<lambda>" else name
        self.qualified_name = f"__torch__.{self.name}"

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if not kwargs and args:
            self._example_inputs = args
        return self._fn(*args, **kwargs)

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else functools.partial(self, instance)

    def __repr__(self) -> str:
        return f"<torch.jit.ScriptFunction object at {id(self):#x}>"

    @property
    def code(self) -> str:
        raise NotImplementedError(_NO_GRAPH.format(what="code"))

    @property
    def graph(self) -> Any:
        raise NotImplementedError(_NO_GRAPH.format(what="graph"))

    @property
    def inlined_graph(self) -> Any:
        raise NotImplementedError(_NO_GRAPH.format(what="inlined_graph"))

    @property
    def schema(self) -> Any:
        raise NotImplementedError(_NO_GRAPH.format(what="schema"))

    def get_debug_state(self) -> Any:
        """Not supported."""
        raise NotImplementedError(_NO_GRAPH.format(what="debug state"))

    def graph_for(self, *args: Any, **kwargs: Any) -> Any:
        """Not supported."""
        raise NotImplementedError(_NO_GRAPH.format(what="graph"))

    def save(self, f: Any, _extra_files: Any = None) -> None:
        """Write the function to a file; see :func:`torch.jit.save`."""
        from ._serialize import save

        save(self, f, _extra_files)

    def save_to_buffer(self, _extra_files: Any = None) -> bytes:
        """The bytes of the file."""
        from ._serialize import to_bytes

        return to_bytes(self, _extra_files)


class ScriptModule(nn.Module):
    """A module as ``script`` gives it; may be subclassed, with its methods marked by ``script_method``."""

    _jit_original_name: str | None = None
    _jit_example_inputs: Any = None

    @property
    def original_name(self) -> str:
        """Name of the class that was scripted."""
        return self.__dict__.get("_jit_original_name") or type(self).__name__

    @property
    def code(self) -> str:
        raise NotImplementedError(_NO_GRAPH.format(what="code"))

    @property
    def code_with_constants(self) -> Any:
        raise NotImplementedError(_NO_GRAPH.format(what="code"))

    @property
    def graph(self) -> Any:
        raise NotImplementedError(_NO_GRAPH.format(what="graph"))

    @property
    def inlined_graph(self) -> Any:
        raise NotImplementedError(_NO_GRAPH.format(what="inlined_graph"))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if not kwargs and args:
            self.__dict__["_jit_example_inputs"] = args
        return super().__call__(*args, **kwargs)

    def save(self, f: Any, **kwargs: Any) -> None:
        """Write the module to a file; see :func:`torch.jit.save`."""
        from ._serialize import save

        save(self, f, **kwargs)

    def save_to_buffer(self, *args: Any, **kwargs: Any) -> bytes:
        """The bytes of the file."""
        from ._serialize import to_bytes

        return to_bytes(self, *args, **kwargs)

    def define(self, src: str) -> None:
        """Not supported."""
        raise NotImplementedError("ScriptModule.define: write the method in Python")


class RecursiveScriptModule(ScriptModule):
    """A scripted or loaded module; its submodules are such modules too, its parameters are the original's."""

    def extra_repr(self) -> str:
        return f"original_name={self.original_name}"

    def _get_name(self) -> str:
        return "RecursiveScriptModule"

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise RuntimeError(
            f"Tried to serialize object __torch__.{self.original_name} which does not have a __getstate__ method defined!"
        )

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        import copy

        made = object.__new__(type(self))
        memo[id(self)] = made
        state = {k: v for k, v in self.__dict__.items() if k != "_jit_example_inputs"}
        made.__dict__.update(copy.deepcopy(state, memo))
        return made

    def __copy__(self) -> Any:
        made = object.__new__(type(self))
        made.__dict__.update(self.__dict__)
        return made


class TracedModule(RecursiveScriptModule):
    """A traced module."""

    def _get_name(self) -> str:
        return self.original_name


class TopLevelTracedModule(TracedModule):
    """The module that ``trace`` was called on."""


@functools.cache
def _combined(kind: type, cls: type) -> type:
    """``kind`` with the methods of ``cls``."""
    made: type = type(kind.__name__, (kind, cls), {"__module__": "torch.jit._script"})
    return made


def scripted_module(m: nn.Module, kind: type = RecursiveScriptModule, top: type | None = None, memo: Any = None) -> Any:
    """A module that runs ``m``'s code on its parameters and buffers, with submodules, mode and hooks of its own."""
    memo = {} if memo is None else memo
    if id(m) in memo:
        return memo[id(m)]
    if isinstance(m, RecursiveScriptModule) and top is None:
        return m
    made: Any = object.__new__(_combined(top or kind, _source_class(m)))
    memo[id(m)] = made
    state = dict(m.__dict__)
    for key in ("_parameters", "_buffers", "_modules"):
        state[key] = dict(state[key])
    for key, value in list(state.items()):
        if key.endswith("_hooks") or key.endswith("_kwargs") or key == "_non_persistent_buffers_set":
            state[key] = value.copy() if hasattr(value, "copy") else value
    state["_modules"] = {
        name: None if child is None else scripted_module(child, kind, None, memo)
        for name, child in state["_modules"].items()
    }
    flat = state.get("_flat_weights")
    if isinstance(flat, list):
        state["_flat_weights"] = list(flat)
    made.__dict__.update(state)
    made.__dict__["_jit_original_name"] = m.original_name if isinstance(m, ScriptModule) else type(m).__name__
    return made


def _source_class(m: nn.Module) -> type:
    """The class whose code a module runs."""
    cls = type(m)
    if isinstance(m, RecursiveScriptModule) and cls.__module__ == "torch.jit._script":
        return cls.__bases__[-1]
    return cls


def script(obj: Any, optimize: Any = None, _frames_up: int = 0, _rcb: Any = None, example_inputs: Any = None) -> Any:
    """A function or module to be used like PyTorch's scripted one. Its Python code runs as it is.

    Nothing is checked against the TorchScript language, and ``code`` and ``graph`` do not exist. A class is returned
    unchanged. ``torch.jit.save`` needs shapes: those of ``example_inputs`` or of the last call.
    """
    import torchax_lite

    if isinstance(obj, (ScriptFunction, ScriptModule)):
        return obj
    if isinstance(obj, nn.Module):
        made = scripted_module(obj)
        if isinstance(example_inputs, list) and example_inputs:
            made.__dict__["_jit_example_inputs"] = tuple(example_inputs[0])
        return made
    if inspect.isclass(obj):
        return obj
    if inspect.isfunction(obj) or inspect.ismethod(obj):
        given = tuple(example_inputs[0]) if isinstance(example_inputs, list) and example_inputs else None
        return ScriptFunction(obj, given)
    if isinstance(obj, (list, dict)):
        return obj
    if callable(obj) and not isinstance(obj, Tensor):
        return ScriptFunction(obj)
    raise TypeError(f"{type(obj)} is a built-in class" if type(obj).__module__ == "builtins" else
                    f"torch.jit.script of a {torchax_lite.typename(obj)}")  # fmt: skip


def script_method(fn: Any) -> Any:
    """The method as it is (PyTorch compiles it for ``ScriptModule`` subclasses)."""
    return fn


def script_if_tracing(fn: Any) -> Any:
    """The function as it is: traces run its Python code, control flow included."""
    return fn


def export(fn: Any) -> Any:
    """Mark a method as an entry point of a scripted module; all methods are."""
    fn._torchscript_modifier = "export"
    return fn


def ignore(drop: Any = False, **kwargs: Any) -> Any:
    """Mark a function that PyTorch would leave to Python; here all are. Usable with and without arguments."""
    if callable(drop):
        return drop
    return lambda fn: fn


def unused(fn: Any) -> Any:
    """Mark a function that PyTorch would replace by an error; here it stays callable."""
    return fn


def interface(obj: Any) -> Any:
    """Mark a class as an interface; it is returned unchanged.

    Raises:
        RuntimeError: for something else than a class.
    """
    if not inspect.isclass(obj):
        raise RuntimeError("interface must be applied to a class")
    return obj
