"""Gamma and Dirichlet samples from PyTorch's CPU stream."""

import math
from collections.abc import Callable, Iterator

import numpy as np

from .checks import not_implemented
from .mt19937 import CPUGenerator

__all__ = ["dirichlet", "standard_gamma"]

_FLOATS = (np.dtype(np.float32), np.dtype(np.float64))
_THIRD = float(np.float32(1) / np.float32(3))
_SQUEEZE = float(np.float32(0.0331))  # PyTorch's constants of the method are float32


def standard_gamma(generator: CPUGenerator, concentration: np.ndarray) -> np.ndarray:
    """Gamma samples of rate 1 for a flat array of concentrations, at least the dtype's smallest normal number.

    Marsaglia and Tsang's rejection (2000), in float64; a concentration below 1 is raised by one and the sample
    multiplied by a power of a further uniform.
    """
    dtype = _float_dtype(concentration, "gamma_cpu")
    return np.maximum(_samples(generator, concentration).astype(dtype), np.finfo(dtype).tiny)


def dirichlet(generator: CPUGenerator, concentration: np.ndarray) -> np.ndarray:
    """Dirichlet samples: a gamma sample for each entry, divided by its row's sum; strictly inside (0, 1)."""
    dtype = _float_dtype(concentration, "dirichlet")
    gamma = _samples(generator, concentration.reshape(-1).astype(np.float64)).reshape(concentration.shape)
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = (gamma / _row_sums(gamma)).astype(dtype)
    return np.clip(shares, np.finfo(dtype).tiny, np.nextafter(dtype.type(1), dtype.type(0)))


def _row_sums(rows: np.ndarray) -> np.ndarray:
    """Sums along the last axis in the order of PyTorch's kernel: what exceeds a multiple of four, then four lanes."""
    whole = rows.shape[-1] // 4 * 4
    lanes = np.add.reduce(rows[..., :whole].reshape(*rows.shape[:-1], whole // 4, 4), axis=-2)
    parts = np.concatenate([rows[..., whole:], lanes], axis=-1)
    return np.add.accumulate(parts, axis=-1)[..., -1:]


def _float_dtype(concentration: np.ndarray, kernel: str) -> np.dtype:
    if concentration.dtype not in _FLOATS:
        raise not_implemented(kernel, concentration.dtype)
    return concentration.dtype


def _samples(generator: CPUGenerator, concentration: np.ndarray) -> np.ndarray:
    kind = concentration.dtype.type  # concentrations are shifted in their own dtype
    low = concentration < 1
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        powers = np.where(low, kind(1) / concentration, kind(0)).tolist()
        d = (np.where(low, concentration + kind(1), concentration) - kind(_THIRD)).astype(np.float64)
        c = 1 / np.sqrt(9 * d)
    known = zip(concentration.tolist(), low.tolist(), powers, d.tolist(), c.tolist(), strict=True)
    with generator.lock, generator.stream_of_doubles(6 * concentration.size) as uniforms:
        normal = _normals(generator, uniforms)
        return np.array([_marsaglia_tsang(*each, uniforms, normal) for each in known], concentration.dtype)


def _normals(generator: CPUGenerator, uniforms: Iterator[float]) -> Callable[[], float]:
    """The scalar Box-Muller normals of the generator, its cached sample first."""

    def draw() -> float:
        held = generator.next_normal
        if held is not None:
            generator.next_normal = None
            return held
        angle = 2 * math.pi * next(uniforms)
        radius = math.sqrt(-2 * math.log1p(-next(uniforms)))
        generator.next_normal = radius * math.sin(angle)
        return radius * math.cos(angle)

    return draw


def _marsaglia_tsang(
    concentration: float,
    low: bool,
    power: float,
    d: float,
    c: float,
    uniforms: Iterator[float],
    normal: Callable[[], float],
) -> float:
    scale = 1.0
    if low:
        if concentration == 0:
            return 0.0
        base = 1 - next(uniforms)
        scale = base**power if concentration > 0 else math.nan
    if not d > 0:  # NaN, or negative: PyTorch would loop for ever
        return math.nan
    while True:
        x = normal()
        y = 1 + c * x
        while y <= 0:
            x = normal()
            y = 1 + c * x
        v = y * y * y
        u = 1 - next(uniforms)
        square = x * x
        if u < 1 - _SQUEEZE * square * square:
            return scale * d * v
        if math.log(u) < 0.5 * square + d * (1 - v + math.log(v)):
            return scale * d * v
