"""The names of ``torch._inductor`` that scripts use; XLA generates the kernels here."""

from __future__ import annotations

from typing import Any

from . import config

__all__ = [
    "aoti_compile_and_package", "aoti_load_package", "compile", "config", "cudagraph_mark_step_begin", "list_mode_options",
    "list_options",
]  # fmt: skip


def list_mode_options(mode: str | None = None, dynamic: bool | None = None) -> dict[str, Any]:
    """What each mode of ``torch.compile`` sets in PyTorch."""
    found: dict[str, dict[str, Any]] = {
        "default": {}, "lite": {}, "reduce-overhead": {"triton.cudagraphs": True},
        "max-autotune-no-cudagraphs": {"max_autotune": True, "coordinate_descent_tuning": True},
        "max-autotune": {"max_autotune": True, "triton.cudagraphs": True, "coordinate_descent_tuning": True},
    }  # fmt: skip
    if mode is None:
        return found
    if mode not in found:
        raise RuntimeError(f"Unrecognized mode={mode}, should be one of: {', '.join(found)}")
    return found[mode]


def list_options() -> list[str]:
    """Names of the settings."""
    return list(config.to_dict())  # type: ignore[attr-defined]


def compile(gm: Any, example_inputs: Any, options: Any = None) -> Any:
    """The graph module itself, whose ops the engine compiles."""
    return gm


def cudagraph_mark_step_begin() -> None:
    """Nothing: results are never overwritten by the next call of a compiled function."""


def aoti_compile_and_package(*args: Any, **kwargs: Any) -> Any:
    """Not supported."""
    raise NotImplementedError(
        "torch._inductor.aoti_compile_and_package: use torch.export.save, or torch.jit.save of a trace"
    )


def aoti_load_package(*args: Any, **kwargs: Any) -> Any:
    """Not supported."""
    raise NotImplementedError("torch._inductor.aoti_load_package: use torch.export.load, or torch.jit.load")
