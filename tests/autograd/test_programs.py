"""Autograd programs give what PyTorch gave (``tests/recorders/record_autograd.py``), errors included."""

import json
import re
from pathlib import Path

import pytest
from autograd_programs import PROGRAMS, outcome
from recorded import close

import torchax_lite as torch

RECORDED = json.loads((Path(__file__).parents[1] / "data" / "autograd.json").read_text())


@pytest.mark.parametrize("name", PROGRAMS)
def test_program(name):
    ours, theirs = outcome(PROGRAMS[name], torch), RECORDED[name]
    if isinstance(theirs, list) and theirs[:1] == ["raises"]:
        assert ours[:2] == theirs[:2], ours
        # Leading words: a saved input is not told apart by the op that made it, and long advice may be shorter.
        start = re.sub(r", which is output \d+ of \w+,", "", theirs[2])[:90]
        assert re.sub(r", which is output \d+ of \w+,", "", ours[2]).startswith(start)
    else:
        assert close(ours, theirs), (ours, theirs)


def test_every_program_is_recorded():
    assert set(RECORDED) == set(PROGRAMS)
