"""Tensors in shared memory: other processes see what is written, and write what is seen."""

from __future__ import annotations

import multiprocessing
from typing import Any

import torchax_lite as torch
from torchax_lite import nn


def _add_one(tensors: Any, done: Any) -> None:
    import torchax_lite as torch

    with torch.no_grad():
        for t in tensors:
            t.add_(1)
    done.put([t.is_shared() for t in tensors])


def test_a_child_writes_into_shared_memory() -> None:
    model = nn.Linear(2, 2)
    model.share_memory()
    plain, turned = torch.zeros(2, 3), torch.arange(6.0).reshape(2, 3).t().share_memory_()
    row = turned[1]
    before = model.weight.detach().clone()
    context = multiprocessing.get_context("spawn")
    done = context.Queue()
    child = context.Process(target=_add_one, args=([model.weight, turned, plain], done))
    child.start()
    assert done.get(timeout=120) == [True, True, False]
    child.join()
    assert torch.equal(model.weight, before + 1)
    assert isinstance(model.weight, nn.Parameter) and model.weight.is_shared()
    assert turned.tolist() == [[1.0, 4.0], [2.0, 5.0], [3.0, 6.0]] and row.tolist() == [2.0, 5.0]
    assert plain.tolist() == [[0.0] * 3] * 2


def test_a_shared_model_trains_as_one_that_is_not() -> None:
    results = []
    for shared in (False, True):
        torch.manual_seed(0)
        model, x = nn.Linear(3, 2), torch.randn(8, 3)
        if shared:
            model.share_memory()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
        for _ in range(3):
            optimizer.zero_grad()
            model(x).pow(2).mean().backward()
            optimizer.step()
        results.append([p.detach().clone() for p in model.parameters()])
        assert all(p.is_shared() is shared for p in model.parameters())
    torch.testing.assert_close(results[0], results[1])


def test_storages_share_their_memory() -> None:
    t = torch.arange(4)
    assert not t.untyped_storage().is_shared()
    assert t.untyped_storage().share_memory_().is_shared() and t.is_shared() and t[1:].is_shared()
    t[0] = 7
    assert t.tolist() == [7, 1, 2, 3]
