"""``torch.return_types``: named tuples of ops with several results."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

_made: dict[str, type] = {}


class _Result(tuple[Any, ...]):
    """A tuple whose items have names too."""

    _names: tuple[str, ...] = ()
    n_fields = 0
    n_sequence_fields = 0
    n_unnamed_fields = 0

    __slots__ = ()

    def __repr__(self) -> str:
        body = ",\n".join(f"{n}={v!r}" for n, v in zip(self._names, self, strict=True))
        return f"torch.return_types.{type(self).__name__}(\n{body})"

    def __reduce__(self) -> Any:
        return _rebuild, (type(self).__name__, self._names, tuple(self))


def _rebuild(name: str, names: Sequence[str], values: Sequence[Any]) -> Any:
    return return_type(name, names)(values)


def return_type(name: str, names: Sequence[str]) -> Any:
    """The class of an op's results."""
    found = _made.get(name)
    if found is None or found._names != tuple(names):  # type: ignore[attr-defined]
        fields: dict[str, Any] = {
            "__slots__": (), "_names": tuple(names), "n_fields": len(names), "n_sequence_fields": len(names),
            "__module__": "torch.return_types", "__match_args__": tuple(names),
        }  # fmt: skip
        for i, n in enumerate(names):
            fields[n] = property(lambda self, i=i: self[i])
        found = _made[name] = type(name, (_Result,), fields)
    return found


def __getattr__(name: str) -> Any:
    found = _made.get(name)
    if found is not None:
        return found
    from ..ops.registry import OPS

    for op in OPS.values():
        if op.base == name and any(op.schema.returns):
            return return_type(name, op.schema.returns)
    raise AttributeError(f"module 'torch.return_types' has no attribute '{name}'")
