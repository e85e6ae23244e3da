"""Short programs with function transforms, in plain torch. Each takes the torch module and returns what JSON can hold.

``tests/recorders/record_func.py`` runs them with PyTorch; ``tests/func/test_programs.py`` with this package.
"""

from collections import namedtuple

PROGRAMS = {}


def program(fn):
    PROGRAMS[fn.__name__] = fn
    return fn


def raises(fn):
    """Class and first words of the error."""
    try:
        return ["no error", str(fn())]
    except Exception as e:
        return ["raises", type(e).__name__, str(e)[:70]]


def grid(torch, *shape):
    n = 1
    for s in shape:
        n *= s
    return torch.sin(torch.arange(1.0, 1 + n) * 1.7).reshape(shape)


def mlp(torch, *sizes):
    """An MLP with fixed parameters."""
    layers = []
    for i, (a, b) in enumerate(zip(sizes[:-1], sizes[1:], strict=True)):
        layers += [torch.nn.Linear(a, b)] + ([torch.nn.Tanh()] if i < len(sizes) - 2 else [])
    net = torch.nn.Sequential(*layers)
    with torch.no_grad():
        for k, p in enumerate(net.parameters()):
            p.copy_(grid(torch, *p.shape) * (0.5 + 0.1 * k))
    return net


def detached(net):
    return {k: v.detach() for k, v in net.named_parameters()}


# -- vmap --------------------------------------------------------------------------------------------------------------


@program
def vmap_dims_in_and_out(torch):
    x, y = grid(torch, 2, 3, 4), grid(torch, 4, 3)
    f = torch.vmap(lambda a, b: (a * b, a.sum() + b), in_dims=(2, 0), out_dims=(1, 0))
    return f(x, y)


@program
def vmap_nested_and_shared_inputs(torch):
    x, w = grid(torch, 2, 3), grid(torch, 4)
    return torch.vmap(torch.vmap(lambda a, b: a * b.sum(), in_dims=(0, None)), in_dims=(0, None))(x, w)


@program
def vmap_pytrees(torch):
    Pair = namedtuple("Pair", "a b")

    def f(tree, n):
        return {"x": tree["p"].a * n, "y": [tree["q"][0] + tree["p"].b, tree["q"][1]]}

    tree = {"p": Pair(grid(torch, 3, 2), grid(torch, 2, 3)), "q": (grid(torch, 3), grid(torch, 2))}
    out = torch.vmap(f, in_dims=({"p": Pair(0, 1), "q": (0, None)}, None))(tree, 2.0)
    return [list(out), out["x"], out["y"]]


@program
def vmap_output_that_is_no_batch(torch):
    a, b = torch.vmap(lambda x: (x * 2, torch.ones(2)), out_dims=(0, None))(grid(torch, 3))
    c = torch.vmap(lambda x: torch.ones(2))(grid(torch, 3))
    return [a, b, c]


@program
def vmap_keyword_arguments_and_partial(torch):
    import functools

    f = functools.partial(lambda x, y, scale=1.0: (x + y) * scale, scale=3.0)
    return [
        torch.vmap(f)(grid(torch, 3), grid(torch, 3)),
        torch.vmap(lambda x, k: x * k)(grid(torch, 2), k=grid(torch, 3, 1))[0],
    ]


@program
def vmap_in_chunks(torch):
    x = grid(torch, 5, 3)
    return [torch.vmap(lambda a: (a.sum(), a * 2), chunk_size=c, out_dims=(0, 1))(x) for c in (1, 2, 5, 9)]


@program
def vmap_in_place_on_a_local(torch):
    def f(x):
        y = torch.zeros_like(x)
        y[1:] = x[:-1] * 2
        y.add_(1).mul_(x)
        y[0] = 7
        z = x.new_zeros(2)
        z[0] = x.sum()
        return y, z

    return torch.vmap(f)(grid(torch, 2, 3))


@program
def vmap_in_place_on_an_input(torch):
    x = grid(torch, 2, 3).clone()
    out = torch.vmap(lambda a: a.add_(1).sum())(x)
    return [out, x]


@program
def vmap_views_and_shapes(torch):
    def f(x):
        return (
            x.t().reshape(-1),
            x.unsqueeze(0).expand(2, 2, 3).sum(0),
            x.flip(0),
            torch.stack([x[0], x[1]], 1),
            x.unbind(1)[0],
        )

    out = torch.vmap(f)(grid(torch, 2, 2, 3))
    return [out, [list(o.shape) for o in out]]


