"""Transformers for text: RoBERTa and XLM-R encoders, and T5."""

from .roberta import (
    ROBERTA_BASE_ENCODER,
    ROBERTA_DISTILLED_ENCODER,
    ROBERTA_LARGE_ENCODER,
    XLMR_BASE_ENCODER,
    XLMR_LARGE_ENCODER,
    RobertaBundle,
    RobertaClassificationHead,
    RobertaEncoder,
    RobertaEncoderConf,
    RobertaModel,
)
from .t5 import BUNDLES as _BUNDLES
from .t5 import T5Bundle, T5Conf, T5Model, T5Transform

globals().update(_BUNDLES)

__all__ = [
    "ROBERTA_BASE_ENCODER", "ROBERTA_DISTILLED_ENCODER", "ROBERTA_LARGE_ENCODER", "RobertaBundle",
    "RobertaClassificationHead", "RobertaEncoderConf", "RobertaModel", "T5Bundle", "T5Conf", "T5Model", "T5Transform",
    "XLMR_BASE_ENCODER", "XLMR_LARGE_ENCODER", *_BUNDLES,
]  # fmt: skip
