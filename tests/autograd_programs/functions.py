"""Custom ``Function`` classes."""

from ._shared import leaf, program, simple_function, weighted


def _product(torch):
    class Product(torch.autograd.Function):
        @staticmethod
        def forward(ctx, a, b, k=2):
            ctx.save_for_backward(a, b)
            ctx.k = k
            return a * b * k

        @staticmethod
        def backward(ctx, g):
            a, b = ctx.saved_tensors
            return g * b * ctx.k, g * a * ctx.k, None

    return Product


@program
def function_basics(torch):
    x, f = leaf(torch, 2), _product(torch).apply
    y = f(x, x * 3)
    fn = y.grad_fn
    names = fn.name(), type(fn).__name__, str(y), [type(n).__name__ for n, _ in fn.next_functions]
    return names, fn.needs_input_grad, fn.k, weighted(torch, y, x), f(x, x, k=5)


@program
def function_twice_differentiated(torch):
    x = leaf(torch, 3)
    (g,) = torch.autograd.grad(_product(torch).apply(x, x.sin(), 3).sum(), x, create_graph=True)
    return g, torch.autograd.grad(g.pow(2).sum(), x)


@program
def function_wrong_number_of_gradients(torch):
    f = simple_function(torch, lambda ctx, a, b: a * b, lambda ctx, g: g)
    f.apply(leaf(torch, 2), leaf(torch, 2)).sum().backward()


@program
def function_gradient_for_a_number(torch):
    f = simple_function(torch, lambda ctx, a, b: a * b, lambda ctx, g: (g, g))
    f.apply(leaf(torch, 2), 2).sum().backward()


@program
def function_returns_number_as_gradient(torch):
    simple_function(torch, lambda ctx, a: a * 2, lambda ctx, g: 3).apply(leaf(torch, 2)).sum().backward()


@program
def function_gradient_of_wrong_shape(torch):
    simple_function(torch, lambda ctx, a: a * 2, lambda ctx, g: torch.ones(3)).apply(leaf(torch, 2)).sum().backward()


@program
def function_gradient_is_fitted(torch):
    x = leaf(torch, 2)
    simple_function(torch, lambda ctx, a: a * 2, lambda ctx, g: torch.ones(3, 2).double()).apply(x).sum().backward()
    return x.grad, str(x.grad.dtype)


@program
def function_saves_a_number(torch):
    simple_function(torch, lambda ctx, a: ctx.save_for_backward(3) or a * 2, lambda ctx, g: g).apply(leaf(torch, 2))


@program
def function_without_backward(torch):
    f = type("F", (torch.autograd.Function,), {"forward": staticmethod(lambda ctx, a: a * 2)})
    f.apply(leaf(torch, 2)).sum().backward()


@program
def function_called_on_instance(torch):
    _product(torch)()(leaf(torch, 2))


@program
def function_returns_its_input(torch):
    f = simple_function(torch, lambda ctx, a: a, lambda ctx, g: g * 5)
    x = leaf(torch, 2)
    z = x * 1
    y = f.apply(z)
    n = torch.ones(2)
    return y is z, y._is_view(), y._base is z, y.data_ptr() == z.data_ptr(), f.apply(n) is n, weighted(torch, y, x)


@program
def function_view_written(torch):
    f = simple_function(torch, lambda ctx, a: a.view(2, 1), lambda ctx, g: g.view(2))
    f.apply(leaf(torch, 2) * 1).mul_(2)


@program
def function_view_base_written(torch):
    f = simple_function(torch, lambda ctx, a: a.view(2, 1), lambda ctx, g: g.view(2))
    z = leaf(torch, 2) * 1
    y = f.apply(z)
    z.mul_(3)
    return y.grad_fn


def _doubled_in_place(torch):
    return simple_function(torch, lambda ctx, a: (ctx.mark_dirty(a), a.mul_(2))[1], lambda ctx, g: g * 2)


@program
def function_marks_dirty(torch):
    f, x = _doubled_in_place(torch), leaf(torch, 2)
    z = x * 1
    y = f.apply(z)
    v = x * 1
    w = v[0]
    u = f.apply(w)
    return y is z, z._version, weighted(torch, z, x), u is w, v.grad_fn.name(), weighted(torch, v, x)


