"""Classic datasets: examples with fields, from local files.

``splits`` gives the datasets of a task; files are looked for in ``root/<name>``, where archives that lie there are
extracted. Nothing is fetched.
"""

from ._classification import IMDB, SST, TREC
from ._inference import SNLI, XNLI, MultiNLI, NLIDataset
from ._sequences import (
    UDPOS,
    CoNLL2000Chunking,
    LanguageModelingDataset,
    PennTreebank,
    SequenceTaggingDataset,
    WikiText2,
    WikiText103,
)
from ._stories import BABI20
from ._translation import IWSLT, WMT14, Multi30k, TranslationDataset

__all__ = [
    "BABI20", "IMDB", "IWSLT", "LanguageModelingDataset", "MultiNLI", "Multi30k", "NLIDataset", "PennTreebank", "SNLI", "SST",
    "SequenceTaggingDataset", "CoNLL2000Chunking", "TREC", "TranslationDataset", "UDPOS", "WMT14", "WikiText103",
    "WikiText2", "XNLI",
]  # fmt: skip
