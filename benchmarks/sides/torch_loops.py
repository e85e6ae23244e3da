"""The loops in PyTorch's words: run by PyTorch (eager or compiled) and, through the drop-in, by torchax_lite.

`LOOPS[name](compiled)` builds a loop and returns `step()`, which does one step and returns a tensor to wait for.
"""

import itertools
import math
import os

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

POOL = 8  # different batches, taken in turns
DEVICE = os.environ.get("BENCHMARK_DEVICE", "cpu")


def _put(array):
    return torch.from_numpy(array).to(DEVICE)


def _classes(count, size):
    rng = np.random.default_rng(1)
    return [_put(rng.integers(0, count, size)) for _ in range(POOL)]


def _normal(size):
    rng = np.random.default_rng(0)
    return [_put(rng.standard_normal(size, dtype=np.float32)) for _ in range(POOL)]


def _maybe_compile(function, compiled):
    return torch.compile(function) if compiled else function


def mlp(compiled):
    """784-256-256-10 perceptron, batch 128, cross-entropy, Adam."""
    net = nn.Sequential(nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 10))
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    run = _maybe_compile(net, compiled)
    batches = itertools.cycle(zip(_normal((128, 784)), _classes(10, 128)))

    def step():
        x, y = next(batches)
        optimizer.zero_grad()
        loss = F.cross_entropy(run(x), y)
        loss.backward()
        optimizer.step()
        return loss

    return step


def lenet(compiled):
    """LeNet-5 with ReLU and max-pooling on 1 by 32 by 32, batch 64, SGD with momentum."""
    net = nn.Sequential(
        *(nn.Conv2d(1, 6, 5), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()),
        *(nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10)),
    )
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)
    run = _maybe_compile(net, compiled)
    batches = itertools.cycle(zip(_normal((64, 1, 32, 32)), _classes(10, 64)))

    def step():
        x, y = next(batches)
        optimizer.zero_grad()
        loss = F.cross_entropy(run(x), y)
        loss.backward()
        optimizer.step()
        return loss

    return step


class _Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        b, n, c = x.shape
        q, k, v = self.qkv(self.norm1(x)).view(b, n, 3, self.heads, c // self.heads).permute(2, 0, 3, 1, 4)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(y.transpose(1, 2).reshape(b, n, c))
        return x + self.down(F.gelu(self.up(self.norm2(x))))


class _GPT(nn.Module):
    def __init__(self, vocabulary, context, width, layers, heads):
        super().__init__()
        self.token, self.position = nn.Embedding(vocabulary, width), nn.Embedding(context, width)
        self.blocks = nn.Sequential(*(_Block(width, heads) for _ in range(layers)))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, vocabulary, bias=False)

    def forward(self, tokens):
        x = self.token(tokens) + self.position(torch.arange(tokens.shape[1]))
        return self.head(self.norm(self.blocks(x)))


def char_gpt(compiled):
    """GPT: 4 layers of width 128, 4 heads, context 64, batch 16; AdamW, clipped gradients, a new rate each step."""
    return _language_model(compiled, (65, 64, 128, 4, 4), 16)


def gpt2(compiled):
    """GPT-2 small, context 1024, batch 8, TensorFloat32 products; the rest as in `char_gpt`."""
    torch.set_float32_matmul_precision("high")
    return _language_model(compiled, (50257, 1024, 768, 12, 12), 8)


def _language_model(compiled, sizes, batch):
    net = _GPT(*sizes)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3, weight_decay=0.1)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda i: 0.5 * (1 + math.cos(math.pi * (i % 1000) / 1000)))
    run = _maybe_compile(net, compiled)
    batches = itertools.cycle(_classes(sizes[0], (batch, sizes[1] + 1)))

    def step():
        window = next(batches)
        loss = F.cross_entropy(run(window[:, :-1]).flatten(0, 1), window[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        return loss

    return step


class _VAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 32))
        self.decoder = nn.Sequential(nn.Linear(16, 256), nn.ReLU(), nn.Linear(256, 784))

    def forward(self, x):
        mean, log_variance = self.encoder(x).chunk(2, dim=1)
        code = mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean)
        return self.decoder(code), mean, log_variance


def vae(compiled):
    """Variational autoencoder, 784-256-16, batch 128, Adam."""
    net = _VAE()
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    run = _maybe_compile(net, compiled)
    batches = itertools.cycle([x.sigmoid() for x in _normal((128, 784))])

    def step():
        x = next(batches)
        logits, mean, log_variance = run(x)
        reconstruction = F.binary_cross_entropy_with_logits(logits, x, reduction="sum")
        divergence = -0.5 * torch.sum(1 + log_variance - mean.pow(2) - log_variance.exp())
        loss = (reconstruction + divergence) / len(x)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    return step


class _Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(1000, 64)
        self.lstm = nn.LSTM(64, 128, batch_first=True)
        self.head = nn.Linear(128, 16)

    def forward(self, tokens):
        return self.head(self.lstm(self.embedding(tokens))[0])


def lstm(compiled):
    """LSTM tagger: embedding 64, hidden 128, 32 sentences of 32 tokens, 16 tags, Adam."""
    net = _Tagger()
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    run = _maybe_compile(net, compiled)
    batches = itertools.cycle(zip(_classes(1000, (32, 32)), _classes(16, (32, 32))))

    def step():
        tokens, tags = next(batches)
        loss = F.cross_entropy(run(tokens).flatten(0, 1), tags.flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    return step


def dqn(compiled):
    """DQN-style: each step chooses an action by `.item()`, stores it, and trains on 64 remembered ones, Adam."""

    def q_net():
        return nn.Sequential(nn.Linear(4, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2))

    online, target = q_net(), q_net()
    target.load_state_dict(online.state_dict())
    optimizer = torch.optim.Adam(online.parameters(), lr=1e-3)
    run, run_target = _maybe_compile(online, compiled), _maybe_compile(target, compiled)
    rng = np.random.default_rng(0)
    size = 1024
    states = rng.standard_normal((size, 4), dtype=np.float32)
    actions, rewards = rng.integers(0, 2, size), rng.standard_normal(size, dtype=np.float32)
    count = itertools.count()

    def step():
        now = next(count) % (size - 1)
        with torch.no_grad():
            action = run(_put(states[now : now + 1])).argmax(dim=1).item()
        actions[now] = action
        rewards[now] = 1.0 if action == (states[now, 0] > 0) else -1.0
        chosen = rng.integers(0, size - 1, 64)
        s, s_next = _put(states[chosen]), _put(states[chosen + 1])
        a, r = _put(actions[chosen]), _put(rewards[chosen])
        with torch.no_grad():
            goal = r + 0.99 * run_target(s_next).max(dim=1).values
        loss = F.smooth_l1_loss(run(s).gather(1, a[:, None])[:, 0], goal)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    return step


def pointwise(compiled):
    """200 chained pointwise ops on 32 numbers, no gradient, and one read at the end."""

    def chain(x):
        for _ in range(50):
            x = x * 1.01
            x = x + 0.1
            x = torch.tanh(x)
            x = x - 0.05
        return x

    run = _maybe_compile(chain, compiled)
    x = torch.linspace(-1, 1, 32)

    def step():
        with torch.no_grad():
            y = run(x)
        y.tolist()
        return y

    return step


LOOPS = {f.__name__: f for f in (mlp, lenet, char_gpt, vae, lstm, dqn, pointwise, gpt2)}


def wait(tensor):
    """Return when `tensor` has been computed."""
    tensor.sum().item()
