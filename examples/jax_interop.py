"""To JAX and back: a module inside `jax.jit` and `jax.grad`, and a JAX function inside a torch-style loop.

    python examples/jax_interop.py

It uses four functions of `torchax_lite.interop`:

- `to_jax(tensor)`: the tensor's value as a `jax.Array` of the same dtype (a copy is made only where one is needed).
- `from_jax(array)`: a tensor that holds the array; under a JAX transform, the traced value.
- `functionalize(module)`: `(apply, params, buffers)`, where `params` and `buffers` are dicts from the names of the
  module's parameters and buffers to arrays, and `apply(params, buffers, *inputs) -> (outputs, new_buffers)` is the
  module's forward pass as a function of arrays, without side effects: it can be jitted, differentiated and mapped.
- `wrap_jax(function)`: a function of tensors that computes the JAX `function`; gradients flow through it
  (`backward()` uses `jax.vjp`), and it is compiled into the same program as everything around it.
"""

import jax
import jax.numpy as jnp
import numpy as np

import torchax_lite as torch
from torchax_lite import interop, nn


def data(count=256):
    """Points on a noisy spiral, to be told apart: inputs (count, 2), targets (count, 1)."""
    rng = np.random.default_rng(0)
    turn = rng.uniform(0.5, 3.0, count)
    arm = rng.integers(0, 2, count)
    angle = np.pi * (turn + arm)
    points = np.stack([turn * np.cos(angle), turn * np.sin(angle)], axis=1) + rng.normal(0, 0.1, (count, 2))
    return points.astype(np.float32), arm[:, None].astype(np.float32)


def net():
    return nn.Sequential(nn.Linear(2, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 1))


def module_in_jax(points, targets, steps=400):
    """Train a torchax_lite module as a JAX program: one jitted function does the whole step."""
    torch.manual_seed(0)
    apply, params, buffers = interop.functionalize(net())

    def loss(params, x, y):
        logits, _ = apply(params, buffers, x)
        return jnp.mean(jnp.logaddexp(0.0, logits) - y * logits)

    @jax.jit
    def step(params, x, y):
        value, gradient = jax.value_and_grad(loss)(params, x, y)
        return jax.tree.map(lambda p, g: p - 0.5 * g, params, gradient), value

    for _ in range(steps):
        params, value = step(params, points, targets)
    sensitivity = jax.vmap(jax.grad(lambda x: apply(params, buffers, x)[0][0]))(
        points
    )  # d logit / d input, point by point
    print(f"module in JAX:      loss {float(value):.4f}, mean |d logit / d x| {float(jnp.abs(sensitivity).mean()):.3f}")


@interop.wrap_jax
def focal_loss(logits, targets):
    """The focal loss of Lin et al. (2017) with gamma 2, written in JAX."""
    p = jax.nn.sigmoid(logits)
    p_true = jnp.where(targets > 0.5, p, 1 - p)
    return jnp.mean(-((1 - p_true) ** 2) * jnp.log(p_true + 1e-7))


def jax_in_torch(points, targets, steps=400):
    """Train with a torch-style loop whose loss is a JAX function."""
    torch.manual_seed(0)
    model = net()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5, momentum=0.9)
    x, y = torch.from_numpy(points), torch.from_numpy(targets)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = focal_loss(model(x), y)
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        right = ((model(x) > 0) == (y > 0.5)).float().mean()
    print(f"JAX in a torch loop: loss {loss.item():.4f}, accuracy {right.item():.1%}")


def arrays_both_ways():
    """Values cross in both directions without change."""
    array = jnp.arange(6.0).reshape(2, 3)
    tensor = interop.from_jax(array)
    tensor.mul_(2)
    print(f"arrays:             {interop.to_jax(tensor + 1).tolist()}, the JAX array is still {array.tolist()}")


if __name__ == "__main__":
    points, targets = data()
    module_in_jax(points, targets)
    jax_in_torch(points, targets)
    arrays_both_ways()
