"""Symbolic functions of ONNX's operator set 12: no exporter calls them."""

from .._absent import fill
from . import _USE

fill(
    globals(), _USE, functions="add div dropout expand gelu masked_fill matmul mul softmax sub transpose unsqueeze view"
)
