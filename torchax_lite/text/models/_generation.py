"""Writing texts with models of an encoder and a decoder."""

from __future__ import annotations

from typing import Any

import torchax_lite as torch

from ... import nn

__all__ = ["GenerationUtils"]


class GenerationUtils(nn.Module):
    """A model with a method that writes.

    Args:
        model: has ``get_encoder()`` and ``prepare_inputs_for_generation()``, as :class:`T5Model`.
        is_encoder_decoder: False for a model that is a decoder alone.
        is_huggingface_model: whether its outputs are Hugging Face's.
    """

    def __init__(self, model: nn.Module, **kwargs: Any) -> None:
        super().__init__()
        self.model = model
        self.is_encoder_decoder = kwargs.pop("is_encoder_decoder", True)
        self.is_huggingface_model = kwargs.pop("is_huggingface_model", False)

    @torch.no_grad()
    def generate(
        self,
        inputs: torch.Tensor,
        num_beams: int | None = None,
        max_length: int = 256,
        pad_idx: int = 0,
        eos_idx: int = 1,
    ) -> torch.Tensor:
        """The most likely next token, again and again, for each sequence.

        Args:
            inputs: (batch, length).
            num_beams: 1, as in torchtext.
            max_length: when to stop, at the latest.
            pad_idx, eos_idx: the indices of the padding and of the end.

        Returns:
            The written sequences, (batch, at most ``max_length``), which begin with the padding token.
        """
        kwargs: dict[str, Any] = {}
        if self.is_encoder_decoder:
            mask = inputs.eq(pad_idx)
            options: dict[str, Any] = {"return_dict": True} if self.is_huggingface_model else {}
            kwargs["encoder_outputs"] = self.model.get_encoder()(inputs, src_key_padding_mask=mask, **options)
            kwargs["encoder_padding_mask"] = mask
        start = torch.full((len(inputs), 1), pad_idx, dtype=torch.long, device=inputs.device)
        if num_beams is None or num_beams == 1:
            return self.greedy_search(start, max_length, eos_idx, pad_idx=pad_idx, model_kwargs=kwargs)
        if num_beams > 1:
            return self.beam_search(start, num_beams, max_length)
        raise ValueError("`num_beams` must be >= 1.")

    def greedy_search(
        self, input_ids: torch.Tensor, max_length: int, eos_idx: int, pad_idx: int, model_kwargs: dict[str, Any]
    ) -> torch.Tensor:
        """Go on with the most likely token until all sequences have ended or one has ``max_length``."""
        going = torch.ones(input_ids.shape[0], device=input_ids.device, dtype=torch.long)
        while True:
            arguments = self.model.prepare_inputs_for_generation(input_ids, model_kwargs=model_kwargs)
            if self.is_huggingface_model:
                arguments.update(return_dict=True, output_hidden_states=True)
            outputs = self.model(**arguments)
            logits = outputs["logits" if self.is_huggingface_model else "decoder_output"]
            token = logits[:, -1].argmax(dim=-1) * going + pad_idx * (1 - going)
            input_ids = torch.cat([input_ids, token[:, None]], dim=-1)
            going = going * (token != eos_idx)
            if input_ids.shape[1] >= max_length or not going.any():
                return input_ids

    def beam_search(self, input_ids: torch.Tensor, num_beams: int, max_length: int | None) -> torch.Tensor:
        """Not in torchtext either."""
        raise NotImplementedError("GenerationUtils.beam_search: torchtext 0.18 has greedy search alone")
