"""deepcopy, pickle, storages and resizing of tensors (recorded by ``tests/recorders/record_checkpoint.py``)."""

import copy
import importlib.util
import json
import pathlib
import pickle
import warnings

import numpy as np
import pytest

import torchax_lite as torch
import torchax_lite.nn as nn
from torchax_lite.tensor.storage_api import LEGACY_STORAGES, TypedStorage, UntypedStorage

TESTS = pathlib.Path(__file__).parents[1]
ANSWERS = json.loads((TESTS / "data" / "memory.json").read_text())


def recorder():
    spec = importlib.util.spec_from_file_location("record_checkpoint", TESTS / "recorders" / "record_checkpoint.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def again(x):
    return pickle.loads(pickle.dumps(x))


def same_memory(a, b):
    return a.untyped_storage().data_ptr() == b.untyped_storage().data_ptr()


class Marked(torch.Tensor):
    pass


@pytest.fixture(params=[copy.deepcopy, again], ids=["deepcopy", "pickle"])
def twin(request):
    return request.param


def test_copies_keep_values_strides_and_own_their_memory(twin):
    for t in (torch.arange(6.0), torch.arange(6.0).reshape(2, 3).t(), torch.ones(2, 1).expand(2, 3), torch.empty(0, 3)):
        made = twin(t)
        assert made.stride() == t.stride() and made.tolist() == t.tolist() and made.dtype is t.dtype
        if t.numel():
            assert not same_memory(made, t)
    t = torch.arange(6.0)
    made = twin(t)
    made.fill_(9)
    assert t.tolist() == [0, 1, 2, 3, 4, 5]


def test_aliases_stay_aliases(twin):
    base = torch.arange(6.0).reshape(2, 3)
    a, b = twin([base, base[:, 1]])
    assert same_memory(a, b) and b.stride() == (3,) and b.storage_offset() == 1
    a.fill_(7)
    assert b.tolist() == [7, 7] and base[0].tolist() == [0, 1, 2]


DTYPES = ["float64", "float16", "bfloat16", "float8_e5m2", "int64", "uint16", "bool", "complex64"]


@pytest.mark.parametrize("name", DTYPES)
def test_every_dtype(twin, name):
    t = torch.tensor([0, 1, 1]).to(getattr(torch, name))
    assert twin(t).dtype is t.dtype and twin(t).tolist() == t.tolist()


def test_a_view_of_a_numpy_array_with_gaps(twin):
    t = torch.from_numpy(np.arange(12.0)[::2])
    made = twin(t)
    made.add_(1)
    assert made.tolist() == [1, 3, 5, 7, 9, 11] and made.stride() == (2,) and t[0] == 0


def test_requires_grad_attributes_and_class(twin):
    t = torch.ones(2, requires_grad=True)
    t.note = [1, 2]
    made = twin(t)
    assert made.requires_grad and made.is_leaf and made.note == [1, 2] and made.note is not t.note
    marked = torch.Tensor._make_subclass(Marked, torch.ones(2))
    marked.z = 3
    assert type(twin(marked)) is Marked and twin(marked).z == 3
    parameter = nn.Parameter(torch.ones(2), requires_grad=False)
    assert type(twin(parameter)) is nn.Parameter and not twin(parameter).requires_grad


def test_gradients_are_copied_but_not_pickled():
    t = torch.ones(2, requires_grad=True)
    t.grad = torch.full((2,), 3.0)
    made = copy.deepcopy(t)
    assert made.grad.tolist() == [3, 3] and made.grad is not t.grad
    assert again(t).grad is None


def test_non_leaves():
    y = torch.ones(2, requires_grad=True) * 2
    with pytest.raises(RuntimeError, match="Only Tensors created explicitly by the user"):
        copy.deepcopy(y)
    made = again(y)
    assert made.is_leaf and made.requires_grad and made.tolist() == [2, 2]


def test_pickling_warns_of_hooks():
    t = torch.ones(2, requires_grad=True)
    t._backward_hooks = {0: lambda g: g}
    with pytest.warns(UserWarning, match="will not be serialized"):
        assert again(t).tolist() == [1, 1]


def test_meta_tensors(twin):
    made = twin(torch.empty(2, 3, device="meta"))
    assert made.is_meta and made.shape == (2, 3)


def test_deepcopy_computes_nothing():
    t = torch.ones(3) * 2
    before = torch.engine.stats().executions
    made = copy.deepcopy(t)
    assert torch.engine.stats().executions == before
    t.add_(1)
    assert made.tolist() == [2, 2, 2] and t.tolist() == [3, 3, 3]


def test_modules_deepcopy_with_tied_weights():
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    model[1].weight = model[0].weight
    made = copy.deepcopy(model)
    assert made[1].weight is made[0].weight and made[0].weight is not model[0].weight


@pytest.mark.parametrize("what", ["resized", "memory"])
def test_storages_and_resizing_answer_as_recorded(what):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = json.loads(json.dumps(getattr(recorder(), what)(torch)))
    assert found == ANSWERS[what]


def test_resize_errors():
    with pytest.raises(RuntimeError, match="cannot resize variables that require grad"):
        torch.ones(2, requires_grad=True).resize_(3)
    tied = torch.from_numpy(np.arange(4.0))
    assert tied.resize_(2).tolist() == [0, 1]
    with pytest.raises(RuntimeError, match="Trying to resize storage that is not resizable"):
        tied.resize_(10)
    with pytest.raises(TypeError, match='missing 1 required positional arguments: "size"'):
        torch.ones(2).resize_()
    base = torch.arange(4.0)
    view = base[1:]
    with pytest.raises(NotImplementedError, match="resize_"):
        view.resize_(10)
    assert base.tolist() == [0, 1, 2, 3]


def test_storage_errors():
    raw, typed = torch.ones(2).untyped_storage(), torch.ones(2).storage()
    with pytest.raises(IndexError, match="index 100 out of range for storage of size 8"):
        raw[100]
    with pytest.raises(RuntimeError, match="slices are only supported in UntypedStorage.__getitem__"):
        typed[1:]
    with pytest.raises(NotImplementedError, match="UntypedStorage.resize_"):
        raw.resize_(3)
    with pytest.raises(RuntimeError, match="Expected a Storage of type double or an UntypedStorage, but"):
        torch.tensor([], dtype=torch.float64).set_(typed)


@pytest.mark.filterwarnings("ignore:TypedStorage is deprecated")
def test_storages_made_by_hand():
    made = LEGACY_STORAGES["FloatStorage"]([1, 2, 3])
    assert isinstance(made, LEGACY_STORAGES["FloatStorage"]) and not isinstance(made, LEGACY_STORAGES["LongStorage"])
    assert torch.tensor([]).set_(made).tolist() == [1, 2, 3]
    assert UntypedStorage([1, 2, 3])[1:].tolist() == [2, 3] and UntypedStorage(4).tolist() == [0, 0, 0, 0]
    assert TypedStorage([1, 2.5], dtype=torch.float64).tolist() == [1, 2.5]
    a, b = again([made, made.untyped()])
    assert a.tolist() == [1, 2, 3] and a.data_ptr() == b.data_ptr()
