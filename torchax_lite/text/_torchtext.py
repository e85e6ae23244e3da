"""What torchtext keeps in its C++ extension: the vocabulary's table, and the regular-expression and SentencePiece tokenizers.

The names, and the states that the objects are pickled with, are those of ``torchtext._torchtext``, so that vocabularies
and tokenizers saved by torchtext load here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ._bpe import CLIPEncoder, GPT2BPEEncoder
from ._wordpiece import BERTEncoder

__all__ = ["BERTEncoder", "CLIPEncoder", "GPT2BPEEncoder", "RegexTokenizer", "SentencePiece", "Vocab"]

_VERSION = "0.0.2"


class Vocab:
    """A list of distinct tokens, and the index of each.

    Args:
        tokens: in the order of their indices.
        default_index: what an unknown token's index is; None refuses unknown tokens.

    Raises:
        RuntimeError: a token comes twice.
    """

    def __init__(self, tokens: Iterable[str], default_index: int | None = None) -> None:
        self.itos_ = list(tokens)
        self.default_index_ = default_index
        self._index()

    def _index(self) -> None:
        self._stoi: dict[str, int] = {}
        for i, token in enumerate(self.itos_):
            if not isinstance(token, str):
                raise TypeError(f"Vocab: tokens must be strings, got {token!r} of type {type(token).__name__}")
            if self._stoi.setdefault(token, i) != i:
                raise RuntimeError(f"Duplicate token found in tokens list: {token}")

    def __len__(self) -> int:
        return len(self.itos_)

    def __contains__(self, token: str) -> bool:
        return token in self._stoi

    def __getitem__(self, token: str) -> int:
        index = self._stoi.get(token, self.default_index_)
        if index is None:
            raise RuntimeError(f"Token {token} not found and default index is not set")
        return index

    def set_default_index(self, index: int | None) -> None:
        """Set the index of unknown tokens; None refuses them."""
        self.default_index_ = index

    def get_default_index(self) -> int | None:
        """The index of unknown tokens, None where they are refused."""
        return self.default_index_

    def append_token(self, token: str) -> None:
        """Add a token at the end."""
        if token in self._stoi:
            raise RuntimeError(f"Token {token} already exists in the Vocab with index: {self._stoi[token]}")
        self._stoi[token] = len(self.itos_)
        self.itos_.append(token)

    def _check(self, index: int, last: int, where: str = "") -> None:
        if not 0 <= index <= last:
            raise RuntimeError(f"Specified index {index}{where} is out of bounds for vocab of size {len(self)}")

    def insert_token(self, token: str, index: int) -> None:
        """Add a token at ``index``; the ones from there on move up."""
        self._check(index, len(self))
        if token in self._stoi:
            raise RuntimeError(f"Token {token} not found in Vocab")  # torchtext's words for "is there already"
        self.itos_.insert(index, token)
        for i in range(index, len(self.itos_)):
            self._stoi[self.itos_[i]] = i

    def lookup_token(self, index: int) -> str:
        """The token at ``index``."""
        self._check(index, len(self) - 1)
        return self.itos_[index]

    def lookup_tokens(self, indices: Sequence[int]) -> list[str]:
        """The tokens at ``indices``."""
        for position, index in enumerate(indices):
            self._check(index, len(self) - 1, f" at position {position}")
        return [self.itos_[i] for i in indices]

    def lookup_indices(self, tokens: Sequence[str]) -> list[int]:
        """The indices of ``tokens``."""
        if isinstance(tokens, str):
            raise TypeError("lookup_indices(): tokens must be a list of strings, not a string")
        return [self[token] for token in tokens]

    def get_stoi(self) -> dict[str, int]:
        """A new dict from token to index."""
        return dict(self._stoi)

    def get_itos(self) -> list[str]:
        """A new list of the tokens."""
        return list(self.itos_)

    def __getstate__(self) -> tuple[str, list[int], list[str], list[Any]]:
        integers = [] if self.default_index_ is None else [self.default_index_]
        return _VERSION, integers, self.itos_, []

    def __setstate__(self, state: tuple[str, list[int], list[str], list[Any]]) -> None:
        if len(state) != 4:
            raise RuntimeError(f"Expected deserialized Vocab to have 4 states but found {len(state)} states")
        version, integers, tokens, tensors = state
        if tensors:
            raise RuntimeError("Expected `tensors` states to be empty")
        if version < _VERSION:
            raise RuntimeError(f"Found unexpected version for serialized Vocab: {version}")
        self.itos_, self.default_index_ = list(tokens), integers[0] if integers else None
        self._index()


def _replacement(text: str) -> Callable[[re.Match[str]], str]:
    """RE2's replacement syntax: a backslash and a digit is that group, two backslashes are one, all else is itself."""
    parts = re.split(r"\\(\d|\\)", text)

    def expand(match: re.Match[str]) -> str:
        out = [parts[0]]
        for group, plain in zip(parts[1::2], parts[2::2], strict=True):
            out.append("\\" if group == "\\" else match[int(group)] or "")
            out.append(plain)
        return "".join(out)

    return expand


