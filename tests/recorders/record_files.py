"""Record files that PyTorch wrote: ``tests/data/files.zip``.

    python tests/recorders/record_files.py      (in an environment with PyTorch 2.13)

Each group of objects is there as ``GROUP.zip.pt`` and, in the format before PyTorch 1.6, as ``GROUP.legacy.pt``; then
plain pickles, files with what has no counterpart here, a tar archive of PyTorch 0.1 (made by hand, loaded by PyTorch
for a check), and a folder of ``torch.distributed.checkpoint``. The builders make the objects with either library.
"""

import collections
import io
import pathlib
import pickle
import struct
import tarfile
import tempfile
import warnings
import zipfile

DATA = pathlib.Path(__file__).resolve().parents[1] / "data"
FILES = DATA / "files.zip"

DTYPES = (
    "float64 float32 float16 bfloat16 int64 int32 int16 int8 uint8 bool complex64 complex128 float8_e4m3fn float8_e5m2 "
    "float8_e4m3fnuz float8_e5m2fnuz float8_e8m0fnu uint16 uint32 uint64"
).split()


def tensors(torch):
    """Every dtype, with views of all kinds on one storage."""
    found = {}
    for name in DTYPES:
        t = torch.tensor([1.0, 2.0, 4.0, 8.0, 1.0, 2.0]).to(getattr(torch, name)).reshape(2, 3)
        found[name] = {
            "whole": t,
            "transposed": t.t(),
            "row": t[1],
            "column": t[:, 1],
            "scalar": t[0, 0],
            "none": t[:0],
        }
    return found


def models(torch):
    """Pickled modules."""
    nn = torch.nn
    torch.manual_seed(0)
    tied = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    tied[1].weight = tied[0].weight
    return {
        "linear": nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Dropout(0.1), nn.Linear(4, 2)),
        "convolution": nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), nn.BatchNorm2d(2), nn.MaxPool2d(2), nn.GELU()),
        "lstm": nn.LSTM(3, 4, 2, bidirectional=True, batch_first=True),
        "gru": nn.GRU(3, 4),
        "transformer": nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 1),
        "embedding": nn.Embedding(10, 4, padding_idx=0),
        "norms": nn.Sequential(nn.GroupNorm(2, 4), nn.LayerNorm(4), nn.PReLU(), nn.Softmax(-1)),
        "lists": nn.ModuleDict(
            {"a": nn.ModuleList([nn.Linear(1, 1)]), "p": nn.ParameterList([nn.Parameter(torch.ones(2))])}
        ),
        "tied": tied,
    }


def optimizers(torch):
    """States of optimizers and schedulers after three steps."""
    found = {}
    optim, schedules = torch.optim, torch.optim.lr_scheduler
    for name in "SGD Adam AdamW Adamax NAdam RAdam Adagrad Adadelta RMSprop Rprop ASGD LBFGS Adafactor Muon".split():
        if not hasattr(optim, name):
            continue
        torch.manual_seed(0)
        p, q = torch.nn.Parameter(torch.randn(3, 2)), torch.nn.Parameter(torch.randn(2, 2))
        extra = {"SGD": {"momentum": 0.9}, "LBFGS": {"max_iter": 2}}.get(name, {})
        optimizer = getattr(optim, name)([p, q], lr=0.1, **extra)

        def closure(optimizer=optimizer, p=p, q=q):
            optimizer.zero_grad()
            loss = p.square().sum() + (q * q).square().sum()
            loss.backward()
            return loss

        for _ in range(3):
            optimizer.step(closure)
        found[name] = {"state": optimizer.state_dict(), "p": p, "q": q}
    sgd = optim.SGD([torch.nn.Parameter(torch.ones(2))], lr=1.0)
    for name, make in {
        "step": lambda: schedules.StepLR(sgd, 2),
        "milestones": lambda: schedules.MultiStepLR(sgd, [2, 5]),
        "cosine": lambda: schedules.CosineAnnealingLR(sgd, 10),
        "lambda": lambda: schedules.LambdaLR(sgd, lambda epoch: 0.9**epoch),
        "sequence": lambda: schedules.SequentialLR(
            sgd, [schedules.ConstantLR(sgd), schedules.ExponentialLR(sgd, 0.9)], [3]
        ),
    }.items():
        schedule = make()
        for _ in range(3):
            sgd.step()
            schedule.step()
        found[name] = schedule.state_dict()
    return found


def plain(torch):
    """Objects that are no tensors."""
    return {
        "ordered": collections.OrderedDict(a=1), "counter": collections.Counter("aab"), "set": {1, 2}, "bytes": b"a\xff",
        "bytearray": bytearray(b"xy"), "complex": 1j, "none": None, "float": 1e300, "large": 2**100, "negative": -5,
        "text": "ünï", "size": torch.Size([1, 2]), "dtype": torch.bfloat16, "device": torch.device("cpu"),
        "layout": torch.strided, "tuple": (1, (2, [3])),
    }  # fmt: skip


