"""Names for annotations: numbers, devices, sizes, files, storages."""

from __future__ import annotations

import builtins
import os
from collections.abc import Sequence
from typing import IO, TypeAlias

import torchax_lite as torch

from .tensor.storage_api import UntypedStorage as Storage

__all__ = ["Device", "FileLike", "Number", "Storage"]

_bool = builtins.bool
_bytes = builtins.bytes
_complex = builtins.complex
_float = builtins.float
_int = builtins.int
_str = builtins.str

Size = torch.Size
Tensor = torch.Tensor
_device = torch.device
_dtype = torch.dtype
_layout = torch.layout

Number: TypeAlias = int | float | bool
_Number = (int, float, bool)
Device: TypeAlias = torch.device | str | int | None
FileLike: TypeAlias = str | os.PathLike[str] | IO[bytes]

_TensorOrTensors: TypeAlias = torch.Tensor | Sequence[torch.Tensor]
_TensorOrOptionalTensors: TypeAlias = torch.Tensor | Sequence[torch.Tensor | None]
_size: TypeAlias = torch.Size | list[int] | tuple[int, ...]
