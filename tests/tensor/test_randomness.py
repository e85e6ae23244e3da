"""Random tensors: PyTorch's CPU streams through the public functions, generators, seeds, gradients, accelerators."""

import copy
import hashlib
import json
import math
import pathlib
import pickle

import numpy as np
import pytest

import torchax_lite as torch
import torchax_lite.nn.functional  # noqa: F401  (the recorded calls use torch.nn.functional)

DATA = json.loads((pathlib.Path(__file__).parents[1] / "data" / "randomness.json").read_text())


def zeros(*size, dtype):
    return torch.tensor(np.zeros(size), dtype=dtype)


def digest(x):
    x = x.detach()
    text = f"{x.dtype} {tuple(x.shape)} {tuple(x.stride())}"
    if x.dtype in (torch.float16, torch.bfloat16):
        x = x.to(torch.float32)
    return hashlib.sha256(text.encode() + x.contiguous().numpy().tobytes()).hexdigest()[:16]


def test_recorded_stream():
    names = {"torch": torch, "zeros": zeros, "g": torch.Generator().manual_seed(3)}
    torch.manual_seed(0)
    wrong = []
    for text, expected in DATA["stream"]:
        exec(text, names)
        if digest(names["x"]) != expected:
            wrong.append(text)
    assert not wrong
    assert hashlib.sha256(torch.get_rng_state().numpy().tobytes()).hexdigest()[:16] == DATA["state"]


@pytest.mark.parametrize("text, expected", DATA["calls"], ids=[text for text, _ in DATA["calls"]])
def test_recorded_calls(text, expected):
    torch.manual_seed(0)
    if expected is None:
        eval(text, {"torch": torch})
        return
    kind, message = expected
    with pytest.raises(Exception) as caught:
        eval(text, {"torch": torch})
    assert type(caught.value).__name__ == kind
    if "Could not run 'aten" not in message:  # PyTorch's words about its own backends
        assert str(caught.value)[:48] == message[:48]


VECTORS = {
    "torch.zeros(6, dtype=torch.int32).random_()": [209652396, 398764591, 924231285, 1478610112, 441365315, 1537364731],
    "torch.rand(6)": [0.49625659, 0.768221796, 0.0884774327, 0.132030487, 0.307422817, 0.634078681],
    "torch.rand(4, dtype=torch.float64)": [0.970053002, 0.707819864, 0.459382943, 0.920747684],
    "torch.rand(6, dtype=torch.bfloat16)": [0.49609375, 0.76953125, 0.0883789062, 0.131835938, 0.306640625, 0.6328125],
    "torch.empty(6).uniform_(-0.5, 2)": [0.740641475, 1.42055452, -0.278806418, -0.169923782, 0.268557042, 1.08519673],
    "torch.randn(6)": [1.54099607, -0.293428898, -2.17878938, 0.568431258, -1.08452237, -1.39859545],
    "torch.randn(16)[:4]": [-1.12583983, -1.1523602, -0.250578582, -0.433878809],
    "torch.randn(4, dtype=torch.float64)": [1.54099611, -0.293428906, -2.17878938, 0.568431277],
    "torch.cat([torch.randn(3), torch.rand(4), torch.randn(2)])": [
        1.54099607, -0.293428898, -2.17878938, 0.455627978, 0.632306278, 0.348893464, 0.401717305, 0.568431258,
        0.403346837,
    ],
    "torch.randint(0, 100, (8,))": [44, 39, 33, 60, 63, 79, 27, 3],
    "torch.randint(0, 2**28, (4,))": [130329135, 136432832, 195187451, 149257575],
    "torch.randint(-5, 5, (8,))": [-1, 4, -2, -5, -2, 4, 2, -2],
    "torch.randperm(10)": [4, 1, 7, 5, 3, 9, 0, 8, 6, 2],
    "torch.empty(4).random_()": [8325664, 12888472, 1484222, 2214888],
    "torch.empty(12).bernoulli_(0.5)": [0, 0, 1, 0, 0, 0, 1, 1, 0, 1, 1, 1],
    "torch.bernoulli(torch.full((12,), 0.5))": [1, 0, 1, 1, 1, 0, 1, 0, 1, 0, 1, 1],
    "torch.empty(6).exponential_()": [3.50832629, 1.23038471, 0.615044117, 2.53511858, 1.03570545, 1.56612885],
    "torch.multinomial(torch.tensor([.1, .2, .3, .4]), 2)": [2, 1],
    "torch.multinomial(torch.tensor([.1, .2, .3, .4]), 8, True)": [3, 3, 2, 3, 3, 3, 1, 2],
    "torch.empty(8).geometric_(0.3)": [1, 1, 3, 1, 2, 1, 5, 3],
    "torch.empty(4).cauchy_()": [10.5977297, 0.764767289, -0.128299341, 3.93307328],
    "torch.empty(4).log_normal_()": [59.2634163, 1.51155996, 0.0348194614, 8.47281265],
    "torch.nn.functional.dropout(torch.ones(12), 0.5)": [0, 0, 2, 0, 0, 0, 2, 2, 0, 2, 2, 2],
    "torch.nn.functional.dropout(torch.ones(12), 0.1)": [0, *[1.11111116] * 2, 0, *[1.11111116] * 8],
    "torch.poisson(torch.full((8,), 3.))": [6, 3, 2, 3, 4, 3, 5, 3],
}  # fmt: skip


