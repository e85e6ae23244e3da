"""torch.distributed.checkpoint in one process: folders, states by names, errors. Folders of PyTorch: test_recorded_files."""

import pytest

import torchax_lite as torch
from torchax_lite import nn, optim
from torchax_lite.distributed import checkpoint as dcp
from torchax_lite.distributed.checkpoint.default_planner import _EmptyStateDictLoadPlanner
from torchax_lite.distributed.checkpoint.state_dict import (
    StateDictOptions,
    get_model_state_dict,
    get_optimizer_state_dict,
    get_state_dict,
    set_model_state_dict,
    set_optimizer_state_dict,
    set_state_dict,
)

pytestmark = pytest.mark.filterwarnings(
    "ignore:torch.distributed is disabled", "ignore:Detected an existing checkpoint"
)


def trained(steps=1, wrap=lambda m: m):
    torch.manual_seed(0)
    model = wrap(nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1)))
    optimizer = optim.Adam(model.parameters(), lr=0.1)
    train(model, optimizer, steps)
    return model, optimizer


def train(model, optimizer, steps):
    for _ in range(steps):
        optimizer.zero_grad()
        model(torch.ones(4, 2)).square().sum().backward()
        optimizer.step()


def close(a, b):
    torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-6)


def test_a_run_is_resumed(tmp_path):
    model, optimizer = trained(2)
    state, optimizer_state = get_state_dict(model, optimizer)
    dcp.save({"model": state, "optimizer": optimizer_state, "epoch": 2}, checkpoint_id=tmp_path / "c")
    assert sorted(p.name for p in (tmp_path / "c").iterdir()) == [".metadata", "__0_0.distcp"]

    torch.manual_seed(1)
    other = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
    other_optimizer = optim.Adam(other.parameters(), lr=0.5)
    state, optimizer_state = get_state_dict(other, other_optimizer)
    whole = {"model": state, "optimizer": optimizer_state, "epoch": 0}
    dcp.load(whole, checkpoint_id=tmp_path / "c")
    result = set_state_dict(
        other, other_optimizer, model_state_dict=whole["model"], optim_state_dict=whole["optimizer"]
    )
    assert whole["epoch"] == 2 and result.missing_keys == [] and other_optimizer.param_groups[0]["lr"] == 0.1
    train(model, optimizer, 2)
    train(other, other_optimizer, 2)
    close(dict(other.state_dict()), dict(model.state_dict()))


def test_objects_with_states_are_asked_for_them(tmp_path):
    model, optimizer = trained(2)
    dcp.save({"model": model, "optimizer": optimizer}, checkpoint_id=str(tmp_path / "c"))
    other, other_optimizer = trained(1)
    dcp.load({"model": other, "optimizer": other_optimizer}, checkpoint_id=str(tmp_path / "c"))
    close(dict(other.state_dict()), dict(model.state_dict()))
    assert other_optimizer.state_dict()["state"][0]["step"] == 2


def test_writers_make_files_as_they_are_told(tmp_path):
    state = {"a": torch.arange(3), "b": torch.ones(2, 2), "c": "text"}
    dcp.save(state, storage_writer=dcp.FileSystemWriter(tmp_path / "each", single_file_per_rank=False))
    assert len(list((tmp_path / "each").glob("*.distcp"))) == 3
    dcp.save(state, storage_writer=dcp.FileSystemWriter(tmp_path / "two", thread_count=2))
    assert len(list((tmp_path / "two").glob("*.distcp"))) == 2
    dcp.save(state, checkpoint_id=tmp_path / "rank", use_collectives=False)
    assert (tmp_path / "rank" / "__0.metadata").is_file()
    for name in ("each", "two", "rank"):
        found = {"a": torch.zeros(3, dtype=torch.int64), "b": torch.zeros(2, 2), "c": ""}
        dcp.load(found, checkpoint_id=tmp_path / name)
        assert found["a"].tolist() == [0, 1, 2] and found["b"].tolist() == [[1, 1], [1, 1]] and found["c"] == "text"
    with pytest.raises(dcp.CheckpointException, match="Checkpoint already exists and self.overwrite=False"):
        dcp.save(state, storage_writer=dcp.FileSystemWriter(tmp_path / "two", overwrite=False))
    with pytest.raises(RuntimeError, match="`checkpoint_id` must be specified"):
        dcp.save(state)


