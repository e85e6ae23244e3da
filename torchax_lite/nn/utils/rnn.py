"""Batches of sequences of unequal length: padded, and packed without padding."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

import torchax_lite as torch
from torchax_lite import Tensor
from torchax_lite._generated import internal as _ops
from torchax_lite.nn._functional.common import keep_mask

__all__ = [
    "PackedSequence",
    "invert_permutation",
    "pack_padded_sequence",
    "pack_sequence",
    "pad_packed_sequence",
    "pad_sequence",
    "unpack_sequence",
    "unpad_sequence",
]


class PackedSequence_(NamedTuple):
    """The fields of a packed batch."""

    data: Tensor
    batch_sizes: Tensor
    sorted_indices: Tensor | None
    unsorted_indices: Tensor | None


class Padded:
    """The padded form of a packed batch: its shape, and so the program that reads it, depends on no length but the longest.

    Args:
        values: ``(T, N, *)``, sorted by falling length; what is in the padding does not matter.
        lengths: of the N sequences.
    """

    def __init__(self, values: Tensor, lengths: list[int]) -> None:
        self.values = values
        self.lengths = np.array(lengths)
        self.steps = np.arange(values.size(0))[:, None]

    def with_values(self, values: Tensor) -> Padded:
        """The same lengths with other values."""
        return Padded(values, self.lengths.tolist())

    def _on_device(self, array: np.ndarray) -> Tensor:
        return torch.tensor(array, device=self.values.device)

    @functools.cached_property
    def inside(self) -> Tensor:
        """(T, N), True where there is no padding."""
        return self._on_device(self.steps < self.lengths)

    @functools.cached_property
    def last(self) -> Tensor:
        """(N,), the position of each sequence's last element."""
        return self._on_device(self.lengths - 1)

    @functools.cached_property
    def reversal(self) -> Tensor:
        """(T, N), the positions that put each sequence in reverse order; the padding stays."""
        return self._on_device(np.where(self.steps < self.lengths, self.lengths - 1 - self.steps, self.steps))

    def filled(self, value: float) -> Tensor:
        """The values, with ``value`` in the padding."""
        inside = self.inside.reshape(*self.inside.shape, *(1,) * (self.values.dim() - 2))
        return torch.where(inside, self.values, torch.tensor(value, dtype=self.values.dtype, device=self.values.device))

    def dropout(self, values: Tensor, p: float) -> Tensor:
        """Dropout of ``(T, N, *)`` values with the mask that is drawn for the packed elements, in their order.

        It is placed on the host, where the CPU's draws are made. Elsewhere a mask is drawn for the padding too.
        """
        if p == 1 or values.device.type != "cpu" or values._aval.place.kind != "device":
            return torch.nn.functional.dropout(values, p)
        mask = np.zeros(tuple(values.shape), np.bool_)
        mask[self.steps < self.lengths] = keep_mask(values, p, (int(self.lengths.sum()), *values.shape[2:])).numpy()
        return _ops.dropout_mask_apply(values, self._on_device(mask), 1 / (1 - p))

    def rows(self) -> Tensor:
        """The values without padding, ``(sum of lengths, *)``."""
        sizes = (self.steps < self.lengths).sum(1).tolist()
        shape = self.values.shape[2:]
        runs = constant_runs([size for size in sizes if size])
        return torch.cat([self.values[start:stop, :size].reshape(-1, *shape) for start, stop, size in runs])


