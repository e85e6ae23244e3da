"""``torch.overrides``: objects and modes that see, and may replace, calls of public functions.

The mechanism is described in ``tensor/interception.py`` and ``tensor/overriding.py``.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from .tensor import overriding
from .tensor.interception import original
from .tensor.interception import point as _point
from .tensor.modes import modes
from .tensor.tensor import Tensor

__all__ = [
    "BaseTorchFunctionMode",
    "TorchFunctionMode",
    "enable_reentrant_dispatch",
    "get_default_nowrap_functions",
    "get_ignored_functions",
    "get_overridable_functions",
    "get_testing_overrides",
    "handle_torch_function",
    "has_torch_function",
    "is_tensor_like",
    "is_tensor_method_or_property",
    "resolve_name",
    "wrap_torch_function",
]


class TorchFunctionMode:
    """A context in which every call of a public function goes to ``__torch_function__`` of this object.

    While that runs, the mode itself is not active, so ``func(*args, **kwargs)`` in it goes on to the next mode outside,
    then to the overriding arguments, then to the function. Modes are per thread.
    """

    inner: TorchFunctionMode

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        raise NotImplementedError

    def __enter__(self) -> Any:
        overriding.load_namespaces()
        overriding.LAYER.enable()
        _push_mode(self)
        return self

    def __exit__(self, exc_type: Any, exc_val: Any, exc_tb: Any) -> None:
        _pop_mode()
        overriding.LAYER.disable()

    @classmethod
    def push(cls, *args: Any, **kwargs: Any) -> TorchFunctionMode:
        """An instance of the mode; kept for old scripts, which enter what this returns."""
        warnings.warn("`Mode.push()` is no longer necessary and can be replaced with just `Mode()`", stacklevel=2)
        return cls(*args, **kwargs)


class BaseTorchFunctionMode(TorchFunctionMode):
    """A mode that runs every function as it is."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return func(*args, **(kwargs or {}))


def _push_mode(mode: TorchFunctionMode) -> None:
    modes.function_mode = (*modes.function_mode, mode)


def _pop_mode() -> TorchFunctionMode:
    mode: TorchFunctionMode = modes.function_mode[-1]
    modes.function_mode = modes.function_mode[:-1]
    return mode


def _get_current_function_mode() -> TorchFunctionMode | None:
    return modes.function_mode[-1] if modes.function_mode else None


def _get_current_function_mode_stack() -> list[TorchFunctionMode]:
    return list(modes.function_mode)


def _len_torch_function_stack() -> int:
    return len(modes.function_mode)


@contextlib.contextmanager
def _pop_mode_temporarily() -> Iterator[TorchFunctionMode]:
    with overriding.without_innermost_mode() as mode:
        yield mode


@contextlib.contextmanager
def _enable_torch_function() -> Iterator[None]:
    """Overriding is on within, also inside ``DisableTorchFunctionSubclass``."""
    saved, modes.subclasses = modes.subclasses, True
    try:
        yield
    finally:
        modes.subclasses = saved


@contextlib.contextmanager
def enable_reentrant_dispatch() -> Iterator[None]:
    """Overriding is on within, although the code of a public function is running (in a hook that it calls, say)."""
    saved, modes.in_function = modes.in_function, False
    try:
        yield
    finally:
        modes.in_function = saved


def has_torch_function(relevant_args: Iterable[Any]) -> bool:
    """Whether one of the arguments overrides functions, or a mode is active."""
    return bool(modes.function_mode) or (modes.subclasses and any(_overrides(a) for a in relevant_args))


def _overrides(a: Any) -> bool:
    found = overriding.overrides(type(a))
    if found:
        overriding.enable_for_good()
    return found


def has_torch_function_unary(arg: Any) -> bool:
    """:func:`has_torch_function` for one argument."""
    return has_torch_function((arg,))


def has_torch_function_variadic(*args: Any) -> bool:
    """:func:`has_torch_function` for arguments given one by one."""
    return has_torch_function(args)


def handle_torch_function(
    public_api: Callable[..., Any], relevant_args: Iterable[Any], *args: Any, **kwargs: Any
) -> Any:
    """Call the overrides of a function: the innermost mode, then the arguments, subclasses before their bases.

    Raises:
        TypeError: when all of them return ``NotImplemented``.
    """
    found = overriding.overriding_args(relevant_args) if modes.subclasses else []
    kinds = tuple(type(x) for x in found)
    if modes.function_mode:
        with overriding.without_innermost_mode() as mode:
            result = mode.__torch_function__(public_api, kinds, args, kwargs)
        if result is not NotImplemented:
            return result
    for x in found:
        result = type(x).__torch_function__(public_api, kinds, args, kwargs)
        if result is not NotImplemented:
            return result
    name = f"{public_api.__module__}.{public_api.__name__}"
    text = (
        f"no implementation found for '{name}' on types that implement __torch_function__: {[type(x) for x in found]}"
    )
    if modes.function_mode:
        text += f" nor in mode {modes.function_mode[-1]}"
    raise TypeError(text)


