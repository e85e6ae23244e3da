"""``torch``: joining, splitting, rearranging, selecting."""

from __future__ import annotations

from typing import Any

from ..registry import case, raises, same


@case("torch.cat")
def legacy_empty_tensors_are_skipped(torch: Any) -> None:
    assert torch.cat([torch.zeros(0), torch.ones(2, 3)]).shape == (2, 3)
    raises(
        RuntimeError,
        "Sizes of tensors must match except in dimension 0",
        torch.cat,
        [torch.ones(2, 3), torch.ones(2, 2)],
    )
    raises(RuntimeError, "zero-dimensional tensor (at position 0) cannot be concatenated", torch.cat, [torch.tensor(1)])


@case("torch.stack")
def inserts_a_dim(torch: Any) -> None:
    a = torch.zeros(2, 3)
    assert torch.stack([a, a]).shape == (2, 2, 3) and torch.stack([a, a], -1).shape == (2, 3, 2)


@case("torch.hstack")
def vectors_join_along_their_only_dim(torch: Any) -> None:
    a, b = torch.tensor([1, 2]), torch.tensor([3, 4])
    same(torch.hstack([a, b]), torch.tensor([1, 2, 3, 4]))
    same(torch.vstack([a, b]), torch.tensor([[1, 2], [3, 4]]))
    same(torch.column_stack([a, b]), torch.tensor([[1, 3], [2, 4]]))
    assert torch.dstack([a, b]).shape == (1, 2, 2)


@case("torch.chunk")
def may_give_fewer_chunks_than_asked(torch: Any) -> None:
    assert [len(c) for c in torch.chunk(torch.arange(12), 5)] == [3, 3, 3, 3]
    assert [len(c) for c in torch.tensor_split(torch.arange(12), 5)] == [3, 3, 2, 2, 2]


@case("torch.split")
def sizes_have_to_add_up(torch: Any) -> None:
    assert [len(c) for c in torch.split(torch.arange(5), 2)] == [2, 2, 1]
    raises(
        RuntimeError, "split_with_sizes expects split_sizes to sum exactly to 5", torch.split, torch.arange(5), [2, 2]
    )


@case("torch.tensor_split")
def indices_say_where_to_cut(torch: Any) -> None:
    parts = torch.tensor_split(torch.arange(7), (1, 6))
    assert [p.tolist() for p in parts] == [[0], [1, 2, 3, 4, 5], [6]]
    assert [p.shape for p in torch.hsplit(torch.zeros(4, 4), [1])] == [(4, 1), (4, 3)]


@case("torch.unbind")
def gives_views_without_the_dim(torch: Any) -> None:
    x = torch.zeros(2, 3)
    first, second = torch.unbind(x)
    second += 1
    assert first.shape == (3,) and x[1].tolist() == [1, 1, 1]


@case("torch.squeeze")
def only_dims_of_size_one_go(torch: Any) -> None:
    x = torch.zeros(2, 1, 2, 1, 2)
    assert x.squeeze().shape == (2, 2, 2) and x.squeeze(0).shape == x.shape
    assert x.squeeze((1, 2, 3)).shape == (2, 2, 2) and x.squeeze(1).shape == (2, 2, 1, 2)


@case("torch.unsqueeze")
def dim_ranges_one_further(torch: Any) -> None:
    x = torch.zeros(4)
    assert x.unsqueeze(0).shape == (1, 4) and x.unsqueeze(-1).shape == (4, 1)
    raises(IndexError, "Dimension out of range (expected to be in range of [-2, 1], but got 2)", x.unsqueeze, 2)


@case("torch.reshape")
def one_size_may_be_inferred(torch: Any) -> None:
    x = torch.arange(6)
    assert x.reshape(-1, 2).shape == (3, 2)
    raises(RuntimeError, "only one dimension can be inferred", x.reshape, -1, -1)
    raises(RuntimeError, "shape '[4, -1]' is invalid for input of size 6", x.reshape, 4, -1)


