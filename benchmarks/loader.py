"""Images a second from a loader with workers, and the time to its first batch.

    python benchmarks/loader.py [--torch-python PYTHON] [--workers 2] [--images 768]

The pipeline is written here, once, for both sides: decode a JPEG, random resized crop to 224, random flip (Pillow), then
to a float tensor and normalise (torch), in batches of 64. Every turn is a fresh process, which reads the same files:

* images a second over the epochs after the first, with persistent workers;
* seconds from making the loader to its first batch, right after the import, and again in a second loader;
* the same for a dataset that costs nothing, so that only the loader's own time shows.
"""

from __future__ import annotations

import json
import math
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

SIZE, BATCH = 224, 64
MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


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


def run_side(side: str, folder: str, workers: int, epochs: int) -> dict[str, float]:
    """Measure one side; `torch` is its module."""
    if side == "torch":
        import torch
    else:
        import torchax_lite as torch
    import numpy as np
    from PIL import Image

    data = torch.utils.data

    class Images(data.Dataset):
        """The files of a folder, decoded and augmented."""

        def __init__(self) -> None:
            self.files = sorted(str(file) for file in Path(folder).iterdir())
            self.mean = torch.tensor(MEAN).view(3, 1, 1)
            self.std = torch.tensor(STD).view(3, 1, 1)

        def __len__(self) -> int:
            return len(self.files)

        def __getitem__(self, index: int) -> tuple[Any, int]:
            with Image.open(self.files[index]) as file:
                image = file.convert("RGB")
            image = random_resized_crop(image)
            if random.random() < 0.5:
                image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
            x = torch.from_numpy(np.array(image)).permute(2, 0, 1).contiguous()
            x = x.to(torch.float32).div(255)
            return x.sub_(self.mean).div_(self.std), index

    def random_resized_crop(image: Any) -> Any:
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
        box = (left, top, left + w, top + h)
        return image.resize((SIZE, SIZE), Image.Resampling.BILINEAR, box=box)

    class Nothing(data.Dataset):
        """A ready sample of the same size."""

        def __init__(self) -> None:
            self.sample = np.zeros((3, SIZE, SIZE), np.float32)

        def __len__(self) -> int:
            return 16 * BATCH

        def __getitem__(self, index: int) -> Any:
            return self.sample

    found: dict[str, float] = {}
    start = time.perf_counter()
    iterator = iter(data.DataLoader(Nothing(), BATCH, num_workers=workers))
    next(iterator)
    found["first batch after the import, s"] = time.perf_counter() - start
    del iterator
    start = time.perf_counter()
    iterator = iter(data.DataLoader(Nothing(), BATCH, num_workers=workers))
    next(iterator)
    found["first batch of a further loader, s"] = time.perf_counter() - start
    rest = sum(len(batch) for batch in iterator)
    del iterator

    loader = data.DataLoader(Nothing(), BATCH, num_workers=workers, persistent_workers=True)
    list(map(len, loader))
    start = time.perf_counter()
    rest = sum(len(batch) for _ in range(3) for batch in loader)
    found["ready samples a second"] = rest / (time.perf_counter() - start)
    del loader

    loader = data.DataLoader(Images(), BATCH, shuffle=True, num_workers=workers, persistent_workers=True)
    seen = sum(len(y) for _, y in loader)
    start = time.perf_counter()
    seen = 0
    for _ in range(epochs):
        for x, y in loader:
            assert x.shape[1:] == (3, SIZE, SIZE)
            seen += len(y)
    found["images a second"] = seen / (time.perf_counter() - start)
    return found


# -- both sides, in turns ----------------------------------------------------------------------------------------------


def main() -> None:
    from harness import LABELS, arguments, environment, interpreters, python_version, save

    parser = arguments((__doc__ or "").partition("\n")[0], repeats=3)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--images", type=int, default=768)
    parser.add_argument("--epochs", type=int, default=2)
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
            ratio = middle["torchax_lite"] / middle["torch"]
            text += f"  ratio {ratio:.2f}"
            if name == "images a second":
                text += f"  ({'met' if ratio >= 1 else 'MISSED'}: at least 1)"
        print(f"    {name:36} {text}")
        results[name] = {side: [turn[name] for turn in turns] for side, turns in measured.items()}
    save(options, "loader", results, {side: python_version(python) for side, python in pythons.items()})


if __name__ == "__main__":
    if sys.argv[1:2] == ["--side"]:
        print(json.dumps(run_side(sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5]))))
    else:
        main()
