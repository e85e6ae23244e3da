"""Arguments of a call as its op wants them: numbers of all kinds, statics in one form, and the errors about types."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..ops.registry import Op
from ..ops.schema import Param
from . import dispatch, dtypes

KIND = {float: "f", int: "i", bool: "b", complex: "c"}
"""The letter of each class of Python numbers."""


def python_number(x: Any) -> Any:
    """A bool, int, float or complex for a number-like value (NumPy scalars, 0-dim tensors); None for others."""
    if isinstance(x, (bool, np.bool_)):
        return bool(x)
    if isinstance(x, (int, np.integer)):
        return int(x)
    if isinstance(x, (float, np.floating)):
        return float(x)
    if isinstance(x, (complex, np.complexfloating)):
        return complex(x)
    if isinstance(x, dispatch.Tensor):
        return x.item() if x.ndim == 0 and not x.requires_grad else None
    if hasattr(x, "dtype") and getattr(x, "shape", None) == () and hasattr(x, "item"):
        return python_number(x.item())
    return None


def position(op: Op, p: Param) -> int:
    return op.schema.params.index(p) + 1


def type_name(x: Any) -> str:
    """Name of a value's type as PyTorch's error texts give it."""
    return "NoneType" if x is None else type(x).__name__


def type_error(op: Op, p: Param, got: Any, expected: str) -> str:
    name = "input" if p.name == "self" else p.name
    return f"{op.base}(): argument '{name}' (position {position(op, p)}) must be {expected}, not {type_name(got)}"


def same_statics(a: tuple[Any, ...], b: tuple[Any, ...]) -> bool:
    return a == b and all(type(x) is type(y) for x, y in zip(a, b, strict=True))


def normal_statics(op: Op, statics: Sequence[Any]) -> tuple[Any, ...]:
    """Static arguments checked against their declared types and made hashable."""
    return tuple(_normal_static(op, p, v) for p, v in zip(op.static_params, statics, strict=True))


def _normal_static(op: Op, p: Param, v: Any) -> Any:
    kind = p.kind
    if v is None:
        if kind.endswith("?") or p.default is None:
            return None
        raise TypeError(type_error(op, p, v, {"int": "int", "int[]": "tuple of ints", "bool": "bool"}.get(kind, kind)))
    if kind in ("int[]", "int[]?"):
        if isinstance(v, (list, tuple)):
            items = tuple(v)
            if p.repeat > 1 and len(items) == 1:
                items = items * p.repeat
        else:
            items = (v,) * max(p.repeat, 1)
        return tuple(_index(op, p, x, "tuple of ints") for x in items)
    if kind in ("int", "int?"):
        return _index(op, p, v, "int")
    if kind in ("bool", "bool?"):
        if not isinstance(v, (bool, np.bool_)):
            raise TypeError(type_error(op, p, v, "bool"))
        return bool(v)
    if kind in ("float", "float?"):
        number = python_number(v)
        if number is None or isinstance(number, complex):
            raise TypeError(type_error(op, p, v, "float"))
        return float(number)
    if kind == "float[]":
        return tuple(float(x) for x in v)
    if kind == "bool[]":
        return tuple(bool(x) for x in v)
    if kind in ("ScalarType", "ScalarType?"):
        if not isinstance(v, dtypes.dtype):
            raise TypeError(type_error(op, p, v, "torch.dtype"))
        return v
    if not isinstance(v, str):
        raise TypeError(type_error(op, p, v, "str"))
    return v


def _index(op: Op, p: Param, v: Any, expected: str) -> int:
    if type(v) is int:
        return v
    if isinstance(v, (bool, float, str)) or v is None:
        raise TypeError(type_error(op, p, v, expected))
    try:
        return operator.index(v)
    except TypeError:
        raise TypeError(type_error(op, p, v, expected)) from None
