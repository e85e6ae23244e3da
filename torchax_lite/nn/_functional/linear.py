"""Linear maps and convolutions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torchax_lite as torch

from ..._generated import internal as _ops
from ..._generated.torch_ops import bilinear, conv_tbc
from ..._generated.torch_ops import convolution as _convolution
from ...composite.registry import into
from ...ops.registry import OPS
from ...tensor.dispatch import call
from .common import spread

if TYPE_CHECKING:
    from torchax_lite import Tensor

__all__ = [
    "bilinear", "conv1d", "conv2d", "conv3d", "conv_tbc", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d",
    "linear",
]  # fmt: skip

_ADDMM = OPS["addmm"]
_Size = int | Sequence[int]


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None, *, out: Tensor | None = None) -> Tensor:
    """``input @ weight^T + bias``: ``(*, in)`` and ``(out, in)`` give ``(*, out)``."""
    if not isinstance(input, torch.Tensor):
        raise TypeError(f"linear(): argument 'input' (position 1) must be Tensor, not {type(input).__name__}")
    if out is not None:
        made = linear(input, weight, bias)
        if input.dim() != 1 or weight.dim() != 2:
            return into("linear", made, out)
        into("linear", made.unsqueeze(0), out)  # one row to PyTorch, which resizes ``out`` to it first
        return out.resize_(made.shape)
    if weight.dim() != 2 or input.dim() == 0:
        product = torch.matmul(input, weight.t())
        return product if bias is None else product + bias
    rank = input.dim()
    if rank == 2:
        return torch.mm(input, weight.t()) if bias is None else call(_ADDMM, (bias, input, weight.t()))
    if rank == 1 and bias is None:
        return torch.mm(input.unsqueeze(0), weight.t()).squeeze(0)
    shape = (*input.shape[:-1], weight.shape[0])
    rows = 1
    for s in shape[:-1]:
        rows *= s
    if bias is not None and input.is_contiguous():
        return call(_ADDMM, (bias, input.view(rows, input.shape[-1]), weight.t())).view(shape)
    product = _ops._unsafe_view(torch.mm(input.reshape(rows, input.shape[-1]), weight.t()), shape)
    return product if bias is None else product + bias


# ---------------------------------------------------------------- convolution
def _batched(input: Tensor, weight: Tensor, n: int, name: str) -> tuple[Tensor, bool]:
    """The input with a batch dim, and whether it had one."""
    rank = input.dim()
    if rank not in (n + 1, n + 2):
        raise RuntimeError(
            f"Expected {n + 1}D (unbatched) or {n + 2}D (batched) input to {name}, but got input of size: "
            f"{list(input.shape)}"
        )
    return (input, True) if rank == n + 2 else (input.unsqueeze(0), False)


def _same(input: Tensor, kernel: Sequence[int], stride: Sequence[int], dilation: Sequence[int]) -> Any:
    """The input (padded where the two sides differ) and the symmetric padding that keep the size."""
    if any(s != 1 for s in stride):
        raise RuntimeError("padding='same' is not supported for strided convolutions")
    total = [d * (k - 1) for d, k in zip(dilation, kernel, strict=True)]
    if any(t % 2 for t in total):
        extra: list[int] = []
        for t in reversed(total):
            extra += [0, t % 2]
        input = torch.constant_pad_nd(input, extra, 0)
    return input, tuple(t // 2 for t in total)


def _conv(
    n: int, input: Tensor, weight: Tensor, bias: Tensor | None, stride: _Size, padding: str | _Size, dilation: _Size,
    groups: int,
) -> Tensor:  # fmt: skip
    if isinstance(padding, str) and padding not in ("same", "valid"):
        raise RuntimeError(f"Invalid padding string: '{padding}'")
    if weight.ndim < 3:
        raise RuntimeError("weight should have at least three dimensions")
    x, batched = _batched(input, weight, n, f"conv{n}d")
    stride, dilation = spread(stride, n), spread(dilation, n)
    if isinstance(padding, str):
        if padding == "same":
            if weight.ndim != x.ndim:
                raise RuntimeError(
                    f"Expected {weight.ndim}-dimensional input for {weight.ndim}-dimensional weight"
                    f"{list(weight.shape)}, but got {x.ndim}-dimensional input of size {list(x.shape)} instead"
                )
            x, padding = _same(x, weight.shape[2:], stride, dilation)
        else:
            padding = 0
    out = _convolution(x, weight, bias, stride, spread(padding, n), dilation, False, (0,) * n, groups)
    return out if batched else out.squeeze(0)


def conv1d(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: _Size = 1, padding: str | _Size = 0,
    dilation: _Size = 1, groups: int = 1,
) -> Tensor:  # fmt: skip
    """Cross-correlation over one spatial dim: ``(N, C, L)`` with ``(O, C / groups, k)``."""
    return _conv(1, input, weight, bias, stride, padding, dilation, groups)


def conv2d(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: _Size = 1, padding: str | _Size = 0,
    dilation: _Size = 1, groups: int = 1,
) -> Tensor:  # fmt: skip
    """Cross-correlation over two spatial dims: ``(N, C, H, W)`` with ``(O, C / groups, kh, kw)``."""
    return _conv(2, input, weight, bias, stride, padding, dilation, groups)


def conv3d(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: _Size = 1, padding: str | _Size = 0,
    dilation: _Size = 1, groups: int = 1,
) -> Tensor:  # fmt: skip
    """Cross-correlation over three spatial dims: ``(N, C, D, H, W)`` with ``(O, C / groups, kd, kh, kw)``."""
    return _conv(3, input, weight, bias, stride, padding, dilation, groups)


def _conv_transpose(
    n: int, input: Tensor, weight: Tensor, bias: Tensor | None, stride: _Size, padding: _Size, output_padding: _Size,
    groups: int, dilation: _Size,
) -> Tensor:  # fmt: skip
    x, batched = _batched(input, weight, n, f"conv_transpose{n}d")
    out = _convolution(
        x, weight, bias, spread(stride, n), spread(padding, n), spread(dilation, n), True, spread(output_padding, n),
        groups,
    )  # fmt: skip
    return out if batched else out.squeeze(0)


def conv_transpose1d(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: _Size = 1, padding: _Size = 0,
    output_padding: _Size = 0, groups: int = 1, dilation: _Size = 1,
) -> Tensor:  # fmt: skip
    """The transpose of :func:`conv1d`: ``(N, C, L)`` with ``(C, O / groups, k)``."""
    return _conv_transpose(1, input, weight, bias, stride, padding, output_padding, groups, dilation)


def conv_transpose2d(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: _Size = 1, padding: _Size = 0,
    output_padding: _Size = 0, groups: int = 1, dilation: _Size = 1,
) -> Tensor:  # fmt: skip
    """The transpose of :func:`conv2d`: ``(N, C, H, W)`` with ``(C, O / groups, kh, kw)``."""
    return _conv_transpose(2, input, weight, bias, stride, padding, output_padding, groups, dilation)


def conv_transpose3d(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: _Size = 1, padding: _Size = 0,
    output_padding: _Size = 0, groups: int = 1, dilation: _Size = 1,
) -> Tensor:  # fmt: skip
    """The transpose of :func:`conv3d`: ``(N, C, D, H, W)`` with ``(C, O / groups, kd, kh, kw)``."""
    return _conv_transpose(3, input, weight, bias, stride, padding, output_padding, groups, dilation)
