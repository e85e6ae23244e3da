"""Faults of loader workers, each with what must come of it; run as a script to try them many times over:

    python tests/utils/data/worker_faults.py [200]
    python tests/utils/data/worker_faults.py --interrupts [100]      (Ctrl-C at random moments)

Every fault must end in its error within seconds and leave no process, descriptor or shared memory behind.
"""

from __future__ import annotations

import contextlib
import gc
import os
import pathlib
import random
import re
import signal
import subprocess
import sys
import textwrap
import threading
import time
import warnings

import numpy as np

import torchax_lite as torch
from torchax_lite.utils.data import DataLoader, Dataset, IterableDataset
from torchax_lite.utils.data._utils import launcher

SECONDS = 10.0
"""Time that a fault may take at most, on a slow machine."""


class Faulty(Dataset):
    """Large arrays, and a fault at one index."""

    def __init__(self, fault, at=9):
        self.fault, self.at = fault, at

    def __len__(self):
        return 24

    def __getitem__(self, index):
        if index == self.at:
            return self.fault(index)
        return np.full((64, 300), index, np.float32)


def run(fault, **options):
    for batch in DataLoader(Faulty(fault), 2, num_workers=2, **options):
        assert batch.shape[-2:] == (64, 300)


@contextlib.contextmanager
def raises(kind, text):
    try:
        yield
    except kind as error:
        assert re.search(text, str(error)), str(error)
        assert type(error) is kind
    else:
        raise AssertionError(f"no {kind.__name__}")


# -- the faults --------------------------------------------------------------------------------------------------------


def killed():
    with raises(RuntimeError, r"DataLoader worker \(pid\(s\) \d+\) exited unexpectedly"):
        run(lambda index: os.kill(os.getpid(), signal.SIGKILL))


def killed_from_outside():
    loader = DataLoader(Faulty(lambda index: time.sleep(60)), 2, num_workers=2)
    iterator = iter(loader)
    next(iterator)
    timer = threading.Timer(0.1, lambda: [os.kill(worker.pid, signal.SIGKILL) for worker in iterator._workers])
    timer.start()
    with raises(RuntimeError, r"DataLoader worker \(pid\(s\) [\d, ]+\) exited unexpectedly"):
        list(iterator)
    timer.join()


def exits():
    with raises(RuntimeError, r"DataLoader worker \(pid\(s\) \d+\) exited unexpectedly"):
        run(lambda index: os._exit(3))
    with raises(RuntimeError, r"DataLoader worker \(pid\(s\) \d+\) exited unexpectedly"):
        run(lambda index: sys.exit(4))


def interrupts():
    def fault(index):
        raise KeyboardInterrupt

    with raises(RuntimeError, r"DataLoader worker \(pid\(s\) \d+\) exited unexpectedly"):
        run(fault)


def hangs():
    with raises(RuntimeError, r"DataLoader timed out after 0.3 seconds"):
        run(lambda index: time.sleep(60), timeout=0.3)


def hangs_persistently():
    with raises(RuntimeError, r"DataLoader timed out after 0.3 seconds"):
        run(lambda index: time.sleep(60), timeout=0.3, persistent_workers=True)


def exception():
    class Own(Exception):
        pass

    def fault(index):
        raise Own(f"bad sample {index}")

    with raises(Own, r"^Caught Own in DataLoader worker process 0.\nOriginal Traceback[\s\S]*Own: bad sample 9"):
        run(fault)


def exception_of_two_arguments():
    def fault(index):
        raise UnicodeDecodeError("utf-8", b"x", 0, 1, "no text")

    with raises(RuntimeError, r"^Caught UnicodeDecodeError in DataLoader worker process 0.\nOriginal Traceback"):
        run(fault)


def unpicklable_item():
    with raises(TypeError, r"^Caught TypeError in DataLoader worker process 0.[\s\S]*cannot pickle 'generator'"):
        run(lambda index: (x for x in ()), collate_fn=lambda samples: samples[-1])


def dropped_half_way():
    iterator = iter(DataLoader(Faulty(lambda index: time.sleep(0.05) or np.zeros((64, 300))), 2, num_workers=3))
    kept = [next(iterator) for _ in range(3)]
    del iterator
    assert [int(batch[0, 0, 0]) for batch in kept] == [0, 2, 4]


