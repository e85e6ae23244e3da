"""Images a second from a loader with workers, the time to its first batch, and whether a training step waits for it.

    python benchmarks/vision_loader.py [--torch-python PYTHON] [--workers 2] [--images 768]

The datasets are ordinary scripts, the same for both sides; here ``torch`` and ``torchvision`` are PyTorch and torchvision
(its Python parts suffice), there the drop-in. Every turn is a fresh process, which reads the same files:

* seconds from making a loader to its first batch, right after the import, and again in a second loader; samples a second
  of a dataset that costs nothing, so that only the loader's own time shows;
* images a second, with persistent workers, batches of 64, over the epochs after the first: decode a JPEG, random resized
  crop to 224, random flip, to tensor, normalise; by Pillow and torch alone, by ``torchvision.transforms`` on a Pillow
  image, by ``transforms.v2`` on a Pillow image and on a tensor, and with more colour;
* seconds of an epoch of training over the longer of its two parts: the same steps on a batch at hand, and the same
  loader, which waits (as for a disk) instead of computing, without steps. 1 means that neither waits for the other.
"""

from __future__ import annotations

import io
import json
import math
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

SIZE, BATCH = 224, 64
MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
PARTS = Path(__file__).resolve().parents[1] / "tests" / "recorders"
"""Where the script is that lets torchvision's Python parts import beside any PyTorch."""
WAITED = "an epoch of training over the longer part"


def write_images(folder: Path, count: int) -> None:
    """JPEG files of 500 x 375: smooth shapes with some noise, as large as photographs of that size (some 50 kB)."""
    import numpy as np
    from PIL import Image

    rng = np.random.default_rng(0)
    y, x = np.mgrid[0:375, 0:500] / 100
    for i in range(count):
        waves = rng.uniform(0.3, 4, (3, 4))
        channels = [np.sin(a * x + b) * np.cos(c * y + d) for a, b, c, d in waves]
        image = 127 + 80 * np.stack(channels, -1) + rng.normal(0, 9, (375, 500, 3))
        Image.fromarray(image.clip(0, 255).astype(np.uint8)).save(folder / f"{i:05}.jpg", quality=88)


# -- a side, in a process of its own -----------------------------------------------------------------------------------


def start_up(torch: Any, workers: int) -> dict[str, float]:
    """What a loader costs by itself."""
    import numpy as np

    class Nothing(torch.utils.data.Dataset):
        """A ready sample of the size of an image."""

        def __init__(self) -> None:
            self.sample = np.zeros((3, SIZE, SIZE), np.float32)

        def __len__(self) -> int:
            return 16 * BATCH

        def __getitem__(self, index: int) -> Any:
            return self.sample

    found = {}
    for name in ("first batch after the import, s", "first batch of a further loader, s"):
        start = time.perf_counter()
        iterator = iter(torch.utils.data.DataLoader(Nothing(), BATCH, num_workers=workers))
        next(iterator)
        found[name] = time.perf_counter() - start
        del iterator
    loader = torch.utils.data.DataLoader(Nothing(), BATCH, num_workers=workers, persistent_workers=workers > 0)
    list(map(len, loader))
    start = time.perf_counter()
    count = sum(len(batch) for _ in range(3) for batch in loader)
    found["ready samples a second"] = count / (time.perf_counter() - start)
    return found


def by_pillow_and_torch(torch: Any) -> Callable[[Any], Any]:
    """The pipeline without torchvision."""
    import numpy as np
    from PIL import Image

    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (MEAN, STD))

    def transform(image: Any) -> Any:
        width, height = image.size
        for _ in range(10):
            area = width * height * random.uniform(0.08, 1.0)
            ratio = math.exp(random.uniform(math.log(3 / 4), math.log(4 / 3)))
            w, h = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
            if w <= width and h <= height:
                break
        else:
            w = h = min(width, height)
        left, top = random.randint(0, width - w), random.randint(0, height - h)
        image = image.resize((SIZE, SIZE), Image.Resampling.BILINEAR, box=(left, top, left + w, top + h))
        if random.random() < 0.5:
            image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        x = torch.from_numpy(np.array(image)).permute(2, 0, 1).contiguous()
        return x.to(torch.float32).div(255).sub_(mean).div_(std)

    return transform


def pipelines(torch: Any) -> dict[str, Callable[[Any], Any]]:
    """The ways from a Pillow image to a tensor."""
    from torchvision import transforms as T
    from torchvision.transforms import v2

    flip = [v2.RandomHorizontalFlip(), v2.ToDtype(torch.float32, scale=True), v2.Normalize(MEAN, STD)]
    end = [T.ToTensor(), T.Normalize(MEAN, STD)]
    colour = [T.RandomResizedCrop(SIZE), T.ColorJitter(0.4, 0.4, 0.4), T.RandomRotation(15), T.ToTensor()]
    return {
        "no torchvision": by_pillow_and_torch(torch),
        "v1 on Pillow": T.Compose([T.RandomResizedCrop(SIZE), T.RandomHorizontalFlip(), *end]),
        "v2 on Pillow": v2.Compose([v2.RandomResizedCrop(SIZE), flip[0], v2.ToImage(), *flip[1:]]),
        "v2 on tensors": v2.Compose([v2.ToImage(), v2.RandomResizedCrop(SIZE), *flip]),
        "v1, more colour": T.Compose(colour),
    }


