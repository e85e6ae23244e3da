"""Train a character-level GPT on a text that ships with it, then let it write.

    python -m torchax_lite examples/char_gpt.py [--steps 800] [--text FILE] [--seed 0]

A plain PyTorch program: `python examples/char_gpt.py` runs it under PyTorch. Pre-norm transformer blocks as in GPT-2,
AdamW with gradient clipping, and a learning rate that changes at every step (linear warm-up, then half a cosine).
"""

import argparse
import math
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)

    def forward(self, x):
        batch, length, width = x.shape
        q, k, v = self.qkv(x).view(batch, length, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.out(y.transpose(1, 2).reshape(batch, length, width))


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.attention = Attention(width, heads)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x):
        x = x + self.attention(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class GPT(nn.Module):
    def __init__(self, vocabulary, context=64, width=96, layers=3, heads=4):
        super().__init__()
        self.context = context
        self.token = nn.Embedding(vocabulary, width)
        self.position = nn.Embedding(context, width)
        self.blocks = nn.Sequential(*(Block(width, heads) for _ in range(layers)))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, vocabulary, bias=False)
        for name, p in self.named_parameters():
            if p.dim() > 1:
                nn.init.normal_(p, std=0.02)
            elif name.endswith("bias"):
                nn.init.zeros_(p)

    def forward(self, tokens):
        x = self.token(tokens) + self.position(torch.arange(tokens.shape[1]))
        return self.head(self.norm(self.blocks(x)))

    @torch.no_grad()
    def generate(self, tokens, count, temperature=0.8):
        """Continue `tokens` (1 by n) by `count` tokens; the window keeps its length, so each step has one shape."""
        window = torch.zeros(1, self.context, dtype=torch.long)
        used = min(tokens.shape[1], self.context)
        window[:, :used] = tokens[:, -used:]
        written = []
        for _ in range(count):
            logits = self(window)[:, used - 1] / temperature
            new = torch.multinomial(F.softmax(logits, dim=-1), 1)
            written.append(new.item())
            if used == self.context:
                window = torch.cat([window[:, 1:], new], dim=1)
            else:
                window[:, used] = new[:, 0]
                used += 1
        return written


def main():
    parser = argparse.ArgumentParser(description="character-level GPT")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=800)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--lr", type=float, default=4e-3)
    parser.add_argument("--text", type=Path, default=Path(__file__).parent / "data" / "harbour_tales.txt")
    parser.add_argument("--sample", type=int, default=300, help="characters to write at the end")
    args = parser.parse_args()

    torch.manual_seed(args.seed)
    text = args.text.read_text(encoding="utf-8")
    alphabet = sorted(set(text))
    number = {c: i for i, c in enumerate(alphabet)}
    data = torch.tensor([number[c] for c in text])
    split = int(0.9 * len(data))
    train, held_out = data[:split], data[split:]

    model = GPT(len(alphabet))
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.lr, weight_decay=0.1, betas=(0.9, 0.99))
    warmup = max(1, args.steps // 20)

    def schedule(step):
        if step < warmup:
            return (step + 1) / warmup
        return 0.1 + 0.45 * (1 + math.cos(math.pi * (step - warmup) / max(1, args.steps - warmup)))

    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, schedule)
    parameters = sum(p.numel() for p in model.parameters())
    print(f"{parameters:,} parameters, {len(train):,} characters, alphabet of {len(alphabet)}")

    def batch(source):
        start = torch.randint(len(source) - model.context, (args.batch_size,))
        at = start[:, None] + torch.arange(model.context + 1)
        window = source[at]
        return window[:, :-1], window[:, 1:]

    def loss_of(source):
        tokens, targets = batch(source)
        return F.cross_entropy(model(tokens).flatten(0, 1), targets.flatten())

    begun = time.perf_counter()
    for step in range(1, args.steps + 1):
        loss = loss_of(train)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        scheduler.step()
        if step % 50 == 0 or step == args.steps:
            with torch.no_grad():
                unseen = loss_of(held_out).item()
            speed = step / (time.perf_counter() - begun)
            print(f"step {step:4d}  loss {loss.item():.4f}  held out {unseen:.4f}  {speed:.1f} steps/s", flush=True)

    prompt = torch.tensor([[number[c] for c in text[:20]]])
    print("\n" + text[:20] + "".join(alphabet[i] for i in model.generate(prompt, args.sample)))


if __name__ == "__main__":
    main()
