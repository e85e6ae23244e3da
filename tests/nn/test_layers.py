"""Layers against PyTorch's (``tests/recorders/record_nn.py``): printing, state, initial values, outputs, gradients."""

import json
import math
import pathlib
import warnings

import numpy as np
import pytest
from recorded import load_recorder

import torchax_lite as torch

TESTS = pathlib.Path(__file__).parents[1]
RECORD = json.loads((TESTS / "data" / "nn_layers.json").read_text())
VALUES = np.load(TESTS / "data" / "nn_layers.npz")["arr_0"]


recorder = load_recorder("record_nn")


@pytest.fixture(autouse=True)
def quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        yield


def test_every_layer_is_recorded():
    assert set(recorder.LAYERS) == set(RECORD)


@pytest.mark.parametrize("name", recorder.LAYERS)
def test_printing_state_and_initial_values(name):
    found = json.loads(json.dumps(recorder.observe_initial(torch, name)))
    for key, value in found.items():
        assert value == RECORD[name][key], key


@pytest.mark.parametrize("name", recorder.LAYERS)
def test_outputs_and_gradients(name):
    found = recorder.observe_values(torch, name)
    index = RECORD[name]["values"]
    assert set(found) == set(index)
    for key, (start, shape) in index.items():
        expected = VALUES[start : start + math.prod(shape)].reshape(shape)
        assert found[key].shape == expected.shape, key
        np.testing.assert_allclose(found[key], expected, rtol=1e-4, atol=2e-5, err_msg=key)
