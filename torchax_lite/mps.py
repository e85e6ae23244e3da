"""``torch.mps``: Apple GPUs, which are never available here."""

from __future__ import annotations

import types

from . import _absent_device


def _error(name: str) -> Exception:
    return RuntimeError(f"Cannot execute {name}() without MPS backend.")


_FUNCTIONS = """compile_shader current_allocated_memory device_count driver_allocated_memory empty_cache get_rng_state
is_available load_metallib manual_seed recommended_max_memory seed set_per_process_memory_fraction set_rng_state
synchronize"""
_PROFILER = "is_capturing_metal is_metal_capture_enabled metal_capture profile start stop"

_NAMES = _absent_device.names(_FUNCTIONS, "Event", _error)
_NAMES["empty_cache"] = _absent_device.names("emptyCache", "", _error)["emptyCache"]
globals().update(_NAMES)
profiler = types.SimpleNamespace(
    **_absent_device.names(_PROFILER, "", _error, {"is_capturing_metal": False, "is_metal_capture_enabled": False})
)
event = types.SimpleNamespace(Event=_NAMES["Event"])
__all__ = sorted([*_NAMES, "event", "profiler"])  # noqa: PLE0605
