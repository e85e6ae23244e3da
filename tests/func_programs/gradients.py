"""``grad`` and its relatives."""

from ._shared import grid, program, raises


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
