"""What is done to all parameters and buffers of a module at once: moving, converting, freezing, clearing gradients."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import torchax_lite as torch
from torchax_lite import Tensor
from torchax_lite.nn.parameter import Parameter

if TYPE_CHECKING:
    from torchax_lite.nn.modules.module import Module

T = TypeVar("T", bound="Module")


def _parse_to(*args: Any, **kwargs: Any) -> tuple[Any, Any, bool, Any]:
    """``(device, dtype, non_blocking, memory_format)`` of the documented forms of ``Module.to``."""
    device = dtype = memory_format = None
    non_blocking = False
    if kwargs.pop("copy", False) or len(args) > 3:
        raise RuntimeError(".to() does not accept copy argument")
    if "memory_format" in kwargs:
        memory_format = kwargs.pop("memory_format")
    names: tuple[str, ...]
    if "tensor" in kwargs or (args and isinstance(args[0], Tensor)):
        names = ("tensor", "non_blocking")
    elif args and isinstance(args[0], torch.dtype):
        names = ("dtype", "non_blocking")
    else:
        names = ("device", "dtype", "non_blocking")
    if len(args) > len(names):
        raise TypeError(f"to() received an invalid combination of arguments - got {len(args)} positional arguments")
    given = dict(zip(names, args, strict=False))
    for name, value in kwargs.items():
        if name not in ("device", "dtype", "non_blocking", "tensor") or name in given:
            raise TypeError(f"to() received an invalid combination of arguments - got an unexpected keyword '{name}'")
        given[name] = value
    if "tensor" in given:
        device, dtype = given["tensor"].device, given["tensor"].dtype
    else:
        device, dtype = given.get("device"), given.get("dtype")
        if device is not None:
            device = torch.device(device)
        if dtype is not None and not isinstance(dtype, torch.dtype):
            raise TypeError(f"to(): argument 'dtype' must be torch.dtype, not {type(dtype).__name__}")
    non_blocking = given.get("non_blocking", False)
    if not isinstance(non_blocking, bool):
        raise TypeError(f"to(): argument 'non_blocking' must be bool, not {type(non_blocking).__name__}")
    return device, dtype, non_blocking, memory_format


class ModuleConversion:
    """The part of :class:`Module` that changes its tensors where they are: devices, dtypes, gradients."""

    def _apply(self: T, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> T:
        """Replace every parameter's, gradient's and buffer's values by ``fn`` of them; parameters stay themselves.

        Only a move to or from the ``meta`` device makes new parameters.
        """
        if recurse:
            for module in self.children():
                module._apply(fn)
        for name, param in self._parameters.items():
            if param is None:
                continue
            with torch.no_grad():
                converted = fn(param)
                grad = param.grad
                converted_grad = None if grad is None else fn(grad)
            if converted is param:
                kept = param
            elif (converted.device.type == "meta") == (param.device.type == "meta"):
                param.data = converted
                kept = param
            else:
                kept = Parameter(converted, param.requires_grad)
                self._parameters[name] = kept
            if converted_grad is None or grad is None:
                continue
            if kept is param:
                grad.data = converted_grad
            else:
                kept.grad = converted_grad.requires_grad_(grad.requires_grad)
        for name, buffer in self._buffers.items():
            if buffer is not None:
                self._buffers[name] = fn(buffer)
        return self

    def apply(self: T, fn: Callable[[Module], None]) -> T:
        """Call ``fn`` with every descendant, children first, and with the module itself; return the module."""
        for module in self.children():
            module.apply(fn)
        fn(self)
        return self

    def cuda(self: T, device: Any = None) -> T:
        """Move all parameters and buffers to an accelerator."""
        return self._apply(lambda t: t.cuda(device))

    def ipu(self: T, device: Any = None) -> T:
        """Move all parameters and buffers to an IPU, where there is one."""
        return self.to("ipu" if device is None else device)

    def xpu(self: T, device: Any = None) -> T:
        """Move all parameters and buffers to an XPU, where there is one."""
        return self.to("xpu" if device is None else device)

    def mtia(self: T, device: Any = None) -> T:
        """Move all parameters and buffers to an MTIA device, where there is one."""
        return self.to("mtia" if device is None else device)

    def cpu(self: T) -> T:
        """Move all parameters and buffers to the CPU."""
        return self._apply(lambda t: t.cpu())

    def type(self: T, dst_type: Any) -> T:
        """Convert all parameters and buffers to ``dst_type``, a dtype or a name such as ``"torch.DoubleTensor"``."""
        return self._apply(lambda t: t.type(dst_type))

    def float(self: T) -> T:
        """Convert all floating point parameters and buffers to float32."""
        return self._apply(lambda t: t.float() if t.is_floating_point() else t)

    def double(self: T) -> T:
        """Convert all floating point parameters and buffers to float64."""
        return self._apply(lambda t: t.double() if t.is_floating_point() else t)

    def half(self: T) -> T:
        """Convert all floating point parameters and buffers to float16."""
        return self._apply(lambda t: t.half() if t.is_floating_point() else t)

    def bfloat16(self: T) -> T:
        """Convert all floating point parameters and buffers to bfloat16."""
        return self._apply(lambda t: t.bfloat16() if t.is_floating_point() else t)

    def to_empty(self: T, *, device: Any, recurse: bool = True) -> T:
        """Move all parameters and buffers to ``device`` without their values."""
        return self._apply(lambda t: torch.empty_like(t, device=device), recurse=recurse)

    def to(self: T, *args: Any, **kwargs: Any) -> T:
        """Move and convert all parameters and buffers, in place; return the module.

        Forms: ``to(device=None, dtype=None, non_blocking=False)``, ``to(dtype, non_blocking=False)``,
        ``to(tensor, non_blocking=False)``, ``to(memory_format=...)``. A dtype converts only floating point and
        complex values; a memory format only tensors of 4 and 5 dimensions.
        """
        device, dtype, non_blocking, memory_format = _parse_to(*args, **kwargs)
        if dtype is not None:
            if not (dtype.is_floating_point or dtype.is_complex):
                raise TypeError(
                    f"nn.Module.to only accepts floating point or complex dtypes, but got desired dtype={dtype}"
                )
            if dtype.is_complex:
                warnings.warn(
                    "Complex modules are a new feature under active development whose design may change, "
                    "and some modules might not work as expected when using complex tensors as parameters or buffers.",
                    stacklevel=2,
                )

        def convert(t: Tensor) -> Tensor:
            options: dict[str, Any] = {}
            if device is not None:
                options["device"] = device
            if dtype is not None and (t.is_floating_point() or t.is_complex()):
                options["dtype"] = dtype
            if memory_format is not None and t.dim() in (4, 5):
                options["memory_format"] = memory_format
            try:
                return t.to(**options, non_blocking=non_blocking) if options else t
            except NotImplementedError as error:
                if str(error).startswith("Cannot copy out of meta tensor; no data!"):
                    raise NotImplementedError(
                        "Cannot copy out of meta tensor; no data! Please use torch.nn.Module.to_empty() instead of "
                        "torch.nn.Module.to() when moving module from meta to a different device."
                    ) from None
                raise

        return self._apply(convert)

    def requires_grad_(self: T, requires_grad: bool = True) -> T:
        """Set ``requires_grad`` of all parameters."""
        for param in self.parameters():
            param.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Drop the gradients of all parameters, or with ``set_to_none`` false make them zero."""
        if getattr(self, "_is_replica", False):
            warnings.warn(
                "Calling .zero_grad() from a module created with nn.DataParallel() has no effect. "
                "The parameters are copied (in a differentiable manner) from the original module. "
                "This means they are not leaf nodes in autograd and so don't accumulate gradients. "
                "If you need gradients in your forward method, consider using autograd.grad instead.",
                stacklevel=2,
            )
        for param in self.parameters():
            grad = param.grad
            if grad is None:
                continue
            if set_to_none:
                param.grad = None
                continue
            if grad.grad_fn is not None:
                grad.detach_()
            else:
                grad.requires_grad_(False)
            grad.zero_()

    def share_memory(self: T) -> T:
        """Move all parameters and buffers to shared memory."""
        return self._apply(lambda t: t.share_memory_())