class PackedSequence(PackedSequence_):
    """Sequences sorted by falling length: all first elements, then all second ones, and so on.

    A batch that was packed from a padded one keeps that form too, for the recurrent layers and for
    :func:`pad_packed_sequence`; ``data`` is made when it is asked for.

    Attributes:
        data: the elements, ``(sum of lengths, *)``.
        batch_sizes: how many sequences reach each step; int64 on the CPU.
        sorted_indices: which sequence of the batch comes at each place.
        unsorted_indices: where each sequence of the batch is.
    """

    def __new__(
        cls,
        data: Any,
        batch_sizes: Tensor | None = None,
        sorted_indices: Tensor | None = None,
        unsorted_indices: Tensor | None = None,
    ) -> PackedSequence:
        if batch_sizes is None:
            # The older form: one pair.
            assert isinstance(data, (list, tuple)) and len(data) == 2, "Expected data to be a list or tuple of length 2"
            data, batch_sizes = data
        elif batch_sizes.device.type != "cpu":
            raise ValueError(
                "batch_sizes should always be on CPU. Instances of PackedSequence should never be created manually. "
                "They should be instantiated by functions like pack_sequence and pack_padded_sequences in nn.utils.rnn."
            )
        if unsorted_indices is None:
            unsorted_indices = invert_permutation(sorted_indices)
        return super().__new__(cls, data, batch_sizes, sorted_indices, unsorted_indices)  # type: ignore[call-arg]

    _padded: Padded | None = None
    _rows: Any = None

    @classmethod
    def from_padded(
        cls, padded: Padded, batch_sizes: Tensor, sorted_indices: Tensor | None, unsorted_indices: Tensor | None
    ) -> PackedSequence:
        """The packed batch of a padded one."""
        if unsorted_indices is None:
            unsorted_indices = invert_permutation(sorted_indices)
        self = tuple.__new__(cls, (None, batch_sizes, sorted_indices, unsorted_indices))
        self._padded = padded
        return self

    @property
    def data(self) -> Tensor:  # type: ignore[override]
        if self._padded is None:
            return tuple.__getitem__(self, 0)  # type: ignore[return-value]
        if self._rows is None:
            self._rows = self._padded.rows()
        return self._rows

    def __iter__(self) -> Iterator[Any]:
        return iter((self.data, self.batch_sizes, self.sorted_indices, self.unsorted_indices))

    def __getitem__(self, index: Any) -> Any:
        return tuple(self)[index]

    def __repr__(self) -> str:
        fields = zip(self._fields, self)
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in fields)})"

    @property
    def _values(self) -> Tensor:
        """The elements, in either form."""
        return self.data if self._padded is None else self._padded.values

    def _with_data(self, convert: Callable[[Tensor], Tensor]) -> PackedSequence:
        data = convert(self._values)
        if data is self._values:
            return self

        def move(indices: Tensor | None) -> Tensor | None:
            return None if indices is None else indices.to(data.device)

        rest = self.batch_sizes, move(self.sorted_indices), move(self.unsorted_indices)
        if self._padded is not None:
            return self.from_padded(self._padded.with_values(data), *rest)
        return type(self)(data, *rest)

    def to(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """The batch moved or converted as ``Tensor.to`` does; itself if nothing changes."""
        return self._with_data(lambda data: data.to(*args, **kwargs))

    def cuda(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """The batch on an accelerator."""
        return self._with_data(lambda data: data.cuda(*args, **kwargs))

    def cpu(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """The batch on the CPU."""
        return self._with_data(lambda data: data.cpu(*args, **kwargs))

    def pin_memory(self) -> PackedSequence:
        """The batch in page-locked memory."""
        return self._with_data(lambda data: data.pin_memory())

    def double(self) -> PackedSequence:
        """The batch in float64."""
        return self.to(dtype=torch.double)

    def float(self) -> PackedSequence:
        """The batch in float32."""
        return self.to(dtype=torch.float)

    def half(self) -> PackedSequence:
        """The batch in float16."""
        return self.to(dtype=torch.half)

    def long(self) -> PackedSequence:
        """The batch in int64."""
        return self.to(dtype=torch.long)

    def int(self) -> PackedSequence:
        """The batch in int32."""
        return self.to(dtype=torch.int)

    def short(self) -> PackedSequence:
        """The batch in int16."""
        return self.to(dtype=torch.short)

    def char(self) -> PackedSequence:
        """The batch in int8."""
        return self.to(dtype=torch.int8)

    def byte(self) -> PackedSequence:
        """The batch in uint8."""
        return self.to(dtype=torch.uint8)

    @property
    def is_cuda(self) -> bool:
        """Whether the batch is on an accelerator."""
        return self._values.is_cuda

    def is_pinned(self) -> bool:
        """Whether the batch is in page-locked memory."""
        return self._values.is_pinned()


def invert_permutation(permutation: Tensor | None) -> Tensor | None:
    """The permutation that undoes ``permutation``; ``None`` stays so."""
    if permutation is None:
        return None
    output = torch.empty_like(permutation)
    output.scatter_(0, permutation, torch.arange(0, permutation.numel(), device=permutation.device))
    return output


def pack_padded_sequence(
    input: Tensor, lengths: Tensor | Sequence[int], batch_first: bool = False, enforce_sorted: bool = True
) -> PackedSequence:
    """A padded batch without its padding.

    Args:
        input: ``(T, N, *)``, or with ``batch_first`` ``(N, T, *)``.
        lengths: of the N sequences; on the CPU.
        batch_first: see ``input``.
        enforce_sorted: whether the sequences have to be sorted by falling length already.
    """
    if not isinstance(lengths, Tensor):
        lengths = torch.as_tensor(lengths, dtype=torch.int64, device="cpu")
    elif lengths.device.type != "cpu":
        raise RuntimeError(
            "'lengths' argument should be a 1D CPU int64 tensor, but got "
            f"{lengths.dim()}D {lengths.device} {lengths.dtype} tensor"
        )
    sizes = lengths.to(torch.int64).tolist()
    if enforce_sorted:
        sorted_indices = None
    else:
        order = np.argsort(-np.array(sizes, np.int64), kind="stable")
        sizes = [sizes[i] for i in order]
        sorted_indices = torch.tensor(order, device=input.device)
        input = input.index_select(0 if batch_first else 1, sorted_indices)
    if input.numel() == 0:
        raise RuntimeError("Cannot pack empty tensors.")
    if batch_first:
        input = input.transpose(0, 1)
    if len(sizes) != input.size(1):
        raise RuntimeError(
            f"Expected `len(lengths)` to be equal to batch_size, but got {len(sizes)} (batch_size={input.size(1)})"
        )
    if any(size <= 0 for size in sizes):
        raise RuntimeError(
            "Length of all samples has to be greater than 0, but found an element in 'lengths' that is <= 0"
        )
    if any(size < following for size, following in zip(sizes, sizes[1:])):
        raise RuntimeError(
            "`lengths` array must be sorted in decreasing order when `enforce_sorted` is True. You can pass "
            "`enforce_sorted=False` to pack_padded_sequence and/or pack_sequence to sidestep this requirement if "
            "you do not need ONNX exportability."
        )
    batch_sizes = [sum(size > step for size in sizes) for step in range(sizes[0])]
    padded = Padded(input, sizes)
    steps = torch.tensor(batch_sizes, dtype=torch.int64)
    if sizes[0] > input.size(0):  # PyTorch takes what there is
        return PackedSequence(padded.rows(), steps, sorted_indices, None)
    return PackedSequence.from_padded(padded, steps, sorted_indices, None)


def constant_runs(batch_sizes: Sequence[int]) -> list[tuple[int, int, int]]:
    """``(start, stop, size)`` of the stretches of steps over which the batch's size stays the same."""
    runs: list[tuple[int, int, int]] = []
    for step, size in enumerate(batch_sizes):
        if runs and runs[-1][2] == size:
            runs[-1] = (runs[-1][0], step + 1, size)
        else:
            runs.append((step, step + 1, size))
    return runs


def pad_packed_sequence(
    sequence: PackedSequence, batch_first: bool = False, padding_value: float = 0.0, total_length: int | None = None
) -> tuple[Tensor, Tensor]:
    """A packed batch with padding, and the sequences' lengths, both in the batch's own order.

    Args:
        sequence: the packed batch.
        batch_first: whether the result is ``(N, T, *)`` rather than ``(T, N, *)``.
        padding_value: the padding.
        total_length: T; the longest length if left out.
    """
    batch_sizes = sequence.batch_sizes.tolist()
    longest = len(batch_sizes)
    if total_length is None:
        total_length = longest
    elif total_length < longest:
        raise ValueError(
            "Expected total_length to be at least the length of the longest sequence in input, "
            f"but got total_length={total_length} and max sequence length being {longest}"
        )
    batch = batch_sizes[0]
    if sequence._padded is not None:
        padded = _lengthened(sequence._padded.filled(padding_value), total_length, padding_value)
    else:
        padded = _padded_rows(sequence.data, batch_sizes, total_length, padding_value)
    lengths = torch.tensor([sum(size > place for size in batch_sizes) for place in range(batch)], dtype=torch.int64)
    if batch_first:
        padded = padded.transpose(0, 1)
    if sequence.unsorted_indices is not None:
        padded = padded.index_select(0 if batch_first else 1, sequence.unsorted_indices)
        lengths = lengths[sequence.unsorted_indices.cpu()]
    return padded, lengths


def _lengthened(padded: Tensor, length: int, padding_value: float) -> Tensor:
    """``(T, N, *)`` with T cut or padded to ``length``."""
    missing = length - padded.size(0)
    if missing <= 0:
        return padded[:length] if missing else padded
    return torch.cat([padded, padded.new_full((missing, *padded.shape[1:]), padding_value)])


def _padded_rows(data: Tensor, batch_sizes: list[int], length: int, padding_value: float) -> Tensor:
    """Packed elements as ``(length, N, *)``."""
    batch = batch_sizes[0]
    pieces = []
    row = 0
    for start, stop, size in constant_runs(batch_sizes):
        rows = (stop - start) * size
        piece = data[row : row + rows].reshape(stop - start, size, *data.shape[1:])
        row += rows
        if size < batch:
            filler = data.new_full((stop - start, batch - size, *data.shape[1:]), padding_value)
            piece = torch.cat([piece, filler], dim=1)
        pieces.append(piece)
    return _lengthened(torch.cat(pieces), length, padding_value)


def pad_sequence(
    sequences: Tensor | Iterable[Tensor],
    batch_first: bool = False,
    padding_value: float = 0.0,
    padding_side: str = "right",
) -> Tensor:
    """Tensors ``(L, *)`` of unequal L stacked along a new dimension, padded to the longest.

    Args:
        sequences: the tensors.
        batch_first: whether the result is ``(N, T, *)`` rather than ``(T, N, *)``.
        padding_value: the padding.
        padding_side: ``"right"`` or ``"left"``.
    """
    if isinstance(sequences, Tensor):
        sequences = sequences.unbind(0)
    elif not isinstance(sequences, Iterable):
        raise RuntimeError(
            f"pad_sequence: Expected iterable for input sequences, but got arg of type: {type(sequences)}"
        )
    sequences = tuple(sequences)
    if not sequences:
        raise RuntimeError("received an empty list of sequences")
    if padding_side not in ("left", "right"):
        raise RuntimeError(f"Expected padding_side to be one of left or right, but got {padding_side}.")
    for sequence in sequences:
        for dim, (given, size) in enumerate(zip(sequence.shape[1:], sequences[0].shape[1:]), start=1):
            if given != size:
                raise RuntimeError(
                    f"The size of tensor a ({size}) must match the size of tensor b ({given}) "
                    f"at non-singleton dimension {dim}"
                )
    longest = max(sequence.size(0) for sequence in sequences)
    rows = []
    for sequence in sequences:
        missing = longest - sequence.size(0)
        if missing:
            filler = sequence.new_full((missing, *sequence.shape[1:]), padding_value)
            sequence = torch.cat([sequence, filler] if padding_side == "right" else [filler, sequence])
        rows.append(sequence)
    return torch.stack(rows, dim=0 if batch_first else 1)


def unpad_sequence(padded_sequences: Tensor, lengths: Tensor, batch_first: bool = False) -> list[Tensor]:
    """The sequences of a padded batch, each of its own length.

    Args:
        padded_sequences: ``(T, N, *)``, or with ``batch_first`` ``(N, T, *)``.
        lengths: of the N sequences.
        batch_first: see ``padded_sequences``.
    """
    if not batch_first:
        padded_sequences = padded_sequences.transpose(0, 1)
    return [sequence[:length] for sequence, length in zip(padded_sequences, lengths.tolist())]


def pack_sequence(sequences: Sequence[Tensor], enforce_sorted: bool = True) -> PackedSequence:
    """Tensors ``(L, *)`` of unequal L as a packed batch.

    Args:
        sequences: the tensors.
        enforce_sorted: whether they have to be sorted by falling length already.
    """
    lengths = torch.as_tensor([sequence.size(0) for sequence in sequences])
    return pack_padded_sequence(pad_sequence(sequences), lengths, enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences: PackedSequence) -> list[Tensor]:
    """The sequences of a packed batch, each of its own length."""
    padded, lengths = pad_packed_sequence(packed_sequences, batch_first=True)
    return unpad_sequence(padded, lengths, batch_first=True)
