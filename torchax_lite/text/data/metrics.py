"""The BLEU score (Papineni et al., 2002)."""

from __future__ import annotations

import collections
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from .utils import ngrams_iterator

__all__ = ["bleu_score"]


def _compute_ngram_counter(tokens: Sequence[str], max_n: int) -> collections.Counter[tuple[str, ...]]:
    """How often each n-gram of 1 to ``max_n`` tokens comes."""
    assert max_n > 0
    return collections.Counter(tuple(x.split(" ")) for x in ngrams_iterator(tokens, max_n))


def bleu_score(
    candidate_corpus: Any, references_corpus: Any, max_n: int = 4, weights: Sequence[float] = (0.25,) * 4
) -> float:
    """``min(1, exp(1 - r / c)) * exp(sum_n w_n log p_n)``, with the modified n-gram precisions ``p_n`` of a corpus.

    ``c`` is the candidates' length, ``r`` that of the references nearest to them in length. As in torchtext, n-grams are
    counted in float32.

    Args:
        candidate_corpus: the tokens of each candidate.
        references_corpus: for each candidate, the tokens of each of its references.
        max_n: the longest n-grams.
        weights: one for each length from 1 to ``max_n``.
    """
    assert max_n == len(weights), 'Length of the "weights" list has be equal to max_n'
    assert len(candidate_corpus) == len(references_corpus), (
        "The length of candidate and reference corpus should be the same"
    )
    clipped = np.zeros(max_n, np.float32)
    total = np.zeros(max_n, np.float32)
    candidate_length = reference_length = 0.0
    for candidate, references in zip(candidate_corpus, references_corpus, strict=True):
        length = len(candidate)
        candidate_length += length
        reference_length += min((float(len(r)) for r in references), key=lambda n: abs(length - n))
        allowed: collections.Counter[tuple[str, ...]] = collections.Counter()
        for reference in references:
            allowed |= _compute_ngram_counter(reference, max_n)
        for ngram, count in (_compute_ngram_counter(candidate, max_n) & allowed).items():
            clipped[len(ngram) - 1] += count
        total += np.maximum(length - np.arange(max_n), 0)
    if clipped.min() == 0:
        return 0.0
    logs = np.asarray(weights, np.float32) * np.log(clipped / total)
    score = np.float32(0)
    for log in logs:
        score += log
    return math.exp(min(1 - reference_length / candidate_length, 0)) * float(np.exp(score))
