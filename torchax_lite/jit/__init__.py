"""``torch.jit``: scripted and traced functions and modules, which run their Python code, and files of traces."""

from __future__ import annotations

import collections.abc
import contextlib
import types
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple, Union, get_args, get_origin

from torchax_lite.futures import Future

from ._script import (
    RecursiveScriptModule,
    ScriptFunction,
    ScriptModule,
    TopLevelTracedModule,
    TracedModule,
    export,
    ignore,
    interface,
    script,
    script_if_tracing,
    script_method,
    unused,
)
from ._serialize import load, save
from ._state import state as _state
from ._trace import TracerWarning, TracingCheckError, is_tracing, trace, trace_module

__all__ = [
    "Attribute", "CompilationUnit", "Error", "Final", "Future", "RecursiveScriptModule", "ScriptFunction", "ScriptModule",
    "ScriptWarning", "TopLevelTracedModule", "TracedModule", "TracerWarning", "TracingCheckError", "annotate",
    "enable_onednn_fusion", "export", "export_opnames", "fork", "freeze", "ignore", "interface", "is_scripting", "is_tracing",
    "isinstance", "load", "onednn_fusion_enabled", "optimize_for_inference", "optimized_execution", "run_frozen_optimizations",
    "save", "script", "script_if_tracing", "script_method", "set_fusion_strategy", "strict_fusion", "trace", "trace_module",
    "unused", "wait",
]  # fmt: skip

_isinstance = isinstance


class Error(RuntimeError):
    """PyTorch's error of a running script; kept for ``except`` clauses."""


class ScriptWarning(Warning):
    """Kept for ``warnings.filterwarnings``."""


class Attribute(NamedTuple):
    """A value with the type that TorchScript should give it."""

    value: Any
    type: Any


class CompilationUnit:
    """Not supported."""

    def __init__(self, lang: str | None = None, _frames_up: int = 0) -> None:
        raise NotImplementedError(
            "torch.jit.CompilationUnit: there is no TorchScript compiler here; write Python functions"
        )


def is_scripting() -> bool:
    """False: no function is compiled from its source."""
    return False


def annotate(the_type: Any, the_value: Any) -> Any:
    """The value; the type is for TorchScript's compiler."""
    return the_value


def isinstance(obj: Any, target_type: Any) -> bool:
    """Whether a value is of a type, containers with their items: ``List[int]``, ``Dict[str, Tensor]``, ``Optional``.

    Raises:
        RuntimeError: for a container without the types of its items.
    """
    if _isinstance(target_type, tuple):
        return any(isinstance(obj, t) for t in target_type)
    origin, args = get_origin(target_type), get_args(target_type)
    if origin in (Union, types.UnionType):
        return any(isinstance(obj, t) for t in args)
    if target_type is None or target_type is type(None):
        return obj is None
    if origin is None:
        name = getattr(target_type, "__name__", getattr(target_type, "_name", None))
        if name in ("List", "Dict", "Tuple", "Optional", "list", "dict", "tuple") and target_type is not str:
            raise RuntimeError(
                f"Attempted to use {name} without a contained type. Please add a contained type, e.g. {name}[int]"
            )
        return _isinstance(obj, target_type)
    if origin is list:
        return _isinstance(obj, list) and all(isinstance(x, args[0]) for x in obj)
    if origin is dict:
        return _isinstance(obj, dict) and all(isinstance(k, args[0]) and isinstance(v, args[1]) for k, v in obj.items())
    if origin is tuple:
        if not _isinstance(obj, tuple):
            return False
        if args in ((), ((),)):
            return not obj
        if len(args) == 2 and args[1] is ...:
            return all(isinstance(x, args[0]) for x in obj)
        return len(obj) == len(args) and all(isinstance(x, t) for x, t in zip(obj, args, strict=True))
    if origin is Future:
        return _isinstance(obj, Future)
    if origin is collections.abc.Callable:
        return callable(obj)
    return _isinstance(obj, origin)


