"""What the backward pass does: accumulation, freed graphs, versions, modes, errors."""

from ._shared import leaf, program, weighted


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
