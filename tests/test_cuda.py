"""``torch.cuda`` on a machine without a GPU, and its bookkeeping on a pretended one."""

import os
import subprocess
import sys

import jax
import pytest

import torchax_lite as torch
from torchax_lite.cuda import counters, devices
from torchax_lite.engine.avals import place


def test_import_starts_no_backend():
    environment = {**os.environ, "JAX_PLATFORMS": "no_such_platform"}  # a backend that starts would fail
    subprocess.run([sys.executable, "-c", "import torchax_lite.cuda"], check=True, env=environment)


@pytest.fixture
def no_gpu(monkeypatch):
    monkeypatch.setattr(devices, "gpus", lambda: [])


def test_answers_without_a_gpu(no_gpu):
    cuda = torch.cuda
    assert not cuda.is_available() and cuda.device_count() == 0 and not cuda.is_bf16_supported()
    assert cuda.memory_allocated() == cuda.max_memory_allocated() == cuda.memory_reserved() == 0
    assert cuda.memory_stats() == {} and cuda.get_rng_state_all() == [] and cuda.default_generators == ()
    assert cuda.get_arch_list() == [] and not cuda.is_tf32_supported()
    cuda.manual_seed(1)
    cuda.manual_seed_all(2.5)
    cuda.seed_all()
    cuda.empty_cache()
    with cuda.stream(None), cuda.device(None), cuda.device_of(torch.zeros(1)):
        pass


@pytest.mark.parametrize(
    "call",
    ["current_device", "synchronize", "init", "get_device_name", "Stream", "Event", "get_rng_state", "mem_get_info",
     "reset_peak_memory_stats", "current_stream", "initial_seed"],
)  # fmt: skip
def test_what_needs_a_gpu_says_so(no_gpu, call):
    with pytest.raises(AssertionError, match="Torch not compiled with CUDA enabled"):
        getattr(torch.cuda, call)()


def test_missing_parts_name_themselves():
    with pytest.raises(NotImplementedError, match="torch.cuda.CUDAGraph"):
        torch.cuda.CUDAGraph()
    with torch.cuda.nvtx.range("step {}", 1):
        assert torch.cuda.nvtx.range_push("a") == 1 and torch.cuda.nvtx.range_pop() == 1
    assert not hasattr(torch.cuda, "no_such_name")


class Pretended:
    platform, device_kind, compute_capability, core_count = "gpu", "Pretended H1", "9.0", 132

    def __init__(self):
        self.stats = {"bytes_in_use": 100, "peak_bytes_in_use": 500, "bytes_limit": 1000}

    def memory_stats(self):
        return self.stats


@pytest.fixture
def gpus(monkeypatch):
    made = [Pretended(), Pretended()]
    monkeypatch.setattr(devices, "gpus", lambda: made)
    monkeypatch.setattr(counters, "_peak_at_reset", {})
    for i in range(2):
        monkeypatch.setattr(place("cuda", i), "_jax_device", jax.devices("cpu")[0])
    yield made
    devices._current.index = 0


def test_current_device(gpus):
    cuda = torch.cuda
    assert cuda.is_available() and cuda.device_count() == 2 and cuda.current_device() == 0
    cuda.set_device("cuda:1")
    assert cuda.current_device() == 1
    with cuda.device(0):
        assert cuda.current_device() == 0
        with cuda.device(-1):
            assert cuda.current_device() == 0
    assert cuda.current_device() == 1
    with pytest.raises(RuntimeError, match="invalid device ordinal"):
        cuda.set_device(2)
    with pytest.raises(ValueError, match="Expected a cuda device, but got: cpu"):
        cuda.set_device("cpu")


def test_properties(gpus):
    p = torch.cuda.get_device_properties(1)
    assert (p.name, p.major, p.minor, p.total_memory, p.multi_processor_count) == ("Pretended H1", 9, 0, 1000, 132)
    assert torch.cuda.get_device_capability() == (9, 0) and torch.cuda.get_arch_list() == ["sm_90"]
    assert torch.cuda.is_bf16_supported(including_emulation=False)


def test_peak_memory_after_a_reset(gpus):
    cuda, stats = torch.cuda, gpus[0].stats
    assert (cuda.memory_allocated(), cuda.max_memory_allocated(), cuda.mem_get_info()) == (100, 500, (900, 1000))
    cuda.reset_peak_memory_stats()
    assert cuda.max_memory_allocated() == 100
    stats["bytes_in_use"] = 300
    assert cuda.max_memory_allocated() == 300
    stats["bytes_in_use"] = 200
    assert cuda.max_memory_allocated() == 300
    stats["peak_bytes_in_use"] = 700
    assert cuda.max_memory_allocated() == 700
    assert cuda.max_memory_allocated(1) == 500
    assert "700 B" in cuda.memory_summary()


