"""What of ``torch.jit`` is going on in this process."""

from __future__ import annotations

from types import SimpleNamespace

state = SimpleNamespace(
    tracing=0, optimized=True, onednn_fusion=False, fusion_strategy=[("STATIC", 2), ("DYNAMIC", 10)]
)
