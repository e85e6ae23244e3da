"""torch.save and torch.load: PyTorch's own file, round trips, what is refused, and files that do not get lost."""

import importlib.util
import io
import os
import pathlib
import pickle
import pickletools
import struct
import zipfile

import numpy as np
import pytest

import torchax_lite as torch
import torchax_lite.nn as nn
from torchax_lite import optim, serialization
from torchax_lite.serialization import load, safe_globals, save

TESTS = pathlib.Path(__file__).parents[1]


def recorder():
    spec = importlib.util.spec_from_file_location("record_checkpoint", TESTS / "recorders" / "record_checkpoint.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Plain:
    """A class that files may hold, but weights_only does not allow by itself."""

    def __init__(self):
        self.x = torch.ones(2)


def through(obj, **how):
    buffer = io.BytesIO()
    save(obj, buffer)
    buffer.seek(0)
    return load(buffer, **how)


def same(a, b):
    if isinstance(a, torch.Tensor):
        assert type(a) is type(b) and a.dtype is b.dtype and a.shape == b.shape and a.stride() == b.stride()
        assert a.requires_grad == b.requires_grad and a.device == b.device
        assert a.is_meta or a.tolist() == b.tolist()
    elif isinstance(a, dict):
        assert type(a) is type(b) and a.keys() == b.keys()
        for key in a:
            same(a[key], b[key])
    elif isinstance(a, (list, tuple)):
        assert type(a) is type(b) and len(a) == len(b)
        for x, y in zip(a, b, strict=True):
            same(x, y)
    else:
        assert a == b


# -- PyTorch's format --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", [{}, {"mmap": True}, {"weights_only": False}], ids=["default", "mmap", "pickle"])
def test_a_file_of_pytorch_loads(how):
    record = recorder()
    found = load(record.CHECKPOINT, **how)
    wanted = record.build(torch)
    for part in ("model", "optimizer"):  # initial values there come from the optimizer's own arithmetic
        a, b = found.pop(part), wanted.pop(part)
        assert a.keys() == b.keys()
        if part == "model":
            assert type(a) is type(b) and a._metadata == b._metadata
            for key in a:
                np.testing.assert_allclose(a[key].numpy(), b[key].numpy(), rtol=1e-6)
        else:
            assert a["param_groups"] == b["param_groups"]
    same(found, wanted)
    assert found["row"].untyped_storage().data_ptr() == found["whole"].untyped_storage().data_ptr()
    found["whole"].fill_(5)
    assert found["row"].tolist() == [5] * 4 and found["transposed"][0, 0] == 5


def test_our_file_has_pytorchs_layout(tmp_path):
    """Record for record the same places, sizes, flags; what differs are values that optimizers computed."""
    record = recorder()
    save(record.build(torch), tmp_path / "checkpoint.pt")
    ours, theirs = (zipfile.ZipFile(path).infolist() for path in (tmp_path / "checkpoint.pt", record.CHECKPOINT))
    facts = [
        [(i.filename, i.header_offset, i.file_size, i.flag_bits, i.create_version) for i in f] for f in (ours, theirs)
    ]
    assert facts[0] == facts[1]
    assert os.path.getsize(tmp_path / "checkpoint.pt") == os.path.getsize(record.CHECKPOINT)


def test_our_file_is_what_pytorch_writes():
    record = recorder()
    buffer = io.BytesIO()
    save(record.build(torch), buffer)
    ours, theirs = zipfile.ZipFile(buffer), zipfile.ZipFile(record.CHECKPOINT)
    names = [n.partition("/")[2] for n in ours.namelist()]
    assert names == [n.partition("/")[2] for n in theirs.namelist()]
    assert ours.read("archive/data.pkl") == theirs.read("checkpoint/data.pkl")
    for name in names:
        if name in ("version", "byteorder", ".format_version", ".storage_alignment"):
            assert ours.read(f"archive/{name}") == theirs.read(f"checkpoint/{name}")
        if name.startswith("data/"):
            assert len(ours.read(f"archive/{name}")) == len(theirs.read(f"checkpoint/{name}"))
    raw = buffer.getvalue()
    for info in ours.infolist():
        assert info.compress_type == zipfile.ZIP_STORED
        lengths = struct.unpack("<HH", raw[info.header_offset + 26 : info.header_offset + 30])
        assert (info.header_offset + 30 + sum(lengths)) % 64 == 0


def test_names_of_this_package_are_written_as_pytorchs():
    buffer = io.BytesIO()
    save(nn.Sequential(nn.Linear(2, 2), nn.ReLU()), buffer)
    data = zipfile.ZipFile(buffer).read("archive/data.pkl")
    names = {argument for opcode, argument, _ in pickletools.genops(data) if opcode.name == "GLOBAL"}
    assert "torch.nn.modules.linear Linear" in names and not any("torchax" in name for name in names)


# -- round trips -------------------------------------------------------------------------------------------------------


def test_paths_and_file_objects(tmp_path):
    t = torch.arange(3)
    for f in (tmp_path / "a.pt", str(tmp_path / "b.pt")):
        save(t, f)
        assert load(f).tolist() == [0, 1, 2]
    with open(tmp_path / "c.pt", "wb") as file:
        save(t, file)
    with open(tmp_path / "c.pt", "rb") as file:
        assert load(file).tolist() == [0, 1, 2]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.pt", "b.pt", "c.pt"]


def test_tied_weights_and_whole_modules():
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    model[1].weight = model[0].weight
    state = through(model.state_dict())
    assert state["0.weight"].untyped_storage().data_ptr() == state["1.weight"].untyped_storage().data_ptr()
    made = through(model, weights_only=False)
    assert made[0].weight is made[1].weight and type(made[0].weight) is nn.Parameter
    x = torch.ones(1, 2)
    assert made(x).tolist() == model(x).tolist()


def test_training_goes_on_after_loading():
    def train(model, optimizer, steps):
        for _ in range(steps):
            optimizer.zero_grad()
            model(torch.ones(3, 2)).square().sum().backward()
            optimizer.step()

    model = nn.Linear(2, 2)
    optimizer = optim.Adam(model.parameters(), lr=0.1)
    train(model, optimizer, 2)
    state = through({"model": model.state_dict(), "optimizer": optimizer.state_dict()})
    other = nn.Linear(2, 2)
    other.load_state_dict(state["model"])
    other_optimizer = optim.Adam(other.parameters(), lr=0.7)
    other_optimizer.load_state_dict(state["optimizer"])
    train(model, optimizer, 2)
    train(other, other_optimizer, 2)
    # The first run of a program may take another kernel than later ones: the last bit is not compared.
    torch.testing.assert_close(other.weight, model.weight, rtol=1e-6, atol=1e-7)
    assert other_optimizer.param_groups[0]["lr"] == 0.1


def test_loaded_tensors_are_no_views():
    found = through([torch.arange(6.0).reshape(2, 3), nn.Linear(2, 2).weight])
    assert all(t._view is None for t in found)


def test_a_storage_with_two_dtypes_is_refused():
    t = torch.ones(2)
    with pytest.raises(RuntimeError, match="Cannot save multiple tensors or storages that view the same data"):
        save([TypedAs(t, torch.float32), TypedAs(t, torch.int32)], io.BytesIO())


def TypedAs(t, dtype):
    from torchax_lite.tensor.storage_api import TypedStorage

    return TypedStorage(t._storage, dtype)


def to_meta(storage, tag):
    return serialization.default_restore_location(storage, "meta")


@pytest.mark.parametrize("where", ["meta", torch.device("meta"), {"cpu": "meta"}, to_meta])
def test_map_location_moves(where):
    found = through({"a": torch.ones(2, 3), "b": torch.ones(2).to(torch.uint16)}, map_location=where)
    assert found["a"].is_meta and found["a"].shape == (2, 3) and found["b"].is_meta


def test_map_location_function_sees_every_storage():
    seen = []
    found = through([torch.ones(2), torch.arange(3)], map_location=lambda s, tag: seen.append((s.nbytes(), tag)))
    assert seen == [(8, "cpu"), (24, "cpu")] and found[1].tolist() == [0, 1, 2]


# -- what is refused ---------------------------------------------------------------------------------------------------


class Runs:
    def __init__(self, *call):
        self.call = call

    def __reduce__(self):
        return self.call


def archive(data, records=(), root="archive", compression=zipfile.ZIP_STORED):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as z:
        z.writestr(f"{root}/data.pkl", data)
        for name, content in records:
            z.writestr(f"{root}/{name}", content)
    buffer.seek(0)
    return buffer


def test_unknown_classes_are_named_and_can_be_allowed():
    name = f"{Plain.__module__}.Plain"
    with pytest.raises(pickle.UnpicklingError, match=f"(?s)^Weights only load failed.*: GLOBAL {name} was not"):
        through(Plain())
    with safe_globals([Plain]):
        assert through(Plain()).x.tolist() == [1, 1]
        assert serialization.get_safe_globals() == [Plain]
    assert serialization.get_safe_globals() == []
    serialization.add_safe_globals([(Plain, name)])
    try:
        assert through(Plain()).x.tolist() == [1, 1]
    finally:
        serialization.clear_safe_globals()
    assert through(Plain(), weights_only=False).x.tolist() == [1, 1]


@pytest.mark.parametrize(
    "evil",
    [Runs(os.system, ("true",)), Runs(eval, ("1",)), Runs(getattr, ("x", "upper")), Runs(bytes.fromhex, ("00",))],
    ids=["os.system", "eval", "getattr", "method"],
)
def test_calls_are_refused(evil):
    with pytest.raises(pickle.UnpicklingError, match="Weights only load failed"):
        through(evil)


def test_blocked_modules_stay_blocked():
    with safe_globals([(os.system, "posix.system"), (os.system, "os.system")]):
        with pytest.raises(pickle.UnpicklingError, match="whose module (posix|nt|os) is blocked"):
            through(Runs(os.system, ("true",)))


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"\x80\x02\x8c\x02os\x8c\x06system\x93.", "Unsupported operand"),  # STACK_GLOBAL
        (b"\x80\x02(ios\nsystem\n.", "Unsupported operand"),  # INST
        (b"\x80\x02ctorch\nTensor\n)\x81.", "Can only create new object"),
        (b"\x80\x02ccollections\nOrderedDict\n)RK\x01a.", "Can only append to lists"),
        (b"\x80\x02]K\x01K\x02s.", "Can only SETITEM for dict"),
        (b"\x80\x02]}b.", "Can only build"),
        (b"\x80\x02X\x03\x00\x00\x00abcQ.", "persistent_load id must be tuple"),
        (b"\x80\x02h\x07.", "Memo value not found at index 7"),
        (b"\x80\x02X\xff\xff\xff\x7fabc.", "truncated"),
        (b"\x80\x02R.", "underflow"),
        (b"\x80\x02", "truncated"),
        (b"\x80\x02ctorch\nfloat32\n)R.", "unrecognized function"),
        (b"\x80\x02c_codecs\nencode\nX\x01\x00\x00\x00aX\x04\x00\x00\x00zlib\x86R.", "latin1"),
    ],
)
def test_pickles_outside_the_rules(data, text):
    with pytest.raises(pickle.UnpicklingError, match=f"(?s)Weights only load failed.*{text}"):
        load(archive(data))


