"""Per-thread switches: gradient recording, inference mode, and what else looks at each recorded op."""

from __future__ import annotations

import threading
from typing import Any


class Modes(threading.local):
    """State of the current thread. Defaults are class attributes, so reading them is one lookup."""

    grad = True
    inference = False
    anomaly = False
    anomaly_check_nan = True
    saved_hooks: tuple[object, ...] = ()
    watch = False
    """Whether new grad nodes are looked at: saved-tensor hooks, anomaly mode, or inference mode was ever used."""
    inference_used = False
    function_mode: tuple[Any, ...] = ()
    """The entered ``TorchFunctionMode`` objects, innermost last."""
    in_function = False
    """Whether the code of an overridable function is running: calls within it are not overridden."""
    transforms: tuple[Any, ...] = ()
    """Function transforms that run now, outermost first (see tensor/transforms.py)."""
    grad_layout = True
    """Whether the gradients of leaves take the leaves' strides."""
    forward_grad = True
    """Whether tangents of forward mode go through ops."""
    grad_scopes = 0
    """How many gradient transforms of ``torch.func`` run now."""
    subclasses = True
    """Whether arguments may override functions."""


modes = Modes()


def update_watch() -> None:
    """Set ``modes.watch`` anew for this thread after one of its reasons changed."""
    modes.watch = bool(modes.saved_hooks) or modes.anomaly or Modes.inference_used
