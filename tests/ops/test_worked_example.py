"""The worked example of ``docs/design.md`` ("Adding an op"), run as it stands there."""

from __future__ import annotations

import functools
import re
from pathlib import Path

import jax.numpy as jnp
import pytest

import torchax_lite as torch
from torchax_lite.ops import registry
from torchax_lite.ops.samples import unary
from torchax_lite.tensor import dispatch

TEXT = (Path(__file__).parents[2] / "docs" / "design.md").read_text().partition("### Adding an op")[2]


@pytest.mark.parametrize("by_hand", [False, True])
def test_the_documented_op_works(by_hand):
    declaration, derivative = re.findall(r"```python\n(.*?)```", TEXT, re.S)[:2]
    scope = {"op": functools.partial(registry.op, registry={}), "FLOAT": registry.FLOAT, "unary": unary, "jnp": jnp}
    exec(declaration + (derivative if by_hand else ""), scope)
    x = torch.tensor([-1.0, 0.0, 2.0], requires_grad=True)
    y = dispatch.call(scope["squareplus"], (x,), (4,), ())
    y.sum().backward()
    torch.testing.assert_close(y, (x + (x * x + 4).sqrt()) / 2)
    torch.testing.assert_close(x.grad, (1 + x / (x * x + 4).sqrt()).detach() / 2)
    assert type(y.grad_fn).__name__ == "SquareplusBackward0"