@case("torch.flatten")
def of_a_0_dim_tensor_is_1_dim(torch: Any) -> None:
    assert torch.flatten(torch.tensor(1)).shape == (1,)
    assert torch.flatten(torch.zeros(2, 3, 4), start_dim=1).shape == (2, 12)
    assert torch.unflatten(torch.zeros(3, 4), 1, (2, -1)).shape == (3, 2, 2)


@case("torch.movedim")
def other_dims_keep_their_order(torch: Any) -> None:
    x = torch.zeros(2, 3, 4)
    assert torch.movedim(x, 0, -1).shape == (3, 4, 2) and torch.movedim(x, (0, 1), (1, 2)).shape == (4, 2, 3)


@case("torch.permute")
def needs_every_dim_once(torch: Any) -> None:
    x = torch.zeros(2, 3, 5)
    assert torch.permute(x, (2, 0, 1)).shape == (5, 2, 3)
    raises(RuntimeError, "duplicate dim", lambda: x.permute(0, 0, 1))


@case("torch.t")
def takes_at_most_two_dims(torch: Any) -> None:
    assert torch.t(torch.zeros(3)).shape == (3,) and torch.zeros(2, 3).T.shape == (3, 2)
    raises(RuntimeError, "t() expects a tensor with <= 2 dimensions, but self is 3D", torch.t, torch.zeros(1, 1, 1))
    assert torch.zeros(5, 2, 3).mT.shape == (5, 3, 2)


@case("torch.roll")
def without_dims_rolls_the_flat_tensor(torch: Any) -> None:
    x = torch.arange(4).view(2, 2)
    same(torch.roll(x, 1), torch.tensor([[3, 0], [1, 2]]))
    same(torch.roll(x, 1, 0), torch.tensor([[2, 3], [0, 1]]))
    same(torch.roll(x, (1, 1), (0, 1)), torch.tensor([[3, 2], [1, 0]]))


@case("torch.flip")
def copies_the_data(torch: Any) -> None:
    x = torch.tensor([[1, 2], [3, 4]])
    y = torch.flip(x, [0, 1])
    same(y, torch.tensor([[4, 3], [2, 1]]))
    y[0, 0] = 9
    assert x[1, 1].item() == 4
    same(torch.fliplr(x), torch.tensor([[2, 1], [4, 3]]))
    same(torch.rot90(x), torch.tensor([[2, 4], [1, 3]]))


@case("torch.tile")
def fewer_numbers_than_dims_repeat_the_last_ones(torch: Any) -> None:
    assert torch.tile(torch.zeros(2, 3), (2,)).shape == (2, 6)
    same(torch.tile(torch.tensor([1, 2]), (2, 2)), torch.tensor([[1, 2, 1, 2], [1, 2, 1, 2]]))


@case("torch.Tensor.repeat")
def needs_a_number_for_each_dim(torch: Any) -> None:
    assert torch.zeros(3).repeat(4, 2).shape == (4, 6)
    raises(RuntimeError, "Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor",
           torch.zeros(2, 3).repeat, 2)  # fmt: skip


@case("torch.repeat_interleave")
def repeats_each_element(torch: Any) -> None:
    x = torch.tensor([1, 2, 3])
    same(x.repeat_interleave(2), torch.tensor([1, 1, 2, 2, 3, 3]))
    same(torch.repeat_interleave(x, torch.tensor([0, 1, 2])), torch.tensor([2, 3, 3]))
    same(torch.repeat_interleave(torch.tensor([1, 0, 2])), torch.tensor([0, 2, 2]))


@case("torch.broadcast_to")
def results_cannot_be_written(torch: Any) -> None:
    x = torch.broadcast_to(torch.tensor([1, 2]), (2, 2))
    same(x, torch.tensor([[1, 2], [1, 2]]))
    raises(RuntimeError, "more than one element of the written-to tensor refers to a single memory location", x.add_, 1)


