"""Train a LeNet on scans of handwritten digits, and plot the loss.

    python -m torchax_lite examples/lenet_digits.py [--epochs 12] [--optimizer sgd|adam] [--seed 0]

A plain PyTorch program: `python examples/lenet_digits.py` runs it under PyTorch. The 1,797 scans (8 by 8 pixels, from
43 writers) come with scikit-learn; nothing is downloaded.
"""

import argparse
from pathlib import Path

import matplotlib
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from tqdm import tqdm

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402


class LeNet(nn.Module):
    """LeNet-5 with tanh and average pooling, as LeCun et al. described it in 1998.

    It has no kinks, so its training is reproducible: runs that differ in the last bit stay together, where with ReLU
    one activation that falls on the other side of zero soon makes two different runs of them.
    """

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 6, 5),
            nn.Tanh(),
            nn.AvgPool2d(2),
            nn.Conv2d(6, 16, 5),
            nn.Tanh(),
            nn.AvgPool2d(2),
        )
        self.classifier = nn.Sequential(
            nn.Linear(16 * 5 * 5, 120),
            nn.Tanh(),
            nn.Linear(120, 84),
            nn.Tanh(),
            nn.Linear(84, 10),
        )

    def forward(self, x):
        return self.classifier(torch.flatten(self.features(x), 1))


def digits():
    """Training and test sets: images of 1 by 32 by 32 between -1 and 1, in a random split of 80 to 20."""
    data = load_digits()
    pixels = data.images.repeat(4, axis=1).repeat(4, axis=2)  # 8 x 8 -> 32 x 32
    images = torch.tensor(pixels, dtype=torch.float32).unsqueeze(1) / 8 - 1
    labels = torch.tensor(data.target)
    order = torch.randperm(len(images))
    train, test = order[:1437], order[1437:]
    return TensorDataset(images[train], labels[train]), TensorDataset(images[test], labels[test])


def accuracy(net, loader):
    net.eval()
    correct = 0
    with torch.no_grad():
        for images, labels in loader:
            correct += (net(images).argmax(dim=1) == labels).sum().item()
    net.train()
    return correct / len(loader.dataset)


def main():
    parser = argparse.ArgumentParser(description="LeNet on handwritten digits")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--optimizer", choices=["sgd", "adam"], default="sgd")
    parser.add_argument("--lr", type=float, default=None, help="default: 0.05 for sgd, 0.001 for adam")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "output")
    args = parser.parse_args()

    torch.manual_seed(args.seed)
    train_set, test_set = digits()
    train_loader = DataLoader(train_set, batch_size=args.batch_size, shuffle=True, drop_last=True)
    test_loader = DataLoader(test_set, batch_size=len(test_set))

    net = LeNet()
    criterion = nn.CrossEntropyLoss()
    if args.optimizer == "sgd":
        optimizer = torch.optim.SGD(net.parameters(), lr=args.lr or 0.05, momentum=0.9)
    else:
        optimizer = torch.optim.Adam(net.parameters(), lr=args.lr or 0.001)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=args.epochs)

    losses = []
    for epoch in range(args.epochs):
        bar = tqdm(train_loader, desc=f"epoch {epoch + 1}/{args.epochs}", unit="step")
        for images, labels in bar:
            optimizer.zero_grad()
            loss = criterion(net(images), labels)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
            bar.set_postfix(loss=f"{losses[-1]:.4f}")
        scheduler.step()
        print(f"epoch {epoch + 1}: loss {losses[-1]:.6f}, test accuracy {accuracy(net, test_loader):.2%}")

    args.output.mkdir(parents=True, exist_ok=True)
    figure, axes = plt.subplots(figsize=(7, 4))
    axes.plot(losses, linewidth=1)
    axes.set(xlabel="step", ylabel="cross-entropy", yscale="log", title=f"LeNet on digits, {args.optimizer}")
    figure.savefig(args.output / "lenet_loss.png", dpi=120, bbox_inches="tight")
    print(f"loss curve: {args.output / 'lenet_loss.png'}")


if __name__ == "__main__":
    main()
