"""Fourier transforms, windows, LDL, packed QR, segments, Sobol' points, comparisons: PyTorch's answers by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

import torchax_lite as torch
from torchax_lite.testing import assert_close, make_tensor

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("name", ["fft", "ifft", "rfft", "irfft", "hfft", "ihfft"])
@pytest.mark.parametrize("norm", [None, "ortho", "forward"])
def test_transforms_along_a_dim_are_numpys(name: str, norm: str | None) -> None:
    x = RNG.standard_normal((3, 6))
    if name not in ("rfft", "ihfft"):
        x = x + 1j * RNG.standard_normal((3, 6))
    for n in (None, 4, 9):
        want = getattr(np.fft, name)(x, n, 1, norm)
        np.testing.assert_allclose(getattr(torch.fft, name)(torch.tensor(x), n, 1, norm).numpy(), want, atol=1e-12)


def test_transforms_of_more_dims_than_xla_takes() -> None:
    x = RNG.standard_normal((2, 3, 2, 3, 2))
    np.testing.assert_allclose(torch.fft.fftn(torch.tensor(x)).numpy(), np.fft.fftn(x), atol=1e-10)
    np.testing.assert_allclose(torch.fft.rfftn(torch.tensor(x)).numpy(), np.fft.rfftn(x), atol=1e-10)


def test_gradient_of_half_a_spectrum_counts_the_bins_that_stand_for_two() -> None:
    x = torch.randn(8, dtype=torch.float64, requires_grad=True)
    torch.fft.rfft(x, norm="ortho").abs().square().sum().backward()
    half = np.fft.rfft(x.detach().numpy(), norm="ortho")
    np.testing.assert_allclose(
        x.grad.numpy(), 2 * np.fft.irfft(half * np.r_[1, [0.5] * 3, 1], 8, norm="ortho"), atol=1e-12
    )


@pytest.mark.parametrize(
    ("error", "text", "call"),
    [
        (RuntimeError, "Invalid number of data points", lambda x: torch.fft.fft(x, n=0)),
        (RuntimeError, "Invalid normalization mode", lambda x: torch.fft.fft(x, norm="x")),
        (RuntimeError, "Unsupported dtype Half", lambda x: torch.fft.fft(x.half())),
        (RuntimeError, "FFT dims must be unique", lambda x: torch.fft.fftn(x, dim=(0, 0))),
        (RuntimeError, "rfft expects a real input tensor", lambda x: torch.fft.rfft(x + 0j)),
        (RuntimeError, "stft requires the return_complex parameter", lambda x: torch.stft(x, 4)),
    ],
)
def test_transforms_refuse(error: type[Exception], text: str, call: object) -> None:
    with pytest.raises(error, match=text):
        call(torch.ones(4, 6))


def test_istft_inverts_stft() -> None:
    x = torch.randn(2, 100, dtype=torch.float64, requires_grad=True)
    window = torch.hann_window(16, dtype=torch.float64)
    spectrum = torch.stft(x, 16, hop_length=4, window=window, return_complex=True)
    assert spectrum.shape == (2, 9, 26)
    back = torch.istft(spectrum, 16, hop_length=4, window=window, length=100)
    assert_close(back, x)
    back.sum().backward()
    assert_close(x.grad, torch.ones_like(x))


def test_windows() -> None:
    w = torch.signal.windows
    assert_close(w.hann(5), torch.tensor([0.0, 0.5, 1.0, 0.5, 0.0]))
    assert_close(w.exponential(3, tau=2.0), torch.exp(torch.tensor([-0.5, 0.0, -0.5])))
    assert w.kaiser(1).tolist() == [1.0] and w.cosine(0).shape == (0,)
    with pytest.raises(ValueError, match="cosine expects float32 or float64 dtypes"):
        w.cosine(3, dtype=torch.half)


def test_gradient_of_overlapping_views() -> None:
    x = torch.zeros(6, requires_grad=True)
    x.unfold(0, 3, 1).sum().backward()
    assert x.grad.tolist() == [1.0, 2.0, 3.0, 3.0, 2.0, 1.0]


@pytest.mark.parametrize("hermitian", [False, True])
def test_ldl_solves_indefinite_systems(hermitian: bool) -> None:
    a = RNG.standard_normal((4, 7, 7)) + 1j * RNG.standard_normal((4, 7, 7))
    a = a + (np.conj(a.swapaxes(1, 2)) if hermitian else a.swapaxes(1, 2))
    a[0, range(7), range(7)] = 0
    packed, pivots = torch.linalg.ldl_factor(torch.tensor(a), hermitian=hermitian)
    b = RNG.standard_normal((4, 7, 2)) + 0j
    x = torch.linalg.ldl_solve(packed, pivots, torch.tensor(b), hermitian=hermitian).numpy()
    np.testing.assert_allclose(a @ x, b, atol=1e-9)
    assert (pivots[0] < 0).any()


def test_packed_qr() -> None:
    a = torch.randn(5, 3, dtype=torch.float64)
    packed, tau = torch.geqrf(a)
    q = torch.linalg.householder_product(packed, tau)
    assert_close(q @ packed[:3].triu(), a)
    b = torch.randn(5, 2, dtype=torch.float64)
    assert_close(torch.ormqr(packed, tau, torch.ormqr(packed, tau, b), transpose=True), b)


def test_eigenvectors_of_complex_matrices_have_a_free_phase() -> None:
    x = torch.randn(3, 3, dtype=torch.complex128, requires_grad=True)
    with pytest.raises(RuntimeError, match="linalg_eigh_backward: The eigenvectors in the complex case"):
        torch.linalg.eigh(x + x.mH)[1].imag.sum().backward()
    torch.linalg.eigh(x + x.mH)[1].abs().sum().backward()


def test_low_rank() -> None:
    a = torch.randn(20, 2, dtype=torch.float64) @ torch.randn(2, 9, dtype=torch.float64)
    u, s, v = torch.svd_lowrank(a, q=3)
    assert_close(u * s @ v.mT, a)
    m = a.mT @ a + torch.eye(9, dtype=torch.float64)
    e, x = torch.lobpcg(m, k=2)
    assert_close(m @ x, x * e, rtol=1e-4, atol=1e-4)
    assert_close(e, torch.linalg.eigvalsh(m).flip(0)[:2])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_bessel_airy_and_polynomials(dtype: torch.dtype) -> None:
    special = pytest.importorskip("scipy.special")
    x = torch.linspace(-20, 20, 401, dtype=dtype)
    positive = torch.linspace(0.01, 30, 400, dtype=dtype)
    limit = {"atol": 5e-6, "rtol": 1e-4} if dtype == torch.float32 else {"atol": 1e-13, "rtol": 1e-11}
    for ours, theirs, at in (
        ("bessel_j0", special.j0, x), ("bessel_j1", special.j1, x), ("bessel_y0", special.y0, positive),
        ("bessel_y1", special.y1, positive), ("modified_bessel_k0", special.k0, positive),
        ("scaled_modified_bessel_k1", special.k1e, positive), ("airy_ai", lambda v: special.airy(v)[0], x),
    ):  # fmt: skip
        got = getattr(torch.special, ours)(at).numpy()
        np.testing.assert_allclose(got, theirs(at.double().numpy()), **limit, err_msg=ours)
    t = torch.linspace(-1, 1, 21, dtype=dtype)
    degrees = torch.arange(10)[:, None]
    got = torch.special.legendre_polynomial_p(t, degrees).numpy()
    np.testing.assert_allclose(got, special.eval_legendre(degrees.numpy(), t.numpy()), **limit)
    assert torch.special.chebyshev_polynomial_t(torch.tensor(1.5), -1).item() == 0.0


def test_segments_and_hashes() -> None:
    data = torch.arange(1.0, 7.0)
    assert torch.segment_reduce(data, "mean", lengths=torch.tensor([2, 1, 3])).tolist() == [1.5, 3.0, 5.0]
    assert torch.segment_reduce(data, "max", offsets=torch.tensor([0, 2, 2, 6])).tolist() == [2.0, -math.inf, 6.0]
    with pytest.raises(RuntimeError, match="lengths contains negative value"):
        torch.segment_reduce(data, "sum", lengths=torch.tensor([-1, 7]))
    assert torch.hash_tensor(torch.arange(5.0)).item() == 9216616637413720064
    assert torch.hash_tensor(torch.arange(6).view(2, 3), 1).tolist() == [3, 2]


def test_sobol_points_and_scramble() -> None:
    plain = torch.quasirandom.SobolEngine(2).draw(4)
    assert plain.tolist() == [[0.0, 0.0], [0.5, 0.5], [0.75, 0.25], [0.25, 0.75]]
    engine = torch.quasirandom.SobolEngine(3, scramble=True, seed=7)
    points = engine.draw(16)
    assert torch.equal(engine.reset().fast_forward(5).draw(3), points[5:8])
    with pytest.raises(ValueError, match="balance properties"):
        torch.quasirandom.SobolEngine(3).fast_forward(3).draw_base2(2)


def test_assert_close_tells_what_differs() -> None:
    with pytest.raises(AssertionError) as caught:
        assert_close({"a": [torch.tensor([[1.0, 5.0], [3.0, 4.0]])]}, {"a": [torch.tensor([[1.0, 2.0], [9.0, 4.0]])]})
    assert str(caught.value) == (
        "Tensor-likes are not close!\n\nMismatched elements: 2 / 4 (50.0%)\n"
        "Greatest absolute difference: 6.0 at index (1, 0) (up to 1e-05 allowed)\n"
        "Greatest relative difference: 1.5 at index (0, 1) (up to 1.3e-06 allowed)\n\n"
        "The failure occurred for item ['a'][0]"
    )
    with pytest.raises(AssertionError, match="attribute 'dtype' do not match: torch.float32 != torch.int64"):
        assert_close(torch.ones(1), torch.ones(1).long())
    with pytest.raises(ValueError, match="but got no atol"):
        assert_close(1.0, 1.0, rtol=1.0)


def test_make_tensor_draws_in_pytorchs_order() -> None:
    torch.manual_seed(0)
    assert_close(
        make_tensor(3, dtype=torch.float32, device="cpu"), torch.tensor([-0.0674, 4.8280, -7.4074]), rtol=0, atol=1e-4
    )
    torch.manual_seed(0)
    assert make_tensor((2, 2), dtype=torch.int64, device="cpu").tolist() == [[6, -5], [-9, -9]]
    spread = make_tensor((2, 3), dtype=torch.float32, device="cpu", noncontiguous=True)
    assert spread.stride() == (6, 2)


def test_names_without_anything_behind_them() -> None:
    assert repr(torch.int4) == "torch.int4" and isinstance(torch.quint8, torch.dtype)
    assert not torch.xpu.is_available() and torch.mps.device_count() == 0 and torch.cpu.is_available()
    with pytest.raises(NotImplementedError, match=r"torch\.int4 tensors do not exist here; use torch\.int8"):
        torch.zeros(2, dtype=torch.int4)
    with pytest.raises(AssertionError, match="Torch not compiled with XPU enabled"):
        torch.xpu.current_device()


def test_memory_that_is_a_file(tmp_path: object) -> None:
    path = str(tmp_path / "x.bin")  # type: ignore[operator]
    np.arange(10, dtype=np.float32).tofile(path)
    assert torch.from_file(path, size=3).tolist() == [0.0, 1.0, 2.0]
    torch.from_file(path, shared=True, size=2).fill_(7)
    assert np.fromfile(path, np.float32)[:3].tolist() == [7.0, 7.0, 2.0]
    with pytest.raises(RuntimeError, match="smaller than the required mapping size"):
        torch.from_file(path, size=50)
    storage = torch.arange(3, dtype=torch.int32).untyped_storage()
    storage.byteswap(torch.int32)
    assert storage.tolist() == [0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2]
