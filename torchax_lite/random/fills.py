"""In-place fills of PyTorch's CPU generator: each function returns the values in memory order.

Every function takes the generator, the number ``n`` of elements (drawn one after another, nothing for ``n == 0``)
and, where there is a choice, a NumPy dtype; it returns a flat array. Arguments are checked as the tensor methods
of the same name do, with PyTorch's exceptions.
"""

import math
import warnings

import numpy as np
import numpy.typing as npt

from .boxmuller import boxmuller32, boxmuller64
from .checks import BFLOAT16, SIGNIFICAND_BITS, cpp_name, largest, not_implemented, number, require, scalar_name
from .mt19937 import CPUGenerator
from .rounding import cast, fma32, fma64, libm, narrow

__all__ = [
    "bernoulli_scalar",
    "bernoulli_tensor",
    "cauchy",
    "dropout_noise",
    "exponential",
    "geometric",
    "log_normal",
    "normal",
    "random_full",
    "random_int",
    "uniform",
    "uniforms_for_probabilities",
]

_INT64_MIN, _INT64_MAX = -(2**63), 2**63 - 1
_FLOAT32, _FLOAT64 = np.dtype(np.float32), np.dtype(np.float64)
_COMPONENT: dict[np.dtype, np.dtype] = {np.dtype(np.complex64): _FLOAT32, np.dtype(np.complex128): _FLOAT64}
_INTEGERS = tuple(np.dtype(t) for t in (np.uint8, np.int8, np.int16, np.int32, np.int64))
_UNSIGNED = tuple(np.dtype(t) for t in (np.uint16, np.uint32, np.uint64))
_BOOL = np.dtype(np.bool_)


def _singles(generator: CPUGenerator, n: int) -> np.ndarray:
    """``n`` float32 uniforms in [0, 1), multiples of 2**-24: one word each."""
    words = generator.words32(n)
    words &= np.uint32(2**24 - 1)
    out = words.view(np.int32).astype(np.float32)
    out *= np.float32(2.0**-24)
    return out


# Uniform


def uniform(generator: CPUGenerator, n: int, dtype: npt.DTypeLike, low: float = 0.0, high: float = 1.0) -> np.ndarray:
    """``low + (high - low) * u`` with ``u`` uniform in [0, 1), the multiply-add rounded once.

    The bounds and their difference are rounded to the dtype's arithmetic type first. float64 takes two words an
    element, float32, float16 and bfloat16 one (the 16-bit types through float32; what rounds up to ``high``
    becomes ``low``), complex types twice as many.
    """
    dtype = np.dtype(dtype)
    if dtype in _COMPONENT:
        if n == 0:
            return np.empty(0, dtype)
        return uniform(generator, 2 * n, _COMPONENT[dtype], low, high).view(dtype)
    if dtype not in SIGNIFICAND_BITS:
        raise not_implemented("check_uniform_bounds", dtype)
    low, high, limit = float(low), float(high), largest(dtype)
    require(-limit <= low <= limit, f"from is out of bounds for {cpp_name(dtype)}")
    require(-limit <= high <= limit, f"to is out of bounds for {cpp_name(dtype)}")
    require(
        low <= high, f"uniform_ expects to return a [from, to) range, but found from={number(low)} > to={number(high)}"
    )
    require(
        high - low <= limit,
        f"uniform_ expects to-from <= std::numeric_limits<{scalar_name(dtype)}>::max(), but found to={number(high)} "
        f"and from={number(low)} which result in to-from to exceed the limit",
    )
    if dtype == _FLOAT64:
        doubles = generator.doubles(n)
        if low != 0 or high != 1:
            doubles = fma64(doubles, high - low, low)
        doubles[doubles == high] = low
        return doubles
    low32, high32 = np.float32(low), np.float32(high)
    out = _singles(generator, n)
    if low32 != 0 or high32 != 1:
        out = fma32(out, high32 - low32, low32)
    elif dtype == _FLOAT32:
        return out
    out = cast(out, dtype)
    out[out == high32.astype(dtype)] = low32.astype(dtype)
    return out


