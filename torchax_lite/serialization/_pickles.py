"""Pickles inside of files: this package's names written as PyTorch's, and PyTorch's read as this package's."""

from __future__ import annotations

import importlib
import io
import pickle
import re
import types
import warnings
from collections.abc import Callable
from typing import Any

from .. import _weights_only_unpickler as weights_only_rules
from .. import dropin
from ..dropin import _torch_name, real_name
from ..tensor import dtypes
from ..tensor.layouts import layout
from ..tensor.storage import Storage
from ..tensor.storage_api import LEGACY_STORAGES, TypedStorage, UntypedStorage
from ._locations import location_tag

PersistentLoad = Callable[[Any], Any]

_PACKAGE = __name__.partition(".")[0]


def _get_layout(name: str) -> layout:
    """The layout that files name, e.g. ``"torch.strided"``."""
    from ..tensor import layouts as names

    found = getattr(names, str(name).removeprefix("torch."), None)
    if not isinstance(found, layout):
        raise RuntimeError(f"unknown layout {name!r}")
    return found


_get_layout.__module__ = __name__.rpartition(".")[0]


class StorageType:
    """What a name such as ``FloatStorage`` in a file stands for: a dtype.

    Raises:
        KeyError: for a name that is no storage class.
    """

    def __init__(self, name: str) -> None:
        self._dtype = LEGACY_STORAGES[name].dtype

    @property
    def dtype(self) -> Any:
        """The element type."""
        return self._dtype

    def __str__(self) -> str:
        return f"StorageType(dtype={self.dtype})"


# -- writing -----------------------------------------------------------------------------------------------------------


class Storages:
    """The storages of one file: numbered in order of appearance, each with one dtype.

    Args:
        tail: what the persistent ids of the format end with.
    """

    def __init__(self, *tail: Any) -> None:
        self.keys: dict[int, str] = {}
        self.listed: list[Storage] = []
        self.dtypes: dict[str, Any] = {}
        self._tail = tail

    def persistent_id(self, obj: Any) -> Any:
        """What stands for a storage in the pickle; None for everything else."""
        if isinstance(obj, TypedStorage):
            numel, dtype = len(obj), obj.dtype
            kind = LEGACY_STORAGES.get(obj.pickle_storage_type())
            if kind is None:
                raise NotImplementedError(f"torch.save of a TypedStorage of {dtype}: save its tensor instead")
        elif isinstance(obj, UntypedStorage):
            kind, numel, dtype = UntypedStorage, obj.nbytes(), dtypes.uint8
        else:
            return None
        storage = obj._storage
        key = self.keys.get(id(storage))
        if key is None:
            key = self.keys[id(storage)] = str(len(self.listed))
            self.listed.append(storage)
        if numel and self.dtypes.setdefault(key, dtype) is not dtype:
            raise RuntimeError("Cannot save multiple tensors or storages that view the same data as different types")
        return "storage", kind, key, location_tag(obj), numel, *self._tail


_PythonPickler: Any = pickle._Pickler  # type: ignore[attr-defined]


class TorchPickler(_PythonPickler):  # type: ignore[misc]
    """Writes this package's names as PyTorch's.

    Args:
        file: where to.
        protocol: of the pickle.
        persistent_id: gives what stands for an object that is stored elsewhere, or None.
    """

    def __init__(self, file: Any, protocol: int, persistent_id: Callable[[Any], Any] | None = None) -> None:
        super().__init__(file, protocol)
        self._names = weights_only_rules.global_names()
        self._persistent_id = persistent_id

    def persistent_id(self, obj: Any) -> Any:
        return None if self._persistent_id is None else self._persistent_id(obj)

    def reducer_override(self, obj: Any) -> Any:
        if type(obj) is dtypes.dtype:
            return repr(obj).removeprefix("torch.")
        if type(obj) is layout:
            return _get_layout, (repr(obj),)
        return NotImplemented

    def save_global(self, obj: Any, name: str | None = None) -> None:
        known = self._names.get(obj)
        if known is None or not known[0].startswith("torch"):
            known = _public_name(obj, name or getattr(obj, "__qualname__", None))
            if known is None:
                try:
                    super().save_global(obj, name)
                except pickle.PicklingError:
                    pickle.dumps(obj)  # fails in the words of Python's faster pickler
                    raise
                return
        self.write(b"c" + f"{known[0]}\n{known[1]}\n".encode())
        self.memoize(obj)


