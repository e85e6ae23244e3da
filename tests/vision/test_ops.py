"""``torchvision.ops`` against torchvision's own (``tests/recorders/record_vision_ops.py``)."""

from __future__ import annotations

import pathlib

import numpy as np
import pytest
from recorded import load_recorder

import torchax_lite as torch
from torchax_lite.vision import ops

TESTS = pathlib.Path(__file__).parents[1]
RECORD = np.load(TESTS / "data" / "vision_ops.npz")


recorder = load_recorder("record_vision_ops")


pytestmark = pytest.mark.usefixtures("cheap_compiles")


@pytest.mark.parametrize("name", [*recorder.CASES, *recorder.GRADIENTS])
def test_values_and_gradients(name):
    found = recorder.observe(torch, ops, name)
    assert len(found) == len([k for k in RECORD if k.rpartition(".")[0] == name])
    for i, value in enumerate(found):
        expected = RECORD[f"{name}.{i}"]
        assert value.shape == expected.shape and value.dtype == expected.dtype, i
        np.testing.assert_allclose(value, expected, rtol=1e-4, atol=2e-5, err_msg=str(i))


def test_layers_print_as_in_torchvision():
    assert recorder.texts(torch, ops) == RECORD["texts"].tolist()


def test_nms_refuses_boxes_of_the_wrong_shape():
    boxes, scores = torch.rand(3, 4), torch.rand(3)
    with pytest.raises(RuntimeError, match="boxes should be a 2d tensor, got 1D"):
        ops.nms(boxes[0], scores, 0.5)
    with pytest.raises(RuntimeError, match="boxes should have 4 elements in dimension 1, got 3"):
        ops.nms(boxes[:, :3], scores, 0.5)
    with pytest.raises(RuntimeError, match="same number of elements in dimension 0, got 3 and 2"):
        ops.nms(boxes, scores[:2], 0.5)
    with pytest.raises(RuntimeError, match="dets should have the same type as scores"):
        ops.nms(boxes, scores.double(), 0.5)


def test_numbers_of_boxes_do_not_decide_the_program_of_nms():
    from torchax_lite import engine

    ops.nms(torch.rand(40, 4), torch.rand(40), 0.5)
    before = engine.stats().compiles
    for count in (41, 50, 63, 64):
        ops.nms(torch.rand(count, 4), torch.rand(count), 0.5)
    assert engine.stats().compiles == before


def test_regions_of_the_wrong_shape_or_dtype():
    image = torch.rand(1, 3, 8, 8)
    with pytest.raises(AssertionError, match="The boxes tensor shape is not correct as Tensor"):
        ops.roi_align(image, torch.rand(2, 4), 2)
    with pytest.raises(AssertionError, match="List"):
        ops.roi_pool(image, [torch.rand(2, 5)], 2)
    with pytest.raises(RuntimeError, match="same dtype"):
        ops.roi_align(image, torch.rand(2, 5).double(), 2)
    assert ops.roi_align(image, torch.rand(0, 5), 2).shape == (0, 3, 2, 2)
    assert ops.roi_pool(image, torch.rand(0, 5), 2).shape == (0, 3, 2, 2)


def test_errors_of_arguments():
    with pytest.raises(ValueError, match="drop probability has to be between 0 and 1, but got 2"):
        ops.stochastic_depth(torch.rand(2), 2, "row")
    with pytest.raises(ValueError, match="mode has to be either 'batch' or 'row', but got x"):
        ops.stochastic_depth(torch.rand(2), 0.5, "x")
    with pytest.raises(ValueError, match="block size should be odd. Got 4 which is even."):
        ops.drop_block2d(torch.rand(1, 1, 8, 8), 0.5, 4)
    with pytest.raises(ValueError, match="Unsupported Bounding Box Conversions"):
        ops.box_convert(torch.rand(2, 4), "xyxy", "abc")
    with pytest.raises(NotImplementedError, match="xyxy and out_fmt xywhr"):
        ops.box_convert(torch.rand(2, 4), "xyxy", "xywhr")
    with pytest.raises(ValueError, match="Invalid alpha value: 2"):
        ops.sigmoid_focal_loss(torch.rand(2), torch.rand(2), alpha=2)
    with pytest.raises(RuntimeError, match="offset output dims"):
        ops.deform_conv2d(torch.rand(1, 2, 5, 5), torch.rand(1, 18, 5, 5), torch.rand(2, 2, 3, 3))
    with pytest.raises(NotImplementedError, match="rotated"):
        ops.box_iou(torch.rand(2, 5), torch.rand(2, 5), fmt="cxcywhr")


def test_a_frozen_normalisation_takes_the_state_of_a_normalisation():
    layer = ops.FrozenBatchNorm2d(3)
    layer.load_state_dict(torch.nn.BatchNorm2d(3).state_dict())
    assert not list(layer.parameters())