# Integers


def _to_dtype_and_back(value: int, dtype: np.dtype) -> int:
    """The int64 ``value`` converted to a floating dtype and back; what does not fit gives the lowest int64."""
    converted = float(cast(np.array([value], np.int64), dtype)[0])
    return int(converted) if -(2.0**63) <= converted < 2.0**63 else _INT64_MIN


def _spacing(value: int, digits: int) -> int:
    return 1 << (abs(value).bit_length() - digits)


def _move_low(low: int, dtype: np.dtype) -> int:
    """The smallest integer from ``low`` on that stays at or above it in the dtype."""
    following = _to_dtype_and_back(low + 1, dtype)
    return following + _spacing(low + 1, SIGNIFICAND_BITS[dtype]) if following < low else low


def _move_high(high: int, dtype: np.dtype) -> int:
    """The largest integer up to ``high`` that stays below it in the dtype."""
    preceding = _to_dtype_and_back(high - 1, dtype)
    return preceding - _spacing(high - 1, SIGNIFICAND_BITS[dtype]) if preceding >= high else high


def _check_range(low: int, last: int, dtype: np.dtype) -> None:
    if dtype in SIGNIFICAND_BITS:
        limit, digits = largest(dtype), SIGNIFICAND_BITS[dtype]
        for name, value in (("from", low), ("to - 1", last)):
            require(-limit <= float(value) <= limit, f"{name} is out of bounds for {cpp_name(dtype)}")
        for name, value in (("from", low), ("to - 1", last)):
            if abs(value) > 1 << digits:
                warnings.warn(
                    f"{name} is out of bounds [-(2^{digits}), 2^{digits}]. Due to precision limitations "
                    f"{cpp_name(dtype)} can support discrete uniform distribution only within this range. "
                    "This warning will become an error in version 1.7 release, please fix the code in advance",
                    UserWarning,
                    stacklevel=3,
                )
        return
    if dtype == _BOOL:
        smallest, biggest = 0, 1
    elif dtype in _INTEGERS or dtype in _UNSIGNED:
        info = np.iinfo(dtype)
        smallest, biggest = int(info.min), min(int(info.max), _INT64_MAX)
    else:
        raise RuntimeError("check_random_bounds handles only integral, floating-point and boolean types")
    for name, value in (("from", low), ("to - 1", last)):
        require(smallest <= value <= biggest, f"{name} is out of bounds for {cpp_name(dtype)}")


def _from_int64(values: np.ndarray, dtype: np.dtype) -> np.ndarray:
    return cast(values, dtype) if dtype in SIGNIFICAND_BITS else values.astype(dtype, copy=False)


def random_int(generator: CPUGenerator, n: int, dtype: npt.DTypeLike, low: int, high: int | None) -> np.ndarray:
    """Integers of [low, high) as ``low + word % (high - low)``; ``high=None`` means up to the dtype's largest.

    A range of 2**28 or more takes 64-bit words, a smaller one 32-bit words, whatever the dtype. For floating
    dtypes the bounds first move inwards to integers that the dtype can hold.
    """
    dtype = np.dtype(dtype)
    floating = dtype in SIGNIFICAND_BITS
    if high is not None:
        require(low < high, f"random_ expects 'from' to be less than 'to', but got from={low} >= to={high}")
        if floating:
            low, high = _move_low(low, dtype), _move_high(high, dtype)
            require(
                low < high,
                "random_ expects 'from' casted to dtype to be less than 'to' casted to dtype, "
                f"but got from={low} >= to={high}",
            )
        last = high - 1
    elif low != _INT64_MIN:
        if floating:
            last = min(1 << SIGNIFICAND_BITS[dtype], _INT64_MAX)
            low = _move_low(low, dtype)
            require(
                low < last,
                "random_ expects 'from' casted to dtype to be less than or equal to 'to_inc' casted to dtype, "
                f"but got from={low} > to_inc={last}",
            )
        elif dtype == _BOOL:
            last = 1
        elif dtype in _INTEGERS or dtype in _UNSIGNED:
            last = int(np.iinfo(dtype).max)
            last = last if last <= _INT64_MAX else -1  # as a signed 64-bit number
        else:
            raise RuntimeError("random_from_to_impl handles only integral, floating-point and boolean types")
    else:
        return _random_int64(generator, n, dtype)
    _check_range(low, last, dtype)
    extent = (last + 1 - low) % 2**64
    if extent >= 2**28:
        words = generator.words64(n)
        values = words % np.uint64(extent) if extent & (extent - 1) else words & np.uint64(extent - 1)
    else:
        small = generator.words32(n)
        small = small % np.uint32(extent) if extent & (extent - 1) else small & np.uint32(extent - 1)
        values = small.astype(np.uint64)
    values += np.uint64(low % 2**64)
    return _from_int64(values.view(np.int64), dtype)


