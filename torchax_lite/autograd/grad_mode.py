"""Switches for recording gradients, as context managers, decorators and functions."""

from __future__ import annotations

import functools
import inspect
import threading
from collections.abc import Callable
from typing import Any

from ..tensor import dispatch
from ..tensor.modes import Modes, modes, update_watch


class _DecoratorContext:
    """A context manager that can also decorate functions, generators and classes' methods."""

    def clone(self) -> _DecoratorContext:
        """A fresh manager with the same settings."""
        return type(self)()

    def __call__(self, fn: Callable[..., Any]) -> Callable[..., Any]:
        if inspect.isclass(fn):
            raise TypeError(f"{type(self).__name__} decorates functions and methods, not the class {fn.__name__}")
        if inspect.isgeneratorfunction(fn):
            return self._wrap_generator(fn)

        @functools.wraps(fn)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            with self.clone():
                return fn(*args, **kwargs)

        return wrapped

    def _wrap_generator(self, fn: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(fn)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            gen = fn(*args, **kwargs)
            try:
                with self.clone():
                    value = gen.send(None)
                while True:
                    try:
                        sent = yield value
                    except GeneratorExit:
                        with self.clone():
                            gen.close()
                        raise
                    except BaseException as e:
                        with self.clone():
                            value = gen.throw(e)
                    else:
                        with self.clone():
                            value = gen.send(sent)
            except StopIteration as stop:
                return stop.value

        return wrapped

    def __enter__(self) -> Any:
        raise NotImplementedError

    def __exit__(self, *exc: object) -> None:
        raise NotImplementedError


class _NoParams(_DecoratorContext):
    """Usable as ``@no_grad`` and ``@no_grad()``."""

    def __new__(cls, fn: Callable[..., Any] | None = None) -> Any:
        if fn is None:
            return super().__new__(cls)
        return cls()(fn)

    def __init__(self) -> None:
        self.previous: list[bool] = []


class no_grad(_NoParams):
    """No gradients are recorded inside."""

    def __enter__(self) -> None:
        self.previous.append(modes.grad)
        modes.grad = False

    def __exit__(self, *exc: object) -> None:
        modes.grad = self.previous.pop()


class enable_grad(_NoParams):
    """Gradients are recorded inside, also within ``no_grad``."""

    def __enter__(self) -> None:
        self.previous.append(modes.grad)
        modes.grad = not modes.inference

    def __exit__(self, *exc: object) -> None:
        modes.grad = self.previous.pop()


class set_grad_enabled(_DecoratorContext):
    """Recording on or off: at once as a function, for a block as a context manager."""

    def __init__(self, mode: bool) -> None:
        if not isinstance(mode, bool):
            raise TypeError(f"enabled must be a bool (got {type(mode).__name__})")
        self.mode = mode
        self.previous = modes.grad
        modes.grad = mode

    def clone(self) -> set_grad_enabled:
        return type(self)(self.mode)

    def __call__(self, fn: Callable[..., Any]) -> Callable[..., Any]:
        modes.grad = self.previous
        return super().__call__(fn)

    def __enter__(self) -> None:
        modes.grad = self.mode

    def __exit__(self, *exc: object) -> None:
        modes.grad = self.previous


_inference_blocks = 0
_blocks_lock = threading.Lock()


def _new_marked(cls: type) -> Any:
    """A bare object; a tensor made in inference mode says so."""
    made: Any = object.__new__(cls)
    if cls is dispatch.Tensor and modes.inference:
        made._inference = True
    return made


def _mark_new_tensors(change: int) -> None:
    """While any thread is in inference mode the dispatcher makes its objects by :func:`_new_marked`.

    So code outside inference mode does not pay for the question.
    """
    global _inference_blocks
    with _blocks_lock:
        _inference_blocks += change
        dispatch.new = _new_marked if _inference_blocks else object.__new__  # type: ignore[assignment]
        if change > 0 and not Modes.inference_used:
            Modes.inference_used = True
            Modes.watch = True
    update_watch()


class inference_mode(_DecoratorContext):
    """No gradients and no version counting; tensors made inside never take part in autograd."""

    def __new__(cls, mode: Any = True) -> Any:
        if isinstance(mode, bool):
            return super().__new__(cls)
        return cls()(mode)

    def __init__(self, mode: bool = True) -> None:
        self.mode = mode
        self.previous: list[tuple[bool, bool]] = []

    def clone(self) -> inference_mode:
        return type(self)(self.mode)

    def __enter__(self) -> None:
        self.previous.append((modes.inference, modes.grad))
        modes.inference = self.mode
        modes.grad = not self.mode
        _mark_new_tensors(1 if self.mode else 0)

    def __exit__(self, *exc: object) -> None:
        modes.inference, modes.grad = self.previous.pop()
        _mark_new_tensors(-1 if self.mode else 0)


class set_multithreading_enabled(_DecoratorContext):
    """Accepted for compatibility of spelling: the backward always runs in the calling thread."""

    def __init__(self, mode: bool) -> None:
        _need_bool("set_multithreading_enabled", mode)
        self.mode = mode

    def clone(self) -> set_multithreading_enabled:
        return type(self)(self.mode)

    def __enter__(self) -> None:
        pass

    def __exit__(self, *exc: object) -> None:
        pass


class enforce_grad_layout_policy(_DecoratorContext):
    """Whether a leaf's first gradient takes the leaf's strides (the default) or keeps its own; also a function."""

    def __init__(self, enable: bool = True) -> None:
        _need_bool("set_grad_layout_enforcement_enabled", enable)
        self.enable = enable
        self.previous = modes.grad_layout
        modes.grad_layout = enable

    def clone(self) -> enforce_grad_layout_policy:
        return type(self)(self.enable)

    def __call__(self, fn: Callable[..., Any]) -> Callable[..., Any]:
        modes.grad_layout = self.previous
        return super().__call__(fn)

    def __enter__(self) -> None:
        modes.grad_layout = self.enable

    def __exit__(self, *exc: object) -> None:
        modes.grad_layout = self.previous


def _need_bool(name: str, value: Any) -> None:
    if not isinstance(value, bool):
        raise TypeError(f"{name}(): argument 'enabled' (position 1) must be bool, not {type(value).__name__}")


def is_grad_enabled() -> bool:
    """Whether gradients are recorded now in this thread."""
    return modes.grad


def is_inference_mode_enabled() -> bool:
    """Whether inference mode is on in this thread."""
    return modes.inference
