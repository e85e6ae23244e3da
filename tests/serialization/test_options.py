"""Settings of torch.save and torch.load, and the names of torch.serialization."""

import gzip
import io
import mmap
import pickle
import struct
import sys
import types
import zipfile

import numpy as np
import pytest

import torchax_lite as torch
from torchax_lite import nn, serialization
from torchax_lite.utils.serialization import config


def saved(obj, **how):
    buffer = io.BytesIO()
    torch.save(obj, buffer, **how)
    buffer.seek(0)
    return buffer


def changed(buffer, change):
    """An archive with other records: ``change(name, content)`` gives the content, or None to leave the record out."""
    out = io.BytesIO()
    with zipfile.ZipFile(buffer) as source, zipfile.ZipFile(out, "w") as z:
        for name in source.namelist():
            content = change(name.partition("/")[2], source.read(name))
            if content is not None:
                z.writestr(name, content)
    out.seek(0)
    return out


# -- byte order ----------------------------------------------------------------------------------------------------------

MIXED = {
    "f": torch.tensor([1.5, -2.0]),
    "i": torch.tensor([1, 258]),
    "c": torch.tensor([1 + 2j]),
    "b": torch.tensor([True]),
}


def big_endian(byteorder=b"big"):
    """A file as a big-endian machine writes it."""
    parts = {"data/0": 4, "data/1": 8, "data/2": 4, "data/3": 1}

    def change(name, content):
        if name in parts:
            return np.frombuffer(content, np.uint8).reshape(-1, parts[name])[:, ::-1].tobytes()
        return byteorder if name == "byteorder" else content

    return changed(saved(MIXED), change)


def test_big_endian_files():
    found = torch.load(big_endian())
    assert {k: v.tolist() for k, v in found.items()} == {k: v.tolist() for k, v in MIXED.items()}


def test_files_without_a_byte_order():
    assert torch.load(saved(MIXED, _disable_byteorder_record=True))["i"].tolist() == [1, 258]
    silent = big_endian(byteorder=None).getvalue()
    assert torch.load(io.BytesIO(silent))["i"].tolist() != [1, 258]
    assert serialization.get_default_load_endianness() is None
    serialization.set_default_load_endianness(serialization.LoadEndianness.BIG)
    try:
        assert torch.load(io.BytesIO(silent))["i"].tolist() == [1, 258]
        assert config.load.endianness is serialization.LoadEndianness.BIG
    finally:
        serialization.set_default_load_endianness(None)
    with pytest.raises(TypeError, match="Invalid argument type in function set_default_load_endianness"):
        serialization.set_default_load_endianness("little")
    with pytest.raises(ValueError, match="Unknown endianness type: middle"):
        torch.load(big_endian(b"middle"))


# -- data left out, checksums, alignment -----------------------------------------------------------------------------------


def test_skipped_data_can_be_filled_in_later(tmp_path):
    t = torch.arange(3.0)
    with serialization.skip_data():
        torch.save({"t": t}, tmp_path / "f.pt")
    assert torch.load(tmp_path / "f.pt")["t"].tolist() == [0, 0, 0]
    with zipfile.ZipFile(tmp_path / "f.pt") as z:
        info = z.getinfo("f/data/0")
    with open(tmp_path / "f.pt", "r+b") as file:
        file.seek(info.header_offset + 26)
        file.seek(sum(struct.unpack("<HH", file.read(4))), 1)
        file.write(t.numpy().tobytes())
    assert torch.load(tmp_path / "f.pt")["t"].tolist() == [0, 1, 2]
    with serialization.skip_data():
        assert torch.load(tmp_path / "f.pt")["t"].tolist() == [0, 0, 0]
        with pytest.raises(RuntimeError, match="Cannot use skip_data=True with _use_new_zipfile_serialization=False"):
            torch.save(t, io.BytesIO(), _use_new_zipfile_serialization=False)


def test_checksums_can_be_left_out():
    assert serialization.get_crc32_options() is True
    serialization.set_crc32_options(False)
    try:
        buffer = saved(torch.arange(3))
    finally:
        serialization.set_crc32_options(True)
    assert {info.CRC for info in zipfile.ZipFile(buffer).infolist()} == {0}
    buffer.seek(0)
    assert torch.load(buffer).tolist() == [0, 1, 2]


def test_alignment_of_storages():
    with config.patch({"save.storage_alignment": 4096}):
        buffer = saved(torch.arange(3))
    data = buffer.getvalue()
    assert data.index(torch.arange(3).numpy().tobytes()) % 4096 == 0
    assert torch.load(buffer).tolist() == [0, 1, 2]


