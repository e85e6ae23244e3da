"""Lazy modules, parametrizations, pruning, packed sequences, attention tools and a few losses, against PyTorch's.

The cases and how they are observed are in ``tests/recorders/record_nn_tools.py``.
"""

import importlib.util
import json
import math
import pathlib

import pytest

import torchax_lite as torch

TESTS = pathlib.Path(__file__).parents[1]
RECORD = json.loads((TESTS / "data" / "nn_tools.json").read_text())


def load_recorder():
    spec = importlib.util.spec_from_file_location("record_nn_tools", TESTS / "recorders" / "record_nn_tools.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


recorder = load_recorder()


def agree(found, expected, path=""):
    """Fail where two nested values differ; numbers may by their rounding."""
    if isinstance(found, list) and isinstance(expected, list) and len(found) == len(expected):
        for i, (a, b) in enumerate(zip(found, expected, strict=True)):
            agree(a, b, f"{path}[{i}]")
    elif isinstance(found, dict) and isinstance(expected, dict) and list(found) == list(expected):
        for key in found:
            agree(found[key], expected[key], f"{path}[{key!r}]")
    elif type(found) is float and isinstance(expected, (int, float)):
        same = found == expected or (math.isnan(found) and math.isnan(expected))
        assert same or math.isclose(found, expected, rel_tol=2e-4, abs_tol=3e-5), f"{path}: {found} is not {expected}"
    else:
        assert found == expected, f"{path}: {found!r} is not {expected!r}"


def test_every_case_is_recorded():
    assert set(recorder.CASES) == set(RECORD)


@pytest.mark.parametrize("name", recorder.CASES)
def test_as_in_pytorch(name):
    agree(recorder.observe(torch, recorder.CASES[name]), RECORD[name])
