"""glibc keeps freed memory for the next program, instead of giving it back to the system after each.

A step's results and temporaries are a few MB to some hundred MB, freed at its end and needed again at once. Given back
and asked for anew, each of their pages is faulted in and zeroed at every step: a quarter of the time of a small GPT's
step on a CPU.
"""

from __future__ import annotations

import ctypes
import functools
import os
import sys

KEPT = 512 << 20
"""Bytes of free memory at the heap's end above which it goes back to the system."""
OWN_MAPPING = 256 << 20
"""Bytes from which a block is mapped by itself, and given back as soon as it is freed."""
_OLD_LIMIT = 32 << 20
"""What older versions of glibc take for it at most."""
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_CHOSEN_BY_USER = ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "MALLOC_TOP_PAD_")


@functools.cache
def keep() -> bool:
    """Set it up, once a process; False where there is no glibc, or the user has set its thresholds or forbidden it."""
    if not sys.platform.startswith("linux") or os.environ.get("TORCHAX_LITE_KEEP_FREED", "1") in ("", "0"):
        return False
    if any(name in os.environ for name in _CHOSEN_BY_USER) or "malloc" in os.environ.get("GLIBC_TUNABLES", ""):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    taken = mallopt(_M_MMAP_THRESHOLD, OWN_MAPPING) or mallopt(_M_MMAP_THRESHOLD, _OLD_LIMIT)
    return bool(taken and mallopt(_M_TRIM_THRESHOLD, KEPT))
