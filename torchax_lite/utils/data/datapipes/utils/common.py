"""Files, streams, and the checks of functions that pipes are given."""

from __future__ import annotations

import fnmatch
import functools
import inspect
import os
import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NoReturn

__all__ = [
    "StreamWrapper", "get_file_binaries_from_pathnames", "get_file_pathnames_from_root", "match_masks",
    "validate_input_col", "validate_pathname_binary_tuple",
]  # fmt: skip


def check_callable(fn: Any) -> None:
    """Raise TypeError for what is no function. (Lambdas and local functions go to workers by value here.)"""
    if not callable(fn):
        raise TypeError(f"A callable function is expected, but {type(fn)} is provided.")


def validate_input_col(fn: Callable[..., Any], input_col: Any) -> None:
    """Check that a function takes as many arguments as there are columns.

    Raises:
        ValueError: it takes others, or has keyword-only parameters without a default.
    """
    try:
        parameters = inspect.signature(fn).parameters
    except (ValueError, TypeError):  # a built-in function
        return
    size = len(input_col) if isinstance(input_col, (list, tuple)) else 1
    inner = fn.func if isinstance(fn, functools.partial) else fn
    name = getattr(inner, "__name__", repr(inner))
    kinds = [p.kind for p in parameters.values()]
    positional = [p for p in parameters.values() if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    keyword = [p for p in parameters.values() if p.kind is p.KEYWORD_ONLY and p.default is p.empty]
    variable = inspect.Parameter.VAR_POSITIONAL in kinds
    if keyword:
        raise ValueError(
            f"The function {name} takes {len(keyword)} non-default keyword-only parameters, which is not allowed."
        )
    if len(parameters) < size and not variable:
        raise ValueError(f"The function {name} takes {len(parameters)} parameters, but {size} are required.")
    too_many = len(positional) > size and any(p.default is p.empty for p in positional[size:])
    if len(parameters) >= size and (too_many or (len(positional) < size and not variable)):
        raise ValueError(f"The function {name} takes {len(positional)} positional parameters, but {size} are required.")


def match_masks(name: str, masks: str | list[str]) -> bool:
    """Whether a file's name matches one of the patterns; no pattern matches all."""
    patterns = [masks] if isinstance(masks, str) else masks
    return not masks or any(fnmatch.fnmatch(name, pattern) for pattern in patterns)


def get_file_pathnames_from_root(
    root: str,
    masks: str | list[str],
    recursive: bool = False,
    abspath: bool = False,
    non_deterministic: bool = False,
) -> Iterable[str]:
    """The paths of the files in a folder whose names match, sorted unless ``non_deterministic``."""

    def fail(error: OSError) -> NoReturn:
        warnings.warn(f"{error.filename} : {error.strerror}", stacklevel=2)
        raise error

    if os.path.isfile(root):
        path = os.path.abspath(root) if abspath else root
        if match_masks(os.path.basename(path), masks):
            yield path
        return
    for folder, folders, files in os.walk(root, onerror=fail):
        if not non_deterministic:
            files.sort()
            folders.sort()
        for file in files:
            if match_masks(file, masks):
                yield os.path.join(os.path.abspath(folder) if abspath else folder, file)
        if not recursive:
            return


def get_file_binaries_from_pathnames(
    pathnames: Any, mode: str, encoding: str | None = None
) -> Iterator[tuple[str, StreamWrapper]]:
    """Each path with the open file."""
    if mode in ("b", "t"):
        mode = "r" + mode
    for pathname in pathnames if isinstance(pathnames, Iterable) else [pathnames]:
        if not isinstance(pathname, str):
            raise TypeError(f"Expected string type for pathname, but got {type(pathname)}")
        yield pathname, StreamWrapper(open(pathname, mode, encoding=encoding))  # noqa: SIM115


def validate_pathname_binary_tuple(data: Any) -> None:
    """Raise TypeError for what is no pair of a path and a stream."""
    import io

    if not isinstance(data, tuple):
        raise TypeError(f"pathname binary data should be tuple type, but it is type {type(data)}")
    if len(data) != 2:
        raise TypeError(f"pathname binary stream tuple length should be 2, but got {len(data)}")
    if not isinstance(data[0], str):
        raise TypeError(f"pathname within the tuple should have string type pathname, but it is type {type(data[0])}")
    if not isinstance(data[1], (io.IOBase, StreamWrapper)):
        raise TypeError(
            "binary stream within the tuple should have IOBase orits subclasses as type, but it is type "
            f"{type(data[1])}"
        )


class StreamWrapper:
    """A stream that is closed when it is no longer used.

    Args:
        file_obj: the stream.
        parent_stream: the wrapped stream that it reads from; :meth:`autoclose` of that waits for its children.
        name: for printing.
    """

    def __init__(self, file_obj: Any, parent_stream: StreamWrapper | None = None, name: str | None = None) -> None:
        self.file_obj = file_obj
        self.child_counter = 0
        self.close_on_last_child = False
        self.name = name
        self.closed = False
        if parent_stream is not None:
            if not isinstance(parent_stream, StreamWrapper):
                raise RuntimeError(f"Parent stream should be StreamWrapper, {type(parent_stream)} was given")
            parent_stream.child_counter += 1
        self.parent_stream = parent_stream

    @classmethod
    def close_streams(cls, v: Any, depth: int = 0) -> None:
        """Close all wrapped streams in nested dicts, lists and tuples."""
        if depth > 10:
            return
        if isinstance(v, StreamWrapper):
            v.close()
        elif isinstance(v, (dict, list, tuple)):
            for inner in v.values() if isinstance(v, dict) else v:
                cls.close_streams(inner, depth + 1)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["file_obj"], name)

    def close(self, *args: Any, **kwargs: Any) -> None:
        """Close the stream, and with the last of its parent's children, the parent if it waits for that."""
        if self.closed:
            return
        parent = self.parent_stream
        if parent is not None:
            parent.child_counter -= 1
            if not parent.child_counter and parent.close_on_last_child:
                parent.close()
        if hasattr(self.file_obj, "close"):
            self.file_obj.close(*args, **kwargs)
        self.closed = True

    def autoclose(self) -> None:
        """Close when all children are closed: now, if there are none."""
        self.close_on_last_child = True
        if self.child_counter == 0:
            self.close()

    def __del__(self) -> None:
        if not self.__dict__.get("closed", True):
            self.close()

    def __iter__(self) -> Iterator[Any]:
        yield from self.file_obj

    def __next__(self) -> Any:
        return next(self.file_obj)

    def __repr__(self) -> str:
        return (
            f"StreamWrapper<{self.file_obj!r}>"
            if self.name is None
            else f"StreamWrapper<{self.name},{self.file_obj!r}>"
        )

    def __getstate__(self) -> Any:
        return self.file_obj

    def __setstate__(self, obj: Any) -> None:
        StreamWrapper.__init__(self, obj)
