"""Runs cases in worker processes, so that a crash, a hang or too much memory costs one case and not the run.

A worker is a fresh interpreter (spawned, not forked: JAX must not inherit a started backend). It gets batches of case
ids and tells when a case starts and what came of it; whoever is silent for too long, dies or grows too big is replaced,
and the batch goes on behind the case at which that happened.
"""

from __future__ import annotations

import contextlib
import faulthandler
import importlib
import multiprocessing
import os
import platform
import signal
import sys
import tempfile
import time
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from . import registry, replay
from .registry import Case
from .runner import CRASH, TIMEOUT, Result, result_of, run_case

BATCH = 32
START_LIMIT = 300.0
"""Seconds that a worker may take to import the module under test."""
POLL = 0.25
"""Seconds between looks at the workers' memory."""


class StartError(RuntimeError):
    """The workers cannot start: the module under test does not import."""


@dataclass
class Pool:
    """Worker processes that run cases against a module.

    Args:
        module: name of the module under test; it is imported in the workers only.
        jobs: number of processes.
        timeout: seconds that a case may take.
        memory: bytes that a worker may occupy; checked where the system has ``/proc``.
        device: where the inputs of recorded cases are put.
        load: dotted name of the function that returns the table of cases, called in each worker.
    """

    module: str
    jobs: int = 1
    timeout: float = 120.0
    memory: float = 8 * 2**30
    device: str = "cpu"
    load: str = f"{registry.__name__}.load"
    about: dict[str, Any] = field(default_factory=dict)
    """What the first worker says of the module and the machine."""

    def run(self, cases: Sequence[Case]) -> Generator[Result, None, None]:
        """The result of each case, as they come; leaving the loop early stops the workers.

        Raises:
            StartError: the module cannot be imported.
        """
        table = {c.id: c for c in cases}
        todo = deque(table)
        workers: list[_Worker] = []
        try:
            while todo or any(w.batch for w in workers):
                while (
                    todo and len(workers) < self.jobs and len(workers) < len(todo) + sum(bool(w.batch) for w in workers)
                ):
                    workers.append(_Worker(self))
                for worker in workers:
                    worker.feed(todo, self.jobs)
                _pause(workers)
                for worker in workers:
                    yield from worker.results(table)
                    yield from worker.overdue(table)
                for worker in [w for w in workers if w.gone]:
                    todo.extendleft(reversed(worker.batch))
                    workers.remove(worker)
        finally:
            for worker in workers:
                worker.kill()


def _pause(workers: Sequence[_Worker]) -> None:
    now = time.monotonic()
    nearest = min(w.deadline for w in workers) - now
    wait([w.pipe for w in workers], timeout=max(0.0, min(nearest, POLL)))