def _random_int64(generator: CPUGenerator, n: int, dtype: np.dtype) -> np.ndarray:
    """Integers over all of int64, for the dtypes that PyTorch allows."""
    if n and dtype not in (np.dtype(np.int64), _FLOAT64, _FLOAT32, BFLOAT16):
        if dtype in _INTEGERS:
            raise RuntimeError("random_full_64_bits_range_kernel_cpu handles only int64, double, float and bfloat16")
        raise not_implemented("random_full_64_bits_range_kernel_cpu", dtype)
    return _from_int64(generator.words64(n).view(np.int64), dtype)


def random_full(generator: CPUGenerator, n: int, dtype: npt.DTypeLike) -> np.ndarray:
    """Integers from 0 to the dtype's largest value; for floating dtypes to 2**(bits of the significand)."""
    dtype = np.dtype(dtype)
    if n == 0:
        return np.empty(0, dtype)
    if dtype == _BOOL:
        return (generator.words32(n) & np.uint32(1)).astype(np.bool_)
    if dtype == np.int64:
        return (generator.words64(n) & np.uint64(_INT64_MAX)).view(np.int64)
    if dtype in _INTEGERS:
        return (generator.words32(n) & np.uint32(np.iinfo(dtype).max)).astype(dtype)
    if dtype == _FLOAT64:
        return (generator.words64(n) % np.uint64(2**53 + 1)).astype(dtype)
    if dtype in SIGNIFICAND_BITS:
        words = generator.words32(n) % np.uint32((1 << SIGNIFICAND_BITS[dtype]) + 1)
        return _from_int64(words.astype(np.int64), dtype)
    raise not_implemented("random_kernel_cpu", dtype)


# Normal


def _standard_normals(generator: CPUGenerator, n: int) -> np.ndarray:
    """``n`` standard normal float64 samples one by one: scalar Box-Muller pairs, the odd sample kept."""
    out = np.empty(n)
    start = 0
    with generator.lock:
        if generator.next_normal is not None:
            out[0] = generator.next_normal
            generator.next_normal = None
            start = 1
        pairs = (n - start + 1) // 2
        if pairs:
            u = generator.doubles(2 * pairs).reshape(pairs, 2)
            radius = np.sqrt(-2.0 * libm("log1p", -u[:, 1]))
            theta = 2 * math.pi * u[:, 0]
            samples = np.empty((pairs, 2))
            np.multiply(radius, libm("cos", theta), out=samples[:, 0])
            np.multiply(radius, libm("sin", theta), out=samples[:, 1])
            flat = samples.reshape(-1)
            out[start:] = flat[: n - start]
            if (n - start) % 2:
                generator.next_normal = float(flat[-1])
    return out


