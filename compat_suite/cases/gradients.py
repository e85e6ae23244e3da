"""``torch.autograd``, ``torch.func``: graphs, hooks, custom functions, transforms."""

from __future__ import annotations

from typing import Any

from ..registry import case, raises, same

NOTES = "notes/autograd.html"


@case("torch.autograd", NOTES)
def integers_cannot_require_grad(torch: Any) -> None:
    raises(
        RuntimeError,
        "only Tensors of floating point dtype can require gradients",
        torch.ones(2, dtype=torch.int64).requires_grad_,
    )
    raises(
        RuntimeError, "element 0 of tensors does not require grad and does not have a grad_fn", torch.ones(()).backward
    )


@case("torch.autograd", NOTES)
def leaves_and_retained_gradients(torch: Any) -> None:
    x = torch.ones(2, requires_grad=True)
    y = x * 2
    assert x.is_leaf and not y.is_leaf and torch.ones(2).is_leaf and y.detach().is_leaf
    assert not x.retains_grad and y.grad_fn.next_functions[0][0].name() == "torch::autograd::AccumulateGrad"


@case("torch.autograd", NOTES)
def complex_gradients_are_conjugate_wirtinger_derivatives(torch: Any) -> None:
    z = torch.tensor([3 + 4j], requires_grad=True)
    z.abs().sum().backward()
    same(z.grad, torch.tensor([0.6 + 0.8j]), atol=1e-6)


@case("torch.autograd", NOTES)
def numbers_from_integer_tensors_break_nothing(torch: Any) -> None:
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    (x * torch.tensor([3, 4])).sum().backward()
    same(x.grad, torch.tensor([3.0, 4.0]))


@case("torch.Tensor.requires_grad_")
def only_leaves_can_be_changed(torch: Any) -> None:
    x = torch.ones(2, requires_grad=True)
    words = "you can only change requires_grad flags of leaf variables"
    raises(RuntimeError, words, (x * 2).requires_grad_, False)


@case("torch.Tensor.grad")
def has_to_fit_the_tensor(torch: Any) -> None:
    x = torch.ones(2, requires_grad=True)
    raises(
        RuntimeError,
        "attempting to assign a gradient of size '[3]' to a tensor of size '[2]'",
        setattr,
        x,
        "grad",
        torch.ones(3),
    )
    raises(TypeError, "assigned grad expected to be a Tensor or None but got", setattr, x, "grad", 1.0)


@case("torch.Tensor.backward")
def inputs_limit_where_gradients_go(torch: Any) -> None:
    a, b = torch.ones(1, requires_grad=True), torch.ones(1, requires_grad=True)
    (a * b).backward(inputs=[a])
    assert a.grad is not None and b.grad is None


@case("torch.Tensor.backward")
def gradient_has_to_have_the_shape(torch: Any) -> None:
    x = torch.ones(2, requires_grad=True)
    raises(
        RuntimeError,
        "Mismatch in shape: grad_output[0] has a shape of torch.Size([3])",
        (x * 2).backward,
        torch.ones(3),
    )


@case("torch.Tensor.register_post_accumulate_grad_hook")
def sees_the_sum_in_grad(torch: Any) -> None:
    x, seen = torch.ones(2, requires_grad=True), []
    x.register_post_accumulate_grad_hook(lambda p: seen.append(p.grad.tolist()))
    (2 * x).sum().backward()
    (3 * x).sum().backward()
    assert seen == [[2.0, 2.0], [5.0, 5.0]]


@case("torch.Tensor.register_hook")
def needs_a_tensor_that_requires_grad(torch: Any) -> None:
    words = "cannot register a hook on a tensor that doesn't require gradient"
    raises(RuntimeError, words, torch.ones(1).register_hook, lambda g: g)


@case("torch.autograd.grad")
def grad_outputs_weigh_results(torch: Any) -> None:
    x = torch.ones(2, requires_grad=True)
    (g,) = torch.autograd.grad([x * 2, x * 3], x, [torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0])])
    same(g, torch.tensor([2.0, 3.0]))


