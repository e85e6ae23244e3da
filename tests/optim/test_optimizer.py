"""Optimizers: groups, options and their errors, state, hooks, saving and loading."""

import copy
import pickle

import pytest

import torchax_lite as torch
from torchax_lite.optim import (
    ASGD,
    SGD,
    Adadelta,
    Adafactor,
    Adagrad,
    Adam,
    Adamax,
    AdamW,
    NAdam,
    Optimizer,
    RAdam,
    RMSprop,
    Rprop,
)
from torchax_lite.optim.optimizer import (
    register_optimizer_step_post_hook,
    register_optimizer_step_pre_hook,
    required,
)

ALL = [SGD, Adam, AdamW, RMSprop, Adagrad, Adadelta, Adamax, NAdam, RAdam, Rprop, ASGD]


def leaves(n=2):
    params = [torch.tensor([1.0, -2.0, 3.0]).requires_grad_(True) for _ in range(n)]
    for p in params:
        p.grad = torch.tensor([0.5, 0.25, -1.0])
    return params


# -- construction -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("params", "error", "text"),
    [
        (lambda: torch.zeros(2), TypeError, "iterable of Tensors or dicts, but got torch.FloatTensor"),
        (lambda: [], ValueError, "optimizer got an empty parameter list"),
        (lambda: [1], TypeError, "optimizer can only optimize Tensors, but one of the params is int"),
        (lambda: [torch.zeros(2, requires_grad=True) * 2], ValueError, "can't optimize a non-leaf Tensor"),
        (lambda: [{"params": set(leaves())}], TypeError, "need to be organized in ordered collections"),
        (lambda: [("a", leaves()[0]), leaves()[0]], ValueError, "Some param names are missing"),
        (lambda: [{"params": leaves(1)}, 3], TypeError, "param_group must be a dict, but got <class 'int'>"),
        (lambda: [{}], KeyError, "params"),
        (lambda: 3, TypeError, "not iterable"),
    ],
)
def test_params_errors(params, error, text):
    with pytest.raises(error, match=text):
        SGD(params())


@pytest.mark.parametrize(
    ("kind", "options", "error", "text"),
    [
        (SGD, {"lr": -1}, ValueError, "Invalid learning rate: -1"),
        (SGD, {"momentum": -1}, ValueError, "Invalid momentum value: -1"),
        (SGD, {"weight_decay": -1}, ValueError, "Invalid weight_decay value: -1"),
        (SGD, {"nesterov": True}, ValueError, "Nesterov momentum requires a momentum and zero dampening"),
        (SGD, {"nesterov": True, "momentum": 0.9, "dampening": 0.1}, ValueError, "Nesterov momentum requires"),
        (SGD, {"fused": True, "differentiable": True}, RuntimeError, "`fused` does not support `differentiable`"),
        (SGD, {"fused": True, "foreach": True}, RuntimeError, "`fused` and `foreach` cannot be `True` together."),
        (SGD, {"foo": 1}, TypeError, "unexpected keyword argument 'foo'"),
        (Adam, {"betas": (1.0, 0.5)}, ValueError, "Invalid beta parameter at index 0: 1.0"),
        (Adam, {"betas": (0.5, -1)}, ValueError, "Invalid beta parameter at index 1: -1"),
        (Adam, {"eps": -1}, ValueError, "Invalid epsilon value: -1"),
        (Adam, {"fused": True, "foreach": True}, RuntimeError, "`fused` and `foreach` cannot be `True` together."),
        (RMSprop, {"alpha": -1}, ValueError, "Invalid alpha value: -1"),
        (Adagrad, {"lr_decay": -1}, ValueError, "Invalid lr_decay value: -1"),
        (Adagrad, {"initial_accumulator_value": -1}, ValueError, "Invalid initial_accumulator_value value: -1"),
        (Adadelta, {"rho": 2.0}, ValueError, "Invalid rho value: 2.0"),
        (NAdam, {"momentum_decay": -1}, ValueError, "Invalid momentum_decay value: -1"),
        (Rprop, {"etas": (1.2, 0.5)}, ValueError, "Invalid eta values: 1.2, 0.5"),
        (ASGD, {"weight_decay": -1}, ValueError, "Invalid weight_decay value: -1"),
    ],
)
def test_option_errors(kind, options, error, text):
    with pytest.raises(error, match=text):
        kind(leaves(), **options)


