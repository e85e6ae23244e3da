"""The class of jagged nested tensors: it has no instances."""

from typing import Any

from ..._absent import fill

_tensor_symint_registry: dict[Any, Any] = {}
fill(
    globals(),
    "nested tensors are not supported: XLA needs equal sizes. Use nn.utils.rnn.pad_sequence and a mask",
    classes="NestedTensor ViewBufferFromNested ViewNestedFromBuffer",
    functions="buffer_from_jagged get_tensor_symint jagged_from_list jagged_from_tensor_and_lengths nested_from_padded "
    "nested_view_from_values_offsets nested_view_from_values_offsets_lengths",
)
