"""Tensors that a module owns: parameters, buffers, and their not yet shaped kinds."""

from __future__ import annotations

import copy
import weakref
from collections import OrderedDict
from typing import Any

import torchax_lite as torch
from torchax_lite import Tensor
from torchax_lite.tensor import overriding
from torchax_lite.tensor.overriding import disabled_torch_function_impl
from torchax_lite.tensor.tensor import _TensorMeta

__all__ = ["Buffer", "Parameter", "UninitializedBuffer", "UninitializedParameter", "is_lazy"]


class _ParameterMeta(_TensorMeta):
    """``isinstance(x, Parameter)`` also holds for tensors of other classes that were made parameters."""

    def __instancecheck__(cls, instance: Any) -> bool:
        if super().__instancecheck__(instance):
            return True
        return cls is Parameter and isinstance(instance, Tensor) and getattr(instance, "_is_param", False)


class Parameter(Tensor, metaclass=_ParameterMeta):
    """A tensor that becomes one of a module's parameters when it is assigned as an attribute.

    Shares ``data``'s memory and is a leaf of the graph.

    Args:
        data: the values; an empty tensor if left out.
        requires_grad: whether gradients are accumulated in ``.grad``.
    """

    def __new__(cls, data: Any = None, requires_grad: bool = True) -> Parameter:
        if data is None:
            data = torch.empty(0)
        if type(data) is Tensor or type(data) is Parameter:
            if requires_grad and not (data.is_floating_point() or data.is_complex()):
                raise RuntimeError("Only Tensors of floating point and complex dtype can require gradients")
            return Tensor._make_subclass(cls, data, requires_grad)
        # A custom tensor class keeps its class and is only marked.
        tensor = data.detach().requires_grad_(requires_grad)
        if type(tensor) is not type(data):
            raise RuntimeError(
                f"Creating a Parameter from an instance of type {type(data).__name__} requires that detach() returns "
                f"an instance of the same type, but return type {type(tensor).__name__} was found instead. "
                "To use the type as a Parameter, please correct the detach() semantics defined by "
                "its __torch_dispatch__() implementation."
            )
        tensor._is_param = True
        return tensor

    def __deepcopy__(self, memo: dict[int, Any]) -> Parameter:
        if id(self) in memo:
            return memo[id(self)]
        data = self.data
        # A copy that nothing has to compute, but for a view, whose base is not copied along.
        data = copy.deepcopy(data, {}) if data._view is None else data.clone(memory_format=torch.preserve_format)
        copied = type(self)(data, self.requires_grad)
        memo[id(self)] = copied
        return copied

    def __repr__(self) -> str:  # type: ignore[override]
        return "Parameter containing:\n" + super().__repr__()

    def __reduce_ex__(self, proto: Any) -> Any:
        from torchax_lite import _utils
        from torchax_lite.tensor.copying import user_attributes

        state = user_attributes(self)
        hooks: OrderedDict[int, Any] = OrderedDict()  # backward hooks are not part of the saved state
        if state:
            return _utils._rebuild_parameter_with_state, (self.data, self.requires_grad, hooks, state)
        return _utils._rebuild_parameter, (self.data, self.requires_grad, hooks)

    __torch_function__ = disabled_torch_function_impl


def _rebuild_parameter(data: Tensor, requires_grad: bool, backward_hooks: Any) -> Parameter:
    """The parameter that a pickle describes."""
    return Parameter(data, requires_grad)


def _rebuild_parameter_with_state(data: Tensor, requires_grad: bool, backward_hooks: Any, state: dict) -> Parameter:
    """The parameter that a pickle describes, with the attributes a user had set on it."""
    param = Parameter(data, requires_grad)
    for name, value in state.items():
        setattr(param, name, value)
    return param


class _BufferMeta(_TensorMeta):
    """``isinstance(x, Buffer)`` holds for any tensor that was made a buffer."""

    def __instancecheck__(cls, instance: Any) -> bool:
        if super().__instancecheck__(instance):
            return True
        return cls is Buffer and isinstance(instance, Tensor) and getattr(instance, "_is_buffer", False)


