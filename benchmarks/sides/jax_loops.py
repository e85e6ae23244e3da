"""The loops as one would write them for JAX: the whole step is one jitted function with donated state; optax.

`LOOPS[name]()` builds a loop and returns `step()`, which does one step and returns an array to wait for.
"""

import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import optax

POOL = 8


def _classes(count, size):
    rng = np.random.default_rng(1)
    return [jnp.asarray(rng.integers(0, count, size, dtype=np.int32)) for _ in range(POOL)]


def _normal(size):
    rng = np.random.default_rng(0)
    return [jnp.asarray(rng.standard_normal(size, dtype=np.float32)) for _ in range(POOL)]


def _linear(rng, fan_in, fan_out):
    bound = fan_in**-0.5
    w = rng.uniform(-bound, bound, (fan_in, fan_out)).astype(np.float32)
    return {"w": jnp.asarray(w), "b": jnp.asarray(rng.uniform(-bound, bound, fan_out).astype(np.float32))}


def _dense(p, x):
    return x @ p["w"] + p["b"]


def _layers(rng, *sizes):
    return [_linear(rng, a, b) for a, b in itertools.pairwise(sizes)]


def _perceptron(layers, x):
    for layer in layers[:-1]:
        x = jax.nn.relu(_dense(layer, x))
    return _dense(layers[-1], x)


def _cross_entropy(logits, targets):
    return optax.softmax_cross_entropy_with_integer_labels(logits, targets).mean()


def _trainer(loss, optimizer):
    """The jitted step ``(params, state, *batch) -> (params, state, loss)``."""

    @functools.partial(jax.jit, donate_argnums=(0, 1))
    def step(params, state, *batch):
        value, grads = jax.value_and_grad(loss)(params, *batch)
        updates, state = optimizer.update(grads, state, params)
        return optax.apply_updates(params, updates), state, value

    return step


def _loop(params, loss, optimizer, batches):
    train, state = _trainer(loss, optimizer), optimizer.init(params)
    batches = itertools.cycle(batches)

    def step():
        nonlocal params, state
        params, state, value = train(params, state, *next(batches))
        return value

    return step


def mlp():
    params = _layers(np.random.default_rng(2), 784, 256, 256, 10)
    batches = list(zip(_normal((128, 784)), _classes(10, 128)))
    return _loop(params, lambda p, x, y: _cross_entropy(_perceptron(p, x), y), optax.adam(1e-3), batches)


def lenet():
    rng = np.random.default_rng(2)

    def conv(outputs, inputs, k):
        bound = (inputs * k * k) ** -0.5
        w = rng.uniform(-bound, bound, (k, k, inputs, outputs)).astype(np.float32)
        return {"w": jnp.asarray(w), "b": jnp.zeros(outputs)}

    params = {"conv": [conv(6, 1, 5), conv(16, 6, 5)], "dense": _layers(rng, 400, 120, 84, 10)}

    def loss(p, x, y):
        for layer in p["conv"]:
            x = jax.lax.conv_general_dilated(x, layer["w"], (1, 1), "VALID", dimension_numbers=("NHWC", "HWIO", "NHWC"))
            x = jax.nn.relu(x + layer["b"])
            x = jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")
        return _cross_entropy(_perceptron(p["dense"], x.reshape(len(x), -1)), y)

    batches = list(zip(_normal((64, 32, 32, 1)), _classes(10, 64)))
    return _loop(params, loss, optax.sgd(0.01, momentum=0.9), batches)