@case("torch.broadcast_shapes")
def is_about_sizes_only(torch: Any) -> None:
    assert torch.broadcast_shapes((2,), (3, 1), (1, 1, 1)) == torch.Size([1, 3, 2])
    raises(RuntimeError, "Attempting to broadcast a dimension of length 3 at -1", torch.broadcast_shapes, (2,), (3,))


@case("torch.meshgrid")
def ij_is_the_matrix_order(torch: Any) -> None:
    x, y = torch.tensor([1, 2, 3]), torch.tensor([4, 5])
    assert torch.meshgrid(x, y, indexing="ij")[0].shape == (3, 2)
    same(torch.meshgrid(x, y, indexing="xy")[0], torch.tensor([[1, 2, 3], [1, 2, 3]]))


@case("torch.cartesian_prod")
def the_last_runs_fastest(torch: Any) -> None:
    same(
        torch.cartesian_prod(torch.tensor([1, 2]), torch.tensor([4, 5])), torch.tensor([[1, 4], [1, 5], [2, 4], [2, 5]])
    )
    same(torch.combinations(torch.tensor([1, 2, 3])), torch.tensor([[1, 2], [1, 3], [2, 3]]))


@case("torch.diag")
def reads_and_makes_diagonals(torch: Any) -> None:
    same(torch.diag(torch.tensor([1, 2]), 1), torch.tensor([[0, 1, 0], [0, 0, 2], [0, 0, 0]]))
    same(torch.diag(torch.arange(9).view(3, 3), -1), torch.tensor([3, 7]))
    raises(RuntimeError, "diag(): Supports 1D or 2D tensors", torch.diag, torch.zeros(1, 1, 1))


@case("torch.diagonal")
def is_a_view_with_the_diagonal_last(torch: Any) -> None:
    x = torch.zeros(2, 3, 4)
    assert torch.diagonal(x, dim1=0, dim2=2).shape == (3, 2)
    y = torch.zeros(2, 2)
    torch.diagonal(y).fill_(3)
    same(y, torch.tensor([[3.0, 0], [0, 3]]))


@case("torch.diag_embed")
def makes_batches_of_matrices(torch: Any) -> None:
    out = torch.diag_embed(torch.tensor([[1, 2], [3, 4]]))
    same(out[1], torch.tensor([[3, 0], [0, 4]]))


@case("torch.tril")
def diagonal_moves_the_edge(torch: Any) -> None:
    x = torch.ones(3, 3)
    same(torch.tril(x, -1), torch.tensor([[0.0, 0, 0], [1, 0, 0], [1, 1, 0]]))
    same(torch.triu(x, 1), torch.tensor([[0.0, 1, 1], [0, 0, 1], [0, 0, 0]]))


@case("torch.block_diag")
def vectors_count_as_rows(torch: Any) -> None:
    same(torch.block_diag(torch.tensor([[1, 2]]), torch.tensor([3])), torch.tensor([[1, 2, 0], [0, 0, 3]]))


@case("torch.index_select")
def keeps_the_number_of_dims(torch: Any) -> None:
    x = torch.arange(6).view(2, 3)
    same(torch.index_select(x, 1, torch.tensor([2, 0])), torch.tensor([[2, 0], [5, 3]]))
    raises(IndexError, "index out of range in self", lambda: torch.index_select(x, 0, torch.tensor([2])).tolist())


@case("torch.masked_select")
def masks_broadcast(torch: Any) -> None:
    x = torch.arange(6).view(2, 3)
    same(torch.masked_select(x, torch.tensor([True, False, True])), torch.tensor([0, 2, 3, 5]))


@case("torch.take")
def looks_at_the_flat_tensor(torch: Any) -> None:
    x = torch.tensor([[4, 3, 5], [6, 7, 8]])
    same(torch.take(x, torch.tensor([0, 2, -1])), torch.tensor([4, 5, 8]))
    same(torch.take_along_dim(x, torch.tensor([[1], [0]]), dim=1), torch.tensor([[3], [6]]))