def _block_normals(generator: CPUGenerator, n: int, dtype: np.dtype, mean: float, std: float) -> np.ndarray:
    """``n >= 16`` samples in blocks of 16 uniforms; where 16 does not divide ``n`` the last 16 are drawn anew."""
    whole = n // 16 * 16
    draw = CPUGenerator.doubles if dtype == _FLOAT64 else _singles
    with generator.lock:
        # the 16-bit types are filled through a block's buffer, so the uniforms of the rest are never drawn
        out = draw(generator, whole if dtype.itemsize == 2 else n)
        if whole < n:
            out = np.concatenate([out[:whole], draw(generator, 16)])
    transform = boxmuller64 if dtype == _FLOAT64 else boxmuller32
    transform(out, mean, std)
    if whole < n:
        out = np.concatenate([out[: n - 16], out[whole:]])
    return cast(out, dtype)


def normal(
    generator: CPUGenerator, n: int, dtype: npt.DTypeLike, mean: float = 0.0, std: float = 1.0, contiguous: bool = True
) -> np.ndarray:
    """Normal samples; a complex sample's parts have standard deviation ``std / sqrt(2)``.

    ``contiguous`` says whether the tensor to fill is: contiguous fills of 16 or more numbers are made in blocks,
    all others one by one in float64 with the second sample of a pair kept for the next such fill.
    """
    dtype = np.dtype(dtype)
    mean, std = float(mean), float(std)
    require(std >= 0, f"normal expects std >= 0.0, but found std {number(std)}")
    if n == 0:
        return np.empty(0, dtype)
    if dtype in _COMPONENT:
        return normal(generator, 2 * n, _COMPONENT[dtype], mean, std / math.sqrt(2), contiguous).view(dtype)
    if dtype not in SIGNIFICAND_BITS:
        raise not_implemented("normal_kernel_cpu", dtype)
    if n >= 16 and contiguous:
        return _block_normals(generator, n, dtype, mean, std)
    return cast(fma64(_standard_normals(generator, n), std, mean), dtype)


def log_normal(
    generator: CPUGenerator, n: int, dtype: npt.DTypeLike, mean: float = 1.0, std: float = 2.0
) -> np.ndarray:
    """``exp`` of normal samples, always drawn one by one."""
    dtype = np.dtype(dtype)
    require(std > 0, f"log_normal_ expects std > 0.0, but found std={number(std)}")
    if n == 0:
        return np.empty(0, dtype)
    if dtype not in SIGNIFICAND_BITS:
        raise not_implemented("log_normal_cpu", dtype)
    samples = fma64(_standard_normals(generator, n), float(std), float(mean))
    return cast(_exp(samples), dtype)


def _exp(x: np.ndarray) -> np.ndarray:
    overflow = x > 709.0  # where math.exp may raise
    result = libm("exp", np.where(overflow, 0.0, x))
    if overflow.any():
        with np.errstate(over="ignore"):
            result[overflow] = np.exp(x[overflow])
    return result


# Bernoulli


def bernoulli_scalar(generator: CPUGenerator, n: int, p: float = 0.5) -> np.ndarray:
    """``u < p`` as bool, with one float64 uniform an element."""
    require(0 <= p <= 1, f"bernoulli_ expects p to be in [0, 1], but got p={number(p)}")
    return generator.doubles(n) < float(p)


def bernoulli_tensor(generator: CPUGenerator, p: np.ndarray) -> np.ndarray:
    """``u < p`` as bool for a flat array of probabilities: float64 uniforms for float64, else float32 ones."""
    if p.size and p.dtype not in SIGNIFICAND_BITS:
        raise not_implemented("bernoulli_tensor_cpu_p_", p.dtype)
    _check_probabilities(p)
    uniforms = uniforms_for_probabilities(generator, p.size, p.dtype)
    return uniforms < p.astype(uniforms.dtype)


def _check_probabilities(p: np.ndarray) -> None:
    """Raise where a probability is not in [0, 1]."""
    if not ((p >= 0) & (p <= 1)).all():
        raise RuntimeError("Expected p_in >= 0 && p_in <= 1 to be true, but got false.")


