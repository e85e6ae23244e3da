"""Pooling functions over the declared two- and three-dimensional ops; one dim is two with a dim of size 1."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torchax_lite as torch

from ..._generated import internal as _ops
from ...ops.pooling import pooled_size
from ...tensor import dtypes
from .activation import relu
from .common import spread

if TYPE_CHECKING:
    from torchax_lite import Tensor

__all__ = [
    f"{kind}{n}d{suffix}"
    for kind, dims, suffixes in (
        ("max_pool", (1, 2, 3), ("", "_with_indices")),
        ("adaptive_max_pool", (1, 2, 3), ("", "_with_indices")),
        ("fractional_max_pool", (2, 3), ("", "_with_indices")),
        ("avg_pool", (1, 2, 3), ("",)),
        ("adaptive_avg_pool", (1, 2, 3), ("",)),
        ("lp_pool", (1, 2, 3), ("",)),
        ("max_unpool", (1, 2, 3), ("",)),
    )
    for n in dims
    for suffix in suffixes
]

_Size = int | Sequence[int]
_OptionalSize = int | None | Sequence[int | None]


# ---------------------------------------------------------------- max
def _one(value: _Size, name: str, function: str) -> int:
    """The single value of a one-dim argument."""
    if isinstance(value, int):
        return value
    if len(value) != 1:
        raise RuntimeError(f"{function}() {name} must be a single int, or a tuple of one int")
    return value[0]


def _check_max_pool1d(
    input: Tensor, kernel_size: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool
) -> None:  # fmt: skip
    """What PyTorch refuses where no positions are asked for, in its words for that."""
    if input.dim() not in (2, 3) or 0 in input.shape[-2:]:
        raise RuntimeError(
            f"max_pool1d: Expected 2D or 3D (batch mode) tensor with optional 0 dim batch size for input, but got:"
            f"{list(input.shape)}"
        )
    name = "max_pool1d"
    kernel = _one(kernel_size, "kernel_size", name)
    step = kernel if stride is None or stride == () else _one(stride, "stride", name)
    pad, spacing = _one(padding, "padding", name), _one(dilation, "dilation", name)
    if kernel <= 0:
        raise RuntimeError(f"max_pool1d() kernel_size must be greater than zero, but got {kernel}")
    if step <= 0:
        raise RuntimeError(f"max_pool1d() stride must be greater than zero, but got {step}")
    if pad < 0:
        raise RuntimeError(f"max_pool1d() padding must be non-negative, but got {pad}")
    if pad > kernel // 2:
        raise RuntimeError(
            f"max_pool1d() padding should be at most half of kernel size, but got padding={pad} and "
            f"kernel_size={kernel}"
        )
    if spacing <= 0:
        raise RuntimeError(f"max_pool1d() dilation must be greater than zero, but got {spacing}")
    made = pooled_size(input.shape[-1], kernel, step, pad, spacing, ceil_mode)
    if made <= 0:
        raise RuntimeError(f"max_pool1d() Invalid computed output size: {made}")
    if input.dtype.is_complex or not input.dtype.is_floating_point:
        raise NotImplementedError(f"\"max_pool1d_impl\" not implemented for '{dtypes.scalar_type_name(input.dtype)}'")


def max_pool1d_with_indices(
    input: Tensor, kernel_size: _Size, stride: _Size | None = None, padding: _Size = 0, dilation: _Size = 1,
    ceil_mode: bool = False, return_indices: bool = False,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """Maximum of each window of the last dim, and its position."""
    if input.dim() not in (2, 3):
        raise RuntimeError(
            f"Expected 2 to 3 dimensions, but got {input.dim()}-dimensional tensor for argument #1 'self' (while "
            "checking arguments for max_pool1d)"
        )
    name = "max_pool1d"
    kernel = _one(kernel_size, "kernel_size", name)
    step = kernel if stride is None or stride == () else _one(stride, "stride", name)
    pad, spacing = _one(padding, "padding", name), _one(dilation, "dilation", name)
    values, indices = _ops.max_pool2d_with_indices(
        input.unsqueeze(-2), (1, kernel), (1, step), (0, pad), (1, spacing), ceil_mode
    )
    return values.squeeze(-2), indices.squeeze(-2)


def _max_pool(n: int, input: Tensor, kernel_size: Any, stride: Any, padding: Any, dilation: Any, ceil: bool) -> Any:
    pool = _ops.max_pool2d_with_indices if n == 2 else _ops.max_pool3d_with_indices
    return pool(input, kernel_size, () if stride is None else stride, padding, dilation, ceil)


def max_pool2d_with_indices(
    input: Tensor, kernel_size: _Size, stride: _Size | None = None, padding: _Size = 0, dilation: _Size = 1,
    ceil_mode: bool = False, return_indices: bool = False,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """Maximum of each window of the last two dims, and its flat position in them."""
    return _max_pool(2, input, kernel_size, stride, padding, dilation, ceil_mode)


def max_pool3d_with_indices(
    input: Tensor, kernel_size: _Size, stride: _Size | None = None, padding: _Size = 0, dilation: _Size = 1,
    ceil_mode: bool = False, return_indices: bool = False,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """Maximum of each window of the last three dims, and its flat position in them."""
    return _max_pool(3, input, kernel_size, stride, padding, dilation, ceil_mode)


def max_pool1d(
    input: Tensor, kernel_size: _Size, stride: _Size | None = None, padding: _Size = 0, dilation: _Size = 1,
    ceil_mode: bool = False, return_indices: bool = False,
) -> Any:  # fmt: skip
    """Maximum of each window of the last dim (with ``return_indices`` also its position)."""
    if not return_indices:
        _check_max_pool1d(input, kernel_size, stride, padding, dilation, ceil_mode)
    found = max_pool1d_with_indices(input, kernel_size, stride, padding, dilation, ceil_mode)
    return found if return_indices else found[0]


def max_pool2d(
    input: Tensor, kernel_size: _Size, stride: _Size | None = None, padding: _Size = 0, dilation: _Size = 1,
    ceil_mode: bool = False, return_indices: bool = False,
) -> Any:  # fmt: skip
    """Maximum of each window of the last two dims (with ``return_indices`` also its flat position)."""
    found = _max_pool(2, input, kernel_size, stride, padding, dilation, ceil_mode)
    return found if return_indices else found[0]


def max_pool3d(
    input: Tensor, kernel_size: _Size, stride: _Size | None = None, padding: _Size = 0, dilation: _Size = 1,
    ceil_mode: bool = False, return_indices: bool = False,
) -> Any:  # fmt: skip
    """Maximum of each window of the last three dims (with ``return_indices`` also its flat position)."""
    found = _max_pool(3, input, kernel_size, stride, padding, dilation, ceil_mode)
    return found if return_indices else found[0]


# ---------------------------------------------------------------- unpooling
def _unpool_size(
    input: Tensor, kernel: Sequence[int], stride: Sequence[int], padding: Sequence[int], output_size: Any
) -> tuple[int, ...]:
    """The default size, or ``output_size`` checked against it."""
    n = len(kernel)
    default = [(s - 1) * t + k - 2 * p for s, t, k, p in zip(input.shape[-n:], stride, kernel, padding, strict=True)]
    if output_size is None:
        return tuple(default)
    wanted = list(output_size)
    if len(wanted) == n + 2:
        wanted = wanted[2:]
    if len(wanted) != n:
        raise ValueError(
            f"output_size should be a sequence containing {n} or {n + 2} elements, but it has a length of "
            f"'{len(wanted)}'"
        )
    for i, (size, near, step) in enumerate(zip(wanted, default, stride, strict=True)):
        if not near - step < size < near + step:
            raise ValueError(
                f'invalid output_size "{wanted}" (dim {i} must be between {near - step} and {near + step})'
            )
    return tuple(wanted)


def _max_unpool(
    n: int, input: Tensor, indices: Tensor, kernel_size: _Size, stride: _Size | None, padding: _Size, output_size: Any
) -> Tensor:
    kernel, pad = spread(kernel_size, n), spread(padding, n)
    step = kernel if stride is None else spread(stride, n)
    size = _unpool_size(input, kernel, step, pad, output_size)
    if n == 1:
        return _ops.max_unpool2d(input.unsqueeze(-2), indices.unsqueeze(-2), (1, *size)).squeeze(-2)
    return (_ops.max_unpool2d if n == 2 else _ops.max_unpool3d)(input, indices, size)


def max_unpool1d(
    input: Tensor, indices: Tensor, kernel_size: _Size, stride: _Size | None = None, padding: _Size = 0,
    output_size: Sequence[int] | None = None,
) -> Tensor:  # fmt: skip
    """Zeros with the values of a one-dim max pooling put back at their positions."""
    return _max_unpool(1, input, indices, kernel_size, stride, padding, output_size)


def max_unpool2d(
    input: Tensor, indices: Tensor, kernel_size: _Size, stride: _Size | None = None, padding: _Size = 0,
    output_size: Sequence[int] | None = None,
) -> Tensor:  # fmt: skip
    """Zeros with the values of a two-dim max pooling put back at their positions."""
    return _max_unpool(2, input, indices, kernel_size, stride, padding, output_size)


def max_unpool3d(
    input: Tensor, indices: Tensor, kernel_size: _Size, stride: _Size | None = None, padding: _Size = 0,
    output_size: Sequence[int] | None = None,
) -> Tensor:  # fmt: skip
    """Zeros with the values of a three-dim max pooling put back at their positions."""
    return _max_unpool(3, input, indices, kernel_size, stride, padding, output_size)


# ---------------------------------------------------------------- average
def avg_pool1d(
    input: Tensor, kernel_size: _Size, stride: _Size | None = None, padding: _Size = 0, ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:  # fmt: skip
    """Mean of each window of the last dim."""
    if input.dim() not in (2, 3):
        raise RuntimeError(
            f"Expected 2 to 3 dimensions, but got {input.dim()}-dimensional tensor for argument #1 'self' (while "
            f"checking arguments for avg_pool1d)"
        )
    kernel = _one(kernel_size, "kernel_size", "avg_pool1d")
    step = kernel if stride is None or stride == () else _one(stride, "stride", "avg_pool1d")
    pad = _one(padding, "padding", "avg_pool1d")
    return _ops.avg_pool2d(input.unsqueeze(-2), (1, kernel), (1, step), (0, pad), ceil_mode, count_include_pad).squeeze(
        -2
    )


def avg_pool2d(
    input: Tensor, kernel_size: _Size, stride: _Size | None = None, padding: _Size = 0, ceil_mode: bool = False,
    count_include_pad: bool = True, divisor_override: int | None = None, *, out: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """Mean of each window of the last two dims."""
    stride = () if stride is None else stride
    return _ops.avg_pool2d(input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override, out=out)


def avg_pool3d(
    input: Tensor, kernel_size: _Size, stride: _Size | None = None, padding: _Size = 0, ceil_mode: bool = False,
    count_include_pad: bool = True, divisor_override: int | None = None, *, out: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """Mean of each window of the last three dims."""
    stride = () if stride is None else stride
    return _ops.avg_pool3d(input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override, out=out)


# ---------------------------------------------------------------- adaptive
def _sizes(input: Tensor, output_size: Any, n: int) -> tuple[int, ...]:
    """``output_size`` with None replaced by the input's own size."""
    if isinstance(output_size, int):
        return (output_size,) * n
    wanted = (output_size,) * n if output_size is None else tuple(output_size)
    if len(input.shape) <= len(wanted):
        raise ValueError(f"Input dimension should be at least {len(wanted) + 1}")
    own = input.shape[len(input.shape) - len(wanted) :]
    return tuple(d if v is None else v for v, d in zip(wanted, own, strict=True))