def test_events_time_the_queue(gpus):
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    with pytest.raises(ValueError, match="must be recorded"):
        start.elapsed_time(end)
    start.record()
    end.record()
    assert start.elapsed_time(end) >= 0 and end.query()
    with pytest.raises(ValueError, match="enable_timing"):
        start.elapsed_time(torch.cuda.Event())


def test_streams(gpus):
    cuda = torch.cuda
    side = cuda.Stream(device=1)
    assert cuda.current_stream() == cuda.default_stream() != side
    with cuda.stream(side):
        assert cuda.current_stream() == side and cuda.current_device() == 1
    assert cuda.current_device() == 0 and cuda.current_stream(1) == cuda.default_stream(1)
    side.wait_stream(cuda.current_stream())
    assert side.query() and side.record_event().query()


def test_generators_of_each_gpu(gpus):
    cuda = torch.cuda
    torch.manual_seed(5)
    assert [g.initial_seed() for g in cuda.default_generators] == [5, 5]
    cuda.manual_seed(6)
    assert [g.initial_seed() for g in cuda.default_generators] == [6, 5]
    states = cuda.get_rng_state_all()
    cuda.manual_seed_all(7)
    assert cuda.initial_seed() == 7
    cuda.set_rng_state_all(states)
    assert [g.initial_seed() for g in cuda.default_generators] == [6, 5]
    assert cuda.get_rng_state("cuda:1").tolist() == states[1].tolist()


def test_tensors_on_a_gpu_draw_from_its_generator(gpus):
    torch.cuda.manual_seed(1)
    first = torch.rand(3, device="cuda").tolist()
    torch.cuda.manual_seed(1)
    assert torch.cuda.FloatTensor(3).uniform_().tolist() == first
    assert isinstance(torch.zeros(1, device="cuda"), torch.cuda.FloatTensor)
    assert not isinstance(torch.zeros(1), torch.cuda.FloatTensor)


@pytest.mark.parametrize(
    "call", [lambda: torch.ones(1).cuda(), lambda: torch.ones(1, device="cuda"), lambda: torch.nn.Linear(1, 1).to("cuda:0")]
)  # fmt: skip
def test_tensors_without_a_gpu(call):
    with pytest.raises(AssertionError, match="Torch not compiled with CUDA enabled"):
        call()


def test_accelerator_without_one():
    accelerator = torch.accelerator
    assert (
        accelerator.current_accelerator() is None and not accelerator.is_available() and accelerator.device_count() == 0
    )
    for name in ("current_device_index", "synchronize", "memory_allocated", "empty_cache", "current_stream"):
        with pytest.raises(RuntimeError, match="Cannot access accelerator device when none is available"):
            getattr(accelerator, name)()


def test_accelerator_is_the_gpu(gpus, monkeypatch):
    monkeypatch.setattr("torchax_lite.accelerator.accelerator_devices", lambda: gpus)
    accelerator = torch.accelerator
    assert accelerator.current_accelerator() == torch.device("cuda") and accelerator.device_count() == 2
    with accelerator.device_index(1):
        assert torch.cuda.current_device() == accelerator.current_device_index() == 1
    assert accelerator.memory_allocated() == 100 and accelerator.get_memory_info() == (900, 1000)
    stream = torch.Stream("cuda:1")
    with stream:
        assert torch.cuda.current_stream(1) == stream
    assert torch.cuda.current_stream(1) == torch.cuda.default_stream(1)


def test_host_streams_and_events():
    start, end = (torch.Event("cpu", enable_timing=True) for _ in range(2))
    start.record()
    end.record()
    assert start.elapsed_time(end) >= 0 and torch.Stream("cpu").query()
    assert repr(torch.Stream("cpu")) == "torch.Stream device_type=cpu, device_index=-1, stream_id=0"


def test_exhausted_memory_has_pytorchs_class():
    from torchax_lite.engine.errors import translated

    error = translated(RuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 10 bytes"))
    assert isinstance(error, torch.cuda.OutOfMemoryError) and torch.OutOfMemoryError is torch.cuda.OutOfMemoryError
    other = ValueError("x")
    assert translated(other) is other and issubclass(torch.AcceleratorError, RuntimeError)