@program
def vmap_indexing(torch):
    x, i = grid(torch, 2, 4), torch.tensor([[0, 3], [1, 1]])
    table = grid(torch, 5, 2)
    return [
        torch.vmap(lambda a, k: a[k])(x, i),
        torch.vmap(lambda k: table[k])(i),
        torch.vmap(lambda a, k: torch.gather(a, 0, k))(x, i),
        torch.vmap(lambda k: torch.nn.functional.embedding(k, table))(i),
        torch.vmap(lambda k: torch.nn.functional.one_hot(k, 4))(i),
        torch.vmap(lambda a: torch.where(a > 0, a, torch.zeros(())))(x),
    ]


@program
def vmap_errors(torch):
    x = grid(torch, 2, 3)
    scalar = grid(torch, 2)

    def into_shared(a):
        z = torch.zeros(3)
        z[0] = a[0]
        return z

    return [
        raises(lambda: torch.vmap(lambda a: a.sum().item())(x)),
        raises(lambda: torch.vmap(lambda a: a if a > 0 else -a)(scalar)),
        raises(lambda: torch.vmap(lambda a: a.nonzero())(x)),
        raises(lambda: torch.vmap(lambda a: a[a > 0])(x)),
        raises(lambda: torch.vmap(into_shared)(x)),
        raises(lambda: torch.vmap(lambda a: a + torch.rand(3))(x)),
        raises(lambda: torch.vmap(lambda a: torch.nn.functional.dropout(a))(x)),
        raises(lambda: torch.vmap(lambda a: a)()),
        raises(lambda: torch.vmap(lambda a, b: a)(x, grid(torch, 3))),
        raises(lambda: torch.vmap(lambda a: a, in_dims=2)(x)),
        raises(lambda: torch.vmap(lambda a: a, in_dims=(0, 0))(x)),
        raises(lambda: torch.vmap(lambda a: a, in_dims=None)(x)),
        raises(lambda: torch.vmap(lambda a: a, in_dims=("x",))(x)),
        raises(lambda: torch.vmap(lambda a, b: a)(x, 2.0)),
        raises(lambda: torch.vmap(lambda a: 1.0)(x)),
        raises(lambda: torch.vmap(lambda a: a, out_dims=None)(x)),
        raises(lambda: torch.vmap(lambda a: a, out_dims=(0, 0))(x)),
        raises(lambda: torch.vmap(lambda a: a, out_dims="x")(x)),
        raises(lambda: torch.vmap(lambda a: a, randomness="some")(x)),
        raises(lambda: torch.vmap(lambda a: a, chunk_size=0)(x)),
        raises(lambda: torch.vmap(lambda a: a, in_dims=(None,))(x)),
    ]


@program
def vmap_random_numbers(torch):
    x = grid(torch, 2, 3).abs()
    drop = torch.nn.functional.dropout
    made = []
    for mode in ("different", "same"):
        torch.manual_seed(3)
        made += [
            torch.vmap(lambda a: torch.rand(2) + a.sum(), randomness=mode)(x),
            torch.vmap(lambda a: drop(a, 0.5), randomness=mode)(x),
            torch.vmap(lambda a: torch.randn_like(a), randomness=mode)(x),
            torch.vmap(lambda a: torch.randint(0, 9, (3,)) + a, randomness=mode)(x),
            torch.vmap(lambda a: torch.randperm(4) + a.sum(), randomness=mode)(x),
            torch.vmap(torch.vmap(lambda a: torch.rand(()) + a, randomness=mode), randomness="different")(x),
        ]
    torch.manual_seed(3)
    made.append(torch.vmap(lambda a: torch.bernoulli(a), randomness="different")(x))
    made.append(torch.vmap(lambda a: torch.multinomial(a, 2), randomness="different")(x))
    made.append(raises(lambda: torch.vmap(lambda a: torch.bernoulli(a), randomness="same")(x)))
    shared = torch.zeros(3)
    made.append(raises(lambda: torch.vmap(lambda a: shared.normal_(), randomness="different")(x)))
    return made


# -- gradients ---------------------------------------------------------------------------------------------------------


@program
def grad_of_several_arguments(torch):
    def f(a, b, n):
        return (a * b**n).sum()

    a, b = grid(torch, 3), grid(torch, 3)
    return [torch.func.grad(f, argnums=k)(a, b, 3) for k in (0, 1, (0, 1), (1, 0), -2)]


