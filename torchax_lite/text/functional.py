"""Text transforms as functions: lists of tokens or numbers, or batches of those."""

from __future__ import annotations

from typing import Any

import torchax_lite as torch

from ..jit import isinstance as is_a  # as in torchtext: an empty list is a list of anything
from ..nn.utils.rnn import pad_sequence

__all__ = ["add_token", "str_to_int", "to_tensor", "truncate"]

_UNSUPPORTED = "Input type not supported"


def to_tensor(input: Any, padding_value: int | None = None, dtype: torch.dtype = torch.long) -> torch.Tensor:
    """The tensor of a list of numbers, or of a batch of them padded to its longest.

    Args:
        padding_value: fills up shorter sequences; None takes the batch as it is.
        dtype: of a batch; a single sequence is int64.
    """
    if is_a(input, list[int]):
        return torch.tensor(input, dtype=torch.long)
    if not is_a(input, list[list[int]]):
        raise TypeError(_UNSUPPORTED)
    if padding_value is None:
        return torch.tensor(input, dtype=dtype)
    rows = [torch.tensor(ids, dtype=dtype) for ids in input]
    return pad_sequence(rows, batch_first=True, padding_value=float(padding_value))


def truncate(input: Any, max_seq_len: int) -> Any:
    """The first ``max_seq_len`` tokens of a sequence, or of each in a batch."""
    if is_a(input, list[int]) or is_a(input, list[str]):
        return input[:max_seq_len]
    if is_a(input, list[list[int]]) or is_a(input, list[list[str]]):
        return [ids[:max_seq_len] for ids in input]
    raise TypeError(_UNSUPPORTED)


def add_token(input: Any, token_id: Any, begin: bool = True) -> Any:
    """A sequence, or each in a batch, with a token more at its beginning or end."""
    for kind in (int, str):
        if not is_a(token_id, kind):
            continue
        if is_a(input, list[kind]):  # type: ignore[valid-type]
            return [token_id, *input] if begin else [*input, token_id]
        if is_a(input, list[list[kind]]):  # type: ignore[valid-type]
            return [[token_id, *ids] if begin else [*ids, token_id] for ids in input]
    raise TypeError(_UNSUPPORTED)


def str_to_int(input: Any) -> Any:
    """The numbers that the tokens of a sequence, or of each in a batch, spell."""
    if is_a(input, list[str]):
        return [int(token) for token in input]
    if is_a(input, list[list[str]]):
        return [[int(token) for token in tokens] for tokens in input]
    raise TypeError(_UNSUPPORTED)
