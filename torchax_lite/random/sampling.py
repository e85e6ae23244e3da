"""Permutations and the samplers that take a tensor of parameters: multinomial, Poisson, binomial."""

import math
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from .checks import BFLOAT16, SIGNIFICAND_BITS, not_implemented, require, scalar_name
from .fills import exponential
from .mt19937 import CPUGenerator
from .rounding import cast
from .selection import first_k

__all__ = ["binomial", "check_multinomial", "multinomial", "poisson", "randperm"]

# Permutations

_SWAP_LIMIT = (2**32 - 1) // 20  # from here on one 32-bit word is not uniform enough and PyTorch takes two
_CHUNK = 1 << 20
_LOOP = 600  # below this many elements a loop is faster than array operations
_INT_NAMES = {
    np.dtype(np.uint8): "uint8_t",
    np.dtype(np.int8): "int8_t",
    np.dtype(np.int16): "int16_t",
    np.dtype(np.int32): "int",
    np.dtype(np.int64): "int64_t",
}
_EXACT_LIMITS = {np.dtype(np.float16): "2049", np.dtype(np.float32): "2^24+1", np.dtype(np.float64): "2^53+1"}


def randperm(generator: CPUGenerator, n: int, dtype: npt.DTypeLike = np.int64) -> np.ndarray:
    """A random permutation of ``0 .. n-1``: for each place a swap with one of the places from it on.

    Takes ``n - 1`` words; from 214748364 elements on an inside-out shuffle with two words an element.
    """
    dtype = np.dtype(dtype)
    require(n >= 0, f"Trying to create tensor with negative dimension {n}: [{n}]")
    if dtype in _EXACT_LIMITS:
        bound = _EXACT_LIMITS[dtype]
        require(
            n <= 2 ** SIGNIFICAND_BITS[dtype] + 1, f"n cannot be greater than {bound} for {scalar_name(dtype)} type."
        )
    elif dtype in _INT_NAMES:
        require(n - 1 <= np.iinfo(dtype).max, f"value cannot be converted to type {_INT_NAMES[dtype]} without overflow")
    elif dtype != BFLOAT16:
        raise not_implemented("randperm", dtype)
    with generator.lock:
        permutation = _swaps(generator, n) if n < _SWAP_LIMIT else _inside_out(generator, n)
    return cast(permutation, dtype) if dtype in SIGNIFICAND_BITS else permutation.astype(dtype, copy=False)


def _swaps(generator: CPUGenerator, n: int) -> np.ndarray:
    """``0 .. n-1`` after the swaps of places ``i`` and ``j[i] = i + word % (n - i)`` for i = 0, 1, .. n-2."""
    i = np.arange(n)
    j = i.copy()
    words = generator.words32(max(n - 1, 0)).astype(np.int64)
    j[:-1] += words % (n - i[:-1])
    if n < _LOOP:
        places = list(range(n))
        for here, there in enumerate(j.tolist()):
            places[here], places[there] = places[there], places[here]
        return np.array(places, np.int64)
    # Without the loop. Let moved[i] be what swap i takes from place i to place j[i]. If no swap k < i has aimed at
    # place i, moved[i] = i; otherwise it is moved[k] of the last such k: follow these links to their roots.
    moved = i.copy()
    away = np.flatnonzero(j != i)
    moved[j[away]] = away  # of repeated places the last one counts
    while True:
        further = moved[moved]
        if np.array_equal(further, moved):
            break
        moved = further
    # What swap i brings to place i, where it stays: j[i] itself, unless an earlier swap k aimed at the same place;
    # then moved[k] of the last such k. Sorting by (place, time) sets those neighbours side by side.
    order = j << 32
    order |= i
    order.sort()
    place, time = order >> 32, order & 0xFFFFFFFF
    repeated = np.flatnonzero(place[1:] == place[:-1])
    out = j
    out[time[repeated + 1]] = moved[time[repeated]]
    return out


def _inside_out(generator: CPUGenerator, n: int) -> np.ndarray:
    out = np.empty(n, np.int64)
    places = memoryview(out)  # type: ignore[arg-type]
    i = 0
    for start in range(0, n, _CHUNK):
        words = generator.words64(min(_CHUNK, n - start))
        choices = words % np.arange(start + 1, start + len(words) + 1, dtype=np.uint64)
        for j in choices.tolist():
            places[i] = places[j] if j != i else i
            places[j] = i
            i += 1
    return out


# Multinomial


def check_multinomial(shape: tuple[int, ...], dtype: np.dtype, num_samples: int, replacement: bool) -> None:
    """What PyTorch asks of a table of probabilities before it looks at its values."""
    require(len(shape) in (1, 2), "prob_dist must be 1 or 2 dim")
    require(
        dtype in SIGNIFICAND_BITS,
        f"multinomial only supports floating-point dtypes for input, got: {scalar_name(dtype)}",
    )
    require(num_samples > 0, "cannot sample n_sample <= 0 samples")
    categories = shape[-1]
    require(
        replacement or num_samples <= categories,
        "cannot sample n_sample > prob_dist.size(-1) samples without replacement",
    )
    require(categories <= 2**24, "number of categories cannot exceed 2^24")


