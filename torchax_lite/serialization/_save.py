"""``torch.save``."""

from __future__ import annotations

import contextlib
import io
import os
import pathlib
import pickle
import sys
from collections.abc import Iterator
from typing import IO, Any

import numpy as np

from ..engine.recorder import flush_all
from ..tensor.storage_api import flat_array, storage_numel
from ._archive import ArchiveWriter
from ._atomic import atomic_file
from ._legacy import write_stream
from ._options import _config, _serialization_tls, get_crc32_options
from ._pickles import Storages, dump

DEFAULT_PROTOCOL = 2

FileLike = str | os.PathLike[str] | IO[bytes]


def save(
    obj: object, f: FileLike, pickle_module: Any = pickle, pickle_protocol: int = DEFAULT_PROTOCOL,
    _use_new_zipfile_serialization: bool = True, _disable_byteorder_record: bool = False,
) -> None:  # fmt: skip
    """Write an object to a file. A file that is there already is replaced only once the new one is complete.

    Args:
        obj: anything that pickles; tensors that share memory still do after loading.
        f: a path, or a file object with ``write``.
        pickle_module: module with a ``Pickler``; names of this package are written as PyTorch's by ``pickle`` only.
        pickle_protocol: pickle protocol; ``load(weights_only=True)`` reads protocol 2.
        _use_new_zipfile_serialization: False writes the format before PyTorch 1.6.

    Raises:
        RuntimeError: for a path whose folder does not exist.
    """
    _check_dill(pickle_module)
    if not isinstance(f, (str, os.PathLike)) and not hasattr(f, "write"):
        raise AttributeError("expected 'f' to be string, path, or a file-like object with a 'write' attribute")
    flush_all("torch.save")
    if not _use_new_zipfile_serialization:
        if _serialization_tls.skip_data:
            raise RuntimeError("Cannot use skip_data=True with _use_new_zipfile_serialization=False")
        with _opened(f) as (file, _):
            write_stream(obj, file, pickle_module, pickle_protocol)
        return
    storages = Storages()
    data = io.BytesIO()
    dump(obj, data, pickle_module, pickle_protocol, storages.persistent_id)
    with _opened(f) as (file, root):
        _write_archive(file, root, data.getvalue(), storages, not _disable_byteorder_record)


@contextlib.contextmanager
def _opened(f: Any) -> Iterator[tuple[IO[bytes], str]]:
    """The file to write, and the folder that names of records in it begin with."""
    if isinstance(f, (str, os.PathLike)):
        path = pathlib.Path(os.fsdecode(f))
        if not path.parent.is_dir():
            raise RuntimeError(f"Parent directory {path.parent} does not exist.")
        with atomic_file(path) as file:
            yield file, path.stem or "archive"
        return
    if not callable(f.write):
        raise TypeError(f"Buffer of {str(type(f)).strip('<>')} has no callable attribute 'write'")
    yield f, "archive"
    if hasattr(f, "flush"):
        f.flush()


def _write_archive(file: IO[bytes], root: str, data: bytes, storages: Storages, byteorder: bool) -> None:
    alignment = _config().save.storage_alignment
    archive = ArchiveWriter(file, root, alignment, get_crc32_options())
    archive.record("data.pkl", data)
    archive.record(".format_version", b"1")
    archive.record(".storage_alignment", str(alignment).encode())
    if byteorder:
        archive.record("byteorder", sys.byteorder.encode())
    for key, storage in enumerate(storages.listed):
        if _serialization_tls.skip_data:
            archive.empty_record(f"data/{key}", storage_numel(storage) * storage.aval.dtype.itemsize)
        else:
            archive.record(f"data/{key}", flat_array(storage).view(np.uint8).data)
    archive.finish()


def _check_dill(pickle_module: Any) -> None:
    from . import check_module_version_greater_or_equal

    if getattr(pickle_module, "__name__", None) == "dill" and not check_module_version_greater_or_equal(
        pickle_module, (0, 3, 1), False
    ):
        raise ValueError(
            f"'torch' supports dill >= 0.3.1, but you have dill {pickle_module.__version__}. Please upgrade dill or "
            "switch to 'pickle'"
        )