def _one_size(output_size: Any, function: str) -> int:
    """The output size of adaptive pooling over one dim."""
    if isinstance(output_size, int):
        return output_size
    if not isinstance(output_size, (tuple, list)):
        kind = type(output_size).__name__
        raise TypeError(f"{function}(): argument 'output_size' (position 2) must be tuple of ints, not {kind}")
    if len(output_size) != 1:
        raise RuntimeError(f"{function}() argument 'output_size' should contain one int (got {len(output_size)})")
    if not isinstance(output_size[0], int):
        raise TypeError(
            f"{function}(): argument 'output_size' (position 2) must be tuple of ints, but found element of type "
            f"{type(output_size[0]).__name__} at pos 0"
        )
    return output_size[0]


def adaptive_avg_pool1d(input: Tensor, output_size: _Size) -> Tensor:
    """Mean over ``output_size`` windows that split the last dim evenly."""
    size = _one_size(output_size, "adaptive_avg_pool1d")
    if input.dim() not in (2, 3):
        raise RuntimeError(
            f"Expected 2 to 3 dimensions, but got {input.dim()}-dimensional tensor for argument #1 'self' (while "
            f"checking arguments for adaptive_avg_pool1d)"
        )
    return adaptive_avg_pool2d(input.unsqueeze(-2), (1, size)).squeeze(-2)


