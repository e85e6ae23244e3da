"""Writing texts with models of an encoder and a decoder."""

from ..models._generation import GenerationUtils

__all__ = ["GenerationUtils"]