def multinomial(
    generator: CPUGenerator, p: np.ndarray, num_samples: int, replacement: bool = False, by_columns: bool = False
) -> np.ndarray:
    """Category indices drawn with probabilities proportional to ``p`` (1-D, or 2-D: one row a distribution).

    Without replacement, and for a single sample: the ``num_samples`` largest of ``p / q`` with ``q`` exponential,
    largest first; ``by_columns`` says that a 2-D table lies column by column in memory, as ``q`` then does.
    With replacement: the first place where the normalised cumulative sum reaches a float64 uniform. Returns int64.
    """
    check_multinomial(p.shape, p.dtype, num_samples, replacement)
    if p.ndim == 2 and p.shape[0] == 0:
        return np.empty((0, num_samples), np.int64)
    rows = p[None] if p.ndim == 1 else p
    if replacement and num_samples > 1:
        drawn = _with_replacement(generator, rows, num_samples)
    else:
        drawn = _without_replacement(generator, rows, num_samples, by_columns)
    return drawn.astype(np.int64).reshape((*p.shape[:-1], num_samples))


_NO_MASS = "invalid multinomial distribution (sum of probabilities <= 0)"


def _without_replacement(generator: CPUGenerator, rows: np.ndarray, num_samples: int, by_columns: bool) -> np.ndarray:
    require(
        rows.size > 0, "aminmax(): cannot compute aminmax over an empty dimension as the operation has no identity."
    )
    require(
        bool(((rows >= 0) & np.isfinite(rows)).all()),
        "probability tensor contains either `inf`, `nan` or element < 0",
    )
    require(bool((rows > 0).any(axis=1).all()), _NO_MASS)
    q = exponential(generator, rows.size, rows.dtype)
    q = q.reshape(rows.shape[::-1]).T if by_columns else q.reshape(rows.shape)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        ratio = rows / q
    if num_samples == 1:
        return np.argmax(ratio, axis=1)
    return np.stack([first_k(_descending(row), num_samples) for row in ratio])


def _descending(values: np.ndarray) -> np.ndarray:
    """Ranks, 0 for the largest; NaN ranks before all numbers."""
    _, ranks = np.unique(-values.astype(np.float64), return_inverse=True)
    ranks[np.isnan(values)] = -1
    return ranks


def _with_replacement(generator: CPUGenerator, rows: np.ndarray, num_samples: int) -> np.ndarray:
    bad = rows[~((rows >= 0) & np.isfinite(rows))]
    if bad.size:
        found = "= infinity or NaN" if bad[0] > 0 else "< 0"
        raise RuntimeError(f"invalid multinomial distribution (encountering probability entry {found})")
    require(bool((rows > 0).any(axis=1).all()), _NO_MASS)
    uniforms = generator.doubles(len(rows) * num_samples).reshape(len(rows), num_samples)
    single = rows.astype(np.float32 if rows.dtype.itemsize < 8 else np.float64, copy=False)
    cumulative = np.add.accumulate(single, axis=1)  # left to right, rounded at each step
    cumulative /= cumulative[:, -1:].copy()
    cumulative[:, -1] = 1
    return np.stack([np.searchsorted(c, u) for c, u in zip(cumulative.astype(np.float64), uniforms, strict=True)])


# Poisson


def poisson(generator: CPUGenerator, rate: np.ndarray) -> np.ndarray:
    """Poisson samples for a flat array of rates, in the array's dtype.

    A rate below 10 multiplies uniforms until the product falls to ``exp(-rate)`` (Knuth); from 10 on Hoermann's
    transformed rejection, PTRS (1993).
    """
    if rate.dtype not in SIGNIFICAND_BITS:
        raise not_implemented("poisson_cpu", rate.dtype)
    rates = rate.astype(np.float64)
    require(bool((rates >= 0).all()), "invalid Poisson rate, expected rate to be non-negative")
    expected = int(np.minimum(np.where(rates < 10, rates + 1, 2.5), 10).sum() * 1.05)
    with generator.stream_of_doubles(expected) as uniforms:
        samples = [_poisson_product(x, uniforms) if x < 10 else _poisson_rejection(x, uniforms) for x in rates.tolist()]
    return cast(np.array(samples, np.float64), rate.dtype)


def _poisson_product(rate: float, uniforms: Iterator[float]) -> int:
    if rate == 0:
        return 0
    bound = math.exp(-rate)
    count = 0
    product = next(uniforms)
    while product > bound:
        count += 1
        product *= next(uniforms)
    return count


