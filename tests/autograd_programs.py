"""Short autograd programs in plain torch. Each takes the torch module and returns what can be written as JSON.

``tests/recorders/record_autograd.py`` runs them with PyTorch; ``test_programs.py`` runs them with this package and
compares results, or the class and text of the error.
"""

import warnings

PROGRAMS = {}


def program(fn):
    PROGRAMS[fn.__name__] = fn
    return fn


def outcome(fn, torch):
    """The program's result, or its error as ``["raises", class, text]``."""
    torch.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return plain(fn(torch))
        except Exception as e:
            return ["raises", type(e).__name__, str(e).split("(Triggered")[0].strip()]


def plain(x):
    """Tensors as lists of rounded numbers, everything else as JSON has it."""
    if x is None or isinstance(x, (bool, int, str)):
        return x
    if isinstance(x, complex):
        return [plain(x.real), plain(x.imag)]
    if isinstance(x, float):
        return float(f"{x:.4g}")
    if isinstance(x, (list, tuple)):
        return [plain(v) for v in x]
    return plain(x.detach().tolist())


def leaf(torch, *shape):
    n = 1
    for s in shape:
        n *= s
    return (torch.arange(1.0, 1 + n).reshape(shape) / 4).requires_grad_()


def weighted(torch, y, *xs):
    """Gradients of sum(w * y) with distinct weights, so that a misplaced cotangent shows."""
    w = torch.arange(1.0, 1 + y.numel()).reshape(y.shape)
    return torch.autograd.grad((y * w).sum(), xs, allow_unused=True)


def simple_function(torch, forward, backward):
    """A Function of one tensor from two plain functions."""
    return type("F", (torch.autograd.Function,), {"forward": staticmethod(forward), "backward": staticmethod(backward)})


# -- hooks -------------------------------------------------------------------------------------------------------------


@program
def hook_order_and_removal(torch):
    log, x = [], leaf(torch, 2)
    y = x * 2
    first = y.register_hook(lambda g: log.append("a") or g * 10)
    y.register_hook(lambda g: log.append(("b", g.tolist())))
    x.register_hook(lambda g: log.append(("leaf", g.tolist())) or g + 1)
    y.sum().backward()
    first.remove()
    (x * y.detach()).sum().backward()
    return log, x.grad


@program
def hooks_before_and_after_in_place(torch):
    log, x = [], leaf(torch, 2)
    y = x * 2
    y.register_hook(lambda g: log.append(("old", g.tolist())))
    y.retain_grad()
    y.mul_(3)
    y.register_hook(lambda g: log.append(("new", g.tolist())))
    (y * 5).sum().backward()
    return log, y.grad, y.retains_grad


@program
def hooks_and_captured_gradients(torch):
    x = leaf(torch, 2)
    y = x * 2
    y.register_hook(lambda g: g * 10)
    x.register_hook(lambda g: g * 100)
    z = (y * 5).sum()
    return torch.autograd.grad(z, [x, y], retain_graph=True), torch.autograd.grad(z, [y])


@program
def hook_without_grad(torch):
    torch.ones(2).register_hook(lambda g: g)


@program
def hook_returns_number(torch):
    x = leaf(torch, 2)
    x.register_hook(lambda g: 3)
    x.sum().backward()


@program
def hook_returns_other_shape(torch):
    x = leaf(torch, 2)
    x.register_hook(lambda g: torch.ones(3))
    x.sum().backward()


@program
def hook_returns_other_dtype(torch):
    x = leaf(torch, 2)
    x.register_hook(lambda g: g.double())
    x.sum().backward()


@program
def post_accumulate_hook(torch):
    log, x = [], leaf(torch, 2)
    handle = x.register_post_accumulate_grad_hook(lambda t: log.append(t.grad.tolist()))
    x.sum().backward()
    (x * 2).sum().backward()
    handle.remove()
    x.sum().backward()
    return log, x.grad


@program
def post_accumulate_hook_on_non_leaf(torch):
    (leaf(torch, 2) * 2).register_post_accumulate_grad_hook(lambda t: None)


