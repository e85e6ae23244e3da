"""Random parameters and tensors for benchmarks."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

import torchax_lite as torch

__all__ = ["FuzzedParameter", "FuzzedTensor", "Fuzzer", "ParameterAlias"]


class ParameterAlias:
    """The value of another parameter, as a choice."""

    def __init__(self, alias_to: str) -> None:
        self.alias_to = alias_to

    def __repr__(self) -> str:
        return f"ParameterAlias[alias_to: {self.alias_to}]"


class FuzzedParameter:
    """A random number or choice.

    Args:
        name: of the parameter.
        minval, maxval: range of a number.
        distribution: ``"uniform"`` or ``"loguniform"`` over the range, or choices with their probabilities (a list
            gives all the same).
        strict: NaN-free arguments are checked.
    """

    def __init__(
        self, name: str, minval: int | float | None = None, maxval: int | float | None = None, distribution: Any = None,
        strict: bool = False,
    ) -> None:  # fmt: skip
        self._name = name
        self._low, self._high = minval, maxval
        self._strict = strict
        if distribution is None:
            raise AssertionError("Must specify distribution")
        if isinstance(distribution, str):
            if distribution not in ("uniform", "loguniform"):
                raise AssertionError("Unknown distribution")
            if minval is None or maxval is None:
                raise AssertionError("minval and maxval must be specified for a distribution over numbers")
            self._choices: Any = None
        else:
            if not isinstance(distribution, dict):
                distribution = dict.fromkeys(distribution, 1 / len(distribution))
            if abs(sum(distribution.values()) - 1) > 1e-6:
                raise AssertionError("probabilities of the choices must sum to 1")
            self._choices = distribution
        self._distribution = distribution

    @property
    def name(self) -> str:
        """The parameter's name."""
        return self._name

    def sample(self, state: np.random.RandomState) -> Any:
        """A random value."""
        if self._choices is not None:
            keys = list(self._choices)
            return keys[state.choice(len(keys), p=list(self._choices.values()))]
        low, high = self._low, self._high
        if self._distribution == "uniform":
            if isinstance(low, int) and isinstance(high, int):
                return int(state.randint(low, high + 1))
            return float(state.uniform(low, high))
        drawn = float(np.exp2(state.uniform(np.log2(low), np.log2(high))))  # type: ignore[arg-type]
        return round(drawn) if isinstance(low, int) and isinstance(high, int) else drawn


