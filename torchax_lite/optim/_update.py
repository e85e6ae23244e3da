"""``Update``: one parameter's update formula, mapped over lists of parameters.

A formula is a pure function of one parameter, its gradient and its state::

    formula(xp, *, param, grad, ..., lr, ..., flag) -> (new_param, new_state, ...)

``xp`` is :mod:`._arrays` when the whole list is recorded as one op, :mod:`._tensors` under ``differentiable=True``.
Rates are inputs of the recorded op, so that no new value of a rate or a step count makes a new program.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torchax_lite as torch

from . import _arrays, _tensors


class Update:
    """The update of an algorithm.

    Args:
        formula: see the module. State that is not in use is left out of its arguments.
        mutates: names of the arguments that its results replace, in order.
    """

    def __init__(self, formula: Callable[..., tuple], mutates: tuple[str, ...]) -> None:
        self.formula = formula
        self.mutates = mutates
        self.__name__ = formula.__name__
        self.__qualname__ = self.__name__
        self.__module__ = formula.__module__
        self.__doc__ = formula.__doc__

    def __call__(
        self,
        tensors: Sequence[Sequence[Any]],
        scalars: Sequence[Any],
        *,
        columns: tuple[str, ...],
        held: tuple[str, ...],
        shared: tuple[str, ...],
        each: tuple[str, ...],
        flags: tuple[tuple[str, Any], ...],
    ) -> list[list[Any]]:
        """Return the new arrays of each mutated column.

        Args:
            tensors: one list an entry of ``columns``, then one list of one array an entry of ``held``.
            scalars: the ``shared`` numbers, then the ``each`` numbers of every parameter in turn.
            columns, held, shared, each: argument names of the formula.
            flags: its switches.
        """
        split = len(columns)
        rates = {name: column[0].reshape(()).astype("float64") for name, column in zip(held, tensors[split:])}
        rates.update(zip(shared, scalars))
        own = scalars[len(shared) :]
        results = []
        for i, arrays in enumerate(zip(*tensors[:split])):
            numbers = dict(zip(each, own[i * len(each) : (i + 1) * len(each)]))
            results.append(self._new_values(dict(zip(columns, arrays)), {**rates, **numbers, **dict(flags)}))
        return [list(column) for column in zip(*results)]

    def _new_values(self, arrays: dict[str, Any], options: dict[str, Any]) -> list[Any]:
        """The new arrays of one parameter, in the order of ``mutates``."""
        reals = {name: _arrays.to_real(array) for name, array in arrays.items()}
        values = dict(zip(self.mutates, self.formula(_arrays, **reals, **options)))
        return [_arrays.from_real(values[name], arrays[name]) for name in self.mutates if name in arrays]

    def record(
        self,
        columns: Mapping[str, Sequence[torch.Tensor]],
        shared: Mapping[str, Any],
        each: Sequence[Mapping[str, float]],
        flags: Mapping[str, Any],
    ) -> None:
        """Record the update of a list of parameters as one op, which replaces their values and their state's.

        Args:
            columns: the lists of tensors by argument name, ``param`` first.
            shared: rates for all; a tensor among them is read within the program.
            each: every parameter's own numbers; one dict for all where they are equal.
            flags: the formula's switches.
        """
        from ._record import multi_tensor_update

        held, numbers = {}, {}
        for name, value in shared.items():
            if value.__class__ is not float and isinstance(value, torch.Tensor):
                held[name] = value
            else:
                numbers[name] = float(value)
        first = each[0]
        names: tuple[str, ...] = ()
        own: tuple[float, ...] = ()
        if all(entry is first for entry in each):
            numbers.update(first)
        else:
            names = tuple(first)
            own = tuple(value for entry in each for value in entry.values())
        place = columns["param"][0].device if held else None
        statics = (
            ("columns", tuple(columns)),
            ("held", tuple(held)),
            ("shared", tuple(numbers)),
            ("each", names),
            ("flags", tuple(flags.items())),
        )
        multi_tensor_update(
            self,
            [*columns.values(), *([rate.detach().to(place)] for rate in held.values())],
            (*numbers.values(), *own),
            statics,
            tuple(i for i, name in enumerate(columns) if name in self.mutates),
        )

    def differentiate(
        self,
        columns: Mapping[str, Sequence[torch.Tensor]],
        shared: Mapping[str, Any],
        each: Sequence[Mapping[str, Any]],
        flags: Mapping[str, Any],
    ) -> None:
        """Update by tensor operations that autograd sees; arguments as for :meth:`record`."""
        for i, tensors in enumerate(zip(*columns.values())):
            reals = {name: _tensors.to_real(tensor) for name, tensor in zip(columns, tensors)}
            new = self.formula(_tensors, **reals, **shared, **each[i], **flags)
            for name, value in zip(self.mutates, new):
                if name in reals:
                    reals[name].copy_(value)


class RowUpdate(Update):
    """The same formula on those rows of a parameter (and of its state) that its sparse gradient has.

    The gradient comes as two columns, ``indices`` (sparse dimensions, entries) and ``values``; entries with equal
    indices are summed first, within the program: no shape depends on the values of the indices.
    """

    def _new_values(self, arrays: dict[str, Any], options: dict[str, Any]) -> list[Any]:
        keys, rows = _arrays.merged_rows(arrays["indices"], arrays["values"], arrays["param"].shape)
        dense = {name: array for name, array in arrays.items() if name not in ("indices", "values")}
        split = arrays["indices"].shape[0]
        tables = {name: array.reshape(-1, *array.shape[split:]) for name, array in dense.items()}
        seen = {name: table.at[keys].get(mode="fill", fill_value=0) for name, table in tables.items()}
        new = zip(
            [name for name in self.mutates if name in dense],
            Update._new_values(self, {**seen, "grad": rows}, options),
        )
        return [
            tables[name].at[keys].set(value, mode="drop", unique_indices=True).reshape(dense[name].shape)
            for name, value in new
        ]


def update(*mutates: str) -> Callable[[Callable[..., tuple]], Update]:
    """Decorate a formula; its results replace the named arguments."""
    return lambda formula: Update(formula, mutates)