def wrap_torch_function(dispatcher: Callable[..., Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorator that makes a function overridable: ``dispatcher`` returns the arguments that may override it."""

    def decorate(func: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(func)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            relevant = dispatcher(*args, **kwargs)
            if has_torch_function(relevant):
                return handle_torch_function(wrapped, relevant, *args, **kwargs)
            return func(*args, **kwargs)

        return wrapped

    return decorate


def is_tensor_like(inp: Any) -> bool:
    """Whether an object is a tensor or may stand for one, having a ``__torch_function__``."""
    return type(inp) is Tensor or hasattr(inp, "__torch_function__")


def get_default_nowrap_functions() -> set[Callable[..., Any]]:
    """Functions whose results Tensor's own ``__torch_function__`` does not turn into the subclass."""
    return overriding.nowrap_functions()


def resolve_name(f: Any) -> str | None:
    """The public name of a function, e.g. ``torch.add``; None for an unknown one."""
    if isinstance(f, str):
        return str(f)
    overriding.load_namespaces()
    found = overriding.name_of(f)
    if found is None and callable(f) and (getattr(f, "__module__", "") or "").startswith("torchax_lite"):
        for name, module in _namespaces():
            if getattr(module, getattr(f, "__name__", " "), None) is f:
                return f"{name}.{getattr(f, '__name__', '')}"
    return found


def _namespaces() -> Iterator[tuple[str, Any]]:
    for name in overriding._NAMESPACES:
        yield name, sys.modules[name.replace("torch", "torchax_lite", 1)]


def is_tensor_method_or_property(func: Callable[..., Any]) -> bool:
    """Whether a function is a method, or the getter or setter of a property, of Tensor."""
    name = resolve_name(func) or ""
    if name.startswith("torch.Tensor."):
        return True
    return getattr(func, "__name__", None) == "__get__"


def get_overridable_functions() -> dict[Any, list[Callable[..., Any]]]:
    """The overridable functions by the namespace (a module or class) in which they are."""
    overriding.load_namespaces()
    found: dict[Any, list[Callable[..., Any]]] = {}
    owners: dict[str, Any] = {**dict(_namespaces()), "torch.Tensor": Tensor}
    for f in overriding.public_functions():
        p = _point(f)
        owner, _, attribute = p.name.rpartition(".")
        if attribute in ("__get__", "__set__"):
            owner, attribute = owner.rpartition(".")[0], owner.rpartition(".")[2]
            key: Any = inspect.getattr_static(Tensor, attribute, Tensor)
        else:
            key = owners[owner]
        listed = found.setdefault(key, [])
        if p.public not in listed and p.public not in get_ignored_functions():
            listed.append(p.public)
    return found


@functools.cache
def get_ignored_functions() -> set[Callable[..., Any]]:
    """Public functions that arguments cannot override (factories are still seen by modes)."""
    overriding.load_namespaces()
    ignored = set(_IGNORED)
    found: set[Callable[..., Any]] = set()
    for name, module in _namespaces():
        for attribute, value in list(vars(module).items()):
            if attribute in (overriding._NOT_SEEN | ignored) and callable(value) and not inspect.ismodule(value):
                if name == "torch" or attribute not in ("fill", "sigmoid", "tanh"):
                    found.add(value)
    for attribute in ("as_subclass", "new_tensor", "__hash__", "__new__", "__init__", "__iter__", "__dir__"):
        found.add(getattr(Tensor, attribute))
    return found


_IGNORED = (
    "arange as_tensor asarray bartlett_window blackman_window empty empty_strided empty_permuted eye from_file full "
    "hamming_window hann_window kaiser_window linspace logspace normal ones rand rand_like randint randint_like randn "
    "randn_like randperm range scalar_tensor tensor tril_indices triu_indices zeros fftfreq rfftfreq vander fill"
).split()


@functools.cache
def get_testing_overrides() -> dict[Callable[..., Any], Callable[..., Any]]:
    """For each overridable function a function with its signature that returns -1."""
    found: dict[Callable[..., Any], Callable[..., Any]] = {}
    for functions in get_overridable_functions().values():
        for f in functions:
            found[f] = _dummy(f)
    return found


def _dummy(f: Any) -> Callable[..., Any]:
    """A function that takes the arguments of ``f`` and returns -1."""
    try:
        signature = inspect.signature(original(f))
    except (TypeError, ValueError):
        return lambda self, *args, **kwargs: -1
    parameters = [p.replace(annotation=inspect.Parameter.empty) for p in signature.parameters.values()]

    def dummy(*args: Any, **kwargs: Any) -> int:
        signature.bind(*args, **kwargs)
        return -1

    dummy.__signature__ = signature.replace(parameters=parameters, return_annotation=int)  # type: ignore[attr-defined]
    dummy.__name__ = getattr(f, "__name__", "dummy")
    return dummy