@program
def node_hooks(torch):
    log, x = [], leaf(torch, 2)
    y = x * 2
    y.grad_fn.register_hook(lambda gi, go: log.append((gi, go)))
    y.grad_fn.register_prehook(lambda go: (go[0] * 7,))
    y.sum().backward()
    return log, x.grad


@program
def node_hook_wrong_count(torch):
    y = leaf(torch, 2) * 2
    y.grad_fn.register_hook(lambda gi, go: (1, 2, 3))
    y.sum().backward()


@program
def full_module_hooks(torch):
    log = []
    net = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.ReLU())
    with torch.no_grad():
        for p in net.parameters():
            p.fill_(1.0)
    net[0].register_full_backward_hook(lambda m, gi, go: log.append((gi, go)))
    net[0].register_full_backward_pre_hook(lambda m, go: (go[0] * 2,))
    net[1].register_full_backward_hook(lambda m, gi, go: (gi[0] * 3,))
    x = leaf(torch, 1, 2)
    net(x).sum().backward()
    return log, x.grad, net[0].weight.grad


# -- Function ----------------------------------------------------------------------------------------------------------


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


# -- graph -------------------------------------------------------------------------------------------------------------


@program
def gradient_edges(torch):
    x = leaf(torch, 2)
    y = x * 2
    edge = torch.autograd.graph.get_gradient_edge(y)
    z = (y * 3).sum()
    nodes = isinstance(y.grad_fn, torch.autograd.graph.Node), edge.node is y.grad_fn, edge.output_nr
    inner = torch.autograd.grad(z, [edge], retain_graph=True)
    return nodes, inner, torch.autograd.grad(edge, [x], torch.ones(2))


@program
def gradient_edge_without_grad(torch):
    torch.autograd.graph.get_gradient_edge(torch.ones(2))


@program
def saved_tensor_hooks_nest(torch):
    log, x, hooks = [], leaf(torch, 2), torch.autograd.graph.saved_tensors_hooks
    with hooks(lambda t: log.append("outer") or t.tolist(), lambda v: torch.tensor(v)):
        with hooks(lambda t: log.append("inner") or t.tolist(), lambda v: torch.tensor(v) * 2):
            y = x * x
        z = y.exp()
    (x * 3).sum().backward()
    return log, weighted(torch, z, x)


@program
def saved_tensor_hooks_in_function(torch):
    log, x = [], leaf(torch, 2)
    f = simple_function(
        torch,
        lambda ctx, a: (ctx.save_for_backward(a, a * 2), a * 3)[1],
        lambda ctx, g: log.append([(t, t.requires_grad, t is x) for t in ctx.saved_tensors]) or g,
    )
    with torch.autograd.graph.saved_tensors_hooks(lambda t: t, lambda t: t):
        y = f.apply(x)
    y.sum().backward()
    return log


@program
def unpack_hook_returns_number(torch):
    with torch.autograd.graph.saved_tensors_hooks(lambda t: t, lambda t: 3):
        y = leaf(torch, 2).exp()
    y.sum().backward()


@program
def pack_hook_writes(torch):
    x = leaf(torch, 2)
    with torch.autograd.graph.saved_tensors_hooks(lambda t: t.mul_(2), lambda t: t):
        x * x


@program
def saved_tensor_hooks_disabled(torch):
    with torch.autograd.graph.disable_saved_tensors_hooks("not here"):
        with torch.autograd.graph.saved_tensors_hooks(lambda t: t, lambda t: t):
            pass


@program
def raw_saved_tensor_hooks(torch):
    x = leaf(torch, 2)
    y = x.exp()
    y.grad_fn._raw_saved_result.register_hooks(lambda t: t.tolist(), lambda v: torch.tensor(v) * 2)
    return torch.autograd.grad(y.sum(), x)


@program
def save_on_cpu(torch):
    x = leaf(torch, 2)
    with torch.autograd.graph.save_on_cpu():
        y = x * x
    return weighted(torch, y, x)


