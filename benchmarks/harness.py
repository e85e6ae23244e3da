"""What the benchmarks share: interpreters, workers, turns, medians, the table and the results file."""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
SIDES = ["torch", "torch-compiled", "jax", "torchax_lite"]
LABELS = {
    "torch": "PyTorch",
    "torch-compiled": "PyTorch compiled",
    "jax": "JAX + optax",
    "torchax_lite": "torchax_lite",
}


def arguments(description: str, **defaults: Any) -> argparse.ArgumentParser:
    """The command line that every benchmark has."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--torch-python", help="interpreter with PyTorch; without it PyTorch's sides are skipped")
    parser.add_argument("--jax-python", default=sys.executable, help="interpreter with JAX and optax (default: this)")
    parser.add_argument("--lite-python", default=sys.executable, help="interpreter for torchax_lite (default: this)")
    parser.add_argument("--sides", nargs="+", choices=SIDES, default=SIDES)
    parser.add_argument("--repeats", type=int, default=defaults.get("repeats", 7), help="turns of each side")
    if defaults.get("device"):
        parser.add_argument("--device", default="cpu", help="where the sides compute: cpu or cuda")
    parser.add_argument("--results", type=Path, default=HERE / "results", help="folder for the JSON file")
    return parser


def interpreters(options: argparse.Namespace, sides: list[str] | None = None) -> dict[str, str]:
    """The sides to run and their interpreters; says which are skipped and why."""
    found = {}
    for side in sides or options.sides:
        if side not in options.sides:
            continue
        python = {"jax": options.jax_python, "torchax_lite": options.lite_python}.get(side, options.torch_python)
        if python:
            found[side] = python
        else:
            print(f"skipped: {LABELS[side]} (no --torch-python)")
    return found


def environment(**extra: str) -> dict[str, str]:
    """The environment of a side: this one's, with the package importable from the checkout.

    Its bytecode is kept there, as an installer keeps that of the other sides, whatever the environment says.
    """
    return os.environ | {"PYTHONPATH": str(HERE.parent), "PYTHONDONTWRITEBYTECODE": ""} | extra


def use_device(name: str) -> None:
    """Let the sides compute there, all of them with products in full float32 where a loop does not say otherwise."""
    os.environ["BENCHMARK_DEVICE"] = name
    if name == "cpu":
        os.environ.setdefault("JAX_PLATFORMS", "cpu")
    else:
        os.environ.setdefault("JAX_DEFAULT_MATMUL_PRECISION", "highest")
        os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")


class Worker:
    """A running `worker.py`; without `wait`, its first answer is still to be read."""

    def __init__(self, python: str, side: str, loop: str, wait: bool = True, **extra: str) -> None:
        command = [python, str(HERE / "worker.py"), side, loop]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(
            command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, env=environment(**extra)
        )
        self.first = self.read() if wait else {}

    def read(self) -> dict[str, Any]:
        assert self.process.stdout and self.process.stderr
        line = self.process.stdout.readline()
        if not line:
            last = self.process.stderr.read().strip().splitlines()[-1:] or ["no message"]
            raise RuntimeError(last[0])
        return json.loads(line)

    def ask(self, command: str) -> dict[str, Any]:
        assert self.process.stdin
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        return self.read()

    def close(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait()
        for stream in (self.process.stdout, self.process.stderr):
            if stream:
                stream.close()


def machine() -> dict[str, Any]:
    """The machine that the numbers were taken on."""
    model = platform.processor()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    found = {"cpu": model, "cores": os.cpu_count(), "system": platform.platform()}
    if os.environ.get("BENCHMARK_DEVICE", "cpu") != "cpu":
        command = ["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"]
        found["gpu"] = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    return found


def table(title: str, seconds: dict[str, list[float]], targets: dict[str, float] | None = None) -> dict[str, Any]:
    """Print the medians of all sides and torchax_lite's ratios to the others; returns them."""
    medians = {side: statistics.median(values) for side, values in seconds.items() if values}
    row = "  ".join(f"{LABELS[side]} {value * 1e3:.3f} ms" for side, value in medians.items())
    print(f"{title}: {row}")
    ratios = {}
    if "torchax_lite" in medians:
        for side, value in medians.items():
            if side != "torchax_lite":
                ratios[side] = medians["torchax_lite"] / value
                limit = (targets or {}).get(side)
                verdict = (
                    "" if limit is None else f"  ({'met' if ratios[side] <= limit else 'MISSED'}: at most {limit})"
                )
                print(f"    torchax_lite / {LABELS[side]}: {ratios[side]:.2f}{verdict}")
    return {"medians": medians, "ratios": ratios, "seconds": seconds}


def python_version(python: str) -> dict[str, str]:
    """Version of an interpreter, by asking it."""
    code = "import platform; print(platform.python_version())"
    return {"python": subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip()}


def suffix(options: argparse.Namespace) -> str:
    """What the names of the results' files end in, by the device."""
    device = getattr(options, "device", "cpu")
    return "" if device == "cpu" else f"_{device}"


def save(options: argparse.Namespace, name: str, results: dict[str, Any], versions: dict[str, Any]) -> None:
    """Write the results with date, machine and versions to a JSON file."""
    now = datetime.datetime.now(datetime.UTC)
    record = {"benchmark": name, "date": now.isoformat(timespec="seconds"), "machine": machine()}
    record |= {"versions": versions, "results": results}
    options.results.mkdir(parents=True, exist_ok=True)
    path = options.results / f"{name}{suffix(options)}.json"
    path.write_text(json.dumps(record, indent=1) + "\n")
    print(f"written: {path}")
