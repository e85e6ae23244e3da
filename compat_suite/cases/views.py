"""Views, indexing, in-place changes and strides."""

from __future__ import annotations

from typing import Any

from ..registry import case, raises, same

VIEWS = "tensor_view.html"
INDEXING = "generated/torch.Tensor.index_put_.html"
BROADCASTING = "notes/broadcasting.html"


@case("torch.Tensor.view")
def writes_reach_the_base(torch: Any) -> None:
    base = torch.zeros(2, 3)
    base.view(6)[4] = 1
    same(base, torch.tensor([[0.0, 0, 0], [0, 1, 0]]))


@case("torch.Tensor.view")
def needs_compatible_strides(torch: Any) -> None:
    raises(
        RuntimeError, "view size is not compatible with input tensor's size and stride", torch.ones(3, 2).t().view, 6
    )
    raises(RuntimeError, "shape '[4, 2]' is invalid for input of size 6", torch.ones(6).view, 4, 2)
    assert torch.ones(3, 2).t().reshape(6).shape == (6,)


@case("torch.Tensor.view")
def by_dtype_reinterprets_the_bits(torch: Any) -> None:
    same(torch.tensor([1.0, -2.0]).view(torch.int32), torch.tensor([0x3F800000, -0x40000000], dtype=torch.int32))


@case("torch.Tensor", VIEWS)
def basic_indexing_gives_views(torch: Any) -> None:
    base = torch.zeros(3, 4)
    base[1, ::2] = 5
    row = base[1]
    row += 1
    same(base[1], torch.tensor([6.0, 1, 6, 1]))
    assert row.data_ptr() == base.data_ptr() + 4 * base.element_size()


@case("torch.Tensor", VIEWS)
def advanced_indexing_gives_copies(torch: Any) -> None:
    base = torch.arange(4.0)
    picked = base[torch.tensor([0, 2])]
    picked.fill_(9)
    same(base, torch.arange(4.0))
    picked = base[base > 1]
    same(picked, torch.tensor([2.0, 3.0]))


@case("torch.Tensor.index_put_", INDEXING)
def repeated_positions_add_with_accumulate(torch: Any) -> None:
    x = torch.zeros(3)
    x.index_put_((torch.tensor([0, 0, 2]),), torch.tensor([1.0, 2, 3]), accumulate=True)
    same(x, torch.tensor([3.0, 0, 3]))


@case("torch.Tensor.index_put_", INDEXING)
def separated_index_tensors_put_their_dims_first(torch: Any) -> None:
    x = torch.arange(24).view(2, 3, 4)
    i = torch.tensor([0, 1, 0])
    assert x[:, i, :].shape == (2, 3, 4) and x[i, :, i].shape == (3, 3)
    assert torch.zeros(5, 2, 3, 4)[:, [0, 1], :, [2, 3]].shape == (2, 5, 3)
    assert x[None, ..., i].shape == (1, 2, 3, 3)


@case("torch.Tensor.index_put_", INDEXING)
def a_mask_assigns_where_it_is_true(torch: Any) -> None:
    x = torch.arange(6.0).view(2, 3)
    x[x > 3] = -1
    same(x, torch.tensor([[0.0, 1, 2], [3, -1, -1]]))


@case("torch.Tensor", INDEXING)
def an_index_out_of_bounds_raises(torch: Any) -> None:
    raises(IndexError, "index 5 is out of bounds for dimension 0 with size 2", lambda: torch.ones(2)[5])
    raises(IndexError, "too many indices for tensor of dimension 1", lambda: torch.ones(2)[0, 0])


@case("torch.Tensor.expand")
def repeats_without_memory(torch: Any) -> None:
    x = torch.tensor([[1.0], [2.0]]).expand(-1, 3)
    assert x.stride() == (1, 0) and x.shape == (2, 3)
    raises(
        RuntimeError,
        "The expanded size of the tensor (4) must match the existing size (2)",
        torch.ones(2, 3).expand,
        4,
        3,
    )


@case("torch.Tensor.unfold")
def windows_overlap_in_memory(torch: Any) -> None:
    x = torch.arange(5.0)
    windows = x.unfold(0, 3, 1)
    x[2] = 9
    same(windows, torch.tensor([[0.0, 1, 9], [1, 9, 3], [9, 3, 4]]))


