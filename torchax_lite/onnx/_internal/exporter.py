"""The exporter's classes: names that refuse to be used."""

from ..._absent import fill
from .. import _USE, ONNXProgram

__all__ = ["ONNXProgram"]
fill(globals(), _USE, functions="analyze export_compat exported_program_to_ir verify_onnx_program")