def uniforms_for_probabilities(generator: CPUGenerator, n: int, dtype: npt.DTypeLike) -> np.ndarray:
    """What `n` probabilities of a dtype are compared with: float64 uniforms for float64, else float32 ones."""
    return generator.doubles(n) if dtype == np.float64 else _singles(generator, n)


def dropout_noise(generator: CPUGenerator, n: int, p: float, dtype: npt.DTypeLike) -> np.ndarray:
    """What dropout multiplies its input with: ``1 / (1 - p)`` with probability ``1 - p``, else 0.

    ``p = 0`` and ``p = 1`` draw nothing.
    """
    dtype = np.dtype(dtype)
    require(0 <= p <= 1, f"dropout probability has to be between 0 and 1, but got {number(p)}")
    if p == 0:
        return np.ones(n, dtype)
    if p == 1:
        return np.zeros(n, dtype)
    keep = bernoulli_scalar(generator, n, 1 - p)
    if dtype in _COMPONENT or dtype == _FLOAT64:
        scale = np.ones((), dtype) / np.array(1 - p, dtype)
    else:
        scale = (np.float32(1) / np.float32(1 - p)).astype(dtype)
    return keep.astype(dtype) * scale


# Exponential, geometric, Cauchy


def exponential(generator: CPUGenerator, n: int, dtype: npt.DTypeLike, rate: float = 1.0) -> np.ndarray:
    """``-log1p(-u) / rate`` in float64, cast."""
    dtype = np.dtype(dtype)
    rate = float(rate)
    require(rate > 0, f"exponential_ expects lambda > 0.0, but found lambda={number(rate)}")
    if n == 0:
        return np.empty(0, dtype)
    require(
        dtype in SIGNIFICAND_BITS,
        "Exponential distribution is a continuous probability distribution. dtype must be a floating point but you "
        f"specified {scalar_name(dtype)}",
    )
    u = generator.doubles(n)
    np.negative(u, out=u)
    scale = -1.0 / rate
    if dtype == _FLOAT64:
        return scale * libm("log1p", u)
    return cast(narrow("log1p", u, scale), dtype)


def geometric(generator: CPUGenerator, n: int, dtype: npt.DTypeLike, p: float) -> np.ndarray:
    """Number of trials up to the first success: ``ceil(log(u) / log1p(-p))``."""
    dtype = np.dtype(dtype)
    require(0 < p < 1, f"geometric_ expects p to be in (0, 1), but got p={number(p)}")
    if n == 0:
        return np.empty(0, dtype)
    if dtype not in SIGNIFICAND_BITS and dtype not in _INTEGERS:
        raise not_implemented("geometric_cpu", dtype)
    u = generator.doubles(n)
    scale = math.log1p(-float(p))
    with np.errstate(divide="ignore"):
        trials = np.log(u) / scale
    near = np.abs(trials - np.rint(trials)) <= 1e-14 * np.abs(trials)  # the last bits of the logarithm decide
    near &= u > 0
    if near.any():
        trials[near] = libm("log", u[near]) / scale
    trials = np.ceil(trials)
    if dtype in SIGNIFICAND_BITS:
        return cast(trials, dtype)
    with np.errstate(invalid="ignore"):
        return trials.astype(np.int64).astype(dtype, copy=False)


def cauchy(
    generator: CPUGenerator, n: int, dtype: npt.DTypeLike, median: float = 0.0, sigma: float = 1.0
) -> np.ndarray:
    """``median + sigma * tan(pi * (u - 1/2))`` in float64, cast."""
    dtype = np.dtype(dtype)
    require(sigma > 0, f"cauchy_ expects sigma > 0.0, but found sigma={number(sigma)}")
    require(
        dtype in SIGNIFICAND_BITS,
        "Cauchy distribution is a continuous probability distribution. dtype must be a floating point but you "
        f"specified {cpp_name(dtype)}",
    )
    return cast(fma64(libm("tan", math.pi * (generator.doubles(n) - 0.5)), float(sigma), float(median)), dtype)
