"""Tensors from data, ranges, fills, NumPy arrays; saving and loading."""

from __future__ import annotations

import io
import math
from typing import Any

from ..registry import case, raises, same


@case("torch.tensor")
def infers_the_dtype_of_python_data(torch: Any) -> None:
    assert torch.tensor([1, 2]).dtype == torch.int64
    assert torch.tensor([1, 2.0]).dtype == torch.float32
    assert torch.tensor([True]).dtype == torch.bool
    assert torch.tensor([1, 1j]).dtype == torch.complex64
    assert torch.tensor(3.0).shape == torch.Size([])


@case("torch.tensor")
def copies_its_data(torch: Any) -> None:
    source = torch.ones(2)
    copy = source.clone()
    copy[0] = 5
    same(source, torch.ones(2))


@case("torch.tensor")
def ragged_data_is_an_error(torch: Any) -> None:
    raises(ValueError, "expected sequence of length 2 at dim 1", torch.tensor, [[1, 2], [3]])


@case("torch.arange")
def end_is_excluded_and_dtype_follows_the_numbers(torch: Any) -> None:
    same(torch.arange(1, 7, 2), torch.tensor([1, 3, 5]))
    same(torch.arange(0, 1, 0.25), torch.tensor([0, 0.25, 0.5, 0.75]))
    raises(RuntimeError, "upper bound and lower bound inconsistent with step sign", torch.arange, 1, 5, -1)


@case("torch.linspace")
def ends_are_included(torch: Any) -> None:
    same(torch.linspace(-1, 1, 5), torch.tensor([-1, -0.5, 0, 0.5, 1]))
    same(torch.linspace(3, 10, 1), torch.tensor([3.0]))


@case("torch.full")
def dtype_follows_the_fill_value(torch: Any) -> None:
    assert torch.full((2,), True).dtype == torch.bool
    assert torch.full((2,), 3).dtype == torch.int64
    assert torch.full((2,), math.pi).dtype == torch.float32


@case("torch.zeros_like")
def keeps_dtype_and_memory_format(torch: Any) -> None:
    x = torch.ones(2, 3, 4, 5, dtype=torch.float64).to(memory_format=torch.channels_last)
    z = torch.zeros_like(x)
    assert z.dtype == torch.float64 and z.stride() == x.stride()


@case("torch.from_numpy")
def shares_memory_with_the_array(torch: Any) -> None:
    import numpy as np

    array = np.zeros(3, dtype=np.float32)
    tensor = torch.from_numpy(array)
    tensor[1] = 4
    assert array.tolist() == [0, 4, 0]
    array[2] = 7
    assert tensor.tolist() == [0, 4, 7]


@case("torch.Tensor.numpy")
def refuses_tensors_that_require_grad(torch: Any) -> None:
    raises(RuntimeError, "Can't call numpy() on Tensor that requires grad", torch.ones(2, requires_grad=True).numpy)


@case("torch.set_default_dtype")
def decides_the_dtype_of_python_floats(torch: Any) -> None:
    torch.set_default_dtype(torch.float64)
    assert torch.tensor(1.5).dtype == torch.float64 and torch.tensor(1j).dtype == torch.complex128
    raises(TypeError, "only floating-point types are supported", torch.set_default_dtype, torch.int32)


@case("torch.save")
def views_of_one_storage_stay_views(torch: Any) -> None:
    base = torch.arange(6.0)
    buffer = io.BytesIO()
    torch.save({"base": base, "tail": base[3:]}, buffer)
    buffer.seek(0)
    loaded = torch.load(buffer)
    loaded["base"][4] = -1
    same(loaded["tail"], torch.tensor([3.0, -1, 5]))


@case("torch.Tensor.to")
def returns_itself_when_nothing_changes(torch: Any) -> None:
    x = torch.ones(2)
    assert x.to(torch.float32) is x and x.to("cpu") is x
    assert x.to(torch.float32, copy=True) is not x


@case("torch.triu_indices")
def rows_above_columns(torch: Any) -> None:
    same(torch.triu_indices(3, 3, 1), torch.tensor([[0, 0, 1], [1, 2, 2]]))
