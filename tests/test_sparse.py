"""Sparse tensors: everything recorded in ``sparse_programs``, and what only shows in use."""

from __future__ import annotations

import copy
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from sparse_programs import OPTIMIZERS, outcome

import torchax_lite as torch
from torchax_lite import engine, nn

RECORDED = json.loads((Path(__file__).parent / "data" / "sparse.json").read_text())["cases"]


@pytest.fixture(scope="module")
def results() -> dict[str, str]:
    return outcome(torch)


def test_every_program_prints_what_pytorch_prints(results: dict[str, str]) -> None:
    assert set(results) == set(RECORDED)
    wrong = {}
    for name, want in RECORDED.items():
        got = results[name]
        if not (got.startswith(want) if want.startswith("!") else got == want):
            wrong[name] = (want, got)
    assert not wrong


def _graph_matrix() -> Any:
    indices = torch.tensor([[0, 1, 1, 2, 3], [1, 0, 2, 1, 3]])
    return torch.sparse_coo_tensor(indices, torch.tensor([1.0, 0.5, 0.5, 1.0, 2.0]), (4, 4))


def test_a_sparse_gradient_is_the_dense_one() -> None:
    rows = torch.tensor([[4, 1], [1, 0]])
    dense, sparse = nn.Embedding(6, 3), nn.Embedding(6, 3, sparse=True)
    sparse.load_state_dict(dense.state_dict())
    for module in (dense, sparse):
        module(rows).pow(3).sum().backward()
    assert sparse.weight.grad.layout is torch.sparse_coo
    torch.testing.assert_close(sparse.weight.grad.to_dense(), dense.weight.grad)


@pytest.mark.parametrize("build", [OPTIMIZERS["SGD"], OPTIMIZERS["Adagrad"]], ids=["SGD", "Adagrad"])
@pytest.mark.parametrize("padding", [None, 0])
@pytest.mark.parametrize("passes", [1, 2])
def test_a_training_step_with_sparse_gradients_is_one_program(build: str, padding: int | None, passes: int) -> None:
    torch.manual_seed(0)
    embedding, linear = nn.Embedding(50, 4, sparse=True, padding_idx=padding), nn.Linear(4, 3)
    optimizer = eval(build, {"torch": torch, "p": [*embedding.parameters(), *linear.parameters()]})
    for step in range(8):
        if step == 4:
            engine.reset_stats()
        optimizer.zero_grad()
        for _ in range(passes):
            rows, labels = torch.randint(0, 50, (8, 5)), torch.randint(0, 3, (8,))
            nn.functional.cross_entropy(linear(embedding(rows).mean(1)), labels).backward()
        optimizer.step()
    stats = engine.stats()
    assert (stats.executions, stats.compiles) == (4, 0)


def test_padding_rows_are_absent_from_the_gradient_once_it_is_looked_at() -> None:
    module = nn.Embedding(5, 2, sparse=True, padding_idx=1)
    module(torch.tensor([1, 2, 1, 4])).sum().backward()
    assert module.weight.grad._nnz() == 2
    assert module.weight.grad._indices().tolist() == [[2, 4]]


def test_a_gradient_accumulates_in_place() -> None:
    module = nn.Embedding(5, 2, sparse=True)
    module(torch.tensor([1])).sum().backward()
    held = module.weight.grad
    module(torch.tensor([2])).sum().backward()
    assert module.weight.grad is held
    assert held._nnz() == 2


def test_hooks_see_sparse_gradients() -> None:
    module, seen = nn.Embedding(5, 2, sparse=True), []
    module.weight.register_hook(lambda g: seen.append(g.is_sparse) or g * 2)
    module(torch.tensor([1, 1])).sum().backward()
    assert seen == [True]
    assert module.weight.grad.to_dense()[1].tolist() == [4.0, 4.0]


