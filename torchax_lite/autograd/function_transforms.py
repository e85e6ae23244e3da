"""Custom functions on batches and on dual numbers: their own ``vmap`` and ``jvp``, or a generated batching rule."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, NamedTuple

from ..func.batching import batched, unbatched
from ..func.pytree import flatten, spread, tree_map, unflatten
from ..tensor import transforms
from ..tensor.modes import modes
from ..tensor.tensor import Tensor
from .function import Function, FunctionCtx, FunctionNode
from .grad_mode import no_grad

_MORE = "For more details, please see https://pytorch.org/docs/main/notes/extending.func.html"


class VmapInfo(NamedTuple):
    """What a ``vmap`` staticmethod is told about the batch."""

    batch_size: int
    randomness: str


def check(split: bool) -> None:
    """RuntimeError for a function without ``setup_context`` under ``torch.func``'s transforms."""
    if not split and (modes.grad_scopes or any(not x.taped for x in modes.transforms)):
        raise RuntimeError(
            "In order to use an autograd.Function with functorch transforms (vmap, grad, jvp, jacrev, ...), it must override "
            f"the setup_context staticmethod. {_MORE}"
        )


def place_of(tensors: Sequence[Tensor]) -> Any:
    """The transform place that a call on these tensors belongs to; None outside of all."""
    found = {t._aval.place for t in tensors if t._aval.place.kind == "transform"}
    return transforms.meet(found) if found else None


class _Below:
    """A block outside of the level that a place belongs to, recording there if that level's tape below does."""

    def __init__(self, where: transforms.TransformPlace) -> None:
        self.level = transforms.level_of(where)
        self.depth = where.depth - 1

    def __enter__(self) -> None:
        self.before = modes.transforms, modes.grad
        modes.transforms = modes.transforms[: self.depth]
        if self.level is not None and self.level.below is not None:
            modes.grad = self.level.below

    def __exit__(self, *args: object) -> None:
        modes.transforms, modes.grad = self.before


def forward(cls: type[Function], node: FunctionNode, args: tuple[Any, ...], split: bool, where: Any) -> Any:
    """``cls.forward`` of arguments in a transform's place: computed below, by the function's rule."""
    lifted = [transforms.lift(a, where) if isinstance(a, Tensor) else a for a in args]
    held = [transforms.held_of(a._sync()) if isinstance(a, Tensor) else (a, None) for a in lifted]
    if where.level_kind == transforms.BATCH:
        raw = _batched(cls, held, where)
    else:
        raw = _dual(cls, held, where)
    with no_grad():
        if split:
            cls.setup_context(node, args, raw)
        elif any(node.needs_input_grad):
            cls.forward(node, *args)
    return raw


def _dual(cls: type[Function], held: Sequence[tuple[Any, Any]], where: Any) -> Any:
    moving = any(t is not None for _, t in held) and modes.forward_grad and transforms.level_of(where) is not None
    if moving and cls.jvp is Function.jvp:
        cls.jvp(None)
    with _Below(where):
        out, ctx = cls._apply(tuple(p for p, _ in held))
        outs = out if isinstance(out, tuple) else (out,)
        tangents: Sequence[Any] = (None,) * len(outs)
        if moving:
            tangents = _push(cls, ctx, held, outs)
        ctx.saved_for_forward = None
    made = [
        transforms.put(where, o._aval.shape, o, t) if isinstance(o, Tensor) else o
        for o, t in zip(outs, tangents, strict=True)
    ]
    return tuple(made) if isinstance(out, tuple) else made[0]


