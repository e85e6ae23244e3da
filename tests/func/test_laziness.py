"""Transforms record into the pending program: nothing runs before a value is read, nothing compiles again."""

import torchax_lite as torch
from torchax_lite import engine


def per_sample(net):
    params = {k: v.detach() for k, v in net.named_parameters()}

    def loss(p, x, y):
        return ((torch.func.functional_call(net, p, (x,)) - y) ** 2).mean()

    batched = torch.vmap(torch.func.grad(loss), in_dims=(None, 0, 0))
    return lambda x, y: batched(params, x, y)["0.weight"]


def test_a_transform_does_not_run_before_its_result_is_read():
    net = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 1))
    f = per_sample(net)
    x, y = torch.randn(5, 3), torch.randn(5, 1)
    engine.flush_all("before")
    runs = engine.stats().executions
    out = f(x, y)
    hessian = torch.func.hessian(lambda a: net(a).sum())(x[0])
    assert engine.stats().executions == runs
    assert out.shape == (5, 4, 3) and hessian.shape == (3, 3)


def test_the_same_transform_compiles_nothing_anew():
    net = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 1))
    f = per_sample(net)

    def step():
        f(torch.randn(5, 3), torch.randn(5, 1)).sum().item()

    for _ in range(5):
        step()
    before = engine.stats().compiles
    for _ in range(3):
        step()
    assert engine.stats().compiles == before
