"""``torch.hub``: models that a folder with a ``hubconf.py`` offers, and files of weights by their address."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import re
import shutil
import sys
import tempfile
import warnings
import zipfile
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote, urlparse
from urllib.request import Request, url2pathname, urlopen

__all__ = [
    "download_url_to_file", "get_dir", "help", "list", "load", "load_state_dict_from_url", "set_dir",
]  # fmt: skip

_hub_dir: str | None = None
HASH_REGEX = re.compile(r"-([a-f0-9]*)\.")


def get_dir() -> str:
    """The folder of downloaded files: what :func:`set_dir` set, else ``$TORCH_HOME/hub``."""
    if os.getenv("TORCH_HUB"):
        warnings.warn("TORCH_HUB is deprecated, please use env TORCH_HOME instead", stacklevel=2)
    if _hub_dir is not None:
        return _hub_dir
    return os.path.join(_get_torch_home(), "hub")


def _get_torch_home() -> str:
    """``$TORCH_HOME``, else the folder ``torch`` of the user's cache."""
    cache = os.getenv("XDG_CACHE_HOME", "~/.cache")
    return os.path.expanduser(os.getenv("TORCH_HOME", os.path.join(cache, "torch")))


def set_dir(d: str | os.PathLike[str]) -> None:
    """Set the folder of downloaded files."""
    global _hub_dir
    _hub_dir = os.path.expanduser(d)


def _folder(repo_or_dir: str, source: str, function: str) -> str:
    """The local folder of a repository.

    Raises:
        ValueError: for an unknown source. RuntimeError: for a GitHub repository that is not in the folder of downloads.
    """
    if source not in ("github", "local"):
        raise ValueError(f'Unknown source: "{source}". Allowed values: "github" | "local".')
    if source == "local":
        return os.path.expanduser(repo_or_dir)
    match = re.match(r"^([^/]+)/([^/:]+)(?::(.+))?$", repo_or_dir)
    if match is None:
        raise ValueError(f"torch.hub.{function}: a GitHub repository is given as owner/name[:ref], got {repo_or_dir!r}")
    owner, name, ref = match.groups()
    for branch in (ref,) if ref else ("main", "master"):
        path = os.path.join(get_dir(), "_".join([owner, name, branch.replace("/", "_")]))
        if os.path.exists(path):
            sys.stderr.write(f"Using cache found in {path}\n")
            return path
    raise RuntimeError(
        f"torch.hub.{function}: repositories are not downloaded from GitHub here. Clone https://github.com/{owner}/{name} and use "
        'source="local" with the path of the clone.'
    )


def _hubconf(folder: str) -> Any:
    """The module of a folder's ``hubconf.py``, after a look at its dependencies."""
    path = os.path.join(folder, "hubconf.py")
    if not os.path.exists(path):
        raise FileNotFoundError(f"[Errno 2] No such file or directory: '{path}'")
    sys.path.insert(0, folder)
    try:
        spec = importlib.util.spec_from_file_location("hubconf.py", path)
        if spec is None or spec.loader is None:
            raise ImportError(f"cannot import {path}")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    finally:
        with contextlib.suppress(ValueError):
            sys.path.remove(folder)
    return module


def _entry(module: Any, name: str) -> Callable[..., Any]:
    if not isinstance(name, str):
        raise ValueError("Invalid input: model should be a string of function name")
    missing = [d for d in getattr(module, "dependencies", []) if importlib.util.find_spec(d) is None]
    if missing:
        raise RuntimeError(f"Missing dependencies: {', '.join(missing)}")
    fn = getattr(module, name, None)
    if not callable(fn):
        raise RuntimeError(f"Cannot find callable {name} in hubconf")
    return fn  # type: ignore[no-any-return]


def load(
    repo_or_dir: str, model: str, *args: Any, source: str = "github", trust_repo: Any = None, force_reload: bool = False,
    verbose: bool = True, skip_validation: bool = False, calling_fn: Any = None, **kwargs: Any,
) -> Any:  # fmt: skip
    """What the function ``model`` of a ``hubconf.py`` returns for these arguments.

    Args:
        repo_or_dir: a folder with ``source="local"``; with ``"github"`` a repository that was put into the folder of
            downloads (``owner_name_branch``) before.
        model: name of the function.
        source: ``"local"`` or ``"github"``.
        trust_repo, force_reload, verbose, skip_validation: about downloads, which there are none of.

    Raises:
        RuntimeError: for a missing function or dependency, or a repository that would have to be downloaded.
    """
    return _entry(_hubconf(_folder(repo_or_dir, source.lower(), "load")), model)(*args, **kwargs)


