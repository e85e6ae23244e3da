"""Programs with function transforms give what PyTorch gave (``tests/recorders/record_func.py``), errors included."""

import json
from pathlib import Path

import pytest
from autograd_programs import outcome
from func_programs import PROGRAMS
from recorded import close

import torchax_lite as torch

RECORDED = json.loads((Path(__file__).parents[1] / "data" / "func.json").read_text())


@pytest.mark.parametrize("name", PROGRAMS)
def test_program(name):
    ours, theirs = outcome(PROGRAMS[name], torch), RECORDED[name]
    assert close(ours, theirs), (ours, theirs)


def test_every_program_is_recorded():
    assert set(RECORDED) == set(PROGRAMS)
