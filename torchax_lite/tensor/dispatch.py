"""Calling declared ops on tensors: sites looked up, nodes recorded, results wrapped, the tape extended.

Generated wrappers call :func:`call`, :func:`call_inplace`, :func:`call_out` and :func:`call_view` with the arguments
already sorted into tensors, scalars and statics (see ``ops/generate.py``).
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..engine.avals import CPU, Aval, Place, aval, place
from ..engine.recorder import Node
from ..ops.lowering import Binding, Number, broadcast
from ..ops.matmul import float32_precision
from ..ops.registry import ArraySpec, Op
from ..ops.schema import Param
from . import dtypes, overriding
from .modes import modes
from .sites import DiffSite, OpSite, ResidualSite, grad_name, infer, promoter
from .storage import Storage
from .strides import contiguous_strides, is_non_overlapping_and_dense, is_overlapping, pointwise_strides
from .tape import OpGradNode, attach
from .view_rules import INFERENCE, NO_GRAD, forbidden_write

Tensor: Any = None
"""The class, set by ``tensor/tensor.py`` when it defines it."""
PLAIN: set[type] = set()
"""Classes whose instances take the fast path: Tensor and its subclasses without ``__torch_function__``."""

other_layout: Any = None
"""Set by ``torchax_lite.sparse`` when it is loaded: ``f(form, op, tensors, scalars, statics, out=None)`` answers calls
with sparse tensors, and ``NotImplemented`` where there is none. Only slow paths ask: sparse classes are never plain."""

_new = object.__new__
_KIND = {float: "f", int: "i", bool: "b", complex: "c"}
_DEFAULTS = "defaults"


def is_plain(cls: type) -> bool:
    """Whether tensors of this class behave as plain tensors; remembers the answer."""
    if cls in PLAIN:
        return True
    if not issubclass(cls, Tensor) or cls._own_layout:
        return False
    if cls is Tensor or not overriding.overrides(cls):
        PLAIN.add(cls)
        return True
    return False


def wrap(node: Node, where: Aval | None = None) -> Any:
    """A fresh tensor around a node, with a storage of its own."""
    out = _new(Tensor)
    out._aval = a = node.aval if where is None else where
    out._storage = storage = _new(Storage)
    storage.node = node
    storage.aval = a
    return out


# -- calls -------------------------------------------------------------------------------------------------------------


def call(op: Op, tensors: Sequence[Any], scalars: tuple[Any, ...] = (), statics: tuple[Any, ...] = ()) -> Any:
    """Record an op and return its result(s)."""
    key: list[Any] = [statics]
    nodes: list[Node] = []
    flat: list[Any] = []
    numbers: list[Any] = []
    requires_grad = False
    strided = False
    for t in tensors:
        cls = t.__class__
        if cls in PLAIN:
            if t._view is None:
                node = t._storage.node
                if node is None:
                    node = t._sync()
            else:
                node = t._sync()
            key.append(t._aval)
            nodes.append(node)
            flat.append(t)
            if t._requires_grad:
                requires_grad = True
            if t._strides is not None:
                strided = True
        elif cls in _KIND:
            key.append(_KIND[cls])
            numbers.append(t)
        elif t is None:
            key.append(None)
        else:
            return _call_general(op, tensors, scalars, statics)
    if scalars:
        if scalars == op.scalar_defaults:
            key.append(_DEFAULTS)
        else:
            for s in scalars:
                kind = _KIND.get(s.__class__)
                if kind is None and s is not None:
                    return _call_general(op, tensors, scalars, statics)
                key.append(kind)
                if kind is not None:
                    numbers.append(s)
    try:
        site = op.sites.get(tuple(key))
    except TypeError:
        return _call_general(op, tensors, scalars, statics)
    if site is None:
        normal = _normal_statics(op, statics)
        if not _same(normal, statics):
            return call(op, tensors, scalars, normal)
        site = make_site(op, tensors, scalars, statics, tuple(key))
        if site.place_fix:
            return call(op, _move_to(tensors, site.place_fix), scalars, statics)
    return finish(site, flat, nodes, numbers, requires_grad, strided)


def finish(
    site: Any, flat: list[Any], nodes: list[Node], numbers: list[Any], requires_grad: bool, strided: bool
) -> Any:
    """Record a site on nodes and wrap its results."""
    record_grad = requires_grad and modes.grad and site.differentiable
    recorder = site.recorder
    if record_grad and recorder.updated:
        recorder.updated = False
        recorder.flush("parameter update")
    residuals = None
    if record_grad and site.keeps_residuals and not modes.saved_hooks:
        keeper = site.residual_site()
        made = keeper.record(keeper, nodes, numbers)
        residuals = keeper, made[site.n_out :]
        made = made[0] if site.single else made[: site.n_out]
    else:
        made = site.record(site, nodes, numbers)
    if site.single:
        out = _new(Tensor)
        out._aval = a = site.out_aval
        out._storage = Storage(made, a)
        if strided and site.strided_rule:
            out._strides = out._storage.strides = pointwise_strides(a.shape, flat)
        if site.memory is not None and (strided or not site.lazy_memory):
            _lay_out(site, (out,), flat)
        if record_grad:
            attach(site, flat, nodes, numbers, (out,), (made,))
            if residuals is not None:
                out._grad_fn.residuals = residuals
        return out
    outs = []
    for node in made:
        out = _new(Tensor)
        out._aval = node.aval
        out._storage = Storage(node, node.aval)
        outs.append(out)
    if site.memory is not None and (strided or not site.lazy_memory):
        _lay_out(site, outs, flat)
    if record_grad:
        attach(site, flat, nodes, numbers, outs, made)
        if residuals is not None:
            outs[0]._grad_fn.residuals = residuals
    return site.result_type(outs)


def _lay_out(site: Any, outs: Sequence[Any], flat: Sequence[Any]) -> None:
    """Give results the strides that the op's memory rule says."""
    inputs = [(t._aval.shape, contiguous_strides(t._aval.shape) if t._strides is None else t._strides) for t in flat]
    laid = site.memory([o._aval.shape for o in outs], inputs, site.layout_statics)
    for o, strides in zip(outs, laid, strict=True):
        if strides is not None and strides != contiguous_strides(o._aval.shape):
            o._strides = o._storage.strides = strides


