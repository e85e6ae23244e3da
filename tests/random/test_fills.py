"""Properties of single fills that no short record can show."""

from fractions import Fraction

import ml_dtypes
import numpy as np
import pytest

import torchax_lite.random as tr
from torchax_lite.random import rounding, sampling
from torchax_lite.random.boxmuller import boxmuller32
from torchax_lite.random.selection import first_k


def exact_fma(a, b, c, kind):
    """``a * b + c`` in rationals, rounded once to the nearest even."""
    exact = Fraction(float(a)) * Fraction(float(b)) + Fraction(float(c))
    guess = kind(float(exact))
    candidates = [np.nextafter(guess, kind(-np.inf)), guess, np.nextafter(guess, kind(np.inf))]
    bits = {np.float32: np.int32, np.float64: np.int64}[kind]
    return min(candidates, key=lambda x: (abs(Fraction(float(x)) - exact), int(x.view(bits)) & 1))


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_fused_multiply_add_rounds_once(kind):
    r = np.random.RandomState(0)
    fma = rounding.fma32 if kind is np.float32 else rounding.fma64
    for _ in range(40):
        a = r.standard_normal(50).astype(kind)
        b, c = kind(r.standard_normal()), kind(r.standard_normal() * 10.0 ** r.randint(-6, 6))
        assert fma(a, b, c).tolist() == [float(exact_fma(x, b, c, kind)) for x in a]


def test_fused_multiply_add_where_two_roundings_differ():
    # the product is 2**-24 - 2**-64; float64 makes a tie of the sum, which would then go up to the even neighbour
    a = np.array([2.0**-12 * (1 + 2.0**-20)], np.float32)
    b, c = np.float32(2.0**-12 * (1 - 2.0**-20)), np.float32(1 + 2.0**-23)
    assert np.float32(float(a[0]) * float(b) + float(c)) == 1 + 2.0**-22
    assert rounding.fma32(a, b, c)[0] == c == exact_fma(a[0], b, c, np.float32)


def test_normal_of_uniform_zero_is_finite():
    data = np.zeros(16, np.float32)
    boxmuller32(data, 0.0, 1.0)
    assert np.array_equal(data, np.zeros(16)) and not np.signbit(data).any()
    data = np.full(16, 1 - 2.0**-24, np.float32)
    boxmuller32(data, 0.0, 1.0)
    assert np.isfinite(data).all() and abs(data[0] - np.sqrt(48 * np.log(2))) < 1e-5


def test_sixteen_bit_uniform_never_returns_the_upper_bound():
    for dtype in (np.float16, np.dtype(ml_dtypes.bfloat16)):
        u = tr.uniform(tr.CPUGenerator(0), 200_000, dtype)
        assert (u < 1).all() and (u >= 0).all()


def test_moved_bounds_of_floating_integers_stay_inside():
    values = tr.random_int(tr.CPUGenerator(0), 50_000, np.float16, 0, 2049).astype(np.float32)
    assert values.max() < 2049 and values.min() >= 0
    values = tr.random_int(tr.CPUGenerator(0), 50_000, np.dtype(ml_dtypes.bfloat16), -200, 257).astype(np.float32)
    assert values.max() < 257 and values.min() >= -200


def test_bounds_beyond_the_exact_integers_warn():
    with pytest.warns(UserWarning, match=r"to - 1 is out of bounds \[-\(2\^11\), 2\^11\]"):
        tr.random_int(tr.CPUGenerator(0), 3, np.float16, 0, 5000)


def test_zero_elements_draw_nothing_and_need_no_kernel():
    g = tr.CPUGenerator(0)
    before = g.get_state()
    for dtype in (np.int32, np.complex64):
        for fill in (tr.normal, tr.log_normal, tr.random_full, tr.exponential):
            assert fill(g, 0, dtype).dtype == dtype
    assert tr.randperm(g, 1).tolist() == [0]
    assert tr.dropout_noise(g, 5, 0.0, np.float32).tolist() == [1] * 5
    assert tr.dropout_noise(g, 5, 1.0, np.float32).tolist() == [0] * 5
    assert np.array_equal(g.get_state(), before)


@pytest.mark.parametrize("n", [2, 3, 17, 650, 5000])
def test_permutation_without_a_loop_equals_the_swaps(n, monkeypatch):
    monkeypatch.setattr(sampling, "_LOOP", 0)
    fast = tr.randperm(tr.CPUGenerator(n), n)
    monkeypatch.setattr(sampling, "_LOOP", 10**9)
    assert np.array_equal(fast, tr.randperm(tr.CPUGenerator(n), n))
    assert np.array_equal(np.sort(fast), np.arange(n))


def test_permutation_of_very_many_takes_two_words_an_element(monkeypatch):
    monkeypatch.setattr(sampling, "_SWAP_LIMIT", 1000)
    g, h = tr.CPUGenerator(0), tr.CPUGenerator(0)
    values = tr.randperm(g, 1000)
    assert np.array_equal(np.sort(values), np.arange(1000))
    places = []
    for i, word in enumerate(h.words64(1000).tolist()):
        places.append(i)
        z = word % (i + 1)
        places[i], places[z] = places[z], i
    assert values.tolist() == places
    assert np.array_equal(g.get_state(), h.get_state())


def test_selection_without_ties_is_a_sort():
    ranks = np.random.RandomState(0).permutation(1000)
    for k in (1, 10, 15, 16, 500, 1000):
        assert np.array_equal(first_k(ranks, k), np.argsort(ranks)[:k])


def test_selection_of_ties_is_a_selection():
    r = np.random.RandomState(0)
    shapes = [r.randint(0, 7, 700), np.zeros(700, int), np.sort(r.randint(0, 90, 700)), np.arange(700) % 350]
    for ranks in shapes:
        for k in (1, 9, 40, 350, 699, 700):
            chosen = first_k(ranks, k)
            assert len(set(chosen.tolist())) == k
            assert np.array_equal(ranks[chosen], np.sort(ranks)[:k])


def test_narrow_agrees_with_the_c_library():
    u = -tr.CPUGenerator(0).doubles(20_000)
    for scale in (-1.0, -1 / 0.7):
        expected = (scale * rounding.libm("log1p", u)).astype(np.float32)
        assert np.array_equal(rounding.narrow("log1p", u, scale), expected)
