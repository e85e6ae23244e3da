"""Walks along the graph, saved values, ``torch.autograd.graph``."""

from ._shared import leaf, program, simple_function, weighted


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