def adaptive_avg_pool2d(input: Tensor, output_size: _OptionalSize) -> Tensor:
    """Mean over windows that split the last two dims evenly into ``output_size``."""
    size = _sizes(input, output_size, 2)
    if size == (1, 1) and input.dim() in (3, 4) and input.is_floating_point():
        return input.mean((-1, -2), keepdim=True)
    return _ops.adaptive_avg_pool2d(input, size)


def adaptive_avg_pool3d(input: Tensor, output_size: _OptionalSize) -> Tensor:
    """Mean over windows that split the last three dims evenly into ``output_size``."""
    size = _sizes(input, output_size, 3)
    if size == (1, 1, 1) and input.dim() in (4, 5) and input.is_floating_point():
        return input.mean((-1, -2, -3), keepdim=True)
    return _ops.adaptive_avg_pool3d(input, size)


def adaptive_max_pool1d_with_indices(
    input: Tensor, output_size: _Size, return_indices: bool = False
) -> tuple[Tensor, Tensor]:
    """Maximum over ``output_size`` windows that split the last dim evenly, and its position."""
    size = _one_size(output_size, "adaptive_max_pool1d")
    if input.dim() not in (2, 3):
        raise RuntimeError(f"adaptive_max_pool1d(): Expected 2D or 3D tensor, but got: {list(input.shape)}")
    values, indices = _ops.adaptive_max_pool2d(input.unsqueeze(-2), (1, size))
    return values.squeeze(-2), indices.squeeze(-2)


