"""What the module of an accelerator that is not there answers: it is not available, and counts and sizes are 0."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NoReturn

_QUIET: dict[str, Any] = {
    "is_available": False, "device_count": 0, "is_initialized": False, "is_bf16_supported": False,
    "is_tf32_supported": False, "manual_seed": None, "manual_seed_all": None, "empty_cache": None, "init": None,
    "memory_allocated": 0, "max_memory_allocated": 0, "memory_reserved": 0, "max_memory_reserved": 0,
    "reset_peak_memory_stats": None, "reset_accumulated_memory_stats": None, "get_arch_list": [], "memory_stats": {},
    "set_rng_state_all": None, "get_rng_state_all": [], "is_current_stream_capturing": False, "seed_all": None,
}  # fmt: skip
"""Functions that answer without the device."""


def _answering(name: str, value: Any) -> Callable[..., Any]:
    def answer(*args: Any, **kwargs: Any) -> Any:
        return value.copy() if isinstance(value, (list, dict)) else value

    answer.__name__ = answer.__qualname__ = name
    answer.__doc__ = "Answers without the device, which is not there."
    return answer


def _raising(name: str, error: Exception) -> Callable[..., NoReturn]:
    def refuse(*args: Any, **kwargs: Any) -> NoReturn:
        raise type(error)(*error.args)

    refuse.__name__ = refuse.__qualname__ = name
    refuse.__doc__ = "Needs the device, which is not there: raises."
    return refuse


def _class(name: str, error: Exception) -> type:
    def refuse(cls: Any, *args: Any, **kwargs: Any) -> NoReturn:
        raise type(error)(*error.args)

    return type(name, (), {"__new__": refuse, "__doc__": "Needs the device, which is not there: raises."})


def names(
    functions: str, classes: str, error: Callable[[str], Exception], answers: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The namespace of an absent device.

    Args:
        functions, classes: their names, separated by spaces.
        error: the exception of a function that needs the device, by its name.
        answers: functions that answer all the same, besides the usual ones.
    """
    quiet = {**_QUIET, **(answers or {})}
    made: dict[str, Any] = {
        name: _answering(name, quiet[name]) if name in quiet else _raising(name, error(name))
        for name in functions.split()
    }
    made.update({name: _class(name, error(name)) for name in classes.split()})
    return made