def list(
    github: str, force_reload: bool = False, skip_validation: bool = False, trust_repo: Any = None, verbose: bool = True,
    source: str | None = None,
) -> Any:  # fmt: skip
    """Names of the functions that a repository (or, with ``source="local"``, a folder) offers."""
    local = source == "local" or (source is None and os.path.isdir(os.path.expanduser(github)))
    module = _hubconf(_folder(github, "local" if local else "github", "list"))
    return [name for name in dir(module) if callable(getattr(module, name)) and not name.startswith("_")]


def help(
    github: str, model: str, force_reload: bool = False, skip_validation: bool = False, trust_repo: Any = None,
    source: str | None = None,
) -> str | None:  # fmt: skip
    """The docstring of a function that a repository or folder offers."""
    local = source == "local" or (source is None and os.path.isdir(os.path.expanduser(github)))
    return _entry(_hubconf(_folder(github, "local" if local else "github", "help")), model).__doc__


def download_url_to_file(url: str, dst: str, hash_prefix: str | None = None, progress: bool = True) -> None:
    """Write what an address gives to a file; ``file://`` addresses are copied.

    Raises:
        RuntimeError: when the SHA-256 of the file does not begin with ``hash_prefix``, or nothing can be fetched.
    """
    dst = os.path.expanduser(dst)
    folder = os.path.dirname(dst) or "."
    digest = hashlib.sha256()
    with tempfile.NamedTemporaryFile(delete=False, dir=folder) as f:
        try:
            source: Any
            if urlparse(url).scheme == "file":
                source = open(url2pathname(unquote(urlparse(url).path)), "rb")  # noqa: SIM115
            else:
                try:
                    source = urlopen(Request(url, headers={"User-Agent": "torchax_lite.hub"}), timeout=30)
                except OSError as error:
                    raise RuntimeError(
                        f"torch.hub could not fetch {url}: {error}. Put the file at {dst}, where it is looked for first."
                    ) from error
            with source:
                while chunk := source.read(1 << 17):
                    f.write(chunk)
                    digest.update(chunk)
            f.close()
            if hash_prefix is not None and digest.hexdigest()[: len(hash_prefix)] != hash_prefix:
                raise RuntimeError(f'invalid hash value (expected "{hash_prefix}", got "{digest.hexdigest()}")')
            shutil.move(f.name, dst)
        finally:
            f.close()
            if os.path.exists(f.name):
                os.remove(f.name)


def load_state_dict_from_url(
    url: str, model_dir: str | None = None, map_location: Any = None, progress: bool = True, check_hash: bool = False,
    file_name: str | None = None, weights_only: bool = True,
) -> Any:  # fmt: skip
    """What ``torch.load`` gives for the file of an address, kept in ``<hub folder>/checkpoints``.

    Args:
        model_dir: the folder, if not that one.
        check_hash: whether the name ``model-<hash>.pth`` tells the beginning of the file's SHA-256.
        file_name: the name of the file in the folder, if not the address's.
    """
    from .serialization import load as torch_load

    if os.getenv("TORCH_MODEL_ZOO"):
        warnings.warn("TORCH_MODEL_ZOO is deprecated, please use env TORCH_HOME instead", stacklevel=2)
    folder = model_dir if model_dir is not None else os.path.join(get_dir(), "checkpoints")
    os.makedirs(folder, exist_ok=True)
    name = file_name or os.path.basename(urlparse(url).path)
    path = os.path.join(folder, name)
    if not os.path.exists(path):
        sys.stderr.write(f'Downloading: "{url}" to {path}\n')
        found = HASH_REGEX.search(name) if check_hash else None
        download_url_to_file(url, path, found.group(1) if found else None, progress=progress)
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as z:
            members = z.infolist()
            if len(members) == 1 and not members[0].filename.endswith("data.pkl"):
                z.extract(members[0], folder)
                path = os.path.join(folder, members[0].filename)
    return torch_load(path, map_location=map_location, weights_only=weights_only)
