"""Train a small network on a folder of images, with augmentation, worker processes, checkpoints and resuming.

    python -m torchax_lite examples/image_folder.py [--epochs 10] [--workers 2] [--output .] [--resume]

A plain PyTorch program: `python examples/image_folder.py` runs it under PyTorch and torchvision. The images are the
1,797 scans of handwritten digits that come with scikit-learn, written as files: `digits/train/3/0042.png`. After each
epoch a checkpoint is written; with --resume the run goes on from it, with the losses that it would have had.
"""

import argparse
from pathlib import Path

import torch
from PIL import Image
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader
from torchvision import transforms
from torchvision.datasets import ImageFolder
from tqdm import tqdm


def write_images(root):
    """Write each scan as an image of 32 by 32 pixels, four of five for training."""
    if root.exists():
        return
    data = load_digits()
    for i, (pixels, label) in enumerate(zip(data.images, data.target)):
        folder = root / ("test" if i % 5 == 4 else "train") / str(label)
        folder.mkdir(parents=True, exist_ok=True)
        image = Image.fromarray((pixels * 255 / 16).astype("uint8"))
        image.resize((32, 32), Image.Resampling.BILINEAR).save(folder / f"{i:04}.png")


class Network(nn.Module):
    def __init__(self, width=12):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.GELU(),
            nn.AvgPool2d(2),
            nn.Conv2d(width, 2 * width, 3, padding=1, bias=False),
            nn.BatchNorm2d(2 * width),
            nn.GELU(),
            nn.AvgPool2d(2),
            nn.Conv2d(2 * width, 4 * width, 3, padding=1, bias=False),
            nn.BatchNorm2d(4 * width),
            nn.GELU(),
            nn.AdaptiveAvgPool2d(1),
        )
        self.head = nn.Linear(4 * width, 10)

    def forward(self, x):
        return self.head(self.features(x).flatten(1))


def train(model, loader, optimizer, title):
    """One epoch; the mean loss."""
    model.train()
    total = torch.zeros(())
    for images, labels in tqdm(loader, title, leave=False):
        loss = nn.functional.cross_entropy(model(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.detach()
    return total.item() / len(loader)


@torch.no_grad()
def accuracy(model, loader):
    model.eval()
    right = sum((model(images).argmax(1) == labels).sum() for images, labels in tqdm(loader, "test", leave=False))
    return right.item() / len(loader.dataset)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--output", type=Path, default=Path("."))
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    torch.manual_seed(args.seed)

    root = args.output / "digits"
    write_images(root)
    normal = [transforms.Grayscale(), transforms.ToTensor(), transforms.Normalize([0.3], [0.35])]
    augmented = [
        transforms.RandomAffine(12, translate=(0.08, 0.08), scale=(0.85, 1.1), shear=8),
        transforms.ColorJitter(brightness=0.3, contrast=0.3),
    ]
    train_set = ImageFolder(root / "train", transforms.Compose([*augmented, *normal]))
    test_set = ImageFolder(root / "test", transforms.Compose(normal))
    options = {"batch_size": 32, "num_workers": args.workers}
    train_loader = DataLoader(train_set, shuffle=True, drop_last=True, **options)
    test_loader = DataLoader(test_set, **options)
    print(f"{len(train_set)} images of {len(train_set.classes)} classes to learn from, {len(test_set)} to test with")

    model = Network()
    optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3, weight_decay=1e-2)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.85)
    checkpoint, begin = args.output / "checkpoint.pt", 1
    if args.resume:
        state = torch.load(checkpoint)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        scheduler.load_state_dict(state["scheduler"])
        torch.set_rng_state(state["random"])
        begin = state["epoch"] + 1

    for epoch in range(begin, args.epochs + 1):
        loss = train(model, train_loader, optimizer, f"epoch {epoch}")
        scheduler.step()
        print(f"epoch {epoch}  loss {loss:.6f}  test accuracy {accuracy(model, test_loader):.1%}", flush=True)
        state = {
            "model": model.state_dict(),
            "optimizer": optimizer.state_dict(),
            "scheduler": scheduler.state_dict(),
            "random": torch.get_rng_state(),
            "epoch": epoch,
        }
        torch.save(state, checkpoint)


if __name__ == "__main__":
    main()
