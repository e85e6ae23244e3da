"""The loader: options, errors, lengths, streams."""

import pickle
import warnings

import pytest

import torchax_lite as torch
from torchax_lite import engine
from torchax_lite.utils.data import (
    BatchSampler,
    DataLoader,
    Dataset,
    DistributedSampler,
    IterableDataset,
    RandomSampler,
    Sampler,
    SequentialSampler,
    Subset,
    TensorDataset,
    WeightedRandomSampler,
    get_worker_info,
)

TEN = list(range(10))


class Stream(IterableDataset):
    def __iter__(self):
        return iter(range(5))


class Stream5(Stream):
    def __len__(self):
        return 5


class Stream3(Stream):
    """Says 3, gives 5."""

    def __len__(self):
        return 3


def lists(loader):
    return [batch.tolist() for batch in loader]


def test_batches():
    assert lists(DataLoader(TEN, 4)) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    assert lists(DataLoader(TEN, 4, drop_last=True)) == [[0, 1, 2, 3], [4, 5, 6, 7]]
    assert [len(DataLoader(TEN, 4, drop_last=d)) for d in (False, True)] == [3, 2]
    assert list(DataLoader(TEN, batch_size=None)) == TEN
    assert lists(DataLoader(TEN, 2, sampler=[5, 1, 3])) == [[5, 1], [3]]
    assert lists(DataLoader(TEN, batch_sampler=[[1, 2], [3]])) == [[1, 2], [3]]
    assert lists(DataLoader({0: 2, 1: 4})) == [[2], [4]]
    assert lists(DataLoader([])) == []
    assert list(DataLoader(TEN, 5, collate_fn=sum)) == [10, 35]


def test_streams():
    assert lists(DataLoader(Stream(), 2)) == [[0, 1], [2, 3], [4]]
    assert lists(DataLoader(Stream(), 2, drop_last=True)) == [[0, 1], [2, 3]]
    assert list(DataLoader(Stream(), None)) == [0, 1, 2, 3, 4]
    assert [len(DataLoader(Stream5(), 2, drop_last=d)) for d in (False, True)] == [3, 2]
    assert len(DataLoader(Stream5(), None)) == 5
    with pytest.raises(TypeError, match="object of type 'Stream' has no len"):
        len(DataLoader(Stream()))


def test_a_stream_longer_than_its_length_warns_where_the_length_was_read():
    loader = DataLoader(Stream3(), None)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        list(loader)
    len(loader)
    with pytest.warns(UserWarning) as caught:
        list(loader)
    texts = [str(warning.message) for warning in caught]
    for text, n in zip(texts, (4, 5), strict=True):
        assert f"was reported to be 3(when accessing len(dataloader)), but {n} samples have been fetched." in text


@pytest.mark.parametrize(
    ("dataset", "options", "error", "text"),
    [
        (TEN, {"num_workers": -1}, ValueError, "num_workers option should be non-negative"),
        (TEN, {"timeout": -1}, ValueError, "timeout option should be non-negative"),
        (TEN, {"prefetch_factor": 2}, ValueError, "prefetch_factor option could only be specified in multiproc"),
        (TEN, {"num_workers": 1, "prefetch_factor": -2}, ValueError, "prefetch_factor option should be non-neg"),
        (TEN, {"persistent_workers": True}, ValueError, "persistent_workers option needs num_workers > 0"),
        (Stream(), {"shuffle": True}, ValueError, "expected unspecified shuffle option, but got shuffle=True"),
        (Stream(), {"sampler": [1]}, ValueError, r"expected unspecified sampler option, but got sampler=\[1\]"),
        (Stream(), {"batch_sampler": [1]}, ValueError, "expected unspecified batch_sampler option"),
        (TEN, {"sampler": [1], "shuffle": True}, ValueError, "sampler option is mutually exclusive with shuffle"),
        (TEN, {"batch_sampler": [[1]], "batch_size": 2}, ValueError, "batch_sampler option is mutually exclusive"),
        (TEN, {"batch_sampler": [[1]], "shuffle": True}, ValueError, "batch_sampler option is mutually exclusive"),
        (TEN, {"batch_size": None, "drop_last": True}, ValueError, "batch_size=None option disables auto-batching"),
        (TEN, {"batch_size": 0}, ValueError, "batch_size should be a positive integer value, but got batch_size=0"),
        (TEN, {"batch_size": 2.5}, ValueError, "batch_size should be a positive integer value"),
        (TEN, {"batch_size": True}, ValueError, "batch_size should be a positive integer value"),
        (TEN, {"drop_last": 1}, ValueError, "drop_last should be a boolean value, but got drop_last=1"),
        ([], {"shuffle": True}, ValueError, "num_samples should be a positive integer value, but got num_samples=0"),
        (TEN, {"multiprocessing_context": "fork"}, ValueError, "multiprocessing_context can only be used with"),
        (TEN, {"num_workers": 1, "multiprocessing_context": "x"}, ValueError, "should specify a valid start method"),
        (TEN, {"num_workers": 1, "multiprocessing_context": 3}, TypeError, "should be a valid context object"),
    ],
)
def test_argument_errors(dataset, options, error, text):
    with pytest.raises(error, match=text):
        DataLoader(dataset, **options)


