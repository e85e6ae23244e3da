"""Reading and writing a file of ResNet-50's size: ``python benchmarks/checkpoint.py --torch-python PYTHON``.

Seconds of ``torch.load`` (whole, mapped, the format before PyTorch 1.6, safetensors) and ``torch.save``, and the peak of
resident memory of a process that reads the file once. All sides read the same files, in turns.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from harness import HERE, LABELS, arguments, environment, interpreters, save, table

WAYS = {"load": "", "mmap": "", "legacy": ".legacy", "safetensors": ".safetensors", "save": ".saved"}
MOST = 2.0
"""The largest ratio of seconds to PyTorch's that meets the aim for `load`."""


def run(python: str, side: str, action: str, path: str, repeats: int) -> dict:
    """What one process of a side answers."""
    command = [python, str(HERE / "sides" / "checkpoint_files.py"), side, action, path, str(repeats)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment())
    if done.returncode:
        raise RuntimeError((done.stderr.strip().splitlines() or ["no message"])[-1])
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    """Run all ways on all sides."""
    parser = arguments(__doc__, repeats=5)
    parser.add_argument("--loads", type=int, default=5, help="readings of each process")
    options = parser.parse_args()
    sides = interpreters(options, ["torch", "torchax_lite"])
    results: dict = {}
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "resnet50.pt")
        writer = next(iter(sides))
        size = run(sides[writer], writer, "write", path, 1)["bytes"]
        print(f"{size / 1e6:.1f} MB, written by {LABELS[writer]}")
        for way, suffix in WAYS.items():
            if way == "safetensors" and not Path(path + suffix).exists():
                print("skipped: safetensors (not installed)")
                continue
            seconds: dict = {side: [] for side in sides}
            peaks: dict = {side: [] for side in sides}
            for _ in range(options.repeats):
                for side, python in sides.items():
                    try:
                        seconds[side].append(
                            statistics.median(run(python, side, way, path + suffix, options.loads)["seconds"])
                        )
                        peaks[side].append(run(python, side, way, path + suffix, 1)["peak"])
                    except RuntimeError as error:
                        print(f"{LABELS[side]}, {way}: {error}", file=sys.stderr)
            targets = {"torch": MOST} if way == "load" else None
            results[way] = table(way, seconds, targets)
            memory = {side: statistics.median(values) for side, values in peaks.items() if values}
            results[way]["peak"] = memory
            print("    peak memory: " + "  ".join(f"{LABELS[s]} {b / 2**20:.0f} MiB" for s, b in memory.items()))
            if way == "load" and len(memory) == 2:
                met = memory["torchax_lite"] <= memory["torch"]
                print(
                    f"    ratio {memory['torchax_lite'] / memory['torch']:.2f}  ({'met' if met else 'MISSED'}: at most 1)"
                )
    save(options, "checkpoint", results, {})


if __name__ == "__main__":
    main()