def test_tensor_option_errors():
    tensor = torch.tensor
    with pytest.raises(ValueError, match="Tensor lr must be 1-element"):
        SGD(leaves(), lr=tensor([0.1, 0.2]))
    with pytest.raises(ValueError, match="lr as a Tensor is not supported for capturable=False and foreach=True"):
        Adam(leaves(), lr=tensor(0.1), foreach=True)
    with pytest.raises(ValueError, match="betas must be either both floats or both Tensors"):
        Adam(leaves(), betas=(0.9, tensor(0.9)))
    with pytest.raises(ValueError, match=r"betas\[0\] as a Tensor is not supported for capturable=False and foreach"):
        Adam(leaves(), betas=(tensor(0.9), tensor(0.9)), foreach=True)


@pytest.mark.parametrize("kind", [Adam, RMSprop, Adadelta, Adamax, NAdam, RAdam, Rprop, ASGD])
def test_capturable_needs_an_accelerator(kind):
    with pytest.raises(AssertionError, match="If capturable=True, params.* state_steps must be on supported"):
        kind(leaves(), capturable=True).step()


def test_fused_needs_floating_point():
    p = torch.zeros(2, dtype=torch.complex64, requires_grad=True)
    p.grad = torch.ones(2, dtype=torch.complex64)
    with pytest.raises(RuntimeError, match="`fused=True` requires all the params to be floating point Tensors"):
        Adam([p], fused=True).step()


def test_groups():
    a, b = leaves()
    opt = SGD([{"params": a}, {"params": [b], "lr": 0.5, "own": 3}], lr=0.1)
    assert [group["lr"] for group in opt.param_groups] == [0.1, 0.5]
    assert opt.param_groups[1]["own"] == 3 and opt.param_groups[0]["params"] == [a]
    c = leaves(1)[0]
    opt.add_param_group({"params": [c], "momentum": 0.5})
    assert opt.param_groups[2]["lr"] == 0.1
    opt.step()
    assert a.tolist() == pytest.approx([0.95, -2.025, 3.1])
    assert b.tolist() == pytest.approx([0.75, -2.125, 3.5])
    with pytest.raises(ValueError, match="some parameters appear in more than one parameter group"):
        opt.add_param_group({"params": a})
    with pytest.raises(ValueError, match="cannot add param group with names to the optimizer"):
        opt.add_param_group({"params": [("x", leaves(1)[0])]})
    with pytest.raises(TypeError, match="param_group must be a dict, but got <class 'list'>"):
        opt.add_param_group([1])
    with pytest.warns(UserWarning, match="parameter group with duplicate parameters"):
        SGD([c, c])


def test_named_parameters():
    opt = SGD(zip("ab", leaves()), momentum=0.9)
    assert opt.param_groups[0]["param_names"] == ["a", "b"]
    plain = SGD(leaves())
    opt.load_state_dict(plain.state_dict())
    assert opt.param_groups[0]["param_names"] == ["a", "b"]
    plain.load_state_dict(opt.state_dict())
    assert plain.param_groups[0]["param_names"] == ["a", "b"]


def test_required_options():
    class Own(Optimizer):
        def __init__(self, params, lr=required):
            super().__init__(params, {"lr": lr})

    with pytest.raises(ValueError, match="didn't specify a value of required optimization parameter lr"):
        Own(leaves())
    assert repr(required) == "<required parameter>"
    with pytest.raises(NotImplementedError):
        Own([{"params": leaves(), "lr": 1.0}]).step()


