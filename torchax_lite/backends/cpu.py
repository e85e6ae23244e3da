"""``torch.backends.cpu``: what the processor can do."""

from __future__ import annotations


def get_cpu_capability() -> str:
    """``AVX512``, ``AVX2`` or ``DEFAULT``, after the processor's flags (Linux; ``DEFAULT`` elsewhere)."""
    try:
        with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
            flags = next((line for line in file if line.startswith(("flags", "Features"))), "")
    except OSError:
        return "DEFAULT"
    if "avx512f" in flags and "avx512dq" in flags:
        return "AVX512"
    return "AVX2" if "avx2" in flags else "DEFAULT"


__all__ = ["get_cpu_capability"]
