"""Modules, hooks, state dictionaries, containers and initial laws, used rightly and wrongly, against PyTorch's.

The cases and how they are observed are in ``tests/recorders/record_nn_semantics.py``.
"""

import importlib.util
import json
import pathlib
import sys

import pytest

import torchax_lite as torch

TESTS = pathlib.Path(__file__).parents[1]
RECORD = json.loads((TESTS / "data" / "nn_semantics.json").read_text())


def load_recorder():
    spec = importlib.util.spec_from_file_location("record_nn_semantics", TESTS / "recorders" / "record_nn_semantics.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # for pickling what it defines
    spec.loader.exec_module(module)
    return module


recorder = load_recorder()


def test_every_case_is_recorded():
    assert set(recorder.CASES) == set(RECORD)


@pytest.mark.parametrize("name", recorder.CASES)
def test_as_in_pytorch(name):
    result, *kinds = recorder.observe(torch, recorder.CASES[name])
    expected, *expected_kinds = RECORD[name]
    assert result == expected
    # The engine's own remark, that a line leads to many different programs, is no part of what a module does.
    assert [kind for kind in kinds if kind != "RuntimeWarning"] == expected_kinds
