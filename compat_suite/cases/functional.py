"""``torch`` reductions and products, ``torch.nn.functional``."""

from __future__ import annotations

import math
from typing import Any

from ..registry import case, raises, same


@case("torch.max")
def along_a_dim_gives_values_and_indices(torch: Any) -> None:
    result = torch.tensor([[1, 5, 2], [7, 0, 3]]).max(dim=1)
    same(result.values, torch.tensor([5, 7]))
    same(result.indices, torch.tensor([1, 0]))
    assert type(result) is torch.return_types.max


@case("torch.std")
def divides_by_n_minus_1_by_default(torch: Any) -> None:
    x = torch.tensor([1.0, 2, 3, 4])
    same(x.std(), torch.tensor(math.sqrt(5 / 3)), atol=1e-6)
    same(x.std(correction=0), torch.tensor(math.sqrt(5 / 4)), atol=1e-6)
    assert math.isnan(torch.tensor([1.0]).std().item())


@case("torch.median")
def takes_the_lower_of_two(torch: Any) -> None:
    same(torch.tensor([4.0, 1, 3, 2]).median(), torch.tensor(2.0))


@case("torch.sort")
def stable_sorting_keeps_equal_elements_in_order(torch: Any) -> None:
    values, order = torch.tensor([2, 1, 2, 1]).sort(stable=True)
    same(values, torch.tensor([1, 1, 2, 2]))
    same(order, torch.tensor([1, 3, 0, 2]))


@case("torch.topk")
def largest_first(torch: Any) -> None:
    values, indices = torch.tensor([1.0, 4, 2, 3]).topk(2)
    same(values, torch.tensor([4.0, 3.0]))
    same(indices, torch.tensor([1, 3]))


@case("torch.matmul")
def batches_broadcast_and_vectors_lose_their_dim(torch: Any) -> None:
    assert torch.matmul(torch.ones(3), torch.ones(3)).shape == ()
    assert torch.matmul(torch.ones(2, 1, 3, 4), torch.ones(5, 4, 6)).shape == (2, 5, 3, 6)
    assert torch.matmul(torch.ones(2, 3, 4), torch.ones(4)).shape == (2, 3)
    raises(
        RuntimeError,
        "mat1 and mat2 shapes cannot be multiplied (2x3 and 2x3)",
        torch.matmul,
        torch.ones(2, 3),
        torch.ones(2, 3),
    )


@case("torch.einsum")
def repeated_and_missing_letters(torch: Any) -> None:
    x = torch.arange(4.0).view(2, 2)
    same(torch.einsum("ii->", x), torch.tensor(3.0))
    same(torch.einsum("ij,kj->ik", x, x), torch.tensor([[1.0, 3], [3, 13]]))


@case("torch.add", "notes/broadcasting.html")
def shapes_that_do_not_broadcast_raise(torch: Any) -> None:
    words = "The size of tensor a (3) must match the size of tensor b (4) at non-singleton dimension 1"
    raises(RuntimeError, words, torch.add, torch.ones(2, 3), torch.ones(2, 4))


@case("torch.unique")
def inverse_and_counts(torch: Any) -> None:
    values, inverse, counts = torch.unique(torch.tensor([3, 1, 3]), return_inverse=True, return_counts=True)
    same(values, torch.tensor([1, 3]))
    same(inverse, torch.tensor([1, 0, 1]))
    same(counts, torch.tensor([1, 2]))


@case("torch.cat")
def concatenates_and_promotes(torch: Any) -> None:
    same(torch.cat([torch.tensor([1]), torch.tensor([2.5])]), torch.tensor([1.0, 2.5]))
    raises(RuntimeError, "stack expects each tensor to be equal size", torch.stack, [torch.ones(2), torch.ones(3)])


@case("torch.nn.functional.cross_entropy")
def ignored_targets_do_not_count(torch: Any) -> None:
    logits = torch.tensor([[2.0, 0.0], [0.0, 0.0], [5.0, 1.0]])
    loss = torch.nn.functional.cross_entropy(logits, torch.tensor([0, 1, -100]))
    same(loss, torch.tensor((math.log(1 + math.exp(-2)) + math.log(2)) / 2), atol=1e-6)


@case("torch.nn.functional.cross_entropy")
def classes_out_of_range_raise(torch: Any) -> None:
    loss = torch.nn.functional.cross_entropy
    raises(IndexError, "Target 5 is out of bounds", lambda: loss(torch.zeros(2, 3), torch.tensor([0, 5])).item())


