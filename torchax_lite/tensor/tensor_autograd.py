"""A tensor's place in the graph: whether it needs a gradient, where it comes from, its gradient and hooks."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from . import dispatch, dtypes
from .modes import modes
from .tape import GradNode
from .view_rules import forbidden_write

if TYPE_CHECKING:
    from .tensor import Tensor

T = TypeVar("T")


class TensorAutograd:
    """The part of :class:`Tensor` that autograd reads and writes."""

    _grad_fn: GradNode | None
    _output_nr: int

    @property
    def requires_grad(self) -> bool:
        if self._view is not None and self._gversion != self._storage.gversion:
            self._refresh_grad()
        return self._requires_grad

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        if not isinstance(value, bool):
            raise RuntimeError("requires_grad must be a bool")
        if value and not (self.dtype.is_floating_point or self.dtype.is_complex):
            raise RuntimeError("only Tensors of floating point and complex dtype can require gradients")
        self.requires_grad_(value)

    def requires_grad_(self: T, requires_grad: bool = True) -> T:
        """Switch recording of gradients for this leaf; returns it."""
        value = bool(requires_grad)
        if value and not (self.dtype.is_floating_point or self.dtype.is_complex):
            raise RuntimeError("only Tensors of floating point dtype can require gradients")
        if self.grad_fn is not None and not value:
            raise RuntimeError(
                "you can only change requires_grad flags of leaf variables. If you want to use a computed variable in a "
                "subgraph that doesn't require differentiation use var_no_grad = var.detach()."
            )
        if value and self._inference and not modes.inference:
            raise RuntimeError("Setting requires_grad=True on inference tensor outside InferenceMode is not allowed.")
        self._requires_grad = value or self._grad_fn is not None
        return self

    @property
    def grad_fn(self) -> GradNode | None:
        if self._view is not None and self._gversion != self._storage.gversion:
            self._refresh_grad()
        return self._grad_fn

    @property
    def is_leaf(self) -> bool:
        return not self.requires_grad or self._grad_fn is None

    def _is_view(self) -> bool:
        """Whether changes of this tensor reach another one that autograd knows of."""
        return self._base is not None

    @property
    def output_nr(self) -> int:
        return self._output_nr

    @property
    def _version(self) -> int:
        if self._inference:
            raise RuntimeError("Inference tensors do not track version counter.")
        return 0 if self._shadow else self._storage.counter

    @property
    def grad(self) -> Tensor | None:
        """The accumulated gradient of a leaf (or of a tensor after ``retain_grad``)."""
        if self._grad is None and self._grad_fn is not None and not self.retains_grad:
            import warnings

            warnings.warn(
                "The .grad attribute of a Tensor that is not a leaf Tensor is being accessed. Its .grad attribute won't be "
                "populated during autograd.backward(). If you indeed want the .grad field to be populated for a non-leaf "
                "Tensor, use .retain_grad() on the non-leaf Tensor. If you access the non-leaf Tensor by mistake, make "
                "sure you access the leaf Tensor instead. See github.com/pytorch/pytorch/pull/30531 for more information.",
                UserWarning,
                stacklevel=2,
            )
        return self._grad

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        if value is not None:
            if not isinstance(value, dispatch.Tensor):
                raise TypeError(
                    f"assigned grad expected to be a Tensor or None but got grad of type {type(value).__name__}"
                )
            if value is self:
                raise RuntimeError("can't assign Variable as its own grad")
            if value.dtype is not self.dtype and self._expected_grad_dtype() is not value.dtype:
                raise RuntimeError(
                    f"attempting to assign a gradient with dtype '{_short(value.dtype)}' to a tensor with grad_dtype "
                    f"'{_short(self.dtype)}'. The gradient must match the tensor's grad_dtype (defaults to the tensor's dtype)."
                )
            if value.device != self.device:
                raise RuntimeError(
                    f"attempting to assign a gradient located on device with index {value.get_device()} to a tensor located on "
                    f"device with index {self.get_device()}. Please ensure that the gradient and the tensor are on the same device"
                )
            if value.shape != self.shape:
                raise RuntimeError(
                    f"attempting to assign a gradient of size '{list(value.shape)}' to a tensor of size '{list(self.shape)}'. "
                    "Please ensure that the gradient and the tensor are the same size"
                )
        self._grad = value

    @grad.deleter
    def grad(self) -> None:
        self._grad = None

    def _expected_grad_dtype(self) -> dtypes.dtype:
        return self.dtype

    @property
    def retains_grad(self) -> bool:
        fn = self._grad_fn
        return fn is not None and fn._retain is not None and self._output_nr in fn._retain

    def retain_grad(self) -> None:
        """Keep this non-leaf tensor's gradient in ``grad`` at backward."""
        if not self.requires_grad:
            raise RuntimeError("can't retain_grad on Tensor that has requires_grad=False")
        fn = self._grad_fn
        if fn is None:
            return
        from weakref import ref

        if fn._retain is None:
            fn._retain = {}
        fn._retain[self._output_nr] = ref(self)

    def backward(
        self, gradient: Tensor | None = None, retain_graph: bool | None = None, create_graph: bool = False,
        inputs: Any = None,
    ) -> None:  # fmt: skip
        """Accumulate the gradient of this tensor into the ``grad`` of the graph's leaves."""
        from ..autograd import backward

        backward(self, gradient, retain_graph, create_graph, inputs=inputs)

    def register_hook(self, hook: Callable[..., Any]) -> Any:
        """Call ``hook(grad)`` whenever this tensor's gradient is computed; it may return a replacement."""
        from ..autograd.hooks import register_tensor_hook

        return register_tensor_hook(self, hook)

    def register_post_accumulate_grad_hook(self, hook: Callable[..., Any]) -> Any:
        """Call ``hook(tensor)`` after a gradient was added to this leaf's ``grad``."""
        from ..autograd.hooks import register_post_accumulate_hook

        return register_post_accumulate_hook(self, hook)

    def _refresh_grad(self) -> None:
        self._gversion = self._storage.gversion
        if self._base is not None and self._view is not None:
            if self._multi_view and self._base._requires_grad:
                self._gversion = -1
                raise forbidden_write(self, through_base=True)
            before = self._grad_fn, self._output_nr
            dispatch.replay_view(self._base, self)
            if before[0] is not None:
                self._move_hooks(*before)

    def _move_hooks(self, fn: GradNode, nr: int) -> None:
        """After an in-place change: a retained gradient is the new value's; hooks stay with the old one's node."""
        self._backward_hooks = None
        retained = fn._retain
        if retained is not None and nr in retained and retained[nr]() is self:
            del retained[nr]
            if self._grad_fn is not None:
                self.retain_grad()

    def _rebase_history(self, fn: GradNode | None, nr: int) -> None:
        old, old_nr = self._grad_fn, self._output_nr
        self._grad_fn = fn
        self._output_nr = nr
        self._requires_grad = fn is not None
        if old is not None and (self._backward_hooks is not None or old._retain is not None):
            self._move_hooks(old, old_nr)


def _short(d: dtypes.dtype) -> str:
    return dtypes.scalar_type_name(d).lower()


_lost_gradient_warned = False


def warn_of_lost_gradient() -> None:
    """Warn, once a process, that a tensor with a gradient becomes a Python number."""
    global _lost_gradient_warned
    if not _lost_gradient_warned:
        import warnings

        _lost_gradient_warned = True
        warnings.warn(
            "Converting a tensor with requires_grad=True to a scalar may lead to unexpected behavior.\n"
            "Consider using tensor.detach() first.",
            UserWarning,
            stacklevel=3,
        )
