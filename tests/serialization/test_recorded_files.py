"""Files that PyTorch wrote load here: every dtype, modules, optimizers, old formats, folders. See record_files.py."""

import importlib.util
import io
import pathlib
import pickle
import zipfile

import pytest

import torchax_lite as torch
from torchax_lite import dropin, nn
from torchax_lite.distributed import checkpoint as dcp
from torchax_lite.nn import functional as F

TESTS = pathlib.Path(__file__).parents[1]
_spec = importlib.util.spec_from_file_location("record_files", TESTS / "recorders" / "record_files.py")
record = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(record)


pytestmark = pytest.mark.filterwarnings("ignore:torch.distributed is disabled")


@pytest.fixture(scope="module")
def files():
    with zipfile.ZipFile(record.FILES) as z:
        yield {name: z.read(name) for name in z.namelist()}


def plain(x):
    """An object in plain Python values, tensors with all that files keep of them."""
    if isinstance(x, torch.Tensor):
        values = x.detach().to(torch.complex128 if x.is_complex() else torch.float64).tolist()
        kind = (str(x.dtype), tuple(x.shape), x.stride(), x.storage_offset(), x.requires_grad, type(x).__name__)
        return {"kind": kind, "values": values}
    if isinstance(x, nn.Module):
        return {"repr": repr(x), "training": x.training, "state": plain(x.state_dict())}
    if isinstance(x, dict):
        return {"class": type(x).__name__, **{k: plain(v) for k, v in x.items()}}
    if isinstance(x, (list, tuple)) and type(x) is not torch.Size:
        return [type(x).__name__, *map(plain, x)]
    return x if isinstance(x, (int, float, complex)) and not isinstance(x, bool) else repr(x)


def close(a, b, path=""):
    """Fail unless two plain values agree, numbers to seven digits."""
    if isinstance(a, (float, complex)):
        assert a == pytest.approx(b, rel=1e-5, abs=1e-6, nan_ok=True), path
    elif isinstance(a, dict):
        assert a.keys() == b.keys(), path
        for key in a:
            close(a[key], b[key], f"{path}.{key}")
    elif isinstance(a, (list, tuple)):
        assert len(a) == len(b), path
        for i, (x, y) in enumerate(zip(a, b, strict=True)):
            close(x, y, f"{path}.{i}")
    else:
        assert a == b, path


def without_memory(x):
    """A plain value without strides and offsets."""
    if isinstance(x, dict):
        return {k: (v[:2] + v[4:]) if k == "kind" else without_memory(v) for k, v in x.items()}
    return [without_memory(v) for v in x] if isinstance(x, list) else x


@pytest.fixture(scope="module")
def built():
    """What this package makes of each builder, once."""
    made = {}
    return lambda group: made.setdefault(group, plain(record.GROUPS[group](torch)))


@pytest.mark.parametrize("form", ["zip", "legacy"])
@pytest.mark.parametrize(
    ("group", "weights_only"),
    [("tensors", True), ("tensors", False), ("optimizers", True), ("plain", True), ("plain", False), ("models", False)],
)
def test_what_pytorch_wrote_loads(files, built, group, form, weights_only):
    found = plain(torch.load(io.BytesIO(files[f"{group}.{form}.pt"]), weights_only=weights_only))
    wanted = built(group)
    if form == "legacy" and group == "tensors" or group == "optimizers":  # not all are there, or here
        wanted = {k: v for k, v in wanted.items() if k in found}
        found = {k: v for k, v in found.items() if k in wanted}
        assert len(found) > 12
    if group == "optimizers":  # where in a storage an optimizer has its numbers is its own affair
        found, wanted = without_memory(found), without_memory(wanted)
    close(found, wanted)


@pytest.mark.parametrize("form", ["zip", "legacy"])
@pytest.mark.parametrize("group", list(record.GROUPS))
def test_what_is_written_here_loads(built, group, form):
    """(That PyTorch loads it is checked by hand; test_serialization.py compares the bytes with PyTorch's.)"""
    buffer = io.BytesIO()
    torch.save(record.GROUPS[group](torch), buffer, _use_new_zipfile_serialization=form == "zip")
    buffer.seek(0)
    close(plain(torch.load(buffer, weights_only=group != "models")), built(group))


@pytest.mark.parametrize("group", ["tensors", "optimizers"])
def test_mapped_files_have_the_same_values(files, group, tmp_path):
    (tmp_path / "f.pt").write_bytes(files[f"{group}.zip.pt"])
    close(plain(torch.load(tmp_path / "f.pt", mmap=True)), plain(torch.load(tmp_path / "f.pt")))


