"""What comes of workers that fail, and that nothing stays behind (``worker_faults.py`` tries it many times over)."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from torchax_lite import _interrupts
from torchax_lite.utils.data import DataLoader
from torchax_lite.utils.data._utils import launcher

from . import worker_faults

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks at /proc")


@pytest.mark.parametrize("fault", worker_faults.FAULTS, ids=lambda fault: fault.__name__)
def test_fault(fault):
    worker_faults.check(fault)


def test_what_a_killed_worker_is_reported_with():
    with pytest.raises(RuntimeError, match="exited unexpectedly") as caught:
        worker_faults.run(lambda index: os.kill(os.getpid(), signal.SIGKILL))
    assert "is killed by signal: Killed." in str(caught.value.__cause__)
    with pytest.raises(RuntimeError, match="exited unexpectedly") as caught:
        worker_faults.run(lambda index: os._exit(3))
    assert "exited unexpectedly with exit code 3." in str(caught.value.__cause__)


@pytest.mark.parametrize(("how", "to_group"), [(signal.SIGINT, True), (signal.SIGKILL, False), (signal.SIGTERM, False)])
def test_a_script_that_is_ended_takes_its_workers_along(how, to_group):
    status, text = worker_faults.end_script(how, to_group)
    assert status == -how
    if how == signal.SIGINT:
        assert text.count("Traceback") == 1 and "KeyboardInterrupt" in text
    else:
        assert text == ""


def test_an_interrupt_while_the_server_starts_is_reported_once():
    """The server's interpreter gets the terminal's Ctrl-C too."""
    loop = "import torch\nprint('start', flush=True)\nlist(torch.utils.data.DataLoader(range(9), 3, num_workers=2))"
    for pause in (0.02, 0.3):
        process = worker_faults.start_script(loop, stderr=subprocess.PIPE)
        assert process.stdout.readline() == "start\n"
        time.sleep(pause)
        os.killpg(process.pid, signal.SIGINT)
        _, text = process.communicate(timeout=60)
        assert process.returncode == -signal.SIGINT, text
        assert text.count("Traceback") == 1 and text.rstrip().endswith("KeyboardInterrupt"), text


def test_a_question_to_the_server_that_was_interrupted_does_not_end_it():
    launcher.prepare()
    server = launcher._current()
    os.kill(server.process.pid, signal.SIGSTOP)
    try:
        server.socket.sendall(b'{"id": 0, "op": "status", "pids": []}\n')  # Ctrl-C: nobody waits for the answer
        timer = threading.Timer(0.2, os.kill, (server.process.pid, signal.SIGCONT))
        timer.start()
        assert server.ask({"op": "status", "pids": []})["statuses"] == []
        timer.join()
    finally:
        os.kill(server.process.pid, signal.SIGCONT)
    assert [batch.tolist() for batch in DataLoader(range(4), 2, num_workers=1)] == [[0, 1], [2, 3]]
    assert launcher._current() is server


def test_interrupts_are_not_lost_in_finalizers():
    class Dying:
        @_interrupts.finalizer
        def __del__(self):
            os.kill(os.getpid(), signal.SIGINT)
            for _ in range(1000):
                pass
            done.append(True)

    before = signal.getsignal(signal.SIGINT)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    done = []
    try:
        _interrupts.guard()
        with pytest.raises(KeyboardInterrupt):
            Dying()
            time.sleep(5)
    finally:
        signal.signal(signal.SIGINT, before)
    assert done


def test_an_interrupt_in_a_callback_of_the_collector_is_raised_after_it():
    """Python alone would print it and go on."""
    process = worker_faults.start_script(
        """
        import gc, os, signal, time
        def during(phase, _):
            gc.callbacks.clear()
            os.kill(os.getpid(), signal.SIGINT)
            for _ in range(1000):
                pass
        gc.callbacks.insert(0, during)
        gc.collect()
        print("start", flush=True)
        time.sleep(10)
        """,
        stderr=subprocess.PIPE,
    )
    printed, text = process.communicate(timeout=60)
    assert printed in ("", "start\n") and process.returncode == -signal.SIGINT
    assert text.count("Traceback") == 1 and "Exception ignored" not in text, text


def test_a_loader_with_persistent_workers_begins_anew_after_an_interrupt():
    loader = DataLoader(worker_faults.Faulty(lambda index: time.sleep(60)), 2, num_workers=2, persistent_workers=True)
    timer = threading.Timer(1.0, lambda: os.kill(os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        list(loader)
    timer.join()
    assert next(iter(loader))[:, 0, 0].tolist() == [0, 1]
