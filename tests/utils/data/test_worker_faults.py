"""What comes of workers that fail, and that nothing stays behind (``worker_faults.py`` tries it many times over)."""

import os
import signal
import sys

import pytest

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
