"""Random numbers under function transforms: one draw for each example of a batch, one for all, or an error."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from ..engine.avals import Aval, aval
from ..engine.recorder import Node
from . import dispatch, transforms
from .modes import modes

ERROR = (
    "vmap: called random operation while in randomness error mode. Please either use the 'same' or 'different' randomness "
    "flags on vmap or perform the randomness operation out of vmap"
)


class _Outside:
    """A block outside the innermost transforms: ``keep`` of them go on."""

    def __init__(self, keep: int) -> None:
        self.keep = keep

    def __enter__(self) -> None:
        self.before = modes.transforms
        modes.transforms = self.before[: self.keep]

    def __exit__(self, *args: object) -> None:
        modes.transforms = self.before


def _sizes() -> list[int]:
    """Batch sizes of the levels that draw for each example.

    Raises:
        RuntimeError: a level forbids random numbers.
    """
    batches = [x for x in modes.transforms if x.kind == transforms.BATCH]
    if any(x.randomness == "error" for x in batches):
        raise RuntimeError(ERROR)
    return [x.size for x in batches if x.randomness == "different"]


def draw(
    law: Any, a: Aval, strides: Any, generator: Any, function: str, source: Callable[..., Node], alone: bool
) -> Node:
    """:func:`~torchax_lite.tensor.draws.draw` while transforms run.

    Args:
        source: draws outside all transforms.
        alone: the law draws whole tensors, so those of a batch are drawn one by one.
    """
    sizes = _sizes()
    device = transforms.device_of(a.place)
    with _Outside(0):
        if sizes and alone:
            import torchax_lite as torch

            n = functools.reduce(lambda x, y: x * y, sizes)
            one = aval(a.shape, a.dtype, device)
            drawn = [dispatch.wrap(source(law, one, strides, generator, function)) for _ in range(n)]
            t = torch.stack(drawn).reshape(*sizes, *a.shape)
        else:
            shape = (*sizes, *a.shape)
            t = dispatch.wrap(
                source(law, aval(shape, a.dtype, device), None if sizes else strides, generator, function)
            )
    if not sizes:
        return transforms.lift(t, a.place)._sync()  # type: ignore[no-any-return]
    where = device
    for level in modes.transforms:
        where = transforms._place_on(where, level.kind, level.size)
        shape = t._aval.shape
        if level.kind == transforms.BATCH and level.randomness == "different":
            t = transforms.put(where, shape[1:], t, True)
        else:
            t = transforms.put(where, shape, t, False if level.kind == transforms.BATCH else None)
    return t._sync()  # type: ignore[no-any-return]


def check_fill(t: Any, node: Node) -> None:
    """RuntimeError where each example would get its own random values in one shared tensor."""
    if node.aval.place is not t._aval.place:
        raise RuntimeError(
            "vmap: Cannot ask for different inplace randomness on an unbatched tensor. This will appear like same randomness. "
            "If this is necessary for your usage, please file an issue with functorch."
        )


def sample(fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], core: int | None) -> Any:
    """A sampler's result in the innermost level; see :func:`~torchax_lite.tensor.over_batches.over_batches`."""
    level = modes.transforms[-1]
    found = [a for a in args if isinstance(a, dispatch.Tensor)]
    where = level.place(found[0]._aval.place)
    held = [transforms.held_of(transforms.lift(t.detach(), where)._sync()) for t in found]
    outside = _Outside(level.depth - 1)
    if level.kind == transforms.DUAL:
        with outside:
            out = fn(*_with(args, [p for p, _ in held]), **kwargs)
        return transforms.put(where, out._aval.shape, out, None)
    if level.randomness == "error":
        raise RuntimeError(ERROR)
    if level.randomness == "same":
        if any(f for _, f in held):
            raise RuntimeError(
                "Vmap does not currently support same randomness with a batched tensor input. Please file an issue with functorch"
            )
        with outside:
            out = fn(*_with(args, [t for t, _ in held]), **kwargs)
        return transforms.put(where, out._aval.shape, out, False)
    rank = max(t.ndim for t in found)
    with outside:
        whole = [t if f else t.expand(level.size, *t.shape) for t, f in held]
        whole = [t.reshape(level.size, *(1,) * (rank + 1 - t.ndim), *t.shape[1:]) for t in whole]
        lead = whole[0].shape[: whole[0].ndim - core] if core is not None else ()
        if core is not None and len(lead) > 1:
            whole = [t.reshape(-1, *t.shape[len(lead) :]) for t in whole]
        out = fn(*_with(args, whole), **kwargs)
        if core is not None and len(lead) > 1:
            out = out.reshape(*lead, *out.shape[1:])
    return transforms.put(where, out._aval.shape[1:], out, True)


def _with(args: tuple[Any, ...], tensors: list[Any]) -> list[Any]:
    given = iter(tensors)
    return [next(given) if isinstance(a, dispatch.Tensor) else a for a in args]


__all__ = ["check_fill", "draw", "sample"]
