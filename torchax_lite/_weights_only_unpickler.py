"""A pickle interpreter that can only build tensors and plain containers.

It knows the opcodes that protocol 2 writes for checkpoints and refuses all others. A name in the file is looked up in
a table, never imported; only functions of that table are called; elements are only added to exact lists and dicts.
"""

from __future__ import annotations

import _codecs
import functools
import struct
from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING
from collections import Counter, OrderedDict
from collections.abc import Callable
from pickle import UnpicklingError
from typing import Any

__all__ = [
    "PROTOCOL_4",
    "Unpickler",
    "allowed_globals",
    "find_global",
    "global_names",
    "refused_globals",
    "safe_globals",
]

BLOCKED = frozenset({"sys", "os", "posix", "nt", "subprocess", "shutil", "pty", "importlib", "runpy", "ctypes"})
"""Top-level modules whose names are refused even when a user allows them."""

safe_globals: dict[str, Any] = {}
"""What users have allowed besides: ``module.name`` to object."""

_REBUILDERS = (
    "_rebuild_tensor", "_rebuild_tensor_v2", "_rebuild_tensor_v3", "_rebuild_meta_tensor_no_storage",
    "_rebuild_parameter", "_rebuild_parameter_with_state", "_rebuild_sparse_tensor", "_rebuild_qtensor",
    "_rebuild_nested_tensor", "_rebuild_wrapper_subclass", "_rebuild_device_tensor_from_numpy",
    "_rebuild_device_tensor_from_cpu_tensor",
)  # fmt: skip


@functools.cache
def allowed_globals() -> dict[str, Any]:
    """The names that any checkpoint may use, by PyTorch's spelling."""
    import torchax_lite as torch

    from . import _utils
    from .nn.parameter import Parameter
    from .serialization import _get_layout
    from .tensor import creation, storage_api

    table: dict[str, Any] = {
        "collections.OrderedDict": OrderedDict,
        "collections.Counter": Counter,
        "builtins.bytearray": bytearray,
        "builtins.set": set,
        "builtins.complex": complex,
        "_codecs.encode": _codecs.encode,
        "torch.Size": torch.Size,
        "torch.Tensor": torch.Tensor,
        "torch.device": torch.device,
        "torch.nn.parameter.Parameter": Parameter,
        "torch.serialization._get_layout": _get_layout,
        "torch._tensor._rebuild_from_type_v2": _utils._rebuild_from_type_v2,
        "torch.storage.UntypedStorage": storage_api.UntypedStorage,
        "torch.storage.TypedStorage": storage_api.TypedStorage,
    }
    table.update({f"torch._utils.{name}": getattr(_utils, name) for name in _REBUILDERS})
    for name in (*_DTYPE_NAMES, *_QSCHEMES):
        table[f"torch.{name}"] = getattr(torch, name, None)
    for prefix in ("torch", "torch.cuda"):
        table.update({f"{prefix}.{name}": cls for name, cls in storage_api.LEGACY_STORAGES.items()})
        for name in _QUANTISED_STORAGES:
            table[f"{prefix}.{name}"] = getattr(torch, name, None)
    table.update({f"torch.{name}": cls for name, cls in creation.LEGACY_TYPES.items()})
    table.update({f"torch.cuda.{name}": cls for name, cls in creation.LEGACY_TYPES.items()})
    return {name: obj for name, obj in table.items() if obj is not None}


_DTYPE_NAMES = (
    "float32", "float64", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool", "complex64",
    "complex128", "complex32", "uint16", "uint32", "uint64", "float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz",
    "float8_e5m2fnuz", "float8_e8m0fnu", "float4_e2m1fn_x2", "quint8", "qint8", "qint32", "quint4x2", "quint2x4", "bits8",
    "bits16", "bits1x8", "bits2x4", "bits4x2", *(f"{sign}int{n}" for sign in ("", "u") for n in range(1, 8)),
)  # fmt: skip
_QSCHEMES = (
    "per_tensor_affine", "per_tensor_symmetric", "per_channel_affine", "per_channel_symmetric",
    "per_channel_affine_float_qparams",
)  # fmt: skip
_QUANTISED_STORAGES = ("QInt8Storage", "QInt32Storage", "QUInt8Storage", "QUInt4x2Storage", "QUInt2x4Storage")


