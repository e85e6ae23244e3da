"""Starting and ending worker processes, from the loader's process."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import pickle
import signal
import socket
import subprocess
import sys
import threading
import time
import warnings
from typing import Any

from ....dropin import is_installed
from .channel import Channel, Closed, Message, encode
from .worker import Setting

GRACE = 5.0
"""Seconds that a worker has to finish what it is doing after its loader hung up."""
_PRELOADED = ("PIL.Image", "PIL.JpegImagePlugin", "PIL.PngImagePlugin")
"""Modules that the server imports ahead if the loader's process has them: they start no threads."""
_OWN = "torchax_lite.vision"
"""What is loaded of this package is imported ahead, too."""


class _Server:
    """The server process of this process; started when first wanted."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            package = __name__.partition(".")[0]
            root = os.path.dirname(os.path.dirname(os.path.abspath(sys.modules[package].__file__ or "")))
            path = [os.path.abspath(entry) for entry in sys.path]
            modules = [name for name in _PRELOADED if name in sys.modules]
            modules += sorted(name for name in list(sys.modules) if f"{name}.".startswith(f"{_OWN}."))
            code = (
                "import signal, sys; signal.signal(signal.SIGINT, signal.SIG_IGN); "
                "signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT]); "
                f"sys.path[:] = {path!r}; {root!r} in sys.path or sys.path.append({root!r}); "
                f"from torchax_lite.utils.data._utils.server import main; main({theirs.fileno()}, {modules!r})"
            )
            # Workers get the loader's environment when they start; they compute on the CPU.
            environment = {**os.environ, "JAX_PLATFORMS": "cpu"}
            environment.setdefault("PYTHONHASHSEED", str(_HASH_SEED))
            # A Ctrl-C is this process's to answer, also while the server's interpreter starts.
            mask = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
            try:
                self.process = subprocess.Popen(
                    [sys.executable, *subprocess._args_from_interpreter_flags(), "-c", code],  # type: ignore[attr-defined]
                    stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()], env=environment,
                )  # fmt: skip
            finally:
                signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        self.socket = ours
        self.owner = os.getpid()
        self.asked = 0
        self.unread = b""

    def ask(self, request: dict[str, Any], fds: list[int] | None = None) -> dict[str, Any]:
        """Send a request and wait for the answer.

        Raises:
            Closed: the server has gone.
        """
        self.asked += 1
        line = json.dumps({**request, "id": self.asked}).encode() + b"\n"
        try:
            sent = socket.send_fds(self.socket, [line], fds) if fds else self.socket.send(line)
            self.socket.sendall(line[sent:])
            while True:
                reply, end, rest = self.unread.partition(b"\n")
                if not end:
                    part = self.socket.recv(1 << 16)
                    if not part:
                        raise Closed
                    self.unread += part
                    continue
                self.unread = rest
                answer: dict[str, Any] = json.loads(reply)
                if answer["id"] == self.asked:  # an earlier question may have been interrupted
                    return answer
        except ConnectionError as error:
            raise Closed from error

    def close(self) -> None:
        """Let the server end; it takes its workers along."""
        self.socket.close()
        if self.owner == os.getpid():
            self.process.wait()


_HASH_SEED = int.from_bytes(os.urandom(4), "little")
_lock = threading.RLock()
_server: _Server | None = None


def _current() -> _Server:
    global _server
    if _server is None:
        _server = _Server()
    return _server


def _after_fork() -> None:
    """A forked child starts a server of its own; it must not keep the parent's alive."""
    global _server, _lock
    _lock = threading.RLock()
    if _server is not None:
        _server.socket.close()
        _server.process.returncode = 0  # not this process's child
        _server = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def prepare() -> None:
    """Start the server now, so that it is there when the first workers are wanted."""
    with _lock:
        server = _current()
        if server.process.poll() is not None:
            _drop(server)


def shut_down() -> None:
    """End the server and all workers."""
    with _lock:
        if _server is not None:
            _drop(_server)


atexit.register(shut_down)


def _drop(server: _Server) -> None:
    global _server
    server.close()
    _server = None


def _ask(request: dict[str, Any], fds: list[int] | None = None) -> dict[str, Any]:
    """Ask the server; start a new one where it was killed."""
    with _lock:
        try:
            return _current().ask(request, fds)
        except Closed:
            _drop(_current())
            try:
                return _current().ask(request, fds)
            except Closed:
                status = _current().process.wait()
                _drop(_current())
                raise RuntimeError(
                    f"DataLoader's worker server could not be started (exit status {status}); its own message is above"
                ) from None


