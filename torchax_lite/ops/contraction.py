"""Sums of products over chosen dims: ``tensordot``, ``einsum``, Kronecker and vector products."""

from __future__ import annotations

import string
from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp

from .common import canonical_dim, sum_to
from .lowering import broadcast
from .matmul import accumulator, check_scalar_type, conj, contract, refuse_bool
from .precision import of_products
from .registry import ALL, op
from .samples import T, cases

ALIASES = {"linalg.cross": "linalg_cross"}


@op(
    "tensordot(Tensor self, Tensor other, int[] dims_self, int[] dims_other) -> Tensor",
    method=False,
    namespaces=("_ops",),
    grad_name="ViewBackward0",
    samples=cases((T((2, 3)), T((3, 4)), (1,), (0,)), (T((2, 3, 4)), T((4, 5, 2)), (0, 2), (2, 0))),
)
def tensordot(self, other, dims_self, dims_other):
    """Sums of products over pairs of dims; the other dims of ``self``, then those of ``other``, remain."""
    if self.dtype != other.dtype:
        raise RuntimeError("both inputs should have same dtype")
    if len(dims_self) != len(dims_other):
        raise RuntimeError("both dimension lists should have same length")
    left = tuple(canonical_dim(d, self.ndim) for d in dims_self)
    right = tuple(canonical_dim(d, other.ndim) for d in dims_other)
    for i, j in zip(left, right, strict=True):
        n, m = self.shape[i], other.shape[j]
        if n != m and 1 not in (n, m):
            raise RuntimeError(
                f"contracted dimensions need to match, but first has size {n} in dim {i} and second has size {m} in "
                f"dim {j}"
            )
        if n == 1 != m:
            other = jnp.sum(other, axis=j, keepdims=True, dtype=other.dtype)
        elif m == 1 != n:
            self = jnp.sum(self, axis=i, keepdims=True, dtype=self.dtype)
    return contract(self, other, (left, right))


@op(
    "kron(Tensor self, Tensor other) -> Tensor",
    promote=ALL,
    opmath=False,
    grad_name="UnsafeViewBackward0",
    samples=cases((T((2, 3)), T((3, 2))), (T((2,)), T((2, 3))), (T(()), T((2,))), (T((2, 1, 2)), T((3, 2)))),
)
def kron(self, other):
    """Kronecker product: blocks of ``other`` scaled by the elements of ``self``."""
    n = max(self.ndim, other.ndim)
    a = self.reshape((1,) * (n - self.ndim) + self.shape)
    b = other.reshape((1,) * (n - other.ndim) + other.shape)
    wide = a.reshape([k for s in a.shape for k in (s, 1)]) * b.reshape([k for s in b.shape for k in (1, s)])
    return wide.reshape([p * q for p, q in zip(a.shape, b.shape, strict=True)])


def _cross(a, b, dim):
    a1, a2 = jnp.roll(a, -1, dim), jnp.roll(a, -2, dim)
    b1, b2 = jnp.roll(b, -1, dim), jnp.roll(b, -2, dim)
    return a1 * b2 - a2 * b1


@op(
    "linalg_cross(Tensor self, Tensor other, *, int dim=-1) -> Tensor",
    method=False,
    namespaces=("_ops",),
    samples=cases((T((2, 3)), T((2, 3))), (T((3, 2)), T((3, 1)), {"dim": 0}), (T((1, 3)), T((4, 3)))),
)
def linalg_cross(self, other, dim):
    """Vector products along ``dim`` of size 3; the other dims broadcast."""
    if self.ndim != other.ndim:
        raise RuntimeError("linalg.cross: inputs must have the same number of dimensions.")
    at = canonical_dim(dim, self.ndim)
    if self.shape[at] != 3 or other.shape[at] != 3:
        raise RuntimeError(
            f"linalg.cross: inputs dimension {dim} must have length 3. Got {self.shape[at]} and {other.shape[at]}"
        )
    broadcast([self.shape, other.shape])
    check_scalar_type(self, other)
    return _cross(self, other, at)


@linalg_cross.vjp
def _(ct, self, other, dim):
    at = canonical_dim(dim, ct.ndim)
    return sum_to(_cross(conj(other), ct, at), self.shape), sum_to(_cross(ct, conj(self), at), other.shape)