def call1(op: Op, a: Any) -> Any:
    """:func:`call` for one tensor, everything else at its default: the shortest path from Python to a recorded op."""
    if a.__class__ in PLAIN and a._view is None and a._strides is None and not (a._requires_grad and modes.grad):
        site = op.sites.get((*op.default_statics, a._aval, *op.default_scalars))
        node = a._storage.node
        if site is not None and site.fast and node is not None:
            recorder = site.recorder
            with recorder.lock:
                prog = recorder.prog
                if node.prog is not prog:
                    recorder._add_input(node)
                recorder.code += (site.id, node.idx)
                made = _new(Node)
                made.aval = aval = site.out_aval
                made.value = None
                made.prog = prog
                made.idx = i = recorder.count
                recorder.count = i + 1
                recorder.nodes.append(made)
                recorder.bytes += site.bytes
                recorder.n_ops = n = recorder.n_ops + 1
                if n >= recorder.limit:
                    recorder._at_limit()
            out = _new(Tensor)
            out._aval = aval
            out._storage = storage = _new(Storage)
            storage.node = made
            storage.aval = aval
            return out
    return call(op, (a,), op.scalar_defaults, op.static_defaults)


def call2(op: Op, a: Any, b: Any) -> Any:
    """:func:`call` for two operands (the second may be a number), everything else at its default."""
    if a.__class__ in PLAIN and a._view is None and a._strides is None and not (a._requires_grad and modes.grad):
        cls = b.__class__
        if cls in PLAIN:
            if b._view is None and b._strides is None and not (b._requires_grad and modes.grad):
                site = op.sites.get((*op.default_statics, a._aval, b._aval, *op.default_scalars))
                node, other = a._storage.node, b._storage.node
                if site is not None and site.fast and node is not None and other is not None:
                    recorder = site.recorder
                    with recorder.lock:
                        prog = recorder.prog
                        if node.prog is not prog:
                            recorder._add_input(node)
                        if other.prog is not prog:
                            recorder._add_input(other)
                        recorder.code += (site.id, node.idx, other.idx)
                        made = _new(Node)
                        made.aval = aval = site.out_aval
                        made.value = None
                        made.prog = prog
                        made.idx = i = recorder.count
                        recorder.count = i + 1
                        recorder.nodes.append(made)
                        recorder.bytes += site.bytes
                        recorder.n_ops = n = recorder.n_ops + 1
                        if n >= recorder.limit:
                            recorder._at_limit()
                    out = _new(Tensor)
                    out._aval = aval
                    out._storage = storage = _new(Storage)
                    storage.node = made
                    storage.aval = aval
                    return out
        elif cls is float:
            site = op.sites.get((*op.default_statics, a._aval, "f", *op.default_scalars))
            node = a._storage.node
            if site is not None and site.fast and node is not None:
                recorder = site.recorder
                with recorder.lock:
                    prog = recorder.prog
                    if node.prog is not prog:
                        recorder._add_input(node)
                    recorder.code += (site.id, node.idx)
                    recorder.floats.append(b)
                    made = _new(Node)
                    made.aval = aval = site.out_aval
                    made.value = None
                    made.prog = prog
                    made.idx = i = recorder.count
                    recorder.count = i + 1
                    recorder.nodes.append(made)
                    recorder.bytes += site.bytes
                    recorder.n_ops = n = recorder.n_ops + 1
                    if n >= recorder.limit:
                        recorder._at_limit()
                out = _new(Tensor)
                out._aval = aval
                out._storage = storage = _new(Storage)
                storage.node = made
                storage.aval = aval
                return out
    return call(op, (a, b), op.scalar_defaults, op.static_defaults)


