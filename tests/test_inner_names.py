"""Functions of PyTorch's inner modules that libraries call: values are those of PyTorch 2.13."""

import os
import pickle
import signal
import sys
import warnings

import numpy as np
import pytest

import torchax_lite as torch
from torchax_lite import functorch
from torchax_lite._C import _functorch
from torchax_lite._functorch import vmap as vmap_steps
from torchax_lite._higher_order_ops import associative_scan
from torchax_lite.fx import _symbolic_trace as tracing
from torchax_lite.nn.utils._named_member_accessor import NamedMemberAccessor, swap_tensor
from torchax_lite.optim.optimizer import _default_to_fused_or_foreach, _get_capturable_supported_devices
from torchax_lite.utils import _python_dispatch
from torchax_lite.utils._contextlib import _DecoratorContextManager, context_decorator
from torchax_lite.utils.data._utils import signal_handling, worker

f8 = torch.float8_e4m3fn


@pytest.mark.parametrize(
    "name",
    [
        "_C.Graph", "_C.Value", "_C.ScriptObject", "distributed.tensor.DTensor", "nested._internal.nested_tensor.NestedTensor",
        "_subclasses.functional_tensor.FunctionalTensor", "onnx.ONNXProgram", "distributed.rpc.RpcBackendOptions",
        "export.decomp_utils.CustomDecompTable", "autograd.profiler_legacy.profile", "_inductor.cpu_vec_isa.pick_vec_isa",
        "jit._get_trace_graph", "_nested_view_from_buffer", "distributed.tensor.DTensor.from_local",
        "onnx.symbolic_opset9.softmax", "distributed.autograd.DistAutogradContext", "_C._distributed_c10d.Reducer",
    ],
)  # fmt: skip
def test_what_is_not_here_refuses_only_when_used(name):
    found = torch
    for part in name.split("."):
        found = (
            getattr(found, part)
            if hasattr(found, part)
            else __import__(f"{found.__spec__.name}.{part}", fromlist=["x"])
        )
    assert not isinstance(found, type) or not isinstance(torch.ones(1), found)
    with pytest.raises(NotImplementedError, match=name.rpartition(".")[2]):
        found(torch.ones(1))


def test_scan_by_an_associative_function():
    x = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    assert associative_scan(lambda a, b: a * b, x, 1, combine_mode="generic").tolist() == [[1, 2, 6], [4, 20, 120]]
    made = associative_scan(lambda a, b: a * b, x, 0, reverse=True, combine_mode="generic")
    assert made.tolist() == [[4, 10, 18], [4, 5, 6]]
    g = torch.tensor([0.5, 0.25, 2.0, 1.0], requires_grad=True)
    v = torch.tensor([1.0, 2.0, 3.0, 4.0], requires_grad=True)
    made = associative_scan(lambda a, b: (a[0] * b[0], b[0] * a[1] + b[1]), (g, v), 0, combine_mode="generic")
    assert made[0].tolist() == [0.5, 0.125, 0.25, 0.25] and made[1].tolist() == [1.0, 2.25, 7.5, 11.5]
    made[1].sum().backward()
    assert g.grad.tolist() == [0.0, 5.0, 4.5, 7.5] and v.grad.tolist() == [2.25, 5.0, 2.0, 1.0]
    for n in (1, 2, 5, 8):
        t = torch.arange(float(n))
        assert associative_scan(torch.add, t, 0, combine_mode="generic").tolist() == t.cumsum(0).tolist()
    with pytest.raises(ValueError, match="CUDA or XPU"):
        associative_scan(torch.add, x, 0)


def test_products_of_scaled_float8_matrices():
    a = (torch.arange(16 * 32).reshape(16, 32) % 7 - 3.0).to(f8)
    b = (torch.arange(32 * 16).reshape(16, 32) % 5 - 2.0).to(f8).t()
    half = torch.tensor(0.5)
    made = torch._scaled_mm(a, b, half, half, out_dtype=torch.float32, bias=torch.ones(16))
    assert made[:2, :4].tolist() == [[-1.0, 2.25, 0.5, 1.25], [1.25, 1.5, 0.5, 2.0]]
    rows = torch._scaled_mm(a, b, torch.ones(16, 1), torch.ones(1, 16), out_dtype=torch.bfloat16)
    assert rows[:2, :4].tolist() == [[-8, 5, -2, 1], [1, 2, -2, 4]] and rows.dtype is torch.bfloat16
    assert torch._scaled_mm(a, b, half, half).dtype is f8
    with pytest.raises(RuntimeError, match="Expected mat1 to be Float8 matrix got Float"):
        torch._scaled_mm(a.float(), b, half, half)
    with pytest.raises(ValueError, match="Invalid scaling configuration"):
        torch._scaled_mm(a, b, torch.ones(16), half)


