"""Shapes and dtypes of results, kept on disk for the next run of the same script.

To learn them, an op is traced by JAX when it is first called: some milliseconds for each of a script's ops, which the
executables from disk (see :mod:`.disk`) do not need. Each script has a file of its own, so what other scripts do cannot
crowd it out.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np

from . import disk

MOST = 5000
"""Results kept for a script."""
Results = list[tuple[tuple[int, ...], np.dtype[Any]]]

_fresh: dict[str, Results] = {}
"""Those that are not on disk yet."""


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()


def _file() -> Path | None:
    """The file of the script that runs."""
    base = disk.used_folder()
    if base is None:
        return None
    script = getattr(sys.modules.get("__main__"), "__file__", None) or ""
    name = _digest(f"{disk.fingerprint()}|{os.path.abspath(script)}")
    return base / name[:2] / f"{name}.shapes"


@functools.cache
def _known() -> dict[str, Results]:
    """What this run and earlier ones found, by digest."""
    path, found = _file(), dict[str, Results]()
    if path is not None:
        try:
            lines = path.read_text(encoding="ascii").splitlines()
            os.utime(path)
        except (OSError, ValueError):
            lines = []
        for line in lines:
            try:
                digest, results = json.loads(line)
                found[digest] = [(tuple(shape), np.dtype(name)) for shape, name in results]
            except (ValueError, TypeError):
                continue  # a line that was cut off
    return found


def recall(text: str) -> Results | None:
    """The results that an earlier call of :func:`remember` named for this text; None if there was none."""
    return _known().get(_digest(text))


def remember(text: str, results: Results) -> None:
    """Keep results; ``text`` says all that they follow from."""
    if len(_known()) < MOST:
        digest = _digest(text)
        _known()[digest] = _fresh[digest] = results


def save() -> None:
    """Write what is new. Called when an executable has gone to disk: without it the shapes serve little."""
    path = _file()
    if path is None or not _fresh:
        return
    taken = {digest: _fresh.pop(digest) for digest in list(_fresh)}
    lines = [json.dumps([digest, [(shape, d.name) for shape, d in results]]) for digest, results in taken.items()]
    try:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(fd, "".join(f"\n{line}" for line in lines).encode())
        finally:
            os.close(fd)
    except OSError:
        return
