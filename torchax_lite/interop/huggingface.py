"""Folders of weights as Hugging Face keeps them: safetensors or pickled files, in one piece or in shards.

``load_folder(path)`` reads ``model.safetensors``, ``pytorch_model.bin``, or the shards that
``model.safetensors.index.json`` or ``pytorch_model.bin.index.json`` list; ``save_folder`` writes such a folder.
safetensors files need the package of that name (``pip install torchax-lite[safetensors]``).
"""

from __future__ import annotations

import importlib
import json
import os
import pathlib
import re
from typing import Any

from .. import dropin

__all__ = ["load_folder", "load_safetensors", "load_sharded", "save_folder"]

PathLike = str | os.PathLike[str]

INDEX = "model.safetensors.index.json"
_WHOLE = ("model.safetensors", "pytorch_model.bin")
_INDICES = (INDEX, "pytorch_model.bin.index.json")
_UNITS = {"KB": 10**3, "MB": 10**6, "GB": 10**9, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30}


def safetensors_torch(name: str) -> Any:
    """A function of ``safetensors.torch``, to be called while ``import torch`` means this package.

    Raises:
        RuntimeError: where safetensors is not installed.
    """
    with dropin.installed():
        try:
            found = getattr(importlib.import_module("safetensors.torch"), name)
        except ImportError as error:
            raise RuntimeError(
                "Attempting to load a safetensors file but safetensors is not installed. Please install safetensors "
                "with: pip install safetensors"
            ) from error

    def call(*args: Any, **kwargs: Any) -> Any:
        with dropin.installed():
            return found(*args, **kwargs)

    return call


def load_safetensors(path: PathLike, device: Any = "cpu") -> dict[str, Any]:
    """The tensors of a safetensors file by name; they are read when they are used first."""
    return safetensors_torch("load_file")(os.fspath(path), device=str(device))  # type: ignore[no-any-return]


def load_folder(folder: PathLike, device: Any = "cpu", *, prefer_safe: bool = True) -> dict[str, Any]:
    """The state dict of a folder, in one piece or in shards.

    Args:
        folder: with ``model.safetensors``, ``pytorch_model.bin``, or shards and their index.
        device: where the tensors go.
        prefer_safe: whether safetensors files come before pickled ones; these are read with ``weights_only=True``.

    Raises:
        FileNotFoundError: for a folder without weights. RuntimeError: for a shard without a tensor that the index
            promises, or an index that names files outside of the folder.
    """
    base = pathlib.Path(folder)
    pairs = list(zip(_WHOLE, _INDICES, strict=True))
    for whole, index in pairs if prefer_safe else pairs[::-1]:
        if (base / whole).is_file():
            return _load_file(base / whole, device)
        if (base / index).is_file():
            return load_sharded(base / index, device)
    raise FileNotFoundError(f"{base} has none of {', '.join((*_WHOLE, *_INDICES))}")


def load_sharded(index: PathLike, device: Any = "cpu") -> dict[str, Any]:
    """The state dict of the shards that an index file (``*.index.json``) lists; see :func:`load_folder`."""
    path = pathlib.Path(index)
    content = json.loads(path.read_text(encoding="utf-8"))
    names = content.get("weight_map") if isinstance(content, dict) else None
    if not isinstance(names, dict) or not all(isinstance(x, str) for x in (*names, *names.values())):
        raise RuntimeError(f"{path}: no index of shards (it has no `weight_map` from names to files)")
    state: dict[str, Any] = {}
    for shard in sorted(set(names.values())):
        if shard in ("", ".", "..") or re.search(r"[/\\\0]", shard):
            raise RuntimeError(f"{path} names a file outside of its folder: {shard!r}")
        found = _load_file(path.parent / shard, device)
        missing = [name for name, file in names.items() if file == shard and name not in found]
        if missing:
            raise RuntimeError(f"{path.parent / shard} lacks {missing[0]!r}, which {path.name} says it has")
        state.update(found)
    return state


def _load_file(path: pathlib.Path, device: Any) -> dict[str, Any]:
    if path.suffix == ".safetensors":
        return load_safetensors(path, device)
    from ..serialization import load

    return load(path, map_location=device, weights_only=True)  # type: ignore[no-any-return]


def shard_name(number: int, count: int) -> str:
    """``model-00001-of-00002.safetensors``."""
    return f"model-{number:05d}-of-{count:05d}.safetensors"


def save_folder(
    state_dict: dict[str, Any], folder: PathLike, *, max_shard_size: int | str = "5GB",
    metadata: dict[str, str] | None = None,
) -> None:  # fmt: skip
    """Write a state dict as safetensors files, with an index where there are several.

    Args:
        state_dict: tensors by name. Tensors that share memory are written once each.
        folder: made where it is missing.
        max_shard_size: bytes of a file, as a number or a text such as ``"500MB"``; a larger tensor has its own file.
        metadata: texts for the files' heads.
    """
    base = pathlib.Path(folder)
    base.mkdir(parents=True, exist_ok=True)
    limit = _bytes(max_shard_size)
    shards: list[dict[str, Any]] = [{}]
    size = 0
    for name, tensor in state_dict.items():
        if size and size + tensor.nbytes > limit:
            shards.append({})
            size = 0
        own = tensor.detach().cpu().contiguous()
        shards[-1][name] = own if own.untyped_storage().nbytes() == own.nbytes else own.clone()
        size += tensor.nbytes
    metadata = {"format": "pt", **(metadata or {})}
    names = [_WHOLE[0]] if len(shards) == 1 else [shard_name(i + 1, len(shards)) for i in range(len(shards))]
    for name, shard in zip(names, shards, strict=True):
        safetensors_torch("save_file")(_unshared(shard), base / name, metadata=metadata)
    if len(shards) > 1:
        index = {
            "metadata": {"total_size": sum(t.nbytes for t in state_dict.values())},
            "weight_map": {key: name for name, shard in zip(names, shards, strict=True) for key in shard},
        }
        (base / INDEX).write_text(json.dumps(index, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def _unshared(tensors: dict[str, Any]) -> dict[str, Any]:
    """The tensors, copies in the place of those whose memory came before."""
    seen: set[int] = set()
    found = {}
    for name, tensor in tensors.items():
        address = tensor.untyped_storage().data_ptr()
        found[name] = tensor.clone() if address in seen else tensor
        seen.add(address)
    return found


def _bytes(size: int | str) -> int:
    if isinstance(size, int):
        return size
    match = re.fullmatch(r"(\d+)\s*([A-Za-z]+)", size)
    if match is None or match[2].upper() not in _UNITS:
        raise ValueError(f"a size is a number of bytes or a text such as '500MB', got {size!r}")
    return int(match[1]) * _UNITS[match[2].upper()]
