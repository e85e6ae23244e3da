"""Helpers around tensors and modules; see the submodules.

Submodules that need the finished core are imported when first asked for.
"""

from __future__ import annotations

import importlib
from typing import Any

_LAZY = (
    "_contextlib", "_python_dispatch", "_pytree", "_sympy", "backcompat", "backend_registration", "benchmark", "checkpoint", "collect_env", "cpp_extension", "data", "deterministic",
    "dlpack", "flop_counter", "hooks", "mobile_optimizer", "model_zoo", "module_tracker", "tensorboard",
    "throughput_benchmark", "weak",
)  # fmt: skip

_PROVIDED = {
    "ThroughputBenchmark": "throughput_benchmark", "rename_privateuse1_backend": "backend_registration",
    "generate_methods_for_privateuse1_backend": "backend_registration",
}  # fmt: skip


def swap_tensors(t1: Any, t2: Any) -> None:
    """Exchange two tensors: values, class, attributes, gradients; whoever holds one has the other afterwards.

    Raises:
        RuntimeError: one of them has weak references, or one is part of a graph that was recorded (AccumulateGrad).
    """
    import weakref

    for name, t in (("t1", t1), ("t2", t2)):
        if weakref.getweakrefs(t):
            raise RuntimeError(f"Cannot swap {name} because it has weakref associated with it")
        held = t._acc
        if held is not None and held() is not None:
            raise RuntimeError(
                f"Cannot swap {name} because its AccumulateGrad node is part of a graph: run the backward pass first"
            )
    t1.__class__, t2.__class__ = t2.__class__, t1.__class__
    t1.__dict__, t2.__dict__ = t2.__dict__, t1.__dict__


def set_module(obj: Any, mod: str) -> None:
    """Set the module that a function or class says it is from.

    Raises:
        TypeError: the name is no string.
    """
    if not isinstance(mod, str):
        raise TypeError("The mod argument should be a string")
    obj.__module__ = mod


def get_cpp_backtrace(frames_to_skip: int = 0, maximum_number_of_frames: int = 64) -> str:
    """There is no C++ to trace."""
    raise NotImplementedError("torch.utils.get_cpp_backtrace is not available; use traceback or faulthandler")


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return importlib.import_module(f"{__name__}.{name}")
    if name in _PROVIDED:
        return getattr(importlib.import_module(f"{__name__}.{_PROVIDED[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY, *_PROVIDED})
