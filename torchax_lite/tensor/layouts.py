"""Memory formats and layouts: ``torch.channels_last``, ``torch.strided`` and the others."""

from __future__ import annotations

from typing import Any

from .public_type import PublicType


class memory_format(metaclass=PublicType):
    """Order of the dims in memory, e.g. ``torch.channels_last``."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return f"torch.{self._name}"

    def __reduce__(self) -> Any:
        return _memory_format, (self._name,)


class layout(metaclass=PublicType):
    """How elements are stored: ``torch.strided``, or one of the sparse layouts (``torchax_lite.sparse``)."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return f"torch.{self._name}"

    def __reduce__(self) -> Any:
        return _layout, (self._name,)


contiguous_format = memory_format("contiguous_format")
channels_last = memory_format("channels_last")
channels_last_3d = memory_format("channels_last_3d")
preserve_format = memory_format("preserve_format")
strided = layout("strided")
sparse_coo, sparse_csr, sparse_csc = layout("sparse_coo"), layout("sparse_csr"), layout("sparse_csc")
sparse_bsr, sparse_bsc, jagged = layout("sparse_bsr"), layout("sparse_bsc"), layout("jagged")
_mkldnn = layout("_mkldnn")


def _memory_format(name: str) -> Any:
    return globals()[name]


_layout = _memory_format