@case("torch.as_strided")
def sees_the_storage_by_strides_and_offset(torch: Any) -> None:
    same(torch.as_strided(torch.arange(9), (2, 2), (1, 3), 1), torch.tensor([[1, 4], [2, 5]]))


@case("torch.Tensor.transpose")
def swaps_strides_only(torch: Any) -> None:
    x = torch.zeros(2, 3)
    y = x.transpose(0, 1)
    y[2, 0] = 1
    assert y.stride() == (1, 3) and not y.is_contiguous() and x[0, 2].item() == 1


@case("torch.Tensor.detach")
def shares_memory_and_version(torch: Any) -> None:
    x = torch.zeros(2, requires_grad=True)
    d = x.detach()
    d[0] = 3
    assert x.tolist() == [3, 0] and not d.requires_grad and x._version == d._version == 1


@case("torch.Tensor.contiguous")
def returns_itself_when_contiguous(torch: Any) -> None:
    x = torch.ones(2, 3)
    assert x.contiguous() is x and x.t().contiguous().stride() == (2, 1)


@case("torch.Tensor.split")
def chunks_are_views(torch: Any) -> None:
    x = torch.zeros(5)
    first, second = x.split([2, 3])
    second += 1
    same(x, torch.tensor([0.0, 0, 1, 1, 1]))
    assert [len(c) for c in torch.arange(5).chunk(3)] == [2, 2, 1]


@case("torch.Tensor.add_", BROADCASTING)
def in_place_results_keep_their_shape(torch: Any) -> None:
    raises(
        RuntimeError,
        "output with shape [3] doesn't match the broadcast shape [2, 3]",
        torch.ones(3).add_,
        torch.ones(2, 3),
    )


@case("torch.Tensor.copy_")
def broadcasts_and_casts(torch: Any) -> None:
    x = torch.zeros(2, 2, dtype=torch.int32)
    same(x.copy_(torch.tensor([1.7, -1.7])), torch.tensor([[1, -1], [1, -1]], dtype=torch.int32))


@case("torch.Tensor.is_set_to")
def needs_the_same_storage_and_view(torch: Any) -> None:
    x = torch.zeros(4)
    assert x.is_set_to(x.view(4)) and not x.is_set_to(x[1:])


@case("torch.Tensor.scatter_")
def writes_at_indices_along_a_dim(torch: Any) -> None:
    x = torch.zeros(2, 3).scatter_(1, torch.tensor([[0, 2], [1, 1]]), torch.tensor([[1.0, 2], [3, 3]]))
    same(x, torch.tensor([[1.0, 0, 2], [0, 3, 0]]))


@case("torch.gather")
def indices_out_of_range_raise(torch: Any) -> None:
    words = "index 9 is out of bounds for dimension 0 with size 3"
    raises(RuntimeError, words, lambda: torch.ones(3).gather(0, torch.tensor([9])).tolist())


@case("torch.gather")
def computed_indices_out_of_range_raise(torch: Any) -> None:
    words = "index 9 is out of bounds for dimension 0 with size 3"
    raises(RuntimeError, words, lambda: torch.ones(3).gather(0, torch.tensor([3]) * 3).tolist())


@case("torch.Tensor.where")
def takes_self_where_the_condition_holds(torch: Any) -> None:
    x = torch.arange(3)
    same(x.where(x > 1, 1.5), torch.tensor([1.5, 1.5, 2.0]))
    raises(TypeError, "where() received an invalid combination of arguments - got (Tensor)", x.where, x > 1)


@case("torch.swapaxes")
def is_transpose_by_another_name(torch: Any) -> None:
    assert torch.swapaxes(torch.zeros(2, 3), axis0=0, axis1=1).shape == (3, 2)
    assert torch.zeros(2, 3).swapdims(0, 1).stride() == (1, 3)


@case("torch.Tensor", "tensors.html")
def reversed_gives_a_tensor(torch: Any) -> None:
    same(reversed(torch.arange(3)), torch.tensor([2, 1, 0]))
