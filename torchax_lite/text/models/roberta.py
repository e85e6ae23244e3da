"""RoBERTa (Liu et al., 2019) and XLM-R (Conneau et al., 2020): encoders with learnt positions."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import torchax_lite as torch

from ... import hub, nn
from ._weights import BUCKET, freeze, state_dict_of

__all__ = [
    "ROBERTA_BASE_ENCODER", "ROBERTA_DISTILLED_ENCODER", "ROBERTA_LARGE_ENCODER", "RobertaBundle",
    "RobertaClassificationHead", "RobertaEncoder", "RobertaEncoderConf", "RobertaModel", "XLMR_BASE_ENCODER",
    "XLMR_LARGE_ENCODER",
]  # fmt: skip

logger = logging.getLogger(__name__)

_OLD_NAMES = {
    "self_attn.in_proj_weight": "attention.input_projection.weight",
    "self_attn.in_proj_bias": "attention.input_projection.bias",
    "self_attn.out_proj.weight": "attention.output_projection.weight",
    "self_attn.out_proj.bias": "attention.output_projection.bias",
    "linear1.weight": "residual_mlp.mlp.0.weight",
    "linear1.bias": "residual_mlp.mlp.0.bias",
    "linear2.weight": "residual_mlp.mlp.3.weight",
    "linear2.bias": "residual_mlp.mlp.3.bias",
    "norm1.weight": "attention_layer_norm.weight",
    "norm1.bias": "attention_layer_norm.bias",
    "norm2.weight": "final_layer_norm.weight",
    "norm2.bias": "final_layer_norm.bias",
}
"""The names of a layer's parameters, and those in older checkpoints."""


@dataclass
class RobertaEncoderConf:
    """The sizes of an encoder."""

    vocab_size: int = 50265
    embedding_dim: int = 768
    ffn_dimension: int = 3072
    padding_idx: int = 1
    max_seq_len: int = 514
    num_attention_heads: int = 12
    num_encoder_layers: int = 12
    dropout: float = 0.1
    scaling: float | None = None
    normalize_before: bool = False


