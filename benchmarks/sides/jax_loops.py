"""The loops as one would write them for JAX: the whole step is one jitted function with donated state; optax.

`LOOPS[name]()` builds a loop and returns `step()`, which does one step and returns an array to wait for.
"""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax_parts import (
    convolution,
    convolve,
    cross_entropy,
    dense,
    drawing_loop,
    layer_norm,
    layers,
    linear,
    loop,
    norm,
    perceptron,
    pool,
    trainer,
    wait,
)

POOL = 8


def _classes(count, size):
    rng = np.random.default_rng(1)
    return [jnp.asarray(rng.integers(0, count, size, dtype=np.int32)) for _ in range(POOL)]


def _normal(size):
    rng = np.random.default_rng(0)
    return [jnp.asarray(rng.standard_normal(size, dtype=np.float32)) for _ in range(POOL)]


def mlp():
    params = layers(np.random.default_rng(2), 784, 256, 256, 10)
    batches = list(zip(_normal((128, 784)), _classes(10, 128)))
    return loop(params, lambda p, x, y: cross_entropy(perceptron(p, x), y), optax.adam(1e-3), batches)


def lenet():
    rng = np.random.default_rng(2)
    convolutions = [convolution(rng, 1, 6, 5), convolution(rng, 6, 16, 5)]
    params = {"conv": convolutions, "dense": layers(rng, 400, 120, 84, 10)}

    def loss(p, x, y):
        for layer in p["conv"]:
            x = pool(jax.nn.relu(convolve(layer, x)), 2)
        return cross_entropy(perceptron(p["dense"], x.reshape(len(x), -1)), y)

    batches = list(zip(_normal((64, 32, 32, 1)), _classes(10, 64)))
    return loop(params, loss, optax.sgd(0.01, momentum=0.9), batches)


def char_gpt():
    return language_model(65, 64, 128, 4, 4, 16)


def gpt2():
    jax.config.update("jax_default_matmul_precision", "tensorfloat32")
    return language_model(50257, 1024, 768, 12, 12, 8)


def language_model(vocabulary, context, width, depth, heads, batch):
    rng = np.random.default_rng(2)

    def block():
        return {
            "norm1": norm(width),
            "norm2": norm(width),
            "qkv": linear(rng, width, 3 * width),
            "out": linear(rng, width, width),
            "up": linear(rng, width, 4 * width),
            "down": linear(rng, 4 * width, width),
        }

    params = {
        "token": jnp.asarray(rng.standard_normal((vocabulary, width), dtype=np.float32)),
        "position": jnp.asarray(rng.standard_normal((context, width), dtype=np.float32)),
        "blocks": [block() for _ in range(depth)],
        "norm": norm(width),
        "head": jnp.asarray(rng.uniform(-0.09, 0.09, (width, vocabulary)).astype(np.float32)),
    }

    def forward(p, tokens):
        x = p["token"][tokens] + p["position"][: tokens.shape[1]]
        for layer in p["blocks"]:
            b, n, c = x.shape
            qkv = dense(layer["qkv"], layer_norm(layer["norm1"], x)).reshape(b, n, 3, heads, c // heads)
            y = jax.nn.dot_product_attention(qkv[:, :, 0], qkv[:, :, 1], qkv[:, :, 2], is_causal=True)
            x = x + dense(layer["out"], y.reshape(b, n, c))
            hidden = jax.nn.gelu(dense(layer["up"], layer_norm(layer["norm2"], x)), approximate=False)
            x = x + dense(layer["down"], hidden)
        return layer_norm(p["norm"], x) @ p["head"]

    def loss(p, window):
        return cross_entropy(forward(p, window[:, :-1]), window[:, 1:])

    schedule = optax.cosine_decay_schedule(1e-3, 1000)
    optimizer = optax.chain(optax.clip_by_global_norm(1.0), optax.adamw(schedule, weight_decay=0.1))
    return loop(params, loss, optimizer, [(w,) for w in _classes(vocabulary, (batch, context + 1))])


def vae():
    rng = np.random.default_rng(2)
    params = {"encoder": layers(rng, 784, 256, 32), "decoder": layers(rng, 16, 256, 784)}

    def loss(p, state, key, x):
        mean, log_variance = jnp.split(perceptron(p["encoder"], x), 2, axis=1)
        code = mean + jnp.exp(0.5 * log_variance) * jax.random.normal(key, mean.shape)
        logits = perceptron(p["decoder"], code)
        reconstruction = optax.sigmoid_binary_cross_entropy(logits, x).sum()
        divergence = -0.5 * jnp.sum(1 + log_variance - mean**2 - jnp.exp(log_variance))
        return (reconstruction + divergence) / len(x), state

    batches = [(jax.nn.sigmoid(x),) for x in _normal((128, 784))]
    return drawing_loop(params, loss, optax.adam(1e-3), batches)


def lstm():
    rng = np.random.default_rng(2)
    params = {
        "embedding": jnp.asarray(rng.standard_normal((1000, 64), dtype=np.float32)),
        "input": linear(rng, 64, 512),
        "hidden": linear(rng, 128, 512),
        "head": linear(rng, 128, 16),
    }

    def loss(p, tokens, tags):
        inputs = jnp.swapaxes(dense(p["input"], p["embedding"][tokens]), 0, 1)

        def cell(carry, x):
            h, c = carry
            i, f, g, o = jnp.split(x + dense(p["hidden"], h), 4, axis=1)
            c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
            h = jax.nn.sigmoid(o) * jnp.tanh(c)
            return (h, c), h

        zero = jnp.zeros((tokens.shape[0], 128))
        _, hidden = jax.lax.scan(cell, (zero, zero), inputs)
        return cross_entropy(dense(p["head"], jnp.swapaxes(hidden, 0, 1)), tags)

    batches = list(zip(_classes(1000, (32, 32)), _classes(16, (32, 32))))
    return loop(params, loss, optax.adam(1e-3), batches)


def dqn():
    online = layers(np.random.default_rng(2), 4, 64, 64, 2)
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
        return jnp.argmax(perceptron(params, s), axis=1)

    def loss(p, fixed, s, a, r, s_next):
        goal = r + 0.99 * perceptron(fixed, s_next).max(axis=1)
        chosen = jnp.take_along_axis(perceptron(p, s), a[:, None], axis=1)[:, 0]
        return optax.huber_loss(chosen, goal).mean()

    train = trainer(loss, optimizer)

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


LOOPS = {f.__name__: f for f in (mlp, lenet, char_gpt, vae, lstm, dqn, pointwise, gpt2)}

__all__ = ["LOOPS", "wait"]
