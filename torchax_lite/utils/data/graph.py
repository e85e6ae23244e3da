"""The graph of pipes that a pipe reads from."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from typing import Any

from .datapipes.datapipe import IterDataPipe, MapDataPipe

__all__ = ["traverse", "traverse_dps"]

DataPipe = IterDataPipe | MapDataPipe
DataPipeGraph = dict[int, tuple[Any, "DataPipeGraph"]]


def _pipes_in(value: Any, seen: set[int]) -> Iterator[DataPipe]:
    """The pipes that an attribute is, or has in nested containers."""
    if isinstance(value, IterDataPipe | MapDataPipe):
        yield value
    elif isinstance(value, list | tuple | set | frozenset | dict) and id(value) not in seen:
        seen.add(id(value))
        for item in value.values() if isinstance(value, Mapping) else value:
            yield from _pipes_in(item, seen)


def traverse_dps(datapipe: DataPipe) -> DataPipeGraph:
    """``{id(pipe): (pipe, graph of the pipes that it reads from)}``, by the attributes that are (containers of) pipes.

    Raises:
        RuntimeError: ``datapipe`` is no pipe.
    """
    return _graph(datapipe, frozenset())


def _graph(datapipe: DataPipe, above: frozenset[int]) -> DataPipeGraph:
    if not isinstance(datapipe, IterDataPipe | MapDataPipe):
        raise RuntimeError(f"Expected `IterDataPipe` or `MapDataPipe`, but {type(datapipe)} is found")
    if id(datapipe) in above:
        return {}
    above = above | {id(datapipe)}
    inner: DataPipeGraph = {}
    for value in vars(datapipe).values():
        for pipe in _pipes_in(value, set()):
            inner.update(_graph(pipe, above))
    return {id(datapipe): (datapipe, inner)}


def traverse(datapipe: DataPipe, only_datapipe: bool | None = None) -> DataPipeGraph:
    """:func:`traverse_dps` under its old name."""
    warnings.warn(
        "`traverse` function and will be removed after 1.13. Please use `traverse_dps` instead.",
        FutureWarning,
        stacklevel=2,
    )
    return traverse_dps(datapipe)
