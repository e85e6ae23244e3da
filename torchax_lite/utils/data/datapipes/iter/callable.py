"""Pipes that apply functions: ``map``, ``collate``, ``filter``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ..._utils.collate import default_collate
from .._decorator import functional_datapipe
from ..datapipe import IterDataPipe, length_of
from ..utils.common import StreamWrapper, check_callable, validate_input_col

__all__ = ["CollatorIterDataPipe", "FilterIterDataPipe", "MapperIterDataPipe"]


def _arguments(data: Any, input_col: Any) -> list[Any]:
    """The columns of a sample that a function is given."""
    if input_col is None:
        return [data]
    return [data[col] for col in input_col] if isinstance(input_col, (list, tuple)) else [data[input_col]]


@functional_datapipe("map")
class MapperIterDataPipe(IterDataPipe):
    """``fn`` of each sample.

    Args:
        datapipe: the source.
        fn: the function.
        input_col: the column or columns (indices or keys) that it is given; the whole sample by default.
        output_col: where its result goes; by default in place of the first of ``input_col``, the others being removed.
            -1 appends it.
    """

    def __init__(
        self, datapipe: IterDataPipe, fn: Callable[..., Any], input_col: Any = None, output_col: Any = None
    ) -> None:
        super().__init__()
        self.datapipe = datapipe
        check_callable(fn)
        self.fn = fn
        self.input_col = input_col
        if input_col is None and output_col is not None:
            raise ValueError("`output_col` must be None when `input_col` is None.")
        if isinstance(output_col, (list, tuple)):
            if len(output_col) > 1:
                raise ValueError("`output_col` must be a single-element list or tuple")
            output_col = output_col[0]
        self.output_col = output_col
        validate_input_col(fn, input_col)

    def _apply_fn(self, data: Any) -> Any:
        result = self.fn(*_arguments(data, self.input_col))
        if self.input_col is None:
            return result
        columns = list(data) if isinstance(data, tuple) else data
        if self.output_col == -1:
            columns.append(result)
        elif self.output_col is not None:
            columns[self.output_col] = result
        elif isinstance(self.input_col, (list, tuple)):
            columns[self.input_col[0]] = result
            for col in sorted(self.input_col[1:], reverse=True):
                del columns[col]
        else:
            columns[self.input_col] = result
        return tuple(columns) if isinstance(data, tuple) else columns

    def __iter__(self) -> Iterator[Any]:
        for data in self.datapipe:
            yield self._apply_fn(data)

    def __len__(self) -> int:
        return length_of(self.datapipe, self)


@functional_datapipe("collate")
class CollatorIterDataPipe(MapperIterDataPipe):
    """``collate_fn`` (or ``conversion``) of each batch; ``default_collate`` by default."""

    def __init__(
        self,
        datapipe: IterDataPipe,
        conversion: Any = default_collate,
        collate_fn: Callable[..., Any] | None = None,
    ) -> None:
        fn = conversion if collate_fn is None else collate_fn
        if not callable(fn):
            raise NotImplementedError("collate: a dict of conversions is for data frames, which are not available here")
        super().__init__(datapipe, fn=fn)


@functional_datapipe("filter")
class FilterIterDataPipe(IterDataPipe):
    """The samples for which ``filter_fn`` is True.

    Args:
        datapipe: the source.
        filter_fn: a function that gives a bool.
        input_col: the column or columns that it is given; the whole sample by default.
    """

    def __init__(self, datapipe: IterDataPipe, filter_fn: Callable[..., Any], input_col: Any = None) -> None:
        super().__init__()
        self.datapipe = datapipe
        check_callable(filter_fn)
        self.filter_fn = filter_fn
        self.input_col = input_col
        validate_input_col(filter_fn, input_col)

    def __iter__(self) -> Iterator[Any]:
        for data in self.datapipe:
            keep = self.filter_fn(*_arguments(data, self.input_col))
            if not isinstance(keep, bool):
                raise ValueError("Boolean output is required for `filter_fn` of FilterIterDataPipe, got", type(keep))
            if keep:
                yield data
            else:
                StreamWrapper.close_streams(data)
