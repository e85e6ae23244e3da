"""Normalisation over batches, channels and vectors; the running statistics are updated in place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torchax_lite as torch

from ..._generated import internal as _ops
from ..._generated.nn_functional import layer_norm as _layer_norm
from ..._generated.nn_functional import rms_norm as _rms_norm
from .padding import pad
from .pooling import avg_pool2d, avg_pool3d

if TYPE_CHECKING:
    from torchax_lite import Tensor

__all__ = [
    "batch_norm", "group_norm", "instance_norm", "layer_norm", "local_response_norm", "normalize", "rms_norm",
]  # fmt: skip


def _more_than_one_value(size: Sequence[int]) -> None:
    values = size[0]
    for s in size[2:]:
        values *= s
    if values == 1:
        raise ValueError(f"Expected more than 1 value per channel when training, got input size {size}")


def _check_buffers(channels: int, **buffers: Tensor | None) -> None:
    for name, buffer in buffers.items():
        if buffer is not None and buffer.numel() != channels:
            raise RuntimeError(f"{name} should contain {channels} elements not {buffer.numel()}")


def _update(running: Tensor | None, batch: Tensor, momentum: float, values: int) -> None:
    """``running = (1 - momentum) running + momentum batch``, in place and outside autograd; not for no values."""
    if running is not None and values:
        with torch.no_grad():
            running.mul_(1 - momentum).add_(batch.detach(), alpha=momentum)


def normalize_batch(
    input: Tensor, running_mean: Tensor | None, running_var: Tensor | None, weight: Tensor | None, bias: Tensor | None,
    use_batch: bool, momentum: float, eps: float,
) -> Tensor:  # fmt: skip
    """:func:`batch_norm` without the checks of its Python form."""
    if input.dim() == 1 and not input.numel():
        scaled = input.clone() if weight is None else input * weight
        return scaled if bias is None else scaled + bias
    if use_batch:
        out, mean, var = _ops.native_batch_norm_train(input, weight, bias, eps)
        _update(running_mean, mean, momentum, input.numel())
        _update(running_var, var, momentum, input.numel())
        return out
    if running_mean is None or running_var is None:
        missing = "running_mean" if running_mean is None else "running_var"
        raise RuntimeError(f"{missing} must be defined in evaluation mode")
    return _ops.native_batch_norm_eval(input, running_mean, running_var, weight, bias, eps)


def batch_norm(
    input: Tensor, running_mean: Tensor | None, running_var: Tensor | None, weight: Tensor | None = None,
    bias: Tensor | None = None, training: bool = False, momentum: float = 0.1, eps: float = 1e-5,
) -> Tensor:  # fmt: skip
    """Normalise each channel of ``(N, C, *)`` over the batch, or by the running statistics when not ``training``.

    In training the running statistics (with the unbiased variance) move by ``momentum``, in place.
    """
    if training:
        _more_than_one_value(input.size())
        if input.dim() > 1:
            _check_buffers(input.shape[1], running_mean=running_mean, running_var=running_var)
        if eps <= 0.0:
            raise ValueError(f"batch_norm eps must be positive during training, but got {eps}")
    elif eps < 0.0:
        raise ValueError(f"batch_norm eps must be non-negative, but got {eps}")
    return normalize_batch(input, running_mean, running_var, weight, bias, training, momentum, eps)


def instance_norm(
    input: Tensor, running_mean: Tensor | None = None, running_var: Tensor | None = None,
    weight: Tensor | None = None, bias: Tensor | None = None, use_input_stats: bool = True, momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:  # fmt: skip
    """Normalise each channel of each sample of ``(N, C, *)`` over its places."""
    size = input.size()
    if use_input_stats:
        places = 1
        for s in size[2:]:
            places *= s
        if places == 1:
            raise ValueError(f"Expected more than 1 spatial element when training, got input size {size}")
    elif running_mean is None or running_var is None:
        raise RuntimeError("Expected running_mean and running_var to be defined when use_input_stats is false")
    batch, channels = size[0], size[1]

    def repeated(v: Tensor | None) -> Tensor | None:
        return None if v is None else v.repeat(batch)

    flat = input.contiguous().view(1, batch * channels, *size[2:])
    mean, var = repeated(running_mean), repeated(running_var)
    out = normalize_batch(flat, mean, var, repeated(weight), repeated(bias), use_input_stats, momentum, eps)
    if use_input_stats:
        with torch.no_grad():
            for kept, moved in ((running_mean, mean), (running_var, var)):
                if kept is not None and moved is not None:
                    kept.copy_(moved.view(batch, channels).mean(0))
    return out.view(size)


def _int_tuple(value: Sequence[int], function: str) -> tuple[int, ...]:
    if isinstance(value, int):
        raise TypeError(f"{function}(): argument 'normalized_shape' (position 2) must be tuple of ints, not int")
    return tuple(value)


def layer_norm(
    input: Tensor, normalized_shape: Sequence[int], weight: Tensor | None = None, bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:  # fmt: skip
    """``(x - mean) / sqrt(var + eps) * weight + bias`` over the trailing dims ``normalized_shape``."""
    return _layer_norm(input, _int_tuple(normalized_shape, "layer_norm"), weight, bias, eps)


def rms_norm(
    input: Tensor, normalized_shape: Sequence[int], weight: Tensor | None = None, eps: float | None = None
) -> Tensor:
    """``x / sqrt(mean(x^2) + eps) * weight`` over the trailing dims ``normalized_shape``."""
    return _rms_norm(input, _int_tuple(normalized_shape, "rms_norm"), weight, eps)


def group_norm(
    input: Tensor, num_groups: int, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5
) -> Tensor:
    """Normalise each group of channels of each sample of ``(N, C, *)``."""
    if input.dim() < 2:
        raise RuntimeError(f"Expected at least 2 dimensions for input tensor but received {input.dim()}")
    if num_groups > 0:
        values = input.shape[0] * input.shape[1] // num_groups
        for s in input.shape[2:]:
            values *= s
        if values == 1:
            raise ValueError(
                f"Expected more than 1 value per channel when training, got input size {list(input.shape)}"
            )
    return _ops.group_norm(input, num_groups, weight, bias, eps)


def local_response_norm(input: Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> Tensor:
    """``x / (k + alpha mean(x^2 over size neighbouring channels))^beta``."""
    rank = input.dim()
    if rank < 3:
        raise ValueError(f"Expected 3D or higher dimensionality                          input (got {rank} dimensions)")
    if input.numel() == 0:
        return input
    square = input.mul(input)
    before, after = size // 2, (size - 1) // 2
    if rank == 3:
        mean = avg_pool2d(pad(square.unsqueeze(1), (0, 0, before, after)), (size, 1), stride=1).squeeze(1)
    else:
        sizes = input.size()
        cube = square.view(sizes[0], 1, sizes[1], sizes[2], -1)
        mean = avg_pool3d(pad(cube, (0, 0, 0, 0, before, after)), (size, 1, 1), stride=1).squeeze(1).view(sizes)
    return input / mean.mul(alpha).add(k).pow(beta)


def normalize(
    input: Tensor, p: float = 2.0, dim: int | tuple[int, ...] = 1, eps: float = 1e-12, out: Tensor | None = None
) -> Tensor:
    """``x / max(norm_p(x), eps)`` along ``dim``."""
    norm = input.norm(p, dim, keepdim=True).clamp_min(eps).expand_as(input)
    return input / norm if out is None else torch.div(input, norm, out=out)
