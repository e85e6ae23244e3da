"""``torch.compile``."""

from __future__ import annotations

import functools
import inspect
import warnings
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

state = SimpleNamespace(
    default_backend="inductor", stance="default", force_backend=None, guard_collectives=False, tracing=0, exporting=0,
    generation=0,
)  # fmt: skip
"""What is set for the process, and whether something is being traced."""

_BACKENDS: dict[str, set[str]] = {
    "inductor": set(), "cudagraphs": set(), "openxla": set(), "tvm": set(), "eager": {"debug"}, "aot_eager": {"debug"},
    "eager_noexcept": {"debug"}, "aot_eager_decomp_partition": {"debug"}, "aot_ts": {"experimental"},
    "pre_dispatch_eager": {"debug"}, "torchax_lite": set(),
}  # fmt: skip
_registered: dict[str, Callable[..., Any]] = {}
_MODES = ("default", "lite", "reduce-overhead", "max-autotune-no-cudagraphs", "max-autotune")


def registered_backends() -> dict[str, set[str]]:
    """Names of backends and their tags: PyTorch's, which all mean the engine here, and registered ones."""
    return {**_BACKENDS, **{name: set() for name in _registered}}


def register_backend(compiler_fn: Any = None, name: str | None = None, tags: Any = ()) -> Any:
    """Make a callable backend known by a name; usable as a decorator."""
    if compiler_fn is None:
        return functools.partial(register_backend, name=name, tags=tags)
    _registered[name or compiler_fn.__name__] = compiler_fn
    return compiler_fn


def compile(
    model: Any = None, *, fullgraph: bool = False, dynamic: bool | None = None, backend: str | Callable[..., Any] | None = None,
    mode: str | None = None, options: dict[str, Any] | None = None, name: str | None = None, disable: bool = False,
    recompile_limit: int | None = None, isolate_recompiles: bool = False, shapes_spec: Any = None,
) -> Any:  # fmt: skip
    """The function or module itself, checked: the engine compiles what is recorded, whoever records it.

    Args:
        model: a function, a module (the result is then an ``OptimizedModule`` around it), or None for a decorator.
        fullgraph: whether a callable backend must get the whole function as one graph.
        dynamic: accepted; programs are compiled for the shapes that come.
        backend: the name of one of PyTorch's backends, all of which mean the engine, or a callable, which gets
            ``(graph_module, example_inputs)`` for each new combination of shapes and returns what is called.
        mode, options: settings of PyTorch's code generator; checked and without effect.
        disable: return ``model`` as it is.
        name: accepted; programs are named by the lines that recorded them.
        shapes_spec: NotImplementedError unless None.
        recompile_limit, isolate_recompiles: accepted; a program that comes back is not compiled again.

    Raises:
        InvalidBackend: for an unknown name. RuntimeError: for unknown modes and options, and both at once.
    """
    if shapes_spec is not None:
        raise NotImplementedError("torch.compile(shapes_spec=...): programs are compiled for the shapes that come")
    if mode is not None and options is not None:
        raise RuntimeError("Either mode or options can be specified, but both can't be specified at the same time.")
    if model is None:
        return lambda m: compile(
            m, fullgraph=fullgraph, dynamic=dynamic, backend=backend, mode=mode, options=options, name=name,
            disable=disable, recompile_limit=recompile_limit, isolate_recompiles=isolate_recompiles,
        )  # fmt: skip
    if backend is None:
        backend = state.default_backend
    if isinstance(backend, str):
        if backend not in registered_backends():
            from torchax_lite._dynamo.exc import InvalidBackend

            raise InvalidBackend(backend)
        if mode is not None and backend == "inductor" and mode not in _MODES:
            raise RuntimeError(f"Unrecognized mode={mode}, should be one of: {', '.join(_MODES)}")
        if options is not None and backend == "inductor":
            _check_options(options)
    if dynamic is not None and not isinstance(dynamic, bool):
        raise AssertionError(f"Expected enable to be a bool, got {type(dynamic)}")
    if disable:
        return model
    context = Context(fullgraph, dynamic, backend, mode, options)
    from torchax_lite import nn

    if isinstance(model, nn.Module):
        from ._optimized import OptimizedModule

        return OptimizedModule(model, context)
    if not callable(model):
        raise AssertionError(f"A callable function is expected, but {type(model)} is provided.")
    if inspect.isclass(model):
        return _compile_class(model, context)
    return context(model)


def _compile_class(cls: type, context: Context) -> type:
    """A class with its ``__call__`` compiled."""
    if "__call__" in vars(cls):
        cls.__call__ = context(vars(cls)["__call__"])  # type: ignore[method-assign,operator]
    return cls


def _check_options(options: dict[str, Any]) -> None:
    from torchax_lite._inductor import config

    known = config.to_dict()  # type: ignore[attr-defined]
    for key, value in options.items():
        name = key.replace("-", "_")
        if name in ("guard_filter_fn",):
            continue
        if name not in known:
            raise RuntimeError(f"Unexpected optimization option {key}, known options are {list(known)}")
        default = known[name]
        if default is not None and type(value) is not type(default):
            raise RuntimeError(
                f"Unexpected type of attr {key}, got {type(value).__name__} should be {type(default).__name__}"
            )


