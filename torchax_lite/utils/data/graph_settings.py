"""Settings of all pipes of a graph: shuffling, seeds, and shares of workers."""

from __future__ import annotations

import inspect
import warnings
from typing import Any

import torchax_lite as torch

from .datapipes.iter.sharding import SHARDING_PRIORITIES, _ShardingIterDataPipe
from .graph import DataPipe, DataPipeGraph, traverse_dps
from .sampler import draw_seed

__all__ = [
    "apply_random_seed", "apply_sharding", "apply_shuffle_seed", "apply_shuffle_settings", "get_all_graph_pipes",
]  # fmt: skip


def get_all_graph_pipes(graph: DataPipeGraph) -> list[DataPipe]:
    """All pipes of a graph, each once."""
    found: dict[int, DataPipe] = {}

    def collect(level: DataPipeGraph) -> None:
        for number, (pipe, inner) in level.items():
            if number not in found:
                found[number] = pipe
                collect(inner)

    collect(graph)
    return list(found.values())


def _has(pipe: Any, *methods: str) -> bool:
    return all(hasattr(pipe, name) and inspect.ismethod(getattr(pipe, name)) for name in methods)


def apply_sharding(
    datapipe: DataPipe, num_of_instances: int, instance_id: int, sharding_group: Any = SHARDING_PRIORITIES.DEFAULT
) -> DataPipe:
    """Let each ``sharding_filter`` give only the ``instance_id``-th share of ``num_of_instances``.

    Raises:
        RuntimeError: one reads from another.
    """

    def apply(graph: DataPipeGraph, above: Any) -> None:
        for pipe, inner in graph.values():
            applied = above
            if isinstance(pipe, _ShardingIterDataPipe) or _has(pipe, "apply_sharding"):
                if above is not None:
                    raise RuntimeError(
                        "Sharding twice on a single pipeline is likely unintended and will cause data loss. Sharding "
                        f"already applied to {above} while trying to apply to {pipe}"
                    )
                if len(inspect.signature(pipe.apply_sharding).parameters) < 3:
                    pipe.apply_sharding(num_of_instances, instance_id)
                else:
                    pipe.apply_sharding(num_of_instances, instance_id, sharding_group=sharding_group)
                applied = pipe
            apply(inner, applied)

    apply(traverse_dps(datapipe), None)
    return datapipe


def apply_shuffle_settings(datapipe: DataPipe, shuffle: bool | None = None) -> DataPipe:
    """Turn all shufflers on or off; None changes nothing. Where there are none to turn on, one is added at the end."""
    if shuffle is None:
        return datapipe
    pipes = get_all_graph_pipes(traverse_dps(datapipe))
    shufflers: list[Any] = [pipe for pipe in pipes if _has(pipe, "set_shuffle", "set_seed")]
    if not shufflers and shuffle:
        warnings.warn(
            "`shuffle=True` was set, but the datapipe does not contain a `Shuffler`. Adding one at the end. Be aware that "
            "the default buffer size might not be sufficient for your task.",
            stacklevel=2,
        )
        datapipe = datapipe.shuffle()
        shufflers = [datapipe]
    for shuffler in shufflers:
        shuffler.set_shuffle(shuffle)
    return datapipe


def apply_shuffle_seed(datapipe: DataPipe, rng: Any) -> DataPipe:
    """:func:`apply_random_seed` under its old name."""
    warnings.warn(
        "`apply_shuffle_seed` is deprecated since 1.12 and will be removed in the future releases. "
        "Please use `apply_random_seed` instead.",
        FutureWarning,
        stacklevel=2,
    )
    return apply_random_seed(datapipe, rng)


def apply_random_seed(datapipe: DataPipe, rng: torch.Generator) -> DataPipe:
    """Give each pipe with a ``set_seed`` method a seed that ``rng`` draws."""
    pipes: list[Any] = [pipe for pipe in get_all_graph_pipes(traverse_dps(datapipe)) if _has(pipe, "set_seed")]
    for pipe in pipes:
        pipe.set_seed(draw_seed(rng))
    return datapipe
