"""Adding to the ``grad`` of leaves."""

from __future__ import annotations

from typing import Any

from ..tensor import dispatch
from ..tensor.modes import modes
from ..tensor.strides import is_non_overlapping_and_dense
from ..tensor.tape import AccumulateGrad
from ..tensor.tensor import Tensor


def accumulate_grad(node: AccumulateGrad, grad: Tensor | None) -> None:
    """Add a gradient to a leaf's ``grad``."""
    variable = node.variable
    if grad is None:
        return
    if grad._aval is not variable._aval:
        grad = _match(grad, variable)
    held = variable._grad
    if grad._own_layout:
        variable._grad = _accumulate_sparse(variable, grad)
    elif held is None:
        if modes.grad:
            variable._grad = grad.clone()
        else:
            stored = dispatch.wrap(grad._sync())
            strides = variable._strides if modes.grad_layout else grad._strides
            if strides is not None and is_non_overlapping_and_dense(variable._aval.shape, strides):
                stored._strides = stored._storage.strides = strides
            variable._grad = stored
    elif held._own_layout:
        variable._grad = _accumulate_sparse(variable, grad)
    elif modes.grad:
        variable._grad = held + grad
    else:
        held.add_(grad)
    if variable._post_accumulate_grad_hooks:
        for hook in list(variable._post_accumulate_grad_hooks.values()):
            hook(variable)


def _accumulate_sparse(variable: Any, grad: Tensor) -> Tensor:
    from ..sparse._graph import accumulate

    return accumulate(variable, grad)  # type: ignore[no-any-return]


def _match(grad: Tensor, variable: Any) -> Tensor:
    if grad._aval.place is not variable._aval.place and not grad._own_layout:
        return grad
    if grad.shape != variable.shape:
        raise RuntimeError(f"gradient of shape {list(grad.shape)} for a tensor of shape {list(variable.shape)}")
    return grad.to(variable.dtype) if grad.dtype is not variable.dtype else grad
