"""``torch``: reductions, orders, cumulative results, counting."""

from __future__ import annotations

import math
from typing import Any

from ..registry import case, raises, same

NAN = float("nan")


@case("torch.sum")
def an_empty_sum_is_zero_an_empty_product_one(torch: Any) -> None:
    same(torch.zeros(0).sum(), torch.tensor(0.0))
    same(torch.zeros(0, 3).prod(0), torch.ones(3))


@case("torch.sum")
def dims_may_be_a_tuple_and_negative(torch: Any) -> None:
    x = torch.ones(2, 3, 4)
    assert x.sum((0, -1)).shape == (3,) and x.sum((0, 2), keepdim=True).shape == (1, 3, 1)
    raises(RuntimeError, "dim 1 appears multiple times in the list of dims", x.sum, (1, -2))
    raises(IndexError, "Dimension out of range (expected to be in range of [-3, 2], but got 3)", x.sum, 3)


@case("torch.sum")
def dtype_is_applied_before_the_sum(torch: Any) -> None:
    same(torch.tensor([1.7, 1.7]).sum(dtype=torch.int64), torch.tensor(2))


@case("torch.mean")
def of_nothing_is_nan(torch: Any) -> None:
    assert math.isnan(torch.zeros(0).mean().item())
    same(torch.tensor([1, 2]).mean(dtype=torch.float64), torch.tensor(1.5, dtype=torch.float64))


@case("torch.max")
def of_nothing_raises(torch: Any) -> None:
    raises(RuntimeError, "max(): Expected reduction dim to be specified for input.numel() == 0", torch.zeros(0).max)


@case("torch.max")
def nan_is_the_largest(torch: Any) -> None:
    values, index = torch.tensor([1.0, NAN, 3.0]).max(0)
    same(values, torch.tensor(NAN))
    assert index.item() == 1


@case("torch.amax")
def shares_the_gradient_among_equals(torch: Any) -> None:
    x = torch.tensor([1.0, 3.0, 3.0], requires_grad=True)
    x.amax(0).backward()
    same(x.grad, torch.tensor([0.0, 0.5, 0.5]))
    y = torch.tensor([1.0, 3.0, 3.0], requires_grad=True)
    y.max(0).values.backward()
    assert sorted(y.grad.tolist()) == [0.0, 0.0, 1.0]


@case("torch.aminmax")
def gives_a_pair_with_names(torch: Any) -> None:
    result = torch.aminmax(torch.tensor([[1, 5], [7, 0]]), dim=1)
    same(result.min, torch.tensor([1, 0]))
    same(result.max, torch.tensor([5, 7]))


@case("torch.argmax")
def without_a_dim_counts_in_the_flat_tensor(torch: Any) -> None:
    x = torch.tensor([[1, 5], [7, 0]])
    same(x.argmax(), torch.tensor(2))
    same(x.argmin(dim=1, keepdim=True), torch.tensor([[0], [1]]))


@case("torch.all")
def keeps_uint8(torch: Any) -> None:
    same(torch.tensor([1, 0], dtype=torch.uint8).all(), torch.tensor(0, dtype=torch.uint8))
    same(torch.zeros(0).all(), torch.tensor(True))
    same(torch.zeros(0).any(), torch.tensor(False))


@case("torch.var")
def correction_larger_than_the_count_divides_by_zero(torch: Any) -> None:
    x = torch.tensor([1.0, 3.0])
    same(torch.var(x), torch.tensor(2.0))
    same(torch.var(x, unbiased=False), torch.tensor(1.0))
    assert math.isinf(torch.var(x, correction=2).item())


@case("torch.var_mean")
def returns_both(torch: Any) -> None:
    var, mean = torch.var_mean(torch.tensor([[1.0, 3.0], [2.0, 2.0]]), dim=1)
    same(var, torch.tensor([2.0, 0.0]))
    same(mean, torch.tensor([2.0, 2.0]))


@case("torch.nansum")
def nan_counts_as_zero(torch: Any) -> None:
    x = torch.tensor([1.0, NAN, 2.0])
    same(x.nansum(), torch.tensor(3.0))
    same(x.nanmean(), torch.tensor(1.5))
    same(x.nanmedian(), torch.tensor(1.0))


@case("torch.median")
def along_a_dim_gives_the_lower_one_and_nan_wins(torch: Any) -> None:
    same(torch.tensor([[1.0, 2.0, 3.0, 4.0]]).median(1).values, torch.tensor([2.0]))
    assert math.isnan(torch.tensor([1.0, NAN]).median().item())


@case("torch.mode")
def of_equally_frequent_values_is_the_smallest(torch: Any) -> None:
    assert torch.tensor([3, 1, 3, 1]).mode().values.item() == 1


