"""Exactly rounded building blocks: fused multiply-add, casts by way of float32, the C library's functions."""

import math

import numpy as np
import numpy.typing as npt

__all__ = ["cast", "fma32", "fma64", "libm", "narrow"]

_FLOAT32 = np.dtype(np.float32)
_SPLITTER = 134217729.0  # 2**27 + 1: Veltkamp's splitting of a 53-bit significand
_TAIL_MASK = np.int64((1 << 29) - 1)  # what a float64 significand has beyond a float32 one
_TAIL_TIE = np.int64(1 << 28)


def _two_sum(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """``a + b`` rounded, and the rounding error (Knuth)."""
    s = a + b
    t = s - a
    return s, (a - (s - t)) + (b - t)


def _two_product(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """``a * b`` rounded, and the rounding error (Dekker)."""
    p = a * b
    t = _SPLITTER * a
    a_high = t - (t - a)
    a_low = a - a_high
    t = _SPLITTER * b
    b_high = t - (t - b)
    b_low = b - b_high
    return p, a_low * b_low - (((p - a_high * b_high) - a_low * b_high) - a_high * b_low)


def _add_to_odd(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """``a + b`` rounded to odd: a later rounding to fewer bits is then the correct one."""
    s, error = _two_sum(a, b)
    even = (s.view(np.int64) & 1) == 0
    towards = np.where(error > 0, np.inf, -np.inf)
    return np.where((error != 0) & even, np.nextafter(s, towards), s)


def fma32(a: npt.ArrayLike, b: np.float32, c: np.float32) -> np.ndarray:
    """float32 ``a * b + c`` with one rounding, for a float32 array and two numbers."""
    product = np.multiply(a, float(b), dtype=np.float64)  # exact: 24 times 24 bits
    addend = float(c)
    total = product + addend
    result = cast(total, _FLOAT32)
    # the first rounding matters only where it lands on a tie of the second, or the result is subnormal
    tail = total.view(np.int64) & _TAIL_MASK
    doubtful = tail == _TAIL_TIE
    if abs(addend) < 1e-30:
        doubtful |= np.abs(total) < 2e-38
    if doubtful.any():
        product = product[doubtful]
        result[doubtful] = cast(_add_to_odd(product, np.full_like(product, addend)), _FLOAT32)
    return result


def fma64(a: np.ndarray, b: float, c: float) -> np.ndarray:
    """float64 ``a * b + c`` with one rounding, for a float64 array and two numbers."""
    if c == 0 or b == 0:
        return a * b + c
    if abs(b) == 1:
        return a + c if b > 0 else c - a
    largest = max(abs(b), abs(c))
    scale = 1.0
    if largest > 1e280:  # keep the splitting clear of overflow
        scale = 2.0**-64
    elif min(abs(b), abs(c)) < 1e-280:
        scale = 2.0**64
    x, y = np.full_like(a, b * scale), np.full_like(a, c * scale)
    high, low = _two_product(a, x)
    t, t_error = _two_sum(y, low)
    v, v_error = _two_sum(high, t)
    result: np.ndarray = v + _add_to_odd(t_error, v_error)  # Boldo and Melquiond, 2008
    return result / scale


def libm(name: str, x: np.ndarray) -> np.ndarray:
    """The C library's ``name`` of every element.

    NumPy's own loops are not used: on some processors they are vector functions whose last bit differs.
    """
    function = getattr(math, name)
    return np.fromiter(map(function, x.ravel().tolist()), np.float64, x.size).reshape(x.shape)


def narrow(name: str, x: np.ndarray, scale: float) -> np.ndarray:
    """float32 of ``scale * f(x)`` as if ``f`` were the C library's float64 ``name``.

    NumPy's vector function is a few units in the last place off at most: where that could reach a tie of the
    rounding to float32, the C library is asked.
    """
    y = scale * getattr(np, name)(x)
    tail = (y.view(np.int64) & _TAIL_MASK) - _TAIL_TIE
    doubtful = (np.abs(tail) < 64) | (np.abs(y) < 2e-38)
    if doubtful.any():
        y[doubtful] = scale * libm(name, x[doubtful])
    return cast(y, _FLOAT32)


def cast(x: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """``x`` in a floating dtype, the way C++ converts: to the 16-bit types by way of float32, overflow to infinity."""
    with np.errstate(over="ignore"):
        if dtype.itemsize == 2:
            x = x.astype(np.float32, copy=False)
        return x.astype(dtype, copy=False)