def throughput(torch: Any, folder: str, workers: int, epochs: int) -> dict[str, float]:
    """Images a second of each pipeline."""
    from PIL import Image

    class Images(torch.utils.data.Dataset):
        """JPEG data in memory, decoded and transformed."""

        def __init__(self, transform: Any) -> None:
            self.data = [file.read_bytes() for file in sorted(Path(folder).iterdir())]
            self.transform = transform

        def __len__(self) -> int:
            return len(self.data)

        def __getitem__(self, index: int) -> tuple[Any, int]:
            image = Image.open(io.BytesIO(self.data[index])).convert("RGB")
            return self.transform(image), index

    found = {}
    options: dict[str, Any] = {"shuffle": True, "num_workers": workers, "persistent_workers": workers > 0}
    for name, transform in pipelines(torch).items():
        loader = torch.utils.data.DataLoader(Images(transform), BATCH, **options)
        for x, _ in loader:
            assert tuple(x.shape[1:]) == (3, SIZE, SIZE) and x.dtype == torch.float32
        start = time.perf_counter()
        seen = sum(len(y) for _ in range(epochs) for _, y in loader)
        found[f"{name}, images a second"] = seen / (time.perf_counter() - start)
        del loader
    return found


def overlap(torch: Any, workers: int) -> dict[str, float]:
    """How much longer an epoch of training takes than the longer of its parts."""
    nn, width, batches = torch.nn, 512, 30

    class Waiting(torch.utils.data.Dataset):
        """A sample that takes a millisecond to come, and no computing."""

        def __len__(self) -> int:
            return BATCH * batches

        def __getitem__(self, index: int) -> Any:
            time.sleep(0.001)
            return torch.zeros(width), index % 10

    model = nn.Sequential(nn.Linear(width, 1024), nn.ReLU(), nn.Linear(1024, 1024), nn.ReLU(), nn.Linear(1024, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)

    def step(x: Any, y: Any) -> Any:
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    def epoch(source: Any, work: Callable[..., Any]) -> float:
        start = time.perf_counter()
        for batch in source:
            last = work(*batch)
        float(last.sum())
        return time.perf_counter() - start

    loader = torch.utils.data.DataLoader(Waiting(), BATCH, num_workers=max(workers, 1), persistent_workers=True)
    for _ in range(2):
        epoch(loader, step)
    at_hand = [next(iter(loader))] * batches
    steps, loading = epoch(at_hand, step), epoch(loader, lambda x, y: y)
    return {WAITED: epoch(loader, step) / max(steps, loading)}


def run_side(side: str, folder: str, workers: int, epochs: int) -> dict[str, float]:
    """Measure one side."""
    if side == "torch":
        sys.path.insert(0, str(PARTS))
        import torchvision_parts  # noqa: F401
    else:
        import torchax_lite

        torchax_lite.install()
    import torch

    return start_up(torch, workers) | throughput(torch, folder, workers, epochs) | overlap(torch, workers)


# -- both sides, in turns ----------------------------------------------------------------------------------------------


def verdict(name: str, ratio: float) -> str:
    """The ratio, and whether it meets the aim (none for seconds to a first batch and v2 on tensors)."""
    if name.startswith("v2 on tensors"):
        return f"  ratio {ratio:.2f}"
    if name.endswith("a second"):
        return f"  ratio {ratio:.2f}  ({'met' if ratio >= 1 else 'MISSED'}: at least 1)"
    if name == WAITED:
        return f"  ratio {ratio:.2f}  ({'met' if ratio <= 1.05 else 'MISSED'}: at most 1.05)"
    return f"  ratio {ratio:.2f}"


def main() -> None:
    from harness import LABELS, arguments, environment, interpreters, python_version, save

    parser = arguments((__doc__ or "").partition("\n")[0], repeats=3)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--images", type=int, default=768)
    parser.add_argument("--epochs", type=int, default=1)
    options = parser.parse_args()
    pythons = interpreters(options, ["torch", "torchax_lite"])
    measured: dict[str, list[dict[str, float]]] = {side: [] for side in pythons}
    with tempfile.TemporaryDirectory() as folder:
        write_images(Path(folder), options.images)
        for turn in range(options.repeats):
            for side in list(pythons) if turn % 2 == 0 else list(pythons)[::-1]:
                command = [pythons[side], __file__, "--side", side, folder, str(options.workers), str(options.epochs)]
                result = subprocess.run(command, env=environment(), capture_output=True, text=True)
                if result.returncode:
                    sys.exit(f"{LABELS[side]} failed:\n{result.stderr}")
                measured[side].append(json.loads(result.stdout.splitlines()[-1]))
    print(f"{options.workers} workers, batches of {BATCH}; median of {options.repeats} turns")
    results: dict[str, Any] = {}
    for name in next(iter(measured.values()))[0]:
        middle = {side: sorted(turn[name] for turn in turns)[len(turns) // 2] for side, turns in measured.items()}
        text = "  ".join(f"{LABELS[side]} {value:10.3f}" for side, value in middle.items())
        if len(middle) == 2:
            text += verdict(name, middle["torchax_lite"] / middle["torch"])
        print(f"    {name:42} {text}")
        results[name] = {side: [turn[name] for turn in turns] for side, turns in measured.items()}
    save(options, "vision_loader", results, {side: python_version(python) for side, python in pythons.items()})


if __name__ == "__main__":
    if sys.argv[1:2] == ["--side"]:
        print(json.dumps(run_side(sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5]))))
    else:
        main()