@functools.cache
def global_names() -> dict[Any, tuple[str, str]]:
    """For each object of :func:`allowed_globals`, the (module, name) that files call it by."""
    from .nn import parameter

    names: dict[Any, tuple[str, str]] = {}
    for full, obj in allowed_globals().items():
        module, _, name = full.rpartition(".")
        names.setdefault(obj, (module, name))
    for name in ("_rebuild_parameter", "_rebuild_parameter_with_state"):
        names[getattr(parameter, name)] = ("torch._utils", name)
    return names


def _refuse_global(full: str) -> UnpicklingError:
    shown = full.removeprefix("builtins.")
    return UnpicklingError(
        f"Unsupported global: GLOBAL {shown} was not an allowed global by default. Please use "
        f"`torch.serialization.add_safe_globals([{shown}])` or the `torch.serialization.safe_globals([{shown}])` "
        "context manager to allowlist this global if you trust this class/function."
    )


def find_global(module: str, name: str) -> Any:
    """The allowed object of this name.

    Raises:
        UnpicklingError: for every other name.
    """
    if (module, name) in NAME_MAPPING:
        module, name = NAME_MAPPING[(module, name)]
    module = IMPORT_MAPPING.get(module, module)
    full = f"{module}.{name}"
    if module.partition(".")[0] in BLOCKED:
        raise UnpicklingError(f"Trying to load unsupported GLOBAL {full} whose module {module} is blocked.")
    found = allowed_globals().get(full)
    if found is None:
        found = safe_globals.get(full)
    if found is None:
        raise _refuse_global(full)
    return found


def refused_globals(data: bytes) -> list[str]:
    """Full names in a pickle that :func:`find_global` refuses; nothing of the pickle is run."""
    import pickletools

    found: dict[str, None] = {}
    texts: list[str] = []
    for opcode, argument, _ in pickletools.genops(data):
        if opcode.name == "GLOBAL":
            module, _, name = str(argument).partition(" ")
        elif opcode.name == "STACK_GLOBAL":
            module, name = ([""] * 2 + texts)[-2:]
        else:
            if isinstance(argument, str):
                texts.append(argument)
            continue
        try:
            find_global(module, name)
        except UnpicklingError:
            found[f"{module}.{name}"] = None
    return list(found)


_MARK = object()


