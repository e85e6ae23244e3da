"""The recorded cases: the file format, what a replay notices, and a few entries on this package."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import torchax_lite as torch
from compat_suite import codec, recorded, replay
from compat_suite.registry import Mismatch, Missing


@pytest.fixture(scope="module")
def cases():
    return {c.id: c for c in recorded.load()}


def _tensor(values, dtype="float32", **more):
    a = np.asarray(values, dtype)
    return {"dtype": dtype, "shape": list(a.shape), "a": a} | more


def _record(f="torch.add", **sample):
    made = {"i": 0, "inputs": [_tensor([1.0, 2.0], grad=1), _tensor([3.0, 4.0])], "a": [{"v": 0}, {"v": 1}], "k": {}}
    made |= {"out": _tensor([4.0, 6.0])} | sample
    return {"f": f, "method": None, "inplace": None, "samples": [made], "errors": []}, made


def test_a_packed_tree_comes_back_and_equal_arrays_are_kept_once(tmp_path: Path):
    a = np.arange(6, dtype=np.int16).reshape(2, 3)
    tree = {"x": [a, a.copy(), None, 1.5, "text"], "scalar": np.asarray(2.5, np.float32)}
    codec.write(tmp_path / "f.rec", {"one": codec.pack(tree), "two": codec.pack([1])}, {"note": 3})
    archive = codec.Archive(tmp_path / "f.rec")
    back = archive["one"]
    assert archive.notes == {"note": 3} and archive["two"] == [1]
    np.testing.assert_array_equal(back["x"][0], a)
    assert back["x"][0] is back["x"][1] and back["x"][2:] == [None, 1.5, "text"]
    assert back["scalar"].shape == () and back["scalar"] == np.float32(2.5)


def test_a_file_of_another_format_is_refused(tmp_path: Path):
    (tmp_path / "f.rec").write_bytes(b"something else entirely, and long enough")
    with pytest.raises(ValueError, match="is not a file of recorded results"):
        codec.Archive(tmp_path / "f.rec")


def test_what_was_recorded_passes():
    record, sample = _record(grads=[_tensor(replay.cotangent((2,), "float32", 0)), None])
    replay.forward(torch, record, sample)
    replay.gradient(torch, record, sample)


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"out": _tensor([4.0, 7.0])}, "1 of 2 values"),
        ({"out": _tensor([4.0, 6.0], "float64")}, "dtype"),
        ({"out": _tensor([[4.0, 6.0]])}, "shape"),
        ({"out": [_tensor([4.0, 6.0])]}, "a list of 1"),
        ({"error": {"class": "RuntimeError", "message": "no"}}, "exception"),
    ],
)
def test_a_difference_from_the_record_is_noticed(changed, what):
    record, sample = _record(**changed)
    with pytest.raises(Mismatch, match=what):
        replay.forward(torch, record, sample)


def test_a_wrong_gradient_is_noticed():
    record, sample = _record(grads=[_tensor([9.0, 9.0]), None])
    with pytest.raises(Mismatch, match="gradient of input 0"):
        replay.gradient(torch, record, sample)


def test_a_name_that_does_not_exist_is_missing():
    record, sample = _record(f="torch.no_such_function")
    with pytest.raises(Missing, match="no_such_function"):
        replay.forward(torch, record, sample)


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("index 5 is out of range", ["index"]),
        ("mat1 and mat2 shapes cannot be multiplied (2x3 and 4x5)", ["mat1", "and", "mat2", "shapes", "cannot", "be"]),
        ("Expected all tensors to be on the same device", ["Expected", "all", "tensors", "to", "be", "on"]),
        ("cross: inputs dimension -1 must have length 3", ["cross", "inputs", "dimension"]),
        ("special_i0e(): functions with out=... arguments", ["functions", "with"]),
    ],
)
def test_leading_words_end_at_what_varies(message, words):
    assert replay.leading_words(message) == words


def test_every_record_has_cases_and_loading_reads_no_record(cases, monkeypatch):
    assert len(cases) > 10_000
    entries = {name.rpartition("@")[0] for _, name, _ in recorded.records()}
    assert len(entries) > 650
    assert {name.rpartition("@")[2].partition(" ")[0] for _, name, _ in recorded.records()} == {
        "float32", "float64", "bfloat16", "complex64", "int64", "bool",
    }  # fmt: skip
    monkeypatch.setattr(codec, "unpack", lambda block: pytest.fail("a record was unpacked"))
    assert sum(1 for _ in recorded.load()) == len(cases)


def test_the_records_stay_small():
    assert sum(p.stat().st_size for p in recorded.DATA.glob("*.rec")) < 25 * 2**20


@pytest.mark.parametrize(
    "name",
    [
        "torch.add:add[float32] forward", "torch.add:add[float32] gradient", "torch.Tensor.add_:add[float32] in place",
        "torch.mul:mul[bfloat16] forward", "torch.sum:sum[int64] forward", "torch.linalg.inv:linalg.inv[complex64] gradient",
        "torch.nn.functional.dropout:nn.functional.dropout[float32] forward", "torch.fft.fft:fft.fft[float32] errors",
    ],
)  # fmt: skip
def test_recorded_cases_pass(cases, name):
    cases[name].check(torch)
