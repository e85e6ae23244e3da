"""``functorch``: the package that comes with PyTorch, whose functions are those of ``torch.func``; each warns of that."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any

import torchax_lite as torch
from torchax_lite import func
from torchax_lite._functorch import make_functional as _functional
from torchax_lite._functorch.make_functional import FunctionalModule, FunctionalModuleWithBuffers
from torchax_lite.fx.experimental.proxy_tensor import make_fx
from torchax_lite.torch_version import __version__

__all__ = [
    "FunctionalModule", "FunctionalModuleWithBuffers", "combine_state_for_ensemble", "functionalize", "grad",
    "grad_and_value", "hessian", "jacfwd", "jacrev", "jvp", "make_functional", "make_functional_with_buffers", "make_fx",
    "vjp", "vmap",
]  # fmt: skip


def _deprecated(fn: Callable[..., Any], instead: str) -> Callable[..., Any]:
    @functools.wraps(fn)
    def warning(*args: Any, **kwargs: Any) -> Any:
        warnings.warn(
            f"We've integrated functorch into PyTorch: `functorch.{fn.__name__}` is deprecated, please use `{instead}` instead",
            FutureWarning,
            stacklevel=2,
        )
        return fn(*args, **kwargs)

    return warning


vmap = _deprecated(func.vmap, "torch.vmap")
grad, grad_and_value, vjp, jvp, jacrev, jacfwd, hessian, functionalize = (
    _deprecated(fn, f"torch.func.{fn.__name__}")
    for fn in (
        func.grad, func.grad_and_value, func.vjp, func.jvp, func.jacrev, func.jacfwd, func.hessian, func.functionalize,
    )
)  # fmt: skip
make_functional, make_functional_with_buffers = (
    _deprecated(fn, "torch.func.functional_call")
    for fn in (_functional.make_functional, _functional.make_functional_with_buffers)
)
combine_state_for_ensemble = _deprecated(_functional.combine_state_for_ensemble, "torch.func.stack_module_state")
