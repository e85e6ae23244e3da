"""Python values and tensors of real PyTorch as trees that :mod:`compat_suite.codec` can write."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import torch

EXOTIC = {
    torch.bfloat16: torch.uint16,
    torch.float8_e4m3fn: torch.uint8,
    torch.float8_e5m2: torch.uint8,
    torch.float8_e4m3fnuz: torch.uint8,
    torch.float8_e5m2fnuz: torch.uint8,
    torch.float8_e8m0fnu: torch.uint8,
}
"""Dtypes that NumPy lacks, and what their bits are stored as."""


class Unsupported(Exception):
    """The value has no form in a record."""


def dtype_name(dtype: torch.dtype) -> str:
    """``float32`` for ``torch.float32``."""
    return str(dtype).removeprefix("torch.")


def array(t: torch.Tensor) -> np.ndarray:
    """The values of a strided tensor, bit for bit; complex32 has a last dimension of two."""
    if t.dim() > 32:
        raise Unsupported(f"a tensor of {t.dim()} dimensions")
    t = t.detach().resolve_conj().resolve_neg()
    if t._is_zerotensor():
        t = torch.zeros(t.shape, dtype=t.dtype)
    if t.dtype in EXOTIC:
        t = t.contiguous().view(EXOTIC[t.dtype])
    if t.dtype == torch.complex32:
        t = torch.view_as_real(t.contiguous())
    return t.contiguous().numpy().copy()


def contiguous_strides(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The strides of a freshly made tensor."""
    strides, step = [], 1
    for n in reversed(shape):
        strides.append(step)
        step *= max(n, 1)
    return tuple(reversed(strides))


def tensor(t: torch.Tensor, *, as_input: bool) -> dict[str, Any]:
    """A tensor as a description; an input that is not contiguous is stored as the memory it looks at."""
    if t.layout == torch.sparse_coo:
        out = {"layout": "sparse_coo", "parts": [tensor(p, as_input=as_input) for p in (t._indices(), t._values())]}
        out |= {"shape": list(t.shape), "dtype": dtype_name(t.dtype), "coalesced": t.is_coalesced()}
    elif t.layout in (torch.sparse_csr, torch.sparse_bsr):
        parts = (t.crow_indices(), t.col_indices(), t.values())
        out = {"layout": str(t.layout)[6:], "parts": [tensor(p, as_input=as_input) for p in parts]}
        out |= {"shape": list(t.shape), "dtype": dtype_name(t.dtype)}
    elif t.layout in (torch.sparse_csc, torch.sparse_bsc):
        parts = (t.ccol_indices(), t.row_indices(), t.values())
        out = {"layout": str(t.layout)[6:], "parts": [tensor(p, as_input=as_input) for p in parts]}
        out |= {"shape": list(t.shape), "dtype": dtype_name(t.dtype)}
    elif t.layout != torch.strided or t.is_quantized or t.is_nested:
        raise Unsupported(f"a tensor of layout {t.layout}")
    elif t.device.type != "cpu":
        raise Unsupported(f"a tensor on {t.device}")
    else:
        out = {"dtype": dtype_name(t.dtype), "shape": list(t.shape)}
        if t._is_zerotensor():
            t = torch.zeros(t.shape, dtype=t.dtype)
        plain = t.stride() == contiguous_strides(tuple(t.shape)) or t.numel() == 0
        if not plain or t.stride() != contiguous_strides(tuple(t.shape)):
            out["stride"] = list(t.stride())
        if as_input and not plain:
            base = t.detach()
            if base.is_conj() or base.is_neg():
                base = base.resolve_conj().resolve_neg()
                out["stride"] = list(base.stride())
            extent = 1 + sum((n - 1) * s for n, s in zip(base.shape, base.stride(), strict=True))
            out["a"] = array(base.as_strided((extent,), (1,), base.storage_offset()))
            out["memory"] = 1
        else:
            out["a"] = array(t)
    if t.requires_grad and as_input:
        out["grad"] = 1
    if isinstance(t, torch.nn.Parameter) and as_input:
        out["parameter"] = 1
    return out


def number(value: Any) -> Any:
    """A Python number; floats that JSON lacks by name."""
    if isinstance(value, float) and not math.isfinite(value):
        return {"f": repr(value)}
    if isinstance(value, complex):
        return {"c": [number(value.real), number(value.imag)]}
    return value


def encode(value: Any, leaf: Any) -> Any:
    """A value as a tree; ``leaf`` encodes the tensors in it."""
    if isinstance(value, torch.Tensor):
        return leaf(value)
    if isinstance(value, torch.Size):
        return {"size": list(value)}
    if isinstance(value, np.generic):
        return {"np": [value.dtype.name, number(value.item())]}
    if value is None or isinstance(value, bool | int | str | float | complex):
        return number(value)
    if isinstance(value, tuple) and hasattr(value, "_fields") or type(value).__module__ == "torch.return_types":
        return {"named": type(value).__name__, "items": [encode(v, leaf) for v in value]}
    if isinstance(value, tuple):
        return {"tu": [encode(v, leaf) for v in value]}
    if isinstance(value, list):
        return [encode(v, leaf) for v in value]
    if isinstance(value, dict):
        return {"d": [[encode(k, leaf), encode(v, leaf)] for k, v in value.items()]}
    if isinstance(value, torch.dtype | torch.layout | torch.memory_format):
        return {"torch": str(value).removeprefix("torch.")}
    if isinstance(value, torch.device):
        return {"device": str(value)}
    if isinstance(value, slice):
        return {"slice": [encode(v, leaf) for v in (value.start, value.stop, value.step)]}
    if value is Ellipsis:
        return {"ellipsis": 1}
    if isinstance(value, type) and value in (bool, int, float, complex):
        return {"type": value.__name__}
    if isinstance(value, np.ndarray):
        return {"array": value}
    if isinstance(value, torch.nn.LinearCrossEntropyOptions):
        return {
            "linear cross entropy": [[f.name, encode(getattr(value, f.name), leaf)] for f in dataclasses.fields(value)]
        }
    if isinstance(value, torch.nn.Module) and not list(value.parameters()):
        return {"module": type(value).__name__}
    raise Unsupported(f"a value of type {type(value).__name__}")
