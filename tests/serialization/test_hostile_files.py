"""Files made to do harm, damaged ones, and saves that are killed.

More, or with another seed: ``python tests/serialization/mutations.py COUNT SEED``, ``killed_saves.py ROUNDS``.
"""

import io
import os
import pathlib
import pickle
import random
import struct
import subprocess
import sys
import zipfile

import pytest
from serialization import mutations

import torchax_lite as torch
from torchax_lite.distributed import checkpoint as dcp

CLEAN = (RuntimeError, EOFError, pickle.UnpicklingError, NotImplementedError, ValueError, TypeError)


def load(data, **how):
    return torch.load(io.BytesIO(data), weights_only=True, **how)


# -- pickles that call ---------------------------------------------------------------------------------------------------


def legacy(body):
    """A file of the format before 1.6 around a pickle."""
    head = [torch.serialization.MAGIC_NUMBER, torch.serialization.PROTOCOL_VERSION, {}]
    return b"".join(pickle.dumps(x, 2) for x in head) + body + pickle.dumps([], 2)


EVIL = {
    "os.system": b"\x80\x02cposix\nsystem\nX\x05\x00\x00\x00touch\x85R.",
    "os.system by os": b"\x80\x02cos\nsystem\nX\x05\x00\x00\x00touch\x85R.",
    "eval": b"\x80\x02c__builtin__\neval\nX\x01\x00\x00\x001\x85R.",
    "exec": b"\x80\x02cbuiltins\nexec\nX\x01\x00\x00\x001\x85R.",
    "getattr": b"\x80\x02c__builtin__\ngetattr\nctorch\nTensor\nX\x0a\x00\x00\x00__reduce__\x86R.",
    "nested names": b"\x80\x02ctorch\nserialization.os.system\nX\x01\x00\x00\x00a\x85R.",
    "numpy": b"\x80\x02cnumpy.testing._private.utils\nrunstring\nX\x01\x00\x00\x00a}\x86R.",
    "load": b"\x80\x02ctorch\nload\nX\x01\x00\x00\x00a\x85R.",
    "hub": b"\x80\x02ctorch.hub\nload\nX\x01\x00\x00\x00a\x85R.",
    "stack global": b"\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x01a\x85R.",
    "inst": b"\x80\x02(X\x01\x00\x00\x00aiposix\nsystem\n.",
    "obj": b"\x80\x02(cposix\nsystem\nX\x01\x00\x00\x00ao.",
    "ext": b"\x80\x02\x82\x01.",
    "build of a class": b"\x80\x02ctorch\nSize\n}X\x07\x00\x00\x00__new__K\x01sb.",
    "call of a tensor's method": b"\x80\x02ctorch\nTensor\n)R}X\x01\x00\x00\x00aK\x01sb.",
    "bytearray of a number": b"\x80\x02c__builtin__\nbytearray\n\x8a\x06\x00\x00\x00\x00\x00\x01\x85R.",
    "tensor of a number": b"\x80\x02ctorch\nFloatTensor\n\x8a\x06\x00\x00\x00\x00\x00\x01\x85R.",
}


@pytest.mark.parametrize("body", list(EVIL.values()), ids=list(EVIL))
@pytest.mark.parametrize("container", ["zip", "legacy"])
def test_calls_are_refused_and_nothing_runs(body, container):
    data = mutations.raw_archive([("a/data.pkl", body), ("a/version", b"3\n")]) if container == "zip" else legacy(body)
    result, events = mutations.forbidden_events(lambda: load(data))
    assert isinstance(result, pickle.UnpicklingError) and not events
    assert str(result).startswith("Weights only load failed")


def test_deep_and_wide_pickles_stay_small():
    before = mutations.peak_memory()
    deep = b"\x80\x02" + b"]" * 200_000 + b"a" * 199_999 + b"."
    assert isinstance(load(legacy(deep)), list)
    doubling = b"\x80\x02(]q\x00" + b"".join(b"h%ch%c\x86q%c" % (i, i, i + 1) for i in range(100)) + b"t."
    assert len(load(legacy(doubling))) == 101
    assert mutations.peak_memory() - before < 256 << 20


# -- containers ------------------------------------------------------------------------------------------------------------

NOTHING = b"\x80\x02N."


