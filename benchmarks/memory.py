"""Resident memory over long loops: ``python benchmarks/memory.py [--steps 10000]``.

An MLP training loop, and a loop without gradients and without any host read. Prints the resident set after the first
500 steps and at the end, and their ratio (the aim: at most 1.05).
"""

from __future__ import annotations

import argparse
import gc
import resource
from collections.abc import Callable

import numpy as np

import torchax_lite as torch
from torchax_lite import engine, nn

WARM = 500


def resident() -> int:
    """Resident set size in bytes."""
    with open("/proc/self/statm", encoding="ascii") as f:
        return int(f.read().split()[1]) * resource.getpagesize()


def mlp() -> Callable[[], None]:
    """One step of a small perceptron with Adam."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10))
    optimizer = torch.optim.Adam(net.parameters())
    x = torch.from_numpy(np.random.default_rng(0).standard_normal((32, 64), dtype=np.float32))
    y = torch.from_numpy(np.random.default_rng(1).integers(0, 10, 32))

    def step() -> None:
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(x), y).backward()
        optimizer.step()

    return step


def free_loop() -> Callable[[], None]:
    """One iteration without gradients or host reads."""
    state = {"x": torch.ones(256, 256)}

    def step() -> None:
        with torch.no_grad():
            state["x"] = (state["x"] * 1.0001 + 0.5).sin()

    return step


def main() -> None:
    """Run both loops."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=10_000)
    steps = parser.parse_args().steps
    for name, make in (("mlp", mlp), ("loop without reads", free_loop)):
        step = make()
        for i in range(steps):
            step()
            if i == WARM:
                gc.collect()
                start = resident()
        engine.flush_all("end of the loop")
        end = resident()
        stats = engine.stats()
        print(
            f"{name}: {start / 2**20:.1f} MiB after {WARM} steps, {end / 2**20:.1f} MiB after {steps}: ratio "
            f"{end / start:.3f}; {stats.programs} programs in memory"
        )


if __name__ == "__main__":
    main()
