"""The worker process: what it knows of itself, its seeds, and its loop."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import pickle
import random
import signal
import socket
import sys
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

import torchax_lite as torch
from torchax_lite._utils import ExceptionWrapper

from ....tensor import functions
from .channel import Channel, Closed, encode
from .shared_memory import POOL


@dataclass(frozen=True, slots=True)
class _RNG:
    """Generators of a worker that shares its process with others."""

    random_generator: random.Random
    torch_generator: torch.Generator
    numpy_generator: object | None = None


@dataclass(frozen=True, slots=True)
class WorkerInfo:
    """What a worker knows of itself.

    Attributes:
        id: from 0 to ``num_workers - 1``.
        num_workers: how many workers the loader has.
        seed: what this worker's generators were seeded with: the loader's base seed plus ``id``.
        dataset: this process's copy of the dataset.
        rng: generators of a worker without a process of its own; always None here.
        worker_method: how workers run.
    """

    id: int
    num_workers: int
    seed: int
    dataset: Any
    rng: _RNG | None = None
    worker_method: str | None = "multiprocessing"


_worker_info: WorkerInfo | None = None


def get_worker_info() -> WorkerInfo | None:
    """Return the current worker's information, None in the main process."""
    return _worker_info


# -- what travels ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _IterableDatasetStopIteration:
    """The worker's stream has ended."""

    worker_id: int


@dataclass(frozen=True)
class _ResumeIteration:
    """A new pass with the same workers begins."""

    seed: int | None = None


class Setting(NamedTuple):
    """The loader process's state that a worker takes over before it imports anything of the user's."""

    worker_id: int
    sys_path: list[str]
    argv: list[str]
    directory: str | None
    environment: dict[str, str]
    modules: dict[str, str]
    drop_in: bool
    filters: bytes | None


class Job(NamedTuple):
    """What all workers of a loader start with."""

    dataset_kind: int
    dataset: Any
    auto_collation: bool
    collate_fn: Callable[..., Any]
    drop_last: bool
    base_seed: int
    init_fn: Callable[[int], Any] | None
    num_workers: int
    default_dtype: torch.dtype
    shared_seed: int | None
    world: tuple[int, int]


# -- a worker's life ---------------------------------------------------------------------------------------------------


class _FileFinder:
    """Finds modules that the loader's process had loaded from outside ``sys.path``."""

    def __init__(self, files: dict[str, str]) -> None:
        self._files = files

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> Any:
        file = self._files.get(fullname)
        if file is None:
            return None
        package = [os.path.dirname(file)] if os.path.basename(file) == "__init__.py" else None
        return importlib.util.spec_from_file_location(fullname, file, submodule_search_locations=package)


def _take_over(setting: Setting) -> None:
    sys.path[:] = setting.sys_path
    sys.argv[:] = setting.argv
    if setting.directory is not None:
        os.chdir(setting.directory)
    os.environ.clear()
    os.environ.update(setting.environment)
    # One thread each: as many workers as cores is what people ask for.
    os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} --xla_cpu_multi_thread_eigen=false".strip()
    os.environ["NPROC"] = "1"
    functions._worker_threads = 1
    if setting.modules:
        sys.meta_path.append(_FileFinder(setting.modules))  # type: ignore[arg-type]
    if setting.drop_in:
        torch.install()
    _take_over_filters(setting)


def _take_over_filters(setting: Setting) -> None:
    """Set the loader's process's filters of warnings, but those for categories of modules that are not loaded here."""
    if setting.filters is None:
        return
    found = []
    for action, message, category, module, line in pickle.loads(setting.filters):
        if isinstance(category, tuple):
            owner: Any = sys.modules.get(category[0])
            for part in category[1].split("."):
                owner = getattr(owner, part, None)
            category = owner
        if isinstance(category, type):
            found.append((action, message, category, module, line))
    warnings.filters[:] = found  # type: ignore[index]
    warnings._filters_mutated()  # type: ignore[attr-defined]


class ManagerWatchdog:
    """Tells whether the process that started this one still lives."""

    def __init__(self) -> None:
        self.manager_pid = os.getppid()
        self.manager_dead = False

    def is_alive(self) -> bool:
        """Whether it does; a dead one stays dead."""
        self.manager_dead = self.manager_dead or os.getppid() != self.manager_pid
        return not self.manager_dead


def _generate_state(base_seed: int, worker_id: int) -> list[int]:
    """Four words that seed a worker's NumPy generator."""
    entropy = [worker_id, base_seed & 0xFFFFFFFF, base_seed >> 32, 0]
    return [int(word) for word in np.random.SeedSequence(entropy).generate_state(4)]


def seed_worker(base_seed: int, worker_id: int) -> int:
    """Seed ``random``, torch and NumPy for a worker as PyTorch does; returns the worker's seed."""
    seed = base_seed + worker_id
    random.seed(seed)
    torch.manual_seed(seed)
    np.random.seed(_generate_state(base_seed, worker_id))
    return seed