def test_indices_of_compressed_matrices():
    assert torch._convert_indices_from_coo_to_csr(torch.tensor([0, 0, 1, 3]), 5).tolist() == [0, 2, 3, 3, 4, 4]
    assert torch._convert_indices_from_coo_to_csr(torch.tensor([0]), 1, out_int32=True).dtype is torch.int32
    ends, columns = torch.tensor([0, 2, 3, 3, 4]), torch.tensor([1, 0, 2, 0])
    assert torch._convert_indices_from_csr_to_coo(ends, columns).tolist() == [[0, 0, 1, 3], [1, 0, 2, 0]]
    assert torch._convert_indices_from_csr_to_coo(ends, columns, transpose=True).tolist() == [
        [1, 0, 2, 0],
        [0, 0, 1, 3],
    ]
    many = torch._convert_indices_from_csr_to_coo(torch.tensor([[0, 1, 2], [0, 0, 2]]), torch.tensor([[1, 0], [3, 4]]))
    assert many.tolist() == [[0, 0, 1, 1], [0, 1, 1, 1], [1, 0, 3, 4]]
    with pytest.raises(NotImplementedError, match="not implemented for 'Float'"):
        torch._convert_indices_from_coo_to_csr(torch.ones(2), 3)


def test_old_constructors_of_sparse_tensors():
    made = torch.sparse.FloatTensor(torch.tensor([[0, 1], [1, 0]]), torch.tensor([1.0, 2.0]), torch.Size([2, 2]))
    assert made.to_dense().tolist() == [[0, 1], [2, 0]] and made.type() == "torch.sparse.FloatTensor"
    assert isinstance(made, torch.sparse.FloatTensor) and not isinstance(made, torch.sparse.HalfTensor)
    assert not isinstance(made.to_dense(), torch.sparse.FloatTensor)
    assert torch.sparse.DoubleTensor(2, 3).shape == (2, 3) and torch.sparse.DoubleTensor(2, 3).dtype is torch.float64
    assert torch.dsmm(made, torch.eye(2)).tolist() == [[0, 1], [2, 0]]


def test_functions_by_old_names():
    assert torch._cast_Long(torch.tensor([1.7])).tolist() == [1]
    assert torch._cast_Half(torch.ones(1)).dtype is torch.float16
    with pytest.raises(RuntimeError, match="now removed.*torch.linalg.solve"):
        torch.solve(torch.ones(1, 1), torch.ones(1, 1))
    assert list(torch.ByteStorage._from_buffer(b"abc")) == [97, 98, 99]
    assert isinstance(torch.ones(1).untyped_storage(), torch.StorageBase)
    assert str(torch.TensorType.get()) == "Tensor" and torch.set_vital("a", "b", "c")
    assert int(torch.onnx.TrainingMode.TRAINING) == 2 and str(torch.onnx.TrainingMode.EVAL) == "TrainingMode.EVAL"


def test_questions_about_state():
    x = torch.ones(3)
    assert torch._C._is_alias_of(x[1:], x) and not torch._C._is_alias_of(x.clone(), x)
    assert torch._C._get_default_device() == "cpu" and torch._C._get_cudnn_enabled() is True
    assert torch._C._current_graph_task_id() == -1 and torch._C._current_autograd_node() is None
    assert not torch._C._is_torch_function_mode_enabled()
    with torch.overrides.TorchFunctionMode():
        assert torch._C._is_torch_function_mode_enabled()
    assert torch.autograd.forward_ad._current_level == -1
    with torch.autograd.forward_ad.dual_level():
        assert torch.autograd.forward_ad._current_level == 0
    assert not torch.autograd._profiler_enabled()
    with torch.profiler.profile():
        assert torch.autograd._profiler_enabled()


