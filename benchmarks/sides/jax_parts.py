"""What loops written for JAX share: layers as pure functions of their parameters, and the jitted training step."""

import functools
import itertools

import jax
import jax.numpy as jnp
import optax


def linear(rng, fan_in, fan_out, bias=True):
    """Weights (fan_in, fan_out) and bias of a linear layer, by PyTorch's law."""
    bound = fan_in**-0.5
    p = {"w": jnp.asarray(rng.uniform(-bound, bound, (fan_in, fan_out)), jnp.float32)}
    return p | {"b": jnp.asarray(rng.uniform(-bound, bound, fan_out), jnp.float32)} if bias else p


def dense(p, x):
    y = x @ p["w"]
    return y + p["b"] if "b" in p else y


def layers(rng, *sizes):
    return [linear(rng, a, b) for a, b in itertools.pairwise(sizes)]


def perceptron(p, x, activation=jax.nn.relu):
    for layer in p[:-1]:
        x = activation(dense(layer, x))
    return dense(p[-1], x)


def convolution(rng, inputs, outputs, size, bias=True):
    """Weights of a convolution in the order height, width, inputs, outputs."""
    bound = (inputs * size * size) ** -0.5
    p = {"w": jnp.asarray(rng.uniform(-bound, bound, (size, size, inputs, outputs)), jnp.float32)}
    return p | {"b": jnp.asarray(rng.uniform(-bound, bound, outputs), jnp.float32)} if bias else p


def convolve(p, x, stride=1, padding=0):
    """A convolution of images (count, height, width, channels)."""
    pads = ((padding, padding), (padding, padding))
    y = jax.lax.conv_general_dilated(x, p["w"], (stride, stride), pads, dimension_numbers=("NHWC", "HWIO", "NHWC"))
    return y + p["b"] if "b" in p else y


def pool(x, size, stride=None, padding=0, average=False):
    """Largest value or mean of each window."""
    stride = stride or size
    window, strides = (1, size, size, 1), (1, stride, stride, 1)
    pads = ((0, 0), (padding, padding), (padding, padding), (0, 0))
    if average:
        return jax.lax.reduce_window(x, 0.0, jax.lax.add, window, strides, pads) / size**2
    return jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, window, strides, pads)


def norm(width):
    """Parameters of a normalisation layer."""
    return {"g": jnp.ones(width), "b": jnp.zeros(width)}


def layer_norm(p, x):
    x = x - x.mean(-1, keepdims=True)
    x = x * jax.lax.rsqrt((x * x).mean(-1, keepdims=True) + 1e-5) * p["g"]
    return x + p["b"] if "b" in p else x


def running(width):
    """State of a batch normalisation."""
    return {"mean": jnp.zeros(width), "var": jnp.ones(width)}


def batch_norm(p, state, x):
    """Batch normalisation over all but the last axis; also the new running statistics."""
    axes = tuple(range(x.ndim - 1))
    mean, var = x.mean(axes), x.var(axes)
    count = x.size // x.shape[-1]
    new = {
        "mean": 0.9 * state["mean"] + 0.1 * mean,
        "var": 0.9 * state["var"] + 0.1 * var * count / (count - 1),
    }
    return (x - mean) * jax.lax.rsqrt(var + 1e-5) * p["g"] + p["b"], new


def dropout(key, x, p):
    return jnp.where(jax.random.bernoulli(key, 1 - p, x.shape), x / (1 - p), 0)


def cross_entropy(logits, targets):
    return optax.softmax_cross_entropy_with_integer_labels(logits, targets).mean()


def trainer(loss, optimizer):
    """The jitted step ``(params, moments, *batch) -> (params, moments, loss)``."""

    @functools.partial(jax.jit, donate_argnums=(0, 1))
    def train(params, moments, *batch):
        value, grads = jax.value_and_grad(loss)(params, *batch)
        updates, moments = optimizer.update(grads, moments, params)
        return optax.apply_updates(params, updates), moments, value

    return train


def loop(params, loss, optimizer, batches):
    """`step()` that trains once on the next of the batches, which are repeated, and returns ``loss(params, *batch)``."""
    train, moments = trainer(loss, optimizer), optimizer.init(params)
    batches = itertools.cycle(batches)

    def step():
        nonlocal params, moments
        params, moments, value = train(params, moments, *next(batches))
        return value

    return step


def drawing_loop(params, loss, optimizer, batches, state=None):
    """The same for ``loss(params, state, key, *batch)``, which draws and returns the loss and the new state."""

    @functools.partial(jax.jit, donate_argnums=(0, 1, 2, 3))
    def train(params, moments, state, key, *batch):
        key, now = jax.random.split(key)
        (value, state), grads = jax.value_and_grad(loss, has_aux=True)(params, state, now, *batch)
        updates, moments = optimizer.update(grads, moments, params)
        return optax.apply_updates(params, updates), moments, state, key, value

    moments, key = optimizer.init(params), jax.random.key(0)
    batches = itertools.cycle(batches)

    def step():
        nonlocal params, moments, state, key
        params, moments, state, key, value = train(params, moments, state, key, *next(batches))
        return value

    return step


def wait(array):
    """Return when `array` has been computed."""
    array.block_until_ready()
