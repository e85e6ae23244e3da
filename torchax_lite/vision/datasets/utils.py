"""Files of data sets: downloads, checksums, archives."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import lzma
import os
import pathlib
import re
import shutil
import tarfile
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar
from urllib.parse import urlparse

Path = str | pathlib.Path
USER_AGENT = "torchax_lite.vision"


# ---------------------------------------------------------------- checksums
def calculate_md5(fpath: Path, chunk_size: int = 1024 * 1024) -> str:
    """The MD5 checksum of a file."""
    digest = hashlib.md5(usedforsecurity=False)
    with open(fpath, "rb") as f:
        while chunk := f.read(chunk_size):
            digest.update(chunk)
    return digest.hexdigest()


def check_md5(fpath: Path, md5: str, **kwargs: Any) -> bool:
    """Whether a file has this checksum."""
    return md5 == calculate_md5(fpath, **kwargs)


def check_integrity(fpath: Path, md5: str | None = None) -> bool:
    """Whether a file is there, and has the checksum where one is given."""
    return os.path.isfile(fpath) and (md5 is None or check_md5(fpath, md5))


# ---------------------------------------------------------------- downloads
def _urlretrieve(url: str, filename: Path, chunk_size: int = 1024 * 32) -> None:
    """Write what an address gives to a file, which appears when it is whole."""
    part = f"{os.fspath(filename)}.part"
    request = urllib.request.Request(url, headers={"User-Agent": USER_AGENT})
    try:
        with urllib.request.urlopen(request, timeout=60) as response, open(part, "wb") as f:
            shutil.copyfileobj(response, f, chunk_size)
        os.replace(part, filename)
    finally:
        if os.path.exists(part):
            os.remove(part)


def _google_drive_id(url: str) -> str | None:
    """The number of a file on Google Drive, or None for another address."""
    parts = urlparse(url)
    if re.match(r"(drive|docs)[.]google[.]com", parts.netloc) is None:
        return None
    found = re.match(r"/file/d/(?P<id>[^/]*)", parts.path)
    return found.group("id") if found else None


def download_url(
    url: str, root: Path, filename: Path | None = None, md5: str | None = None, max_redirect_hops: int = 3
) -> None:
    """Fetch a file into a folder, unless it is there with the right checksum.

    Raises:
        RuntimeError: it cannot be fetched, or is not what was expected.
    """
    root = os.path.expanduser(root)
    name = filename or os.path.basename(url)
    fpath = os.fspath(os.path.join(root, name))
    os.makedirs(root, exist_ok=True)
    if check_integrity(fpath, md5):
        return
    file_id = _google_drive_id(url)
    if file_id is not None:
        download_file_from_google_drive(file_id, root, name, md5)
        return
    try:
        _urlretrieve(url, fpath)
    except (urllib.error.URLError, OSError) as error:
        raise RuntimeError(
            f"{url} could not be downloaded ({error}). Fetch it by other means and put it at {fpath}."
        ) from error
    if not check_integrity(fpath, md5):
        raise RuntimeError("File not found or corrupted.")


def download_file_from_google_drive(
    file_id: str, root: Path, filename: Path | None = None, md5: str | None = None
) -> None:
    """Fetch a file from Google Drive by way of the package ``gdown``, unless it is there.

    Raises:
        RuntimeError: ``gdown`` is missing, or the file is not what was expected.
    """
    root = os.path.expanduser(root)
    fpath = os.fspath(os.path.join(root, filename or file_id))
    os.makedirs(root, exist_ok=True)
    if check_integrity(fpath, md5):
        return
    try:
        import gdown
    except ModuleNotFoundError:
        raise RuntimeError(
            "To download files from GDrive, 'gdown' is required. You can install it with 'pip install gdown'."
        ) from None
    gdown.download(id=file_id, output=fpath, quiet=False, user_agent=USER_AGENT)
    if not check_integrity(fpath, md5):
        raise RuntimeError("File not found or corrupted.")


# ---------------------------------------------------------------- folders
def list_dir(root: Path, prefix: bool = False) -> list[str]:
    """Folders in a folder; with ``prefix`` as whole paths."""
    root = os.path.expanduser(root)
    found = [p for p in os.listdir(root) if os.path.isdir(os.path.join(root, p))]
    return [os.path.join(root, d) for d in found] if prefix else found


def list_files(root: Path, suffix: str | tuple[str, ...], prefix: bool = False) -> list[str]:
    """Files in a folder whose names end with a suffix; with ``prefix`` as whole paths."""
    root = os.path.expanduser(root)
    found = [p for p in os.listdir(root) if os.path.isfile(os.path.join(root, p)) and p.endswith(suffix)]
    return [os.path.join(root, d) for d in found] if prefix else found


# ---------------------------------------------------------------- archives
def _extract_tar(from_path: Path, to_path: Path, compression: str | None) -> None:
    with tarfile.open(from_path, f"r:{compression[1:]}" if compression else "r") as tar:
        tar.extractall(to_path, filter="data")


_ZIP_COMPRESSIONS = {".bz2": zipfile.ZIP_BZIP2, ".xz": zipfile.ZIP_LZMA}


def _extract_zip(from_path: Path, to_path: Path, compression: str | None) -> None:
    kind = _ZIP_COMPRESSIONS[compression] if compression else zipfile.ZIP_STORED
    with zipfile.ZipFile(from_path, "r", compression=kind) as archive:
        archive.extractall(to_path)


_EXTRACTORS: dict[str, Callable[[Path, Path, str | None], None]] = {".tar": _extract_tar, ".zip": _extract_zip}
_OPENERS: dict[str, Callable[..., Any]] = {".bz2": bz2.open, ".gz": gzip.open, ".xz": lzma.open}
_ALIASES = {".tbz": (".tar", ".bz2"), ".tbz2": (".tar", ".bz2"), ".tgz": (".tar", ".gz")}


def _detect_file_type(file: Path) -> tuple[str, str | None, str | None]:
    """Suffix, kind of archive and compression that a file's name tells."""
    suffixes = pathlib.Path(file).suffixes
    if not suffixes:
        raise RuntimeError(
            f"File '{file}' has no suffixes that could be used to detect the archive type and compression."
        )
    suffix = suffixes[-1]
    if suffix in _ALIASES:
        return (suffix, *_ALIASES[suffix])
    if suffix in _EXTRACTORS:
        return suffix, suffix, None
    if suffix in _OPENERS:
        if len(suffixes) > 1 and suffixes[-2] in _EXTRACTORS:
            return suffixes[-2] + suffix, suffixes[-2], suffix
        return suffix, None, suffix
    known = sorted(set(_ALIASES) | set(_EXTRACTORS) | set(_OPENERS))
    raise RuntimeError(f"Unknown compression or archive type: '{suffix}'.\nKnown suffixes are: '{known}'.")


