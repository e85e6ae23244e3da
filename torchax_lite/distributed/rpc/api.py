"""Remote procedure calls: names that refuse to be used."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from ..._C._distributed_rpc import _UNSET_RPC_TIMEOUT as UNSET_RPC_TIMEOUT
from .._placeholders import fill

__all__ = ["UNSET_RPC_TIMEOUT"]
DEFAULT_SHUTDOWN_TIMEOUT = 0.0


def _require_initialized(func: Callable[..., Any]) -> Callable[..., Any]:
    """A function that needs a running agent: RuntimeError says that there is none."""

    @functools.wraps(func)
    def refuse(*args: Any, **kwargs: Any) -> Any:
        raise RuntimeError(
            "RPC has not been initialized, and cannot be: torchax_lite's torch.distributed serves one process"
        )

    return refuse


fill(
    globals(),
    classes="PyRRef RRef RemoteProfilerManager WorkerInfo",
    functions="_all_gather _barrier _wait_all get_worker_info remote rpc_async rpc_sync shutdown",
)