def _call_general(op: Op, tensors: Sequence[Any], scalars: tuple[Any, ...], statics: tuple[Any, ...]) -> Any:
    """The slow path: lists of tensors, NumPy numbers, subclasses, unhashable statics, wrong types."""
    if other_layout is not None:
        made = other_layout("call", op, tensors, scalars, statics)
        if made is not NotImplemented:
            return made
    if op.host is not None and tensors[0].__class__ in (list, tuple):
        made = _by_host(op, tensors[0], statics)
        if made is not None:
            return made
    try:
        key, nodes, flat, numbers, fixed = _general_key(op, tensors, scalars, statics)
    except TypeError:
        made = overriding.foreign_call((*tensors, *scalars))
        if made is None:
            raise
        return made[0]
    tensors, scalars, statics = fixed
    site = op.sites.get(key)
    if site is None:
        site = make_site(op, tensors, scalars, statics, key)
        if site.place_fix:
            return call(op, _move_to(tensors, site.place_fix), scalars, statics)
    return finish(
        site, flat, nodes, numbers, any(t._requires_grad for t in flat), any(t._strides is not None for t in flat)
    )


def _by_host(op: Op, parts: Sequence[Any], statics: tuple[Any, ...]) -> Any:
    """The NumPy twin's result on many small parts that have their values already, on the CPU; None otherwise.

    A batch drawn from a replay memory is such a list: other parts each time, some of them twice, so that each would
    be a program of its own.
    """
    if len(parts) < _MANY_PARTS or modes.inference or modes.function_mode:
        return None
    first, arrays = parts[0], []
    for t in parts:
        if t.__class__ is not Tensor or t._requires_grad or t._strides is not None or t._aval.bytes > _SMALL_PART:
            return None
        a = t._aval
        if a.dtype != first._aval.dtype or a.place.type != "cpu" or a.place.kind != "device":
            return None
        value = t._known_value()
        if value is None:
            return None
        arrays.append(value)
    made = np.asarray(op.host(arrays, *statics), order="C")  # type: ignore[misc]
    return wrap(Node(aval(made.shape, made.dtype, first._aval.place), made))


_MANY_PARTS = 4
"""Fewer parts are joined inside the program."""
_SMALL_PART = 4096
"""Bytes of a part up to which joining on the host is cheaper than handing each part to a program."""


def _general_key(op: Op, tensors: Sequence[Any], scalars: tuple[Any, ...], statics: tuple[Any, ...]) -> Any:
    statics = _normal_statics(op, statics)
    key: list[Any] = [statics]
    nodes: list[Node] = []
    flat: list[Any] = []
    numbers: list[Any] = []
    fixed: list[Any] = []

    def tensor(t: Any) -> Aval:
        nodes.append(t._sync())
        flat.append(t)
        return t._aval  # type: ignore[no-any-return]

    for p, t in zip(op.tensor_params, tensors, strict=True):
        if isinstance(t, Tensor):
            is_plain(type(t))
            key.append(tensor(t))
        elif p.kind in ("Tensor[]", "Tensor?[]"):
            if not isinstance(t, (list, tuple)):
                raise TypeError(_type_error(op, p, t, "tuple of Tensors"))
            for i, x in enumerate(t):
                if not isinstance(x, Tensor) and not (x is None and p.kind == "Tensor?[]"):
                    raise TypeError(
                        f"expected Tensor as element {i} in argument {_position(op, p) - 1}, but got {type(x).__name__}"
                    )
            t = list(t)
            key.append(tuple(None if x is None else tensor(x) for x in t))
        elif t is None:
            if "?" not in p.kind:
                raise TypeError(_type_error(op, p, t, "Tensor"))
            key.append(None)
        else:
            number = python_number(t)
            if number is None or "Scalar" not in p.kind:
                raise TypeError(_type_error(op, p, t, "Tensor"))
            key.append(_KIND[number.__class__])
            numbers.append(number)
            t = number
        fixed.append(t)
    fixed_scalars: list[Any] = []
    if scalars == op.scalar_defaults and scalars:
        key.append(_DEFAULTS)
        fixed_scalars = list(scalars)
    else:
        for p, s in zip(op.scalar_params, scalars, strict=True):
            number = None if s is None else python_number(s)
            if number is None and not (s is None and "?" in p.kind):
                raise TypeError(_type_error(op, p, s, "Number"))
            key.append(None if number is None else _KIND[number.__class__])
            if number is not None:
                numbers.append(number)
            fixed_scalars.append(number)
    return tuple(key), nodes, flat, numbers, (fixed, tuple(fixed_scalars), statics)


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
    if isinstance(x, Tensor):
        return x.item() if x.ndim == 0 and not x.requires_grad else None
    if hasattr(x, "dtype") and getattr(x, "shape", None) == () and hasattr(x, "item"):
        return python_number(x.item())
    return None


