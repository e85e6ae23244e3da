"""``torch._higher_order_ops``: operators that take functions. ``associative_scan`` and ``cond`` run; others refuse."""

from torchax_lite._absent import fill
from torchax_lite._information import cond

from .associative_scan import associative_scan

__all__ = ["associative_scan", "cond"]
fill(
    globals(),
    "use Python's own control flow, or jax.lax through torchax_lite.interop",
    functions="foreach_map map scan while_loop flex_attention flex_attention_backward invoke_subgraph wrap",
)
