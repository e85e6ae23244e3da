"""The same work on an accelerator as on the CPU: on a GPU where there is one, else on JAX's CPU under the name ``xla``.

What only a GPU has (its memory, its number formats, its events) is skipped elsewhere.
"""

import io

import jax
import numpy as np
import pytest

import torchax_lite as torch
from torchax_lite import engine, nn
from torchax_lite.interop import to_jax
from torchax_lite.nn import functional as F
from torchax_lite.utils.data import DataLoader, TensorDataset

GPU = torch.cuda.is_available()
DEVICE = "cuda" if GPU else "xla"
needs_gpu = pytest.mark.skipif(not GPU, reason="needs a GPU")


@pytest.fixture(autouse=True)
def full_float32():
    torch.manual_seed(0)
    with torch.backends.cudnn.flags(allow_tf32=False):
        yield


class _Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed, self.head = nn.Embedding(20, 16), nn.Linear(16, 20)
        self.layer = nn.TransformerEncoderLayer(16, 2, 32, dropout=0.0, batch_first=True)

    def forward(self, x):
        return self.head(self.layer(self.embed(x))).flatten(0, 1)


class _Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed, self.lstm, self.head = nn.Embedding(20, 8), nn.LSTM(8, 12, 2, batch_first=True), nn.Linear(12, 20)

    def forward(self, x):
        return self.head(self.lstm(self.embed(x))[0]).flatten(0, 1)


def _images():
    return torch.randn(6, 3, 12, 12), torch.randint(5, (6,))


def _tokens():
    x = torch.randint(20, (4, 9))
    return x, x.roll(1, 1).flatten()


def _convolutional():
    return nn.Sequential(
        *(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(8, 8, 3, stride=2, groups=2), nn.GroupNorm(2, 8), nn.GELU(), nn.AdaptiveAvgPool2d(1)),
        *(nn.Flatten(), nn.LayerNorm(8), nn.Linear(8, 5)),
    )


OPTIMIZERS = {
    "sgd": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9),
    "adamw": lambda p: torch.optim.AdamW(p, lr=1e-2),
    "rmsprop": lambda p: torch.optim.RMSprop(p, lr=1e-3),
}
MODELS = {"convolutional": (_convolutional, _images), "attention": (_Attention, _tokens), "tagger": (_Tagger, _tokens)}


def _losses(make, data, optimizer, device, steps=6):
    torch.manual_seed(3)
    net = make().to(device)
    x, y = (t.to(device) for t in data())
    run, losses = OPTIMIZERS[optimizer](net.parameters()), []
    for i in range(steps):
        run.zero_grad()
        loss = F.cross_entropy(net(x), y)
        loss.backward()
        run.step()
        losses.append(loss.item())
        if i == 3:
            before = engine.stats()
    after = engine.stats()
    assert after.compiles + after.disk_hits == before.compiles + before.disk_hits
    assert after.executions - before.executions == steps - 4
    assert next(net.parameters()).device.type == device
    return losses


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("model", MODELS)
def test_training_gives_the_losses_of_the_cpu_in_one_program_a_step(model, optimizer):
    make, data = MODELS[model]
    on_cpu, there = (_losses(make, data, optimizer, device) for device in ("cpu", DEVICE))
    assert there == pytest.approx(on_cpu, rel=2e-4)


def test_tensors_say_where_they_are():
    x = torch.arange(3.0, device=DEVICE)
    assert x.device == torch.device(DEVICE, 0) and x.is_cuda is GPU
    assert repr(x) == f"tensor([0., 1., 2.], device='{DEVICE}:0')"
    assert x.cpu().device.type == "cpu" and (x + 1).device == x.device and torch.ones_like(x).device == x.device
    with pytest.raises(RuntimeError, match="Expected all tensors to be on the same device"):
        x + torch.ones(3)
    with pytest.raises(TypeError, match=f"can't convert {DEVICE}:0 device type tensor to numpy"):
        x.numpy()
    assert (x * torch.tensor(2.0)).tolist() == [0.0, 2.0, 4.0]  # a 0-dim tensor of the CPU goes along
    with torch.device(DEVICE):
        assert torch.zeros(2).device.type == DEVICE and nn.Linear(2, 2).weight.device.type == DEVICE
    assert torch.tensor([1, 2]).to(DEVICE, torch.float16, non_blocking=True).dtype is torch.float16


def test_wide_dtypes_stay_wide():
    x = torch.tensor([2**40 + 1, -5], device=DEVICE)
    assert (x * 3).tolist() == [3 * (2**40 + 1), -15]
    y = torch.tensor([1 / 3], dtype=torch.float64, device=DEVICE)
    assert (y + 1e-12).item() == 1 / 3 + 1e-12 and (y * 1j).dtype is torch.complex128


