"""Gradients, graphs, versions, hooks."""

from __future__ import annotations

from typing import Any

from ..registry import case, raises, same

NOTES = "notes/autograd.html"


@case("torch.Tensor.backward")
def gradients_add_up(torch: Any) -> None:
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    (x * x).sum().backward()
    (3 * x).sum().backward()
    same(x.grad, torch.tensor([5.0, 7.0]))


@case("torch.Tensor.backward")
def needs_a_scalar_or_a_gradient(torch: Any) -> None:
    x = torch.ones(2, requires_grad=True)
    raises(RuntimeError, "grad can be implicitly created only for scalar outputs", (x * 2).backward)
    (x * 2).backward(torch.tensor([1.0, 3.0]))
    same(x.grad, torch.tensor([2.0, 6.0]))


@case("torch.Tensor.backward")
def frees_the_graph(torch: Any) -> None:
    x = torch.ones(2, requires_grad=True)
    loss = (x * x).sum()
    loss.backward(retain_graph=True)
    loss.backward()
    raises(RuntimeError, "Trying to backward through the graph a second time", loss.backward)


@case("torch.autograd", NOTES)
def saved_tensors_changed_in_place_raise(torch: Any) -> None:
    x = torch.ones(2, requires_grad=True)
    y = x.exp()
    y += 1
    raises(RuntimeError, "has been modified by an inplace operation", y.sum().backward)


@case("torch.autograd", NOTES)
def leaves_refuse_in_place_changes(torch: Any) -> None:
    x = torch.ones(2, requires_grad=True)
    raises(RuntimeError, "a leaf Variable that requires grad is being used in an in-place operation", x.add_, 1)
    with torch.no_grad():
        x.add_(1)
    same(x, torch.full((2,), 2.0))


@case("torch.autograd", NOTES)
def gradients_flow_through_writes_to_views(torch: Any) -> None:
    x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
    y = x * 1
    y[1:] *= 10
    y.sum().backward()
    same(x.grad, torch.tensor([1.0, 10.0, 10.0]))


@case("torch.autograd.grad")
def derivatives_of_derivatives(torch: Any) -> None:
    x = torch.tensor(2.0, requires_grad=True)
    (first,) = torch.autograd.grad(x**4, x, create_graph=True)
    (second,) = torch.autograd.grad(first, x)
    same(first, torch.tensor(32.0))
    same(second, torch.tensor(48.0))
    assert x.grad is None


@case("torch.autograd.grad")
def unused_inputs_raise_unless_allowed(torch: Any) -> None:
    x, unused = torch.ones(1, requires_grad=True), torch.ones(1, requires_grad=True)
    raises(RuntimeError, "appears to not have been used in the graph",
           torch.autograd.grad, x.sum(), unused)  # fmt: skip
    assert torch.autograd.grad(x.sum(), unused, allow_unused=True) == (None,)


@case("torch.autograd.Function", "notes/extending.html")
def custom_functions_define_their_gradient(torch: Any) -> None:
    class Double(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return x * 2

        @staticmethod
        def backward(ctx: Any, ct: Any) -> Any:
            (x,) = ctx.saved_tensors
            return ct * x * 100

    x = torch.tensor([1.0, 3.0], requires_grad=True)
    Double.apply(x).sum().backward()
    same(x.grad, torch.tensor([100.0, 300.0]))


@case("torch.no_grad")
def results_need_no_gradient(torch: Any) -> None:
    x = torch.ones(1, requires_grad=True)
    with torch.no_grad():
        assert not (x * 2).requires_grad and not torch.is_grad_enabled()

    @torch.no_grad()
    def double(t: Any) -> Any:
        return t * 2

    assert double(x).grad_fn is None and torch.is_grad_enabled()


@case("torch.Tensor.register_hook")
def tensor_hooks_change_gradients(torch: Any) -> None:
    x = torch.ones(2, requires_grad=True)
    handle = x.register_hook(lambda g: g * 3)
    x.sum().backward()
    handle.remove()
    x.sum().backward()
    same(x.grad, torch.tensor([4.0, 4.0]))


@case("torch.Tensor.retain_grad")
def inner_tensors_keep_their_gradient(torch: Any) -> None:
    x = torch.ones(2, requires_grad=True)
    y = x * 2
    y.retain_grad()
    (y * y).sum().backward()
    same(y.grad, torch.tensor([4.0, 4.0]))


@case("torch.Tensor.grad_fn", "generated/torch.autograd.graph.Node.name.html")
def nodes_are_named_after_the_operation(torch: Any) -> None:
    x = torch.ones(2, requires_grad=True)
    assert x.grad_fn is None and x.is_leaf
    assert (x + 1).grad_fn.name() == "AddBackward0" and type(x.sum().grad_fn).__name__ == "SumBackward0"


@case("torch.inference_mode")
def results_never_join_a_graph(torch: Any) -> None:
    w = torch.ones(2, requires_grad=True)
    with torch.inference_mode():
        y = w * 2
    assert y.is_inference() and not y.requires_grad
    raises(RuntimeError, "Inference tensors cannot be saved for backward", lambda: w * y)


@case("torch.autograd", NOTES)
def derivatives_at_kinks(torch: Any) -> None:
    x = torch.zeros(1, requires_grad=True)
    for fn, slope in ((torch.abs, 0.0), (torch.relu, 0.0), (lambda t: t.clamp(min=0), 1.0), (torch.norm, 0.0)):
        (grad,) = torch.autograd.grad(fn(x).sum(), x)
        assert grad.item() == slope, (fn, grad.item())


@case("torch.autograd.functional.jacobian")
def rows_are_outputs(torch: Any) -> None:
    x = torch.tensor([1.0, 2.0])
    same(torch.autograd.functional.jacobian(lambda t: t**2, x), torch.tensor([[2.0, 0], [0, 4]]))
