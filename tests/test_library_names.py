"""What third-party libraries import and call besides PyTorch's documented names."""

import importlib
import io
import subprocess
import sys

import pytest

import torchax_lite as torch
from torchax_lite.distributed.algorithms._checkpoint import checkpoint_wrapper as wrapping
from torchax_lite.distributed.fsdp import FullyShardedDataParallel, wrap


def lists(count=3):
    return [torch.arange(4.0) + i + 1 for i in range(count)]


@pytest.mark.parametrize("name", ["abs", "exp", "neg", "sqrt", "reciprocal", "sigmoid", "sign", "round", "log1p"])
def test_one_operation_on_each_tensor(name):
    given = lists()
    expected = [getattr(t, name)() for t in given]
    made = getattr(torch, f"_foreach_{name}")(given)
    assert type(made) is tuple and all(torch.equal(a, b) for a, b in zip(made, expected))
    assert getattr(torch, f"_foreach_{name}_")(given) is given
    assert all(torch.equal(a, b) for a, b in zip(given, expected))


@pytest.mark.parametrize(
    ("name", "partner"),
    [
        ("add", 2), ("add", [1, 2, 3]), ("add", lists()), ("sub", lists()), ("mul", torch.tensor(2.0)), ("div", lists()),
        ("pow", 2.0), ("maximum", 2.5), ("minimum", [1.0, 2.0, 3.0]), ("clamp_min", lists()), ("clamp_max", 2.0),
    ],
)  # fmt: skip
def test_each_tensor_with_its_partner(name, partner):
    scalar = {"maximum": "clamp_min", "minimum": "clamp_max"}
    each = partner if isinstance(partner, list) else [partner] * 3
    expected = [
        getattr(t, name if isinstance(p, torch.Tensor) else scalar.get(name, name))(p) for t, p in zip(lists(), each)
    ]
    for made in (
        getattr(torch, f"_foreach_{name}")(lists(), partner),
        getattr(torch, f"_foreach_{name}_")(lists(), partner),
    ):
        assert all(torch.equal(a, b) for a, b in zip(made, expected))


def test_lists_of_three_and_reductions():
    a, b, c = lists(), lists(), lists()
    made = torch._foreach_addcdiv(a, b, c, [1.0, 2.0, 3.0])
    assert [float(m[0] - t[0]) for m, t in zip(made, a)] == [1.0, 2.0, 3.0]
    assert torch.equal(torch._foreach_addcmul(a, b, c, 0.5)[1], a[1] + 0.5 * b[1] * c[1])
    assert torch.equal(torch._foreach_lerp(a, [torch.zeros(4)] * 3, 0.25)[2], a[2] * 0.75)
    assert torch._foreach_norm(a, 1)[0].item() == 10.0 and torch._foreach_max(a)[2].item() == 6.0
    assert torch._foreach_powsum([torch.tensor([1.0, 2.0])])[0].item() == 5.0
    assert torch.equal(torch._foreach_pow(2.0, [torch.tensor([3.0])])[0], torch.tensor([8.0]))
    torch._foreach_copy_(a, [torch.ones(4)] * 3)
    assert torch.equal(a[1], torch.ones(4))
    torch._foreach_zero_(a)
    assert not a[2].any()


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: torch._foreach_add([], []), "Tensor list must have at least one tensor."),
        (
            lambda: torch._foreach_add(lists(1), lists(2)),
            "Tensor lists must have the same number of tensors, got 1 and 2",
        ),
        (lambda: torch._foreach_add(lists(1), [2, 3]), "Tensor list must have same number of elements as scalar list."),
    ],
)
def test_lists_that_do_not_fit(call, text):
    with pytest.raises(RuntimeError, match=text):
        call()


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("_check", RuntimeError), ("_check_index", IndexError), ("_check_value", ValueError), ("_check_type", TypeError),
        ("_check_not_implemented", NotImplementedError),
    ],
)  # fmt: skip
def test_stated_conditions(name, error):
    check = getattr(torch, name)
    check(True)
    with pytest.raises(error, match="Expected cond to be True, but got False"):
        check(False)
    with pytest.raises(error, match="too small"):
        check(False, lambda: "too small")
    with pytest.raises(TypeError, match="cond must be a bool, but got <class 'int'>"):
        check(1)


def test_conditions_on_tensors():
    torch._check_tensor_all(torch.tensor([True, True]))
    with pytest.raises(RuntimeError, match="Expected cond"):
        torch._check_tensor_all(torch.tensor([True, False]))
    torch._assert_async(torch.tensor(1))
    with pytest.raises(RuntimeError, match="Expected Tensor with single nonzero value, but got zero"):
        torch._assert_async(torch.tensor(0))
    assert torch._shape_as_tensor(torch.ones(2, 3)).tolist() == [2, 3]


