"""``x[key]`` and ``x[key] = value``: basic keys are views, tensor keys gather and scatter."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..ops.registry import OPS
from ..ops.view_slices import slice_bounds
from . import dispatch, dtypes
from .casting import cast, copy_
from .creation import on_place, tensor
from .tensor import Tensor
from .value_checks import integer_values

_select, _select_moving = OPS["select"], OPS["select.moving"]
_slice, _slice_moving = OPS["slice"], OPS["slice.moving"]
_unsqueeze = OPS["unsqueeze"]

MOVING_AFTER = 4
"""Distinct static positions at one kind of read after which positions become inputs of the program."""
_seen: dict[Any, Any] = {}


def _moves(t: Tensor, key: Any, position: int) -> bool:
    """Whether this position should be an input: data at rest is read, or it was seen to change."""
    if not t._requires_grad:
        node = t._storage.node
        if node is not None and node.value is not None and t._aval.place.kind == "device":
            return True
    held = _seen.get(key)
    if held is True:
        return True
    if held is None:
        held = _seen[key] = set()
    held.add(position)
    if len(held) > MOVING_AFTER:
        _seen[key] = True
        return True
    return False


def select(t: Tensor, dim: int, index: int) -> Tensor:
    """``t.select(dim, index)`` as a view."""
    a = t._aval
    n = a.ndim
    d = dim + n if dim < 0 else dim
    if 0 <= d < n and -a.shape[d] <= index < a.shape[d]:
        i = index % a.shape[d]
        if _moves(t, (a, d), i):
            return dispatch.call_view(_select_moving, t, (i,), (d,))  # type: ignore[no-any-return]
        index = i
    return dispatch.call_view(_select, t, (), (dim, index))  # type: ignore[no-any-return]


def slice_dim(t: Tensor, dim: int, start: int | None, end: int | None, step: int = 1) -> Tensor:
    """``t[..., start:end:step, ...]`` on one dim as a view."""
    a = t._aval
    if not a.shape:
        raise RuntimeError("slice() cannot be applied to a 0-dim tensor.")
    n = a.shape[dim]
    first, length = slice_bounds(n, start, end, step)
    d = dim % a.ndim
    if step == 1 and length and length < n and _moves(t, (a, d, length), first):
        return dispatch.call_view(_slice_moving, t, (first,), (d, length))  # type: ignore[no-any-return]
    return dispatch.call_view(_slice, t, (), (d, first, first + (length - 1) * step + 1 if length else first, step))  # type: ignore[no-any-return]


def _as_index(x: Any) -> int | None:
    if type(x) is int:
        return x
    if isinstance(x, (int, np.integer)) and not isinstance(x, (bool, np.bool_)):
        return int(x)
    return None


def _optional(x: Any) -> int | None:
    if x is None or type(x) is int:
        return x
    try:
        return operator.index(x)
    except TypeError:
        raise TypeError("slice indices must be integers or None or have an __index__ method") from None


def _listify(key: Any) -> Any:
    """A list key that holds slices, tensors or lists is a tuple of keys."""
    if isinstance(key, list) and any(
        isinstance(k, (slice, Tensor, list, tuple, np.ndarray)) or k is None or k is Ellipsis for k in key
    ):
        return tuple(key)
    return (key,)


def parse(t: Tensor, key: Any) -> tuple[Tensor, list[Tensor | None] | None]:
    """The view that the basic parts of a key show, and the tensor indices left for its dims (None: no tensors)."""
    keys = key if isinstance(key, tuple) else _listify(key)
    parts: list[Any] = []
    for k in keys:
        if isinstance(k, (list, np.ndarray, tuple, range)):
            array = np.asarray(k)
            k = tensor(k if not isinstance(k, np.ndarray) else array, device=t.device)
            if array.size == 0 and not isinstance(keys, np.ndarray) and array.dtype == np.float64:
                k = cast(k, dtypes.int64)
        elif isinstance(k, np.bool_):
            k = bool(k)
        parts.append(k)
    consumed = 0
    for k in parts:
        if isinstance(k, Tensor):
            consumed += k.ndim if k.dtype in (dtypes.bool_, dtypes.uint8) else 1
        elif k is not None and k is not Ellipsis and not isinstance(k, bool):
            consumed += 1
    if consumed > t.ndim:
        raise IndexError(f"too many indices for tensor of dimension {t.ndim}")
    if sum(1 for k in parts if k is Ellipsis) > 1:
        raise IndexError("an index can only have a single ellipsis ('...')")
    view = t
    dim = 0
    indices: dict[int, Tensor] = {}
    for k in parts:
        number = _as_index(k)
        if number is not None or (
            isinstance(k, Tensor)
            and k.ndim == 0
            and k._aval.dtype.kind in "iu"
            and k.dtype is not dtypes.uint8
            and _host_known(k)
        ):
            if number is None:
                number = int(k)
            n = view._aval.shape[dim]
            if not -n <= number < n:
                at = dim + t.ndim - view.ndim
                raise IndexError(f"index {number} is out of bounds for dimension {at} with size {n}")
            view = select(view, dim, number)
        elif isinstance(k, slice):
            step = 1 if k.step is None else operator.index(k.step)
            if step <= 0:
                raise ValueError("step must be greater than zero")
            start, stop = _optional(k.start), _optional(k.stop)
            if start is not None or stop is not None or step != 1:
                if slice_bounds(view._aval.shape[dim], start, stop, step) != (0, view._aval.shape[dim]) or step != 1:
                    view = slice_dim(view, dim, start, stop, step)
            dim += 1
        elif k is None:
            view = dispatch.call_view(_unsqueeze, view, (), (dim,))
            dim += 1
        elif k is Ellipsis:
            dim += t.ndim - consumed
        elif isinstance(k, bool):
            view = dispatch.call_view(_unsqueeze, view, (), (dim,))
            indices[dim] = on_place(np.zeros((1,) if k else (0,), np.int64), view._aval.place)
            dim += 1
        elif isinstance(k, Tensor):
            if k.dtype in (dtypes.bool_, dtypes.uint8):
                shape = k._aval.shape
                have = view._aval.shape[dim : dim + len(shape)]
                if shape != have:
                    bad = next(i for i, (x, y) in enumerate(zip(shape, have, strict=True)) if x != y)
                    raise IndexError(
                        f"The shape of the mask {list(shape)} at index {bad} does not match the shape of the indexed tensor "
                        f"{list(t.shape)} at index {dim + bad}"
                    )
                where = k._host_array().astype(bool)
                if k.ndim == 0:
                    view = dispatch.call_view(_unsqueeze, view, (), (dim,))
                    indices[dim] = on_place(np.zeros((1,) if where else (0,), np.int64), view._aval.place)
                    dim += 1
                for found in np.nonzero(where) if k.ndim else ():
                    indices[dim] = on_place(found.astype(np.int64), view._aval.place)
                    dim += 1
            elif k._aval.dtype.kind in "iu":
                check_bounds(k, view._aval.shape[dim], dim)
                indices[dim] = k
                dim += 1
            else:
                raise IndexError("tensors used as indices must be long, int, byte or bool tensors")
        else:
            try:
                index = operator.index(k)
            except TypeError:
                if isinstance(k, str):
                    raise TypeError("new(): invalid data type 'str'") from None
                raise IndexError(
                    "only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are valid indices (got "
                    f"{type(k).__name__})"
                ) from None
            view = select(view, dim, index)
    if not indices:
        return view, None
    listed: list[Tensor | None] = [indices.get(d) for d in range(max(indices) + 1)]
    return view, listed


def _host_known(k: Tensor) -> bool:
    node = k._storage.node
    return k._storage.host is not None or (node is not None and isinstance(node.value, np.ndarray) and k._view is None)


def check_bounds(index: Tensor, size: int, dim: int) -> None:
    """IndexError for known indices out of range (others are inside the program and wrap or clamp)."""
    values = integer_values(index)
    if values is None or not values.size:
        return
    if int(values.min()) < -size or int(values.max()) >= size:
        bad = int(values[(values < -size) | (values >= size)][0])
        raise IndexError(f"index {bad} is out of bounds for dimension {dim} with size {size}")


def get_item(t: Tensor, key: Any) -> Tensor:
    """``t[key]``: a view for basic keys, a gather for tensor keys."""
    if type(key) is int and t._aval.ndim:
        n = t._aval.shape[0]
        if not -n <= key < n:
            raise IndexError(f"index {key} is out of bounds for dimension 0 with size {n}")
        return select(t, 0, key)
    view, indices = parse(t, key)
    if indices is None:
        return _alias(t) if view is t else view
    return gather(view, indices)


_alias_op = OPS["view"]


def _alias(t: Tensor) -> Tensor:
    return dispatch.call_view(_alias_op, t, (), (t._aval.shape,))  # type: ignore[no-any-return]


def gather(t: Tensor, indices: Sequence[Tensor | None]) -> Tensor:
    """``t[indices]`` by NumPy's rules for where indexed dims go."""
    return dispatch.call(OPS["index"], (t, list(indices)))  # type: ignore[no-any-return]