@pytest.mark.parametrize("hooked", [False, True])
def test_a_backward_pass_knows_its_number_and_node(hooked):
    seen = []

    def unpack(t):
        seen.append((torch._C._current_graph_task_id(), torch._C._current_autograd_node().name()))
        return t

    w = torch.ones(2, requires_grad=True)
    if hooked:
        w.register_hook(lambda g: g)
    for _ in range(2):
        with torch.autograd.graph.saved_tensors_hooks(lambda t: t, unpack):
            out = (w * w).sum()
        out.backward()
    assert {name for _, name in seen} == {"MulBackward0"}
    assert len({number for number, _ in seen}) == 2 and min(number for number, _ in seen) >= 0


def test_tensors_inside_vmap():
    seen = []

    def look(x):
        seen.append((_functorch.is_batchedtensor(x), _functorch.maybe_get_bdim(x), _functorch.maybe_get_level(x)))
        assert _functorch.get_unwrapped(x).shape == (3, 2)
        return x

    torch.vmap(look, in_dims=1)(torch.ones(2, 3))
    assert seen == [(True, 0, 1)] and not _functorch.is_batchedtensor(torch.ones(1))
    level = _functorch._vmap_increment_nesting(3, "error")
    example = _functorch._add_batch_dim(torch.arange(6.0).reshape(2, 3), 1, level)
    assert example.shape == (2,)
    total = _functorch._remove_batch_dim(example.sum(), level, 3, 0)
    assert _functorch._vmap_decrement_nesting() == level and total.tolist() == [3, 5, 7]


def test_steps_of_vmap_may_be_replaced(monkeypatch):
    calls = []
    original = vmap_steps._create_batched_inputs

    def mine(*args):
        calls.append(args[0])
        return original(*args)

    monkeypatch.setattr(vmap_steps, "_create_batched_inputs", mine)
    made = torch.vmap(lambda a, b: a + b, in_dims=(0, None))(torch.arange(3.0), torch.ones(2))
    assert made.tolist() == [[1, 1], [2, 2], [3, 3]] and calls == [[0, None]]
    given = torch.zeros(3)
    torch.vmap(lambda a: a.add_(1))(given)
    assert given.tolist() == [1, 1, 1]


def test_functorch_is_torch_func_with_a_warning():
    layer = torch.nn.Linear(2, 3)
    with pytest.warns(FutureWarning, match="functorch.make_functional"):
        call, params = functorch.make_functional(layer)
    assert isinstance(call, functorch.FunctionalModule) and params[0] is not layer.weight
    x = torch.ones(1, 2)
    assert torch.equal(call(params, x), layer(x))
    with pytest.warns(FutureWarning), pytest.raises(RuntimeError, match="has buffers"):
        functorch.make_functional(torch.nn.BatchNorm1d(3))
    models = [torch.nn.BatchNorm1d(3), torch.nn.BatchNorm1d(3)]
    with pytest.warns(FutureWarning):
        call, params, buffers = functorch.combine_state_for_ensemble(models)
    assert [p.shape[0] for p in (*params, *buffers)] == [2] * 5 and not params[0].requires_grad


def test_wrapper_subclasses_are_known_by_their_protocol():
    class Pair(torch.Tensor):
        def __tensor_flatten__(self):
            return ["a"], None

        @staticmethod
        def __tensor_unflatten__(inner, spec, size, stride):
            return inner["a"].as_subclass(Pair)

    pair = torch.ones(2).as_subclass(Pair)
    pair.a = torch.ones(2)
    assert _python_dispatch.is_traceable_wrapper_subclass(pair)
    assert not _python_dispatch.is_traceable_wrapper_subclass(torch.ones(1))
    assert not _python_dispatch.is_traceable_wrapper_subclass(Pair)
    assert type(_python_dispatch.transform_subclass(pair, lambda name, t: t + 1)) is Pair
    assert _python_dispatch._get_current_dispatch_mode() is None
    with pytest.raises(NotImplementedError, match="TorchFunctionMode"), _python_dispatch.TorchDispatchMode():
        pass


def test_context_managers_that_decorate():
    entered = []

    class Count(_DecoratorContextManager):
        def __enter__(self):
            entered.append(1)

        def __exit__(self, *args):
            pass

    @Count()
    def steps():
        yield 1
        yield 2

    assert list(steps()) == [1, 2] and len(entered) == 3
    assert isinstance(torch.no_grad(), _DecoratorContextManager)
    assert context_decorator(lambda: Count(), lambda: 3)() == 3 and len(entered) == 4


