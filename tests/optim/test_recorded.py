"""Trajectories against PyTorch's (``tests/recorders/record_optim.py``)."""

import json
import pathlib

import pytest
from recorded import load_recorder

import torchax_lite as torch
import torchax_lite.optim  # noqa: F401  (the cases reach it as torch.optim)

TESTS = pathlib.Path(__file__).parents[1]
RECORD = json.loads((TESTS / "data" / "optim.json").read_text())


RECORDER = load_recorder("record_optim")
CASES = {name: arguments for name, *arguments in RECORDER.cases()}
TOLERANCES = {"float32": (1e-5, 1e-6), "float64": (1e-12, 1e-14), "bfloat16": (3e-2, 3e-2), "complex64": (1e-5, 1e-6)}


def assert_close(got, want, tolerance, what):
    rtol, atol = tolerance
    assert len(got) == len(want), what
    for i, (a, b) in enumerate(zip(got, want, strict=True)):
        assert abs(a - b) <= atol + rtol * abs(b), (what, i, a, b)


def test_everything_is_recorded():
    assert set(CASES) == set(RECORD["trajectories"])


@pytest.mark.parametrize("name", CASES)
def test_trajectory(name):
    kind, options, dtype, lag = CASES[name]
    want = RECORD["trajectories"][name]
    got = RECORDER.trajectory(torch, kind, options, dtype, lag)
    for step, a, b in zip(RECORDER.SEEN, got["params"], want["params"], strict=True):
        assert_close(a, b, TOLERANCES[dtype], f"parameters after step {step}")
    assert got["state"].keys() == want["state"].keys()
    for i, entry in want["state"].items():
        assert list(got["state"][i]) == list(entry)
        for key, (kind_of, shape, values) in entry.items():
            assert got["state"][i][key][:2] == [kind_of, shape]
            assert_close(got["state"][i][key][2], values, TOLERANCES[dtype], f"state {i} {key}")
