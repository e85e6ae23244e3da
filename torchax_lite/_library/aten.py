"""``torch.ops.aten``: the public functions behind ATen's names, and those that have no other name."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import torchax_lite as torch
from torchax_lite import Tensor
from torchax_lite._generated import internal as _ops


def aten_function(name: str) -> Callable[..., Any] | None:
    """The public function for the name of an ATen operator."""
    T: Any = Tensor
    special = {"_softmax": _softmax("softmax"), "_log_softmax": _softmax("log_softmax"), "_to_copy": _to_copy,
               "expand": T.expand, "view": T.view, "t": torch.t, "copy_": T.copy_, "_unsafe_view": T.view,
               "native_dropout_backward": _native_dropout_backward, "_safe_softmax": _safe_softmax,
               "slice": _slice, "_upsample_bilinear2d_aa": _upsample_bilinear2d_aa, "_batch_norm_with_update": _batch_norm_with_update,
               "_convolution": _convolution,
               "max_pool2d_with_indices_backward": _max_pool2d_with_indices_backward,
               "_softmax_backward_data": torch._softmax_backward_data, "detach": T.detach, "alias": _alias, "clone": T.clone, "to": T.to, "item": T.item, "_pin_memory": T.pin_memory, "_sparse_addmm": torch.sparse.addmm,
               "_sparse_mm_reduce_impl": _sparse_mm_reduce_impl}  # fmt: skip
    if name in special:
        return special[name]  # type: ignore[no-any-return]
    if name in _NAMED_ONLY:
        return _named_only(name)
    places = (Tensor,) if name.endswith("_") else (torch, torch.nn.functional, torch.linalg, torch.special, Tensor)
    for place in places:
        found = getattr(place, name, None)
        if callable(found) and not inspect.isclass(found):
            return found  # type: ignore[no-any-return]
    for prefix in ("linalg_", "fft_", "special_"):
        if name.startswith(prefix):
            return getattr(getattr(torch, prefix[:-1]), name.removeprefix(prefix), None)
    return None


def _sparse_mm_reduce_impl(self: Tensor, other: Tensor, reduce: str) -> tuple[Tensor, Tensor]:
    """A sparse product reduced along rows, and for extrema their positions, which are not known here."""
    if reduce in ("amax", "amin"):
        raise NotImplementedError(f"torch.ops.aten._sparse_mm_reduce_impl(reduce={reduce!r}): use torch.sparse.mm")
    return torch.sparse.mm(self, other, reduce), torch.empty(0, dtype=torch.int64)


def _convolution(
    input: Tensor, weight: Tensor, bias: Tensor | None, stride: Any, padding: Any, dilation: Any, transposed: bool,
    output_padding: Any, groups: int, benchmark: bool, deterministic: bool, cudnn_enabled: bool, allow_tf32: bool = True,
) -> Tensor:  # fmt: skip
    """``convolution``; the flags choose a kernel of cuDNN, and there is one here."""
    return torch.convolution(input, weight, bias, stride, padding, dilation, transposed, output_padding, groups)


def _alias(self: Tensor) -> Tensor:
    """A view of the whole tensor."""
    return self.view(self.dtype)


def _safe_softmax(self: Tensor, dim: int, dtype: Any = None) -> Tensor:
    """``softmax`` along ``dim`` with zeros where every element is -inf."""
    empty = (self == float("-inf")).all(dim, keepdim=True)
    return torch.softmax(self.masked_fill(empty, 0), dim, dtype).masked_fill(empty, 0)


def _upsample_bilinear2d_aa(
    input: Tensor, output_size: Any, align_corners: bool, *factors_given: Any, scale_factors: Any = None,
    scales_h: float | None = None, scales_w: float | None = None,
) -> Tensor:  # fmt: skip
    """Images resized with triangles as wide as the reduction; factors one by one or, for no size, together."""
    if factors_given and isinstance(factors_given[0], (tuple, list)):
        scale_factors = factors_given[0]
    elif factors_given:
        scales_h, scales_w = (*factors_given, scales_w)[:2]
    factors = tuple(float(f or 0) for f in scale_factors or (scales_h, scales_w))
    size = [int(n * f) for n, f in zip(input.shape[2:], factors, strict=True)] if output_size is None else output_size
    return _ops.upsample(input, "bilinear", tuple(size), factors, align_corners, True)  # type: ignore[no-any-return]


def _slice(self: Tensor, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1) -> Tensor:
    """``self[start:end:step]`` along ``dim``, as a view."""
    at = dim % self.ndim
    return self[(slice(None),) * at + (slice(start, end, step),)]


def _max_pool2d_with_indices_backward(
    grad_output: Tensor, self: Tensor, kernel_size: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool,
    indices: Tensor,
) -> Tensor:  # fmt: skip
    """``grad_output`` added up at the places that the maxima came from."""
    everywhere = torch.ones((), dtype=torch.bool, device=self.device)
    flat = self.masked_fill(everywhere, 0).flatten(-2)  # depends on ``self``, by derivatives of zero
    summed = flat.scatter_add(-1, indices.flatten(-2), grad_output.flatten(-2)).unflatten(-1, self.shape[-2:])
    images = self.ndim == 4 and self.is_contiguous(memory_format=torch.channels_last) and not self.is_contiguous()
    return summed.contiguous(memory_format=torch.channels_last if images else torch.contiguous_format)


def _batch_norm_with_update(
    input: Tensor, weight: Tensor | None, bias: Tensor | None, running_mean: Tensor, running_var: Tensor,
    momentum: float, eps: float, *, out: Any = None,
) -> tuple[Tensor, ...]:  # fmt: skip
    """Batch norm in training: result, the batch's mean and reciprocal deviation, and no reserved memory."""
    if out is not None:
        raise RuntimeError(
            "Overloaded torch operator invoked from Python failed to match any schema:\n"
            "aten::_batch_norm_with_update() Expected a value of type 'Tensor' for argument 'out' but instead found type "
            f"'{type(out).__name__}'."
        )
    made = torch.native_batch_norm(input, weight, bias, running_mean, running_var, True, momentum, eps)
    return (*made, torch.empty(0, dtype=torch.uint8))


