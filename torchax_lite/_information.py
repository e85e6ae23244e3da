"""Small functions of ``torch`` that tell about the package, a type or a device."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torchax_lite as torch

from .tensor.tensor import Tensor


def typename(obj: Any, /) -> str:
    """Name of a tensor's legacy type, or of an object's (or a class's) type with its module."""
    if isinstance(obj, torch.Tensor):
        return obj.type()
    if isinstance(obj, type) or hasattr(obj, "__qualname__"):
        module, name = getattr(obj, "__module__", "") or "", obj.__qualname__
    else:
        module, name = type(obj).__module__, type(obj).__qualname__
    if module in ("", "builtins"):
        return str(name)
    return f"{module.replace('torchax_lite', 'torch', 1)}.{name}"


def get_device_module(device: Any = None) -> Any:
    """The module of a kind of device (``torch.cuda``, ``torch.cpu``): by default that of the accelerator, or the CPU.

    Raises:
        RuntimeError: there is no such module.
    """
    if device is None:
        found = torch.accelerator.current_accelerator()
        kind = "cpu" if found is None else found.type
    else:
        kind = (device if isinstance(device, torch.device) else torch.device(device)).type
    module = getattr(torch, kind, None)
    if module is None:
        raise RuntimeError(f"Invalid device module type: {kind}")
    return module


def compiled_with_cxx11_abi() -> bool:
    """Always true, as in PyTorch's present builds."""
    return True


def to_dlpack(tensor: Tensor) -> Any:
    """A DLPack capsule of a tensor's memory."""
    return tensor.__dlpack__()


def fill(input: Tensor, value: Any) -> Tensor:
    """A tensor like ``input`` full of ``value``."""
    return input.clone().fill_(value)


def get_device(input: Tensor) -> int:
    """Index of the device, -1 for the CPU."""
    return input.get_device()


def resize_as_(input: Tensor, the_template: Tensor, *, memory_format: Any = None) -> Tensor:
    """``input`` resized in place to the shape of another."""
    kwargs = {} if memory_format is None else {"memory_format": memory_format}
    return input.resize_as_(the_template, **kwargs)


def as_strided_(input: Tensor, size: Any, stride: Any, storage_offset: int | None = None) -> Tensor:
    """``input`` made, in place, a strided view of its memory."""
    return input.as_strided_(size, stride, storage_offset)


def unsafe_split_with_sizes(input: Tensor, split_sizes: Sequence[int], dim: int = 0) -> tuple[Tensor, ...]:
    """The pieces of ``split``; autograd does not watch in-place changes of them."""
    return tuple(input.split(list(split_sizes), dim))


_REDUCTIONS = ("none", "mean", "sum")


def binary_cross_entropy_with_logits(
    input: Tensor, target: Tensor, weight: Tensor | None = None, pos_weight: Tensor | None = None, reduction: int = 1
) -> Tensor:
    """``nn.functional.binary_cross_entropy_with_logits`` with a numbered reduction (0 none, 1 mean, 2 sum)."""
    return torch.nn.functional.binary_cross_entropy_with_logits(
        input, target, weight, pos_weight=pos_weight, reduction=_REDUCTIONS[reduction]
    )


def cond(pred: Any, true_fn: Callable[..., Any], false_fn: Callable[..., Any], operands: Sequence[Any] = ()) -> Any:
    """``true_fn(*operands)`` or ``false_fn(*operands)``; ``pred`` is looked at, which runs what is pending."""
    return (true_fn if bool(pred) else false_fn)(*operands)


def sym_int(a: Any) -> int:
    """A number truncated to an int."""
    return math.trunc(a)


def sym_float(a: Any) -> float:
    """A number as a float."""
    return float(a)


def sym_not(a: Any) -> bool:
    """Logical not."""
    return not a


def sym_max(a: Any, b: Any) -> Any:
    """The larger; a float where one of the two is."""
    return float(max(a, b)) if isinstance(a, float) or isinstance(b, float) else max(a, b)


def sym_min(a: Any, b: Any) -> Any:
    """The smaller; a float where one of the two is."""
    return float(min(a, b)) if isinstance(a, float) or isinstance(b, float) else min(a, b)


def sym_sum(args: Sequence[Any]) -> Any:
    """Sum of numbers."""
    return sum(args)


def sym_ite(b: Any, t: Any, f: Any) -> Any:
    """``t`` if ``b``, else ``f``."""
    return t if b else f


def _assert(condition: Any, message: str) -> None:
    """``assert condition, message`` as a call, which symbolic traces record.

    Raises:
        AssertionError: the condition is false.
    """
    function = getattr(type(condition), "__torch_function__", None)
    if function is not None and type(condition) is not Tensor:
        function(_assert, (type(condition),), (condition, message), {})
        return
    assert condition, message


TORCH_NAMES: dict[str, Any] = {
    fn.__name__: fn
    for fn in (
        _assert, as_strided_, binary_cross_entropy_with_logits, compiled_with_cxx11_abi, cond, fill, get_device, get_device_module,
        resize_as_, sym_float, sym_int, sym_ite, sym_max, sym_min, sym_not, sym_sum, to_dlpack, typename,
        unsafe_split_with_sizes,
    )
} | {"has_lapack": True, "has_mkl": True, "has_openmp": True, "has_spectral": True}  # fmt: skip
"""What ``torch`` shows of this module."""
