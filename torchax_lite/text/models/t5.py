"""T5 and FLAN-T5: the models, their published sizes and weights, and the transform of their texts."""

from __future__ import annotations

import json
import logging
import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torchax_lite as torch

from ... import jit, nn, serialization
from ..data.functional import load_sp_model
from ..functional import to_tensor
from ..utils import get_asset_local_path
from ._generation import GenerationUtils
from ._weights import BUCKET, freeze, state_dict_of
from .t5_modules import T5Decoder, T5Encoder

__all__ = ["BUNDLES", "T5Bundle", "T5Conf", "T5Model", "T5Transform"]

logger = logging.getLogger(__name__)


@dataclass
class T5Conf:
    """The sizes of a model. ``feed_forward_proj`` (``"relu"``, ``"gated-gelu"``) sets the activation and its gate."""

    encoder_only: bool = False
    linear_head: bool = False
    embedding_dim: int = 768
    qkv_dim: int = 64
    num_attention_heads: int = 12
    num_encoder_layers: int = 12
    num_decoder_layers: int = 12
    ffn_dimension: int = 3072
    dropout: float = 0.1
    activation: str | Callable[[torch.Tensor], torch.Tensor] = "relu"
    layer_norm_eps: float = 1e-6
    relative_attention_num_buckets: int = 32
    relative_attention_max_distance: int = 128
    padding_idx: int = 0
    max_seq_len: int = 512
    vocab_size: int = 32128
    training: bool = False
    feed_forward_proj: str | None = None
    is_gated_act: bool = False

    def __post_init__(self) -> None:
        if not self.feed_forward_proj:
            return
        parts = self.feed_forward_proj.split("-")
        self.activation = parts[-1]
        self.is_gated_act = parts[0] == "gated"
        if len(parts) > 2 or (len(parts) > 1 and not self.is_gated_act):
            raise ValueError(
                f"`feed_forward_proj`: {self.feed_forward_proj} is not a valid activation function of the dense layer."
                "Please make sure `feed_forward_proj` is of the format `gated-{ACT_FN}` or `{ACT_FN}`, e.g. "
                "'gated-gelu' or 'relu'"
            )
        if self.feed_forward_proj == "gated-gelu":
            self.activation = "gelu_new"