def _position(op: Op, p: Param) -> int:
    return op.schema.params.index(p) + 1


def type_name(x: Any) -> str:
    """Name of a value's type as PyTorch's error texts give it."""
    return "NoneType" if x is None else type(x).__name__


def _type_error(op: Op, p: Param, got: Any, expected: str) -> str:
    name = "input" if p.name == "self" else p.name
    return f"{op.base}(): argument '{name}' (position {_position(op, p)}) must be {expected}, not {type_name(got)}"


def _same(a: tuple[Any, ...], b: tuple[Any, ...]) -> bool:
    return a == b and all(type(x) is type(y) for x, y in zip(a, b, strict=True))


def _normal_statics(op: Op, statics: Sequence[Any]) -> tuple[Any, ...]:
    """Static arguments checked against their declared types and made hashable."""
    return tuple(_normal_static(op, p, v) for p, v in zip(op.static_params, statics, strict=True))


def _normal_static(op: Op, p: Param, v: Any) -> Any:
    kind = p.kind
    if v is None:
        if kind.endswith("?") or p.default is None:
            return None
        raise TypeError(_type_error(op, p, v, {"int": "int", "int[]": "tuple of ints", "bool": "bool"}.get(kind, kind)))
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
            raise TypeError(_type_error(op, p, v, "bool"))
        return bool(v)
    if kind in ("float", "float?"):
        number = python_number(v)
        if number is None or isinstance(number, complex):
            raise TypeError(_type_error(op, p, v, "float"))
        return float(number)
    if kind == "float[]":
        return tuple(float(x) for x in v)
    if kind == "bool[]":
        return tuple(bool(x) for x in v)
    if kind in ("ScalarType", "ScalarType?"):
        if not isinstance(v, dtypes.dtype):
            raise TypeError(_type_error(op, p, v, "torch.dtype"))
        return v
    if not isinstance(v, str):
        raise TypeError(_type_error(op, p, v, "str"))
    return v


def _index(op: Op, p: Param, v: Any, expected: str) -> int:
    if type(v) is int:
        return v
    if isinstance(v, (bool, float, str)) or v is None:
        raise TypeError(_type_error(op, p, v, expected))
    try:
        return operator.index(v)
    except TypeError:
        raise TypeError(_type_error(op, p, v, expected)) from None


# -- sites -------------------------------------------------------------------------------------------------------------


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


