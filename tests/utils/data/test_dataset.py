"""Datasets: what a sample is, lengths, and PyTorch's errors."""

import warnings

import pytest

import torchax_lite as torch
from torchax_lite.utils.data import (
    ChainDataset,
    ConcatDataset,
    Dataset,
    IterableDataset,
    StackDataset,
    Subset,
    TensorDataset,
    random_split,
)


class Many(Dataset):
    """Counts how often it is asked for a whole batch."""

    def __init__(self, n):
        self.n, self.calls = n, 0

    def __len__(self):
        return self.n

    def __getitem__(self, i):
        return i * 10

    def __getitems__(self, indices):
        self.calls += 1
        return [i * 10 for i in indices]


class Stream(IterableDataset):
    def __init__(self, n):
        self.n = n

    def __iter__(self):
        return iter(range(self.n))


class SizedStream(Stream):
    def __len__(self):
        return self.n


def test_dataset_needs_getitem():
    with pytest.raises(NotImplementedError, match="Subclasses of Dataset should implement __getitem__"):
        Dataset()[0]
    with pytest.raises(TypeError, match="has no len"):
        len(Dataset())
    with pytest.raises(TypeError, match="abstract"):
        IterableDataset()


def test_tensor_dataset():
    x, y = torch.arange(6).reshape(3, 2), torch.tensor([7, 8, 9])
    data = TensorDataset(x, y)
    assert len(data) == 3
    assert [field.tolist() for field in data[1]] == [[2, 3], 8]
    assert [field.tolist() for field in data[1:]] == [[[2, 3], [4, 5]], [8, 9]]
    with pytest.raises(AssertionError, match="Size mismatch between tensors"):
        TensorDataset(x, torch.zeros(2))


def test_stack_dataset_tuple_and_dict():
    assert StackDataset([1, 2], "ab")[1] == (2, "b")
    data = StackDataset(a=Many(4), b=[5, 6, 7, 8])
    assert data[2] == {"a": 20, "b": 7}
    assert data.__getitems__([3, 0]) == [{"a": 30, "b": 8}, {"a": 0, "b": 5}]
    assert StackDataset(Many(2), Many(2)).__getitems__([1, 0]) == [(10, 10), (0, 0)]
    assert len(data) == 4


@pytest.mark.parametrize(
    ("args", "kwargs", "text"),
    [
        ((), {}, "At least one dataset should be passed"),
        (([1],), {"a": [1]}, "but both types are given"),
        (([1], [1, 2]), {}, "Size mismatch between datasets"),
        ((), {"a": [1], "b": []}, "Size mismatch between datasets"),
    ],
)
def test_stack_dataset_errors(args, kwargs, text):
    with pytest.raises(ValueError, match=text):
        StackDataset(*args, **kwargs)


def test_stack_dataset_checks_nested_batches():
    class Short(Many):
        def __getitems__(self, indices):
            return [0]

    with pytest.raises(ValueError, match="Nested dataset's output size mismatch. Expected 2, got 1"):
        StackDataset(Short(3)).__getitems__([0, 1])


def test_concat_dataset():
    data = ConcatDataset([[1, 2], [], [3]])
    assert [data[i] for i in range(-3, 3)] == [1, 2, 3, 1, 2, 3]
    assert data.cumulative_sizes == [2, 2, 3]
    assert len(Many(2) + Many(3)) == 5
    with pytest.raises(ValueError, match="absolute value of index should not exceed dataset length"):
        data[-4]
    with pytest.raises(AssertionError, match="datasets should not be an empty iterable"):
        ConcatDataset([])
    with pytest.raises(AssertionError, match="ConcatDataset does not support IterableDataset"):
        ConcatDataset([Stream(1)])
    with pytest.warns(FutureWarning, match="renamed to `cumulative_sizes`"):
        assert data.cummulative_sizes == [2, 2, 3]


def test_chain_dataset():
    assert list(Stream(2) + Stream(3)) == [0, 1, 0, 1, 2]
    assert len(ChainDataset([SizedStream(2), SizedStream(3)])) == 5
    with pytest.raises(TypeError, match="has no len"):
        len(ChainDataset([Stream(2)]))
    with pytest.raises(AssertionError, match="ChainDataset only supports IterableDataset"):
        list(ChainDataset([[1]]))


def test_subset():
    many = Many(9)
    subset = Subset(many, [8, 2, 5])
    assert [subset[i] for i in range(3)] == [80, 20, 50]
    assert subset.__getitems__([2, 0]) == [50, 80] and many.calls == 1
    assert Subset([1, 2, 3], [2, 1]).__getitems__([0, 1]) == [3, 2]
    assert Subset(torch.arange(5), [4, 2, 0])[[0, 2]].tolist() == [4, 0]


def test_subset_with_getitem_alone_is_refused():
    class Half(Subset):
        def __getitem__(self, idx):
            return 0

    with pytest.raises(NotImplementedError, match="Half overrides __getitem__ but not __getitems__"):
        Half([1], [0])


def test_random_split_lengths():
    data = list(range(10))
    assert [len(part) for part in random_split(data, [0.33, 0.33, 0.34])] == [4, 3, 3]
    assert sorted(i for part in random_split(data, [2, 8]) for i in part.indices) == data
    with pytest.warns(UserWarning, match="Length of split at index 0 is 0"):
        random_split(data, [0.0, 1.0])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        random_split(data, [0, 10])
    for lengths in ([3, 3], [0.5, 0.6], [0.5, 0.4], [-0.5, 0.6]):
        with pytest.raises(ValueError, match="Sum of input lengths does not equal the length"):
            random_split(data, lengths)
    with pytest.raises(ValueError, match="Fraction at index 0 is not between 0 and 1"):
        random_split(data, [1.5, -0.5])
