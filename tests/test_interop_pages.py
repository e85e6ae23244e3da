"""The page about JAX runs, and optax and orbax behave as it says."""

import io
import re
from pathlib import Path

import numpy as np
import pytest

import torchax_lite as torch
from torchax_lite import interop, nn

PAGE = Path(__file__).parent.parent / "docs" / "interop.md"


def test_the_page_runs():
    pytest.importorskip("optax")
    scope = {}
    for block in re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.S):
        exec(compile(block, str(PAGE), "exec"), scope)


def test_optax_is_optaxs_own_trajectory_and_resumes():
    optax = pytest.importorskip("optax")
    import jax
    import jax.numpy as jnp

    torch.manual_seed(0)
    x, y = torch.randn(8, 3), torch.randn(8, 1)

    def train(model, optimizer, steps):
        for _ in range(steps):
            optimizer.zero_grad()
            nn.functional.mse_loss(model(x), y).backward()
            optimizer.step()

    tx = optax.adam(0.1)
    model = nn.Linear(3, 1)
    start = {n: interop.to_jax(p.detach()) for n, p in model.named_parameters()}
    optimizer = interop.optax_optimizer(model.parameters(), tx)
    train(model, optimizer, 3)
    buffer = io.BytesIO()
    torch.save({"m": model.state_dict(), "o": optimizer.state_dict()}, buffer)
    train(model, optimizer, 3)

    params, jx, jy = start, jnp.asarray(x.numpy()), jnp.asarray(y.numpy())
    state = tx.init(params)
    for _ in range(6):
        grads = jax.grad(lambda p: jnp.mean((jx @ p["weight"].T + p["bias"] - jy) ** 2))(params)
        updates, state = tx.update(grads, state, params)
        params = optax.apply_updates(params, updates)
    np.testing.assert_allclose(model.weight.detach().numpy(), params["weight"], rtol=1e-4)

    buffer.seek(0)
    saved = torch.load(buffer)
    again = nn.Linear(3, 1)
    again.load_state_dict(saved["m"])
    resumed = interop.optax_optimizer(again.parameters(), tx)
    resumed.load_state_dict(saved["o"])
    train(again, resumed, 3)
    assert torch.equal(again.weight, model.weight)


def test_orbax_round_trip(tmp_path):
    pytest.importorskip("orbax.checkpoint")
    a, b = nn.BatchNorm1d(3), nn.BatchNorm1d(3)
    a(torch.randn(4, 3))
    interop.save_orbax(tmp_path / "c", a)
    interop.load_orbax(tmp_path / "c", b)
    assert torch.equal(a.running_mean, b.running_mean) and b.num_batches_tracked == 1


def test_orbax_keeps_64_bits(tmp_path):
    pytest.importorskip("orbax.checkpoint")
    module = nn.Module()
    module.register_buffer("count", torch.tensor([2**40 + 1]))
    module.third = nn.Parameter(torch.tensor([1 / 3], dtype=torch.float64))
    interop.save_orbax(tmp_path / "c", module)
    with torch.no_grad():
        module.count.zero_()
        module.third.zero_()
    interop.load_orbax(tmp_path / "c", module)
    assert module.count.tolist() == [2**40 + 1] and module.third.tolist() == [1 / 3]
