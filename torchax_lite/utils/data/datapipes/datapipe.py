"""The base classes of data pipes, and the batches that they make."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from typing import Any, ClassVar, TypeVar

from ..dataset import Dataset, IterableDataset
from . import _iteration

__all__ = ["DFIterDataPipe", "DataChunk", "IterDataPipe", "MapDataPipe"]

_T = TypeVar("_T")
_T_co = TypeVar("_T_co", covariant=True)


class DataChunk(list[_T]):
    """A list of samples that also keeps what it was made of.

    Args:
        items: the samples.
    """

    def __init__(self, items: Iterable[_T]) -> None:
        self.items = list(items)
        super().__init__(self.items)

    def as_str(self, indent: str = "") -> str:
        """The samples as one line of text."""
        return f"{indent}[{', '.join(map(str, self))}]"

    def raw_iterator(self) -> Iterator[_T]:
        """An iterator over the samples as they were given."""
        return iter(self.items)


class _Functional:
    """Methods by name: ``pipe.name(...)`` is ``PipeClass(pipe, ...)``."""

    functions: ClassVar[dict[str, Callable[..., Any]]]

    def __getattr__(self, attribute_name: str) -> Any:
        function = self.functions.get(attribute_name)
        if function is None:
            raise AttributeError(f"'{type(self).__name__}' object has no attribute '{attribute_name}")
        bound = functools.partial(function, self)
        functools.update_wrapper(bound, function, assigned=("__doc__",))
        return bound

    @classmethod
    def register_function(cls, function_name: str, function: Callable[..., Any]) -> None:
        """Make ``pipe.function_name(...)`` call ``function(pipe, ...)``."""
        cls.functions[function_name] = function

    @classmethod
    def register_datapipe_as_function(
        cls, function_name: str, cls_to_register: Any, enable_df_api_tracing: bool = False
    ) -> None:
        """Make ``pipe.function_name(...)`` give ``cls_to_register(pipe, ...)``.

        Raises:
            Exception: the name is taken.
        """
        if enable_df_api_tracing:
            raise NotImplementedError("enable_df_api_tracing: pipes of data frames are not available here")
        if function_name in cls.functions:
            raise Exception(f"Unable to add DataPipe function name {function_name} as it is already taken")

        def make(source_dp: Any, *args: Any, **kwargs: Any) -> Any:
            return cls_to_register(source_dp, *args, **kwargs)

        functools.update_wrapper(make, cls_to_register, assigned=("__doc__",))
        cls.functions[function_name] = make

    def __repr__(self) -> str:
        return str(type(self).__qualname__)

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self.functions]


class IterDataPipe(_Functional, IterableDataset[_T_co]):
    """A stream of samples; a subclass defines ``__iter__``.

    Only one iterator over a pipe is valid at a time: a new one calls ``reset()`` and ends the one before it.
    """

    functions: ClassVar[dict[str, Callable[..., Any]]] = {}
    _valid_iterator_id: int | None = None
    _number_of_samples_yielded: int = 0

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        _iteration.hook(cls)

    def __iter__(self) -> Iterator[_T_co]:
        return self  # type: ignore[return-value]

    def reset(self) -> None:
        """Go back to the start; called whenever a new pass begins."""


class DFIterDataPipe(IterDataPipe):
    """The base class of pipes of data frames, of which there are none here."""


class MapDataPipe(_Functional, Dataset[_T_co]):
    """Samples by key; a subclass defines ``__getitem__``, and mostly ``__len__``."""

    functions: ClassVar[dict[str, Callable[..., Any]]] = {}


class _Wrapper(_Functional):
    """A loader's pipe: it looks like a dataset that has no methods of pipes."""

    _datapipe: Any

    def __len__(self) -> int:
        try:
            return len(self._datapipe)
        except Exception as error:
            raise TypeError(f"{type(self).__name__} instance doesn't have valid length") from error


class _IterDataPipeSerializationWrapper(_Wrapper, IterDataPipe):
    """A loader's :class:`IterDataPipe`."""

    def __init__(self, datapipe: IterDataPipe) -> None:
        self._datapipe = datapipe

    def __iter__(self) -> Iterator[Any]:
        return iter(self._datapipe)


class _MapDataPipeSerializationWrapper(_Wrapper, MapDataPipe):
    """A loader's :class:`MapDataPipe`."""

    def __init__(self, datapipe: MapDataPipe) -> None:
        self._datapipe = datapipe

    def __getitem__(self, idx: Any) -> Any:
        return self._datapipe[idx]


def length_of(pipe: Any, owner: Any) -> int:
    """``len(pipe)``; TypeError in the name of ``owner`` where it has none."""
    if hasattr(type(pipe), "__len__"):
        return len(pipe)
    raise no_length(owner)


def no_length(owner: Any) -> TypeError:
    """The error for a pipe whose length is unknown."""
    return TypeError(f"{type(owner).__name__} instance doesn't have valid length")
