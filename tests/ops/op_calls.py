"""Every declared op's samples as calls, for the tests and for the recorder of PyTorch's results."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from torchax_lite.ops import families  # noqa: F401  (fills the registry)
from torchax_lite.ops.registry import OPS, Op
from torchax_lite.ops.samples import Sample

SEED = 20
FEW = 3
"""Calls of each op that are recorded for dtypes other than float32."""


@dataclass
class Call:
    """One sample of one op."""

    op: Op
    index: int
    sample: Sample

    @property
    def label(self) -> str:
        shown = [a.shape if isinstance(a, np.ndarray) else a for a in self.sample.args]
        return f"{self.op.name}#{self.index}{tuple(shown)} {self.sample.kwargs or ''}"

    def arrays(self) -> list[np.ndarray]:
        """The array arguments, in order, lists flattened."""
        found: list[np.ndarray] = []
        for value in (*self.sample.args, *self.sample.kwargs.values()):
            found.extend(x for x in (value if isinstance(value, list) else [value]) if isinstance(x, np.ndarray))
        return found

    def checksum(self) -> int:
        """CRC of the arguments: tells whether the samples are still those that were recorded."""
        crc = zlib.crc32(repr([x for x in self.sample.args if not isinstance(x, (np.ndarray, list))]).encode())
        for x in self.arrays():
            crc = zlib.crc32(np.ascontiguousarray(x).tobytes(), crc)
        return crc

    def replaced(self, convert: Any) -> tuple[list[Any], dict[str, Any]]:
        """Arguments with every array passed through ``convert`` (and NumPy dtypes too)."""

        def one(value: Any) -> Any:
            if isinstance(value, list):
                return [one(x) for x in value]
            return convert(value) if isinstance(value, (np.ndarray, np.dtype)) else value

        return [one(a) for a in self.sample.args], {k: one(v) for k, v in self.sample.kwargs.items()}


def family_of(op: Op) -> str:
    """Name of the file that declares an op."""
    return op.body.__module__.rpartition(".")[2]


def family_names() -> list[str]:
    """The families that have ops with samples."""
    return sorted({family_of(op) for op in OPS.values() if op.samples is not None})


def calls(dtype: Any, family: str | None = None) -> Iterator[Call]:
    """The samples of every op (of a family) for a dtype; the same arrays in every process."""
    for name in sorted(OPS):
        op = OPS[name]
        if op.samples is None or (family is not None and family_of(op) != family):
            continue
        rng = np.random.default_rng([SEED, zlib.crc32(name.encode())])
        for index, sample in enumerate(op.samples(rng, np.dtype(dtype))):
            yield Call(op, index, sample)


def public_name(op: Op) -> str | None:
    """Where PyTorch has this op: ``torch.add``, ``torch.nn.functional.gelu``…; None for internal ops."""
    namespace = op.namespaces[0]
    if namespace == "_ops" or op.base.startswith("_"):
        return None
    if not op.function:
        return f"torch.Tensor.{op.base}"
    return f"torch.{op.base}" if namespace == "torch" else f"torch.{namespace}.{op.base}"


def cotangent(shape: tuple[int, ...], dtype: Any, index: int) -> np.ndarray:
    """A fixed random cotangent for the result of an index."""
    rng = np.random.default_rng([SEED, index])
    values = rng.standard_normal(shape)
    if np.dtype(dtype).kind == "c":
        values = values + 1j * rng.standard_normal(shape)
    return np.asarray(values).astype(dtype)


def numpy_dtype(name: str) -> np.dtype[Any]:
    """A NumPy dtype by name, ml_dtypes' included."""
    import ml_dtypes

    return np.dtype(getattr(ml_dtypes, name) if name == "bfloat16" else name)


def arguments(call: Call, convert: Any) -> dict[str, Any]:
    """The call's arguments by parameter name, defaults filled in, arrays and dtypes passed through ``convert``."""
    args, kwargs = call.replaced(convert)
    params = call.op.schema.params
    return {
        p.name: args[i] if i < len(args) else kwargs[p.name] if p.name in kwargs else p.default
        for i, p in enumerate(params)
    }


def grouped(op: Op, values: dict[str, Any]) -> tuple[list[Any], tuple[Any, ...], tuple[Any, ...]]:
    """Arguments as the dispatcher takes them: tensors, scalars, statics."""
    return (
        [values[p.name] for p in op.tensor_params],
        tuple(values[p.name] for p in op.scalar_params),
        tuple(values[p.name] for p in op.static_params),
    )
