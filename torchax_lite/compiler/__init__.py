"""``torch.compile`` and ``torch.compiler``: thin, since every program is compiled by XLA here anyway.

What ``torch.compile`` asks for, fusing the ops of a function into few kernels, the engine does for all ops that are
recorded between two points where values are needed. So the compiled function is the function, with PyTorch's checks of
arguments; only a backend that is a callable is really called, with the graph that ``torch.fx`` gives.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from ._compile import compile, registered_backends, state

__all__ = [
    "allow_in_graph",
    "assume_constant_result",
    "compile",
    "cudagraph_mark_step_begin",
    "disable",
    "get_default_backend",
    "is_compiling",
    "is_dynamo_compiling",
    "is_exporting",
    "keep_portable_guards_unsafe",
    "keep_tensor_guards_unsafe",
    "list_backends",
    "load_cache_artifacts",
    "load_compiled_function",
    "nested_compile_region",
    "reset",
    "save_cache_artifacts",
    "set_default_backend",
    "set_enable_guard_collectives",
    "set_stance",
    "skip_all_guards_unsafe",
    "skip_guard_on_all_nn_modules_unsafe",
    "skip_guard_on_globals_unsafe",
    "skip_guard_on_inbuilt_nn_modules_unsafe",
    "substitute_in_graph",
    "wrap_numpy",
]


def reset() -> None:
    """Forget what custom backends compiled. The engine's programs stay: they are keyed by what they compute."""
    state.generation += 1


def allow_in_graph(fn: Any) -> Any:
    """The function(s) as they are: nothing is left out of programs that could be let in."""
    if isinstance(fn, (list, tuple)):
        return [allow_in_graph(f) for f in fn]
    if not callable(fn):
        raise AssertionError("allow_in_graph expects a callable")
    return fn


def assume_constant_result(fn: Any) -> Any:
    """The function as it is: its result is not frozen, which it need not be."""
    return fn


def disable(fn: Any = None, recursive: bool = True, *, reason: str | None = None) -> Any:
    """The function as it is, usable as a decorator with and without arguments: recorded ops run as always."""
    if fn is None:
        return lambda f: disable(f, recursive, reason=reason)
    if not callable(fn):
        raise AssertionError("disable expects a callable")
    return fn


def substitute_in_graph(
    original_fn: Callable[..., Any], *, can_constant_fold_through: bool = False, skip_signature_check: bool = False,
) -> Callable[[Any], Any]:  # fmt: skip
    """A decorator that returns its function: functions run as they are, so none needs a traceable substitute."""
    return lambda traceable: traceable


def list_backends(exclude_tags: Any = ("debug", "experimental")) -> list[str]:
    """Names of the backends that ``torch.compile`` accepts."""
    exclude = set(exclude_tags or ())
    return sorted(name for name, tags in registered_backends().items() if not tags & exclude)


def is_compiling() -> bool:
    """Whether a function is being traced for a backend or for export."""
    return state.tracing > 0 or state.exporting > 0


def is_dynamo_compiling() -> bool:
    """Whether a function is being traced for a backend."""
    return state.tracing > 0


def is_exporting() -> bool:
    """Whether a function is being exported."""
    return state.exporting > 0


def cudagraph_mark_step_begin() -> None:
    """Marks a step for CUDA graphs, which there are none of: a program is one executable already."""


def wrap_numpy(fn: Callable[..., Any]) -> Callable[..., Any]:
    """A function of NumPy arrays as one of tensors (on the CPU, without gradients)."""
    import functools

    import numpy as np

    from torchax_lite import Tensor, from_numpy

    def to_array(x: Any) -> Any:
        return x.numpy() if isinstance(x, Tensor) else x

    def to_tensor(x: Any) -> Any:
        if isinstance(x, (tuple, list)):
            return type(x)([to_tensor(y) for y in x])  # type: ignore[call-arg]
        return from_numpy(np.asarray(x)) if isinstance(x, (np.ndarray, np.generic)) else x  # type: ignore[misc]

    @functools.wraps(fn)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        return to_tensor(fn(*map(to_array, args), **{k: to_array(v) for k, v in kwargs.items()}))

    return wrapped