@program
def grad_has_aux_and_value(torch):
    def f(p, x):
        return ((p["w"] * x).sin().sum() + p["b"], {"y": p["w"] * x, "n": x})

    p = {"w": grid(torch, 3), "b": torch.tensor(0.5)}
    g, aux = torch.func.grad(f, has_aux=True)(p, grid(torch, 3))
    g2, (value, aux2) = torch.func.grad_and_value(f, has_aux=True)(p, grid(torch, 3))
    return [g["w"], g["b"], list(g), aux["y"], aux["n"], aux["y"].requires_grad, g2["w"], value, aux2["y"]]


@program
def grad_nested_three_deep(torch):
    g = torch.func.grad

    def f(x):
        return x.sin() * x**3

    return [g(f)(torch.tensor(0.7)), g(g(f))(torch.tensor(0.7)), g(g(g(f)))(torch.tensor(0.7))]


@program
def grad_no_perturbation_confusion(torch):
    g = torch.func.grad
    return g(lambda x: x * g(lambda y: x + y)(torch.tensor(1.0)))(torch.tensor(1.0))


@program
def grad_errors(torch):
    g = torch.func.grad
    return [
        raises(lambda: g(lambda x: (x.sum(), 3), has_aux=True)(grid(torch, 3))),
        raises(lambda: torch.func.vjp(lambda x: (x, "note"), grid(torch, 3), has_aux=True)),
        raises(lambda: g(lambda x: x)(grid(torch, 3))),
        raises(lambda: g(lambda x: 1.0)(grid(torch, 3))),
        raises(lambda: g(lambda x: x.sum(), has_aux=True)(grid(torch, 3))),
        raises(lambda: g(lambda x: x.sum(), argnums=1)(grid(torch, 3))),
        raises(lambda: g(lambda x: x.sum(), argnums=())(grid(torch, 3))),
        raises(lambda: g(lambda x, y: x.sum(), argnums=(0, 0))(grid(torch, 3), grid(torch, 3))),
        raises(lambda: g(lambda x: x.sum())(torch.ones(2, dtype=torch.long))),
        raises(lambda: g(lambda x: x.add_(1).sum())(grid(torch, 3))),
        raises(lambda: torch.func.jacrev(lambda x: x)(torch.ones(2, dtype=torch.complex64))),
        raises(lambda: torch.func.vjp(lambda x: x > 0, grid(torch, 2))),
        raises(lambda: torch.func.vjp(lambda x: None, grid(torch, 2))),
        raises(lambda: torch.func.vjp(lambda x: x, grid(torch, 2))[1](grid(torch, 3))),
        raises(lambda: torch.func.vjp(lambda x: x, grid(torch, 2))[1]((grid(torch, 2),))),
    ]


@program
def gradients_reach_the_graph_outside(torch):
    w = grid(torch, 3).clone().requires_grad_()
    x = grid(torch, 3).clone().requires_grad_()

    def f(a):
        return (a**3 * w).sum()

    made = []
    for out in (
        torch.func.grad(f)(x),
        torch.func.hessian(f)(x),
        torch.func.jacrev(lambda a: a**2 * w)(x),
        torch.func.jacfwd(lambda a: a**2 * w)(x),
        torch.func.vjp(lambda a: a**2 * w, x)[1](torch.ones(3))[0],
        torch.func.jvp(lambda a: a**2 * w, (x,), (torch.ones(3),))[1],
        torch.vmap(torch.func.grad(lambda a, b: a**3 * b))(x, w),
    ):
        made.append([out.requires_grad, *torch.autograd.grad((out * out).sum(), (w, x))])
    made.append(torch.func.grad(f)(x.detach()).requires_grad)
    made.append(torch.func.grad(lambda a: (a**3).sum())(x.detach()).requires_grad)
    with torch.no_grad():
        made.append(torch.func.grad(f)(x).requires_grad)
        made.append(torch.func.grad(f)(x))
    return made


@program
def no_grad_inside_a_transform(torch):
    def f(x):
        with torch.no_grad():
            c = x * 2
        return (x * c).sum()

    x = grid(torch, 3).clone().requires_grad_()
    out = torch.vmap(lambda a: f(a))(x.reshape(3, 1)).sum()
    return [torch.func.grad(f)(x.detach()), torch.autograd.grad(out, x)]