@case("torch.nn.functional.embedding")
def rows_out_of_range_raise(torch: Any) -> None:
    look_up = torch.nn.functional.embedding
    raises(IndexError, "index out of range in self", lambda: look_up(torch.tensor([7]), torch.zeros(2, 2)).tolist())


@case("torch.nn.functional.cross_entropy")
def targets_may_be_probabilities(torch: Any) -> None:
    logits = torch.zeros(1, 4)
    loss = torch.nn.functional.cross_entropy(logits, torch.tensor([[0.5, 0.5, 0, 0]]), label_smoothing=0.2)
    same(loss, torch.tensor(math.log(4)), atol=1e-6)


@case("torch.nn.functional.softmax")
def large_values_do_not_overflow(torch: Any) -> None:
    same(torch.nn.functional.softmax(torch.tensor([1000.0, 1000.0]), dim=0), torch.tensor([0.5, 0.5]))


@case("torch.nn.functional.pad")
def pairs_go_from_the_last_dim(torch: Any) -> None:
    x = torch.ones(1, 2)
    same(torch.nn.functional.pad(x, (1, 0, 0, 1), value=7.0), torch.tensor([[7.0, 1, 1], [7, 7, 7]]))
    same(torch.nn.functional.pad(x, (-1, 0)), torch.ones(1, 1))


@case("torch.nn.functional.conv2d")
def is_a_cross_correlation(torch: Any) -> None:
    x = torch.arange(9.0).view(1, 1, 3, 3)
    w = torch.tensor([[[[1.0, 0], [0, -1]]]])
    same(torch.nn.functional.conv2d(x, w), torch.full((1, 1, 2, 2), -4.0))
    assert torch.nn.functional.conv2d(x, w, padding="same").shape == (1, 1, 3, 3)


@case("torch.nn.functional.interpolate")
def nearest_takes_the_floor(torch: Any) -> None:
    x = torch.tensor([[[1.0, 2.0, 3.0]]])
    same(torch.nn.functional.interpolate(x, size=5), torch.tensor([[[1.0, 1, 2, 2, 3]]]))


@case("torch.nn.functional.one_hot")
def classes_follow_the_largest_index(torch: Any) -> None:
    same(torch.nn.functional.one_hot(torch.tensor([0, 2])), torch.tensor([[1, 0, 0], [0, 0, 1]]))


@case("torch.nn.functional.scaled_dot_product_attention")
def causal_rows_see_the_past_only(torch: Any) -> None:
    q = torch.zeros(1, 3, 2)
    v = torch.tensor([[[1.0, 1], [3, 3], [5, 5]]])
    out = torch.nn.functional.scaled_dot_product_attention(q, q, v, is_causal=True)
    same(out, torch.tensor([[[1.0, 1], [2, 2], [3, 3]]]), atol=1e-6)


@case("torch.nn.functional.embedding")
def padding_rows_get_no_gradient(torch: Any) -> None:
    w = torch.ones(3, 2, requires_grad=True)
    torch.nn.functional.embedding(torch.tensor([0, 1, 1]), w, padding_idx=0).sum().backward()
    same(w.grad, torch.tensor([[0.0, 0], [2, 2], [0, 0]]))


@case("torch.nn.functional.max_pool2d")
def indices_are_flat_positions(torch: Any) -> None:
    x = torch.arange(16.0).view(1, 1, 4, 4)
    values, indices = torch.nn.functional.max_pool2d(x, 2, return_indices=True)
    same(values, torch.tensor([[[[5.0, 7], [13, 15]]]]))
    same(indices, torch.tensor([[[[5, 7], [13, 15]]]]))


@case("torch.norm")
def the_gradient_at_zero_is_zero(torch: Any) -> None:
    for fn in (torch.norm, torch.linalg.norm, lambda t: t.norm(p=1)):
        x = torch.zeros(2, requires_grad=True)
        fn(x).backward()
        same(x.grad, torch.zeros(2))


@case("torch.hann_window")
def periodic_windows_leave_out_the_last_point(torch: Any) -> None:
    same(torch.hann_window(4), torch.tensor([0, 0.5, 1, 0.5]), atol=1e-6)
    same(torch.hann_window(4, periodic=False), torch.tensor([0, 0.75, 0.75, 0]), atol=1e-6)
    raises(RuntimeError, "hann_window requires non-negative window_length", torch.hann_window, -1)
