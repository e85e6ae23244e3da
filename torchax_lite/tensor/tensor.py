"""``torch.Tensor``: (storage, view, metadata). Ops come from the generated base class, syntax and identity are here."""

from __future__ import annotations

from collections.abc import Iterator
from types import FunctionType
from typing import Any

import numpy as np

from .._generated.methods import TensorMethods
from ..engine import avals, observe
from ..engine.avals import CPU, Aval, aval
from ..engine.recorder import Node
from ..engine.snapshots import snapshot
from . import dispatch, dtypes, overriding
from .device import from_place, to_place
from .host_views import deferred, host_view, tie_to_numpy
from .layouts import (
    _memory_format,
)
from .modes import modes
from .public_type import PublicType
from .size import Size
from .storage import Storage
from .strides import (
    channels_last_strides,
    contiguous_strides,
    preserve_strides,
)
from .tape import AccumulateGrad, GradNode
from .tensor_autograd import TensorAutograd, warn_of_lost_gradient
from .tensor_metadata import TensorMetadata


class _AvalInfo:
    """What tensors show of an aval."""

    __slots__ = ("device", "dtype", "size")

    def __init__(self, a: Aval) -> None:
        self.size = Size(a.shape)
        self.dtype = dtypes.from_numpy_dtype(a.dtype)
        self.device = from_place(a.place)


avals.annotate = _AvalInfo


class _TensorMeta(PublicType):
    def __instancecheck__(cls, instance: Any) -> bool:
        return type.__instancecheck__(cls, instance)