@program
def detach_inside_a_transform(torch):
    def f(x):
        return (x * x.detach()).sum()

    x = grid(torch, 4).clone().requires_grad_()
    out = torch.vmap(f)(x.reshape(2, 2)).sum()
    return [
        torch.func.grad(f)(x.detach()), torch.autograd.grad(out, x), torch.vmap(torch.func.grad(f))(x.detach().reshape(2, 2)),
        torch.func.jvp(f, (x.detach(),), (torch.ones(4),)), torch.func.hessian(f)(x.detach()),
    ]  # fmt: skip


# -- products with Jacobians -------------------------------------------------------------------------------------------


@program
def vjp_of_trees(torch):
    def f(a, p):
        return {"y": a * p["w"], "z": (a.sum(), p["b"])}

    out, pull, aux = torch.func.vjp(
        lambda a, p: (f(a, p), (a, p["b"])), grid(torch, 3), {"w": grid(torch, 3), "b": torch.tensor(1.0)}, has_aux=True
    )
    g = pull({"y": torch.ones(3), "z": (torch.tensor(2.0), torch.tensor(3.0))})
    again = pull({"y": torch.ones(3), "z": (torch.tensor(0.0), torch.tensor(1.0))})
    return [out["y"], out["z"], aux, g[0], g[1]["w"], g[1]["b"], again[0]]


@program
def vjp_under_vmap(torch):
    out, pull = torch.func.vjp(torch.sin, grid(torch, 3))
    return torch.vmap(pull)(torch.eye(3))


@program
def jvp_of_trees(torch):
    out, t, aux = torch.func.jvp(
        lambda p: ((p["a"] * p["b"]).sin(), p["a"] * 2),
        ({"a": grid(torch, 2), "b": grid(torch, 2)},),
        ({"a": torch.ones(2), "b": torch.zeros(2)},),
        has_aux=True,
    )
    return [out, t, aux]


@program
def jvp_nested(torch):
    def f(x):
        return x**3 * x.sin()

    one = torch.tensor(1.0)

    def inner(x):
        return torch.func.jvp(f, (x,), (one,))[1]

    return [
        torch.func.jvp(inner, (torch.tensor(0.7),), (one,)),
        torch.func.jvp(torch.func.grad(f), (torch.tensor(0.7),), (one,)),
        torch.func.grad(inner)(torch.tensor(0.7)),
        torch.vmap(torch.func.grad(inner))(grid(torch, 3)),
        torch.func.jvp(lambda x: x * torch.func.jvp(lambda y: x + y, (one,), (one,))[1], (one,), (one,)),
    ]


@program
def jvp_errors(torch):
    j, x = torch.func.jvp, grid(torch, 2)
    return [
        raises(lambda: j(lambda a: a, x, x)),
        raises(lambda: j(lambda a: a, (x,), (torch.ones(3),))),
        raises(lambda: j(lambda a: a, (x,), [x])),
        raises(lambda: j(lambda a: a, (), ())),
        raises(lambda: j(lambda a: 1, (x,), (x,))),
        raises(lambda: j(lambda a: torch.ones(2), (x,), (x,), strict=True)),
        raises(lambda: j(lambda a: a, (torch.ones(2, dtype=torch.long),), (x,))),
    ]


@program
def jvp_of_outputs_that_do_not_move(torch):
    return torch.func.jvp(
        lambda x: (torch.ones(2), x.detach(), x.sign(), x.round() * x), (grid(torch, 2),), (torch.ones(2),)
    )


@program
def jacobians_agree(torch):
    def f(x, p):
        return {"y": torch.tanh(p["w"] @ x), "s": (x**2).sum()}

    args = grid(torch, 3), {"w": grid(torch, 2, 3)}
    made = []
    for jac in (torch.func.jacrev, torch.func.jacfwd):
        for k in (0, 1, (0, 1)):
            out = jac(f, argnums=k)(*args)
            made.append([out["y"] if k == 0 else out["y"]["w"] if k == 1 else [out["y"][0], out["y"][1]["w"]]])
    made.append(torch.func.jacrev(f, chunk_size=1)(*args)["y"])
    made.append(torch.func.jacrev(f, chunk_size=2)(*args)["y"])
    made.append(torch.func.jacrev(lambda x: (x * 2, x), has_aux=True)(grid(torch, 2)))
    made.append(torch.func.jacfwd(lambda x: (x * 2, x), has_aux=True)(grid(torch, 2)))
    return made


