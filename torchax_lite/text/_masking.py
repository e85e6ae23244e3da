"""Masking for masked language models (Devlin et al., 2019)."""

from __future__ import annotations

import torchax_lite as torch

from .. import nn

__all__ = ["MaskTransform"]


class MaskTransform(nn.Module):
    """Chooses ``mask_prob`` of the positions for prediction.

    A chosen token becomes the mask token in 80 % of the cases, any token in 10 %, and stays in the rest.

    Args:
        vocab_len: the number of tokens, the special ones included.
        mask_idx, bos_idx, pad_idx: the indices of the mask, the first token of a sequence, and the padding.
        mask_bos: whether first tokens may be chosen.
        mask_prob: the share of a sequence's positions to choose.
    """

    mask_mask_prob = 0.8
    rand_mask_prob = 0.1

    def __init__(
        self, vocab_len: int, mask_idx: int, bos_idx: int, pad_idx: int, mask_bos: bool = False, mask_prob: float = 0.15
    ) -> None:
        super().__init__()
        self.vocab_len = vocab_len
        self.mask_idx = mask_idx
        self.bos_idx = bos_idx
        self.pad_idx = pad_idx
        self.mask_prob = mask_prob
        self.mask_bos = mask_bos

    def forward(self, tokens: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Mask a batch of token indices, (batch, length).

        Returns:
            The masked batch, the chosen tokens in one dimension, and 1 where one was chosen (int32), else 0.
        """
        mask, masked, random = self._generate_mask(tokens)
        out = self._mask_input(tokens, masked, self.mask_idx)
        out = self._mask_input(out, random, torch.randint_like(tokens, high=self.vocab_len))
        return out, torch.masked_select(tokens, mask.bool()), mask

    def _random_masking(self, tokens: torch.Tensor, mask_prob: float) -> torch.Tensor:
        batch, length = tokens.size()
        row = torch.zeros(length, dtype=torch.int32)
        row[: int(length * mask_prob)] = 1
        return torch.stack([row[torch.randperm(length)] for _ in range(batch)]).to(tokens.device)

    def _select_tokens_to_mask(self, tokens: torch.Tensor, mask_prob: float) -> torch.Tensor:
        mask = self._random_masking(tokens, mask_prob)
        return mask if self.mask_bos else mask * (tokens != self.bos_idx)

    def _generate_mask(self, tokens: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        mask = self._select_tokens_to_mask(tokens, self.mask_prob) * (tokens != self.pad_idx)
        mask[0, 0] = torch.where(mask.any(), mask[0, 0], 1)  # a loss needs one at least
        draws = torch.rand_like(tokens, dtype=torch.float)
        masked = (draws >= 1 - self.mask_mask_prob).long() * mask
        return mask, masked, (draws < self.rand_mask_prob).long() * mask

    def _mask_input(self, tokens: torch.Tensor, mask: torch.Tensor, replacement: torch.Tensor | int) -> torch.Tensor:
        return tokens * (1 - mask) + replacement * mask
