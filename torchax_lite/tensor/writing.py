"""Results that replace values: in-place ops, ``out=``, and writes through views to the base they show."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..engine.avals import Aval
from ..engine.recorder import Node
from ..ops.registry import Op
from . import dispatch
from .call_arguments import type_error, type_name
from .call_sites import make_site, move_to
from .modes import modes
from .sites import DiffSite, OpSite
from .storage import Storage
from .strides import contiguous_strides, is_non_overlapping_and_dense, is_overlapping
from .tape import AccumulateGrad, OpGradNode, attach
from .view_rules import forbidden_write


def call_inplace(op: Op, tensors: Sequence[Any], scalars: tuple[Any, ...] = (), statics: tuple[Any, ...] = ()) -> Any:
    """Record an op and store its result into its first tensor, which is returned."""
    target = tensors[0]
    if not isinstance(target, dispatch.Tensor):
        raise TypeError(type_error(op, op.tensor_params[0], target, "Tensor"))
    if dispatch.other_layout is not None:
        made = dispatch.other_layout("inplace", op, tensors, scalars, statics)
        if made is not NotImplemented:
            return made
    check_writable(target)
    key, nodes, flat, numbers, fixed = dispatch.general_key(op, tensors, scalars, statics)
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
            return call_inplace(op, move_to(fixed[0], site.place_fix), fixed[1], fixed[2])
        if site.out_aval.shape != target._aval.shape:
            op.sites.pop(key, None)
            if op.base == "addbmm":
                return _resized_to(target, dispatch.call(op, *fixed))
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
        if base._grad_fn is None if base is not None else t._view is not None and _leads_to_leaf(t):
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


def _leads_to_leaf(t: Any) -> bool:
    """Whether a tensor without a known base is a view of a leaf (which is itself a detached view)."""
    node = t._grad_fn
    while isinstance(node, OpGradNode) and isinstance(node.site, OpSite) and node.site.op.view and node._edges[0]:
        node = node._edges[0][0]
    return node.__class__ is AccumulateGrad and node.variable._storage is t._storage


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
        value = dispatch.new(dispatch.Tensor)
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
            source = dispatch.new(dispatch.Tensor)
            source._aval = target._aval
            source._storage = storage
        holder = dispatch.new(dispatch.Tensor)
        holder._aval = storage.aval
        holder._storage = storage
        attach(site, (base, source), (base_node, node), numbers, (holder,), (new_base,))
        base._rebase_history(holder._grad_fn, 0)
        storage.gversion += 1
        target._refresh_grad()


def rewrite_base(target: Any, fn: Any, nr: int) -> None:
    """A view's values were changed outside the tape and now come from ``fn``: its base follows."""
    storage, base = target._storage, target._base
    source, holder = dispatch.new(dispatch.Tensor), dispatch.new(dispatch.Tensor)
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


def call_out(op: Op, tensors: Sequence[Any], scalars: tuple[Any, ...], statics: tuple[Any, ...], out: Any) -> Any:
    """The ``out=`` form: compute, then resize, check and store."""
    if dispatch.other_layout is not None:
        made = dispatch.other_layout("out", op, tensors, scalars, statics, out)
        if made is not NotImplemented:
            return made
    many = isinstance(out, (tuple, list))
    outs = list(out) if many else [out]
    for o in outs:
        if not isinstance(o, dispatch.Tensor):
            raise TypeError(f"{op.base}(): argument 'out' must be Tensor, not {type_name(o)}")
    from .out_rules import WITH_GRADIENT, case_of, shown_name

    given = [
        t for x in tensors for t in (x if isinstance(x, (list, tuple)) else (x,)) if isinstance(t, dispatch.Tensor)
    ]
    name = case_of(op.name, given, statics)
    if modes.grad and not {op.base, name} & WITH_GRADIENT and any(t.requires_grad for t in (*given, *outs)):
        raise RuntimeError(
            f"{shown_name(op.base, given)}(): functions with out=... arguments don't support automatic differentiation, "
            "but one of the arguments requires grad."
        )
    if op.base in ("cumsum", "cumprod") and statics[1] is None:
        statics = (statics[0], outs[0].dtype)  # they are computed in the dtype of ``out``
    for o in outs:
        if o._strides is not None and is_overlapping(o._aval.shape, o._strides):
            raise RuntimeError(_REPEATED)
        if any(t._storage is o._storage for t in given):
            check_overlap(op, o, given)
    result = dispatch.call(op, tensors, scalars, statics)
    if op.base == "logsumexp" and result.is_complex() and not outs[0].is_complex():
        result = result.real + result.imag.cos().log()  # the sum is taken in the dtype of ``out``: its real part
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
        rows = keeps_rows(name, bool(out.numel()))
        resize_strided(out, shape, contiguous_strides(shape) if rows else result.stride())
    elif name in ("narrow_copy", "avg_pool3d") and is_non_overlapping_and_dense(out._aval.shape, out.stride()):
        out = out.as_strided(out._aval.shape, contiguous_strides(out._aval.shape))  # filled in memory order
    out.copy_(result)
