"""Record a checkpoint that PyTorch wrote: ``tests/data/checkpoint.pt`` (and what it says of storages and resizing).

    python tests/recorders/record_checkpoint.py      (in an environment with PyTorch 2.13)

``build`` makes the objects with either library; ``resized`` and ``memory`` answer in plain Python values.
"""

import json
import pathlib

DATA = pathlib.Path(__file__).resolve().parents[1] / "data"
CHECKPOINT, ANSWERS = DATA / "checkpoint.pt", DATA / "memory.json"


def build(torch):
    """Tensors of every kind that files know, with shared memory, and the states of a module and an optimizer."""
    a = torch.arange(12.0).reshape(3, 4)
    model = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.BatchNorm1d(3))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.5)
    for k, p in enumerate(model.parameters()):
        p.data = torch.arange(float(p.numel())).reshape(p.shape) / 8
        p.grad = torch.ones(p.shape) * k
    optimizer.step()
    names = ["float64", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool", "complex64",
             "complex128", "float8_e4m3fn", "float8_e5m2", "uint16", "uint32", "uint64"]  # fmt: skip
    kinds = {name: torch.tensor([0.0, 1.0, 1.0]).to(getattr(torch, name)) for name in names}
    return {
        "whole": a,
        "row": a[1],
        "transposed": a.t(),
        "last": torch.arange(24.0).reshape(1, 2, 3, 4).contiguous(memory_format=torch.channels_last),
        "expanded": torch.ones(2, 1).expand(2, 3),
        "scalar": torch.tensor(2.5),
        "empty": torch.empty(0, 3),
        "grad": torch.ones(2, requires_grad=True),
        "shape only": torch.empty(2, 3, device="meta"),
        "kinds": kinds,
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "parameter": torch.nn.Parameter(torch.ones(2), requires_grad=False),
        "plain": [1, -(2**40), 2.5, "ü", None, True, (1, 2, 3, 4), {3}, b"bytes", 1j],
        "names": [torch.float32, torch.Size([1, 2]), torch.device("meta"), torch.strided],
    }


def shown(t):
    """A tensor in plain values."""
    return [list(t.shape), list(t.stride()), t.storage_offset(), t.tolist()]


def resized(torch):
    """What ``resize_`` and ``resize_as_`` make of tensors (new elements left out)."""
    found = {}
    t = torch.arange(6.0)
    found["shrink"] = shown(t.resize_(2, 2)) + [t._version]
    t.resize_(3, 3)
    found["grow"] = [list(t.shape), list(t.stride()), t.flatten()[:6].tolist(), t.untyped_storage().nbytes()]
    found["transposed"] = shown(torch.arange(6.0).reshape(2, 3).t().resize_(2, 2))
    base = torch.arange(6.0)
    view = base[2:]
    view.resize_(2, 2)
    view[0, 1] = 99
    found["view"] = [shown(view), base.tolist()]
    found["to nothing"] = [list(base.resize_(0).shape), base.untyped_storage().nbytes(), shown(base.resize_(6))]
    found["channels_last"] = list(torch.arange(24.0).resize_(1, 2, 3, 4, memory_format=torch.channels_last).stride())
    found["as"] = shown(torch.arange(4.0).resize_as_(torch.ones(2, 2).t()))
    like = torch.ones(1, 2, 2, 1).contiguous(memory_format=torch.channels_last)
    found["as preserved"] = shown(torch.arange(4.0).resize_as_(like, memory_format=torch.preserve_format))
    return found


def memory(torch):
    """What storages say of themselves, and how writes through them show."""
    found = {}
    t = torch.arange(6.0).reshape(2, 3).t()
    raw, typed = t.untyped_storage(), t.storage()
    found["sizes"] = [[s.nbytes(), s.size(), len(s), s.element_size()] for s in (raw, typed)]
    found["bytes"] = raw.tolist()
    found["elements"] = typed.tolist()
    found["types"] = [typed.type(), raw.type(), typed.pickle_storage_type(), str(typed.dtype), str(raw.device)]
    found["items"] = [raw[2], raw[-1], raw[2:4].tolist(), typed[1]]
    typed[1] = 7.0
    raw[3] = 64
    found["written"] = t.tolist()
    found["aliases"] = [
        t[1].untyped_storage().data_ptr() == raw.data_ptr(),
        t[1].data_ptr() == raw.data_ptr() + 4,
        raw.clone().data_ptr() == raw.data_ptr(),
    ]
    found["repr"] = [repr(torch.arange(2.0).storage()), repr(torch.arange(2, dtype=torch.uint8).untyped_storage())]
    found["cast"] = [typed.double().tolist(), str(typed.double().dtype), typed.int().tolist()]
    found["filled"] = raw.clone().fill_(3).tolist()[:4]
    found["set"] = shown(torch.tensor([]).set_(typed, 1, (2, 2), (2, 1)))
    found["complex"] = torch.tensor([1 + 2j]).untyped_storage().tolist()
    return found


if __name__ == "__main__":
    import warnings

    import torch

    warnings.simplefilter("ignore")
    torch.save(build(torch), CHECKPOINT)
    ANSWERS.write_text(json.dumps({"resized": resized(torch), "memory": memory(torch)}) + "\n")
