"""``torch.serialization``: ``save`` and ``load`` in PyTorch's own file formats.

A file is a zip archive of uncompressed records: ``data.pkl`` (the object, storages as persistent ids), ``data/N`` (the
bytes of storage N, 64-byte aligned), ``byteorder``, ``version``. Classes and functions of this package appear in it by
PyTorch's names, so that files pass both ways. The formats before PyTorch 1.6 are read and written too.

One idea a file: ``_archive`` (the zip container), ``_legacy`` (the older containers), ``_pickles`` (names), ``_save``,
``_load``, ``_locations`` (devices), ``_safe_globals``, ``_options``, ``_atomic`` (files that appear whole).
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import torchax_lite as torch

from ._legacy import MAGIC_NUMBER, PROTOCOL_VERSION, SourceChangeWarning
from ._load import get_unsafe_globals_in_checkpoint, load
from ._locations import (
    default_restore_location,
    location_tag,
    register_package,
    validate_cuda_device,
    validate_hpu_device,
)
from ._options import (
    LoadEndianness,
    _serialization_tls,
    get_crc32_options,
    get_default_load_endianness,
    get_default_mmap_options,
    set_crc32_options,
    set_default_load_endianness,
    set_default_mmap_options,
    skip_data,
)
from ._pickles import StorageType, _get_layout
from ._safe_globals import add_safe_globals, clear_safe_globals, get_safe_globals, safe_globals
from ._save import DEFAULT_PROTOCOL, save

MAP_LOCATION: TypeAlias = Callable[[Any, str], Any] | torch.device | str | dict[str, str] | None
"""What ``load`` takes as ``map_location``."""

__all__ = [
    "LoadEndianness", "SourceChangeWarning", "StorageType", "add_safe_globals", "check_module_version_greater_or_equal",
    "clear_safe_globals", "default_restore_location", "get_crc32_options", "get_default_load_endianness",
    "get_default_mmap_options", "get_safe_globals", "get_unsafe_globals_in_checkpoint", "load", "location_tag",
    "mkdtemp", "normalize_storage_type", "register_package", "safe_globals", "save", "set_crc32_options",
    "set_default_load_endianness", "set_default_mmap_options", "skip_data", "storage_to_tensor_type",
    "validate_cuda_device", "validate_hpu_device",
]  # fmt: skip


@contextlib.contextmanager
def mkdtemp() -> Iterator[str]:
    """A temporary folder that is removed at the end of the ``with`` block."""
    path = tempfile.mkdtemp()
    try:
        yield path
    finally:
        shutil.rmtree(path)


def check_module_version_greater_or_equal(
    module: Any, req_version_tuple: tuple[Any, ...], error_if_malformed: bool = True
) -> bool:
    """Whether a module's ``__version__`` is at least a version.

    Raises:
        RuntimeError: for a version that cannot be compared (with ``error_if_malformed=False`` a warning, and True).
    """
    try:
        parts = module.__version__.split(".")
        return tuple(type(want)(parts[i]) for i, want in enumerate(req_version_tuple)) >= req_version_tuple
    except Exception as error:
        message = (
            f"'{module.__name__}' module version string is malformed '{module.__version__}' and cannot be compared with "
            f"tuple {req_version_tuple}"
        )
        if error_if_malformed:
            raise RuntimeError(message) from error
        warnings.warn(message + ", but continuing assuming that requirement is met", stacklevel=2)
        return True


def normalize_storage_type(storage_type: Any) -> Any:
    """The class of ``torch`` with a storage class's name."""
    return getattr(torch, storage_type.__name__)


def storage_to_tensor_type(storage: Any) -> Any:
    """The tensor class for a storage: ``torch.FloatTensor`` for a storage of float32."""
    name = storage.pickle_storage_type() if hasattr(storage, "pickle_storage_type") else type(storage).__name__
    return getattr(torch, name.replace("Storage", "Tensor"))
