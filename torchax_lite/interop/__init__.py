"""Between tensors and JAX: arrays both ways, modules as pure JAX functions, JAX functions as differentiable ops."""

from .arrays import from_jax, to_jax
from .modules import functionalize
from .wrapped import wrap_jax

__all__ = ["from_jax", "functionalize", "to_jax", "wrap_jax"]
