"""Settings of the test run: XLA compiles with little optimisation, as tests compile much and compute little.

``tests/test_first_program.py`` runs with the default optimisation, in processes of its own.
"""

from __future__ import annotations

import os

os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true")

import pytest  # noqa: E402


@pytest.fixture(autouse=True)
def nothing_pending():
    """What one test left pending is no part of the next one's programs."""
    from torchax_lite import engine

    engine.flush_all("test start")
