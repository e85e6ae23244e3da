"""Ops that take another way on large arrays (or always, for speed) give what NumPy gives, bit for bit where that is meant."""

from __future__ import annotations

import numpy as np
import pytest

import torchax_lite as torch

RNG = np.random.default_rng(3)


def with_ties(dtype):
    """Rows with equal elements and, where the dtype has them, NaNs and both zeros."""
    x = np.round(RNG.standard_normal((40, 600)) * 8)
    if np.dtype(dtype).kind == "f":
        x[RNG.random(x.shape) < 0.05] = np.nan
        x[RNG.random(x.shape) < 0.05] = -0.0
    return np.abs(x).astype(dtype) if np.dtype(dtype).kind == "u" else x.astype(dtype)


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "int64", "int16", "uint8", "bool"])
def test_sort_is_stable_with_nans_last_and_equal_zeros(dtype, descending):
    x = with_ties(dtype)
    if descending:
        want = x.shape[1] - 1 - np.flip(np.argsort(np.flip(x, 1), 1, kind="stable"), 1)
    else:
        want = np.argsort(x, 1, kind="stable")
    values, order = torch.sort(torch.tensor(x), 1, descending=descending, stable=True)
    assert np.array_equal(order.numpy(), want)
    assert np.array_equal(values.numpy(), np.take_along_axis(x, want, 1), equal_nan=dtype.startswith("float"))


def test_int64_sorts_by_all_of_its_bits():
    x = RNG.integers(-(2**63), 2**63 - 1, 5000)
    x[::7] &= ~0xFFFFFFFF
    x[::11] |= 0xFFFFFFFF
    assert np.array_equal(torch.sort(torch.tensor(x))[0].numpy(), np.sort(x))


@pytest.mark.parametrize(("shape", "dim"), [((200, 300), 1), ((200, 300), 0), ((60_001,), 0), ((3, 7000, 2), 1)])
def test_running_sums_products_and_extrema(shape, dim):
    x = np.round(RNG.standard_normal(shape) * 3).astype(np.int64)
    t = torch.tensor(x)
    assert np.array_equal(torch.cumsum(t, dim).numpy(), np.cumsum(x, dim))
    assert np.array_equal(torch.cumprod(t, dim).numpy(), np.cumprod(x, dim))
    y = x.astype(np.float32)
    values, places = torch.cummax(torch.tensor(y), dim)
    assert np.array_equal(values.numpy(), np.maximum.accumulate(y, dim))
    assert np.array_equal(np.take_along_axis(y, places.numpy(), dim), values.numpy())
    leaf = torch.tensor(y, requires_grad=True)
    torch.cumsum(leaf, dim).sum().backward()
    assert np.array_equal(leaf.grad.numpy(), np.flip(np.cumsum(np.ones_like(y), dim), dim))


def test_remainders_are_exact_also_for_long_quotients():
    a = np.float32([7.5, -7.5, 0.0, -0.0, 1e30, 3e38, np.inf, np.nan, 1.0, -1e-3, 5.0])
    b = np.float32([2.0, 2.0, 3.0, 3.0, 0.7, 1e-3, 2.0, 1.0, np.inf, -np.inf, 0.0])
    with np.errstate(invalid="ignore"):
        want = np.fmod(a, b)
    got = torch.fmod(torch.tensor(a), torch.tensor(b)).numpy()
    assert np.array_equal(got, want, equal_nan=True)
    assert np.array_equal(np.signbit(got)[:6], np.signbit(want)[:6])
    x, y = (RNG.standard_normal(2000) * 1000).astype(np.float32), RNG.standard_normal(2000).astype(np.float32)
    assert np.array_equal(torch.fmod(torch.tensor(x), torch.tensor(y)).numpy(), np.fmod(x, y))
    assert np.array_equal(torch.remainder(torch.tensor(x), torch.tensor(y)).numpy(), np.mod(x, y))


def test_inverse_trigonometric_functions_are_right_to_a_few_units_in_the_last_place():
    x = (RNG.standard_normal(4000) * 10.0 ** RNG.uniform(-6, 6, 4000)).astype(np.float32)
    y, u = RNG.permutation(x), RNG.uniform(-1, 1, 4000).astype(np.float32)
    wide = [v.astype(np.float64) for v in (x, y, u)]
    pairs = [
        (torch.atan(torch.tensor(x)), np.arctan(wide[0])),
        (torch.atan2(torch.tensor(y), torch.tensor(x)), np.arctan2(wide[1], wide[0])),
        (torch.asin(torch.tensor(u)), np.arcsin(wide[2])),
        (torch.acos(torch.tensor(u)), np.arccos(wide[2])),
    ]
    for got, want in pairs:
        np.testing.assert_allclose(got.numpy(), want, rtol=5e-7)


def test_segments_do_not_cost_memory_for_each_pair_of_segment_and_element():
    lengths = RNG.integers(0, 5, 100_000)
    x = RNG.standard_normal(int(lengths.sum()))
    got = torch.segment_reduce(torch.tensor(x), "sum", lengths=torch.tensor(lengths)).numpy()
    ends = np.cumsum(lengths)
    total = np.concatenate([[0.0], np.cumsum(x)])
    np.testing.assert_allclose(got, total[ends] - total[ends - lengths], atol=1e-9)


def test_products_that_are_scattered_have_second_derivatives_at_zeros():
    index = torch.tensor([0, 0, 1, 1, 1, 0])
    src = torch.tensor([2.0, 0.0, 3.0, -1.0, 0.5, 4.0], dtype=torch.float64, requires_grad=True)
    base = torch.tensor([1.5, 2.0], dtype=torch.float64, requires_grad=True)

    def product(b, s):
        return b.scatter_reduce(0, index, s, "prod")

    hessian = torch.autograd.functional.hessian(lambda s: product(base, s).sum(), src)
    assert hessian[0, 1] == 6.0 and hessian[1, 0] == 6.0  # base[0] * src[5]
    assert hessian[2, 3] == 1.0 and hessian[0, 2] == 0.0
    assert torch.autograd.gradgradcheck(product, (base, src))


def test_forward_mode_of_singular_vectors():
    a, d = (torch.tensor(RNG.standard_normal((4, 3))) for _ in range(2))

    def projector(a):
        u, _, vh = torch.linalg.svd(a, full_matrices=False)
        return u @ vh

    ahead, behind = projector(a + 1e-6 * d), projector(a - 1e-6 * d)
    torch.testing.assert_close(torch.func.jvp(projector, (a,), (d,))[1], (ahead - behind) / 2e-6, rtol=1e-6, atol=1e-7)


def test_pair_distances_and_their_gradients():
    x = torch.tensor(RNG.standard_normal((40, 30)), requires_grad=True)
    i, j = np.triu_indices(40, 1)
    for p in (0.5, 1.0, 2.0, 3.0, float("inf")):
        got = torch.pdist(x, p)
        gap = (x[i] - x[j]).abs()
        want = gap.amax(1) if p == float("inf") else (gap**p).sum(1) ** (1 / p)
        torch.testing.assert_close(got, want)
        weight = torch.tensor(RNG.standard_normal(len(i)))
        ours, theirs = (torch.autograd.grad((v * weight).sum(), x)[0] for v in (got, want))
        torch.testing.assert_close(ours, theirs)
