"""Known vectors of PyTorch 2.13's CPU generator (x86-64 with AVX2), seed 0 unless said."""

import hashlib

import ml_dtypes
import numpy as np
import pytest

import torchax_lite.random as tr

F16, BF16, F32, F64, I32, I64 = (
    np.dtype(t) for t in (np.float16, ml_dtypes.bfloat16, np.float32, np.float64, np.int32, np.int64)
)


def fresh(seed=0):
    return tr.CPUGenerator(seed)


FIRST = {
    "words mod 2**31": (
        lambda g: tr.random_full(g, 6, I32),
        [209652396, 398764591, 924231285, 1478610112, 441365315, 1537364731],
    ),
    "rand": (
        lambda g: tr.uniform(g, 6, F32),
        [0.49625659, 0.768221796, 0.0884774327, 0.132030487, 0.307422817, 0.634078681],
    ),
    "rand float64": (lambda g: tr.uniform(g, 4, F64), [0.970053002, 0.707819864, 0.459382943, 0.920747684]),
    "rand bfloat16": (
        lambda g: tr.uniform(g, 6, BF16),
        [0.49609375, 0.76953125, 0.0883789062, 0.131835938, 0.306640625, 0.6328125],
    ),
    "rand float16": (
        lambda g: tr.uniform(g, 6, F16),
        [0.496337891, 0.768066406, 0.0885009766, 0.132080078, 0.307373047, 0.634277344],
    ),
    "uniform": (
        lambda g: tr.uniform(g, 6, F32, -0.5, 2),
        [0.740641475, 1.42055452, -0.278806418, -0.169923782, 0.268557042, 1.08519673],
    ),
    "randn below 16": (
        lambda g: tr.normal(g, 6, F32),
        [1.54099607, -0.293428898, -2.17878938, 0.568431258, -1.08452237, -1.39859545],
    ),
    "randn 16": (
        lambda g: tr.normal(g, 16, F32),
        [-1.12583983, -1.1523602, -0.250578582, -0.433878809, 0.848710358, 0.692009151, -0.31601277, -2.11521935]
        + [0.322274923, -1.26333475, 0.349983186, 0.30813393, 0.119841509, 1.2376579, 1.11677718, -0.247278154],
    ),
    "randn 20": (
        lambda g: tr.normal(g, 20, F32),
        [-1.12583983, -1.1523602, -0.250578582, -0.433878809, 0.598839462, -1.55509508, -0.34136039, 1.85300612]
        + [0.468096405, -0.157712445, 1.44366014, 0.266049415, 1.38936615, 1.58633423, 0.946298361, -0.843676746]
        + [0.931826591, 1.25900924, 2.00498056, 0.0537369028],
    ),
    "randn 17 bfloat16": (
        lambda g: tr.normal(g, 17, BF16),
        [-1.125, -1.3515625, -1.6953125, 0.56640625, 0.79296875, 0.59765625, -1.5546875, -0.341796875, 1.8515625]
        + [0.75, -0.5859375, -0.173828125, 0.18359375, 1.390625, 1.5859375, 0.9453125, -0.84375],
    ),
    "the cached normal survives other draws": (
        lambda g: np.concatenate([tr.normal(g, 3, F32), tr.uniform(g, 4, F32), tr.normal(g, 2, F32)]),
        [1.54099607, -0.293428898, -2.17878938, 0.455627978, 0.632306278, 0.348893464, 0.401717305, 0.568431258]
        + [0.403346837],
    ),
    "randint": (lambda g: tr.random_int(g, 8, I64, 0, 100), [44, 39, 33, 60, 63, 79, 27, 3]),
    "randint below 2**28": (
        lambda g: tr.random_int(g, 4, I64, 0, 2**28 - 1),
        [209652404, 130329144, 118924928, 136432845],
    ),
    "randint from 2**28": (
        lambda g: tr.random_int(g, 4, I64, 0, 2**28),
        [130329135, 136432832, 195187451, 149257575],
    ),
    "randint negative": (lambda g: tr.random_int(g, 8, I64, -5, 5), [-1, 4, -2, -5, -2, 4, 2, -2]),
    "randperm": (lambda g: tr.randperm(g, 10), [4, 1, 7, 5, 3, 9, 0, 8, 6, 2]),
    "random_ int64": (
        lambda g: tr.random_full(g, 3, I64),
        [900450186894289455, 3969543146641149120, 1895649597198586619],
    ),
    "random_ float32": (lambda g: tr.random_full(g, 4, F32), [8325664.0, 12888472.0, 1484222.0, 2214888.0]),
    "bernoulli_": (lambda g: tr.bernoulli_scalar(g, 12, 0.5), [0, 0, 1, 0, 0, 0, 1, 1, 0, 1, 1, 1]),
    "bernoulli": (
        lambda g: tr.bernoulli_tensor(g, np.full(12, 0.5, F32)),
        [1, 0, 1, 1, 1, 0, 1, 0, 1, 0, 1, 1],
    ),
    "dropout": (lambda g: tr.dropout_noise(g, 12, 0.5, F32), [0, 0, 2, 0, 0, 0, 2, 2, 0, 2, 2, 2]),
    "exponential": (
        lambda g: tr.exponential(g, 6, F32),
        [3.50832629, 1.23038471, 0.615044117, 2.53511858, 1.03570545, 1.56612885],
    ),
    "multinomial": (lambda g: tr.multinomial(g, np.array([0.1, 0.2, 0.3, 0.4], F32), 2), [2, 1]),
    "multinomial with replacement": (
        lambda g: tr.multinomial(g, np.array([0.1, 0.2, 0.3, 0.4], F32), 8, True),
        [3, 3, 2, 3, 3, 3, 1, 2],
    ),
    "geometric": (lambda g: tr.geometric(g, 8, F32, 0.3), [1, 1, 3, 1, 2, 1, 5, 3]),
    "cauchy": (lambda g: tr.cauchy(g, 4, F32), [10.5977297, 0.764767289, -0.128299341, 3.93307328]),
    "log_normal": (lambda g: tr.log_normal(g, 4, F32), [59.2634163, 1.51155996, 0.0348194614, 8.47281265]),
    "poisson": (lambda g: tr.poisson(g, np.full(8, 3, F32)), [6, 3, 2, 3, 4, 3, 5, 3]),
}


