"""``torch.onnx.symbolic_helper``: decorators of symbolic functions, which no exporter calls; the rest refuses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .._absent import fill
from . import _USE

__all__ = ["parse_args", "quantized_args"]


def parse_args(*arg_descriptors: str) -> Callable[[Any], Any]:
    """A decorator that leaves the function as it is."""
    return lambda fn: fn


def quantized_args(*arg_q_descriptors: bool, **kwargs: Any) -> Callable[[Any], Any]:
    """A decorator that leaves the function as it is."""
    return lambda fn: fn


fill(
    globals(),
    _USE,
    functions="_get_const _get_tensor_rank _get_tensor_sizes _is_none _is_tensor _is_value _maybe_get_const "
    "_maybe_get_scalar _parse_arg _reduce_op_symbolic_helper _reshape_helper _squeeze_helper _unimplemented "
    "_unsqueeze_helper check_training_mode",
)
