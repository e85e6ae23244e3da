"""``torch.onnx``: there is no exporter; ``torch.export`` and ``torch.jit`` write StableHLO."""

from __future__ import annotations

from torchax_lite.compiler._absent import functions

_USE = "there is no ONNX exporter; torch.export.save writes StableHLO, and jax2onnx converts a functionalized module"
__getattr__ = functions(
    "torch.onnx",
    dict.fromkeys(
        ("export", "dynamo_export", "ExportableModule", "ONNXProgram", "InputObserver", "ops", "symbolic"), _USE
    ),
)


class OnnxExporterError(RuntimeError):
    """Kept for ``except`` clauses."""


def is_in_onnx_export() -> bool:
    """False."""
    return False