@pytest.mark.parametrize("text", VECTORS)
def test_known_vectors(text):
    torch.manual_seed(0)
    np.testing.assert_allclose(eval(text).to(torch.float64).numpy(), VECTORS[text], rtol=1e-8)


HASHES = {
    "torch.rand(1000)": "20221bec9830215c",
    "torch.randn(1000)": "43678415636bbad8",
    "torch.randn(1003)": "d8712f5f5c0c1803",
    "torch.randn(1000, dtype=torch.float64)": "e9aadb4005f415af",
    "torch.randint(0, 1000, (1000,))": "0d830c8245bf33e5",
    "torch.randperm(1000)": "cee4a88ef6120e8e",
    "torch.empty(1000).bernoulli_(0.3)": "23f60bc641a0332d",
    "torch.empty(1000).exponential_()": "4df57e50cde188d7",
    "torch.empty(1000).uniform_(-0.1, 0.1)": "a773abc6ddc76db8",
    "torch.empty(1000).normal_(0, 0.02)": "fea9d240c6487c05",
}


@pytest.mark.parametrize("text", HASHES)
def test_known_hashes(text):
    torch.manual_seed(0)
    assert hashlib.sha256(eval(text).numpy().tobytes()).hexdigest()[:16] == HASHES[text]


def test_normal_with_tensors_rounds_the_product_and_the_sum():
    torch.manual_seed(0)
    mean, std = torch.randn(2000), torch.rand(2000)
    state = torch.get_rng_state()
    z = torch.randn(2000).numpy()
    torch.set_rng_state(state)
    np.testing.assert_array_equal(torch.normal(mean, std).numpy(), z * std.numpy() + mean.numpy())


# -- generators and seeds


def test_generator_state_round_trips():
    g = torch.Generator().manual_seed(7)
    torch.randn(3, generator=g)
    restored = torch.Generator().set_state(g.get_state())
    for other in (g.clone_state(), copy.deepcopy(g), pickle.loads(pickle.dumps(g)), restored):
        held = g.get_state()
        assert torch.randn(5, generator=g).tolist() == torch.randn(5, generator=other).tolist()
        g.set_state(held)
    assert g.get_state().dtype is torch.uint8 and g.get_state().shape == (5056,)
    assert g.device == torch.device("cpu")


def test_a_state_does_not_change_when_numbers_are_drawn():
    g = torch.Generator().manual_seed(7)
    state = g.get_state()
    before = state.clone()
    torch.rand(3, generator=g)
    assert state.tolist() == before.tolist()


def test_manual_seed_takes_what_int_takes():
    assert torch.manual_seed(-1) is torch.default_generator
    assert torch.initial_seed() == 2**64 - 1
    torch.manual_seed(2.7)
    first = torch.rand(2).tolist()
    torch.manual_seed("2")
    assert torch.rand(2).tolist() == first
    assert torch.seed() == torch.initial_seed()


def test_torch_random_module():
    assert torch.random.manual_seed is torch.manual_seed
    torch.manual_seed(1)
    with torch.random.fork_rng(devices=[]):
        inside = torch.rand(3).tolist()
        torch.manual_seed(5)
    assert torch.rand(3).tolist() == inside
    with torch.random.fork_rng(enabled=False):
        torch.manual_seed(5)
    assert torch.initial_seed() == 5
    assert torch.random.thread_safe_generator() is None


def test_generator_of_another_device_is_refused():
    with pytest.raises(RuntimeError, match="Expected a 'cpu' device type for generator but found 'xla'"):
        torch.rand(2, generator=torch.Generator("xla"))


# -- tensors that alias, gradients


