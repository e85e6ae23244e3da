"""Training loops whose losses, step by step, are recorded with PyTorch and replayed with this package.

They do `import torch`: the recorder runs them under PyTorch, the tests under the drop-in. Each returns the list of the
losses, as Python floats that are read after the last step (so a loop has no host read of its own), or at each step
where `read_each_step` says so.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def lenet(activation, pooling):
    """LeNet-5 for one channel of 32 by 32."""
    return nn.Sequential(
        nn.Conv2d(1, 6, 5),
        activation(),
        pooling(2),
        nn.Conv2d(6, 16, 5),
        activation(),
        pooling(2),
        nn.Flatten(),
        nn.Linear(16 * 5 * 5, 120),
        activation(),
        nn.Linear(120, 84),
        activation(),
        nn.Linear(84, 10),
    )


def digit_images():
    """The scans of scikit-learn as 1 by 32 by 32 images between -1 and 1, and their labels."""
    data = load_digits()
    pixels = data.images.repeat(4, axis=1).repeat(4, axis=2)
    return torch.tensor(pixels, dtype=torch.float32).unsqueeze(1) / 8 - 1, torch.tensor(data.target)


def _values(losses):
    return [float(x) for x in losses]


def lenet_digits(steps=200, seed=0, optimizer="sgd", kinks=False, read_each_step=False):
    """LeNet on digits: cross-entropy, shuffled batches of 32, SGD with momentum or Adam.

    With `kinks` it has ReLU and max-pooling instead of tanh and average pooling. Two runs of that net that differ in
    the last bit of one weight can part for good (the loss by 20 % within 60 steps, in PyTorch as well), when one
    activation falls on the other side of zero; so only a seed where PyTorch stays with itself is recorded.
    """
    torch.manual_seed(seed)
    images, labels = digit_images()
    order = torch.randperm(len(images))[:1437]
    loader = DataLoader(TensorDataset(images[order], labels[order]), batch_size=32, shuffle=True, drop_last=True)
    net = lenet(nn.ReLU, nn.MaxPool2d) if kinks else lenet(nn.Tanh, nn.AvgPool2d)
    if optimizer == "sgd":
        optimizer = torch.optim.SGD(net.parameters(), lr=0.01 if kinks else 0.05, momentum=0.9)
    else:
        optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    criterion = nn.CrossEntropyLoss()
    losses = []
    while True:
        for x, y in loader:
            optimizer.zero_grad()
            loss = criterion(net(x), y)
            loss.backward()
            optimizer.step()
            losses.append(loss.item() if read_each_step else loss.detach())
            if len(losses) == steps:
                return _values(losses)


def mlp_adam(steps=50, seed=0, read_each_step=False):
    """A two-layer perceptron on fixed random batches, cross-entropy, Adam."""
    torch.manual_seed(seed)
    x = torch.randn(64, 32)
    y = torch.randint(0, 10, (64,))
    net = nn.Sequential(nn.Linear(32, 64), nn.Tanh(), nn.Linear(64, 64), nn.GELU(), nn.Linear(64, 10))
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3, weight_decay=1e-4)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = F.cross_entropy(net(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item() if read_each_step else loss.detach())
    return _values(losses)


def vae(steps=40, seed=0, read_each_step=False):
    """A variational autoencoder on digits: noise drawn inside the model, binary cross-entropy and divergence, Adam."""
    torch.manual_seed(seed)
    images = torch.from_numpy(load_digits().data).float() / 16
    encoder = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 16))
    decoder = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 64))
    optimizer = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=2e-3)
    losses = []
    for step in range(steps):
        x = images[64 * (step % 28) : 64 * (step % 28) + 64]
        mean, log_variance = encoder(x).chunk(2, dim=1)
        code = mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean)
        reconstruction = F.binary_cross_entropy_with_logits(decoder(code), x, reduction="sum")
        divergence = -0.5 * torch.sum(1 + log_variance - mean.pow(2) - log_variance.exp())
        loss = (reconstruction + divergence) / len(x)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item() if read_each_step else loss.detach())
    return _values(losses)


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)

    def forward(self, x):
        b, n, c = x.shape
        q, k, v = self.qkv(x).view(b, n, 3, self.heads, c // self.heads).permute(2, 0, 3, 1, 4)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.out(y.transpose(1, 2).reshape(b, n, c))


class Block(nn.Module):
    def __init__(self, width, heads, dropout):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = Attention(width, heads)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        x = x + self.dropout(self.attention(self.norm1(x)))
        return x + self.dropout(self.mlp(self.norm2(x)))


def char_gpt(steps=30, seed=0, read_each_step=False):
    """A character-level GPT with dropout, AdamW, clipped gradients and a cosine schedule that changes at every step."""
    torch.manual_seed(seed)
    vocabulary, context, width = 29, 16, 32
    text = np.random.default_rng(3).integers(0, vocabulary, 500)
    text[1::2] = (text[::2] * 7 + 3) % vocabulary  # every second character follows from the one before
    data = torch.from_numpy(text)
    token, position = nn.Embedding(vocabulary, width), nn.Embedding(context, width)
    body = nn.Sequential(Block(width, 4, 0.1), Block(width, 4, 0.1), nn.LayerNorm(width), nn.Linear(width, vocabulary))
    parameters = [*token.parameters(), *position.parameters(), *body.parameters()]
    optimizer = torch.optim.AdamW(parameters, lr=3e-3, weight_decay=0.1)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=steps)
    losses = []
    for _ in range(steps):
        start = torch.randint(len(data) - context, (8,))
        window = data[start[:, None] + torch.arange(context + 1)]
        logits = body(token(window[:, :-1]) + position(torch.arange(context)))
        loss = F.cross_entropy(logits.flatten(0, 1), window[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        scheduler.step()
        losses.append(loss.item() if read_each_step else loss.detach())
    return _values(losses)


def lstm_tagger(steps=30, seed=0, read_each_step=False):
    """A two-layer bidirectional LSTM that tags each token by its neighbours' sum, RMSprop."""
    torch.manual_seed(seed)
    embedding = nn.Embedding(20, 16)
    lstm = nn.LSTM(16, 24, num_layers=2, batch_first=True, bidirectional=True)
    head = nn.Linear(48, 5)
    parameters = [*embedding.parameters(), *lstm.parameters(), *head.parameters()]
    optimizer = torch.optim.RMSprop(parameters, lr=2e-3, momentum=0.5)
    losses = []
    for _ in range(steps):
        tokens = torch.randint(0, 20, (16, 12))
        tags = (tokens + tokens.roll(1, dims=1)) % 5
        hidden, _ = lstm(embedding(tokens))
        loss = F.cross_entropy(head(hidden).transpose(1, 2), tags)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item() if read_each_step else loss.detach())
    return _values(losses)


#: name -> (loop, its arguments, relative tolerance against PyTorch's losses)
CASES = {
    "lenet_sgd_seed0": (lenet_digits, {"optimizer": "sgd", "seed": 0}, 1e-4),
    "lenet_sgd_seed1": (lenet_digits, {"optimizer": "sgd", "seed": 1}, 1e-4),
    "lenet_adam_seed0": (lenet_digits, {"optimizer": "adam", "seed": 0}, 1e-3),
    "lenet_adam_seed1": (lenet_digits, {"optimizer": "adam", "seed": 1}, 1e-3),
    "lenet_relu_max_pool": (lenet_digits, {"optimizer": "sgd", "seed": 0, "kinks": True}, 1e-4),
    "mlp_adam": (mlp_adam, {}, 1e-4),
    "vae": (vae, {}, 1e-4),
    "char_gpt": (char_gpt, {}, 1e-3),
    "lstm_tagger": (lstm_tagger, {}, 1e-4),
}
