"""Limits on the size of gradients."""

from __future__ import annotations

import warnings
from collections.abc import Iterable

import torchax_lite as torch
from torchax_lite import Tensor

__all__ = ["clip_grad_norm", "clip_grad_norm_", "clip_grad_value_", "clip_grads_with_norm_", "get_total_norm"]

# ``foreach`` chooses between one fused operation and a loop; here all operations of a step are one program anyway.


def _tensors(given: Tensor | Iterable[Tensor]) -> list[Tensor]:
    return [given] if isinstance(given, Tensor) else list(given)


def get_total_norm(
    tensors: Tensor | Iterable[Tensor],
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """The p-norm of all elements of all ``tensors`` together.

    Args:
        tensors: one or several.
        norm_type: p; may be ``inf``.
        error_if_nonfinite: raise if the norm is infinite or not a number (this waits for its value).
        foreach: accepted; makes no difference here.
    """
    tensors = _tensors(tensors)
    if not tensors:
        return torch.tensor(0.0)
    norm_type = float(norm_type)
    device = tensors[0].device
    norms = [torch.linalg.vector_norm(tensor, norm_type).to(device) for tensor in tensors]
    total_norm = torch.linalg.vector_norm(torch.stack(norms), norm_type)
    if error_if_nonfinite and bool(torch.logical_or(total_norm.isnan(), total_norm.isinf())):
        raise RuntimeError(
            f"The total norm of order {norm_type} for gradients from `parameters` is non-finite, so it cannot be "
            "clipped. To disable this error and scale the gradients by the non-finite norm anyway, set "
            "`error_if_nonfinite=False`"
        )
    return total_norm


def clip_grads_with_norm_(
    parameters: Tensor | Iterable[Tensor], max_norm: float, total_norm: Tensor, foreach: bool | None = None
) -> None:
    """Multiply the gradients in place by ``max_norm / (total_norm + 1e-6)`` where that is less than 1.

    Args:
        parameters: one or several; those without a gradient are skipped.
        max_norm: the limit.
        total_norm: the gradients' norm, see :func:`get_total_norm`.
        foreach: accepted; makes no difference here.
    """
    grads = [parameter.grad for parameter in _tensors(parameters) if parameter.grad is not None]
    if not grads:
        return
    with torch.no_grad():
        # Multiplied even by 1: a condition would have to wait for the norm's value.
        factor = torch.clamp(float(max_norm) / (total_norm + 1e-6), max=1.0)
        for grad in grads:
            grad.mul_(factor.to(grad.device))


def clip_grad_norm_(
    parameters: Tensor | Iterable[Tensor],
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """Scale the gradients in place so that their norm, taken together, is at most ``max_norm``; return the norm before.

    Args:
        parameters: one or several; those without a gradient are skipped.
        max_norm: the limit.
        norm_type: p of the norm; may be ``inf``.
        error_if_nonfinite: raise if the norm is infinite or not a number (this waits for its value).
        foreach: accepted; makes no difference here.
    """
    parameters = _tensors(parameters)
    with torch.no_grad():
        grads = [parameter.grad for parameter in parameters if parameter.grad is not None]
        total_norm = get_total_norm(grads, norm_type, error_if_nonfinite, foreach)
        clip_grads_with_norm_(parameters, max_norm, total_norm, foreach)
    return total_norm


def clip_grad_norm(
    parameters: Tensor | Iterable[Tensor],
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """The old name of :func:`clip_grad_norm_`."""
    warnings.warn(
        "`torch.nn.utils.clip_grad_norm` is now deprecated in favor of `torch.nn.utils.clip_grad_norm_`.",
        FutureWarning,
        stacklevel=2,
    )
    return clip_grad_norm_(parameters, max_norm, norm_type, error_if_nonfinite, foreach)


def clip_grad_value_(parameters: Tensor | Iterable[Tensor], clip_value: float, foreach: bool | None = None) -> None:
    """Limit every element of the gradients, in place, to [-clip_value, clip_value].

    Args:
        parameters: one or several; those without a gradient are skipped.
        clip_value: the limit.
        foreach: accepted; makes no difference here.
    """
    clip_value = float(clip_value)
    with torch.no_grad():
        for parameter in _tensors(parameters):
            if parameter.grad is not None:
                parameter.grad.clamp_(min=-clip_value, max=clip_value)