class Tensor(TensorMetadata, TensorAutograd, TensorMethods, metaclass=_TensorMeta):
    """A multi-dimensional array of one dtype on one device, with gradients.

    Values are computed when needed: ops record themselves in the engine's pending program.
    """

    _storage: Storage
    _aval: Aval
    _view: tuple[Any, ...] | None = None
    _strides: tuple[int, ...] | None = None
    _offset = 0
    _vnode: Node | None = None
    _vversion = -1
    _gversion = 0
    _base: Tensor | None = None
    _own_layout = False
    """Whether values lie elsewhere than in a storage: the sparse layouts."""
    _shadow = False
    _inference = False
    _multi_view: int = 0
    _requires_grad = False
    _grad_fn: GradNode | None = None
    _output_nr = 0
    _grad: Tensor | None = None
    _acc: Any = None
    _backward_hooks: Any = None
    _post_accumulate_grad_hooks: Any = None
    _name: str | None = None

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        overriding.note_class(cls)
        if not args and not kwargs:
            return object.__new__(cls)
        from .creation import legacy_constructor

        return legacy_constructor(cls, *args, **kwargs)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if not args and not kwargs and "_aval" not in self.__dict__:
            a = aval((0,), dtypes.to_numpy_dtype(dtypes.get_default_dtype()), to_place(None))
            self._aval = a
            self._storage = Storage(Node(a, np.empty((0,), a.dtype)), a)

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Hook of subclasses: called instead of a torch function when one of its arguments is of this class.

        This one runs the function and gives the tensors of its result the class ``cls``.
        """
        return overriding.default_torch_function(cls, func, types, args, kwargs)

    @staticmethod
    def _make_subclass(cls: Any, data: Tensor, require_grad: bool = False) -> Any:
        """A tensor of class ``cls`` that shares ``data``'s storage (a leaf)."""
        if not isinstance(data, Tensor):
            raise TypeError(f"_make_subclass(): argument 'data' (position 2) must be Tensor, not {type(data).__name__}")
        overriding.note_class(cls)
        if data._own_layout:
            raise NotImplementedError(f"{cls.__name__}: a sparse tensor cannot be an instance of a subclass of Tensor")
        made = object.__new__(cls)
        dispatch.is_plain(cls)
        made._alias_of(data)
        made._shadow = False
        if require_grad:
            made.requires_grad_(True)
        return made

    @staticmethod
    def _make_wrapper_subclass(cls: Any, size: Any, *args: Any, **kwargs: Any) -> Any:
        return overriding.make_wrapper_subclass(cls, size, **kwargs)

    def as_subclass(self, cls: Any) -> Any:
        """The same tensor as an instance of ``cls``, a subclass of Tensor: memory and graph are shared."""
        return overriding.as_subclass(self, cls)

    # -- values ----------------------------------------------------------------------------------------------------

    def _alias_of(self, other: Tensor) -> None:
        """Share another tensor's storage and metadata; no place in the graph."""
        self._storage = other._storage
        self._aval = other._aval
        if other._view is not None:
            self._view = other._view
            self._vnode = other._vnode
            self._vversion = other._vversion
        if other._strides is not None:
            self._strides = other._strides
        if other._offset:
            self._offset = other._offset
        if other._inference:
            self._inference = True

    def _sync(self) -> Node:
        """The node of the present value; views catch up with their base."""
        storage = self._storage
        if storage.host is not None:
            return self._sync_host()
        if self._view is None:
            return storage.node  # type: ignore[return-value]
        version = storage.version
        if self._vversion != version or self._vnode is None:
            if storage.aval.place is not self._aval.place:
                from .transforms import follow

                follow(self)
            node = self._host_indices()
            if node is None:
                node = storage.node
                for site, numbers in self._view:
                    node = site.record(site, (node,), numbers)
            self._vnode = node
            self._vversion = version
        if self._gversion != storage.gversion:
            self._refresh_grad()
        return self._vnode  # type: ignore[return-value]

    def _host_indices(self) -> Node | None:
        """The value of a view of integers that lie on the host still (``order.split(n)``, ``order[a:b]``), made there.

        As an input of the program such a piece is the same for every position; as a slice it would be a constant of it.
        """
        base = self._storage.node
        if base is None or type(base.value) is not np.ndarray or base.value.dtype.kind not in "iub":
            return None
        view = host_view(base.value, self._view or ())
        return None if view is None else Node(self._aval, np.array(view, order="C"))

    def _sync_host(self) -> Node:
        storage = self._storage
        host = storage.host
        assert host is not None
        if self._view is not None and self._gversion != storage.gversion:
            self._refresh_grad()
        view = host_view(host, self._view) if self._view is not None else None
        if view is not None:
            return Node(self._aval, snapshot(view))
        del host, view  # read_host() looks whether anybody else holds the array
        node = storage.read_host()
        for site, numbers in self._view or ():
            node = site.record(site, (node,), numbers)
        return node

    def _sync_versions(self) -> None:
        """Bring the autograd metadata of a view up to date."""
        if self._gversion != self._storage.gversion:
            self._refresh_grad()

    def _host_array(self) -> np.ndarray[Any, Any]:
        """The present values as a NumPy array of its own (runs what is pending)."""
        place = self._aval.place
        if place.kind == "meta":
            raise NotImplementedError("Cannot copy out of meta tensor; no data!")
        if place.kind == "transform":
            from .transforms import host_array

            return host_array(self)  # type: ignore[no-any-return]
        found = self._known_view()
        if found is not None:
            return np.array(found, order="C")
        node = self._sync()
        if node.value is None:
            if node.aval.place is not place:
                return self._host_array()
            observe.host_read("values of a tensor")
            node.aval.recorder.flush("host read")
        if isinstance(node.value, np.ndarray):
            return node.value
        return np.array(node.value)

    def _known_view(self) -> np.ndarray[Any, Any] | None:
        """A view of values that lie on the host already, as NumPy's view of them: it needs no program. None otherwise."""
        storage = self._storage
        node = storage.node
        if self._view is None or storage.host is not None or node is None:
            return None
        if self._vversion == storage.version and self._vnode is not None and self._vnode.value is not None:
            return None
        base = node.value
        if type(base) is not np.ndarray:
            if base is None or node.aval.place.type != "cpu" or node.aval.place.kind != "device":
                return None
            base = np.asarray(base)
        return host_view(base, self._view)

    def _known_value(self) -> np.ndarray[Any, Any] | None:
        """The values, not to be written, of a tensor on the CPU that has them without running anything; else None."""
        storage = self._storage
        if storage.host is not None:
            return self._sync_host().value if self._view is None else host_view(storage.host, self._view)
        found = self._known_view()
        if found is not None:
            return found
        node = storage.node if self._view is None else self._vnode
        if node is None or node.value is None or (self._view is not None and self._vversion != storage.version):
            return None
        return np.asarray(node.value)

    def _to_place(self, where: Any) -> Tensor:
        from .casting import to_place_copy

        return to_place_copy(self, where)

    # -- the same memory --------------------------------------------------------------------------------------------

    def detach(self) -> Tensor:
        """The same values without a place in the graph; shares memory and version."""
        if self._aval.place.kind == "transform":
            from .transforms import detach

            return detach(self)  # type: ignore[no-any-return]
        made = object.__new__(Tensor)
        if self._view is not None:
            self._sync_versions()
        made._alias_of(self)
        made._gversion = self._storage.gversion
        made._shadow = self._shadow
        return made

    def detach_(self) -> Tensor:
        """Leave the graph; returns the tensor itself."""
        if self._view is not None and self._base is not None and self._requires_grad:
            raise RuntimeError("Can't detach views in-place. Use detach() instead.")
        self._grad_fn = None
        self._requires_grad = False
        self._output_nr = 0
        return self

    @property
    def data(self) -> Tensor:
        """The same memory outside autograd: changes through it are not seen by version checks."""
        made = self.detach()
        made._shadow = True
        return made

    @data.setter
    def data(self, value: Tensor) -> None:
        if not isinstance(value, Tensor):
            raise TypeError(f"Variable data has to be a tensor, but got {type(value).__name__}")
        if value.dtype is not self.dtype and self._grad_fn is not None:
            raise RuntimeError(
                "Attempted to call `variable.set_data(tensor)`, but `variable` and `tensor` have incompatible tensor type."
            )
        self._adopt(value)

    def _adopt(self, value: Tensor) -> None:
        """Take over another tensor's storage and metadata, keeping the place in the graph."""
        for name in ("_view", "_strides", "_offset", "_vnode", "_vversion"):
            self.__dict__.pop(name, None)
        self._alias_of(value)
        self._gversion = value._storage.gversion
        self._acc = None

    def set_(self, source: Any = None, storage_offset: int = 0, size: Any = None, stride: Any = None) -> Tensor:
        """Show another tensor's (or storage's) memory from now on; returns the tensor itself."""
        from .storage_api import TypedStorage, UntypedStorage, tensor_on_storage

        if modes.grad and self._requires_grad and self._grad_fn is None:
            raise RuntimeError("a leaf Variable that requires grad is being used in an in-place operation.")
        if source is None:
            self._adopt(Tensor())
        elif isinstance(source, Tensor) and size is None:
            self._adopt(source)
        else:
            if isinstance(source, (UntypedStorage, TypedStorage)):
                source = tensor_on_storage(source, self.dtype)
            if size is not None:
                size = tuple(size)
                stride = contiguous_strides(size) if stride is None else tuple(stride)
                source = source.detach().as_strided(size, stride, storage_offset)
            self._adopt(source)
        return self

    # -- reading ---------------------------------------------------------------------------------------------------

    def item(self) -> Any:
        """The value of a one-element tensor as a Python number."""
        if self._aval.size != 1:
            raise RuntimeError(f"a Tensor with {self._aval.size} elements cannot be converted to Scalar")
        if self._aval.place.kind == "meta":
            raise RuntimeError("Tensor.item() cannot be called on meta tensors")
        if self._aval.place.kind == "transform":
            from .transforms import ITEM, readable

            return readable(self, ITEM).item()
        value = self._host_array().reshape(-1)[0]
        return _number(value)

    def tolist(self) -> Any:
        """The values as nested lists of Python numbers."""
        if self._aval.place.kind == "transform":
            from .transforms import NO_STORAGE, readable

            return readable(self, NO_STORAGE).tolist()
        array = self._host_array()
        if array.dtype.kind == "V" or array.dtype.kind not in "biufc":
            array = array.astype(np.float32)
        return array.tolist()

    def numpy(self, *, force: bool = False) -> np.ndarray[Any, Any]:
        """The values as a NumPy array that shares memory with the tensor.

        Raises:
            RuntimeError: for a tensor that requires grad.
            TypeError: for a tensor off the CPU, or a dtype that NumPy has not.
        """
        source = self
        if force:
            source = self.detach().cpu()
        if source._aval.place.kind == "transform":
            from .transforms import NO_STORAGE, readable

            source = readable(source, NO_STORAGE)
        if modes.grad and source.requires_grad:
            raise RuntimeError("Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.")
        if not source.is_cpu:
            raise TypeError(
                f"can't convert {source.device} device type tensor to numpy. Use Tensor.cpu() to copy the tensor to host memory first."
            )
        if source._view is not None and any(deferred(source)):
            if not force:
                which, kind = ("conj", "conjugate") if source.is_conj() else ("neg", "negative")
                raise RuntimeError(
                    f"Can't call numpy() on Tensor that has {kind} bit set. Use tensor.resolve_{which}().numpy() instead."
                )
            source = source.clone()
        if source._aval.dtype.kind not in "biufc":
            name = str(source.dtype).removeprefix("torch.")
            raise TypeError(f"Got unsupported ScalarType {_SCALAR_TYPES.get(name, name)}")
        return tie_to_numpy(source)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        array = self.numpy()
        if dtype is not None and array.dtype != dtype:
            return array.astype(dtype)
        return array.copy() if copy else array

    def __array_wrap__(self, array: Any, context: Any = None, return_scalar: bool = False) -> Tensor:
        from .creation import from_numpy

        if array.dtype == bool:
            array = array.astype("uint8")
        return from_numpy(np.asarray(array))

    __array_priority__ = 1000

    def __dlpack__(
        self, *, stream: Any = None, max_version: Any = None, dl_device: Any = None, copy: Any = None
    ) -> Any:
        if self.requires_grad:
            raise BufferError("Can't export tensors that require gradient, use tensor.detach()")
        if self.is_conj():
            raise BufferError("Can't export tensors with the conjugate bit set")
        if self.is_cpu and self._aval.dtype.kind in "biufc":
            return self.numpy().__dlpack__()
        return self._jax_array().__dlpack__()

    def __dlpack_device__(self) -> tuple[Any, int]:
        return (1, 0) if self.is_cpu else self._jax_array().__dlpack_device__()

    def _jax_array(self) -> Any:
        """The values as a ``jax.Array``."""
        if self._aval.place.kind == "transform":
            from .transforms import NO_STORAGE, readable

            return readable(self, NO_STORAGE)._jax_array()
        import jax
        import jax.numpy as jnp

        node = self._sync()
        if node.value is None:
            node.aval.recorder.flush("hand-over to JAX")
        if isinstance(node.value, np.ndarray):
            with jax.enable_x64(True), jax.default_device(self._aval.place.jax_device):
                node.value = jnp.array(node.value)
        return node.value

    def __bool__(self) -> bool:
        if self._aval.size == 0:
            raise RuntimeError("Boolean value of Tensor with no values is ambiguous")
        if self._aval.size > 1:
            raise RuntimeError("Boolean value of Tensor with more than one value is ambiguous")
        if self._aval.place.kind == "transform":
            from .transforms import CONTROL_FLOW, readable

            return bool(readable(self, CONTROL_FLOW))
        return bool(self.item())

    def _only(self) -> Any:
        """The one element as a Python number."""
        if self._aval.size != 1:
            raise ValueError("only one element tensors can be converted to Python scalars")
        return self.item()

    def __int__(self) -> int:
        return int(self._only())

    def __float__(self) -> float:
        if self._requires_grad:
            warn_of_lost_gradient()
        return float(self._only())

    def __complex__(self) -> complex:
        if self._requires_grad:
            warn_of_lost_gradient()
        return complex(self._only())

    def __index__(self) -> int:
        if self._aval.size != 1 or self._aval.dtype.kind not in "iub":
            raise TypeError("only integer tensors of a single element can be converted to an index")
        return int(self.item())

    def __len__(self) -> int:
        if self._aval.ndim == 0:
            raise TypeError("len() of a 0-d tensor")
        return self._aval.shape[0]

    def __iter__(self) -> Iterator[Tensor]:
        if self._aval.ndim == 0:
            raise TypeError("iteration over a 0-d tensor")
        return iter(self.unbind(0))

    def __contains__(self, element: Any) -> bool:
        if isinstance(element, (Tensor, int, float, complex, bool)):
            return bool((element == self).any().item())
        raise RuntimeError(f"Tensor.__contains__ only supports Tensor or scalar, but you passed in a {type(element)}.")

    def __hash__(self) -> int:
        return id(self)

    def __repr__(self, *, tensor_contents: str | None = None) -> str:
        from .printing import tensor_repr

        return tensor_repr(self, tensor_contents=tensor_contents)

    def __format__(self, spec: str) -> str:
        from .printing import tensor_format

        return tensor_format(self, spec)

    def __dir__(self) -> list[str]:
        return sorted({*dir(type(self)), *self.__dict__})

    # -- syntax ----------------------------------------------------------------------------------------------------

    def __getitem__(self, key: Any) -> Tensor:
        from .indexing import get_item

        return get_item(self, key)

    def __setitem__(self, key: Any, value: Any) -> None:
        from .indexing import set_item

        set_item(self, key, value)

    def __delitem__(self, key: Any) -> None:
        raise TypeError("Tensor does not support deleting items")

    # -- copies ----------------------------------------------------------------------------------------------------

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        if not self.is_leaf:
            raise RuntimeError(
                "Only Tensors created explicitly by the user (graph leaves) support the deepcopy protocol at the moment.  "
                "If you were attempting to deepcopy a module, this may be because of a torch.nn.utils.weight_norm usage, "
                "see https://github.com/pytorch/pytorch/pull/103001"
            )
        if id(self) in memo:
            return memo[id(self)]  # type: ignore[no-any-return]
        from .copying import deepcopy_tensor

        return deepcopy_tensor(self, memo)

    def __reduce_ex__(self, protocol: Any) -> Any:
        from .copying import reduce_tensor

        return reduce_tensor(self)

    def __setstate__(self, state: Any) -> None:
        if isinstance(state, dict):
            self.__dict__.update(state)


