"""State dicts of models and optimizers by parameter names, whatever the model is wrapped in.

An optimizer's own state dict counts parameters; here each has the name that the unwrapped model gives it, so that a
checkpoint does not depend on the order of the optimizer's groups.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import torchax_lite as torch
from torchax_lite import nn
from torchax_lite.optim import Optimizer

__all__ = [
    "StateDictOptions", "get_model_state_dict", "get_optimizer_state_dict", "get_state_dict", "set_model_state_dict",
    "set_optimizer_state_dict", "set_state_dict",
]  # fmt: skip

FQNS_T = set[str]
PrimitiveType = torch.Tensor | int | float | str
ValueType = PrimitiveType | list[PrimitiveType] | tuple[PrimitiveType] | dict[str, "ValueType"]
DictValueType = dict[str, ValueType]
ListDictValueType = list[DictValueType]
OptimizerStateType = dict[str, DictValueType | ListDictValueType]

_GROUPS, _PARAMS, _STATE = "param_groups", "params", "state"
_CHECKPOINT_PREFIX = "_checkpoint_wrapped_module."
_EXTRA_STATE = "_extra_state"


@dataclass
class StateDictOptions:
    """How states are taken and given back.

    Args:
        full_state_dict: whole tensors rather than shards; in one process they always are.
        cpu_offload: tensors on the CPU.
        ignore_frozen_params: leave out parameters without ``requires_grad``.
        keep_submodule_prefixes: whether the names of ``submodules``' entries begin with the submodule's.
        strict: an entry that is missing, or too many, is an error.
        broadcast_from_rank0: the state comes from one process; needs ``full_state_dict``.
        flatten_optimizer_state_dict: one level, ``"state.weight.exp_avg"``, instead of nested dicts.
        dsd_fqn_modifiers: name of a method of modules that says which children do not appear in names.
    """

    full_state_dict: bool = False
    cpu_offload: bool = False
    ignore_frozen_params: bool = False
    keep_submodule_prefixes: bool = True
    strict: bool = True
    broadcast_from_rank0: bool = False
    flatten_optimizer_state_dict: bool = False
    dsd_fqn_modifiers: str = "_fqn_modifiers"


# -- names -------------------------------------------------------------------------------------------------------------


def _wrapped(module: Any) -> str | None:
    """The name of the child that a wrapper wraps; None for ordinary modules."""
    if isinstance(module, nn.parallel.DistributedDataParallel):
        return "module"
    return "_orig_mod" if "_orig_mod" in getattr(module, "_modules", {}) else None


def _fqn(model: Any, name: str, modifiers: str = "_fqn_modifiers") -> str:
    """The name of an entry without the wrappers on the way to it."""
    kept: list[str] = []
    here = model
    for part in name.replace(_CHECKPOINT_PREFIX, "").split("."):
        if part == _wrapped(here):
            here = getattr(here, part)
            continue
        removed = getattr(here, modifiers)().get(part) if hasattr(here, modifiers) else None
        if removed is not None and hasattr(here, removed):
            here = getattr(here, removed)
        kept.append(part)
        if part != _EXTRA_STATE:
            here = getattr(here, part, None)
    return ".".join(kept)


def _entries(model: Any) -> Iterator[tuple[str, Any]]:
    """Names as ``state_dict`` has them, and the parameters, buffers and (None) extra states they stand for."""
    for prefix, module in model.named_modules():
        lead = f"{prefix}." if prefix else ""
        for name, value in (*module.named_buffers(recurse=False), *module.named_parameters(recurse=False)):
            if name not in module._non_persistent_buffers_set:
                yield lead + name, value
        if type(module).get_extra_state is not nn.Module.get_extra_state:
            yield lead + _EXTRA_STATE, None


def _names_of_parameters(model: Any) -> dict[Any, list[str]]:
    """For each parameter its names: several where it is shared."""
    found: dict[Any, list[str]] = {}
    for name, param in model.named_parameters(remove_duplicate=False):
        found.setdefault(param, []).append(_fqn(model, name))
    return found


# -- arguments ---------------------------------------------------------------------------------------------------------


def _checked(options: StateDictOptions | None) -> StateDictOptions:
    options = options or StateDictOptions()
    if options.broadcast_from_rank0 and not options.full_state_dict:
        raise ValueError("full_state_dict must be True when broadcast_from_rank0 is True.")
    return options


def _as_tuple(optimizers: Any) -> tuple[Any, ...]:
    return (optimizers,) if isinstance(optimizers, Optimizer) else tuple(optimizers)


def _offloaded(value: Any, options: StateDictOptions) -> Any:
    if not options.cpu_offload:
        return value
    if isinstance(value, torch.Tensor):
        return value.cpu()
    if isinstance(value, dict):
        return {key: _offloaded(part, options) for key, part in value.items()}
    if isinstance(value, (list, tuple)) and not hasattr(value, "_fields"):
        return type(value)(_offloaded(part, options) for part in value)
    return value


# -- taking ------------------------------------------------------------------------------------------------------------


def get_model_state_dict(
    model: Any, *, submodules: set[Any] | None = None, options: StateDictOptions | None = None
) -> dict[str, ValueType]:
    """A model's ``state_dict`` with the names of the unwrapped model.

    Args:
        submodules: only what belongs to these (deprecated in PyTorch).
        options: see :class:`StateDictOptions`.

    Raises:
        RuntimeError: for a model without state.
    """
    options = _checked(options)
    state = {_fqn(model, name): value for name, value in model.state_dict().items()}
    if submodules:
        state = _of_submodules(model, submodules, state, options)
    if options.ignore_frozen_params:
        for name, param in model.named_parameters():
            if not param.requires_grad:
                state.pop(_fqn(model, name), None)
    elif not state and options.strict and not submodules:
        raise RuntimeError(
            "The option indicates that model state_dict is required to save or load, but model state_dict is empty."
        )
    return _offloaded(state, options)  # type: ignore[no-any-return]


def _of_submodules(
    model: Any, submodules: set[Any], state: dict[str, Any], options: StateDictOptions
) -> dict[str, Any]:
    warnings.warn(
        "Getting submodules only model/optim state_dict is deprecated and will be removed in 2.5. This feature can be "
        "achieved by manually filtering out the state_dict returned from get_state_dict.",
        FutureWarning,
        stacklevel=3,
    )
    prefixes = [f"{_fqn(model, name)}." for name, module in model.named_modules() if module in set(submodules)]
    keep = options.keep_submodule_prefixes
    return {
        name if keep else name.removeprefix(prefix): value
        for prefix in prefixes
        for name, value in state.items()
        if name.startswith(prefix)
    }


def get_optimizer_state_dict(
    model: Any, optimizers: Optimizer | Iterable[Optimizer], *, submodules: set[Any] | None = None,
    options: StateDictOptions | None = None,
) -> OptimizerStateType:  # fmt: skip
    """The state dicts of a model's optimizers as one, parameters by name.

    An optimizer that has not made a step yet makes one that changes nothing, so that its state is there.

    Args:
        submodules: deprecated in PyTorch; has no effect on optimizers.
        options: see :class:`StateDictOptions`.

    Raises:
        RuntimeError: where there is no optimizer.
    """
    options = _checked(options)
    chosen = _as_tuple(optimizers)
    if not chosen:
        raise RuntimeError("Optimizers are not passed in but optim_only is set to True.")
    whole: Any = {_STATE: {}, _GROUPS: []}
    for optimizer in chosen:
        _init_optim_state(optimizer)
        state = optimizer.state_dict()
        names = _names_by_number(model, optimizer)
        whole[_STATE].update({names[key]: value for key, value in state[_STATE].items()})
        for group in state[_GROUPS]:
            whole[_GROUPS].append({**group, _PARAMS: [names[number] for number in group[_PARAMS]]})
    if options.flatten_optimizer_state_dict:
        whole = _flattened(whole)
    return _offloaded(whole, options)  # type: ignore[no-any-return]


def _names_by_number(model: Any, optimizer: Any) -> dict[int, str]:
    """For each number in an optimizer's state dict the first name of its parameter."""
    names = _names_of_parameters(model)
    params = [p for group in optimizer.param_groups for p in group[_PARAMS]]
    missing = [i for i, p in enumerate(params) if p not in names]
    if missing:
        raise KeyError(f"the optimizer's parameter {missing[0]} is none of the model's")
    return {i: names[p][0] for i, p in enumerate(params)}


