"""Printing of tensors against texts recorded from PyTorch (``tests/recorders/record_printing.py``)."""

import base64
import json
import pathlib
from types import SimpleNamespace

import ml_dtypes
import numpy as np
import pytest

import torchax_lite
from torchax_lite.tensor import printing

RECORD = json.loads((pathlib.Path(__file__).parents[1] / "data" / "printing.json").read_text())


class Device:
    def __init__(self, type, index=None):
        self.type, self.index = type, index

    def __str__(self):
        return self.type if self.index is None else f"{self.type}:{self.index}"


class Tensor:
    """The attributes that printing may use, and nothing else."""

    def __init__(self, values, dtype="torch.float32", *, shape=None, device=None, requires_grad=False, grad_fn=None):
        self._values, self.dtype = values, dtype
        self.shape = tuple(np.shape(values) if shape is None else shape)
        self.device = device or Device("cpu")
        self.requires_grad, self.grad_fn = requires_grad, grad_fn

    def _host_array(self):
        if self._values is None:
            raise AssertionError("the values were read")
        return self._values

    def __repr__(self):
        return printing.tensor_repr(self)

    def __format__(self, spec):
        return printing.tensor_format(self, spec)


class Parameter(Tensor):
    pass


class Masked(Tensor):
    pass


class MaskedParameter(Parameter):
    pass


Tensor.__module__ = "torchax_lite.tensor"
Parameter.__module__ = "torchax_lite.nn.parameter"


def node(name):
    return SimpleNamespace(name=lambda: name)


def values_of(record):
    dtype = np.dtype(getattr(ml_dtypes, record["dtype"], None) or record["dtype"])
    if "raw" in record:
        values = np.frombuffer(base64.b64decode(record["raw"]), dtype.newbyteorder("<"))
    else:
        n, multiply, modulo, offset, scale = record["ramp"]
        values = ((np.arange(n) * multiply % modulo - offset).astype(np.float64) * scale).astype(dtype)
    return values.reshape(record["shape"])


def tensor_of(record):
    device = Device(record.get("device", "cpu"))
    return globals()[record.get("kind", "Tensor")](
        None if device.type == "meta" or "contents" in record else values_of(record),
        f"torch.{record['dtype']}",
        shape=record["shape"],
        device=device,
        requires_grad=record.get("requires_grad", False) or "Parameter" in record.get("kind", ""),
        grad_fn=node(record["grad_fn"]) if "grad_fn" in record else None,
    )


@pytest.fixture(autouse=True)
def default_options():
    printing.set_printoptions(profile="default")
    yield
    printing.set_printoptions(profile="default")


@pytest.fixture
def set_default_dtype(monkeypatch):
    def set_to(name):
        monkeypatch.setattr(printing, "_default_dtype", lambda: f"torch.{name}")

    set_to("float32")
    return set_to


@pytest.fixture
def set_package_default_dtype():
    yield lambda name: torchax_lite.set_default_dtype(getattr(torchax_lite, name))
    torchax_lite.set_default_dtype(torchax_lite.float32)


def case_id(record):
    return f"{record['dtype']}-{'x'.join(map(str, record['shape'])) or '0d'}"


@pytest.mark.parametrize("record", RECORD["cases"], ids=case_id)
def test_text_is_pytorchs(record, set_default_dtype):
    set_default_dtype(record.get("default", "float32"))
    printing.set_printoptions(**record.get("options", {}))
    assert printing.tensor_repr(tensor_of(record), tensor_contents=record.get("contents")) == record["text"]


def is_plain(record):
    return not {"kind", "device", "grad_fn", "contents"} & set(record)


@pytest.mark.skipif(not callable(getattr(torchax_lite, "tensor", None)), reason="the package has no Tensor yet")
@pytest.mark.parametrize("record", list(filter(is_plain, RECORD["cases"])), ids=case_id)
def test_text_of_the_packages_own_tensors(record, set_package_default_dtype):
    values = values_of(record)
    number = {"b": bool, "c": complex}.get(values.dtype.kind, int if "int" in record["dtype"] else float)
    tensor = torchax_lite.tensor(
        [number(x) for x in values.ravel()],
        dtype=getattr(torchax_lite, record["dtype"]),
        requires_grad=record.get("requires_grad", False),
    )
    if tensor.shape != values.shape:
        tensor = tensor.detach().reshape(values.shape).requires_grad_(tensor.requires_grad)
    set_package_default_dtype(record.get("default", "float32"))
    printing.set_printoptions(**record.get("options", {}))
    assert repr(tensor) == record["text"]


