"""A module under test that is cheap to import, and cases that end in every way: for the tests of the suite's pool."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from typing import Any

from compat_suite.registry import Case, Mismatch, page_of

__version__ = "1.5"
float32 = object()
PAUSE = float(os.environ.get("COMPAT_FAKES_PAUSE", "0"))


def manual_seed(seed: int) -> None:
    """Nothing: there are no random numbers here."""


def set_default_dtype(dtype: object) -> None:
    """Nothing: there are no tensors here."""


def set_printoptions(profile: str) -> None:
    """Nothing."""


@contextlib.contextmanager
def enable_grad() -> Any:
    """As long as a test wants a case to take."""
    time.sleep(PAUSE)
    yield


def passes(torch: Any) -> None:
    """The case that passes."""


def differs(torch: Any) -> None:
    """The case whose result differs."""
    raise Mismatch("values", [1, 2], [1, 3])


def misses(torch: Any) -> None:
    """The case about a name that is not there."""
    torch.nowhere(1)


def leaves(torch: Any) -> None:
    """The case that ends the process."""
    print("last words", file=sys.stderr, flush=True)
    os._exit(3)


def stops(torch: Any) -> None:
    """The case that ends the interpreter."""
    sys.exit("enough")


def faults(torch: Any) -> None:
    """The case that dies by a signal."""
    os.kill(os.getpid(), signal.SIGSEGV)


def hangs(torch: Any) -> None:
    """The case that never ends."""
    while True:
        time.sleep(1)


def grows(torch: Any) -> None:
    """The case that takes all memory it can get."""
    held = []
    for _ in range(100):
        held.append(bytearray(os.urandom(1)) * (64 * 2**20))
        time.sleep(0.02)


def load() -> dict[str, Case]:
    """The cases by id, failing ones among passing ones."""
    cases = [Case("torch.fake", page_of("torch.fake"), passes, f"{i:02d}") for i in range(12)]
    for place, check in ((2, differs), (3, misses), (4, leaves), (5, stops), (6, faults), (7, hangs), (8, grows)):
        cases[place] = Case("torch.fake", page_of("torch.fake"), check, f"{place:02d}_{check.__name__}")
    return {c.id: c for c in cases}
