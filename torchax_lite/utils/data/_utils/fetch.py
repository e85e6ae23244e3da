"""Fetchers: from one entry of the index sampler to a batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torchax_lite as torch

from ..dataset import Subset, TensorDataset
from .collate import default_collate


class _BaseDatasetFetcher:
    def __init__(self, dataset: Any, auto_collation: bool, collate_fn: Callable, drop_last: bool) -> None:
        self.dataset = dataset
        self.auto_collation = auto_collation
        self.collate_fn = collate_fn
        self.drop_last = drop_last

    def fetch(self, possibly_batched_index: Any) -> Any:
        raise NotImplementedError


class _IterableDatasetFetcher(_BaseDatasetFetcher):
    """Takes the next samples of the stream; the indices only say how many."""

    def __init__(self, dataset: Any, auto_collation: bool, collate_fn: Callable, drop_last: bool) -> None:
        super().__init__(dataset, auto_collation, collate_fn, drop_last)
        self.dataset_iter = iter(dataset)
        self.ended = False

    def fetch(self, possibly_batched_index: Any) -> Any:
        if self.ended:
            raise StopIteration
        if not self.auto_collation:
            return self.collate_fn(next(self.dataset_iter))
        samples = []
        for _ in possibly_batched_index:
            try:
                samples.append(next(self.dataset_iter))
            except StopIteration:
                self.ended = True
                break
        if not samples or (self.drop_last and len(samples) < len(possibly_batched_index)):
            raise StopIteration
        return self.collate_fn(samples)


class _MapDatasetFetcher(_BaseDatasetFetcher):
    """Looks the indices up, one by one or by the dataset's ``__getitems__``."""

    def fetch(self, possibly_batched_index: Any) -> Any:
        if not self.auto_collation:
            return self.collate_fn(self.dataset[possibly_batched_index])
        if self.collate_fn is default_collate:
            rows = _tensor_rows(self.dataset, possibly_batched_index)
            if rows is not None:
                return rows
        if getattr(self.dataset, "__getitems__", None):
            samples = self.dataset.__getitems__(possibly_batched_index)
        else:
            samples = [self.dataset[index] for index in possibly_batched_index]
        return self.collate_fn(samples)


def _tensor_rows(dataset: Any, indices: Any) -> list[torch.Tensor] | None:
    """Return the collated batch of a (subset of a) ``TensorDataset`` by one gather a tensor, None for other datasets.

    The result equals ``default_collate([dataset[i] for i in indices])``, without an op for every sample.
    """
    indices = list(indices)
    while type(dataset) is Subset:
        indices = [dataset.indices[i] for i in indices]
        dataset = dataset.dataset
    if type(dataset) is not TensorDataset or not indices:
        return None
    size = len(dataset)
    if any(type(i) is not int or not -size <= i < size for i in indices):
        return None
    if any(type(tensor) is not torch.Tensor or tensor.requires_grad for tensor in dataset.tensors):
        return None
    positions = torch.tensor([i % size for i in indices], device="cpu")
    return [tensor.index_select(0, positions.to(tensor.device)) for tensor in dataset.tensors]
