"""Weight normalization (Salimans and Kingma, 2016): a weight as a length times a direction."""

from __future__ import annotations

from typing import Any, TypeVar

import torchax_lite as torch
from torchax_lite.nn.modules.module import Module
from torchax_lite.nn.parameter import Parameter, UninitializedParameter

T_module = TypeVar("T_module", bound=Module)

__all__ = ["WeightNorm", "remove_weight_norm", "weight_norm"]


def lengths(v: torch.Tensor, dim: int) -> torch.Tensor:
    """2-norms of the slices along ``dim``, the other dims kept as 1; of all elements for -1."""
    if dim == -1:
        return torch.linalg.vector_norm(v)
    return torch.linalg.vector_norm(v, dim=[d for d in range(v.dim()) if d != dim % v.dim()], keepdim=True)


class WeightNorm:
    """The hook that computes ``weight_g * weight_v / |weight_v|`` before each forward pass.

    Attributes:
        name: name of the parameter.
        dim: dim whose slices have a length each; -1 for one length of the whole weight.
    """

    def __init__(self, name: str, dim: int | None) -> None:
        self.name = name
        self.dim = -1 if dim is None else dim

    def compute_weight(self, module: Module) -> torch.Tensor:
        """The weight that length and direction stand for."""
        g, v = getattr(module, self.name + "_g"), getattr(module, self.name + "_v")
        return v * (g / lengths(v, self.dim))

    @staticmethod
    def apply(module: Module, name: str, dim: int | None) -> WeightNorm:
        """Replace the parameter ``name`` by ``name_g`` and ``name_v``, and register the hook.

        Raises:
            RuntimeError: the parameter has such a hook.
            ValueError: the parameter has no shape yet.
        """
        for hook in module._forward_pre_hooks.values():
            if isinstance(hook, WeightNorm) and hook.name == name:
                raise RuntimeError(f"Cannot register two weight_norm hooks on the same parameter {name}")
        made = WeightNorm(name, dim)
        weight = getattr(module, name)
        if isinstance(weight, UninitializedParameter):
            raise ValueError(
                "The module passed to `WeightNorm` can't have uninitialized parameters. Make sure to run the dummy "
                "forward before applying weight normalization"
            )
        del module._parameters[name]
        module.register_parameter(name + "_g", Parameter(lengths(weight, made.dim).data))
        module.register_parameter(name + "_v", Parameter(weight.data))
        setattr(module, name, made.compute_weight(module))
        module.register_forward_pre_hook(made)
        return made

    def remove(self, module: Module) -> None:
        """Make the weight a parameter again, with its present value."""
        weight = self.compute_weight(module)
        delattr(module, self.name)
        del module._parameters[self.name + "_g"], module._parameters[self.name + "_v"]
        setattr(module, self.name, Parameter(weight.data))

    def __call__(self, module: Module, inputs: Any) -> None:
        setattr(module, self.name, self.compute_weight(module))


def weight_norm(module: T_module, name: str = "weight", dim: int | None = 0) -> T_module:
    """Give a module's weight as ``weight_g * weight_v / |weight_v|``, with both parameters trained.

    Args:
        module: the module, changed and returned.
        name: name of the weight.
        dim: dim whose slices have a length each (0: output units); None for one length of the whole weight.
    """
    WeightNorm.apply(module, name, dim)
    return module


def remove_weight_norm(module: T_module, name: str = "weight") -> T_module:
    """Undo :func:`weight_norm`: the weight keeps its present value.

    Raises:
        ValueError: there is no such normalization.
    """
    for key, hook in module._forward_pre_hooks.items():
        if isinstance(hook, WeightNorm) and hook.name == name:
            hook.remove(module)
            del module._forward_pre_hooks[key]
            return module
    raise ValueError(f"weight_norm of '{name}' not found in {module}")
