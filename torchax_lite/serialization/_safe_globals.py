"""What users allow in ``load(weights_only=True)`` besides the defaults."""

from __future__ import annotations

from typing import Any

from .. import _weights_only_unpickler as weights_only_rules
from ..dropin import _torch_name


def _entries(allowed: Any) -> dict[str, Any]:
    """Full name in files to object; classes of this package under PyTorch's name too."""
    entries = {}
    for item in allowed:
        if isinstance(item, tuple):
            if len(item) != 2:
                raise ValueError(
                    "Expected tuple of length 2 (global, str of callable full path), but got tuple of length: "
                    f"{len(item)}"
                )
            if type(item[1]) is not str:
                raise TypeError(
                    f"Expected second item in tuple to be str of callable full path, but got: {type(item[1])}"
                )
            entries[item[1]] = item[0]
            continue
        module = item.__module__
        entries[f"{module}.{item.__qualname__}"] = item
        torch_module = _torch_name(module)
        if torch_module is not None:
            entries[f"{torch_module}.{item.__qualname__}"] = item
    return entries


def add_safe_globals(safe_globals: list[Any]) -> None:
    """Allow classes and functions in ``load(weights_only=True)``: objects, or pairs (object, full name in the file)."""
    entries = _entries(safe_globals)
    weights_only_rules.safe_globals.update(entries)
    for item in safe_globals:
        if not any(item is known or (isinstance(item, tuple) and item == known) for known in _listed):
            _listed.append(item)


_listed: list[Any] = []
"""What was given to :func:`add_safe_globals`, once each."""


def clear_safe_globals() -> None:
    """Forget everything that was allowed besides the defaults."""
    weights_only_rules.safe_globals.clear()
    _listed.clear()


def get_safe_globals() -> list[Any]:
    """What is allowed besides the defaults, as it was given."""
    return list(_listed)


class safe_globals:
    """Context in which :func:`load` allows more classes and functions."""

    def __init__(self, safe_globals: list[Any]) -> None:
        self.safe_globals = safe_globals

    def __enter__(self) -> None:
        self._before = dict(weights_only_rules.safe_globals), list(_listed)
        add_safe_globals(self.safe_globals)

    def __exit__(self, *exc: object) -> None:
        entries, listed = self._before
        weights_only_rules.safe_globals.clear()
        weights_only_rules.safe_globals.update(entries)
        _listed[:] = listed
