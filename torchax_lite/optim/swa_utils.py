"""Averages of a model's weights over training: equally weighted (SWA), exponential (EMA), or by one's own function.

Izmailov, Podoprikhin, Garipov, Vetrov, Wilson, *Averaging weights leads to wider optima and better generalization*,
UAI 2018, https://arxiv.org/abs/1803.05407.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from copy import deepcopy
from itertools import chain
from typing import Any, Literal

import torchax_lite as torch
from torchax_lite.nn import Module

from . import _arrays
from ._record import multi_tensor_update
from ._rule import HostNumber
from .lr_scheduler._base import LRScheduler, Rate, one_a_group
from .optimizer import Optimizer

__all__ = [
    "SWALR",
    "AveragedModel",
    "get_ema_avg_fn",
    "get_ema_multi_avg_fn",
    "get_swa_avg_fn",
    "get_swa_multi_avg_fn",
    "update_bn",
]

ParamList = Sequence[torch.Tensor]


def _lerped(columns: list[list[Any]], scalars: list[Any]) -> list[list[Any]]:
    return [[_arrays.lerp(mean, new, scalars[0]) for mean, new in zip(*columns)]]


def _averaged(columns: list[list[Any]], scalars: list[Any]) -> list[list[Any]]:
    """``mean + (new - mean) / n``; of whole numbers by way of float32, towards zero."""
    results = []
    for mean, new in zip(*columns):
        if mean.dtype.kind in "iub":
            results.append((mean + (new - mean).astype("float32") / scalars[0].astype("float32")).astype(mean.dtype))
        else:
            results.append(_arrays.add(mean, _arrays.div(_arrays.sub(new, mean), scalars[0])))
    return [results]


def _copied(columns: list[list[Any]], scalars: list[Any]) -> list[list[Any]]:
    return [[new.astype(old.dtype) for old, new in zip(*columns)]]


def _record(fn: Callable, targets: Sequence[Any], sources: Sequence[Any], *scalars: float) -> None:
    """Record the update of targets by sources: one op for each device."""
    for (targets_here, sources_here), _ in _grouped(targets, sources, lambda t: t.device):
        multi_tensor_update(fn, [targets_here, sources_here], scalars, (), (0,))


def _grouped(
    targets: Sequence[Any], sources: Sequence[Any], key: Callable[[Any], Any]
) -> list[tuple[tuple[list[Any], list[Any]], Any]]:
    groups: dict[Any, tuple[list[Any], list[Any]]] = {}
    for target, source in zip(targets, sources, strict=True):
        entry = groups.setdefault(key(target), ([], []))
        entry[0].append(target)
        entry[1].append(source)
    return [(lists, where) for where, lists in groups.items()]


def _check_decay(decay: float) -> None:
    if decay < 0.0 or decay > 1.0:
        raise ValueError(f"Invalid decay value {decay} provided. Please provide a value in [0,1] range.")


def _is_inexact(tensor: torch.Tensor) -> bool:
    return tensor.is_floating_point() or tensor.is_complex()


def get_ema_multi_avg_fn(decay: float = 0.999) -> Callable[[ParamList, ParamList, Any], None]:
    """Return ``f(means, new, n)``, in place ``mean = decay * mean + (1 - decay) * new`` as one operation."""
    _check_decay(decay)

    @torch.no_grad()
    def ema_update(ema_param_list: ParamList, current_param_list: ParamList, _: Any) -> None:
        if _is_inexact(ema_param_list[0]):
            _record(_lerped, ema_param_list, current_param_list, 1 - decay)
            return
        for p_ema, p_model in zip(ema_param_list, current_param_list, strict=True):
            p_ema.copy_(p_ema * decay + p_model * (1 - decay))

    return ema_update


def get_swa_multi_avg_fn() -> Callable[[ParamList, ParamList, Any], None]:
    """Return ``f(means, new, n)``, in place ``mean += (new - mean) / (n + 1)`` as one operation."""

    @torch.no_grad()
    def swa_update(averaged_param_list: ParamList, current_param_list: ParamList, num_averaged: Any) -> None:
        if _is_inexact(averaged_param_list[0]):
            _record(_lerped, averaged_param_list, current_param_list, 1 / (float(num_averaged) + 1))
            return
        for mean, new in zip(averaged_param_list, current_param_list, strict=True):
            if isinstance(num_averaged, torch.Tensor):
                mean.addcdiv_(new - mean, num_averaged + 1)
            else:
                mean.add_(new - mean, alpha=1.0 / (num_averaged + 1))

    return swa_update


def get_ema_avg_fn(decay: float = 0.999) -> Callable[[torch.Tensor, torch.Tensor, Any], torch.Tensor]:
    """Return ``f(mean, new, n) -> decay * mean + (1 - decay) * new``."""
    _check_decay(decay)

    @torch.no_grad()
    def ema_update(ema_param: torch.Tensor, current_param: torch.Tensor, num_averaged: Any) -> torch.Tensor:
        return decay * ema_param + (1 - decay) * current_param

    return ema_update


def get_swa_avg_fn() -> Callable[[torch.Tensor, torch.Tensor, Any], torch.Tensor]:
    """Return ``f(mean, new, n) -> mean + (new - mean) / (n + 1)``."""

    @torch.no_grad()
    def swa_update(averaged_param: torch.Tensor, current_param: torch.Tensor, num_averaged: Any) -> torch.Tensor:
        return averaged_param + (current_param - averaged_param) / (num_averaged + 1)

    return swa_update


class AveragedModel(Module):
    """A copy of a model whose parameters are the average of the model's at each :meth:`update_parameters`.

    The first update copies; buffers are copied at each update unless averaged too. An update of the default average
    is one recorded operation.

    Args:
        model: the model; copied.
        device: of the copy.
        avg_fn: ``f(mean, new, number of models averaged) -> mean``, for each parameter; SWA's if None.
        multi_avg_fn: ``f(means, new, number)``, in place, for all parameters of a device and dtype.
        use_buffers: average buffers too.
    """

    n_averaged: torch.Tensor

    def __init__(
        self,
        model: Module,
        device: int | torch.device | None = None,
        avg_fn: Callable[[torch.Tensor, torch.Tensor, Any], torch.Tensor] | None = None,
        multi_avg_fn: Callable[[ParamList, ParamList, Any], None] | None = None,
        use_buffers: bool = False,
    ) -> None:
        super().__init__()
        if avg_fn is not None and multi_avg_fn is not None:
            raise AssertionError("Only one of avg_fn and multi_avg_fn should be provided")
        self.module = deepcopy(model)
        if device is not None:
            self.module = self.module.to(device)
        self.register_buffer("n_averaged", torch.tensor(0, dtype=torch.long, device=device))
        self.avg_fn = avg_fn
        self.multi_avg_fn = multi_avg_fn
        self.use_buffers = use_buffers

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Run the averaged model."""
        return self.module(*args, **kwargs)

    def update_parameters(self, model: Module) -> None:
        """Take the present parameters of ``model`` into the average."""

        def tensors(module: Module) -> list[torch.Tensor]:
            return [t.detach() for t in chain(module.parameters(), module.buffers() if self.use_buffers else ())]

        means = tensors(self.module)
        new = [value.to(mean.device) for mean, value in zip(means, tensors(model))]
        means = means[: len(new)]
        count = HostNumber(self.n_averaged)
        n = int(count.array)
        if n == 0:
            _record(_copied, means, new)
        else:
            self._average(means, new, n)
        if not self.use_buffers:
            buffers = [b.detach() for b in self.module.buffers()]
            current = [b.detach() for b in model.buffers()]
            _record(_copied, buffers, [b.to(a.device) for a, b in zip(buffers, current, strict=True)])
        count.set(n + 1)

    def _average(self, means: list[torch.Tensor], new: list[torch.Tensor], n: int) -> None:
        if self.multi_avg_fn is not None:
            for (own, current), (device, _) in _grouped(means, new, lambda t: (t.device, t.dtype)):
                self.multi_avg_fn(own, current, self.n_averaged.to(device))
        elif self.avg_fn is not None:
            for mean, value in zip(means, new, strict=True):
                mean.copy_(self.avg_fn(mean, value, self.n_averaged.to(mean.device)))
        else:
            _record(_averaged, means, new, n + 1)


