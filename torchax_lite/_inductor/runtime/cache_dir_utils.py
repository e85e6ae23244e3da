"""The folder of compiled programs."""

from __future__ import annotations

from ..._absent import fill

__all__ = ["cache_dir", "default_cache_dir"]


def cache_dir() -> str:
    """The folder in which compiled programs are kept.

    Raises:
        RuntimeError: the cache is switched off.
    """
    from ...engine import disk

    found = disk.folder()
    if found is None:
        raise RuntimeError("compiled programs are not kept: TORCHAX_LITE_CACHE_DIR switches the cache off")
    return str(found)


default_cache_dir = cache_dir
fill(globals(), "there are no Triton kernels here", functions="temporary_cache_dir triton_cache_dir")
