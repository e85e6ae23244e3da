"""Box-Muller transforms with the roundings of PyTorch's CPU kernels."""

import math

import numpy as np

from .rounding import fma32, fma64, libm

__all__ = ["boxmuller32", "boxmuller64"]

_LANES = 8  # uniforms d[0:8] give the radii and d[8:16] the angles of one block of 16
_BLOCKS = 512  # blocks a pass works on: its scratch arrays stay in a core's L2 cache


def _singles(*values: float) -> tuple[float, ...]:
    return tuple(float(np.float32(value)) for value in values)


_LOG_COEFFICIENTS = _singles(
    7.0376836292e-2,
    -1.1514610310e-1,
    1.1676998740e-1,
    -1.2420140846e-1,
    1.4249322787e-1,
    -1.6668057665e-1,
    2.0000714765e-1,
    -2.4999993993e-1,
    3.3333331174e-1,
)
_COS_COEFFICIENTS = _singles(2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2)
_SIN_COEFFICIENTS = _singles(-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1)
_SQRT_HALF_BITS = np.int32(0x3F3504F3)
_LN2_HIGH, _LN2_LOW = np.float32(0.693359375), np.float32(-2.12194440e-4)
_FOUR_OVER_PI = np.float32(1.27323954473516)
_PIO4_HIGH, _PIO4_MID = np.float32(-0.78515625), np.float32(-2.4187564849853515625e-4)
_PIO4_LOW = float(np.float32(-3.77489497744594108e-8))
_TWO_PI = np.float32(2 * math.pi)
_HALF, _ONE, _MINUS_TWO = np.float32(0.5), np.float32(1), np.float32(-2)