@case("torch.gather")
def index_decides_the_shape(torch: Any) -> None:
    x = torch.tensor([[1, 2], [3, 4]])
    same(torch.gather(x, 1, torch.tensor([[0, 0], [1, 0]])), torch.tensor([[1, 1], [4, 3]]))
    raises(RuntimeError, "Index tensor must have the same number of dimensions as input tensor",
           torch.gather, x, 0, torch.tensor([0]))  # fmt: skip


@case("torch.narrow")
def start_may_be_negative(torch: Any) -> None:
    x = torch.arange(5)
    same(torch.narrow(x, 0, -3, 2), torch.tensor([2, 3]))
    raises(RuntimeError, "start (2) + length (5) exceeds dimension size (5)", torch.narrow, x, 0, 2, 5)


@case("torch.select_scatter")
def writes_into_a_copy(torch: Any) -> None:
    x = torch.zeros(2, 2)
    same(torch.select_scatter(x, torch.ones(2), 0, 1), torch.tensor([[0.0, 0], [1, 1]]))
    same(x, torch.zeros(2, 2))


@case("torch.Tensor.scatter_add_")
def repeated_indices_add_up(torch: Any) -> None:
    x = torch.zeros(3).scatter_add_(0, torch.tensor([0, 0, 2]), torch.tensor([1.0, 2.0, 4.0]))
    same(x, torch.tensor([3.0, 0.0, 4.0]))


@case("torch.Tensor.scatter_reduce_")
def may_leave_out_what_was_there(torch: Any) -> None:
    index, source = torch.tensor([0, 0, 1]), torch.tensor([2.0, 3.0, 5.0])
    same(torch.full((3,), 10.0).scatter_reduce_(0, index, source, "prod"), torch.tensor([60.0, 50.0, 10.0]))
    same(
        torch.full((3,), 10.0).scatter_reduce_(0, index, source, "mean", include_self=False),
        torch.tensor([2.5, 5.0, 10.0]),
    )


@case("torch.Tensor.index_add_")
def alpha_scales_what_is_added(torch: Any) -> None:
    x = torch.zeros(3, 2).index_add_(0, torch.tensor([0, 2, 0]), torch.ones(3, 2), alpha=2)
    same(x, torch.tensor([[4.0, 4], [0, 0], [2, 2]]))


@case("torch.Tensor.index_fill_")
def fills_slices(torch: Any) -> None:
    x = torch.zeros(2, 3).index_fill_(1, torch.tensor([0, 2]), -1)
    same(x, torch.tensor([[-1.0, 0, -1], [-1, 0, -1]]))


@case("torch.Tensor.index_copy_")
def copies_slices(torch: Any) -> None:
    x = torch.zeros(3, 2).index_copy_(0, torch.tensor([2, 0]), torch.tensor([[1.0, 2], [3, 4]]))
    same(x, torch.tensor([[3.0, 4], [0, 0], [1, 2]]))


@case("torch.Tensor.masked_fill_")
def value_is_a_number_or_0_dim(torch: Any) -> None:
    mask = torch.tensor([True, False])
    same(torch.zeros(2).masked_fill_(mask, 3), torch.tensor([3.0, 0.0]))
    raises(RuntimeError, "masked_fill_ only supports a 0-dimensional value tensor, but got tensor with 1 dimension",
           torch.zeros(2).masked_fill_, mask, torch.ones(1))  # fmt: skip


@case("torch.Tensor.masked_scatter_")
def takes_values_in_order(torch: Any) -> None:
    x = torch.zeros(4).masked_scatter_(torch.tensor([False, True, False, True]), torch.tensor([7.0, 8.0, 9.0]))
    same(x, torch.tensor([0.0, 7.0, 0.0, 8.0]))


