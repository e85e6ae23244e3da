"""Batches of examples: a tensor for each field, as an attribute."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torchax_lite as torch

__all__ = ["Batch"]


class Batch:
    """A batch; iterating over it gives its inputs, then its targets.

    Args:
        data: the examples; without them the batch is empty.
        dataset: where they come from; its fields make the tensors.
        device: of the tensors.

    Attributes:
        batch_size: the number of examples.
        fields, input_fields, target_fields: the names of the columns.
    """

    batch_size: int
    dataset: Any
    fields: Any
    input_fields: list[str]
    target_fields: list[str]

    def __init__(self, data: Sequence[Any] | None = None, dataset: Any = None, device: Any = None) -> None:
        if data is None:
            return
        self.batch_size = len(data)
        self.dataset = dataset
        self.fields = dataset.fields.keys()
        present = {name: field for name, field in dataset.fields.items() if field is not None}
        self.input_fields = [name for name, field in present.items() if not field.is_target]
        self.target_fields = [name for name, field in present.items() if field.is_target]
        for name, field in present.items():
            setattr(self, name, field.process([getattr(x, name) for x in data], device=device))

    @classmethod
    def fromvars(cls, dataset: Any, batch_size: int, train: bool | None = None, **kwargs: Any) -> Batch:
        """A batch with the given columns."""
        batch = cls()
        batch.batch_size = batch_size
        batch.dataset = dataset
        batch.fields = dataset.fields.keys()
        for name, value in kwargs.items():
            setattr(batch, name, value)
        return batch

    def __repr__(self) -> str:
        if not self.__dict__:
            return f"Empty {torch.typename(self)} instance"
        columns = [
            f"\t[.{name}]:{_shown(getattr(self, name))}"
            for name in self.fields
            if name is not None and hasattr(self, name)
        ]
        name = getattr(self.dataset, "name", None)
        source = f" from {name.upper()}" if isinstance(name, str) else ""
        return "\n".join([f"\n[{torch.typename(self)} of size {self.batch_size}{source}]", *columns])

    def __len__(self) -> int:
        return self.batch_size

    def _values(self, names: Sequence[str]) -> Any:
        values = tuple(getattr(self, name) for name in names)
        return None if not values else values[0] if len(values) == 1 else values

    def __iter__(self) -> Iterator[Any]:
        yield self._values(self.input_fields)
        yield self._values(self.target_fields)


def _shown(value: Any) -> str:
    """A column in one line: a tensor by its type and size."""
    if isinstance(value, tuple):
        return str(tuple(_shown(v) for v in value))
    if not torch.is_tensor(value):
        return str(value)
    size = "x".join(map(str, value.size()))
    where = f" (GPU {value.get_device()})" if value.is_cuda else ""
    return f"[{torch.typename(value)} of size {size}{where}]"
