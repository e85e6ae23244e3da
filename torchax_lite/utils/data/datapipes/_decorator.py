"""Decorators of pipes: functional names, and the mark of what is not deterministic."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

from .datapipe import IterDataPipe, MapDataPipe

__all__ = [
    "argument_validation", "functional_datapipe", "guaranteed_datapipes_determinism", "non_deterministic",
    "runtime_validation", "runtime_validation_disabled",
]  # fmt: skip


class functional_datapipe:  # noqa: N801  (PyTorch's name)
    """Makes a pipe class a method of all pipes.

    Args:
        name: of the method.
        enable_df_api_tracing: must be False: there are no pipes of data frames here.
    """

    def __init__(self, name: str, enable_df_api_tracing: bool = False) -> None:
        self.name = name
        self.enable_df_api_tracing = enable_df_api_tracing

    def __call__(self, cls: Any) -> Any:
        marked = getattr(cls, "__self__", cls)  # `deterministic_wrapper_fn` of a mark
        kind = marked.cls if isinstance(marked, non_deterministic) else cls
        if issubclass(kind, IterDataPipe):
            IterDataPipe.register_datapipe_as_function(self.name, cls, self.enable_df_api_tracing)
        elif issubclass(kind, MapDataPipe):
            MapDataPipe.register_datapipe_as_function(self.name, cls)
        return cls


_determinism = False


class guaranteed_datapipes_determinism:  # noqa: N801
    """A context in which pipes that are marked as not deterministic refuse to be made."""

    def __init__(self) -> None:
        global _determinism
        self.prev = _determinism
        _determinism = True

    def __enter__(self) -> None:
        pass

    def __exit__(self, exc_type: Any, exc_value: Any, traceback: Any) -> None:
        global _determinism
        _determinism = self.prev


class non_deterministic:  # noqa: N801
    """Marks a pipe class as not deterministic, always or for some arguments.

    Args:
        arg: the class, or a function of the constructor's arguments that tells.
    """

    cls: Any = None
    deterministic_fn: Callable[..., bool]

    def __init__(self, arg: Any) -> None:
        if isinstance(arg, type):
            if not issubclass(arg, IterDataPipe):
                raise TypeError(
                    f"Only `IterDataPipe` can be decorated with `non_deterministic`, but {arg.__name__} is found"
                )
            self.cls = arg
        elif callable(arg):
            self.deterministic_fn = arg
        else:
            raise TypeError(f"{arg} can not be decorated by non_deterministic")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.cls is not None:
            if _determinism:
                raise TypeError(
                    f"{self.cls.__name__} is non-deterministic, but you set 'guaranteed_datapipes_determinism'. You can "
                    "turn off determinism for this DataPipe if that is acceptable for your application"
                )
            return self.cls(*args, **kwargs)
        if not (isinstance(args[0], type) and issubclass(args[0], IterDataPipe)):
            raise TypeError(f"Only `IterDataPipe` can be decorated, but {args[0].__name__} is found")
        self.cls = args[0]
        return self.deterministic_wrapper_fn

    def deterministic_wrapper_fn(self, *args: Any, **kwargs: Any) -> Any:
        """Make the pipe, unless it is not deterministic for these arguments and must be."""
        random = self.deterministic_fn(*args, **kwargs)
        if not isinstance(random, bool):
            raise TypeError(
                "deterministic_fn of `non_deterministic` decorator is required to return a boolean value, but "
                f"{type(random)} is found"
            )
        if _determinism and random:
            raise TypeError(
                f"{self.cls.__name__} is non-deterministic with the inputs, but you set "
                "'guaranteed_datapipes_determinism'. You can turn off determinism for this DataPipe if that is "
                "acceptable for your application"
            )
        return self.cls(*args, **kwargs)


def _refuse(name: str) -> NoReturn:
    raise NotImplementedError(f"torch.utils.data.{name}: pipes do not check types here; use a type checker")


class runtime_validation_disabled:  # noqa: N801
    """A context in which pipes do not check the types of their samples: they never do here."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, exc_type: Any, exc_value: Any, traceback: Any) -> None:
        pass


def argument_validation(f: Any) -> Any:
    """Refused: pipes do not check types here."""
    _refuse("argument_validation")


def runtime_validation(f: Any) -> Any:
    """Refused: pipes do not check types here."""
    _refuse("runtime_validation")
