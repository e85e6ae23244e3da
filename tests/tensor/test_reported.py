"""What users of everyday tensor code saw differ from PyTorch."""

from __future__ import annotations

import importlib
import sys
from functools import partial

import numpy as np
import pytest

import torchax_lite as torch


def raises(error: type[Exception], text: str, fn: object) -> None:
    with pytest.raises(error) as found:
        fn()  # type: ignore[operator]
    assert str(found.value).startswith(text)


def test_number_to_the_power_of_a_tensor() -> None:
    assert (2 ** torch.tensor([1, 2])).tolist() == [2, 4]
    assert torch.logspace(0, 2, 3).tolist() == [1.0, 10.0, 100.0]


def test_comparison_with_a_numpy_array_is_elementwise() -> None:
    t = torch.arange(3.0)
    assert (t == np.array([0, 1, 5])).tolist() == [True, True, False]
    assert (t < np.array([1, 1, 5])).tolist() == [True, False, True]


def test_list_of_one_element_tensors_makes_a_vector() -> None:
    one = torch.tensor([1.0])
    assert torch.tensor([one, one]).shape == (2,)
    assert torch.tensor([one, 2.0]).tolist() == [1.0, 2.0]
    raises(ValueError, "only one element tensors", lambda: torch.tensor([torch.zeros(3), torch.zeros(3)]))
    raises(TypeError, "only integer tensors of a single", lambda: torch.tensor([torch.arange(3)]))


@pytest.mark.parametrize(
    ("data", "error", "text"),
    [
        (["a"], ValueError, "too many dimensions 'str'"), ({"a": 1}, RuntimeError, "Could not infer dtype of dict"),
        (2**63, ValueError, "Overflow when unpacking long long"), ([[1, 2], 3], TypeError, "not a sequence"),
        ([1, [2]], TypeError, "'list' object cannot be interpreted as an integer"),
    ],
)  # fmt: skip
def test_data_that_is_no_tensor(data: object, error: type[Exception], text: str) -> None:
    raises(error, text, lambda: torch.tensor(data))


def test_sizes_that_are_no_sizes() -> None:
    raises(
        TypeError, "zeros(): argument 'size' (position 1) must be tuple of ints, not float", lambda: torch.zeros(2.5)
    )
    raises(TypeError, 'ones() missing 1 required positional arguments: "size"', lambda: torch.ones())
    raises(TypeError, "eye(): argument 'n' (position 1) must be int, not float", lambda: torch.eye(2.5))
    raises(TypeError, "new(): data must be a sequence (got float)", lambda: torch.Tensor(5.0))


def test_integers_cannot_require_gradients() -> None:
    text = "Only Tensors of floating point and complex dtype can require gradients"
    raises(RuntimeError, text, lambda: torch.tensor([1], requires_grad=True))


def test_number_too_large_for_the_dtype() -> None:
    u = torch.zeros(2, dtype=torch.uint8)
    u[0] = -1
    assert u.tolist() == [255, 0]
    for fn in (lambda: u.__setitem__(0, 300), lambda: torch.full((2,), 300, dtype=torch.uint8)):
        raises(RuntimeError, "value cannot be converted to type uint8_t without overflow", fn)
    raises(RuntimeError, "value cannot be converted to type c10::Half", lambda: u.half().fill_(1e6))
    assert torch.full((1,), float("inf"), dtype=torch.half).tolist() == [float("inf")]


def test_to_a_python_type() -> None:
    assert torch.ones(2).to(int).dtype is torch.int64
    assert torch.arange(2).to(dtype=float).dtype is torch.float64


def test_int_of_several_elements() -> None:
    raises(ValueError, "only one element tensors can be converted to Python scalars", lambda: int(torch.ones(2)))


def test_index_with_ranges_and_nested_lists() -> None:
    z = torch.zeros(3, 3)
    z[range(3), range(3)] = 1
    assert z.tolist() == torch.eye(3).tolist()
    assert torch.zeros(2, 3, 4)[[[0, 1], [1, 0]]].shape == (2, 4)


def test_wrong_keys_and_values() -> None:
    z = torch.zeros(2, 3)
    raises(IndexError, "index 5 is out of bounds for dimension 1 with size 3", lambda: z[0, 5])
    raises(IndexError, "only integers, slices", lambda: z[1.0])
    raises(TypeError, "can't assign a list to a torch.FloatTensor", lambda: z.__setitem__(0, [1, 2, 3]))
    raises(TypeError, "can't assign a numpy.ndarray to a", lambda: z.__setitem__(0, np.ones(3)))
    text = "The expanded size of the tensor (3) must match the existing size (2) at non-singleton dimension 0."
    raises(RuntimeError, text, lambda: z.__setitem__(0, torch.ones(2)))
    assert z.abs().sum() == 0


