"""What a loader's process does when worker processes of other packages' loaders die: it raises, with the cause.

(The workers of :class:`torch.utils.data.DataLoader` are watched by the ends of their channels.)
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterable
from typing import Any

_pids: dict[int, set[int]] = {}
_SIGCHLD_handler_set = False


def _set_worker_signal_handlers() -> None:
    """In a worker: nothing. A fatal signal ends it, which its parent notices."""


def _set_worker_pids(key: int, child_pids: Iterable[int]) -> None:
    """Watch the workers of a loader.

    Raises:
        ValueError: they are watched already.
    """
    if key in _pids:
        raise ValueError(f"The worker pids of loader {key} have been set already")
    _pids[key] = set(child_pids)


def _remove_worker_pids(key: int) -> None:
    """Watch the workers of a loader no longer.

    Raises:
        ValueError: they are not watched.
    """
    if key not in _pids:
        raise ValueError(f"There are no worker pids of loader {key}")
    del _pids[key]


def _error_if_any_worker_fails() -> None:
    """Raise RuntimeError if a watched worker was killed or ended with an error; its loader is then watched no longer."""
    for key, pids in list(_pids.items()):
        for pid in pids:
            try:
                found = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                continue
            if found is None or found.si_pid == 0:
                continue
            if found.si_code == os.CLD_EXITED:
                if found.si_status == 0:
                    continue
                text = (
                    f"exited unexpectedly with exit code {found.si_status}. Details are lost due to multiprocessing. "
                )
                text += "Rerunning with num_workers=0 may give better error trace."
            else:
                text = f"is killed by signal: {signal.strsignal(found.si_status)}. "
            _pids.pop(key, None)
            raise RuntimeError(f"DataLoader worker (pid {pid}) {text}")


def _set_SIGCHLD_handler() -> None:
    """Look after the workers whenever a child process ends (in the main thread, where signals can be handled)."""
    global _SIGCHLD_handler_set
    if _SIGCHLD_handler_set or not hasattr(signal, "SIGCHLD"):
        return
    if threading.current_thread() is not threading.main_thread():
        return
    before = signal.getsignal(signal.SIGCHLD)

    def handle(signum: int, frame: Any) -> None:
        _error_if_any_worker_fails()
        if callable(before):
            before(signum, frame)

    signal.signal(signal.SIGCHLD, handle)
    _SIGCHLD_handler_set = True