def test_legacy_storages_stay_shared(files):
    views = torch.load(io.BytesIO(files["tensors.legacy.pt"]))["float32"]
    views["whole"].fill_(7)
    assert views["row"].tolist() == [7] * 3 and views["transposed"].tolist() == [[7, 7]] * 3
    models = torch.load(io.BytesIO(files["models.legacy.pt"]), weights_only=False)
    assert models["tied"][0].weight is models["tied"][1].weight
    assert models["linear"](torch.ones(1, 3)).shape == (1, 2)


def test_files_read_from_a_zip_member(files):
    outer = io.BytesIO()
    with zipfile.ZipFile(outer, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr("a.pt", files["plain.zip.pt"])
        z.writestr("b.pt", files["tensors.legacy.pt"])
    with zipfile.ZipFile(outer) as z:
        with z.open("a.pt") as member:
            assert torch.load(member)["tuple"] == (1, (2, [3]))
        with z.open("b.pt") as member:
            assert torch.load(member)["int64"]["row"].tolist() == [8, 1, 2]


def test_conjugate_and_negative_bits(files):
    assert torch.load(io.BytesIO(files["conj.pt"])).tolist() == [1 - 2j, 3 + 1j]
    assert torch.load(io.BytesIO(files["neg.pt"])).tolist() == [-2, 1]


def test_files_without_checksums(files):
    assert torch.load(io.BytesIO(files["unchecked.pt"])).tolist() == [0, 1, 2]


@pytest.mark.parametrize(("name", "text"), [("quantised", "quantised tensors"), ("nested", "nested tensors")])
def test_what_is_not_here_is_named(files, name, text):
    with pytest.raises(NotImplementedError, match=f"torch.load of {text}"):
        torch.load(io.BytesIO(files[f"{name}.pt"]))


def test_sparse_tensors(files):
    assert torch.load(io.BytesIO(files["sparse.pt"])).to_dense().tolist() == [[0, 2], [3, 0]]
    t = torch.tensor([[0.0, 2.0], [3.0, 0.0]])
    for kind in (t.to_sparse(), t.to_sparse_csr(), t.to_sparse_csc(), t.to_sparse_bsr((1, 1))):
        for new in (True, False):
            buffer = io.BytesIO()
            torch.save(kind, buffer, _use_new_zipfile_serialization=new)
            buffer.seek(0)
            found = torch.load(buffer)
            assert found.layout is kind.layout and found.to_dense().tolist() == t.tolist()


def test_functions_of_torch_are_found(files):
    relu, f_relu, gelu, method = torch.load(io.BytesIO(files["functions.pt"]), weights_only=False)
    assert relu is torch.relu and f_relu is F.relu and gelu is F.gelu
    assert method(torch.tensor([-1.0, 1.0])).tolist() == [0, 1]


def test_plain_pickles_of_pytorch(files):
    with dropin.installed():
        row, parameter = pickle.loads(files["tensor.pickle"])
    assert row.tolist() == [3, 4, 5] and isinstance(parameter, nn.Parameter)


def test_tar_files_are_refused_unless_trusted(files):
    with pytest.raises(
        RuntimeError, match="Cannot use ``weights_only=True`` with files saved in the legacy .tar format"
    ):
        torch.load(io.BytesIO(files["tar.pt"]))
    found = torch.load(io.BytesIO(files["tar.pt"]), weights_only=False)
    assert found["a"].tolist() == [[0, 1, 2], [3, 4, 5]] and found["b"].tolist() == [3, 4]
    found["a"].zero_()
    assert found["b"].tolist() == [0, 0]


def test_a_folder_of_pytorch_loads(files, tmp_path):
    for name in (".metadata", "__0_0.distcp"):
        (tmp_path / name).write_bytes(files[f"folder/{name}"])
    wanted = record.state(torch)
    state = record.state(torch)
    state["epoch"], state["nested"]["list"][0] = 0, 0
    for t in (state["model"]["w"], state["model"]["b"], state["nested"]["list"][2]["t"]):
        t.zero_()
    dcp.load(state, checkpoint_id=tmp_path, no_dist=True)
    close(plain(state), plain(wanted))
    dcp.format_utils.dcp_to_torch_save(tmp_path, tmp_path / "whole.pt")
    close(plain(torch.load(tmp_path / "whole.pt")), plain(wanted))
