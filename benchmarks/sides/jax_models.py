"""Models of `tests/model_programs` as one would write them for JAX: the same sizes, batches and optimizers.

`LOOPS["model:NAME"]()` returns `step()`. Data are noise, and what a program draws for a batch (indices, lengths, mixing
shares) is drawn inside the jitted step.
"""

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax_parts import (
    batch_norm,
    convolution,
    convolve,
    cross_entropy,
    dense,
    drawing_loop,
    dropout,
    layer_norm,
    layers,
    linear,
    loop,
    norm,
    perceptron,
    pool,
    running,
    wait,
)


def _images(count, channels, size, classes):
    rng = np.random.default_rng(0)
    pixels = rng.standard_normal((count, size, size, channels), dtype=np.float32)
    return pixels, rng.integers(0, classes, count).astype(np.int32)


def _batches(size, *arrays):
    """Consecutive batches, on the device."""
    return [tuple(jnp.asarray(a[i : i + size]) for a in arrays) for i in range(0, len(arrays[0]), size)]


def _matrices(params):
    """A mask of what has more than one axis."""
    return jax.tree.map(lambda p: p.ndim > 1, params)


def mlp():
    rng = np.random.default_rng(2)
    params = {"dense": layers(rng, 32, 64, 64, 10), "norm": [norm(64), norm(64)]}

    def loss(p, state, key, x, y):
        new = []
        for layer, scale, seen, now in zip(p["dense"], p["norm"], state, jax.random.split(key)):
            x, seen = batch_norm(scale, seen, dense(layer, x))
            x = dropout(now, jax.nn.relu(x), 0.2)
            new.append(seen)
        return cross_entropy(dense(p["dense"][-1], x), y), new

    rate = optax.exponential_decay(5e-3, 15, 0.5, staircase=True)
    optimizer = optax.chain(optax.add_decayed_weights(1e-4), optax.adam(rate))
    x, y = rng.standard_normal((640, 32), dtype=np.float32), rng.integers(0, 10, 640).astype(np.int32)
    return drawing_loop(params, loss, optimizer, _batches(64, x, y), [running(64), running(64)])


def lenet():
    rng = np.random.default_rng(2)
    params = {
        "conv": [convolution(rng, 1, 6, 5), convolution(rng, 6, 16, 5)],
        "dense": layers(rng, 400, 120, 84, 10),
    }

    def loss(p, x, y):
        for layer in p["conv"]:
            x = pool(jnp.tanh(convolve(layer, x)), 2, average=True)
        return cross_entropy(perceptron(p["dense"], x.reshape(len(x), -1), jnp.tanh), y)

    images, labels = _images(512, 1, 32, 10)

    def shuffled():
        while True:
            order = rng.permutation(len(images))
            for i in range(0, len(order), 16):
                yield images[order[i : i + 16]], labels[order[i : i + 16]]

    rate = optax.piecewise_constant_schedule(0.05, {20: 0.5, 35: 0.5})
    return loop(params, loss, optax.sgd(rate, momentum=0.9, nesterov=True), shuffled())


def resnet18():
    rng = np.random.default_rng(2)
    widths = [(8, 8, 1), (8, 8, 1), (8, 16, 2), (16, 16, 1), (16, 32, 2), (32, 32, 1), (32, 64, 2), (64, 64, 1)]

    def block(inputs, outputs, stride):
        p = {
            "conv1": convolution(rng, inputs, outputs, 3, bias=False),
            "conv2": convolution(rng, outputs, outputs, 3, bias=False),
        }
        names = ["norm1", "norm2"]
        if stride != 1:
            p["conv0"] = convolution(rng, inputs, outputs, 1, bias=False)
            names.append("norm0")
        return p | {name: norm(outputs) for name in names}, {name: running(outputs) for name in names}

    blocks, seen = zip(*(block(*sizes) for sizes in widths))
    stem = convolution(rng, 3, 8, 7, bias=False)
    params = {"stem": stem, "norm": norm(8), "blocks": list(blocks), "head": linear(rng, 64, 4)}

    def loss(p, state, key, x, y):
        new = {"blocks": []}
        x, new["norm"] = batch_norm(p["norm"], state["norm"], convolve(p["stem"], x, 2, 3))
        x = pool(jax.nn.relu(x), 3, 2, 1)
        for layer, old, (_, _, stride) in zip(p["blocks"], state["blocks"], widths):
            now = {}
            h, now["norm1"] = batch_norm(layer["norm1"], old["norm1"], convolve(layer["conv1"], x, stride, 1))
            h, now["norm2"] = batch_norm(layer["norm2"], old["norm2"], convolve(layer["conv2"], jax.nn.relu(h), 1, 1))
            if "conv0" in layer:
                x, now["norm0"] = batch_norm(layer["norm0"], old["norm0"], convolve(layer["conv0"], x, stride))
            x = jax.nn.relu(h + x)
            new["blocks"].append(now)
        targets = optax.smooth_labels(jax.nn.one_hot(y, 4), 0.1)
        return optax.softmax_cross_entropy(dense(p["head"], x.mean((1, 2))), targets).mean(), new

    rate = optax.cosine_decay_schedule(3e-3, 50)
    optimizer = optax.chain(optax.add_decayed_weights(5e-4), optax.sgd(rate, momentum=0.9))
    batches = _batches(8, *_images(16, 3, 64, 4))
    return drawing_loop(params, loss, optimizer, batches, {"norm": running(8), "blocks": list(seen)})


