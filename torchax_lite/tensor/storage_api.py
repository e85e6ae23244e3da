"""``UntypedStorage`` and ``TypedStorage``: the memory behind tensors, as bytes and as elements in memory order."""

from __future__ import annotations

import operator
import os
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..engine.avals import Place, aval
from ..engine.recorder import Node
from . import dtypes
from .device import device, from_place, to_place
from .storage import Storage
from .strides import is_non_overlapping_and_dense, memory_order
from .tensor import Tensor


def root_of(storage: Storage) -> Tensor:
    """A tensor that shows a storage's base array as it is (outside autograd)."""
    root: Tensor = object.__new__(Tensor)
    root._storage = storage
    root._aval = storage.aval
    if storage.strides is not None:
        root._strides = storage.strides
    root._gversion = storage.gversion
    return root


def host_span(host: np.ndarray[Any, Any]) -> np.ndarray[Any, Any] | None:
    """The 1-D memory range that a NumPy array with gaps (or repeated elements) spans; None for a dense array."""
    strides = tuple(s // host.itemsize for s in host.strides)
    if is_non_overlapping_and_dense(host.shape, strides):
        return None
    span = 1 + sum((s - 1) * st for s, st in zip(host.shape, strides, strict=True))
    return np.lib.stride_tricks.as_strided(host, (span,), (host.itemsize,))


def flat_tensor(storage: Storage) -> Tensor:
    """A 1-D tensor that aliases a storage, elements in memory order."""
    if storage.host is not None:
        span = host_span(storage.host)
        if span is not None:
            from .creation import from_numpy

            return from_numpy(span)
    root = root_of(storage)
    if storage.aval.ndim == 1 and storage.strides is None:
        return root
    if storage.strides is not None:
        root = root.permute(memory_order(storage.aval.shape, storage.strides))
    return root.view(-1).detach()


def flat_array(storage: Storage) -> np.ndarray[Any, Any]:
    """A storage's present values in memory order, as a 1-D NumPy array (runs what is pending)."""
    if storage.host is not None:
        span = host_span(storage.host)
        if span is not None:
            return span.copy()
    values = root_of(storage)._host_array()
    if storage.strides is not None:
        values = values.transpose(memory_order(storage.aval.shape, storage.strides))
    return np.ascontiguousarray(values).reshape(-1)


def storage_numel(storage: Storage) -> int:
    """Number of elements (of the base's dtype) in a storage."""
    if storage.host is not None:
        span = host_span(storage.host)
        if span is not None:
            return span.size
    return storage.aval.size


def new_storage(array: np.ndarray[Any, Any], where: Place) -> Storage:
    """A storage of its own with an array's values (the array must not be written any more)."""
    a = aval(array.shape, array.dtype, where)
    return Storage(Node(a, None if where.kind == "meta" else array), a)


def tensor_on_storage(storage: Any, dtype: dtypes.dtype) -> Tensor:
    """The 1-D tensor of a dtype that aliases a storage in memory order.

    Raises:
        RuntimeError: for a ``TypedStorage`` of another dtype.
    """
    if isinstance(storage, TypedStorage):
        if storage.dtype is not dtype:
            want, have = _c_type(dtype), dtypes.scalar_type_name(storage.dtype)
            raise RuntimeError(
                f"Expected a Storage of type {want} or an UntypedStorage, but got type {have} for argument 1 'storage'"
            )
    base: Storage = storage._storage
    flat = flat_tensor(base)
    if flat.dtype is dtype:
        return flat
    whole = flat.nbytes // dtype.itemsize * dtype.itemsize
    return _as_bytes(flat)[:whole].view(dtype)


def _as_bytes(flat: Tensor) -> Tensor:
    if flat.is_complex():
        flat = flat.view(flat.dtype.to_real())
    return flat if flat.dtype is dtypes.uint8 else flat.view(dtypes.uint8)


def _c_type(d: dtypes.dtype) -> str:
    return {"float32": "float", "float64": "double", "int64": "long int", "int32": "int"}.get(
        str(d).removeprefix("torch."), str(d).removeprefix("torch.")
    )


class _Memory:
    """What both kinds of storages share: a tensor-like list of elements of :attr:`_element`."""

    _storage: Storage

    def _elements(self) -> Tensor:
        raise NotImplementedError

    def _again(self, storage: Storage, dtype: dtypes.dtype | None = None) -> Any:
        raise NotImplementedError

    @property
    def device(self) -> device:
        """Where the memory lies."""
        return from_place(self._storage.aval.place)

    @property
    def is_cuda(self) -> bool:
        return self._storage.aval.place.type == "cuda"

    is_sparse = False
    is_sparse_csr = False
    is_hpu = False
    _filename: str | None = None

    @property
    def filename(self) -> str | None:
        """The file that these bytes are shared with (``from_file``); None for others."""
        return self._filename

    def nbytes(self) -> int:
        """Bytes of the memory."""
        return storage_numel(self._storage) * self._storage.aval.dtype.itemsize

    def data_ptr(self) -> int:
        """A number that identifies the memory; equal for aliases."""
        return 0 if self.nbytes() == 0 else self._storage.address

    def get_device(self) -> int:
        """Index of the accelerator; -1 on cpu."""
        place = self._storage.aval.place
        return -1 if place.type == "cpu" else place.index

    def resizable(self) -> bool:
        """Whether the memory may be resized: not once a NumPy array has shared it."""
        return self._storage.resizable

    def resize_(self, size: int) -> Any:
        raise NotImplementedError(
            f"{type(self).__name__}.resize_ is not available: resize the tensor (Tensor.resize_) instead"
        )

    def is_shared(self) -> bool:
        """Whether the memory is shared between processes."""
        from .sharing import is_shared

        return is_shared(self._storage)

    def share_memory_(self) -> Any:
        """Move the memory to where processes share it; returns the storage itself."""
        from .sharing import share

        share(self._storage)
        return self

    def is_pinned(self, device: Any = "cuda") -> bool:
        return False

    def pin_memory(self, device: Any = "cuda") -> Any:
        """Transfers need no pinned memory here; returns the storage itself."""
        return self

    def tolist(self) -> list[Any]:
        """The elements as Python numbers."""
        return list(self._elements().tolist())

    def __iter__(self) -> Iterator[Any]:
        return iter(self.tolist())

    def fill_(self, value: Any) -> Any:
        """Set every element; returns the storage."""
        if len(self):
            self._elements().fill_(value)
        return self

    def __len__(self) -> int:
        raise NotImplementedError

    def _index(self, key: Any) -> int:
        n = len(self)
        i = operator.index(key)
        if not -n <= i < n:
            raise IndexError(f"index {i} out of range for storage of size {n}")
        return i % n

    def copy_(self, source: Any, non_blocking: bool | None = None) -> Any:
        """Overwrite with another storage's elements; returns the storage."""
        if len(source) != len(self):
            raise RuntimeError(f"size does not match, self was {len(self)} bytes but src was {len(source)} bytes")
        if len(self):
            self._elements().copy_(source._elements())
        return self

    def clone(self) -> Any:
        """A copy with its own memory."""
        return self._again(self._elements().clone()._storage)

    def to(self, *, device: Any, non_blocking: bool = False) -> Any:
        """The storage on a device; itself when it is there already."""
        where = to_place(device)
        if where is self._storage.aval.place:
            return self
        return self._again(self._elements()._to_place(where)._storage)

    def cpu(self) -> Any:
        """The storage on the CPU."""
        return self.to(device="cpu")

    def cuda(self, device: Any = None, non_blocking: bool = False) -> Any:
        """The storage on a GPU."""
        return self.to(device="cuda" if device is None else device)

    def hpu(self, device: Any = None, non_blocking: bool = False) -> Any:
        """There is no HPU."""
        raise AssertionError("HPU device module is not loaded")

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        from .copying import copy_storage

        return self._again(copy_storage(self._storage, memo))

    def __copy__(self) -> Any:
        return self.clone()

    def __repr__(self) -> str:
        kind = f"[torch.storage.{type(self).__name__}({self._describe()}) of size {len(self)}]"
        if self.device.type == "meta":
            return "...\n" + kind
        return " " + "\n ".join(str(x) for x in self.tolist()) + ("\n" if len(self) else "") + kind

    def _describe(self) -> str:
        return f"device={self.device}"


def mapped_file(filename: Any, shared: bool, nbytes: int) -> np.ndarray[Any, Any]:
    """The first bytes of a file, mapped: written through where ``shared``, copied on the first write elsewhere."""
    if nbytes == 0:
        return np.zeros(0, np.uint8)
    have = os.path.getsize(filename) if os.path.exists(filename) else -1
    if not shared and have < 0:
        raise RuntimeError(f"unable to open file <{filename}> in read-only mode: No such file or directory (2)")
    if not shared and have < nbytes:
        raise RuntimeError(f"file <{filename}> size <{have}> is smaller than the required mapping size <{nbytes}>")
    if have < nbytes:
        with open(filename, "ab") as f:
            f.truncate(nbytes)
    return np.asarray(np.memmap(filename, np.uint8, "r+" if shared else "c", shape=(nbytes,)))


def _part(whole: UntypedStorage, start: int, stop: int) -> Storage:
    """Some bytes of a storage, sharing its memory; parts of a privately mapped file share it until one is changed."""
    from .creation import from_numpy
    from .rebuilding import raw_storage

    storage = whole._storage
    if storage.raw and storage.node is not None and type(storage.node.value) is np.ndarray:
        return raw_storage(storage.node.value.reshape(-1).view(np.uint8)[start:stop])
    if storage.aval.place.type != "cpu" or not storage_numel(storage):
        return whole._elements()[start:stop].clone()._storage
    return from_numpy(whole._elements().numpy()[start:stop])._storage


class UntypedStorage(_Memory):
    """Memory as bytes: ``UntypedStorage(nbytes)``, ``UntypedStorage([byte, …])``, or a tensor's.

    Args:
        data: number of bytes (zeros), or their values.
        device: where; the CPU unless told.
    """

    __slots__ = ("_filename", "_storage")

    def __init__(self, data: Any = 0, *, device: Any = "cpu") -> None:
        self._filename = None
        if isinstance(data, Storage):
            self._storage = data
        elif isinstance(data, int):
            self._storage = new_storage(np.zeros(data, np.uint8), to_place(device))
        else:
            self._storage = new_storage(np.array(list(data), np.uint8), to_place(device))

    def _elements(self) -> Tensor:
        return _as_bytes(flat_tensor(self._storage))

    def _again(self, storage: Storage, dtype: dtypes.dtype | None = None) -> UntypedStorage:
        return UntypedStorage(storage)

    def __len__(self) -> int:
        return self.nbytes()

    def size(self) -> int:
        """Number of bytes."""
        return self.nbytes()

    def element_size(self) -> int:
        return 1

    def untyped(self) -> UntypedStorage:
        return self

    def new(self) -> UntypedStorage:
        """An empty storage on the same device."""
        return UntypedStorage(0, device=self.device)

    def type(self, dtype: Any = None, non_blocking: bool = False) -> Any:
        """Name of the class."""
        if dtype is None:
            return "torch.storage.UntypedStorage"
        raise NotImplementedError("UntypedStorage.type(dtype): use tensor_on_storage or Tensor.view(dtype)")

    @classmethod
    def from_buffer(
        cls, buffer: Any, byte_order: str = "native", *, dtype: Any = None, offset: int = 0, count: int = -1
    ) -> UntypedStorage:
        """A copy of a Python buffer's bytes (from ``offset``, ``count`` elements of ``dtype``)."""
        item = 1 if dtype is None else dtype.itemsize
        raw = np.frombuffer(buffer, np.uint8, count if count < 0 else count * item, offset)
        raw = raw[: len(raw) // item * item].copy()
        if byte_order == "big" and item > 1:
            raw = np.ascontiguousarray(raw.reshape(-1, item)[:, ::-1]).reshape(-1)
        elif byte_order not in ("native", "little", "big"):
            raise ValueError(f"invalid byte_order '{byte_order}' (expected 'big', 'little', or 'native')")
        return cls(new_storage(raw, to_place("cpu")))

    @classmethod
    def from_file(cls, filename: Any, shared: bool = False, nbytes: int = 0) -> UntypedStorage:
        """The bytes of a file; ``shared`` ones write to it, and it is made or grown where needed."""
        from .creation import from_numpy
        from .rebuilding import raw_storage

        mapped = mapped_file(filename, shared, nbytes)
        made = cls(from_numpy(mapped)._storage if shared else raw_storage(mapped))
        made._filename = os.fspath(filename) if shared else None
        return made

    def byteswap(self, dtype: dtypes.dtype) -> None:
        """Reverse the bytes of every element (of each part of a complex one), in place."""
        item = dtype.itemsize // 2 if dtype.is_complex else dtype.itemsize
        if item > 1:
            flat = flat_tensor(self._storage)
            raw = flat_array(self._storage).view(np.uint8)
            count = len(raw) // item * item
            swapped = raw.copy()
            swapped[:count] = raw[:count].reshape(-1, item)[:, ::-1].reshape(-1)
            flat.copy_(tensor_on_storage(UntypedStorage(new_storage(swapped, to_place(self.device))), flat.dtype))

    def mps(self) -> Any:
        """There is no MPS device."""
        raise RuntimeError("torch.UntypedStorage(): Storage device not recognized: mps")

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, slice):
            start, stop, step = key.indices(len(self))
            if step != 1:
                raise RuntimeError(f"Trying to slice with a step of {step}, but only a step of 1 is supported")
            return UntypedStorage(_part(self, start, max(stop, start)))
        node, i = self._storage.node, self._index(key)
        if node is not None and type(node.value) is np.ndarray and node.value.flags.c_contiguous:
            if self._storage.strides is None:
                return int(node.value.reshape(-1).view(np.uint8)[i])
        return self._elements()[i].item()

    def __setitem__(self, key: Any, value: Any) -> None:
        if isinstance(key, slice):
            self._elements()[key] = value
        else:
            self._elements()[self._index(key)] = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, UntypedStorage) and other._storage is self._storage

    def __hash__(self) -> int:
        return id(self._storage)

    def __reduce__(self) -> Any:
        return UntypedStorage, (self._storage,)