@case("torch.quantile")
def interpolates_linearly_by_default(torch: Any) -> None:
    x = torch.tensor([0.0, 1.0, 2.0, 3.0])
    same(torch.quantile(x, 0.4), torch.tensor(1.2), atol=1e-6)
    same(torch.quantile(x, torch.tensor([0.0, 1.0])), torch.tensor([0.0, 3.0]))
    for mode, expected in (("lower", 1.0), ("higher", 2.0), ("nearest", 1.0), ("midpoint", 1.5)):
        same(torch.quantile(x, 0.4, interpolation=mode), torch.tensor(expected))
    raises(RuntimeError, "quantile() q must be in the range [0, 1] but got 1.5", torch.quantile, x, 1.5)


@case("torch.logsumexp")
def over_two_dims(torch: Any) -> None:
    same(torch.logsumexp(torch.zeros(2, 3), (0, 1)), torch.tensor(math.log(6)), atol=1e-6)


@case("torch.cumsum")
def small_integers_add_up_in_int64(torch: Any) -> None:
    same(torch.tensor([100, 100], dtype=torch.int8).cumsum(0), torch.tensor([100, 200]))
    same(torch.tensor([[1, 2], [3, 4]]).cumsum(-1), torch.tensor([[1, 3], [3, 7]]))


@case("torch.cummax")
def indices_follow_the_last_maximum(torch: Any) -> None:
    values, indices = torch.cummax(torch.tensor([1, 3, 2, 3, 5]), 0)
    same(values, torch.tensor([1, 3, 3, 3, 5]))
    same(indices, torch.tensor([0, 1, 1, 3, 4]))


@case("torch.cumprod")
def runs_along_the_dim(torch: Any) -> None:
    same(torch.tensor([[1.0, 2], [3, 4]]).cumprod(0), torch.tensor([[1.0, 2], [3, 8]]))


@case("torch.logcumsumexp")
def is_the_running_logsumexp(torch: Any) -> None:
    same(torch.zeros(3).logcumsumexp(0), torch.tensor([0.0, math.log(2), math.log(3)]), atol=1e-6)


@case("torch.diff")
def higher_orders_and_ends(torch: Any) -> None:
    x = torch.tensor([1, 4, 9, 16])
    same(torch.diff(x), torch.tensor([3, 5, 7]))
    same(torch.diff(x, n=2), torch.tensor([2, 2]))
    same(torch.diff(x, prepend=torch.tensor([0])), torch.tensor([1, 3, 5, 7]))


@case("torch.trapezoid")
def takes_a_spacing_or_points(torch: Any) -> None:
    y = torch.tensor([1.0, 2.0, 4.0])
    same(torch.trapezoid(y), torch.tensor(4.5))
    same(torch.trapezoid(y, dx=2.0), torch.tensor(9.0))
    same(torch.trapezoid(y, torch.tensor([0.0, 1.0, 3.0])), torch.tensor(7.5))


@case("torch.sort")
def descending_and_nan_last(torch: Any) -> None:
    x = torch.tensor([2.0, NAN, 1.0, 3.0])
    same(x.sort().values, torch.tensor([1.0, 2.0, 3.0, NAN]))
    same(x.sort(descending=True).values, torch.tensor([NAN, 3.0, 2.0, 1.0]))


@case("torch.argsort")
def is_along_the_last_dim_by_default(torch: Any) -> None:
    same(torch.argsort(torch.tensor([[3, 1, 2], [1, 3, 2]])), torch.tensor([[1, 2, 0], [0, 2, 1]]))


@case("torch.msort")
def is_along_the_first_dim(torch: Any) -> None:
    same(torch.msort(torch.tensor([[3, 1], [1, 3]])), torch.tensor([[1, 1], [3, 3]]))


@case("torch.topk")
def smallest_and_too_many(torch: Any) -> None:
    same(torch.tensor([4.0, 1.0, 3.0]).topk(2, largest=False).values, torch.tensor([1.0, 3.0]))
    raises(RuntimeError, "selected index k out of range", torch.ones(2).topk, 3)


@case("torch.kthvalue")
def counts_from_one(torch: Any) -> None:
    value, index = torch.tensor([4.0, 1.0, 3.0]).kthvalue(2)
    assert (value.item(), index.item()) == (3.0, 2)


@case("torch.searchsorted")
def left_is_the_first_place(torch: Any) -> None:
    edges = torch.tensor([1, 3, 5, 7, 9])
    same(torch.searchsorted(edges, torch.tensor([3, 6, 9])), torch.tensor([1, 3, 4]))
    same(torch.searchsorted(edges, torch.tensor([3, 6, 9]), right=True), torch.tensor([2, 3, 5]))
    same(
        torch.searchsorted(edges, torch.tensor([3]), side="right", out_int32=True), torch.tensor([2], dtype=torch.int32)
    )


@case("torch.bucketize")
def boundaries_belong_to_the_left_bucket(torch: Any) -> None:
    edges = torch.tensor([1.0, 2.0])
    same(torch.bucketize(torch.tensor([0.5, 1.0, 1.5, 2.5]), edges), torch.tensor([0, 0, 1, 2]))
    same(torch.bucketize(torch.tensor([1.0]), edges, right=True), torch.tensor([1]))


