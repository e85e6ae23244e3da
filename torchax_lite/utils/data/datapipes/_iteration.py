"""What happens around a pipe's ``__iter__``: it is reset, older iterators of it end, and errors name it."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from typing import Any

_FEEDBACK = (
    "\nFor feedback regarding this single iterator per IterDataPipe constraint, feel free "
    "to comment on this issue: https://github.com/pytorch/data/issues/45."
)


def _shown(value: Any) -> str:
    return value.__name__ if inspect.isfunction(value) else repr(value)


def arguments_of(pipe: Any) -> str:
    """A pipe's attributes that are named as arguments of its constructor."""
    names = set(inspect.signature(type(pipe)).parameters)
    pairs = [(name, getattr(pipe, name)) for name in sorted(names) if hasattr(pipe, name)]
    return ", ".join(f"{name}={_shown(value)}" for name, value in pairs)


def begin(pipe: Any) -> int:
    """Start a pass over a pipe: end the one before it, and reset the pipe. Returns the pass's number."""
    if getattr(pipe, "_is_child_datapipe", False):
        return int(pipe._set_main_datapipe_valid_iterator_id())
    pipe._valid_iterator_id = 0 if pipe._valid_iterator_id is None else pipe._valid_iterator_id + 1
    pipe.reset()
    return int(pipe._valid_iterator_id)


def check(pipe: Any, number: int) -> None:
    """Raise RuntimeError where a later pass over the pipe has begun."""
    if getattr(pipe, "_is_child_datapipe", False):
        if not pipe._check_valid_iterator_id(number):
            main = pipe.main_datapipe
            raise RuntimeError(
                "This iterator has been invalidated, because a new iterator has been created from one of the "
                f"ChildDataPipes of {type(main).__name__}({arguments_of(main)}).{_FEEDBACK}"
            )
    elif pipe._valid_iterator_id != number:
        raise RuntimeError(
            "This iterator has been invalidated because another iterator has been created from the same IterDataPipe: "
            f"{type(pipe).__name__}({arguments_of(pipe)})\nThis may be caused by multiple references to the same "
            f"IterDataPipe. We recommend using `.fork()` if that is necessary.{_FEEDBACK}"
        )


def _name_in(error: Exception, pipe: Any) -> None:
    """Add to an error's text where it comes from."""
    text = f"thrown by __iter__ of {type(pipe).__name__}({arguments_of(pipe)})"
    if not error.args or not isinstance(error.args[0], str):
        error.args = (f"\nThis exception is {text}",)
    elif "thrown by __iter__ of" not in error.args[0] and "single iterator per IterDataPipe" not in error.args[0]:
        error.args = (f"{error.args[0]}\nThis exception is {text}", *error.args[1:])


def around_generator(function: Callable[[Any], Iterator[Any]]) -> Callable[[Any], Iterator[Any]]:
    """An ``__iter__`` that is a generator function: its pass begins with the first sample."""

    @functools.wraps(function)
    def wrapped(self: Any) -> Iterator[Any]:
        number = begin(self)
        samples = function(self)
        try:
            for sample in samples:
                self._number_of_samples_yielded += 1
                yield sample
                check(self, number)
        except Exception as error:
            _name_in(error, self)
            raise
        finally:
            samples.close()  # type: ignore[attr-defined]

    return wrapped


class _Pass:
    """The iterator of an ``__iter__`` that is a plain function: its pass begins at once."""

    def __init__(self, iterator: Iterator[Any], pipe: Any, number: int) -> None:
        self.iterator = iterator
        self.datapipe = pipe
        self.iterator_id = number

    def __iter__(self) -> _Pass:
        return self

    def __next__(self) -> Any:
        check(self.datapipe, self.iterator_id)
        sample = next(self.iterator)
        self.datapipe._number_of_samples_yielded += 1
        return sample

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["iterator"], name)


def around_function(function: Callable[[Any], Iterator[Any]]) -> Callable[[Any], Iterator[Any]]:
    """An ``__iter__`` that is a plain function."""

    @functools.wraps(function)
    def wrapped(self: Any) -> Iterator[Any]:
        number = begin(self)
        return _Pass(function(self), self, number)

    return wrapped


def hook(cls: type) -> None:
    """Wrap the ``__iter__`` that a class defines itself."""
    function = cls.__dict__.get("__iter__")
    if function is not None:
        wrap = around_generator if inspect.isgeneratorfunction(function) else around_function
        cls.__iter__ = wrap(function)  # type: ignore[attr-defined]