def test_saving_in_the_background_keeps_the_state_of_the_call(tmp_path):
    t = torch.arange(3.0)
    future = dcp.async_save({"t": t}, checkpoint_id=tmp_path / "c")
    t.add_(1)
    assert future.result().state_dict_metadata.keys() == {"t"}
    found = {"t": torch.zeros(3)}
    dcp.load(found, checkpoint_id=tmp_path / "c")
    assert found["t"].tolist() == [0, 1, 2]


def test_files_to_folders_and_back(tmp_path):
    state = {"a": {"b": torch.arange(3)}, "n": 1, "l": [torch.ones(1), 2]}
    torch.save(state, tmp_path / "f.pt")
    dcp.format_utils.torch_save_to_dcp(tmp_path / "f.pt", tmp_path / "c")
    dcp.format_utils.dcp_to_torch_save(tmp_path / "c", tmp_path / "g.pt")
    found = torch.load(tmp_path / "g.pt")
    assert (
        found["a"]["b"].tolist() == [0, 1, 2]
        and found["n"] == 1
        and found["l"][0].tolist() == [1]
        and found["l"][1] == 2
    )
    target = {"a": {"b": torch.zeros(3, dtype=torch.int64)}}
    utils = dcp.format_utils
    dcp.load(
        target, storage_reader=utils.BroadcastingTorchSaveReader(), planner=utils.DynamicMetaLoadPlanner(),
        checkpoint_id=tmp_path / "f.pt",
    )  # fmt: skip
    assert target["a"]["b"].tolist() == [0, 1, 2]


def test_parts_are_read_alone(tmp_path):
    dcp.save({"a": {"x": torch.ones(1), "y": torch.zeros(1)}, "b": 1}, checkpoint_id=tmp_path)
    found = {}
    dcp.state_dict_loader._load_state_dict(
        found, dcp.FileSystemReader(tmp_path), _EmptyStateDictLoadPlanner(keys={"a.x"})
    )
    assert found.keys() == {"a"} and found["a"].keys() == {"x"}


def test_errors_name_what_is_wrong(tmp_path):
    dcp.save({"a": torch.ones(2)}, checkpoint_id=tmp_path)
    with pytest.raises(dcp.CheckpointException, match="RuntimeError: Missing key in checkpoint state_dict: z."):
        dcp.load({"z": torch.ones(2)}, checkpoint_id=tmp_path)
    with pytest.raises(dcp.CheckpointException, match="ValueError: Size mismatch between saved"):
        dcp.load({"a": torch.ones(3)}, checkpoint_id=tmp_path)
    with pytest.raises(dcp.CheckpointException, match="FileNotFoundError"):
        dcp.load({"a": torch.ones(3)}, checkpoint_id=tmp_path / "none")
    found = {"a": torch.zeros(2), "z": torch.ones(2)}
    dcp.load(found, checkpoint_id=tmp_path, planner=dcp.DefaultLoadPlanner(allow_partial_load=True))
    assert found["a"].tolist() == [1, 1] and found["z"].tolist() == [1, 1]
    with pytest.raises(NotImplementedError, match="load_sharded_optimizer_state_dict"):
        dcp.load_sharded_optimizer_state_dict({}, "o", None)


class Plain:
    pass


def test_objects_of_unknown_classes_are_not_unpickled(tmp_path):
    dcp.save({"o": Plain()}, checkpoint_id=tmp_path)
    with pytest.raises(dcp.CheckpointException, match="Unsupported global"):
        dcp.load({"o": None}, checkpoint_id=tmp_path)
    found = {"o": None}
    with torch.serialization.safe_globals([Plain]):
        dcp.load(found, checkpoint_id=tmp_path)
    assert type(found["o"]) is Plain


# -- states by names -----------------------------------------------------------------------------------------------------------


