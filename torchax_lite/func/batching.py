"""``vmap``: a function of one example becomes a function of a batch."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Sequence
from typing import Any

from ..tensor import transforms
from ..tensor.tensor import Tensor
from .hooks import without_saved_tensors_hooks
from .pytree import Spec, flatten, spread, unflatten


def vmap(
    func: Callable[..., Any], in_dims: Any = 0, out_dims: Any = 0, randomness: str = "error", *,
    chunk_size: int | None = None,
) -> Callable[..., Any]:  # fmt: skip
    """``func`` applied to every example along a dim of its inputs, in one go.

    Args:
        func: takes positional arguments (pytrees of tensors and other values) and returns a pytree of tensors.
        in_dims: the mapped dim of each input, None for inputs that all examples share; a tree that may end early.
        out_dims: where the mapped dim goes in each output; None for an output that is no batch.
        randomness: ``"error"`` forbids random ops, ``"different"`` draws for each example, ``"same"`` once for all.
        chunk_size: compute so many examples at a time (to save memory); None for all.

    Keyword arguments of the mapped function are shared by all examples.

    Raises:
        ValueError: dims that do not fit the inputs, no input to map over, batches of different sizes.
    """
    if randomness not in ("error", "different", "same"):
        raise RuntimeError(f"Only allowed values for randomness are 'error', 'different', or 'same'. Got {randomness}")
    if chunk_size is not None and not chunk_size > 0:
        raise ValueError(f"vmap: chunk_size should be None or greater than 0. (got {chunk_size})")

    @functools.wraps(func, updated=())
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        replaced = _replaced_steps()
        if replaced is None:
            size, dims, leaves, spec = checked_inputs(func, in_dims, args)
        else:
            size, dims, leaves, spec = replaced._process_batched_inputs(in_dims, args, func)
        if chunk_size is None or chunk_size >= size:
            return _run(func, size, dims, leaves, spec, out_dims, randomness, kwargs)
        return _in_chunks(func, size, chunk_size, dims, leaves, spec, out_dims, randomness, kwargs)

    return wrapped


def name_of(func: Any) -> str:
    """Name of a function as errors show it."""
    if isinstance(func, functools.partial):
        return f"functools.partial({name_of(func.func)}, ...)"
    return getattr(func, "__name__", None) or repr(func)


_STEPS = ("_process_batched_inputs", "_create_batched_inputs", "_unwrap_batched")


def _replaced_steps() -> Any:
    """The module ``torch._functorch.vmap`` where a library has put steps of its own into it; None otherwise."""
    module = sys.modules.get(f"{__package__.rpartition('.')[0]}._functorch.vmap")
    if module is None or all(getattr(module, n).__module__ == module.__name__ for n in _STEPS):
        return None
    return module


def checked_inputs(func: Any, in_dims: Any, args: tuple[Any, ...]) -> tuple[int, list[int | None], list[Any], Spec]:
    """(batch size, mapped dim of each leaf, leaves, structure)."""
    shown = f"vmap({name_of(func)}, in_dims={in_dims}, ...)(<inputs>): "
    if not isinstance(in_dims, (int, list, tuple)):
        raise ValueError(
            f"{shown}expected `in_dims` to be int or a (potentially nested) tuple matching the structure of inputs, got: "
            f"{type(in_dims)}."
        )
    if not args:
        raise ValueError(
            f"vmap({name_of(func)})(<inputs>): got no inputs. Maybe you forgot to add inputs, or you are trying to vmap over a "
            "function with no inputs. The latter is unsupported."
        )
    leaves, spec = flatten(args)
    dims = spread(tuple(in_dims) if isinstance(in_dims, list) else in_dims, spec)
    if dims is None:
        raise ValueError(
            f"{shown}in_dims is not compatible with the structure of `inputs`. in_dims has structure {flatten(in_dims)[1]} but "
            f"inputs has structure {spec}."
        )
    for i, (x, d) in enumerate(zip(leaves, dims, strict=True)):
        if d is None:
            continue
        if not isinstance(d, int):
            raise ValueError(
                f"{shown}Got in_dim={d} for an input but in_dim must be either an integer dimension or None."
            )
        if not isinstance(x, Tensor):
            raise ValueError(
                f"{shown}Got in_dim={d} for an input but the input is of type {type(x)}. We cannot vmap over non-Tensor "
                "arguments, please use None as the respective in_dim"
            )
        n = x.ndim
        if not -n <= d < n:
            raise ValueError(
                f"{shown}Got in_dim={d} for some input, but that input is a Tensor of dimensionality {n} so expected in_dim to "
                f"satisfy -{n} <= in_dim < {n}."
            )
        dims[i] = d % n
    sizes = [x.shape[d] for x, d in zip(leaves, dims, strict=True) if d is not None]
    return transforms.common_size(sizes), dims, leaves, spec


def batched(t: Tensor, dim: int, level: transforms.Level) -> Any:
    """A tensor as one example of ``level``'s batch."""
    where = level.place(t._aval.place)
    below = transforms.lift(t, where.base)
    if dim:
        below = below.movedim(dim, 0)
    below = transforms.snapshot(below)
    out = transforms.put(where, below._aval.shape[1:], below, True)
    transforms.link(out, below)
    return out