@pytest.mark.parametrize("name", FIRST)
def test_first_values(name):
    fill, expected = FIRST[name]
    result = fill(fresh())
    if result.dtype == np.float64:
        np.testing.assert_allclose(result, expected, rtol=0, atol=5e-10)
    else:
        assert (
            result.tolist()
            == np.array(expected)
            .astype(np.float32 if "float" in str(result.dtype) else I64)
            .astype(result.dtype)
            .tolist()
        )


def test_other_seeds():
    expected = np.array([0.0289792418, 0.401898563, 0.259844184, 0.366641343, 0.0583007336, 0.700644732], F32)
    assert np.array_equal(tr.uniform(fresh(1234), 6, F32), expected)
    expected = np.array([1.92691529, 0.76244539, 1.64231694, 0.859858513], F32)
    assert np.array_equal(tr.normal(fresh(42), 32, F32)[[0, 15, 16, 31]], expected)


def test_one_sample_multinomial_is_the_argmax_of_exponential_races():
    g = fresh()
    p = np.array([0.1, 0.2, 0.3, 0.4], F32)
    assert [int(tr.multinomial(g, p, 1)[0]) for _ in range(5)] == [2, 2, 3, 3, 1]


DIGESTS = {
    "rand": (lambda g: tr.uniform(g, 1000, F32), "20221bec9830215c"),
    "randn": (lambda g: tr.normal(g, 1000, F32), "43678415636bbad8"),
    "randn 1003": (lambda g: tr.normal(g, 1003, F32), "d8712f5f5c0c1803"),
    "randn float64": (lambda g: tr.normal(g, 1000, F64), "e9aadb4005f415af"),
    "randint": (lambda g: tr.random_int(g, 1000, I64, 0, 1000), "0d830c8245bf33e5"),
    "randperm": (lambda g: tr.randperm(g, 1000), "cee4a88ef6120e8e"),
    "bernoulli_": (lambda g: tr.bernoulli_scalar(g, 1000, 0.3).astype(F32), "23f60bc641a0332d"),
    "exponential_": (lambda g: tr.exponential(g, 1000, F32), "4df57e50cde188d7"),
    "uniform_": (lambda g: tr.uniform(g, 1000, F32, -0.1, 0.1), "a773abc6ddc76db8"),
    "normal_": (lambda g: tr.normal(g, 1000, F32, 0, 0.02), "fea9d240c6487c05"),
    # long fills: many passes of the array kernels, and the places where the roundings of a plain product and sum show
    "randn long": (lambda g: tr.normal(g, 1_000_003, F32), "4022835943f76440"),
    "normal_ long": (lambda g: tr.normal(g, 200_003, F32, 0.3, 1.7), "e01505ad9bb1b0fc"),
    "uniform_ long": (lambda g: tr.uniform(g, 1_000_003, F32, -3, 1000), "2a8e0544394f9cd8"),
    "uniform_ float64 long": (lambda g: tr.uniform(g, 100_003, F64, 0.1, 0.7), "36082e845d482ac7"),
    "exponential_ long": (lambda g: tr.exponential(g, 300_001, F32, 0.7), "82510d23990a678b"),
    "randperm long": (lambda g: tr.randperm(g, 300_001), "07c7c17540fce701"),
    "geometric_ long": (lambda g: tr.geometric(g, 300_001, I64, 0.01), "62fe2f0083c51e4c"),
}


@pytest.mark.parametrize("name", DIGESTS)
def test_digests_of_whole_arrays(name):
    fill, expected = DIGESTS[name]
    assert hashlib.sha256(fill(fresh()).tobytes()).hexdigest()[:16] == expected