def _init_optim_state(optimizer: Any) -> None:
    """Make a step with gradients and learning rates of zero, where there is no state and no gradient."""
    params = [p for group in optimizer.param_groups for p in group[_PARAMS]]
    if optimizer.state or any(p.grad is not None for p in params):
        return
    for p in params:
        if p.requires_grad:
            p.grad = torch.zeros_like(p)
    rates = [group.get("lr") for group in optimizer.param_groups]
    for group in optimizer.param_groups:
        if "lr" in group:
            group["lr"] = torch.zeros(()) if isinstance(group["lr"], torch.Tensor) else 0.0
    optimizer.step(closure=None)
    for group, rate in zip(optimizer.param_groups, rates, strict=True):
        if "lr" in group:
            group["lr"] = rate
    optimizer.zero_grad(set_to_none=True)


def get_state_dict(
    model: Any, optimizers: Optimizer | Iterable[Optimizer], *, submodules: set[Any] | None = None,
    options: StateDictOptions | None = None,
) -> tuple[dict[str, ValueType], OptimizerStateType]:  # fmt: skip
    """``(get_model_state_dict(...), get_optimizer_state_dict(...))``; the second is empty without optimizers."""
    chosen = _as_tuple(optimizers)
    state = get_model_state_dict(model, submodules=submodules, options=options)
    return state, get_optimizer_state_dict(model, chosen, options=options) if chosen else {}