def adaptive_max_pool2d_with_indices(
    input: Tensor, output_size: _OptionalSize, return_indices: bool = False
) -> tuple[Tensor, Tensor]:
    """Maximum over windows that split the last two dims evenly, and its flat position in them."""
    return _ops.adaptive_max_pool2d(input, _sizes(input, output_size, 2))


def adaptive_max_pool3d_with_indices(
    input: Tensor, output_size: _OptionalSize, return_indices: bool = False
) -> tuple[Tensor, Tensor]:
    """Maximum over windows that split the last three dims evenly, and its flat position in them."""
    return _ops.adaptive_max_pool3d(input, _sizes(input, output_size, 3))


def adaptive_max_pool1d(input: Tensor, output_size: _Size, return_indices: bool = False) -> Any:
    """Maximum over ``output_size`` windows that split the last dim evenly."""
    found = adaptive_max_pool1d_with_indices(input, output_size)
    return found if return_indices else found[0]


def adaptive_max_pool2d(input: Tensor, output_size: _OptionalSize, return_indices: bool = False) -> Any:
    """Maximum over windows that split the last two dims evenly into ``output_size``."""
    found = adaptive_max_pool2d_with_indices(input, output_size)
    return found if return_indices else found[0]


def adaptive_max_pool3d(input: Tensor, output_size: _OptionalSize, return_indices: bool = False) -> Any:
    """Maximum over windows that split the last three dims evenly into ``output_size``."""
    found = adaptive_max_pool3d_with_indices(input, output_size)
    return found if return_indices else found[0]


