"""Iterators over the batches of a dataset of examples."""

from __future__ import annotations

import logging
import math
import random
from collections.abc import Callable, Iterable, Sequence
from collections.abc import Iterator as _Iterator
from typing import Any

from .batch import Batch
from .dataset import Dataset
from .utils import RandomShuffler

__all__ = ["BPTTIterator", "BucketIterator", "Iterator", "batch", "pool"]

logger = logging.getLogger(__name__)

SizeFunction = Callable[[Any, int, int], int]


def _count(new: Any, count: int, sofar: int) -> int:
    return count


class Iterator:
    """Gives the batches of a dataset, epoch by epoch.

    Args:
        dataset: of examples.
        batch_size: of each batch, in the unit of ``batch_size_fn``.
        sort_key: a function of an example; the dataset's by default.
        device: of the batches' tensors.
        batch_size_fn: ``fn(new, count, so_far)``, a batch's size with the example ``new`` as its ``count``-th.
        train: whether the dataset is one for training: the default of ``shuffle``, and the contrary of that of ``sort``.
        repeat: go on with a further epoch after each.
        shuffle: draw a new order for each epoch.
        sort: sort the examples by ``sort_key``.
        sort_within_batch: sort each batch from large to small keys; as ``sort`` by default.
    """

    def __init__(
        self,
        dataset: Any,
        batch_size: int,
        sort_key: Callable[[Any], Any] | None = None,
        device: Any = None,
        batch_size_fn: SizeFunction | None = None,
        train: bool = True,
        repeat: bool = False,
        shuffle: bool | None = None,
        sort: bool | None = None,
        sort_within_batch: bool | None = None,
    ) -> None:
        self.batch_size, self.train, self.dataset = batch_size, train, dataset
        self.batch_size_fn = batch_size_fn
        self.iterations = 0
        self.repeat = repeat
        self.shuffle = train if shuffle is None else shuffle
        self.sort = not train if sort is None else sort
        self.sort_within_batch = self.sort if sort_within_batch is None else sort_within_batch
        self.sort_key = dataset.sort_key if sort_key is None else sort_key
        if isinstance(device, int):
            logger.warning(
                "The `device` argument should be set by using `torch.device` or passing a string as an argument. This "
                "behavior will be deprecated soon and currently defaults to cpu."
            )
            device = None
        self.device = device
        self.random_shuffler = RandomShuffler()
        self.batches: Iterable[list[Any]] = ()
        self._iterations_this_epoch = 0
        self._random_state_this_epoch: Any = None
        self._restored_from_state = False

    @classmethod
    def splits(cls, datasets: Sequence[Any], batch_sizes: Sequence[int] | None = None, **kwargs: Any) -> Any:
        """An iterator for each dataset, the first one for training.

        Args:
            batch_sizes: one each; ``batch_size`` in ``kwargs`` for all by default.
            kwargs: for the iterators' constructor.
        """
        if batch_sizes is None:
            batch_sizes = [kwargs.pop("batch_size")] * len(datasets)
        return tuple(
            cls(dataset, batch_size=batch_sizes[i], train=i == 0, **kwargs) for i, dataset in enumerate(datasets)
        )

    def data(self) -> Any:
        """The examples in this epoch's order."""
        if self.sort:
            return sorted(self.dataset, key=self.sort_key)
        if self.shuffle:
            return [self.dataset[i] for i in self.random_shuffler(range(len(self.dataset)))]
        return self.dataset

    def init_epoch(self) -> None:
        """Begin an epoch: draw its order."""
        if self._restored_from_state:
            self.random_shuffler.random_state = self._random_state_this_epoch
        else:
            self._random_state_this_epoch = self.random_shuffler.random_state
        self.create_batches()
        if self._restored_from_state:
            self._restored_from_state = False
        else:
            self._iterations_this_epoch = 0
        if not self.repeat:
            self.iterations = 0

    def create_batches(self) -> None:
        """Make this epoch's lists of examples."""
        self.batches = batch(self.data(), self.batch_size, self.batch_size_fn)

    @property
    def epoch(self) -> int:
        """How many epochs have ended."""
        return math.floor(self.iterations / len(self))

    def __len__(self) -> int:
        if self.batch_size_fn is not None:
            raise NotImplementedError
        return math.ceil(len(self.dataset) / self.batch_size)

    def __iter__(self) -> _Iterator[Batch]:
        while True:
            self.init_epoch()
            for i, minibatch in enumerate(self.batches):
                if self._iterations_this_epoch > i:  # given before the state was saved
                    continue
                self.iterations += 1
                self._iterations_this_epoch += 1
                if self.sort_within_batch:
                    if self.sort:
                        minibatch.reverse()
                    else:
                        minibatch.sort(key=self.sort_key, reverse=True)  # type: ignore[arg-type]
                yield Batch(minibatch, self.dataset, self.device)
            if not self.repeat:
                return

    def state_dict(self) -> dict[str, Any]:
        """Where the iterator stands."""
        return {
            "iterations": self.iterations,
            "iterations_this_epoch": self._iterations_this_epoch,
            "random_state_this_epoch": self._random_state_this_epoch,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on where an iterator with this state stood."""
        self.iterations = state_dict["iterations"]
        self._iterations_this_epoch = state_dict["iterations_this_epoch"]
        self._random_state_this_epoch = state_dict["random_state_this_epoch"]
        self._restored_from_state = True


class BPTTIterator(Iterator):
    """Successive pieces of a long text, with targets one token further on, for backpropagation through time.

    Args:
        dataset: with one example that has one column, ``text``.
        batch_size: the text is cut into so many streams, which run side by side.
        bptt_len: the length of a piece.
        kwargs: as of :class:`Iterator`.
    """

    def __init__(self, dataset: Any, batch_size: int, bptt_len: int, **kwargs: Any) -> None:
        self.bptt_len = bptt_len
        super().__init__(dataset, batch_size, **kwargs)

    def __len__(self) -> int:
        return math.ceil((len(self.dataset[0].text) / self.batch_size - 1) / self.bptt_len)

    def __iter__(self) -> _Iterator[Batch]:
        text = self.dataset[0].text
        field = self.dataset.fields["text"]
        field.eos_token = None
        missing = math.ceil(len(text) / self.batch_size) * self.batch_size - len(text)
        data = field.numericalize([text + [field.pad_token] * missing], device=self.device)
        data = data.view(self.batch_size, -1).t().contiguous()
        dataset = Dataset(examples=self.dataset.examples, fields=[("text", field), ("target", field)])
        while True:
            for i in range(0, len(self) * self.bptt_len, self.bptt_len):
                self.iterations += 1
                length = min(self.bptt_len, len(data) - i - 1)
                pieces = [data[i : i + length], data[i + 1 : i + 1 + length]]
                if field.batch_first:
                    pieces = [piece.t().contiguous() for piece in pieces]
                yield Batch.fromvars(dataset, self.batch_size, text=pieces[0], target=pieces[1])
            if not self.repeat:
                return


class BucketIterator(Iterator):
    """Gives batches of examples of similar ``sort_key`` (length), so that little is padded; shuffled all the same."""

    def create_batches(self) -> None:
        """Make this epoch's lists of examples."""
        if self.sort:
            super().create_batches()
            return
        self.batches = pool(
            self.data(), self.batch_size, self.sort_key, self.batch_size_fn,
            random_shuffler=self.random_shuffler, shuffle=self.shuffle, sort_within_batch=self.sort_within_batch,
        )  # fmt: skip


def batch(data: Iterable[Any], batch_size: int, batch_size_fn: SizeFunction | None = None) -> _Iterator[list[Any]]:
    """Lists of successive examples, each as large as ``batch_size`` allows."""
    size_of = _count if batch_size_fn is None else batch_size_fn
    minibatch: list[Any] = []
    size = 0
    for example in data:
        minibatch.append(example)
        size = size_of(example, len(minibatch), size)
        if size == batch_size:
            yield minibatch
            minibatch, size = [], 0
        elif size > batch_size:
            yield minibatch[:-1]
            minibatch, size = minibatch[-1:], size_of(example, 1, 0)
    if minibatch:
        yield minibatch


def pool(
    data: Iterable[Any],
    batch_size: int,
    key: Callable[[Any], Any] | None,
    batch_size_fn: SizeFunction | None = _count,
    random_shuffler: Callable[[list[Any]], Any] | None = None,
    shuffle: bool = False,
    sort_within_batch: bool = False,
) -> _Iterator[list[Any]]:
    """The batches of pools of 100 batches' examples each: sorted in the pool by ``key``, given in random order.

    Args:
        random_shuffler: a function from a list to it in another order; ``random.shuffle`` by default.
        shuffle: whether to shuffle the batches of a pool.
        sort_within_batch: whether to sort the pool.
    """
    shuffler: Any = random.shuffle if random_shuffler is None else random_shuffler
    for examples in batch(data, batch_size * 100, batch_size_fn):
        ordered = sorted(examples, key=key) if sort_within_batch else examples  # type: ignore[arg-type]
        batches = list(batch(ordered, batch_size, batch_size_fn))
        yield from shuffler(batches) if shuffle else batches
