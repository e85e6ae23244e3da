"""Dtypes of results."""

from __future__ import annotations

from typing import Any

from ..registry import case, raises, same

ATTRIBUTES = "tensor_attributes.html"


@case("torch.result_type", ATTRIBUTES)
def numbers_and_0_dim_tensors_count_only_by_kind(torch: Any) -> None:
    x = torch.ones(2, dtype=torch.float16)
    assert (x + 1.5).dtype == torch.float16
    assert (x + torch.tensor(1.5, dtype=torch.float64)).dtype == torch.float16
    assert (torch.ones(2, dtype=torch.int8) + torch.tensor(1.5, dtype=torch.float64)).dtype == torch.float64
    assert (torch.ones(2, dtype=torch.int8) + 300).dtype == torch.int8


@case("torch.promote_types")
def unsigned_and_signed_meet_in_the_next_signed(torch: Any) -> None:
    assert torch.promote_types(torch.uint8, torch.int8) == torch.int16
    assert torch.promote_types(torch.int64, torch.float16) == torch.float16
    assert torch.promote_types(torch.bfloat16, torch.float16) == torch.float32
    assert torch.promote_types(torch.float64, torch.complex64) == torch.complex128


@case("torch.Tensor", ATTRIBUTES)
def in_place_results_are_not_cast_down(torch: Any) -> None:
    words = "result type Float can't be cast to the desired output type Long"
    raises(RuntimeError, words, torch.ones(2, dtype=torch.int64).add_, 1.5)
    same(torch.ones(2).add_(torch.tensor([1, 2])), torch.tensor([2.0, 3.0]))


@case("torch.true_divide")
def integers_divide_to_floats(torch: Any) -> None:
    same(torch.tensor([1, 3]) / 2, torch.tensor([0.5, 1.5]))
    same(torch.tensor([1, -1]) / torch.tensor([0, 0]), torch.tensor([float("inf"), -float("inf")]))


@case("torch.div")
def rounding_modes(torch: Any) -> None:
    x = torch.tensor([7, -7])
    same(torch.div(x, 2, rounding_mode="trunc"), torch.tensor([3, -3]))
    same(torch.div(x, 2, rounding_mode="floor"), torch.tensor([3, -4]))
    same(torch.floor_divide(x, 2), torch.tensor([3, -4]))


@case("torch.remainder")
def takes_the_sign_of_the_divisor(torch: Any) -> None:
    same(torch.remainder(torch.tensor([-3, 3]), 2), torch.tensor([1, 1]))
    same(torch.fmod(torch.tensor([-3, 3]), 2), torch.tensor([-1, 1]))


@case("torch.remainder")
def integer_division_by_zero_raises(torch: Any) -> None:
    raises(RuntimeError, "ZeroDivisionError", lambda: (torch.tensor([1]) % torch.tensor([0])).tolist())


@case("torch.sum")
def small_integers_sum_to_int64(torch: Any) -> None:
    same(torch.tensor([200, 100], dtype=torch.uint8).sum(), torch.tensor(300))
    same(torch.tensor([True, True]).sum(), torch.tensor(2))


@case("torch.mean")
def refuses_integers(torch: Any) -> None:
    raises(RuntimeError, "mean(): could not infer output dtype", torch.tensor([1, 2]).mean)


@case("torch.add")
def integers_wrap_around(torch: Any) -> None:
    same(torch.tensor([127], dtype=torch.int8) + 1, torch.tensor([-128], dtype=torch.int8))
    same(torch.tensor([0], dtype=torch.uint8) - 1, torch.tensor([255], dtype=torch.uint8))


@case("torch.add")
def booleans_add_as_or_and_refuse_subtraction(torch: Any) -> None:
    same(torch.tensor([True, False]) + torch.tensor([True, False]), torch.tensor([True, False]))
    raises(RuntimeError, "Subtraction, the `-` operator, with two bool tensors is not supported",
           lambda: torch.tensor([True]) - torch.tensor([True]))  # fmt: skip


@case("torch.pow")
def negative_integer_exponents_raise(torch: Any) -> None:
    same(torch.tensor([2, 3]) ** 2, torch.tensor([4, 9]))
    raises(RuntimeError, "Integers to negative integer powers are not allowed", lambda: torch.tensor([2]) ** -1)


@case("torch.where")
def promotes_its_branches(torch: Any) -> None:
    same(torch.where(torch.tensor([True, False]), 1, 2.5), torch.tensor([1.0, 2.5]))
    same(torch.where(torch.tensor([0, 2]) > 1, torch.tensor([1, 2]), 0), torch.tensor([0, 2]))
