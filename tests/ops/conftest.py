"""These tests compile hundreds of programs that run once: XLA is told to spend little on them."""

from __future__ import annotations

import pytest

from torchax_lite.engine import executor


@pytest.fixture(autouse=True)
def cheap_compiles(monkeypatch: pytest.MonkeyPatch) -> None:
    options = {"xla_backend_optimization_level": 0, "xla_llvm_disable_expensive_passes": True}
    monkeypatch.setattr(executor, "quick_options", lambda platform: options)
    # Every family is a program of its own at the same line: no recompilation storm.
    monkeypatch.setattr(executor, "STORM", 1 << 30)
