"""The server that workers are forked from: a process that imported this package and started no XLA backend.

It is started once by a process that wants workers, and lives as long as that process. A request is one line of JSON over
a Unix socket; descriptors travel beside it:

    {"op": "start"}                    + worker's socket, stdout, stderr     ->  {"pid": ...}
    {"op": "status", "pids": [...]}    exit statuses (None: alive)           ->  {"statuses": [...]}
    {"op": "stop", "pids": [...], "grace": seconds}    kill those that have not left by then    ->  {}
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import select
import signal
import socket
import sys
import time
import warnings
from typing import Any

_ORPHAN_GRACE = 0.5
"""Seconds that workers have to leave by themselves after their loader's whole process has ended."""


class _Server:
    def __init__(self, control: socket.socket) -> None:
        self.control = control
        self.statuses: dict[int, int | None] = {}
        self.deadlines: dict[int, float] = {}
        self.parent = os.getppid()

    def run(self) -> None:
        """Answer requests until the parent has gone, then see to it that no worker stays."""
        wakeup, written = os.pipe()
        os.set_blocking(wakeup, False)
        os.set_blocking(written, False)
        signal.set_wakeup_fd(written, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda signum, frame: None)
        while True:
            now = time.monotonic()
            wait = min((d - now for d in self.deadlines.values()), default=5.0)
            watched: list[Any] = [self.control, wakeup]
            ready, _, _ = select.select(watched, [], [], min(max(wait, 0), 5.0))
            with contextlib.suppress(BlockingIOError):
                os.read(wakeup, 4096)
            self.reap()
            self.kill_overdue()
            if os.getppid() != self.parent or (self.control in ready and not self.answer()):
                break
        end = time.monotonic() + _ORPHAN_GRACE
        while self.alive() and time.monotonic() < end:
            time.sleep(0.01)
            self.reap()
        for pid in self.alive():
            os.kill(pid, signal.SIGKILL)

    def alive(self) -> list[int]:
        return [pid for pid, status in self.statuses.items() if status is None]

    def reap(self) -> None:
        for pid in self.alive():
            found, status = os.waitpid(pid, os.WNOHANG)
            if found:
                self.statuses[pid] = os.waitstatus_to_exitcode(status)
                if self.deadlines.pop(pid, None) is not None:
                    del self.statuses[pid]

    def kill_overdue(self) -> None:
        now = time.monotonic()
        for pid, deadline in self.deadlines.items():
            if deadline <= now:
                os.kill(pid, signal.SIGKILL)
                self.deadlines[pid] = now + 1.0

    def answer(self) -> bool:
        """Read what requests there are and answer them; False at the end of the stream.

        There are several where the asking was interrupted (Ctrl-C) before its answer came. Descriptors end a read, so
        that they belong to its last request.
        """
        try:
            text, fds, _, _ = socket.recv_fds(self.control, 1 << 16, 3)
            while text and not text.endswith(b"\n"):
                more = self.control.recv(1 << 16)
                if not more:
                    return False
                text += more
        except ConnectionError:
            return False
        requests = [json.loads(line) for line in text.splitlines()]
        for request in requests:
            reply = {"id": request["id"], **self.obey(request, fds if request is requests[-1] else [])}
            with contextlib.suppress(ConnectionError):
                self.control.sendall(json.dumps(reply).encode() + b"\n")
        return bool(requests)

    def obey(self, request: dict[str, Any], fds: list[int]) -> dict[str, Any]:
        """Do what one request wants; the answer."""
        if request["op"] == "start":
            return {"pid": self.start(fds)}
        if request["op"] == "status":
            return {"statuses": [self.statuses.get(pid, 0) for pid in request["pids"]]}
        for pid in request["pids"]:
            if self.statuses.get(pid, 0) is None:
                self.deadlines[pid] = time.monotonic() + request["grace"]
            else:
                self.statuses.pop(pid, None)
        return {}

    def start(self, fds: list[int]) -> int:
        """Fork a worker."""
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                status = self.become_worker(fds)
                sys.stdout.flush()
                sys.stderr.flush()
            finally:
                os._exit(status)
        for fd in fds:
            os.close(fd)
        self.statuses[pid] = None
        return pid

    def become_worker(self, fds: list[int]) -> int:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        self.control.close()
        for source, target in zip(fds[1:], (1, 2), strict=False):
            os.dup2(source, target)
            os.close(source)
        from torchax_lite.utils.data._utils.worker import run_worker

        with socket.socket(fileno=fds[0]) as sock:
            return run_worker(sock)


def _warm_up() -> None:
    """Build the sites of a few ops, so that tracing is imported and ready; nothing is compiled or run by XLA."""
    import torchax_lite as torch
    from torchax_lite.tensor.on_numpy import compute_on_host

    compute_on_host()
    x = torch.zeros(2, 3)
    torch.stack([x.div(2), x.permute(1, 0).reshape(2, 3)])
    torch.manual_seed(0)


def main(descriptor: int, modules: list[str]) -> None:
    """Import what workers need, then serve over the socket ``descriptor``."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for name in ("pickling", "worker"):
        importlib.import_module(f"torchax_lite.utils.data._utils.{name}")
    importlib.import_module("torchax_lite.utils.data")
    for name in modules:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    _warm_up()
    warnings.filterwarnings("ignore", message=".*os.fork", category=RuntimeWarning)
    warnings.filterwarnings("ignore", message=".*use of fork", category=DeprecationWarning)
    gc.collect()
    gc.freeze()
    with socket.socket(fileno=descriptor) as control:
        _Server(control).run()
