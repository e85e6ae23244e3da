"""What L-BFGS remembers: its last differences of gradients and its last steps, as two matrices.

The matrices have room for more rows than are in use, and the number in use is an input of the recorded op, so that an
iteration records the same op whatever the number of iterations before it.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import torchax_lite as torch

from ._record import multi_tensor_results

ROOM = 1 << 22
"""Numbers for which memory is taken at once; beyond, the rows double when they are full."""


def dot(a: jax.Array, b: jax.Array) -> jax.Array:
    """Inner product of two vectors."""
    return jnp.dot(a, b, precision=jax.lax.Precision.HIGHEST)


def first_direction(columns: list[list[Any]], scalars: list[Any]) -> list[Any]:
    """``d = -g``, and ``[g . d, max |d|, sum |g|]``."""
    ((grad,),) = columns
    return [-grad, jnp.stack([dot(grad, -grad), jnp.max(jnp.abs(grad)), jnp.sum(jnp.abs(grad))])]


def next_direction(columns: list[list[Any]], scalars: list[Any], *, size: int) -> list[Any]:
    """The quasi-Newton direction ``d = -H g`` after taking the last step into the memory.

    Nocedal, *Updating quasi-Newton matrices with limited storage*, Mathematics of computation 35, 1980.

    Args:
        columns: one list of g, the gradient before it, d, differences, steps, ``1 / y.s``, alphas, H's diagonal.
        scalars: step length, rows in use.
        size: most rows that are kept.

    Returns:
        d, the four tables and the diagonal anew, and ``[g . d, max |d|, rows in use, 1 if memory changed]``.
    """
    ((grad, before, direction, differences, steps, inverse, alphas, diagonal),) = columns
    length, used = scalars[0].astype(grad.dtype), scalars[1].astype(jnp.int32)
    y, s = grad - before, direction * length
    product = dot(y, s)
    fresh = product > 1e-10
    full = used == size
    row = jnp.where(full, size - 1, used)

    def remember(table: Any, value: Any) -> Any:
        shifted = jnp.where(full, jnp.roll(table, -1, 0), table)
        return jnp.where(fresh, shifted.at[row].set(value, mode="drop"), table)

    differences, steps = remember(differences, y), remember(steps, s)
    inverse = remember(inverse, 1.0 / product)
    diagonal = jnp.where(fresh, product / dot(y, y), diagonal)
    used = jnp.minimum(used + fresh, size)

    def down(k: Any, carry: Any) -> Any:
        q, alphas = carry
        i = used - 1 - k
        alpha = dot(steps[i], q) * inverse[i]
        return q - alpha * differences[i], alphas.at[i].set(alpha)

    def up(i: Any, r: Any) -> Any:
        return r + (alphas[i] - dot(differences[i], r) * inverse[i]) * steps[i]

    q, alphas = jax.lax.fori_loop(0, used, down, (-grad, alphas))
    direction = jax.lax.fori_loop(0, used, up, q * diagonal)
    wide = jnp.promote_types(grad.dtype, jnp.float32)
    numbers = [dot(grad, direction), jnp.max(jnp.abs(direction)), used, fresh]
    told = jnp.stack([jnp.asarray(x).astype(wide) for x in numbers])
    return [direction, differences, steps, inverse, alphas, diagonal, told]


def _resized(columns: list[list[Any]], scalars: list[Any], *, rows: int) -> list[Any]:
    (tables,) = columns
    return [jnp.pad(table, [(0, rows - table.shape[0])] + [(0, 0)] * (table.ndim - 1)) for table in tables]


class Memory:
    """The tables of L-BFGS and their present use; in a state they are lists of rows, as PyTorch has them.

    Args:
        like: a vector of all parameters.
        size: most rows that are kept.
        state: the state to go on from.
    """

    def __init__(self, like: torch.Tensor, size: int, state: dict[str, Any]) -> None:
        rows = state.get("old_dirs") or []
        self.size = size
        self.used = len(rows)
        self.alphas_used = sum(alpha is not None for alpha in state.get("al", []))
        self.diagonal: Any = state.get("H_diag", 1)
        room = min(size, max(8, ROOM // max(1, like.numel())))
        while room < self.used:
            room *= 2
        self.rows = max(1, min(room, size))
        self.tables = [
            self._table(like, rows, like.shape),
            self._table(like, state.get("old_stps") or [], like.shape),
            self._table(like, state.get("ro") or [], ()),
            self._table(like, [alpha for alpha in state.get("al", []) if alpha is not None], ()),
        ]
        self.lists: list[Any] = [state.get(name) for name in ("old_dirs", "old_stps", "ro")]

    def _table(self, like: torch.Tensor, rows: list[Any], shape: Any) -> torch.Tensor:
        table = like.new_zeros((self.rows, *shape))
        if rows:
            table[: len(rows)] = torch.stack([torch.as_tensor(row).to(like) for row in rows])
        return table

    def direction(self, grad: Any, before: Any, direction: Any, length: Any) -> tuple[Any, tuple[Any, Any]]:
        """Take in the last step (``length * direction``, from the gradient ``before``); return the next direction.

        Returns:
            the direction, and ``[g . d, max |d|]``.
        """
        if self.used == self.rows < self.size:
            self.rows = min(2 * self.rows, self.size)
            self.tables = multi_tensor_results(_resized, [self.tables], (), (("rows", self.rows),))
        diagonal = self.diagonal if isinstance(self.diagonal, torch.Tensor) else grad.new_full((), self.diagonal)
        columns = [[grad, before, direction, *self.tables, diagonal]]
        scalars = (float(length), float(self.used))
        results = multi_tensor_results(next_direction, columns, scalars, (("size", self.size),))
        direction, *self.tables, diagonal, numbers = results
        slope, longest, used, fresh = host(numbers)
        self.used = int(used)
        self.alphas_used = max(self.alphas_used, self.used)
        if fresh:
            self.diagonal = diagonal
        return direction, (slope, longest)

    def alphas(self) -> list[Any]:
        """The factors of the latest direction, None where there was none yet."""
        return [self.tables[3][i] if i < self.alphas_used else None for i in range(self.size)]

    def save(self, state: dict[str, Any]) -> None:
        """Write the rows in use to a state."""
        names = ("old_dirs", "old_stps", "ro")
        self.lists = [[table[i] for i in range(self.used)] for table in self.tables[:3]]
        state.update(zip(names, self.lists))
        state["H_diag"] = self.diagonal

    def belongs_to(self, state: dict[str, Any], size: int) -> bool:
        """Whether this is what the state says: it was saved there and the state is no other since."""
        names = ("old_dirs", "old_stps", "ro")
        return (
            size == self.size
            and state.get("H_diag") is self.diagonal
            and all(state.get(name) is rows and len(rows) == self.used for name, rows in zip(names, self.lists))
        )


def host(numbers: torch.Tensor) -> np.ndarray:
    """The values of a small tensor, which ends the recorded program; float32 for bfloat16 and float16."""
    if numbers.dtype in (torch.bfloat16, torch.float16):
        numbers = numbers.float()
    return numbers.detach().cpu().numpy()
