"""Views of tensors as NumPy's views of the same memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..engine import observe
from ..ops import views as view_ops
from ..ops.view_slices import slice_bounds
from .strides import (
    is_non_overlapping_and_dense,
    memory_order,
)

if TYPE_CHECKING:
    from .tensor import Tensor


def deferred(t: Tensor) -> tuple[bool, bool]:
    """Whether the memory that a view shows holds conjugates, and whether it holds negatives, of the values."""
    conjugate = negative = False
    for site, _ in t._view or ():
        name = site.op.name
        if name == "conj":
            conjugate = not conjugate
        elif name == "neg_view":
            negative = not negative
        elif conjugate and name in ("real", "imag"):
            conjugate, negative = False, name == "imag"
    return conjugate, negative


def host_view(host: np.ndarray[Any, Any], chain: Sequence[Any]) -> np.ndarray[Any, Any] | None:
    """The NumPy view that a chain of view ops shows of a tied array; None where NumPy has no such view."""
    x: Any = host
    for site, numbers in chain:
        twin = _HOST_VIEWS.get(site.op.name)
        if twin is None:
            return None
        x = twin(x, *numbers, *site.layout_statics)
        if x is None:
            return None
    return x  # type: ignore[no-any-return]


def _host_reshape(x: Any, size: Any) -> Any:
    made = x.reshape(view_ops.infer_size(size, x.size))
    return made if made.size == 0 or np.shares_memory(made, x, max_work=1) else None


def _host_slice(x: Any, dim: int, start: Any, end: Any, step: int) -> Any:
    first, n = slice_bounds(x.shape[dim], start, end, step)
    return x[(slice(None),) * (dim % x.ndim) + (slice(first, first + n * step, step),)]


_HOST_VIEWS: dict[str, Callable[..., Any]] = {
    "view": _host_reshape,
    "permute": lambda x, dims: x.transpose(dims),
    "transpose": lambda x, a, b: x.swapaxes(a, b) if x.ndim else x,
    "t": lambda x: x.T,
    "select": lambda x, d, i: x[(slice(None),) * (d % x.ndim) + (i, ...)],
    "select.moving": lambda x, i, d: x[(slice(None),) * d + (i, ...)],
    "slice": _host_slice,
    "slice.moving": lambda x, start, d, n: x[(slice(None),) * d + (slice(start, start + n),)],
    "unsqueeze": lambda x, d: np.expand_dims(x, d),
    "squeeze.dims": lambda x, dims: (
        x.reshape([s for i, s in enumerate(x.shape) if s != 1 or i not in [d % x.ndim for d in dims]]) if x.ndim else x
    ),  # noqa: E501
    "expand": lambda x, size: np.broadcast_to(
        x, [x.shape[i - len(size)] if s == -1 else s for i, s in enumerate(size)]
    ),
}


def tie_to_numpy(t: Tensor) -> np.ndarray[Any, Any]:
    """The NumPy array that shares a tensor's memory."""
    storage = t._storage
    if storage.host is None:
        base = storage.node
        assert base is not None
        if base.value is None:
            observe.host_read("numpy()")
            base.aval.recorder.flush("host read")
        flat = np.array(base.value)
        order = None if storage.strides is None else memory_order(storage.aval.shape, storage.strides)
        if order is not None and is_non_overlapping_and_dense(storage.aval.shape, storage.strides or ()):
            inverse = np.argsort(order)
            flat = np.ascontiguousarray(flat.transpose(order))
            storage.tie(flat.transpose(inverse))
        else:
            storage.tie(flat)
    host = storage.host
    assert host is not None
    if t._view is None:
        return host.view() if host.base is None else host
    view = host_view(host, t._view)
    if view is None:
        root = host if host.base is None else host.base
        itemsize = t._aval.dtype.itemsize
        view = np.lib.stride_tricks.as_strided(
            np.asarray(root).reshape(-1).view(t._aval.dtype)[t._offset :],
            t._aval.shape,
            [s * itemsize for s in t.stride()],
        )
    return view
