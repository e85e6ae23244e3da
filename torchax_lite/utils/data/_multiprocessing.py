"""The iterator of a loader with workers: hands out indices, waits for batches, ends the workers."""

from __future__ import annotations

import itertools
import os
import pickle
import queue
import select
import threading
import time
import weakref
from typing import Any

import torchax_lite as torch
from torchax_lite import _interrupts
from torchax_lite._utils import ExceptionWrapper

from ._utils import launcher
from ._utils.channel import Closed, encode
from ._utils.pickling import dump_batch, dump_job
from ._utils.pin_memory import pin_memory
from ._utils.worker import Job, _IterableDatasetStopIteration, _ResumeIteration
from .dataloader import DataLoader, _BaseDataLoaderIter, _DatasetKind, _world

_PIN_CHECK = 0.5
"""Seconds after which the pinning thread looks whether its iterator still exists."""


class _MultiProcessingDataLoaderIter(_BaseDataLoaderIter):
    """One pass (or, with persistent workers, pass after pass) over a loader with workers.

    Index batches go to the workers in turn, ``prefetch_factor`` ahead for each. A worker's end shows as the end of its
    channel, after everything that it had still sent.

    Attributes:
        _workers: one :class:`~._utils.launcher.Worker` each.
        _task_info: for each task not yet given out: ``(worker,)`` while it is worked on, ``(worker, data)`` after.
        _workers_status: whether each worker still has something to give in this pass.
    """

    def __init__(self, loader: DataLoader) -> None:
        self._workers: list[launcher.Worker] = []
        self._shutdown = False
        self._pinner: _Pinner | None = None
        _interrupts.guard()
        super().__init__(loader)
        prefetch_factor = loader.prefetch_factor
        if self._num_workers <= 0:
            raise AssertionError("num_workers must be greater than 0 for MultiProcessingDataLoaderIter")
        if prefetch_factor is None or prefetch_factor <= 0:
            raise AssertionError("prefetch_factor must be greater than 0 for MultiProcessingDataLoaderIter")
        self._prefetch_factor = prefetch_factor
        self._in_order = loader.in_order
        self._worker_init_fn = loader.worker_init_fn
        try:
            self._start_workers()
            if self._pin_memory:
                self._pinner = _Pinner(self)
            self._reset(loader, first_iter=True)
        except BaseException:
            self._shutdown_workers()
            raise

    def _start_workers(self) -> None:
        job = Job(
            self._dataset_kind, self._dataset, self._auto_collation, self._collate_fn, self._drop_last, self._base_seed,
            self._worker_init_fn, self._num_workers, torch.get_default_dtype(), self._shared_seed, _world(),
        )  # fmt: skip
        message = encode(job, dump_job)
        try:
            setting = launcher.setting_of_this_process()
            for worker_id in range(self._num_workers):
                self._workers.append(launcher.Worker(setting._replace(worker_id=worker_id), message))
        finally:
            message.close()
        self._poll = select.poll()
        self._listening = {}
        for worker_id, worker in enumerate(self._workers):
            self._poll.register(worker.channel, select.POLLIN)
            self._listening[worker.channel.fileno()] = worker_id

    def _reset(self, loader: DataLoader, first_iter: bool = False) -> None:
        try:
            self._begin_pass(loader, first_iter)
        except KeyboardInterrupt:
            self._shutdown_workers()
            raise

    def _begin_pass(self, loader: DataLoader, first_iter: bool) -> None:
        super()._reset(loader, first_iter)
        self._send_idx = 0
        self._rcvd_idx = 0
        self._task_info: dict[int, tuple[Any, ...]] = {}
        self._tasks_outstanding = 0
        self._workers_status = [True] * self._num_workers
        self._workers_num_tasks = [0] * self._num_workers
        self._worker_queue_idx_cycle = itertools.cycle(range(self._num_workers))
        if not first_iter:
            for worker_id in range(self._num_workers):
                self._send(worker_id, _ResumeIteration(self._shared_seed))
            waiting = self._num_workers
            while waiting:
                answer, _ = self._get_data()
                waiting -= isinstance(answer, _ResumeIteration)
        for _ in range(self._prefetch_factor * self._num_workers):
            self._try_put_index()

    # -- messages ------------------------------------------------------------------------------------------------------

    def _send(self, worker_id: int, task: Any) -> None:
        """Send a task; that a worker is gone is noticed when its answers are read."""
        message = encode(task, dump_batch)
        try:
            self._workers[worker_id].channel.send(message)
        except (Closed, OSError):
            pass
        finally:
            message.close()

    def _receive(self, timeout: float | None) -> Any:
        """One answer ``(number, data)``; None after ``timeout`` seconds.

        Raises:
            RuntimeError: a worker that still had work is gone.
        """
        end = None if timeout is None else time.monotonic() + timeout
        while True:
            left = None if end is None else max(end - time.monotonic(), 0.0)
            if not self._listening:
                raise RuntimeError("DataLoader: all workers of this iterator have ended")
            ready = self._poll.poll(None if left is None else left * 1000)
            if self._pinner is not None and self._pinner.done:
                return None
            if not ready:
                return None
            # The worker whose batch is next comes first; what others have sent can wait in their sockets.
            info = self._task_info.get(self._rcvd_idx)
            by_worker = {self._listening[fd]: fd for fd, _ in ready}
            worker_id = info[0] if info is not None and info[0] in by_worker else next(iter(by_worker))
            try:
                return self._workers[worker_id].channel.receive()
            except (Closed, pickle.UnpicklingError, EOFError) as error:
                self._poll.unregister(by_worker[worker_id])
                del self._listening[by_worker[worker_id]]
                if self._workers_status[worker_id]:
                    self._report_end(worker_id, error)

    def _report_end(self, worker_id: int, error: BaseException) -> None:
        """Raise for a worker that ended with work to do, and for all others that did."""
        failed = []
        for i, worker in enumerate(self._workers):
            if self._workers_status[i] and (i == worker_id or not worker.is_alive()):
                failed.append(worker)
                self._workers_status[i] = False
        cause = RuntimeError(failed[0].how_it_ended)
        pids = ", ".join(str(worker.pid) for worker in failed)
        raise RuntimeError(f"DataLoader worker (pid(s) {pids}) exited unexpectedly") from cause

    def _get_data(self) -> Any:
        """The next answer of any worker.

        Raises:
            RuntimeError: after ``timeout`` seconds without one, or as :meth:`_receive`.
        """
        timeout = self._timeout if self._timeout > 0 else None
        answer = self._receive(timeout) if self._pinner is None else self._pinner.get(timeout)
        if answer is None:
            raise RuntimeError(f"DataLoader timed out after {self._timeout} seconds")
        return answer

    # -- tasks ---------------------------------------------------------------------------------------------------------

    def _next_data(self) -> Any:
        # What an interrupt leaves half done cannot be gone on with: the workers end, and a new pass has new ones.
        try:
            return self._next_batch()
        except KeyboardInterrupt:
            self._shutdown_workers()
            raise

    def _next_batch(self) -> Any:
        while True:
            while self._rcvd_idx < self._send_idx:
                info = self._task_info.get(self._rcvd_idx)
                if info is not None:
                    if len(info) == 2 or self._workers_status[info[0]]:
                        break
                    del self._task_info[self._rcvd_idx]
                self._rcvd_idx += 1
            else:
                if not self._persistent_workers:
                    self._shutdown_workers()
                raise StopIteration
            info = self._task_info[self._rcvd_idx]
            if len(info) == 2:
                worker_id, data = self._task_info.pop(self._rcvd_idx)
                self._rcvd_idx += 1
                return self._process_data(data, worker_id)
            if self._shutdown or self._tasks_outstanding <= 0:
                raise AssertionError("Invalid iterator state: shutdown or no outstanding tasks when fetching next data")
            number, data = self._get_data()
            self._tasks_outstanding -= 1
            if self._dataset_kind == _DatasetKind.Iterable and isinstance(data, _IterableDatasetStopIteration):
                self._workers_status[data.worker_id] = False
                if not self._persistent_workers:
                    self._workers[data.worker_id].channel.socket.shutdown(1)  # it may leave; what it sent stays
                self._try_put_index()
                continue
            if number != self._rcvd_idx:
                if not self._in_order:
                    return self._process_data(data, self._task_info.pop(number)[0])
                self._task_info[number] += (data,)
            else:
                worker_id = self._task_info.pop(number)[0]
                self._rcvd_idx += 1
                return self._process_data(data, worker_id)

    def _try_put_index(self) -> None:
        """Give the next indices to the next worker that has work, if there are any."""
        most = self._prefetch_factor * self._num_workers
        if self._tasks_outstanding >= most:
            raise AssertionError("Number of outstanding tasks exceeded maximum allowed tasks")
        try:
            index = self._next_index()
        except StopIteration:
            return
        for _ in range(self._num_workers):
            worker_id = next(self._worker_queue_idx_cycle)
            if self._workers_status[worker_id] and (
                self._in_order or self._workers_num_tasks[worker_id] < most // sum(self._workers_status)
            ):
                break
        else:
            return
        self._send(worker_id, (self._send_idx, index, self._workers[worker_id].channel.take_freed()))
        self._task_info[self._send_idx] = (worker_id,)
        self._workers_num_tasks[worker_id] += 1
        self._tasks_outstanding += 1
        self._send_idx += 1

    def _process_data(self, data: Any, worker_id: int) -> Any:
        self._workers_num_tasks[worker_id] -= 1
        self._try_put_index()
        if isinstance(data, ExceptionWrapper):
            data.reraise()
        return data

    # -- the end -------------------------------------------------------------------------------------------------------

    def _shutdown_workers(self) -> None:
        """End all workers, whatever they are doing."""
        if self._shutdown:
            return
        self._shutdown = True
        if self._pinner is not None:
            self._pinner.stop()
        launcher.stop(self._workers)

    @_interrupts.finalizer
    def __del__(self) -> None:
        self._shutdown_workers()