@program
def hessians_of_an_mlp(torch):
    net = mlp(torch, 3, 4, 1)
    params = detached(net)
    x = grid(torch, 5, 3)

    def f(p, a):
        return torch.func.functional_call(net, p, (a,)).squeeze()

    by_input = torch.vmap(torch.func.hessian(f, argnums=1), in_dims=(None, 0))(params, x)
    jac = torch.func.jacrev(f)(params, x)
    rev = torch.func.jacrev(torch.func.jacrev(f, argnums=1), argnums=1)(params, x[0])
    fwd = torch.func.jacfwd(torch.func.jacfwd(f, argnums=1), argnums=1)(params, x[0])
    by_weight = torch.func.hessian(f)(params, x[0])
    return [by_input, jac["0.weight"], rev, fwd, by_weight["0.bias"]["2.weight"]]


@program
def linearize_runs_once(torch):
    calls = []

    def f(x, y):
        calls.append(1)
        return x.sin() * y, y

    out, push = torch.func.linearize(f, grid(torch, 2), grid(torch, 2))
    made = [out, push(torch.ones(2), torch.zeros(2)), push(torch.zeros(2), torch.ones(2))]
    return [*made, raises(lambda: push(torch.ones(3), torch.ones(2)))]


# -- modules -----------------------------------------------------------------------------------------------------------


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


# -- forward mode ------------------------------------------------------------------------------------------------------


@program
def dual_numbers(torch):
    fw = torch.autograd.forward_ad
    x, t = grid(torch, 3), torch.ones(3)
    with fw.dual_level():
        d = fw.make_dual(x, t)
        made = [fw.unpack_dual(d.sin() * d), fw.unpack_dual(d > 0), fw.unpack_dual(d.detach())]
        z = torch.zeros(2, 3)
        z[0] = d * 2
        made.append(fw.unpack_dual(z))
        c = d.clone()
        v = c[1:]
        v.mul_(3)
        made.append(fw.unpack_dual(c))
        made.append(repr(d[0] * 0 + 1))
        y = torch.ones(3)
        y.add_(d)
        made.append(fw.unpack_dual(y))
        made.append(fw.unpack_dual(torch.cat([d, torch.ones(1)])))
        made.append(fw.unpack_dual(torch.stack([d, x]).max(0).values))
        out = d * 2
    made.append([fw.unpack_dual(out).tangent is None, out])
    return made


@program
def dual_numbers_and_reverse_mode(torch):
    fw = torch.autograd.forward_ad
    x = grid(torch, 3).clone().requires_grad_()
    made = []
    with fw.dual_level():
        d = fw.make_dual(x, torch.ones(3))
        out = (d**3).sum()
        (g,) = torch.autograd.grad(out, d, create_graph=True)
        made.append(fw.unpack_dual(g))
        p, t = fw.unpack_dual(out)
        made += [torch.autograd.grad(t, x, retain_graph=True), p.requires_grad, t.requires_grad]
    with fw.dual_level():
        out = (fw.make_dual(x, torch.ones(3)) ** 3).sum()
        out.backward()
        made.append(x.grad)
    net = mlp(torch, 3, 2, 1)
    with fw.dual_level():
        duals = {k: fw.make_dual(p, torch.ones_like(p)) for k, p in net.named_parameters()}
        loss = torch.func.functional_call(net, duals, (grid(torch, 4, 3),)).pow(2).sum()
        hvp = torch.autograd.grad(loss, tuple(duals.values()))
        made += [fw.unpack_dual(h).tangent for h in hvp]
    return made


@program
def dual_number_errors(torch):
    fw = torch.autograd.forward_ad
    x = grid(torch, 2)
    made = [raises(lambda: fw.make_dual(x, x)), raises(lambda: fw.exit_dual_level())]
    with fw.dual_level():
        d = fw.make_dual(x, x)
        made += [
            raises(lambda: fw.make_dual(d, x)),
            raises(lambda: fw.make_dual(x, d)),
            raises(lambda: fw.make_dual(x, torch.ones(3))),
            raises(lambda: fw.make_dual(torch.ones(2, dtype=torch.long), x)),
            raises(lambda: fw.make_dual(x, torch.ones(2, dtype=torch.long))),
            raises(lambda: fw.enter_dual_level()),
            raises(lambda: fw.exit_dual_level(level=3)),
        ]
    return made


