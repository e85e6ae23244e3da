"""Choosing arguments by number, and what transforms ask of inputs and outputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..tensor.tensor import Tensor
from .pytree import flatten


def _index(argnum: Any, n: int) -> int:
    if not isinstance(argnum, int):
        raise RuntimeError(f"argnum must be int, got: {type(argnum)}")
    if not -n <= argnum < n:
        raise RuntimeError(f"Got argnum={argnum}, but only {n} positional inputs")
    return argnum % n


def _indices(argnums: Any, n: int) -> Any:
    if isinstance(argnums, int):
        return _index(argnums, n)
    if not isinstance(argnums, tuple):
        raise RuntimeError(f"argnums must be int or Tuple[int, ...], got: {type(argnums)}")
    found = tuple(_index(a, n) for a in argnums)
    if not found:
        raise RuntimeError("argnums must be non-empty")
    if len(set(found)) != len(found):
        raise RuntimeError(f"argnums elements must be unique, got {found}")
    return found


def sliced(args: tuple[Any, ...], argnums: Any, as_tuple: bool = True) -> Any:
    """The arguments that ``argnums`` names; for one number the argument itself unless ``as_tuple``."""
    found = _indices(argnums, len(args))
    if isinstance(found, int):
        return (args[found],) if as_tuple else args[found]
    return tuple(args[i] for i in found)


def replaced(args: tuple[Any, ...], new: Sequence[Any], argnums: Any) -> tuple[Any, ...]:
    """``args`` with those that ``argnums`` names exchanged."""
    found = _indices(argnums, len(args))
    where = (found,) if isinstance(found, int) else found
    made = list(args)
    for i, x in zip(where, new, strict=True):
        made[i] = x
    return tuple(made)


def require_tensors(outs: list[Any], api: str) -> None:
    """RuntimeError for an output that is empty or holds anything but tensors."""
    if not outs or (len(outs) == 1 and outs[0] is None):
        raise RuntimeError(f"{api}: Expected f to be a function that has non-empty output (got output = {outs})")
    for o in outs:
        if not isinstance(o, Tensor):
            raise RuntimeError(f"{api}: expected f(*primals) to return only tensors, got unsupported type {type(o)}")


def check_complex(name: str, tree: Any, is_input: bool) -> None:
    """RuntimeError for complex tensors, which Jacobians are not defined for here."""
    for i, x in enumerate(flatten(tree)[0]):
        if isinstance(x, Tensor) and x.is_complex():
            what = "inputs" if is_input else "outputs"
            raise RuntimeError(
                f"{name}: Expected all {what} to be real but received complex tensor at flattened input idx: {i}"
            )


__all__ = ["check_complex", "replaced", "require_tensors", "sliced"]