class _Pinner:
    """A thread that receives an iterator's batches and pins them while the loader's user computes."""

    def __init__(self, iterator: _MultiProcessingDataLoaderIter) -> None:
        self._iterator = weakref.ref(iterator)
        self._queue: queue.SimpleQueue[tuple[Any, BaseException | None]] = queue.SimpleQueue()
        self.done = False
        self._woken, self._waker = os.pipe()
        iterator._poll.register(self._woken, select.POLLIN)
        self._thread = threading.Thread(target=self._run, name="torchax_lite pin_memory", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self.done:
            iterator = self._iterator()
            if iterator is None:
                return
            try:
                answer = iterator._receive(_PIN_CHECK)
                if answer is None:
                    continue
                number, data = answer
                if not isinstance(data, ExceptionWrapper):
                    try:
                        data = pin_memory(data)
                    except Exception:
                        data = ExceptionWrapper(where="in pin memory thread")
                self._queue.put(((number, data), None))
            except BaseException as error:
                self._queue.put((None, error))
                return
            finally:
                del iterator

    def get(self, timeout: float | None) -> Any:
        """The next batch; None after ``timeout`` seconds."""
        try:
            answer, error = self._queue.get(timeout=timeout)
        except queue.Empty:
            return None
        if error is not None:
            raise error
        return answer

    def stop(self) -> None:
        """End the thread; nothing is received after."""
        self.done = True
        os.write(self._waker, b"x")
        if threading.current_thread() is not self._thread:
            self._thread.join()
        os.close(self._waker)
        os.close(self._woken)
