"""The vocabulary module: from tokens to indices and back."""

from __future__ import annotations

from typing import Any

from ... import jit, nn

__all__ = ["Vocab"]


class Vocab(nn.Module):
    """Maps tokens to indices.

    Args:
        vocab: the table, a ``torchtext._torchtext.Vocab``; :func:`torchtext.vocab.vocab` and
            :func:`torchtext.vocab.build_vocab_from_iterator` make one.
    """

    __jit_unused_properties__ = ["is_jitable"]

    def __init__(self, vocab: Any) -> None:
        super().__init__()
        self.vocab = vocab

    @property
    def is_jitable(self) -> bool:
        """Whether the table is a TorchScript object; there are none here."""
        return False

    @jit.export
    def forward(self, tokens: list[str]) -> list[int]:
        """The indices of ``tokens``."""
        return self.vocab.lookup_indices(tokens)

    @jit.export
    def __len__(self) -> int:
        return len(self.vocab)

    @jit.export
    def __contains__(self, token: str) -> bool:
        return token in self.vocab

    @jit.export
    def __getitem__(self, token: str) -> int:
        return self.vocab[token]

    @jit.export
    def set_default_index(self, index: int | None) -> None:
        """Set the index that unknown tokens get; None refuses them."""
        self.vocab.set_default_index(index)

    @jit.export
    def get_default_index(self) -> int | None:
        """The index that unknown tokens get, None where they are refused."""
        return self.vocab.get_default_index()

    @jit.export
    def insert_token(self, token: str, index: int) -> None:
        """Add a token at ``index``; the ones from there on move up.

        Raises:
            RuntimeError: ``index`` is not between 0 and the length, or the token is there.
        """
        self.vocab.insert_token(token, index)

    @jit.export
    def append_token(self, token: str) -> None:
        """Add a token at the end.

        Raises:
            RuntimeError: it is there.
        """
        self.vocab.append_token(token)

    @jit.export
    def lookup_token(self, index: int) -> str:
        """The token at ``index``.

        Raises:
            RuntimeError: there is none.
        """
        return self.vocab.lookup_token(index)

    @jit.export
    def lookup_tokens(self, indices: list[int]) -> list[str]:
        """The tokens at ``indices``.

        Raises:
            RuntimeError: there is none at one of them.
        """
        return self.vocab.lookup_tokens(indices)

    @jit.export
    def lookup_indices(self, tokens: list[str]) -> list[int]:
        """The indices of ``tokens``.

        Raises:
            RuntimeError: a token is unknown, and no default index is set.
        """
        return self.vocab.lookup_indices(tokens)

    @jit.export
    def get_stoi(self) -> dict[str, int]:
        """A dict from token to index."""
        return self.vocab.get_stoi()

    @jit.export
    def get_itos(self) -> list[str]:
        """The tokens, in order."""
        return self.vocab.get_itos()