def test_random_numbers_repeat_and_have_a_state():
    def draw():
        return [torch.randn(1000, device=DEVICE), torch.rand(5, device=DEVICE), torch.randint(9, (7,), device=DEVICE)]

    generator = torch.Generator(DEVICE).manual_seed(5)
    torch.manual_seed(1)
    first = draw()
    state = torch.cuda.get_rng_state() if GPU else None
    second = draw()
    torch.manual_seed(1)
    assert all(torch.equal(a, b) for a, b in zip(first, draw(), strict=True))
    assert not torch.equal(first[0], second[0]) and abs(first[0].mean().item()) < 0.15
    if GPU:
        torch.cuda.set_rng_state(state)
        assert all(torch.equal(a, b) for a, b in zip(second, draw(), strict=True))
    a = torch.rand(4, device=DEVICE, generator=generator)
    assert torch.equal(a, torch.rand(4, device=DEVICE, generator=generator.manual_seed(5)))
    kept = F.dropout(torch.ones(10000, device=DEVICE), 0.25)
    assert sorted(set(kept.tolist())) == pytest.approx([0, 4 / 3]) and abs(kept.mean().item() - 1) < 0.05


def test_files_move_between_devices():
    net = nn.Linear(3, 2).to(DEVICE)
    run = torch.optim.Adam(net.parameters())
    net(torch.ones(1, 3, device=DEVICE)).sum().backward()
    run.step()
    file = io.BytesIO()
    torch.save({"net": net.state_dict(), "run": run.state_dict()}, file)
    for where in ("cpu", DEVICE, None):
        file.seek(0)
        found = torch.load(file, map_location=where)
        assert found["net"]["weight"].device.type == (where or DEVICE)
        assert torch.equal(found["net"]["weight"].cpu(), net.weight.detach().cpu())
        again = nn.Linear(3, 2).to(DEVICE)
        again.load_state_dict(found["net"])
        restored = torch.optim.Adam(again.parameters())
        restored.load_state_dict(found["run"])
        assert restored.state[again.weight]["exp_avg"].device.type == DEVICE


def test_batches_of_workers_reach_the_device():
    data = TensorDataset(torch.arange(40.0).reshape(20, 2), torch.arange(20))
    loader = DataLoader(data, 4, num_workers=2, pin_memory=True, persistent_workers=True)
    for _ in range(2):
        seen = [y.to(DEVICE, non_blocking=True) + x.to(DEVICE)[:, 0].long() * 0 for x, y in loader]
        assert torch.cat(seen).tolist() == list(range(20))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_attention_agrees_with_the_cpu(dtype):
    q, k, v = (torch.randn(2, 4, 32, 16, dtype=dtype) for _ in range(3))
    tolerance = {torch.float32: 1e-5, torch.float16: 4e-3, torch.bfloat16: 3e-2}[dtype]
    for options in ({}, {"is_causal": True}, {"attn_mask": torch.rand(32, 32) > 0.3}):
        want = F.scaled_dot_product_attention(q.double(), k.double(), v.double(), **options)
        moved = {n: o.to(DEVICE) if isinstance(o, torch.Tensor) else o for n, o in options.items()}
        leaves = [t.to(DEVICE).requires_grad_() for t in (q, k, v)]
        got = F.scaled_dot_product_attention(*leaves, **moved)
        torch.testing.assert_close(got.cpu().double(), want, rtol=tolerance, atol=tolerance)
        got.square().sum().backward()
        assert all(torch.isfinite(t.grad).all().item() for t in leaves)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_mixed_precision_trains(dtype):
    net = _convolutional().to(DEVICE)
    x, y = (t.to(DEVICE) for t in _images())
    run = torch.optim.SGD(net.parameters(), lr=0.1)
    scaler = torch.amp.GradScaler(DEVICE, init_scale=2.0**30 if dtype is torch.float16 else 1024.0)
    losses = []
    for _ in range(30):
        run.zero_grad()
        with torch.autocast(DEVICE, dtype):
            out = net(x)
            loss = F.cross_entropy(out, y)
        assert out.dtype is dtype and loss.dtype is torch.float32
        scaler.scale(loss).backward()
        scaler.unscale_(run)
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        scaler.step(run)
        scaler.update()
        losses.append(loss.item())
    assert losses[-1] < 0.7 * losses[0]
    assert (scaler.get_scale() < 2.0**30) is True