class Buffer(Tensor, metaclass=_BufferMeta):
    """A tensor that becomes one of a module's buffers when it is assigned as an attribute.

    The result is of ``data``'s own class, marked as a buffer.

    Args:
        data: the values; an empty tensor if left out.
        persistent: whether the buffer is part of the module's ``state_dict``.
    """

    def __new__(cls, data: Any = None, *, persistent: bool = True) -> Any:
        if data is None:
            data = torch.empty(0)
        tensor = data.detach().requires_grad_(data.requires_grad)
        tensor.persistent = persistent
        tensor._is_buffer = True
        return tensor


def _without_shape(cls: Any, requires_grad: bool, device: Any, dtype: Any) -> Any:
    """A tensor of class ``cls``, which sees the calls of public functions until it gets a shape, or is no more."""
    with overriding.DisableTorchFunctionSubclass():
        made = Tensor._make_subclass(cls, torch.empty(0, device=device, dtype=dtype), requires_grad)
    overriding.LAYER.enable()
    made._guarded = weakref.finalize(made, overriding.LAYER.disable)
    return made


_WITHOUT_SHAPE = frozenset(
    "__get__ __hash__ __reduce_ex__ size copy_ is_complex is_floating_point half float double char short int long cuda "
    "cpu to get_device".split()
)


class UninitializedTensorMixin:
    """What parameters and buffers can do before their shape is known: little but ``materialize``."""

    cls_to_become: Any = None
    data: Any
    _guarded: Any

    def materialize(self, shape: Any, device: Any = None, dtype: Any = None) -> None:
        """Allocate ``shape`` and turn into an ordinary parameter or buffer, in place."""
        device = self.data.device if device is None else device
        dtype = self.data.dtype if dtype is None else dtype
        self.data = torch.empty(shape, device=device, dtype=dtype)
        self._guarded()
        del self._guarded
        self.__class__ = self.cls_to_become

    @property
    def shape(self) -> Any:
        raise RuntimeError(
            "Can't access the shape of an uninitialized parameter or buffer. This error usually happens in "
            "`load_state_dict` when trying to load an uninitialized parameter into an initialized one. "
            "Call `forward` to initialize the parameters before accessing their attributes."
        )

    def share_memory_(self) -> Any:
        raise RuntimeError(
            "Can't share memory on an uninitialized parameter or buffer. Call `forward` to initialize the parameters "
            "before calling `module.share_memory()`."
        )

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Let through what needs no shape: conversions and questions about the kind of tensor."""
        if getattr(func, "__name__", "") in _WITHOUT_SHAPE or type(func).__name__ == "method-wrapper":
            return super().__torch_function__(func, types, args, kwargs)  # type: ignore[misc]
        raise ValueError(
            f"Attempted to use an uninitialized parameter in {func}. This error happens when you are using a "
            "`LazyModule` or explicitly manipulating `torch.nn.parameter.UninitializedParameter` objects. "
            "When using LazyModules Call `forward` with a dummy batch to initialize the parameters before calling "
            "torch functions"
        )

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def __reduce_ex__(self, proto: Any) -> Any:
        return type(self), (self.requires_grad, self.device, self.dtype)  # type: ignore[attr-defined]


def is_lazy(param: Any) -> bool:
    """Whether ``param`` has no shape yet."""
    return isinstance(param, UninitializedTensorMixin)


class UninitializedParameter(UninitializedTensorMixin, Parameter):
    """A parameter whose shape is not known yet; ``materialize(shape)`` gives it one."""

    cls_to_become = Parameter

    def __new__(cls, requires_grad: bool = True, device: Any = None, dtype: Any = None) -> UninitializedParameter:
        return _without_shape(cls, requires_grad, device, dtype)

    def __deepcopy__(self, memo: dict[int, Any]) -> UninitializedParameter:
        if id(self) in memo:
            return memo[id(self)]
        copied = type(self)(self.requires_grad, self.data.device, self.data.dtype)
        memo[id(self)] = copied
        return copied


class UninitializedBuffer(UninitializedTensorMixin, Tensor):
    """A buffer whose shape is not known yet; ``materialize(shape)`` gives it one."""

    cls_to_become = Tensor

    def __new__(
        cls, requires_grad: bool = False, device: Any = None, dtype: Any = None, persistent: bool = True
    ) -> UninitializedBuffer:
        tensor = _without_shape(cls, requires_grad, device, dtype)
        tensor.persistent = persistent
        tensor._is_buffer = True
        return tensor
