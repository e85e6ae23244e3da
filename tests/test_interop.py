"""Tensors, modules and functions across the border to JAX."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import torchax_lite as torch
import torchax_lite.nn as nn
from torchax_lite import engine, interop, optim


def close(a, b):
    np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=1e-5, atol=1e-6)


@pytest.fixture
def mlp():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3))
    return model, torch.randn(5, 4), torch.tensor([0, 1, 2, 0, 1])


def test_arrays_both_ways():
    array = jnp.arange(6.0).reshape(2, 3)
    t = interop.from_jax(array)
    t.mul_(2)
    assert interop.to_jax(t + 1).tolist() == [[1, 3, 5], [7, 9, 11]] and array.tolist() == [[0, 1, 2], [3, 4, 5]]
    before = interop.to_jax(t)
    t.add_(1)
    assert before.tolist() == [[0, 2, 4], [6, 8, 10]] and t.tolist() == [[1, 3, 5], [7, 9, 11]]


@pytest.mark.parametrize("name", ["float32", "float64", "bfloat16", "int64", "int8", "bool", "complex64"])
def test_dtypes_pass(name):
    t = torch.ones(3).to(getattr(torch, name))
    back = interop.from_jax(interop.to_jax(t))
    assert back.dtype is t.dtype and back.tolist() == t.tolist()
    assert not jax.config.jax_enable_x64


def test_non_leaves_views_and_weak_types():
    x = torch.arange(6.0).reshape(2, 3).requires_grad_()
    assert interop.to_jax((x * 2).t()[1]).tolist() == [2, 8]
    assert (interop.from_jax(jnp.asarray(2.0) * 3) + torch.ones(2)).tolist() == [7, 7]
    leaf = interop.from_jax(jnp.ones(3), requires_grad=True)
    (leaf * 2).sum().backward()
    assert leaf.grad.tolist() == [2, 2, 2]


def test_what_does_not_pass():
    with pytest.raises(TypeError, match="must be jax.Array, not int"):
        interop.from_jax(3)
    with pytest.raises(TypeError, match="must be Tensor, not int"):
        interop.to_jax(3)
    with pytest.raises(TypeError, match="no tensor dtype"):
        interop.from_jax(jax.random.key(0))
    with pytest.raises(NotImplementedError, match="meta tensor"):
        interop.to_jax(torch.empty(2, device="meta"))


def test_module_under_jit_and_grad_equals_autograd(mlp):
    model, x, y = mlp
    loss = nn.functional.cross_entropy(model(x), y)
    loss.backward()
    apply, params, buffers = interop.functionalize(model)
    assert buffers == {} and params.keys() == dict(model.named_parameters()).keys()

    @jax.jit
    def in_jax(params, x, y):
        out, _ = apply(params, {}, x)
        return -jnp.mean(jax.nn.log_softmax(out)[jnp.arange(5), y])

    @jax.jit
    def in_tensors(params, x, y):
        out, _ = apply(params, {}, x)
        return interop.to_jax(nn.functional.cross_entropy(interop.from_jax(out), interop.from_jax(y).long()))

    for f in (in_jax, in_tensors):
        value, gradient = jax.value_and_grad(f)(params, interop.to_jax(x), jnp.asarray(y.numpy()))
        close(value, loss.item())
        for name, p in model.named_parameters():
            close(gradient[name], p.grad.numpy())
    assert model[0].weight.grad is not None and type(model[0].weight) is nn.Parameter


def test_vmap_and_jvp(mlp):
    model, x, _ = mlp
    apply, params, _ = interop.functionalize(model)
    rows = jax.vmap(jax.grad(lambda r: apply(params, {}, r)[0][0]))(interop.to_jax(x))
    leaf = x.clone().requires_grad_()
    model(leaf)[:, 0].sum().backward()
    close(rows, leaf.grad.numpy())
    forward = lambda v: apply(params, {}, v)[0]  # noqa: E731
    _, tangent = jax.jvp(forward, (interop.to_jax(x),), (interop.to_jax(x),))
    step = 1e-3
    slope = (forward(interop.to_jax(x * (1 + step))) - forward(interop.to_jax(x * (1 - step)))) / (2 * step)
    np.testing.assert_allclose(np.asarray(tangent), np.asarray(slope), atol=1e-2)


def test_buffers_come_back():
    torch.manual_seed(0)
    model, x = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4)), torch.randn(6, 4)
    apply, params, buffers = interop.functionalize(model)
    out, after = jax.jit(apply)(params, buffers, interop.to_jax(x))
    assert model[1].num_batches_tracked.item() == 0 and int(buffers["1.num_batches_tracked"]) == 0
    close(out, model(x).detach().numpy())
    assert int(after["1.num_batches_tracked"]) == 1
    close(after["1.running_mean"], model[1].running_mean.numpy())


def test_tied_parameters_are_one():
    model = nn.Sequential(nn.Linear(2, 2, bias=False), nn.Linear(2, 2, bias=False))
    model[1].weight = model[0].weight
    apply, params, _ = interop.functionalize(model)
    assert list(params) == ["0.weight"]
    out, _ = jax.jit(apply)({"0.weight": jnp.eye(2) * 3}, {}, jnp.ones(2))
    assert out.tolist() == [9, 9] and model[1].weight is model[0].weight


def test_recurrent_modules():
    torch.manual_seed(0)
    model, x = nn.LSTM(4, 3), torch.randn(2, 1, 4)
    apply, params, buffers = interop.functionalize(model)
    out, _ = jax.jit(apply)(jax.tree.map(lambda p: p * 2, params), buffers, interop.to_jax(x))
    with torch.no_grad():
        for p in model.parameters():
            p.mul_(2)
    close(out[0], model(x)[0].detach().numpy())


def test_random_numbers_under_a_trace_are_announced():
    apply, params, buffers = interop.functionalize(nn.Dropout(0.5))
    with pytest.warns(UserWarning, match="random numbers were drawn while JAX traced"):
        jax.jit(apply)(params, buffers, jnp.ones(4))
    model = nn.Dropout(0.5).eval()
    assert jax.jit(interop.functionalize(model)[0])({}, {}, jnp.ones(2))[0].tolist() == [1, 1]


def test_wrong_names_are_told(mlp):
    apply, params, _ = interop.functionalize(mlp[0])
    params["extra"] = params.pop("0.bias")
    with pytest.raises(KeyError, match="missing .*0.bias.*unexpected .*extra"):
        apply(params, {}, jnp.ones(4))


@interop.wrap_jax
def focal(logits, targets, gamma=2):
    p = jax.nn.sigmoid(logits)
    p_true = jnp.where(targets > 0.5, p, 1 - p)
    return jnp.mean(-((1 - p_true) ** gamma) * jnp.log(p_true + 1e-7))


def test_a_jax_loss_in_a_torch_loop_is_one_executable_a_step():
    torch.manual_seed(0)
    model = nn.Linear(4, 1)
    optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    x, targets = torch.randn(5, 4), torch.ones(5, 1)
    counts = []
    for _ in range(6):
        before = engine.stats().executions, engine.stats().compiles
        optimizer.zero_grad()
        loss = focal(model(x), targets)
        loss.backward()
        optimizer.step()
        counts.append((engine.stats().executions - before[0], engine.stats().compiles - before[1]))
    assert counts[3:] == [(1, 0)] * 3
    assert loss.grad_fn.name() == "FocalBackward0" and loss.dtype is torch.float32


def test_gradients_of_a_wrapped_function_are_jaxs():
    torch.manual_seed(0)
    logits, targets = torch.randn(5, 1, requires_grad=True), torch.ones(5, 1)
    focal(logits, targets, gamma=3).backward()
    plain = jax.grad(lambda v: focal.__wrapped__(v, jnp.ones((5, 1)), 3))(interop.to_jax(logits))
    close(logits.grad.numpy(), plain)


def test_double_backward_through_a_wrapped_function():
    cube = interop.wrap_jax(lambda v: v**3)
    z = torch.tensor([1.0, 2.0], dtype=torch.float64, requires_grad=True)
    (first,) = torch.autograd.grad(cube(z).sum(), z, create_graph=True)
    (second,) = torch.autograd.grad(first.sum(), z)
    assert first.tolist() == [3, 12] and second.tolist() == [6, 12]


def test_wrapped_pytrees_and_constants():
    @interop.wrap_jax
    def many(d, k):
        return {"a": d["x"] * k, "b": (d["y"].sum(), None), "i": jnp.argmax(d["x"])}

    x = torch.tensor([1.0, 3.0], requires_grad=True)
    found = many({"x": x, "y": torch.ones(2, dtype=torch.int32)}, 2.0)
    assert found["a"].tolist() == [2, 6] and found["b"][1] is None and found["i"].item() == 1
    assert not found["b"][0].requires_grad and found["a"].requires_grad
    found["a"].sum().backward()
    assert x.grad.tolist() == [2, 2]
    assert many({"x": x, "y": x}, 3.0)["a"].tolist() == [3, 9]
    negative = interop.wrap_jax(lambda v, k: jnp.copysign(v, k))
    assert [negative(torch.ones(1), k).item() for k in (0.0, -0.0)] == [1, -1]
    with pytest.raises(TypeError, match="hashable"):
        many({"x": x, "y": x}, bytearray(b"1"))


def test_wrapped_function_under_a_jax_transform():
    square = interop.wrap_jax(lambda v: v * v)
    assert jax.jit(jax.grad(lambda v: interop.to_jax(square(interop.from_jax(v)))))(3.0) == 6
