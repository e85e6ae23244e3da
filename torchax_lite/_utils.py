"""What pickles of tensors call when they are loaded. The names are part of the file format."""

from __future__ import annotations

from typing import Any

from .tensor import dtypes
from .tensor.storage_api import TypedStorage, UntypedStorage, checked_geometry, tensor_at
from .tensor.tensor import Tensor


def _rebuild_tensor(storage: TypedStorage, storage_offset: int, size: Any, stride: Any) -> Tensor:
    """A tensor on a typed storage."""
    return tensor_at(storage, storage.dtype, storage_offset, size, stride)


def _rebuild_tensor_v2(
    storage: TypedStorage, storage_offset: int, size: Any, stride: Any, requires_grad: bool, backward_hooks: Any,
    metadata: Any = None,
) -> Tensor:  # fmt: skip
    """A tensor on a typed storage, with its ``requires_grad``."""
    if metadata:
        raise NotImplementedError(f"tensor metadata in a pickle: {sorted(metadata)}")
    made = _rebuild_tensor(storage, storage_offset, size, stride)
    made.requires_grad = requires_grad
    return made


def _rebuild_tensor_v3(
    storage: UntypedStorage, storage_offset: int, size: Any, stride: Any, requires_grad: bool, backward_hooks: Any,
    dtype: dtypes.dtype, metadata: Any = None,
) -> Tensor:  # fmt: skip
    """A tensor on an untyped storage, for dtypes without a storage class."""
    if metadata:
        raise NotImplementedError(f"tensor metadata in a pickle: {sorted(metadata)}")
    made = tensor_at(storage, dtype, storage_offset, size, stride)
    made.requires_grad = requires_grad
    return made


def _rebuild_sparse_tensor(layout: Any, data: Any) -> Tensor:
    """A sparse tensor of its parts: (indices, values, size, coalesced), or (compressed, plain, values, size)."""
    from .sparse._tensor import compressed, coo
    from .tensor.tensor import sparse_coo

    if layout is sparse_coo:
        indices, values, size, *known = data
        return coo(indices, values, size, bool(known and known[0]))
    return compressed(layout, *data)


def _rebuild_meta_tensor_no_storage(dtype: dtypes.dtype, size: Any, stride: Any, requires_grad: bool) -> Tensor:
    """A tensor without values."""
    from .tensor.creation import empty_strided

    size, stride, _ = checked_geometry(size, stride, 0)
    return empty_strided(size, stride, dtype=dtype, device="meta", requires_grad=requires_grad)


def _rebuild_from_type_v2(func: Any, new_type: Any, args: Any, state: Any) -> Any:
    """What ``func(*args)`` rebuilds, in its class and with its attributes."""
    made = func(*args)
    if type(made) is not new_type:
        made = Tensor._make_subclass(new_type, made, made.requires_grad)
    if getattr(new_type, "__setstate__", Tensor.__setstate__) is not Tensor.__setstate__:
        made.__setstate__(state)
        return made
    parts = state if isinstance(state, tuple) else (state,)
    if len(parts) > 2:
        raise RuntimeError(f"Invalid serialized state: {state}")
    for part in parts:
        for name, value in _checked_attributes(part or {}).items():
            setattr(made, name, value)
    return made


def _checked_attributes(state: Any) -> Any:
    """Attributes from a file, none of which is the library's own: those say where memory lies."""
    from .tensor.copying import INTERNAL

    for name in state:
        if type(name) is not str or name in INTERNAL or name.startswith("__"):
            raise RuntimeError(f"a tensor in a file has the reserved attribute {name!r}")
    return state


def _rebuild_parameter(data: Tensor, requires_grad: bool, backward_hooks: Any) -> Tensor:
    """A parameter."""
    from .nn import parameter

    return parameter._rebuild_parameter(data, requires_grad, backward_hooks)


def _rebuild_parameter_with_state(data: Tensor, requires_grad: bool, backward_hooks: Any, state: Any) -> Tensor:
    """A parameter with the attributes that a user had set on it."""
    from .nn import parameter

    return parameter._rebuild_parameter_with_state(data, requires_grad, backward_hooks, _checked_attributes(state))