class _SinglePrecision:
    """float32 ``sqrt(-2 ln u)`` and ``sin, cos 2 pi u`` as Cephes polynomials with fused multiply-adds.

    A fused float32 multiply-add is one float64 multiply (exact), one float64 add and one rounding to float32.
    That rounds twice, which can matter; but the uniforms are multiples of 2**-24, and over all 2**24 of them
    no result differs from the one of fused hardware arithmetic (checked exhaustively), so nothing is repaired.
    """

    def __init__(self, pairs: int) -> None:
        self._single = np.empty((5, pairs), np.float32)
        self._int = np.empty((2, pairs), np.int32)
        self._double = np.empty((3, pairs), np.float64)

    @staticmethod
    def _horner(coefficients: tuple[float, ...], x: np.ndarray, acc: np.ndarray, out: np.ndarray) -> None:
        """``out = ((c0*x + c1)*x + c2)*x ...``, each step fused; ``acc`` is float64 scratch."""
        np.multiply(x, coefficients[0], out=acc)
        acc += coefficients[1]
        out[...] = acc
        for c in coefficients[2:]:
            acc[...] = out
            acc *= x
            acc += c
            out[...] = acc

    def radius(self, u: np.ndarray) -> np.ndarray:
        """``sqrt(-2 ln u)`` for ``u`` in [2**-24, 1]; overwrites ``u``."""
        x, y, z, exponent, _ = self._single
        mantissa, shifted = self._int
        xd, acc, zd = self._double
        # u = 2**exponent * mantissa with the mantissa in [sqrt(1/2), sqrt(2)); x = mantissa - 1
        np.subtract(u.view(np.int32), _SQRT_HALF_BITS, out=mantissa)
        np.right_shift(mantissa, 23, out=shifted)
        exponent[...] = shifted
        mantissa &= 0x7FFFFF
        mantissa += _SQRT_HALF_BITS
        np.subtract(mantissa.view(np.float32), _ONE, out=x)
        xd[...] = x
        np.multiply(x, x, out=z)
        zd[...] = z
        self._horner(_LOG_COEFFICIENTS, xd, acc, y)
        y *= x
        acc[...] = y
        acc *= zd
        np.multiply(exponent, _LN2_LOW, out=y)
        xd[...] = y
        acc += xd
        y[...] = acc
        # fused in the kernel, but these products are exact: by a power of two, and 5 bits times 9 bits
        z *= _HALF
        y -= z
        x += y
        exponent *= _LN2_HIGH
        x += exponent
        x *= _MINUS_TWO
        return np.sqrt(x, out=u)

    def sincos(self, u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """``sin 2 pi u`` and ``cos 2 pi u`` for ``u`` in [0, 1), as views of scratch memory."""
        x, y, z, s, c = self._single
        octant, bits = self._int
        xd, acc, zd = self._double
        np.multiply(u, _TWO_PI, out=x)
        np.multiply(x, _FOUR_OVER_PI, out=y)
        octant[...] = y
        octant += 1
        octant &= ~1
        y[...] = octant
        # y is one of 0, 2, 4, 6, 8 and the first two constants are short: their products are exact
        np.multiply(y, _PIO4_HIGH, out=z)
        x += z
        np.multiply(y, _PIO4_MID, out=z)
        x += z
        acc[...] = y
        acc *= _PIO4_LOW
        xd[...] = x
        acc += xd
        x[...] = acc
        np.multiply(x, x, out=z)
        zd[...] = z
        self._horner(_COS_COEFFICIENTS, zd, acc, c)
        c *= z
        acc[...] = c
        acc *= zd
        z *= _HALF
        xd[...] = z
        acc -= xd
        c[...] = acc
        c += _ONE
        z += z
        self._horner(_SIN_COEFFICIENTS, zd, acc, s)
        s *= z
        xd[...] = x
        acc[...] = s
        acc *= xd
        acc += xd
        s[...] = acc
        # octants 2 and 6 exchange sine and cosine
        sine, cosine = s.view(np.int32), c.view(np.int32)
        np.left_shift(octant, 30, out=bits)
        bits >>= 31
        difference = z.view(np.int32)
        np.bitwise_xor(sine, cosine, out=difference)
        difference &= bits
        sine ^= difference
        cosine ^= difference
        # signs: octants 4, 6 negate the sine; octants 2, 4 the cosine
        np.bitwise_and(octant, 4, out=bits)
        bits <<= 29
        sine ^= bits
        octant += 2
        octant &= 4
        octant <<= 29
        cosine ^= octant
        return s, c


def boxmuller32(data: np.ndarray, mean: float, std: float) -> None:
    """Turn float32 uniforms into normal samples in place, block of 16 by block of 16.

    ``out[j], out[j+8] = mean + std * sqrt(-2 ln(1 - d[j])) * (cos, sin)(2 pi d[j+8])``.
    ``len(data)`` is a multiple of 16.
    """
    mean32, std32 = np.float32(mean), np.float32(std)
    standard = mean32 == 0 and std32 == 1
    blocks = data.reshape(-1, 2, _LANES)
    size = min(len(blocks), _BLOCKS)
    math32 = _SinglePrecision(size * _LANES)
    for start in range(0, len(blocks), size):
        if start + size > len(blocks):
            size = len(blocks) - start
            math32 = _SinglePrecision(size * _LANES)
        block = blocks[start : start + size]
        radius = math32.radius(np.subtract(_ONE, block[:, 0]).reshape(-1))
        sine, cosine = math32.sincos(np.ascontiguousarray(block[:, 1]).reshape(-1))
        cosine *= radius
        sine *= radius
        if standard:
            cosine += mean32  # as the kernel's last multiply-add does: -0 becomes 0
            sine += mean32
        else:
            cosine, sine = fma32(cosine, std32, mean32), fma32(sine, std32, mean32)
        block[:, 0] = cosine.reshape(-1, _LANES)
        block[:, 1] = sine.reshape(-1, _LANES)


def boxmuller64(data: np.ndarray, mean: float, std: float) -> None:
    """:func:`boxmuller32` for float64, with the C library's ``log``, ``cos`` and ``sin``."""
    blocks = data.reshape(-1, 2, _LANES)
    radius = np.sqrt(-2 * libm("log", 1 - blocks[:, 0]))
    theta = 2 * math.pi * blocks[:, 1]
    blocks[:, 0] = fma64(radius * libm("cos", theta), std, mean)
    blocks[:, 1] = fma64(radius * libm("sin", theta), std, mean)