class Unpickler:
    """Builds the object that a pickle describes, within the rules of this module.

    Args:
        data: bytes with the whole pickle.
        persistent_load: gives the object of a persistent id (a tuple that starts with ``"storage"``).
        at: where in ``data`` the pickle begins; after :meth:`load`, where it ends.

    Subclasses change the rules through :attr:`protocols`, :attr:`steps`, :meth:`find`, :meth:`call`, :meth:`make` and
    :meth:`build`.
    """

    protocols: tuple[int, ...] = (2,)
    steps: dict[bytes, Callable[[Any], None]]

    def __init__(self, data: bytes, persistent_load: Callable[[Any], Any], at: int = 0) -> None:
        self.data = data
        self.at = at
        self.persistent_load = persistent_load
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}
        self.protocol = 0

    # -- reading ---------------------------------------------------------------------------------------------------

    def _take(self, n: int) -> bytes:
        if n < 0 or self.at + n > len(self.data):
            raise UnpicklingError("pickle data was truncated")
        got = self.data[self.at : self.at + n]
        self.at += n
        return got

    def _number(self, form: str) -> int:
        return struct.unpack(form, self._take(struct.calcsize(form)))[0]  # type: ignore[no-any-return]

    def _line(self) -> str:
        end = self.data.find(b"\n", self.at)
        if end < 0:
            raise UnpicklingError("pickle data was truncated")
        line = self.data[self.at : end]
        self.at = end + 1
        return line.decode("utf-8")

    def _pop(self) -> Any:
        if not self.stack or self.stack[-1] is _MARK:
            raise UnpicklingError("pickle stack underflow")
        return self.stack.pop()

    def _top(self) -> Any:
        if not self.stack or self.stack[-1] is _MARK:
            raise UnpicklingError("pickle stack underflow")
        return self.stack[-1]

    def _pop_mark(self) -> list[Any]:
        for i in range(len(self.stack) - 1, -1, -1):
            if self.stack[i] is _MARK:
                items = self.stack[i + 1 :]
                del self.stack[i:]
                return items
        raise UnpicklingError("pickle has no mark where one is needed")

    def load(self) -> Any:
        """The object."""
        while True:
            code = self._take(1)
            if code == b".":
                result = self._pop()
                if self.stack:
                    raise UnpicklingError("pickle ends with objects left over")
                return result
            step = self.steps.get(code)
            if step is None:
                raise UnpicklingError(f"Unsupported operand {code[0]}")
            step(self)

    # -- opcodes ---------------------------------------------------------------------------------------------------

    def _proto(self) -> None:
        self.protocol = self._number("<B")
        if self.protocol not in self.protocols:
            import warnings

            warnings.warn(
                f"Detected pickle protocol {self.protocol} in the checkpoint, which was not the default pickle "
                "protocol used by `torch.load` (2). Its instructions may not all be supported.",
                UserWarning,
                stacklevel=5,
            )

    def _global(self) -> None:
        module, name = self._line(), self._line()
        self.stack.append(self.find(module, name))

    def _reduce(self) -> None:
        args, func = self._pop(), self._pop()
        if type(args) is not tuple:
            raise UnpicklingError("arguments of a call are no tuple")
        self.stack.append(self.call(func, args))

    def _newobj(self) -> None:
        args, cls = self._pop(), self._pop()
        if type(args) is not tuple or not isinstance(cls, type):
            raise UnpicklingError("NEWOBJ needs a class and a tuple")
        self.stack.append(self.make(cls, args))

    def _build(self) -> None:
        state, made = self._pop(), self._top()
        self.build(made, state)

    # -- rules -----------------------------------------------------------------------------------------------------

    def find(self, module: str, name: str) -> Any:
        """The object that a name stands for."""
        return find_global(module, name)

    def call(self, func: Any, args: tuple[Any, ...]) -> Any:
        """What a call gives, of something that the pickle has."""
        if not _is_allowed(func):
            text = f"Trying to call reduce for unrecognized function {func}"
            if hasattr(func, "__self__"):
                text += f" which belongs to {func.__self__}"
            raise UnpicklingError(text)
        _check_arguments(func, args)
        return func(*args)

    def make(self, cls: type, args: tuple[Any, ...]) -> Any:
        """A new object of a class, by its ``__new__``."""
        if cls is OrderedDict or any(cls is x for x in safe_globals.values()):
            return cls.__new__(cls, *args)
        if cls is allowed_globals()["torch.nn.parameter.Parameter"]:
            return cls(*args)
        raise UnpicklingError(
            f"Can only create new object for nn.Parameter or classes allowlisted via `add_safe_globals` but got {cls}"
        )

    def build(self, made: Any, state: Any) -> None:
        """Set an object's state."""
        if type(made) is OrderedDict:
            if type(state) is not dict:
                raise UnpicklingError("state of an OrderedDict is no dict")
            made.__dict__.update(state)
        elif type(made) in (_tensor(), allowed_globals()["torch.nn.parameter.Parameter"]):
            _build_tensor(made, state)
        elif any(type(made) is x for x in safe_globals.values()):
            _build_object(made, state)
        else:
            raise UnpicklingError(
                "Can only build Tensor, Parameter, OrderedDict or types allowlisted via `add_safe_globals`, "
                f"but got {type(made)}"
            )

    # -- containers, numbers, texts --------------------------------------------------------------------------------

    def _append(self) -> None:
        item = self._pop()
        self._a_list().append(item)

    def _appends(self) -> None:
        items = self._pop_mark()
        self._a_list().extend(items)

    def _a_list(self) -> list[Any]:
        target = self._top()
        if type(target) is not list:
            raise UnpicklingError(f"Can only append to lists, but got {type(target)}")
        return target

    def _setitem(self) -> None:
        value, key = self._pop(), self._pop()
        self._a_dict()[key] = value

    def _setitems(self) -> None:
        items = self._pop_mark()
        if len(items) % 2:
            raise UnpicklingError("odd number of items for SETITEMS")
        target = self._a_dict()
        for i in range(0, len(items), 2):
            target[items[i]] = items[i + 1]

    def _a_dict(self) -> Any:
        target = self._top()
        if type(target) not in (dict, OrderedDict, Counter):
            raise UnpicklingError(
                f"Can only SETITEM for dict, collections.OrderedDict, collections.Counter, but got {type(target)}"
            )
        return target

    def _binpersid(self) -> None:
        pid = self._pop()
        if type(pid) is not tuple:
            raise UnpicklingError(f"persistent_load id must be tuple or int, but got {type(pid)}")
        if not pid or pid[0] not in ("storage", b"storage"):
            raise UnpicklingError(f"Only persistent_load of storage is allowed, but got {type(pid[0]) if pid else pid}")
        self.stack.append(self.persistent_load(pid))

    def _get(self, key: int) -> None:
        if key not in self.memo:
            raise UnpicklingError(f"Memo value not found at index {key}")
        self.stack.append(self.memo[key])

    def _long(self, form: str) -> None:
        n = self._number(form)
        self.stack.append(int.from_bytes(self._take(n), "little", signed=True))

    def _text(self, form: str) -> None:
        self.stack.append(self._take(self._number(form)).decode("utf-8", "surrogatepass"))

    def _tuple(self, n: int) -> None:
        items = [self._pop() for _ in range(n)]
        self.stack.append(tuple(reversed(items)))