# ---------------------------------------------------------------- fractional
def _fractional(
    n: int, input: Tensor, kernel_size: Any, output_size: Any, output_ratio: Any, random_samples: Tensor | None
) -> tuple[Tensor, Tensor]:
    name = f"fractional_max_pool{n}d"
    if output_size is None and output_ratio is None:
        raise ValueError(f"{name} requires specifying either an output_size or an output_ratio")
    if output_size is None:
        ratio = (output_ratio,) * n if isinstance(output_ratio, float) else tuple(output_ratio)
        if any(not 0 < r < 1 for r in ratio):
            raise ValueError(f"output_ratio must be between 0 and 1 (got {output_ratio})")
        output_size = tuple(int(s * r) for s, r in zip(input.shape[-n:], ratio, strict=True))
    if random_samples is None:
        batch = 1 if input.dim() == n + 1 else input.shape[0]
        channels = input.shape[-n - 1]
        random_samples = torch.rand(batch, channels, n, dtype=input.dtype, device=input.device)
    pool = _ops.fractional_max_pool2d if n == 2 else _ops.fractional_max_pool3d
    return pool(input, spread(kernel_size, n), spread(output_size, n), random_samples)


def fractional_max_pool2d_with_indices(
    input: Tensor, kernel_size: _Size, output_size: _Size | None = None, output_ratio: Any = None,
    return_indices: bool = False, _random_samples: Tensor | None = None,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """Maximum over pseudo-randomly placed windows of the last two dims (arXiv:1412.6071), and its position."""
    return _fractional(2, input, kernel_size, output_size, output_ratio, _random_samples)


def fractional_max_pool3d_with_indices(
    input: Tensor, kernel_size: _Size, output_size: _Size | None = None, output_ratio: Any = None,
    return_indices: bool = False, _random_samples: Tensor | None = None,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """Maximum over pseudo-randomly placed windows of the last three dims (arXiv:1412.6071), and its position."""
    return _fractional(3, input, kernel_size, output_size, output_ratio, _random_samples)


def fractional_max_pool2d(
    input: Tensor, kernel_size: _Size, output_size: _Size | None = None, output_ratio: Any = None,
    return_indices: bool = False, _random_samples: Tensor | None = None,
) -> Any:  # fmt: skip
    """Maximum over pseudo-randomly placed windows of the last two dims (arXiv:1412.6071)."""
    found = _fractional(2, input, kernel_size, output_size, output_ratio, _random_samples)
    return found if return_indices else found[0]


def fractional_max_pool3d(
    input: Tensor, kernel_size: _Size, output_size: _Size | None = None, output_ratio: Any = None,
    return_indices: bool = False, _random_samples: Tensor | None = None,
) -> Any:  # fmt: skip
    """Maximum over pseudo-randomly placed windows of the last three dims (arXiv:1412.6071)."""
    found = _fractional(3, input, kernel_size, output_size, output_ratio, _random_samples)
    return found if return_indices else found[0]


# ---------------------------------------------------------------- power average
def _lp_pool(n: int, input: Tensor, norm_type: float, kernel_size: Any, stride: Any, ceil_mode: bool) -> Tensor:
    kernel = spread(kernel_size, n)
    average = (avg_pool1d, avg_pool2d, avg_pool3d)[n - 1]
    out = average(input.pow(norm_type), kernel_size, stride, 0, ceil_mode)
    count = 1
    for k in kernel:
        count *= k
    return (torch.sign(out) * relu(torch.abs(out))).mul(count).pow(1.0 / norm_type)


def lp_pool1d(
    input: Tensor, norm_type: float, kernel_size: int, stride: _Size | None = None, ceil_mode: bool = False
) -> Tensor:
    """``(sum x^p)^(1/p)`` over each window of the last dim."""
    return _lp_pool(1, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool2d(
    input: Tensor, norm_type: float, kernel_size: _Size, stride: _Size | None = None, ceil_mode: bool = False
) -> Tensor:
    """``(sum x^p)^(1/p)`` over each window of the last two dims."""
    return _lp_pool(2, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool3d(
    input: Tensor, norm_type: float, kernel_size: _Size, stride: _Size | None = None, ceil_mode: bool = False
) -> Tensor:
    """``(sum x^p)^(1/p)`` over each window of the last three dims."""
    return _lp_pool(3, input, norm_type, kernel_size, stride, ceil_mode)
