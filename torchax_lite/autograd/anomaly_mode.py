"""Anomaly detection: where in the forward a failing or NaN-producing backward node was made."""

from __future__ import annotations

import os
import traceback
import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from ..tensor.modes import modes, update_watch

if TYPE_CHECKING:
    from ..tensor.tape import GradNode

_PARENT = "anomaly_parent_"
_TRACE = "traceback_"
_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep


def _set(mode: bool, check_nan: bool) -> None:
    modes.anomaly, modes.anomaly_check_nan = mode, check_nan
    update_watch()


class set_detect_anomaly:
    """Anomaly detection on or off: at once as a function, for a block as a context manager.

    Args:
        mode: on or off.
        check_nan: whether a NaN that a backward node produces raises.
    """

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        self.prev = modes.anomaly
        self.prev_check_nan = modes.anomaly_check_nan
        _set(bool(mode), bool(check_nan))

    def __enter__(self) -> None:
        pass

    def __exit__(self, *args: object) -> None:
        _set(self.prev, self.prev_check_nan)


class detect_anomaly:
    """Anomaly detection for a block: errors of the backward come with the trace of the forward call.

    Args:
        check_nan: whether a NaN that a backward node produces raises.
    """

    def __init__(self, check_nan: bool = True) -> None:
        self.prev = modes.anomaly
        self.check_nan = check_nan
        self.prev_check_nan = modes.anomaly_check_nan
        warnings.warn(
            "Anomaly Detection has been enabled. This mode will increase the runtime and should only be enabled for debugging.",
            stacklevel=2,
        )

    def __enter__(self) -> None:
        _set(True, self.check_nan)

    def __exit__(self, *args: object) -> None:
        _set(self.prev, self.prev_check_nan)


def is_anomaly_enabled() -> bool:
    """Whether anomaly detection is on in this thread."""
    return modes.anomaly


def is_anomaly_check_nan_enabled() -> bool:
    """Whether anomaly detection, when on, checks for NaN."""
    return modes.anomaly_check_nan


_running: list[GradNode] = []


def note_forward(node: GradNode) -> None:
    """Keep the present stack, and the backward node that runs now, with a new node."""
    stack = traceback.extract_stack()
    while len(stack) > 1 and stack[-1].filename.startswith(_PACKAGE):
        stack.pop()
    lines = stack.format()
    node._traceback = "".join(lines)
    node.metadata[_TRACE] = lines
    if _running:
        node.metadata[_PARENT] = _running[-1]


def run_watched(node: GradNode, run: Callable[[], Sequence[Any]]) -> Sequence[Any]:
    """Run a node; when that fails or produces NaN, warn with the trace of the forward call that made it."""
    _running.append(node)
    try:
        outputs = run()
        if modes.anomaly_check_nan:
            for i, g in enumerate(outputs):
                if g is not None and bool((g != g).any()):
                    raise RuntimeError(f"Function '{node.name()}' returned nan values in its {i}th output.")
    except Exception:
        _tell(node)
        raise
    finally:
        _running.pop()
    return outputs


def _tell(node: GradNode) -> None:
    if node._traceback is None:
        if node._edges:
            warnings.warn(
                f"Error detected in {node.name()}. No forward pass information available. Enable detect anomaly during "
                "forward pass for more information.",
                stacklevel=4,
            )
        return
    warnings.warn(
        f"Error detected in {node.name()}. Traceback of forward call that caused the error:\n{node._traceback}",
        stacklevel=4,
    )
    parent = node.metadata.get(_PARENT)
    while parent is not None:
        trace = parent._traceback
        warnings.warn(
            f"\n\nPrevious calculation was induced by {parent.name()}. "
            + (
                f"Traceback of forward call that induced the previous calculation:\n{trace}"
                if trace
                else "No forward pass information available."
            ),
            stacklevel=4,
        )
        parent = parent.metadata.get(_PARENT)


__all__ = ["detect_anomaly", "is_anomaly_check_nan_enabled", "is_anomaly_enabled", "set_detect_anomaly"]