def char_gpt():
    rng = np.random.default_rng(2)
    vocabulary, context, width, heads = 65, 64, 128, 4

    def norm():
        return {"g": jnp.ones(width), "b": jnp.zeros(width)}

    def block():
        return {
            "norm1": norm(),
            "norm2": norm(),
            "qkv": _linear(rng, width, 3 * width),
            "out": _linear(rng, width, width),
            "up": _linear(rng, width, 4 * width),
            "down": _linear(rng, 4 * width, width),
        }

    params = {
        "token": jnp.asarray(rng.standard_normal((vocabulary, width), dtype=np.float32)),
        "position": jnp.asarray(rng.standard_normal((context, width), dtype=np.float32)),
        "blocks": [block() for _ in range(4)],
        "norm": norm(),
        "head": jnp.asarray(rng.uniform(-0.09, 0.09, (width, vocabulary)).astype(np.float32)),
    }

    def layer_norm(p, x):
        x = x - x.mean(-1, keepdims=True)
        return x * jax.lax.rsqrt((x * x).mean(-1, keepdims=True) + 1e-5) * p["g"] + p["b"]

    def forward(p, tokens):
        x = p["token"][tokens] + p["position"][: tokens.shape[1]]
        for layer in p["blocks"]:
            b, n, c = x.shape
            qkv = _dense(layer["qkv"], layer_norm(layer["norm1"], x)).reshape(b, n, 3, heads, c // heads)
            y = jax.nn.dot_product_attention(qkv[:, :, 0], qkv[:, :, 1], qkv[:, :, 2], is_causal=True)
            x = x + _dense(layer["out"], y.reshape(b, n, c))
            hidden = jax.nn.gelu(_dense(layer["up"], layer_norm(layer["norm2"], x)), approximate=False)
            x = x + _dense(layer["down"], hidden)
        return layer_norm(p["norm"], x) @ p["head"]

    def loss(p, window):
        return _cross_entropy(forward(p, window[:, :-1]), window[:, 1:])

    schedule = optax.cosine_decay_schedule(1e-3, 1000)
    optimizer = optax.chain(optax.clip_by_global_norm(1.0), optax.adamw(schedule, weight_decay=0.1))
    return _loop(params, loss, optimizer, [(w,) for w in _classes(vocabulary, (16, context + 1))])


def vae():
    rng = np.random.default_rng(2)
    params = {"encoder": _layers(rng, 784, 256, 32), "decoder": _layers(rng, 16, 256, 784)}

    def loss(p, x, key):
        mean, log_variance = jnp.split(_perceptron(p["encoder"], x), 2, axis=1)
        code = mean + jnp.exp(0.5 * log_variance) * jax.random.normal(key, mean.shape)
        logits = _perceptron(p["decoder"], code)
        reconstruction = optax.sigmoid_binary_cross_entropy(logits, x).sum()
        divergence = -0.5 * jnp.sum(1 + log_variance - mean**2 - jnp.exp(log_variance))
        return (reconstruction + divergence) / len(x)

    optimizer = optax.adam(1e-3)
    state, key = optimizer.init(params), jax.random.key(0)
    batches = itertools.cycle([jax.nn.sigmoid(x) for x in _normal((128, 784))])

    @functools.partial(jax.jit, donate_argnums=(0, 1, 2))
    def train(params, state, key, x):
        key, now = jax.random.split(key)
        value, grads = jax.value_and_grad(loss)(params, x, now)
        updates, state = optimizer.update(grads, state, params)
        return optax.apply_updates(params, updates), state, key, value

    def step():
        nonlocal params, state, key
        params, state, key, value = train(params, state, key, next(batches))
        return value

    return step


def lstm():
    rng = np.random.default_rng(2)
    params = {
        "embedding": jnp.asarray(rng.standard_normal((1000, 64), dtype=np.float32)),
        "input": _linear(rng, 64, 512),
        "hidden": _linear(rng, 128, 512),
        "head": _linear(rng, 128, 16),
    }

    def loss(p, tokens, tags):
        inputs = jnp.swapaxes(_dense(p["input"], p["embedding"][tokens]), 0, 1)

        def cell(carry, x):
            h, c = carry
            i, f, g, o = jnp.split(x + _dense(p["hidden"], h), 4, axis=1)
            c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
            h = jax.nn.sigmoid(o) * jnp.tanh(c)
            return (h, c), h

        zero = jnp.zeros((tokens.shape[0], 128))
        _, hidden = jax.lax.scan(cell, (zero, zero), inputs)
        return _cross_entropy(_dense(p["head"], jnp.swapaxes(hidden, 0, 1)), tags)

    batches = list(zip(_classes(1000, (32, 32)), _classes(16, (32, 32))))
    return _loop(params, loss, optax.adam(1e-3), batches)


def dqn():
    online = _layers(np.random.default_rng(2), 4, 64, 64, 2)
    target = jax.tree.map(jnp.copy, online)
    optimizer = optax.adam(1e-3)
    state = optimizer.init(online)
    rng = np.random.default_rng(0)
    size = 1024
    states = rng.standard_normal((size, 4), dtype=np.float32)
    actions = rng.integers(0, 2, size).astype(np.int32)
    rewards = rng.standard_normal(size, dtype=np.float32)
    count = itertools.count()

    @jax.jit
    def act(params, s):
        return jnp.argmax(_perceptron(params, s), axis=1)

    def loss(p, fixed, s, a, r, s_next):
        goal = r + 0.99 * _perceptron(fixed, s_next).max(axis=1)
        chosen = jnp.take_along_axis(_perceptron(p, s), a[:, None], axis=1)[:, 0]
        return optax.huber_loss(chosen, goal).mean()

    train = _trainer(loss, optimizer)

    def step():
        nonlocal online, state
        now = next(count) % (size - 1)
        action = int(act(online, states[now : now + 1])[0])
        actions[now] = action
        rewards[now] = 1.0 if action == (states[now, 0] > 0) else -1.0
        chosen = rng.integers(0, size - 1, 64)
        batch = states[chosen], actions[chosen], rewards[chosen], states[chosen + 1]
        online, state, value = train(online, state, target, *batch)
        return value

    return step


def pointwise():
    @jax.jit
    def chain(x):
        for _ in range(50):
            x = x * 1.01
            x = x + 0.1
            x = jnp.tanh(x)
            x = x - 0.05
        return x

    x = jnp.linspace(-1, 1, 32)

    def step():
        y = chain(x)
        y.tolist()
        return y

    return step


LOOPS = {f.__name__: f for f in (mlp, lenet, char_gpt, vae, lstm, dqn, pointwise)}


def wait(array):
    """Return when `array` has been computed."""
    array.block_until_ready()
