"""Comparisons of whole tensors, covariances, numerical derivatives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torchax_lite as torch
from torchax_lite.ops.common import canonical_dim, canonical_dims
from torchax_lite.tensor.dtypes import scalar_type_name

from .registry import composite

if TYPE_CHECKING:
    from torchax_lite import Tensor


@composite(method=True)
def allclose(input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> bool:
    """Whether ``|input - other| <= atol + rtol * |other|`` everywhere."""
    return bool(torch.isclose(input, other, rtol=rtol, atol=atol, equal_nan=equal_nan).all())


@composite(method=True)
def equal(input: Tensor, other: Tensor) -> bool:
    """Whether two tensors have the same shape and equal elements."""
    if not isinstance(other, torch.Tensor):
        raise TypeError(f"equal(): argument 'other' (position 2) must be Tensor, not {type(other).__name__}")
    if input.device != other.device:
        raise RuntimeError(
            f"Expected all tensors to be on the same device, but found at least two devices, {input.device} and "
            f"{other.device}!"
        )
    return input.shape == other.shape and bool((input == other).all())


def _check_weights(name: str, w: Tensor, n: int, integral: bool) -> None:
    if w.ndim > 1:
        raise RuntimeError(
            f"cov(): expected {name} to have one or fewer dimensions but got {name} with {w.ndim} dimensions"
        )
    wrong = w.is_floating_point() or w.is_complex() or w.dtype == torch.bool if integral else not w.is_floating_point()
    if wrong:
        kind = "integral" if integral else "floating point"
        raise RuntimeError(
            f"cov(): expected {name} to have {kind} dtype but got {name} with {scalar_type_name(w.dtype)} dtype"
        )
    if w.numel() != n:
        raise RuntimeError(
            f"cov(): expected {name} to have the same numel as there are observations in the input but got "
            f"{w.numel()} != {n}"
        )
    if n and bool(w.min() < 0):
        raise RuntimeError(f"cov(): {name} cannot be negative")


@composite(method=True)
def cov(
    input: Tensor, *, correction: int = 1, fweights: Tensor | None = None, aweights: Tensor | None = None
) -> Tensor:
    """Covariances of variables (rows) over observations (columns), which may have frequencies and weights."""
    if input.ndim > 2:
        raise RuntimeError(
            f"cov(): expected input to have two or fewer dimensions but got an input with {input.ndim} dimensions"
        )
    if input.dtype == torch.bool:
        raise RuntimeError("cov(): bool dtype is not supported for input")
    x = input.view(1, -1) if input.ndim < 2 else input
    n = x.shape[1]
    w = None
    if fweights is not None:
        _check_weights("fweights", fweights, n, True)
        w = fweights
    if aweights is not None:
        _check_weights("aweights", aweights, n, False)
        w = aweights if w is None else w * aweights
    total = w.sum() if w is not None else torch.tensor(n, dtype=torch.int64, device=x.device)
    if w is not None and n and bool(total == 0):
        raise RuntimeError("cov(): weights sum to zero, can't be normalized")
    mean = (x if w is None else x * w).sum(1) / total
    if w is not None and aweights is not None and correction != 0:
        norm = total - correction * (w * aweights).sum() / total
    else:
        norm = total - correction
    norm = torch.clamp(norm, min=0)
    gap = x - mean.unsqueeze(1)
    right = (gap if w is None else gap * w).t()
    product = torch.mm(gap, right.conj_physical() if right.is_complex() else right)
    return (product / norm).squeeze()


@composite(method=True)
def corrcoef(input: Tensor) -> Tensor:
    """Pearson correlations of variables (rows)."""
    if input.ndim > 2:
        raise RuntimeError(
            f"corrcoef(): expected input to have two or fewer dimensions but got an input with {input.ndim} dimensions"
        )
    c = cov(input)
    if c.ndim == 0:
        return c / c
    d = c.diagonal()
    deviations = torch.sqrt(d.real if d.is_complex() else d)
    c = c / deviations.view(-1, 1)
    c = c / deviations.view(1, -1)
    if c.is_complex():
        return torch.complex(c.real.clamp(-1, 1), c.imag.clamp(-1, 1))
    return c.clamp(-1, 1)


def _gradient_along(x: Tensor, dim: int, spacing: Any, edge_order: int) -> Tensor:
    """Second-order differences inside, one-sided ones of ``edge_order`` at the ends."""
    n = x.shape[dim]

    if not isinstance(spacing, torch.Tensor):
        first = (x.narrow(dim, 1, 1) - x.narrow(dim, 0, 1)) / spacing
        last = (x.narrow(dim, n - 1, 1) - x.narrow(dim, n - 2, 1)) / spacing
        if edge_order == 2:
            a, b, c = (x.narrow(dim, k, 1) for k in (0, 1, 2))
            first = (b * 2 - a * 1.5 - c * 0.5) / spacing
            a, b, c = (x.narrow(dim, n - k, 1) for k in (1, 2, 3))
            last = (a * 1.5 - b * 2 + c * 0.5) / spacing
        parts = [first]
        if n > 2:
            parts.append((x.narrow(dim, 2, n - 2) - x.narrow(dim, 0, n - 2)) / (2 * spacing))
        return torch.cat([*parts, last], dim)
    shape = [-1 if k == dim else 1 for k in range(x.ndim)]
    steps = spacing.diff().view(shape)

    def step(k: int) -> Tensor:
        return steps.narrow(dim, k % (n - 1), 1)

    def ends(order: Sequence[int], h1: Tensor, h2: Tensor, sign: int) -> Tensor:
        a, b, c = (x.narrow(dim, k, 1) for k in order)
        return sign * (-(2 * h1 + h2) / (h1 * (h1 + h2)) * a + (h1 + h2) / (h1 * h2) * b - h1 / (h2 * (h1 + h2)) * c)

    if edge_order == 1:
        first = (x.narrow(dim, 1, 1) - x.narrow(dim, 0, 1)) / step(0)
        last = (x.narrow(dim, n - 1, 1) - x.narrow(dim, n - 2, 1)) / step(-1)
    else:
        first = ends((0, 1, 2), step(0), step(1), 1)
        last = ends((n - 1, n - 2, n - 3), step(-1), step(-2), -1)
    parts = [first]
    if n > 2:
        h1, h2 = steps.narrow(dim, 0, n - 2), steps.narrow(dim, 1, n - 2)
        low, mid, high = (x.narrow(dim, k, n - 2) for k in (0, 1, 2))
        parts.append(-h2 / (h1 * (h1 + h2)) * low + (h2 - h1) / (h1 * h2) * mid + h1 / (h2 * (h1 + h2)) * high)
    return torch.cat([*parts, last], dim)


@composite()
def gradient(input: Tensor, *, spacing: Any = 1, dim: Any = None, edge_order: int = 1) -> tuple[Tensor, ...]:
    """Numerical derivatives along each dim; ``spacing``: a number, one for each dim, or coordinates for each dim."""
    many = isinstance(spacing, (list, tuple))
    dims = [dim] if isinstance(dim, int) else list(range(input.ndim)) if dim is None else list(dim)
    dims = [canonical_dim(d, input.ndim) for d in dims]
    canonical_dims(dims, input.ndim)
    if many and len(spacing) != len(dims):
        why = (
            f"'self.dim() = {input.ndim}', since dim argument was not given"
            if dim is None
            else f"'dim' with length {len(dims)}"
        )
        raise RuntimeError(
            "torch.gradient expected spacing to be unspecified, a scalar, or a list of length equal to "
            f"{why}, but got a list of length {len(spacing)}"
        )
    if edge_order not in (1, 2):
        raise RuntimeError("torch.gradient only supports edge_order=1 and edge_order=2.")
    for d in dims:
        if input.shape[d] < edge_order + 1:
            raise RuntimeError("torch.gradient expected each dimension size to be at least edge_order+1")
    each = spacing if many else [1 if spacing is None else spacing] * len(dims)
    return tuple(_gradient_along(input, d, s, edge_order) for d, s in zip(dims, each, strict=True))