def _public_name(obj: Any, name: str | None) -> tuple[str, str] | None:
    """PyTorch's (module, name) of one of this package's classes or functions; None for everything else.

    What lives in a private module is called by the public one that offers it (``torch.nn.functional``, ``torch``).
    """
    module = getattr(obj, "__module__", None)
    if not isinstance(module, str) or module.partition(".")[0] != _PACKAGE or name is None or "." in name:
        return None
    found = _torch_name(module)
    if found is not None and not any(part.startswith("_") for part in found.split(".")):
        return found, name
    for public in ("", ".nn.functional", ".nn", ".linalg", ".special", ".fft"):
        if getattr(importlib.import_module(_PACKAGE + public), name, None) is obj:
            return "torch" + public, name
    return None if found is None else (found, name)


TorchPickler.dispatch = {**TorchPickler.dispatch, types.FunctionType: TorchPickler.save_global}


def dump(obj: Any, file: Any, pickle_module: Any, protocol: int, persistent_id: Callable[[Any], Any]) -> None:
    """Pickle an object with PyTorch's names, or with a pickle module of the user's."""
    if pickle_module is pickle:
        TorchPickler(file, protocol, persistent_id).dump(obj)
        return

    class Pickler(pickle_module.Pickler):  # type: ignore[name-defined,misc]
        def persistent_id(self, obj: Any) -> Any:
            return persistent_id(obj)

    with dropin.installed():  # so that `torch.FloatStorage` is a name
        Pickler(file, protocol).dump(obj)


# -- reading -----------------------------------------------------------------------------------------------------------

_MODULES = {"torch.tensor": "torch._tensor", "torch._C._nn": "torch.nn.functional"}
_MOVED = {
    ("torch._C", "TensorBase"): ("torch", "Tensor"),
    ("torch._C", "_TensorBase"): ("torch", "Tensor"),
    ("torch._tensor", "Tensor"): ("torch", "Tensor"),
    ("torch._C", "Generator"): ("torch", "Generator"),
}


def find_class(module: str, name: str, otherwise: Callable[[str, str], Any]) -> Any:
    """The object that a trusted pickle names; PyTorch's names mean this package's objects.

    A name whose module is another one here is looked for in the packages above it: ``torch.optim.adam.Adam`` in
    ``torch.optim``.
    """
    known = weights_only_rules.allowed_globals().get(f"{module}.{name}")
    if known is not None:
        return known
    if (module, name) in (("torch._C", "_VariableFunctionsClass"), ("torch._C", "_VariableFunctions")):
        return importlib.import_module(_PACKAGE)  # `getattr` of it follows
    module, name = _MOVED.get((module, name), (_MODULES.get(module, module), name))
    real = real_name(module)
    if real is None:
        return otherwise(module, name)
    try:
        return otherwise(real, name)
    except (ImportError, AttributeError):
        parent = real.rpartition(".")[0]
        while parent:
            try:
                found = getattr(importlib.import_module(parent), name, None)
            except ImportError:
                found = None
            if getattr(found, "__name__", None) == name:
                return found
            parent = parent.rpartition(".")[0]
        raise


def trusted_unpickler(file: Any, pickle_module: Any, persistent_load: PersistentLoad, arguments: dict[str, Any]) -> Any:
    """An unpickler of the user's module that knows PyTorch's names. It runs whatever code the pickle asks for."""

    class Unpickler(pickle_module.Unpickler):  # type: ignore[name-defined,misc]
        def find_class(self, module: str, name: str) -> Any:
            return find_class(module, name, super().find_class)

        def persistent_load(self, pid: Any) -> Any:
            return persistent_load(pid)

    return Unpickler(file, **arguments)


