"""Picking one of several declared overloads by the arguments given."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..ops.registry import Op
from ..ops.schema import Param
from . import dispatch, dtypes

_SYNONYMS = {"axis": "dim", "keepdims": "keepdim", "x": "self", "input": "self", "x2": "other"}


def numpy_names(fn: Callable[..., Any]) -> Callable[..., Any]:
    """The function with NumPy's names ``axis`` and ``keepdims`` accepted for ``dim`` and ``keepdim``."""

    @functools.wraps(fn)
    def call(*args: Any, **kwargs: Any) -> Any:
        if kwargs:
            if "axis" in kwargs and "dim" not in kwargs:
                kwargs["dim"] = kwargs.pop("axis")
            if "keepdims" in kwargs and "keepdim" not in kwargs:
                kwargs["keepdim"] = kwargs.pop("keepdims")
        return fn(*args, **kwargs)

    return call


def call_overloaded(name: str, ops: Sequence[Op], args: tuple[Any, ...], kwargs: dict[str, Any], form: str) -> Any:
    """Call the first overload that takes these arguments.

    Raises:
        TypeError: when none does, with the forms that exist.
    """
    if not kwargs:
        signature = (ops, form, *map(type, args))
        plan = _plans.get(signature)
        if plan is not None:
            op, send, tensors, scalars, statics = plan
            return send(
                op,
                [args[i] if known else i for known, i in tensors],
                tuple([args[i] if known else i for known, i in scalars]),
                tuple([args[i] if known else i for known, i in statics]),
            )
    given = dict(kwargs)
    out = given.pop("out", None) if form == "function" else None
    for op in ops:
        bound = bind(op, args, given)
        if bound is None:
            continue
        if op.name in _VALUE_CHECKED:
            from .value_checks import check_values

            check_values(op, *bound)
        elif not kwargs and len(args) <= len(op.schema.params) and _types_decide(ops, args):
            _plans[signature] = _plan(op, form, len(args), args)
        if form == "inplace":
            return dispatch.call_inplace(op, *bound)
        if op.view:
            return dispatch.call_view(op, bound[0][0], bound[1], bound[2])
        if out is not None:
            return dispatch.call_out(op, *bound, out)
        return dispatch.call(op, *bound)
    raise TypeError(invalid_combination(name, ops, args, kwargs))


_VALUE_CHECKED = {"scatter.src", "scatter.value", "scatter.reduce", "scatter.value_reduce", "div.mode"}
"""Overloads whose known index or divisor values are looked at first."""
_TELLING = {int, float, bool, complex, str, type(None)}
_plans: dict[Any, Any] = {}


def _types_decide(ops: Sequence[Op], args: tuple[Any, ...]) -> bool:
    """Whether other arguments of these types would pick the same overload (0-dim tensors also pass as numbers)."""
    for i, a in enumerate(args):
        if type(a) in _TELLING:
            continue
        if type(a) not in dispatch.PLAIN:
            return False
        for op in ops:
            positional = [p for p in op.schema.params if not p.keyword_only]
            if i < len(positional) and (positional[i].is_scalar or positional[i].kind.startswith("int")):
                return False
    return True


def _view(op: Op, tensors: Any, scalars: Any, statics: Any) -> Any:
    return dispatch.call_view(op, tensors[0], scalars, statics)


def _plan(op: Op, form: str, n: int, args: tuple[Any, ...]) -> Any:
    """How positional arguments of these types are sorted: for each parameter (True, position) or (False, default)."""
    send = dispatch.call_inplace if form == "inplace" else _view if op.view else dispatch.call
    sorted_: tuple[list[Any], list[Any], list[Any]] = ([], [], [])
    for i, p in enumerate(op.schema.params):
        source = (True, i) if i < n and not p.keyword_only else (False, p.default)
        sorted_[0 if p.is_tensor else 1 if p.is_scalar else 2].append(source)
    return op, send, *sorted_


