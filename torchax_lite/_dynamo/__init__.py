"""The names of ``torch._dynamo`` that scripts use; nothing is captured from bytecode here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torchax_lite.compiler import (
    allow_in_graph,
    assume_constant_result,
    disable,
    is_compiling,
    list_backends,
    reset,
    substitute_in_graph,
)
from torchax_lite.compiler._compile import Context, register_backend
from torchax_lite.compiler._optimized import OptimizedModule

from . import config, eval_frame, exc, utils
from .eval_frame import is_dynamo_supported

__all__ = [
    "OptimizedModule", "allow_in_graph", "assume_constant_result", "config", "disable", "disallow_in_graph", "eval_frame", "exc",
    "explain", "export", "forbid_in_graph", "graph_break", "is_compiling", "is_dynamo_supported", "list_backends",
    "mark_dynamic", "mark_static", "mark_static_address", "maybe_mark_dynamic", "optimize", "optimize_assert",
    "register_backend", "reset", "run", "substitute_in_graph", "utils",
]  # fmt: skip


def optimize(
    backend: str | Callable[..., Any] = "inductor", *, nopython: bool = False, dynamic: bool | None = None, disable: bool = False,
    guard_export_fn: Any = None, guard_fail_fn: Any = None, **kwargs: Any,
) -> Callable[[Any], Any]:  # fmt: skip
    """The decorator form of ``torch.compile``."""
    from torchax_lite.compiler import compile

    return lambda fn: compile(fn, fullgraph=nopython, dynamic=dynamic, backend=backend, disable=disable)


def optimize_assert(backend: Any, **kwargs: Any) -> Callable[[Any], Any]:
    """:func:`optimize` with ``nopython=True``."""
    return optimize(backend, nopython=True)


def run(fn: Any = None) -> Any:
    """The function as it is."""
    return run if fn is None else fn


def mark_dynamic(
    t: Any, index: Any, *, hint_override: Any = None, min: int | None = None, max: int | None = None, **kwargs: Any
) -> None:
    """Says that a size changes from call to call. XLA compiles for the sizes that come: this does nothing."""
    _check_dims(t, index)


def maybe_mark_dynamic(t: Any, index: Any) -> None:
    """As :func:`mark_dynamic`."""
    _check_dims(t, index)


def mark_static(t: Any, index: Any = None) -> None:
    """Says that a size does not change, which is always assumed."""
    _check_dims(t, index)


def mark_static_address(t: Any, guard: bool = True) -> None:
    """Says that a tensor stays where it is; addresses mean nothing here."""


def _check_dims(t: Any, index: Any) -> None:
    for i in index if isinstance(index, (list, tuple)) else () if index is None else (index,):
        if not 0 <= i < t.ndim:
            raise AssertionError(f"dim {i} of a tensor with {t.ndim} dims")


def graph_break(msg: str = "") -> None:
    """Nothing: a program is cut where a value is needed, and nowhere else."""


def disallow_in_graph(fn: Any) -> Any:
    """The function as it is."""
    return fn


forbid_in_graph = disallow_in_graph


def explain(f: Any, *extra_args: Any, **extra_kwargs: Any) -> Any:
    """Not supported."""
    raise NotImplementedError(
        "torch._dynamo.explain: torchax_lite.engine.stats() and engine.explain() say what was compiled and why"
    )


def export(f: Any, *extra_args: Any, **extra_kwargs: Any) -> Any:
    """Not supported."""
    raise NotImplementedError("torch._dynamo.export: use torch.export.export or torch.fx.symbolic_trace")
