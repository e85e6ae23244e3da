"""``__torch_function__``: which calls of public functions go to subclasses, other objects and modes instead.

The layer (see ``interception.py``) is enabled while a mode is entered or a symbolic trace runs, and for good once an
object that overrides functions exists. Inside the code of a public function nothing is overridden: overrides see the
calls that a program writes, not what those are made of.
"""

from __future__ import annotations

import contextlib
import importlib
import sys
import types
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from . import dispatch
from .interception import Inner, Layer, Point, original, point
from .modes import modes


def _disabled(cls: Any, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
    """What a class has as ``__torch_function__`` whose instances take no part in overriding: the function just runs."""
    with DisableTorchFunctionSubclass():
        return func(*args, **(kwargs or {}))


disabled_torch_function_impl = classmethod(_disabled)

_NEVER: dict[type, bool] = dict.fromkeys(
    (int, float, bool, complex, str, bytes, type(None), slice, type(Ellipsis)), False
)
_overloaded: dict[type, bool] = dict(_NEVER)


def overrides(cls: type) -> bool:
    """Whether instances of a class take part: they have a ``__torch_function__`` that is neither off nor Tensor's own."""
    found = _overloaded.get(cls)
    if found is None:
        hook = getattr(cls, "__torch_function__", None)
        found = hook is not None and cls is not dispatch.Tensor and getattr(hook, "__func__", hook) is not _disabled
        _overloaded[cls] = found
    return found


def overriding_args(args: Iterable[Any], kwargs: dict[str, Any] | None = None) -> list[Any]:
    """The arguments that override functions, one a class: left to right, subclasses before their bases."""
    found: list[Any] = []
    for a in args:
        cls = a.__class__
        if cls in _NEVER or cls is dispatch.Tensor:
            continue
        if cls is list or cls is tuple:
            for x in a:
                if x.__class__ not in _NEVER and overrides(type(x)):
                    _insert(found, x)
        elif overrides(type(a)):
            _insert(found, a)
    if kwargs:
        for a in overriding_args(kwargs.values()):
            _insert(found, a)
    return found


def _insert(found: list[Any], arg: Any) -> None:
    cls = type(arg)
    for i, other in enumerate(found):
        if type(other) is cls:
            return
        if issubclass(cls, type(other)):
            if any(type(x) is cls for x in found[i:]):
                return
            found.insert(i, arg)
            return
    found.append(arg)


_CALL_BACK = {"torch.Tensor.backward", "torch.Tensor.apply_", "torch.Tensor.map_", "torch.Tensor.map2_"}
"""Functions that run code of the program, which overrides see again."""
_SPREADS = {"torch.einsum"}
"""Functions that take their operands one by one or as a list: overrides see them one by one."""


def _around(p: Point, args: tuple[Any, ...], kwargs: dict[str, Any], inner: Inner) -> Any:
    if modes.in_function:
        return inner(args, kwargs)
    found = overriding_args(args, kwargs) if modes.subclasses else []
    if found or modes.function_mode:
        if p.name in _SPREADS and len(args) == 2 and isinstance(args[1], (list, tuple)):
            args = (args[0], *args[1])
        try:
            return override(p.public, found, args, kwargs)
        except NoImplementationError:
            if p.operator:
                return NotImplemented
            raise
    if p.name in _CALL_BACK:
        return inner(args, kwargs)
    modes.in_function = True
    try:
        return inner(args, kwargs)
    finally:
        modes.in_function = False


_PYTHON_NAMESPACES = ("torch.nn.functional.", "torch.nn.init.")


class NoImplementationError(TypeError):
    """Every override refused the call."""


NoImplementationError.__name__ = NoImplementationError.__qualname__ = "TypeError"
NoImplementationError.__module__ = "builtins"


def override(public: Any, found: Sequence[Any], args: tuple[Any, ...], kwargs: dict[str, Any] | None) -> Any:
    """The result of the innermost mode, or of the first argument that does not return ``NotImplemented``."""
    kinds = tuple(type(x) for x in found)
    asked = []
    if modes.function_mode:
        mode = modes.function_mode[-1]
        with without_innermost_mode():
            result = mode.__torch_function__(public, kinds, args, kwargs or {})
        if result is not NotImplemented:
            return result
        asked.append(f"mode object {mode!r}")
    for x in found:
        result = type(x).__torch_function__(public, kinds, args, kwargs or {})
        if result is not NotImplemented:
            return result
        asked.append(f"tensor subclass {type(x)!r}")
    name = name_of(public) or public
    if str(name).startswith(_PYTHON_NAMESPACES):
        mode_text = f" nor in mode {modes.function_mode[-1]}" if modes.function_mode else ""
        raise NoImplementationError(
            f"no implementation found for '{name}' on types that implement __torch_function__: {list(kinds)}{mode_text}"
        )
    listed = "\n".join(f"  - {a}" for a in asked)
    raise NoImplementationError(
        f"Multiple dispatch failed for '{name}'; all __torch_function__ handlers returned "
        f"NotImplemented:\n\n{listed}\n\nFor more information, try re-running with TORCH_LOGS=not_implemented"
    )


@contextlib.contextmanager
def without_innermost_mode() -> Iterator[Any]:
    """The innermost mode is not entered for a while."""
    stack = modes.function_mode
    modes.function_mode = stack[:-1]
    try:
        yield stack[-1]
    finally:
        modes.function_mode = stack


# -- the public functions ----------------------------------------------------------------------------------------------

_NAMESPACES = ("torch", "torch.nn.functional", "torch.linalg", "torch.fft", "torch.special", "torch.nn.init")
_NOT_SEEN = set(
    "is_tensor is_storage save load manual_seed seed initial_seed get_rng_state set_rng_state compile typename "
    "is_grad_enabled is_inference_mode_enabled set_grad_enabled no_grad enable_grad inference_mode set_default_device "
    "get_default_device set_default_dtype get_default_dtype set_default_tensor_type set_printoptions get_num_threads "
    "set_num_threads get_num_interop_threads set_num_interop_threads use_deterministic_algorithms result_type "
    "are_deterministic_algorithms_enabled set_float32_matmul_precision get_float32_matmul_precision promote_types "
    "can_cast from_numpy frombuffer broadcast_shapes vmap cond install uninstall installed set_warn_always "
    "is_warn_always_enabled set_flush_denormal calculate_gain is_deterministic_algorithms_warn_only_enabled "
    "get_deterministic_debug_mode set_deterministic_debug_mode is_anomaly_enabled set_anomaly_enabled "
    "is_anomaly_check_nan_enabled get_device_module sym_int sym_float sym_not sym_max sym_min sym_ite sym_sum "
    "import_module fork wait is_autocast_enabled set_autocast_enabled".split()
)
_METHODS_NOT_SEEN = set(
    "__new__ __init__ __hash__ __dir__ __iter__ __torch_function__ __init_subclass__ __class__ as_subclass "
    "__getattribute__ __setattr__ __delattr__ __subclasshook__ __delitem__".split()
)
_HIDDEN_METHODS = {"_version", "_base", "_grad", "_backward_hooks", "_is_view", "_nnz", "_indices", "_values"}
_OPERATORS = {
    "add": "add", "radd": "add", "iadd": "add_", "sub": "sub", "isub": "sub_", "mul": "mul", "rmul": "mul",
    "imul": "mul_", "truediv": "div", "itruediv": "div_", "ifloordiv": "floor_divide_", "mod": "remainder",
    "imod": "remainder_", "matmul": "matmul", "ne": "ne", "lt": "lt", "le": "le", "gt": "gt", "ge": "ge",
    "rand": "bitwise_and", "ror": "bitwise_or", "rxor": "bitwise_xor", "neg": "neg", "pos": "positive", "abs": "abs",
}  # fmt: skip
"""Operators that arrive as the method of another name."""
_ALL_OPERATORS = {
    f"__{prefix}{name}__"
    for name in "add sub mul truediv floordiv mod pow matmul and or xor lshift rshift".split()
    for prefix in ("", "r", "i")
} | {"__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__"}

_names: dict[Any, str] = {}
_loaded: set[str] = set()


def name_of(public: Any) -> str | None:
    """The public name of a function or method, e.g. ``torch.Tensor.add``; None for anything else."""
    public_functions()
    try:
        return _names.get(public)
    except TypeError:
        return None


def public_functions() -> list[types.FunctionType]:
    """Every function, method and property getter that can be overridden; namespaces not loaded yet are left out."""
    for namespace in _NAMESPACES:
        module = sys.modules.get(namespace.replace("torch", "torchax_lite", 1))
        if module is None or namespace in _loaded or "__spec__" not in vars(module):
            continue
        if getattr(module.__spec__, "_initializing", False):
            continue
        _loaded.add(namespace)
        for name, value in list(vars(module).items()):
            if name.startswith("_") or name in _NOT_SEEN or not isinstance(value, types.FunctionType):
                continue
            if not (value.__module__ or "").startswith("torchax_lite"):
                continue
            _register(value, value, f"{namespace}.{name}")
        if namespace == "torch":
            _register_methods()
    return list(_functions)


_functions: list[types.FunctionType] = []


def _register(function: types.FunctionType, public: Any, name: str) -> None:
    if name not in _names.get(public, ""):
        _names.setdefault(public, name)
    p = point(function)
    if function not in _known:
        _known.add(function)
        _functions.append(function)
        p.name, p.public = name, public


_known: set[types.FunctionType] = set()


def _register_methods() -> None:
    cls = dispatch.Tensor
    members: dict[str, Any] = {}
    for base in reversed(cls.__mro__[:-1]):
        members.update(vars(base))
    for name, value in members.items():
        dunder = name.startswith("__") and name.endswith("__")
        if name in _METHODS_NOT_SEEN or (name.startswith("_") and not dunder and name not in _HIDDEN_METHODS):
            continue
        if isinstance(value, types.FunctionType):
            target = _OPERATORS.get(name[2:-2]) if dunder else None
            public = members.get(target, value) if target else value
            _register(value, public, f"torch.Tensor.{name}")
            point(value).operator = name in _ALL_OPERATORS
        elif isinstance(value, property):
            if isinstance(value.fget, types.FunctionType):
                _register(value.fget, value.__get__, f"torch.Tensor.{name}.__get__")
            if isinstance(value.fset, types.FunctionType):
                _register(value.fset, value.__set__, f"torch.Tensor.{name}.__set__")


LAYER = Layer(_around, public_functions, rank=100)
_permanent = False


def enable_for_good() -> None:
    """From now on arguments are looked at: an object that overrides functions exists."""
    global _permanent
    if not _permanent:
        _permanent = True
        LAYER.enable()


def note_class(cls: type) -> None:
    """A tensor of this class is being made; uninitialized parameters enable the layer themselves, for a while."""
    if not _permanent and overrides(cls) and not hasattr(cls, "cls_to_become"):
        enable_for_good()


def hook_changed(cls: type) -> None:
    """The ``__torch_function__`` of a class was replaced: look at it anew, and at those of its subclasses."""
    _overloaded.pop(cls, None)
    dispatch.PLAIN.discard(cls)
    note_class(cls)
    derived: type
    for derived in cls.__subclasses__():
        hook_changed(derived)


# -- the slow path of calls ----------------------------------------------------------------------------------------------


def foreign_call(args: Iterable[Any]) -> Any:
    """The override of the public function that is running, for an argument that no function takes; else None.

    Called where an op refuses an argument. The first such object of a program is noticed here; afterwards the layer
    sees the calls themselves.
    """
    if modes.in_function or not modes.subclasses:
        return None
    found = overriding_args(args)
    if not found:
        return None
    enable_for_good()
    by_code: dict[types.CodeType, list[Point]] = {}
    for f in public_functions():
        by_code.setdefault(point(f).original.__code__, []).append(point(f))
    frame: types.FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_globals.get("__name__", "").startswith("torchax_lite"):
        for p in by_code.get(frame.f_code, ()):
            if _runs(p, frame):
                given, keywords = _arguments(p, frame)
                return (override(p.public, found, given, keywords),)
        frame = frame.f_back
    return None


def _runs(p: Point, frame: types.FrameType) -> bool:
    """Whether a frame, which has the function's code, is a call of it: closures of one code differ in what they hold."""
    names = p.original.__code__.co_freevars
    cells = p.original.__closure__ or ()
    return all(frame.f_locals.get(n) is c.cell_contents for n, c in zip(names, cells, strict=True))


def _arguments(p: Point, frame: types.FrameType) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments with which a running function was called; those at their defaults are left out at the end."""
    code, values = frame.f_code, frame.f_locals
    names = code.co_varnames
    n, k = code.co_argcount, code.co_kwonlyargcount
    defaults = p.original.__defaults__ or ()
    given = [values[v] for v in names[:n]]
    while given and len(given) > n - len(defaults) and given[-1] is defaults[len(given) - (n - len(defaults)) - 1]:
        given.pop()
    position = n + k
    if code.co_flags & 0x04:
        given += values[names[position]]
        position += 1
    keywords = dict(values[names[position]]) if code.co_flags & 0x08 else {}
    known = p.original.__kwdefaults__ or {}
    for v in names[n : n + k]:
        if v not in known or values[v] is not known[v]:
            keywords[v] = values[v]
    return tuple(given), keywords


# -- Tensor's own hook -----------------------------------------------------------------------------------------------------


class _Switch:
    """A context in which overrides do not happen; can be entered again."""

    def __init__(self) -> None:
        self._saved: list[Any] = []

    def __enter__(self) -> None:
        self._saved.append((modes.subclasses, modes.function_mode))
        modes.subclasses = False

    def __exit__(self, *exc: Any) -> None:
        modes.subclasses, modes.function_mode = self._saved.pop()


class DisableTorchFunctionSubclass(_Switch):
    """Within it no argument overrides a function; modes still do."""

    def __exit__(self, *exc: Any) -> None:
        modes.subclasses = self._saved.pop()[0]


class DisableTorchFunction(_Switch):
    """Within it neither arguments nor modes override a function."""

    def __enter__(self) -> None:
        super().__enter__()
        modes.function_mode = ()


def default_torch_function(cls: type, func: Any, kinds: Any, args: Any, kwargs: Any) -> Any:
    """Run the function as on plain tensors and give the result the subclass; other kinds of objects come first."""
    if not all(issubclass(cls, kind) for kind in kinds):
        return NotImplemented
    saved = modes.subclasses
    modes.subclasses = False
    try:
        result = func(*args, **(kwargs or {}))
        if func in nowrap_functions():
            return result
        return convert(result, cls)
    finally:
        modes.subclasses = saved


def nowrap_functions() -> set[Any]:
    """Getters whose results keep their class."""
    cls = dispatch.Tensor
    return {vars(cls)[n].__get__ for n in ("_base", "grad", "_grad") if isinstance(vars(cls).get(n), property)}


def convert(result: Any, cls: type) -> Any:
    """``result`` with the tensors in it as instances of ``cls``."""
    if cls is dispatch.Tensor:
        return result
    if isinstance(result, dispatch.Tensor):
        return result if isinstance(result, cls) else as_subclass(result, cls)
    if isinstance(result, (tuple, list)) and any(isinstance(x, (dispatch.Tensor, tuple, list)) for x in result):
        return type(result)([convert(x, cls) for x in result])  # type: ignore[call-arg]
    return result


def as_subclass(tensor: Any, cls: Any) -> Any:
    """The tensor as an instance of ``cls``: same memory, same place in the graph."""
    if not isinstance(cls, type) or not issubclass(cls, dispatch.Tensor):
        raise TypeError(f"as_subclass(): argument 'cls' (position 1) must be a subclass of Tensor, not {cls!r}")
    note_class(cls)
    made: Any = object.__new__(cls)
    tensor._sync_versions()
    made._alias_of(tensor)
    made._requires_grad = tensor._requires_grad
    made._grad_fn, made._output_nr, made._gversion = tensor._grad_fn, tensor._output_nr, tensor._gversion
    made._multi_view, made._shadow = tensor._multi_view, tensor._shadow
    if tensor._base is not None:
        made._base = tensor._base
    elif tensor._requires_grad and tensor._grad_fn is None:
        with DisableTorchFunctionSubclass():
            alias = original(dispatch.Tensor.view)(tensor, tensor.shape)
        alias_of_leaf: Any = object.__new__(cls)
        alias_of_leaf.__dict__.update(alias.__dict__)
        return alias_of_leaf
    return made


def make_wrapper_subclass(cls: Any, size: Any, **kwargs: Any) -> Any:
    """A tensor without values of its own is useful only with ``__torch_dispatch__``, which there is none of here."""
    raise NotImplementedError(
        "Tensor._make_wrapper_subclass: __torch_dispatch__ is not supported, as there is no dispatcher below the "
        "recorded ops; override __torch_function__, or hold the inner tensors in an ordinary class that defines it"
    )


def load_namespaces() -> None:
    """Import the namespaces that are otherwise loaded at first use, so that their functions are known."""
    for namespace in _NAMESPACES:
        with contextlib.suppress(ModuleNotFoundError):
            importlib.import_module(namespace.replace("torch", "torchax_lite", 1))
    LAYER.refresh()
