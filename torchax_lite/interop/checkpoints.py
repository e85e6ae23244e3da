"""Checkpoints of modules by orbax."""

from __future__ import annotations

import os
from typing import Any

from .arrays import from_jax, to_jax


def _checkpointer() -> Any:
    try:
        import orbax.checkpoint as ocp  # type: ignore[import-not-found,unused-ignore]
    except ImportError as error:
        raise ImportError("orbax checkpoints need orbax-checkpoint: pip install orbax-checkpoint") from error
    return ocp.StandardCheckpointer()


def _as_tree(state: dict[str, Any]) -> dict[str, Any]:
    return {name: to_jax(t.detach()) for name, t in state.items()}


def save_orbax(path: str | os.PathLike[str], module: Any, *, overwrite: bool = False) -> None:
    """Write a module's ``state_dict`` as an orbax checkpoint: a folder with the arrays by their names.

    Args:
        path: the folder; it must not exist unless ``overwrite`` is set.
    """
    import jax

    checkpointer = _checkpointer()
    with jax.enable_x64(True):
        checkpointer.save(os.path.abspath(path), _as_tree(module.state_dict()), force=overwrite)
        checkpointer.wait_until_finished()


def load_orbax(path: str | os.PathLike[str], module: Any) -> None:
    """Read an orbax checkpoint of the same names, shapes and dtypes into a module."""
    import jax

    checkpointer = _checkpointer()
    target = jax.tree.map(
        lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=x.sharding), _as_tree(module.state_dict())
    )
    with jax.enable_x64(True):  # int64 and float64 stay what they are
        found = checkpointer.restore(os.path.abspath(path), target)
    module.load_state_dict({name: from_jax(array) for name, array in found.items()})
