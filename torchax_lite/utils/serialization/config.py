"""Settings of files: ``load.mmap``, ``load.endianness``, ``load.mmap_flags``, ``save.compute_crc32`` …

``load.calculate_storage_offsets`` is kept and has no effect: the archive's directory is always read.
``save.use_pinned_memory_for_d2h`` likewise: JAX stages transfers itself.
"""

from __future__ import annotations

import sys

from torchax_lite.compiler._config import install

install(
    __name__,
    {
        "load.mmap": False,
        "load.endianness": None,
        "load.mmap_flags": None if sys.platform == "win32" else 2,
        "load.calculate_storage_offsets": False,
        "save.compute_crc32": True,
        "save.use_pinned_memory_for_d2h": False,
        "save.storage_alignment": 64,
    },
)
