"""``vmap``."""

from collections import namedtuple

from ._shared import grid, program, raises


@program
def vmap_dims_in_and_out(torch):
    x, y = grid(torch, 2, 3, 4), grid(torch, 4, 3)
    f = torch.vmap(lambda a, b: (a * b, a.sum() + b), in_dims=(2, 0), out_dims=(1, 0))
    return f(x, y)


@program
def vmap_nested_and_shared_inputs(torch):
    x, w = grid(torch, 2, 3), grid(torch, 4)
    return torch.vmap(torch.vmap(lambda a, b: a * b.sum(), in_dims=(0, None)), in_dims=(0, None))(x, w)


@program
def vmap_pytrees(torch):
    Pair = namedtuple("Pair", "a b")

    def f(tree, n):
        return {"x": tree["p"].a * n, "y": [tree["q"][0] + tree["p"].b, tree["q"][1]]}

    tree = {"p": Pair(grid(torch, 3, 2), grid(torch, 2, 3)), "q": (grid(torch, 3), grid(torch, 2))}
    out = torch.vmap(f, in_dims=({"p": Pair(0, 1), "q": (0, None)}, None))(tree, 2.0)
    return [list(out), out["x"], out["y"]]


@program
def vmap_output_that_is_no_batch(torch):
    a, b = torch.vmap(lambda x: (x * 2, torch.ones(2)), out_dims=(0, None))(grid(torch, 3))
    c = torch.vmap(lambda x: torch.ones(2))(grid(torch, 3))
    return [a, b, c]


@program
def vmap_keyword_arguments_and_partial(torch):
    import functools

    f = functools.partial(lambda x, y, scale=1.0: (x + y) * scale, scale=3.0)
    return [
        torch.vmap(f)(grid(torch, 3), grid(torch, 3)),
        torch.vmap(lambda x, k: x * k)(grid(torch, 2), k=grid(torch, 3, 1))[0],
    ]


@program
def vmap_in_chunks(torch):
    x = grid(torch, 5, 3)
    return [torch.vmap(lambda a: (a.sum(), a * 2), chunk_size=c, out_dims=(0, 1))(x) for c in (1, 2, 5, 9)]


@program
def vmap_in_place_on_a_local(torch):
    def f(x):
        y = torch.zeros_like(x)
        y[1:] = x[:-1] * 2
        y.add_(1).mul_(x)
        y[0] = 7
        z = x.new_zeros(2)
        z[0] = x.sum()
        return y, z

    return torch.vmap(f)(grid(torch, 2, 3))


@program
def vmap_in_place_on_an_input(torch):
    x = grid(torch, 2, 3).clone()
    out = torch.vmap(lambda a: a.add_(1).sum())(x)
    return [out, x]


@program
def vmap_views_and_shapes(torch):
    def f(x):
        return (
            x.t().reshape(-1),
            x.unsqueeze(0).expand(2, 2, 3).sum(0),
            x.flip(0),
            torch.stack([x[0], x[1]], 1),
            x.unbind(1)[0],
        )

    out = torch.vmap(f)(grid(torch, 2, 2, 3))
    return [out, [list(o.shape) for o in out]]


@program
def vmap_indexing(torch):
    x, i = grid(torch, 2, 4), torch.tensor([[0, 3], [1, 1]])
    table = grid(torch, 5, 2)
    return [
        torch.vmap(lambda a, k: a[k])(x, i),
        torch.vmap(lambda k: table[k])(i),
        torch.vmap(lambda a, k: torch.gather(a, 0, k))(x, i),
        torch.vmap(lambda k: torch.nn.functional.embedding(k, table))(i),
        torch.vmap(lambda k: torch.nn.functional.one_hot(k, 4))(i),
        torch.vmap(lambda a: torch.where(a > 0, a, torch.zeros(())))(x),
    ]


@program
def vmap_errors(torch):
    x = grid(torch, 2, 3)
    scalar = grid(torch, 2)

    def into_shared(a):
        z = torch.zeros(3)
        z[0] = a[0]
        return z

    return [
        raises(lambda: torch.vmap(lambda a: a.sum().item())(x)),
        raises(lambda: torch.vmap(lambda a: a if a > 0 else -a)(scalar)),
        raises(lambda: torch.vmap(lambda a: a.nonzero())(x)),
        raises(lambda: torch.vmap(lambda a: a[a > 0])(x)),
        raises(lambda: torch.vmap(into_shared)(x)),
        raises(lambda: torch.vmap(lambda a: a + torch.rand(3))(x)),
        raises(lambda: torch.vmap(lambda a: torch.nn.functional.dropout(a))(x)),
        raises(lambda: torch.vmap(lambda a: a)()),
        raises(lambda: torch.vmap(lambda a, b: a)(x, grid(torch, 3))),
        raises(lambda: torch.vmap(lambda a: a, in_dims=2)(x)),
        raises(lambda: torch.vmap(lambda a: a, in_dims=(0, 0))(x)),
        raises(lambda: torch.vmap(lambda a: a, in_dims=None)(x)),
        raises(lambda: torch.vmap(lambda a: a, in_dims=("x",))(x)),
        raises(lambda: torch.vmap(lambda a, b: a)(x, 2.0)),
        raises(lambda: torch.vmap(lambda a: 1.0)(x)),
        raises(lambda: torch.vmap(lambda a: a, out_dims=None)(x)),
        raises(lambda: torch.vmap(lambda a: a, out_dims=(0, 0))(x)),
        raises(lambda: torch.vmap(lambda a: a, out_dims="x")(x)),
        raises(lambda: torch.vmap(lambda a: a, randomness="some")(x)),
        raises(lambda: torch.vmap(lambda a: a, chunk_size=0)(x)),
        raises(lambda: torch.vmap(lambda a: a, in_dims=(None,))(x)),
    ]


@program
def vmap_random_numbers(torch):
    x = grid(torch, 2, 3).abs()
    drop = torch.nn.functional.dropout
    made = []
    for mode in ("different", "same"):
        torch.manual_seed(3)
        made += [
            torch.vmap(lambda a: torch.rand(2) + a.sum(), randomness=mode)(x),
            torch.vmap(lambda a: drop(a, 0.5), randomness=mode)(x),
            torch.vmap(lambda a: torch.randn_like(a), randomness=mode)(x),
            torch.vmap(lambda a: torch.randint(0, 9, (3,)) + a, randomness=mode)(x),
            torch.vmap(lambda a: torch.randperm(4) + a.sum(), randomness=mode)(x),
            torch.vmap(torch.vmap(lambda a: torch.rand(()) + a, randomness=mode), randomness="different")(x),
        ]
    torch.manual_seed(3)
    made.append(torch.vmap(lambda a: torch.bernoulli(a), randomness="different")(x))
    made.append(torch.vmap(lambda a: torch.multinomial(a, 2), randomness="different")(x))
    made.append(raises(lambda: torch.vmap(lambda a: torch.bernoulli(a), randomness="same")(x)))
    shared = torch.zeros(3)
    made.append(raises(lambda: torch.vmap(lambda a: shared.normal_(), randomness="different")(x)))
    return made
