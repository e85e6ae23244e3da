"""Text transforms as modules, to be chained by :class:`Sequential`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import torchax_lite as torch

from .. import jit, nn
from . import functional as F  # noqa: N812
from ._charbpe import CharBPETokenizer
from ._masking import MaskTransform
from ._torchtext import BERTEncoder, CLIPEncoder, GPT2BPEEncoder
from ._torchtext import RegexTokenizer as _RegexTokenizer
from ._torchtext import Vocab as _Table
from .data.functional import load_sp_model
from .utils import get_asset_local_path
from .vocab import Vocab

__all__ = [
    "AddToken", "BERTTokenizer", "CLIPTokenizer", "CharBPETokenizer", "GPT2BPETokenizer", "LabelToIndex",
    "MaskTransform", "PadTransform", "RegexTokenizer", "SentencePieceTokenizer", "Sequential", "StrToIntTransform",
    "ToTensor", "Truncate", "VocabTransform", "bytes_to_unicode",
]  # fmt: skip

_SEPARATOR = "\u0001"


def _each(input: Any, function: Any) -> Any:
    """``function`` of a text, or of each in a list."""
    if jit.isinstance(input, list[str]):
        return [function(text) for text in input]
    if isinstance(input, str):
        return function(input)
    raise TypeError("Input type not supported")


@lru_cache
def bytes_to_unicode() -> dict[int, str]:
    """A printable character for each byte: itself where it is one, else one from U+0100 on."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [b for b in range(256) if b not in set(printable)]
    return {**{b: chr(b) for b in printable}, **{b: chr(256 + i) for i, b in enumerate(others)}}


class SentencePieceTokenizer(nn.Module):
    """The pieces of a text, or of each in a list.

    Args:
        sp_model_path: the model's file, or its address. Needs the sentencepiece package.
    """

    def __init__(self, sp_model_path: str) -> None:
        super().__init__()
        self.sp_model = load_sp_model(get_asset_local_path(sp_model_path))

    def forward(self, input: Any) -> Any:
        return _each(input, self.sp_model.EncodeAsPieces)


class VocabTransform(nn.Module):
    """The indices of a list of tokens, or of each in a batch.

    Args:
        vocab: gives them.
    """

    def __init__(self, vocab: Vocab) -> None:
        super().__init__()
        assert isinstance(vocab, Vocab)
        self.vocab = vocab

    def forward(self, input: Any) -> Any:
        if jit.isinstance(input, list[str]):
            return self.vocab.lookup_indices(input)
        if jit.isinstance(input, list[list[str]]):
            return [self.vocab.lookup_indices(tokens) for tokens in input]
        raise TypeError("Input type not supported")


class ToTensor(nn.Module):
    """:func:`~torchtext.functional.to_tensor` as a module."""

    def __init__(self, padding_value: int | None = None, dtype: torch.dtype = torch.long) -> None:
        super().__init__()
        self.padding_value = padding_value
        self.dtype = dtype

    def forward(self, input: Any) -> torch.Tensor:
        return F.to_tensor(input, padding_value=self.padding_value, dtype=self.dtype)


class LabelToIndex(nn.Module):
    """The index of a label, or of each in a list.

    Args:
        label_names: the labels.
        label_path: in place of them, a file with one a line.
        sort_names: number them in lexical order.
    """

    def __init__(
        self, label_names: list[str] | None = None, label_path: str | None = None, sort_names: bool = False
    ) -> None:
        assert label_names or label_path, "label_names or label_path is required"
        assert not (label_names and label_path), "label_names and label_path are mutually exclusive"
        super().__init__()
        if label_path:
            with open(label_path) as lines:
                label_names = [line.strip() for line in lines if line.strip()]
        names = sorted(label_names or []) if sort_names else list(label_names or [])
        self._label_vocab = Vocab(_Table(names, None))
        self._label_names = self._label_vocab.get_itos()

    def forward(self, input: Any) -> Any:
        if jit.isinstance(input, list[str]):
            return self._label_vocab.lookup_indices(input)
        return _each(input, self._label_vocab.__getitem__)

    @property
    def label_names(self) -> list[str]:
        """The labels, in the order of their indices."""
        return self._label_names


