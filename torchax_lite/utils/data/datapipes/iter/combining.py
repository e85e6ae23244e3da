"""Pipes that join and split streams: ``concat``, ``zip``, ``mux``, ``fork``, ``demux``."""

from __future__ import annotations

import copy as _copy
import warnings
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from .._decorator import functional_datapipe
from ..datapipe import IterDataPipe, no_length
from ..utils.common import StreamWrapper, check_callable

__all__ = [
    "ConcaterIterDataPipe", "DemultiplexerIterDataPipe", "ForkerIterDataPipe", "MultiplexerIterDataPipe",
    "ZipperIterDataPipe",
]  # fmt: skip


def _lengths(pipes: Any, owner: Any) -> list[int]:
    if all(hasattr(type(pipe), "__len__") for pipe in pipes):
        return [len(pipe) for pipe in pipes]
    raise no_length(owner)


@functional_datapipe("concat")
class ConcaterIterDataPipe(IterDataPipe):
    """The samples of one pipe after the other."""

    def __init__(self, *datapipes: IterDataPipe) -> None:
        if not datapipes:
            raise ValueError("Expected at least one DataPipe, but got nothing")
        if not all(isinstance(pipe, IterDataPipe) for pipe in datapipes):
            raise TypeError("Expected all inputs to be `IterDataPipe`")
        self.datapipes = datapipes

    def __iter__(self) -> Iterator[Any]:
        for pipe in self.datapipes:
            yield from pipe

    def __len__(self) -> int:
        return sum(_lengths(self.datapipes, self))


@functional_datapipe("zip")
class ZipperIterDataPipe(IterDataPipe):
    """Tuples of one sample of each pipe, up to the end of the shortest."""

    def __init__(self, *datapipes: IterDataPipe) -> None:
        if not all(isinstance(pipe, IterDataPipe) for pipe in datapipes):
            raise TypeError("All inputs are required to be `IterDataPipe` for `ZipIterDataPipe`.")
        super().__init__()
        self.datapipes = datapipes

    def __iter__(self) -> Iterator[Any]:
        yield from zip(*[iter(pipe) for pipe in self.datapipes], strict=False)

    def __len__(self) -> int:
        return min(_lengths(self.datapipes, self))


@functional_datapipe("mux")
class MultiplexerIterDataPipe(IterDataPipe):
    """One sample of each pipe in turn, as long as all have one."""

    def __init__(self, *datapipes: IterDataPipe) -> None:
        self.datapipes = datapipes

    def __iter__(self) -> Iterator[Any]:
        for samples in zip(*[iter(pipe) for pipe in self.datapipes], strict=False):
            yield from samples

    def __len__(self) -> int:
        return min(_lengths(self.datapipes, self)) * len(self.datapipes)


