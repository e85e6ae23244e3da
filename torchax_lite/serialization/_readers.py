"""``torch.PyTorchFileReader``: the records of a file by their names, for programs that read them one by one."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

import torchax_lite as torch

from ._archive import ArchiveReader


class PyTorchFileReader:
    """Reads records of a zip file that ``torch.save`` wrote.

    Args:
        name_or_buffer: a path or an open binary file.
    """

    def __init__(self, name_or_buffer: Any) -> None:
        own = isinstance(name_or_buffer, (str, os.PathLike))
        self._archive = ArchiveReader(open(name_or_buffer, "rb") if own else name_or_buffer)  # noqa: SIM115

    def archive_name(self) -> str:
        """The folder that all records lie in."""
        return self._archive.root

    def has_record(self, name: str) -> bool:
        """Whether there is a record of this name."""
        return self._archive.has(name)

    def get_all_records(self) -> list[str]:
        """The names of all records."""
        return self._archive.names()

    def get_record(self, name: str) -> bytes:
        """A record's bytes; RuntimeError where there is none."""
        return self._archive.read(name)

    def get_storage_from_record(self, name: str, numel: int, dtype: torch.dtype) -> torch.Tensor:
        """``numel`` elements of a record, as a tensor of one dimension."""
        size = numel * dtype.itemsize
        if size > self._archive.size(name):
            raise RuntimeError(f"record {name} has {self._archive.size(name)} bytes, {size} were asked for")
        data = np.asarray(self._archive.array(name))[:size]
        return torch.from_numpy(data).view(dtype)
