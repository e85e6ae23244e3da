"""``pad`` in its four modes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torchax_lite as torch

from ..._generated import internal as _ops

if TYPE_CHECKING:
    from torchax_lite import Tensor

__all__ = ["pad"]


def _circular(input: Tensor, padding: Sequence[int]) -> Tensor:
    """The last dims wrapped around (amounts last dim first; negative ones cut)."""
    out = input
    for i in range(len(padding) // 2):
        axis = input.dim() - 1 - i
        size, low, high = input.shape[axis], padding[2 * i], padding[2 * i + 1]
        if low > size or high > size:
            raise RuntimeError("Padding value causes wrapping around more than once.")
        if low + high + size < 0:
            raise RuntimeError("Negative padding value is resulting in an empty dimension")
        first, last = max(-low, 0), size - max(-high, 0)
        middle = out.narrow(axis, first, last - first)
        parts = [middle]
        # what wraps is taken from the part that stays, as a copy of its far end
        if low > 0:
            parts.insert(0, out.narrow(axis, last - low, low))
        if high > 0:
            parts.append(out.narrow(axis, first, high))
        out = torch.cat(parts, axis) if len(parts) > 1 else middle
    return out.clone() if out is input else out


def pad(input: Tensor, pad: Sequence[int], mode: str = "constant", value: float | None = None) -> Tensor:
    """The last dims extended by ``pad`` (last dim first, low then high; negative amounts cut).

    ``mode``: "constant" (``value``, default 0), "reflect", "replicate" or "circular".
    """
    amounts = tuple(pad)
    rank = input.dim()
    if len(amounts) % 2:
        raise RuntimeError("Padding length must be divisible by 2")
    if len(amounts) > 2 * rank:
        raise RuntimeError(
            f"Padding length should be less than or equal to two times the input dimension but got padding length "
            f"{len(amounts)} and input of dimension {rank}"
        )
    if mode == "constant":
        return torch.constant_pad_nd(input, amounts, 0 if value is None else value)
    if mode not in ("reflect", "replicate", "circular"):
        raise NotImplementedError(f"Unrecognised padding mode {mode}")
    if value is not None and value != 0:
        raise RuntimeError(f'Padding mode "{mode}" doesn\'t take in value argument')
    n = len(amounts) // 2
    if n not in (1, 2, 3) or rank not in (n + 1, n + 2):
        raise NotImplementedError(
            f"Padding size {len(amounts)} is not supported for {rank}D input tensor.\n"
            "Supported combinations for non-constant padding:\n"
            "  - 2D or 3D input: padding size = 2 (pads last dimension)\n"
            "  - 3D or 4D input: padding size = 4 (pads last 2 dimensions)\n"
            "  - 4D or 5D input: padding size = 6 (pads last 3 dimensions)"
        )
    if mode == "circular":
        return _circular(input, amounts)
    kind = "reflection" if mode == "reflect" else "replication"
    return getattr(_ops, f"{kind}_pad{n}d")(input, amounts)