# -- custom functions --------------------------------------------------------------------------------------------------


def custom(torch, **members):
    """A cube whose backward is ten times too large, so that it shows who computed a gradient."""

    def forward(x):
        return x**3

    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(*inputs)
        ctx.save_for_forward(*inputs)

    def backward(ctx, g):
        return g * 30 * ctx.saved_tensors[0] ** 2

    made = {"forward": forward, "setup_context": setup_context, "backward": backward, **members}
    names = {k: v if k == "generate_vmap_rule" else staticmethod(v) for k, v in made.items()}
    return type("Cube", (torch.autograd.Function,), names)


@program
def custom_function_generated_rule(torch):
    cube = custom(torch, generate_vmap_rule=True, jvp=lambda ctx, t: t * 300 * ctx.saved_tensors[0] ** 2)
    f, x = cube.apply, grid(torch, 3)
    g = torch.func.grad
    return [
        torch.vmap(f)(x), torch.vmap(g(f))(x), g(lambda a: torch.vmap(f)(a).sum())(x), torch.func.jvp(f, (x,), (x,)),
        torch.func.jacfwd(f)(x), torch.func.jacrev(f)(x), torch.func.hessian(lambda a: f(a).sum())(x),
        torch.vmap(torch.vmap(f))(x.reshape(3, 1)), g(lambda a: torch.vmap(torch.vmap(f))(a).sum())(x.reshape(3, 1)),
    ]  # fmt: skip


@program
def custom_function_own_rule(torch):
    seen = []

    def vmap(info, in_dims, x):
        seen.append([info.batch_size, info.randomness, list(in_dims), list(x.shape)])
        return cube.apply(x), in_dims[0]

    cube = custom(torch, vmap=vmap)
    x = grid(torch, 3)
    return [
        torch.vmap(cube.apply)(x), torch.vmap(torch.func.grad(cube.apply))(x),
        torch.func.grad(lambda a: torch.vmap(cube.apply)(a).sum())(x), seen,
    ]  # fmt: skip


