"""The sites of declared ops: an op bound to shapes, dtypes, statics and a place, checked once and kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..engine.avals import CPU, Aval, Place, aval, place
from ..ops.lowering import Binding, Number, broadcast
from ..ops.precision import settings as precision_settings
from ..ops.registry import ArraySpec, Op
from . import dispatch, dtypes
from .call_arguments import KIND, type_error
from .sites import OpSite, ResidualSite, grad_name, infer, promoter


def common_place(avals: Sequence[Aval]) -> tuple[Place, bool]:
    """Where an op on these inputs runs, and whether a 0-dim CPU input has to move there."""
    places = {a.place for a in avals}
    if len(places) == 1:
        return next(iter(places)), False
    kinds = {p.kind for p in places}
    if "transform" in kinds:
        from .transforms import meet

        return meet(places), True
    if "trace" in kinds:
        return next(p for p in places if p.kind == "trace"), False
    if "meta" in kinds:
        return place("meta", 0, "meta"), False
    wide = {a.place for a in avals if a.ndim}
    if len(wide) == 1 or (not wide and len(places - {CPU}) == 1):
        target = next(iter(wide or places - {CPU}))
        if all(a.place is target or (a.place is CPU and a.ndim == 0) for a in avals):
            return target, True
    from .device import from_place

    names = sorted({str(from_place(p)) for p in places}, reverse=True)
    raise RuntimeError(
        f"Expected all tensors to be on the same device, but found at least two devices, {names[0]} and {names[1]}!"
    )


def move_to(tensors: Sequence[Any], where: Place) -> list[Any]:
    return [
        t._to_place(where)
        if isinstance(t, dispatch.Tensor) and t._aval.place is not where
        else [x if x is None else x._to_place(where) for x in t]
        if isinstance(t, list)
        else t
        for t in tensors
    ]


class CallSite(OpSite):
    """An :class:`OpSite` with what the dispatcher needs besides."""

    __slots__ = ("_residual_site", "differentiable", "layout_statics", "place_fix")

    _residual_site: ResidualSite | None

    def residual_site(self) -> ResidualSite:
        """This call with its residuals as further results."""
        if self._residual_site is None:
            self._residual_site = ResidualSite(self)
        return self._residual_site


class _Lift:
    """Stands for a site of inputs that have to be lifted into a function transform's place first."""

    __slots__ = ("place_fix",)

    def __init__(self, where: Place) -> None:
        self.place_fix = where