@case("torch.Tensor.unfold")
def leaves_out_what_does_not_fill_a_window(torch: Any) -> None:
    x = torch.arange(1.0, 8)
    assert x.unfold(0, 2, 1).shape == (6, 2)
    same(x.unfold(0, 2, 3), torch.tensor([[1.0, 2.0], [4.0, 5.0]]))


@case("torch.where")
def one_argument_means_nonzero(torch: Any) -> None:
    (index,) = torch.where(torch.tensor([0, 3, 0, 4]))
    same(index, torch.tensor([1, 3]))


@case("torch.tensordot")
def contracts_the_last_with_the_first_dims(torch: Any) -> None:
    a, b = torch.arange(60.0).reshape(3, 4, 5), torch.arange(24.0).reshape(4, 3, 2)
    assert torch.tensordot(a, b, dims=([1, 0], [0, 1])).shape == (5, 2)
    assert torch.tensordot(torch.ones(2, 3), torch.ones(3, 4), dims=1).shape == (2, 4)


@case("torch.outer")
def takes_vectors_only(torch: Any) -> None:
    same(torch.outer(torch.tensor([1, 2]), torch.tensor([3, 4])), torch.tensor([[3, 4], [6, 8]]))
    raises(RuntimeError, "outer: Expected 1-D argument self, but got 2-D", torch.outer, torch.ones(1, 1), torch.ones(1))


@case("torch.cross")
def finds_the_dim_of_size_three(torch: Any) -> None:
    x, y = torch.tensor([[1.0, 0, 0]]), torch.tensor([[0.0, 1, 0]])
    same(torch.cross(x, y, dim=1), torch.tensor([[0.0, 0, 1]]))
    raises(RuntimeError, "inputs dimension 0 must have length 3", torch.cross, torch.ones(2), torch.ones(2), dim=0)


@case("torch.bmm")
def does_not_broadcast(torch: Any) -> None:
    assert torch.bmm(torch.ones(2, 3, 4), torch.ones(2, 4, 5)).shape == (2, 3, 5)
    raises(
        RuntimeError,
        "Expected size for first two dimensions of batch2 tensor to be",
        torch.bmm,
        torch.ones(2, 3, 4),
        torch.ones(1, 4, 5),
    )
    raises(RuntimeError, "batch1 must be a 3D tensor", torch.bmm, torch.ones(3, 4), torch.ones(2, 4, 5))


@case("torch.mm")
def takes_matrices_only(torch: Any) -> None:
    raises(RuntimeError, "self must be a matrix", torch.mm, torch.ones(2), torch.ones(2, 2))
    raises(RuntimeError, "1D tensors expected", torch.dot, torch.ones(2, 2), torch.ones(2, 2))


@case("torch.addmm")
def beta_zero_ignores_nan(torch: Any) -> None:
    bias = torch.full((2, 2), float("nan"))
    same(torch.addmm(bias, torch.eye(2), torch.eye(2), beta=0, alpha=3), 3 * torch.eye(2))


@case("torch.einsum")
def ellipsis_and_implicit_output(torch: Any) -> None:
    x = torch.arange(12.0).view(2, 2, 3)
    assert torch.einsum("...ij->...ji", x).shape == (2, 3, 2)
    assert torch.einsum("ba", torch.ones(2, 3)).shape == (3, 2)
    same(torch.einsum(torch.ones(2), [0], torch.tensor([1.0, 2.0]), [0]), torch.tensor(3.0))
    raises(RuntimeError, "einsum()", torch.einsum, "ij,jk", torch.ones(2, 3), torch.ones(4, 5))


@case("torch.cdist")
def pairs_of_rows(torch: Any) -> None:
    a, b = torch.tensor([[0.0, 0.0]]), torch.tensor([[3.0, 4.0], [0.0, 1.0]])
    same(torch.cdist(a, b), torch.tensor([[5.0, 1.0]]))
    same(torch.cdist(a, b, p=1), torch.tensor([[7.0, 1.0]]))
    same(torch.cdist(a, b, p=float("inf")), torch.tensor([[4.0, 1.0]]))
