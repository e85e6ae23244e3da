"""Modules as functions of their parameters: ``functional_call``, ensembles, and BatchNorm without running statistics."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..tensor.tensor import Tensor


def functional_call(
    module: Any, parameter_and_buffer_dicts: Any, args: Any = None, kwargs: dict[str, Any] | None = None, *,
    tie_weights: bool = True, strict: bool = False,
) -> Any:  # fmt: skip
    """``module(*args, **kwargs)`` with parameters and buffers from dicts instead of its own.

    Args:
        parameter_and_buffer_dicts: name to tensor; several dicts in a tuple or list must not share names.
        args: positional arguments; anything but a tuple is the only one.
        tie_weights: a value for one of several names of a tied parameter counts for all of them.
        strict: every parameter and buffer must be given, and nothing else.

    In-place changes of buffers go to the given tensors.
    """
    from ..nn.utils.stateless import _functional_call

    given = parameter_and_buffer_dicts
    if isinstance(given, (list, tuple)):
        if not all(isinstance(d, dict) for d in given):
            raise ValueError("Expected all elements of parameter_and_buffer_dicts to be dictionaries")
        names = [k for d in given for k in d]
        twice = [k for k in dict.fromkeys(names) if names.count(k) > 1]
        if twice:
            raise ValueError(f"{twice} appeared in multiple dictionaries; behavior of functional call is ambiguous")
        given = {k: v for d in given for k, v in d.items()}
    elif not isinstance(given, dict):
        raise ValueError(
            f"Expected parameter_and_buffer_dicts to be a dict, or a list/tuple of dicts, but got {type(given)}"
        )
    return _functional_call(module, given, args, kwargs, tie_weights=tie_weights, strict=strict)


def stack_module_state(models: Sequence[Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Parameters and buffers of modules of one class, each stacked along a new first dim: ``(params, buffers)``.

    Stacked parameters are leaves that require grad where the modules' own do.
    """
    if not models:
        raise RuntimeError("stack_module_state: Expected at least one model, got 0.")
    if len({bool(m.training) for m in models}) != 1:
        raise RuntimeError("stack_module_state: Expected all models to have the same training/eval mode.")
    if any(type(m) is not type(models[0]) for m in models):
        raise RuntimeError("stack_module_state: Expected all models to be of the same class.")
    params = [dict(m.named_parameters()) for m in models]
    buffers = [dict(m.named_buffers()) for m in models]
    return (
        {k: _stacked([p[k] for p in params], k) for k in params[0]},
        {k: _stacked([b[k] for b in buffers], k) for k in buffers[0]},
    )


def _stacked(tensors: list[Tensor], name: str) -> Tensor:
    import torchax_lite as torch

    wanted = {t.requires_grad for t in tensors}
    if len(wanted) != 1:
        raise RuntimeError(f"Expected {name} from each model to have the same .requires_grad")
    made: Tensor = torch.stack(tensors)
    return made.detach().requires_grad_() if wanted.pop() else made


def replace_all_batch_norm_modules_(root: Any) -> Any:
    """Switch off running statistics in ``root`` and all batch normalisations in it; returns ``root``.

    They then normalise by the batch in eval mode too, and nothing is updated in place (which ``vmap`` forbids).
    """
    from ..nn.modules.batchnorm import _BatchNorm

    for module in root.modules():
        if isinstance(module, _BatchNorm) and module.track_running_stats:
            module.running_mean = None
            module.running_var = None
            module.num_batches_tracked = None
            module.track_running_stats = False
    return root


__all__ = ["functional_call", "replace_all_batch_norm_modules_", "stack_module_state"]