_SCALAR_TYPES = {
    "bfloat16": "BFloat16", "float8_e4m3fn": "Float8_e4m3fn", "float8_e5m2": "Float8_e5m2",
    "float8_e4m3fnuz": "Float8_e4m3fnuz", "float8_e5m2fnuz": "Float8_e5m2fnuz", "float8_e8m0fnu": "Float8_e8m0fnu",
}  # fmt: skip


def _number(value: Any) -> Any:
    kind = value.dtype.kind
    if kind == "b":
        return bool(value)
    if kind in "iu":
        return int(value)
    return complex(value) if kind == "c" else float(value)


for _method in vars(TensorMethods).values():
    while hasattr(_method, "__qualname__") and callable(_method):
        _method.__qualname__ = _method.__name__  # Python's argument errors then read as PyTorch's
        _method = getattr(_method, "__wrapped__", None)

for _part in (TensorMetadata, TensorAutograd):
    for _member in vars(_part).values():
        for _method in (_member.fget, _member.fset, _member.fdel) if isinstance(_member, property) else (_member,):
            if isinstance(_method, FunctionType):
                _method.__module__ = __name__
                _method.__qualname__ = f"Tensor.{_method.__name__}"

_memory_format.__module__ = __name__  # pickles of layouts and memory formats name it
dispatch.Tensor = Tensor
dispatch.PLAIN.add(Tensor)

__all__ = [
    "AccumulateGrad", "CPU", "Tensor", "channels_last_strides", "preserve_strides",
]  # fmt: skip