def test_archives_end_as_pytorchs_do():
    """Sizes follow the records, so the writer needs no seek; the directory is always in the 64-bit form."""

    class OnlyWrites:
        def __init__(self):
            self.data = b""

        def write(self, part):
            self.data += bytes(part)

    out = OnlyWrites()
    torch.save({"t": torch.arange(3)}, out)
    assert out.data == saved({"t": torch.arange(3)}).getvalue()
    assert b"PK\x06\x06" in out.data and out.data.count(b"PK\x07\x08") == len(
        zipfile.ZipFile(io.BytesIO(out.data)).namelist()
    )


# -- mapping -----------------------------------------------------------------------------------------------------------------


def test_mapped_storages_are_pieces_of_the_file(tmp_path):
    path = tmp_path / "f.pt"
    torch.save({"a": torch.zeros(1 << 20), "b": torch.arange(3)}, path)
    found = torch.load(path, mmap=True)
    value = found["a"]._storage.node.value
    while value.base is not None and not isinstance(value, np.memmap):
        value = value.base
    assert isinstance(value, np.memmap)
    found["b"].add_(1)
    assert found["b"].tolist() == [1, 2, 3] and torch.load(path)["b"].tolist() == [0, 1, 2]
    with config.patch("load.mmap", True):
        assert torch.load(path)["b"].tolist() == [0, 1, 2]


def test_shared_mapping_writes_to_the_file(tmp_path):
    path = tmp_path / "f.pt"
    torch.save(torch.arange(3.0), path)
    assert serialization.get_default_mmap_options() == mmap.MAP_PRIVATE
    with serialization.set_default_mmap_options(mmap.MAP_SHARED):
        torch.load(path, mmap=True).fill_(7)
    assert serialization.get_default_mmap_options() == mmap.MAP_PRIVATE
    assert torch.load(path).tolist() == [7, 7, 7]
    with pytest.raises(ValueError, match="expected mmap.MAP_PRIVATE or mmap.MAP_SHARED, but got 99"):
        serialization.set_default_mmap_options(99)


def test_only_archives_can_be_mapped(tmp_path):
    torch.save(1, tmp_path / "f.pt", _use_new_zipfile_serialization=False)
    with pytest.raises(RuntimeError, match="mmap can only be used with files saved with"):
        torch.load(tmp_path / "f.pt", mmap=True)


# -- files -------------------------------------------------------------------------------------------------------------------


def test_streams_that_begin_in_the_middle():
    t = torch.arange(3)
    for how in ({}, {"_use_new_zipfile_serialization": False}):
        buffer = io.BytesIO(b"before" + saved(t, **how).getvalue())
        buffer.seek(6)
        assert torch.load(buffer).tolist() == [0, 1, 2]


def test_several_objects_in_one_legacy_file(tmp_path):
    with open(tmp_path / "f.pt", "wb") as file:
        for i in range(3):
            torch.save(torch.full((2,), i), file, _use_new_zipfile_serialization=False)
    for weights_only in (True, False):
        with open(tmp_path / "f.pt", "rb") as file:
            assert [torch.load(file, weights_only=weights_only).tolist() for _ in range(3)] == [[0, 0], [1, 1], [2, 2]]


@pytest.mark.parametrize("new", [True, False])
def test_compressed_file_objects(tmp_path, new):
    with gzip.open(tmp_path / "f.gz", "wb") as file:
        torch.save({"a": torch.arange(3)}, file, _use_new_zipfile_serialization=new)
    with gzip.open(tmp_path / "f.gz", "rb") as file:
        assert torch.load(file)["a"].tolist() == [0, 1, 2]


def test_files_that_cannot_seek():
    class Pipe:
        def read(self, n=-1):
            return b""

        def seek(self, position):
            return position

        def tell(self):
            raise io.UnsupportedOperation("tell")

    with pytest.raises(io.UnsupportedOperation, match="tell. You can only torch.load from a file that is seekable"):
        torch.load(Pipe())


def test_pickle_modules():
    module = types.ModuleType("mine")
    module.Pickler, module.Unpickler, module.load, module.dump = (
        pickle.Pickler,
        pickle.Unpickler,
        pickle.load,
        pickle.dump,
    )
    for new in (True, False):
        buffer = saved([torch.ones(2), {1}], pickle_module=module, _use_new_zipfile_serialization=new)
        assert torch.load(buffer, pickle_module=module)[0].tolist() == [1, 1]
    assert torch.load(saved(torch.ones(1), pickle_protocol=4), weights_only=False).tolist() == [1]
    with pytest.warns(UserWarning, match="pickle_load_args only works if `weights_only=False`"):
        torch.load(saved(1), encoding="latin1")
    old = types.ModuleType("dill")
    old.__version__ = "0.2.9"
    with pytest.raises(ValueError, match="'torch' supports dill >= 0.3.1, but you have dill 0.2.9"):
        torch.save(1, io.BytesIO(), pickle_module=old)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(1, 1)


