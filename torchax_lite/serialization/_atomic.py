"""Files that appear whole or not at all."""

from __future__ import annotations

import contextlib
import os
import pathlib
import secrets
import shutil
from collections.abc import Iterator
from typing import IO


@contextlib.contextmanager
def atomic_file(path: str | os.PathLike[str], *, sync: bool = True) -> Iterator[IO[bytes]]:
    """A file to write that takes the place of ``path`` when it is complete and on disk, and only then.

    It is written as a hidden sibling (``.name.pid.random.tmp``). Links are followed, permissions of a file that was
    there are kept. Devices, pipes and folders that take no new files are written directly.

    Args:
        sync: wait until the disk has it.
    """
    target = pathlib.Path(os.path.realpath(path))
    if target.exists() and not target.is_file():
        with open(target, "wb") as file:
            yield file
        return
    temporary = target.with_name(f".{target.name[:200]}.{os.getpid()}.{secrets.token_hex(4)}.tmp")
    try:
        file = open(temporary, "xb")
    except PermissionError:
        if not target.exists():
            raise
        with open(target, "wb") as file:
            yield file
        return
    try:
        with file:
            yield file
            file.flush()
            if sync:
                os.fsync(file.fileno())
        if target.exists():
            shutil.copymode(target, temporary)
        os.replace(temporary, target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    if sync:
        sync_folder(target.parent)


def sync_folder(folder: str | os.PathLike[str]) -> None:
    """Wait until the disk has a folder's list of names (where the system can)."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
