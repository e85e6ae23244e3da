"""Helpers of wrappers for several processes."""

from __future__ import annotations

from typing import Any

__all__: list[str] = []


def _sync_module_states(
    module: Any, process_group: Any, broadcast_bucket_size: int, src: int, params_and_buffers_to_ignore: Any,
    broadcast_buffers: bool = True,
) -> None:  # fmt: skip
    """Give every process the states of rank ``src``: there is one process, which has them."""


def _verify_param_shape_across_processes(process_group: Any, tensors: Any, logger: Any = None) -> None:
    """Compare shapes with those of the other processes: there are none."""
