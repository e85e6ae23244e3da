"""The classic vocabulary, made from counts; with word vectors, if wanted."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import torchax_lite as torch

from ..vocab.vectors import CharNGram, FastText, GloVe, Vectors, pretrained_aliases

__all__ = [
    "CharNGram", "FastText", "GloVe", "SubwordVocab", "Vectors", "Vocab", "build_vocab_from_iterator",
    "pretrained_aliases",
]  # fmt: skip


class Vocab:
    """The tokens of a counter, the most frequent first, equally frequent ones in lexical order.

    Args:
        counter: how often each token comes.
        max_size: how many to keep at most, the special ones not counted (if these come first).
        min_freq: tokens that come less often are left out.
        specials: tokens to add; unknown ones get the index of ``<unk>`` if that is one of them.
        vectors, unk_init, vectors_cache: as for :meth:`load_vectors`.
        specials_first: whether the special tokens come first, or last.

    Attributes:
        freqs: the counter.
        itos, stoi: the tokens, and the index of each.
        vectors: (tokens, dim), or None.
    """

    UNK = "<unk>"

    def __init__(
        self,
        counter: Counter[str],
        max_size: int | None = None,
        min_freq: int = 1,
        specials: Sequence[str] = ("<unk>", "<pad>"),
        vectors: Any = None,
        unk_init: Callable[[torch.Tensor], torch.Tensor] | None = None,
        vectors_cache: str | None = None,
        specials_first: bool = True,
    ) -> None:
        self.freqs = counter
        specials = list(specials)
        rows = sorted((item for item in counter.items() if item[0] not in specials), key=lambda item: item[0])
        rows.sort(key=lambda item: item[1], reverse=True)
        words = [word for word, count in rows if count >= max(min_freq, 1)]
        if max_size is not None:
            words = words[:max_size]
        self.itos: list[str] = [*specials, *words] if specials_first else [*words, *specials]
        self.unk_index: int | None = None
        if Vocab.UNK in specials:
            self.unk_index = specials.index(Vocab.UNK) + (0 if specials_first else len(words))
        self.stoi: defaultdict[str, int] = self._new_stoi(self.unk_index is not None)
        self.stoi.update({token: i for i, token in enumerate(self.itos)})
        self.vectors: Any = None
        if vectors is not None:
            self.load_vectors(vectors, unk_init=unk_init, cache=vectors_cache)
        else:
            assert unk_init is None and vectors_cache is None

    def _new_stoi(self, with_unknown: bool) -> Any:
        return defaultdict(self._default_unk_index if with_unknown else None)  # type: ignore[arg-type]

    def _default_unk_index(self) -> Any:
        return self.unk_index

    def __getitem__(self, token: str) -> Any:
        return self.stoi.get(token, self.stoi.get(Vocab.UNK))

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "stoi": dict(self.stoi)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.stoi = self._new_stoi(state.get("unk_index") is not None)
        self.stoi.update(state["stoi"])

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Vocab):
            return NotImplemented
        same = self.freqs == other.freqs and self.stoi == other.stoi and self.itos == other.itos
        if not same or self.vectors is None or other.vectors is None:
            return same and self.vectors is other.vectors
        return torch.equal(self.vectors, other.vectors)

    __hash__ = None  # type: ignore[assignment]

    def __len__(self) -> int:
        return len(self.itos)

    def lookup_indices(self, tokens: Iterable[str]) -> list[int]:
        """The indices of ``tokens``."""
        return [self[token] for token in tokens]

    def extend(self, v: Vocab, sort: bool = False) -> None:
        """Add another vocabulary's tokens that are new, in its order or sorted."""
        for word in sorted(v.itos) if sort else v.itos:
            if word not in self.stoi:
                self.itos.append(word)
                self.stoi[word] = len(self.itos) - 1

    def load_vectors(self, vectors: Any, **kwargs: Any) -> None:
        """Give each token the vector of a source, or those of several, one after the other.

        Args:
            vectors: a :class:`Vectors`, one of the names in ``pretrained_aliases``, or a list of these.
            kwargs: ``cache``, ``unk_init``, ... for sources given by name.
        """
        sources = []
        for source in vectors if isinstance(vectors, list) else [vectors]:
            if isinstance(source, str):
                if source not in pretrained_aliases:
                    raise ValueError(
                        f"Got string input vector {source}, but allowed pretrained vectors are {list(pretrained_aliases)}"
                    )
                source = pretrained_aliases[source](**kwargs)
            elif not isinstance(source, Vectors):
                raise ValueError(f"Got input vectors of type {type(source)}, expected str or Vectors object")
            sources.append(source)
        rows = [torch.cat([source[token.strip()].reshape(-1) for source in sources]) for token in self.itos]
        self.vectors = torch.stack(rows) if rows else torch.empty(0, sum(source.dim for source in sources))

    def set_vectors(
        self,
        stoi: Mapping[str, int],
        vectors: Any,
        dim: int,
        unk_init: Callable[[torch.Tensor], torch.Tensor] = torch.Tensor.zero_,
    ) -> None:
        """Give each token that ``stoi`` has the vector ``vectors[stoi[token]]``, (dim,), and each other ``unk_init``'s."""
        indices = [stoi.get(token) for token in self.itos]
        rows = [unk_init(torch.empty(dim)) if i is None else vectors[i] for i in indices]
        self.vectors = torch.stack(rows) if rows else torch.empty(0, dim)


class SubwordVocab(Vocab):
    """The pieces of words that revtok finds in a counter's words.

    Args:
        counter: how often each word comes.
        max_size: how many pieces to keep at most.
        specials: tokens to add at the beginning.
        vectors, unk_init: as of :class:`Vocab`.

    Raises:
        ImportError: revtok is not installed.
    """

    def __init__(
        self,
        counter: Counter[str],
        max_size: int | None = None,
        specials: Sequence[str] = ("<pad>",),
        vectors: Any = None,
        unk_init: Callable[[torch.Tensor], torch.Tensor] = torch.Tensor.zero_,
    ) -> None:
        try:
            import revtok
        except ImportError:
            print("Please install revtok.")
            raise
        self.freqs = counter
        self.segment = revtok.SubwordSegmenter(counter, max_size)
        self.itos = list(specials)
        self.unk_index = self.itos.index(Vocab.UNK) if Vocab.UNK in self.itos else None
        pieces = sorted(self.segment.vocab.items(), key=lambda item: (len(item[0]) != 1, -item[1], item[0]))
        self.itos += [piece for piece, _ in pieces[:max_size]]
        self.stoi = self._new_stoi(self.unk_index is not None)
        self.stoi.update({token: i for i, token in enumerate(self.itos)})
        self.vectors = None
        if vectors is not None:
            self.load_vectors(vectors, unk_init=unk_init)


def build_vocab_from_iterator(iterator: Iterable[Iterable[str]], num_lines: int | None = None) -> Vocab:
    """The classic vocabulary of texts, given by their tokens."""
    counter: Counter[str] = Counter()
    for tokens in iterator:
        counter.update(tokens)
    return Vocab(counter)