def _check_fits(view: Tensor, value: Tensor) -> None:
    """RuntimeError where the value does not broadcast to what is written."""
    want, have = list(view._aval.shape), list(value._aval.shape)
    if len(have) > len(want):
        raise RuntimeError(
            f"expand({value.type()}{{{have}}}, size={want}): the number of sizes provided ({len(want)}) must be greater or "
            f"equal to the number of dimensions in the tensor ({len(have)})"
        )
    for d in range(-1, -len(have) - 1, -1):
        if have[d] not in (1, want[d]):
            raise RuntimeError(
                f"The expanded size of the tensor ({want[d]}) must match the existing size ({have[d]}) at non-singleton "
                f"dimension {d + len(want)}.  Target sizes: {want}.  Tensor sizes: {have}"
            )


def set_item(t: Tensor, key: Any, value: Any) -> None:
    """``t[key] = value``."""
    if isinstance(key, Tensor) and key.dtype is dtypes.bool_ and key._aval.shape == t._aval.shape and key.ndim:
        number = dispatch.python_number(value)
        if number is not None and not isinstance(value, Tensor):
            t.masked_fill_(key, number)
            return
        if isinstance(value, Tensor) and value.ndim == 0 and value.dtype is t.dtype:
            t.masked_fill_(key, value)
            return
    view, indices = parse(t, key)
    if not isinstance(value, Tensor):
        number = dispatch.python_number(value)
        if number is not None and indices is None:
            if isinstance(number, complex) and not t.is_complex():
                raise TypeError(f"can't convert complex to {str(t.dtype).removeprefix('torch.')}")
            view.fill_(number)
            return
        if number is None:
            name = f"{dtypes.scalar_type_name(t.dtype)}Tensor"
            kind = "numpy.ndarray" if isinstance(value, np.ndarray) else dispatch.type_name(value)
            raise TypeError(f"can't assign a {kind} to a torch.{name}")
        value = tensor(value, dtype=t.dtype, device=t.device)
    if indices is None:
        shape = value._aval.shape
        while len(shape) > view.ndim and shape[0] == 1:
            value = value.squeeze(0)
            shape = value._aval.shape
        _check_fits(view, value)
        copy_(view, value)
        return
    if value.dtype is not t.dtype:
        if value.ndim == 0:
            value = cast(value, t.dtype)
        else:
            raise RuntimeError(
                f"Index put requires the source and destination dtypes match, got {dtypes.scalar_type_name(t.dtype)} for the "
                f"destination and {dtypes.scalar_type_name(value.dtype)} for the source."
            )
    dispatch.call_inplace(OPS["index_put"], (view, list(indices), value), (), (False,))