class _Worker:
    """The parent's side of a worker process."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        handle, name = tempfile.mkstemp(prefix="compat_suite_")
        os.close(handle)
        self.log = Path(name)
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        given = (theirs, pool.module, pool.load, pool.timeout, pool.jobs, pool.device, name)
        self.process = context.Process(target=_serve, args=given, daemon=True)
        with _interrupts_ignored():
            self.process.start()
        theirs.close()
        self.batch: deque[str] = deque()
        self.ready = self.gone = False
        self.tail = ""
        self.started = time.monotonic()
        self.deadline = self.started + START_LIMIT

    def feed(self, todo: deque[str], jobs: int) -> None:
        """Hand out the next batch, small ones towards the end."""
        if self.ready and not self.batch and todo and not self.gone:
            size = max(1, min(BATCH, len(todo) // (2 * jobs)))
            self.batch.extend(todo.popleft() for _ in range(min(size, len(todo))))
            self._expect(self.pool.timeout)
            with contextlib.suppress(OSError):
                self.pipe.send(list(self.batch))

    def _expect(self, seconds: float) -> None:
        self.started = time.monotonic()
        self.deadline = self.started + seconds

    def results(self, table: dict[str, Case]) -> Iterator[Result]:
        """Take what the worker has sent."""
        while not self.gone:
            try:
                if not self.pipe.poll():
                    return
                kind, content = self.pipe.recv()
            except (EOFError, OSError):
                yield from self._died(table)
                return
            if kind == "ready":
                self.ready, self.deadline = True, float("inf")
                self.pool.about.update(content)
            elif kind == "broken":
                self.kill()
                raise StartError(content)
            elif kind == "start":
                self._expect(self.pool.timeout)
            else:
                self.batch.popleft()
                self.deadline = time.monotonic() + self.pool.timeout if self.batch else float("inf")
                yield content
                if not self.batch and _resident(self.process.pid) > self.pool.memory / 2:
                    self.kill()  # between two batches, a worker full of leftovers is replaced at no cost

    def overdue(self, table: dict[str, Case]) -> Iterator[Result]:
        """End a worker that is silent for too long or too big."""
        if self.gone:
            return
        used = _resident(self.process.pid) if self.batch else 0
        if used > self.pool.memory:
            words = f"used {used / 2**30:.1f} GiB of memory, the limit is {self.pool.memory / 2**30:.1f} GiB"
            yield from self._lost(table, CRASH, words)
        elif time.monotonic() > self.deadline:
            if not self.ready:
                self.kill()
                raise StartError(f"importing {self.pool.module} took more than {START_LIMIT:.0f} s")
            yield from self._lost(table, TIMEOUT, f"no result after {self.pool.timeout:g} s")

    def _died(self, table: dict[str, Case]) -> Iterator[Result]:
        self.process.join(5)
        if not self.ready:
            self.kill()
            raise StartError(f"importing {self.pool.module} ended the process\n{self.tail}")
        yield from self._lost(table, CRASH, f"the process ended: {_exit_text(self.process.exitcode)}")

    def _lost(self, table: dict[str, Case], outcome: str, words: str) -> Iterator[Result]:
        seconds = time.monotonic() - self.started
        self.kill()
        if self.batch:
            case = table[self.batch.popleft()]
            yield result_of(case, outcome, seconds, message=words, got=words, expected="a result", trace=self.tail)

    def kill(self) -> None:
        """End the process and what it started."""
        if self.gone:
            return
        self.gone = True
        with contextlib.suppress(OSError):
            if self.process.pid is not None:
                os.killpg(self.process.pid, signal.SIGKILL)
        self.process.kill()
        self.process.join()
        self.tail = "\n".join(self.log.read_text(errors="replace")[-4000:].splitlines()[-20:])
        self.pipe.close()
        self.log.unlink(missing_ok=True)


@contextlib.contextmanager
def _interrupts_ignored() -> Iterator[None]:
    """Ctrl-C is the parent's: a child started here never sees it."""
    try:
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    except ValueError:  # not the main thread: signals are not ours to set
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _exit_text(code: int | None) -> str:
    if code is not None and code < 0:
        return signal.Signals(-code).name
    return f"exit status {code}"


def _resident(pid: int | None) -> int:
    """Bytes of memory that a process occupies; 0 where that cannot be told."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError, ValueError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def _serve(pipe: Connection, module: str, load: str, timeout: float, jobs: int, device: str, log: str) -> None:
    """The worker: import the module, then run batches until the pipe is closed."""
    with contextlib.suppress(OSError):
        os.setpgid(0, 0)
    _write_to(log)
    faulthandler.enable()
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    if jobs > 1:
        os.environ.setdefault("OMP_NUM_THREADS", "1")
    try:
        torch = importlib.import_module(module)
        home, _, name = load.rpartition(".")
        cases = getattr(importlib.import_module(home), name)()
        replay.use_device(torch, device)
    except Exception as error:
        pipe.send(("broken", f"{type(error).__name__}: {error}"))
        return
    pipe.send(("ready", _about(torch)))
    with contextlib.suppress(EOFError, BrokenPipeError):
        while True:
            for name in pipe.recv():
                pipe.send(("start", name))
                faulthandler.dump_traceback_later(0.9 * timeout)
                result = run_case(cases[name], torch)
                faulthandler.cancel_dump_traceback_later()
                pipe.send(("done", result))


def _write_to(path: str) -> None:
    """What the worker and its cases print goes to a file, whose end is shown if the process dies."""
    sys.stdout.flush()
    log = os.open(path, os.O_WRONLY | os.O_APPEND)
    for stream in (1, 2):
        os.dup2(log, stream)


def _about(torch: Any) -> dict[str, Any]:
    """Versions that a result depends on."""
    about = {
        "module": torch.__name__,
        "version": str(getattr(torch, "__version__", "")),
        "python": platform.python_version(),
    }
    own = getattr(getattr(torch, "version", None), "torchax_lite", None)
    jax = sys.modules.get("jax")
    return about | ({"torchax_lite": own} if own else {}) | ({"jax": jax.__version__} if jax else {})