# -- giving back -------------------------------------------------------------------------------------------------------


def set_model_state_dict(
    model: Any, model_state_dict: dict[Any, Any], *, options: StateDictOptions | None = None
) -> Any:
    """Load a model's state from names of the unwrapped model; returns missing and unexpected keys.

    Args:
        model_state_dict: the state, or (deprecated) a dict from submodules to theirs.
        options: see :class:`StateDictOptions`.
    """
    options = _checked(options)
    state = _by_name(model, model_state_dict)
    if not state:
        if options.strict and not options.ignore_frozen_params and not options.broadcast_from_rank0:
            raise RuntimeError(
                "The option indicates that model state_dict is required to save or load, but model state_dict is empty."
            )
        return nn.modules.module._IncompatibleKeys([], [])
    for name, _ in _entries(model):
        plain = _fqn(model, name, options.dsd_fqn_modifiers)
        if plain == name:
            continue
        if plain in state:
            state[name] = state.pop(plain)
        elif options.strict:
            raise RuntimeError(f"Missing key: {plain}.")
    assign = options.full_state_dict and any(v is not None and v.is_meta for _, v in _entries(model))
    return model.load_state_dict(state, strict=options.strict, assign=assign)


def _by_name(model: Any, state: dict[Any, Any]) -> dict[str, Any]:
    if not any(isinstance(key, nn.Module) for key in state):
        return dict(state)
    warnings.warn(
        "Passing model_state_dict as a ``Dict[nn.Module, Dict[str, Any]]``is deprecated and will be removed in 2.5. If "
        "you need this feature, please preprocess the model_state_dict to achieve the same functionality.",
        FutureWarning,
        stacklevel=3,
    )
    return {
        f"{_fqn(model, name)}.{key}": value
        for part, entries in state.items()
        for name, module in model.named_modules()
        if module is part
        for key, value in entries.items()
    }


def set_optimizer_state_dict(
    model: Any, optimizers: Optimizer | Iterable[Optimizer], optim_state_dict: Any, *,
    options: StateDictOptions | None = None,
) -> None:  # fmt: skip
    """Load the states of a model's optimizers from one dict of parameters by name.

    Args:
        optim_state_dict: what :func:`get_optimizer_state_dict` gave, flat or nested, perhaps with more entries.
        options: see :class:`StateDictOptions`.

    Raises:
        RuntimeError: for a parameter without saved state (with ``strict``).
    """
    options = _checked(options)
    chosen = _as_tuple(optimizers)
    if not chosen:
        raise RuntimeError("Optimizers are not passed in but optim_only is set to True.")
    if not optim_state_dict:
        if options.broadcast_from_rank0 or (options.cpu_offload and options.full_state_dict):
            return
        raise RuntimeError(
            "The option indicates that model state_dict is required to save, or load but optim state_dict is empty. "
            f"{optim_state_dict}"
        )
    names = _names_of_parameters(model)
    for optimizer in chosen:
        _init_optim_state(optimizer)
        if _STATE in optim_state_dict:
            part = _nested_part(optimizer, optim_state_dict, names, options)
        else:
            part = _flat_part(optimizer, optim_state_dict, names)
        optimizer.load_state_dict(part)


def set_state_dict(
    model: Any, optimizers: Optimizer | Iterable[Optimizer], *, model_state_dict: dict[Any, Any],
    optim_state_dict: Any, options: StateDictOptions | None = None,
) -> Any:  # fmt: skip
    """:func:`set_optimizer_state_dict` and :func:`set_model_state_dict`; returns what the latter does."""
    chosen = _as_tuple(optimizers)
    if chosen:
        set_optimizer_state_dict(model, chosen, optim_state_dict, options=options)
    elif not model_state_dict:
        raise RuntimeError("Optimizers are not passed in but optim_only is set to True.")
    if not model_state_dict:
        return nn.modules.module._IncompatibleKeys([], [])
    return set_model_state_dict(model, model_state_dict, options=options)


