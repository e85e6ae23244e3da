"""``out=`` tensors: which dtypes are accepted, how they are resized; and what the operator samples brought up."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import torchax_lite as torch


@pytest.mark.parametrize(
    ("call", "kind", "words"),
    [
        (lambda x, o: torch.add(x, x, out=o), RuntimeError, "result type Float can't be cast"),
        (lambda x, o: torch.mm(x, x, out=o), RuntimeError, "Expected out tensor to have dtype float, but got long int"),
        (lambda x, o: torch.abs(x, out=o), RuntimeError, "Found dtype Long but expected Float"),
        (lambda x, o: torch.stack((x, x), out=o), TypeError, "torch.cat"),
        (lambda x, o: torch.amax(x, 0, out=o), RuntimeError, "Expected the dtype for input and out to match"),
        (lambda x, o: torch.linalg.pinv(x, out=o), RuntimeError, "linalg.pinv: Expected result to be safely castable"),
        (
            lambda x, o: torch.zeros(2, 2, dtype=torch.float32, out=o),
            RuntimeError,
            "dtype Float does not match dtype of",
        ),
    ],
)
def test_out_of_a_wrong_dtype_says_what_each_function_says(call, kind, words):
    with pytest.raises(kind, match=words):
        call(torch.ones(2, 2), torch.ones(2, 2, dtype=torch.int64))


def test_out_of_a_wider_dtype_is_accepted_where_pytorch_casts():
    out = torch.ones(2, 2, dtype=torch.float64)
    assert torch.add(torch.ones(2, 2), 1, out=out) is out and out.tolist() == [[2.0, 2.0], [2.0, 2.0]]
    with pytest.raises(RuntimeError, match="but got double instead"):
        torch.mm(torch.ones(2, 2), torch.ones(2, 2), out=out)


def test_functions_that_create_tensors_resize_out_without_a_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert torch.zeros(3, out=torch.ones(5)).shape == (3,)
        with pytest.raises(UserWarning, match="was resized"):
            torch.add(torch.ones(3), 1, out=torch.ones(5))


@pytest.mark.parametrize("shape", [(0, 0), (1, 0, 3)])
def test_an_empty_tensor_is_resized_to_another_empty_shape(shape):
    assert torch.ones(0).resize_(shape).shape == shape
    assert torch.ones(0).as_strided(shape, [1] * len(shape)).shape == shape
    assert torch.exp(torch.ones(shape), out=torch.empty(0)).shape == shape


def test_as_strided_of_a_tensor_that_views_its_memory_as_another_dtype():
    t = torch.from_numpy(np.arange(12, dtype=np.uint16)).view(torch.bfloat16)
    seen = t.as_strided((2, 3), (1, 4))
    assert seen.dtype == torch.bfloat16 and seen.stride() == (1, 4)
    assert seen.view(torch.uint16).tolist() == [[0, 4, 8], [1, 5, 9]]


def test_take_along_dim_counts_negative_indices_from_the_end():
    x = torch.tensor([[1.0, 2.0, 3.0]])
    assert torch.take_along_dim(x, torch.tensor([[-1, 0]]), 1).tolist() == [[3.0, 1.0]]


def test_replicate_padding_may_cut_more_than_there_is_on_one_side():
    x = torch.arange(4.0).reshape(1, 1, 4)
    pad = torch.nn.functional.pad
    assert pad(x, (2, -4), "replicate").tolist() == [[[0.0, 0.0]]]
    assert pad(x, (-4, 3), "replicate").tolist() == [[[3.0, 3.0, 3.0]]]


def test_the_gradient_of_an_index_fill_value_counts_each_place_once():
    value = torch.tensor(0.0, requires_grad=True)
    torch.zeros(3).index_fill(0, torch.tensor([1, 1, 2]), value).sum().backward()
    assert value.grad.item() == 2.0


def test_functions_that_return_what_normalisation_saves():
    x = torch.arange(6.0).reshape(2, 3)
    result, mean, rstd = torch.native_layer_norm(x, [3], None, None, 0.0)
    assert mean.tolist() == [[1.0], [4.0]] and rstd.shape == (2, 1)
    assert torch.allclose(result, (x - mean) * rstd)
    result, mean, invstd = torch.native_batch_norm(x, None, None, torch.zeros(3), torch.ones(3), False, 0.1, 0.0)
    assert torch.equal(result, x) and mean.shape == (0,) and invstd.shape == (0,)
