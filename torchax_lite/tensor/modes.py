"""Per-thread switches: gradient recording and inference mode."""

from __future__ import annotations

import threading


class Modes(threading.local):
    """State of the current thread. Defaults are class attributes, so reading them is one lookup."""

    grad = True
    inference = False
    anomaly = False
    anomaly_check_nan = True
    saved_hooks: tuple[object, ...] = ()
    function_mode: tuple[object, ...] = ()


modes = Modes()
