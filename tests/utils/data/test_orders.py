"""Orders and stream positions of loaders and samplers against PyTorch's (``tests/recorders/record_data.py``)."""

import importlib.util
import json
import pathlib

import pytest

import torchax_lite as torch
import torchax_lite.utils.data  # noqa: F401  (the cases reach it as torch.utils.data)

TESTS = pathlib.Path(__file__).parents[2]
RECORD = json.loads((TESTS / "data" / "data_loading.json").read_text())


def load_cases():
    spec = importlib.util.spec_from_file_location("record_data", TESTS / "recorders" / "record_data.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.CASES


CASES = load_cases()


def test_every_case_is_recorded():
    assert set(CASES) == set(RECORD)


@pytest.mark.parametrize("name", sorted(CASES))
def test_order(name):
    assert json.loads(json.dumps(CASES[name](torch))) == RECORD[name]
