"""Forward mode, forward over reverse mode and ``vmap`` of one op call, as a few numbers; the same code for both torches."""

import numpy as np

SEED = 7


def direction(shape, index):
    """A fixed random direction for an input or a result."""
    return np.asarray(np.random.default_rng([SEED, index]).standard_normal(tuple(shape)))


def leaves(args, kwargs):
    """Every place of a tensor in the arguments: (container, key)."""
    found = []
    for container, keys in ((args, range(len(args))), (kwargs, list(kwargs))):
        for k in keys:
            if isinstance(container[k], list):
                found += [(container[k], i) for i in range(len(container[k]))]
            else:
                found.append((container, k))
    return found


def summary(torch, fn, args, kwargs):
    """{"jvp": sums over the tangents, "hvp": over the tangent of a gradient, "vmap": over a batch's results}, or errors."""
    args, kwargs = list(args), dict(kwargs)
    places = [(c, k) for c, k in leaves(args, kwargs) if isinstance(c[k], torch.Tensor)]
    moving = [i for i, (c, k) in enumerate(places) if c[k].is_floating_point()]
    base = [c[k] for c, k in places]

    def call(*xs):
        saved = [c[k] for c, k in places]
        for i, x in zip(moving, xs, strict=True):
            places[i][0][places[i][1]] = x
        try:
            out = fn(*args, **kwargs)
        finally:
            for (c, k), x in zip(places, saved, strict=True):
                c[k] = x
        outs = tuple(out) if isinstance(out, (tuple, list)) else (out,)
        return tuple(o for o in outs if isinstance(o, torch.Tensor) and o.is_floating_point())

    xs = tuple(base[i] for i in moving)
    ts = tuple(torch.tensor(direction(x.shape, i)) for i, x in enumerate(xs))

    def weighted(outs):
        return [(o * torch.tensor(direction(o.shape, 50 + i))).sum() for i, o in enumerate(outs)]

    def tried(thunk):
        try:
            return thunk()
        except Exception as e:  # noqa: BLE001
            return [type(e).__name__, str(e)[:60]]

    every = tuple(range(len(xs)))
    return {
        "jvp": tried(lambda: weighted(torch.func.jvp(call, xs, ts)[1])),
        "hvp": tried(
            lambda: weighted(
                torch.func.jvp(torch.func.grad(lambda *x: sum(weighted(call(*x))), argnums=every), xs, ts)[1]
            )
        ),
        "vmap": tried(
            lambda: [
                (o * torch.tensor(direction(o.shape, 80 + i))).sum()
                for i, o in enumerate(torch.vmap(call)(*[torch.stack([x, x * 0.75]) for x in xs]))
            ]
        ),
    }