def _native_dropout_backward(grad_output: Tensor, mask: Tensor, scale: float) -> Tensor:
    """``grad_output * mask * scale``: the cotangent of the input of ``native_dropout``."""
    factor = mask * scale
    return grad_output * (factor.to(grad_output.dtype) if grad_output.is_floating_point() else factor)


_NAMED_ONLY = frozenset({
    "_scaled_dot_product_flash_attention", "_scaled_dot_product_efficient_attention", "_scaled_dot_product_cudnn_attention",
    "_scaled_dot_product_flash_attention_for_cpu", "_scaled_dot_product_flash_attention_backward", "convolution_backward",
})  # fmt: skip
"""Operators that policies and counts name, and that are no functions here."""


def _named_only(name: str) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError(
            f"torch.ops.aten.{name} can be named but not called; use torch.nn.functional's functions and autograd"
        )

    return call


def _softmax(name: str) -> Callable[..., Any]:
    def call(self: Tensor, dim: int, half_to_float: bool = False) -> Tensor:
        return getattr(torch, name)(self, dim, torch.float32 if half_to_float else None)

    return call


def _to_copy(self: Tensor, *, dtype: Any = None, layout: Any = None, device: Any = None, pin_memory: Any = None,
             non_blocking: bool = False, memory_format: Any = None) -> Tensor:  # fmt: skip
    """A copy on another device, of another dtype or in another order of memory."""
    if layout not in (None, self.layout):
        raise NotImplementedError(f"torch.ops.aten._to_copy: layout={layout}")
    if pin_memory:
        raise NotImplementedError("torch.ops.aten._to_copy: pin_memory=True")
    order = torch.preserve_format if memory_format is None else memory_format
    return self.to(
        device=device or self.device,
        dtype=dtype or self.dtype,
        non_blocking=non_blocking,
        copy=True,
        memory_format=order,
    )
