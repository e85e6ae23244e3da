"""Spectral normalization (Miyato et al., 2018): a weight divided by an estimate of its largest singular value."""

from __future__ import annotations

from typing import Any, TypeVar

import torchax_lite as torch
from torchax_lite.nn import functional as F
from torchax_lite.nn.modules import ConvTranspose1d, ConvTranspose2d, ConvTranspose3d
from torchax_lite.nn.modules.module import Module
from torchax_lite.nn.parameter import Parameter, UninitializedParameter

T_module = TypeVar("T_module", bound=Module)

__all__ = ["SpectralNorm", "remove_spectral_norm", "spectral_norm"]

_VERSION = 1
"""Version 1 keeps v in the state; version 0 kept u and the normalized weight."""


class SpectralNorm:
    """The hook that divides a weight by ``sigma = u W v`` before each forward pass.

    In training each pass improves the singular vectors u and v by power iterations, in place.

    Attributes:
        name: name of the parameter.
        dim: dim of the weight that becomes the rows of the matrix W.
        n_power_iterations: iterations each pass.
        eps: what a norm is divided by at least.
    """

    def __init__(self, name: str = "weight", n_power_iterations: int = 1, dim: int = 0, eps: float = 1e-12) -> None:
        if n_power_iterations <= 0:
            raise ValueError(
                f"Expected n_power_iterations to be positive, but got n_power_iterations={n_power_iterations}"
            )
        self.name, self.dim, self.n_power_iterations, self.eps = name, dim, n_power_iterations, eps

    def reshape_weight_to_matrix(self, weight: torch.Tensor) -> torch.Tensor:
        """The weight as a matrix whose rows are the slices along ``dim``."""
        return weight.movedim(self.dim, 0).flatten(1) if self.dim else weight.reshape(weight.size(0), -1)

    def compute_weight(self, module: Module, do_power_iteration: bool) -> torch.Tensor:
        """The normalized weight; u and v follow in place if asked for."""
        weight, u, v = (getattr(module, self.name + part) for part in ("_orig", "_u", "_v"))
        matrix = self.reshape_weight_to_matrix(weight)
        if do_power_iteration:
            with torch.no_grad():
                for _ in range(self.n_power_iterations):
                    v = F.normalize(torch.mv(matrix.t(), u), dim=0, eps=self.eps, out=v)
                    u = F.normalize(torch.mv(matrix, v), dim=0, eps=self.eps, out=u)
                u, v = u.clone(), v.clone()  # what this pass saves outlives the next pass's update
        return weight / torch.dot(u, torch.mv(matrix, v))

    def remove(self, module: Module) -> None:
        """Make the weight a parameter again, with its present normalized value."""
        with torch.no_grad():
            weight = self.compute_weight(module, do_power_iteration=False)
        delattr(module, self.name)
        for part in ("_u", "_v", "_orig"):
            delattr(module, self.name + part)
        module.register_parameter(self.name, Parameter(weight.detach()))

    def __call__(self, module: Module, inputs: Any) -> None:
        setattr(module, self.name, self.compute_weight(module, do_power_iteration=module.training))

    @staticmethod
    def apply(module: Module, name: str, n_power_iterations: int, dim: int, eps: float) -> SpectralNorm:
        """Replace the parameter ``name`` by ``name_orig`` and buffers, and register the hooks.

        Raises:
            RuntimeError: the parameter has such a hook.
            ValueError: the parameter has no shape yet.
        """
        for hook in module._forward_pre_hooks.values():
            if isinstance(hook, SpectralNorm) and hook.name == name:
                raise RuntimeError(f"Cannot register two spectral_norm hooks on the same parameter {name}")
        made = SpectralNorm(name, n_power_iterations, dim, eps)
        weight = module._parameters[name]
        if weight is None:
            raise ValueError(f"`SpectralNorm` cannot be applied as parameter `{name}` is None")
        if isinstance(weight, UninitializedParameter):
            raise ValueError(
                "The module passed to `SpectralNorm` can't have uninitialized parameters. Make sure to run the dummy "
                "forward before applying spectral normalization"
            )
        with torch.no_grad():
            rows, columns = made.reshape_weight_to_matrix(weight).size()
            u = F.normalize(weight.new_empty(rows).normal_(0, 1), dim=0, eps=eps)
            v = F.normalize(weight.new_empty(columns).normal_(0, 1), dim=0, eps=eps)
        delattr(module, name)
        module.register_parameter(name + "_orig", weight)
        setattr(module, name, weight.data)
        module.register_buffer(name + "_u", u)
        module.register_buffer(name + "_v", v)
        module.register_forward_pre_hook(made)
        module._register_state_dict_hook(made._note_version)
        module._register_load_state_dict_pre_hook(made._upgrade)
        return made

    def _note_version(self, module: Module, state_dict: Any, prefix: str, local_metadata: dict[str, Any]) -> None:
        versions = local_metadata.setdefault("spectral_norm", {})
        key = self.name + ".version"
        if key in versions:
            raise RuntimeError(f"Unexpected key in metadata['spectral_norm']: {key}")
        versions[key] = _VERSION

    def _upgrade(
        self, state_dict: dict[str, Any], prefix: str, local_metadata: dict[str, Any], strict: bool,
        missing_keys: list[str], unexpected_keys: list[str], error_msgs: list[str],
    ) -> None:  # fmt: skip
        """Turn a version 0 state into version 1: v is found from u, the weight and its normalized form."""
        version = local_metadata.get("spectral_norm", {}).get(self.name + ".version")
        if version is not None and version >= _VERSION:
            return
        key = prefix + self.name
        if (
            version is None
            and all(key + part in state_dict for part in ("_orig", "_u", "_v"))
            and key not in state_dict
        ):
            return
        lost = [key + part for part in ("_orig", "", "_u") if key + part not in state_dict]
        if lost:
            if strict:
                missing_keys.extend(lost)
            return
        with torch.no_grad():
            weight, normalized, u = state_dict[key + "_orig"], state_dict.pop(key), state_dict[key + "_u"]
            sigma = (weight / normalized).mean()
            matrix = self.reshape_weight_to_matrix(weight)
            v = torch.linalg.pinv(matrix.t() @ matrix) @ (matrix.t() @ u)
            state_dict[key + "_v"] = v * (sigma / torch.dot(u, torch.mv(matrix, v)))


