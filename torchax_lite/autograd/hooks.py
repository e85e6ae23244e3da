"""Hooks on tensors: on a gradient when it is computed, and on a leaf after its ``grad`` was added to."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..utils.hooks import RemovableHandle, add_hook

if TYPE_CHECKING:
    from ..tensor.tensor import Tensor


def register_tensor_hook(t: Tensor, hook: Callable[[Tensor], Tensor | None]) -> RemovableHandle:
    """Call ``hook(grad)`` each time the gradient of ``t``'s present value is computed; it may return a replacement.

    The hook belongs to the value that the tensor has now: a later in-place change gives the tensor a new place in the
    graph, and hooks registered before it keep seeing the gradient of the old value.

    Raises:
        RuntimeError: the tensor does not require grad.
    """
    if not t.requires_grad:
        raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
    hooks = t._backward_hooks
    fn = t.grad_fn
    if fn is None:
        if hooks is None:
            hooks = t._backward_hooks = OrderedDict()
    else:
        by_output = fn._tensor_hooks
        if by_output is None:
            by_output = fn._tensor_hooks = {}
        if hooks is None or by_output.get(t._output_nr) is not hooks:
            hooks = by_output.get(t._output_nr)
            if hooks is None:
                hooks = by_output[t._output_nr] = OrderedDict()
            t._backward_hooks = hooks
    return add_hook(hooks, hook, getattr(t, "_extra_hooks", None))


def register_post_accumulate_hook(t: Tensor, hook: Callable[[Tensor], None]) -> RemovableHandle:
    """Call ``hook(t)`` each time a backward has added to ``t.grad``.

    Raises:
        RuntimeError: the tensor does not require grad, or is no leaf.
    """
    if not t.requires_grad:
        raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
    if t.grad_fn is not None:
        raise RuntimeError("post accumulate grad hooks cannot be registered on non-leaf tensors")
    hooks = t._post_accumulate_grad_hooks
    if hooks is None:
        hooks = t._post_accumulate_grad_hooks = OrderedDict()
    return add_hook(hooks, hook)


def hook_name(hook: Any) -> str:
    """Name of a hook as error texts show it."""
    return getattr(hook, "__name__", None) or type(hook).__name__


def run_hooks(hooks: OrderedDict[int, Any], grad: Tensor) -> Tensor:
    """The gradient after all hooks in order of registration.

    Raises:
        TypeError: a hook returned something that is neither a tensor nor None.
        RuntimeError: a hook returned a tensor of another shape or dtype.
    """
    from ..tensor.dtypes import scalar_type_name
    from ..tensor.tensor import Tensor

    for hook in list(hooks.values()):
        result = hook(grad)
        if result is None:
            continue
        if not isinstance(result, Tensor):
            raise TypeError(f"expected Variable, but hook returned '{type(result).__name__}'")
        if result.dtype is not grad.dtype:
            prefix = "torch.cuda." if result.is_cuda else "torch."
            raise RuntimeError(
                f"hook '{hook_name(hook)}' has changed the type of value (was {prefix}{scalar_type_name(grad.dtype)}Tensor "
                f"got {prefix}{scalar_type_name(result.dtype)}Tensor)"
            )
        if result.device != grad.device:
            raise RuntimeError(
                f"hook '{hook_name(hook)}' has changed the type of value (device {grad.device} to {result.device})"
            )
        if result.shape != grad.shape:
            raise RuntimeError(f"hook '{hook_name(hook)}' has changed the size of value")
        grad = result
    return grad


__all__ = ["hook_name", "register_post_accumulate_hook", "register_tensor_hook", "run_hooks"]