def test_fill_of_a_view_shows_in_the_base():
    base = torch.zeros(4, 6)
    view = base.t()[1:3]
    version = base._version
    view.uniform_(1, 2)
    assert base._version == version + 1
    assert ((base >= 1).sum(0) == torch.tensor([0, 4, 4, 0, 0, 0])).all()
    assert view.t().tolist() == base[:, 1:3].tolist()


def test_fill_writes_through_to_numpy():
    array = np.zeros((3, 2), np.float32)
    torch.from_numpy(array).normal_()
    assert (array != 0).all()


def test_factory_result_has_version_0():
    assert torch.rand(2)._version == 0


def test_channels_last_is_filled_in_memory_order():
    torch.manual_seed(0)
    flat = torch.rand(2 * 4 * 4 * 3)
    torch.manual_seed(0)
    x = torch.empty(2, 3, 4, 4).to(memory_format=torch.channels_last).uniform_()
    assert x.permute(0, 2, 3, 1).reshape(-1).tolist() == flat.tolist()


@pytest.mark.parametrize(
    "fill, name",
    [
        (lambda t: t.uniform_(), "UniformBackward0"), (lambda t: t.normal_(), "NormalBackward0"),
        (lambda t: t.random_(), "RandomBackward2"), (lambda t: t.random_(5), "RandomBackward1"),
        (lambda t: t.random_(1, 5), "RandomBackward0"), (lambda t: t.bernoulli_(0.5), "BernoulliBackward2"),
        (lambda t: t.bernoulli_(torch.full((3,), 0.5)), "BernoulliBackward1"),
        (lambda t: t.exponential_(), "ExponentialBackward0"), (lambda t: t.geometric_(0.5), "GeometricBackward0"),
        (lambda t: t.cauchy_(), "CauchyBackward0"), (lambda t: t.log_normal_(), "LogNormalBackward0"),
        (lambda t: torch.bernoulli(t * 0), "BernoulliBackward0"), (lambda t: torch.poisson(t + 3), "PoissonBackward0"),
        (lambda t: torch.normal(t, 1.0), "NormalBackward1"), (lambda t: torch.normal(1.0, t + 3), "NormalBackward2"),
        (lambda t: torch.normal(t, t + 3), "NormalBackward3"),
    ],
)  # fmt: skip
def test_draws_stop_gradients_with_zeros(fill, name):
    leaf = torch.ones(3, requires_grad=True)
    x = leaf * 2
    out = fill(x)
    assert out.grad_fn.name() == name
    out.sum().backward()
    assert leaf.grad.tolist() == [0, 0, 0]


def test_binomial_has_no_derivative():
    leaf = torch.ones(3, requires_grad=True)
    with pytest.raises(RuntimeError, match="derivative for aten::binomial is not implemented"):
        torch.binomial(leaf + 3, leaf / 4).sum().backward()


def test_requires_grad_argument():
    assert torch.rand(2, requires_grad=True).is_leaf
    assert torch.rand_like(torch.zeros(2), requires_grad=True).requires_grad


def test_meta_draws_nothing():
    torch.manual_seed(0)
    state = torch.get_rng_state().tolist()
    x = torch.empty(2, 3, device="meta").normal_()
    assert torch.multinomial(x, 2).shape == (2, 2) and torch.bernoulli(x).shape == (2, 3)
    assert torch.get_rng_state().tolist() == state


# -- accelerators (``xla`` is JAX's default device, whatever it is)

