"""Random fills inside a program, for accelerators: counter-based, the key is an input.

``key`` is a 64-bit number that names the draw; equal keys give equal values. Bounds and parameters are inputs too,
so neither seeds nor rates are compiled in. float16 and bfloat16 are drawn in float32 and rounded once.
"""

from __future__ import annotations

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np

from .registry import op

_declare = functools.partial(op, function=False, method=False, out=False, differentiable=False, namespaces=("_ops",))


def _key(key):
    words = jax.lax.bitcast_convert_type(key.astype(np.int64), np.uint32)
    return jax.random.wrap_key_data(words, impl="threefry2x32")


def _work(dtype):
    """The real dtype in which samples of ``dtype`` are computed."""
    if dtype.kind == "c":
        return np.dtype(np.float64 if dtype.itemsize == 16 else np.float32)
    return dtype if dtype in (np.float32, np.float64) else np.dtype(np.float64 if dtype.kind in "iub" else np.float32)


def _real(draw, size, dtype):
    """``draw(shape, work dtype)``, its last dim as (real, imaginary) where ``dtype`` is complex."""
    work = _work(dtype)
    if dtype.kind == "c":
        parts = draw((*size, 2), work)
        return jax.lax.complex(parts[..., 0], parts[..., 1])
    return draw(size, work)


@_declare("random_uniform(Scalar key, Scalar low, Scalar high, int[] size, ScalarType dtype) -> Tensor")
def random_uniform(key, low, high, size, dtype):
    """Uniform on [low, high)."""
    dtype = np.dtype(dtype)

    def draw(shape, work):
        a, b = low.astype(work), high.astype(work)
        return jax.random.uniform(_key(key), shape, work) * (b - a) + a

    x = _real(draw, size, dtype).astype(dtype)
    if dtype.kind == "c":
        return x
    a, b = low.astype(dtype), high.astype(dtype)
    return jnp.where(x >= b, a, x)


@_declare("random_normal(Scalar key, Scalar mean, Scalar std, int[] size, ScalarType dtype) -> Tensor")
def random_normal(key, mean, std, size, dtype):
    """Normal; the parts of a complex sample have standard deviation ``std / sqrt(2)``."""
    dtype = np.dtype(dtype)
    scale = math.sqrt(0.5) if dtype.kind == "c" else 1.0

    def draw(shape, work):
        return jax.random.normal(_key(key), shape, work) * (std * scale).astype(work) + mean.astype(work)

    return _real(draw, size, dtype).astype(dtype)


@_declare("random_log_normal(Scalar key, Scalar mean, Scalar std, int[] size, ScalarType dtype) -> Tensor")
def random_log_normal(key, mean, std, size, dtype):
    """``exp`` of a normal sample."""
    dtype = np.dtype(dtype)
    work = _work(dtype)
    return jnp.exp(jax.random.normal(_key(key), size, work) * std.astype(work) + mean.astype(work)).astype(dtype)


@_declare("random_integers(Scalar key, Scalar low, Scalar span, int[] size, ScalarType dtype, bool wide) -> Tensor")
def random_integers(key, low, span, size, dtype, wide):
    """``low + bits % span``; 64 bits an element where ``wide`` (a span of 0 means 2**64), else 32."""
    bits = jax.random.bits(_key(key), size, np.uint64 if wide else np.uint32)
    n = jax.lax.bitcast_convert_type(span.astype(np.int64), np.uint64)
    n = n if wide else n.astype(np.uint32)
    offset = jnp.where(n == 0, bits, bits % jnp.maximum(n, 1)).astype(np.uint64)
    start = jax.lax.bitcast_convert_type(low.astype(np.int64), np.uint64)
    return jax.lax.bitcast_convert_type(start + offset, np.int64).astype(np.dtype(dtype))


@_declare("random_bernoulli(Scalar key, Scalar p, int[] size, ScalarType dtype) -> Tensor")
def random_bernoulli(key, p, size, dtype):
    """1 with probability ``p``, else 0."""
    return (jax.random.uniform(_key(key), size, np.float32) < p.astype(np.float32)).astype(np.dtype(dtype))


@_declare("random_bernoulli_tensor(Tensor p, Scalar key, ScalarType dtype) -> Tensor")
def random_bernoulli_tensor(p, key, dtype):
    """1 with each element's own probability, else 0."""
    work = _work(np.dtype(p.dtype))
    return (jax.random.uniform(_key(key), p.shape, work) < p.astype(work)).astype(np.dtype(dtype))


