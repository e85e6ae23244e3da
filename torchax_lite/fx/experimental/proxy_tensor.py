"""Tracing below the dispatcher: never under way here."""

from __future__ import annotations

from typing import Any, NoReturn


def get_proxy_mode() -> None:
    """None: nothing is traced this way."""
    return None


def make_fx(f: Any, *args: Any, **kwargs: Any) -> NoReturn:
    """Not supported."""
    raise NotImplementedError(
        "torch.fx.experimental.proxy_tensor.make_fx: torch.fx.symbolic_trace gives a graph of torch's functions, and jax.make_jaxpr "
        "of torchax_lite.interop's pure function one of XLA's operations"
    )
