"""The disk cache: serialized executables, keyed by a hash of everything that decides what they compute.

The folder is private to the user (mode 0700, owner checked) as its files hold machine code. ``TORCHAX_LITE_CACHE_DIR``
moves it; ``TORCHAX_LITE_CACHE_DIR=0`` (or empty) switches it off. So does JAX's own compilation cache where the user has
set one (``JAX_COMPILATION_CACHE_DIR``): an executable that came from there cannot be stored once more.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import pickle
import platform
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from .avals import Place

MAX_BYTES = 2 << 30
"""Size of the folder above which its oldest files are removed."""
_LOOK_AGAIN = 3600.0
"""Seconds between two looks at its size."""


@functools.cache
def folder() -> Path | None:
    """The cache folder, made if need be; None when switched off or not safely ours."""
    chosen = os.environ.get("TORCHAX_LITE_CACHE_DIR")
    if chosen is not None and chosen in ("", "0"):
        return None
    path = Path(chosen).expanduser() if chosen else _default_folder()
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        info = path.stat()
    except OSError:
        return None
    if hasattr(os, "getuid") and (info.st_uid != os.getuid() or info.st_mode & 0o022):
        return None
    return path if os.access(path, os.W_OK) else None


def used_folder() -> Path | None:
    """The cache folder, unless JAX caches compiled programs itself."""
    import jax

    return None if getattr(jax.config, "jax_compilation_cache_dir", None) else folder()


def _default_folder() -> Path:
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local"))
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "torchax_lite" / "executables"


@functools.cache
def fingerprint() -> str:
    """Hash of the package's sources (names, sizes and times of change), the versions and the machine."""
    import jax
    import jaxlib

    h = hashlib.sha256()
    root = Path(__file__).resolve().parent.parent
    for part in ("amp", "autograd", "engine", "interop", "ops", "optim", "random", "tensor", "utils"):
        with os.scandir(root / part) as files:
            sources = [(f.name, f.stat()) for f in files if f.name.endswith(".py")]
        h.update(repr(sorted((name, info.st_size, info.st_mtime_ns) for name, info in sources)).encode())
    h.update(f"{jax.__version__} {jaxlib.__version__} {sys.version_info[:2]} {platform.machine()}".encode())
    h.update(_cpu_features().encode())
    h.update(os.environ.get("XLA_FLAGS", "").encode())
    return h.hexdigest()


def _cpu_features() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as f:
            lines = [line for line in f if line.startswith(("flags", "Features", "model name"))]
        return "".join(sorted(set(lines)))
    except OSError:
        return platform.processor()


def key(label: str, donated: tuple[int, ...], where: Place) -> str:
    """Name of the file for a program."""
    device = where.jax_device
    text = f"{fingerprint()}|{label}|{donated}|{device.platform}|{device.device_kind}|{device.id}"
    return hashlib.sha256(text.encode()).hexdigest()


def load(name: str) -> Any:
    """The executable stored under a key, or None."""
    base = used_folder()
    if base is None:
        return None
    path = base / name[:2] / name
    try:
        data = path.read_bytes()
    except OSError:
        return None
    try:
        from jax.experimental import serialize_executable

        (payload, in_tree, out_tree), uses_lapack = pickle.loads(data)
        if uses_lapack:
            _prepare_lapack()
        loaded = serialize_executable.deserialize_and_load(payload, in_tree, out_tree)
        os.utime(path)
        return loaded
    except Exception:
        path.unlink(missing_ok=True)
        return None


@functools.cache
def _prepare_lapack() -> None:
    """Make JAX look up the LAPACK routines, which it does when it lowers a program that calls one."""
    import jax
    import jax.numpy as jnp

    jax.jit(jnp.linalg.cholesky).lower(jax.ShapeDtypeStruct((1, 1), "float32"))


def store(name: str, compiled: Any) -> None:
    """Store an executable; failures leave the program uncached."""
    base = used_folder()
    if base is None:
        return
    try:
        from jax.experimental import serialize_executable

        text = compiled.as_text()
        if "callback" in text:
            return
        data = pickle.dumps((serialize_executable.serialize(compiled), "lapack" in text))
    except Exception:
        return
    _prune_once(base)
    try:
        target = base / name[:2]
        target.mkdir(mode=0o700, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=target, delete=False) as f:
            f.write(data)
        os.replace(f.name, target / name)
    except OSError:
        return


@functools.cache
def _prune_once(base: Path) -> None:
    """Remove the oldest files beyond MAX_BYTES, and some more so that it is not to be done at once again.

    Looked for once a process, and not within an hour of another's look: there may be tens of thousands of files.
    """
    mark = base / "pruned"
    try:
        if time.time() - mark.stat().st_mtime < _LOOK_AGAIN:
            return
    except OSError:
        pass
    with contextlib.suppress(OSError):
        mark.touch(mode=0o600)
    files = []
    with contextlib.suppress(OSError):
        for folder in [entry.path for entry in os.scandir(base) if entry.is_dir(follow_symlinks=False)]:
            for entry in os.scandir(folder):
                with contextlib.suppress(OSError):
                    info = entry.stat(follow_symlinks=False)
                    files.append((info.st_mtime, info.st_size, entry.path))
    total = sum(size for _, size, _ in files)
    if total <= MAX_BYTES:
        return
    for _, size, path in sorted(files):
        if total <= 0.9 * MAX_BYTES:
            break
        with contextlib.suppress(OSError):
            os.unlink(path)
        total -= size