UNSAFE_MESSAGE = (
    "In PyTorch 2.6, we changed the default value of the `weights_only` argument in `torch.load` from `False` to "
    "`True`. Re-running `torch.load` with `weights_only` set to `False` will likely succeed, but it can result in "
    "arbitrary code execution. Do it only if you got the file from a trusted source."
)
_DOCUMENTATION = (
    "\n\nCheck the documentation of torch.load to learn more about types accepted by default with weights_only "
    "https://pytorch.org/docs/stable/generated/torch.load.html."
)


def refusal(error: BaseException) -> pickle.UnpicklingError:
    """The error of ``load(weights_only=True)`` for what the interpreter refused."""
    text = str(error)
    if re.search(r"GLOBAL (\S+) was not an allowed global by default.", text):
        advice = (
            "This file can still be loaded, to do so you have two options, \033[1mdo those steps only if you trust the "
            f"source of the checkpoint\033[0m. \n\t(1) {UNSAFE_MESSAGE}\n\t(2) Alternatively, to load with `weights_only=True` please "
            f"check the recommended steps in the following error message.\n\tWeightsUnpickler error: {text}"
        )
    elif re.search(r"(\S+) must be (\S+) to load", text):
        return pickle.UnpicklingError(f"Weights only load failed. {text}\n {UNSAFE_MESSAGE}\n")
    elif re.search(r"whose module (\S+) is blocked", text):
        advice = f"{UNSAFE_MESSAGE}\n\n\n{text}"
    else:
        advice = (
            f"{UNSAFE_MESSAGE}\nPlease file an issue with the following so that we can make `weights_only=True` "
            f"compatible with your use case: WeightsUnpickler error: \n\n{text}"
        )
    return pickle.UnpicklingError(f"Weights only load failed. {advice}{_DOCUMENTATION}")


_FAULTS = (
    pickle.UnpicklingError, TypeError, ValueError, LookupError, AttributeError, ArithmeticError, RecursionError,
    EOFError,
)  # fmt: skip


def load_safely(
    data: Any, persistent_load: PersistentLoad, at: int = 0, unpickler: Any = weights_only_rules.Unpickler
) -> tuple[Any, int]:
    """The object of a pickle within the rules of ``weights_only``, and where the pickle ends.

    Args:
        data: bytes, or what slices like them; the pickle begins at ``at``.
        unpickler: the class of the interpreter.

    Raises:
        pickle.UnpicklingError: for a pickle outside the rules, and for a damaged one.
    """
    reader = unpickler(data, persistent_load, at)
    try:
        return reader.load(), reader.at
    except NotImplementedError:
        raise
    except _FAULTS as error:
        raise refusal(error) from None


def load_trusted(data: bytes, persistent_load: PersistentLoad, pickle_module: Any, arguments: dict[str, Any]) -> Any:
    """The object of a pickle, by the user's module."""
    return trusted_unpickler(io.BytesIO(data), pickle_module, persistent_load, arguments).load()


def checked_storage_kind(kind: Any) -> Any:
    """The dtype of the storage class in a persistent id; None for ``UntypedStorage``.

    Raises:
        pickle.UnpicklingError: for anything else. NotImplementedError: for quantised storages.
    """
    if kind is UntypedStorage:
        return None
    if isinstance(kind, StorageType) or any(kind is known for known in LEGACY_STORAGES.values()):
        return kind.dtype
    if isinstance(kind, type) and kind.__name__.startswith("Q") and kind.__name__.endswith("Storage"):
        raise NotImplementedError(f"torch.load of quantised tensors (torch.{kind.__name__})")
    raise pickle.UnpicklingError(f"unknown storage type {kind!r}")


def text(value: Any) -> Any:
    """A name from a file of Python 2, where it may be bytes."""
    return value.decode("ascii") if type(value) is bytes else value


def warn_ignored(arguments: dict[str, Any]) -> None:
    """Tell that arguments for the unpickler have no effect with ``weights_only``."""
    if arguments:
        warnings.warn("pickle_load_args only works if `weights_only=False`.", UserWarning, stacklevel=4)
