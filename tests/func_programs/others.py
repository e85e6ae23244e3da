"""The rest."""

from ._shared import grid, program, raises


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