def test_text_of_tensors_in_parts():
    assert torch._tensor_str._tensor_str(torch.arange(3), 7) == "[0, 1, 2]"
    assert torch._tensor_str._add_suffixes("tensor([1]", ["a", "b"], 7, True) == "tensor([1],\n       a, b)"
    assert torch._tensor_str._str(torch.ones(2), tensor_contents="xyz") == "tensor(xyz)"
    assert torch._tensor_str.PRINT_OPTS.linewidth == 80


def test_lists_of_tensors():
    utils = torch._utils
    assert utils._flatten_dense_tensors([torch.ones(2), torch.zeros(1, 2)]).tolist() == [1, 1, 0, 0]
    like = [torch.ones(2), torch.ones(1, 3)]
    assert [t.tolist() for t in utils._unflatten_dense_tensors(torch.arange(5.0), like)] == [[0, 1], [[2, 3, 4]]]
    given = [torch.ones(2), torch.ones(2, dtype=torch.int64), torch.ones(3), torch.ones(1), torch.ones(2)]
    assert [[t.numel() for t in group] for group in utils._take_tensors(given, 20)] == [[2, 3], [1, 2], [2]]


def test_index_of_a_device():
    index = torch._utils._get_device_index
    assert (index("cpu", True, True), index("cuda:1"), index(3)) == (-1, 1, 3)
    with pytest.raises(ValueError, match="Expected a non cpu device, but got: cpu"):
        index("cpu")
    with pytest.raises(ValueError, match="with a specified index or an integer, but got:cuda"):
        index("cuda")
    assert torch._utils._get_device_module("cpu") is torch.cpu
    with pytest.raises(RuntimeError, match="registered as 'torch.blah'"):
        torch._utils._get_device_module("blah")


def test_members_by_dotted_names():
    model = torch.nn.Sequential(torch.nn.Linear(2, 2))
    old, new = model[0].weight, torch.ones(2, 2)
    assert swap_tensor(model[0], "weight", new) is old and model[0].weight is new
    members = NamedMemberAccessor(model)
    before, missing = members.swap_tensors_dict({"0.weight": old, "0.extra": new}, allow_missing=True)
    assert before["0.weight"] is new and missing == ["0.extra"] and model[0].extra is new
    members.swap_tensors_dict(before, allow_missing=True)
    assert not hasattr(model[0], "extra") and model[0].weight is new
    assert members.check_keys(["0.weight", "x"])[1] == ["x"]
    with pytest.raises(RuntimeError, match="Missing key"):
        members.swap_tensors_dict({"0.weight": old, "0.zz": new})
    assert model[0].weight is new
    with pytest.raises(AttributeError, match="Linear has no attribute `zz`"):
        swap_tensor(model[0], "zz", new)


def test_optimizers_of_other_packages():
    a, b = torch.ones(2), torch.ones(3, dtype=torch.float64)
    groups = torch.optim.Optimizer._group_tensors_by_device_and_dtype([[a, b, None, a], [None] * 4], with_indices=True)
    assert groups[torch.device("cpu"), torch.float32] == ([[a, a], [None, None]], [0, 3])
    assert groups[torch.device("cpu"), torch.float64][1] == [1]
    assert _get_capturable_supported_devices(False) == ["cuda", "xpu", "hpu", "privateuseone"]
    assert _default_to_fused_or_foreach([a], False, True) == (True, False)


def test_parts_of_a_loader():
    assert worker._generate_state(1234567890123, 3) == [911343142, 720453872, 3335628216, 1002736992]
    assert worker.ManagerWatchdog().is_alive()
    assert torch.utils.data._utils.MP_STATUS_CHECK_INTERVAL == 5.0
    assert torch.utils.data._utils.python_exit_status is False


@pytest.mark.skipif(not hasattr(os, "waitid"), reason="needs waitid")
def test_a_loader_hears_of_its_workers_death():
    child = os.spawnlp(os.P_NOWAIT, "sleep", "sleep", "30")
    signal_handling._set_worker_pids(1, (child,))
    signal_handling._error_if_any_worker_fails()
    os.kill(child, signal.SIGKILL)
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
    with pytest.raises(RuntimeError, match=rf"DataLoader worker \(pid {child}\) is killed by signal: Killed"):
        signal_handling._error_if_any_worker_fails()
    os.waitpid(child, 0)


