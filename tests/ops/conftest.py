"""These tests compile hundreds of programs that run once."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _cheap_compiles(cheap_compiles: None) -> None:
    """Every test here has cheap compiles."""