def test_sampler_errors():
    with pytest.raises(TypeError, match="replacement should be a boolean value, but got replacement=1"):
        RandomSampler(TEN, replacement=1)
    with pytest.raises(ValueError, match=r"num_samples should be a positive integer value, but got num_samples=2.0"):
        RandomSampler(TEN, num_samples=2.0)
    with pytest.raises(ValueError, match="num_samples should be a positive integer value"):
        WeightedRandomSampler([1.0], 0)
    with pytest.raises(ValueError, match="replacement should be a boolean value"):
        WeightedRandomSampler([1.0], 1, replacement=1)
    with pytest.raises(ValueError, match=r"weights should be a 1d sequence but given weights have shape \(1, 2\)"):
        WeightedRandomSampler([[1.0, 2.0]], 1)
    with pytest.raises(ValueError, match=r"Invalid rank 3, rank should be in the interval \[0, 2\]"):
        DistributedSampler(TEN, 3, 3)
    with pytest.raises(NotImplementedError):
        iter(Sampler())
    assert [len(BatchSampler(SequentialSampler(TEN), 3, d)) for d in (False, True)] == [4, 3]


def test_timeout_is_for_workers():
    with pytest.raises(AssertionError, match="requires timeout == 0"):
        iter(DataLoader(TEN, timeout=5))


FIXED = ["batch_size", "batch_sampler", "sampler", "drop_last", "dataset", "persistent_workers"]


@pytest.mark.parametrize("attr", FIXED)
def test_attributes_that_stay(attr):
    loader = DataLoader(TEN)
    with pytest.raises(ValueError, match=f"{attr} attribute should not be set after DataLoader is initialized"):
        setattr(loader, attr, None)


def test_attributes_and_defaults():
    loader = DataLoader(TEN)
    assert type(loader.sampler) is SequentialSampler and type(loader.batch_sampler) is BatchSampler
    assert type(DataLoader(TEN, shuffle=True).sampler) is RandomSampler
    assert DataLoader(TEN, batch_size=None).batch_sampler is None
    assert DataLoader(TEN, batch_sampler=[[1]]).batch_size is None
    assert loader.multiprocessing_context is None and loader.in_order is True and loader.prefetch_factor is None
    assert get_worker_info() is None
    assert DataLoader[int]


def test_the_iterator():
    iterator = iter(DataLoader(TEN, 4))
    assert iter(iterator) is iterator and len(iterator) == 3
    with pytest.raises(NotImplementedError, match="cannot be pickled"):
        pickle.dumps(iterator)
    assert lists(pickle.loads(pickle.dumps(DataLoader(TEN, 5)))) == [TEN[:5], TEN[5:]]


@pytest.mark.skipif("torch.cuda.is_available()")
def test_pin_memory_without_an_accelerator_warns():
    with pytest.warns(UserWarning, match="'pin_memory' argument is set as true but no accelerator is found"):
        assert lists(DataLoader(TEN, 5, pin_memory=True)) == [TEN[:5], TEN[5:]]


def test_tensor_datasets_are_gathered_as_if_stacked():
    x = torch.randn(7, 3)
    y = torch.arange(7)
    data = TensorDataset(x, y)
    expected = DataLoader(data, 3, collate_fn=lambda samples: torch.utils.data.default_collate(samples))
    for got, want in zip(DataLoader(data, 3), expected, strict=True):
        assert type(got) is list
        assert all(a.dtype == b.dtype and a.tolist() == b.tolist() for a, b in zip(got, want, strict=True))
    nested = Subset(Subset(data, [6, 5, -3, 0]), [2, 0])
    (batch,) = DataLoader(nested, 4)
    assert batch[1].tolist() == [4, 6] and batch[0].tolist() == x[[4, 6]].tolist()


def test_gathered_batches_keep_gradients_and_errors():
    x = torch.randn(4, 2, requires_grad=True)
    (batch,) = next(iter(DataLoader(TensorDataset(x), 2)))
    assert batch.requires_grad
    with pytest.raises(IndexError):
        next(iter(DataLoader(TensorDataset(torch.zeros(3)), 2, sampler=[5])))


def test_an_overridden_getitem_is_called():
    class Doubled(TensorDataset):
        def __getitem__(self, index):
            return tuple(2 * t for t in super().__getitem__(index))

    (batch,) = DataLoader(Doubled(torch.arange(3)), 3)
    assert batch[0].tolist() == [0, 2, 4]


def test_getitems_is_used_for_batches():
    class Many(Dataset):
        def __len__(self):
            return 3

        def __getitems__(self, indices):
            return [i * 10 for i in indices]

    assert lists(DataLoader(Many(), 2)) == [[0, 10], [20]]


def test_moving_a_batch_to_a_device_does_not_wait_for_the_step():
    """A worker's batch goes over while the step before it may still run: nothing is cut, nothing is read."""
    weight = torch.randn(6, 6, device="xla", requires_grad=True)
    optimizer = torch.optim.SGD([weight], 0.1)
    counted = torch.zeros(2, device="xla")
    cuts = []
    for batch in DataLoader(torch.ones(6, 6), 2, num_workers=1):
        counted = counted + 1  # recorded, and not run yet
        before = engine.stats().flushes
        moved = batch.to("xla", non_blocking=True)
        cuts.append(engine.stats().flushes - before)
        optimizer.zero_grad()
        (moved @ weight).pow(2).mean().backward()
        optimizer.step()
    assert cuts == [0, 0, 0]
    assert moved.device.type == "xla" and counted.tolist() == [3.0, 3.0]
