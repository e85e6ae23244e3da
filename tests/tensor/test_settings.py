"""Settings of the process that programs commonly touch."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import torchax_lite as torch


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    yield
    torch.use_deterministic_algorithms(False)
    torch.set_warn_always(False)


@pytest.mark.parametrize(("mode", "number"), [("default", 0), ("warn", 1), ("error", 2), (0, 0), (1, 1), (2, 2)])
def test_deterministic_debug_mode(mode: int | str, number: int) -> None:
    torch.set_deterministic_debug_mode(mode)
    assert torch.get_deterministic_debug_mode() == number
    assert torch.are_deterministic_algorithms_enabled() == (number > 0)
    assert torch.is_deterministic_algorithms_warn_only_enabled() == (number == 1)


def test_deterministic_settings_are_checked() -> None:
    torch.use_deterministic_algorithms(True, warn_only=True)
    assert torch.get_deterministic_debug_mode() == 1
    with pytest.raises(TypeError, match="argument 'mode' .* must be bool, not int"):
        torch.use_deterministic_algorithms(1)
    with pytest.raises(TypeError, match="argument 'warn_only' must be bool, not int"):
        torch.use_deterministic_algorithms(True, warn_only=1)
    for mode in ("loud", 3):
        with pytest.raises(RuntimeError, match="invalid value of debug_mode"):
            torch.set_deterministic_debug_mode(mode)
    with pytest.raises(TypeError, match="debug_mode must be str or int"):
        torch.set_deterministic_debug_mode(1.5)


def test_threads_denormals_and_warnings() -> None:
    assert torch.get_num_interop_threads() == 1
    torch.set_num_interop_threads(1)
    with pytest.warns(RuntimeWarning, match="a program runs as a whole"):
        torch.set_num_interop_threads(4)
    with pytest.raises(RuntimeError, match="expects a positive integer"):
        torch.set_num_interop_threads(0)
    assert torch.set_flush_denormal(True) and not torch.set_flush_denormal(False)
    assert not torch.is_warn_always_enabled()
    torch.set_warn_always(True)
    assert torch.is_warn_always_enabled()
    with pytest.raises(RuntimeError, match="setWarnOnlyOnce expects a bool, but got int"):
        torch.set_warn_always(1)


def test_types_name_what_annotations_need() -> None:
    assert isinstance(2.5, torch.types.Number) and isinstance(torch.device("cpu"), torch.types.Device)
    assert isinstance(torch.ones(2).untyped_storage(), torch.types.Storage)
    assert isinstance(torch.Size([2]), torch.types._size)
