"""The transforms themselves."""

from torchax_lite.func import grad, grad_and_value, vmap

__all__ = ["grad", "grad_and_value", "vmap"]
