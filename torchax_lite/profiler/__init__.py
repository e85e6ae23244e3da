"""``torch.profiler``: what a program does and how long it takes, as a table or a trace.

See ``autograd/profiler.py`` for what the times mean. Times of single kernels on an accelerator are in JAX's own traces
(``jax.profiler.trace``), in which ranges of ``record_function`` show up too.
"""

from __future__ import annotations

import json
import os
import socket
import time
import uuid
from collections.abc import Callable, Iterable
from enum import Enum, IntEnum
from typing import Any

from torchax_lite.autograd import profiler as _core
from torchax_lite.autograd.profiler import KinetoStepTracker, record_function
from torchax_lite.autograd.profiler_util import DeviceType, EventList
from torchax_lite.engine import flush_all

__all__ = [
    "DeviceType", "ExecutionTraceObserver", "ProfilerAction", "ProfilerActivity", "kineto_available", "profile",
    "record_function", "schedule", "supported_activities", "tensorboard_trace_handler",
]  # fmt: skip


class ProfilerActivity(IntEnum):
    """What to record."""

    CPU = 0
    XPU = 1
    MTIA = 2
    CUDA = 3
    HPU = 4
    PrivateUse1 = 5

    def __str__(self) -> str:
        return f"ProfilerActivity.{self.name}"


class ProfilerAction(Enum):
    """What to do in a step."""

    NONE = 0
    WARMUP = 1
    RECORD = 2
    RECORD_AND_SAVE = 3
    DEVICE_STOPPED = 4


def supported_activities() -> set[ProfilerActivity]:
    """What can be recorded on this machine."""
    import torchax_lite as torch

    return {ProfilerActivity.CPU} | ({ProfilerActivity.CUDA} if torch.cuda.is_available() else set())


def kineto_available() -> bool:
    """True: profiles can be made."""
    return True


def schedule(
    *, wait: int, warmup: int, active: int, repeat: int = 0, skip_first: int = 0, skip_first_wait: int = 0
) -> Callable[[int], ProfilerAction]:
    """What to do in each step: skip some first, then again and again wait, warm up and record.

    Args:
        repeat: number of such rounds; 0 for no end.
        skip_first_wait: if not 0, the first round does not wait.
    """
    if wait < 0 or warmup < 0 or active <= 0 or repeat < 0 or skip_first < 0:
        raise AssertionError(
            f"Invalid profiler schedule arguments. Got wait={wait} (need >= 0), warmup={warmup} (need >= 0), active={active} "
            f"(need > 0), repeat={repeat} (need >= 0), skip_first={skip_first} (need >= 0)."
        )
    if warmup == 0:
        import warnings

        warnings.warn("Profiler won't be using warmup, this can skew profiler results", stacklevel=2)

    def action(step: int) -> ProfilerAction:
        if step < 0:
            raise AssertionError(f"Step must be non-negative. Got {step}.")
        if step < skip_first:
            return ProfilerAction.NONE
        step -= skip_first
        if skip_first_wait:
            step += wait
        length = wait + warmup + active
        if repeat > 0 and step // length >= repeat:
            return ProfilerAction.NONE
        at = step % length
        if at < wait:
            return ProfilerAction.NONE
        if at < wait + warmup:
            return ProfilerAction.WARMUP
        return ProfilerAction.RECORD if at < length - 1 else ProfilerAction.RECORD_AND_SAVE

    return action


def tensorboard_trace_handler(
    dir_name: str, worker_name: str | None = None, use_gzip: bool = False, use_python_export: bool = False
) -> Callable[[profile], None]:
    """A function for ``on_trace_ready`` that writes traces to a folder, where TensorBoard's plugin looks for them."""

    def handler(prof: profile) -> None:
        os.makedirs(dir_name, exist_ok=True)
        worker = worker_name or f"{socket.gethostname()}_{os.getpid()}"
        name = f"{worker}.{time.time_ns()}.pt.trace.json" + (".gz" if use_gzip else "")
        prof.export_chrome_trace(os.path.join(dir_name, name))

    return handler


