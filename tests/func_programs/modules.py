"""Modules as functions of their parameters."""

from ._shared import detached, grid, mlp, program, raises


@program
def per_sample_gradients(torch):
    net = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(8, 3))
    with torch.no_grad():
        for p in net.parameters():
            p.copy_(grid(torch, *p.shape))
    x, y = grid(torch, 4, 1, 4, 4), torch.tensor([0, 2, 1, 1])

    def loss(p, a, t):
        out = torch.func.functional_call(net, p, (a.unsqueeze(0),))
        return torch.nn.functional.cross_entropy(out, t.unsqueeze(0))

    g = torch.vmap(torch.func.grad(loss), in_dims=(None, 0, 0))(detached(net), x, y)
    whole = torch.nn.functional.cross_entropy(net(x), y, reduction="sum")
    total = torch.autograd.grad(whole, list(net.parameters()))
    close = [bool(torch.allclose(a.sum(0), b, atol=1e-5)) for a, b in zip(g.values(), total, strict=True)]
    return [g["0.bias"], g["3.bias"], [list(v.shape) for v in g.values()], close]


@program
def per_sample_gradients_with_group_norm_and_dropout(torch):
    net = torch.nn.Sequential(
        torch.nn.Linear(4, 6), torch.nn.GroupNorm(2, 6), torch.nn.Dropout(0.5), torch.nn.Linear(6, 1)
    )
    with torch.no_grad():
        for p in net.parameters():
            p.copy_(grid(torch, *p.shape))

    def f(p, a):
        return torch.func.functional_call(net, p, (a.unsqueeze(0),)).sum()

    made = []
    for mode in ("different", "same"):
        torch.manual_seed(1)
        g = torch.vmap(torch.func.grad(f), in_dims=(None, 0), randomness=mode)(detached(net), grid(torch, 3, 4))
        made.append(g["0.weight"].sum(0))
    return made


@program
def ensemble_of_models(torch):
    nets = [mlp(torch, 2, 3, 2) for _ in range(3)]
    for k, net in enumerate(nets):
        with torch.no_grad():
            for p in net.parameters():
                p.mul_(k + 1)
    params, buffers = torch.func.stack_module_state(nets)

    def f(p, b, x):
        return torch.func.functional_call(nets[0], (p, b), (x,))

    x = grid(torch, 4, 2)
    out = torch.vmap(f, in_dims=(0, 0, None))(params, buffers, x)
    each = torch.vmap(f)(params, buffers, grid(torch, 3, 4, 2))
    out.sum().backward()
    return [out, each, params["0.weight"].grad, params["0.weight"].is_leaf, list(params)]


@program
def batch_norm_under_vmap(torch):
    net = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.BatchNorm1d(3))
    with torch.no_grad():
        for p in net.parameters():
            p.copy_(grid(torch, *p.shape))
    params, buffers = detached(net), dict(net.named_buffers())

    def f(p, b, x):
        return torch.func.functional_call(net, (p, b), (x,))

    x = grid(torch, 3, 4, 2)
    error = raises(lambda: torch.vmap(f, in_dims=(None, None, 0))(params, buffers, x))[:2]
    torch.func.replace_all_batch_norm_modules_(net)
    g = torch.vmap(torch.func.grad(lambda p, a: f(p, {}, a).pow(3).sum()), in_dims=(None, 0))(params, x)
    return [error, g["0.weight"], list(dict(net.named_buffers()))]