@program
def mutation_of_saved_tensors(torch):
    x = leaf(torch, 2)
    with torch.autograd.graph.allow_mutation_on_saved_tensors():
        y = x * 1
        z = y * y
        y.zero_()
        return torch.autograd.grad(z.sum(), x)


@program
def multi_grad_hooks(torch):
    a, b, c = (leaf(torch, 2) for _ in range(3))
    log, register = [], torch.autograd.graph.register_multi_grad_hook
    first = register((a, b, c, a * b), lambda gs: log.append(list(gs)))
    second = register((a, b, c), lambda g: log.append(g), mode="any")
    (a * 2 + b * 3).sum().backward()
    (c.sum() * 4).backward()
    (a * b * c).sum().backward()
    first.remove()
    second.remove()
    (a * 2).sum().backward()
    return log


@program
def increment_version(torch):
    a = torch.ones(2)
    torch.autograd.graph.increment_version(a)
    torch.autograd.graph.increment_version([a, a])
    return a._version


# -- the engine --------------------------------------------------------------------------------------------------------


@program
def backward_with_inputs(torch):
    x = leaf(torch, 2)
    y = x * 2
    z = (y * 5).sum()
    z.backward(inputs=[y, x], retain_graph=True)
    z.backward(inputs=[x, x], retain_graph=True)
    return x.grad, y.grad, y.retains_grad


@program
def backward_with_no_inputs(torch):
    leaf(torch, 2).sum().backward(inputs=[])


@program
def grad_of_nothing(torch):
    torch.autograd.grad(leaf(torch, 2).sum(), [])


@program
def grad_of_unused(torch):
    torch.autograd.grad(leaf(torch, 2).sum(), [leaf(torch, 2)])


@program
def grad_without_requires_grad(torch):
    torch.autograd.grad(leaf(torch, 2).sum(), [torch.ones(2)])


@program
def grad_materialized(torch):
    x, y = leaf(torch, 2), leaf(torch, 2)
    return torch.autograd.grad(x.sum(), [x, y], materialize_grads=True)


@program
def grad_batched(torch):
    x = leaf(torch, 2)
    return torch.autograd.grad(x * x, [x], torch.eye(2), is_grads_batched=True)


@program
def backward_of_vector(torch):
    (leaf(torch, 2) * 2).backward()


@program
def backward_wrong_shape(torch):
    (leaf(torch, 2) * 2).backward(torch.ones(3))


@program
def backward_twice(torch):
    x = leaf(torch, 2)
    y = (x * x).sum()
    y.backward()
    y.backward()


@program
def backward_twice_with_nothing_saved(torch):
    x = leaf(torch, 2)
    y = (x + x).sum()
    y.backward()
    y.backward()
    return x.grad


@program
def gradients_are_not_shared(torch):
    x, y = leaf(torch, 2), leaf(torch, 2)
    (x + y).sum().backward()
    g = x.grad
    g.add_(1)
    (x + y).sum().backward()
    return x.grad, y.grad, x.grad is g


@program
def saved_result_changed(torch):
    y = leaf(torch, 4).exp()
    y.add_(1)
    y.sum().backward()


@program
def saved_leaf_changed(torch):
    w = leaf(torch, 4)
    z = w * w
    with torch.no_grad():
        w.add_(1)
    z.sum().backward()


@program
def unneeded_saved_tensor_changed(torch):
    x, w = leaf(torch, 2), leaf(torch, 2)
    y = x * 1
    z = y * w
    y.zero_()
    return torch.autograd.grad(z.sum(), y, allow_unused=True), torch.autograd.grad((x * w).sum(), w)


@program
def writes_through_views(torch):
    x = leaf(torch, 3, 4)
    y = x * 2
    v = y[1]
    v.mul_(x[0])
    y.t()[1:3].add_(x.t()[:2] * 3)
    b = torch.zeros(3, 4)
    b[0] = x[1]
    b[:, 2] = x[:, 0] * 2
    b[1, 1] = 5
    return weighted(torch, y, x), y.grad_fn.name(), weighted(torch, b, x)


