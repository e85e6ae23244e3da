"""``torch.ao.quantization``: not supported; the names say what to use."""

from __future__ import annotations

from typing import Any

from torchax_lite import nn
from torchax_lite.compiler._absent import functions

_USE = "int8 quantization is not supported; use bfloat16 by torch.autocast, or train in float32"
_NAMES = (
    "quantize", "quantize_dynamic", "quantize_qat", "prepare", "prepare_qat", "convert", "fuse_modules", "fuse_modules_qat",
    "get_default_qconfig", "get_default_qat_qconfig", "get_default_qconfig_mapping", "QConfig", "QConfigMapping", "default_qconfig",
    "default_dynamic_qconfig", "FakeQuantize", "MinMaxObserver", "HistogramObserver", "float_qparams_weight_only_qconfig",
    "quantize_fx", "add_observer_", "propagate_qconfig_",
)  # fmt: skip
__getattr__ = functions("torch.ao.quantization", dict.fromkeys(_NAMES, _USE))


class QuantStub(nn.Module):
    """Marks where values would be quantized: passes them on."""

    def __init__(self, qconfig: Any = None) -> None:
        super().__init__()
        if qconfig is not None:
            raise NotImplementedError(f"QuantStub(qconfig=...): {_USE}")

    def forward(self, x: Any) -> Any:
        """``x``."""
        return x


class DeQuantStub(QuantStub):
    """Marks where values would be turned back: passes them on."""


class QuantWrapper(nn.Module):
    """A module between a :class:`QuantStub` and a :class:`DeQuantStub`."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.add_module("quant", QuantStub())
        self.add_module("dequant", DeQuantStub())
        self.add_module("module", module)
        self.train(module.training)

    def forward(self, X: Any) -> Any:
        """The module's result."""
        return self.dequant(self.module(self.quant(X)))
