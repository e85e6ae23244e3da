"""``associative_scan``: running combinations by an associative function, in a logarithmic number of steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torchax_lite as torch
from torchax_lite import Tensor
from torchax_lite.utils import _pytree as pytree

__all__ = ["associative_scan"]


def associative_scan(
    combine_fn: Callable[[Any, Any], Any], xs: Any, dim: int, reverse: bool = False, combine_mode: str = "pointwise"
) -> Any:
    """``combine_fn`` of all elements up to each, along a dim of tensors.

    It is made of ordinary ops, so gradients and ``vmap`` go through it.

    Args:
        combine_fn: an associative function of two trees like ``xs`` without the dim; ``vmap`` calls it for all pairs.
        xs: a tensor, or a tree of tensors whose sizes along the dim are equal.
        dim: which.
        reverse: from the last element to the first.
        combine_mode: ``"generic"``; or ``"pointwise"``, which as in PyTorch needs a GPU and is the same there.

    Raises:
        ValueError: arguments that do not fit.
    """
    if not callable(combine_fn):
        raise ValueError(f"Combine_fn must be a callable, but got {combine_fn}")
    if not isinstance(dim, int):
        raise ValueError(f"Dim must be an int, but got {type(dim)}")
    if combine_mode not in ("pointwise", "generic"):
        raise ValueError(f"Combine_mode must either 'pointwise' or 'generic', but got {combine_mode}")
    leaves, spec = pytree.tree_flatten(xs)
    if not leaves:
        raise ValueError("Expected at least 1 xs leaf")
    if not all(isinstance(x, Tensor) for x in leaves):
        raise ValueError("xs leaves must be a Tensor")
    if combine_mode == "pointwise" and not all(x.device.type in ("cuda", "xpu") for x in leaves):
        raise ValueError("For combine_mode='pointwise', all input tensors need to be on CUDA or XPU")
    if any(x.ndim == 0 for x in leaves):
        raise ValueError("All xs leaves must at least have 'dim' number of dimensions and scan dimension > 0")
    n = leaves[0].ndim
    if not -n <= dim < n:
        raise IndexError(f"Dimension out of range (expected to be in range of [{-n}, {n - 1}], but got {dim})")
    dim %= n
    if any(x.ndim <= dim or x.shape[dim] == 0 for x in leaves):
        raise ValueError("All xs leaves must at least have 'dim' number of dimensions and scan dimension > 0")
    if any(x.shape[dim] != leaves[0].shape[dim] for x in leaves):
        raise ValueError(
            f"all xs leaves must have the same size in dim {dim}, but got {[x.shape[dim] for x in leaves]}"
        )

    def combine(a: list[Tensor], b: list[Tensor]) -> list[Tensor]:
        def of_one(left: list[Tensor], right: list[Tensor]) -> list[Tensor]:
            made = combine_fn(pytree.tree_unflatten(left, spec), pytree.tree_unflatten(right, spec))
            found = pytree.tree_leaves(made)
            if len(found) != len(leaves):
                raise ValueError(f"combine_fn returned {len(found)} leaves for {len(leaves)}")
            return found

        return torch.func.vmap(of_one)(a, b)  # type: ignore[no-any-return]

    given = [x.movedim(dim, 0) for x in leaves]
    if reverse:
        given = [x.flip(0) for x in given]
    made = _scan(combine, given)
    if reverse:
        made = [x.flip(0) for x in made]
    return pytree.tree_unflatten([x.movedim(0, dim) for x in made], spec)


def _scan(combine: Callable[[list[Tensor], list[Tensor]], list[Tensor]], xs: list[Tensor]) -> list[Tensor]:
    """The scan along dim 0: neighbours are combined, the half as many scanned, and the others filled in."""
    count = xs[0].shape[0]
    if count < 2:
        return xs
    odd = _scan(combine, combine([x[0 : count - 1 : 2] for x in xs], [x[1::2] for x in xs]))
    first = [x[:1] for x in xs]
    if count == 2:
        return [torch.cat([f.to(o.dtype), o]) for f, o in zip(first, odd, strict=True)]
    rest = combine([x[: (count - 1) // 2] for x in odd], [x[2::2] for x in xs])
    made = []
    for f, r, o in zip(first, rest, odd, strict=True):
        even = torch.cat([f.to(r.dtype), r])
        pairs = torch.stack([even[: o.shape[0]], o], 1).flatten(0, 1)
        made.append(pairs if even.shape[0] == o.shape[0] else torch.cat([pairs, even[-1:]]))
    return made
