"""Ops of jagged nested tensors: not here."""

from ..._absent import fill

fill(
    globals(),
    "nested tensors are not supported: XLA needs equal sizes. Use nn.utils.rnn.pad_sequence and a mask",
    functions="extract_kwargs jagged_torch_function lookup_jagged",
)
