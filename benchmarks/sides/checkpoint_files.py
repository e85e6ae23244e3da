"""One side of `checkpoint.py`: writes or reads a state dict of ResNet-50's size, in a process of its own.

    checkpoint_files.py SIDE ACTION PATH REPEATS      SIDE: torch, torchax_lite      ACTION: write, save, or a way of
                                                      reading: load, mmap, legacy, safetensors

Prints one line of JSON: seconds of each turn, and the peak of resident memory in bytes.
"""

import json
import os
import resource
import sys
import time


def resnet50(torch):
    """The state dict of ResNet-50: 320 entries, 102.5 MB."""
    state = {}

    def conv(name, out, inner, kernel):
        state[f"{name}.weight"] = torch.full((out, inner, kernel, kernel), 0.25)

    def norm(name, size):
        for part, value in (("weight", 1.0), ("bias", 0.0), ("running_mean", 0.0), ("running_var", 1.0)):
            state[f"{name}.{part}"] = torch.full((size,), value)
        state[f"{name}.num_batches_tracked"] = torch.tensor(0)

    conv("conv1", 64, 3, 7)
    norm("bn1", 64)
    inner = 64
    for layer, (blocks, width) in enumerate([(3, 64), (4, 128), (6, 256), (3, 512)], 1):
        for block in range(blocks):
            name = f"layer{layer}.{block}"
            parts = [(width, inner, 1), (width, width, 3), (4 * width, width, 1)]
            for i, (out, size, kernel) in enumerate(parts, 1):
                conv(f"{name}.conv{i}", out, size, kernel)
                norm(f"{name}.bn{i}", out)
            if block == 0:
                conv(f"{name}.downsample.0", 4 * width, inner, 1)
                norm(f"{name}.downsample.1", 4 * width)
            inner = 4 * width
    state["fc.weight"], state["fc.bias"] = torch.full((1000, 2048), 0.5), torch.zeros(1000)
    return state


def turn(torch, action, path):
    """One reading (or writing); what was read is used: the first element of each tensor."""
    if action == "safetensors":
        from safetensors.torch import load_file

        return load_file(path)
    return torch.load(path, mmap=action == "mmap")


def main():
    side, action, path, repeats = sys.argv[1:]
    if side == "torchax_lite":
        import torchax_lite

        torchax_lite.install()
    import torch

    if action == "write":
        state = resnet50(torch)
        torch.save(state, path)
        torch.save(state, path + ".legacy", _use_new_zipfile_serialization=False)
        try:
            from safetensors.torch import save_file
        except ImportError:
            pass
        else:
            save_file(state, path + ".safetensors")
        return print(json.dumps({"bytes": os.path.getsize(path)}))
    state = resnet50(torch) if action == "save" else None
    seconds = []
    for _ in range(int(repeats)):
        begun = time.perf_counter()
        if action == "save":
            torch.save(state, path)
        else:
            found = turn(torch, action, path)
            assert len(found) == 320
            del found
        seconds.append(time.perf_counter() - begun)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"seconds": seconds, "peak": peak}))


if __name__ == "__main__":
    main()
