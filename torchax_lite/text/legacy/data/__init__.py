"""The classic fields, datasets and iterators, where torchtext 0.9 to 0.11 has them."""

from ...data.batch import Batch
from ...data.dataset import Dataset, TabularDataset
from ...data.example import Example
from ...data.field import Field, LabelField, RawField, ReversibleField, SubwordField
from ...data.functional import (
    custom_replace,
    generate_sp_model,
    load_sp_model,
    numericalize_tokens_from_iterator,
    sentencepiece_numericalizer,
    sentencepiece_tokenizer,
    simple_space_split,
)
from ...data.iterator import BPTTIterator, BucketIterator, Iterator, batch, pool
from ...data.metrics import bleu_score
from ...data.nested_field import NestedField
from ...data.pipeline import Pipeline
from ...data.utils import get_tokenizer, interleave_keys

__all__ = [
    "BPTTIterator", "Batch", "BucketIterator", "Dataset", "Example", "Field", "Iterator", "LabelField", "NestedField",
    "Pipeline", "RawField", "ReversibleField", "SubwordField", "TabularDataset", "batch", "bleu_score",
    "custom_replace", "generate_sp_model", "get_tokenizer", "interleave_keys", "load_sp_model",
    "numericalize_tokens_from_iterator", "pool", "sentencepiece_numericalizer", "sentencepiece_tokenizer",
    "simple_space_split",
]  # fmt: skip
