"""Modules whose activations are computed again in the backward."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, auto
from typing import Any

from torchax_lite import nn
from torchax_lite.utils.checkpoint import checkpoint

from ..._placeholders import absent_function

__all__ = [
    "CheckpointImpl",
    "CheckpointWrapper",
    "apply_activation_checkpointing",
    "checkpoint_wrapper",
    "offload_wrapper",
]

_PREFIX = "_checkpoint_wrapped_module."
offload_wrapper = absent_function(__name__.replace("torchax_lite", "torch", 1), "offload_wrapper")


class CheckpointImpl(Enum):
    """Which of the two forms of checkpointing."""

    REENTRANT = auto()
    NO_REENTRANT = auto()


class CheckpointWrapper(nn.Module):
    """Runs a module under ``torch.utils.checkpoint``; its state dict has the module's own names.

    Args:
        mod: the module.
        checkpoint_impl: reentrant or not.
        checkpoint_fn: used instead of ``torch.utils.checkpoint.checkpoint``, with ``checkpoint_fn_kwargs``.
    """

    def __init__(
        self, mod: nn.Module, checkpoint_impl: CheckpointImpl = CheckpointImpl.NO_REENTRANT,
        checkpoint_fn: Callable[..., Any] | None = None, **checkpoint_fn_kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__()
        self._checkpoint_wrapped_module = mod
        self.checkpoint_impl = checkpoint_impl
        self._function = checkpoint_fn
        self._options = checkpoint_fn_kwargs
        self._register_state_dict_hook(self._without_prefix)
        self.register_load_state_dict_pre_hook(self._with_prefix)

    @staticmethod
    def _without_prefix(module: nn.Module, state: dict[str, Any], prefix: str, *args: Any) -> dict[str, Any]:
        for key in [key for key in state if key.startswith(prefix + _PREFIX)]:
            state[prefix + key[len(prefix + _PREFIX) :]] = state.pop(key)
        return state

    @staticmethod
    def _with_prefix(module: nn.Module, state: dict[str, Any], prefix: str, *args: Any) -> None:
        for key in [key for key in state if key.startswith(prefix) and not key.startswith(prefix + _PREFIX)]:
            state[prefix + _PREFIX + key[len(prefix) :]] = state.pop(key)

    def __getattr__(self, name: str) -> Any:
        try:
            return super().__getattr__(name)
        except AttributeError:
            return getattr(self._checkpoint_wrapped_module, name)

    def __getitem__(self, key: int) -> Any:
        return self._checkpoint_wrapped_module[key]  # type: ignore[index]

    def named_parameters(self, *args: Any, **kwargs: Any) -> Any:
        """The parameters under the wrapped module's own names."""
        for name, parameter in super().named_parameters(*args, **kwargs):
            yield name.replace(_PREFIX, ""), parameter

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """The module's result."""
        if self._function is not None:
            return self._function(self._checkpoint_wrapped_module, *args, **self._options, **kwargs)
        reentrant = self.checkpoint_impl is CheckpointImpl.REENTRANT
        if reentrant and kwargs:
            return checkpoint(
                lambda *given: self._checkpoint_wrapped_module(*given, **kwargs),
                *args,
                use_reentrant=True,
                **self._options,
            )
        return checkpoint(self._checkpoint_wrapped_module, *args, use_reentrant=reentrant, **self._options, **kwargs)


def checkpoint_wrapper(
    module: nn.Module, checkpoint_impl: CheckpointImpl = CheckpointImpl.NO_REENTRANT,
    checkpoint_fn: Callable[..., Any] | None = None, **checkpoint_fn_kwargs: Any,
) -> CheckpointWrapper:  # fmt: skip
    """A module whose activations are computed again in the backward."""
    return CheckpointWrapper(module, checkpoint_impl, checkpoint_fn, **checkpoint_fn_kwargs)


def apply_activation_checkpointing(
    model: nn.Module, checkpoint_wrapper_fn: Callable[[nn.Module], nn.Module] = checkpoint_wrapper,
    check_fn: Callable[[nn.Module], bool] = lambda _: True, auto_wrap_policy: Callable[..., bool] | None = None,
) -> None:  # fmt: skip
    """Wrap, in place, those submodules that ``check_fn`` (or ``auto_wrap_policy``) chooses."""

    def chosen(module: nn.Module) -> bool:
        if auto_wrap_policy is None:
            return check_fn(module)
        count = sum(p.numel() for p in module.parameters())
        return auto_wrap_policy(module=module, recurse=False, nonwrapped_numel=count)

    for parent in list(model.modules()):
        if isinstance(parent, CheckpointWrapper):
            continue
        for name, child in list(parent.named_children()):
            if chosen(child) and not isinstance(child, CheckpointWrapper):
                setattr(parent, name, checkpoint_wrapper_fn(child))
