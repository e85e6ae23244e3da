"""L-BFGS: closures, stopping, state, and what goes wrong. Trajectories are in test_optim_db.py."""

import copy
import pickle

import pytest

import torchax_lite as torch
from torchax_lite.optim import LBFGS
from torchax_lite.optim._line_search import Point, cubic_minimum, strong_wolfe


def problem(dtype=torch.float64, **options):
    """Rosenbrock's valley: (parameters, optimizer, closure, calls)."""
    params = [torch.tensor([-1.2, 1.0], dtype=dtype).requires_grad_(True)]
    params.append(torch.tensor(0.5, dtype=dtype).requires_grad_(True))
    opt = LBFGS(params, **options)
    calls = []

    def closure():
        calls.append(torch.is_grad_enabled())
        opt.zero_grad()
        (x, y), z = params[0].unbind(), params[1]
        loss = 100 * (y - x * x) ** 2 + (1 - x) ** 2 + (z - 3) ** 2
        loss.backward()
        return loss

    return params, opt, closure, calls


@pytest.mark.parametrize("search", [None, "strong_wolfe"])
def test_finds_the_bottom_of_a_valley(search):
    params, opt, closure, calls = problem(line_search_fn=search)
    first = opt.step(closure)
    assert first.item() == pytest.approx(24.2 + 6.25)
    for _ in range(5):
        opt.step(closure)
    assert params[0].tolist() == pytest.approx([1.0, 1.0], abs=1e-5)
    assert params[1].item() == pytest.approx(3.0, abs=1e-5)
    assert all(calls) and opt.state[params[0]]["func_evals"] == len(calls)


def test_the_closure_is_needed():
    _, opt, _, _ = problem()
    with pytest.raises(TypeError, match="step.* missing 1 required positional argument: 'closure'"):
        opt.step()


def test_one_group_only():
    a, b = (torch.zeros(1, requires_grad=True) for _ in range(2))
    with pytest.raises(ValueError, match="LBFGS doesn't support per-parameter options"):
        LBFGS([{"params": [a]}, {"params": [b]}])
    with pytest.raises(ValueError, match="Invalid learning rate: -1"):
        LBFGS([a], lr=-1)


def test_another_line_search_is_refused():
    _, opt, closure, _ = problem(line_search_fn="armijo")
    with pytest.raises(RuntimeError, match="only 'strong_wolfe' is supported"):
        opt.step(closure)


def test_a_flat_start_stops_at_once():
    p = torch.zeros(3, requires_grad=True)
    opt = LBFGS([p])

    def closure():
        opt.zero_grad()
        loss = (p * p).sum()
        loss.backward()
        return loss

    assert opt.step(closure).item() == 0.0
    assert opt.state[p] == {"func_evals": 1, "n_iter": 0}


def test_evaluations_are_limited():
    params, opt, closure, calls = problem(max_iter=10, max_eval=4)
    opt.step(closure)
    assert len(calls) == 4 and opt.state[params[0]]["n_iter"] == 3


def test_history_is_limited_and_goes_through_a_state_dict():
    params, opt, closure, _ = problem(max_iter=6, history_size=3)
    opt.step(closure)
    state = pickle.loads(pickle.dumps(opt.state_dict()))
    (entry,) = state["state"].values()
    assert [len(entry[name]) for name in ("old_dirs", "old_stps", "ro", "al")] == [3, 3, 3, 3]
    assert entry["old_dirs"][0].shape == (3,) and entry["ro"][0].shape == ()
    others, other, again, _ = problem(max_iter=6, history_size=3)
    with torch.no_grad():
        for p, q in zip(others, params, strict=True):
            p.copy_(q)
    other.load_state_dict(state)
    opt.step(closure)
    other.step(again)
    for p, q in zip(others, params, strict=True):
        assert p.flatten().tolist() == pytest.approx(q.flatten().tolist(), rel=1e-9)


def test_a_changed_history_counts():
    params, opt, closure, _ = problem(max_iter=4)
    opt.step(closure)
    state = opt.state[params[0]]
    state["old_dirs"], state["old_stps"], state["ro"] = [], [], []
    opt.step(closure)
    assert len(state["old_dirs"]) <= 4


def test_parameters_without_gradient_count_as_flat():
    params, opt, _, _ = problem()
    unused = torch.ones(2, dtype=torch.float64, requires_grad=True)
    opt = LBFGS([*params, unused], max_iter=3)

    def closure():
        opt.zero_grad()
        loss = (params[0] ** 2).sum() + params[1] ** 2
        loss.backward()
        return loss

    opt.step(closure)
    assert unused.tolist() == [1.0, 1.0] and abs(params[1].item()) < 0.5


def test_copies_go_on_by_themselves():
    params, opt, closure, _ = problem(max_iter=3)
    opt.step(closure)
    other = copy.deepcopy(opt)
    before = [p.tolist() for p in params]

    def again():
        other.zero_grad()
        a, b = other.param_groups[0]["params"]
        loss = (a * a).sum() + b * b
        loss.backward()
        return loss

    other.step(again)
    assert [p.tolist() for p in params] == before
    assert [p.tolist() for p in other.param_groups[0]["params"]] != before


def test_a_line_search_meets_the_wolfe_conditions():
    def at(step):
        return Point(step, (step - 2.0) ** 2 + 0.1 * step**3, 2 * (step - 2.0) + 0.3 * step**2, None, None)

    found, evaluations = strong_wolfe(at, at(0.0), 0.01, 1.0)
    start = at(0.0)
    assert found.value <= start.value + 1e-4 * found.step * start.slope
    assert abs(found.slope) <= -0.9 * start.slope and 1 < evaluations < 10
    assert cubic_minimum(Point(0.0, 4.0, -4.0, None, None), Point(4.0, 4.0, 4.0, None, None)) == pytest.approx(2.0)