def test_overlapping_records():
    records = [("a/data.pkl", NOTHING), ("a/data/0", bytes(64)), ("a/data/1", bytes(64))]
    assert load(mutations.raw_archive(records)) is None
    for central in (
        [("a/data.pkl", NOTHING, 0), ("a/data/0", bytes(64), 1), ("a/data/1", bytes(64), 1)],  # twice the same bytes
        [("a/data.pkl", NOTHING, 0), ("a/data/0", 180, 1), ("a/data/1", bytes(64), 2)],  # into the next one
        [("a/data.pkl", NOTHING, 0), ("a/data/0", 1 << 31, 1)],  # beyond the file
        [("a/data.pkl", NOTHING, 0), ("a/data.pkl", NOTHING, 1)],  # one name twice
    ):
        with pytest.raises(RuntimeError, match="PytorchStreamReader failed"):
            load(mutations.raw_archive(records, central))


def test_bombs_are_refused_before_they_grow():
    before = mutations.peak_memory()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr("a/data.pkl", NOTHING)
        with z.open("a/data/0", "w") as member:
            for _ in range(512):
                member.write(bytes(1 << 20))
    with pytest.raises(RuntimeError, match="compressed"):
        load(buffer.getvalue())
    assert mutations.peak_memory() - before < 128 << 20


@pytest.mark.parametrize("name", ["../../etc/data.pkl", "/data.pkl", "a\\data.pkl", "..", "a/../data.pkl", ""])
def test_names_like_paths_touch_nothing(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result, events = mutations.forbidden_events(
        lambda: load(mutations.raw_archive([(name, NOTHING), ("a/data/0", b"1234")]))
    )
    assert result is None or isinstance(result, RuntimeError)
    assert not events and not list(tmp_path.iterdir())


def test_storages_that_claim_more_than_the_file():
    numel = b"\x8a\x08" + struct.pack("<q", 1 << 60)
    pid = b"(X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpu" + numel
    for data in (
        mutations.raw_archive([("a/data.pkl", b"\x80\x02" + pid + b"tQ."), ("a/data/0", bytes(16))]),
        legacy(b"\x80\x02" + pid + b"NtQ."),
    ):
        with pytest.raises(RuntimeError, match="1152921504606846976"):
            load(data)


# -- damage ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("container", ["zip", "legacy"])
def test_files_cut_at_every_sixteenth(container, tmp_path):
    whole = mutations.saved(_use_new_zipfile_serialization=container == "zip")
    for k in range(16):
        cut = whole[: len(whole) * k // 16]
        with pytest.raises(CLEAN):
            load(cut)
        (tmp_path / "cut.pt").write_bytes(cut)
        for how in ({}, {"mmap": True}) if container == "zip" else ({},):
            with pytest.raises(CLEAN):
                torch.load(tmp_path / "cut.pt", **how)


def test_two_thousand_mutated_files_raise_cleanly():
    faults, grown = mutations.fuzz(seed=1, count=2000)
    assert faults == [] and grown < 256 << 20


# -- folders ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path):
    dcp.save({"a": torch.arange(6.0).reshape(2, 3), "n": [1, "x"]}, checkpoint_id=tmp_path, no_dist=True)
    return tmp_path


def _load_folder(path):
    try:
        dcp.load({"a": torch.zeros(2, 3), "n": None}, checkpoint_id=path, no_dist=True)
    except dcp.CheckpointException as error:
        return error.failures[0][0]
    return None


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("body", list(EVIL.values()), ids=list(EVIL))
def test_metadata_that_calls_is_refused(folder, body):
    (folder / ".metadata").write_bytes(body)
    result, events = mutations.forbidden_events(lambda: _load_folder(folder))
    assert isinstance(result, pickle.UnpicklingError) and not events


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_mutated_metadata_raises_cleanly(folder):
    rng = random.Random(3)
    whole = (folder / ".metadata").read_bytes()
    for _ in range(60):
        (folder / ".metadata").write_bytes(mutations.mutated(whole, rng))
        result, events = mutations.forbidden_events(lambda: _load_folder(folder))
        assert not events and not isinstance(result, (SystemError, MemoryError, RecursionError))


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_metadata_cannot_name_other_files(folder):
    reader = dcp.FileSystemReader(folder)
    metadata = reader.read_metadata()
    for info in metadata.storage_data.values():
        info.relative_path = "../secret"
    from torchax_lite.distributed.checkpoint import _metadata_file

    (folder / ".metadata").write_bytes(_metadata_file.write(metadata))
    assert "outside of its folder" in str(_load_folder(folder))


# -- killed saves ------------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_fifty_killed_saves_leave_the_old_file_whole():
    script = pathlib.Path(__file__).with_name("killed_saves.py")
    root = pathlib.Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, str(script), "50"],
        capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(root)}, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.startswith("50 rounds")
