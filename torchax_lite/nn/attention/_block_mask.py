"""``BlockMask``: which blocks of keys each block of queries looks at, wholly or in part."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any, NoReturn

import torchax_lite as torch
from torchax_lite import Tensor

MaskMod = Callable[..., Tensor]

BLOCK = 128
WHOLE = 1 << 30
"""The block size that stands for no blocks at all."""


def noop_mask(batch: Tensor, head: Tensor, token_q: Tensor, token_kv: Tensor) -> Tensor:
    """The mask that lets every query look at every key."""
    return batch.new_ones(size=(), dtype=torch.bool, device=batch.device)


def sliced_mask_mod(batch: Tensor, head: Tensor, token_q: Tensor, token_kv: Tensor) -> NoReturn:
    """The mask function of a part of a block mask: there is none until it is set."""
    raise RuntimeError(
        "Cannot use mask_mod from a sliced BlockMask. A part of a block mask has no mask function: set its mask_mod, "
        "from that of the whole block mask with its positions shifted."
    )


def dense(counts: Tensor, indices: Tensor) -> Tensor:
    """int32 zeros and ones ``(*, rows, columns)`` of the blocks that are listed.

    Args:
        counts: ``(*, rows)``, how many of a row's indices count.
        indices: ``(*, rows, columns)``, the columns of blocks, those that count first.
    """
    columns = indices.shape[-1]
    counted = torch.arange(columns, dtype=torch.int32, device=indices.device) < counts.unsqueeze(-1)
    at = torch.where(counted, indices, columns).to(torch.int64)  # what does not count goes to an extra column
    spare = torch.zeros(*indices.shape[:-1], columns + 1, dtype=torch.int32, device=indices.device)
    return spare.scatter(-1, at, 1)[..., :columns].contiguous()


def ordered(blocks: Tensor) -> tuple[Tensor, Tensor]:
    """Counts and indices (see :func:`dense`) of zeros and ones ``(*, rows, columns)``, both int32."""
    blocks = blocks.to(torch.int32)
    indices = torch.argsort(blocks, dim=-1, descending=True, stable=True)
    return blocks.sum(dim=-1).to(torch.int32), indices.to(torch.int32)


def _transposed(counts: Tensor | None, indices: Tensor | None) -> tuple[Tensor | None, Tensor | None]:
    """The same blocks listed by columns."""
    if counts is None or indices is None:
        return None, None
    return ordered(dense(counts, indices).transpose(-2, -1))


def _cropped(
    counts: Tensor | None, indices: Tensor | None, rows: int, columns: int
) -> tuple[Tensor | None, Tensor | None]:
    """The listed blocks of the first ``rows`` and ``columns``."""
    if counts is None or indices is None:
        return None, None
    counts, indices = counts[:, :, :rows].clamp(max=columns), indices[:, :, :rows, :columns]
    return (indices < counts.unsqueeze(-1)).sum(-1).to(torch.int32), indices


def _check_pairs(kv: tuple[Any, Any], q: tuple[Any, Any]) -> None:
    for name, (counts, indices) in (("kv", kv), ("q", q)):
        if (counts is None) != (indices is None):
            raise AssertionError(f"full_{name}_num_blocks and full_{name}_indices must be both provided or omitted")


_TENSORS = (
    "kv_num_blocks", "kv_indices", "full_kv_num_blocks", "full_kv_indices", "q_num_blocks", "q_indices",
    "full_q_num_blocks", "full_q_indices", "dq_write_order", "dq_write_order_full", "dq_kv_order",
)  # fmt: skip


class BlockMask:
    """A mask over queries and keys as lists of blocks, made by ``create_block_mask``.

    Attributes:
        seq_lengths: numbers of queries and of keys.
        kv_num_blocks: ``(B, H, rows)``, blocks of keys of which a row of queries sees some.
        kv_indices: ``(B, H, rows, columns)``, their numbers.
        full_kv_num_blocks, full_kv_indices: blocks of keys of which a row of queries sees all.
        q_num_blocks, q_indices, full_q_num_blocks, full_q_indices: the same listed by blocks of keys.
        BLOCK_SIZE: queries and keys of a block.
        mask_mod: ``(b, h, q_idx, kv_idx) -> bool``, the mask inside of partly seen blocks.
        dq_write_order, dq_write_order_full, dq_kv_order, dq_kv_order_spt: hints to kernels, kept.
    """

    seq_lengths: tuple[int, int]
    kv_num_blocks: Tensor
    kv_indices: Tensor
    full_kv_num_blocks: Tensor | None
    full_kv_indices: Tensor | None
    q_num_blocks: Tensor | None
    q_indices: Tensor | None
    full_q_num_blocks: Tensor | None
    full_q_indices: Tensor | None
    dq_write_order: Tensor | None
    dq_write_order_full: Tensor | None
    dq_kv_order: Tensor | None
    dq_kv_order_spt: bool | None
    BLOCK_SIZE: tuple[int, int]
    mask_mod: MaskMod

    def __init__(
        self, seq_lengths: tuple[int, int], kv_num_blocks: Tensor, kv_indices: Tensor,
        full_kv_num_blocks: Tensor | None, full_kv_indices: Tensor | None, q_num_blocks: Tensor | None,
        q_indices: Tensor | None, full_q_num_blocks: Tensor | None, full_q_indices: Tensor | None,
        BLOCK_SIZE: tuple[int, int] = (BLOCK, BLOCK), mask_mod: MaskMod = noop_mask, *,
        dq_write_order: Tensor | None = None, dq_write_order_full: Tensor | None = None,
        dq_kv_order: Tensor | None = None, dq_kv_order_spt: bool | None = None,
    ) -> None:  # fmt: skip
        if kv_indices.dim() < 2:
            raise RuntimeError("BlockMask must have at least 2 dimensions")
        _check_pairs((full_kv_num_blocks, full_kv_indices), (full_q_num_blocks, full_q_indices))
        if dq_write_order_full is not None and dq_write_order is None:
            raise ValueError("dq_write_order_full requires dq_write_order")
        given = locals()
        for name in (*_TENSORS, "seq_lengths", "dq_kv_order_spt", "BLOCK_SIZE", "mask_mod"):
            setattr(self, name, given[name])

    @classmethod
    def from_kv_blocks(
        cls, kv_num_blocks: Tensor, kv_indices: Tensor, full_kv_num_blocks: Tensor | None = None,
        full_kv_indices: Tensor | None = None, BLOCK_SIZE: int | tuple[int, int] = BLOCK,
        mask_mod: MaskMod | None = None, seq_lengths: tuple[int, int] | None = None, compute_q_blocks: bool = True, *,
        dq_write_order: Tensor | None = None, dq_write_order_full: Tensor | None = None,
        dq_kv_order: Tensor | bool | None = None,
    ) -> BlockMask:  # fmt: skip
        """The block mask of these lists by blocks of queries; those by blocks of keys are computed from them.

        Args:
            kv_num_blocks, kv_indices, full_kv_num_blocks, full_kv_indices, mask_mod: see the attributes.
            BLOCK_SIZE: of queries and keys, or one number for both.
            seq_lengths: numbers of queries and keys; by default those of all blocks.
            compute_q_blocks: whether the lists by blocks of keys are wanted.
            dq_write_order, dq_write_order_full, dq_kv_order: hints to kernels, kept.

        Raises:
            RuntimeError: the lists have too few dims.
            AssertionError: one list of a pair is missing.
        """
        if kv_indices.dim() < 2:
            raise RuntimeError("BlockMask must have at least 2 dimensions")
        _check_pairs((full_kv_num_blocks, full_kv_indices), (None, None))
        by_q: tuple[Any, ...] = (None, None, None, None)
        if compute_q_blocks:
            by_q = (*_transposed(kv_num_blocks, kv_indices), *_transposed(full_kv_num_blocks, full_kv_indices))
        block = (BLOCK_SIZE, BLOCK_SIZE) if isinstance(BLOCK_SIZE, int) else BLOCK_SIZE
        if seq_lengths is None:
            seq_lengths = (kv_indices.shape[-2] * block[0], kv_indices.shape[-1] * block[1])
        if dq_kv_order is not None and not isinstance(dq_kv_order, (bool, Tensor)):
            raise ValueError("dq_kv_order must be a bool, Tensor, or None")
        return cls(
            seq_lengths, kv_num_blocks, kv_indices, full_kv_num_blocks, full_kv_indices, *by_q, BLOCK_SIZE=block,
            mask_mod=noop_mask if mask_mod is None else mask_mod, dq_write_order=dq_write_order,
            dq_write_order_full=dq_write_order_full,
            dq_kv_order=dq_kv_order if isinstance(dq_kv_order, Tensor) else None,
            dq_kv_order_spt=dq_kv_order if isinstance(dq_kv_order, bool) else None,
        )  # fmt: skip

    def as_tuple(self, flatten: bool = True) -> tuple[Any, ...]:
        """Lengths, lists, hints, block size and mask function; pairs of sizes as one item without ``flatten``."""
        lengths: tuple[Any, ...] = self.seq_lengths if flatten else (self.seq_lengths,)
        block: tuple[Any, ...] = self.BLOCK_SIZE if flatten else (self.BLOCK_SIZE,)
        values = (getattr(self, name) for name in (*_TENSORS, "dq_kv_order_spt"))
        return (*lengths, *values, *block, self.mask_mod)

    @property
    def shape(self) -> tuple[int, ...]:
        """``(B, H, queries, keys)``."""
        return (*self.kv_indices.shape[:-2], *self.seq_lengths)

    def numel(self) -> int:
        """The number of elements of the whole mask."""
        return math.prod(self.shape)

    def sparsity(self) -> float:
        """The percentage of elements that lie in no block; below zero where the last blocks reach out."""
        computed = self.kv_num_blocks.sum()
        if self.full_kv_num_blocks is not None:
            computed = computed + self.full_kv_num_blocks.sum()
        return 100 * (1 - computed.item() * self.BLOCK_SIZE[0] * self.BLOCK_SIZE[1] / self.numel())

    def to_dense(self) -> Tensor:
        """int32 ``(B, H, rows, columns)``: 1 for each block that is seen."""
        blocks = dense(self.kv_num_blocks, self.kv_indices)
        if self.full_kv_num_blocks is None or self.full_kv_indices is None:
            return blocks
        return blocks | dense(self.full_kv_num_blocks, self.full_kv_indices)

    def to_string(self, grid_size: int | tuple[int, int] = (20, 20), limit: int = 4) -> str:
        """A picture for each batch and head: seen, not seen, or in part.

        Args:
            grid_size: rows and columns at most; -1 for all.
            limit: pictures at most.
        """
        blocks = self.to_dense()
        *batch, rows, columns = blocks.shape
        most = (grid_size, grid_size) if isinstance(grid_size, int) else grid_size
        steps = [max(1, -(-n // m)) for n, m in zip((rows, columns), most, strict=True)]
        values = blocks.numpy()
        pictures = []
        for count, at in enumerate(itertools.product(*map(range, batch))):
            if count == limit:
                pictures += [
                    "...", "To print out more, set BlockMask.to_string(limit=N)",
                    "You can also index (BlockMask[batch, head]) to choose a specific batch or head",
                ]  # fmt: skip
                break
            lines = [str(at)]
            for r in range(0, rows, steps[0]):
                cells = (values[at][r : r + steps[0], c : c + steps[1]].mean() for c in range(0, columns, steps[1]))
                lines.append("".join(2 * ("█" if cell == 1 else " " if cell == 0 else "░") for cell in cells))
            pictures.append("\n".join(lines) + "\n")
        return "\n".join(pictures)

    def __str__(self) -> str:
        return f"BlockMask(shape={self.shape}, sparsity={self.sparsity():.2f}%, \n{self.to_string().strip()}\n)"

    def __repr__(self) -> str:
        shapes = [f"    {name}={getattr(getattr(self, name), 'shape', None)},\n" for name in _TENSORS[:8]]
        return (
            f"BlockMask(\n{''.join(shapes)}    BLOCK_SIZE={self.BLOCK_SIZE},\n    shape={self.shape},\n"
            f"    sparsity={self.sparsity():.2f}%,\n    mask_mod={getattr(self.mask_mod, '__name__', self.mask_mod)}\n)"
        )

    def __getitem__(self, index: Any) -> BlockMask:
        """The part at these batches, heads and rows of blocks; its ``mask_mod`` has to be set anew."""
        if self.dq_kv_order is not None or self.dq_write_order is not None:
            raise NotImplementedError("Slicing BlockMask with dq_write_order or tensor dq_kv_order is not supported.")
        index = index if isinstance(index, tuple) else (index,)
        at = tuple(
            slice(i + n, i + n + 1) if isinstance(i, int) and -n <= i < 0 else slice(i, i + 1) if type(i) is int else i
            for i, n in zip((*index, slice(None), slice(None), slice(None))[:3], self.kv_num_blocks.shape, strict=False)
        )
        lists = (self.kv_num_blocks, self.kv_indices, self.full_kv_num_blocks, self.full_kv_indices)
        return BlockMask.from_kv_blocks(
            *(None if t is None else t[at] for t in lists), BLOCK_SIZE=self.BLOCK_SIZE, mask_mod=sliced_mask_mod,
            seq_lengths=self.seq_lengths, compute_q_blocks=self.q_indices is not None,
            dq_kv_order=self.dq_kv_order_spt,
        )  # type: ignore[arg-type]  # fmt: skip

    def _adjust(self, new_q_len: int, new_kv_len: int) -> BlockMask:
        """The upper left part for fewer queries and keys."""
        if self.dq_kv_order is not None or self.dq_write_order is not None:
            raise NotImplementedError("Adjusting BlockMask with dq_write_order or tensor dq_kv_order is not supported.")
        size = [-(-n // block) for n, block in zip((new_q_len, new_kv_len), self.BLOCK_SIZE, strict=True)]
        return self.from_kv_blocks(
            *_cropped(self.kv_num_blocks, self.kv_indices, *size),
            *_cropped(self.full_kv_num_blocks, self.full_kv_indices, *size), BLOCK_SIZE=self.BLOCK_SIZE,
            mask_mod=self.mask_mod, seq_lengths=(new_q_len, new_kv_len),
            compute_q_blocks=self.q_indices is not None, dq_kv_order=self.dq_kv_order_spt,
        )  # type: ignore[arg-type]  # fmt: skip

    def to(self, device: Any) -> BlockMask:
        """The block mask with its tensors on ``device``."""
        moved = object.__new__(type(self))
        moved.__dict__.update(self.__dict__)
        for name in _TENSORS:
            value = getattr(self, name)
            if value is not None:
                setattr(moved, name, value.to(device))
        return moved