def dropped_at_once():
    iter(DataLoader(Faulty(None), 2, num_workers=2))


def interrupted_loop():
    """Ctrl-C while the loop waits for a batch."""
    iterator = iter(DataLoader(Faulty(lambda index: time.sleep(60), at=4), 2, num_workers=2))
    timer = threading.Timer(0.2, lambda: os.kill(os.getpid(), signal.SIGINT))
    timer.start()
    try:
        list(iterator)
    except KeyboardInterrupt:
        timer.join()
    else:
        raise AssertionError("not interrupted")


def init_fn_raises():
    def init(worker_id):
        raise ValueError(f"no worker {worker_id}")

    with raises(ValueError, "^Caught ValueError in DataLoader worker process 0.[\\s\\S]*no worker 0"):
        run(None, worker_init_fn=init)


def stream_raises():
    class Stream(IterableDataset):
        def __iter__(self):
            yield 1
            raise OSError("lost")

    with raises(OSError, "^Caught OSError in DataLoader worker process 0.[\\s\\S]*lost"):
        list(DataLoader(Stream(), num_workers=2))


def loop_raises():
    with raises(ZeroDivisionError, "division"):
        for _ in DataLoader(Faulty(lambda index: index), 2, num_workers=2, persistent_workers=True):
            1 / 0  # noqa: B018


FAULTS = [
    killed, killed_from_outside, exits, interrupts, hangs, hangs_persistently, exception, exception_of_two_arguments,
    unpicklable_item, dropped_half_way, dropped_at_once, interrupted_loop, init_fn_raises, stream_raises, loop_raises,
]  # fmt: skip


# -- what is left ------------------------------------------------------------------------------------------------------


def children(pid):
    """Pids of the running children of a process (Linux)."""
    found = []
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            if int(fields[1]) == pid and fields[0] != "Z":
                found.append(int(stat.parent.name))
    return found


def left_behind():
    """Worker processes, and shared memory of this process by descriptor and by mapping."""
    gc.collect()
    workers = [] if launcher._server is None else children(launcher._server.process.pid)
    descriptors = [fd for fd in os.listdir("/proc/self/fd") if "memfd:torchax" in read_link(f"/proc/self/fd/{fd}")]
    mappings = [line for line in pathlib.Path("/proc/self/maps").read_text().splitlines() if "memfd:torchax" in line]
    return workers, descriptors, mappings


def read_link(path):
    try:
        return os.readlink(path)
    except OSError:
        return ""


def check(fault):
    """Run a fault: in time, and without leaving anything."""
    launcher.prepare()
    launcher.GRACE = 0.5
    start = time.monotonic()
    sockets = len(os.listdir("/proc/self/fd"))
    fault()
    while any(left := left_behind()) and time.monotonic() - start < SECONDS:
        time.sleep(0.02)
    assert not any(left), f"{fault.__name__} left workers, descriptors, mappings {left}"
    assert time.monotonic() - start < SECONDS, fault.__name__
    assert len(os.listdir("/proc/self/fd")) <= sockets, f"{fault.__name__} left descriptors"


# -- scripts -----------------------------------------------------------------------------------------------------------

SCRIPT = """
import os, time, numpy as np, torch
class Data(torch.utils.data.Dataset):
    def __len__(self):
        return 1000
    def __getitem__(self, index):
        time.sleep(0.01)
        return torch.full((100, 100), index), os.getpid()
print("start", flush=True)
for x, pid in torch.utils.data.DataLoader(Data(), 2, num_workers=2, prefetch_factor=4):
    print(int(pid[0]), os.getppid(), flush=True)
"""
"""An endless loop in an open script: no ``__main__`` guard, the dataset's class in it."""


def start_script(text=SCRIPT, **options):
    """A script run by ``python -m torchax_lite`` in a process group of its own."""
    code = [sys.executable, "-m", "torchax_lite", "-c", textwrap.dedent(text)]
    return subprocess.Popen(code, stdout=subprocess.PIPE, text=True, start_new_session=True, **options)