def _name_thread(name: bytes) -> None:
    """What ``ps`` and ``top`` show, and the signal that comes when the server dies (Linux)."""
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        libc.prctl(15, name, 0, 0, 0)  # PR_SET_NAME
        libc.prctl(1, int(signal.SIGKILL), 0, 0, 0)  # PR_SET_PDEATHSIG


def _keep_freed_memory() -> None:
    """Let the allocator reuse what a batch's samples took, rather than give it back and fault it in anew (glibc)."""
    if sys.platform == "linux":
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
        if mallopt is not None:
            mallopt(-3, 32 << 20)  # M_MMAP_THRESHOLD, its maximum
            mallopt(-1, 512 << 20)  # M_TRIM_THRESHOLD


def run_worker(sock: socket.socket) -> int:
    """Serve a loader over ``sock`` until it hangs up; returns the exit status."""
    channel = Channel(sock)
    # A terminal's Ctrl-C reaches the whole process group: the loader's process answers it, and ends its workers.
    signal.signal(signal.SIGINT, lambda signum, frame: None)
    _name_thread(b"torchax_worker")
    _keep_freed_memory()
    try:
        _serve(channel)
    except (Closed, KeyboardInterrupt):
        pass
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else 0 if leaving.code is None else 1
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def _serve(channel: Channel) -> None:
    from ....tensor.on_numpy import compute_on_host
    from .pickling import dump_batch, remember_received_classes

    global _worker_info
    setting: Setting = channel.receive()
    worker_id = setting.worker_id
    where = f"in DataLoader worker process {worker_id}"
    failure: ExceptionWrapper | None = None
    body, buffers = channel.receive_parts(private=True)
    try:
        _take_over(setting)
        compute_on_host()
        job: Job = pickle.loads(body, buffers=buffers)
        _take_over_filters(setting)
        del body, buffers
        remember_received_classes()
        torch.set_default_dtype(job.default_dtype)
        seed = seed_worker(job.base_seed, worker_id)
        _seed_pipes(job, job.shared_seed)
        _worker_info = WorkerInfo(worker_id, job.num_workers, seed, job.dataset)
        _share_pipes(job, worker_id)
        if job.init_fn is not None:
            job.init_fn(worker_id)
        fetcher = _make_fetcher(job)
    except Exception:
        failure = ExceptionWrapper(where=where)
    ended = False
    while True:
        task = channel.receive()
        if isinstance(task, _ResumeIteration):
            _answer(channel, (task, None), where, dump_batch)
            ended = False
            if failure is None:
                try:
                    _seed_pipes(job, task.seed)
                    fetcher = _make_fetcher(job)
                except Exception:
                    failure = ExceptionWrapper(where=where)
            continue
        if ended:
            continue
        number, index, freed = task
        POOL.take_back(freed)
        data: Any
        if failure is not None:
            data, failure = failure, None
        else:
            try:
                data = fetcher.fetch(index)
            except Exception as error:
                if isinstance(error, StopIteration) and job.dataset_kind == _ITERABLE:
                    data = _IterableDatasetStopIteration(worker_id)
                    ended = True
                else:
                    data = ExceptionWrapper(where=where)
        _answer(channel, (number, data), where, dump_batch)
        del data, task, index, freed


_ITERABLE = 1  # _DatasetKind.Iterable


def _make_fetcher(job: Job) -> Any:
    from ..dataloader import _DatasetKind

    return _DatasetKind.create_fetcher(job.dataset_kind, job.dataset, job.auto_collation, job.collate_fn, job.drop_last)


def _seed_pipes(job: Job, seed: int | None) -> None:
    """Seed the shufflers of a data pipe, alike in all workers."""
    if seed is not None:
        from ..graph_settings import apply_random_seed

        apply_random_seed(job.dataset, torch.Generator().manual_seed(seed))


def _share_pipes(job: Job, worker_id: int) -> None:
    """Let a data pipe give only this worker's share of the samples."""
    from ..datapipes.datapipe import IterDataPipe, MapDataPipe
    from ..graph_settings import apply_sharding

    if isinstance(job.dataset, IterDataPipe | MapDataPipe):
        world_size, rank = job.world
        apply_sharding(job.dataset, job.num_workers * world_size, worker_id * world_size + rank)


def _answer(channel: Channel, answer: tuple[Any, Any], where: str, dump: Any) -> None:
    """Send an answer; where it cannot be pickled, the exception that says so."""
    try:
        message = encode(answer, dump)
    except Exception:
        wrapped = ExceptionWrapper(where=where)
        try:
            message = encode((answer[0], wrapped), dump)
        except Exception:
            wrapped.exc_type = RuntimeError
            message = encode((answer[0], wrapped), dump)
    try:
        channel.send(message)
    finally:
        message.close()