def test_recomputed_and_differentiated_functions():
    x = torch.randn(5, device=DEVICE, requires_grad=True)
    y = torch.utils.checkpoint.checkpoint(lambda t: t.sin().exp(), x, use_reentrant=False)
    (g,) = torch.autograd.grad(y.sum(), x, create_graph=True)
    (h,) = torch.autograd.grad(g.sum(), x)
    t = x.detach().cpu().double()
    torch.testing.assert_close(h.cpu().double(), t.sin().exp() * (t.cos() ** 2 - t.sin()), rtol=1e-4, atol=1e-5)
    per_sample = torch.func.vmap(torch.func.grad(lambda t: (t**3).sum()))(x.detach())
    torch.testing.assert_close(per_sample, 3 * x.detach() ** 2)


@pytest.mark.parametrize(
    "name", ["svdvals", "eigvalsh", "qr", "cholesky", "inv", "det", "lstsq", "eigvals", "matrix_exp"]
)
def test_linear_algebra_agrees_with_the_cpu(name):
    a = torch.randn(4, 6, 6, dtype=torch.float64)
    a = a @ a.mT + 6 * torch.eye(6, dtype=torch.float64)
    args = (a, a[..., :2]) if name == "lstsq" else (a,)
    got, want = (getattr(torch.linalg, name)(*(t.to(device) for t in args)) for device in (DEVICE, "cpu"))
    if name == "qr":
        got, want = got[0] @ got[1], want[0] @ want[1]
    if name == "lstsq":
        got, want = got.solution, want.solution
    if name == "eigvals":
        got, want = (torch.sort(t.real.cpu()).values for t in (got, want))
    torch.testing.assert_close(got.cpu(), want.cpu(), rtol=1e-9, atol=1e-9)


# ---------------------------------------------------------------- a GPU's own


@needs_gpu
def test_the_gpu_is_described():
    cuda, found = torch.cuda, jax.devices("gpu")[0]
    assert cuda.device_count() >= 1 and cuda.current_device() == 0 and cuda.get_device_name() == found.device_kind
    properties = cuda.get_device_properties(0)
    assert properties.total_memory > 2**30 and properties.multi_processor_count > 0
    assert cuda.get_device_capability() == (properties.major, properties.minor)
    free, total = cuda.mem_get_info()
    assert 0 < free <= total and torch.accelerator.current_accelerator().type == "cuda"


@needs_gpu
def test_memory_is_counted_and_given_back():
    before = torch.cuda.memory_allocated()
    x = torch.ones(2**24, device="cuda")
    assert torch.cuda.memory_allocated() - before >= 2**26 <= torch.cuda.max_memory_allocated()
    del x
    assert torch.cuda.memory_allocated() - before < 2**20
    assert torch.cuda.memory_reserved() >= torch.cuda.memory_allocated()


@needs_gpu
def test_float32_precision_of_products_and_convolutions():
    a, b = (torch.randn(512, 512, device="cuda") for _ in range(2))
    image, kernel = torch.randn(4, 64, 32, 32, device="cuda"), torch.randn(64, 64, 3, 3, device="cuda")

    def error(run, *args):
        exact = run(*(t.double() for t in args))
        return ((run(*args) - exact).norm() / exact.norm()).item()

    assert error(torch.matmul, a, b) < 2e-6 and error(F.conv2d, image, kernel) < 2e-6
    assert error(lambda x, y: torch.einsum("ij,kj->ik", x, y), a, b) < 2e-6
    torch.set_float32_matmul_precision("high")
    try:
        assert 1e-5 < error(torch.matmul, a, b) < 2e-3
    finally:
        torch.set_float32_matmul_precision("highest")
    with torch.backends.cudnn.flags(allow_tf32=True):
        assert error(F.conv2d, image, kernel) < 2e-3


@needs_gpu
def test_events_and_streams_measure_time():
    begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    begin.record()
    x = torch.randn(2048, 2048, device="cuda")
    for _ in range(10):
        x = x @ x / 50
    end.record()
    torch.cuda.synchronize()
    assert 0 < begin.elapsed_time(end) < 60000 and end.query()
    with torch.cuda.stream(torch.cuda.Stream()):
        assert (torch.ones(3, device="cuda") * 2).tolist() == [2, 2, 2]


@needs_gpu
def test_arrays_are_shared_with_jax():
    x = torch.arange(4.0, device="cuda")
    array = to_jax(x)
    assert next(iter(array.devices())).platform == "gpu" and np.array_equal(np.asarray(array), [0, 1, 2, 3])
    assert torch.from_dlpack(array + 1).device.type == "cuda"
