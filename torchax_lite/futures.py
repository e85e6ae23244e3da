"""``torch.futures``: values that are there later."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Generic, TypeVar

__all__ = ["Future", "collect_all", "wait_all"]

T = TypeVar("T")
S = TypeVar("S")


class Future(Generic[T]):
    """A value that another thread, or a later line, sets once.

    Args:
        devices: accepted for PyTorch's sake; values may be on any device.
    """

    def __init__(self, *, devices: list[Any] | None = None) -> None:
        self._condition = threading.Condition()
        self._done = False
        self._value: Any = None
        self._error: BaseException | None = None
        self._callbacks: list[Callable[[Future[T]], Any]] = []

    def done(self) -> bool:
        """Whether a value or an exception was set."""
        return self._done

    def wait(self) -> T:
        """The value, once it is set; raises the exception if one was set."""
        with self._condition:
            self._condition.wait_for(lambda: self._done)
        if self._error is not None:
            raise self._error
        return self._value  # type: ignore[no-any-return]

    def value(self) -> T:
        """The value, which must be set."""
        if not self._done:
            raise RuntimeError("Future not done yet: value() needs wait() first")
        return self.wait()

    def then(self, callback: Callable[[Future[T]], S]) -> Future[S]:
        """A future of ``callback(self)``, called when this one is done."""
        made: Future[S] = Future()

        def run(done: Future[T]) -> None:
            try:
                made.set_result(callback(done))
            except Exception as error:
                made.set_exception(error)

        self._when_done(run)
        return made

    def add_done_callback(self, callback: Callable[[Future[T]], None]) -> None:
        """Call ``callback(self)`` when this one is done; its errors are not seen."""

        def run(done: Future[T]) -> None:
            try:
                callback(done)
            except Exception as error:
                import warnings

                warnings.warn(f"a callback of a Future raised: {error}", stacklevel=2)

        self._when_done(run)

    def _when_done(self, run: Callable[[Future[T]], None]) -> None:
        with self._condition:
            if not self._done:
                self._callbacks.append(run)
                return
        run(self)

    def set_result(self, result: T) -> None:
        """Set the value."""
        self._finish(result, None)

    def set_exception(self, result: BaseException) -> None:
        """Set an exception, which ``wait`` raises."""
        if not isinstance(result, Exception):
            raise AssertionError(f"{result} is of type {type(result)}, not an Exception.")
        self._finish(None, result)

    def _finish(self, value: Any, error: BaseException | None) -> None:
        with self._condition:
            if self._done:
                raise RuntimeError("Future can only be marked completed once")
            self._value, self._error, self._done = value, error, True
            callbacks, self._callbacks = self._callbacks, []
            self._condition.notify_all()
        for run in callbacks:
            run(self)


def collect_all(futures: list[Future[Any]]) -> Future[list[Future[Any]]]:
    """A future of the list, done when all of them are."""
    made: Future[list[Future[Any]]] = Future()
    left = [len(futures)]
    lock = threading.Lock()
    if not futures:
        made.set_result([])
        return made

    def one(_: Future[Any]) -> None:
        with lock:
            left[0] -= 1
            last = left[0] == 0
        if last:
            made.set_result(list(futures))

    for f in futures:
        f._when_done(one)
    return made


def wait_all(futures: list[Future[Any]]) -> list[Any]:
    """The values of all, in order; raises the first error."""
    return [f.wait() for f in collect_all(futures).wait()]