def fork(func: Callable[..., Any], *args: Any, **kwargs: Any) -> Future[Any]:
    """Call a function and give its result as a future. It runs at once, in this thread: ops are recorded in any case."""
    made: Future[Any] = Future()
    made.set_result(func(*args, **kwargs))
    return made


def wait(future: Future[Any]) -> Any:
    """The result of :func:`fork`."""
    return future.wait()


def freeze(mod: Any, preserved_attrs: list[str] | None = None, optimize_numerics: bool = True) -> Any:
    """The module itself with parameters that need no gradient: XLA folds what can be folded when it compiles.

    Its ``state_dict`` is empty, as in PyTorch, where parameters have become constants of the program.

    Raises:
        RuntimeError: for a module that is not scripted or traced, or is in training mode.
    """
    if not _isinstance(mod, ScriptModule):
        raise RuntimeError(
            "Freezing expects a ScriptModule as input. Please use torch.jit.script or torch.jit.trace to script your "
            "'nn.Module'."
        )
    if mod.training:
        raise RuntimeError(
            "Freezing is currently only implemented for modules in eval mode. Please call .eval() on your module before "
            "freezing."
        )
    from ._script import scripted_module

    made = scripted_module(mod, RecursiveScriptModule, RecursiveScriptModule)
    for m in made.modules():
        for name, p in list(m._parameters.items()):
            if p is not None:
                del m._parameters[name]
                m.register_buffer(name, p.detach(), persistent=False)
        m._non_persistent_buffers_set = set(m._buffers)
    made.__dict__["_jit_example_inputs"] = mod.__dict__.get("_jit_example_inputs")
    return made


def run_frozen_optimizations(
    mod: Any, optimize_numerics: bool = True, preserved_methods: list[str] | None = None
) -> None:
    """Nothing: XLA optimizes when it compiles."""


def optimize_for_inference(mod: Any, other_methods: list[str] | None = None) -> Any:
    """The frozen module."""
    if not _isinstance(mod, ScriptModule):
        raise RuntimeError(
            "optimize_for_inference expects a ScriptModule as input. Please use torch.jit.script or torch.jit.trace to "
            "script your 'nn.Module'."
        )
    return freeze(mod) if any(True for _ in mod.parameters()) or mod.training else mod


@contextlib.contextmanager
def optimized_execution(should_optimize: bool) -> Iterator[None]:
    """Kept for scripts: programs are compiled in any case."""
    before, _state.optimized = _state.optimized, should_optimize
    try:
        yield
    finally:
        _state.optimized = before


class strict_fusion:
    """A context in which PyTorch demands fusion; XLA fuses what it can."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, *exc: Any) -> None:
        pass


def set_fusion_strategy(strategy: list[tuple[str, int]]) -> list[tuple[str, int]]:
    """Keep the setting and return the one before; it has no effect."""
    before, _state.fusion_strategy = _state.fusion_strategy, list(strategy)
    return before  # type: ignore[no-any-return]


def enable_onednn_fusion(enabled: bool) -> None:
    """Keep the setting, which has no effect."""
    _state.onednn_fusion = bool(enabled)


def onednn_fusion_enabled() -> bool:
    """The setting of :func:`enable_onednn_fusion`."""
    return bool(_state.onednn_fusion)


def _get_trace_graph(
    f: Any, args: Any = (), kwargs: Any = None, strict: bool = True, _force_outplace: bool = False,
    return_inputs: bool = False, _return_inputs_states: bool = False,
) -> Any:  # fmt: skip
    """Not supported."""
    raise NotImplementedError(
        "torch.jit._get_trace_graph: there are no graphs of TorchScript here; torch.fx.symbolic_trace(model).graph lists the "
        "calls, and torch.utils.flop_counter.FlopCounterMode counts operations"
    )


def _overload(func: Any) -> Any:
    """The function as it is: all its overloads are the one that runs."""
    return func


_overload_method = _overload


def export_opnames(m: Any) -> list[str]:
    """Not supported."""
    raise NotImplementedError("torch.jit.export_opnames: torch.fx.symbolic_trace(model).graph lists what is called")