@torch.no_grad()
def update_bn(loader: Iterable[Any], model: Module, device: int | torch.device | None = None) -> None:
    """Compute the running statistics of batch normalisation anew: the mean over one pass through the data.

    Args:
        loader: batches; of a list or tuple, the first entry is the input.
        model: the model, whose mode is as before at the end.
        device: where batches are moved to.
    """
    layers = [m for m in model.modules() if isinstance(m, torch.nn.modules.batchnorm._BatchNorm)]
    if not layers:
        return
    momenta = {}
    for layer in layers:
        layer.reset_running_stats()
        momenta[layer] = layer.momentum
    was_training = model.training
    model.train()
    for layer in momenta:
        layer.momentum = None
    for batch in loader:
        data = batch[0] if isinstance(batch, list | tuple) else batch
        model(data if device is None else data.to(device))
    for layer, momentum in momenta.items():
        layer.momentum = momentum
    model.train(was_training)


class SWALR(LRScheduler):
    """From the present rate to ``swa_lr`` in ``anneal_epochs`` epochs, along a cosine or a line.

    Args:
        optimizer: the optimizer.
        swa_lr: the last rate, or a list of one a group.
        anneal_epochs: length of the way; 0 for none.
        anneal_strategy: ``cos`` or ``linear``.
        last_epoch: the epoch to go on from.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        swa_lr: float,
        anneal_epochs: int = 10,
        anneal_strategy: Literal["cos", "linear"] = "cos",
        last_epoch: int = -1,
    ) -> None:
        for rate, group in zip(one_a_group("swa_lr", optimizer, swa_lr), optimizer.param_groups, strict=True):
            group["swa_lr"] = rate
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}")
        self._set_anneal_func(anneal_strategy)
        if not isinstance(anneal_epochs, int) or anneal_epochs < 0:
            raise ValueError(f"anneal_epochs must be equal or greater than 0, got {anneal_epochs}")
        self.anneal_epochs = anneal_epochs
        super().__init__(optimizer, last_epoch)

    @staticmethod
    def _linear_anneal(t: float) -> float:
        return t

    @staticmethod
    def _cosine_anneal(t: float) -> float:
        return (1 - math.cos(math.pi * t)) / 2

    def _set_anneal_func(self, anneal_strategy: str) -> None:
        self._anneal_strategy = anneal_strategy
        self.anneal_func = self._cosine_anneal if anneal_strategy == "cos" else self._linear_anneal

    def get_lr(self) -> list[Rate]:
        """Return the rates of the present step, by way of where the way that leads to the present rate began."""
        self._warn_outside_step()
        step = self._step_count - 1
        if self.anneal_epochs == 0:
            step = max(1, step)

        def part(t: float) -> float:
            return self.anneal_func(max(0, min(1, t / max(1, self.anneal_epochs))))

        before, now = part(step - 1), part(step)
        rates = []
        for group in self.optimizer.param_groups:
            end = group["swa_lr"]
            start = end if before == 1 else (group["lr"] - before * end) / (1 - before)
            rates.append(end * now + start * (1 - now))
        return rates

    def state_dict(self) -> dict[str, Any]:
        """Return every attribute but the optimizer and the annealing function."""
        return {key: value for key, value in self.__dict__.items() if key not in ("optimizer", "anneal_func")}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore what :meth:`state_dict` returned."""
        self.__dict__.update(state_dict)
        self._set_anneal_func(self._anneal_strategy)