@program
def custom_function_errors(torch):
    class Old(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return g * 2

    x = grid(torch, 3)
    bare, both = custom(torch), custom(torch, generate_vmap_rule=True, vmap=lambda info, d, x: (x, 0))
    odd = custom(torch, vmap=lambda info, d, x: x)
    return [
        raises(lambda: torch.func.grad(lambda a: Old.apply(a).sum())(x)),
        raises(lambda: torch.vmap(Old.apply)(x)),
        raises(lambda: torch.vmap(bare.apply)(x)),
        raises(lambda: torch.vmap(both.apply)(x)),
        raises(lambda: torch.vmap(odd.apply)(x)),
        raises(lambda: torch.func.jvp(bare.apply, (x,), (x,))),
        torch.func.grad(lambda a: bare.apply(a).sum())(x),
        torch.func.jacrev(bare.apply)(x),
    ]


@program
def custom_function_of_two_tensors(torch):
    class Mul(torch.autograd.Function):
        generate_vmap_rule = True

        @staticmethod
        def forward(x, y):
            return x * y, x.sin()

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.save_for_backward(*inputs)
            ctx.save_for_forward(*inputs)

        @staticmethod
        def backward(ctx, a, b):
            x, y = ctx.saved_tensors
            return a * y + b * x.cos(), a * x

        @staticmethod
        def jvp(ctx, a, b):
            x, y = ctx.saved_tensors
            return a * y + x * b, x.cos() * a

    x, y = grid(torch, 3), torch.tensor(3.0)
    both = (0, 1)
    fw = torch.autograd.forward_ad
    with fw.dual_level():
        dual = [fw.unpack_dual(o) for o in Mul.apply(fw.make_dual(x, x), y)]
    return [
        torch.vmap(Mul.apply, in_dims=(0, None))(x, y),
        torch.vmap(torch.func.grad(lambda a, b: sum(Mul.apply(a, b)), argnums=both), in_dims=(0, None))(x, y),
        torch.func.grad(
            lambda a, b: sum(o.sum() for o in torch.vmap(Mul.apply, in_dims=(0, None))(a, b)), argnums=both
        )(x, y),
        torch.func.jvp(Mul.apply, (x, y), (x, y)),
        torch.func.hessian(lambda a: sum(o.sum() for o in Mul.apply(a, a)))(x),
        dual,
    ]


# -- the rest ----------------------------------------------------------------------------------------------------------


@program
def batched_gradients_of_a_graph(torch):
    x = grid(torch, 2, 2).clone().requires_grad_()
    y = x.sin() * 2
    made = [
        torch.autograd.grad(
            y, x, torch.stack([torch.eye(2), torch.ones(2, 2)]), is_grads_batched=True, retain_graph=True
        ),
        torch.vmap(lambda v: torch.autograd.grad(y, x, v, retain_graph=True)[0])(torch.ones(3, 2, 2)),
    ]
    (g,) = torch.autograd.grad(y, x, torch.ones(2, 2, 2), is_grads_batched=True, create_graph=True)
    made.append(torch.autograd.grad(g.sum(), x))
    return made


@program
def jacobians_of_autograd_functional(torch):
    hessian, jacobian = torch.autograd.functional.hessian, torch.autograd.functional.jacobian
    x, y = grid(torch, 2, 2), grid(torch, 3)

    def f(a, b):
        return (a.sin().sum() * b, a @ a)

    def h(a, b):
        return (a.exp().sum() * b * b).sum()

    made = []
    for kw in ({}, {"vectorize": True}, {"vectorize": True, "strategy": "forward-mode"}):
        made.append(jacobian(f, (x, y), **kw))
    for kw in ({"vectorize": True}, {"vectorize": True, "outer_jacobian_strategy": "forward-mode"}):
        made.append(hessian(h, (x, y), **kw))
    made.append(raises(lambda: jacobian(f, (x, y), strategy="forward-mode")))
    made.append(raises(lambda: jacobian(f, (x, y), strategy="forward-mode", vectorize=True, create_graph=True)))
    made.append(raises(lambda: jacobian(f, (x, y), strategy="forward-mode", vectorize=True, strict=True)))
    made.append(raises(lambda: hessian(h, (x, y), outer_jacobian_strategy="sideways")))
    return made


@program
def gradcheck_of_forward_mode(torch):
    check, check2 = torch.autograd.gradcheck, torch.autograd.gradgradcheck
    x, y = (grid(torch, 3).double().clone().requires_grad_() for _ in range(2))
    z = torch.tensor([1 + 2j, 3 - 1j], dtype=torch.complex128, requires_grad=True)

    def f(a, b):
        return (a * b.sin(), a.sum())

    class Bad(torch.autograd.Function):
        @staticmethod
        def forward(ctx, a):
            return a * 2

        @staticmethod
        def backward(ctx, g):
            return g * 2

        @staticmethod
        def jvp(ctx, t):
            return t * 3

    return [
        check(f, (x, y), check_forward_ad=True, check_batched_grad=True, check_batched_forward_grad=True),
        check(f, (x, y), check_forward_ad=True, check_backward_ad=False, fast_mode=True),
        check2(lambda a, b: a * b.sin(), (x, y), check_fwd_over_rev=True, check_batched_grad=True),
        check(lambda a: (a * a, a.abs()), (z,), check_forward_ad=True),
        raises(lambda: check(Bad.apply, (x,), check_forward_ad=True)),
        raises(lambda: check(Bad.apply, (x,), check_forward_ad=False, check_backward_ad=False)),
    ]


@program
def how_tensors_of_transforms_print(torch):
    made = []

    def note(x):
        return (made.append(repr(x)), x)[1]

    torch.vmap(note)(torch.ones(2, 3))
    torch.vmap(torch.vmap(note))(torch.ones(2, 1))
    torch.func.grad(lambda x: note(x).sum())(torch.ones(2))
    torch.func.jvp(note, (torch.ones(2),), (torch.ones(2),))
    return made


@program
def rearranging(torch):
    x = torch.arange(24.0).reshape(2, 3, 4)
    r = torch.func.rearrange
    return [
        r(x, "a b c -> c (a b)"), r(x, "a b (c d) -> a (d b) c", c=2), r(x, "... c -> c ..."), r(x, "a b c -> a 1 b c"),
        r(x, "a ... -> (...) a"), r(x, "a b c -> a b c"),
    ]  # fmt: skip


@program
def functionalized(torch):
    def f(x):
        y = x.clone()
        y.view(-1).add_(1)
        return y

    return [
        torch.func.functionalize(f)(grid(torch, 2)),
        torch.func.functionalize(f, remove="mutations_and_views")(grid(torch, 2)),
    ]