class FuzzedTensor:
    """A random tensor whose shape may name parameters.

    Args:
        name: of the tensor.
        size: dims, numbers or names. steps: strides of slices, likewise.
        probability_contiguous: otherwise the memory order is permuted.
        min_elements, max_elements, max_allocation_bytes: limits, or the sample is refused.
        dim_parameter: name of the number of dims used.
        roll_parameter, dtype, cuda, tensor_constructor: what they say.
    """

    def __init__(
        self, name: str, size: tuple[str | int, ...], steps: tuple[str | int, ...] | None = None,
        probability_contiguous: float = 0.5, min_elements: int | None = None, max_elements: int | None = None,
        max_allocation_bytes: int | None = None, dim_parameter: str | None = None, roll_parameter: str | None = None,
        dtype: Any = None, cuda: bool = False, tensor_constructor: Callable[..., Any] | None = None,
    ) -> None:  # fmt: skip
        self._name = name
        self._size, self._steps = size, steps
        self._probability_contiguous = probability_contiguous
        self._min_elements, self._max_elements = min_elements, max_elements
        self._max_allocation_bytes = max_allocation_bytes
        self._dim_parameter = dim_parameter
        self._dtype = torch.float32 if dtype is None else dtype
        self._cuda = cuda
        self._constructor = tensor_constructor

    @property
    def name(self) -> str:
        """The tensor's name."""
        return self._name

    def _resolve(self, params: dict[str, Any]) -> tuple[tuple[int, ...], tuple[int, ...]]:
        dim = len(self._size) if self._dim_parameter is None else params[self._dim_parameter]
        size = tuple(params.get(i, i) for i in self._size)[:dim]
        steps = tuple(params.get(i, i) for i in self._steps or ())[:dim]
        return size, steps + (1,) * (dim - len(steps))

    def satisfies_constraints(self, params: dict[str, Any]) -> bool:
        """Whether the limits hold for these parameters."""
        size, steps = self._resolve(params)
        elements = int(np.prod(size))
        allocated = int(np.prod([s * t for s, t in zip(size, steps, strict=True)])) * self._dtype.itemsize
        return not (
            (self._max_elements is not None and elements > self._max_elements)
            or (self._min_elements is not None and elements < self._min_elements)
            or (self._max_allocation_bytes is not None and allocated > self._max_allocation_bytes)
        )

    def _make_tensor(self, params: dict[str, Any], state: np.random.RandomState) -> tuple[Any, dict[str, Any]]:
        size, steps = self._resolve(params)
        allocated = tuple(s * t for s, t in zip(size, steps, strict=True))
        if self._constructor is not None:
            raw = self._constructor(size=allocated, dtype=self._dtype, **params)
        elif self._dtype.is_floating_point or self._dtype.is_complex:
            raw = torch.rand(allocated, dtype=self._dtype, device="cuda" if self._cuda else "cpu")
        else:
            raw = torch.randint(0, 127, allocated, dtype=self._dtype, device="cuda" if self._cuda else "cpu")
        order = np.arange(len(size))
        if state.rand() > self._probability_contiguous:
            while len(size) > 1 and np.all(order == np.arange(len(size))):
                order = state.permutation(raw.dim())
            raw = raw.permute(tuple(int(i) for i in order)).contiguous()
            raw = raw.permute(tuple(int(i) for i in np.argsort(order)))
        tensor = raw[tuple(slice(0, s * t, t) for s, t in zip(size, steps, strict=True))]
        return tensor, {
            "numel": tensor.numel(), "order": order, "steps": steps, "is_contiguous": tensor.is_contiguous(),
            "dtype": str(self._dtype),
        }  # fmt: skip


class Fuzzer:
    """Random parameters, and tensors of them, that fulfil constraints.

    Args:
        parameters, tensors: lists (lists of lists are joined).
        constraints: functions of the parameters by name that say whether a draw is taken.
        seed: of NumPy's generator; random by default.
    """

    def __init__(
        self, parameters: Sequence[Any], tensors: Sequence[Any], constraints: Sequence[Callable[..., bool]] | None = None,
        seed: int | None = None,
    ) -> None:  # fmt: skip
        def flat(xs: Sequence[Any]) -> list[Any]:
            return list(itertools.chain.from_iterable(x if isinstance(x, (list, tuple)) else (x,) for x in xs))

        self._seed = int(np.random.RandomState().randint(0, 2**31 - 1)) if seed is None else seed
        self._parameters, self._tensors = flat(parameters), flat(tensors)
        self._constraints = constraints or ()
        names = [x.name for x in (*self._parameters, *self._tensors)]
        if len(set(names)) != len(names):
            raise ValueError(f"Duplicate parameter names: {sorted({n for n in names if names.count(n) > 1})}")
        self._rejections = self._total_generated = 0

    @property
    def rejection_rate(self) -> float:
        """The share of draws that were refused."""
        return self._rejections / self._total_generated if self._total_generated else 0.0

    def _generate(self, state: np.random.RandomState) -> dict[str, Any]:
        for _ in range(1000):
            drawn = {p.name: p.sample(state) for p in self._parameters}
            for name, value in drawn.items():
                while isinstance(value, ParameterAlias):
                    value = drawn[value.alias_to]
                drawn[name] = value
            self._total_generated += 1
            if all(c(**drawn) for c in self._constraints) and all(
                t.satisfies_constraints(drawn) for t in self._tensors
            ):
                return drawn
            self._rejections += 1
        raise ValueError("Failed to generate a set of valid parameters.")

    def take(self, n: int) -> Iterator[tuple[dict[str, Any], dict[str, Any], dict[str, Any]]]:
        """``n`` draws: (tensors, their properties, parameters)."""
        state = np.random.RandomState(self._seed)
        for _ in range(n):
            params = self._generate(state)
            tensors, properties = {}, {}
            for t in self._tensors:
                tensors[t.name], properties[t.name] = t._make_tensor(params, state)
            yield tensors, properties, params
