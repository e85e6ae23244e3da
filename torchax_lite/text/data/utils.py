"""Tokenizers, n-grams, and shuffling with a random state of one's own."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from functools import partial
from typing import Any

__all__ = [
    "RandomShuffler", "dtype_to_attr", "get_tokenizer", "get_torch_version", "interleave_keys",
    "is_tokenizer_serializable", "ngrams_iterator",
]  # fmt: skip


def _split_tokenizer(x: str) -> list[str]:
    return x.split()


def _spacy_tokenize(x: str, spacy: Any) -> list[str]:
    return [token.text for token in spacy.tokenizer(x)]


_BASIC_ENGLISH = [
    (re.compile(pattern), replacement)
    for pattern, replacement in [
        ("'", " '  "), ('"', ""), (r"\.", " . "), (r"<br \/>", " "), (",", " , "), (r"\(", " ( "), (r"\)", " ) "),
        ("!", " ! "), (r"\?", " ? "), (";", " "), (":", " "), (r"\s+", " "),
    ]
]  # fmt: skip


def _basic_english_normalize(line: str) -> list[str]:
    """The words and marks of a line in small letters, without ``"``, ``;`` and ``:``."""
    line = line.lower()
    for pattern, replacement in _BASIC_ENGLISH:
        line = pattern.sub(replacement, line)
    return line.split()


def _spacy(language: str) -> Callable[[str], list[str]]:
    try:
        import spacy

        try:
            loaded = spacy.load(language)
        except OSError:
            shortcuts = getattr(spacy.errors, "OLD_MODEL_SHORTCUTS", {})
            if language not in shortcuts:
                raise
            import warnings

            warnings.warn(
                f'Spacy model "{language}" could not be loaded, trying "{shortcuts[language]}" instead', stacklevel=3
            )
            loaded = spacy.load(shortcuts[language])
    except ImportError:
        print("Please install SpaCy. See the docs at https://spacy.io for more information.")
        raise
    except AttributeError:
        print(
            f"Please install SpaCy and the SpaCy {language} tokenizer. "
            "See the docs at https://spacy.io for more information."
        )
        raise
    return partial(_spacy_tokenize, spacy=loaded)


def _moses() -> Any:
    try:
        from sacremoses import MosesTokenizer
    except ImportError:
        print(
            "Please install SacreMoses. See the docs at https://github.com/alvations/sacremoses for more information."
        )
        raise
    return MosesTokenizer().tokenize


def _toktok() -> Any:
    try:
        from nltk.tokenize.toktok import ToktokTokenizer
    except ImportError:
        print("Please install NLTK. See the docs at https://nltk.org  for more information.")
        raise
    return ToktokTokenizer().tokenize


def _revtok() -> Any:
    try:
        import revtok
    except ImportError:
        print("Please install revtok.")
        raise
    return revtok.tokenize


def get_tokenizer(tokenizer: Any, language: str = "en") -> Callable[[str], list[str]]:
    """A function from a text to its tokens.

    Args:
        tokenizer: ``None`` splits at white space; ``"basic_english"`` separates marks and makes letters small; a
            callable is taken as it is; ``"spacy"``, ``"moses"``, ``"toktok"``, ``"revtok"`` and ``"subword"`` come from
            the packages spacy, sacremoses, nltk and revtok.
        language: what spaCy loads.

    Raises:
        ImportError: the package is not installed.
        ValueError: an unknown name, or basic English in another language.
    """
    if tokenizer is None:
        return _split_tokenizer
    if tokenizer == "basic_english":
        if language != "en":
            raise ValueError("Basic normalization is only available for Enlish(en)")
        return _basic_english_normalize
    if callable(tokenizer):
        return tokenizer
    if tokenizer == "spacy":
        return _spacy(language)
    if tokenizer == "subword":
        return partial(_revtok(), decap=True)
    packages = {"moses": _moses, "toktok": _toktok, "revtok": _revtok}
    if tokenizer in packages:
        return packages[tokenizer]()
    raise ValueError(
        f"Requested tokenizer {tokenizer}, valid choices are a callable that takes a single string as input, "
        '"revtok" for the revtok reversible tokenizer, "subword" for the revtok caps-aware tokenizer, "spacy" for the '
        'SpaCy English tokenizer, or "moses" for the NLTK port of the Moses tokenization script.'
    )


def is_tokenizer_serializable(tokenizer: Any, language: str) -> bool:
    """Whether the function of :func:`get_tokenizer` can be pickled."""
    return bool(tokenizer != "spacy")


def interleave_keys(a: int, b: int) -> int:
    """The number whose bits are those of ``a`` and ``b`` in turn: near for examples that are near in both."""
    return int("".join(x + y for x, y in zip(format(a, "016b"), format(b, "016b"), strict=False)), base=2)


def get_torch_version() -> tuple[int, int]:
    """The major and the minor version of torch."""
    from ...version import __version__

    major, minor = __version__.split(".")[:2]
    return int(major), int(minor)


def dtype_to_attr(dtype: Any) -> str:
    """A dtype's name without ``torch.``."""
    _, name = str(dtype).split(".")
    return name


def ngrams_iterator(token_list: Sequence[str], ngrams: int) -> Iterator[str]:
    """The tokens, then the pairs of successive ones joined by a space, and so on to groups of ``ngrams``."""
    yield from token_list
    for n in range(2, ngrams + 1):
        for group in zip(*(token_list[i:] for i in range(n)), strict=False):
            yield " ".join(group)


class RandomShuffler:
    """Shuffles with a state of Python's generator of its own.

    Args:
        random_state: as of ``random.getstate()``; the present one by default.
    """

    def __init__(self, random_state: Any = None) -> None:
        self._random_state = random.getstate() if random_state is None else random_state

    @contextmanager
    def use_internal_state(self) -> Iterator[None]:
        """Within, ``random`` draws from this state; afterwards from its own again."""
        outer = random.getstate()
        random.setstate(self._random_state)
        yield
        self._random_state = random.getstate()
        random.setstate(outer)

    @property
    def random_state(self) -> Any:
        """A copy of the state."""
        return deepcopy(self._random_state)

    @random_state.setter
    def random_state(self, s: Any) -> None:
        self._random_state = s

    def __call__(self, data: Sequence[Any]) -> list[Any]:
        """A new list of what is in ``data``, shuffled."""
        with self.use_internal_state():
            return random.sample(data, len(data))