# ---------------------------------------------------------------- einsum


def _label_sizes(terms: Sequence[str], operands: Sequence[Any]) -> dict[str, int]:
    """Size of each label.

    Raises:
        RuntimeError: a label has sizes that do not broadcast.
    """
    sizes: dict[str, int] = {}
    for i, (term, x) in enumerate(zip(terms, operands, strict=True)):
        own: dict[str, int] = {}
        for c, n in zip(term, x.shape, strict=True):
            if own.setdefault(c, n) != n:
                raise RuntimeError(
                    f"einsum(): subscript {c} is repeated for operand {i} but the sizes don't match, {n} != {own[c]}"
                )
        for c, n in own.items():
            seen = sizes.get(c, 1)
            if seen != n and 1 not in (seen, n):
                raise RuntimeError(
                    f"einsum(): subscript {c} has size {n} for operand {i} which does not broadcast with previously "
                    f"seen size {seen}"
                )
            sizes[c] = max(seen, n) if 0 not in (seen, n) else 0
    return sizes


def _einsum_name(operands, equation):
    inputs, output = equation.split("->")
    terms = inputs.split(",")
    if len(terms) > 1:
        kept = set(output) | {c for t in terms[1:-1] for c in t}
        return "ViewBackward0" if kept != set("".join(terms)) or len(terms) > 2 else "MulBackward0"
    if set(terms[0]) != set(output):
        return "SumBackward1"
    return "PermuteBackward0"


def _sums_alone(terms: Sequence[str], sizes: dict[str, int], output: str) -> bool:
    """Whether a dim of one operand alone is summed over: integers become int64 there."""
    if len(terms) == 1:
        return not set(terms[0]) <= set(output)
    gone = set("".join(terms)) - set(output)
    return any(sizes[c] != 1 and sum(c in t for t in terms) == 1 for c in gone)


@op(
    "einsum(Tensor[] operands, str equation) -> Tensor",
    method=False,
    namespaces=("_ops",),
    grad_name=_einsum_name,
    samples=cases(
        ([T((2, 3)), T((3, 4))], "ij,jk->ik"),
        ([T((2, 3))], "ij->ji"),
        ([T((3, 3))], "ii->i"),
        ([T((2, 3)), T((2, 3)), T((3, 4))], "bi,bj,jk->bik"),
        ([T((2, 3)), T((2, 1))], "ij,ij->"),
    ),
)
def einsum(operands, equation):
    """Sums of products over labelled dims; ``equation`` is explicit, one letter a dim; dims of size 1 broadcast."""
    inputs, output = equation.split("->")
    terms = inputs.split(",")
    sizes = _label_sizes(terms, operands)
    squeezed_terms, squeezed = [], []
    for term, x in zip(terms, operands, strict=True):
        drop = tuple(k for k, (c, n) in enumerate(zip(term, x.shape, strict=True)) if n == 1 and sizes[c] != 1)
        squeezed_terms.append("".join(c for k, c in enumerate(term) if k not in drop))
        squeezed.append(jnp.squeeze(x, drop) if drop else x)
    if len(operands) == 1 and operands[0].dtype == jnp.bool_ and set(terms[0]) == set(output):
        return jnp.einsum(equation, operands[0].astype(jnp.uint8)).astype(jnp.bool_)
    for x in operands[1:]:
        check_scalar_type(operands[0], x)
    if operands[0].dtype.kind in "biu" and _sums_alone(squeezed_terms, sizes, output):
        squeezed = [x.astype(jnp.int64) for x in squeezed]
        operands = squeezed
    dtype = operands[0].dtype
    refuse_bool(operands[0], "addmm_impl_cpu_")
    out = jnp.einsum(
        f"{','.join(squeezed_terms)}->{output}",
        *squeezed,
        optimize="optimal" if len(operands) <= 4 else "auto",
        precision=of_products(dtype),
        preferred_element_type=accumulator(dtype) or dtype,
    )
    return out.astype(dtype)


LETTERS = string.ascii_uppercase + string.ascii_lowercase
"""The 52 subscripts in the order in which implicit outputs list them."""
