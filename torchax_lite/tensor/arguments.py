"""Arguments of hand-written functions, checked and converted with PyTorch's complaints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from . import dispatch
from .overloads import describe
from .tensor import Tensor


def no_overload(function: str, forms: Sequence[str], args: Sequence[Any], kwargs: dict[str, Any]) -> TypeError:
    got = ", ".join([*(describe(a) for a in args), *(f"{k}={describe(v)}" for k, v in kwargs.items())])
    listed = "\n".join(f" * ({form})" for form in forms)
    return TypeError(
        f"{function}() received an invalid combination of arguments - got ({got}), but expected one of:\n{listed}\n"
    )


def float_of(x: Any) -> float | None:
    """A real number (also a 0-dim tensor's) as a float; None for anything else."""
    if isinstance(x, Tensor) and (x.ndim or x.requires_grad):
        return None
    number = dispatch.python_number(x)
    return None if number is None or isinstance(number, complex) else float(number)


def int_of(x: Any) -> int | None:
    """An integer (also a 0-dim tensor's); None for anything else, bools among them."""
    if isinstance(x, (bool, np.bool_)) or (isinstance(x, Tensor) and (x.ndim or x._aval.dtype.kind not in "iu")):
        return None
    number = dispatch.python_number(x)
    if not isinstance(number, int) or isinstance(number, bool):
        return None
    if not -(2**63) <= number < 2**63:
        raise ValueError("Overflow when unpacking long long")
    return number


def bind_positional(
    function: str, args: tuple[Any, ...], kwargs: dict[str, Any], names: Sequence[str], required: int
) -> list[Any]:  # fmt: skip
    """Values of positional-or-keyword parameters (None where not given), with PyTorch's complaints."""
    if len(args) > len(names):
        takes = f"from {required} to {len(names)}" if required < len(names) else str(len(names))
        raise TypeError(f"{function}() takes {takes} positional arguments but {len(args)} were given")
    values: list[Any] = list(args) + [None] * (len(names) - len(args))
    for k, v in kwargs.items():
        if k not in names:
            raise TypeError(f"{function}() got an unexpected keyword argument '{k}'")
        i = names.index(k)
        if i < len(args):
            raise TypeError(f"{function}() got multiple values for argument '{k}'")
        values[i] = v
    missing = [f'"{n}"' for n, v in zip(names[:required], values, strict=False) if v is None]
    if missing:
        raise TypeError(f"{function}() missing {len(missing)} required positional arguments: {', '.join(missing)}")
    return values


def floats_of(
    function: str, args: tuple[Any, ...], kwargs: dict[str, Any], defaults: dict[str, float | None]
) -> list[float]:
    """Float parameters of an in-place fill; a default of None means required."""
    names = list(defaults)
    values = bind_positional(function, args, kwargs, names, sum(d is None for d in defaults.values()))
    found = []
    for i, (name, given) in enumerate(zip(names, values, strict=True)):
        number = defaults[name] if given is None else float_of(given)
        if number is None:
            kind = type(given).__name__
            raise TypeError(f"{function}(): argument '{name}' (position {i + 1}) must be float, not {kind}")
        found.append(number)
    return found


def shape_of(function: str, size: Any, position: int = 1) -> tuple[int, ...]:
    """A shape argument."""
    if not isinstance(size, (tuple, list)):
        kind = dispatch.type_name(size)
        raise TypeError(f"{function}(): argument 'size' (position {position}) must be tuple of ints, not {kind}")
    found = []
    for i, s in enumerate(size):
        if isinstance(s, (float, str, complex)) or not hasattr(s, "__index__"):
            raise TypeError(
                f"{function}(): argument 'size' failed to unpack the object at pos {i + 1} with error "
                f'"type must be tuple of ints,but got {dispatch.type_name(s)}"'
            )
        found.append(int(s.__index__()))
    for s in found:
        if s < 0:
            raise RuntimeError(f"Trying to create tensor with negative dimension {s}: {found}")
    return tuple(found)


def need_tensor(function: str, x: Any, name: str = "input", position: int = 1) -> Tensor:
    if not isinstance(x, Tensor):
        kind = dispatch.type_name(x)
        raise TypeError(f"{function}(): argument '{name}' (position {position}) must be Tensor, not {kind}")
    return x
