"""Which kernel of a functional computes on which type of input."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import PIL.Image

from torchax_lite import Tensor

from .... import tv_tensors

Kernel = Callable[..., Any]

_KERNEL_REGISTRY: dict[Kernel, dict[type, Kernel]] = {}
_NAMESPACE = __name__.rpartition(".")[0]
_BUILTIN = {
    tv_tensors.TVTensor, tv_tensors.Image, tv_tensors.Video, tv_tensors.Mask, tv_tensors.BoundingBoxes,
    tv_tensors.KeyPoints,
}  # fmt: skip


def is_pure_tensor(inpt: Any) -> bool:
    """Whether an object is a tensor, and no TVTensor."""
    return isinstance(inpt, Tensor) and not isinstance(inpt, tv_tensors.TVTensor)


def functional(fn: Kernel) -> Kernel:
    """Make a function's signature a functional: its calls go to the kernel of the type of their first argument."""
    signature = inspect.signature(fn)
    names = list(signature.parameters)
    rest = names[1:]
    defaults = {n: p.default for n, p in signature.parameters.items() if p.default is not p.empty}

    @functools.wraps(fn)
    def call(*args: Any, **kwargs: Any) -> Any:
        if not args or len(args) > len(names):
            bound = signature.bind(*args, **kwargs)
            args, kwargs = bound.args, bound.kwargs
        values = {**defaults, **dict(zip(rest, args[1:], strict=False)), **kwargs}
        return _get_kernel(call, type(args[0]))(args[0], **values)

    _KERNEL_REGISTRY[call] = {}
    return call


def _plain_first(kernel: Kernel) -> Kernel:
    """A kernel of tensors as one of TVTensors: the result is wrapped like the input."""

    @functools.wraps(kernel)
    def run(inpt: Any, *args: Any, **kwargs: Any) -> Any:
        made = kernel(inpt.as_subclass(Tensor), *args, **kwargs)
        if isinstance(made, (tuple, list)):
            return type(made)(tv_tensors.wrap(part, like=inpt) for part in made)
        return tv_tensors.wrap(made, like=inpt)

    return run


def register(target: Kernel, *types: type, wrapped: bool = True) -> Callable[[Kernel], Kernel]:
    """A decorator: the kernel of ``target`` for some types; ``wrapped`` ones of TVTensors see plain tensors."""

    def add(kernel: Kernel) -> Kernel:
        for cls in types:
            wrap = wrapped and issubclass(cls, tv_tensors.TVTensor)
            _KERNEL_REGISTRY[target][cls] = _plain_first(kernel) if wrap else kernel
        return kernel

    return add


def register_image(target: Kernel, pil: Kernel | None = None) -> Callable[[Kernel], Kernel]:
    """`register` for pure tensors, images and videos; ``pil`` is the kernel of Pillow images, if there is one."""
    if pil is not None:
        register(target, PIL.Image.Image)(pil)
    return register(target, Tensor, tv_tensors.Image, tv_tensors.Video)


def as_video(kernel: Kernel) -> Kernel:
    """An image kernel under its video name."""
    return _renamed(kernel, "image", "video")


def _renamed(kernel: Kernel, old: str, new: str) -> Kernel:
    parameters = list(inspect.signature(kernel).parameters.values())
    first = parameters[0].replace(name=new)

    def run(*args: Any, **kwargs: Any) -> Any:
        if new in kwargs:
            kwargs[parameters[0].name] = kwargs.pop(new)
        return kernel(*args, **kwargs)

    run.__name__ = run.__qualname__ = kernel.__name__.replace(old, new)
    run.__doc__, run.__module__ = kernel.__doc__, kernel.__module__
    run.__signature__ = inspect.Signature([first, *parameters[1:]])  # type: ignore[attr-defined]
    return run


def with_channel(mask: Tensor, compute: Callable[[Tensor], Tensor]) -> Tensor:
    """``compute`` of a mask, which gets a leading dim where it has only two."""
    return compute(mask.unsqueeze(0)).squeeze(0) if mask.ndim < 3 else compute(mask)


def register_kernel(functional: Kernel | str, tv_tensor_cls: type) -> Callable[[Kernel], Kernel]:
    """A decorator: the kernel of a functional for a TVTensor class of one's own.

    Args:
        functional: the functional, or its name.
        tv_tensor_cls: the class.

    Raises:
        ValueError: not a functional of this namespace, not a subclass of TVTensor, or a class that has kernels.
    """
    if isinstance(functional, str):
        import importlib

        found = getattr(importlib.import_module(_NAMESPACE), functional, None)
        if found is None:
            raise ValueError(
                f"Could not find functional with name '{functional}' in torchvision.transforms.v2.functional."
            )
        functional = found
    elif not (callable(functional) and getattr(functional, "__module__", "").startswith(_NAMESPACE)):
        raise ValueError(
            "Kernels can only be registered on functionals from the torchvision.transforms.v2.functional namespace, "
            f"but got {functional}."
        )
    if not (isinstance(tv_tensor_cls, type) and issubclass(tv_tensor_cls, tv_tensors.TVTensor)):
        raise ValueError(
            "Kernels can only be registered for subclasses of torchvision.tv_tensors.TVTensor, "
            f"but got {tv_tensor_cls}."
        )
    if tv_tensor_cls in _BUILTIN:
        raise ValueError(f"Kernels cannot be registered for the builtin tv_tensor classes, but got {tv_tensor_cls}")
    registry = _KERNEL_REGISTRY.setdefault(functional, {})
    if tv_tensor_cls in registry:
        raise ValueError(f"Functional {functional} already has a kernel registered for type {tv_tensor_cls}.")
    return register(functional, tv_tensor_cls, wrapped=False)


def _pass_through(inpt: Any, *args: Any, **kwargs: Any) -> Any:
    return inpt


def _get_kernel(functional: Kernel, input_type: type, *, allow_passthrough: bool = False) -> Kernel:
    """The kernel of a functional for a type; with ``allow_passthrough`` one that returns its input where there is none.

    Raises:
        TypeError: there is no kernel for the type.
    """
    registry = _KERNEL_REGISTRY.get(functional)
    if not registry:
        raise ValueError(f"No kernel registered for functional {functional.__name__}.")
    found = registry.get(input_type)
    if found is not None:
        return found
    for cls in input_type.__mro__:
        if cls in registry:
            return registry[cls]
        if cls is tv_tensors.TVTensor:
            break  # an unknown kind of TVTensor is no image
    if allow_passthrough:
        return _pass_through
    raise TypeError(
        f"Functional F.{functional.__name__} supports inputs of type {registry.keys()}, but got {input_type} instead."
    )