def tensor_pickle(offset, size, stride, numel=4, storage="FloatStorage", key="0"):
    class Pickler(pickle._Pickler):
        def persistent_id(self, obj):
            return ("storage", Name("torch", storage), key, "cpu", numel) if obj == "STORAGE" else None

        def reducer_override(self, obj):
            return f"{obj.module}\n{obj.name}" if isinstance(obj, Name) else NotImplemented

        def save_global(self, obj, name=None):
            self.write(b"c" + name.encode() + b"\n")

    class Call:
        def __reduce__(self):
            return REBUILD, ("STORAGE", offset, size, stride, False, {})

    class Caller(Pickler):
        def save_reduce(self, func, args, *rest, **kw):
            self.save_global(None, "torch._utils\n_rebuild_tensor_v2")
            self.save(args)
            self.write(b"R")

    buffer = io.BytesIO()
    Caller(buffer, 2).dump(Call())
    return buffer.getvalue()


class Name:
    def __init__(self, module, name):
        self.module, self.name = module, name


def REBUILD():
    raise AssertionError("only its name is pickled")


SIXTEEN = [("data/0", np.arange(4, dtype=np.float32).tobytes())]


def test_a_hand_made_file_loads():
    assert load(archive(tensor_pickle(1, (3,), (1,)), SIXTEEN)).tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    ("geometry", "text"),
    [
        ((0, (5,), (1,)), "out of bounds"),
        ((2, (2,), (2,)), "out of bounds"),
        ((0, (2, 2), (1 << 60, 1)), "out of bounds"),
        ((0, (-1,), (1,)), "invalid tensor geometry"),
        ((0, (2,), (-1,)), "invalid tensor geometry"),
        ((-1, (2,), (1,)), "invalid tensor geometry"),
        ((0, (2.0,), (1,)), "invalid tensor geometry"),
        ((0, (2,), (1, 1)), "invalid tensor geometry"),
    ],
)
def test_tensors_beyond_their_storage(geometry, text):
    with pytest.raises(RuntimeError, match=text):
        load(archive(tensor_pickle(*geometry), SIXTEEN))