def _poisson_rejection(rate: float, uniforms: Iterator[float]) -> int:
    log_rate = math.log(rate)
    b = 0.931 + 2.53 * math.sqrt(rate)
    a = -0.059 + 0.02483 * b
    inverse_alpha = 1.1239 + 1.1328 / (b - 3.4)
    v_squeeze = 0.9277 - 3.6224 / (b - 2)
    while True:
        u = next(uniforms) - 0.5
        v = next(uniforms)
        us = 0.5 - abs(u)
        if us == 0:
            continue
        k = math.floor((2 * a / us + b) * u + rate + 0.43)
        if us >= 0.07 and v <= v_squeeze:
            return k
        if k < 0 or (us < 0.013 and v > us):
            continue
        log_v = math.log(v) if v > 0 else -math.inf
        if log_v + math.log(inverse_alpha) - math.log(a / (us * us) + b) <= -rate + k * log_rate - math.lgamma(k + 1):
            return k


# Binomial


def binomial(generator: CPUGenerator, count: np.ndarray, prob: np.ndarray) -> np.ndarray:
    """Binomial samples for flat arrays of trials and success probabilities of one dtype.

    Fewer than 10 expected successes (or failures, if rarer) sum geometric waiting times; more take Hoermann's
    transformed rejection, BTRS (1993). Parameters are combined in the arrays' dtype as PyTorch does.
    """
    for name, array in (("count", count), ("prob", prob)):
        if array.dtype not in SIGNIFICAND_BITS:
            raise ValueError(
                f"binomial only supports floating-point dtypes for {name}, got: {scalar_name(array.dtype)}"
            )
    require(count.dtype == prob.dtype, f"Found dtype {scalar_name(prob.dtype)} but expected {scalar_name(count.dtype)}")
    if count.dtype.itemsize == 2:
        raise not_implemented("binomial_cpu", count.dtype)
    kind = prob.dtype.type
    often = ~(prob <= 0.5)
    rare = np.where(often, (1.0 - prob.astype(np.float64)).astype(kind), prob)
    with np.errstate(invalid="ignore", over="ignore"):
        many = count * rare >= 10
    known = zip(count.tolist(), prob.tolist(), rare.tolist(), often.tolist(), many.tolist(), strict=True)
    with generator.stream_of_doubles(4 * count.size) as uniforms:
        samples = [_binomial(kind, *each, uniforms) for each in known]
    return np.array(samples, count.dtype)


def _binomial(
    kind: type[np.floating], count: float, prob: float, rare: float, often: bool, many: bool, uniforms: Iterator[float]
) -> float:
    if count <= 0 or prob <= 0:
        return 0.0
    if prob >= 1:
        return count
    if math.isnan(prob):
        return math.nan
    if many:
        successes = _btrs(kind(count), kind(rare), uniforms)
    else:
        successes = _waiting_times(count, float(kind(math.log1p(-rare))), uniforms)
    return count - successes if often else successes


def _waiting_times(limit: float, log_failure: float, uniforms: Iterator[float]) -> float:
    trials, successes = 0.0, 0.0
    for u in uniforms:
        trials += math.ceil(math.log(u) / log_failure) if u > 0 else math.inf
        if trials > limit:
            return successes
        successes += 1
    raise AssertionError("the stream is endless")


_STIRLING = (
    0.0810614667953272,
    0.0413406959554092,
    0.0276779256849983,
    0.02079067210376509,
    0.0166446911898211,
    0.0138761288230707,
    0.0118967099458917,
    0.0104112652619720,
    0.00925546218271273,
    0.00833056343336287,
)


def _stirling_tail(k: float) -> float:
    """``log k!`` minus Stirling's approximation of it."""
    if k < len(_STIRLING):
        return _STIRLING[int(k)]
    square = (k + 1) * (k + 1)
    return (1 / 12 - (1 / 360 - 1 / 1260 / square) / square) / (k + 1)


def _btrs(count: np.floating, prob: np.floating, uniforms: Iterator[float]) -> float:
    kind = prob.dtype.type
    one = kind(1)
    deviation = float(np.sqrt(count * prob * (one - prob)))
    n, p, mean = float(count), float(prob), float(count * prob)
    odds = float(prob / (one - prob))
    m = float(np.floor((count + one) * prob))
    b = 1.15 + 2.53 * deviation
    a = -0.0873 + 0.0248 * b + 0.01 * p
    c = mean + 0.5
    v_squeeze = 0.92 - 4.2 / b
    alpha = (2.83 + 5.1 / b) * deviation
    while True:
        u = next(uniforms) - 0.5
        v = next(uniforms)
        us = 0.5 - abs(u)
        if us == 0:
            continue
        k = float(kind(math.floor((2 * a / us + b) * u + c)))
        if k < 0 or k > n:
            continue
        if us >= 0.07 and v <= v_squeeze:
            return k
        v = v * alpha / (a / (us * us) + b)
        failures = float(kind(kind(count - kind(k)) + one))
        bound = (
            (m + 0.5) * math.log((m + 1) / (odds * (n - m + 1)))
            + float(count + one) * math.log((n - m + 1) / failures)
            + (k + 0.5) * math.log(odds * failures / float(kind(k) + one))
            + _stirling_tail(m)
            + _stirling_tail(n - m)
            - _stirling_tail(k)
            - _stirling_tail(float(kind(n - k)))
        )
        if (math.log(v) if v > 0 else -math.inf) <= bound:
            return k