@_declare("random_exponential(Scalar key, Scalar rate, int[] size, ScalarType dtype) -> Tensor")
def random_exponential(key, rate, size, dtype):
    """Exponential with the given rate."""
    work = _work(np.dtype(dtype))
    return (jax.random.exponential(_key(key), size, work) / rate.astype(work)).astype(np.dtype(dtype))


@_declare("random_geometric(Scalar key, Scalar p, int[] size, ScalarType dtype) -> Tensor")
def random_geometric(key, p, size, dtype):
    """Number of trials up to the first success."""
    work = _work(np.dtype(dtype))
    waiting = jax.random.exponential(_key(key), size, work) / -jnp.log1p(-p).astype(work)
    return jnp.maximum(jnp.ceil(waiting), 1).astype(np.dtype(dtype))


@_declare("random_cauchy(Scalar key, Scalar median, Scalar sigma, int[] size, ScalarType dtype) -> Tensor")
def random_cauchy(key, median, sigma, size, dtype):
    """``median + sigma * tan(pi * (u - 1/2))``."""
    work = _work(np.dtype(dtype))
    return (jax.random.cauchy(_key(key), size, work) * sigma.astype(work) + median.astype(work)).astype(np.dtype(dtype))


@_declare("random_permutation(Scalar key, int n, ScalarType dtype) -> Tensor")
def random_permutation(key, n, dtype):
    """``0 .. n-1`` in random order."""
    return jax.random.permutation(_key(key), jnp.arange(n)).astype(np.dtype(dtype))


@_declare("random_multinomial(Tensor p, Scalar key, int num_samples, bool replacement) -> Tensor")
def random_multinomial(p, key, num_samples, replacement):
    """Indices drawn with probabilities proportional to the rows of ``p``."""
    work = _work(np.dtype(p.dtype))
    p = p.astype(work)
    if replacement and num_samples > 1:
        cumulative = jnp.cumsum(p, axis=-1)
        u = jax.random.uniform(_key(key), (*p.shape[:-1], num_samples), work, minval=np.finfo(work).tiny)
        threshold = u * cumulative[..., -1:]
        index = functools.partial(jnp.searchsorted, side="left")
        found = (jax.vmap(index) if p.ndim == 2 else index)(cumulative, threshold)
        return jnp.minimum(found, p.shape[-1] - 1).astype(np.int64)
    race = p / jax.random.exponential(_key(key), p.shape, work)
    return jax.lax.top_k(race, num_samples)[1].astype(np.int64)


@_declare("random_poisson(Tensor rate, Scalar key) -> Tensor")
def random_poisson(rate, key):
    """Poisson counts with each element's own rate."""
    return jax.random.poisson(_key(key), rate.astype(_work(np.dtype(rate.dtype))), rate.shape).astype(rate.dtype)


@_declare("random_binomial(Tensor count, Tensor prob, Scalar key) -> Tensor")
def random_binomial(count, prob, key):
    """Numbers of successes in ``count`` trials of probability ``prob``, broadcast."""
    shape = jnp.broadcast_shapes(count.shape, prob.shape)
    return jax.random.binomial(_key(key), count, prob, shape, count.dtype)


@_declare("random_standard_gamma(Tensor concentration, Scalar key) -> Tensor")
def random_standard_gamma(concentration, key):
    """Gamma samples of rate 1 with each element's own concentration."""
    work = _work(np.dtype(concentration.dtype))
    drawn = jax.random.gamma(_key(key), concentration.astype(work), concentration.shape, work)
    return jnp.maximum(drawn, np.finfo(work).tiny).astype(concentration.dtype)


@_declare("random_dirichlet(Tensor concentration, Scalar key) -> Tensor")
def random_dirichlet(concentration, key):
    """Dirichlet samples, one for each row of concentrations."""
    work = _work(np.dtype(concentration.dtype))
    logs = jax.random.loggamma(_key(key), concentration.astype(work), concentration.shape, work)
    below_one = 1 - np.finfo(work).epsneg
    return jnp.clip(jax.nn.softmax(logs, axis=-1), np.finfo(work).tiny, below_one).astype(concentration.dtype)
