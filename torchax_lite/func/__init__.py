"""``torch.func``: functions from functions: ``vmap``, ``grad``, ``jvp`` and what is made of them.

They nest in any order. Nothing runs at once: a transformed function is recorded into the pending program like any other
ops, so a second call of the same structure compiles nothing.
"""

from __future__ import annotations

from .batching import vmap
from .debug import debug_unwrap
from .forward import jacfwd, jvp, linearize
from .functionalization import functionalize
from .modules import functional_call, replace_all_batch_norm_modules_, stack_module_state
from .rearranging import rearrange
from .reverse import grad, grad_and_value, hessian, jacrev, vjp

TORCH_NAMES = {"vmap": vmap}
"""Functions of this module in the torch namespace."""

__all__ = [
    "debug_unwrap", "functional_call", "functionalize", "grad", "grad_and_value", "hessian", "jacfwd", "jacrev", "jvp",
    "linearize", "rearrange", "replace_all_batch_norm_modules_", "stack_module_state", "vjp", "vmap",
]  # fmt: skip