class profile:
    """Records what happens within a ``with`` block, or between ``start()`` and ``stop()``.

    Args:
        activities: a set of :class:`ProfilerActivity`; CPU records calls and program runs, CUDA the device's times.
        schedule: maps a step's number to a :class:`ProfilerAction`; ``step()`` ends a step.
        on_trace_ready: called with the profile when a round is complete.
        record_shapes: note the shapes of arguments.
        profile_memory: note the bytes of results.
        with_stack: note the program's lines.
        with_flops: count the operations of products, convolutions and sums.
        with_modules, experimental_config, execution_trace_observer, acc_events, use_cuda, custom_trace_id_callback:
            accepted; nothing of it exists here but an observer raises.

    Recorded ops are not computed when they are called: ``aten::…`` times are those of recording, and
    ``torchax_lite::program`` times those of computing.
    """

    def __init__(
        self, *, activities: Iterable[ProfilerActivity] | None = None, schedule: Callable[[int], ProfilerAction] | None = None,
        on_trace_ready: Callable[..., Any] | None = None, record_shapes: bool = False, profile_memory: bool = False,
        with_stack: bool = False, with_flops: bool = False, with_modules: bool = False, experimental_config: Any = None,
        execution_trace_observer: Any = None, acc_events: bool = False, use_cuda: bool | None = None,
        custom_trace_id_callback: Callable[[], str] | None = None, post_processing_timeout_s: float | None = None,
    ) -> None:  # fmt: skip
        self.custom_trace_id_callback = custom_trace_id_callback
        self._trace_id: str | None = None
        self.activities = set(activities) if activities is not None else supported_activities()
        if execution_trace_observer is not None:
            raise NotImplementedError("profile(execution_trace_observer=...): use export_chrome_trace")
        if not self.activities:
            raise AssertionError("No valid profiler activities found")
        self.schedule = schedule or (lambda step: ProfilerAction.RECORD)
        self.record_steps = schedule is not None
        self.on_trace_ready = on_trace_ready
        self.record_shapes, self.profile_memory = record_shapes or with_flops, profile_memory
        self.with_stack, self.with_flops, self.with_modules = with_stack, with_flops, with_modules
        self.step_num = 0
        self.current_action = self.schedule(0)
        self.step_rec_fn: record_function | None = None
        self._metadata: dict[str, Any] = {}
        self.recording: _core.Recording | None = None
        self._events: EventList | None = None
        self._active = False

    def __enter__(self) -> profile:
        self.start()
        return self

    def __exit__(self, exc_type: Any, exc_val: Any, exc_tb: Any) -> None:
        self.stop()

    def start(self) -> None:
        """Begin with the first step."""
        KinetoStepTracker.init_step_count("torch.profiler")
        self._change(ProfilerAction.NONE, self.current_action)
        self._open_step()

    def stop(self) -> None:
        """End; a round that was being recorded is complete."""
        self._close_step()
        recording = self.current_action in (ProfilerAction.RECORD, ProfilerAction.RECORD_AND_SAVE)
        self._finish()
        if recording and self.on_trace_ready is not None:
            self.on_trace_ready(self)
        KinetoStepTracker.erase_step_count("torch.profiler")

    def step(self) -> None:
        """The next step begins."""
        self._close_step()
        before = self.current_action
        self.step_num += 1
        self.current_action = self.schedule(self.step_num)
        self._change(before, self.current_action)
        KinetoStepTracker.increment_step("torch.profiler")
        self._open_step()

    def _open_step(self) -> None:
        if self.record_steps and self._active:
            self.step_rec_fn = record_function(f"ProfilerStep#{self.step_num}")
            self.step_rec_fn.__enter__()

    def _close_step(self) -> None:
        if self.step_rec_fn is not None:
            flush_all("a profiled step ends")
            self.step_rec_fn.__exit__(None, None, None)
            self.step_rec_fn = None

    def _change(self, before: ProfilerAction, after: ProfilerAction) -> None:
        recording = (ProfilerAction.RECORD, ProfilerAction.RECORD_AND_SAVE)
        if before is ProfilerAction.RECORD_AND_SAVE:
            self._finish()
            if self.on_trace_ready is not None:
                self.on_trace_ready(self)
        elif before is ProfilerAction.RECORD and after not in recording:
            self._finish()
        if after in recording and not self._active:
            self._trace_id = (
                f"{uuid.uuid4().hex.upper()}"
                if self.custom_trace_id_callback is None
                else self.custom_trace_id_callback()
            )
            self.recording = _core.Recording(self.record_shapes, self.profile_memory, self.with_stack, self.with_flops)
            _core.begin(self.recording)
            self._active = True

    def _finish(self) -> None:
        if self._active and self.recording is not None:
            _core.end()
            self._active = False
            self._events = self.recording.finish()

    def _finished(self) -> EventList:
        if self._events is None:
            raise AssertionError("the profile has not recorded anything yet")
        return self._events

    def events(self) -> EventList:
        """The events of the last round."""
        return self._finished()

    def key_averages(
        self, group_by_input_shape: bool = False, group_by_stack_n: int = 0, group_by_overload_name: bool = False
    ) -> EventList:
        """Averages by name, and by shapes and lines of the program if asked for."""
        return self._finished().key_averages(group_by_input_shape, group_by_stack_n, group_by_overload_name)

    def get_trace_id(self) -> str | None:
        """What names the trace of the present round: from the callback, or made up; None before the first."""
        return self._trace_id

    def set_custom_trace_id_callback(self, callback: Callable[[], str]) -> None:
        """Ask this function for the name of each round's trace."""
        self.custom_trace_id_callback = callback

    def export_chrome_trace(self, path: str, use_python_export: bool = False) -> None:
        """Write a trace for ``chrome://tracing`` or Perfetto, compressed where the name ends in ``.gz``."""
        _core.write_trace(path, _core.chrome_trace(self._finished(), self.recording, self._metadata))

    def export_stacks(self, path: str, metric: str = "self_cpu_time_total") -> None:
        """Write stacks for flame graphs (needs ``with_stack=True``)."""
        if not self.with_stack:
            raise AssertionError("export_stacks() requires with_stack=True")
        self._finished().export_stacks(path, metric)

    def export_memory_timeline(self, path: str, device: str | None = None) -> None:
        """Write how many bytes of results there were in the course of time (needs ``profile_memory=True``).

        A ``.json`` (or ``.json.gz``) file gets ``[times in microseconds, [[total bytes], ...]]``, a ``.html`` file a page
        with the curve. Results are counted when their op is recorded; freeing is the engine's, and does not show.
        """
        if not self.profile_memory:
            raise ValueError("profile_memory=True required for memory profiling.")
        points, total = [], 0
        for e in sorted(self._finished(), key=lambda e: e.time_range.start):
            if e.own_memory:
                total += e.own_memory
                points.append((int(e.time_range.start), total))
        _core.write_memory_timeline(path, points, device or "cpu")

    def toggle_collection_dynamic(self, enable: bool, activities: Iterable[ProfilerActivity]) -> None:
        """Stop recording calls and programs for a while, or go on; ``activities`` must name CPU for either."""
        if self._active and self.recording is not None and ProfilerActivity.CPU in set(activities):
            _core.pause(self.recording, not enable)

    def add_metadata(self, key: str, value: str) -> None:
        """Text for the trace."""
        self._metadata[key] = value

    def add_metadata_json(self, key: str, value: str) -> None:
        """JSON for the trace."""
        self._metadata[key] = json.loads(value)

    def preset_metadata_json(self, key: str, value: str) -> None:
        """JSON for the trace, set before it begins."""
        self.add_metadata_json(key, value)


class ExecutionTraceObserver:
    """Not supported."""

    def __init__(self) -> None:
        raise NotImplementedError("torch.profiler.ExecutionTraceObserver: use profile(...).export_chrome_trace")