@program
def function_dirties_a_leaf(torch):
    _doubled_in_place(torch).apply(leaf(torch, 2))


@program
def function_dirty_but_not_returned(torch):
    f = simple_function(torch, lambda ctx, a: (ctx.mark_dirty(a), a.clone())[1], lambda ctx, g: g)
    f.apply(leaf(torch, 2) * 1)


@program
def function_non_differentiable_output(torch):
    log = []

    def forward(ctx, a):
        values, index = a.sort()
        ctx.mark_non_differentiable(index)
        return values, index

    f = simple_function(torch, forward, lambda ctx, g, h: log.append((g, h)) or g)
    values, index = f.apply(leaf(torch, 2))
    values.sum().backward()
    return values.requires_grad, index.requires_grad, log


@program
def function_materializes_or_not(torch):
    log, x = [], leaf(torch, 2)
    back = lambda ctx, g, h: log.append((g, h)) or g  # noqa: E731
    zeros = simple_function(torch, lambda ctx, a: (a * 2, a * 3), back)
    nones = simple_function(torch, lambda ctx, a: (ctx.set_materialize_grads(False), (a * 2, a * 3))[1], back)
    for f in (zeros, nones):
        f.apply(x)[0].sum().backward()
    return log


@program
def function_runs_on_undefined_gradients(torch):
    stop = simple_function(torch, lambda ctx, a: a * 1, lambda ctx, g: None)
    plus = simple_function(torch, lambda ctx, a: a * 1, lambda ctx, g: g + 1)
    x, y = leaf(torch, 2), leaf(torch, 2)
    stop.apply(plus.apply(x)).sum().backward()
    stop.apply(y * 2).sum().backward()
    return x.grad, y.grad


@program
def function_once_differentiable(torch):
    once = torch.autograd.function.once_differentiable
    f = simple_function(torch, lambda ctx, a: a * 2, once(lambda ctx, g: g * 2))
    x = leaf(torch, 2)
    (g,) = torch.autograd.grad((f.apply(x) ** 2).sum(), x, create_graph=True)
    g.sum().backward()


@program
def function_saved_tensor_changed(torch):
    z = leaf(torch, 2) * 1
    y = _product(torch).apply(z, z)
    z.add_(1)
    y.sum().backward()


@program
def function_backward_twice(torch):
    x = leaf(torch, 2)
    y = _product(torch).apply(x, x).sum()
    y.backward()
    y.backward()


@program
def function_setup_context(torch):
    class F(torch.autograd.Function):
        @staticmethod
        def forward(a, b, k=3):
            return a * b * k

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.save_for_backward(*inputs[:2])
            ctx.k = inputs[2]

        @staticmethod
        def backward(ctx, g):
            a, b = ctx.saved_tensors
            return g * b * ctx.k, g * a * ctx.k, None

    x = leaf(torch, 2)
    return F.apply(x, b=x * 2), weighted(torch, F.apply(x, x, k=5), x)


@program
def function_saved_tensors(torch):
    log, x = [], leaf(torch, 2)

    def forward(ctx, a, b):
        out = a * 2
        ctx.save_for_backward(a, out, None, b)
        return out

    def backward(ctx, g):
        s = ctx.saved_tensors
        log.append((s[0] is x, s[1].grad_fn is ctx, s[1].requires_grad, s[2], torch.is_grad_enabled()))
        return g, None

    simple_function(torch, forward, backward).apply(x, x * 2).sum().backward()
    return log


@program
def function_mixed_outputs(torch):
    log = []
    f = simple_function(torch, lambda ctx, a: (a * 2, "s", None), lambda ctx, *g: log.append(g) or g[0])
    out = f.apply(leaf(torch, 2))
    out[0].sum().backward()
    return out, log


@program
def function_backward_inside_backward(torch):
    def forward(ctx, a):
        ctx.save_for_backward(a)
        return a * a

    def backward(ctx, g):
        with torch.enable_grad():
            b = ctx.saved_tensors[0].detach().requires_grad_()
            (b * b).sum().backward()
        return g * b.grad

    x = leaf(torch, 3)
    simple_function(torch, forward, backward).apply(x).sum().backward()
    return x.grad