def _decompress(from_path: Path, to_path: Path | None = None, remove_finished: bool = False) -> pathlib.Path:
    """Unpack a compressed file (no archive)."""
    suffix, archive, compression = _detect_file_type(from_path)
    if not compression:
        raise RuntimeError(f"Couldn't detect a compression from suffix {suffix}.")
    target = pathlib.Path(to_path or os.fspath(from_path).replace(suffix, archive or ""))
    with _OPENERS[compression](from_path, "rb") as source, open(target, "wb") as f:
        shutil.copyfileobj(source, f)
    if remove_finished:
        os.remove(from_path)
    return target


def extract_archive(from_path: Path, to_path: Path | None = None, remove_finished: bool = False) -> Path:
    """Unpack an archive, or a compressed file; returns where to. By default beside the archive.

    Raises:
        RuntimeError: the name tells no known kind.
    """

    def like_given(path: Path) -> Path:
        return os.fspath(path) if isinstance(from_path, str) else pathlib.Path(path)

    folder = os.path.dirname(from_path) if to_path is None else to_path
    suffix, archive, compression = _detect_file_type(from_path)
    if not archive:
        target = os.path.join(folder, os.path.basename(from_path).replace(suffix, ""))
        return like_given(_decompress(from_path, target, remove_finished=remove_finished))
    _EXTRACTORS[archive](from_path, folder, compression)
    if remove_finished:
        os.remove(from_path)
    return like_given(folder)


def download_and_extract_archive(
    url: str, download_root: Path, extract_root: Path | None = None, filename: Path | None = None, md5: str | None = None,
    remove_finished: bool = False,
) -> None:  # fmt: skip
    """Fetch an archive, unless it is there, and unpack it."""
    download_root = os.path.expanduser(download_root)
    name = filename or os.path.basename(url)
    download_url(url, download_root, name, md5)
    extract_archive(os.path.join(download_root, name), extract_root or download_root, remove_finished)


# ---------------------------------------------------------------- arguments
def iterable_to_str(iterable: Iterable[Any]) -> str:
    """Items in quotes, separated by commas."""
    return "'" + "', '".join([str(item) for item in iterable]) + "'"


T = TypeVar("T", str, bytes)


def verify_str_arg(
    value: T, arg: str | None = None, valid_values: Iterable[T] | None = None, custom_msg: str | None = None
) -> T:
    """``value``, which must be a string and one of the valid ones.

    Raises:
        ValueError: it is not.
    """
    if not isinstance(value, str):
        place = "" if arg is None else f" for argument {arg}"
        raise ValueError(f"Expected type str{place}, but got type {type(value)}.")
    if valid_values is not None and value not in valid_values:
        raise ValueError(
            custom_msg
            or f"Unknown value '{value}' for argument {arg}. Valid values are {{{iterable_to_str(valid_values)}}}."
        )
    return value


def optional(package: str, dataset: str) -> Any:
    """A package that only some data sets need.

    Raises:
        RuntimeError: it is not installed.
    """
    import importlib

    try:
        return importlib.import_module(package)
    except ModuleNotFoundError:
        name = package.partition(".")[0]
        raise RuntimeError(f"{dataset} needs the package {name}: please run pip install {name}") from None


def not_found(corrupted: bool = False) -> RuntimeError:
    """The error of a data set whose files are missing."""
    kind = "Dataset not found or corrupted." if corrupted else "Dataset not found."
    return RuntimeError(f"{kind} You can use download=True to download it")


def image_of(array: Any) -> Any:
    """A Pillow image of an array of bytes: ``(H, W)`` grey, ``(H, W, 3)`` colours."""
    from PIL import Image

    return Image.fromarray(array)


def read_image(path: Path, mode: str | None = "RGB") -> Any:
    """A Pillow image of a file, converted to a mode where one is given."""
    from PIL import Image

    image = Image.open(path)
    return image if mode is None else image.convert(mode)


def all_intact(folder: Path, files: Sequence[Sequence[str]]) -> bool:
    """Whether all files ``(name, checksum)`` are in a folder as they should be."""
    return all(check_integrity(os.path.join(folder, name), md5) for name, md5 in files)
