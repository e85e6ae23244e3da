"""Which kinds of attention kernels a program allows; XLA has one body, so that this decides about errors only."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torchax_lite import Tensor

ENABLED = {"flash": True, "mem_efficient": True, "math": True, "cudnn": True, "overrideable": True}
"""Kinds that are allowed; ``torch.backends.cuda`` and ``torch.nn.attention.sdpa_kernel`` set them."""

PRIORITY = ["flash", "mem_efficient", "math", "cudnn", "overrideable"]
"""The order in which kinds are tried."""


def _mask_fits(query: Tensor, key: Tensor, mask: Tensor) -> bool:
    """Whether the fused kernel takes a mask of this shape: two or four dims that are 1 or the scores' own."""
    scores = (*query.shape[:3], key.shape[2])
    return mask.dim() in (2, 4) and all(m in (1, n) for m, n in zip(mask.shape[::-1], scores[::-1], strict=False))


def takes_fused(
    query: Tensor, key: Tensor, value: Tensor, attn_mask: Tensor | None, dropout_p: float, enable_gqa: bool
) -> bool:
    """Whether PyTorch's fused CPU kernel takes these arguments; it combines a mask with ``is_causal``, others do not."""
    if not ENABLED["flash"] or dropout_p > 0 or not query.dim() == key.dim() == value.dim() == 4:
        return False
    if not query.shape[0] == key.shape[0] == value.shape[0] or not query.shape[-1] == key.shape[-1] == value.shape[-1]:
        return False
    heads = query.shape[1], key.shape[1], value.shape[1]
    if len(set(heads)) != 1 and not (enable_gqa and heads[1] == heads[2] and heads[1] and heads[0] % heads[1] == 0):
        return False
    if attn_mask is not None and (attn_mask.requires_grad or not _mask_fits(query, key, attn_mask)):
        return False
    return 0 not in (query.shape[2], key.shape[2])


def check(
    query: Tensor, key: Tensor, value: Tensor, attn_mask: Tensor | None, dropout_p: float, is_causal: bool,
    enable_gqa: bool,
) -> None:  # fmt: skip
    """Refuse what no allowed kind of kernel takes.

    Raises:
        RuntimeError: no kind is allowed, or a mask comes with ``is_causal`` outside of the fused kernel.
    """
    if takes_fused(query, key, value, attn_mask, dropout_p, enable_gqa):
        return
    if not ENABLED["math"]:
        raise RuntimeError(
            "No viable backend for scaled_dot_product_attention was found. "
            "This is likely due to turning off both the math kernel and the fused kernels."
        )
    if is_causal and attn_mask is not None:
        raise RuntimeError("_scaled_dot_product_attention: Explicit attn_mask should not be set when is_causal=True")
