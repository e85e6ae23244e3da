"""Modules, hooks, state dictionaries, containers and initial laws, used rightly and wrongly, against PyTorch's.

The cases and how they are observed are in ``tests/recorders/record_nn_semantics.py``.
"""

import json
import pathlib

import pytest
from recorded import load_recorder

import torchax_lite as torch

TESTS = pathlib.Path(__file__).parents[1]
RECORD = json.loads((TESTS / "data" / "nn_semantics.json").read_text())


recorder = load_recorder("record_nn_semantics")


def test_every_case_is_recorded():
    assert set(recorder.CASES) == set(RECORD)


@pytest.mark.parametrize("name", recorder.CASES)
def test_as_in_pytorch(name):
    result, *kinds = recorder.observe(torch, recorder.CASES[name])
    expected, *expected_kinds = RECORD[name]
    assert result == expected
    # The engine's own remark, that a line leads to many different programs, is no part of what a module does.
    assert [kind for kind in kinds if kind != "RuntimeWarning"] == expected_kinds
