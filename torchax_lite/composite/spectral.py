"""Short-time Fourier transform and its inverse."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torchax_lite as torch
from torchax_lite._generated import internal

from .registry import composite, is_traced

if TYPE_CHECKING:
    from torchax_lite import Tensor


def _number(x: bool | int | None) -> str:
    """A value as PyTorch's texts show it."""
    return str(None if x is None else int(x))


def _shown(window: Tensor | None) -> str:
    return "None" if window is None else f"{window.type()}{{{list(window.shape)}}}"


@composite(method=True)
def stft(
    input: Tensor, n_fft: int, hop_length: int | None = None, win_length: int | None = None,
    window: Tensor | None = None, center: bool = True, pad_mode: str = "reflect", normalized: bool = False,
    onesided: bool | None = None, return_complex: bool | None = None, align_to_window: bool | None = None,
) -> Tensor:  # fmt: skip
    """Fourier transforms of overlapping windowed pieces of a signal.

    Args:
        input: signals (L) or (B, L), real or complex.
        n_fft: points of each transform.
        hop_length: distance of the pieces (``n_fft // 4``).
        win_length: size of ``window`` (``n_fft``), which is filled up with zeros at both ends to ``n_fft``.
        window: weights; ones where not given.
        center: pad by ``n_fft // 2`` at both ends, so that piece t is centred at ``t * hop_length``.
        pad_mode: mode of ``nn.functional.pad`` for that.
        normalized: divide by ``sqrt(n_fft)``.
        onesided: keep the ``n_fft // 2 + 1`` bins that a real signal determines (default for real input and window).
        return_complex: a complex result (True) or real and imaginary parts in a last dim (False).
        align_to_window: without ``center``: pieces begin at the window, not at the transform.

    Returns:
        (B, bins, pieces).

    Raises:
        RuntimeError: sizes that do not fit, or ``return_complex`` missing for real input.
    """
    if center and align_to_window is not None:
        raise RuntimeError("stft align_to_window should only be set when center = false")
    x = input
    if center:
        sides = (n_fft // 2, n_fft // 2)
        x = torch.nn.functional.pad(x.reshape((1,) * (3 - x.ndim) + x.shape), sides, pad_mode)
        x = x.reshape(x.shape[3 - input.ndim :])
    hop = n_fft // 4 if hop_length is None else hop_length
    width = n_fft if win_length is None else win_length
    if return_complex is None and not (x.is_complex() or (window is not None and window.is_complex())):
        raise RuntimeError(
            "stft requires the return_complex parameter be given for real inputs, and will further require that "
            "return_complex=True in a future PyTorch release."
        )
    head = (
        f"stft({x.type()}{list(x.shape)}, n_fft={n_fft}, hop_length={hop}, win_length={width}, "
        f"window={_shown(window)}, normalized={_number(normalized)}, onesided={_number(onesided)}, "
        f"return_complex={_number(return_complex)}, align_to_window={_number(align_to_window)}) "
    )
    if not (x.is_floating_point() or x.is_complex()):
        raise RuntimeError(f"{head}: expected a tensor of floating point or complex values")
    if x.ndim not in (1, 2):
        raise RuntimeError(f"{head}: expected a 1D or 2D tensor")
    signal = x if x.ndim == 2 else x.unsqueeze(0)
    length = signal.shape[1]
    if not 0 < n_fft <= length:
        raise RuntimeError(f"{head}: expected 0 < n_fft < {length}, but got n_fft={n_fft}")
    if hop <= 0:
        raise RuntimeError(f"{head}: expected hop_length > 0, but got hop_length={hop}")
    if not 0 < width <= n_fft:
        raise RuntimeError(f"{head}: expected 0 < win_length <= n_fft, but got win_length={width}")
    if window is not None and (window.ndim != 1 or window.shape[0] != width):
        raise RuntimeError(
            f"{head}: expected a 1D window tensor of size equal to win_length={width}, but got window with size "
            f"{list(window.shape)}"
        )
    if x.dtype in (torch.float16, torch.bfloat16):
        raise RuntimeError(
            f"MKL FFT doesn't support tensors of type: {'Half' if x.dtype == torch.float16 else 'BFloat16'}"
        )
    size, weights = n_fft, window
    if width < n_fft:
        if align_to_window:
            size = width
        weights = _filled(window, width, n_fft, signal)
    if align_to_window and size < n_fft:
        margin = (n_fft - width) // 2
        signal = torch.nn.functional.pad(signal, (margin, n_fft - width - margin))
    frames = signal.unfold(-1, n_fft, hop)
    if weights is not None:
        frames = frames * weights
    complex_frames = frames.is_complex()
    if onesided is None:
        onesided = not complex_frames
    norm = "ortho" if normalized else None
    if complex_frames:
        if onesided:
            raise RuntimeError("Cannot have onesided output if window or input is complex")
        spectrum = torch.fft.fft(frames, norm=norm)
    else:
        spectrum = torch.fft.rfft(frames, norm=norm) if onesided else torch.fft.fft(frames, norm=norm)
    spectrum = spectrum.transpose(1, 2)
    if x.ndim == 1:
        spectrum = spectrum.squeeze(0)
    return spectrum if return_complex or return_complex is None else torch.view_as_real(spectrum)


def _filled(window: Tensor | None, width: int, n_fft: int, like: Tensor) -> Tensor:
    """The window (ones) with zeros around it."""
    left = (n_fft - width) // 2
    if window is None:
        window = torch.ones(width, dtype=like.dtype, device=like.device)
    return torch.nn.functional.pad(window, (left, n_fft - width - left))


@composite(method=True)
def istft(
    input: Tensor, n_fft: int, hop_length: int | None = None, win_length: int | None = None,
    window: Tensor | None = None, center: bool = True, normalized: bool = False, onesided: bool | None = None,
    length: int | None = None, return_complex: bool = False,
) -> Tensor:  # fmt: skip
    """Signal whose :func:`stft` with the same arguments is nearest to ``input``: weighted overlap-add.

    Args:
        input: (bins, pieces) or (B, bins, pieces), complex.
        length: size of the result, cut or filled up with zeros.
        return_complex: the signal is complex (``input`` then has all ``n_fft`` bins).

    Returns:
        (B, length).

    Raises:
        RuntimeError: sizes that do not fit, or a window that leaves points without weight.
    """
    hop = n_fft // 4 if hop_length is None else hop_length
    width = n_fft if win_length is None else win_length
    if not input.is_complex():
        raise RuntimeError(
            "istft requires a complex-valued input tensor matching the output from stft with return_complex=True."
        )
    kind = "ComplexFloat" if input.dtype == torch.complex64 else "ComplexDouble"
    head = (
        f"istft({input.device.type.upper()}{kind}Type{list(input.shape)}, n_fft={n_fft}, hop_length={hop}, "
        f"win_length={width}, window={_shown(window)}, center={_number(center)}, normalized={_number(normalized)}, "
        f"onesided={_number(onesided)}, length={_number(length)}, return_complex={_number(return_complex)}) "
    )
    if input.numel() == 0:
        raise RuntimeError(f"{head}: input tensor cannot be empty.")
    if input.ndim not in (2, 3):
        if input.ndim < 2:
            raise IndexError(
                f"Dimension out of range (expected to be in range of [{-input.ndim - 1}, {input.ndim}], but got -3)"
            )
        raise RuntimeError(f"{head}: expected a tensor with 3 or 4 dimensions, but got {input.ndim + 1}")
    half = onesided if onesided is not None else input.shape[-2] != n_fft
    bins = n_fft // 2 + 1 if half else n_fft
    if input.shape[-2] != bins:
        wanted = f"match n_fft{' / 2 + 1' if half else ''} when onesided={half}"
        raise RuntimeError(
            f"{head}: expected the frequency dimension (3rd to the last) of the input tensor to {wanted}, but got "
            f"{input.shape[-2]}"
        )
    if not 0 < hop <= width:
        raise RuntimeError(f"{head}: expected 0 < hop_length <= win_length")
    if not 0 < width <= n_fft:
        raise RuntimeError(f"{head}: expected 0 < win_length <= n_fft")
    if window is not None and (window.ndim != 1 or window.shape[0] != width):
        raise RuntimeError(f"{head}: Invalid window shape. window has to be 1D and length of `win_length`")
    real = torch.float32 if input.dtype == torch.complex64 else torch.float64
    weights = window if window is not None else torch.ones(width, dtype=real, device=input.device)
    if width != n_fft:
        weights = _filled(weights, width, n_fft, weights)
    spectrum = (input if input.ndim == 3 else input.unsqueeze(0)).transpose(1, 2)
    norm = "ortho" if normalized else None
    if return_complex:
        if half:
            raise RuntimeError("Cannot have onesided output if window or input is complex")
        frames = torch.fft.ifft(spectrum, norm=norm)
    else:
        if weights.is_complex():
            raise RuntimeError("Complex windows are incompatible with return_complex=False")
        bound = spectrum if half else spectrum[:, :, : n_fft // 2 + 1]
        frames = torch.fft.irfft(bound, n_fft, norm=norm)
    pieces = frames.shape[1]
    summed = internal.overlap_add(frames * weights, hop)
    envelope = internal.overlap_add(weights.square().expand(1, pieces, n_fft), hop)
    total = n_fft + hop * (pieces - 1)
    start = n_fft // 2 if center else 0
    end = start + length if length is not None else total - n_fft // 2 if center else total
    end = max(min(end, total), start)
    summed, envelope = summed[:, start:end], envelope[:, start:end]
    if not is_traced(envelope) and not bool(envelope.abs().min() > 1e-11):
        raise RuntimeError(f"{head}window overlap add min: 1\n[ CPUBoolType{{}} ]")
    signal = summed / envelope
    if input.ndim == 2:
        signal = signal.squeeze(0)
    missing = 0 if length is None else length - signal.shape[-1]
    return torch.nn.functional.pad(signal, (0, missing)) if missing > 0 else signal
