"""Benchmarks, weak dicts, swapped tensors, event files, the environment's description, and what is not there."""

import subprocess
import sys

import pytest

import torchax_lite as torch
import torchax_lite.utils.benchmark as benchmark
from torchax_lite.engine import observe
from torchax_lite.utils.flop_counter import FlopCounterMode, register_flop_formula
from torchax_lite.utils.module_tracker import ModuleTracker
from torchax_lite.utils.weak import TensorWeakRef, WeakIdKeyDictionary

utils = torch.utils


def test_timer_runs_what_it_times():
    x = torch.rand(300, 300)
    before = observe.STATS.executions
    fast = benchmark.Timer("x + 1", globals={"x": x[:2, :2].clone()}).timeit(20)
    slow = benchmark.Timer("y = x @ x", globals={"x": x}).timeit(20)
    assert slow.median > fast.median > 0 and slow.number_per_run == 20
    assert observe.STATS.executions >= before + 40
    assert benchmark.Timer("pass").blocked_autorange(min_run_time=0.01).times
    with pytest.raises(NotImplementedError, match="cpp"):
        benchmark.Timer("x", language="cpp")


def measurement(sub, seconds, description="D", threads=1):
    spec = benchmark.TaskSpec("x", "", label="L", sub_label=sub, description=description, num_threads=threads)
    return benchmark.Measurement(10, [s * 10 for s in seconds], spec)


def test_measurements_and_tables():
    m = measurement("S", [1e-6, 2e-6, 3e-6])
    assert m.median == pytest.approx(2e-6) and m.iqr == pytest.approx(1e-6) and m.title == "L: S" and m.has_warnings
    merged = benchmark.Measurement.merge([m, measurement("S", [4e-6])])
    assert len(merged) == 1 and len(merged[0].times) == 4
    table = benchmark.Compare([measurement("S", [1.76e-6]), measurement("S2", [1.2e-6])])
    assert str(table) == (
        "[----- L ------]\n          |   D \n1 threads: -----\n      S   |  1.8\n      S2  |  1.2\n\n"
        "Times are in microseconds (us).\n"
    )
    assert benchmark.select_unit(3e-3) == ("ms", 1e-3) and benchmark.trim_sigfig(123456.0, 3) == 123000.0


def test_fuzzer_repeats_with_its_seed():
    def take(seed):
        fuzzer = benchmark.Fuzzer(
            [benchmark.FuzzedParameter("n", 4, 16, "loguniform")], [benchmark.FuzzedTensor("x", ("n", 3))], seed=seed
        )
        return [(p["n"], tuple(t["x"].shape)) for t, _, p in fuzzer.take(3)]

    assert take(1) == take(1) and all(shape == (n, 3) for n, shape in take(2))


def test_flops_by_custom_formula_and_table(capsys):
    @register_flop_formula(torch.ops.aten.sin)
    def sin_flop(shape, out_shape=None):
        return 7 * shape.numel()

    with FlopCounterMode() as counter:
        torch.ones(3).sin()
        torch.ones(2, 3) @ torch.ones(3, 4)
    assert counter.get_total_flops() == 21 + 48 and "Global" in capsys.readouterr().out


def test_module_tracker():
    net = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Sequential(torch.nn.ReLU()))
    seen = []
    net[1][0].register_forward_pre_hook(lambda *_: seen.append(set(tracker.parents)))
    with ModuleTracker() as tracker:
        net(torch.ones(1, 2))
    assert seen == [{"Global", "Sequential", "Sequential.1", "Sequential.1.0"}] and tracker.parents == {"Global"}


def test_weak_dict_compares_by_identity():
    key, other = torch.ones(2), torch.ones(2)
    held = WeakIdKeyDictionary({key: 1})
    reference = TensorWeakRef(key)
    assert held[key] == 1 and other not in held and len(held) == 1 and reference() is key
    del key
    assert len(held) == 0 and reference() is None


def test_swapped_tensors():
    p, t = torch.nn.Parameter(torch.ones(2)), torch.zeros(3)
    p.note, a, b = "p", p, t
    utils.swap_tensors(p, t)
    assert a.tolist() == [0.0, 0.0, 0.0] and isinstance(b, torch.nn.Parameter) and b.note == "p" and b.requires_grad
    out = b * 2
    with pytest.raises(RuntimeError, match="AccumulateGrad"):
        utils.swap_tensors(a, b)
    out.sum().backward()
    assert b.grad.tolist() == [2.0, 2.0]


def test_environment():
    text = utils.collect_env.get_pretty_env_info()
    assert text.startswith("PyTorch version: 2.13.0") and "jax==" in text


def test_event_files(tmp_path):
    pytest.importorskip("tensorboardX")
    from torchax_lite.utils.tensorboard import SummaryWriter

    with SummaryWriter(tmp_path) as writer:
        writer.add_scalar("loss", torch.tensor(1.5), 0)
        writer.add_histogram("weights", torch.randn(10), 0)
        writer.add_image("image", torch.rand(3, 4, 4), 0)
        writer.add_tensor("tensor", torch.ones(2, 2), 0)
        writer.add_graph(torch.nn.Linear(1, 1), torch.ones(2, 1))
    (file,) = tmp_path.glob("events.out.tfevents.*")
    content = file.read_bytes()
    assert all(tag in content for tag in (b"loss", b"weights", b"image", b"tensor"))


def test_a_missing_writer_says_what_to_install():
    code = (
        "import sys; sys.modules['tensorboardX'] = None\n"
        "import torchax_lite\n"
        "try:\n    import torchax_lite.utils.tensorboard\n"
        "except ImportError as error:\n    print(error)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "pip install tensorboardX" in out


@pytest.mark.parametrize(
    "call",
    [
        lambda: utils.cpp_extension.load("x", []), lambda: utils.cpp_extension.CUDAExtension("x", []),
        lambda: utils.rename_privateuse1_backend("npu"), lambda: utils.mobile_optimizer.optimize_for_mobile(None),
    ],
)  # fmt: skip
def test_what_is_not_there_says_so(call):
    with pytest.raises(NotImplementedError, match="is not available"):
        call()


def test_throughput():
    bench = utils.ThroughputBenchmark(torch.nn.Linear(2, 2))
    bench.add_input(torch.ones(1, 2))
    stats = bench.benchmark(num_iters=3, num_warmup_iters=1)
    assert stats.num_iters == 3 and stats.latency_avg_ms > 0 and "per second" in str(stats)


def test_backend_settings():
    backends = torch.backends
    with pytest.raises(RuntimeError, match="set_benchmark_cudnn expects a bool, but got int"):
        backends.cudnn.benchmark = 1
    with backends.cudnn.flags(benchmark=True):
        assert backends.cudnn.benchmark and not backends.cudnn.enabled
    assert backends.cudnn.enabled and not backends.cudnn.benchmark
    with pytest.raises(AttributeError, match="Unknown attribute foo"):
        backends.cuda.matmul.foo = 1
    try:
        backends.cuda.matmul.allow_tf32 = True
        assert torch.get_float32_matmul_precision() == "high" and backends.cuda.matmul.fp32_precision == "tf32"
    finally:
        backends.cuda.matmul.fp32_precision = "ieee"
    assert torch.get_float32_matmul_precision() == "highest"
    with pytest.warns(FutureWarning, match="sdp_kernel"), backends.cuda.sdp_kernel(enable_flash=False):
        assert not backends.cuda.flash_sdp_enabled()