class T5Model(nn.Module):
    """The encoder, and (unless ``encoder_only``) the decoder, with a linear layer to the vocabulary if ``linear_head``.

    Args:
        config: the sizes. Dropout is off unless ``config.training``.
        freeze: let no parameter be trained.
    """

    def __init__(self, config: T5Conf, freeze: bool = False, device: Any = None, dtype: Any = None) -> None:
        super().__init__()
        assert isinstance(config, T5Conf)
        self.config = config
        self.embedding_dim = config.embedding_dim
        self.encoder_only = config.encoder_only
        self.linear_head = config.linear_head
        self.padding_idx = config.padding_idx
        self.training = config.training
        self.dropout = config.dropout if config.training else 0.0
        self.dtype = dtype
        options: dict[str, Any] = dict(
            d_model=config.embedding_dim, nhead=config.num_attention_heads, dim_feedforward=config.ffn_dimension,
            qkv_dim=config.qkv_dim, dropout=self.dropout, activation=config.activation,
            layer_norm_eps=config.layer_norm_eps, is_gated_act=config.is_gated_act,
            relative_attention_num_buckets=config.relative_attention_num_buckets,
            relative_attention_max_distance=config.relative_attention_max_distance, device=device, dtype=dtype,
        )  # fmt: skip
        self.token_embeddings = nn.Embedding(config.vocab_size, config.embedding_dim, config.padding_idx)
        self.encoder = T5Encoder(
            num_layers=config.num_encoder_layers, token_embeddings=self.token_embeddings, **options
        )
        self.decoder = None
        if not config.encoder_only:
            self.decoder = T5Decoder(num_layers=config.num_decoder_layers, **options)
        self.lm_head = nn.Linear(config.embedding_dim, config.vocab_size, bias=False) if config.linear_head else None
        if freeze:
            _freeze(self)

    def _reorder_cache(self, past: Any, beam_idx: torch.Tensor) -> Any:
        """The remembered keys and values of chosen sequences."""
        if past is None:
            return past
        return [tuple(state.index_select(0, beam_idx.to(state.device)) for state in layer) for layer in past]

    def _shift_right(self, input_ids: torch.Tensor) -> torch.Tensor:
        """Sequences with the padding token before them, without their last token."""
        return nn.functional.pad(input_ids[:, :-1], (1, 0), value=self.padding_idx)

    def prepare_inputs_for_generation(
        self,
        input_ids: torch.Tensor,
        encoder_outputs: dict[str, Any] | None = None,
        encoder_padding_mask: torch.Tensor | None = None,
        past: Any = None,
        return_past_key_values: bool = True,
        model_kwargs: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        """The arguments of the model for the next token after ``input_ids``."""
        if model_kwargs is None:
            assert encoder_outputs is not None
            model_kwargs = {
                "encoder_outputs": encoder_outputs,
                "encoder_padding_mask": encoder_padding_mask,
                "past_key_values": past,
                "return_past_key_values": return_past_key_values,
            }
        if model_kwargs.get("past") is not None:
            input_ids = input_ids[:, -1:]
        model_kwargs["decoder_tokens"] = input_ids
        return model_kwargs

    def get_encoder(self) -> T5Encoder:
        """The encoder."""
        return self.encoder

    def get_decoder(self) -> T5Decoder | None:
        """The decoder, None (with a warning) where there is none."""
        if self.decoder is None:
            warnings.warn("Decoder is not set on this model.", stacklevel=2)
        return self.decoder

    def forward(
        self,
        encoder_tokens: torch.Tensor | None = None,
        decoder_tokens: torch.Tensor | None = None,
        encoder_mask: torch.Tensor | None = None,
        decoder_mask: torch.Tensor | None = None,
        encoder_padding_mask: torch.Tensor | None = None,
        decoder_padding_mask: torch.Tensor | None = None,
        encoder_outputs: dict[str, Any] | None = None,
        past_key_values: Any = None,
        return_past_key_values: bool = False,
    ) -> dict[str, Any]:
        """A dict of the outputs of encoder and decoder.

        Args:
            encoder_tokens: (batch, length); not needed with ``encoder_outputs``.
            decoder_tokens: (batch, length); the padding token alone by default.
            encoder_mask, decoder_mask: (length, length), True where a token may not look.
            encoder_padding_mask, decoder_padding_mask: (batch, length), True for padding; found by default.
            past_key_values: of an earlier call with ``return_past_key_values``.
        """
        names = (
            "encoder_output", "encoder_hidden_states", "encoder_sa_scores", "encoder_ca_scores", "decoder_output",
            "decoder_hidden_states", "decoder_sa_scores", "decoder_ca_scores", "past_key_values",
        )  # fmt: skip
        out: dict[str, Any] = dict.fromkeys(names)
        if encoder_outputs is None:
            assert encoder_tokens is not None, "If `encoder_outputs` is not specified, must provide `encoder_tokens`"
            if encoder_padding_mask is None:
                encoder_padding_mask = encoder_tokens.eq(self.padding_idx)
            encoder_outputs = self.encoder(encoder_tokens, encoder_mask, encoder_padding_mask)
            out.update(encoder_outputs)
        if self.encoder_only:
            return out
        memory = encoder_outputs["encoder_output"]
        if decoder_tokens is None:
            decoder_tokens = torch.full((memory.size(0), 1), self.padding_idx, dtype=torch.long, device=memory.device)
        if decoder_padding_mask is None:
            decoder_padding_mask = decoder_tokens.eq(self.padding_idx)
            decoder_padding_mask[:, 0] = False  # the first token is the padding token
        decoded = self.decoder(
            self.token_embeddings(decoder_tokens), memory=memory, tgt_mask=decoder_mask, memory_mask=encoder_mask,
            tgt_key_padding_mask=decoder_padding_mask, memory_key_padding_mask=encoder_padding_mask,
            past_key_values=past_key_values, return_past_key_values=return_past_key_values,
        )  # fmt: skip
        if self.lm_head is not None:
            decoded["decoder_output"] = self.lm_head(decoded["decoder_output"] * self.embedding_dim**-0.5)
        out.update(decoded)
        return out


_freeze = freeze


class T5Transform(nn.Module):
    """Texts as padded batches of token indices that end in ``eos_idx``.

    Args:
        sp_model_path: a SentencePiece model, or its address.
        max_seq_len: the longest sequence, its end included.
        eos_idx, padding_idx: the indices of the end and of the padding.
    """

    def __init__(self, sp_model_path: str, max_seq_len: int, eos_idx: int, padding_idx: int) -> None:
        from .. import transforms as T  # noqa: N812

        super().__init__()
        self.sp_model = load_sp_model(get_asset_local_path(sp_model_path))
        self.max_seq_len = max_seq_len
        self.eos_idx = eos_idx
        self.padding_idx = padding_idx
        self.pipeline = T.Sequential(T.Truncate(max_seq_len - 1), T.AddToken(token=eos_idx, begin=False))

    def forward(self, input: Any) -> torch.Tensor:
        return to_tensor(self.pipeline(self.encode(input)), padding_value=self.padding_idx)

    def encode(self, input: Any) -> Any:
        """The token indices of a text, or of each in a list."""
        if jit.isinstance(input, list[str]):
            return [self.sp_model.EncodeAsIds(text) for text in input]
        if isinstance(input, str):
            return self.sp_model.EncodeAsIds(input)
        raise TypeError("Input type not supported")

    def decode(self, input: Any) -> Any:
        """The text of token indices, or of each list of them in a list."""
        if jit.isinstance(input, list[list[int]]):
            return [self.sp_model.DecodeIds(ids) for ids in input]
        if jit.isinstance(input, list[int]):
            return self.sp_model.DecodeIds(input)
        raise TypeError("Input type not supported")


@dataclass
class T5Bundle:
    """A published model: its sizes, where its weights are, and the transform of its texts."""

    _config: T5Conf
    _path: str | None = None
    transform: Callable[[], nn.Module] | None = None

    def get_model(
        self,
        *,
        with_generation_utils: bool = False,
        load_weights: bool = True,
        freeze_model: bool = False,
        dl_kwargs: dict[str, Any] | None = None,
        gen_kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """The model, with its published weights.

        Args:
            with_generation_utils: give it in a module whose ``generate`` writes texts.
            load_weights: whether to load them; else the weights are random.
            freeze_model: let no parameter be trained.
            dl_kwargs: for ``torch.hub.load_state_dict_from_url``.
            gen_kwargs: for that module.
        """
        if load_weights:
            assert self._path is not None, (
                "load_weights cannot be True. The pre-trained model weights are not available for the current object"
            )
        if freeze_model and (not load_weights or not self._path):
            logger.warning(
                "The model is not loaded with pre-trained weights. Setting freeze_model to True will hinder model from "
                "learning appropriate weights."
            )
        model = T5Bundle.build_model(
            self._config, freeze_model=freeze_model, checkpoint=self._path if load_weights else None, strict=True,
            dl_kwargs=dl_kwargs,
        )  # fmt: skip
        if not with_generation_utils:
            return model
        if not load_weights:
            logger.warning("Model is not loaded with pre-trained weights. Generations will be random.")
        return GenerationUtils(model, **(gen_kwargs or {}))

    @classmethod
    def build_model(
        cls,
        config: T5Conf,
        *,
        freeze_model: bool = False,
        checkpoint: Any = None,
        strict: bool = False,
        dl_kwargs: dict[str, Any] | None = None,
    ) -> T5Model:
        """A model of any sizes, with the weights of a state dict or of its address (random ones by default)."""
        model = T5Model(config, freeze_model)
        if checkpoint is not None:
            model.load_state_dict(state_dict_of(checkpoint, dl_kwargs), strict=strict)
        return model

    @staticmethod
    def build_model_from_huggingface_ckpt(
        ckpt_path: str | os.PathLike[str],
        encoder_only: bool = False,
        *,
        freeze_model: bool = False,
        strict: bool = True,
    ) -> T5Model:
        """The model of a Hugging Face folder with ``config.json`` and ``pytorch_model.bin``.

        ``strict``: refuse weights that are missing or left over.
        """
        with open(os.path.join(ckpt_path, "config.json")) as file:
            sizes = json.load(file)
        weights = serialization.load(os.path.join(ckpt_path, "pytorch_model.bin"))
        config = T5Conf(
            encoder_only=encoder_only, linear_head="lm_head.weight" in weights, embedding_dim=sizes["d_model"],
            num_attention_heads=sizes["num_heads"], num_encoder_layers=sizes["num_layers"],
            num_decoder_layers=sizes["num_decoder_layers"], ffn_dimension=sizes["d_ff"],
            feed_forward_proj=sizes.get("feed_forward_proj"), vocab_size=sizes["vocab_size"],
        )  # fmt: skip
        model = T5Model(config, freeze_model)
        model.load_state_dict(_from_hugging_face(config, weights), strict=strict)
        return model

    @property
    def config(self) -> T5Conf:
        """The sizes."""
        return self._config


def _from_hugging_face(config: T5Conf, weights: dict[str, Any]) -> dict[str, Any]:
    """A Hugging Face model's weights by the names that :class:`T5Model` has for them."""
    out = dict.fromkeys(("token_embeddings.weight", "encoder.token_embeddings.weight"), weights["shared.weight"])
    stacks = {"encoder": (config.num_encoder_layers, 1)}
    if not config.encoder_only:
        stacks["decoder"] = (config.num_decoder_layers, 2)
    dense = ("wi_0", "wi_1") if config.is_gated_act else ("wi",)
    linear = ("linear1_0", "linear1_1") if config.is_gated_act else ("linear1",)
    for stack, (layers, last) in stacks.items():
        out[f"{stack}.norm.weight"] = weights[f"{stack}.final_layer_norm.weight"]
        bias = "relative_attention_bias.weight"
        out[f"{stack}.layers.0.self_attn.{bias}"] = weights[f"{stack}.block.0.layer.0.SelfAttention.{bias}"]
        for i in range(layers):
            new, old = f"{stack}.layers.{i}", f"{stack}.block.{i}.layer"
            for ours, theirs in zip((*linear, "linear2"), (*dense, "wo"), strict=True):
                out[f"{new}.{ours}.weight"] = weights[f"{old}.{last}.DenseReluDense.{theirs}.weight"]
            out[f"{new}.norm1.weight"] = weights[f"{old}.0.layer_norm.weight"]
            out[f"{new}.norm2.weight"] = weights[f"{old}.{last}.layer_norm.weight"]
            blocks = [("self_attn", f"{old}.0.SelfAttention")]
            if stack == "decoder":
                out[f"{new}.norm3.weight"] = weights[f"{old}.1.layer_norm.weight"]
                blocks.append(("cross_attn", f"{old}.1.EncDecAttention"))
            for ours, theirs in blocks:
                out[f"{new}.{ours}.out_proj.weight"] = weights[f"{theirs}.o.weight"]
                for x in "qkv":
                    out[f"{new}.{ours}.{x}_proj_weight"] = weights[f"{theirs}.{x}.weight"]
    if config.linear_head:
        out["lm_head.weight"] = weights["lm_head.weight"]
    return out


def _t5_transform() -> T5Transform:
    return T5Transform(BUCKET + "t5_tokenizer_base.model", max_seq_len=512, eos_idx=1, padding_idx=0)


def _sizes(width: int, heads: int, layers: int, inner: int, **more: Any) -> dict[str, Any]:
    return dict(
        embedding_dim=width, num_attention_heads=heads, num_encoder_layers=layers, num_decoder_layers=layers,
        ffn_dimension=inner, **more,
    )  # fmt: skip


_GATED = {"feed_forward_proj": "gated-gelu"}
_PUBLISHED: dict[str, tuple[str, str, dict[str, Any]]] = {
    "T5_SMALL": ("t5.small", ".v2", _sizes(512, 8, 6, 2048)),
    "T5_BASE": ("t5.base", ".v2", {}),
    "T5_LARGE": ("t5.large", ".v2", _sizes(1024, 16, 24, 4096)),
    "T5_3B": ("t5.3b", ".v2", _sizes(1024, 32, 24, 16384, qkv_dim=128)),
    "T5_11B": ("t5.11b", ".v2", _sizes(1024, 128, 24, 65536, qkv_dim=128)),
    "FLAN_T5_BASE": ("t5.flan.base", "", {"ffn_dimension": 2048, **_GATED}),
    "FLAN_T5_LARGE": ("t5.flan.large", "", _sizes(1024, 16, 24, 2816, **_GATED)),
    "FLAN_T5_XL": ("t5.flan.xl", "", _sizes(2048, 32, 24, 5120, **_GATED)),
    "FLAN_T5_XXL": ("t5.flan.xxl", "", _sizes(4096, 64, 24, 10240, **_GATED)),
}
_KINDS = {"_ENCODER": {"encoder_only": True}, "": {}, "_GENERATION": {"linear_head": True}}
BUNDLES: dict[str, T5Bundle] = {
    name + kind: T5Bundle(
        _path=f"{BUCKET}{file}{kind.lower().replace('_', '.')}{version}.pt",
        _config=T5Conf(**options, **sizes),
        transform=_t5_transform,
    )
    for name, (file, version, sizes) in _PUBLISHED.items()
    for kind, options in _KINDS.items()
}
"""The published models by their names in ``torchtext.models``: encoders, both stacks, and those that write texts."""
