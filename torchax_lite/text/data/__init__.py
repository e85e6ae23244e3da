"""Tokenizers, functions over texts, BLEU, and the classic fields, datasets and iterators."""

from . import datasets_utils, functional, metrics, utils
from .batch import Batch
from .dataset import Dataset, TabularDataset
from .example import Example
from .field import Field, LabelField, RawField, ReversibleField, SubwordField
from .functional import (
    custom_replace,
    filter_wikipedia_xml,
    generate_sp_model,
    load_sp_model,
    numericalize_tokens_from_iterator,
    sentencepiece_numericalizer,
    sentencepiece_tokenizer,
    simple_space_split,
    to_map_style_dataset,
)
from .iterator import BPTTIterator, BucketIterator, Iterator, batch, pool
from .metrics import bleu_score
from .nested_field import NestedField
from .pipeline import Pipeline
from .utils import get_tokenizer, interleave_keys

__all__ = [
    "BPTTIterator", "Batch", "BucketIterator", "Dataset", "Example", "Field", "Iterator", "LabelField", "NestedField",
    "Pipeline", "RawField", "ReversibleField", "SubwordField", "TabularDataset", "batch", "bleu_score",
    "custom_replace", "filter_wikipedia_xml", "generate_sp_model", "get_tokenizer", "interleave_keys", "load_sp_model",
    "numericalize_tokens_from_iterator", "pool", "sentencepiece_numericalizer", "sentencepiece_tokenizer",
    "simple_space_split", "to_map_style_dataset",
]  # fmt: skip