def _tensor() -> Any:
    return allowed_globals()["torch.Tensor"]


def _check_arguments(func: Any, args: tuple[Any, ...]) -> None:
    """Refuse arguments with which an allowed function would do more than rebuild what was saved."""
    if func is _codecs.encode:
        if not (len(args) == 2 and type(args[0]) is str and args[1] == "latin1"):
            raise UnpicklingError("_codecs.encode is only allowed for bytes, as text in latin1")
    elif func is bytearray:
        if args and type(args[0]) not in (bytes, str, list):
            raise UnpicklingError("bytearray is only allowed with its bytes")
    elif func is _tensor() or any(func is x for x in _legacy_types()):
        if args and not (len(args) == 1 and isinstance(args[0], _tensor())):
            raise UnpicklingError(f"{func} is only allowed without arguments, or with a tensor")


@functools.cache
def _legacy_types() -> tuple[Any, ...]:
    from .tensor import creation

    return tuple(creation.LEGACY_TYPES.values())


def _build_tensor(made: Any, state: Any) -> None:
    """Set what files of PyTorch 0.1 to 0.4 say of a tensor: memory, or data and ``requires_grad``."""
    from .tensor.rebuilding import tensor_at
    from .tensor.storage_api import TypedStorage

    if type(state) is not tuple or len(state) not in (3, 4, 5):
        raise UnpicklingError(f"invalid state of a tensor: {type(state)}")
    if len(state) == 4:
        storage, offset, size, stride = state
        if not isinstance(storage, TypedStorage):
            raise UnpicklingError("state of a tensor without a storage")
        made.set_(tensor_at(storage, storage.dtype, offset, size, stride))
        return
    if len(state) == 5:
        if not isinstance(state[0], _tensor()):
            raise UnpicklingError("state of a parameter without data")
        made.data = state[0]
    made.requires_grad = bool(state[-3] if len(state) == 3 else state[3])


def _build_object(made: Any, state: Any) -> None:
    """Set the state of an object whose class a user allowed, as pickle does."""
    if hasattr(made, "__setstate__"):
        made.__setstate__(state)
        return
    slots = None
    if isinstance(state, tuple) and len(state) == 2:
        state, slots = state
    if state:
        made.__dict__.update(state)
    for name, value in (slots or {}).items():
        setattr(made, name, value)


