"""Files of text data: fetching, checking, extracting and reading them."""

from __future__ import annotations

import csv
import gzip
import hashlib
import logging
import os
import shutil
import sys
import tarfile
import zipfile
from collections.abc import Callable, Iterable, Iterator
from typing import IO, Any

from .. import hub

__all__ = [
    "download_from_url", "extract_archive", "get_asset_local_path", "get_lock_dir", "reporthook", "unicode_csv_reader",
    "validate_file",
]  # fmt: skip

logger = logging.getLogger(__name__)


def cache_dir() -> str:
    """The folder that torchtext keeps its files in: ``text`` in torch's cache folder (``TORCH_HOME``)."""
    return os.path.join(os.path.dirname(os.path.expanduser(hub.get_dir())), "text")


def get_lock_dir() -> str:
    """The folder of lock files in the cache; made where it is not there."""
    folder = os.path.join(cache_dir(), "locks")
    os.makedirs(folder, exist_ok=True)
    return folder


def reporthook(t: Any) -> Callable[..., None]:
    """A hook for ``urlretrieve`` that moves the progress bar ``t`` on."""
    last = 0

    def inner(b: int = 1, bsize: int = 1, tsize: int | None = None) -> None:
        nonlocal last
        if tsize is not None:
            t.total = tsize
        t.update((b - last) * bsize)
        last = b

    return inner


def validate_file(file_obj: IO[bytes], hash_value: str, hash_type: str = "sha256") -> bool:
    """Whether the rest of a file has this SHA-256 or MD5."""
    if hash_type not in ("sha256", "md5"):
        raise ValueError(f"hash_type must be 'sha256' or 'md5', got {hash_type!r}")
    digest = hashlib.new(hash_type, usedforsecurity=False)
    while block := file_obj.read(1 << 20):
        digest.update(block)
    return digest.hexdigest() == hash_value


def _check_hash(path: str, hash_value: str | None, hash_type: str) -> None:
    if not hash_value:
        return
    with open(path, "rb") as file:
        if not validate_file(file, hash_value, hash_type):
            raise RuntimeError(
                f"The hash of {os.path.abspath(path)} does not match. Delete the file manually and retry."
            )


def download_from_url(
    url: str,
    path: str | None = None,
    root: str = ".data",
    overwrite: bool = False,
    hash_value: str | None = None,
    hash_type: str = "sha256",
) -> str:
    """The path of a file that an address gives; fetched only where it is not there yet.

    Args:
        path: the file; by default the address's last part in ``root``.
        hash_value: of the whole file, checked also where it was there.

    Raises:
        RuntimeError: nothing can be fetched (the text says where the file belongs), or the hash is another.
    """
    if path is None:
        path = os.path.join(os.path.abspath(root), os.path.split(url)[1])
    path = os.path.abspath(path)
    if os.path.exists(path) and not overwrite:
        logger.info("File %s already exists.", path)
    else:
        folder = os.path.dirname(path)
        try:
            os.makedirs(folder, exist_ok=True)
        except OSError as error:
            raise OSError(f"Can't create the download directory {folder}.") from error
        if "drive.google.com" in url:
            raise RuntimeError(
                f"download_from_url: {url} is a page that asks for a confirmation. Fetch it with a browser, and put the "
                f"file at {path}, where it is looked for first."
            )
        hub.download_url_to_file(url, path)
        logger.info("File %s downloaded.", path)
    _check_hash(path, hash_value, hash_type)
    return path


def get_asset_local_path(asset_path: str, overwrite: bool = False) -> str:
    """``asset_path`` itself where it is a file here; else the path of what that address gives, in the cache."""
    if os.path.exists(asset_path):
        return asset_path
    if "://" not in asset_path:
        raise FileNotFoundError(f"No such file, and no address either: {asset_path!r}")
    return download_from_url(asset_path, root=cache_dir(), overwrite=overwrite)


def extract_archive(from_path: str, to_path: str | None = None, overwrite: bool = False) -> list[str]:
    """Extract ``.tar.gz``, ``.tgz``, ``.zip`` or ``.gz``; the paths of the files in it.

    Args:
        to_path: the folder; by default the archive's own.
        overwrite: extract also what is there already.

    Raises:
        NotImplementedError: another kind of file.
    """
    folder = os.path.dirname(from_path) if to_path is None else to_path
    if from_path.endswith((".tar.gz", ".tgz")):
        return _extract_tar(from_path, folder, overwrite)
    if from_path.endswith(".zip"):
        return _extract_zip(from_path, folder, overwrite)
    if from_path.endswith(".gz"):
        out = from_path[:-3]
        with gzip.open(from_path, "rb") as packed, open(out, "wb") as plain:
            shutil.copyfileobj(packed, plain)
        return [out]
    raise NotImplementedError("We currently only support tar.gz, .tgz, .gz and zip achives.")


def _extract_tar(path: str, folder: str, overwrite: bool) -> list[str]:
    files = []
    with tarfile.open(path, "r") as tar:
        for member in tar:
            target = os.path.join(folder, member.name)
            if member.isfile():
                files.append(target)
                if os.path.exists(target) and not overwrite:
                    logger.info("%s already extracted.", target)
                    continue
            tar.extract(member, folder, filter="data")
    return files


def _extract_zip(path: str, folder: str, overwrite: bool) -> list[str]:
    assert zipfile.is_zipfile(path), path
    files = []
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            target = os.path.join(folder, name)
            files.append(target)
            if os.path.exists(target) and not overwrite:
                logger.info("%s already extracted.", target)
                continue
            archive.extract(name, folder)
    return [file for file in files if os.path.isfile(file)]


def unicode_csv_reader(unicode_csv_data: Iterable[str], **kwargs: Any) -> Iterator[list[str]]:
    """The rows of a CSV file whose fields may be of any size; ``kwargs`` as for ``csv.reader``."""
    limit = sys.maxsize
    while True:
        try:
            csv.field_size_limit(limit)
            break
        except OverflowError:  # where a C long is shorter
            limit //= 10
    yield from csv.reader(unicode_csv_data, **kwargs)