_warned = False


def _warn_removal() -> None:
    global _warned
    if not _warned:
        _warned = True
        warnings.warn(
            "TypedStorage is deprecated. It will be removed in the future and UntypedStorage will be the only storage "
            "class. Use tensor.untyped_storage() instead of tensor.storage().",
            UserWarning,
            stacklevel=3,
        )


class TypedStorage(_Memory):
    """Memory as elements of one dtype, in memory order (deprecated in PyTorch in favour of ``UntypedStorage``).

    Args:
        *args: a size, a sequence of numbers, or nothing.
        wrap_storage: an ``UntypedStorage`` to show.
        dtype: element type; the default dtype unless told.
        device: where; the CPU unless told.
    """

    __slots__ = ("_storage", "dtype")

    dtype: dtypes.dtype

    def __init__(self, *args: Any, wrap_storage: Any = None, dtype: Any = None, device: Any = None) -> None:
        if args and isinstance(args[0], Storage):
            self._storage, self.dtype = args
            return
        _warn_removal()
        if wrap_storage is not None:
            if args:
                raise RuntimeError("Arguments 'args' must be empty when 'wrap_storage' is specified")
            if dtype is None:
                raise RuntimeError("Argument 'dtype' must be specified when 'wrap_storage' is specified")
            self._storage, self.dtype = wrap_storage._storage, dtype
            return
        self.dtype = dtypes.get_default_dtype() if dtype is None else dtype
        if len(args) > 1:
            raise RuntimeError("Too many positional arguments")
        data = args[0] if args else 0
        element = dtypes.to_numpy_dtype(self.dtype)
        array = np.zeros(data, element) if isinstance(data, int) else np.array(list(data)).astype(element)
        self._storage = new_storage(array, to_place("cpu" if device is None else device))

    def _elements(self) -> Tensor:
        return tensor_on_storage(UntypedStorage(self._storage), self.dtype)

    def _again(self, storage: Storage, dtype: dtypes.dtype | None = None) -> TypedStorage:
        return TypedStorage(storage, self.dtype if dtype is None else dtype)

    def _describe(self) -> str:
        return f"dtype={self.dtype}, device={self.device}"

    def __len__(self) -> int:
        return self.nbytes() // self.dtype.itemsize

    def size(self) -> int:
        """Number of elements."""
        return len(self)

    def element_size(self) -> int:
        """Bytes of one element."""
        return self.dtype.itemsize

    def untyped(self) -> UntypedStorage:
        """The same memory as bytes."""
        return UntypedStorage(self._storage)

    def pickle_storage_type(self) -> str:
        """Name of the storage class that files record."""
        return f"{dtypes.scalar_type_name(self.dtype)}Storage"

    def type(self, dtype: Any = None, non_blocking: bool = False) -> Any:
        """Name of the typed class, or the storage with its elements cast."""
        if dtype is None:
            return ("torch.cuda." if self.is_cuda else "torch.") + self.pickle_storage_type()
        return self._cast(dtype if isinstance(dtype, dtypes.dtype) else getattr(dtype, "dtype", dtype))

    def _cast(self, dtype: dtypes.dtype) -> TypedStorage:
        if dtype is self.dtype:
            return self
        return self._again(self._elements().to(dtype)._storage, dtype)

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, slice):
            raise RuntimeError("slices are only supported in UntypedStorage.__getitem__")
        if not isinstance(key, int):
            raise RuntimeError(f"can't index a {type(self)} with {type(key)}")
        return self._elements()[self._index(key)].item()

    def __setitem__(self, key: Any, value: Any) -> None:
        if not isinstance(key, (int, slice)):
            raise RuntimeError(f"can't index a {type(self)} with {type(key)}")
        self._elements()[key if isinstance(key, slice) else self._index(key)] = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TypedStorage) and other._storage is self._storage and other.dtype is self.dtype

    def __hash__(self) -> int:
        return id(self._storage)

    def __reduce__(self) -> Any:
        return TypedStorage, (self._storage, self.dtype)

    @classmethod
    def from_file(cls, filename: Any, shared: bool, size: int) -> TypedStorage:
        """Classes with a dtype have this: ``torch.FloatStorage.from_file``; here it raises RuntimeError."""
        raise RuntimeError("from_file can only be called on derived classes")

    @classmethod
    def from_buffer(
        cls, buffer: Any, byte_order: str = "native", *, dtype: Any = None, offset: int = 0, count: int = -1
    ) -> TypedStorage:
        """A copy of a Python buffer's elements."""
        dtype = dtypes.get_default_dtype() if dtype is None else dtype
        raw = UntypedStorage.from_buffer(buffer, byte_order, dtype=dtype, offset=offset, count=count)
        return TypedStorage(raw._storage, dtype)

    _from_buffer = from_buffer


