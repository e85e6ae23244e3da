"""Names of the data pipes, which PyTorch keeps for old code: all but ``DataChunk`` refuse, and say what to use."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NoReturn, TypeVar

_T = TypeVar("_T")


def _refuse(name: str, instead: str) -> NoReturn:
    raise NotImplementedError(f"torch.utils.data.{name}: data pipes are not available here; use {instead}")


class DataChunk(list[_T]):
    """A list of samples that also keeps what it was made of.

    Args:
        items: the samples.
    """

    def __init__(self, items: Any) -> None:
        self.items = list(items)
        super().__init__(self.items)

    def as_str(self, indent: str = "") -> str:
        """The samples as one line of text."""
        return f"{indent}[{', '.join(map(str, self))}]"

    def raw_iterator(self) -> Iterator[_T]:
        """An iterator over the samples as they were given."""
        return iter(self.items)


class IterDataPipe:
    """Refused: subclass :class:`IterableDataset` instead.

    Raises:
        NotImplementedError: when instantiated or subclassed.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        if cls.__module__ != __name__:
            _refuse("IterDataPipe", "IterableDataset (and generators or itertools in place of chained pipes)")

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        _refuse(cls.__name__, "IterableDataset")

    def reset(self) -> None:
        """Go back to the first sample."""


class DFIterDataPipe(IterDataPipe):
    """Refused, as :class:`IterDataPipe`."""


class MapDataPipe:
    """Refused: subclass :class:`Dataset` instead.

    Raises:
        NotImplementedError: when instantiated or subclassed.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        _refuse("MapDataPipe", "Dataset")

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        _refuse("MapDataPipe", "Dataset")


class functional_datapipe:  # noqa: N801  (PyTorch's name)
    """Refused: there are no pipes to register functions on."""

    def __init__(self, name: str, enable_df_api_tracing: bool = False) -> None:
        _refuse("functional_datapipe", "a plain function or method")


class non_deterministic:  # noqa: N801
    """Refused: there are no pipes to mark."""

    def __init__(self, arg: Any) -> None:
        _refuse("non_deterministic", "an IterableDataset")


class guaranteed_datapipes_determinism:  # noqa: N801
    """Refused: there are no pipes to check."""

    def __init__(self) -> None:
        _refuse("guaranteed_datapipes_determinism", "torch.use_deterministic_algorithms or seeds")


class runtime_validation_disabled:  # noqa: N801
    """Refused: there are no pipes whose types are checked."""

    def __init__(self) -> None:
        _refuse("runtime_validation_disabled", "a type checker")


def argument_validation(f: Any) -> Any:
    """Refused: there are no pipes whose types are checked."""
    _refuse("argument_validation", "a type checker")


def runtime_validation(f: Any) -> Any:
    """Refused: there are no pipes whose types are checked."""
    _refuse("runtime_validation", "a type checker")


__all__ = [
    "DFIterDataPipe", "DataChunk", "IterDataPipe", "MapDataPipe", "argument_validation", "functional_datapipe",
    "guaranteed_datapipes_determinism", "non_deterministic", "runtime_validation", "runtime_validation_disabled",
]  # fmt: skip