def _push(cls: type[Function], ctx: Any, held: Sequence[tuple[Any, Any]], outs: Sequence[Any]) -> Sequence[Any]:
    from ..tensor.creation import zeros_like

    given = [
        zeros_like(p, requires_grad=False)
        if t is None and isinstance(p, Tensor) and ctx.materialize_grads and p.is_floating_point()
        else t
        for p, t in held
    ]
    found = cls.jvp(ctx, *given)
    found = found if isinstance(found, tuple) else (found,)
    if len(found) != len(outs):
        raise RuntimeError(
            f"{cls.__name__}.jvp returned an incorrect number of forward gradients (expected {len(outs)} got {len(found)})"
        )
    for o, t in zip(outs, found, strict=True):
        if t is not None and isinstance(o, Tensor) and t.shape != o.shape:
            raise RuntimeError(
                f"{cls.__name__}.jvp returned a forward gradient of shape {list(t.shape)} for an output of shape {list(o.shape)}"
            )
    return found


def _batched(cls: type[Function], held: Sequence[tuple[Any, Any]], where: Any) -> Any:
    level = transforms.level_of(where)
    randomness = "error" if level is None else level.randomness
    in_dims = tuple(0 if isinstance(x, Tensor) and f else None for x, f in held)
    args = [x for x, _ in held]
    own = cls.vmap is not Function.vmap
    if all(d is None for d in in_dims):
        with _Below(where):
            out = cls.apply(*args)
        return tree_map(lambda o: transforms.put(where, o._aval.shape, o, False) if isinstance(o, Tensor) else o, out)
    if cls.generate_vmap_rule:
        if own:
            raise RuntimeError(
                f"You tried to vmap over {cls.__name__}, but it has both generate_vmap_rule=True and an overridden vmap "
                "staticmethod. Please set generate_vmap_rule=False or delete the overridden vmap staticmethod to avoid "
                f"ambiguity. {_MORE}"
            )
        with _Below(where):
            out = _over_batch(cls, in_dims, where.size, randomness).apply(*args)
        return tree_map(lambda o: _put(o, 0, where), out)
    if not own:
        raise RuntimeError(
            f"You tried to vmap over {cls.__name__}, but it does not have vmap support. Please override and implement the "
            f"vmap staticmethod or set generate_vmap_rule=True. {_MORE}"
        )
    with _Below(where):
        result = cls.vmap(VmapInfo(where.size, randomness), in_dims, *args)
        start = (
            "Expected the vmap staticmethod to have two returns, an output and out_dims with pytree structure compatible with "
            "the output. "
        )
        if not isinstance(result, tuple):
            raise RuntimeError(f"{start}Got a {type(result)} instead")
        if len(result) != 2:
            raise RuntimeError(f"{start}Got {len(result)} returns instead")
        leaves, spec = flatten(result[0])
        dims = spread(result[1], spec)
        if dims is None:
            raise RuntimeError(
                "The autograd.Function's vmap staticmethod returned an incompatible (output, out_dims) tuple. Expected "
                f"out_dims={result[1]} to be compatible with the structure of `output`. out_dims has structure "
                f"{flatten(result[1])[1]} but output has structure {spec}. {_MORE}"
            )
        made = [_put(o, d, where) for o, d in zip(leaves, dims, strict=True)]
    return unflatten(made, spec)


def _put(o: Any, dim: int | None, where: Any) -> Any:
    if not isinstance(o, Tensor):
        return o
    below = transforms.lift(o, where.base)
    if dim is None:
        return transforms.put(where, below._aval.shape, below, False)
    if dim:
        below = below.movedim(dim, 0)
    return transforms.put(where, below._aval.shape[1:], transforms.snapshot(below), True)


class _ExampleCtx(FunctionCtx):
    """``ctx`` of one example: what is kept for the whole batch is kept by the batch's own ``ctx``."""

    needs_input_grad: tuple[bool, ...] = ()
    materialize_grads = True
    to_save: Any = None
    saved_for_forward: Any = None
    non_differentiable: Any = None
    dirty_tensors: Any = None
    saved_tensors: tuple[Any, ...] = ()