def _move_to(tensors: Sequence[Any], where: Place) -> list[Any]:
    return [
        t._to_place(where)
        if isinstance(t, Tensor) and t._aval.place is not where
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
        if isinstance(t, Tensor):
            flat.append(t._aval)
            specs.append(ArraySpec(t._aval.shape, t._aval.dtype))
        elif isinstance(t, (list, tuple)):
            flat.extend(x._aval for x in t if x is not None)
            specs.append([None if x is None else ArraySpec(x._aval.shape, x._aval.dtype) for x in t])
        elif t is None:
            if "?" not in p.kind:
                raise TypeError(_type_error(op, p, t, "Tensor"))
            specs.append(None)
        else:
            if "Scalar" not in p.kind:
                raise TypeError(_type_error(op, p, t, "Tensor"))
            kind = _KIND[t.__class__]
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
        kind = _KIND[s.__class__]
        bound_scalars.append(Number(kind, s if defaults else None))
        if not defaults:
            kinds += kind
    bound_statics = [v._np if isinstance(v, dtypes.dtype) else v for v in statics]
    where, fix = common_place(flat) if flat else (CPU, False)
    if fix and where.kind == "transform":
        return _Lift(where)
    if op.check_body is not None:
        op.check_body(
            *_in_schema_order(
                op,
                specs,
                [s if n is not None else None for n, s in zip(bound_scalars, scalars, strict=True)],
                bound_statics,
            )
        )
    binding = Binding(op, specs, bound_scalars, bound_statics, promoter, inplace)
    if inplace:
        _check_inplace(op, binding, flat, kinds, key)
    if op.shape_body is not None:
        shape = op.shape_body(*_in_schema_order(op, specs, scalars, bound_statics))
        results = [(tuple(shape), flat[0].dtype)]
    else:
        results = infer(op, binding, flat, kinds, key[0:1] + tuple(k if isinstance(k, str) else None for k in key[1:]))
    out_avals = tuple(aval(shape, dtype, where) for shape, dtype in results)
    settings = f"{dtypes.get_default_dtype()}{float32_precision()}"
    label = f"{op.name}{statics!r}{'!' if inplace else ''}{[_label(s) for s in specs]}{bound_scalars}{settings}"
    name = grad_name(op, _in_schema_order(op, specs, bound_scalars, bound_statics))
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


def _in_schema_order(op: Op, tensors: Sequence[Any], scalars: Sequence[Any], statics: Sequence[Any]) -> list[Any]:
    t, s, v = iter(tensors), iter(scalars), iter(statics)
    return [next(t) if p.is_tensor else next(s) if p.is_scalar else next(v) for p in op.schema.params]


def _check_inplace(op: Op, binding: Binding, flat: Sequence[Aval], kinds: str, key: Any) -> None:
    """PyTorch's rules for in-place results: the broadcast shape is self's, the category of the dtype fits."""
    target = flat[0]
    plain = Binding(op, binding.tensors, binding.scalars, binding.statics, promoter)
    results = infer(
        op, plain, flat, kinds, ("plain", key[0], tuple(k if isinstance(k, str) else None for k in key[1:]))
    )
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


# -- in-place ----------------------------------------------------------------------------------------------------------


def call_inplace(op: Op, tensors: Sequence[Any], scalars: tuple[Any, ...] = (), statics: tuple[Any, ...] = ()) -> Any:
    """Record an op and store its result into its first tensor, which is returned."""
    target = tensors[0]
    if not isinstance(target, Tensor):
        raise TypeError(_type_error(op, op.tensor_params[0], target, "Tensor"))
    if other_layout is not None:
        made = other_layout("inplace", op, tensors, scalars, statics)
        if made is not NotImplemented:
            return made
    check_writable(target)
    key, nodes, flat, numbers, fixed = _general_key(op, tensors, scalars, statics)
    if any(t._storage is target._storage for t in flat[1:]):
        check_overlap(op, target, flat[1:])
    key = (*key, "inplace")
    site = op.sites.get(key)
    if site is None:
        from .out_rules import check_inplace_shapes

        check_inplace_shapes(op.base, target, flat[1:])
        site = make_site(op, *fixed, key, inplace=True)
        if site.place_fix:
            if site.place_fix.kind == "transform":
                from .transforms import adopt

                adopt(target, site.place_fix)
            return call_inplace(op, _move_to(fixed[0], site.place_fix), fixed[1], fixed[2])
        if site.out_aval.shape != target._aval.shape:
            op.sites.pop(key, None)
            if op.base == "addbmm":
                return _resized_to(target, call(op, *fixed))
            if op.base in ("addmm", "addmv", "baddbmm"):
                raise RuntimeError(
                    f"Bad in-place call: input tensor size {list(target.shape)} and output tensor size "
                    f"{list(site.out_aval.shape)} should match"
                )
            raise RuntimeError(
                f"output with shape {list(target.shape)} doesn't match the broadcast shape {list(site.out_aval.shape)}"
            )
    requires_grad = any(t._requires_grad for t in flat)
    store(target, site, flat, nodes, numbers, requires_grad)
    return target


def _resized_to(target: Any, result: Any) -> Any:
    """``target`` with the shape and the values of ``result``, on the tape as it."""
    from .resizing import resize_strided

    target._requires_grad, target._grad_fn = False, None
    resize_strided(target, tuple(result.shape), result.stride())
    return target.copy_(result)


def check_overlap(op: Op, target: Any, sources: Sequence[Any]) -> None:
    """Raise where what an op writes and what it reads lie partly in the same memory (or at all, for some ops)."""
    if not op.pointwise and op.base not in NO_OVERLAP and op.base != "copy_into":
        return
    for t in sources:
        if t is not target or op.base in NO_OVERLAP:
            shared = overlap(target, t)
            if shared == "part" or (shared == "whole" and op.base in NO_OVERLAP):
                raise RuntimeError(
                    "unsupported operation: some elements of the input tensor and the written-to tensor refer to a "
                    "single memory location. Please clone() the tensor before performing the operation."
                )


NO_OVERLAP = frozenset(
    (
        "cat", "gather", "index_add", "index_copy", "index_reduce", "index_select", "kthvalue", "masked_select", "put", "scatter",
        "scatter_add", "scatter_reduce", "take",
    )
)  # fmt: skip
"""Ops that may not read what they write, not even the same elements."""


def overlap(a: Any, b: Any) -> str:
    """How the memory of two tensors overlaps: ``none``, ``part``, ``whole``; ``unknown`` where one has gaps."""
    if a._storage is not b._storage or 0 in a._aval.shape or 0 in b._aval.shape:
        return "none"
    if a is b:
        return "whole"
    if not (
        is_non_overlapping_and_dense(a._aval.shape, a.stride())
        and is_non_overlapping_and_dense(b._aval.shape, b.stride())
    ):
        return "unknown"
    ends = [(t._offset, t._offset + t._aval.size) for t in (a, b)]
    if ends[0] == ends[1]:
        return "whole" if a.stride() == b.stride() else "part"
    return "part" if ends[0][0] < ends[1][1] and ends[1][0] < ends[0][1] else "none"


def check_writable(t: Any) -> None:
    """The rules about which tensors may be changed in place."""
    if modes.grad and t._requires_grad:
        base = t._base
        if t._grad_fn is None and (base is None or t._view is None):
            raise RuntimeError("a leaf Variable that requires grad is being used in an in-place operation.")
        if base is not None and base._requires_grad and base._grad_fn is None:
            raise RuntimeError("a view of a leaf Variable that requires grad is being used in an in-place operation.")
    if t._multi_view and modes.grad and (t._requires_grad or t._multi_view > 2):
        raise forbidden_write(t, through_base=False)
    if t._strides is not None and is_overlapping(t._aval.shape, t._strides):
        raise RuntimeError(_REPEATED)
    if t._inference and not modes.inference:
        raise RuntimeError(
            "Inplace update to inference tensor outside InferenceMode is not allowed.You can make a clone to get a "
            "normal tensor before doing inplace update.See https://github.com/pytorch/rfcs/pull/17 for more details."
        )


_REPEATED = (
    "unsupported operation: more than one element of the written-to tensor refers to a single memory location. Please "
    "clone() the tensor before performing the operation."
)


def store(target: Any, site: Any, flat: list[Any], nodes: list[Node], numbers: list[Any], requires_grad: bool) -> None:
    """Record a site and make its (single) result the new value of ``target``, on the tape too."""
    record_grad = requires_grad and modes.grad and site.differentiable
    recorder = site.recorder
    if record_grad and recorder.updated:
        recorder.updated = False
        recorder.flush("parameter update")
    node = site.record(site, nodes, numbers)
    value = None
    if record_grad:
        value = _new(Tensor)
        value._aval = target._aval
        value._storage = target._storage
        attach(site, flat, nodes, numbers, (value,), (node,))
        if value._grad_fn.saved_out:
            for s in value._grad_fn.saved_out:
                s.counter += 1
        if site.saves_in and site.saves_in[0] == 0:
            # the overwritten value is kept as it was: no change of the tensor can reach it
            kept = value._grad_fn.saved[0]
            kept.storage, kept.counter = Storage(None, target._aval), 0
    assign(target, node, value)


def assign(target: Any, node: Node, value: Any = None) -> None:
    """Make ``node`` the value of ``target`` and of everything that aliases it.

    ``value`` is a tensor that carries the new place in the autograd graph, or None where nothing was recorded.
    """
    storage = target._storage
    if target._view is None:
        if storage.host is not None:
            storage.write_host(node)
        else:
            storage.node = node
        storage.version += 1
        if not target._shadow:
            storage.counter += 1
        if value is not None:
            target._rebase_history(value._grad_fn, value._output_nr)
            storage.gversion += 1
        elif target._requires_grad and target._grad_fn is None and not modes.grad and node.aval.recorder.tape:
            node.aval.recorder.updated = True
        return
    chain = target._view
    site = write_site(storage.aval, chain)
    base_node = storage.node if storage.host is None else storage.read_host()
    numbers = [x for _, xs in chain for x in xs]
    new_base = site.record(site, (base_node, node), numbers)
    base = target._base
    if storage.host is not None:
        storage.write_host(new_base)
    else:
        storage.node = new_base
    storage.version += 1
    if not target._shadow:
        storage.counter += 1
    target._vnode = node if storage.host is None else None
    target._vversion = storage.version if storage.host is None else -1
    if value is not None or (base is not None and base._requires_grad and modes.grad):
        if base is None:
            target._rebase_history(value._grad_fn, value._output_nr)
            storage.gversion += 1
            target._gversion = storage.gversion
            return
        source = value
        if source is None:
            source = _new(Tensor)
            source._aval = target._aval
            source._storage = storage
        holder = _new(Tensor)
        holder._aval = storage.aval
        holder._storage = storage
        attach(site, (base, source), (base_node, node), numbers, (holder,), (new_base,))
        base._rebase_history(holder._grad_fn, 0)
        storage.gversion += 1
        target._refresh_grad()


def rewrite_base(target: Any, fn: Any, nr: int) -> None:
    """A view's values were changed outside the tape and now come from ``fn``: its base follows."""
    storage, base = target._storage, target._base
    source, holder = _new(Tensor), _new(Tensor)
    source._aval, source._requires_grad, source._grad_fn, source._output_nr = target._aval, True, fn, nr
    holder._aval = storage.aval
    source._storage = holder._storage = storage
    numbers = [x for _, xs in target._view for x in xs]
    attach(write_site(storage.aval, target._view), (base, source), (), numbers, (holder,), ())
    base._rebase_history(holder._grad_fn, 0)
    storage.gversion += 1
    target._refresh_grad()


_write_sites: dict[Any, DiffSite] = {}


class WriteSite(DiffSite):
    """``base`` with the part that a chain of views shows replaced by a value."""

    __slots__ = ("chain", "differentiable")

    def __init__(self, base: Aval, chain: Sequence[Any]) -> None:
        sites = [s for s, _ in chain]
        value = sites[-1].out_aval
        kinds = "".join(s.number_kinds for s in sites)

        def fn(x: Any, v: Any, *numbers: Any) -> list[Any]:
            return [write_chain(sites, x, v, numbers)]

        label = "write" + ";".join(str(s.label) + str(s.in_avals[0]) for s in sites)
        super().__init__(fn, (base, value), kinds, (base,), "copy_slices", label, "CopySlices", base.place)
        self.chain = sites
        self.replaces = (0,)
        self.automatic = False
        self.saves_in = ()
        self.differentiable = any(self.diff_in)

    def backward(
        self, arrays: Sequence[Any], numbers: Sequence[Any], results: Sequence[Any], cts: Sequence[Any],
        needs: Sequence[bool],
    ) -> list[Any]:  # fmt: skip
        import jax.numpy as jnp

        ct = cts[0]
        grads = []
        if needs[0]:
            zeros = jnp.zeros(self.in_avals[1].shape, self.in_avals[1].dtype)
            grads.append(write_chain(self.chain, ct, zeros, numbers))
        if needs[1]:
            x = ct
            for s, xs in zip(self.chain, _numbers_by_site(self.chain, numbers), strict=True):
                x = s.fn(x, *xs)[0]
            grads.append(x)
        return grads


def _numbers_by_site(sites: Sequence[Any], numbers: Sequence[Any]) -> list[Sequence[Any]]:
    found, i = [], 0
    for s in sites:
        n = len(s.number_kinds)
        found.append(numbers[i : i + n])
        i += n
    return found


def write_chain(sites: Sequence[Any], x: Any, v: Any, numbers: Sequence[Any]) -> Any:
    """Functional write through a chain of views: forward values down, replaced values up."""
    by_site = _numbers_by_site(sites, numbers)
    levels = [x]
    for s, xs in zip(sites[:-1], by_site[:-1], strict=True):
        levels.append(s.fn(levels[-1], *xs)[0])
    for s, xs, level in zip(reversed(sites), reversed(by_site), reversed(levels), strict=True):
        v = write_one(s, level, v, xs)
    return v


def write_one(site: Any, base: Any, value: Any, numbers: Sequence[Any]) -> Any:
    """``base`` with the part that one view op shows replaced; by index map where the op declares no inverse."""
    import jax.numpy as jnp

    op = site.op
    if op.write_body is not None:
        by_name = site.binding.arguments((base,), numbers, cast=False)
        rest = [by_name[p.name] for p in op.schema.params[1:]]
        return op.write_body(base, value, *rest)
    where = jnp.arange(base.size).reshape(base.shape)
    index = site.fn(where, *numbers)[0]
    return base.reshape(-1).at[index.reshape(-1)].set(value.reshape(-1)).reshape(base.shape)


def write_site(base: Aval, chain: Sequence[Any]) -> DiffSite:
    """The interned write through a chain of views."""
    key = tuple(s.id for s, _ in chain)
    found = _write_sites.get(key)
    if found is None:
        found = _write_sites[key] = WriteSite(base, chain)
    return found


# -- out= --------------------------------------------------------------------------------------------------------------


def call_out(op: Op, tensors: Sequence[Any], scalars: tuple[Any, ...], statics: tuple[Any, ...], out: Any) -> Any:
    """The ``out=`` form: compute, then resize, check and store."""
    if other_layout is not None:
        made = other_layout("out", op, tensors, scalars, statics, out)
        if made is not NotImplemented:
            return made
    many = isinstance(out, (tuple, list))
    outs = list(out) if many else [out]
    for o in outs:
        if not isinstance(o, Tensor):
            raise TypeError(f"{op.base}(): argument 'out' must be Tensor, not {type_name(o)}")
    from .out_rules import WITH_GRADIENT, case_of

    given = [t for x in tensors for t in (x if isinstance(x, (list, tuple)) else (x,)) if isinstance(t, Tensor)]
    name = case_of(op.name, given, statics)
    if modes.grad and not {op.base, name} & WITH_GRADIENT and any(t.requires_grad for t in (*given, *outs)):
        raise RuntimeError(
            f"{op.base}(): functions with out=... arguments don't support automatic differentiation, but one of the "
            "arguments requires grad."
        )
    if op.base in ("cumsum", "cumprod") and statics[1] is None:
        statics = (statics[0], outs[0].dtype)  # they are computed in the dtype of ``out``
    for o in outs:
        if o._strides is not None and is_overlapping(o._aval.shape, o._strides):
            raise RuntimeError(_REPEATED)
        if any(t._storage is o._storage for t in given):
            check_overlap(op, o, given)
    result = call(op, tensors, scalars, statics)
    results = list(result) if isinstance(result, (tuple, list)) else [result]
    if len(results) != len(outs):
        raise TypeError(f"{op.base}() expected {len(results)} out tensors, got {len(outs)}")
    for o, r in zip(outs, results, strict=True):
        write_out(o, r, name)
    if not isinstance(result, (tuple, list)):
        return out
    from .return_types import with_outs

    return with_outs(result, outs)


def write_out(out: Any, result: Any, name: str = "") -> None:
    """Store a result into an ``out`` tensor by PyTorch's resize and cast rules, those of the function ``name``."""
    if result.dtype is not out.dtype:
        from .out_rules import check_out_dtype

        check_out_dtype(name, result.dtype, out.dtype)
    if out.device != result.device and result.ndim:
        raise RuntimeError(f"Expected out tensor to have device {result.device}, but got {out.device} instead")
    if out.shape != result.shape:
        from .out_rules import SILENT, keeps_rows

        if out.numel() and name.partition(".")[0] not in SILENT:
            import warnings

            warnings.warn(
                f"An output with one or more elements was resized since it had shape {list(out.shape)}, which does not "
                f"match the required output shape {list(result.shape)}. This behavior is deprecated, and in a future "
                "PyTorch release outputs will not be resized unless they have zero elements. You can explicitly reuse "
                "an out tensor t by resizing it, inplace, to zero elements with t.resize_(0).",
                UserWarning,
                stacklevel=4,
            )
        from .resizing import resize_strided

        shape = tuple(result.shape)
        rows = keeps_rows(name) and (name not in ("geqrf", "linalg_eig") or out.numel())
        resize_strided(out, shape, contiguous_strides(shape) if rows else result.stride())
    out.copy_(result)


# -- views -------------------------------------------------------------------------------------------------------------


def call_view(op: Op, t: Any, scalars: tuple[Any, ...], statics: tuple[Any, ...]) -> Any:
    """A view of ``t``; nothing is recorded before the view is used."""
    if t.__class__ not in PLAIN and not is_plain(type(t)):
        if not isinstance(t, Tensor):
            made = overriding.foreign_call((t,))
            if made is not None:
                return made[0]
            raise TypeError(_type_error(op, op.tensor_params[0], t, "Tensor"))
        if t._own_layout:
            return other_layout("call", op, (t,), scalars, statics)
    a = t._aval
    key = (statics, a, len(scalars))
    try:
        site = op.sites.get(key)
    except TypeError:
        site = None
    if site is None:
        statics = _normal_statics(op, statics)
        key = (statics, a, len(scalars))
        site = op.sites.get(key) or make_site(op, (t,), tuple(scalars), statics, key)
    storage = t._storage
    out = _new(Tensor)
    if t._view is not None:
        t._sync_versions()
        if t._multi_view:
            out._multi_view = t._multi_view
    out._storage = storage
    out._aval = site.out_aval
    out._view = ((site, scalars),) if t._view is None else (*t._view, (site, scalars))
    out._vversion = -1
    out._gversion = storage.gversion
    out._shadow = t._shadow
    out._inference = t._inference
    layout = op.layout
    strides = t._strides
    shape, strides, offset = layout(  # type: ignore[misc]
        a.shape, contiguous_strides(a.shape) if strides is None else strides, t._offset, *scalars, *site.layout_statics
    )
    if strides != contiguous_strides(site.out_aval.shape):
        out._strides = strides
    if offset:
        out._offset = offset
    if t._requires_grad or t._base is not None or t._view is None:
        out._base = t if t._view is None else t._base
    if t._requires_grad and site.differentiable:
        if modes.grad:
            attach(site, (t,), (_Placeholder(a),), scalars, (out,), ())
        else:
            out._multi_view = INFERENCE if modes.inference else NO_GRAD
    return out


class _Placeholder:
    """Stands where :func:`attach` wants a node that view derivatives never save."""

    __slots__ = ("aval",)

    def __init__(self, a: Aval) -> None:
        self.aval = a


def replay_view(base: Any, target: Any) -> None:
    """Give a view its place in the graph anew, from its base, after the base changed in place."""
    current = base
    target._requires_grad = False
    target._grad_fn = None
    if not base._requires_grad:
        return
    a = base._aval
    for site, numbers in target._view:
        holder = _new(Tensor)
        holder._aval = site.out_aval
        holder._storage = base._storage
        if site.differentiable:
            attach(site, (current,), (_Placeholder(a),), numbers, (holder,), ())
        current = holder
        a = site.out_aval
    target._requires_grad = current._requires_grad
    target._grad_fn = current._grad_fn
    target._output_nr = current._output_nr


__all__ = [
    "OpGradNode", "PLAIN", "assign", "call", "call_inplace", "call_out", "call_view", "is_plain", "python_number",
    "store", "wrap",
]  # fmt: skip
