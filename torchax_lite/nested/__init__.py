"""``torch.nested``: not supported; the names say what to use."""

from __future__ import annotations

from torchax_lite.compiler._absent import functions

NO_NESTED = "nested tensors are not supported: XLA needs equal sizes. Use nn.utils.rnn.pad_sequence and a mask"
_NAMES = (
    "nested_tensor",
    "as_nested_tensor",
    "nested_tensor_from_jagged",
    "to_padded_tensor",
    "narrow",
    "masked_select",
)
__getattr__ = functions("torch.nested", dict.fromkeys(_NAMES, NO_NESTED))
