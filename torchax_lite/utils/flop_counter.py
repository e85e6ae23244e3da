"""``FlopCounterMode``: floating-point operations of matrix products, convolutions and attention, by module.

A multiplication and an addition count as two. Backward passes count for the calls that ran inside the block.
"""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import torchax_lite as torch

from ..tensor import dispatch, op_interception
from .module_tracker import ModuleTracker

__all__ = ["FlopCounterMode", "flop_registry", "register_flop_formula"]

_Shape = Sequence[int]
flop_registry: dict[Any, Callable[..., int]] = {}
"""Formulas of ops that users registered, and of those that are counted by themselves."""


class _Name(str):
    """The name of an op of PyTorch where ``torch.ops`` does not have it."""


def packet(name: str) -> Any:
    """``torch.ops.aten.<name>``."""
    namespace = getattr(torch, "ops", None)
    found = None if namespace is None else getattr(namespace.aten, name, None)
    return _Name(f"aten.{name}") if found is None else found


def register_flop_formula(targets: Any, get_raw: bool = False) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """Decorator: the flops of ops (or of names of ops) as a function of their arguments' shapes and ``out_shape``.

    Args:
        targets: an op, or a list of ops.
        get_raw: give the formula the arguments themselves, and ``out_val``.
    """

    def register(formula: Callable[..., int]) -> Callable[..., int]:
        def by_value(*args: Any, out_val: Any = None, **kwargs: Any) -> int:
            if get_raw:
                return formula(*args, out_val=out_val, **kwargs)
            return formula(*map(_shape, args), out_shape=_shape(out_val), **{k: _shape(v) for k, v in kwargs.items()})

        for target in targets if isinstance(targets, (list, tuple)) else [targets]:
            flop_registry[target] = by_value
        return formula

    return register


