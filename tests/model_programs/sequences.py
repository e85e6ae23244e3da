"""Nets that read or write sequences: LSTM and GRU taggers, seq2seq with attention, Transformer, GPT, BERT."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from .parts import stepper


class Tagger(nn.Module):
    """Embedding, dropout, a bidirectional recurrent net over packed sequences, and a score for each tag."""

    def __init__(self, kind, words, tags, width):
        super().__init__()
        self.embedding = nn.Embedding(words, width, padding_idx=0)
        self.dropout = nn.Dropout(0.1)
        self.rnn = kind(width, width, num_layers=2, batch_first=True, bidirectional=True, dropout=0.1)
        self.head = nn.Linear(2 * width, tags)

    def forward(self, tokens, lengths):
        packed = pack_padded_sequence(
            self.dropout(self.embedding(tokens)), lengths, batch_first=True, enforce_sorted=False
        )
        hidden, _ = pad_packed_sequence(self.rnn(packed)[0], batch_first=True, total_length=tokens.shape[1])
        return self.head(hidden)


def _tagging(kind, words=20, tags=4, length=10):
    net = Tagger(kind, words, tags, 16)

    def loss():
        lengths = torch.randint(4, length + 1, (16,))
        there = torch.arange(length) < lengths[:, None]
        tokens = torch.randint(1, words, (16, length)) * there
        target = torch.where(there, (tokens + tokens.roll(1, dims=1)) % tags, -100)
        return F.cross_entropy(net(tokens, lengths).flatten(0, 1), target.flatten(), ignore_index=-100)

    return net, loss


def lstm_tagger():
    """Bidirectional LSTM over packed sequences of random lengths; RMSprop, StepLR, clipped gradients."""
    net, loss = _tagging(nn.LSTM)
    optimizer = torch.optim.RMSprop(net.parameters(), lr=5e-3)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=20, gamma=0.5)
    return [net], stepper(loss, optimizer, scheduler, clip=1.0)


def gru_tagger():
    """Bidirectional GRU over packed sequences; Adagrad with a rate that falls, CyclicLR."""
    net, loss = _tagging(nn.GRU)
    optimizer = torch.optim.Adagrad(net.parameters(), lr=0.05, lr_decay=1e-3)
    scheduler = torch.optim.lr_scheduler.CyclicLR(optimizer, 0.02, 0.08, step_size_up=8, cycle_momentum=False)
    return [net], stepper(loss, optimizer, scheduler)


class Seq2Seq(nn.Module):
    """A GRU encoder, and a GRU cell that looks at it with additive attention before each word."""

    def __init__(self, words, width):
        super().__init__()
        self.source, self.target = nn.Embedding(words, width), nn.Embedding(words, width)
        self.encoder = nn.GRU(width, width, batch_first=True)
        self.query, self.key = nn.Linear(width, width), nn.Linear(width, width, bias=False)
        self.energy = nn.Linear(width, 1, bias=False)
        self.cell = nn.GRUCell(2 * width, width)
        self.dropout = nn.Dropout(0.1)
        self.out = nn.Linear(2 * width, words)

    def forward(self, source, target):
        memory, hidden = self.encoder(self.dropout(self.source(source)))
        hidden, keys, scores = hidden[0], self.key(memory), []
        for t in range(target.shape[1]):
            energy = self.energy(torch.tanh(keys + self.query(hidden).unsqueeze(1))).squeeze(-1)
            context = torch.bmm(energy.softmax(dim=1).unsqueeze(1), memory).squeeze(1)
            word = self.dropout(self.target(target[:, t]))
            hidden = self.cell(torch.cat([word, context], dim=1), hidden)
            scores.append(self.out(torch.cat([hidden, context], dim=1)))
        return torch.stack(scores, dim=1)


def _reversal(words, length, batch):
    """Sources, and as targets the sources backwards behind a start token (0)."""
    source = torch.randint(1, words, (batch, length)).sort(dim=1).values
    return source, torch.cat([torch.zeros(batch, 1, dtype=torch.long), source.flip(1)], dim=1)


def seq2seq():
    """Reverses sequences, word by word with attention; Adam, MultiplicativeLR, gradients clipped by value."""
    words = 12
    net = Seq2Seq(words, 24)
    optimizer = torch.optim.Adam(net.parameters(), lr=8e-3)
    scheduler = torch.optim.lr_scheduler.MultiplicativeLR(optimizer, lambda step: 0.99)

    def step():
        source, target = _reversal(words, 6, 16)
        loss = F.cross_entropy(net(source, target[:, :-1]).transpose(1, 2), target[:, 1:])
        optimizer.zero_grad(set_to_none=False)
        loss.backward()
        nn.utils.clip_grad_value_(net.parameters(), 0.1)
        optimizer.step()
        scheduler.step()
        return loss.detach()

    return [net], step


class Translator(nn.Module):
    """nn.Transformer between embeddings with sines as positions and a projection onto words."""

    def __init__(self, words, width, length):
        super().__init__()
        self.embedding = nn.Embedding(words, width)
        angle = torch.arange(length)[:, None] * torch.exp(torch.arange(0, width, 2) * (-math.log(10000.0) / width))
        self.register_buffer("position", torch.stack([angle.sin(), angle.cos()], dim=2).flatten(1))
        self.transformer = nn.Transformer(width, 4, 2, 2, 2 * width, dropout=0.1, batch_first=True)
        self.out = nn.Linear(width, words)

    def embed(self, tokens):
        scale = math.sqrt(self.embedding.embedding_dim)
        return self.embedding(tokens) * scale + self.position[: tokens.shape[1]]

    def forward(self, source, target):
        mask = nn.Transformer.generate_square_subsequent_mask(target.shape[1])
        return self.out(self.transformer(self.embed(source), self.embed(target), tgt_mask=mask, tgt_is_causal=True))


def transformer():
    """nn.Transformer that reverses sequences; Adam with betas 0.9 and 0.98 and the warm-up of "Attention is all …"."""
    words = 12
    net = Translator(words, 32, 8)
    optimizer = torch.optim.Adam(net.parameters(), lr=0.05, betas=(0.9, 0.98), eps=1e-9)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda n: min((n + 1) ** -0.5, (n + 1) * 16**-1.5) * 0.1)
    criterion = nn.CrossEntropyLoss(label_smoothing=0.1)

    def loss():
        source, target = _reversal(words, 6, 16)
        return criterion(net(source, target[:, :-1]).flatten(0, 1), target[:, 1:].flatten())

    return [net], stepper(loss, optimizer, scheduler)


class CausalBlock(nn.Module):
    """Causal self-attention and a perceptron, each behind a layer norm and beside a shortcut."""

    def __init__(self, width, heads, dropout):
        super().__init__()
        self.heads, self.p = heads, dropout
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width, bias=False)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(approximate="tanh"), nn.Linear(4 * width, width))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        q, k, v = (t.unflatten(-1, (self.heads, -1)).transpose(1, 2) for t in self.qkv(self.norm1(x)).chunk(3, -1))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True, dropout_p=self.p if self.training else 0.0)
        x = x + self.dropout(self.out(y.transpose(1, 2).flatten(2)))
        return x + self.dropout(self.mlp(self.norm2(x)))


class GPT(nn.Module):
    """Decoder-only language model whose embedding is its projection too."""

    def __init__(self, words, context, width, depth, heads):
        super().__init__()
        self.token, self.position = nn.Embedding(words, width), nn.Embedding(context, width)
        self.dropout = nn.Dropout(0.1)
        self.blocks = nn.ModuleList(CausalBlock(width, heads, 0.1) for _ in range(depth))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, words, bias=False)
        self.token.weight = self.head.weight
        for name, parameter in self.named_parameters():
            if parameter.ndim > 1:
                nn.init.normal_(parameter, std=0.02 / math.sqrt(2 * depth) if name.endswith("out.weight") else 0.02)

    def forward(self, tokens):
        x = self.dropout(self.token(tokens) + self.position(torch.arange(tokens.shape[1])))
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x))


def gpt():
    """GPT with tied weights on a text where each second character follows from the last; AdamW with two groups,
    accumulated gradients of two micro-batches, warm-up then cosine (SequentialLR), clipped gradients."""
    words, context = 24, 16
    text = torch.randint(words, (600,))
    text[1::2] = (text[::2] * 5 + 1) % words
    net = GPT(words, context, 32, 2, 4)
    matrices, vectors = ([p for p in net.parameters() if (p.ndim > 1) == flag] for flag in (True, False))
    optimizer = torch.optim.AdamW(
        [{"params": matrices, "weight_decay": 0.1}, {"params": vectors, "weight_decay": 0.0}],
        lr=4e-3,
        betas=(0.9, 0.95),
    )
    warm = torch.optim.lr_scheduler.LinearLR(optimizer, start_factor=0.1, total_iters=10)
    cosine = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=40, eta_min=4e-4)
    scheduler = torch.optim.lr_scheduler.SequentialLR(optimizer, [warm, cosine], milestones=[10])

    def step():
        total = 0.0
        for _ in range(2):
            start = torch.randint(len(text) - context, (8,))
            window = text[start[:, None] + torch.arange(context + 1)]
            loss = F.cross_entropy(net(window[:, :-1]).flatten(0, 1), window[:, 1:].flatten()) / 2
            loss.backward()
            total = total + loss.detach()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        scheduler.step()
        optimizer.zero_grad()
        return total

    return [net], step


class BERT(nn.Module):
    """Token, position and segment embeddings, a post-norm encoder, heads for masked words and for pairs."""

    def __init__(self, words, length, width):
        super().__init__()
        self.token, self.position = nn.Embedding(words, width, padding_idx=0), nn.Embedding(length, width)
        self.segment = nn.Embedding(2, width)
        self.norm, self.dropout = nn.LayerNorm(width, eps=1e-12), nn.Dropout(0.1)
        layer = nn.TransformerEncoderLayer(width, 4, 4 * width, dropout=0.1, activation="gelu", batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2)
        self.transform = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.LayerNorm(width, eps=1e-12))
        self.bias = nn.Parameter(torch.zeros(words))
        self.pooler, self.pair = nn.Linear(width, width), nn.Linear(width, 2)
        self.apply(self.initial)

    @staticmethod
    def initial(module):
        if isinstance(module, (nn.Linear, nn.Embedding)):
            module.weight.data.normal_(mean=0.0, std=0.05)
            if isinstance(module, nn.Linear) and module.bias is not None:
                module.bias.data.zero_()

    def forward(self, tokens, segments):
        x = self.token(tokens) + self.position.weight[: tokens.shape[1]] + self.segment(segments)
        x = self.encoder(self.dropout(self.norm(x)), src_key_padding_mask=tokens == 0)
        scores = F.linear(self.transform(x), self.token.weight, self.bias)
        return scores, self.pair(torch.tanh(self.pooler(x[:, 0])))


def bert():
    """Masked words and "does the second half belong to the first" with padding masks; AdamW, a plain decay."""
    words, length, mask = 24, 12, 1
    net = BERT(words, length, 32)
    optimizer = torch.optim.AdamW(net.parameters(), lr=4e-3, weight_decay=0.01, eps=1e-6)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda n: max(0.0, 1 - n / 60))
    segments = (torch.arange(length) >= length // 2).long().expand(16, length)

    def loss():
        first = torch.randint(2, words, (16, 1))
        same = torch.rand(16) < 0.5
        second = torch.where(same[:, None], first, torch.randint(2, words, (16, 1)))
        tokens = torch.where(segments == 0, first, second) + torch.arange(length) % 3
        tokens = tokens.remainder(words - 2) + 2
        tokens[torch.arange(length) >= torch.randint(8, length + 1, (16, 1))] = 0
        chosen = torch.bernoulli(torch.full(tokens.shape, 0.25)).bool() & (tokens != 0)
        labels = tokens.masked_fill(~chosen, -100)
        scores, pair = net(tokens.masked_fill(chosen, mask), segments)
        return F.cross_entropy(scores.transpose(1, 2), labels) + F.cross_entropy(pair, same.long())

    return [net], stepper(loss, optimizer, scheduler, clip=1.0)
