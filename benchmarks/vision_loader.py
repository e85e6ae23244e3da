"""Images a second from a loader with torchvision's transforms, and the time to its first batch.

    python benchmarks/vision_loader.py [--torch-python PYTHON] [--workers 2] [--images 768]

The dataset is an ordinary script, the same for both sides: a JPEG is decoded by Pillow, then ``RandomResizedCrop(224)``,
``RandomHorizontalFlip``, ``ToTensor`` and ``Normalize`` (and the same in ``transforms.v2``, on a Pillow image and on a
tensor), in batches of 64. Here ``torch`` and ``torchvision`` are PyTorch and the Python parts of torchvision, there the
drop-in. Every turn is a fresh process, which reads the same files.
"""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from loader import BATCH, MEAN, SIZE, STD, write_images

PARTS = Path(__file__).resolve().parents[1] / "tests" / "recorders"
"""Where the script is that lets torchvision's Python parts import beside any PyTorch."""


def run_side(side: str, folder: str, workers: int, epochs: int) -> dict[str, float]:
    """Measure one side."""
    if side == "torch":
        sys.path.insert(0, str(PARTS))
        import torchvision_parts  # noqa: F401
    else:
        import torchax_lite

        torchax_lite.install()
    import torch
    from PIL import Image
    from torchvision import transforms as T
    from torchvision.transforms import v2

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

    flip = [v2.RandomHorizontalFlip(), v2.ToDtype(torch.float32, scale=True), v2.Normalize(MEAN, STD)]
    pipelines = {
        "v1 on Pillow": T.Compose(
            [T.RandomResizedCrop(SIZE), T.RandomHorizontalFlip(), T.ToTensor(), T.Normalize(MEAN, STD)]
        ),
        "v2 on Pillow": v2.Compose([v2.RandomResizedCrop(SIZE), flip[0], v2.ToImage(), *flip[1:]]),
        "v2 on tensors": v2.Compose([v2.ToImage(), v2.RandomResizedCrop(SIZE), *flip]),
        "v1, more colour": T.Compose(
            [T.RandomResizedCrop(SIZE), T.ColorJitter(0.4, 0.4, 0.4), T.RandomRotation(15), T.ToTensor()]
        ),
    }
    found: dict[str, float] = {}
    for name, transform in pipelines.items():
        start = time.perf_counter()
        loader = torch.utils.data.DataLoader(
            Images(transform), BATCH, shuffle=True, num_workers=workers, persistent_workers=workers > 0
        )
        iterator = iter(loader)
        x, y = next(iterator)
        assert tuple(x.shape) == (BATCH, 3, SIZE, SIZE) and x.dtype == torch.float32
        if name == "v1 on Pillow":
            found["first batch after the import, s"] = time.perf_counter() - start
        for _ in iterator:
            pass
        start = time.perf_counter()
        seen = sum(len(y) for _ in range(epochs) for _, y in loader)
        found[f"{name}, images a second"] = seen / (time.perf_counter() - start)
        del iterator, loader
    return found


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
            ratio = middle["torchax_lite"] / middle["torch"]
            met = "" if name.startswith("first") else f"  ({'met' if ratio >= 1 else 'MISSED'}: at least 1)"
            text += f"  ratio {ratio:.2f}{met}"
        print(f"    {name:36} {text}")
        results[name] = {side: [turn[name] for turn in turns] for side, turns in measured.items()}
    save(options, "vision_loader", results, {side: python_version(python) for side, python in pythons.items()})


if __name__ == "__main__":
    if sys.argv[1:2] == ["--side"]:
        print(json.dumps(run_side(sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5]))))
    else:
        main()