def make_site(
    op: Op, tensors: Sequence[Any], scalars: Sequence[Any], statics: tuple[Any, ...], key: Any, inplace: bool = False
) -> Any:
    """Bind an op to this combination of arguments; every shape, dtype and type error comes up here."""
    specs: list[Any] = []
    flat: list[Aval] = []
    kinds = ""
    for p, t in zip(op.tensor_params, tensors, strict=True):
        if isinstance(t, dispatch.Tensor):
            flat.append(t._aval)
            specs.append(ArraySpec(t._aval.shape, t._aval.dtype))
        elif isinstance(t, (list, tuple)):
            flat.extend(x._aval for x in t if x is not None)
            specs.append([None if x is None else ArraySpec(x._aval.shape, x._aval.dtype) for x in t])
        elif t is None:
            if "?" not in p.kind:
                raise TypeError(type_error(op, p, t, "Tensor"))
            specs.append(None)
        else:
            if "Scalar" not in p.kind:
                raise TypeError(type_error(op, p, t, "Tensor"))
            kind = KIND[t.__class__]
            kinds += kind
            specs.append(Number(kind))
    bound_scalars: list[Any] = []
    defaults = bool(scalars) and tuple(scalars) == op.scalar_defaults
    if defaults:
        scalars = op.scalar_defaults  # a 0-dim tensor may equal its default
    for s in scalars:
        if s is None:
            bound_scalars.append(None)
            continue
        kind = KIND[s.__class__]
        bound_scalars.append(Number(kind, s if defaults else None))
        if not defaults:
            kinds += kind
    bound_statics = [v._np if isinstance(v, dtypes.dtype) else v for v in statics]
    where, fix = common_place(flat) if flat else (CPU, False)
    if fix and where.kind == "transform":
        return _Lift(where)
    if op.check_body is not None:
        op.check_body(
            *in_schema_order(
                op,
                specs,
                [s if n is not None else None for n, s in zip(bound_scalars, scalars, strict=True)],
                bound_statics,
            )
        )
    binding = Binding(op, specs, bound_scalars, bound_statics, promoter, inplace)
    label = None
    if op.of_package:
        settings = f"{dtypes.get_default_dtype()}{precision_settings()}"
        label = f"{op.name}{statics!r}{'!' if inplace else ''}{[_label(s) for s in specs]}{bound_scalars}{settings}"
    if inplace:
        _check_inplace(op, binding, flat, kinds, key, label)
    if op.shape_body is not None:
        shape = op.shape_body(*in_schema_order(op, specs, scalars, bound_statics))
        results = [(tuple(shape), flat[0].dtype)]
    else:
        results = infer(op, binding, flat, kinds, (key[0], *_without_avals(key)), label)
    out_avals = tuple(aval(shape, dtype, where) for shape, dtype in results)
    name = grad_name(op, in_schema_order(op, specs, bound_scalars, bound_statics))
    site = CallSite(op, binding, tuple(flat), kinds, out_avals, label, name, where)
    site.differentiable = any(site.diff_in) and any(site.diff_out)
    site.result_type = _result_type(op)
    site.place_fix = where if fix else None
    site.keeps_residuals = op.keep_residuals and where.kind != "transform"
    site._residual_site = None
    if inplace:
        site.replaces = (0,)
    site.layout_statics = tuple(statics)
    if not fix:
        op.sites[key] = site
    return site


def _label(spec: Any) -> str:
    if isinstance(spec, ArraySpec):
        return "T"
    if isinstance(spec, list):
        return "[" + "".join(_label(x) for x in spec) + "]"
    return repr(spec)


def in_schema_order(op: Op, tensors: Sequence[Any], scalars: Sequence[Any], statics: Sequence[Any]) -> list[Any]:
    t, s, v = iter(tensors), iter(scalars), iter(statics)
    return [next(t) if p.is_tensor else next(s) if p.is_scalar else next(v) for p in op.schema.params]


def _without_avals(key: Any) -> tuple[str | None, ...]:
    return tuple(k if isinstance(k, str) else None for k in key[1:])


def _check_inplace(op: Op, binding: Binding, flat: Sequence[Aval], kinds: str, key: Any, label: str | None) -> None:
    """PyTorch's rules for in-place results: the broadcast shape is self's, the category of the dtype fits."""
    target = flat[0]
    plain = Binding(op, binding.tensors, binding.scalars, binding.statics, promoter)
    results = infer(op, plain, flat, kinds, ("plain", key[0], _without_avals(key)), label and f"{label}plain")
    got = dtypes.from_numpy_dtype(results[0][1])
    have = dtypes.from_numpy_dtype(target.dtype)
    if got is not have:
        from .out_rules import check_inplace_dtype

        check_inplace_dtype(op.base, got, have, any(isinstance(s, np.dtype) for s in binding.statics))
    if op.pointwise:
        shape = broadcast([a.shape for a in flat])
        if shape != target.shape:
            raise RuntimeError(
                f"output with shape {list(target.shape)} doesn't match the broadcast shape {list(shape)}"
            )
    if not dtypes.can_cast(got, have) and op.promote != "none":
        raise RuntimeError(
            f"result type {dtypes.scalar_type_name(got)} can't be cast to the desired output type "
            f"{dtypes.scalar_type_name(have)}"
        )


def _result_type(op: Op) -> Any:
    if op.schema.variadic:
        return list if op.base not in ("split", "chunk", "unbind") else tuple
    if any(op.schema.returns):
        from .return_types import return_type

        return return_type(op.base, op.schema.returns)
    return tuple
