"""Imports what takes longest, the garbage collector paused.

JAX, the op families and the generated wrappers make some two hundred thousand objects that all stay. Searching them for
garbage again and again took a seventh of the import, so they go to the oldest generation unsearched.
"""

import gc

_was_enabled = gc.isenabled()
gc.disable()
try:
    from . import engine
    from ._generated import torch_ops

    if not gc.get_freeze_count():
        gc.freeze()
        gc.unfreeze()  # what was frozen is now in the oldest generation
finally:
    if _was_enabled:
        gc.enable()

__all__ = ["engine", "torch_ops"]