def vae():
    rng = np.random.default_rng(2)
    params = {
        "down": [convolution(rng, 1, 8, 3), convolution(rng, 8, 16, 3)],
        "code": linear(rng, 256, 12),
        "grow": linear(rng, 6, 256),
        "up": [convolution(rng, 16, 8, 3), convolution(rng, 8, 1, 3)],
    }
    images = jnp.asarray(rng.random((128, 16, 16, 1)), jnp.float32)

    def log_normaliser(logits):
        """Of the continuous Bernoulli; near 1/2 by its Taylor series."""
        p = jax.nn.sigmoid(logits)
        near = jnp.abs(p - 0.5) < 1e-3
        safe = jnp.where(near, 0.25, p)
        exact = jnp.log(jnp.abs(2 * jnp.arctanh(1 - 2 * safe))) - jnp.log(jnp.abs(1 - 2 * safe))
        square = (p - 0.5) ** 2
        return jnp.where(near, jnp.log(2.0) + (4 / 3 + 104 / 45 * square) * square, exact)

    def loss(p, weight, key):
        chosen, drawn = jax.random.split(key)
        weight = weight + 0.02
        x = images[jax.random.permutation(chosen, 128)[:16]]
        h = x
        for layer in p["down"]:
            h = jax.nn.elu(convolve(layer, h, 2, 1))
        mean, spread = jnp.split(dense(p["code"], h.reshape(16, -1)), 2, axis=1)
        scale = jax.nn.softplus(spread) + 1e-3
        code = mean + scale * jax.random.normal(drawn, mean.shape)
        h = jax.nn.elu(dense(p["grow"], code)).reshape(16, 4, 4, 16)
        h = jax.nn.elu(convolve(p["up"][0], jnp.repeat(jnp.repeat(h, 2, axis=1), 2, axis=2), 1, 1))
        logits = convolve(p["up"][1], jax.image.resize(h, (16, 16, 16, 8), "linear"), 1, 1)
        likelihood = log_normaliser(logits) - optax.sigmoid_binary_cross_entropy(logits, x)
        divergence = 0.5 * (scale**2 + mean**2 - 1) - jnp.log(scale)
        return (weight * divergence.sum(1) - likelihood.sum((1, 2, 3))).mean(), weight

    optimizer = optax.chain(optax.clip_by_global_norm(50.0), optax.nadam(2e-3))
    return drawing_loop(params, loss, optimizer, [()], jnp.float32(0))


def lstm_tagger():
    rng = np.random.default_rng(2)
    words, tags, length, batch, width = 20, 4, 10, 16, 16

    def direction(inputs):
        return {"x": linear(rng, inputs, 4 * width), "h": linear(rng, width, 4 * width)}

    params = {
        "embedding": jnp.asarray(rng.standard_normal((words, width)), jnp.float32),
        "rnn": [[direction(inputs), direction(inputs)] for inputs in (width, 2 * width)],
        "head": linear(rng, 2 * width, tags),
    }

    def run(p, x, there, reverse):
        """Hidden states over time; where a sequence has ended, the state stays."""

        def cell(carry, now):
            h, c = carry
            gates, live = now
            i, f, g, o = jnp.split(gates + dense(p["h"], h), 4, axis=1)
            new_c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
            new_h = jax.nn.sigmoid(o) * jnp.tanh(new_c)
            h, c = jnp.where(live, new_h, h), jnp.where(live, new_c, c)
            return (h, c), jnp.where(live, h, 0)

        zero = jnp.zeros((batch, width))
        return jax.lax.scan(cell, (zero, zero), (dense(p["x"], x), there), reverse=reverse)[1]

    def loss(p, state, key):
        a, b, c, d = jax.random.split(key, 4)
        there = jnp.arange(length) < jax.random.randint(a, (batch, 1), 4, length + 1)
        tokens = jax.random.randint(b, (batch, length), 1, words) * there
        target = (tokens + jnp.roll(tokens, 1, axis=1)) % tags
        x = jnp.swapaxes(dropout(c, p["embedding"][tokens], 0.1), 0, 1)
        live = there.T[..., None]
        for i, (forward, backward) in enumerate(p["rnn"]):
            x = dropout(d, x, 0.1) if i else x
            x = jnp.concatenate([run(forward, x, live, False), run(backward, x, live, True)], axis=-1)
        scores = dense(p["head"], jnp.swapaxes(x, 0, 1))
        each = optax.softmax_cross_entropy_with_integer_labels(scores, target)
        return (each * there).sum() / there.sum(), state

    rate = optax.exponential_decay(5e-3, 20, 0.5, staircase=True)
    optimizer = optax.chain(optax.clip_by_global_norm(1.0), optax.rmsprop(rate, decay=0.99))
    return drawing_loop(params, loss, optimizer, [()])


