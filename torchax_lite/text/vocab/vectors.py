"""Pretrained word vectors from files in a local cache."""

from __future__ import annotations

import gzip
import logging
import os
from collections.abc import Callable
from functools import partial
from typing import IO, Any

import numpy as np

import torchax_lite as torch

from ... import serialization
from ..utils import download_from_url, extract_archive

__all__ = ["CharNGram", "FastText", "GloVe", "Vectors", "pretrained_aliases"]

logger = logging.getLogger(__name__)


class Vectors:
    """Word vectors: ``vectors[token]`` is a token's.

    They are read from a text file of lines ``token number number ...``, and kept in a file beside it (``.pt``) that is
    read the next time.

    Args:
        name: the file, or its name in ``cache``.
        cache: the folder of the files; ``.vector_cache`` by default.
        url: where the file, or the archive with it, comes from if it is not in ``cache``.
        unk_init: fills the vector of an unknown token; zeros by default.
        max_vectors: how many to read at most.

    Attributes:
        itos, stoi: the tokens, and the index of each.
        vectors: (tokens, dim), float32.
        dim: the size of a vector.

    Raises:
        RuntimeError: there is no such file, or its vectors have different sizes.
    """

    def __init__(
        self,
        name: str,
        cache: str | None = None,
        url: str | None = None,
        unk_init: Callable[[torch.Tensor], torch.Tensor] | None = None,
        max_vectors: int | None = None,
    ) -> None:
        cache = ".vector_cache" if cache is None else cache
        self.itos: list[str] = []
        self.stoi: dict[str, int] = {}
        self.vectors: Any = None
        self.dim: Any = None
        self.unk_init = torch.Tensor.zero_ if unk_init is None else unk_init
        self.cache(name, cache, url=url, max_vectors=max_vectors)

    def __getitem__(self, token: str) -> torch.Tensor:
        if token in self.stoi:
            return self.vectors[self.stoi[token]]
        return self.unk_init(torch.empty(self.dim))

    def __contains__(self, token: str) -> bool:
        return token in self.stoi

    def __len__(self) -> int:
        return len(self.vectors)

    def cache(self, name: str, cache: str, url: str | None = None, max_vectors: int | None = None) -> None:
        """Read the vectors, from the file that keeps them if there is one."""
        path = name if os.path.isfile(name) else os.path.join(cache, name)
        suffix = f"_{max_vectors}.pt" if max_vectors else ".pt"
        kept = os.path.join(cache, os.path.basename(name)) + suffix if os.path.isfile(name) else path + suffix
        if os.path.isfile(kept):
            logger.info("Loading vectors from %s", kept)
            self.itos, self.stoi, self.vectors, self.dim = serialization.load(kept)
            return
        if not os.path.isfile(path) and url:
            self._fetch(url, cache)
        if not os.path.isfile(path):
            raise RuntimeError(f"no vectors found at {path}")
        logger.info("Loading vectors from %s", path)
        opener: Any = gzip.open if path.endswith(".gz") else open
        with opener(path, "rb") as file:
            self.itos, values = _read(file, max_vectors)
        self.stoi = {word: i for i, word in enumerate(self.itos)}
        self.vectors, self.dim = torch.from_numpy(values), values.shape[1]
        os.makedirs(cache, exist_ok=True)
        serialization.save((self.itos, self.stoi, self.vectors, self.dim), kept)

    @staticmethod
    def _fetch(url: str, cache: str) -> None:
        archive = download_from_url(url, os.path.join(cache, os.path.basename(url)))
        if archive.endswith((".zip", ".tar.gz")):
            extract_archive(archive, cache)

    def get_vecs_by_tokens(self, tokens: str | list[str], lower_case_backup: bool = False) -> torch.Tensor:
        """The vector of a token, (dim,), or of each in a list, (tokens, dim).

        Args:
            lower_case_backup: try a token that is unknown again in small letters.
        """
        single = not isinstance(tokens, list)
        words: Any = [tokens] if single else tokens
        if lower_case_backup:
            words = [word if word in self.stoi else word.lower() for word in words]
        vectors = torch.stack([self[word] for word in words])
        return vectors[0] if single else vectors


