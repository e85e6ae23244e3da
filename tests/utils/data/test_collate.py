"""Collation and conversion: containers keep their kind, leaves become tensors."""

import collections
import types

import numpy as np
import pytest

import torchax_lite as torch
from torchax_lite.utils.data import default_collate, default_convert
from torchax_lite.utils.data._utils.collate import collate, default_collate_fn_map

Point = collections.namedtuple("Point", "a b")


class Tagged(list):
    def __init__(self, *args, tag=None):
        super().__init__(*args)
        self.tag = tag


class Bag(dict):
    pass


class TwoArguments(tuple):
    """A sequence that cannot be built from one list."""

    def __new__(cls, a, b):
        return tuple.__new__(cls, (a, b))


def check(tensor, values, dtype):
    assert isinstance(tensor, torch.Tensor)
    assert tensor.dtype == dtype
    assert tensor.tolist() == values


@pytest.mark.parametrize(
    ("batch", "values", "dtype"),
    [
        ([1, 2], [1, 2], torch.int64),
        ([True, False], [True, False], torch.bool),
        ([1.5, 2], [1.5, 2.0], torch.float64),
        ([1, 2.5], [1.0, 2.5], torch.float32),
        ([np.float32(1), np.float32(2)], [1.0, 2.0], torch.float32),
        ([np.int16(1), np.int16(2)], [1, 2], torch.int16),
        ([np.bool_(True)], [True], torch.bool),
        ([np.zeros(2), np.ones(2)], [[0.0, 0.0], [1.0, 1.0]], torch.float64),
        ([np.array(1.5), np.array(2)], [1.5, 2.0], torch.float64),
    ],
)
def test_collate_leaves(batch, values, dtype):
    check(default_collate(batch), values, dtype)


def test_collate_tensors_stacks():
    check(default_collate([torch.tensor([1, 2]), torch.tensor([3, 4])]), [[1, 2], [3, 4]], torch.int64)
    check(default_collate([torch.tensor(1), torch.tensor(2)]), [1, 2], torch.int64)
    with pytest.raises(RuntimeError, match=r"stack expects each tensor to be equal size, but got \[2\] at entry 0"):
        default_collate([torch.zeros(2), torch.zeros(3)])
    leaf = torch.zeros(2, requires_grad=True)
    assert default_collate([leaf, leaf]).requires_grad


def test_collate_does_not_share_memory():
    array = np.zeros(3, np.float32)
    batch = default_collate([array, array])
    array[:] = 5
    assert batch.tolist() == [[0, 0, 0], [0, 0, 0]]


def test_collate_strings_stay():
    assert default_collate(["a", "b"]) == ["a", "b"]
    assert default_collate((b"a", b"b")) == (b"a", b"b")


def test_collate_containers():
    named = default_collate([Point(1, (2, 3)), Point(3, (4, 4))])
    assert type(named) is Point and named.a.tolist() == [1, 3]
    assert [t.tolist() for t in named.b] == [[2, 4], [3, 4]]
    pairs = default_collate([(1, "x"), (2, "y")])
    assert type(pairs) is list and pairs[0].tolist() == [1, 2] and pairs[1] == ("x", "y")
    bag = default_collate([Bag(a=1), Bag(a=2)])
    assert type(bag) is Bag and bag["a"].tolist() == [1, 2]
    assert type(default_collate([collections.OrderedDict(a=1)])) is collections.OrderedDict
    frozen = default_collate([types.MappingProxyType({"a": 1})] * 2)
    assert type(frozen) is types.MappingProxyType and frozen["a"].tolist() == [1, 1]
    tagged = default_collate([Tagged([1, 2], tag=7), Tagged([3, 4])])
    assert type(tagged) is Tagged and tagged.tag == 7 and tagged[1].tolist() == [2, 4]
    assert [t.tolist() for t in default_collate([TwoArguments(1, 2), TwoArguments(3, 4)])] == [[1, 3], [2, 4]]
    assert [t.tolist() for t in default_collate([range(2), range(2)])] == [[0, 0], [1, 1]]
    assert default_collate([{}]) == {}


@pytest.mark.parametrize(
    ("batch", "error", "text"),
    [
        ([object()], TypeError, "default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists"),
        ([None], TypeError, "found <class 'NoneType'>"),
        ([1j], TypeError, "found <class 'complex'>"),
        ([np.array("a")], TypeError, "found <U1"),
        ([np.array([object()])], TypeError, "found object"),
        ([[1, 2], [1]], RuntimeError, "each element in list of batch should be of equal size"),
        ([{"a": 1}, {"b": 2}], KeyError, "a"),
        ([], IndexError, "list index out of range"),
    ],
)
def test_collate_errors(batch, error, text):
    with pytest.raises(error, match=text):
        default_collate(batch)


def test_collate_with_a_map_of_ones_own():
    def total(batch, *, collate_fn_map=None):
        return sum(batch)

    def joined(batch, *, collate_fn_map=None):
        return "-".join(batch)

    assert collate([(1, "a"), (2, "b")], collate_fn_map={int: total, str: joined}) == [3, "a-b"]
    assert collate([True, False], collate_fn_map={int: total}) == 1
    assert collate([2.5], collate_fn_map={(int, float): total}) == 2.5
    with pytest.raises(TypeError, match="found <class 'int'>"):
        collate([1, 2])


def test_a_type_can_be_added_to_the_default_map(monkeypatch):
    class Box:
        pass

    def first_and_map(batch, *, collate_fn_map=None):
        return len(batch), collate_fn_map is default_collate_fn_map

    monkeypatch.setitem(default_collate_fn_map, Box, first_and_map)
    assert default_collate([{"box": Box()}, {"box": Box()}]) == {"box": (2, True)}


def test_convert():
    check(default_convert(np.arange(3)), [0, 1, 2], torch.int64)
    check(default_convert(np.float32(3)), 3.0, torch.float32)
    assert default_convert([1, "a", 2.5, None]) == [1, "a", 2.5, None]
    assert isinstance(default_convert(np.array(["a"])), np.ndarray)
    named = default_convert(Point(np.arange(2), "q"))
    assert type(named) is Point and named.a.tolist() == [0, 1] and named.b == "q"
    assert type(default_convert((np.arange(2),))) is list
    assert default_convert({"a": np.arange(2)})["a"].tolist() == [0, 1]
    assert default_convert(Tagged([np.arange(2)], tag=3)).tag == 3
    tensor = torch.ones(2)
    assert default_convert(tensor) is tensor


def test_convert_shares_memory_with_the_array():
    array = np.zeros(2)
    tensor = default_convert(array)
    array[0] = 4
    assert tensor.tolist() == [4, 0]
