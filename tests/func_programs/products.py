"""``vjp``, ``jvp`` and Jacobians."""

from ._shared import detached, grid, mlp, program, raises


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