def test_repr():
    assert repr(SGD([{"params": leaves()}, {"params": leaves(1), "lr": 0.5}])) == (
        "SGD (\nParameter Group 0\n    dampening: 0\n    differentiable: False\n    foreach: None\n    fused: None\n"
        "    lr: 0.001\n    maximize: False\n    momentum: 0\n    nesterov: False\n    weight_decay: 0\n\n"
        "Parameter Group 1\n    dampening: 0\n    differentiable: False\n    foreach: None\n    fused: None\n"
        "    lr: 0.5\n    maximize: False\n    momentum: 0\n    nesterov: False\n    weight_decay: 0\n)"
    )


# -- stepping -----------------------------------------------------------------------------------------------------


def test_closure_runs_with_gradients():
    (p,) = leaves(1)
    opt = SGD([p], lr=0.1)

    def closure():
        opt.zero_grad()
        loss = (p * p).sum()
        loss.backward()
        return loss

    with torch.no_grad():
        loss = opt.step(closure)
    assert loss.item() == 14.0
    assert p.tolist() == pytest.approx([0.8, -1.6, 2.4])
    assert SGD([p]).step() is None


def test_parameters_without_gradient_are_skipped():
    a, b = leaves()
    b.grad = None
    opt = Adam([a, b])
    opt.step()
    assert b.tolist() == [1.0, -2.0, 3.0] and list(opt.state) == [a]


def test_zero_grad():
    a, b = leaves()
    opt = SGD([a, b])
    grad = a.grad
    opt.zero_grad(set_to_none=False)
    assert a.grad is grad and grad.tolist() == [0, 0, 0]
    opt.zero_grad()
    assert a.grad is None and b.grad is None


def test_parameters_are_changed_in_place():
    (p,) = leaves(1)
    view = p.detach()[1:]
    SGD([p], lr=1.0).step()
    assert view.tolist() == [-2.25, 4.0]
    assert p.is_leaf and p.requires_grad and p.grad_fn is None


def test_a_step_invalidates_what_backward_saved():
    (p,) = leaves(1)
    loss = (p * p).sum()
    SGD([p], lr=0.1).step()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


@pytest.mark.parametrize("kind", ALL)
def test_step_counts_are_state_tensors(kind):
    params = leaves()
    opt = kind(params, **({"momentum": 0.9} if kind is SGD else {}))
    for _ in range(3):
        opt.step()
    if kind is SGD:
        assert list(opt.state[params[0]]) == ["momentum_buffer"]
        return
    count = opt.state[params[0]]["step"]
    assert isinstance(count, torch.Tensor) and count.dtype == torch.float32 and count.shape == ()
    assert count.item() == 3.0
    assert opt.state[params[1]]["step"] is not count


def test_a_changed_step_count_counts():
    (p,) = leaves(1)
    opt = Adam([p], lr=0.1)
    opt.step()
    opt.state[p]["step"].fill_(100.0)
    opt.step()
    assert opt.state[p]["step"].item() == 101.0
    opt.state[p]["step"] = torch.tensor(7.0)
    opt.step()
    assert opt.state[p]["step"].item() == 8.0


def test_a_learning_rate_tensor_is_read_at_each_step():
    (p,) = leaves(1)
    lr = torch.tensor(0.5)
    opt = SGD([p], lr=lr)
    opt.step()
    assert p.tolist() == [0.75, -2.125, 3.5]
    lr.fill_(0.0)
    opt.step()
    assert p.tolist() == [0.75, -2.125, 3.5]


def test_sgd_with_momentum_set_later():
    (p,) = leaves(1)
    opt = SGD([p], lr=0.1)
    opt.step()
    opt.param_groups[0]["momentum"] = 0.9
    opt.step()
    assert opt.state[p]["momentum_buffer"].tolist() == [0.5, 0.25, -1.0]