class RegexTokenizer:
    """Replaces one pattern after the other everywhere, and splits at spaces.

    Classes such as ``\\s`` and ``\\w`` are those of ASCII, as in RE2.

    Args:
        patterns, replacements: one replacement a pattern; ``\\1`` in it is the first group.
        to_lower: turn ASCII capitals into small letters first.
    """

    def __init__(self, patterns: Sequence[str], replacements: Sequence[str], to_lower: bool = False) -> None:
        if len(patterns) != len(replacements):
            raise RuntimeError("Expected `patterns` and `replacements` to have same size!")
        self.patterns_ = list(patterns)
        self.replacements_ = list(replacements)
        self.to_lower_ = to_lower
        self._compile()

    def _compile(self) -> None:
        self._steps = [
            (re.compile(p, re.ASCII), _replacement(r)) for p, r in zip(self.patterns_, self.replacements_, strict=True)
        ]

    def forward(self, line: str) -> list[str]:
        """The tokens of ``line``."""
        if self.to_lower_:
            line = "".join(c.lower() if c.isascii() else c for c in line)
        for pattern, replacement in self._steps:
            line = pattern.sub(replacement, line)
        return [token for token in line.split(" ") if token]

    def __getstate__(self) -> tuple[list[str], list[str], bool]:
        return self.patterns_, self.replacements_, self.to_lower_

    def __setstate__(self, state: tuple[list[str], list[str], bool]) -> None:
        self.patterns_, self.replacements_, self.to_lower_ = list(state[0]), list(state[1]), state[2]
        self._compile()


def _processor(content: bytes) -> Any:
    try:
        from sentencepiece import SentencePieceProcessor
    except ImportError as error:
        raise ImportError(
            "torchtext's SentencePiece tokenizers need the sentencepiece package here: pip install sentencepiece"
        ) from error
    processor = SentencePieceProcessor()
    processor.LoadFromSerializedProto(content)
    return processor


class SentencePiece:
    """A SentencePiece model.

    Args:
        content: of the model file.
    """

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._processor = _processor(content)

    def Encode(self, input: str) -> list[str]:  # noqa: N802
        """The pieces of a text."""
        return list(self._processor.EncodeAsPieces(input))

    EncodeAsPieces = Encode

    def EncodeAsIds(self, input: str) -> list[int]:  # noqa: N802
        """The numbers of the pieces of a text."""
        return list(self._processor.EncodeAsIds(input))

    def DecodeIds(self, ids: Sequence[int]) -> str:  # noqa: N802
        """The text of numbered pieces."""
        return str(self._processor.DecodeIds(list(ids)))

    def DecodePieces(self, tokens: Sequence[str]) -> str:  # noqa: N802
        """The text of pieces."""
        return str(self._processor.DecodePieces(list(tokens)))

    def GetPieceSize(self) -> int:  # noqa: N802
        """How many pieces there are."""
        return int(self._processor.GetPieceSize())

    def unk_id(self) -> int:
        """The number of the unknown piece."""
        return int(self._processor.unk_id())

    def PieceToId(self, piece: str) -> int:  # noqa: N802
        """The number of a piece."""
        return int(self._processor.PieceToId(piece))

    def IdToPiece(self, id: int) -> str:  # noqa: N802
        """The piece with a number."""
        return str(self._processor.IdToPiece(id))

    def _return_content(self) -> bytes:
        return self._content

    def __getstate__(self) -> bytes:
        return self._content

    def __setstate__(self, content: bytes) -> None:
        self._content, self._processor = content, _processor(content)