@case("torch.bincount")
def weights_and_minlength(torch: Any) -> None:
    x = torch.tensor([0, 2, 2])
    same(x.bincount(minlength=5), torch.tensor([1, 0, 2, 0, 0]))
    same(x.bincount(weights=torch.tensor([0.5, 1.0, 2.0])), torch.tensor([0.5, 0.0, 3.0]))
    raises(
        RuntimeError,
        "bincount only supports 1-d non-negative integral inputs",
        lambda: torch.tensor([-1]).bincount().tolist(),
    )


@case("torch.histc")
def elements_outside_the_range_do_not_count(torch: Any) -> None:
    same(torch.histc(torch.tensor([1.0, 2.0, 1.0, 9.0]), bins=4, min=0, max=3), torch.tensor([0.0, 2.0, 1.0, 0.0]))


@case("torch.histogram")
def the_last_edge_is_closed(torch: Any) -> None:
    hist, edges = torch.histogram(torch.tensor([1.0, 2.0, 1.0]), bins=4, range=(0.0, 3.0))
    same(hist, torch.tensor([0.0, 2.0, 1.0, 0.0]))
    same(edges, torch.tensor([0.0, 0.75, 1.5, 2.25, 3.0]))
    same(torch.histogram(torch.tensor([2.0]), torch.tensor([0.0, 1.0, 2.0])).hist, torch.tensor([0.0, 1.0]))


@case("torch.unique_consecutive")
def only_neighbours_are_merged(torch: Any) -> None:
    values, counts = torch.unique_consecutive(torch.tensor([1, 1, 2, 2, 1]), return_counts=True)
    same(values, torch.tensor([1, 2, 1]))
    same(counts, torch.tensor([2, 2, 1]))


@case("torch.unique")
def rows_are_unique_along_a_dim(torch: Any) -> None:
    same(torch.unique(torch.tensor([[2, 1], [1, 3], [2, 1]]), dim=0), torch.tensor([[1, 3], [2, 1]]))


@case("torch.nonzero")
def rows_are_positions(torch: Any) -> None:
    x = torch.tensor([[0, 5], [7, 0]])
    same(torch.nonzero(x), torch.tensor([[0, 1], [1, 0]]))
    rows, columns = torch.nonzero(x, as_tuple=True)
    same(rows, torch.tensor([0, 1]))
    same(columns, torch.tensor([1, 0]))
    assert torch.nonzero(torch.tensor(5)).shape == (1, 0)


@case("torch.count_nonzero")
def along_dims(torch: Any) -> None:
    x = torch.tensor([[0, 5, 1], [7, 0, 0]])
    same(torch.count_nonzero(x), torch.tensor(3))
    same(torch.count_nonzero(x, dim=1), torch.tensor([2, 1]))


@case("torch.isin")
def may_be_inverted(torch: Any) -> None:
    x = torch.tensor([[1, 2], [3, 4]])
    same(torch.isin(x, torch.tensor([2, 3])), torch.tensor([[False, True], [True, False]]))
    same(torch.isin(x, torch.tensor([2, 3]), invert=True), torch.tensor([[True, False], [False, True]]))


@case("torch.norm")
def orders_of_vectors(torch: Any) -> None:
    x = torch.tensor([3.0, -4.0])
    same(torch.norm(x), torch.tensor(5.0))
    same(torch.norm(x, p=1), torch.tensor(7.0))
    same(torch.norm(x, p=float("inf")), torch.tensor(4.0))
    same(torch.norm(x, p=0), torch.tensor(2.0))


@case("torch.dist")
def is_the_norm_of_the_difference(torch: Any) -> None:
    same(torch.dist(torch.tensor([1.0, 2.0]), torch.tensor([4.0, 6.0])), torch.tensor(5.0))


@case("torch.renorm")
def only_long_rows_are_shortened(torch: Any) -> None:
    x = torch.tensor([[3.0, 4.0], [0.3, 0.4]])
    same(torch.renorm(x, 2, 0, 1.0), torch.tensor([[0.6, 0.8], [0.3, 0.4]]), atol=1e-5)


@case("torch.cov")
def rows_are_variables(torch: Any) -> None:
    x = torch.tensor([[0.0, 1.0, 2.0], [2.0, 1.0, 0.0]])
    same(torch.cov(x), torch.tensor([[1.0, -1.0], [-1.0, 1.0]]))
    same(torch.corrcoef(x), torch.tensor([[1.0, -1.0], [-1.0, 1.0]]))


@case("torch.allclose")
def returns_a_python_bool(torch: Any) -> None:
    assert torch.allclose(torch.tensor([1.0]), torch.tensor([1.0 + 1e-7])) is True
    assert torch.equal(torch.ones(2), torch.ones(2)) is True and torch.equal(torch.ones(2), torch.ones(1, 2)) is False
