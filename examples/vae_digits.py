"""Train a variational autoencoder on scans of handwritten digits, and save reconstructions and samples.

    python -m torchax_lite examples/vae_digits.py [--epochs 60] [--latent 8] [--seed 0]

A plain PyTorch program: `python examples/vae_digits.py` runs it under PyTorch. The loss is the negative evidence lower
bound of Kingma and Welling, "Auto-Encoding Variational Bayes" (2013): the reconstruction's binary cross-entropy plus
the divergence of the code from a standard normal, in nats an image.
"""

import argparse
from pathlib import Path

import matplotlib
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from tqdm import tqdm

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402


class VAE(nn.Module):
    def __init__(self, pixels=64, hidden=256, latent=8):
        super().__init__()
        self.latent = latent
        self.encoder = nn.Sequential(nn.Linear(pixels, hidden), nn.ReLU(), nn.Linear(hidden, 2 * latent))
        self.decoder = nn.Sequential(nn.Linear(latent, hidden), nn.ReLU(), nn.Linear(hidden, pixels))

    def forward(self, x):
        mean, log_variance = self.encoder(x).chunk(2, dim=1)
        code = mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean)
        return self.decoder(code), mean, log_variance


def negative_elbo(logits, x, mean, log_variance):
    reconstruction = F.binary_cross_entropy_with_logits(logits, x, reduction="sum")
    divergence = -0.5 * torch.sum(1 + log_variance - mean.pow(2) - log_variance.exp())
    return (reconstruction + divergence) / len(x)


def save_grid(path, rows):
    """Write rows of flat 8 by 8 images as one PNG."""
    figure, axes = plt.subplots(len(rows), len(rows[0]), figsize=(len(rows[0]) * 0.7, len(rows) * 0.7))
    for row, images in zip(axes, rows):
        for axis, image in zip(row, images):
            axis.imshow(image.reshape(8, 8).numpy(), cmap="gray_r", vmin=0, vmax=1)
            axis.axis("off")
    figure.savefig(path, dpi=120, bbox_inches="tight")


def main():
    parser = argparse.ArgumentParser(description="VAE on handwritten digits")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--latent", type=int, default=8)
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "output")
    args = parser.parse_args()

    torch.manual_seed(args.seed)
    images = torch.from_numpy(load_digits().data).float() / 16
    loader = DataLoader(TensorDataset(images), batch_size=args.batch_size, shuffle=True, drop_last=True)
    model = VAE(latent=args.latent)
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)

    bar = tqdm(range(args.epochs), unit="epoch")
    for _ in bar:
        total = 0.0
        for (x,) in loader:
            logits, mean, log_variance = model(x)
            loss = negative_elbo(logits, x, mean, log_variance)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
        bar.set_postfix(loss=f"{total / len(loader):.3f}")
    print(f"negative ELBO of the last epoch: {total / len(loader):.3f} nats an image")

    args.output.mkdir(parents=True, exist_ok=True)
    model.eval()
    with torch.no_grad():
        seen = images[:12]
        rebuilt = torch.sigmoid(model(seen)[0])
        invented = torch.sigmoid(model.decoder(torch.randn(12, model.latent)))
    save_grid(args.output / "vae_digits.png", [seen, rebuilt, invented])
    print(f"scans, reconstructions, samples: {args.output / 'vae_digits.png'}")


if __name__ == "__main__":
    main()