@case("torch.autograd.grad")
def materialized_gradients_are_zeros(torch: Any) -> None:
    x, unused = torch.ones(1, requires_grad=True), torch.ones(2, requires_grad=True)
    _, g = torch.autograd.grad(x.sum(), [x, unused], materialize_grads=True)
    same(g, torch.zeros(2))


@case("torch.autograd.grad")
def batches_of_vectors(torch: Any) -> None:
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    (rows,) = torch.autograd.grad(x**2, x, torch.eye(2), is_grads_batched=True)
    same(rows, torch.tensor([[2.0, 0.0], [0.0, 4.0]]))


@case("torch.autograd.Function", "notes/extending.html")
def setup_context_may_stand_apart(torch: Any) -> None:
    class Cube(torch.autograd.Function):
        @staticmethod
        def forward(x: Any) -> Any:
            return x**3

        @staticmethod
        def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
            ctx.save_for_backward(*inputs)

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            return 3 * ctx.saved_tensors[0] ** 2 * grad

    x = torch.tensor([2.0], requires_grad=True)
    Cube.apply(x).backward()
    same(x.grad, torch.tensor([12.0]))


@case("torch.autograd.Function", "notes/extending.html")
def the_number_of_gradients_is_checked(torch: Any) -> None:
    class Wrong(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x * 1

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            return grad, grad

    x = torch.ones(1, requires_grad=True)
    raises(RuntimeError, "returned an incorrect number of gradients (expected 1, got 2)", Wrong.apply(x).backward)


@case("torch.autograd.Function", "notes/extending.html")
def needs_input_grad_tells_what_is_wanted(torch: Any) -> None:
    seen = []

    class Add(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, a: Any, b: Any, c: int) -> Any:
            return a + b

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            seen.append(tuple(ctx.needs_input_grad))
            return grad, None, None

    Add.apply(torch.ones(1, requires_grad=True), torch.ones(1), 3).backward()
    assert seen == [(True, False, False)]


@case("torch.autograd.Function", "notes/extending.html")
def non_differentiable_results_require_no_grad(torch: Any) -> None:
    class Sort(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            values, order = x.sort()
            ctx.mark_non_differentiable(order)
            return values, order

        @staticmethod
        def backward(ctx: Any, grad: Any, _: Any) -> Any:
            return grad

    values, order = Sort.apply(torch.ones(2, requires_grad=True))
    assert values.requires_grad and not order.requires_grad


@case("torch.enable_grad")
def works_inside_no_grad(torch: Any) -> None:
    x = torch.ones(1, requires_grad=True)
    with torch.no_grad(), torch.enable_grad():
        assert (x * 2).requires_grad
    with torch.set_grad_enabled(False):
        assert not (x * 2).requires_grad


@case("torch.no_grad")
def factories_still_may_require_grad(torch: Any) -> None:
    with torch.no_grad():
        assert torch.ones(1, requires_grad=True).requires_grad
        assert torch.nn.Parameter(torch.ones(1)).requires_grad


@case("torch.autograd.detect_anomaly", "autograd.html")
def nan_in_a_gradient_raises(torch: Any) -> None:
    x = torch.zeros(1, requires_grad=True)
    with torch.autograd.detect_anomaly(check_nan=True):
        y = (x.sqrt() * 0).sum()
        raises(RuntimeError, "returned nan values in its 0th output", y.backward)


@case("torch.autograd.graph.saved_tensors_hooks", "autograd.html")
def pack_and_unpack_are_called(torch: Any) -> None:
    packed = []

    def pack(t: Any) -> Any:
        packed.append(t.shape)
        return t * 2

    x = torch.tensor([3.0], requires_grad=True)
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda t: t):
        y = x.exp()
    y.backward()
    assert packed == [(1,)]
    same(x.grad, 2 * y.detach())


@case("torch.autograd.gradcheck", "generated/torch.autograd.gradcheck.gradcheck.html")
def finds_wrong_derivatives(torch: Any) -> None:
    class Wrong(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x * 2

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            return grad * 3

    x = torch.ones(2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(torch.sin, (x,))
    assert not torch.autograd.gradcheck(Wrong.apply, (x,), raise_exception=False)


@case("torch.utils.checkpoint.checkpoint")
def runs_the_function_again(torch: Any) -> None:
    calls = []

    def square(t: Any) -> Any:
        calls.append(1)
        return t * t

    x = torch.tensor([3.0], requires_grad=True)
    torch.utils.checkpoint.checkpoint(square, x, use_reentrant=False).backward()
    assert len(calls) == 2
    same(x.grad, torch.tensor([6.0]))


@case("torch.autograd.functional.hessian")
def of_a_cubic(torch: Any) -> None:
    out = torch.autograd.functional.hessian(lambda t: (t**3).sum(), torch.tensor([1.0, 2.0]))
    same(out, torch.tensor([[6.0, 0.0], [0.0, 12.0]]))


@case("torch.autograd.functional.vjp")
def returns_the_value_too(torch: Any) -> None:
    value, g = torch.autograd.functional.vjp(lambda t: t**2, torch.tensor([1.0, 3.0]), torch.tensor([1.0, 10.0]))
    same(value, torch.tensor([1.0, 9.0]))
    same(g, torch.tensor([2.0, 60.0]))


@case("torch.func.grad", "generated/torch.func.grad.html")
def nests_and_has_aux(torch: Any) -> None:
    f = torch.func.grad(torch.func.grad(lambda x: x**3))
    same(f(torch.tensor(2.0)), torch.tensor(12.0))
    g, aux = torch.func.grad(lambda x: (x**2, x + 1), has_aux=True)(torch.tensor(3.0))
    same(g, torch.tensor(6.0))
    same(aux, torch.tensor(4.0))


@case("torch.func.vmap", "generated/torch.func.vmap.html")
def axes_are_chosen_by_argument(torch: Any) -> None:
    out = torch.func.vmap(torch.dot)(torch.ones(3, 2), torch.ones(3, 2))
    same(out, torch.full((3,), 2.0))
    shifted = torch.func.vmap(lambda a, b: a + b, in_dims=(1, None), out_dims=1)(torch.zeros(2, 3), torch.ones(2))
    same(shifted, torch.ones(2, 3))


@case("torch.func.jacrev", "generated/torch.func.jacrev.html")
def agrees_with_forward_mode(torch: Any) -> None:
    def f(x: Any) -> Any:
        return torch.stack([x.sum(), (x * x).sum()])

    x = torch.tensor([1.0, 2.0])
    same(torch.func.jacrev(f)(x), torch.tensor([[1.0, 1.0], [2.0, 4.0]]))
    same(torch.func.jacfwd(f)(x), torch.tensor([[1.0, 1.0], [2.0, 4.0]]))


@case("torch.func.functional_call", "generated/torch.func.functional_call.html")
def leaves_the_module_alone(torch: Any) -> None:
    m = torch.nn.Linear(1, 1)
    before = m.weight.detach().clone()
    out = torch.func.functional_call(m, {"weight": torch.zeros(1, 1), "bias": torch.ones(1)}, (torch.ones(1, 1),))
    same(out, torch.ones(1, 1))
    same(m.weight, before)


@case("torch.func.jvp", "generated/torch.func.jvp.html")
def tangents_go_forward(torch: Any) -> None:
    value, tangent = torch.func.jvp(torch.sin, (torch.zeros(2),), (torch.tensor([1.0, 2.0]),))
    same(value, torch.zeros(2))
    same(tangent, torch.tensor([1.0, 2.0]))


@case("torch.amp.autocast", "amp.html")
def matrix_products_run_in_bfloat16(torch: Any) -> None:
    a = torch.ones(2, 2)
    with torch.autocast("cpu"):
        assert (a @ a).dtype == torch.bfloat16 and a.exp().dtype == torch.float32
        assert torch.nn.functional.linear(a, a, a[0]).dtype == torch.bfloat16
    assert (a @ a).dtype == torch.float32