def group_is_empty(group):
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        found = []
        for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                fields = stat.read_text().rpartition(")")[2].split()
                if int(fields[2]) == group and fields[0] != "Z":
                    found.append(int(stat.parent.name))
        if not found:
            return True
        time.sleep(0.02)
    return False


def end_script(how, to_group):
    """Start the script, end it by a signal after its first batches, and see that all its processes end."""
    process = start_script(stderr=subprocess.PIPE)
    assert process.stdout.readline() == "start\n"
    process.stdout.readline()
    (os.killpg if to_group else os.kill)(process.pid, how)
    _, text = process.communicate(timeout=30)
    assert group_is_empty(process.pid)
    return process.returncode, text


# -- Ctrl-C at random moments ------------------------------------------------------------------------------------------


def interrupted_at(moment, rng):
    """Loaders are made and iterated until a SIGINT comes, ``moment`` seconds from now; then one more is read whole."""
    persistent, pinned, workers = rng.random() < 0.3, rng.random() < 0.3, rng.choice([1, 2])
    options = {"num_workers": workers, "persistent_workers": persistent, "pin_memory": pinned}
    end = time.monotonic() + moment + SECONDS
    timer = threading.Timer(moment, lambda: os.kill(os.getpid(), signal.SIGINT))
    timer.start()
    try:
        while time.monotonic() < end:
            loader = DataLoader(Faulty(lambda index: np.zeros((64, 300), np.float32)), 2, **options)
            for _ in range(2):
                assert sum(len(batch) for batch in loader) == 24
            next(iter(loader))
    except KeyboardInterrupt:
        timer.join()
    else:
        raise AssertionError("the interrupt was lost")
    batches = [batch[:, 0, 0].tolist() for batch in DataLoader(Faulty(lambda index: np.zeros((64, 300))), 2, **options)]
    assert [index for batch in batches for index in batch] == [*range(9), 0, *range(10, 24)]


def interrupt_script_at(moment):
    """The script of this file gets a terminal's Ctrl-C ``moment`` seconds after its start."""
    process = start_script(stderr=subprocess.PIPE)
    assert process.stdout.readline() == "start\n"
    time.sleep(moment)
    os.killpg(process.pid, signal.SIGINT)
    _, text = process.communicate(timeout=30)
    assert group_is_empty(process.pid)
    assert process.returncode == -signal.SIGINT, text
    assert text.count("Traceback") == 1 and text.rstrip().endswith("KeyboardInterrupt"), text


def interrupt_often(times):
    rng = random.Random(times)
    warnings.simplefilter("ignore")
    launcher.prepare()
    launcher.GRACE = 0.5
    for i in range(times):
        start = time.monotonic()
        moment = rng.uniform(0, 0.6)
        interrupted_at(moment, rng)
        while any(left := left_behind()) and time.monotonic() - start < SECONDS:
            time.sleep(0.02)
        assert not any(left), f"an interrupt after {moment:.4f} s left workers, descriptors, mappings {left}"
        if i % 5 == 0:
            interrupt_script_at(rng.uniform(0, 1.5))
    print(f"{times} interrupts at random moments, {-(-times // 5)} of whole scripts: none was lost, nothing was left")


def main():
    if sys.argv[1:2] == ["--interrupts"]:
        interrupt_often(int(sys.argv[2]) if len(sys.argv) > 2 else 100)
        return
    times = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    rng = random.Random(0)
    slowest = 0.0
    for i in range(times):
        fault = FAULTS[i % len(FAULTS)] if i < len(FAULTS) else rng.choice(FAULTS)
        start = time.monotonic()
        check(fault)
        slowest = max(slowest, time.monotonic() - start)
        if sys.stdout.isatty():
            print(f"\r{i + 1}/{times} {fault.__name__:30}", end="", flush=True)
    for how, to_group in [(signal.SIGINT, True), (signal.SIGKILL, False), (signal.SIGTERM, False)]:
        end_script(how, to_group)
    print(f"{times} faults, 3 ended scripts: nothing hung, nothing left; the slowest took {slowest:.1f} s")


if __name__ == "__main__":
    torch.manual_seed(0)
    main()
