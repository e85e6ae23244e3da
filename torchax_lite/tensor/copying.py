"""``copy.deepcopy`` and pickling of tensors. Copies share no memory with their originals; aliases stay aliases."""

from __future__ import annotations

import copy
from collections import OrderedDict
from typing import Any

import numpy as np

from .storage import Storage
from .storage_api import TypedStorage, UntypedStorage, host_span
from .strides import contiguous_strides
from .tensor import Tensor

INTERNAL = frozenset(
    {name for name in vars(Tensor) if name.startswith("_") and not callable(getattr(Tensor, name, None))}
    | {"_storage", "_aval"}
) - {"__dict__", "__weakref__"}
"""Attributes of a tensor that are the library's; every other entry of ``__dict__`` is the user's."""


def user_attributes(t: Tensor) -> dict[str, Any]:
    """What a user (or a subclass) has set on a tensor."""
    return {name: value for name, value in t.__dict__.items() if name not in INTERNAL}


def copy_storage(storage: Storage, memo: dict[Any, Any]) -> Storage:
    """A storage with the same values and memory of its own, one for each original in ``memo``.

    Values are immutable, so nothing is computed or copied until one of the two changes.
    """
    copies = memo.setdefault("torchax_lite storages", {})
    found = copies.get(id(storage))
    if found is None:
        made = Storage(storage.node, storage.aval)
        made.strides = storage.strides
        if storage.host is not None:
            made.tie(_copy_host(storage.host))
        found = copies[id(storage)] = (made, storage)
    return found[0]  # type: ignore[no-any-return]


def _copy_host(host: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    span = host_span(host)
    if span is None:
        return host.copy(order="K")
    return np.lib.stride_tricks.as_strided(span.copy(), host.shape, host.strides)


def deepcopy_tensor(t: Tensor, memo: dict[int, Any]) -> Tensor:
    """The deep copy of a leaf: strides, aliasing, gradient, class and user attributes are kept."""
    made: Tensor = object.__new__(type(t))
    resolved = t.detach().clone() if t.is_conj() or t.is_neg() else t
    made._alias_of(resolved)
    made._storage = copy_storage(t._storage, memo) if resolved is t else resolved._storage
    if resolved._view is not None:
        made._vnode = None
        made._vversion = -1
    made._gversion = made._storage.gversion
    made._requires_grad = t._requires_grad
    memo[id(t)] = made
    if t._inference:
        made._inference = True
    if t._grad is not None:
        made._grad = copy.deepcopy(t._grad, memo)
    if t._name is not None:
        made._name = t._name
    made.__dict__.update(copy.deepcopy(user_attributes(t), memo))
    return made


def reduce_tensor(t: Tensor) -> Any:
    """``__reduce_ex__`` of a tensor: rebuilt from its storage, offset, size and strides.

    As in PyTorch a tensor that is no leaf comes back as a leaf, and gradients and hooks are left out (with a warning
    for hooks).
    """
    from .. import _utils
    from ..utils.hooks import warn_if_has_hooks

    warn_if_has_hooks(t)
    size, stride = tuple(t.shape), (*t.stride(),)
    hooks: OrderedDict[int, Any] = OrderedDict()
    function: Any
    arguments: tuple[Any, ...]
    if t.is_meta:
        function, arguments = _utils._rebuild_meta_tensor_no_storage, (t.dtype, size, stride, t.requires_grad)
    else:
        storage, offset = t._storage, t._offset
        if storage.aval.dtype != t._aval.dtype and (offset or not t.is_contiguous() or t.nbytes != storage.aval.bytes):
            t = t.detach().clone().requires_grad_(t.requires_grad)
            storage, offset, stride = t._storage, 0, contiguous_strides(size)
        if typed_name(t) is not None:
            holder: Any = TypedStorage(storage, t.dtype)
            function, arguments = _utils._rebuild_tensor_v2, (holder, offset, size, stride, t.requires_grad, hooks)
        else:
            arguments = (UntypedStorage(storage), offset, size, stride, t.requires_grad, hooks, t.dtype)
            function = _utils._rebuild_tensor_v3
        metadata = {name: True for name, bit in (("conj", t.is_conj()), ("neg", t.is_neg())) if bit}
        arguments = (*arguments, metadata) if metadata else arguments
    attributes = user_attributes(t)
    if type(t) is Tensor and not attributes:
        return function, arguments
    state: Any = attributes
    if "__getstate__" in _defined(type(t)):
        state = t.__getstate__()
    return _utils._rebuild_from_type_v2, (function, type(t), arguments, state)


def _defined(cls: type) -> set[str]:
    """Names that a tensor class or its bases below ``Tensor`` define."""
    return {name for c in cls.__mro__[: cls.__mro__.index(Tensor)] for name in vars(c)}


def typed_name(t: Tensor) -> str | None:
    """Name of the storage class of a tensor's dtype; None for dtypes that never had one."""
    from .storage_api import LEGACY_STORAGES

    name = TypedStorage(t._storage, t.dtype).pickle_storage_type()
    return name if name in LEGACY_STORAGES else None