def test_differentiable_step():
    lr = torch.tensor(0.1, requires_grad=True)
    start = torch.tensor([1.0, 2.0], requires_grad=True)
    grad = torch.tensor([3.0, -4.0], requires_grad=True)
    p = start.clone()
    opt = SGD([p], lr=lr, differentiable=True)
    p.grad = grad
    opt.step()
    p.sum().backward()
    assert start.grad.tolist() == [1.0, 1.0]
    assert grad.grad.tolist() == pytest.approx([-0.1, -0.1])
    assert lr.grad.item() == pytest.approx(1.0)


@pytest.mark.parametrize("kind", ALL)
def test_differentiable_agrees_with_the_recorded_update(kind):
    options = {"weight_decay": 0.1} if kind is not Rprop else {}
    results = []
    for differentiable in (False, True):
        (p,) = leaves(1)
        q = p.detach().clone().requires_grad_(True).clone() if differentiable else p
        q.grad = p.grad
        opt = kind([q], differentiable=differentiable, **options)
        opt.step()
        opt.step()
        results.append(q.tolist())
    assert results[0] == pytest.approx(results[1], rel=1e-6)


def test_a_leaf_cannot_be_stepped_differentiably():
    with pytest.raises(RuntimeError, match="a leaf Variable that requires grad is being used in an in-place operation"):
        SGD(leaves(), differentiable=True).step()


@pytest.mark.parametrize("kind", [SGD, Adam, AdamW, Adagrad])
def test_fused_optimizers_undo_a_loss_scale_by_themselves(kind):
    results = []
    for fused in (False, True):
        (p,) = leaves(1)
        opt = kind([p], lr=0.1, fused=fused)
        scaler = torch.amp.GradScaler("cpu", init_scale=4.0)
        for factor in (1.0, float("inf"), 2.0):
            opt.zero_grad()
            scaler.scale((p * p).sum() * factor).backward()
            scaler.step(opt)
            scaler.update()
        results.append(p.tolist())
    assert results[1] == pytest.approx(results[0], rel=1e-6)


def test_sparse_gradients_are_refused_in_pytorchs_words():
    opt = Adam(leaves())
    with pytest.raises(
        RuntimeError, match="Adam does not support sparse gradients, please consider SparseAdam instead"
    ):
        opt._check_sparse(opt.param_groups[0])
    opt = RMSprop(leaves())
    with pytest.raises(RuntimeError, match="RMSprop does not support sparse gradients"):
        opt._check_sparse(opt.param_groups[0])


def test_an_empty_parameter_has_no_size_to_be_relative_to():
    p = torch.zeros(0, 2, requires_grad=True)
    p.grad = torch.zeros(0, 2)
    with pytest.raises(ZeroDivisionError, match="float division by zero"):
        Adafactor([p]).step()


# -- hooks --------------------------------------------------------------------------------------------------------


def test_step_hooks():
    calls = []
    opt = SGD(leaves())
    other = SGD(leaves())
    handles = [
        register_optimizer_step_pre_hook(lambda o, args, kwargs: calls.append("global pre")),
        register_optimizer_step_post_hook(lambda o, args, kwargs: calls.append("global post")),
        opt.register_step_pre_hook(lambda o, args, kwargs: calls.append("pre")),
        opt.register_step_post_hook(lambda o, args, kwargs: calls.append("post")),
    ]
    opt.step()
    assert calls == ["global pre", "pre", "post", "global post"]
    other.step()
    assert calls[4:] == ["global pre", "global post"]
    for handle in handles:
        handle.remove()
    opt.step()
    assert len(calls) == 6


def test_a_pre_hook_can_change_the_arguments():
    opt = SGD(leaves())
    with opt.register_step_pre_hook(lambda o, args, kwargs: ((o, lambda: 5), {})):
        assert opt.step() == 5
    with opt.register_step_pre_hook(lambda o, args, kwargs: 3):
        with pytest.raises(RuntimeError, match=r"must return None or a tuple of \(new_args, new_kwargs\), but got 3"):
            opt.step()


