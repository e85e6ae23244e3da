"""``torch.cuda.tunable``: XLA tunes its matrix products by itself; there is nothing to switch on or read."""

from __future__ import annotations

from typing import Any

_NAMES = (
    "enable", "get_filename", "get_max_tuning_duration", "get_max_tuning_iterations", "get_results",
    "get_rotating_buffer_size", "get_validators", "mgpu_tune_gemm_in_file", "read_file", "record_untuned_enable",
    "set_filename", "set_max_tuning_duration", "set_max_tuning_iterations", "set_numerical_check_tolerances",
    "set_rotating_buffer_size", "tune_gemm_in_file", "tuning_enable", "write_file", "write_file_on_exit",
)  # fmt: skip


def is_enabled() -> bool:
    """Whether PyTorch's tuning is on (never)."""
    return False


def tuning_is_enabled() -> bool:
    """Whether PyTorch's tuning is on (never)."""
    return False


def record_untuned_is_enabled() -> bool:
    """Whether PyTorch notes what could be tuned (never)."""
    return False


def _missing(name: str) -> Any:
    def function(*args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError(
            f"torch.cuda.tunable.{name} is not available: XLA tunes its matrix products by itself"
        )

    function.__name__ = name
    return function


for _name in _NAMES:
    globals()[_name] = _missing(_name)
__all__ = ["is_enabled", "record_untuned_is_enabled", "tuning_is_enabled", *_NAMES]
