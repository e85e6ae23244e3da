"""`TVTensor`: the base of the tensor classes that transforms know."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import torchax_lite as torch
from torchax_lite import Tensor

from ...tensor import overriding
from ._torch_function_helpers import _must_return_subclass

T = TypeVar("T", bound="TVTensor")


class TVTensor(Tensor):
    """Base class of all TVTensors; subclass it for kinds of your own.

    A subclass with metadata defines ``wrap(tensor, like, **kwargs)``, and ``_wrap_output(output, args, kwargs)`` for
    operations under ``set_return_type("TVTensor")``.
    """

    @staticmethod
    def _to_tensor(data: Any, dtype: Any = None, device: Any = None, requires_grad: bool | None = None) -> Tensor:
        if requires_grad is None:
            requires_grad = data.requires_grad if isinstance(data, Tensor) else False
        plain = data.as_subclass(Tensor) if isinstance(data, Tensor) else data
        return torch.as_tensor(plain, dtype=dtype, device=device).requires_grad_(requires_grad)

    @classmethod
    def _wrap_output(cls, output: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None) -> Any:
        """The result of an operation with its tensors as instances of this class."""
        if isinstance(output, Tensor) and not isinstance(output, cls):
            return output.as_subclass(cls)
        if isinstance(output, (tuple, list)):
            return type(output)(cls._wrap_output(part, args, kwargs) for part in output)
        return output

    @classmethod
    def wrap(cls, tensor: Tensor, like: Any, **kwargs: Any) -> Any:
        """The tensor as an instance of this class."""
        return tensor.as_subclass(cls)

    __torch_function__ = overriding.disabled_torch_function_impl  # type: ignore[assignment]

    def _kept(self, made: Tensor) -> Any:
        return made if isinstance(made, type(self)) else type(self)._wrap_output(made, (self,))

    def clone(self, *args: Any, **kwargs: Any) -> Any:
        return self._kept(super().clone(*args, **kwargs))

    def to(self, *args: Any, **kwargs: Any) -> Any:
        return self._kept(super().to(*args, **kwargs))

    def detach(self) -> Any:
        return self._kept(super().detach())

    def pin_memory(self, *args: Any, **kwargs: Any) -> Any:
        return self._kept(super().pin_memory(*args, **kwargs))

    def _make_repr(self, **kwargs: Any) -> str:
        """The tensor's text, with metadata before the closing bracket."""
        extra = ", ".join(f"{key}={value}" for key, value in kwargs.items())
        return f"{super().__repr__()[:-1]}, {extra})"

    def __deepcopy__(self: T, memo: dict[int, Any]) -> T:
        return self.detach().clone().requires_grad_(self.requires_grad)  # type: ignore[no-any-return]


def _converting(name: str) -> Any:
    """A conversion that gives a plain tensor, as most operations do (in Tensor it is a call of ``to``)."""

    def convert(self: TVTensor, *args: Any, **kwargs: Any) -> Any:
        made = getattr(self.as_subclass(Tensor), name)(*args, **kwargs)
        return type(self)._wrap_output(made, (self,)) if _must_return_subclass() else made

    convert.__name__ = name
    return convert


for _name in ("float", "double", "half", "bfloat16", "int", "long", "short", "char", "byte", "bool", "cpu", "cuda"):
    setattr(TVTensor, _name, _converting(_name))


def keep_class(cls: Any, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
    """``__torch_function__`` of TVTensors while operations keep the class."""
    if not all(issubclass(cls, t) for t in types):
        return NotImplemented
    with torch._C.DisableTorchFunctionSubclass():
        output = func(*args, **kwargs or {})
    return cls._wrap_output(output, args, kwargs)


def first_of(cls: type, args: Any, kwargs: Any) -> Any:
    """The first instance of a class among the (nested) arguments of an operation."""
    from torchax_lite.utils._pytree import tree_flatten

    flat, _ = tree_flatten((tuple(args), tuple((kwargs or {}).values())))
    return next(x for x in flat if isinstance(x, cls))
