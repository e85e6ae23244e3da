"""Files in both directions between this package and PyTorch: every dtype, modules, optimizers, folders.

    python tests/recorders/exchange.py --torch-python PYTHON      (PYTHON: an interpreter with PyTorch 2.13)

Each side writes the objects of ``record_files.py`` in both formats, a folder of ``torch.distributed.checkpoint`` and,
where it is installed, a safetensors file; the other side reads them and compares with what it builds itself.
"""

import argparse
import pathlib
import subprocess
import sys
import tempfile
import warnings

HERE = pathlib.Path(__file__).resolve()
sys.path.insert(0, str(HERE.parent))
import record_files as record  # noqa: E402


def plain(torch, x):
    """An object in plain Python values."""
    if isinstance(x, torch.Tensor):
        values = x.detach().to(torch.complex128 if x.is_complex() else torch.float64).tolist()
        return [str(x.dtype), list(x.shape), x.requires_grad, type(x).__name__, values]
    if isinstance(x, torch.nn.Module):
        return [repr(x), plain(torch, x.state_dict())]
    if isinstance(x, dict):
        return {k: plain(torch, v) for k, v in x.items()}
    if isinstance(x, (list, tuple)) and type(x) is not torch.Size:
        return [plain(torch, v) for v in x]
    return x if isinstance(x, (int, float, complex)) else repr(x)


def same(a, b):
    """Whether two plain values agree, numbers to five digits."""
    if isinstance(a, (float, complex)) and isinstance(b, (float, complex)):
        return a == b or a != a and b != b or abs(a - b) <= 1e-5 * max(1, abs(a))
    if isinstance(a, dict):
        return isinstance(b, dict) and a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list):
        return isinstance(b, list) and len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    return a == b


def write(torch, folder):
    """Write everything."""
    for name, build in record.GROUPS.items():
        torch.save(build(torch), folder / f"{name}.zip.pt")
        objects = build(torch)
        if name == "tensors":  # PyTorch itself reads no others from the old format
            objects = {k: v for k, v in objects.items() if k == "uint8" or not k.startswith(("uint", "float8"))}
        torch.save(objects, folder / f"{name}.legacy.pt", _use_new_zipfile_serialization=False)
    torch.distributed.checkpoint.save(record.state(torch), checkpoint_id=folder / "folder")
    whole = {name: views["whole"] for name, views in record.tensors(torch).items() if name != "float8_e8m0fnu"}
    for unknown in ("float8_e4m3fnuz", "float8_e5m2fnuz", "complex128"):
        whole.pop(unknown)
    try:
        from safetensors.torch import save_file
    except ImportError:
        return
    save_file(whole, folder / "whole.safetensors")


def read(torch, folder):
    """Read everything; returns the number of objects that agree, and the names of those that do not."""
    agree, differ = 0, []

    def compare(name, found, wanted):
        nonlocal agree
        if same(plain(torch, found), plain(torch, wanted)):
            agree += 1
        else:
            differ.append(name)

    for name, build in record.GROUPS.items():
        wanted = build(torch)
        for form in ("zip", "legacy"):
            for how in ({"weights_only": True}, {"weights_only": False}, {"mmap": True, "weights_only": False}):
                if (name == "models" and how["weights_only"]) or (form == "legacy" and "mmap" in how):
                    continue
                found = torch.load(folder / f"{name}.{form}.pt", **how)
                for key in found.keys() & wanted.keys():
                    compare(f"{name}.{form}.pt {key} {how}", found[key], wanted[key])
    state = record.state(torch)
    state["epoch"] = 0
    state["model"]["w"].zero_()
    torch.distributed.checkpoint.load(state, checkpoint_id=folder / "folder")
    compare("folder", state, record.state(torch))
    if (folder / "whole.safetensors").exists():
        from safetensors.torch import load_file

        for key, t in load_file(folder / "whole.safetensors").items():
            compare(f"whole.safetensors {key}", t, record.tensors(torch)[key]["whole"])
    return agree, differ


def side(name, action, folder):
    """One action of one side, in this process."""
    warnings.simplefilter("ignore")
    if name == "torchax_lite":
        sys.path.insert(0, str(HERE.parents[2]))
        import torchax_lite

        torchax_lite.install()
    import torch
    import torch.distributed.checkpoint

    if action == "write":
        write(torch, folder)
        return
    agree, differ = read(torch, folder)
    print(f"{name} reads: {agree} objects agree, {len(differ)} differ", *differ, sep="\n    ")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--torch-python", help="interpreter with PyTorch")
    parser.add_argument(
        "--side", nargs=3, metavar=("SIDE", "ACTION", "FOLDER"), help="for the processes of this script"
    )
    options = parser.parse_args()
    if options.side:
        side(*options.side[:2], pathlib.Path(options.side[2]))
        return
    pythons = {"torch": options.torch_python, "torchax_lite": sys.executable}
    for writer, reader in (("torch", "torchax_lite"), ("torchax_lite", "torch"), ("torchax_lite", "torchax_lite")):
        with tempfile.TemporaryDirectory() as folder:
            for name, action in ((writer, "write"), (reader, "read")):
                subprocess.run([pythons[name], str(HERE), "--side", name, action, folder], check=True)
            print(f"    (files of {writer})")


if __name__ == "__main__":
    main()
