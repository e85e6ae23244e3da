"""Collation: a list of samples becomes a batch, by a table from element type to function."""

from __future__ import annotations

import collections.abc
import re
from collections.abc import Callable
from typing import Any

import numpy as np

import torchax_lite as torch

from ....engine.avals import CPU, aval
from ....engine.recorder import Node
from ....tensor.dispatch import wrap
from . import worker
from .pin_memory import _same_kind

CollateMap = dict[type | tuple[type, ...], Callable]

np_str_obj_array_pattern = re.compile(r"[SaUO]")  # strings and objects, in the text of a NumPy dtype
_ERROR = "default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; found {}"


def _is_namedtuple(value: Any) -> bool:
    return isinstance(value, tuple) and hasattr(value, "_fields")


def default_convert(data: Any) -> Any:
    """Return ``data`` with each NumPy array or number in it as a tensor; all else is kept."""
    if isinstance(data, torch.Tensor):
        return data
    if isinstance(data, np.ndarray | np.generic) and not isinstance(data, np.str_ | np.bytes_):
        if isinstance(data, np.ndarray) and np_str_obj_array_pattern.search(data.dtype.str):
            return data
        return torch.as_tensor(data)
    if isinstance(data, collections.abc.Mapping):
        return _same_kind(data, {key: default_convert(value) for key, value in data.items()})
    if _is_namedtuple(data):
        return type(data)(*(default_convert(value) for value in data))
    if isinstance(data, tuple):
        return [default_convert(value) for value in data]
    if isinstance(data, collections.abc.Sequence) and not isinstance(data, str | bytes):
        return _same_kind(data, [default_convert(value) for value in data])
    return data


def collate(batch: Any, *, collate_fn_map: CollateMap | None = None) -> Any:
    """Collate samples: by the table where it has the element's type, else through the container, key by key.

    Args:
        batch: the samples, all of the kind of the first.
        collate_fn_map: from a type (or a tuple of types) to ``fn(batch, *, collate_fn_map)``. The exact type is
            looked up first, then the first entry that the element is an instance of.

    Raises:
        TypeError: the element's type is in no entry and is no container.
        RuntimeError: sequences of different lengths.
    """
    first = batch[0]
    kind = type(first)
    if collate_fn_map is not None:
        if kind in collate_fn_map:
            return collate_fn_map[kind](batch, collate_fn_map=collate_fn_map)
        for types, fn in collate_fn_map.items():
            if isinstance(first, types):
                return fn(batch, collate_fn_map=collate_fn_map)
    if isinstance(first, collections.abc.Mapping):
        columns = {key: collate([sample[key] for sample in batch], collate_fn_map=collate_fn_map) for key in first}
        return _same_kind(first, columns)
    if _is_namedtuple(first):
        return kind(*(collate(column, collate_fn_map=collate_fn_map) for column in zip(*batch, strict=False)))
    if isinstance(first, collections.abc.Sequence):
        if any(len(sample) != len(first) for sample in batch):
            raise RuntimeError("each element in list of batch should be of equal size")
        rows = [collate(column, collate_fn_map=collate_fn_map) for column in zip(*batch, strict=True)]
        return rows if isinstance(first, tuple) else _same_kind(first, rows)
    raise TypeError(_ERROR.format(kind))


def collate_tensor_fn(batch: Any, *, collate_fn_map: CollateMap | None = None) -> torch.Tensor:
    """Stack tensors along a new first dimension."""
    first = batch[0]
    if first.is_nested:
        raise RuntimeError(
            "Batches of nested tensors are not currently supported by the default collate_fn; "
            "please provide a custom collate_fn to handle them appropriately."
        )
    if first.layout is not torch.strided:
        raise RuntimeError(
            "Batches of sparse tensors are not currently supported by the default collate_fn; "
            "please provide a custom collate_fn to handle them appropriately."
        )
    if worker.get_worker_info() is None:
        return torch.stack(batch, 0)
    if any(t.requires_grad for t in batch):  # PyTorch's workers stack into shared memory, whatever they do then
        return torch.stack(batch, 0, out=first.new_empty(0))
    if not any(
        type(t) is not torch.Tensor or t.shape != first.shape or t.dtype != first.dtype or not t.is_cpu for t in batch
    ):
        return _stack_to_send([_values(t) for t in batch])
    return torch.stack(batch, 0)


