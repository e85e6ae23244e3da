"""Window functions against NumPy's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import torchax_lite as torch

WINDOWS = {
    "bartlett_window": np.bartlett,
    "blackman_window": np.blackman,
    "hamming_window": np.hamming,
    "hann_window": np.hanning,
    "kaiser_window": lambda n: np.kaiser(n, 12.0),
}


@pytest.mark.parametrize("n", [0, 1, 2, 5, 8])
@pytest.mark.parametrize("name", WINDOWS)
def test_symmetric_windows_are_numpys(name: str, n: int) -> None:
    made = getattr(torch, name)(n, periodic=False, dtype=torch.float64)
    np.testing.assert_allclose(made.numpy(), WINDOWS[name](n), rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", WINDOWS)
def test_periodic_windows_lack_the_last_point_of_a_longer_one(name: str) -> None:
    made = getattr(torch, name)(6)
    assert made.dtype == torch.float32 and made.shape == (6,)
    np.testing.assert_allclose(made.numpy(), WINDOWS[name](7)[:-1], rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", WINDOWS)
def test_window_options(name: str) -> None:
    fn: Any = getattr(torch, name)
    assert fn(3, requires_grad=True).requires_grad and fn(3, requires_grad=True).is_leaf
    assert fn(3, dtype=torch.bfloat16).dtype == torch.bfloat16
    with pytest.raises(RuntimeError, match=f"{name} requires non-negative window_length, got window_length=-1"):
        fn(-1)
    with pytest.raises(RuntimeError, match=f"{name} expects floating point dtypes"):
        fn(3, dtype=torch.int64)
    with pytest.raises(RuntimeError, match=f"{name} is not implemented for sparse types"):
        fn(3, layout=torch.sparse_coo)
    with pytest.raises(TypeError, match="argument 'window_length' .* must be int, not float"):
        fn(2.5)


def test_coefficients_of_hamming_and_kaiser() -> None:
    hamming = torch.hamming_window(3, False, alpha=0.6, beta=0.4)
    np.testing.assert_allclose(hamming.numpy(), [0.2, 1.0, 0.2], atol=1e-6)
    kaiser = torch.kaiser_window(7, False, beta=5.0, dtype=torch.float64)
    np.testing.assert_allclose(kaiser.numpy(), np.kaiser(7, 5.0), rtol=1e-6)
