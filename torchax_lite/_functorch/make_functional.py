"""Modules without their parameters, which are arguments: what ``functorch.make_functional`` gives."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import torchax_lite as torch
from torchax_lite import Tensor, nn

__all__ = [
    "FunctionalModule", "FunctionalModuleWithBuffers", "combine_state_for_ensemble", "make_functional",
    "make_functional_with_buffers",
]  # fmt: skip


def _taken(
    model: nn.Module, untracked: bool
) -> tuple[nn.Module, dict[str, Tensor], dict[str, Tensor], dict[str, list[str]]]:
    """(copy of a module, its parameters, its buffers, all names of each by the first): values of the copy, each once.

    Args:
        untracked: the parameters do not require gradients.
    """
    made = copy.deepcopy(model)
    names: dict[str, list[str]] = {}
    first: dict[int, str] = {}
    for find in (made.named_parameters, made.named_buffers):
        for name, t in find(remove_duplicate=False):
            names.setdefault(first.setdefault(id(t), name), []).append(name)
    params: dict[str, Tensor] = {name: t for name, t in made.named_parameters() if name in names}
    buffers = {name: t for name, t in made.named_buffers() if name in names}
    if untracked:
        for p in params.values():
            p.requires_grad_(False)
    return made, params, buffers, names


class FunctionalModuleWithBuffers(nn.Module):
    """A module whose parameters and buffers are arguments of its call: ``module(params, buffers, *args, **kwargs)``."""

    def __init__(
        self, stateless_model: nn.Module, param_names: tuple[str, ...], buffer_names: tuple[str, ...],
        param_names_map: dict[str, list[str]], buffer_names_map: dict[str, list[str]],
    ) -> None:  # fmt: skip
        super().__init__()
        self.stateless_model = stateless_model
        self.param_names = param_names
        self.buffer_names = buffer_names
        self.all_names_map = {**param_names_map, **buffer_names_map}

    @staticmethod
    def _create_from(
        model: nn.Module, disable_autograd_tracking: bool = False
    ) -> tuple[FunctionalModuleWithBuffers, tuple[Tensor, ...], tuple[Tensor, ...]]:
        made, params, buffers, names = _taken(model, disable_autograd_tracking)
        maps = [{name: names[name] for name in group} for group in (params, buffers)]
        module = FunctionalModuleWithBuffers(made, tuple(params), tuple(buffers), *maps)
        return module, tuple(params.values()), tuple(buffers.values())

    def forward(self, params: Sequence[Tensor], buffers: Sequence[Tensor], *args: Any, **kwargs: Any) -> Any:
        """The module's own call with these in the place of its parameters and buffers."""
        given = dict(zip((*self.param_names, *self.buffer_names), (*params, *buffers), strict=True))
        return torch.func.functional_call(self.stateless_model, given, args, kwargs)


class FunctionalModule(nn.Module):
    """A module whose parameters are an argument of its call: ``module(params, *args, **kwargs)``."""

    def __init__(
        self, stateless_model: nn.Module, param_names: tuple[str, ...], names_map: dict[str, list[str]]
    ) -> None:
        super().__init__()
        self.stateless_model = stateless_model
        self.param_names = param_names
        self.names_map = names_map

    @staticmethod
    def _create_from(
        model: nn.Module, disable_autograd_tracking: bool = False
    ) -> tuple[FunctionalModule, tuple[Tensor, ...]]:
        made, params, _, names = _taken(model, disable_autograd_tracking)
        return FunctionalModule(made, tuple(params), names), tuple(params.values())

    def forward(self, params: Sequence[Tensor], *args: Any, **kwargs: Any) -> Any:
        """The module's own call with these in the place of its parameters."""
        given = dict(zip(self.param_names, params, strict=True))
        return torch.func.functional_call(self.stateless_model, given, args, kwargs)


def make_functional(model: nn.Module, disable_autograd_tracking: bool = False) -> Any:
    """``(function, params)`` of a module without buffers: ``function(params, *args)`` calls a copy of it.

    Args:
        disable_autograd_tracking: the parameters do not require gradients.

    Raises:
        RuntimeError: it has buffers.
    """
    if list(model.buffers()):
        raise RuntimeError(
            "make_functional(model): `model` has buffers. Please use make_functional_with_buffers(model) instead."
        )
    return FunctionalModule._create_from(model, disable_autograd_tracking)


def make_functional_with_buffers(model: nn.Module, disable_autograd_tracking: bool = False) -> Any:
    """``(function, params, buffers)`` of a module: ``function(params, buffers, *args)`` calls a copy of it."""
    return FunctionalModuleWithBuffers._create_from(model, disable_autograd_tracking)


def combine_state_for_ensemble(models: Sequence[nn.Module]) -> Any:
    """``(function, params, buffers)`` of modules of one class, each state stacked along a new first dim.

    Raises:
        RuntimeError: there are none, or they differ in class or mode.
    """
    if not models:
        raise RuntimeError("combine_state_for_ensemble: Expected at least one model, got 0.")
    if len({m.training for m in models}) != 1:
        raise RuntimeError("combine_state_for_ensemble: Expected all models to have the same training/eval mode.")
    if any(type(m) is not type(models[0]) for m in models):
        raise RuntimeError("combine_state_for_ensemble: Expected all models to be of the same class.")
    made, params, buffers = zip(*[make_functional_with_buffers(m) for m in models], strict=True)
    stacked = [tuple(torch.stack(ts).detach() for ts in zip(*group, strict=True)) for group in (params, buffers)]
    return made[0], *stacked