def test_apply_and_map() -> None:
    x = torch.arange(4.0).view(2, 2)
    assert x.apply_(lambda v: v + 1) is x
    assert x.map_(torch.tensor([10.0, 20.0]), lambda a, b: a * b).tolist() == [[10.0, 40.0], [30.0, 80.0]]
    raises(RuntimeError, "Can't call apply_()", lambda: x.requires_grad_().apply_(abs))


def test_variable_is_a_leaf_that_shares_memory() -> None:
    x = torch.zeros(2)
    v = torch.autograd.Variable(x, requires_grad=True)
    assert v.requires_grad and v.is_leaf and not x.requires_grad and v.data_ptr() == x.data_ptr()
    assert isinstance(x, torch.autograd.Variable)
    raises(TypeError, "Variable data has to be a tensor, but got list", lambda: torch.autograd.Variable([1.0]))


def test_limits_print_as_in_pytorch() -> None:
    assert repr(torch.iinfo(torch.int64)) == "iinfo(min=-9.22337e+18, max=9.22337e+18, dtype=int64)"
    assert repr(torch.finfo(torch.float16)).startswith("finfo(resolution=0.001, min=-65504,")


def test_settings_of_backends() -> None:
    torch.backends.cudnn.deterministic = True
    assert torch.backends.cudnn.deterministic and not torch.backends.mps.is_available()
    torch.backends.cudnn.deterministic = False
    assert torch.backends.cuda.matmul.allow_tf32 is False
    with torch.backends.cudnn.flags(enabled=False):
        assert not torch.backends.cudnn.enabled
    assert torch.backends.cudnn.enabled
    raises(AttributeError, "Unknown attribute", lambda: setattr(torch.backends.cuda.matmul, "unknown", 1))


def test_division_of_a_known_integer_is_true_division() -> None:
    assert (torch.tensor(7) / 2).item() == 3.5 and (torch.tensor(7) / 2).dtype is torch.float32
    assert (torch.tensor(1) / 0).item() == float("inf")


def test_gradients_of_the_values_of_a_dict_as_in_maml():
    weights = {"a": torch.ones(2, requires_grad=True), "b": torch.ones(2, requires_grad=True)}
    found = torch.autograd.grad((weights["a"] * weights["b"] * 3).sum(), weights.values())
    assert [g.tolist() for g in found] == [[3.0, 3.0], [3.0, 3.0]]
    outputs = (w * 2 for w in weights.values())
    torch.autograd.backward(outputs, (torch.ones(2) for _ in range(2)), inputs=(w for w in weights.values()))
    assert weights["a"].grad.tolist() == [2.0, 2.0]


def test_alpha_may_be_a_tensor_that_equals_its_default():
    x = torch.ones(2)
    assert torch.add(x, x, alpha=torch.tensor(1.0)).tolist() == [2.0, 2.0]
    assert x.clone().sub_(x, alpha=torch.tensor(1)).tolist() == [0.0, 0.0]
    assert x.clone().addcdiv_(x, x, value=torch.tensor(1.0)).tolist() == [2.0, 2.0]


def test_full_refuses_a_value_that_requires_grad():
    value = torch.tensor(2.0, requires_grad=True)
    with pytest.raises(TypeError, match="argument 'fill_value' .* must be Number, not Tensor"):
        torch.full((2,), value)
    assert torch.full((2,), value.detach()).tolist() == [2.0, 2.0]


def test_float_of_a_tensor_with_a_gradient_warns_once(monkeypatch):
    monkeypatch.setattr(sys.modules["torchax_lite.tensor.tensor_autograd"], "_lost_gradient_warned", False)
    loss = torch.ones(1, requires_grad=True)
    with pytest.warns(UserWarning, match="Converting a tensor with requires_grad=True to a scalar") as seen:
        assert float(loss) == complex(loss).real == 1.0
    assert len(seen) == 1


def test_arrays_whose_memory_no_tensor_can_share() -> None:
    fields = np.zeros(3, dtype=[("a", "f4"), ("b", "i2")])["a"]
    back = np.arange(3)[::-1]
    for make in (torch.tensor, torch.as_tensor, torch.from_numpy):
        raises(ValueError, "given numpy array strides not a multiple of the element byte size", partial(make, fields))
        raises(ValueError, "At least one stride in the given numpy array is negative", partial(make, back))
    raises(TypeError, "expected np.ndarray (got numpy.float32)", lambda: torch.from_numpy(np.float32(1)))


def test_a_read_only_array_is_told_of_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.import_module("torchax_lite.tensor.from_data"), "_warned_not_writable", False)
    fixed = np.arange(3)
    fixed.flags.writeable = False
    with pytest.warns(UserWarning, match="not writable") as caught:
        torch.from_numpy(fixed)
        torch.from_numpy(fixed)
    assert len(caught) == 1 and caught[0].filename == __file__