def test_a_graph_network_learns_with_a_sparse_adjacency_buffer() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("adjacency", _graph_matrix())
            self.first, self.second = nn.Linear(3, 8), nn.Linear(8, 2)

        def forward(self, x: Any) -> Any:
            return self.adjacency @ self.second(torch.sparse.mm(self.adjacency, self.first(x)).relu())

    torch.manual_seed(0)
    net, x, y = Net(), torch.randn(4, 3), torch.tensor([0, 1, 0, 1])
    optimizer = torch.optim.SGD(net.parameters(), lr=0.3)
    losses = []
    for _ in range(30):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(net(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] / 2
    assert net.double().adjacency.dtype is torch.float64
    other = copy.deepcopy(net)
    other.load_state_dict(net.state_dict())
    assert torch.equal(other(x.double()), net(x.double()))


def test_sparse_tensors_are_saved_and_loaded() -> None:
    made = {"coo": _graph_matrix(), "csr": _graph_matrix().to_sparse_csr(), "parameter": nn.Parameter(_graph_matrix())}
    file = io.BytesIO()
    torch.save(made, file)
    file.seek(0)
    found = torch.load(file)
    assert isinstance(found["parameter"], nn.Parameter) and found["parameter"].requires_grad
    for name, t in made.items():
        assert found[name].layout is t.layout
        assert torch.equal(found[name].detach().to_dense(), t.detach().to_dense())


def test_gradients_of_sparse_functions_agree_with_differences() -> None:
    x = torch.arange(8.0, dtype=torch.float64).reshape(4, 2) - 3
    for layout in (torch.sparse_coo, torch.sparse_csr):
        t = _graph_matrix().double().coalesce().to_sparse(layout=layout).detach().requires_grad_()
        assert torch.autograd.gradcheck(lambda a: torch.sparse.mm(a, x), (t,), masked=True)
        assert torch.autograd.gradcheck(lambda a: (a * 3).to_dense() ** 2, (t,), masked=True)
    check = torch.sparse.as_sparse_gradcheck(torch.autograd.gradcheck)
    t = _graph_matrix().double().coalesce().requires_grad_()
    assert check(lambda a: torch.sparse.softmax(a, 1), (t,), masked=True)
    assert check(lambda a: a @ x, (t,), masked=False)


def test_second_derivatives_pass_through_sparse_products() -> None:
    values = torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64, requires_grad=True)
    x = torch.arange(6.0, dtype=torch.float64).reshape(3, 2).requires_grad_()
    indices = torch.tensor([[0, 1, 1], [2, 0, 2]])

    def f(v: Any, y: Any) -> Any:
        return torch.sparse.mm(torch.sparse_coo_tensor(indices, v, (2, 3)), y).pow(3).sum()

    assert torch.autograd.gradgradcheck(f, (values, x))


def test_an_uncoalesced_leaf_gets_the_gradient_of_each_entry() -> None:
    indices = torch.tensor([[0, 0, 1]])
    values = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
    t = torch.sparse_coo_tensor(indices, values, (2,))
    (t.to_dense() * torch.tensor([5.0, 7.0])).sum().backward()
    assert values.grad.tolist() == [5.0, 5.0, 7.0]


def test_in_place_changes_of_a_sparse_leaf_are_refused() -> None:
    t = _graph_matrix().requires_grad_()
    with pytest.raises(RuntimeError, match="a leaf Variable that requires grad is being used in an in-place operation"):
        t.mul_(2)
    with torch.no_grad():
        t.mul_(2)
    assert t.requires_grad and t._version == 1


def test_invariants_can_be_checked_in_a_context() -> None:
    with torch.sparse.check_sparse_tensor_invariants():
        with pytest.raises(RuntimeError, match="found index 7"):
            torch.sparse_coo_tensor([[7]], [1.0], (3,))
        with torch.sparse.check_sparse_tensor_invariants(False):
            torch.sparse_coo_tensor([[7]], [1.0], (3,))
    torch.sparse_coo_tensor([[7]], [1.0], (3,))


def test_what_takes_no_sparse_tensor_says_so() -> None:
    with pytest.raises(NotImplementedError, match="to_dense"):
        _graph_matrix().cumsum(0)
    with pytest.raises(NotImplementedError, match="CUTLASS"):
        torch.sparse.to_sparse_semi_structured(torch.ones(4, 4))


def test_sparse_tensors_stay_sparse_where_subclasses_override():
    code = (
        "import torchax_lite as torch\n"
        "class T(torch.Tensor): pass\n"
        "torch.ones(2).as_subclass(T) + 1\n"
        "s = torch.eye(2).to_sparse()\n"
        "print(type(s + s).__name__, (torch.ones(2, 2) + s).tolist(), s.sum((0, 1)).item(), (s @ torch.ones(2, 1)).tolist())\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "Tensor [[2.0, 1.0], [1.0, 2.0]] 2.0 [[1.0], [1.0]]\n"
