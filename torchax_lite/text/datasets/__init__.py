"""Readers of text datasets from local files.

Each function gives an iterable (a data pipe) for each split. It reads the official files from
``root/datasets/<name>``, extracting archives that lie there, and says what is missing where they do not.
"""

from __future__ import annotations

from typing import Any

from ._classification import (
    AG_NEWS,
    IMDB,
    AmazonReviewFull,
    AmazonReviewPolarity,
    DBpedia,
    SogouNews,
    YahooAnswers,
    YelpReviewFull,
    YelpReviewPolarity,
)
from ._glue import MNLI, MRPC, QNLI, QQP, RTE, SST2, STSB, WNLI, CoLA
from ._language import CC100, EnWik9, PennTreebank, WikiText2, WikiText103
from ._other import CNNDM, UDPOS, CoNLL2000Chunking, SQuAD1, SQuAD2
from ._sources import MD5, NUM_LINES, URLS
from ._translation import IWSLT2016, IWSLT2017, Multi30k

DATASETS: dict[str, Any] = {name: globals()[name] for name in URLS}

__all__ = [
    "AG_NEWS", "AmazonReviewFull", "AmazonReviewPolarity", "CC100", "CNNDM", "CoLA", "CoNLL2000Chunking", "DBpedia",
    "EnWik9", "IMDB", "IWSLT2016", "IWSLT2017", "MNLI", "MRPC", "Multi30k", "PennTreebank", "QNLI", "QQP", "RTE", "SQuAD1",
    "SQuAD2", "SST2", "STSB", "SogouNews", "UDPOS", "WNLI", "WikiText103", "WikiText2", "YahooAnswers", "YelpReviewFull",
    "YelpReviewPolarity",
]  # fmt: skip
