"""Between tensors and JAX: arrays both ways, modules as pure JAX functions, JAX functions as differentiable ops.

Also optax transformations as optimizers, orbax checkpoints of modules, and folders of weights as Hugging Face keeps
them (``interop.huggingface``). ``docs/interop.md`` has examples.
"""

from .arrays import from_jax, to_jax
from .checkpoints import load_orbax, save_orbax
from .modules import functionalize
from .optimizers import optax_optimizer
from .wrapped import wrap_jax

__all__ = ["from_jax", "functionalize", "load_orbax", "optax_optimizer", "save_orbax", "to_jax", "wrap_jax"]
