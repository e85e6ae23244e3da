"""Saves that are killed by SIGKILL: ``python killed_saves.py ROUNDS``; prints how each round ended.

A forked child saves to one path over and over; it is killed at some moment, and the file must be whole. The process has
not started a JAX backend when it forks.
"""

import os
import pathlib
import random
import signal
import sys
import tempfile
import time

import numpy as np

import torchax_lite as torch

SIZE = 1 << 20


def state(number):
    """What save ``number`` writes."""
    return {
        "n": number,
        "t": torch.from_numpy(np.full(SIZE, number, np.float32)),
        "end": torch.from_numpy(np.full(3, number)),
    }


def main():
    with tempfile.TemporaryDirectory() as folder:
        kill(pathlib.Path(folder), int(sys.argv[1]))


def kill(folder, rounds):
    """Kill ``rounds`` children while they save."""
    path = folder / "model.pt"
    torch.save(state(0), path)
    rng = random.Random(0)
    last, interrupted = 0, 0
    for _ in range(rounds):
        child = os.fork()
        if child == 0:
            number = last
            while True:
                number += 1
                torch.save(state(number), path)
        time.sleep(rng.uniform(0.002, 0.08))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        found = torch.load(path)
        number = found["n"]
        assert number >= last, (number, last)
        assert (
            found["t"].shape == (SIZE,) and float(found["t"].numpy().min()) == float(found["t"].numpy().max()) == number
        )
        assert found["end"].numpy().tolist() == [number] * 3
        left = [p for p in folder.iterdir() if p != path]
        interrupted += bool(left)
        for p in left:
            p.unlink()
        last = number
    print(f"{rounds} rounds, {interrupted} in the middle of a save, {last} saves complete")


if __name__ == "__main__":
    main()