@pytest.mark.parametrize(
    "module",
    [
        "distributed._composable.fsdp", "distributed._tensor", "distributed.algorithms.ddp_comm_hooks.powerSGD_hook",
        "distributed.algorithms.join", "distributed.algorithms.model_averaging.averagers", "distributed.constants",
        "distributed.elastic.multiprocessing.errors", "distributed.fsdp.fully_sharded_data_parallel",
        "distributed.fsdp.sharded_grad_scaler", "distributed.launcher.api", "distributed.nn.functional", "distributed.optim",
        "distributed.pipelining", "distributed.rpc", "distributed.tensor.parallel", "distributed.utils", "_dynamo.eval_frame",
        "_jit_internal", "_prims_common", "_subclasses.fake_tensor", "_tensor", "classes", "fx._pytree",
        "fx.experimental.symbolic_shapes", "jit.annotations", "profiler.profiler", "_C._distributed_c10d",
        "_C._distributed_rpc", "_C._functorch", "_functorch.apis", "_functorch.make_functional", "_functorch.vmap", "_guards",
        "_higher_order_ops.associative_scan", "_inductor.codecache", "_inductor.cpu_vec_isa",
        "_inductor.runtime.cache_dir_utils", "_ops", "_subclasses.functional_tensor", "_subclasses.meta_utils",
        "_tensor_str", "ao.quantization.fx._decomposed", "autograd.profiler_legacy", "cuda.sparse",
        "distributed.checkpoint._consolidate_hf_safetensors", "distributed.rpc.api",
        "distributed.tensor.experimental._attention", "export._trace", "export.decomp_utils", "fx.passes.infra.pass_base",
        "functorch.experimental", "jit._recursive", "nested._internal.nested_tensor", "nested._internal.ops",
        "nn.utils._named_member_accessor", "numa.binding", "onnx._internal.exporter", "onnx.symbolic_helper",
        "onnx.symbolic_opset12", "onnx.symbolic_opset9", "utils._contextlib", "utils._python_dispatch",
        "utils._sympy.numbers", "utils._sympy.value_ranges", "utils.data._utils.signal_handling",
    ],
)  # fmt: skip
def test_modules_that_libraries_import(module):
    assert importlib.import_module(f"torchax_lite.{module}")


def test_the_class_of_compiled_modules_is_found_as_an_attribute():
    assert isinstance(torch.compile(torch.nn.Linear(1, 1)), torch._dynamo.eval_frame.OptimizedModule)


def test_names_for_several_processes_refuse_only_when_used():
    assert not isinstance(torch.nn.Linear(1, 1), FullyShardedDataParallel)
    with pytest.raises(NotImplementedError, match=r"FullyShardedDataParallel.*jax.distributed"):
        FullyShardedDataParallel(torch.nn.Linear(1, 1))
    with pytest.raises(NotImplementedError, match="distribute_tensor"):
        torch.distributed.tensor.distribute_tensor(torch.ones(1))
    with pytest.raises(NotImplementedError, match="enable_wrap"):
        wrap.enable_wrap(wrapper_cls=FullyShardedDataParallel)
    assert wrap.ModuleWrapPolicy({torch.nn.Linear})(torch.nn.Linear(1, 1), False)
    assert not wrap.size_based_auto_wrap_policy(torch.nn.Linear(1, 1), False, 5, min_num_params=6)


def test_checkpointed_modules_keep_their_names():
    torch.manual_seed(0)
    plain = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 2))
    wrapped = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 2))
    wrapping.apply_activation_checkpointing(wrapped, check_fn=lambda m: isinstance(m, torch.nn.Linear))
    assert isinstance(wrapped[0], wrapping.CheckpointWrapper)
    wrapped.load_state_dict(plain.state_dict())
    assert list(wrapped.state_dict()) == list(plain.state_dict())
    assert [n for n, _ in wrapped[0].named_parameters()] == ["weight", "bias"] and wrapped[0].in_features == 3
    x = torch.randn(5, 3)
    for model in (plain, wrapped):
        model(x).square().sum().backward()
    assert torch.allclose(wrapped[0].weight.grad, plain[0].weight.grad)


def test_records_of_a_file_one_by_one():
    file = io.BytesIO()
    torch.save({"w": torch.arange(3.0)}, file)
    reader = torch.PyTorchFileReader(io.BytesIO(file.getvalue()))
    assert reader.has_record("data.pkl") and "data/0" in reader.get_all_records()
    assert reader.get_storage_from_record("data/0", 3, torch.float32).tolist() == [0.0, 1.0, 2.0]
    with pytest.raises(RuntimeError, match="12 bytes"):
        reader.get_storage_from_record("data/0", 4, torch.float32)


def test_types_show_pytorchs_names():
    shown = [torch.Tensor, torch.nn.Parameter, torch.dtype, torch.device, torch.Size, torch.Generator]
    names = [
        "torch.Tensor",
        "torch.nn.parameter.Parameter",
        "torch.dtype",
        "torch.device",
        "torch.Size",
        "torch.Generator",
    ]
    assert [repr(c) for c in shown] == [f"<class '{n}'>" for n in names]

    class Mine(torch.Tensor):
        pass

    assert repr(Mine).startswith("<class 'test_library_names") or ".Mine'>" in repr(Mine)


def test_the_root_is_named_torch_while_it_stands_in():
    code = "import torch; print(torch.__name__, torch.torch is torch, torch.optim.SGD.__name__)"
    done = subprocess.run(
        [sys.executable, "-m", "torchax_lite", "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["torch", "True", "SGD"]
    assert torch.__name__ == "torchax_lite"
