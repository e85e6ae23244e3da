"""The table of composites and the helpers that they share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from ..ops.memory import column_major
from ..tensor.creation import on_place
from ..tensor.dispatch import type_name, write_out
from ..tensor.modes import modes
from ..tensor.out_rules import WITH_GRADIENT
from ..tensor.return_types import return_type, with_outs
from ..tensor.strides import contiguous_strides

if TYPE_CHECKING:
    from ..tensor.tensor import Tensor

FUNCTIONS: dict[str, dict[str, Callable[..., Any]]] = {}
"""Namespace (``torch``, ``linalg``) -> public name -> function."""

METHODS: dict[str, Callable[..., Any]] = {}
"""Name of a Tensor method -> function whose first argument is the tensor."""

F = TypeVar("F", bound=Callable[..., Any])


def composite(
    *, namespaces: Sequence[str] = ("torch",), method: bool = False, name: str | None = None,
    aliases: Sequence[str] = (),
) -> Callable[[F], F]:  # fmt: skip
    """Register a public function; a name given twice is an error.

    Args:
        namespaces: where the function lives; empty for a method only.
        method: it is a Tensor method too.
        name: the public name, if not the function's own.
        aliases: further names in the same places.
    """

    def register(fn: F) -> F:
        for public in (name or fn.__name__.rstrip("_"), *aliases):
            for namespace in namespaces:
                table = FUNCTIONS.setdefault(namespace, {})
                if public in table:
                    raise ValueError(f"composite {namespace}.{public} is registered twice")
                table[public] = fn
            if method:
                if public in METHODS:
                    raise ValueError(f"composite Tensor.{public} is registered twice")
                METHODS[public] = fn
        return fn

    return register


def from_host(array: np.ndarray[Any, Any], like: Tensor) -> Tensor:
    """A new tensor with the values of an array (not written any more), on the device of ``like``."""
    return on_place(np.ascontiguousarray(array).reshape(array.shape), like._aval.place)


def in_columns(t: Tensor) -> Tensor:
    """A tensor that was just made, its matrices column by column in memory."""
    strides = column_major(t._aval.shape)
    if strides is not None and strides != contiguous_strides(t._aval.shape):
        t._strides = t._storage.strides = strides
    return t


def into(name: str, result: Tensor, out: Tensor | None) -> Tensor:
    """``result``, or ``out`` holding it: what ``out=`` asks for.

    Raises:
        TypeError: ``out`` is no tensor. RuntimeError: it has the wrong dtype or device, or gradients are wanted.
    """
    if out is None:
        return result
    if not hasattr(out, "_aval"):
        raise TypeError(f"{name}(): argument 'out' must be Tensor, not {type_name(out)}")
    if modes.grad and name not in WITH_GRADIENT and (result.requires_grad or out.requires_grad):
        refuse_out_gradient(name)
    write_out(out, result, name)
    return out


def refuse_out_gradient(name: str) -> None:
    """Raise the error for ``out=`` where gradients are wanted."""
    raise RuntimeError(
        f"{name}(): functions with out=... arguments don't support automatic differentiation, but one of the "
        "arguments requires grad."
    )


def into_all(name: str, results: Any, outs: Sequence[Tensor] | None) -> Any:
    """:func:`into` for a tuple of results."""
    if outs is None:
        return results
    if len(outs) != len(results):
        raise TypeError(f"{name}() expected {len(results)} out tensors, got {len(outs)}")
    stored = [into(name, r, o) for r, o in zip(results, outs, strict=True)]
    return with_outs(results, stored)


def named(name: str, **results: Any) -> Any:
    """A ``torch.return_types`` result."""
    return return_type(name, tuple(results))(tuple(results.values()))


def is_traced(t: Tensor) -> bool:
    """Whether the values are JAX tracers, so that they cannot be looked at."""
    return t._aval.place.kind != "device"