def test_storages_that_are_not_what_they_say():
    with pytest.raises(RuntimeError, match="16 bytes in the file, but 400 elements"):
        load(archive(tensor_pickle(0, (4,), (1,), numel=400), SIXTEEN))
    with pytest.raises(RuntimeError, match="data/7: file not found"):
        load(archive(tensor_pickle(0, (4,), (1,), key="7"), SIXTEEN))
    with pytest.raises(pickle.UnpicklingError, match="unknown storage type"):
        load(archive(tensor_pickle(0, (4,), (1,), storage="float32"), SIXTEEN))


def test_attributes_of_the_library_cannot_be_set_from_a_file():
    t = torch.ones(2)
    t.note = 1
    buffer = io.BytesIO()
    save(t, buffer)
    z = zipfile.ZipFile(buffer)
    for reserved in (b"_strides", b"__class__", b"_storage"):
        data = z.read("archive/data.pkl").replace(
            b"X\x04\x00\x00\x00note", b"X" + struct.pack("<I", len(reserved)) + reserved
        )
        changed = archive(data, [("data/0", z.read("archive/data/0"))])
        with pytest.raises(RuntimeError, match="reserved attribute"):
            load(changed)


def test_archives_outside_the_rules():
    with pytest.raises(RuntimeError, match="compressed"):
        load(archive(b"\x80\x02N.", [("data/0", b"0" * 1000)], compression=zipfile.ZIP_DEFLATED))
    with pytest.warns(UserWarning, match="Duplicate name"):
        doubled = archive(b"\x80\x02N.", [("data.pkl", b"\x80\x02K\x01.")])
    with pytest.raises(RuntimeError, match="two of one name"):
        load(doubled)
    with pytest.raises(pickle.UnpicklingError, match="Weights only load failed"):
        load(io.BytesIO(b"hello world"))
    with pytest.raises(EOFError):
        load(io.BytesIO())


