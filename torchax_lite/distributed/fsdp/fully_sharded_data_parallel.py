"""``FullyShardedDataParallel``: a name here; sharding needs several processes."""

from __future__ import annotations

from enum import Enum, auto
from typing import Any, NoReturn

from .._groups import _several
from .api import *  # noqa: F403


class OptimStateKeyType(Enum):
    """How an optimizer's state dict names parameters."""

    PARAM_NAME = auto()
    PARAM_ID = auto()


class FullyShardedDataParallel:
    """Has no instances: making one, and its static functions, raise ``NotImplementedError``."""

    def __new__(cls, *args: Any, **kwargs: Any) -> NoReturn:  # type: ignore[misc]
        raise _several("torch.distributed.fsdp.FullyShardedDataParallel")

    @staticmethod
    def _refuse(*args: Any, **kwargs: Any) -> NoReturn:
        raise _several("torch.distributed.fsdp.FullyShardedDataParallel")

    set_state_dict_type = get_state_dict_type = state_dict_type = summon_full_params = _refuse
    optim_state_dict = optim_state_dict_to_load = full_optim_state_dict = sharded_optim_state_dict = _refuse
    shard_full_optim_state_dict = scatter_full_optim_state_dict = rekey_optim_state_dict = _refuse
    flatten_sharded_optim_state_dict = clip_grad_norm_ = _refuse

    @staticmethod
    def fsdp_modules(module: Any, root_only: bool = False) -> list[Any]:
        """The sharded parts of a module: none."""
        return []