def test_a_tracer_of_another_package():
    """As torch_geometric's, which calls the parts of ``Tracer.trace`` itself."""

    class Other(tracing.Tracer):
        @tracing.compatibility(is_backward_compatible=True)
        def trace(self, root, concrete_args=None):
            self.root = root
            self.submodule_paths = {m: name for name, m in root.named_modules()}
            self.graph = torch.fx.Graph(tracer_cls=type(self))
            fn, args = self.create_args_for_root(type(root).forward, True, concrete_args)
            cache = {}

            def read(module, name):
                return self.getattr(name, tracing._orig_module_getattr(module, name), cache)

            def call(module, *args, **kwargs):
                return self.call_module(
                    module, lambda *a, **k: tracing._orig_module_call(module, *a, **k), args, kwargs
                )

            with tracing._Patcher() as patcher:
                patcher.patch_method(torch.nn.Module, "__getattr__", read, deduplicate=False)
                patcher.patch_method(torch.nn.Module, "__call__", call, deduplicate=False)
                tracing._patch_wrapped_functions(patcher)
                tracing._autowrap_check(patcher, fn.__globals__, self._autowrap_function_ids)
                self.create_node("output", "output", (self.create_arg(fn(*args)),), {})
            return self.graph

    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = torch.nn.Linear(2, 2)

        def forward(self, x):
            return torch.relu(self.layer(x)) + self.layer.bias

    net = Net()
    made = torch.fx.GraphModule(net, Other().trace(net))
    assert [n.op for n in made.graph.nodes] == [
        "placeholder", "call_module", "call_function", "get_attr", "call_function", "output",
    ]  # fmt: skip
    x = torch.randn(3, 2)
    assert torch.equal(made(x), net(x)) and not tracing.is_fx_tracing()


def test_numpy_of_a_parameter_where_gradients_are_off():
    x = torch.ones(2, requires_grad=True)
    with pytest.raises(RuntimeError, match="requires grad"):
        x.numpy()
    with torch.no_grad():
        x.numpy()[0] = 5
        assert np.asarray(x.view(-1)).tolist() == [5, 1]
    assert x.tolist() == [5, 1] and x.requires_grad


def test_operators_that_take_functions():
    class Twice(torch._ops.HigherOrderOperator):
        def __init__(self):
            super().__init__("twice")

        def __call__(self, fn, x):
            return fn(fn(x))

    assert Twice()(torch.neg, torch.ones(1)).item() == 1 and str(Twice()) == "twice"
    with pytest.raises(RuntimeError, match="subclass"):
        torch._ops.HigherOrderOperator("x")
    assert isinstance(torch.ops.aten.add.Tensor, torch._ops.OpOverload)


def test_groups_of_one_process():
    import torchax_lite.distributed as dist
    from torchax_lite.distributed import _functional_collectives as collectives

    assert not dist._rank_not_in_group(None) and len(dist.distributed_c10d._pg_map) == 0
    assert dist._rank_not_in_group(dist.GroupMember.NON_GROUP_MEMBER)
    x = torch.ones(2)
    assert torch.equal(collectives.permute_tensor(x, [0], None), x)
    with pytest.raises(ValueError, match="permutation"):
        collectives.permute_tensor(x, [1], None)
    assert not dist.autograd.is_available()


class _Noise(UserWarning):
    pass


def test_filters_of_warnings_travel_by_the_name_of_their_category(monkeypatch):
    """A worker does not import the package that a filter's category is from."""
    from torchax_lite.utils.data._utils import launcher

    monkeypatch.setattr(warnings, "filters", [("ignore", None, _Noise, None, 0), ("error", None, UserWarning, None, 0)])
    setting = launcher.setting_of_this_process()
    entries = pickle.loads(setting.filters)
    assert [e[2] for e in entries] == [(__name__, "_Noise"), UserWarning]
    worker._take_over_filters(setting)
    assert [f[2] for f in warnings.filters] == [_Noise, UserWarning]
    monkeypatch.setitem(sys.modules, __name__, None)
    worker._take_over_filters(setting)
    assert [f[2] for f in warnings.filters] == [UserWarning]


def test_a_default_device_for_a_function():
    from torchax_lite.utils._device import DeviceContext, set_device

    make = set_device("meta")(lambda: torch.zeros(2))
    assert make().device.type == "meta" and torch.zeros(2).device.type == "cpu"
    with DeviceContext("meta") as context:
        assert context.old_device == torch.device("cpu") and torch.ones(1).is_meta