def test_legacy_files_keep_the_source_of_modules(monkeypatch, recwarn):
    buffer = saved(Net(), _use_new_zipfile_serialization=False)
    assert b"class Net(nn.Module)" in buffer.getvalue() and b"class Linear" not in buffer.getvalue()
    assert type(torch.load(buffer, weights_only=False)) is Net and not recwarn
    import inspect

    monkeypatch.setattr(inspect, "getsource", lambda cls: "class Net: ...")
    buffer.seek(0)
    with pytest.warns(serialization.SourceChangeWarning, match="source code of class '.*Net' has changed"):
        torch.load(buffer, weights_only=False)


# -- places ------------------------------------------------------------------------------------------------------------------


def test_packages_of_users_name_places():
    before = list(serialization._locations._package_registry)
    seen = []
    serialization.register_package(
        5,
        lambda s: "shelf:1" if s.nbytes() == 12 else None,
        lambda s, tag: seen.append(tag) or (s if tag == "shelf:1" else None),
    )
    try:
        buffer = saved([torch.arange(3.0), torch.arange(2)])
        assert b"shelf:1" in buffer.getvalue()
        assert [t.tolist() for t in torch.load(buffer)] == [[0, 1, 2], [0, 1]] and seen == ["shelf:1", "cpu"]
    finally:
        serialization._locations._package_registry[:] = before
    buffer.seek(0)
    with pytest.raises(
        RuntimeError, match=r"don't know how to restore data location of .*UntypedStorage \(tagged with shelf:1\)"
    ):
        torch.load(buffer)
    buffer.seek(0)
    assert torch.load(buffer, map_location={"shelf:1": "cpu"})[0].tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("tag", "text"),
    [
        ("hpu:0", "The HPU device module is not registered"),
        ("xpu", "Attempting to deserialize object on a XPU device but torch.xpu.is_available"),
        ("mps", "Storage device not recognized: mps"),
        ("somewhere", "don't know how to restore data location of torch.storage.UntypedStorage"),
    ],
)
def test_places_that_are_not_here(tag, text):
    with pytest.raises(RuntimeError, match=text):
        serialization.default_restore_location(torch.ones(1).untyped_storage(), tag)


@pytest.mark.parametrize("new", [True, False])
def test_map_location_moves_legacy_files_too(new):
    buffer = saved({"t": torch.ones(2, 2).t()}, _use_new_zipfile_serialization=new)
    assert torch.load(buffer, map_location="meta")["t"].is_meta
    buffer.seek(0)
    assert torch.load(buffer, map_location=lambda storage, tag: storage)["t"].tolist() == [[1, 1], [1, 1]]


# -- names -------------------------------------------------------------------------------------------------------------------


def test_small_names():
    assert serialization.normalize_storage_type(torch.FloatStorage) is torch.FloatStorage
    assert str(serialization.StorageType("FloatStorage")) == "StorageType(dtype=torch.float32)"
    with pytest.raises(KeyError):
        serialization.StorageType("Nope")
    assert serialization.storage_to_tensor_type(torch.ones(1).storage()) is torch.FloatTensor
    with serialization.mkdtemp() as folder:
        torch.save(1, f"{folder}/f.pt")
    module = types.ModuleType("m")
    module.__version__ = "1.2.x"
    assert serialization.check_module_version_greater_or_equal(module, (1, 2))
    with pytest.raises(RuntimeError, match="module version string is malformed"):
        serialization.check_module_version_greater_or_equal(module, (1, 2, 3))
    with pytest.warns(UserWarning, match="continuing assuming"):
        assert serialization.check_module_version_greater_or_equal(module, (1, 2, 3), error_if_malformed=False)


def test_storages_are_files_objects():
    t = torch.arange(3.0)
    untyped, typed = torch.load(saved([t.untyped_storage(), torch.arange(2).storage()]))
    assert untyped.tolist() == t.untyped_storage().tolist() and untyped.dtype is torch.uint8
    assert typed.tolist() == [0, 1] and typed.dtype is torch.int64


def test_numpy_objects_can_be_allowed():
    array = np.arange(3)
    core = sys.modules["numpy._core.multiarray"]
    allowed = [core._reconstruct, np.ndarray, np.dtype, type(array.dtype)]
    with pytest.raises(pickle.UnpicklingError, match="numpy._core.multiarray._reconstruct"):
        torch.load(saved(array))
    with serialization.safe_globals(allowed):
        assert torch.load(saved(array)).tolist() == [0, 1, 2]
        assert all(any(x is y for y in serialization.get_safe_globals()) for x in allowed)


def test_addresses_can_be_read():
    import ctypes

    t = torch.arange(6.0).reshape(2, 3)
    before = t.data_ptr()
    t.add_(1)
    assert t.data_ptr() == before == t.untyped_storage().data_ptr() and t[1].data_ptr() == before + 12
    values = np.ctypeslib.as_array(ctypes.cast(t.data_ptr(), ctypes.POINTER(ctypes.c_float)), (6,))
    assert values.tolist() == [1, 2, 3, 4, 5, 6]
