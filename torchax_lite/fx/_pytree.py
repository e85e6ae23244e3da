"""``torch.fx._pytree``: specs of containers that symbolic tracing flattens."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..utils._pytree import PyTree, TreeSpec, tree_flatten

__all__ = ["register_pytree_flatten_spec", "tree_flatten_spec"]

SUPPORTED_NODES: dict[type, Callable[[Any, Any], list[Any]]] = {}


def register_pytree_flatten_spec(
    cls: type, flatten_fn_spec: Callable[[Any, Any], list[Any]], flatten_fn_exact_match_spec: Any = None
) -> None:
    """Tell :func:`tree_flatten_spec` how a container's children are read by the form of a spec."""
    SUPPORTED_NODES[cls] = flatten_fn_spec


def tree_flatten_spec(pytree: PyTree, spec: TreeSpec) -> list[Any]:
    """The leaves of ``pytree``, in the order of ``spec``."""
    if spec.type in SUPPORTED_NODES:
        children = SUPPORTED_NODES[spec.type](pytree, spec)
        return [x for child, sub in zip(children, spec.children()) for x in tree_flatten_spec(child, sub)]
    return tree_flatten(pytree)[0]