def _read(file: IO[bytes], max_vectors: int | None) -> tuple[list[str], np.ndarray]:
    """The words of a file of vectors, and their vectors as (words, dim) in float32."""
    words: list[str] = []
    rows: list[np.ndarray] = []
    dim = None
    for line in file:
        # Only spaces separate: a word may hold other white space, such as a no-break space.
        word, *numbers = line.rstrip().split(b" ")
        if dim is None and len(numbers) > 1:
            dim = len(numbers)
        elif len(numbers) == 1:
            logger.warning("Skipping token %s with 1-dimensional vector %s; likely a header", word, numbers)
            continue
        elif dim != len(numbers):
            raise RuntimeError(
                f"Vector for token {word!r} has {len(numbers)} dimensions, but previously read vectors have {dim} "
                "dimensions. All vectors must have the same number of dimensions."
            )
        try:
            words.append(word.decode())
        except UnicodeDecodeError:
            logger.info("Skipping non-UTF8 token %r", word)
            continue
        rows.append(np.array(numbers, np.float64).astype(np.float32))
        if len(words) == max_vectors:
            break
    if dim is None:
        raise RuntimeError("the file of vectors has no vectors")
    return words, np.stack(rows) if rows else np.zeros((0, dim), np.float32)


class GloVe(Vectors):
    """GloVe's vectors (Pennington et al., 2014), from ``glove.{name}.{dim}d.txt`` in the cache."""

    url = {
        "42B": "http://nlp.stanford.edu/data/glove.42B.300d.zip",
        "840B": "http://nlp.stanford.edu/data/glove.840B.300d.zip",
        "twitter.27B": "http://nlp.stanford.edu/data/glove.twitter.27B.zip",
        "6B": "http://nlp.stanford.edu/data/glove.6B.zip",
    }

    def __init__(self, name: str = "840B", dim: int | str = 300, **kwargs: Any) -> None:
        super().__init__(f"glove.{name}.{dim}d.txt", url=self.url[name], **kwargs)


class FastText(Vectors):
    """fastText's Wikipedia vectors (Bojanowski et al., 2017), from ``wiki.{language}.vec`` in the cache."""

    url_base = "https://dl.fbaipublicfiles.com/fasttext/vectors-wiki/wiki.{}.vec"

    def __init__(self, language: str = "en", **kwargs: Any) -> None:
        url = self.url_base.format(language)
        super().__init__(os.path.basename(url), url=url, **kwargs)


class CharNGram(Vectors):
    """Vectors of character n-grams (Hashimoto et al., 2017); a token's is the mean over its known 2-, 3- and 4-grams."""

    name = "charNgram.txt"
    url = "http://www.logos.t.u-tokyo.ac.jp/~hassy/publications/arxiv2016jmt/jmt_pre-trained_embeddings.tar.gz"

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(self.name, url=self.url, **kwargs)

    def __getitem__(self, token: str) -> torch.Tensor:
        """The vector of a token, (1, dim)."""
        vector = torch.zeros(1, self.dim)
        if token == "<unk>":
            return self.unk_init(vector)
        characters = ["#BEGIN#", *token, "#END#"]
        found = 0
        for n in (2, 3, 4):
            for i in range(len(characters) - n + 1):
                index = self.stoi.get(f"{n}gram-{''.join(characters[i : i + n])}")
                if index is not None:
                    vector += self.vectors[index]
                    found += 1
        return vector / found if found else self.unk_init(vector)


pretrained_aliases = {
    "charngram.100d": partial(CharNGram),
    "fasttext.en.300d": partial(FastText, language="en"),
    "fasttext.simple.300d": partial(FastText, language="simple"),
    "glove.42B.300d": partial(GloVe, name="42B", dim="300"),
    "glove.840B.300d": partial(GloVe, name="840B", dim="300"),
    **{f"glove.twitter.27B.{d}d": partial(GloVe, name="twitter.27B", dim=str(d)) for d in (25, 50, 100, 200)},
    **{f"glove.6B.{d}d": partial(GloVe, name="6B", dim=str(d)) for d in (50, 100, 200, 300)},
}
"""From the names that a classic ``Vocab`` knows vectors by to what reads them."""
