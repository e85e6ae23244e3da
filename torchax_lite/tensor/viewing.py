"""Views: made without recording anything, and given their place in the graph anew after their base changed."""

from __future__ import annotations

from typing import Any

from ..engine.avals import Aval
from ..ops.registry import Op
from . import dispatch, overriding
from .call_arguments import normal_statics, type_error
from .call_sites import make_site
from .modes import modes
from .strides import contiguous_strides
from .tape import attach
from .view_rules import INFERENCE, NO_GRAD


def call_view(op: Op, t: Any, scalars: tuple[Any, ...], statics: tuple[Any, ...]) -> Any:
    """A view of ``t``; nothing is recorded before the view is used."""
    if t.__class__ not in dispatch.PLAIN and not dispatch.is_plain(type(t)):
        if not isinstance(t, dispatch.Tensor):
            made = overriding.foreign_call((t,))
            if made is not None:
                return made[0]
            raise TypeError(type_error(op, op.tensor_params[0], t, "Tensor"))
        if t._own_layout:
            return dispatch.other_layout("call", op, (t,), scalars, statics)
    a = t._aval
    key = (statics, a, len(scalars))
    try:
        site = op.sites.get(key)
    except TypeError:
        site = None
    if site is None:
        statics = normal_statics(op, statics)
        key = (statics, a, len(scalars))
        site = op.sites.get(key) or make_site(op, (t,), tuple(scalars), statics, key)
    storage = t._storage
    out = dispatch.new(dispatch.Tensor)
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
        holder = dispatch.new(dispatch.Tensor)
        holder._aval = site.out_aval
        holder._storage = base._storage
        if site.differentiable:
            attach(site, (current,), (_Placeholder(a),), numbers, (holder,), ())
        current = holder
        a = site.out_aval
    target._requires_grad = current._requires_grad
    target._grad_fn = current._grad_fn
    target._output_nr = current._output_nr
