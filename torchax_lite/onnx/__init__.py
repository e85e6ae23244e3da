"""``torch.onnx``: there is no exporter; ``torch.export`` and ``torch.jit`` write StableHLO."""

from __future__ import annotations

import enum
import importlib
from typing import Any

from torchax_lite._absent import empty_class
from torchax_lite.compiler._absent import functions
from torchax_lite.torch_version import __version__

_USE = "there is no ONNX exporter; torch.export.save writes StableHLO, and jax2onnx converts a functionalized module"
producer_name, producer_version = "pytorch", __version__
_absent = functions(
    "torch.onnx",
    dict.fromkeys(("export", "dynamo_export", "ops", "symbolic"), _USE),
)


ExportableModule = empty_class("onnx.ExportableModule", _USE)
InputObserver = empty_class("onnx.InputObserver", _USE)
ONNXProgram = empty_class("onnx.ONNXProgram", _USE)
_SUBMODULES = ("_internal", "symbolic_helper", "symbolic_opset12", "symbolic_opset9")


def __getattr__(name: str) -> Any:
    if name in _SUBMODULES:
        return importlib.import_module(f"{__name__}.{name}")
    return _absent(name)


class TrainingMode(enum.IntEnum):
    """In which mode a model is exported."""

    EVAL = 0
    PRESERVE = 1
    TRAINING = 2

    __str__ = enum.Enum.__str__


class OperatorExportTypes(enum.IntEnum):
    """Which operators an export may contain."""

    ONNX = 0
    ONNX_ATEN = 1
    ONNX_ATEN_FALLBACK = 2
    ONNX_FALLTHROUGH = 3

    __str__ = enum.Enum.__str__


class OnnxExporterError(RuntimeError):
    """Kept for ``except`` clauses."""


def is_in_onnx_export() -> bool:
    """False."""
    return False