N = 20000
LAWS = {
    "uniform": (lambda: torch.rand(N, device="xla"), 0.5, math.sqrt(1 / 12)),
    "uniform_": (lambda: torch.empty(N, device="xla").uniform_(-2, 4), 1.0, math.sqrt(3)),
    "normal": (lambda: torch.randn(N, device="xla", dtype=torch.float64), 0.0, 1.0),
    "normal_ bfloat16": (lambda: torch.empty(N, device="xla", dtype=torch.bfloat16).normal_(2, 3), 2.0, 3.0),
    "normal complex": (lambda: torch.randn(N, device="xla", dtype=torch.complex64).real, 0.0, math.sqrt(0.5)),
    "normal of tensors": (lambda: torch.normal(torch.ones(N, device="xla"), 2 * torch.ones(N, device="xla")), 1.0, 2.0),
    "randint": (lambda: torch.randint(-3, 4, (N,), device="xla"), 0.0, 2.0),
    "randint wide": (lambda: torch.randint(0, 2**40, (N,), device="xla") / 2**40, 0.5, math.sqrt(1 / 12)),
    "random_": (lambda: torch.empty(N, device="xla", dtype=torch.int8).random_(), 63.5, math.sqrt((128**2 - 1) / 12)),
    "bernoulli_": (lambda: torch.empty(N, device="xla").bernoulli_(0.3), 0.3, math.sqrt(0.21)),
    "bernoulli": (lambda: torch.bernoulli(torch.full((N,), 0.3, device="xla")), 0.3, math.sqrt(0.21)),
    "exponential_": (lambda: torch.empty(N, device="xla").exponential_(2), 0.5, 0.5),
    "geometric_": (lambda: torch.empty(N, device="xla").geometric_(0.25), 4.0, math.sqrt(12)),
    "log_normal_": (lambda: torch.empty(N, device="xla").log_normal_(0, 0.5).log(), 0.0, 0.5),
    "cauchy_": (lambda: (torch.empty(N, device="xla").cauchy_(1, 2) > 1) + 0.0, 0.5, 0.5),
    "poisson": (lambda: torch.poisson(torch.full((N,), 4.0, device="xla")), 4.0, 2.0),
    "binomial": (
        lambda: torch.binomial(torch.full((N,), 9.0, device="xla"), torch.full((N,), 0.5, device="xla")), 4.5, 1.5,
    ),
    "multinomial": (lambda: torch.multinomial(torch.tensor([1.0, 0.0, 1.0], device="xla"), N, True), 1.0, 1.0),
}  # fmt: skip


@pytest.mark.parametrize("name", LAWS)
def test_laws_on_accelerators(name):
    torch.manual_seed(3)
    draw, mean, deviation = LAWS[name]
    x = draw()
    assert x.device.type == "xla"
    x = x.cpu().to(torch.float64).numpy()
    assert abs(x.mean() - mean) < 5 * deviation / math.sqrt(N)
    assert abs(x.std() - deviation) < 0.05 * deviation + 0.02


def test_accelerator_draws_repeat_with_the_seed_and_differ_from_each_other():
    torch.manual_seed(11)
    first, second = torch.rand(4, device="xla").tolist(), torch.rand(4, device="xla").tolist()
    assert first != second
    torch.manual_seed(11)
    assert [torch.rand(4, device="xla").tolist() for _ in range(2)] == [first, second]
    torch.manual_seed(12)
    assert torch.rand(4, device="xla").tolist() != first


def test_accelerator_draws_compile_once():
    torch.rand(5, device="xla").tolist()
    torch.engine.reset_stats()
    for seed in range(3):
        torch.manual_seed(seed)
        torch.rand(5, device="xla").tolist()
    assert torch.engine.stats().compiles == 0


def test_accelerator_generator_state():
    g = torch.Generator("xla").manual_seed(4)
    torch.rand(3, generator=g, device="xla")
    other = pickle.loads(pickle.dumps(g))
    assert g.get_offset() == other.get_offset() == 4
    expected = torch.randn(3, generator=g, device="xla").tolist()
    assert torch.randn(3, generator=other, device="xla").tolist() == expected
    g.set_offset(4)
    assert torch.randn(3, generator=g, device="xla").tolist() == expected
    with pytest.raises(RuntimeError, match="offset must be a multiple of 4"):
        g.set_offset(3)
    with pytest.raises(RuntimeError, match="RNG state is wrong size"):
        g.set_state(torch.zeros(3, dtype=torch.uint8))


def test_fork_rng_restores_accelerators():
    torch.manual_seed(1)
    torch.rand(1, device="xla")
    with torch.random.fork_rng():
        inside = torch.rand(3, device="xla").tolist()
    assert torch.rand(3, device="xla").tolist() == inside


def test_permutation_on_accelerators():
    assert sorted(torch.randperm(50, device="xla").tolist()) == list(range(50))
    rows = torch.multinomial(torch.ones(4, 6, device="xla"), 6).sort(1)[0]
    assert (rows == torch.arange(6, device="xla")).all()


@pytest.mark.parametrize(
    "text",
    ["torch.rand(2, device='xla', dtype=torch.int64)", "torch.randn(2, device='xla', dtype=torch.int64)",
     "torch.randint(3, 2, (3,), device='xla')", "torch.empty(2, device='xla').normal_(0, -1)",
     "torch.multinomial(torch.ones(2, device='xla'), 3)", "torch.multinomial(torch.zeros(2, device='xla'), 1)"],
)  # fmt: skip
def test_accelerators_check_arguments_as_the_cpu_does(text):
    with pytest.raises(Exception) as there:
        eval(text)
    with pytest.raises(Exception) as here:
        eval(text.replace("device='xla'", "device='cpu'"))
    assert type(there.value) is type(here.value)
    assert str(there.value) == str(here.value)
