"""``make_tensor``: a random tensor of a shape, dtype and interval, drawn in PyTorch's order."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Any

import torchax_lite as torch

_INTEGERS = (torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, torch.uint16, torch.uint32, torch.uint64)
_FLOAT8 = (torch.float8_e4m3fn, torch.float8_e5m2, torch.float8_e4m3fnuz, torch.float8_e5m2fnuz)
_FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
_COMPLEX = {torch.complex64: torch.float32, torch.complex128: torch.float64}


def make_tensor(
    *shape: int | Sequence[int], dtype: torch.dtype, device: Any, low: float | None = None,
    high: float | None = None, requires_grad: bool = False, noncontiguous: bool = False, exclude_zero: bool = False,
    memory_format: Any = None,
) -> torch.Tensor:  # fmt: skip
    """Values uniform in ``[low, high)``: by default [-9, 9] for floats, [-9, 10) for integers, [0, 10) for uint8.

    Args:
        shape: the sizes, one by one or as one sequence.
        dtype, device: those of the result.
        low, high: the interval; cut to what the dtype holds.
        requires_grad: of the result.
        noncontiguous: give a tensor that is not contiguous (where it has more than one element).
        exclude_zero: put 1 (the smallest normal number) in the place of zeros.
        memory_format: that of the result.

    Raises:
        ValueError: an empty interval, one outside of the dtype's range, NaN, or options that exclude each other.
        TypeError: a dtype that cannot be drawn.
    """
    first = shape[0] if len(shape) == 1 else None
    sizes: tuple[Any, ...] = tuple(first) if isinstance(first, (tuple, list)) else tuple(shape)
    if requires_grad and dtype in (*_INTEGERS, torch.bool):
        raise ValueError(
            f"`requires_grad=True` is not supported for boolean and integral dtypes, but got dtype={dtype}"
        )
    if noncontiguous and memory_format is not None:
        raise ValueError(
            "The parameters `noncontiguous` and `memory_format` are mutually exclusive, but got "
            f"noncontiguous={noncontiguous} and memory_format={memory_format}"
        )
    spread = noncontiguous and math.prod(sizes) > 1
    drawn = (*sizes[:-1], 2 * sizes[-1]) if spread else sizes
    result = _drawn(drawn, dtype, device, low, high)
    if spread:
        result = result[..., 1::2]
    elif memory_format is not None:
        result = result.clone(memory_format=memory_format)
    if exclude_zero:
        result[result == 0] = _smallest(dtype)
    return result.requires_grad_() if requires_grad else result


def _smallest(dtype: torch.dtype) -> Any:
    """What takes the place of zero."""
    if dtype in (*_INTEGERS, torch.bool):
        return 1
    tiny = torch.finfo(dtype).tiny
    return complex(tiny, tiny) if dtype in _COMPLEX else tiny


def _drawn(shape: tuple[int, ...], dtype: torch.dtype, device: Any, low: Any, high: Any) -> torch.Tensor:
    if dtype == torch.bool:
        low, high = _interval(low, high, dtype, (0, 2), (0, 2))
        return torch.randint(low, high, shape, device=device, dtype=dtype)
    if dtype in _INTEGERS:
        info = torch.iinfo(dtype)
        top = info.max + (0 if dtype in (torch.int64, torch.uint64) else 1)
        low, high = _interval(
            low, high, dtype, (info.min, top), (0 if dtype == torch.uint8 or info.min == 0 else -9, 10)
        )
        return torch.randint(low, high, shape, device=device, dtype=dtype)
    if dtype in _FLOATS or dtype in _FLOAT8 or dtype in _COMPLEX:
        part = _COMPLEX.get(dtype, dtype)
        limits = torch.finfo(part)
        low, high = _interval(low, high, dtype, (limits.min, limits.max), (-9, 9))
        if dtype in _COMPLEX:
            result = torch.empty(shape, device=device, dtype=dtype)
            _uniform(torch.view_as_real(result), low, high)
            return result
        if dtype in _FLOAT8:
            return _uniform(torch.empty(shape, device=device, dtype=torch.float32), low, high).to(dtype)
        return _uniform(torch.empty(shape, device=device, dtype=dtype), low, high)
    raise TypeError(
        f"The requested dtype '{dtype}' is not supported by torch.testing.make_tensor(). To request support, file an issue "
        "at: https://github.com/pytorch/pytorch/issues"
    )


def _uniform(t: torch.Tensor, low: float, high: float) -> torch.Tensor:
    """Fill uniformly; an interval wider than the dtype holds is drawn at half its size."""
    if high - low >= torch.finfo(t.dtype).max:
        return t.uniform_(low / 2, high / 2).mul_(2)
    return t.uniform_(low, high)


def _interval(
    low: Any, high: Any, dtype: torch.dtype, bounds: tuple[Any, Any], default: tuple[Any, Any]
) -> tuple[Any, Any]:
    """The interval asked for, cut to what the dtype holds; whole numbers for integers."""
    whole = dtype in (*_INTEGERS, torch.bool)
    low = default[0] if low is None else low
    high = default[1] if high is None else high
    if any(isinstance(x, float) and math.isnan(x) for x in (low, high)):
        raise ValueError(f"`low` and `high` cannot be NaN, but got low={low} and high={high}")
    if low == high and not whole:
        warnings.warn(
            "Passing `low==high` to `torch.testing.make_tensor` for floating or complex types is deprecated since 2.1 and "
            "will be removed in 2.3. Use `torch.full(...)` instead.",
            FutureWarning,
            stacklevel=5,
        )
    elif low >= high:
        raise ValueError(f"`low` must be less than `high`, but got {low} >= {high}")
    elif high < bounds[0] or low >= bounds[1]:
        raise ValueError(
            f"The value interval specified by `low` and `high` is [{low}, {high}), but {dtype} only supports [{bounds[0]}, "
            f"{bounds[1]})"
        )
    low, high = max(low, bounds[0]), min(high, bounds[1])
    return (math.ceil(low), math.ceil(high)) if whole else (low, high)