def _used_name(names: list[str], is_used: Callable[[str], bool]) -> str | None:
    """The name of a parameter that a state dict has: of shared ones any, else the only one."""
    return names[0] if len(names) == 1 else next((name for name in names if is_used(name)), None)


def _nested_part(optimizer: Any, whole: Any, names: dict[Any, list[str]], options: StateDictOptions) -> Any:
    """One optimizer's part of a nested state dict."""
    if all(isinstance(key, int) for key in whole[_STATE]):
        return whole
    part: Any = {_STATE: {}, _GROUPS: []}
    listed = {name: group for group in whole[_GROUPS] for name in group[_PARAMS]}
    for group in optimizer.param_groups:
        saved: dict[str, Any] = {}
        mine: list[str] = []
        for param in group[_PARAMS]:
            name = _used_name(names[param], listed.__contains__)
            if name is None:
                continue
            mine.append(name)
            saved |= listed.get(name, {})
            if not param.requires_grad:
                continue
            if name in whole[_STATE]:
                part[_STATE][name] = whole[_STATE][name]
            elif options.strict:
                raise RuntimeError(
                    f"Missing optimizer state for parameter '{name}' in checkpoint. The parameter requires gradients "
                    "but has no saved optimizer state. To load anyway, use StateDictOptions(strict=False)."
                )
        if not group[_PARAMS]:
            empty = [g for g in whole[_GROUPS] if not g[_PARAMS]]
            if len(empty) != 1 or len(whole[_GROUPS]) != len(optimizer.param_groups):
                raise ValueError(
                    "There are param groups that have zero parameters. In such a case, DSD only support exactly one "
                    "param group with zero parameters."
                )
            saved = empty[0]
        part[_GROUPS].append({**saved, _PARAMS: mine})
    return part


# -- flat optimizer states ---------------------------------------------------------------------------------------------


def _flattened(whole: Any) -> dict[str, Any]:
    """``{"state.weight.exp_avg": …, "param_groups.weight.lr": …}``."""
    flat: dict[str, Any] = {}

    def visit(prefix: str, value: Any) -> None:
        if isinstance(value, dict):
            for key, part in value.items():
                visit(f"{prefix}.{key}", part)
        elif isinstance(value, (torch.Tensor, int, float)):
            flat[prefix] = value
        else:
            raise NotImplementedError(
                "Flattening optimizer state_dict only supports tensor, int, float, dict states now. Type is "
                f"{type(value)}."
            )

    for name, state in whole[_STATE].items():
        visit(f"{_STATE}.{name}", state)
    for group in whole[_GROUPS]:
        settings = {key: value for key, value in group.items() if key != _PARAMS}
        flat.update({f"{_GROUPS}.{name}.{key}": value for name in group[_PARAMS] for key, value in settings.items()})
    return flat


def _nested_at(flat: dict[str, Any], prefix: str) -> Any:
    """The value of a flat name, or the dict of those that begin with it."""
    if prefix in flat:
        return flat[prefix]
    nested: dict[str, Any] = {}
    for name, value in flat.items():
        if name.startswith(f"{prefix}."):
            *path, last = name.removeprefix(f"{prefix}.").split(".")
            here = nested
            for step in path:
                here = here.setdefault(step, {})
            here[last] = value
    return nested


def _flat_part(optimizer: Any, flat: dict[str, Any], names: dict[Any, list[str]]) -> Any:
    """One optimizer's part of a flat state dict, nested."""
    part: Any = {_STATE: {}, _GROUPS: []}
    listed = {key.removeprefix(f"{_GROUPS}.").rpartition(".")[0] for key in flat if key.startswith(f"{_GROUPS}.")}
    for group in optimizer.param_groups:
        settings = [key for key in group if key != _PARAMS]
        mine: list[str] = []
        for param in group[_PARAMS]:
            name = _used_name(names[param], listed.__contains__)
            if name is None:
                continue
            mine.append(name)
            if param.requires_grad:
                part[_STATE][name] = {key: _nested_at(flat, f"{_STATE}.{name}.{key}") for key in optimizer.state[param]}
        made: dict[str, Any] = {_PARAMS: mine}
        for key in settings:
            values = [flat[f"{_GROUPS}.{name}.{key}"] for name in mine]
            if any(value != values[0] for value in values[1:]):
                raise RuntimeError(
                    "All the parameters in the same parameter group should have the same saved param_group value. But "
                    f"{mine[0]}.{key} is {values[0]} while other(s) is {values[1:]}."
                )
            if values:
                made[key] = values[0]
        part[_GROUPS].append(made)
    return part