def unbatched(t: Tensor, level: transforms.Level, out_dim: int | None) -> Any:
    """The whole batch of an output, its dim at ``out_dim``; None for an output that must be no batch (TypeError if it is)."""
    where = level.place(t._aval.place)
    lifted = transforms.lift(t, where)
    below, is_batch = transforms.held_of(lifted._sync())
    if out_dim is None:
        if is_batch:
            raise TypeError
        return below if t._aval.place is where else t
    if not is_batch:
        below = below.expand((level.size, *below.shape))
    n = below.ndim
    if not -n <= out_dim < n:
        raise IndexError(f"Dimension out of range (expected to be in range of [{-n}, {n - 1}], but got {out_dim})")
    return below.movedim(0, out_dim) if out_dim % n else below


def _run(
    func: Any, size: int, dims: Sequence[int | None], leaves: Sequence[Any], spec: Spec, out_dims: Any, randomness: str,
    kwargs: dict[str, Any],
) -> Any:  # fmt: skip
    level = transforms.Level(transforms.BATCH, size, randomness)
    with without_saved_tensors_hooks(), level:
        replaced = _replaced_steps()
        if replaced is not None:
            args = replaced._create_batched_inputs(dims, leaves, level.depth, spec)
            given = flatten(args)[0]
            out = func(*args, **kwargs)
            found = replaced._unwrap_batched(out, out_dims, level.depth, size, func)
        else:
            given = [x if d is None else batched(x, d, level) for x, d in zip(leaves, dims, strict=True)]
            out = func(*unflatten(given, spec), **kwargs)
            found = checked_outputs(func, out, out_dims, level)
        changed = [
            (x, d, unbatched(g, level, d))
            for x, d, g in zip(leaves, dims, given, strict=replaced is None)
            if d is not None and isinstance(g, Tensor) and isinstance(x, Tensor) and g._storage.version
        ]
    for x, _, value in changed:
        x.copy_(value)
    return found


def checked_outputs(func: Any, out: Any, out_dims: Any, level: transforms.Level) -> Any:
    """The results of the function with their batch dims at ``out_dims``."""
    name = name_of(func)
    leaves, spec = flatten(out)
    dims = _out_dims(func, out_dims, out, spec)
    return unflatten([without_batch_dim(name, x, level, d) for x, d in zip(leaves, dims, strict=True)], spec)


def without_batch_dim(name: str, x: Any, level: transforms.Level, out_dim: int | None) -> Any:
    """One result of a function called ``name``: the whole batch with its dim at ``out_dim``, or what is no batch (None).

    Raises:
        ValueError: it is no tensor, or a batch where none was expected.
    """
    if out_dim is None:
        if not isinstance(x, Tensor):
            return x
        try:
            return unbatched(x, level, None)
        except TypeError:
            raise ValueError(
                f"vmap({name}, ...): `{name}` can not return a BatchedTensor when out_dim is None"
            ) from None
    if not isinstance(x, Tensor):
        raise ValueError(
            f"vmap({name}, ...): `{name}` must only return Tensors, got type {type(x)}. Did you mean to set out_dims= to None "
            "for output?"
        )
    return unbatched(x, level, out_dim)


def _out_dims(func: Any, out_dims: Any, out: Any, spec: Spec) -> list[int | None]:
    if not all(d is None or isinstance(d, int) for d in flatten(out_dims)[0]):
        raise ValueError(
            f"vmap({name_of(func)}, ..., out_dims={out_dims}): `out_dims` must be an int, None or a python collection of ints "
            "representing where in the outputs the vmapped dimension should appear."
        )
    if isinstance(out, Tensor):
        flat = flatten(out_dims)[0]
        dims = flat if len(flat) == 1 and (isinstance(out_dims, (int, tuple)) or out_dims is None) else None
    else:
        dims = spread(out_dims, spec)
    if dims is None:
        raise ValueError(
            f"vmap({name_of(func)}, ..., out_dims={out_dims})(<inputs>): out_dims is not compatible with the structure of "
            f"`outputs`. out_dims has structure {flatten(out_dims)[1]} but outputs has structure {spec}."
        )
    return dims


def _in_chunks(
    func: Any, size: int, chunk: int, dims: Sequence[int | None], leaves: Sequence[Any], spec: Spec, out_dims: Any,
    randomness: str, kwargs: dict[str, Any],
) -> Any:  # fmt: skip
    """Results of parts of the batch, joined along the outputs' batch dims."""
    import torchax_lite as torch

    parts: list[list[Any]] = []
    out_spec: Spec | None = None
    for start in range(0, size, chunk):
        n = min(chunk, size - start)
        taken = [x if d is None else x.narrow(d, start, n) for x, d in zip(leaves, dims, strict=True)]
        flat, out_spec = flatten(_run(func, n, dims, taken, spec, out_dims, randomness, kwargs))
        parts.append(flat)
    assert out_spec is not None
    found = spread(out_dims, out_spec) or flatten(out_dims)[0]
    joined = [
        column[0] if d is None else torch.cat(column, d)
        for column, d in zip(zip(*parts, strict=True), found, strict=True)
    ]
    return unflatten(joined, out_spec)


__all__ = ["batched", "name_of", "unbatched", "vmap"]