def test_state_dict_hooks():
    opt, calls = SGD(leaves()), []
    opt.register_state_dict_pre_hook(lambda o: calls.append("second"))
    opt.register_state_dict_pre_hook(lambda o: calls.append("first"), prepend=True)
    opt.register_state_dict_post_hook(lambda o, d: {**d, "extra": 1})
    state = opt.state_dict()
    assert calls == ["first", "second"] and state["extra"] == 1
    opt.register_load_state_dict_pre_hook(lambda o, d: {k: v for k, v in d.items() if k != "extra"})
    opt.register_load_state_dict_post_hook(lambda o: calls.append("loaded"))
    opt.load_state_dict(state)
    assert calls[-1] == "loaded"


def test_an_optimizer_of_ones_own():
    class Sign(Optimizer):
        def __init__(self, params, lr=0.1):
            super().__init__(params, {"lr": lr})

        @torch.no_grad()
        def step(self, closure=None):
            for group in self.param_groups:
                for p in group["params"]:
                    p.add_(p.grad.sign(), alpha=-group["lr"])

    (p,) = leaves(1)
    opt, calls = Sign([p]), []
    opt.register_step_post_hook(lambda *args: calls.append(1))
    opt.step()
    assert p.tolist() == pytest.approx([0.9, -2.1, 3.1]) and calls == [1]


# -- saving and loading -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ALL)
def test_training_goes_on_from_a_state_dict(kind):
    options = {"momentum": 0.9} if kind is SGD else {}

    def run(opt, params, steps):
        for t in steps:
            for p in params:
                p.grad = p.detach() * 0.5 + t
            opt.step()

    straight = leaves()
    run(kind(straight, lr=0.1, **options), straight, range(4))
    first = leaves()
    opt = kind(first, lr=0.1, **options)
    run(opt, first, range(2))
    saved = pickle.loads(pickle.dumps(opt.state_dict()))
    second = [p.detach().clone().requires_grad_(True) for p in first]
    again = kind(second, lr=9.0, **options)
    again.load_state_dict(saved)
    assert again.param_groups[0]["lr"] == 0.1
    run(again, second, range(2, 4))
    for p, q in zip(straight, second, strict=True):
        assert p.tolist() == q.tolist()


def test_state_dict_layout():
    params = leaves()
    opt = Adam([{"params": params[:1]}, {"params": params[1:], "lr": 0.5}], amsgrad=True)
    opt.step()
    state = opt.state_dict()
    assert [group["params"] for group in state["param_groups"]] == [[0], [1]]
    assert list(state["state"][1]) == ["step", "exp_avg", "exp_avg_sq", "max_exp_avg_sq"]
    assert state["state"][0]["exp_avg"] is opt.state[params[0]]["exp_avg"]
    assert list(state["param_groups"][0]) == [
        "lr", "betas", "eps", "weight_decay", "amsgrad", "maximize", "foreach", "capturable", "differentiable",
        "fused", "decoupled_weight_decay", "params",
    ]  # fmt: skip
    assert SGD(leaves()).state_dict()["state"] == {}


def test_load_state_dict_errors():
    opt = SGD(leaves())
    with pytest.raises(ValueError, match="loaded state dict has a different number of parameter groups"):
        opt.load_state_dict(SGD([{"params": leaves(1)}, {"params": leaves(1)}]).state_dict())
    with pytest.raises(ValueError, match="a parameter group that doesn't match the size of optimizer's group"):
        opt.load_state_dict(SGD(leaves(1)).state_dict())


def test_loaded_state_takes_the_parameters_dtype():
    opt = Adam(leaves(1))
    opt.step()
    wide = Adam([torch.zeros(3, dtype=torch.float64, requires_grad=True)])
    wide.load_state_dict(opt.state_dict())
    (state,) = wide.state.values()
    assert state["exp_avg"].dtype == torch.float64 and state["step"].dtype == torch.float32