class Truncate(nn.Module):
    """:func:`~torchtext.functional.truncate` as a module."""

    def __init__(self, max_seq_len: int) -> None:
        super().__init__()
        self.max_seq_len = max_seq_len

    def forward(self, input: Any) -> Any:
        return F.truncate(input, self.max_seq_len)


class AddToken(nn.Module):
    """:func:`~torchtext.functional.add_token` as a module."""

    def __init__(self, token: int | str, begin: bool = True) -> None:
        super().__init__()
        self.token = token
        self.begin = begin

    def forward(self, input: Any) -> Any:
        return F.add_token(input, self.token, self.begin)


class PadTransform(nn.Module):
    """A tensor with its last dimension padded at the end to ``max_length``; longer ones stay."""

    def __init__(self, max_length: int, pad_value: int) -> None:
        super().__init__()
        self.max_length = max_length
        self.pad_value = float(pad_value)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        missing = self.max_length - x.size(-1)
        return nn.functional.pad(x, (0, missing), value=self.pad_value) if missing > 0 else x


class StrToIntTransform(nn.Module):
    """:func:`~torchtext.functional.str_to_int` as a module."""

    def forward(self, input: Any) -> Any:
        return F.str_to_int(input)


def _read_lines(path: str) -> list[str]:
    with open(get_asset_local_path(path), encoding="utf-8") as file:
        return file.read().split("\n")


def _read_json(path: str) -> Any:
    with open(get_asset_local_path(path), encoding="utf-8") as file:
        return json.load(file)


def _ranks(lines: Sequence[str]) -> dict[str, int]:
    return {_SEPARATOR.join(line.split()): rank for rank, line in enumerate(lines)}


class _ByteLevelTokenizer(nn.Module):
    """What the tokenizers of GPT-2 and CLIP share: texts become tokens, or their numbers as strings."""

    __jit_unused_properties__ = ["is_jitable"]
    bpe: GPT2BPEEncoder
    _return_tokens: bool

    @property
    def is_jitable(self) -> bool:
        """Whether the encoder is a TorchScript object; there are none here."""
        return False

    def _encode(self, text: str) -> list[str]:
        return [str(number) for number in self.bpe.encode(text)]

    def _tokenize(self, text: str) -> list[str]:
        return self.bpe.tokenize(text)

    def forward(self, input: Any) -> Any:
        return _each(input, self._tokenize if self._return_tokens else self._encode)


class GPT2BPETokenizer(_ByteLevelTokenizer):
    """GPT-2's tokenizer: a text, or each in a list, becomes the numbers of its tokens, as strings.

    Args:
        encoder_json_path: a file with the number of each token.
        vocab_bpe_path: a file with a line for each merge, after a line that names its version.
        return_tokens: give the tokens themselves.
    """

    SPECIAL_TOKENS_ATTRIBUTES = [
        "bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token",
        "additional_special_tokens",
    ]  # fmt: skip

    def __init__(self, encoder_json_path: str, vocab_bpe_path: str, return_tokens: bool = False) -> None:
        super().__init__()
        self._seperator = _SEPARATOR
        ranks = _ranks(_read_lines(vocab_bpe_path)[1:-1])
        self.bpe = GPT2BPEEncoder(_read_json(encoder_json_path), ranks, _SEPARATOR, bytes_to_unicode(), True)
        self._return_tokens = return_tokens

    def add_special_tokens(self, special_tokens_dict: Mapping[str, str | Sequence[str]]) -> int:
        """Never split these tokens; number those that are new. Returns how many are.

        Args:
            special_tokens_dict: from names in ``SPECIAL_TOKENS_ATTRIBUTES`` to a token; to a list of them for
                ``"additional_special_tokens"``.
        """
        names = self.SPECIAL_TOKENS_ATTRIBUTES
        for key in special_tokens_dict:
            assert key in names, f"Key '{key}' is not in the special token list: {names}"
        named: Any = {k: v for k, v in special_tokens_dict.items() if k != "additional_special_tokens"}
        return self.bpe.add_special_tokens(named, list(special_tokens_dict.get("additional_special_tokens", [])))

    @jit.export
    def decode(self, tokens: list[str]) -> str:
        """The text of numbered tokens (strings of digits)."""
        return self.bpe.decode([int(token) for token in tokens])


