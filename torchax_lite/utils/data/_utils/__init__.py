"""Parts of the loader: collation, fetching, pinning, worker information, and what loaders of other packages share.

Attributes:
    MP_STATUS_CHECK_INTERVAL: seconds after which a waiting loader looks whether the other side still lives.
    HAS_NUMPY: whether NumPy is there.
    python_exit_status: whether the interpreter is ending.
"""

import atexit
import sys

from torchax_lite._utils import ExceptionWrapper

MP_STATUS_CHECK_INTERVAL = 5.0
IS_WINDOWS = sys.platform == "win32"
HAS_NUMPY = True
python_exit_status = False


def _set_python_exit_flag() -> None:
    """Note that the interpreter is ending."""
    global python_exit_status
    python_exit_status = True


atexit.register(_set_python_exit_flag)

from . import collate, fetch, pin_memory, signal_handling, worker  # noqa: E402

__all__ = ["ExceptionWrapper", "collate", "fetch", "pin_memory", "signal_handling", "worker"]