def get_default_backend() -> Any:
    """The backend of ``torch.compile`` where none is given."""
    return state.default_backend


def set_default_backend(backend: str | Callable[..., Any]) -> None:
    """Set the backend of ``torch.compile`` where none is given."""
    if not callable(backend) and backend not in registered_backends():
        from torchax_lite._dynamo.exc import InvalidBackend

        raise InvalidBackend(backend)
    state.default_backend = backend


class set_stance(contextlib.ContextDecorator):
    """How compiled functions behave from now on, or in the ``with`` block or decorated function.

    ``"force_eager"`` and ``"eager_on_recompile"`` let functions with a callable backend run without it; the others
    change nothing.

    Raises:
        RuntimeError: for an unknown stance, or ``"force_eager"`` with a ``force_backend``.
    """

    def __init__(
        self, stance: str = "default", *, skip_guard_eval_unsafe: bool = False, force_backend: Any = None
    ) -> None:
        known = ("default", "eager_then_compile", "aot_eager_then_compile", "force_eager", "eager_on_recompile",
                 "fail_on_recompile")  # fmt: skip
        if stance not in known:
            raise RuntimeError(f"invalid torch.compile stance '{stance}', one of {known} is wanted")
        if force_backend is not None and stance != "default":
            raise RuntimeError("non-default stance cannot have force_backend set")
        self._before = state.stance, state.force_backend
        self._now = stance, force_backend
        state.stance, state.force_backend = self._now

    def __call__(self, func: Any) -> Any:
        state.stance, state.force_backend = self._before
        return super().__call__(func)

    def __enter__(self) -> None:
        state.stance, state.force_backend = self._now

    def __exit__(self, *exc: Any) -> None:
        state.stance, state.force_backend = self._before


def set_enable_guard_collectives(enabled: bool) -> bool:
    """Kept for distributed scripts; there are no guards. Returns the setting before."""
    before, state.guard_collectives = state.guard_collectives, bool(enabled)
    return before


def nested_compile_region(
    fn: Any = None, *, options: Any = None, max_reuse_entries: int = 8, reuse_hash_fn: Any = None
) -> Any:
    """The function as it is: equal regions share their executable where they are programs of their own."""
    return (lambda f: f) if fn is None else fn


def save_cache_artifacts() -> None:
    """None: the engine keeps its executables in its own folder (``TORCHAX_LITE_CACHE``), which may be copied."""
    return


def load_cache_artifacts(serialized_artifacts: bytes) -> None:
    """Not supported."""
    raise NotImplementedError("torch.compiler.load_cache_artifacts: copy the folder of compiled programs instead")


def load_compiled_function(file: Any, *, f_globals: Any = None, external_data: Any = None) -> Any:
    """Not supported."""
    raise NotImplementedError(
        "torch.compiler.load_compiled_function: use torch.jit.save and torch.jit.load, or torch.export"
    )


def _keep(guard_entries: Any) -> list[bool]:
    return [True for _ in guard_entries]


def keep_portable_guards_unsafe(guard_entries: Any) -> list[bool]:
    """A filter of guards, of which there are none; keeps all it is given."""
    return _keep(guard_entries)


def keep_tensor_guards_unsafe(guard_entries: Any, keep_parameters: bool = False) -> list[bool]:
    """A filter of guards, of which there are none; keeps all it is given."""
    return _keep(guard_entries)


def skip_all_guards_unsafe(guard_entries: Any) -> list[bool]:
    """A filter of guards, of which there are none; keeps none of what it is given."""
    return [False for _ in guard_entries]


skip_guard_on_globals_unsafe = keep_portable_guards_unsafe
skip_guard_on_inbuilt_nn_modules_unsafe = keep_portable_guards_unsafe
skip_guard_on_all_nn_modules_unsafe = keep_portable_guards_unsafe


@contextlib.contextmanager
def _exporting() -> Iterator[None]:
    state.exporting += 1
    try:
        yield
    finally:
        state.exporting -= 1