def _block(rng, width, inner, bias=True):
    """Parameters of attention and a perceptron, each behind a layer norm."""
    second = norm(width) if bias else {"g": jnp.ones(width)}
    p = {"norm1": norm(width), "norm2": second, "qkv": linear(rng, width, 3 * width)}
    return p | {"out": linear(rng, width, width), "up": linear(rng, width, inner), "down": linear(rng, inner, width)}


def _attend(p, x, key, heads, causal):
    """Self-attention of several heads with dropout of its weights."""
    b, n, c = x.shape
    q, k, v = jnp.moveaxis(dense(p["qkv"], x).reshape(b, n, 3, heads, c // heads), 2, 0)
    scores = jnp.einsum("bihd,bjhd->bhij", q, k) * (c // heads) ** -0.5
    if causal:
        scores = jnp.where(jnp.tril(jnp.ones((n, n), bool)), scores, -jnp.inf)
    weights = dropout(key, jax.nn.softmax(scores), 0.1)
    return dense(p["out"], jnp.einsum("bhij,bjhd->bihd", weights, v).reshape(b, n, c))


def gpt():
    rng = np.random.default_rng(2)
    words, context, width = 24, 16, 32

    def normal(*shape):
        return jnp.asarray(0.02 * rng.standard_normal(shape), jnp.float32)

    blocks = [_block(rng, width, 4 * width, bias=False) for _ in range(2)]
    params = {"token": normal(words, width), "position": normal(context, width), "blocks": blocks, "norm": norm(width)}
    text = jnp.asarray(rng.integers(0, words, 600), jnp.int32)

    def forward(p, tokens, key):
        keys = iter(jax.random.split(key, 7))
        x = dropout(next(keys), p["token"][tokens] + p["position"], 0.1)
        for layer in p["blocks"]:
            h = _attend(layer, layer_norm(layer["norm1"], x), next(keys), 4, causal=True)
            x = x + dropout(next(keys), h, 0.1)
            h = dense(layer["down"], jax.nn.gelu(dense(layer["up"], layer_norm(layer["norm2"], x))))
            x = x + dropout(next(keys), h, 0.1)
        return layer_norm(p["norm"], x) @ p["token"].T

    def half(p, key):
        drawn, key = jax.random.split(key)
        start = jax.random.randint(drawn, (8, 1), 0, len(text) - context)
        window = text[start + jnp.arange(context + 1)]
        return cross_entropy(forward(p, window[:, :-1], key), window[:, 1:])

    def loss(p, state, key):
        first, second = jax.random.split(key)
        return (half(p, first) + half(p, second)) / 2, state

    rate = optax.warmup_cosine_decay_schedule(4e-4, 4e-3, 10, 50, 4e-4)
    adam = optax.adamw(rate, b1=0.9, b2=0.95, weight_decay=0.1, mask=_matrices)
    return drawing_loop(params, loss, optax.chain(optax.clip_by_global_norm(1.0), adam), [()])


def vit():
    rng = np.random.default_rng(2)
    width = 32
    params = {
        "patches": convolution(rng, 3, width, 8),
        "token": jnp.zeros((1, 1, width)),
        "position": jnp.asarray(0.02 * rng.standard_normal((1, 17, width)), jnp.float32),
        "blocks": [_block(rng, width, 2 * width) for _ in range(3)],
        "norm": norm(width),
        "head": linear(rng, width, 5),
    }

    def loss(p, state, key, x, y):
        keys = iter(jax.random.split(key, 12))
        x = convolve(p["patches"], x, 8).reshape(len(x), 16, width)
        x = jnp.concatenate([jnp.broadcast_to(p["token"], (len(x), 1, width)), x], axis=1) + p["position"]
        for layer in p["blocks"]:
            h = _attend(layer, layer_norm(layer["norm1"], x), next(keys), 4, causal=False)
            x = x + dropout(next(keys), h, 0.1)
            h = jax.nn.gelu(dense(layer["up"], layer_norm(layer["norm2"], x)), approximate=False)
            x = x + dropout(next(keys), dense(layer["down"], dropout(next(keys), h, 0.1)), 0.1)
        return cross_entropy(dense(p["head"], layer_norm(p["norm"], x)[:, 0]), y), state

    parts = [{"init_value": 0.0, "peak_value": 2e-3, "warmup_steps": 0, "decay_steps": n} for n in (10, 20, 40, 80)]
    adam = optax.adamw(optax.sgdr_schedule(parts), weight_decay=0.05, mask=_matrices)
    optimizer = optax.chain(optax.clip_by_global_norm(1.0), adam)
    return drawing_loop(params, loss, optimizer, _batches(16, *_images(128, 3, 32, 5)))


def mixer():
    rng = np.random.default_rng(2)
    width, tokens = 24, 16

    def block():
        mixing = {"tokens": layers(rng, tokens, 2 * tokens, tokens), "channels": layers(rng, width, 4 * width, width)}
        return mixing | {"norm1": norm(width), "norm2": norm(width)}

    params = {
        "embed": linear(rng, 192, width),
        "blocks": [block() for _ in range(3)],
        "norm": norm(width),
        "head": linear(rng, width, 5),
    }

    def gelu(x):
        return jax.nn.gelu(x, approximate=False)

    def loss(p, state, key, x, target):
        one, two = jax.random.split(key)
        order, share = jax.random.permutation(one, len(x)), jax.random.uniform(two, (len(x), 1))
        x = x[order] + share[..., None, None] * (x - x[order])
        target = target[order] + share * (target - target[order])
        x = x.reshape(len(x), 4, 8, 4, 8, 3).transpose(0, 1, 3, 5, 2, 4).reshape(len(x), tokens, 192)
        x = dense(p["embed"], x)
        for layer in p["blocks"]:
            mixed = perceptron(layer["tokens"], jnp.swapaxes(layer_norm(layer["norm1"], x), 1, 2), gelu)
            x = x + jnp.swapaxes(mixed, 1, 2)
            x = x + perceptron(layer["channels"], layer_norm(layer["norm2"], x), gelu)
        scores = dense(p["head"], layer_norm(p["norm"], x).mean(1))
        return optax.softmax_cross_entropy(scores, target).mean(), state

    images, labels = _images(128, 3, 32, 5)
    rate = optax.polynomial_schedule(5e-3, 0.0, 1.5, 50)
    optimizer = optax.chain(optax.scale_by_radam(), optax.add_decayed_weights(0.01), optax.scale_by_learning_rate(rate))
    return drawing_loop(params, loss, optimizer, _batches(16, images, np.eye(5, dtype=np.float32)[labels]))


def gcn():
    rng = np.random.default_rng(2)
    nodes = 90
    params = [linear(rng, 16, 16), linear(rng, 16, 3)]
    ends = rng.integers(0, nodes, (2, 280))
    edges = np.concatenate([ends, ends[::-1], np.tile(np.arange(nodes), (2, 1))], axis=1).astype(np.int32)
    degree = np.bincount(edges[1], minlength=nodes).astype(np.float32)
    weights = jnp.asarray(1 / np.sqrt(degree[edges[0]] * degree[edges[1]]))
    features, source, target = jnp.asarray(rng.random((nodes, 16)), jnp.float32), *map(jnp.asarray, edges)
    labels = jnp.arange(nodes) % 3

    def convolved(p, x):
        messages = (x @ p["w"])[source] * weights[:, None]
        return jnp.zeros((nodes, messages.shape[1])).at[target].add(messages) + p["b"]

    def loss(p, state, key):
        one, two = jax.random.split(key)
        x = jax.nn.relu(convolved(p[0], dropout(one, features, 0.5)))
        scores = convolved(p[1], dropout(two, x, 0.5))
        return cross_entropy(scores[:45], labels[:45]), state

    def rate(count):
        return 0.02 * jnp.where(count < 5, 0.5, 1.0) * 0.99**count

    decay = optax.masked(optax.add_decayed_weights(5e-4), lambda p: [True, False])
    return drawing_loop(params, loss, optax.chain(decay, optax.adam(rate)), [()])


LOOPS = {f"model:{f.__name__}": f for f in (mlp, lenet, resnet18, vae, lstm_tagger, gpt, vit, mixer, gcn)}

__all__ = ["LOOPS", "wait"]