def test_files_cut_short_or_changed():
    buffer = io.BytesIO()
    save({"a": torch.arange(100.0), "b": [torch.ones(3)]}, buffer)
    whole = buffer.getvalue()
    for k in range(1, 16):
        with pytest.raises((RuntimeError, EOFError, pickle.UnpicklingError)):
            load(io.BytesIO(whole[: len(whole) * k // 16]))
    at = whole.index(b"FloatStorage")
    with pytest.raises(RuntimeError, match="PytorchStreamReader failed"):
        load(io.BytesIO(whole[:at] + b"Elo" + whole[at + 3 :]))


def test_arguments():
    buffer = io.BytesIO()
    save(torch.ones(1), buffer)
    buffer.seek(0)
    with pytest.raises(RuntimeError, match="Can not safely load weights when explicit pickle_module is specified"):
        load(buffer, pickle_module=pickle, weights_only=True)
    assert load(buffer, pickle_module=pickle).tolist() == [1]
    buffer.seek(0)
    with pytest.raises(ValueError, match="f must be a file path in order to use the mmap argument"):
        load(buffer, mmap=True)
    with pytest.raises(AttributeError, match="'int' object has no attribute 'seek'"):
        load(5)
    with pytest.raises(AttributeError, match="expected 'f' to be string, path, or a file-like object"):
        save(1, 5)
    with pytest.raises(RuntimeError, match="Parent directory .* does not exist."):
        save(1, "/nowhere/at/all.pt")
    with pytest.raises(FileNotFoundError):
        load("/nowhere/at/all.pt")


def test_a_missing_gpu_is_told(monkeypatch):
    monkeypatch.setattr("torchax_lite.engine.avals.accelerator_devices", lambda: [])
    with pytest.raises(RuntimeError, match="Attempting to deserialize object on a CUDA device but torch.cuda.is_avail"):
        through(torch.ones(1), map_location="cuda:0")
    with pytest.raises(RuntimeError, match="don't know how to restore data location"):
        through(torch.ones(1), map_location="nowhere")


def test_environment_decides_weights_only(monkeypatch):
    monkeypatch.setenv("TORCH_FORCE_WEIGHTS_ONLY_LOAD", "1")
    with pytest.raises(pickle.UnpicklingError):
        through(Plain(), weights_only=False)
    monkeypatch.delenv("TORCH_FORCE_WEIGHTS_ONLY_LOAD")
    monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")
    with pytest.warns(UserWarning, match="TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD detected"):
        assert type(through(Plain())) is Plain


def test_unsafe_names_are_listed_without_running(tmp_path):
    save([Runs(os.system, ("true",)), nn.Linear(1, 1)], tmp_path / "m.pt")
    found = serialization.get_unsafe_globals_in_checkpoint(tmp_path / "m.pt")
    assert f"{os.system.__module__}.system" in found and "torch.nn.modules.linear.Linear" in found


# -- files do not get lost ---------------------------------------------------------------------------------------------


class Fails:
    def __reduce__(self):
        raise KeyboardInterrupt


def test_a_failed_save_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "m.pt"
    save(torch.arange(3), path)
    with pytest.raises(KeyboardInterrupt):
        save([torch.ones(2), Fails()], path)
    assert load(path).tolist() == [0, 1, 2]

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        save(torch.ones(2), path)
    monkeypatch.undo()
    assert load(path).tolist() == [0, 1, 2] and [p.name for p in tmp_path.iterdir()] == ["m.pt"]


def test_links_and_modes_are_kept(tmp_path):
    target, link = tmp_path / "real.pt", tmp_path / "link.pt"
    save(1, target)
    target.chmod(0o640)
    link.symlink_to(target)
    save(2, link)
    assert link.is_symlink() and load(target) == 2 and target.stat().st_mode & 0o777 == 0o640


def test_what_cannot_be_pickled_is_named_in_pythons_words(tmp_path):
    for obj in (lambda: 1, type("Local", (), {})()):
        with pytest.raises(Exception) as wanted:
            pickle.dumps(obj)
        with pytest.raises(wanted.type) as found:
            save(obj, tmp_path / "f.pt")
        assert str(found.value).partition(" at 0x")[0] == str(wanted.value).partition(" at 0x")[0]
    with pytest.raises(EOFError) as found:
        load(io.BytesIO())
    assert str(found.value) == ""
