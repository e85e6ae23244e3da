"""What all factories share: sizes, dtypes, places, and ops without tensor inputs."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.avals import Place, aval
from ..engine.recorder import Node
from . import dispatch, dtypes
from .casting import to_place_copy
from .device import to_place
from .layouts import strided
from .modes import modes
from .tensor import Tensor


def on_place(array: np.ndarray[Any, Any], where: Place) -> Tensor:
    """A tensor with an array's values (the array must not be written any more)."""
    t: Tensor = dispatch.wrap(Node(aval(array.shape, array.dtype, HOST), array))
    return t if where is HOST else to_place_copy(t, where)


HOST = to_place("cpu")


def finish(t: Tensor, requires_grad: bool, layout: Any = None, pin_memory: bool = False) -> Tensor:
    """A new tensor as its caller asked for it; memory is pinned without a difference."""
    if layout is not None and layout is not strided:
        raise NotImplementedError(f"layout={layout!r}: make it dense and convert it: to_sparse(layout={layout!r})")
    if requires_grad:
        if not (t.dtype.is_floating_point or t.dtype.is_complex):
            raise RuntimeError("Only Tensors of floating point and complex dtype can require gradients")
        t.requires_grad_(True)
    if modes.inference:
        t._inference = True
    return t


def site_on(op: Any, where: Place, scalars: tuple[Any, ...], statics: tuple[Any, ...]) -> Any:
    """The site of an op without tensor inputs on a place."""
    kinds = "".join(dispatch.KIND[s.__class__] for s in scalars)
    key = (where, kinds, statics)
    found = op.sites.get(key)
    if found is None:
        found = dispatch.make_site(op, (), scalars, statics, key)
        if where is not HOST:
            from ..engine.recorder import Site

            out_avals = tuple(aval(a.shape, a.dtype, where) for a in found.out_avals)
            found = op.sites[key] = Site(found.fn, (), kinds, out_avals, found.name, found.label, where)
    return found


def record(op: Any, where: Place, scalars: tuple[Any, ...], statics: tuple[Any, ...]) -> Tensor:
    """Record an op without tensor inputs on a place."""
    scalars = tuple(dispatch.python_number(s) for s in scalars)
    site = site_on(op, where, scalars, statics)
    out: Tensor = dispatch.wrap(site.record(site, (), scalars))
    return out


def check_dtype(dtype: Any) -> dtypes.dtype | None:
    """A dtype argument: a torch.dtype, a Python type, or None."""
    if dtype is None or isinstance(dtype, dtypes.dtype):
        return dtype
    found = dtypes.of_python(dtype)
    if isinstance(found, dtypes.dtype):
        return found
    raise TypeError(f"dtype must be torch.dtype, not {type(dtype).__name__}")


def size_of(args: tuple[Any, ...], size: Any = None, function: str = "empty") -> tuple[int, ...]:
    """A shape from ``f(2, 3)``, ``f((2, 3))`` or ``size=``."""
    if size is None:
        if len(args) == 1 and (isinstance(args[0], (float, complex, bool, str)) or args[0] is None):
            raise TypeError(
                f"{function}(): argument 'size' (position 1) must be tuple of ints, not {dispatch.type_name(args[0])}"
            )
        size = args[0] if len(args) == 1 and not isinstance(args[0], (int, np.integer)) else args
    if isinstance(size, Tensor) and size.ndim == 0:
        size = (size.item(),)
    if isinstance(size, (int, np.integer)):
        size = (size,)
    found = []
    for i, s in enumerate(size):
        if isinstance(s, (float, str)) or s is None or isinstance(s, bool):
            raise TypeError(
                f"{function}(): argument 'size' failed to unpack the object at pos {i + 1} with error \"type must be tuple of ints,but got {type(s).__name__}\""
            )
        s = s.__index__()
        found.append(s)
    if function == "zeros" and any(s < 0 for s in found):
        raise RuntimeError("zeros: Dimension size must be non-negative.")
    if any(s < 0 for s in found):
        raise RuntimeError(
            f"Trying to create tensor with negative dimension {next(s for s in found if s < 0)}: {list(found)}"
        )
    return tuple(found)


def result_or_out(result: Tensor, out: Tensor | None) -> Tensor:
    """``result``, or ``out`` holding it."""
    if out is None:
        return result
    dispatch.write_out(out, result, "full")
    return out
