"""Calling declared ops on tensors: sites looked up, nodes recorded, results wrapped, the tape extended.

Generated wrappers call :func:`call`, :func:`call_inplace`, :func:`call_out` and :func:`call_view` with the arguments
already sorted into tensors, scalars and statics (see ``ops/generate.py``). This module is the door; behind it are
``call_arguments`` (numbers, statics, type errors), ``call_sites`` (an op bound to shapes and dtypes), ``writing``
(in-place, ``out=``, writes through views) and ``viewing``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..engine.avals import Aval, aval
from ..engine.recorder import Node
from ..ops.registry import Op
from . import overriding
from .call_arguments import KIND, normal_statics, position, python_number, same_statics, type_error, type_name
from .call_sites import common_place, in_schema_order, make_site, move_to
from .modes import modes
from .storage import Storage
from .strides import contiguous_strides, pointwise_strides
from .tape import attach

Tensor: Any = None
"""The class, set by ``tensor/tensor.py`` when it defines it."""
PLAIN: set[type] = set()
"""Classes whose instances take the fast path: Tensor and its subclasses without ``__torch_function__``."""

other_layout: Any = None
"""Set by ``torchax_lite.sparse`` when it is loaded: ``f(form, op, tensors, scalars, statics, out=None)`` answers calls
with sparse tensors, and ``NotImplemented`` where there is none. Only slow paths ask: sparse classes are never plain."""

new = object.__new__
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
    out = new(Tensor)
    out._aval = a = node.aval if where is None else where
    out._storage = storage = new(Storage)
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
        elif cls in KIND:
            key.append(KIND[cls])
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
                kind = KIND.get(s.__class__)
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
        normal = normal_statics(op, statics)
        if not same_statics(normal, statics):
            return call(op, tensors, scalars, normal)
        site = make_site(op, tensors, scalars, statics, tuple(key))
        if site.place_fix:
            return call(op, move_to(tensors, site.place_fix), scalars, statics)
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
        out = new(Tensor)
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
        out = new(Tensor)
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
                made = new(Node)
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
            out = new(Tensor)
            out._aval = aval
            out._storage = storage = new(Storage)
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
                        made = new(Node)
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
                    out = new(Tensor)
                    out._aval = aval
                    out._storage = storage = new(Storage)
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
                    made = new(Node)
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
                out = new(Tensor)
                out._aval = aval
                out._storage = storage = new(Storage)
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
        key, nodes, flat, numbers, fixed = general_key(op, tensors, scalars, statics)
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
            return call(op, move_to(tensors, site.place_fix), scalars, statics)
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


def general_key(op: Op, tensors: Sequence[Any], scalars: tuple[Any, ...], statics: tuple[Any, ...]) -> Any:
    statics = normal_statics(op, statics)
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
                raise TypeError(type_error(op, p, t, "tuple of Tensors"))
            for i, x in enumerate(t):
                if not isinstance(x, Tensor) and not (x is None and p.kind == "Tensor?[]"):
                    raise TypeError(
                        f"expected Tensor as element {i} in argument {position(op, p) - 1}, but got {type(x).__name__}"
                    )
            t = list(t)
            key.append(tuple(None if x is None else tensor(x) for x in t))
        elif t is None:
            if "?" not in p.kind:
                raise TypeError(type_error(op, p, t, "Tensor"))
            key.append(None)
        else:
            number = python_number(t)
            if number is None or "Scalar" not in p.kind:
                raise TypeError(type_error(op, p, t, "Tensor"))
            key.append(KIND[number.__class__])
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
                raise TypeError(type_error(op, p, s, "Number"))
            key.append(None if number is None else KIND[number.__class__])
            if number is not None:
                numbers.append(number)
            fixed_scalars.append(number)
    return tuple(key), nodes, flat, numbers, (fixed, tuple(fixed_scalars), statics)


from .viewing import call_view, replay_view  # noqa: E402
from .writing import (  # noqa: E402
    WriteSite,
    assign,
    call_inplace,
    call_out,
    check_overlap,
    check_writable,
    rewrite_base,
    store,
    write_out,
)

__all__ = [
    "KIND", "PLAIN", "WriteSite", "assign", "call", "call_inplace", "call_out", "call_view",
    "check_overlap", "check_writable", "common_place", "in_schema_order", "is_plain", "make_site", "python_number",
    "replay_view", "rewrite_base", "store", "type_name", "wrap", "write_out",
]  # fmt: skip