def test_step_counts_of_old_files_are_numbers():
    opt = Adam(leaves(1))
    opt.step()
    state = opt.state_dict()
    state["state"][0]["step"] = 7
    opt.load_state_dict(state)
    (entry,) = opt.state.values()
    assert isinstance(entry["step"], torch.Tensor) and entry["step"].item() == 7.0


def test_copies_and_pickles():
    params = leaves()
    opt = SGD(params, lr=0.1, momentum=0.9)
    opt.step()
    for other in (copy.deepcopy(opt), pickle.loads(pickle.dumps(opt))):
        (p, _) = other.param_groups[0]["params"]
        assert p is not params[0] and p.tolist() == params[0].tolist()
        assert other.state[p]["momentum_buffer"].tolist() == [0.5, 0.25, -1.0]
        assert repr(other) == repr(opt)
        p.grad = torch.tensor([0.5, 0.25, -1.0])
        other.step()
    assert params[0].tolist() == pytest.approx([0.95, -2.025, 3.1])


def test_adagrad_has_its_state_from_the_start():
    params = leaves()
    opt = Adagrad(params, initial_accumulator_value=0.5)
    assert opt.state[params[1]]["sum"].tolist() == [0.5, 0.5, 0.5]
    assert opt.state[params[1]]["step"].item() == 0.0


# -- other parameters for a while -----------------------------------------------------------------------------------


def test_other_parameters_and_state_for_a_while():
    params = leaves()
    opt = Adam(params, lr=0.1)
    opt.step()
    before, own = [p.tolist() for p in params], opt.param_groups[0]["params"]
    given = {name: p.detach().clone() for name, p in zip("ab", params)}
    for p in given.values():
        p.grad = torch.ones(3)
    state = copy.deepcopy(opt.state_dict())
    state["param_groups"][0]["lr"] = 1.0
    with torch.optim.swap_in_optimizer_params_and_state(opt, given, state):
        assert opt.param_groups[0]["lr"] == 1.0 and opt.param_groups[0]["params"] == list(given.values())
        opt.step()
    assert opt.param_groups[0]["lr"] == 0.1 and opt.param_groups[0]["params"] is own
    assert [p.tolist() for p in params] == before and given["a"].tolist() != before[0]
    assert state["state"][0]["step"].item() == 2.0 and opt.state[params[0]]["step"].item() == 1.0


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda s: s.update(state=[]), r"requires swapin_optim_state\['state'\] to be a dict mapping packed"),
        (lambda s: s["state"].update({0: 3}), "requires per-parameter optimizer state entries to be dictionaries"),
        (lambda s: s["state"].update({9: {}}), r"got extra keys \[9\]"),
        (lambda s: s.update(param_groups=()), "to be a list of param-group dicts, got tuple"),
        (lambda s: s["param_groups"].append({}), "has a different number of parameter groups than the live optimizer"),
        (lambda s: s["param_groups"][0].pop("lr"), r"Keys only in swap-in: \[\]. Keys only in live: \['lr'\]"),
        (lambda s: s["param_groups"][0]["params"].pop(), "param group 0 has a different number of params"),
        (lambda s: s["param_groups"][0].update(params="ab"), "entries keyed by packed parameter ids"),
    ],
)
def test_state_that_does_not_fit(change, text):
    params = leaves()
    opt = Adam(params)
    given = dict(zip("ab", params))
    with pytest.raises(RuntimeError, match="requires initialized optimizer state"):
        with torch.optim.swap_in_optimizer_params_and_state(opt, given, opt.state_dict()):
            pass
    opt.step()
    state = copy.deepcopy(opt.state_dict())
    change(state)
    with pytest.raises(RuntimeError, match=text):
        with torch.optim.swap_in_optimizer_params_and_state(opt, given, state):
            pass
