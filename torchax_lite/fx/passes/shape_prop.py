"""Shapes and dtypes of the values of a graph, found by running it."""

from __future__ import annotations

from typing import Any, NamedTuple

import torchax_lite as torch

from ..interpreter import Interpreter
from ..node import Node, map_aggregate


class TensorMetadata(NamedTuple):
    """What is known of a tensor without its values."""

    shape: torch.Size
    dtype: torch.dtype
    requires_grad: bool
    stride: tuple[int, ...]
    memory_format: torch.memory_format | None
    is_quantized: bool
    qparams: dict[str, Any]


def _extract_tensor_metadata(result: torch.Tensor, include_contiguity: bool = True) -> TensorMetadata:
    found = None
    for memory_format in (torch.contiguous_format, torch.channels_last, torch.channels_last_3d):
        fits = memory_format is torch.contiguous_format or result.ndim == (
            4 if memory_format is torch.channels_last else 5
        )
        if include_contiguity and fits and result.is_contiguous(memory_format=memory_format):
            found = memory_format
            break
    return TensorMetadata(result.shape, result.dtype, result.requires_grad, result.stride(), found, False, {})


class ShapeProp(Interpreter):
    """Runs a graph and writes ``meta["tensor_meta"]`` and ``meta["type"]`` to each node.

    Args:
        gm: the module.
        fake_mode: not supported; give tensors on ``device="meta"`` to :meth:`propagate` to compute shapes alone.
    """

    def __init__(self, gm: Any, fake_mode: Any = None) -> None:
        super().__init__(gm)
        if fake_mode is not None:
            raise NotImplementedError("ShapeProp(fake_mode=...): give inputs on device='meta' instead")

    def run_node(self, n: Node) -> Any:
        """The node's value, noted."""
        result = super().run_node(n)
        found = False

        def note(x: Any) -> Any:
            nonlocal found
            if isinstance(x, torch.Tensor):
                found = True
                return _extract_tensor_metadata(x)
            return x

        meta = map_aggregate(result, note)
        if found:
            n.meta["tensor_meta"] = meta
        n.meta["type"] = type(result)
        return result

    def propagate(self, *args: Any) -> Any:
        """Run on these inputs; returns the result."""
        return super().run(*args)
