"""Views and in-place writes: random programs against NumPy's own views, and against recorded PyTorch results."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import torchax_lite as torch

TESTS = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TESTS))

from view_programs import run, run_numpy, run_with_gradients  # noqa: E402

RECORDED = json.loads((TESTS / "data" / "views.json").read_text())["cases"]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6))
def test_random_programs_equal_numpy(seed):
    for ours, model in zip(run(torch, seed), run_numpy(seed), strict=True):
        np.testing.assert_allclose(ours, model.reshape(ours.shape), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("seed", range(len(RECORDED)))
def test_random_programs_with_gradients_equal_pytorch(seed):
    want, got = RECORDED[seed], run_with_gradients(torch, seed)
    assert ("error" in got) == ("error" in want), (got, want)
    if "error" in want:
        assert got["error"] == want["error"]
        return
    for key in ("strides", "offsets", "versions", "contiguous"):
        assert got[key] == want[key], key
    for a, b in zip([*got["values"], got["grad"]], [*want["values"], want["grad"]], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-8)
