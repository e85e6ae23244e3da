"""Tell which library a sentence of documentation is from: a vocabulary, packed sequences, and a recurrent network.

    python -m torchax_lite examples/text_classifier.py [--epochs 6] [--workers 2] [--seed 0]

A plain PyTorch program: `python examples/text_classifier.py` runs it under PyTorch. The sentences are those of the
docstrings of four packages that are installed with the examples; nothing is downloaded.
"""

import argparse
import ast
import importlib.util
import random
import re
from collections import Counter
from pathlib import Path

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_sequence
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

PACKAGES = ("matplotlib", "numpy", "sklearn", "tqdm")
FILES, SENTENCES = 60, 400  # of a package, at most
LONGEST = 32


def sentences(package):
    """The sentences of 6 words or more in a package's docstrings, without the names of the packages."""
    folder = Path(importlib.util.find_spec(package).origin).parent
    found = []
    for path in sorted(folder.rglob("*.py"))[:FILES]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(node):
                found += re.split(r"(?<=[.!?])\s+|\n\n", ast.get_docstring(node))
    words = [re.findall(r"[a-z]+|[^\sa-z]", text.lower()) for text in dict.fromkeys(found)]
    kept = [[w for w in tokens if w not in (*PACKAGES, "np", "plt")] for tokens in words if ">" not in tokens]
    return [tokens[:LONGEST] for tokens in kept if len(tokens) >= 6][:SENTENCES]


class Vocabulary:
    """The most frequent words; index 0 is the padding, 1 any other word."""

    def __init__(self, texts, size):
        counts = Counter(word for text in texts for word in text)
        self.words = ["<pad>", "<unk>", *(word for word, _ in counts.most_common(size))]
        self.index = {word: i for i, word in enumerate(self.words)}

    def __len__(self):
        return len(self.words)

    def __call__(self, text):
        return torch.tensor([self.index.get(word, 1) for word in text])


class Sentences(Dataset):
    def __init__(self, rows, vocabulary):
        self.rows, self.vocabulary = rows, vocabulary

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, i):
        text, label = self.rows[i]
        return self.vocabulary(text), label


def collate(samples):
    """A batch: words padded to one length, the sentences' own lengths, labels."""
    texts, labels = zip(*samples)
    lengths = torch.tensor([len(text) for text in texts])
    padded = pad_sequence([*texts, torch.zeros(LONGEST, dtype=torch.long)], batch_first=True)[:-1]
    return padded, lengths, torch.tensor(labels)


class Classifier(nn.Module):
    def __init__(self, words, classes, width=48):
        super().__init__()
        self.embedding = nn.Embedding(words, width, padding_idx=0)
        self.rnn = nn.GRU(width, width, batch_first=True, bidirectional=True)
        self.head = nn.Sequential(nn.Dropout(0.3), nn.Linear(2 * width, classes))

    def forward(self, texts, lengths):
        packed = pack_padded_sequence(self.embedding(texts), lengths, batch_first=True, enforce_sorted=False)
        _, last = self.rnn(packed)
        return self.head(torch.cat([last[0], last[1]], dim=1))


def run(model, loader, title, optimizer=None):
    """One pass over a loader, with training if there is an optimizer; the mean loss and the accuracy."""
    model.train(optimizer is not None)
    losses, right, seen = torch.zeros(()), torch.zeros((), dtype=torch.long), 0
    with torch.set_grad_enabled(optimizer is not None):
        for texts, lengths, labels in tqdm(loader, title, leave=False):
            logits = model(texts, lengths)
            loss = nn.functional.cross_entropy(logits, labels)
            if optimizer is not None:
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            losses += loss.detach() * len(labels)
            right += (logits.argmax(1) == labels).sum()
            seen += len(labels)
    return losses.item() / seen, right.item() / seen


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    random.seed(args.seed)

    rows = [(text, label) for label, package in enumerate(PACKAGES) for text in sentences(package)]
    random.shuffle(rows)
    cut = len(rows) * 4 // 5
    vocabulary = Vocabulary((text for text, _ in rows[:cut]), 2000)
    train, test = (Sentences(part, vocabulary) for part in (rows[:cut], rows[cut:]))
    options = {"batch_size": 32, "collate_fn": collate, "num_workers": args.workers}
    train_loader = DataLoader(train, shuffle=True, drop_last=True, persistent_workers=args.workers > 0, **options)
    test_loader = DataLoader(test, persistent_workers=args.workers > 0, **options)
    print(f"{len(train)} sentences to learn from, {len(test)} to test with, {len(vocabulary)} words")

    model = Classifier(len(vocabulary), len(PACKAGES))
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    for epoch in range(1, args.epochs + 1):
        loss, accuracy = run(model, train_loader, f"epoch {epoch}", optimizer)
        _, test_accuracy = run(model, test_loader, "test")
        print(f"epoch {epoch}  loss {loss:.4f}  accuracy {accuracy:.1%}  test accuracy {test_accuracy:.1%}")

    model.eval()
    for text in ("Draw a line with a color on the axes.", "Return the eigenvalues of a square array."):
        words = vocabulary(re.findall(r"[a-z]+|[^\sa-z]", text.lower()))
        with torch.no_grad():
            probabilities = model(words[None], torch.tensor([len(words)])).softmax(1)[0]
        best = int(probabilities.argmax())
        print(f"{PACKAGES[best]} ({probabilities[best]:.0%}): {text}")


if __name__ == "__main__":
    main()