class CLIPTokenizer(_ByteLevelTokenizer):
    """CLIP's tokenizer: a text, or each in a list, becomes the numbers of its tokens, as strings.

    Args:
        merges_path: a file with a line for each merge, after a line that names its version.
        encoder_json_path: a file with the number of each token; by default they are numbered by the merges.
        num_merges: how many merges to take; all by default, and with ``encoder_json_path`` as many as it has.
        return_tokens: give the tokens themselves.
    """

    def __init__(
        self,
        merges_path: str,
        encoder_json_path: str | None = None,
        num_merges: int | None = None,
        return_tokens: bool = False,
    ) -> None:
        super().__init__()
        self._seperator = _SEPARATOR
        merges = _read_lines(merges_path)[1:]
        if encoder_json_path:
            encoder = _read_json(encoder_json_path)
            num_merges = len(encoder) - (256 * 2 + 2)  # each byte, also at the end of a word; start and end of a text
            merges = merges[:num_merges]
        else:
            merges = merges[: num_merges or len(merges)]
            characters = list(bytes_to_unicode().values())
            tokens = [*characters, *(c + "</w>" for c in characters), *("".join(line.split()) for line in merges)]
            encoder = {token: i for i, token in enumerate([*tokens, "<|startoftext|>", "<|endoftext|>"])}
        self.bpe = CLIPEncoder(encoder, _ranks(merges), _SEPARATOR, bytes_to_unicode(), True)
        self._return_tokens = return_tokens

    def _encode(self, text: str) -> list[str]:
        return super()._encode(text.lower().strip())

    def _tokenize(self, text: str) -> list[str]:
        return super()._tokenize(text.lower().strip())


class BERTTokenizer(nn.Module):
    """BERT's tokenizer (WordPiece): a text, or each in a list, becomes the numbers of its tokens, as strings.

    Args:
        vocab_path: a file with one token a line, or its address.
        do_lower_case: turn texts into small letters.
        strip_accents: drop accents; by default with ``do_lower_case``.
        return_tokens: give the tokens themselves.
        never_split: tokens that are taken as they are where they stand between spaces.
    """

    __jit_unused_properties__ = ["is_jitable"]

    def __init__(
        self,
        vocab_path: str,
        do_lower_case: bool = True,
        strip_accents: bool | None = None,
        return_tokens: bool = False,
        never_split: list[str] | None = None,
    ) -> None:
        super().__init__()
        never_split = [] if never_split is None else never_split
        path = get_asset_local_path(vocab_path, overwrite=True)
        self.bert_model = BERTEncoder(path, do_lower_case, strip_accents, never_split)
        self._return_tokens = return_tokens
        self._vocab_path = vocab_path
        self._do_lower_case = do_lower_case
        self._strip_accents = strip_accents
        self._never_split = never_split

    @property
    def is_jitable(self) -> bool:
        """Whether the encoder is a TorchScript object; there are none here."""
        return False

    def _encode(self, text: str) -> list[str]:
        return [str(number) for number in self.bert_model.encode(text.strip())]

    def _tokenize(self, text: str) -> list[str]:
        return self.bert_model.tokenize(text.strip())

    def forward(self, input: Any) -> Any:
        return _each(input, self._tokenize if self._return_tokens else self._encode)


class RegexTokenizer(nn.Module):
    """Replaces one pattern after the other everywhere in a text, and splits it at spaces.

    Args:
        patterns_list: pairs of a regular expression and its replacement, in which ``\\1`` is the first group. Classes
            such as ``\\s`` and ``\\w`` are those of ASCII.
    """

    __jit_unused_properties__ = ["is_jitable"]

    def __init__(self, patterns_list: Sequence[tuple[str, str]]) -> None:
        super().__init__()
        self.regex_tokenizer = _RegexTokenizer([p for p, _ in patterns_list], [r for _, r in patterns_list], False)

    @property
    def is_jitable(self) -> bool:
        """Whether the tokenizer is a TorchScript object; there are none here."""
        return False

    def forward(self, line: str) -> list[str]:
        return self.regex_tokenizer.forward(line)


class Sequential(nn.Sequential):
    """Text transforms, one after the other."""

    def forward(self, input: Any) -> Any:
        for module in self:
            input = module(input)
        return input