def _is_allowed(func: Any) -> bool:
    return any(func is x for x in _callables()) or any(func is x for x in safe_globals.values())


@functools.cache
def _callables() -> tuple[Any, ...]:
    from .tensor.storage_api import _LegacyStorage

    table = allowed_globals()
    storages = {"UntypedStorage", "TypedStorage", *_QUANTISED_STORAGES}
    return tuple(
        x
        for name, x in table.items()
        if callable(x) and name.rpartition(".")[2] not in storages and not isinstance(x, _LegacyStorage)
    )


_Step = Callable[[Unpickler], None]


def _push(make: Callable[[], Any]) -> _Step:
    return lambda u: u.stack.append(make())


_STEPS: dict[bytes, _Step] = {
    b"\x80": Unpickler._proto,
    b"c": Unpickler._global,
    b"R": Unpickler._reduce,
    b"\x81": Unpickler._newobj,
    b"b": Unpickler._build,
    b"a": Unpickler._append,
    b"e": Unpickler._appends,
    b"s": Unpickler._setitem,
    b"u": Unpickler._setitems,
    b"(": lambda u: u.stack.append(_MARK),
    b"t": lambda u: u.stack.append(tuple(u._pop_mark())),
    b"\x85": lambda u: u._tuple(1),
    b"\x86": lambda u: u._tuple(2),
    b"\x87": lambda u: u._tuple(3),
    b")": _push(tuple),
    b"]": _push(list),
    b"}": _push(dict),
    b"\x8f": _push(set),
    b"N": _push(lambda: None),
    b"\x88": _push(lambda: True),
    b"\x89": _push(lambda: False),
    b"J": lambda u: u.stack.append(u._number("<i")),
    b"K": lambda u: u.stack.append(u._number("<B")),
    b"M": lambda u: u.stack.append(u._number("<H")),
    b"G": lambda u: u.stack.append(u._number(">d")),
    b"\x8a": lambda u: u._long("<B"),
    b"\x8b": lambda u: u._long("<i"),
    b"X": lambda u: u._text("<I"),
    b"U": lambda u: u.stack.append(u._take(u._number("<B")).decode("utf-8")),
    b"T": lambda u: u.stack.append(u._take(u._number("<i")).decode("utf-8")),
    b"Q": Unpickler._binpersid,
    b"h": lambda u: u._get(u._number("<B")),
    b"j": lambda u: u._get(u._number("<I")),
    b"q": lambda u: u.memo.__setitem__(u._number("<B"), u._top()),
    b"r": lambda u: u.memo.__setitem__(u._number("<I"), u._top()),
}

Unpickler.steps = _STEPS


def _frame(u: Unpickler) -> None:
    u._take(8)  # its length; the data is in memory anyway


def _put_next(u: Unpickler) -> None:
    u.memo[len(u.memo)] = u._top()


def _global_on_stack(u: Unpickler) -> None:
    name, module = u._pop(), u._pop()
    if type(name) is not str or type(module) is not str:
        raise UnpicklingError("STACK_GLOBAL needs two texts")
    u.stack.append(u.find(module, name))


def _add_items(u: Unpickler) -> None:
    items, target = u._pop_mark(), u._top()
    if type(target) is not set:
        raise UnpicklingError(f"Can only add items to sets, but got {type(target)}")
    target.update(items)


PROTOCOL_4: dict[bytes, _Step] = {
    **_STEPS,
    b"\x95": _frame,
    b"\x94": _put_next,
    b"\x93": _global_on_stack,
    b"\x8c": lambda u: u._text("<B"),
    b"\x8d": lambda u: u._text("<Q"),
    b"C": lambda u: u.stack.append(u._take(u._number("<B"))),
    b"B": lambda u: u.stack.append(u._take(u._number("<I"))),
    b"\x90": _add_items,
    b"\x91": lambda u: u.stack.append(frozenset(u._pop_mark())),
}
"""The opcodes that plain pickles of protocol 4 use besides, for readers with rules of their own."""