class _Shared(IterDataPipe):
    """What the branches of a split stream share: one pass over the source, and a buffer for each branch.

    Args:
        datapipe: the source.
        num_instances: the number of branches.
        buffer_size: samples that may wait for slower branches; -1 for any number.
    """

    what: str

    def __init__(self, datapipe: IterDataPipe, num_instances: int, buffer_size: int) -> None:
        if buffer_size < 0:
            warnings.warn(
                f"Unlimited buffer size is set for `{self.what}`, please be aware of OOM at random places",
                UserWarning,
                stacklevel=4,
            )
        self.main_datapipe = datapipe
        self.num_instances = num_instances
        self.buffer_size = buffer_size
        self.reset()

    def reset(self) -> None:
        """Begin a new pass over the source."""
        self._source: Iterator[Any] | None = None
        self._ended = False
        self._stopped = [True] * self.num_instances
        self._clear()

    def __getstate__(self) -> dict[str, Any]:
        """All but the pass: another process begins its own."""
        return {k: v for k, v in self.__dict__.items() if k not in ("_source", "_ended", "_stopped", "_buffers")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.reset()

    def _clear(self) -> None:
        self._buffers: list[deque[Any]] = [deque() for _ in range(self.num_instances)]

    def _take(self, branch: int) -> None:
        """Take one sample of the source into the buffers.

        Raises:
            StopIteration: there is none.
            BufferError: other branches are too far behind.
        """
        raise NotImplementedError

    def get_next_element_by_instance(self, instance_id: int) -> Iterator[Any]:
        """The samples of a branch."""
        if self._source is None and self._stopped[instance_id]:
            self._source = iter(self.main_datapipe)
            self._ended = False
            self._stopped = [False] * self.num_instances
        buffer = self._buffers[instance_id]
        try:
            while not self._stopped[instance_id]:
                if not buffer:
                    if self._ended:
                        break
                    try:
                        self._take(instance_id)
                    except StopIteration:
                        self._ended = True
                        self._source = None
                    continue
                yield self._give(buffer.popleft())
        finally:
            self._stopped[instance_id] = True
            while buffer:
                self._drop(buffer.popleft())
            if all(self._stopped):
                self._source = None

    def _give(self, sample: Any) -> Any:
        return sample

    def _drop(self, sample: Any) -> None:
        StreamWrapper.close_streams(sample)

    def is_every_instance_exhausted(self) -> bool:
        """Whether all branches have come to the end of the source."""
        return self._ended and all(self._stopped)

    def get_length_by_instance(self, instance_id: int) -> int:
        """The length of a branch."""
        raise no_length(self)


class _ChildDataPipe(IterDataPipe):
    """A branch of a split stream. All branches make the same pass; a new one of any of them ends it."""

    _is_child_datapipe = True

    def __init__(self, main_datapipe: _Shared, instance_id: int) -> None:
        self.main_datapipe = main_datapipe
        self.instance_id = instance_id

    def __iter__(self) -> Iterator[Any]:
        return self.main_datapipe.get_next_element_by_instance(self.instance_id)

    def __len__(self) -> int:
        return self.main_datapipe.get_length_by_instance(self.instance_id)

    def _set_main_datapipe_valid_iterator_id(self) -> int:
        main = self.main_datapipe
        if main._valid_iterator_id is None:
            main._valid_iterator_id = 0
        elif main._valid_iterator_id == self._valid_iterator_id:
            main._valid_iterator_id += 1
            if not main.is_every_instance_exhausted():
                warnings.warn(
                    "Some child DataPipes are not exhausted when __iter__ is called. We are resetting the buffer and each "
                    "child DataPipe will read from the start again.",
                    UserWarning,
                    stacklevel=4,
                )
            main.reset()
        self._valid_iterator_id = main._valid_iterator_id
        return self._valid_iterator_id

    def _check_valid_iterator_id(self, iterator_id: int) -> bool:
        return iterator_id == self._valid_iterator_id == self.main_datapipe._valid_iterator_id


def _identity(x: Any) -> Any:
    return x


class _ForkerIterDataPipe(_Shared):
    what = "fork"

    def __init__(self, datapipe: IterDataPipe, num_instances: int, buffer_size: int, copy: str | None) -> None:
        copies: dict[Any, Callable[[Any], Any]] = {None: _identity, "shallow": _copy.copy, "deep": _copy.deepcopy}
        if copy not in copies:
            raise ValueError(f"Unknown copy method `{copy}` requested, choose one of None, `shallow` or `deep`.")
        self.copy_fn = copies[copy]
        super().__init__(datapipe, num_instances, buffer_size)

    def _take(self, branch: int) -> None:
        if 0 <= self.buffer_size <= max(map(len, self._buffers)):
            raise BufferError(f"ForkerIterDataPipe buffer overflow,buffer size {self.buffer_size} is insufficient.")
        sample = next(self._source)  # type: ignore[arg-type]
        for i, buffer in enumerate(self._buffers):
            if not self._stopped[i]:
                buffer.append(sample)

    def _give(self, sample: Any) -> Any:
        return self.copy_fn(sample)

    def _drop(self, sample: Any) -> None:
        if all(self._stopped):
            super()._drop(sample)

    def __len__(self) -> int:
        return len(self.main_datapipe)  # type: ignore[arg-type]

    def get_length_by_instance(self, instance_id: int) -> int:
        return len(self.main_datapipe)  # type: ignore[arg-type]


@functional_datapipe("fork")
class ForkerIterDataPipe(IterDataPipe):
    """Branches that all give the samples of the source.

    Args:
        datapipe: the source.
        num_instances: the number of branches.
        buffer_size: how far a branch may be ahead of the slowest; -1 for any distance.
        copy: give each branch the sample itself (None), a ``"shallow"`` or a ``"deep"`` copy.

    Returns:
        A list of pipes; for one instance, the source.
    """

    def __new__(
        cls, datapipe: IterDataPipe, num_instances: int, buffer_size: int = 1000, copy: str | None = None
    ) -> Any:
        if num_instances < 1:
            raise ValueError(f"Expected `num_instances` larger than 0, but {num_instances} is found")
        if num_instances == 1:
            return datapipe
        shared = _ForkerIterDataPipe(datapipe, num_instances, buffer_size, copy)
        return [_ChildDataPipe(shared, i) for i in range(num_instances)]


class _DemultiplexerIterDataPipe(_Shared):
    what = "demux"

    def __init__(
        self,
        datapipe: IterDataPipe,
        num_instances: int,
        classifier_fn: Callable[[Any], int | None],
        drop_none: bool,
        buffer_size: int,
    ) -> None:
        self.classifier_fn = classifier_fn
        self.drop_none = drop_none
        super().__init__(datapipe, num_instances, buffer_size)

    def _take(self, branch: int) -> None:
        sample = next(self._source)  # type: ignore[arg-type]
        target = self.classifier_fn(sample)
        if target is None and self.drop_none:
            self._drop(sample)
            return
        if target is None or not 0 <= target < self.num_instances:
            raise ValueError(
                f"Output of the classification fn should be between 0 and {self.num_instances - 1}. "
                f"{target} is returned."
            )
        self._buffers[target].append(sample)
        waiting = sum(len(buffer) for i, buffer in enumerate(self._buffers) if i != branch)
        if 0 <= self.buffer_size < waiting:
            raise BufferError(
                f"DemultiplexerIterDataPipe buffer overflow, buffer size {self.buffer_size} is insufficient."
            )


@functional_datapipe("demux")
class DemultiplexerIterDataPipe(IterDataPipe):
    """Branches, each with the samples that a function gives its number for.

    Args:
        datapipe: the source.
        num_instances: the number of branches.
        classifier_fn: from a sample to the number of its branch, or None.
        drop_none: leave samples out for which it is None.
        buffer_size: samples that may wait in all branches together; -1 for any number.

    Returns:
        A list of pipes.
    """

    def __new__(
        cls,
        datapipe: IterDataPipe,
        num_instances: int,
        classifier_fn: Callable[[Any], int | None],
        drop_none: bool = False,
        buffer_size: int = 1000,
    ) -> Any:
        if num_instances < 1:
            raise ValueError(f"Expected `num_instances` larger than 0, but {num_instances} is found")
        check_callable(classifier_fn)
        shared = _DemultiplexerIterDataPipe(datapipe, num_instances, classifier_fn, drop_none, buffer_size)
        return [_ChildDataPipe(shared, i) for i in range(num_instances)]
