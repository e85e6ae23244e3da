"""Methods of functions and functions of methods."""

from __future__ import annotations

import pytest

import torchax_lite as torch


def test_where_keeps_self_where_the_condition_holds() -> None:
    x = torch.arange(3.0, requires_grad=True)
    picked = x.where(x > 1, torch.tensor(-1.0))
    assert picked.tolist() == [-1, -1, 2]
    picked.sum().backward()
    assert x.grad.tolist() == [0, 0, 1]
    assert x.detach().where(condition=x > 1, other=7).tolist() == [7, 7, 2]


@pytest.mark.parametrize("args", [(), (torch.tensor(True),), (torch.tensor(True), [1]), (torch.tensor(True), 1, 2)])
def test_where_refuses_other_forms(args: tuple[object, ...]) -> None:
    with pytest.raises(TypeError, match=r"where\(\) received an invalid combination of arguments - got \("):
        torch.ones(2).where(*args)


def test_swapped_axes_are_views() -> None:
    x = torch.zeros(2, 3)
    torch.swapaxes(x, axis0=0, axis1=1)[2, 1] = 4
    torch.swapdims(x, dim0=-1, dim1=0)[0, 0] = 5
    assert x.tolist() == [[5, 0, 0], [0, 0, 4]]
    with pytest.raises(IndexError, match="Dimension out of range"):
        x.swapaxes(0, 2)


def test_is_nonzero_wants_one_element() -> None:
    assert torch.tensor([2]).is_nonzero() and not torch.tensor(0.0).is_nonzero()
    with pytest.raises(RuntimeError, match="Boolean value of Tensor with more than one value is ambiguous"):
        torch.ones(2).is_nonzero()


def test_polygamma_of_a_tensor() -> None:
    x = torch.ones(1, dtype=torch.float64)
    assert x.polygamma(1).item() == pytest.approx(1.6449340668482264)
    assert x.polygamma_(1) is x and x.item() == pytest.approx(1.6449340668482264)


def test_new_empty_strided_follows_self() -> None:
    made = torch.ones(1, dtype=torch.int16).new_empty_strided((2, 3), (1, 2))
    assert made.dtype == torch.int16 and made.stride() == (1, 2)
    assert torch.ones(1).new_empty_strided((2,), (1,), dtype=torch.float64).dtype == torch.float64


def test_as_strided_in_place_keeps_the_storage() -> None:
    x = torch.arange(6.0)
    assert x.as_strided_((2, 2), (1, 2), 1) is x
    x[0, 0] = 9
    assert x.tolist() == [[9, 3], [2, 4]] and x.stride() == (1, 2) and x.storage_offset() == 1