class Worker:
    """A worker process and the loader's end of the channel to it.

    Attributes:
        pid: its process id.
        channel: for tasks and batches.
    """

    daemon = True

    def __init__(self, setting: Setting, job: Message) -> None:
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                fds = [theirs.fileno()]
                for fd in (1, 2):
                    with contextlib.suppress(OSError):
                        os.fstat(fd)
                        fds.append(fd)
                self.pid: int = _ask({"op": "start"}, fds if len(fds) == 3 else fds[:1])["pid"]
            self.channel = Channel(ours)
            self.exitcode: int | None = None
            first = encode(setting, lambda obj, take: pickle.dumps(obj, 5, buffer_callback=take))
            try:
                with contextlib.suppress(Closed):
                    self.channel.send(first)
                    self.channel.send(job)
            finally:
                first.close()
        except BaseException:
            ours.close()
            raise

    def is_alive(self) -> bool:
        """Whether the process runs."""
        if self.exitcode is None:
            with _lock:
                try:
                    self.exitcode = _server.ask({"op": "status", "pids": [self.pid]})["statuses"][0] if _server else 0
                except Closed:
                    self.exitcode = -signal.SIGKILL  # workers end with their server
        return self.exitcode is None

    def join(self, timeout: float | None = None) -> None:
        """Wait until the process has ended, ``timeout`` seconds at most."""
        end = None if timeout is None else time.monotonic() + timeout
        pause = 0.0005
        while self.is_alive() and (end is None or time.monotonic() < end):
            time.sleep(pause)
            pause = min(pause * 2, 0.02)

    def terminate(self) -> None:
        """Send SIGTERM."""
        if self.is_alive():
            os.kill(self.pid, signal.SIGTERM)

    def kill(self) -> None:
        """Send SIGKILL."""
        if self.is_alive():
            os.kill(self.pid, signal.SIGKILL)

    @property
    def how_it_ended(self) -> str:
        """PyTorch's words for a worker's end."""
        self.join(1.0)
        if self.exitcode is not None and self.exitcode < 0:
            name = signal.strsignal(-self.exitcode) or str(-self.exitcode)
            text = f"DataLoader worker (pid {self.pid}) is killed by signal: {name}."
            if self.exitcode == -signal.SIGKILL:
                text += " (The system may have run out of memory: use fewer workers or smaller batches.)"
            return text
        return (
            f"DataLoader worker (pid {self.pid}) exited unexpectedly with exit code {self.exitcode}. Details are lost due "
            "to multiprocessing. Rerunning with num_workers=0 may give better error trace."
        )


def stop(workers: list[Worker]) -> None:
    """Hang up on workers, wait a little for them to leave, and leave the rest to the server."""
    for worker in workers:
        worker.channel.close()
    if _server is None or not workers:
        return
    end = time.monotonic() + 0.25
    for worker in workers:
        worker.join(max(end - time.monotonic(), 0.0))
    with _lock, contextlib.suppress(Closed, OSError):
        if _server is not None:
            _server.ask({"op": "stop", "pids": [worker.pid for worker in workers], "grace": GRACE})


def _by_name(entry: Any) -> Any:
    """A filter of warnings with its category by name: workers need not import the package that it is from."""
    action, message, category, module, line = entry
    if category.__module__ not in ("builtins", "__main__"):
        category = (category.__module__, category.__qualname__)
    return action, message, category, module, line


def setting_of_this_process() -> Setting:
    """What a worker takes over from this process; ``worker_id`` is to be replaced."""
    from .pickling import dump_job, modules_by_file

    try:
        directory: str | None = os.getcwd()
    except OSError:
        directory = None
    try:
        filters: bytes | None = dump_job([_by_name(entry) for entry in warnings.filters], lambda buffer: True)
    except Exception:
        filters = None
    return Setting(
        worker_id=0,
        sys_path=[os.path.abspath(entry) for entry in sys.path],
        argv=list(sys.argv) if hasattr(sys, "argv") else [""],
        directory=directory,
        environment=dict(os.environ),
        modules=modules_by_file(),
        drop_in=is_installed(),
        filters=filters,
    )
