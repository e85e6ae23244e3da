"""Text of sparse tensors: their parts, then what the parts do not tell."""

from __future__ import annotations

from typing import Any

from ..tensor.printing import _default_dtype, _grad_suffix, _is_parameter, _with_suffixes, format_values
from ._tensor import CompressedTensor, CooTensor


def _part(name: str, t: Any, indent: int) -> str:
    opening = f"{name}=tensor("
    if t.numel() == 0:
        return f"{opening}[], size={tuple(t.shape)})"
    return opening + format_values(t.detach()._host_array(), indent=indent + len(opening)) + ")"


def _suffixes(t: Any) -> list[str]:
    default = _default_dtype()
    understood = {default, "torch.int64", "torch.bool"}
    understood.add("torch.complex128" if default == "torch.float64" else "torch.complex64")
    found = [f"device='{t.device}'"] if t.device.type != "cpu" else []
    found += [f"size={tuple(t.shape)}", f"nnz={t._nnz()}"]
    if str(t.dtype) not in understood:
        found.append(f"dtype={t.dtype}")
    return [*found, f"layout={t.layout}", *_grad_suffix(t)]


def sparse_repr(t: Any) -> str:
    """``tensor(indices=…, values=…, size=…, nnz=…, layout=…)``, as PyTorch lays it out."""
    indent = len("tensor(")
    if isinstance(t, CooTensor):
        parts = [("indices", t._indices()), ("values", t._values())]
    else:
        assert isinstance(t, CompressedTensor)
        names = ("crow_indices", "col_indices") if t._by_rows else ("ccol_indices", "row_indices")
        parts = [(names[0], t._compressed), (names[1], t._plain), ("values", t._values_part)]
    between = ",\n" + " " * indent
    text = "tensor(" + between.join(_part(name, part, indent) for name, part in parts)
    text = _with_suffixes(text, _suffixes(t), indent, new_line=isinstance(t, CooTensor))
    return "Parameter containing:\n" + text if _is_parameter(t) else text
