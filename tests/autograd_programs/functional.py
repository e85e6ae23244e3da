"""``torch.autograd.functional``, ``gradcheck``."""

from ._shared import program, simple_function


@program
def functional_products(torch):
    from_ = torch.autograd.functional
    x, ones = torch.tensor([1.0, 2.0]), torch.ones(2)
    cube, two = (lambda a: (a**3).sum()), (lambda a, b: (a * b, (a + b).sum()))
    const = lambda a: torch.ones(2)  # noqa: E731
    return [
        from_.vjp(cube, x), from_.vjp(two, (x, x * 2), (ones, torch.ones(()))), from_.vjp(const, x, ones),
        from_.jvp(two, (x, x * 2), (ones, ones)), from_.jvp(const, x, ones),
        from_.jacobian(two, (x, x * 2)), from_.jacobian(const, x), from_.jacobian(cube, x, vectorize=True),
        from_.hessian(cube, x), from_.hessian(lambda a, b: (a * b * b).sum(), (x, x * 2)),
        from_.vhp(cube, x, ones), from_.hvp(cube, x, ones), from_.hvp(lambda a: a.sum(), x, ones),
    ]  # fmt: skip


@program
def functional_strict(torch):
    torch.autograd.functional.vjp(lambda a: torch.ones(2), torch.ones(2), torch.ones(2), strict=True)


@program
def functional_strict_hessian(torch):
    torch.autograd.functional.hessian(lambda a: a.sum(), torch.ones(2), strict=True)


@program
def functional_missing_vector(torch):
    torch.autograd.functional.vjp(lambda a: a**2, torch.ones(2))


@program
def functional_wrong_vector(torch):
    torch.autograd.functional.vjp(lambda a: a**2, torch.ones(2), torch.ones(3))


@program
def functional_wrong_input(torch):
    torch.autograd.functional.vjp(lambda a: a, 3)


@program
def gradcheck_passes(torch):
    d = dict(dtype=torch.float64, requires_grad=True)
    a, b, c = torch.rand(2, 2, **d), torch.rand(2, 1, **d), torch.rand(2, dtype=torch.complex128, requires_grad=True)
    check, twice = torch.autograd.gradcheck, torch.autograd.gradgradcheck
    return [
        check(lambda x: x**2, a), check(lambda x, y: (x @ y).tanh(), (a, b), fast_mode=True, check_batched_grad=True),
        check(lambda x: x * x.conj(), c), check(lambda x: x.unbind(), a), twice(lambda x, y: (x @ y).sin(), (a, b)),
    ]  # fmt: skip


@program
def gradcheck_finds_wrong_factor(torch):
    f = simple_function(torch, lambda ctx, a: a * 2, lambda ctx, g: g * 3)
    torch.autograd.gradcheck(f.apply, torch.tensor([1.0, 2.0], dtype=torch.float64, requires_grad=True))


@program
def gradcheck_without_inputs(torch):
    torch.autograd.gradcheck(lambda a: a, torch.ones(2))


@program
def gradcheck_of_constant(torch):
    torch.autograd.gradcheck(lambda a: a.detach(), torch.ones(2, dtype=torch.float64, requires_grad=True))
