"""Custom ``Function`` classes under transforms."""

from ._shared import grid, program, raises


def custom(torch, **members):
    """A cube whose backward is ten times too large, so that it shows who computed a gradient."""

    def forward(x):
        return x**3

    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(*inputs)
        ctx.save_for_forward(*inputs)

    def backward(ctx, g):
        return g * 30 * ctx.saved_tensors[0] ** 2

    made = {"forward": forward, "setup_context": setup_context, "backward": backward, **members}
    names = {k: v if k == "generate_vmap_rule" else staticmethod(v) for k, v in made.items()}
    return type("Cube", (torch.autograd.Function,), names)


@program
def custom_function_generated_rule(torch):
    cube = custom(torch, generate_vmap_rule=True, jvp=lambda ctx, t: t * 300 * ctx.saved_tensors[0] ** 2)
    f, x = cube.apply, grid(torch, 3)
    g = torch.func.grad
    return [
        torch.vmap(f)(x), torch.vmap(g(f))(x), g(lambda a: torch.vmap(f)(a).sum())(x), torch.func.jvp(f, (x,), (x,)),
        torch.func.jacfwd(f)(x), torch.func.jacrev(f)(x), torch.func.hessian(lambda a: f(a).sum())(x),
        torch.vmap(torch.vmap(f))(x.reshape(3, 1)), g(lambda a: torch.vmap(torch.vmap(f))(a).sum())(x.reshape(3, 1)),
    ]  # fmt: skip


@program
def custom_function_own_rule(torch):
    seen = []

    def vmap(info, in_dims, x):
        seen.append([info.batch_size, info.randomness, list(in_dims), list(x.shape)])
        return cube.apply(x), in_dims[0]

    cube = custom(torch, vmap=vmap)
    x = grid(torch, 3)
    return [
        torch.vmap(cube.apply)(x), torch.vmap(torch.func.grad(cube.apply))(x),
        torch.func.grad(lambda a: torch.vmap(cube.apply)(a).sum())(x), seen,
    ]  # fmt: skip


@program
def custom_function_errors(torch):
    class Old(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return g * 2

    x = grid(torch, 3)
    bare, both = custom(torch), custom(torch, generate_vmap_rule=True, vmap=lambda info, d, x: (x, 0))
    odd = custom(torch, vmap=lambda info, d, x: x)
    return [
        raises(lambda: torch.func.grad(lambda a: Old.apply(a).sum())(x)),
        raises(lambda: torch.vmap(Old.apply)(x)),
        raises(lambda: torch.vmap(bare.apply)(x)),
        raises(lambda: torch.vmap(both.apply)(x)),
        raises(lambda: torch.vmap(odd.apply)(x)),
        raises(lambda: torch.func.jvp(bare.apply, (x,), (x,))),
        torch.func.grad(lambda a: bare.apply(a).sum())(x),
        torch.func.jacrev(bare.apply)(x),
    ]


@program
def custom_function_of_two_tensors(torch):
    class Mul(torch.autograd.Function):
        generate_vmap_rule = True

        @staticmethod
        def forward(x, y):
            return x * y, x.sin()

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.save_for_backward(*inputs)
            ctx.save_for_forward(*inputs)

        @staticmethod
        def backward(ctx, a, b):
            x, y = ctx.saved_tensors
            return a * y + b * x.cos(), a * x

        @staticmethod
        def jvp(ctx, a, b):
            x, y = ctx.saved_tensors
            return a * y + x * b, x.cos() * a

    x, y = grid(torch, 3), torch.tensor(3.0)
    both = (0, 1)
    fw = torch.autograd.forward_ad
    with fw.dual_level():
        dual = [fw.unpack_dual(o) for o in Mul.apply(fw.make_dual(x, x), y)]
    return [
        torch.vmap(Mul.apply, in_dims=(0, None))(x, y),
        torch.vmap(torch.func.grad(lambda a, b: sum(Mul.apply(a, b)), argnums=both), in_dims=(0, None))(x, y),
        torch.func.grad(
            lambda a, b: sum(o.sum() for o in torch.vmap(Mul.apply, in_dims=(0, None))(a, b)), argnums=both
        )(x, y),
        torch.func.jvp(Mul.apply, (x, y), (x, y)),
        torch.func.hessian(lambda a: sum(o.sum() for o in Mul.apply(a, a)))(x),
        dual,
    ]