class Context:
    """The settings of one ``torch.compile``; called on a function or module it gives the compiled callable."""

    def __init__(
        self,
        fullgraph: bool = False,
        dynamic: bool | None = None,
        backend: Any = "inductor",
        mode: Any = None,
        options: Any = None,
    ) -> None:
        self.fullgraph, self.dynamic, self.backend, self.mode, self.options = fullgraph, dynamic, backend, mode, options

    def __call__(self, fn: Any) -> Any:
        from torchax_lite import nn

        backend = _registered.get(self.backend, self.backend) if isinstance(self.backend, str) else self.backend
        if isinstance(backend, str):
            call = fn._call_impl if isinstance(fn, nn.Module) else fn
            if isinstance(fn, nn.Module):
                return call
            if getattr(fn, "_torchdynamo_orig_callable", None) is not None:
                return fn

            @functools.wraps(fn)
            def compiled(*args: Any, **kwargs: Any) -> Any:
                return fn(*args, **kwargs)

            compiled._torchdynamo_orig_callable = fn  # type: ignore[attr-defined]
            return compiled
        return _with_backend(fn, backend, self)


def _with_backend(fn: Any, backend: Any, context: Context) -> Any:
    """``fn`` traced by ``torch.fx`` and given to a callable backend, for each new combination of arguments."""
    from torchax_lite import Tensor, nn

    programs: dict[Any, Any] = {}
    module = fn if isinstance(fn, nn.Module) else None
    signature = inspect.signature(fn.forward if module is not None else fn)
    more = {} if context.options is None else {"options": context.options}
    if context.mode is not None:
        more["mode"] = context.mode

    @functools.wraps(fn.forward if module is not None else fn)
    def compiled(*args: Any, **kwargs: Any) -> Any:
        if state.stance == "force_eager" or state.tracing:
            return fn(*args, **kwargs)
        bound = signature.bind(*args, **kwargs)
        flat = [x for x in (*bound.args, *bound.kwargs.values()) if isinstance(x, Tensor)]
        rest = [x for x in (*bound.args, *bound.kwargs.values()) if not isinstance(x, Tensor)]
        key = (
            state.generation,
            tuple((t.dtype, t.shape, t.requires_grad) for t in flat),
            repr(rest),
            module is not None and module.training,
        )
        if key not in programs:
            programs[key] = _build(fn, bound, flat, backend, more, context.fullgraph)
        program = programs[key]
        if program is None:
            return fn(*args, **kwargs)
        run, wrapped = program
        result = run(*flat)
        return result[0] if wrapped else result

    compiled._torchdynamo_orig_callable = fn  # type: ignore[attr-defined]
    return compiled


def _build(fn: Any, bound: Any, flat: list[Any], backend: Any, more: dict[str, Any], fullgraph: bool) -> Any:
    """``(callable, whether its result is a tuple of one)`` from the backend; None where ``fn`` cannot be traced."""
    from torchax_lite import Tensor, fx, nn

    order = [name for name, value in bound.arguments.items() if isinstance(value, Tensor)]
    nested = [v for name, v in bound.arguments.items() if name not in order and _holds_tensor(v)]
    body = fn.forward if isinstance(fn, nn.Module) else fn
    arguments = dict(bound.arguments)
    single: list[bool] = []

    class _Tracer(fx.Tracer):
        def create_args_for_root(self, root_fn: Any, is_module: bool, concrete_args: Any = None) -> Any:
            proxies = [self.create_proxy("placeholder", f"l_{name}_", (), {}) for name in order]

            def call(*given: Any) -> Any:
                bound.arguments.update(zip(order, given, strict=True))
                result = body(*bound.args, **bound.kwargs)
                single.append(not isinstance(result, (tuple, list)))
                return (result,) if single[-1] else result

            return call, proxies

    try:
        if nested:
            raise NotImplementedError(f"tensors inside of containers among the arguments of {body!r}")
        tracer = _Tracer()
        state.tracing += 1
        try:
            graph = tracer.trace(fn)
        finally:
            state.tracing -= 1
            bound.arguments.update(arguments)
    except Exception as error:
        if fullgraph:
            from torchax_lite._dynamo.exc import Unsupported

            raise Unsupported(str(error)) from error
        warnings.warn(f"torch.compile: not traced for the backend {backend!r}, run as it is: {error}", stacklevel=4)
        return None
    gm = fx.GraphModule(tracer.root, graph)
    try:
        run = backend(gm, flat, **more)
    except Exception as error:
        from torchax_lite._dynamo.exc import BackendCompilerFailed

        raise BackendCompilerFailed(backend, error) from error
    return run, single[-1]


def _holds_tensor(value: Any) -> bool:
    from torchax_lite import Tensor

    if isinstance(value, (list, tuple)):
        return any(isinstance(x, Tensor) or _holds_tensor(x) for x in value)
    if isinstance(value, dict):
        return any(isinstance(x, Tensor) or _holds_tensor(x) for x in value.values())
    return False


TORCH_NAMES = {"compile": compile}
"""What the ``torch`` namespace takes from here."""