@program
def functional_call_buffers_ties_and_errors(torch):
    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.a = torch.nn.Linear(2, 2, bias=False)
            self.b = torch.nn.Linear(2, 2, bias=False)
            self.b.weight = self.a.weight
            self.register_buffer("count", torch.zeros(()))

        def forward(self, x, scale=1.0):
            self.count = self.count + 1
            return self.b(self.a(x)) * scale

    net, call = Net(), torch.func.functional_call
    given = {"a.weight": torch.eye(2) * 2, "count": torch.tensor(5.0)}
    x = grid(torch, 2)
    one, two = torch.eye(2), torch.eye(2) * 3
    return [
        call(net, given, x),
        given["count"],
        net.count,
        call(net, {"a.weight": one, "b.weight": two}, (x,), {"scale": 2.0}, tie_weights=False),
        raises(lambda: call(net, {"a.weight": one, "b.weight": two}, (x,))),
        raises(lambda: call(net, {"a.weight": one}, (x,), strict=True)),
        raises(lambda: call(net, [{"a.weight": one}, {"a.weight": one}], (x,))),
        raises(lambda: call(net, 3, (x,))),
        raises(lambda: call(net, [3], (x,))),
        raises(lambda: call(net, {"a.weight": 3}, (x,))),
        raises(lambda: call(net, {"nowhere.weight": one}, (x,))),
        net.a.weight is net.b.weight,
        raises(lambda: torch.func.stack_module_state([])),
        raises(lambda: torch.func.stack_module_state([net, torch.nn.Linear(2, 2)])),
        raises(lambda: torch.func.stack_module_state([Net(), Net().eval()])),
    ]


@program
def maml(torch):
    """Sine regression: gradients through an inner step of gradient descent, for a batch of tasks."""
    net = mlp(torch, 1, 5, 1)
    params = {k: v.detach().clone().requires_grad_() for k, v in net.named_parameters()}

    def loss(p, x, y):
        return ((torch.func.functional_call(net, p, (x,)) - y) ** 2).mean()

    def task(p, x1, y1, x2, y2):
        for _ in range(2):
            g = torch.func.grad(loss)(p, x1, y1)
            p = {k: v - 0.1 * g[k] for k, v in p.items()}
        return loss(p, x2, y2)

    x = grid(torch, 3, 4, 1)
    y = torch.sin(x * torch.tensor([1.0, 2.0, 3.0]).reshape(3, 1, 1))
    opt = torch.optim.Adam(params.values(), lr=0.01)
    made = []
    for _ in range(3):
        total = torch.vmap(task, in_dims=(None, 0, 0, 0, 0))(params, x, y, x + 0.1, y).mean()
        opt.zero_grad()
        total.backward()
        opt.step()
        made.append(total.detach())
    return [*made, params["0.bias"], params["2.weight"].grad]


@program
def neural_tangent_kernel(torch):
    net = mlp(torch, 2, 4, 2)
    params = detached(net)

    def f(p, x):
        return torch.func.functional_call(net, p, (x.unsqueeze(0),)).squeeze(0)

    a, b = grid(torch, 3, 2), grid(torch, 2, 2)

    def by_jacobians(x1, x2):
        j1 = [j.flatten(2) for j in torch.vmap(torch.func.jacrev(f), (None, 0))(params, x1).values()]
        j2 = [j.flatten(2) for j in torch.vmap(torch.func.jacrev(f), (None, 0))(params, x2).values()]
        return sum(torch.einsum("Naf,Mbf->NMab", u, v) for u, v in zip(j1, j2, strict=True))

    def by_products(x1, x2):
        def ntk(u, v):
            out, pull = torch.func.vjp(lambda p: f(p, u), params)

            def row(ct):
                return torch.func.jvp(lambda p: f(p, v), (params,), pull(ct))[1]

            return torch.vmap(row)(torch.eye(out.shape[-1]))

        return torch.vmap(torch.vmap(ntk, (None, 0)), (0, None))(x1, x2)

    one, two = by_jacobians(a, b), by_products(a, b)
    return [one, two, bool(torch.allclose(one, two.transpose(-1, -2), atol=1e-5))]


@program
def recurrent_and_attention_layers_under_vmap(torch):
    torch.manual_seed(0)
    rnn, attn = torch.nn.GRU(3, 2), torch.nn.MultiheadAttention(4, 2)
    x, q = grid(torch, 2, 5, 1, 3), grid(torch, 2, 5, 1, 4)
    out = [torch.vmap(lambda a: attn(a, a, a, need_weights=False)[0])(q), torch.stack([attn(a, a, a)[0] for a in q])]
    return [bool(torch.allclose(*out, atol=1e-5)), [list(o.shape) for o in out], rnn(x[0])[0].shape[0]]