GROUPS = {"tensors": tensors, "models": models, "optimizers": optimizers, "plain": plain}


def bits(torch):
    """Tensors with the bits that PyTorch sets instead of computing, as files of their own."""
    x = torch.tensor([1 + 2j, 3 - 1j])
    return {"conj": x.conj(), "neg": x.conj().imag}


def state(torch):
    """What the folder of ``torch.distributed.checkpoint`` holds."""
    return {
        "model": {"w": torch.arange(6.0).reshape(2, 3), "b": torch.ones(2, dtype=torch.bfloat16), "s": torch.tensor(2)},
        "epoch": 3,
        "nested": {"list": [1, 2, {"t": torch.ones(2)}], "none": torch.empty(0, 2)},
    }


def tar_file():
    """A file as PyTorch 0.1 wrote it: two tensors on one storage, and a view of a storage."""

    class Ref:
        def __init__(self, key):
            self.key = key

    class Pickler(pickle._Pickler):
        def persistent_id(self, obj):
            return str(obj.key) if isinstance(obj, Ref) else None

        def save_global(self, obj, name=None):
            self.write(b"ctorch\nFloatStorage\n")

    def pickled(*objects):
        out = io.BytesIO()
        for obj in objects:
            Pickler(out, 2).dump(obj)
        return out.getvalue()

    def tensor(key, storage, size, stride, offset):
        head = pickled((key, storage, 0)) + struct.pack("<i4x", len(size))
        return head + struct.pack(f"<{2 * len(size) + 1}q", *size, *stride, offset)

    values = struct.pack("<q6f", 6, *range(6))
    storages = pickled(1) + pickled((11, "cpu", Ref)) + values + pickled([(12, 11, 2, 3)])
    tensors = pickled(2) + tensor(21, 11, (2, 3), (3, 1), 0) + tensor(22, 12, (2,), (1,), 1)
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:", format=tarfile.PAX_FORMAT) as tar:
        for name, content in {
            "storages": storages,
            "tensors": tensors,
            "pickle": pickled({"a": Ref(21), "b": Ref(22)}),
        }.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return out.getvalue()


def main():
    import torch
    import torch.distributed.checkpoint as dcp

    def no_source(cls):
        raise OSError("the sources of PyTorch's classes are not recorded")

    warnings.simplefilter("ignore")
    torch.serialization.get_source_lines_and_file = no_source
    with zipfile.ZipFile(FILES, "w", zipfile.ZIP_DEFLATED) as out:

        def write(name, obj, **how):
            buffer = io.BytesIO()
            torch.save(obj, buffer, **how)
            out.writestr(zipfile.ZipInfo(name), buffer.getvalue(), zipfile.ZIP_DEFLATED)

        for name, build in GROUPS.items():
            write(f"{name}.zip.pt", build(torch))
            kept = build(torch)
            if name == "tensors":  # PyTorch does not load tensors of these dtypes from this format itself
                kept = {k: v for k, v in kept.items() if not k.startswith("uint") or k == "uint8"}
                kept = {k: v for k, v in kept.items() if not k.startswith("float8")}
            write(f"{name}.legacy.pt", kept, _use_new_zipfile_serialization=False)
        for name, t in bits(torch).items():
            write(f"{name}.pt", t)
        write("quantised.pt", torch.quantize_per_tensor(torch.ones(2), 1.0, 0, torch.qint8))
        write("sparse.pt", torch.tensor([[0.0, 2.0], [3.0, 0.0]]).to_sparse())
        write("nested.pt", torch.nested.nested_tensor([torch.ones(2), torch.ones(3)]))
        write("functions.pt", [torch.relu, torch.nn.functional.relu, torch.nn.functional.gelu, torch.Tensor.relu])
        torch.serialization.set_crc32_options(False)
        write("unchecked.pt", torch.arange(3))
        torch.serialization.set_crc32_options(True)
        out.writestr(
            zipfile.ZipInfo("tensor.pickle"),
            pickle.dumps([torch.arange(6.0).reshape(2, 3)[1], torch.nn.Parameter(torch.ones(2))]),
        )
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder)
            (path / "tar").write_bytes(tar_file())
            found = torch.load(path / "tar", weights_only=False)
            assert found["a"].tolist() == [[0, 1, 2], [3, 4, 5]] and found["b"].tolist() == [3, 4]
            out.write(path / "tar", "tar.pt")
            dcp.save(state(torch), checkpoint_id=path / "folder")
            for file in sorted((path / "folder").iterdir()):
                out.write(file, f"folder/{file.name}")


if __name__ == "__main__":
    main()
