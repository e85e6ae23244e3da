"""Settings of the test run: XLA compiles with little optimisation, as tests compile much and compute little.

``tests/test_first_program.py`` runs with the default optimisation, in processes of its own.
"""

from __future__ import annotations

import os

os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true")

import pytest  # noqa: E402
from hypothesis import HealthCheck, settings  # noqa: E402

# How long the first inputs take to generate depends on what else the machine does.
settings.register_profile("suite", suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("suite")


@pytest.fixture(autouse=True)
def nothing_pending():
    """What one test left pending is no part of the next one's programs."""
    from torchax_lite import engine

    engine.flush_all("test start")


@pytest.fixture
def cheap_compiles(monkeypatch):
    """For tests that compile hundreds of programs which run once: XLA is told to spend little on them."""
    from torchax_lite.engine import executor

    options = {"xla_backend_optimization_level": 0, "xla_llvm_disable_expensive_passes": True}
    monkeypatch.setattr(executor, "quick_options", lambda platform: options)
    # Every case is a program of its own at the same line: no recompilation storm.
    monkeypatch.setattr(executor, "STORM", 1 << 30)
