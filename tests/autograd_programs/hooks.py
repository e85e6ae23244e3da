"""Hooks of tensors, leaves and nodes."""

from ._shared import leaf, program


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
