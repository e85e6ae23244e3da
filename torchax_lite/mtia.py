"""``torch.mtia``: Meta's accelerators, which are never available here."""

from __future__ import annotations

from . import _absent_device

_FUNCTIONS = """attach_out_of_memory_observer current_device current_stream default_stream device_count empty_cache
get_device_capability get_device_properties get_rng_state get_rng_state_all graph graph_pool_handle init initial_seed
is_available is_bf16_supported is_initialized manual_seed manual_seed_all max_memory_allocated memory_allocated
memory_stats record_memory_history reset_peak_memory_stats seed seed_all set_device set_rng_state set_rng_state_all
set_stream snapshot stream synchronize"""
_CLASSES = "Event MTIAGraph Stream StreamContext device"

_NAMES = _absent_device.names(
    _FUNCTIONS, _CLASSES, lambda name: RuntimeError(f"Cannot execute {name}() without MTIA backend.")
)
globals().update(_NAMES)
__all__ = sorted(_NAMES)  # noqa: PLE0605
