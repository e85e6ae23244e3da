"""Sums of products over labelled or numbered dims, chains of products, vector products."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import torchax_lite as torch
from torchax_lite._generated import internal
from torchax_lite.ops.common import canonical_dim, display_name
from torchax_lite.ops.contraction import LETTERS
from torchax_lite.ops.linalg import check_dtype

from .registry import composite, into

if TYPE_CHECKING:
    from torchax_lite import Tensor

_ELLIPSIS = "."
_NOTHING_GIVEN = (
    "einsum(): must specify the equation string and at least one operand, or at least one operand and its subscripts "
    "list"
)


@composite()
def einsum(*args: Any) -> Tensor:
    """Sum of products of the operands over the dims that the output does not name.

    ``einsum("ij,jk->ik", a, b)``, or with sublists ``einsum(a, [0, 1], b, [1, 2], [0, 2])``; ``...`` stands for dims
    that broadcast; without ``->`` the output has the ellipsis and, sorted, the subscripts that occur once.
    """
    if not args:
        raise ValueError(_NOTHING_GIVEN)
    if isinstance(args[0], torch.Tensor):
        equation, operands = _from_sublists(args)
    else:
        equation, operands = args[0], list(args[1:])
    if len(operands) == 1 and isinstance(operands[0], (list, tuple)):
        operands = list(operands[0])
    if not operands:
        raise ValueError(_NOTHING_GIVEN)
    return internal.einsum(operands, explicit(equation, tuple(t.ndim for t in operands)))  # type: ignore[no-any-return]


def _from_sublists(args: tuple[Any, ...]) -> tuple[str, list[Tensor]]:
    def letters(subscripts: Sequence[Any]) -> str:
        found = ""
        for s in subscripts:
            if s is Ellipsis:
                found += "..."
            elif 0 <= s < 52:
                found += LETTERS[s]
            else:
                raise ValueError("einsum(): subscript in subscript list is not within the valid range [0, 52)")
        return found

    operands = list(args[0 : len(args) - len(args) % 2 : 2])
    equation = ",".join(letters(s) for s in args[1::2][: len(operands)])
    if len(args) % 2:
        equation += "->" + letters(args[-1])
    return equation, operands


def _subscripts(text: str, start: int, what: str) -> str:
    """Subscripts of one operand or of the output, the ellipsis as one character."""
    found, i = "", 0
    while i < len(text):
        c = text[i]
        if c == ".":
            if _ELLIPSIS in found:
                raise RuntimeError(f"einsum(): found '.' for {what} for which an ellipsis was already found")
            if text[i : i + 3] != "...":
                raise RuntimeError(f"einsum(): found '.' for {what} that is not part of any ellipsis")
            found += _ELLIPSIS
            i += 3
            continue
        if c != " ":
            if c not in LETTERS:
                raise RuntimeError(
                    f"einsum(): invalid subscript given at index {start + i} in the equation string, "
                    "subscripts must be in [a-zA-Z]"
                )
            found += c
        i += 1
    return found


@lru_cache(maxsize=4096)
def explicit(equation: str, ndims: tuple[int, ...]) -> str:
    """The equation with an output and without spaces and ellipses, for operands of these numbers of dims.

    Raises:
        RuntimeError: with PyTorch's words, for what is no equation or does not fit.
    """
    left, arrow, right = equation.partition("->")
    terms, start = [], 0
    for i, text in enumerate(left.split(",")):
        terms.append(_subscripts(text, start, f"operand {i}"))
        start += len(text) + 1
    if len(terms) < len(ndims):
        raise RuntimeError("einsum(): more operands were provided than specified in the equation")
    if len(terms) > len(ndims):
        raise RuntimeError("einsum(): fewer operands were provided than specified in the equation")
    widths = []
    for i, (term, ndim) in enumerate(zip(terms, ndims, strict=True)):
        named = len(term.replace(_ELLIPSIS, ""))
        if _ELLIPSIS in term:
            if named > ndim:
                raise RuntimeError(
                    f"einsum(): the number of subscripts in the equation ({named}) is more than the number of "
                    f"dimensions ({ndim}) for operand {i}"
                )
        elif named != ndim:
            raise RuntimeError(
                f"einsum(): the number of subscripts in the equation ({named}) does not match the number of dimensions "
                f"({ndim}) for operand {i} and no ellipsis was given"
            )
        widths.append(ndim - named if _ELLIPSIS in term else 0)
    width = max(widths, default=0)
    letters = "".join(terms).replace(_ELLIPSIS, "")
    if arrow:
        output = _subscripts(right, len(left) + 2, "the output")
        for c in output.replace(_ELLIPSIS, ""):
            if output.count(c) > 1:
                raise RuntimeError(f"einsum(): output subscript {c} appears more than once in the output")
            if c not in letters:
                raise RuntimeError(
                    f"einsum(): output subscript {c} does not appear in the equation for any input operand"
                )
    else:
        output = _ELLIPSIS + "".join(c for c in LETTERS if letters.count(c) == 1)
    free = [c for c in LETTERS if c not in letters]
    if width > len(free):
        raise RuntimeError("einsum(): too many dimensions: no letters are left for those of the ellipsis")
    dots = "".join(free[:width])
    inputs = ",".join(t.replace(_ELLIPSIS, dots[width - w :]) for t, w in zip(terms, widths, strict=True))
    return f"{inputs}->{output.replace(_ELLIPSIS, dots)}"


@composite()
def tensordot(a: Tensor, b: Tensor, dims: Any = 2, out: Tensor | None = None) -> Tensor:
    """Sum of products over the last ``dims`` dims of ``a`` and the first of ``b``, or over two lists of dims."""
    if isinstance(dims, torch.Tensor):
        dims = dims.tolist()
    if isinstance(dims, (list, tuple)):
        if len(dims) != 2:
            raise RuntimeError(f"tensordot expects dims to be an int or a pair of lists, but got {dims}")
        left, right = ([d] if isinstance(d, int) else list(d) for d in dims)
    else:
        if dims < 0:
            raise RuntimeError(f"tensordot expects dims >= 0, but got dims={dims}")
        if dims > min(a.ndim, b.ndim):
            raise RuntimeError(f"tensordot expects dims < ndim_a or ndim_b, but got dims={dims}")
        left, right = list(range(-dims, 0)), list(range(dims))
    return into("tensordot", internal.tensordot(a, b, left, right), out)


def _shapes(name: str, tensors: Sequence[Tensor]) -> list[tuple[int, int]]:
    """Sizes of the factors, as matrices.

    Raises:
        RuntimeError: too few, not 2-D (the ends may be 1-D), of different dtypes, or not to be multiplied.
    """
    if len(tensors) < 2:
        raise RuntimeError(f"{name}(): expected at least 2 tensors but got {len(tensors)}")
    sizes = []
    last = len(tensors) - 1
    for i, t in enumerate(tensors):
        end = i in (0, last)
        if t.ndim not in ((1, 2) if end else (2,)):
            which = "the first tensor" if i == 0 else "the last tensor" if end else f"tensor {i}"
            raise RuntimeError(f"{name}(): {which} must be {'1D or 2D' if end else '2D'} but got {t.ndim}D")
        if t.dtype != tensors[0].dtype:
            raise RuntimeError(f"{name}(): all tensors must have be the same dtype but got {_dtypes(tensors[0], t, i)}")
        row = (1, t.shape[0]) if i == 0 else (t.shape[0], 1)
        sizes.append((t.shape[0], t.shape[1]) if t.ndim == 2 else row)
    for i, (p, q) in enumerate(zip(sizes[:-1], sizes[1:], strict=True)):
        if p[1] != q[0]:
            raise RuntimeError(
                f"{name}(): tensors {i} and {i + 1} with shapes {list(tensors[i].shape)} and "
                f"{list(tensors[i + 1].shape)} cannot be multiplied"
            )
    return sizes


def _dtypes(first: Tensor, other: Tensor, i: int) -> str:
    return f"tensor 0: {first.dtype} and tensor {i}: {other.dtype}"


def _best_splits(sizes: Sequence[tuple[int, int]]) -> dict[tuple[int, int], int]:
    """Where to split each run of factors so that the fewest multiplications are needed."""
    n = len(sizes)
    dims = [s[0] for s in sizes] + [sizes[-1][1]]
    cost = {(i, i): 0 for i in range(n)}
    split: dict[tuple[int, int], int] = {}
    for length in range(2, n + 1):
        for i in range(n - length + 1):
            j = i + length - 1
            options = [(cost[i, k] + cost[k + 1, j] + dims[i] * dims[k + 1] * dims[j + 1], k) for k in range(i, j)]
            cost[i, j], split[i, j] = min(options)
    return split


def _product(factors: Sequence[Tensor], splits: dict[tuple[int, int], int], i: int, j: int) -> Tensor:
    if i == j:
        return factors[i]
    k = splits[i, j]
    return torch.mm(_product(factors, splits, i, k), _product(factors, splits, k + 1, j))


@composite(namespaces=("linalg",))
def multi_dot(tensors: Sequence[Tensor], *, out: Tensor | None = None) -> Tensor:
    """Product of matrices in the order of the fewest multiplications; the ends may be vectors."""
    given = list(tensors)
    sizes = _shapes("multi_dot", given)
    if len(given) == 2:
        return into("multi_dot", torch.matmul(given[0], given[1]), out)
    factors = [t if t.ndim == 2 else t.reshape(s) for t, s in zip(given, sizes, strict=True)]
    result = _product(factors, _best_splits(sizes), 0, len(factors) - 1)
    shape = given[0].shape[: given[0].ndim - 1] + given[-1].shape[1:]
    return into("multi_dot", result.view(shape), out)


@composite()
def chain_matmul(*matrices: Any, out: Tensor | None = None) -> Tensor:
    """Product of matrices in the order of the fewest multiplications (deprecated: ``linalg.multi_dot``)."""
    given = list(matrices[0] if len(matrices) == 1 and isinstance(matrices[0], (list, tuple)) else matrices)
    if not given:
        raise RuntimeError("chain_matmul(): Expected one or more matrices")
    for t in given:
        if t.ndim != 2:
            raise RuntimeError(f"Tensor with dimension {t.ndim} is not a matrix")
    warnings.warn(
        "torch.chain_matmul is deprecated and will be removed in a future PyTorch release. Use torch.linalg.multi_dot "
        "instead, which accepts a list of two or more tensors rather than multiple parameters.",
        UserWarning,
        stacklevel=2,
    )
    return into("chain_matmul", given[0], out) if len(given) == 1 else multi_dot(given, out=out)


@composite(method=True)
def cross(input: Tensor, other: Tensor, dim: int | None = None, *, out: Tensor | None = None) -> Tensor:
    """Vector products along ``dim`` (the first of size 3, where it is not given)."""
    if dim is None:
        dim = next((k for k, n in enumerate(input.shape) if n == 3 and input.ndim == other.ndim), None)
        if input.ndim != other.ndim:
            raise RuntimeError("linalg.cross: inputs must have the same number of dimensions.")
        if dim is None:
            raise RuntimeError("no dimension of size 3 in input")
    return internal.linalg_cross(input, other, dim=dim, out=out)  # type: ignore[no-any-return]


@composite(namespaces=("linalg",))
def vecdot(x: Tensor, y: Tensor, *, dim: int = -1, out: Tensor | None = None) -> Tensor:
    """``sum(conj(x) * y)`` along ``dim``; the two broadcast."""
    if not (x.is_floating_point() and x.dtype.itemsize == 2):
        check_dtype("linalg.vecdot", x._aval)
    if x.dtype != y.dtype:
        raise RuntimeError(
            f"linalg.vecdot: Expected x and y to have the same dtype, but found x of type {display_name(x._aval.dtype)} "
            f"and y of type {display_name(y._aval.dtype)} instead"
        )
    canonical_dim(dim, max(x.ndim, y.ndim))
    left = x.conj_physical() if x.is_complex() else x
    return into("linalg_vecdot", (left * y).sum(dim), out)