def _kept(tensors: Any, level: transforms.Level) -> tuple[list[Any], list[bool]]:
    """Tensors of one example as tensors of the whole batch, and which of them have its dim."""
    found: list[Any] = []
    flags: list[bool] = []
    for t in tensors or ():
        if t is None:
            found.append(None)
            flags.append(False)
            continue
        below, is_batch = transforms.held_of(transforms.lift(t, level.place(t._aval.place))._sync())
        found.append(below)
        flags.append(bool(is_batch))
    return found, flags


@functools.lru_cache(maxsize=256)
def _over_batch(cls: type[Function], in_dims: tuple[Any, ...], size: int, randomness: str) -> type[Function]:
    """The function of whole batches that computes ``cls`` for every example."""

    def level() -> transforms.Level:
        return transforms.Level(transforms.BATCH, size, randomness)

    def example(x: Any, is_batch: Any, at: transforms.Level) -> Any:
        return batched(x, 0, at) if isinstance(x, Tensor) and is_batch else x

    def run(*operands: Any) -> Any:
        with level() as at:
            given = [example(x, d is not None, at) for x, d in zip(operands, in_dims, strict=True)]
            return tree_map(lambda o: unbatched(o, at, 0) if isinstance(o, Tensor) else o, cls.forward(*given))

    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        inner = _ExampleCtx()
        with level() as at:
            given = tuple(example(x, d is not None, at) for x, d in zip(inputs, in_dims, strict=True))
            shown = tree_map(lambda o: example(o, True, at), output)
            inner.needs_input_grad = ctx.needs_input_grad
            cls.setup_context(inner, given, shown)
            saved, ctx.saved_flags = _kept(inner.to_save, at)
            forward_saved, ctx.forward_flags = _kept(inner.saved_for_forward, at)
        outs = output if isinstance(output, tuple) else (output,)
        shown = shown if isinstance(shown, tuple) else (shown,)
        ctx.save_for_backward(*saved)
        ctx.save_for_forward(*forward_saved)
        fixed = inner.non_differentiable or ()
        ctx.mark_non_differentiable(*[o for o, s in zip(outs, shown, strict=True) if any(s is f for f in fixed)])
        ctx.set_materialize_grads(inner.materialize_grads)
        inner.to_save = inner.saved_for_forward = inner.non_differentiable = None
        ctx.inner = inner

    def backward(ctx: Any, *cts: Any) -> Any:
        inner = ctx.inner
        with level() as at:
            inner.needs_input_grad = ctx.needs_input_grad
            inner.saved_tensors = tuple(
                example(t, f, at) for t, f in zip(ctx.saved_tensors, ctx.saved_flags, strict=True)
            )
            found = (cls.vjp if cls.vjp is not Function.vjp else cls.backward)(
                inner, *[example(c, True, at) for c in cts]
            )
            inner.saved_tensors = ()
            listed = found if isinstance(found, tuple) else (found,)
            made = [
                g if g is None else unbatched(g, at, 0) if d is not None else unbatched(g, at, 0).sum(0)
                for g, d in zip(listed, (*in_dims, *(None,) * (len(listed) - len(in_dims))), strict=True)
            ]
        return tuple(made)

    def jvp(ctx: Any, *tangents: Any) -> Any:
        inner = ctx.inner
        with level() as at:
            inner.saved_tensors = tuple(
                example(t, f, at) for t, f in zip(ctx.saved_tensors, ctx.forward_flags, strict=True)
            )
            given = [example(t, d is not None, at) for t, d in zip(tangents, in_dims, strict=True)]
            found = cls.jvp(inner, *given)
            inner.saved_tensors = ()
            return tree_map(lambda t: unbatched(t, at, 0) if isinstance(t, Tensor) else t, found)

    members = {
        "forward": staticmethod(run), "setup_context": staticmethod(setup_context), "backward": staticmethod(backward),
        "generate_vmap_rule": True,
    }  # fmt: skip
    if cls.jvp is not Function.jvp:
        members["jvp"] = staticmethod(jvp)
    return type(f"Vmapped{cls.__name__}", (Function,), members)


__all__ = ["VmapInfo", "check", "forward", "place_of"]
