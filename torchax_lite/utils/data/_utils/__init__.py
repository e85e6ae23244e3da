"""Parts of the loader: collation, fetching, pinning, worker information."""

from . import collate, fetch, pin_memory, worker

__all__ = ["collate", "fetch", "pin_memory", "worker"]
