"""Averaged models against PyTorch's (``tests/recorders/record_swa.py``)."""

import copy
import json
import pathlib

import pytest
from recorded import load_recorder

import torchax_lite as torch
import torchax_lite.optim  # noqa: F401  (the cases reach it as torch.optim)
from torchax_lite import engine
from torchax_lite.optim.swa_utils import SWALR, AveragedModel, get_ema_multi_avg_fn, get_swa_multi_avg_fn, update_bn

TESTS = pathlib.Path(__file__).parents[1]
RECORD = json.loads((TESTS / "data" / "swa.json").read_text())


RECORDER = load_recorder("record_swa")


@pytest.mark.parametrize("name", RECORDER.kinds())
def test_averages(name):
    got, want = RECORDER.averages(torch, name), RECORD[name]
    assert got["keys"] == want["keys"] and got["momentum"] == want["momentum"]
    for a, b in zip(got["states"], want["states"], strict=True):
        for x, y in zip(a, b, strict=True):
            assert x == pytest.approx(y, rel=1e-5, abs=1e-6)
    assert got["output"] == pytest.approx(want["output"], rel=1e-5, abs=1e-6)
    for x, y in zip(got["buffers"], want["buffers"], strict=True):
        assert x == pytest.approx(y, rel=1e-5, abs=1e-6)


def test_training_with_an_average_stays_one_program_a_step():
    model = torch.nn.Linear(4, 3)
    opt = torch.optim.Adam(model.parameters())
    averaged = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.9))
    plain = AveragedModel(model)
    schedule = SWALR(opt, 0.01, anneal_epochs=100)
    seen = []
    for t in range(8):
        before = engine.stats()
        opt.zero_grad()
        (model(torch.full((2, 4), float(t))) ** 2).mean().backward()
        opt.step()
        averaged.update_parameters(model)
        plain.update_parameters(model)
        schedule.step()
        after = engine.stats()
        seen.append((after.executions - before.executions, after.programs - before.programs))
    assert all(entry == (1, 0) for entry in seen[3:]), seen
    assert plain.n_averaged.item() == 8 and plain.n_averaged.dtype == torch.int64


def test_an_average_is_a_copy_that_can_be_saved():
    model = torch.nn.Linear(2, 1)
    averaged = AveragedModel(model)
    assert averaged.module is not model and averaged.n_averaged.item() == 0
    averaged.update_parameters(model)
    other = AveragedModel(torch.nn.Linear(2, 1))
    other.load_state_dict(averaged.state_dict())
    assert other.n_averaged.item() == 1 and copy.deepcopy(other).n_averaged.item() == 1
    assert other.module.weight.tolist() == model.weight.tolist()
    assert averaged.module.weight.requires_grad and averaged.module.weight.is_leaf
    with pytest.raises(AssertionError, match="Only one of avg_fn and multi_avg_fn should be provided"):
        AveragedModel(model, avg_fn=max, multi_avg_fn=max)


def test_averages_of_whole_numbers():
    mean, new = torch.tensor([10, 3]), torch.tensor([1, 8])
    get_ema_multi_avg_fn(0.5)([mean], [new], 1)
    assert mean.tolist() == [5, 5]
    half = torch.tensor([1.0])
    get_swa_multi_avg_fn()([half], [torch.tensor([3.0])], torch.tensor(1))
    assert half.tolist() == [2.0]


def test_update_bn_without_batch_norm_reads_nothing():
    class Loader:
        def __iter__(self):
            raise AssertionError("read")

    update_bn(Loader(), torch.nn.Linear(1, 1))


def test_an_average_on_another_device():
    model = torch.nn.Linear(2, 2)
    averaged = AveragedModel(model, device="xla")
    for _ in range(2):
        averaged.update_parameters(model)
    assert averaged.module.weight.device.type == "xla" and averaged.n_averaged.item() == 2
    for a, b in zip(averaged.module.parameters(), model.parameters(), strict=True):
        assert a.flatten().tolist() == pytest.approx(b.flatten().tolist())
