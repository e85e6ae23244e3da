"""What users of ops saw differ from PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import torchax_lite as torch

F = torch.nn.functional


def test_axis_and_keepdims_are_dim_and_keepdim() -> None:
    x = torch.arange(6.0).view(2, 3)
    assert x.sum(axis=0).tolist() == [3.0, 5.0, 7.0]
    assert torch.mean(x, axis=1, keepdims=True).shape == (2, 1)
    assert torch.softmax(x, axis=1).shape == x.shape
    assert torch.cat([x, x], axis=1).shape == (2, 6)
    assert torch.stack([x], axis=2).shape == (2, 3, 1)
    assert x.argmax(axis=1).tolist() == [2, 2]


def test_where_of_a_condition_alone() -> None:
    rows, columns = torch.where(torch.tensor([[0, 3], [4, 0]]) > 2)
    assert rows.tolist() == [0, 1] and columns.tolist() == [1, 0]


def test_floats_wrap_around_in_narrow_integers() -> None:
    x = torch.tensor([300.0, -1.5, 1e10, float("nan"), 255.7])
    assert x.to(torch.uint8).tolist() == [44, 255, 0, 0, 255]
    assert x.to(torch.int8).tolist() == [44, -1, 0, 0, -1]
    assert x.to(torch.int32).tolist() == [300, -1, -(2**31), -(2**31), 255]
    assert x.long().tolist() == [300, -1, 10**10, -(2**63), 255]
    into = torch.zeros(5, dtype=torch.uint8)
    assert into.copy_(x).tolist() == [44, 255, 0, 0, 255]


def test_power_of_integer_matrices() -> None:
    assert torch.matrix_power(torch.tensor([[1, 1], [1, 0]]), 5).tolist() == [[8, 5], [5, 3]]


def test_clamp_without_limits() -> None:
    with pytest.raises(RuntimeError, match="At least one of 'min' or 'max' must not be None"):
        torch.ones(2).clamp()


def test_layer_of_another_dtype() -> None:
    with pytest.raises(RuntimeError, match="mat1 and mat2 must have the same dtype, but got Double and Float"):
        F.linear(torch.ones(2, 3).double(), torch.ones(2, 3), torch.ones(2))


X = torch.arange(6).view(2, 3)
Z = torch.zeros(3)
AT_4 = torch.tensor([4])


@pytest.mark.parametrize(
    "fn",
    [
        lambda: X // 0, lambda: X % 0, lambda: X.clone().floor_divide_(0), lambda: 5 // torch.tensor(0),
        lambda: X.div(0, rounding_mode="trunc"), lambda: torch.fmod(X, torch.tensor([1, 0, 2])),
    ],
)  # fmt: skip
def test_integer_division_by_zero(fn: Callable[[], Any]) -> None:
    with pytest.raises(RuntimeError, match="ZeroDivisionError"):
        fn()
    assert (X / 0).isinf().sum() == 5 and (X.float() // 0).isinf().sum() == 5


@pytest.mark.parametrize(
    ("error", "text", "fn"),
    [
        (
            RuntimeError,
            "index 3 is out of bounds for dimension 1 with size 3",
            lambda: X.gather(1, torch.tensor([[0, 3]])),
        ),
        (RuntimeError, "index -1 is out of", lambda: X.gather(1, torch.tensor([[0, -1]]))),
        (RuntimeError, "index 4 is out of", lambda: Z.scatter_(0, AT_4, 1.0)),
        (RuntimeError, "index 4 is out of", lambda: Z.scatter(0, AT_4, torch.ones(1))),
        (RuntimeError, "index 4 is out of", lambda: Z.scatter_add_(0, AT_4, torch.ones(1))),
        (RuntimeError, "index 4 is out of", lambda: Z.scatter_reduce_(0, AT_4, torch.ones(1), "sum")),
        (IndexError, "index out of range in self", lambda: X.index_select(0, torch.tensor([3]))),
        (IndexError, "index out of range in self", lambda: Z.index_add_(0, AT_4, torch.ones(1))),
        (IndexError, "index_copy_(): index 4 is out", lambda: Z.index_copy_(0, AT_4, torch.ones(1))),
        (IndexError, "index 4 is out of", lambda: Z.index_fill_(0, AT_4, 1.0)),
        (
            IndexError,
            "out of range: tried to access index 9 on a tensor of 6 elements.",
            lambda: X.take(torch.tensor([9])),
        ),
        (
            IndexError,
            "index out of range in self",
            lambda: F.embedding(torch.from_numpy(np.array([5])), torch.ones(3, 2)),
        ),
        (IndexError, "Target 3 is out of bounds.", lambda: F.cross_entropy(torch.ones(2, 3), torch.tensor([0, 3]))),
    ],
)
def test_index_out_of_range(error: type[Exception], text: str, fn: Callable[[], Any]) -> None:
    with pytest.raises(error) as found:
        fn()
    assert str(found.value).startswith(text)
    assert not Z.any()


def test_indices_in_range_and_ignored_targets_pass() -> None:
    assert Z.index_fill(0, torch.tensor([-1]), 2.0).tolist() == [0.0, 0.0, 2.0]
    assert X.take(torch.tensor([-1])).tolist() == [5]
    assert F.cross_entropy(torch.zeros(2, 3), torch.tensor([0, -100])).item() == pytest.approx(np.log(3), rel=1e-6)
