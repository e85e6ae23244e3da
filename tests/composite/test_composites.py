"""The composite table, host checks of indices, precision of products, and behaviour that values decide."""

from __future__ import annotations

import jax
import numpy as np
import pytest

import torchax_lite as torch
from torchax_lite.composite.registry import FUNCTIONS, METHODS, composite
from torchax_lite.ops.indexing import bounds
from torchax_lite.ops.precision import of_products, precision, set_precision


def test_a_name_is_registered_once() -> None:
    with pytest.raises(ValueError, match=r"composite torch\.hstack is registered twice"):
        composite(name="hstack")(lambda tensors: tensors)


def test_every_composite_is_public() -> None:
    for name, function in FUNCTIONS["torch"].items():
        assert getattr(torch, name) is function
    assert all(hasattr(torch.Tensor, name) for name in METHODS)


def test_bounds_names_the_first_index_out_of_range() -> None:
    bounds(np.array([-3, 2]), 3, 0)
    with pytest.raises(IndexError, match="index 3 is out of bounds for dimension 1 with size 3"):
        bounds(np.array([0, 3, 4]), 3, 1)
    with pytest.raises(IndexError, match="index -1 is out of bounds for dimension 0 with size 3"):
        bounds(np.array([-1]), 3, 0, wrap=False)


def test_float32_products_are_full_precision_unless_asked() -> None:
    assert of_products(np.float32) is jax.lax.Precision.HIGHEST
    set_precision("products", "medium")
    try:
        assert precision("products") == "medium"
        assert of_products(np.float32) is jax.lax.Precision.DEFAULT
        assert of_products(np.float64) is jax.lax.Precision.HIGHEST
    finally:
        set_precision("products", "highest")


def test_a_singular_matrix_raises_linalgerror_that_is_a_runtimeerror() -> None:
    with pytest.raises(torch.linalg.LinAlgError, match="input matrix is singular"):
        torch.linalg.inv(torch.zeros(2, 2))
    assert issubclass(torch.linalg.LinAlgError, RuntimeError)
    assert torch.linalg.inv_ex(torch.zeros(2, 2)).info.item() == 1


def test_cholesky_of_one_bad_matrix_of_a_batch_names_it() -> None:
    batch = torch.stack([torch.eye(3), torch.tensor([[1.0, 2, 0], [2, 1, 0], [0, 0, 1]])])
    with pytest.raises(torch.linalg.LinAlgError, match=r"\(Batch element 1\): .*leading minor of order 2 "):
        torch.linalg.cholesky(batch)


def test_the_last_of_several_writes_to_one_place_stays() -> None:
    written = torch.zeros(3).scatter(0, torch.tensor([1, 1]), torch.tensor([5.0, 7.0]))
    assert written.tolist() == [0.0, 7.0, 0.0]


def test_masked_select_of_an_expanded_tensor_sends_gradients_back() -> None:
    x = torch.ones(2, 1, requires_grad=True)
    x.masked_select(torch.tensor([[True, True, False], [False, False, True]])).sum().backward()
    assert x.grad.tolist() == [[2.0], [1.0]]


def test_combinations_of_many_elements_are_those_of_itertools() -> None:
    import itertools

    n = 12
    found = torch.combinations(torch.arange(n), 3).tolist()
    assert found == [list(c) for c in itertools.combinations(range(n), 3)]


def test_cat_of_what_was_changed_in_place_afterwards_still_has_its_gradient() -> None:
    a = torch.ones(2, requires_grad=True)
    b = a * 1
    joined = torch.cat([b, b])
    b += 1
    joined.sum().backward()
    assert a.grad.tolist() == [2.0, 2.0]