def _caster(dtype: dtypes.dtype) -> Any:
    def method(self: Any) -> TypedStorage:
        typed = self if isinstance(self, TypedStorage) else TypedStorage(self._storage, dtypes.uint8)
        return typed._cast(dtype)

    method.__doc__ = f"The elements cast to ``{dtype!r}``, in memory of their own."
    return method


for _name, _dtype in {
    "float": "float32", "double": "float64", "half": "float16", "bfloat16": "bfloat16", "long": "int64", "int": "int32",
    "short": "int16", "char": "int8", "byte": "uint8", "bool": "bool", "complex_float": "complex64",
    "complex_double": "complex128", "float8_e4m3fn": "float8_e4m3fn", "float8_e5m2": "float8_e5m2",
    "float8_e4m3fnuz": "float8_e4m3fnuz", "float8_e5m2fnuz": "float8_e5m2fnuz",
}.items():  # fmt: skip
    _method = _caster(dtypes.DTYPES[_dtype])
    _method.__name__ = _name
    setattr(_Memory, _name, _method)


class _LegacyStorage(type):
    """``torch.FloatStorage`` and friends: make a ``TypedStorage`` of their dtype, and answer isinstance."""

    dtype: dtypes.dtype

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, TypedStorage) and instance.dtype is cls.dtype and instance.device.type == "cpu"

    def __call__(cls, *args: Any, wrap_storage: Any = None, **kwargs: Any) -> TypedStorage:
        if kwargs:
            raise RuntimeError(f"{cls.__name__}() got unexpected keyword arguments {', '.join(map(repr, kwargs))}")
        return TypedStorage(*args, wrap_storage=wrap_storage, dtype=cls.dtype)

    def from_file(cls, filename: Any, shared: bool = False, size: int = 0) -> TypedStorage:
        """The elements of a file; see ``UntypedStorage.from_file``."""
        untyped = UntypedStorage.from_file(filename, shared, size * cls.dtype.itemsize)
        return TypedStorage(wrap_storage=untyped, dtype=cls.dtype)

    def from_buffer(
        cls, buffer: Any, byte_order: str = "native", *, offset: int = 0, count: int = -1, **kwargs: Any
    ) -> TypedStorage:
        """A copy of a Python buffer's elements."""
        for name in kwargs:
            raise RuntimeError(
                f"from_buffer: '{name}' can only be specified in UntypedStorage.from_buffer and TypedStorage.from_buffer"
            )
        return TypedStorage.from_buffer(buffer, byte_order, dtype=cls.dtype, offset=offset, count=count)

    _from_buffer = from_buffer


LEGACY_STORAGES: dict[str, Any] = {
    f"{dtypes.scalar_type_name(d)}Storage": _LegacyStorage(
        f"{dtypes.scalar_type_name(d)}Storage", (), {"dtype": d, "__module__": "torch"}
    )
    for d in dtypes.DTYPES.values()
    if not str(d).startswith("torch.float8") and str(d) not in ("torch.uint16", "torch.uint32", "torch.uint64")
}
"""``FloatStorage``, ``LongStorage`` …: the typed classes that PyTorch has had by name."""


def is_storage(obj: Any, /) -> bool:
    """Whether ``obj`` is a storage object."""
    return isinstance(obj, _Memory)


__all__ = [
    "LEGACY_STORAGES", "TypedStorage", "UntypedStorage", "flat_array", "flat_tensor", "is_storage", "new_storage", "root_of",
    "storage_numel", "tensor_on_storage",
]  # fmt: skip
