"""What ``repr`` writes."""

from __future__ import annotations

from typing import Any

from ..registry import case

PAGE = "generated/torch.set_printoptions.html"


@case("torch.Tensor", PAGE)
def columns_have_one_width(torch: Any) -> None:
    text = "tensor([[ 0.,  1.,  2.],\n        [ 3.,  4., 10.]])"
    assert repr(torch.tensor([[0.0, 1, 2], [3, 4, 10]])) == text


@case("torch.Tensor", PAGE)
def wide_ranges_print_in_scientific_notation(torch: Any) -> None:
    assert repr(torch.tensor([1e-6, 1, 1000.0])) == "tensor([1.0000e-06, 1.0000e+00, 1.0000e+03])"


@case("torch.Tensor", PAGE)
def other_dtypes_and_empty_shapes_are_named(torch: Any) -> None:
    assert repr(torch.tensor([1, 2], dtype=torch.int16)) == "tensor([1, 2], dtype=torch.int16)"
    assert repr(torch.zeros(0, 3)) == "tensor([], size=(0, 3))"
    assert repr(torch.tensor([True, False])) == "tensor([ True, False])"
    assert repr(torch.tensor([float("nan"), float("inf"), 1.0])) == "tensor([nan, inf, 1.])"


@case("torch.Tensor", PAGE)
def long_tensors_are_summarized(torch: Any) -> None:
    assert repr(torch.arange(2000)) == "tensor([   0,    1,    2,  ..., 1997, 1998, 1999])"


@case("torch.Tensor", PAGE)
def gradient_state_is_shown(torch: Any) -> None:
    x = torch.tensor(3.5, requires_grad=True)
    assert repr(x) == "tensor(3.5000, requires_grad=True)"
    assert repr(x * 2) == "tensor(7., grad_fn=<MulBackward0>)"


@case("torch.set_printoptions")
def precision_applies(torch: Any) -> None:
    torch.set_printoptions(precision=2)
    assert repr(torch.tensor([1.23456])) == "tensor([1.23])"


@case("torch.Tensor", PAGE)
def format_of_0_dim_tensors_is_the_numbers(torch: Any) -> None:
    assert f"{torch.tensor(1.23456):.2f}" == "1.23" and f"{torch.tensor(7):>3d}" == "  7"


@case("torch.nn.Module")
def modules_print_their_tree(torch: Any) -> None:
    nn = torch.nn
    text = "Sequential(\n  (0): Linear(in_features=2, out_features=3, bias=True)\n  (1): ReLU()\n)"
    assert repr(nn.Sequential(nn.Linear(2, 3), nn.ReLU())) == text