def test_wrappers_leave_no_trace_in_names():
    plain, _ = trained()
    for wrap in (lambda m: torch.compile(m), lambda m: nn.parallel.DistributedDataParallel(m)):
        try:
            model, optimizer = trained(wrap=wrap)
        except (RuntimeError, ValueError) as error:
            if "process group" not in str(error):
                raise
            continue
        state = get_model_state_dict(model)
        assert list(state) == list(plain.state_dict())
        assert set(get_optimizer_state_dict(model, optimizer)["state"]) == set(dict(plain.named_parameters()))
        set_model_state_dict(model, {name: torch.zeros_like(t) for name, t in state.items()})
        assert all(not t.any() for t in model.state_dict().values())


def test_an_optimizer_without_steps_has_a_state():
    model, optimizer = trained(0)
    before = {k: v.clone() for k, v in model.state_dict().items()}
    state = get_optimizer_state_dict(model, optimizer)
    assert set(state["state"]) == {"0.weight", "0.bias", "2.weight", "2.bias"}
    assert state["param_groups"][0]["params"] == ["0.weight", "0.bias", "2.weight", "2.bias"]
    close(before, dict(model.state_dict()))
    assert optimizer.param_groups[0]["lr"] == 0.1 and all(p.grad is None for p in model.parameters())


def test_flat_optimizer_states(tmp_path):
    options = StateDictOptions(flatten_optimizer_state_dict=True)
    model, optimizer = trained(2)
    flat = get_optimizer_state_dict(model, optimizer, options=options)
    assert flat["param_groups.0.weight.lr"] == 0.1 and "state.2.bias.exp_avg_sq" in flat
    other, other_optimizer = trained(1)
    other_optimizer.param_groups[0]["lr"] = 0.7
    set_optimizer_state_dict(other, other_optimizer, flat, options=options)
    assert other_optimizer.param_groups[0]["lr"] == 0.1
    close(other_optimizer.state_dict()["state"], optimizer.state_dict()["state"])


def test_groups_in_another_order():
    model, optimizer = trained(2)
    state = get_optimizer_state_dict(model, optimizer)
    other, _ = trained(0)
    turned = optim.Adam([{"params": other[2].parameters(), "lr": 0.5}, {"params": other[0].parameters(), "lr": 0.25}])
    set_optimizer_state_dict(other, turned, state)
    close(turned.state[other[0].weight]["exp_avg"], optimizer.state[model[0].weight]["exp_avg"])
    assert [g["lr"] for g in turned.param_groups] == [0.1, 0.1]
    del state["state"]["0.bias"]
    with pytest.raises(RuntimeError, match="Missing optimizer state for parameter '0.bias' in checkpoint"):
        set_optimizer_state_dict(other, turned, state)
    set_optimizer_state_dict(other, turned, state, options=StateDictOptions(strict=False))


def test_options_of_models():
    model, optimizer = trained()
    model[0].weight.requires_grad_(False)
    assert "0.weight" not in get_model_state_dict(model, options=StateDictOptions(ignore_frozen_params=True))
    with pytest.raises(ValueError, match="full_state_dict must be True when broadcast_from_rank0 is True"):
        get_model_state_dict(model, options=StateDictOptions(broadcast_from_rank0=True))
    with pytest.warns(FutureWarning, match="Getting submodules only"):
        assert list(get_model_state_dict(model, submodules={model[2]})) == ["2.weight", "2.bias"]
    found = set_model_state_dict(model, {"0.bias": torch.zeros(3)}, options=StateDictOptions(strict=False))
    assert found.missing_keys == ["0.weight", "2.weight", "2.bias"] and not model[0].bias.any()
    with pytest.raises(RuntimeError, match="Optimizers are not passed in"):
        get_optimizer_state_dict(model, [])
    full = StateDictOptions(full_state_dict=True, cpu_offload=True)
    with torch.device("meta"):
        empty = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
    set_model_state_dict(empty, get_model_state_dict(model, options=full), options=full)
    close(dict(empty.state_dict()), dict(model.state_dict()))