def _shape(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return value.shape
    return (
        [_shape(v) for v in value] if isinstance(value, (list, tuple)) and not isinstance(value, torch.Size) else value
    )


def mm_flop(a_shape: _Shape, b_shape: _Shape, *args: Any, out_shape: Any = None, **kwargs: Any) -> int:
    """``(m, k) @ (k, n)``: 2 m k n."""
    return a_shape[0] * a_shape[1] * b_shape[1] * 2


def addmm_flop(self_shape: Any, a_shape: _Shape, b_shape: _Shape, out_shape: Any = None, **kwargs: Any) -> int:
    """As :func:`mm_flop`."""
    return mm_flop(a_shape, b_shape)


def bmm_flop(a_shape: _Shape, b_shape: _Shape, out_shape: Any = None, **kwargs: Any) -> int:
    """``(b, m, k) @ (b, k, n)``: 2 b m k n."""
    return a_shape[0] * a_shape[1] * a_shape[2] * b_shape[2] * 2


def baddbmm_flop(self_shape: Any, a_shape: _Shape, b_shape: _Shape, out_shape: Any = None, **kwargs: Any) -> int:
    """As :func:`bmm_flop`."""
    return bmm_flop(a_shape, b_shape)


def conv_flop_count(x_shape: _Shape, w_shape: _Shape, out_shape: _Shape, transposed: bool = False) -> int:
    """``(n, c, *)`` with ``(out, in, *)``: 2 n times the weights times the places that they are used at."""
    places = (x_shape if transposed else out_shape)[2:]
    return prod(places) * prod(w_shape) * x_shape[0] * 2


def sdpa_flop_count(query_shape: _Shape, key_shape: _Shape, value_shape: _Shape) -> int:
    """Attention ``(b, h, q, d)``, ``(b, h, k, d)``, ``(b, h, k, v)``: two products."""
    b, h, q, d = query_shape
    k, v = key_shape[-2], value_shape[-1]
    return 2 * b * h * q * d * k + 2 * b * h * q * k * v


class _Count:
    """What one call costs: its name and flops forward, and what each of its inputs' gradients costs."""

    def __init__(self, name: Any, flops: int, backward: Any, gradients: Sequence[int]) -> None:
        self.name, self.flops, self.backward, self.gradients = name, flops, backward, gradients


def _product(a: Any, b: Any, out: Any) -> _Count | None:
    """``torch.matmul``: PyTorch counts what it becomes (``mm`` or ``bmm``; products with vectors on the right are free)."""
    if b.dim() == 1:
        return None
    flops = 2 * prod(out.shape) * a.shape[-1]
    name = packet("mm" if b.dim() == 2 and a.dim() != 0 else "bmm")
    return _Count(name, flops, name, (flops, flops))


def _einsum(operands: Sequence[Any], equation: str) -> _Count | None:
    if len(operands) != 2:
        return None
    inputs, _, output = equation.partition("->")
    sizes: dict[str, int] = {}
    for letters, t in zip(inputs.split(","), operands, strict=True):
        for c, n in zip(letters, t.shape, strict=True):
            sizes[c] = max(n, sizes.get(c, 1))
    if set(sizes) <= set(output):
        return None
    flops = 2 * prod(sizes.values())
    return _Count(packet("bmm"), flops, packet("bmm"), (flops, flops))


def _measure(op: Any, tensors: Sequence[Any], statics: Sequence[Any], result: Any) -> _Count | None:
    base = op.base
    if base == "mm":
        flops = mm_flop(tensors[0].shape, tensors[1].shape)
        return _Count(packet("mm"), flops, packet("mm"), (flops, flops))
    if base == "addmm":
        flops = mm_flop(tensors[1].shape, tensors[2].shape)
        return _Count(packet("addmm"), flops, packet("mm"), (0, flops, flops))
    if base == "bmm":
        flops = bmm_flop(tensors[0].shape, tensors[1].shape)
        return _Count(packet("bmm"), flops, packet("bmm"), (flops, flops))
    if base == "baddbmm":
        flops = bmm_flop(tensors[1].shape, tensors[2].shape)
        return _Count(packet("baddbmm"), flops, packet("bmm"), (0, flops, flops))
    if base == "matmul":
        return _product(tensors[0], tensors[1], result)
    if base == "einsum":
        return _einsum(tensors[0], statics[0])
    if base == "convolution":
        named = {p.name: v for p, v in zip(op.static_params, statics, strict=True)}
        flops = conv_flop_count(tensors[0].shape, tensors[1].shape, result.shape, bool(named.get("transposed")))
        weight = flops * int(named.get("groups") or 1)
        return _Count(packet("convolution"), flops, packet("convolution_backward"), (flops, weight, 0))
    if base == "scaled_dot_product_attention_masked" and tensors[0].device.type != "cpu":
        shapes = [t.shape for t in tensors[:3]]
        flops = sdpa_flop_count(*shapes)
        half = flops // 2
        name = packet("_scaled_dot_product_flash_attention")
        return _Count(name, flops, packet("_scaled_dot_product_flash_attention_backward"), (half * 2, half * 2, half))
    return None


_SUFFIXES = ("", "K", "M", "B", "T")


def get_suffix_str(number: int) -> str:
    """The unit that a number is best shown in: one that leaves at least a few digits."""
    index = max(0, min(len(_SUFFIXES) - 1, (len(str(number)) - 2) // 3))
    return _SUFFIXES[index]


def convert_num_with_suffix(number: int, suffix: str) -> str:
    """A number in a unit, with three decimals."""
    return f"{number / 1000 ** _SUFFIXES.index(suffix):.3f}{suffix}"


def convert_to_percent_str(num: int, denom: int) -> str:
    """A share in per cent."""
    return "0%" if denom == 0 else f"{num / denom:.2%}"


class FlopCounterMode:
    """Context manager that counts flops.

    Args:
        mods: not needed any more.
        depth: of the modules in the table.
        display: print the table at the end.
        custom_mapping: op -> formula, in addition to :data:`flop_registry`.
    """

    def __init__(
        self, mods: Any = None, depth: int = 2, display: bool = True, custom_mapping: dict[Any, Any] | None = None
    ) -> None:
        if mods is not None:
            warnings.warn("mods argument is not needed anymore, you can stop passing it", stacklevel=2)
        self.flop_counts: dict[str, dict[Any, int]] = defaultdict(lambda: defaultdict(int))
        self.depth = depth
        self.display = display
        self.mod_tracker = ModuleTracker()
        self.flop_registry = {**flop_registry, **(custom_mapping or {})}

    def get_total_flops(self) -> int:
        """The sum of everything."""
        return sum(self.flop_counts["Global"].values())

    def get_flop_counts(self) -> dict[str, dict[Any, int]]:
        """Module -> op -> flops; ``"Global"`` is everything."""
        return {k: dict(v) for k, v in self.flop_counts.items()}

    def get_table(self, depth: int | None = None) -> str:
        """The counts as a table, modules down to a depth."""
        depth = 999999 if depth is None else depth
        total = self.get_total_flops()
        unit = get_suffix_str(total)
        inside = False
        rows: list[list[str]] = []

        def lines(name: str, level: int) -> list[list[str]]:
            nonlocal inside
            flops = sum(self.flop_counts[name].values())
            inside = inside or flops >= total
            pad = " " * level
            made = [[pad + name, convert_num_with_suffix(flops, unit), convert_to_percent_str(flops, total)]]
            for op, count in self.flop_counts[name].items():
                made.append(
                    [f"{pad} - {op}", convert_num_with_suffix(count, unit), convert_to_percent_str(count, total)]
                )
            return made

        for name in sorted(self.flop_counts):
            if name != "Global" and name.count(".") + 1 <= depth:
                rows += [["  " * (name.count(".") + 1) + r[0], *r[1:]] for r in lines(name, 0)]
        if "Global" in self.flop_counts and not inside:
            rows = lines("Global", 0) + rows
        if not rows:
            rows = [["Global", "0", "0%"]]
        return _table(["Module", "FLOP", "% Total"], rows)

    def __enter__(self) -> FlopCounterMode:
        self.flop_counts.clear()
        self.mod_tracker.__enter__()
        self._open = True
        op_interception.push(self._handle)
        return self

    def __exit__(self, *args: object) -> None:
        op_interception.pop(self._handle)
        self._open = False
        self.mod_tracker.__exit__()
        if self.display:
            print(self.get_table(self.depth))

    def _add(self, parents: Any, name: Any, flops: int) -> None:
        for parent in parents:
            self.flop_counts[parent][name] += flops

    def _handle(self, op: Any, tensors: Any, scalars: Any, statics: Any) -> Any:
        result = dispatch.call(op, tensors, scalars, statics)
        parents = tuple(self.mod_tracker.parents)
        formula = self._formula(op)
        if formula is not None:
            self._add(parents, packet(op.base), formula(*tensors, *scalars, *statics, out_val=result))
            return result
        count = _measure(op, tensors, statics, result)
        if count is None:
            return result
        self._add(parents, count.name, count.flops)
        node = result.grad_fn if isinstance(result, torch.Tensor) else None
        if node is not None:

            def before(_: Any) -> None:
                costs = [c for c, edge in zip(count.gradients, node._edges, strict=False) if edge is not None]
                if self._open and sum(costs):
                    self._add(parents, count.backward, sum(costs))

            node.register_prehook(before)
        return result

    def _formula(self, op: Any) -> Any:
        if not self.flop_registry:
            return None
        name = packet(op.base)
        return self.flop_registry.get(name) or self.flop_registry.get(getattr(name, "default", None))


def _table(header: list[str], rows: list[list[str]]) -> str:
    widths = [max(len(r[i]) for r in [header, *rows]) for i in range(len(header))]

    def line(cells: list[str]) -> str:
        first = cells[0].ljust(widths[0])
        return "  ".join([first, *(c.rjust(w) for c, w in zip(cells[1:], widths[1:], strict=True))])

    return "\n".join([line(header), "  ".join("-" * w for w in widths), *map(line, rows)])