def bind(op: Op, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Arguments sorted into (tensors, scalars, statics), or None where they do not fit the schema."""
    params = op.schema.params
    positional = [p for p in params if not p.keyword_only]
    values: dict[str, Any] = {}
    if len(args) > len(positional):
        last = positional[-1] if positional else None
        if last is None or not last.kind.startswith("int[]") or len(positional) > 2 or op.base not in ("squeeze",):
            return None
        args = (*args[: len(positional) - 1], args[len(positional) - 1 :])
    for p, v in zip(positional, args, strict=False):
        values[p.name] = v
    names = {p.name for p in params}
    for k, v in kwargs.items():
        k = k if k in names else _SYNONYMS.get(k, k)
        if k not in names or k in values:
            return None
        values[k] = v
    tensors: list[Any] = []
    scalars: list[Any] = []
    statics: list[Any] = []
    for p in params:
        if p.name in values:
            v = values[p.name]
            if not fits(p, v):
                return None
        elif p.required:
            return None
        else:
            v = p.default
        (tensors if p.is_tensor else scalars if p.is_scalar else statics).append(v)
    return tuple(tensors), tuple(scalars), tuple(statics)


def fits(p: Param, v: Any) -> bool:
    """Whether a value may be passed for a parameter of this kind."""
    kind = p.kind
    if v is None:
        return kind.endswith("?")
    tensor = isinstance(v, dispatch.Tensor)
    if kind in ("Tensor", "Tensor?"):
        return tensor
    if kind in ("Tensor[]", "Tensor?[]"):
        return isinstance(v, (list, tuple)) and all(isinstance(x, dispatch.Tensor) or x is None for x in v)
    if kind.startswith("Tensor|Scalar"):
        return tensor or _is_number(v)
    if kind.startswith("Scalar") and not kind.startswith("ScalarType"):
        return _is_number(v) or (tensor and v.ndim == 0)
    if kind.startswith("ScalarType"):
        return isinstance(v, dtypes.dtype)
    if kind.startswith("int[]"):
        return _is_int(v) or (isinstance(v, (list, tuple)) and all(_is_int(x) for x in v))
    if kind.startswith("int"):
        return _is_int(v)
    if kind.startswith("bool"):
        return isinstance(v, (bool, np.bool_))
    if kind.startswith("float"):
        return (_is_number(v) and not isinstance(v, (bool, complex))) or (tensor and v.ndim == 0)
    return isinstance(v, str)


def _is_int(v: Any) -> bool:
    if isinstance(v, (int, np.integer)):
        return not isinstance(v, bool)
    return isinstance(v, dispatch.Tensor) and v.ndim == 0 and v._aval.dtype.kind in "iu"


def _is_number(v: Any) -> bool:
    return isinstance(v, (int, float, complex, np.number, np.bool_))


def invalid_combination(name: str, ops: Sequence[Op], args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    """Text of the error for arguments that fit no overload."""
    got = [describe(a) for a in args] + [f"{k}={describe(v)}" for k, v in kwargs.items()]
    forms = "\n".join(f" * ({_form(op)})" for op in ops)
    return f"{name}() received an invalid combination of arguments - got ({', '.join(got)}), but expected one of:\n{forms}\n"


def describe(v: Any) -> str:
    """Type of an argument as error texts show it."""
    if isinstance(v, (list, tuple)):
        inner = ", ".join(describe(x) for x in v[:4]) + (", ..." if len(v) > 4 else "")
        return (
            f"{type(v).__name__} of ({inner}{',' if len(v) == 1 else ''})"
            if isinstance(v, tuple)
            else f"list of [{inner}]"
        )
    return dispatch.type_name(v)


def _form(op: Op) -> str:
    parts = []
    keyword_only = False
    for p in op.schema.params:
        if p.keyword_only and not keyword_only:
            parts.append("*")
            keyword_only = True
        kind = {
            "Scalar": "Number",
            "int[]": "tuple of ints",
            "ScalarType?": "torch.dtype",
            "Tensor[]": "tuple of Tensors",
        }
        name = "input" if p.name == "self" else p.name
        text = f"{kind.get(p.kind, p.kind)} {name}"
        parts.append(text if p.required else f"{text} = {p.default}")
    if op.out:
        parts += [] if keyword_only else ["*"]
        parts.append("Tensor out = None")
    return ", ".join(parts)
