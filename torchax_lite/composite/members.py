"""Members of Tensor that tell about it, or that refuse because what they belong to does not exist here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import torchax_lite as torch

from .registry import METHODS, composite

if TYPE_CHECKING:
    from torchax_lite import Tensor


@composite(namespaces=(), method=True)
def const_data_ptr(self: Tensor) -> int:
    """Address of the first element, for reading."""
    return self.data_ptr()


@composite(namespaces=(), method=True)
def storage_type(self: Tensor) -> Any:
    """The legacy storage class of the dtype (``torch.FloatStorage``)."""
    return getattr(torch, torch.typename(self).rpartition(".")[2].replace("Tensor", "Storage"))


@composite(namespaces=(), method=True)
def module_load(self: Tensor, other: Tensor, assign: bool = False) -> Tensor:
    """What ``load_state_dict`` puts in the place of ``self``: itself with the values of ``other``, or ``other``."""
    if assign:
        return other.detach()
    with torch.no_grad():
        return self.copy_(other).detach()


@composite(namespaces=(), method=True)
def record_stream(self: Tensor, stream: Any) -> None:
    """Tell the allocator of a use on another stream: memory here lives as long as a program needs it."""


@composite(method=True)
def dequantize(input: Any) -> Any:
    """Float32 values of a tensor (or of a list of them)."""
    return [t.to(torch.float32) for t in input] if isinstance(input, (list, tuple)) else input.to(torch.float32)


@composite(namespaces=(), method=True)
def unsafe_split_with_sizes(self: Tensor, split_sizes: Sequence[int], dim: int = 0) -> tuple[Tensor, ...]:
    """The pieces of ``split``; autograd does not watch in-place changes of them."""
    return tuple(self.split(list(split_sizes), dim))


_NO_QUANTISED = "quantised tensors do not exist here; keep the values in float32, bfloat16 or torch.int8"
_REFUSED = {
    **dict.fromkeys(
        (
            "q_scale", "q_zero_point", "q_per_channel_scales", "q_per_channel_zero_points", "q_per_channel_axis",
            "qscheme", "int_repr",
        ),
        _NO_QUANTISED,
    ),
    "chalf": "torch.complex32 tensors do not exist here; use torch.complex64 (Tensor.cfloat())",
    "to_mkldnn": "there is one memory layout for strided tensors; leave the call out",
    "to_padded_tensor": "nested tensors do not exist here; use torch.nn.utils.rnn.pad_sequence",
    "index": "first-class dims do not exist here; index with x[...]",
}  # fmt: skip
"""Methods: what to do instead."""

_DEVICES = {
    "xpu": AssertionError("Torch not compiled with XPU enabled"),
    "mtia": AssertionError("Torch not compiled with MTIA enabled."),
    "ipu": RuntimeError("PyTorch is not linked with support for ipu devices"),
}


def _refusing(name: str, error: Exception) -> Callable[..., NoReturn]:
    def refuse(self: Tensor, *args: Any, **kwargs: Any) -> NoReturn:
        raise type(error)(*error.args)

    refuse.__name__ = refuse.__qualname__ = name
    refuse.__doc__ = f"Raises: {error}."
    return refuse


for _name, _text in _REFUSED.items():
    METHODS[_name] = _refusing(_name, NotImplementedError(f"Tensor.{_name}: {_text}"))
for _name, _error in _DEVICES.items():
    METHODS[_name] = _refusing(_name, _error)


def _set_grad_dtype(self: Tensor, dtype: Any) -> None:
    if dtype != self.dtype:
        raise NotImplementedError("Tensor.grad_dtype: gradients have the dtype of their tensor; cast them in a hook")


PROPERTIES = {
    "is_mtia": property(lambda self: False, doc="Whether the tensor is on an MTIA device: never."),
    "name": property(lambda self: None, doc="Name of a named tensor: there are none."),
    "grad_dtype": property(lambda self: self.dtype, _set_grad_dtype, doc="Dtype of gradients: that of the tensor."),
}
METHODS.update(PROPERTIES)  # type: ignore[arg-type]
