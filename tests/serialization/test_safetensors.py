"""The package safetensors, unmodified, with this torch; folders of weights as Hugging Face keeps them."""

import json

import pytest

safetensors = pytest.importorskip("safetensors")

import torchax_lite as torch  # noqa: E402
from torchax_lite import dropin, nn  # noqa: E402
from torchax_lite.distributed import checkpoint as dcp  # noqa: E402
from torchax_lite.interop import huggingface  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore:torch.distributed is disabled")


@pytest.fixture(autouse=True)
def installed():
    with dropin.installed():
        yield


@pytest.fixture
def st():
    import safetensors.torch

    return safetensors.torch


NAMES = (
    "float64 float32 float16 bfloat16 int64 int32 int16 int8 uint8 bool uint16 uint32 uint64 complex64 float8_e4m3fn "
    "float8_e5m2"
).split()


def tensors():
    made = {name: torch.tensor([[0.0, 1.0, 2.0], [1.0, 0.0, 2.0]]).to(getattr(torch, name)) for name in NAMES}
    return made | {"scalar": torch.tensor(2.5), "empty": torch.empty(0, 3)}


def same(a, b):
    assert a.keys() == b.keys()
    for name in a:
        assert (
            a[name].dtype is b[name].dtype and a[name].shape == b[name].shape and a[name].tolist() == b[name].tolist()
        )


def test_files_and_bytes(st, tmp_path):
    wanted = tensors()
    st.save_file(wanted, tmp_path / "f.safetensors", metadata={"k": "v"})
    same(st.load_file(tmp_path / "f.safetensors"), wanted)
    same(st.load_file(tmp_path / "f.safetensors", backend="pread"), wanted)
    same(st.load(st.save(wanted)), wanted)
    same(torch.load(tmp_path / "f.safetensors"), wanted)
    same(huggingface.load_safetensors(tmp_path / "f.safetensors"), wanted)
    with pytest.raises(RuntimeError, match="safetensors file with dict map_location is not supported"):
        torch.load(tmp_path / "f.safetensors", map_location={})


def test_loaded_tensors_own_their_memory(st, tmp_path):
    st.save_file(tensors(), tmp_path / "f.safetensors")
    found = st.load_file(tmp_path / "f.safetensors")
    assert all(t._view is None for t in found.values())
    found["float32"].add_(1)
    assert found["float32"].tolist() == [[1, 2, 3], [2, 1, 3]] and found["float64"].tolist()[0] == [0, 1, 2]
    same(st.load_file(tmp_path / "f.safetensors"), tensors())


def test_safe_open_reads_parts(st, tmp_path):
    st.save_file({"a": torch.arange(6.0).reshape(2, 3)}, tmp_path / "f.safetensors", metadata={"k": "v"})
    with safetensors.safe_open(tmp_path / "f.safetensors", framework="pt") as f:
        assert f.keys() == ["a"] and f.metadata() == {"k": "v"}
        assert f.get_slice("a")[:, 1:].tolist() == [[1, 2], [4, 5]] and f.get_slice("a").get_shape() == [2, 3]
        assert f.get_tensor("a").tolist() == [[0, 1, 2], [3, 4, 5]]


def test_models_with_tied_weights(st, tmp_path):
    def tied():
        model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
        model[1].weight = model[0].weight
        return model

    model, other = tied(), tied()
    with pytest.raises(RuntimeError, match="Some tensors share memory"):
        st.save_file(model.state_dict(), tmp_path / "f.safetensors")
    st.save_model(model, tmp_path / "f.safetensors")
    assert st.load_model(other, tmp_path / "f.safetensors") == (set(), [])
    assert torch.equal(other[1].weight, model[0].weight) and torch.equal(other[1].bias, model[1].bias)
    with pytest.raises(ValueError, match="non contiguous tensor: `t`"):
        st.save_file({"t": torch.ones(2, 3).t()}, tmp_path / "g.safetensors")


def test_views_are_written_as_they_are(st):
    base = torch.arange(6.0)
    base.add_(1)
    assert st.load(st.save({"part": base[2:4]}))["part"].tolist() == [3, 4]


# -- folders -----------------------------------------------------------------------------------------------------------------


def test_sharded_folders(tmp_path):
    state = {f"layer{i}.weight": torch.full((10, 10), float(i)) for i in range(5)}
    huggingface.save_folder(state, tmp_path / "a", max_shard_size=900)
    names = sorted(p.name for p in (tmp_path / "a").iterdir())
    assert names == [f"model-0000{i}-of-00003.safetensors" for i in (1, 2, 3)] + ["model.safetensors.index.json"]
    same(huggingface.load_folder(tmp_path / "a"), state)
    huggingface.save_folder(state, tmp_path / "b")
    assert [p.name for p in (tmp_path / "b").iterdir()] == ["model.safetensors"]
    same(huggingface.load_folder(tmp_path / "b"), state)
    with pytest.raises(FileNotFoundError, match="has none of model.safetensors"):
        huggingface.load_folder(tmp_path)


def test_sharded_pickles(tmp_path):
    first, second = {"a": torch.ones(2)}, {"b": torch.zeros(3)}
    torch.save(first, tmp_path / "pytorch_model-00001-of-00002.bin")
    torch.save(second, tmp_path / "pytorch_model-00002-of-00002.bin")
    index = {"a": "pytorch_model-00001-of-00002.bin", "b": "pytorch_model-00002-of-00002.bin"}
    path = tmp_path / "pytorch_model.bin.index.json"
    path.write_text(json.dumps({"metadata": {}, "weight_map": index}))
    same(huggingface.load_folder(tmp_path), first | second)
    path.write_text(json.dumps({"weight_map": index | {"c": "pytorch_model-00002-of-00002.bin"}}))
    with pytest.raises(RuntimeError, match="lacks 'c'"):
        huggingface.load_folder(tmp_path)
    path.write_text(json.dumps({"weight_map": {"a": "../secret.bin"}}))
    with pytest.raises(RuntimeError, match="outside of its folder"):
        huggingface.load_folder(tmp_path)


def test_checkpoint_folders_of_safetensors(tmp_path):
    state = {"a": torch.arange(6.0).reshape(2, 3), "b": torch.ones(2, dtype=torch.bfloat16), "c": torch.tensor(3)}
    dcp.save(
        state,
        storage_writer=dcp.HuggingFaceStorageWriter(str(tmp_path), fqn_to_index_mapping={"a": 1, "b": 2, "c": 2}),
        no_dist=True,
    )
    same(huggingface.load_folder(tmp_path), state)
    found = {name: torch.zeros_like(t) for name, t in state.items()}
    dcp.load(found, storage_reader=dcp.HuggingFaceStorageReader(tmp_path), no_dist=True)
    same(found, state)