@pytest.mark.parametrize("record", RECORD["formats"], ids=lambda r: f"{case_id(r)}-{r['spec'] or 'empty'}")
def test_format_is_pytorchs(record, set_default_dtype):
    if "text" in record:
        assert format(tensor_of(record), record["spec"]) == record["text"]
        return
    error = {"TypeError": TypeError, "ValueError": ValueError}[record["error"]]
    with pytest.raises(error) as caught:
        format(tensor_of(record), record["spec"])
    assert type(caught.value) is error and str(caught.value) == record["message"]


def test_parameter_never_formats_as_a_number(set_default_dtype):
    parameter = Parameter(np.float32(2.5), requires_grad=True)
    assert f"{parameter}" == "tensor(2.5000, requires_grad=True)"
    with pytest.raises(TypeError, match="unsupported format string passed to Parameter.__format__"):
        format(parameter, ".2f")


def test_each_call_changes_the_options_as_in_pytorch():
    for step in RECORD["option_calls"]:
        printing.set_printoptions(**step["call"])
        assert printing.get_printoptions() == step["options"]


def test_options_come_back_after_the_context_even_when_it_fails():
    printing.set_printoptions(precision=2, sci_mode=True)
    before = printing.get_printoptions()
    with pytest.raises(RuntimeError, match="inside"), printing.printoptions(profile="full", precision=7):
        assert printing.get_printoptions() == {
            "precision": 7,
            "threshold": float("inf"),
            "edgeitems": 3,
            "linewidth": 80,
            "sci_mode": None,
        }
        raise RuntimeError("inside")
    assert printing.get_printoptions() == before


def test_unknown_option_or_profile_changes_nothing():
    before = printing.get_printoptions()
    with pytest.raises(ValueError, match="tiny"):
        printing.set_printoptions(precision=9, profile="tiny")
    with pytest.raises(TypeError, match="digits"), printing.printoptions(digits=3):
        pass
    assert printing.get_printoptions() == before


@pytest.mark.parametrize("device", [Device("cuda", 0), Device("cuda", 1), Device("xla", 0)], ids=str)
def test_device_other_than_the_cpu_is_shown_first(device, set_default_dtype):
    tensor = Tensor(np.array([1.0, 2.0]), "torch.float64", device=device, requires_grad=True)
    assert repr(tensor) == f"tensor([1., 2.], device='{device}', dtype=torch.float64, requires_grad=True)"


def test_node_without_a_name_method_is_shown_by_its_class(set_default_dtype):
    grad_fn = type("ScaleBackward", (), {})()
    assert repr(Tensor(np.ones(1), grad_fn=grad_fn, requires_grad=True)) == "tensor([1.], grad_fn=<ScaleBackward>)"
    grad_fn = node("torch::autograd::CppNode")
    assert repr(Tensor(np.ones(1), grad_fn=grad_fn, requires_grad=True)) == "tensor([1.], grad_fn=<CppNode>)"


def test_tensor_whose_grad_fn_raises_still_prints(set_default_dtype):
    class View(Tensor):
        @property
        def grad_fn(self):
            raise RuntimeError("a view was created in no_grad mode and its base was modified in place")

        @grad_fn.setter
        def grad_fn(self, value):
            pass

    assert repr(View(np.ones(1), requires_grad=True)) == "View([1.], grad_fn=<Invalid>)"


def test_class_of_the_user_that_is_named_like_ours_prints_its_name(set_default_dtype):
    subclass = type("Tensor", (Tensor,), {"__module__": "user_code"})
    assert repr(subclass(np.ones(1))) == "Tensor([1.])"


def test_parameter_of_a_subclass_prints_as_parameter(set_default_dtype):
    tensor = Masked(np.ones(1), requires_grad=True)
    tensor._is_param = True
    assert repr(tensor) == "Parameter(Masked([1.], requires_grad=True))"


def test_summary_of_a_huge_array_touches_only_its_edges(set_default_dtype):
    huge = np.broadcast_to(np.float32(1.5), (10**6, 10**9))
    assert repr(Tensor(huge)).count("1.5000") == 36


def test_default_dtype_is_the_one_in_force():
    from torchax_lite.tensor import dtypes

    assert printing._default_dtype() == str(dtypes.get_default_dtype()) == "torch.float32"


def test_ml_dtypes_small_integers_print_as_integers():
    assert printing.format_values(np.array([-8, 7], ml_dtypes.int4)) == "[-8,  7]"


def test_values_are_indented_under_their_bracket():
    text = printing.format_values(np.arange(4.0).reshape(2, 2), indent=10)
    assert text == "[[0., 1.],\n           [2., 3.]]"
    assert printing.format_values(np.arange(9), summarize=True) == "[0, 1, 2,  ..., 6, 7, 8]"
    assert printing.format_values(np.arange(2000), summarize=False).count("...") == 0