def _values(t: torch.Tensor) -> np.ndarray:
    found = t._known_value()
    return t._host_array() if found is None else found


def _stack_to_send(arrays: list[np.ndarray]) -> torch.Tensor:
    """In a worker: the stack of equal-sized arrays, in memory that the loader's process can map."""
    from .shared_memory import shared_empty

    first = arrays[0]
    shape = (len(arrays), *first.shape)
    out = shared_empty(shape, first.dtype) if len(arrays) * first.nbytes >= INLINE else np.empty(shape, first.dtype)
    np.stack(arrays, out=out)
    return wrap(Node(aval(shape, out.dtype, CPU), out))


INLINE = 16 << 10
"""Bytes from which memory of its own pays for a batch."""


def collate_numpy_array_fn(batch: Any, *, collate_fn_map: CollateMap | None = None) -> torch.Tensor:
    """Stack arrays along a new first dimension, on the host where they are alike."""
    first = batch[0]
    if np_str_obj_array_pattern.search(first.dtype.str):
        raise TypeError(_ERROR.format(first.dtype))
    alike = all(type(a) is np.ndarray and a.dtype == first.dtype and a.shape == first.shape for a in batch)
    if alike and first.dtype.isnative:
        if worker.get_worker_info() is not None and first.dtype.kind in "biufc":
            torch.as_tensor(first)  # refuses what is no tensor's dtype
            return _stack_to_send(batch)
        return torch.tensor(np.stack(batch))
    return collate([torch.as_tensor(array) for array in batch], collate_fn_map=collate_fn_map)


def collate_numpy_scalar_fn(batch: Any, *, collate_fn_map: CollateMap | None = None) -> torch.Tensor:
    """One-dimensional tensor of NumPy numbers."""
    if all(type(value) is type(batch[0]) for value in batch):
        return torch.tensor(np.array(batch))
    return torch.as_tensor(batch)


def collate_float_fn(batch: Any, *, collate_fn_map: CollateMap | None = None) -> torch.Tensor:
    """One-dimensional float64 tensor of Python floats."""
    return torch.tensor(batch, dtype=torch.float64)


def collate_int_fn(batch: Any, *, collate_fn_map: CollateMap | None = None) -> torch.Tensor:
    """One-dimensional tensor of Python ints (int64) or bools (bool)."""
    return torch.tensor(batch)


def collate_str_fn(batch: Any, *, collate_fn_map: CollateMap | None = None) -> Any:
    """Strings and bytes stay as they are."""
    return batch


#: The table of ``default_collate``; add a type of your own to it.
default_collate_fn_map: CollateMap = {
    torch.Tensor: collate_tensor_fn,
    np.ndarray: collate_numpy_array_fn,
    (np.bool_, np.number): collate_numpy_scalar_fn,
    float: collate_float_fn,
    int: collate_int_fn,
    str: collate_str_fn,
    bytes: collate_str_fn,
}


def default_collate(batch: Any) -> Any:
    """Return a batch of the samples: each field gets a first dimension ``len(batch)``, containers keep their kind.

    Tensors, arrays and numbers are stacked; tuples become lists of batches; mappings and named tuples are collated
    field by field; strings are listed.

    >>> default_collate([(0, 1.0), (2, 3.0)])
    [tensor([0, 2]), tensor([1., 3.], dtype=torch.float64)]
    """
    return collate(batch, collate_fn_map=default_collate_fn_map)
