"""Detection against torchvision's own (``tests/recorders/record_vision_detection.py``)."""

from __future__ import annotations

import json
import pathlib

import numpy as np
import pytest
from recorded import load_recorder

import torchax_lite as torch
from torchax_lite import vision

TESTS = pathlib.Path(__file__).parents[1]
RECORD = json.loads((TESTS / "data" / "vision_detection.json").read_text())


recorder = load_recorder("record_vision_detection")


pytestmark = pytest.mark.usefixtures("cheap_compiles")


def close(found, expected, name):
    np.testing.assert_allclose(np.array(found), np.array(expected), rtol=2e-3, atol=2e-4, err_msg=name)


@pytest.mark.parametrize(
    "name", ["faster", *(pytest.param(n, marks=pytest.mark.slow) for n in recorder.MODELS if n != "faster")]
)  # fmt: skip
def test_losses_gradients_draws_and_detections(name):
    found, expected = recorder.observe(torch, vision, name), RECORD[name]
    assert found["next"] == expected["next"]
    for part in ("losses", "norms"):
        assert set(found[part]) == set(expected[part])
        for key, value in found[part].items():
            close(value, expected[part][key], key)
    for each, wanted in zip(found["found"], expected["found"], strict=True):
        assert set(each) == set(wanted)
        assert each["labels"] == wanted["labels"]
        for key, value in each.items():
            close(value, wanted[key], key)


def test_targets_that_cannot_be_trained_on():
    torch.manual_seed(0)
    model = recorder.faster(torch, vision)
    images, targets = recorder.images(torch), recorder.targets(torch)
    with pytest.raises(AssertionError, match="targets should not be none when in training mode"):
        model(images)
    targets[1]["boxes"][0, 2] = targets[1]["boxes"][0, 0]
    with pytest.raises(AssertionError, match="Found invalid box .* for target at index 1"):
        model(images, targets)
    targets[0]["boxes"] = torch.rand(3, 5)
    with pytest.raises(AssertionError, match=r"tensor of shape \[N, 4\], got torch.Size\(\[3, 5\]\)"):
        model(images, targets)


def test_parts_that_do_not_fit():
    from torchax_lite.vision.models.detection import FasterRCNN

    body = recorder.backbone(torch, vision)
    with pytest.raises(ValueError, match="num_classes should not be None when box_predictor is not specified"):
        FasterRCNN(body)
    with pytest.raises(ValueError, match="backbone should contain an attribute out_channels"):
        FasterRCNN(torch.nn.Identity(), 2)
    with pytest.raises(TypeError, match="rpn_anchor_generator should be of type AnchorGenerator"):
        FasterRCNN(body, 2, rpn_anchor_generator=3)