def spectral_norm(
    module: T_module, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12, dim: int | None = None
) -> T_module:
    """Divide a module's weight by its largest singular value, estimated by power iterations.

    Args:
        module: the module, changed and returned.
        name: name of the weight.
        n_power_iterations: iterations at each forward pass in training.
        eps: what a norm is divided by at least.
        dim: dim of the weight that makes the rows of the matrix: 1 for transposed convolutions, else 0, by default.
    """
    if dim is None:
        dim = 1 if isinstance(module, (ConvTranspose1d, ConvTranspose2d, ConvTranspose3d)) else 0
    SpectralNorm.apply(module, name, n_power_iterations, dim, eps)
    return module


def remove_spectral_norm(module: T_module, name: str = "weight") -> T_module:
    """Undo :func:`spectral_norm`: the weight keeps its present normalized value.

    Raises:
        ValueError: there is no such normalization.
    """
    for key, hook in module._forward_pre_hooks.items():
        if isinstance(hook, SpectralNorm) and hook.name == name:
            hook.remove(module)
            del module._forward_pre_hooks[key]
            for table in (module._state_dict_hooks, module._load_state_dict_pre_hooks):
                for k, h in list(table.items()):
                    if getattr(getattr(h, "hook", h), "__self__", None) is hook:
                        del table[k]
            return module
    raise ValueError(f"spectral_norm of '{name}' not found in {module}")
