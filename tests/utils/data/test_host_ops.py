"""Ops on NumPy in workers: each gives what XLA gives, on the op's own samples."""

import inspect
import operator

import numpy as np
import pytest

import torchax_lite as torch
from torchax_lite.engine.avals import CPU, make_recorder
from torchax_lite.engine.recorder import Recorder
from torchax_lite.ops.registry import OPS
from torchax_lite.tensor.on_numpy import SAME_ON_NUMPY, TWINS, _on_numpy, host_function

OPS_ON_HOST = sorted({*SAME_ON_NUMPY, *TWINS, "cat", "stack"})
ROUNDED = {"exp", "log", "sin", "cos", "mean", "sum", "div", "reciprocal", "remainder", "add", "sub", "rsub"}
"""Ops whose last bit may differ: XLA fuses products into sums, and sums in another order."""


def test_a_quotient_is_one_pass():
    """XLA's needs help to be rounded once; NumPy's does not, and a worker divides every image."""
    assert _on_numpy(OPS["div"].body).__globals__["quotient"] is operator.truediv


def test_every_name_is_an_op():
    assert set(OPS_ON_HOST) <= set(OPS)


@pytest.fixture
def recorded(monkeypatch):
    """The sites recorded on the CPU, with their inputs and their results."""
    calls = []
    recorder = make_recorder(CPU)

    def record(self, site, nodes, numbers=()):
        made = Recorder.record(self, site, nodes, numbers)
        calls.append((site, list(nodes), list(numbers), [made] if site.single else list(made)))
        return made

    class Watching(Recorder):
        pass

    Watching.record = record
    monkeypatch.setattr(recorder, "__class__", Watching)
    for op in OPS.values():
        op.sites.clear()
    yield calls
    monkeypatch.undo()
    for op in OPS.values():
        op.sites.clear()


def value(node):
    if node.value is None:
        node.aval.recorder.flush("test")
    return np.asarray(node.value)


def compare(calls, name):
    seen = 0
    for site, nodes, numbers, made in calls:
        run = host_function(site)
        if site.name != name or run is None:
            continue
        try:
            with np.errstate(all="ignore"):
                got = run([value(n) for n in nodes], numbers)
        except Exception:
            continue  # left to XLA
        seen += 1
        for g, node in zip(got, made, strict=True):
            want = value(node)
            assert g.dtype == want.dtype and g.shape == want.shape
            if name in ROUNDED:
                np.testing.assert_allclose(g, want, rtol=1e-6, atol=1e-6)
            else:
                np.testing.assert_array_equal(g, want)
    return seen


SAMPLED = [name for name in OPS_ON_HOST if OPS[name].samples is not None]


@pytest.mark.parametrize("name", SAMPLED)
def test_samples(name, recorded):
    from torchax_lite.tensor.dispatch import call

    op = OPS[name]
    seen = 0
    for dtype in (np.float32, np.uint8):
        try:
            samples = list(op.samples(np.random.default_rng(0), np.dtype(dtype)))[:4]
        except Exception:
            continue
        for sample in samples:
            recorded.clear()
            arguments = bind(op, sample)
            try:
                call(op, *arguments)
            except (RuntimeError, TypeError, NotImplementedError, IndexError, ValueError):
                continue
            seen += compare(recorded, name)
    assert seen, "no sample ran on NumPy"


def bind(op, sample):
    """A sample's arguments, sorted into tensors, scalars and statics."""
    parameters = [inspect.Parameter(p.name, inspect.Parameter.POSITIONAL_OR_KEYWORD) for p in op.schema.params]
    bound = inspect.Signature(parameters).bind_partial(*sample.args, **sample.kwargs).arguments
    defaults = dict(zip([p.name for p in op.scalar_params], op.scalar_defaults, strict=False))
    defaults |= dict(zip([p.name for p in op.static_params], op.static_defaults, strict=False))

    def tensor(x):
        if isinstance(x, list | tuple):
            return [tensor(y) for y in x]
        return torch.from_numpy(np.array(x)) if isinstance(x, np.ndarray | np.generic) else x

    return (
        [tensor(bound.get(p.name)) for p in op.tensor_params],
        tuple(bound.get(p.name, defaults.get(p.name)) for p in op.scalar_params),
        tuple(bound.get(p.name, defaults.get(p.name)) for p in op.static_params),
    )