@program
def views_follow_their_base(torch):
    x = leaf(torch, 4)
    y = x * 1
    v, w = y[:2], y[1:]
    u = y.view(2, 2).t()
    v.mul_(3)
    w.mul_(v[0].detach() + x[1])
    z = torch.zeros(4)
    s = z[1:3]
    s.copy_(x[:2])
    s.mul_(x[2:])
    return weighted(torch, torch.cat([v, w, y, u.reshape(4), z]), x), s.requires_grad, z.requires_grad


@program
def in_place_chains(torch):
    x = leaf(torch, 2, 3)
    y = x.clone()
    y.masked_fill_(y > 1, 0.0)
    y.index_add_(0, torch.tensor([0, 0]), x * 2)
    y.clamp_(max=2)
    z = x * 1
    z[torch.tensor([0, 1]), torch.tensor([2, 0])] = x[:, 1] * 4
    z[z > 1.4] = 0.0
    return weighted(torch, y, x), weighted(torch, z, x)


@program
def view_of_leaf_written(torch):
    leaf(torch, 3)[0].add_(1)


@program
def no_grad_view_written(torch):
    x = leaf(torch, 3) * 1
    with torch.no_grad():
        v = x.view(3)
    v.add_(1)


@program
def one_of_several_views_written(torch):
    (leaf(torch, 4) * 1).unbind(0)[0].add_(1)


@program
def base_of_several_views_written(torch):
    x = leaf(torch, 4) * 1
    a, _ = x.chunk(2)
    x.add_(1)
    return a.grad_fn


@program
def pieces(torch):
    x = leaf(torch, 2, 3)
    a, b, c = x.unbind(1)
    p, q = x.split([1, 2], 1)
    names = [t.grad_fn.name() for t in (c, q, x.chunk(2)[1], x.tensor_split(2, 1)[0])]
    return (
        names,
        c.output_nr,
        weighted(torch, a * 2 + c, x),
        weighted(torch, q * 3, x),
        weighted(torch, x.chunk(2)[1], x),
    )


@program
def third_derivative(torch):
    x = leaf(torch, 3)
    (g,) = torch.autograd.grad((x**3 * x.sin()).sum(), x, create_graph=True)
    (h,) = torch.autograd.grad(g.pow(2).sum(), x, create_graph=True)
    return g, h, torch.autograd.grad(h.sum(), x)


@program
def derivative_of_linear_function_has_no_graph(torch):
    x = leaf(torch, 3)
    (g,) = torch.autograd.grad((x * 2).sum(), x, create_graph=True)
    (h,) = torch.autograd.grad((x * x).sum(), x, create_graph=True)
    return g.requires_grad, h.requires_grad


@program
def complex_gradients(torch):
    z = torch.tensor([1 + 2j, 3 - 1j], requires_grad=True)
    w = torch.tensor([1 - 1j, 2j])
    values = [
        (z * z.conj()).real.sum(), z.abs().sum(), (z * w).imag.sum(), z.angle().sum(),
        torch.view_as_real(z).pow(2).sum(), z.exp().imag.sum(), (torch.complex(z.imag, z.real) * w).real.sum(),
    ]  # fmt: skip
    return [torch.autograd.grad(v, z) for v in values]


@program
def long_chain(torch):
    x = leaf(torch, 1)
    y = x
    for _ in range(1500):
        y = y * 1.0
    y.backward()
    return x.grad


@program
def grad_modes(torch):
    @torch.no_grad()
    def produce():
        got = yield torch.is_grad_enabled()
        yield got, torch.is_grad_enabled()

    @torch.set_grad_enabled(False)
    def off():
        return torch.is_grad_enabled()

    steps = produce()
    seen = [next(steps), torch.is_grad_enabled(), steps.send(5), torch.is_grad_enabled(), off(), torch.no_grad(off)()]
    with torch.no_grad(), torch.enable_grad():
        seen.append(torch.is_grad_enabled())
    return seen


