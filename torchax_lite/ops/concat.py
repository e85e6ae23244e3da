"""Joining tensors: ``cat`` and ``stack``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .common import canonical_dim
from .memory import joined
from .registry import ALL, op
from .samples import T, cases

ALIASES = {"concat": "cat", "concatenate": "cat"}


def _legacy_empty(x: Any) -> bool:
    """A 1-D tensor without elements: ``cat`` skips it whatever the other shapes are."""
    return tuple(x.shape) == (0,)


def _check_list(name: str, tensors: Any) -> None:
    if not isinstance(tensors, (list, tuple)):
        raise TypeError(f"{name}(): argument 'tensors' (position 1) must be tuple of Tensors, not Tensor")


def _check_cat(tensors: Sequence[Any], dim: int) -> None:
    _check_list("cat", tensors)
    if not tensors:
        raise ValueError("torch.cat(): expected a non-empty list of Tensors")
    for i, t in enumerate(tensors):
        if t.ndim == 0:
            raise RuntimeError(f"zero-dimensional tensor (at position {i}) cannot be concatenated")
    first = next((t for t in tensors if not _legacy_empty(t)), tensors[0])
    at = canonical_dim(dim, first.ndim)
    for i, t in enumerate(tensors):
        if _legacy_empty(t):
            continue
        if t.ndim != first.ndim:
            raise RuntimeError(f"Tensors must have same number of dimensions: got {first.ndim} and {t.ndim}")
        for a, b, k in zip(first.shape, t.shape, range(t.ndim), strict=True):
            if k != at and a != b:
                raise RuntimeError(
                    f"Sizes of tensors must match except in dimension {at}. Expected size {a} but got size {b} for "
                    f"tensor number {i} in the list."
                )


def _check_stack(tensors: Sequence[Any], dim: int) -> None:
    _check_list("stack", tensors)
    if not tensors:
        raise RuntimeError("stack expects a non-empty TensorList")
    canonical_dim(dim, tensors[0].ndim + 1)
    for i, t in enumerate(tensors):
        if t.shape != tensors[0].shape:
            raise RuntimeError(
                f"stack expects each tensor to be equal size, but got {list(tensors[0].shape)} at entry 0 and "
                f"{list(t.shape)} at entry {i}"
            )


def _cat_host(tensors: Sequence[np.ndarray], dim: int) -> np.ndarray:
    _check_cat(tensors, dim)
    kept = [t for t in tensors if not _legacy_empty(t)] or list(tensors[:1])
    return np.concatenate(kept, axis=canonical_dim(dim, kept[0].ndim))


def _stack_host(tensors: Sequence[np.ndarray], dim: int) -> np.ndarray:
    _check_stack(tensors, dim)
    return np.stack(tensors, axis=canonical_dim(dim, tensors[0].ndim + 1))


@op(
    "cat(Tensor[] tensors, int dim=0) -> Tensor",
    promote=ALL,
    opmath=False,
    method=False,
    host=_cat_host,
    samples=cases(
        ([T((2, 3)), T((4, 3))],),
        ([T((2, 3)), T((2, 1)), T((2, 2))], -1),
        ([T((2, 3)), T((0,))], 1),
        ([T((0,)), T((0,))],),
    ),
)
def cat(tensors, dim):
    """The tensors one after another along ``dim``; 1-D tensors without elements are skipped."""
    kept = [t for t in tensors if not _legacy_empty(t)] or list(tensors[:1])
    return kept[0] if len(kept) == 1 else jax.lax.concatenate(kept, canonical_dim(dim, kept[0].ndim))


cat.check(_check_cat)
cat.memory_rule(joined)


@cat.vjp
def _(ct, tensors_shape, dim):
    at, start = canonical_dim(dim, ct.ndim), 0
    grads: list[Any] = []
    for shape in tensors_shape:
        n = shape[at] if shape != (0,) or ct.ndim == 1 else 0
        grads.append(jax.lax.slice_in_dim(ct, start, start + n, axis=at) if shape != (0,) else None)
        start += n
    return (grads,)


@op(
    "stack(Tensor[] tensors, int dim=0) -> Tensor",
    promote=ALL,
    opmath=False,
    method=False,
    host=_stack_host,
    samples=cases(([T((2, 3)), T((2, 3))],), ([T((2, 3)), T((2, 3)), T((2, 3))], -1), ([T(()), T(())], 0)),
)
def stack(tensors, dim):
    """The equal-sized tensors along a new dimension ``dim``."""
    at = canonical_dim(dim, tensors[0].ndim + 1)
    return jax.lax.concatenate([jnp.expand_dims(t, at) for t in tensors], at)


stack.check(_check_stack)


@stack.vjp
def _(ct, dim):
    at = canonical_dim(dim, ct.ndim)
    return ([jax.lax.index_in_dim(ct, i, at, keepdims=False) for i in range(ct.shape[at])],)


def _rows(shape: tuple[int, ...]) -> tuple[int, int]:
    """Shape as a matrix: numbers and vectors are rows."""
    return (shape[0], shape[1]) if len(shape) == 2 else (1, shape[0] if shape else 1)


@op(
    "block_diag(Tensor[] tensors) -> Tensor",
    promote=ALL,
    opmath=False,
    method=False,
    out=False,
    namespaces=("_ops",),
    samples=cases(([T((2, 3)), T((1, 2)), T((2,)), T(())],), ([T((2, 2))],)),
)
def block_diag(tensors):
    """A matrix with the given ones along its diagonal, zero elsewhere; numbers and vectors count as rows."""
    blocks = [t.reshape(_rows(t.shape)) for t in tensors]
    width, left, rows = sum(b.shape[1] for b in blocks), 0, []
    for b in blocks:
        rows.append(jnp.pad(b, ((0, 0), (left, width - left - b.shape[1]))))
        left += b.shape[1]
    return jax.lax.concatenate(rows, 0)


@block_diag.vjp
def _(ct, tensors_shape):
    top = left = 0
    grads = []
    for shape in tensors_shape:
        m, n = _rows(shape)
        grads.append(ct[top : top + m, left : left + n].reshape(shape))
        top, left = top + m, left + n
    return (grads,)
