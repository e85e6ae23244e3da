"""``swap_in_optimizer_params_and_state``: an optimizer that works on other tensors for a while."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import torchax_lite as torch

from .optimizer import Optimizer

_NAME = "swap_in_optimizer_params_and_state"


@contextlib.contextmanager
def swap_in_optimizer_params_and_state(
    optimizer: Optimizer, swapin_parameters: dict[str, torch.Tensor], swapin_optim_state: dict[str, Any]
) -> Iterator[None]:
    """Let the optimizer work on the given parameters and state within the context.

    In-place changes of the given tensors stay; everything else that happens to state and groups is undone at the end.

    Args:
        optimizer: one that has state.
        swapin_parameters: the parameters, in the order of the optimizer's.
        swapin_optim_state: as ``optimizer.state_dict()`` returns it.

    Raises:
        RuntimeError: no state yet, or what is given does not match the optimizer's groups.
    """
    if not optimizer.state:
        raise RuntimeError(f"{_NAME} requires initialized optimizer state.")
    state, groups = _checked(optimizer, swapin_optim_state)
    parameters = _dealt(groups, list(swapin_parameters.values()))
    numbers = {number for group in groups for number in group["params"]}
    extra = [key for key in state if key not in numbers]
    if extra:
        raise RuntimeError(
            f"{_NAME} requires swapin_optim_state['state'] to be keyed only by packed parameter ids from "
            f"param_groups[*]['params']; got extra keys {extra!r}."
        )
    kept_state, kept_groups = optimizer.state, [dict(group) for group in optimizer.param_groups]
    try:
        optimizer.state = defaultdict(dict)
        for live, group, params in zip(optimizer.param_groups, groups, parameters, strict=True):
            live.update({**group, "params": params})
            for p, number in zip(params, group["params"], strict=True):
                optimizer.state[p] = dict(state.get(number, {}))
        yield
    finally:
        for live, kept in zip(optimizer.param_groups, kept_groups, strict=True):
            live.clear()
            live.update(kept)
        optimizer.state = kept_state


def _checked(optimizer: Optimizer, given: Any) -> tuple[dict[Any, Any], list[dict[str, Any]]]:
    """Return the state and the groups of a state dict that fits the optimizer."""
    if not isinstance(given, dict):
        raise RuntimeError(f"{_NAME} requires a DCP-style optimizer state_dict.")
    state, groups = given.get("state"), given.get("param_groups")
    if not isinstance(state, dict):
        raise RuntimeError(
            f"{_NAME} requires swapin_optim_state['state'] to be a dict mapping packed parameter ids to per-param "
            f"state dicts, got {type(state).__name__}."
        )
    if any(isinstance(key, torch.Tensor) for key in state):
        raise RuntimeError(f"{_NAME} requires optimizer.state_dict()-style state keyed by packed parameter ids.")
    if any(isinstance(key, int) and not isinstance(value, dict) for key, value in state.items()):
        raise RuntimeError(f"{_NAME} requires per-parameter optimizer state entries to be dictionaries.")
    if not isinstance(groups, list):
        raise RuntimeError(
            f"{_NAME} requires swapin_optim_state['param_groups'] to be a list of param-group dicts, "
            f"got {type(groups).__name__}."
        )
    if len(groups) != len(optimizer.param_groups):
        raise RuntimeError("swapin_optim_state has a different number of parameter groups than the live optimizer.")
    for i, (live, group) in enumerate(zip(optimizer.param_groups, groups, strict=True)):
        _check_group(i, live, group)
    return state, groups


def _check_group(i: int, live: dict[str, Any], group: Any) -> None:
    if not isinstance(group, dict):
        raise RuntimeError(f"{_NAME} requires each optimizer param group to be a dictionary.")
    numbers = group.get("params")
    if not isinstance(numbers, list) or not all(isinstance(number, int) for number in numbers):
        raise RuntimeError(
            f"{_NAME} requires optimizer.state_dict()-style param_groups[*]['params'] entries keyed by packed "
            "parameter ids."
        )
    if len(numbers) != len(live["params"]):
        raise RuntimeError(
            f"swapin_optim_state param group {i} has a different number of params than the live optimizer param group."
        )
    if group.keys() != live.keys():
        raise RuntimeError(
            f"{_NAME} requires optimizer.state_dict()-style param group keys to exactly match the live optimizer "
            f"group keys for group {i}. Keys only in swap-in: {[key for key in group if key not in live]}. "
            f"Keys only in live: {[key for key in live if key not in group]}."
        )


def _dealt(groups: list[dict[str, Any]], tensors: list[torch.Tensor]) -> list[list[torch.Tensor]]:
    """Deal the tensors out to the groups, in order."""
    parts, start = [], 0
    for group in groups:
        end = start + len(group["params"])
        if end > len(tensors):
            raise RuntimeError(
                f"{_NAME} requires the explicit parameter state to match optimizer.param_groups ordering."
            )
        parts.append(tensors[start:end])
        start = end
    return parts
