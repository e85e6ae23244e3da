"""Programs with function transforms give what PyTorch gave (``tests/recorders/record_func.py``), errors included."""

import json
from pathlib import Path

import pytest
from autograd_programs import outcome
from func_programs import PROGRAMS

import torchax_lite as torch

RECORDED = json.loads((Path(__file__).parents[1] / "data" / "func.json").read_text())


def close(ours, theirs):
    if isinstance(theirs, list):
        return isinstance(ours, list) and len(ours) == len(theirs) and all(map(close, ours, theirs))
    if isinstance(theirs, float):
        return ours == pytest.approx(theirs, rel=2e-3, abs=1e-5)
    return ours == theirs and isinstance(ours, bool) == isinstance(theirs, bool)


@pytest.mark.parametrize("name", PROGRAMS)
def test_program(name):
    ours, theirs = outcome(PROGRAMS[name], torch), RECORDED[name]
    assert close(ours, theirs), (ours, theirs)


def test_every_program_is_recorded():
    assert set(RECORDED) == set(PROGRAMS)
