"""Forward-mode differentiation."""

from ._shared import grid, mlp, program, raises


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