@program
def inference_tensors(torch):
    n = torch.ones(3)
    with torch.inference_mode():
        i = torch.ones(3)
        inside = [n.view(3).is_inference(), (n * 2).is_inference(), n.add_(1).is_inference(), i.mul_(2).is_inference()]
        needs = (torch.ones(2, requires_grad=True) * 2).requires_grad
    outside = [(i * 2).is_inference(), i.view(3).is_inference(), i.detach().is_inference(), i.clone().is_inference()]
    x = leaf(torch, 3) * 1
    return inside, needs, outside, (x + i).requires_grad, torch.ones(2).mul(2).is_inference()


@program
def inference_tensor_saved(torch):
    with torch.inference_mode():
        i = torch.ones(3)
    return i * leaf(torch, 3)


@program
def inference_tensor_written(torch):
    with torch.inference_mode():
        i = torch.ones(3)
    i.add_(1)


@program
def inference_tensor_as_parameter(torch):
    with torch.inference_mode():
        i = torch.ones(3)
    torch.nn.Parameter(i)


@program
def leaf_written(torch):
    leaf(torch, 3).add_(1)


@program
def requires_grad_of_non_leaf(torch):
    (leaf(torch, 3) * 2).requires_grad_(False)


@program
def requires_grad_of_integers(torch):
    torch.ones(3, dtype=torch.int64).requires_grad_()


@program
def detach_and_data(torch):
    x = leaf(torch, 2)
    y = x * 2
    d = y.detach()
    y.add_(1)
    seen = [d.requires_grad, d.is_leaf, d._version, y._version]
    y.data.mul_(2)
    seen.append(y._version)
    v = y.view(2)
    y.detach_()
    w = leaf(torch, 2)
    w.data = torch.ones(3)
    (w * 2).sum().backward()
    return seen, y.requires_grad, v.requires_grad, w.grad


@program
def anomaly_mode(torch):
    x = leaf(torch, 2)
    with torch.autograd.set_detect_anomaly(True):
        (x * 0 - 1).sqrt().sum().backward()


@program
def names_of_grad_fns(torch):
    x, v = torch.rand(4, 4, requires_grad=True), torch.rand(4, requires_grad=True)
    b, f = torch.rand(2, 4, 4, requires_grad=True), torch.nn.functional
    results = [
        x + x, 1 - x, x * 2, x / x, x**2, x**x, 2**x, -x, x @ x, x @ v, v @ v, x.T, x.t(), x.mT, x.exp(), x.log1p(),
        x.sigmoid(), x.relu(), x.clamp(0, 1), x.sum(), x.sum(0), x.mean(), x.mean(1), x.prod(), x.std(), x.var(0), x.max(),
        x.max(0)[0], x.amax(0), x.median(), x.topk(2)[0], x.cumsum(0), x.logsumexp(0), x.softmax(0), x.log_softmax(0),
        x.view(16), x.reshape(2, 8), x.permute(1, 0), x.unsqueeze(0), x.expand(2, 4, 4), x.repeat(2, 1), x.clone(), x[0],
        x[:, 1:], x[torch.tensor([0, 1])], x.tril(), x.flip(0), torch.cat([x, x]), torch.stack([x, x]), torch.bmm(b, b),
        torch.addmm(x, x, x), torch.lerp(x, x, 0.5), torch.maximum(x, x), torch.linalg.inv(x), x.double(), f.gelu(x),
        f.leaky_relu(x), f.elu(x), f.silu(x), f.softplus(x), f.layer_norm(x, (4,)), f.mse_loss(x, x.detach()),
        f.cross_entropy(x, torch.tensor([0, 1, 2, 3])), f.embedding(torch.tensor([0]), x), f.dropout(x, 0.5),
    ]  # fmt: skip
    return [type(r.grad_fn).__name__ for r in results]


# -- functional and gradcheck ------------------------------------------------------------------------------------------


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
