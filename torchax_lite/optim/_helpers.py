"""What optimizers of other packages take from ``torch.optim.optimizer``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torchax_lite as torch
from torchax_lite import Tensor

__all__: list[str] = []

_foreach_supported_types: list[type] = [torch.Tensor, torch.nn.parameter.Parameter]

_maximize_doc = "maximize: whether to maximize the objective instead of minimizing it (False)"
_foreach_doc = "foreach: accepted as PyTorch has it; an update of all parameters is one program here in any case"
_fused_doc = "fused: accepted as PyTorch has it; an update of all parameters is one program here in any case"
_capturable_doc = "capturable: accepted as PyTorch has it; steps are compiled programs here in any case"
_differentiable_doc = "differentiable: whether the step itself is put on the tape (False)"
_params_doc = "params: tensors, (name, tensor) pairs, or dicts of parameters and their options"


def _get_capturable_supported_devices(supports_xla: bool = True) -> list[str]:
    """Device types on which PyTorch's optimizers may be captured in graphs."""
    return ["cuda", "xpu", "hpu", torch._C._get_privateuse1_backend_name(), *(["xla"] if supports_xla else [])]


def _get_value(x: Any) -> Any:
    """The number of a 0-d tensor; other values as they are."""
    return x.item() if isinstance(x, Tensor) else x


def _to_scalar(x: Any) -> Any:
    """A tensor of one element without dims; other values as they are."""
    return x.squeeze() if isinstance(x, Tensor) and x.dim() else x


def _stack_if_compiling(x: Any) -> Any:
    """The value as it is."""
    return x


def _get_scalar_dtype(is_fused: bool | None = None) -> torch.dtype:
    """The dtype of an optimizer's step counter."""
    if is_fused:
        return torch.float32
    return torch.float64 if torch.get_default_dtype() == torch.float64 else torch.float32


def _default_to_fused_or_foreach(
    params: Sequence[Tensor], differentiable: bool, use_fused: bool = False
) -> tuple[bool, bool]:
    """(fused, foreach) for an optimizer that was told neither: what pays on the parameters' devices."""
    if differentiable:
        return False, False
    float_like = all(type(p) in _foreach_supported_types and torch.is_floating_point(p) for p in params)
    fused = use_fused and float_like and all(p.device.type in ("cpu", "cuda", "mps", "xpu") for p in params)
    foreach = not fused and all(
        p is None or (type(p) in _foreach_supported_types and p.device.type in ("cuda", "xpu")) for p in params
    )
    return fused, foreach


def _view_as_real(params: list[Tensor], *state_and_grads: list[Tensor]) -> None:
    """Put real views in the place of complex parameters, and of their entries in the other lists."""
    for i, p in enumerate(params):
        if torch.is_complex(p):
            params[i] = torch.view_as_real(p)
            for entries in state_and_grads:
                entries[i] = torch.view_as_real(entries[i])


def _disable_dynamo_if_unsupported(single_tensor_fn: Any = None) -> Callable[[Any], Any]:
    """A decorator that leaves the function as it is."""
    return lambda fn: fn


def group_by_device_and_dtype(
    tensorlistlist: Sequence[Sequence[Tensor | None]], with_indices: bool = False
) -> dict[Any, tuple[list[list[Tensor | None]], list[int]]]:
    """Parallel lists split by the device and dtype of the first list's tensors.

    Returns:
        (device, dtype) -> (the lists with these entries only, their positions or an empty list). Positions without a
        tensor in the first list are left out.
    """
    found: dict[Any, tuple[list[list[Tensor | None]], list[int]]] = {}
    for i, first in enumerate(tensorlistlist[0]):
        if first is None:
            continue
        lists, indices = found.setdefault((first.device, first.dtype), ([[] for _ in tensorlistlist], []))
        for kept, given in zip(lists, tensorlistlist, strict=True):
            if given:
                kept.append(given[i])
        if with_indices:
            indices.append(i)
    return found
