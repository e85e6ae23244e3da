"""``DistributedDataParallel`` of one process: the module itself under the name ``module``."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import torchax_lite as torch

from ..modules.module import Module

__all__ = ["DistributedDataParallel"]


class _JoinHook:
    """Both hooks of ``torch.distributed.algorithms.JoinHook``, without an exchange."""

    def main_hook(self) -> None:
        """Shadow one exchange of gradients: there is none."""

    def post_hook(self, is_last_joiner: bool) -> None:
        """Take over the last joiner's parameters: they are the own ones."""


class DistributedDataParallel(Module):
    """A module whose gradients are averaged over all processes: with one process they are what they are.

    Args:
        module: has at least one parameter that requires grad.
        device_ids: ``[the module's GPU]`` or None. output_device: where results go.
        process_group: the group (by default the default one).
        dim, broadcast_buffers, init_sync, bucket_cap_mb, find_unused_parameters, check_reduction,
            gradient_as_bucket_view, static_graph, skip_all_reduce_unused_params and the like concern the exchange
            between processes; they are kept.
        mixed_precision: NotImplementedError; use ``torch.autocast``.

    Raises:
        ValueError: no process group, or devices that do not fit. RuntimeError: nothing requires grad.
    """

    def __init__(
        self, module: Module, device_ids: Any = None, output_device: Any = None, dim: int = 0,
        broadcast_buffers: bool = True, init_sync: bool = True, process_group: Any = None,
        bucket_cap_mb: float | None = None, find_unused_parameters: bool = False, check_reduction: bool = False,
        gradient_as_bucket_view: bool = False, static_graph: bool = False, delay_all_reduce_named_params: Any = None,
        param_to_hook_all_reduce: Any = None, mixed_precision: Any = None, device_mesh: Any = None,
        skip_all_reduce_unused_params: bool = False, bucket_cap_mb_list: Any = None, batched_grad_copy: bool = False,
        forward_sync_buffers: Any = None,
    ) -> None:  # fmt: skip
        super().__init__()
        for name, given in (("mixed_precision", mixed_precision), ("device_mesh", device_mesh)):
            if given is not None:
                raise NotImplementedError(f"DistributedDataParallel({name}=...) is not available; use torch.autocast")
        from ...distributed import distributed_c10d as groups

        self.process_group = groups._group(process_group)
        if not any(p.requires_grad for p in module.parameters()):
            raise RuntimeError(
                "DistributedDataParallel is not needed when a module doesn't have any parameter that requires a gradient."
            )
        if device_ids is not None and len(device_ids) > 1:
            raise ValueError("device_ids can only be None or contain a single element.")
        devices = {p.device for p in module.parameters()}
        if (device_ids or output_device is not None) and (len(devices) > 1 or any(d.type == "cpu" for d in devices)):
            raise ValueError(
                "DistributedDataParallel device_ids and output_device arguments only work with single-device/multiple-device "
                f"GPU modules or CPU modules, but got device_ids {device_ids}, output_device {output_device}, and module "
                f"parameters {devices}."
            )
        self.is_multi_device_module = len(devices) > 1
        self.device_type = next(iter(devices)).type
        self.device_ids = (
            [d if isinstance(d, int) else torch.device(d).index for d in device_ids] if device_ids else None
        )
        self.output_device = output_device if output_device is not None else (self.device_ids or [None])[0]
        self.dim = dim
        self.module = module
        self.device = next(iter(module.parameters())).device
        self.broadcast_buffers = broadcast_buffers
        self.find_unused_parameters = find_unused_parameters
        self.gradient_as_bucket_view = gradient_as_bucket_view
        self.static_graph = static_graph
        self.require_backward_grad_sync = True
        self.require_forward_param_sync = True
        self.parameters_to_ignore: set[str] = set(getattr(module, "_ddp_params_and_buffers_to_ignore", ()))
        self.bucket_bytes_cap = int((25 if bucket_cap_mb is None else bucket_cap_mb) * 1024 * 1024)
        self._comm_hook: tuple[Any, Callable[..., Any]] | None = None
        if check_reduction:
            warnings.warn(
                "The `check_reduction` argument in `DistributedDataParallel` module is deprecated. Please avoid using it.",
                FutureWarning,
                stacklevel=2,
            )

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        """The module's result."""
        if self.device_ids:
            from .scatter_gather import scatter_kwargs

            args, named = scatter_kwargs(inputs, kwargs, self.device_ids, self.dim)
            return self.module(*(args[0] if args else ()), **(named[0] if named else {}))
        return self.module(*inputs, **kwargs)

    @contextlib.contextmanager
    def no_sync(self) -> Iterator[None]:
        """Inside the block gradients are not averaged over processes."""
        before, self.require_backward_grad_sync = self.require_backward_grad_sync, False
        try:
            yield
        finally:
            self.require_backward_grad_sync = before

    @contextlib.contextmanager
    def join(
        self, divide_by_initial_world_size: bool = True, enable: bool = True, throw_on_early_termination: bool = False
    ) -> Iterator[None]:
        """Inside the block processes may have different numbers of batches."""
        yield

    def join_hook(self, **kwargs: Any) -> Any:
        """What a process does for the others when its own batches are over: nothing, as there are no others.

        Its ``main_hook()`` is called for each batch that others still have, its ``post_hook(is_last_joiner)`` at the end.
        """
        return _JoinHook()

    def register_comm_hook(self, state: Any, hook: Callable[..., Any]) -> None:
        """Keep a hook for the exchange of gradients, which never happens here.

        Raises:
            TypeError: it cannot be called.
        """
        if not callable(hook):
            raise TypeError("Communication hook must be callable.")
        self._comm_hook = (state, hook)

    def scatter(self, inputs: Any, kwargs: Any, device_ids: Any) -> Any:
        """Arguments for each device."""
        from .scatter_gather import scatter_kwargs

        return scatter_kwargs(inputs, kwargs, device_ids, self.dim)

    def gather(self, outputs: Any, output_device: Any) -> Any:
        """Results of several devices joined."""
        from .scatter_gather import gather

        return gather(outputs, output_device, self.dim)

    def train(self, mode: bool = True) -> DistributedDataParallel:
        """Training mode of the module too."""
        super().train(mode)
        return self

    def _set_static_graph(self) -> None:
        self.static_graph = True

    def _get_ddp_logging_data(self) -> dict[str, Any]:
        return {
            "world_size": 1, "rank": 0, "backend_name": self.process_group.name(), "bucket_cap_bytes": self.bucket_bytes_cap,
            "find_unused_parameters": int(self.find_unused_parameters), "broadcast_buffers": int(self.broadcast_buffers),
        }  # fmt: skip

    @staticmethod
    def _set_params_and_buffers_to_ignore_for_model(module: Module, params_and_buffers_to_ignore: Any) -> None:
        module._ddp_params_and_buffers_to_ignore = params_and_buffers_to_ignore  # type: ignore[assignment]

    def __getstate__(self) -> dict[str, Any]:
        state = self.__dict__.copy()
        del state["process_group"]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        from ...distributed import distributed_c10d as groups

        super().__setstate__(state)
        self.process_group = groups._group(None)
