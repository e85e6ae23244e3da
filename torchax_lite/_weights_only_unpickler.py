"""A pickle interpreter that can only build tensors and plain containers.

It knows the opcodes that protocol 2 writes for checkpoints and refuses all others. A name in the file is looked up in
a table, never imported; only functions of that table are called; elements are only added to exact lists and dicts.
"""

from __future__ import annotations

import _codecs
import functools
import struct
from collections import Counter, OrderedDict
from collections.abc import Callable
from pickle import UnpicklingError
from typing import Any

__all__ = ["Unpickler", "allowed_globals", "global_names", "safe_globals"]

BLOCKED = frozenset({"sys", "os", "posix", "nt", "subprocess", "shutil", "pty", "importlib", "runpy", "ctypes"})
"""Top-level modules whose names are refused even when a user allows them."""

_RENAMED = {"__builtin__": "builtins", "copy_reg": "copyreg"}

safe_globals: dict[str, Any] = {}
"""What users have allowed besides: ``module.name`` to object."""


@functools.cache
def allowed_globals() -> dict[str, Any]:
    """The names that any checkpoint may use, by PyTorch's spelling."""
    from . import _utils
    from .nn.parameter import Parameter
    from .serialization import _get_layout
    from .tensor import creation, dtypes, storage_api
    from .tensor.device import device
    from .tensor.size import Size
    from .tensor.tensor import Tensor

    table: dict[str, Any] = {
        "collections.OrderedDict": OrderedDict,
        "collections.Counter": Counter,
        "builtins.bytearray": bytearray,
        "builtins.set": set,
        "builtins.complex": complex,
        "_codecs.encode": _codecs.encode,
        "torch.Size": Size,
        "torch.Tensor": Tensor,
        "torch.device": device,
        "torch.nn.parameter.Parameter": Parameter,
        "torch.serialization._get_layout": _get_layout,
        "torch._tensor._rebuild_from_type_v2": _utils._rebuild_from_type_v2,
        "torch.storage.UntypedStorage": storage_api.UntypedStorage,
        "torch.storage.TypedStorage": storage_api.TypedStorage,
    }
    for name in (
        "_rebuild_tensor", "_rebuild_tensor_v2", "_rebuild_tensor_v3", "_rebuild_meta_tensor_no_storage",
        "_rebuild_parameter", "_rebuild_parameter_with_state", "_rebuild_sparse_tensor",
    ):  # fmt: skip
        table[f"torch._utils.{name}"] = getattr(_utils, name)
    table.update({f"torch.{name}": d for name, d in dtypes.DTYPES.items()})
    for prefix in ("torch", "torch.cuda"):
        table.update({f"{prefix}.{name}": cls for name, cls in storage_api.LEGACY_STORAGES.items()})
    table.update({f"torch.{name}": cls for name, cls in creation.LEGACY_TYPES.items()})
    return table


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
    return UnpicklingError(
        f"Unsupported global: GLOBAL {full} was not an allowed global by default. Please use "
        f"`torch.serialization.add_safe_globals([{full}])` or the `torch.serialization.safe_globals([{full}])` context "
        "manager to allowlist this global if you trust this class/function."
    )


def find_global(module: str, name: str) -> Any:
    """The allowed object of this name.

    Raises:
        UnpicklingError: for every other name.
    """
    full = f"{_RENAMED.get(module, module)}.{name}"
    if module.partition(".")[0] in BLOCKED:
        raise UnpicklingError(f"Trying to load unsupported GLOBAL {full} whose module {module} is blocked.")
    found = allowed_globals().get(full)
    if found is None:
        found = safe_globals.get(full)
    if found is None:
        raise _refuse_global(full)
    return found


_MARK = object()


class Unpickler:
    """Builds the object that a pickle describes, within the rules of this module.

    Args:
        data: the whole pickle.
        persistent_load: gives the object of a persistent id (a tuple that starts with ``"storage"``).
    """

    def __init__(self, data: bytes, persistent_load: Callable[[Any], Any]) -> None:
        self.data = data
        self.at = 0
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
            step = _STEPS.get(code)
            if step is None:
                raise UnpicklingError(f"Unsupported operand {code[0]}")
            step(self)

    # -- opcodes ---------------------------------------------------------------------------------------------------

    def _proto(self) -> None:
        self.protocol = self._number("<B")
        if self.protocol != 2:
            import warnings

            warnings.warn(
                f"Detected pickle protocol {self.protocol} in the checkpoint, which was not the default pickle "
                "protocol used by `torch.load` (2). Its instructions may not all be supported.",
                UserWarning,
                stacklevel=5,
            )

    def _global(self) -> None:
        module, name = self._line(), self._line()
        self.stack.append(find_global(module, name))

    def _reduce(self) -> None:
        args, func = self._pop(), self._pop()
        if type(args) is not tuple:
            raise UnpicklingError("arguments of a call are no tuple")
        if not _is_allowed(func):
            raise UnpicklingError(f"Trying to call reduce for unrecognized function {func}")
        if func is _codecs.encode and not (len(args) == 2 and type(args[0]) is str and args[1] == "latin1"):
            raise UnpicklingError("_codecs.encode is only allowed for bytes, as text in latin1")
        self.stack.append(func(*args))

    def _newobj(self) -> None:
        args, cls = self._pop(), self._pop()
        if type(args) is not tuple or not isinstance(cls, type):
            raise UnpicklingError("NEWOBJ needs a class and a tuple")
        if cls is OrderedDict or any(cls is x for x in safe_globals.values()):
            self.stack.append(cls.__new__(cls, *args))
        elif cls is allowed_globals()["torch.nn.parameter.Parameter"]:
            self.stack.append(cls(*args))
        else:
            raise UnpicklingError(f"Trying to instantiate unsupported class {cls}")

    def _build(self) -> None:
        state, made = self._pop(), self._top()
        if type(made) is OrderedDict:
            if type(state) is not dict:
                raise UnpicklingError("state of an OrderedDict is no dict")
            made.__dict__.update(state)
        elif any(type(made) is x for x in safe_globals.values()):
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
        else:
            raise UnpicklingError(
                "Can only build Tensor, Parameter, OrderedDict or types allowlisted via `add_safe_globals`, "
                f"but got {type(made)}"
            )

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
            raise UnpicklingError(f"persistent_load id must be tuple, but got {type(pid)}")
        if not pid or type(pid[0]) is not str or pid[0] != "storage":
            raise UnpicklingError(f"Only persistent_load of storage is allowed, but got {pid[:1]}")
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


def _is_allowed(func: Any) -> bool:
    return any(func is x for x in _callables()) or any(func is x for x in safe_globals.values())


@functools.cache
def _callables() -> tuple[Any, ...]:
    from .tensor.storage_api import _LegacyStorage

    table = allowed_globals()
    storages = (table["torch.storage.UntypedStorage"], table["torch.storage.TypedStorage"])
    return tuple(x for x in table.values() if callable(x) and x not in storages and not isinstance(x, _LegacyStorage))


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
    b"U": lambda u: u._text("<B"),
    b"T": lambda u: u._text("<i"),
    b"Q": Unpickler._binpersid,
    b"h": lambda u: u._get(u._number("<B")),
    b"j": lambda u: u._get(u._number("<I")),
    b"q": lambda u: u.memo.__setitem__(u._number("<B"), u._top()),
    b"r": lambda u: u.memo.__setitem__(u._number("<I"), u._top()),
}