class PositionalEmbedding(nn.Module):
    """Learnt embeddings of the positions of all tokens but the padding, counted from ``pad_index + 1``."""

    def __init__(self, num_embeddings: int, embedding_dim: int, pad_index: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(num_embeddings, embedding_dim, pad_index)
        self.pad_index = pad_index

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        is_token = input.ne(self.pad_index).long()
        return self.embedding(torch.cumsum(is_token, dim=1) * is_token + self.pad_index)


class TransformerEncoder(nn.Module):
    """Embeddings of tokens and positions, and a stack of transformer layers.

    Args:
        vocab_size, embedding_dim, padding_idx, max_seq_len, num_encoder_layers, num_attention_heads, ffn_dimension,
        dropout, normalize_before: as in :class:`RobertaEncoderConf`.
        scaling: not used, as in torchtext: scores are divided by the square root of a head's size.
        return_all_layers: give the outputs of the embedding and of each layer.
    """

    def __init__(
        self,
        vocab_size: int,
        embedding_dim: int,
        padding_idx: int,
        max_seq_len: int,
        num_encoder_layers: int,
        num_attention_heads: int,
        ffn_dimension: int | None = None,
        dropout: float = 0.1,
        normalize_before: bool = False,
        scaling: float | None = None,
        return_all_layers: bool = False,
    ) -> None:
        super().__init__()
        self.padding_idx = padding_idx
        self.token_embedding = nn.Embedding(vocab_size, embedding_dim, padding_idx)
        layer = nn.TransformerEncoderLayer(
            d_model=embedding_dim, nhead=num_attention_heads, dim_feedforward=ffn_dimension or 4 * embedding_dim,
            dropout=dropout, activation="gelu", batch_first=True, norm_first=normalize_before,
        )  # fmt: skip
        self.layers = nn.TransformerEncoder(
            layer, num_layers=num_encoder_layers, enable_nested_tensor=True, mask_check=False
        )
        self.positional_embedding = PositionalEmbedding(max_seq_len, embedding_dim, padding_idx)
        self.embedding_layer_norm = nn.LayerNorm(embedding_dim)
        self.dropout = nn.Dropout(dropout)
        self.normalize_before = normalize_before
        self.return_all_layers = return_all_layers

    def forward(self, tokens: torch.Tensor, attn_mask: torch.Tensor | None = None) -> Any:
        """The encoding (length, batch, features) of tokens (batch, length); a list of all layers' if wanted."""
        if attn_mask is not None and not (attn_mask.is_floating_point() or attn_mask.dtype == torch.bool):
            raise AssertionError(f"Only float or bool types are supported for attn_mask not {attn_mask.dtype}")
        padding = tokens.eq(self.padding_idx)
        x = self.token_embedding(tokens) + self.positional_embedding(tokens)
        if not self.normalize_before:
            x = self.embedding_layer_norm(x)
        x = self.dropout(x)
        if not self.return_all_layers:
            out = self.layers(x, src_key_padding_mask=padding).transpose(1, 0)
            return self.embedding_layer_norm(out) if self.normalize_before else out
        outputs = [x.transpose(1, 0)]
        for layer in self.layers.layers:
            x = layer(x, src_key_padding_mask=padding, src_mask=attn_mask)
            outputs.append(x.transpose(1, 0))
        return [self.embedding_layer_norm(out) for out in outputs] if self.normalize_before else outputs

    def _load_from_state_dict(
        self, state_dict: Any, prefix: str, local_metadata: Any, strict: bool, missing_keys: Any, *rest: Any
    ) -> None:
        """Load also older checkpoints, which have other names."""
        for i in range(self.layers.num_layers):
            for new, old in _OLD_NAMES.items():
                new_name, old_name = f"{prefix}layers.layers.{i}.{new}", f"{prefix}layers.{i}.{old}"
                if old_name in state_dict:
                    state_dict[new_name] = state_dict.pop(old_name)
                elif new_name not in state_dict and strict:
                    missing_keys.append(new_name)
        super()._load_from_state_dict(state_dict, prefix, local_metadata, strict, missing_keys, *rest)


class RobertaEncoder(nn.Module):
    """The encoder.

    Args:
        vocab_size, ...: as in :class:`RobertaEncoderConf`.
        freeze: let no parameter be trained.
    """

    def __init__(
        self,
        vocab_size: int,
        embedding_dim: int,
        ffn_dimension: int,
        padding_idx: int,
        max_seq_len: int,
        num_attention_heads: int,
        num_encoder_layers: int,
        dropout: float = 0.1,
        scaling: float | None = None,
        normalize_before: bool = False,
        freeze: bool = False,
    ) -> None:
        super().__init__()
        self.transformer = TransformerEncoder(
            vocab_size, embedding_dim, padding_idx, max_seq_len, num_encoder_layers, num_attention_heads, ffn_dimension,
            dropout, normalize_before, scaling,
        )  # fmt: skip
        if freeze:
            _freeze(self)

    def forward(self, tokens: torch.Tensor, masked_tokens: torch.Tensor | None = None) -> torch.Tensor:
        """The encoding (batch, length, features) of tokens (batch, length).

        Args:
            masked_tokens: give only those where this is true, (count, features).
        """
        out = self.transformer(tokens)
        out = (out[-1] if isinstance(out, list) else out).transpose(1, 0)
        return out if masked_tokens is None else out[masked_tokens.to(torch.bool), :]


_freeze = freeze


class RobertaClassificationHead(nn.Module):
    """Two layers on the encoding of a text's first token.

    Args:
        num_classes: the number of outputs.
        input_dim: features of the encoder.
        inner_dim: features between the layers; ``input_dim`` by default.
        dropout: before each layer.
        activation: the class of the module between them.
    """

    def __init__(
        self,
        num_classes: int,
        input_dim: int,
        inner_dim: int | None = None,
        dropout: float = 0.1,
        activation: Callable[[], nn.Module] = nn.ReLU,
    ) -> None:
        super().__init__()
        inner_dim = inner_dim or input_dim
        self.dense = nn.Linear(input_dim, inner_dim)
        self.dropout = nn.Dropout(dropout)
        self.out_proj = nn.Linear(inner_dim, num_classes)
        self.activation_fn = activation()

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        x = self.activation_fn(self.dense(self.dropout(features[:, 0, :])))
        return self.out_proj(self.dropout(x))


class RobertaModel(nn.Module):
    """An encoder with an optional head.

    Args:
        encoder_conf: the encoder's sizes.
        head: applied to its output.
        freeze_encoder: let no parameter of the encoder be trained.
    """

    def __init__(
        self, encoder_conf: RobertaEncoderConf, head: nn.Module | None = None, freeze_encoder: bool = False
    ) -> None:
        super().__init__()
        assert isinstance(encoder_conf, RobertaEncoderConf)
        self.encoder = RobertaEncoder(**asdict(encoder_conf), freeze=freeze_encoder)
        self.head = head

    def forward(self, tokens: torch.Tensor, masked_tokens: torch.Tensor | None = None) -> torch.Tensor:
        features = self.encoder(tokens, masked_tokens)
        return features if self.head is None else self.head(features)


@dataclass
class RobertaBundle:
    """A published encoder: its sizes, where its weights are, and the transform of its texts."""

    _encoder_conf: RobertaEncoderConf
    _path: str | None = None
    _head: nn.Module | None = None
    transform: Callable[[], nn.Module] | None = None

    def get_model(
        self,
        *,
        head: nn.Module | None = None,
        load_weights: bool = True,
        freeze_encoder: bool = False,
        dl_kwargs: dict[str, Any] | None = None,
    ) -> RobertaModel:
        """The model, with its published weights.

        Args:
            head: applied to the encoder's output.
            load_weights: whether to load them; else the weights are random.
            freeze_encoder: let no parameter of the encoder be trained.
            dl_kwargs: for ``torch.hub.load_state_dict_from_url``.
        """
        if load_weights:
            assert self._path is not None, (
                "load_weights cannot be True. The pre-trained model weights are not available for the current object"
            )
        if freeze_encoder and (not load_weights or not self._path):
            logger.warning(
                "The encoder is not loaded with pre-trained weights. Setting freeze_encoder to True will hinder encoder "
                "from learning appropriate weights."
            )
        if head is not None and self._head is not None:
            logger.info("A custom head module was provided, discarding the default head module.")
        return RobertaBundle.build_model(
            self._encoder_conf, head=self._head if head is None else head, freeze_encoder=freeze_encoder,
            checkpoint=self._path if load_weights else None, override_checkpoint_head=True, strict=False,
            dl_kwargs=dl_kwargs,
        )  # fmt: skip

    @classmethod
    def build_model(
        cls,
        encoder_conf: RobertaEncoderConf,
        *,
        head: nn.Module | None = None,
        freeze_encoder: bool = False,
        checkpoint: Any = None,
        override_checkpoint_head: bool = False,
        strict: bool = False,
        dl_kwargs: dict[str, Any] | None = None,
    ) -> RobertaModel:
        """A model of any sizes, with given weights.

        Args:
            checkpoint: a state dict, or its address; random weights by default.
            override_checkpoint_head: keep the head's own weights even where the checkpoint has some.
            strict: whether all names must be the same.
        """
        model = RobertaModel(encoder_conf, head, freeze_encoder)
        if checkpoint is not None:
            state = state_dict_of(checkpoint, dl_kwargs)
            if head is not None:
                own = {name: value for name, value in model.state_dict().items() if name.startswith("head.")}
                if override_checkpoint_head or not own.keys() <= state.keys():
                    state.update(own)
            model.load_state_dict(state, strict=strict)
        return model

    @property
    def encoderConf(self) -> RobertaEncoderConf:  # noqa: N802
        """The encoder's sizes."""
        return self._encoder_conf


def _with_ends(tokenizer: nn.Module, vocab: str, length: int) -> nn.Module:
    from .. import transforms as T  # noqa: N812

    return T.Sequential(
        tokenizer,
        T.VocabTransform(hub.load_state_dict_from_url(BUCKET + vocab, weights_only=False)),
        T.Truncate(length),
        T.AddToken(token=0, begin=True),
        T.AddToken(token=2, begin=False),
    )


def xlmr_transform(truncate_length: int) -> nn.Module:
    """XLM-R's transform of texts into lists of token indices."""
    from ..transforms import SentencePieceTokenizer

    return _with_ends(SentencePieceTokenizer(BUCKET + "xlmr.sentencepiece.bpe.model"), "xlmr.vocab.pt", truncate_length)


def roberta_transform(truncate_length: int) -> nn.Module:
    """RoBERTa's transform of texts into lists of token indices."""
    from ..transforms import GPT2BPETokenizer

    tokenizer = GPT2BPETokenizer(BUCKET + "gpt2_bpe_encoder.json", BUCKET + "gpt2_bpe_vocab.bpe")
    return _with_ends(tokenizer, "roberta.vocab.pt", truncate_length)


_LARGE: dict[str, Any] = dict(embedding_dim=1024, ffn_dimension=4096, num_attention_heads=16, num_encoder_layers=24)
XLMR_BASE_ENCODER = RobertaBundle(
    _path=BUCKET + "xlmr.base.encoder.pt",
    _encoder_conf=RobertaEncoderConf(vocab_size=250002),
    transform=lambda: xlmr_transform(254),
)
XLMR_LARGE_ENCODER = RobertaBundle(
    _path=BUCKET + "xlmr.large.encoder.pt",
    _encoder_conf=RobertaEncoderConf(vocab_size=250002, **_LARGE),
    transform=lambda: xlmr_transform(510),
)
ROBERTA_BASE_ENCODER = RobertaBundle(
    _path=BUCKET + "roberta.base.encoder.pt",
    _encoder_conf=RobertaEncoderConf(vocab_size=50265),
    transform=lambda: roberta_transform(254),
)
ROBERTA_LARGE_ENCODER = RobertaBundle(
    _path=BUCKET + "roberta.large.encoder.pt",
    _encoder_conf=RobertaEncoderConf(vocab_size=50265, **_LARGE),
    transform=lambda: roberta_transform(510),
)
ROBERTA_DISTILLED_ENCODER = RobertaBundle(
    _path=BUCKET + "roberta.distilled.encoder.pt",
    _encoder_conf=RobertaEncoderConf(num_encoder_layers=6, padding_idx=1),
    transform=lambda: roberta_transform(510),
)
