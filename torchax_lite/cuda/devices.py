"""Which GPUs JAX has, which of them is current, what they are, and waiting for them."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

from .._streams import wait_for
from ..engine.avals import NO_CUDA, accelerator_devices, place
from ..tensor.device import device as torch_device


def gpus() -> list[Any]:
    """JAX's GPUs."""
    return [d for d in accelerator_devices() if d.platform in ("gpu", "cuda", "rocm")]


def is_available() -> bool:
    """Whether JAX has a GPU (starts JAX's backend)."""
    return bool(gpus())


def device_count() -> int:
    """Number of GPUs."""
    return len(gpus())


class _Current(threading.local):
    index = 0


_current = _Current()
_initialized = False


def init() -> None:
    """Start JAX's GPU backend.

    Raises:
        AssertionError: where there is none.
    """
    global _initialized
    if not gpus():
        raise AssertionError(NO_CUDA)
    _initialized = True


def is_initialized() -> bool:
    """Whether the GPUs were used."""
    return _initialized


def current_device() -> int:
    """Index of the GPU that ``"cuda"`` means in this thread."""
    init()
    return _current.index


def index_of(device: Any, optional: bool = True) -> int:
    """Index of a GPU given as index, string, ``torch.device`` or (None) the current one; checked."""
    init()
    if device is None and optional:
        return _current.index
    if isinstance(device, bool) or not isinstance(device, (int, str, torch_device)):
        raise ValueError(f"Expected a torch.device with a specified index or an integer, but got: {device}")
    if not isinstance(device, int):
        given = torch_device(device)
        if given.type != "cuda":
            raise ValueError(f"Expected a cuda device, but got: {given}")
        device = _current.index if given.index is None else given.index
    if not 0 <= device < device_count():
        raise RuntimeError(f"CUDA error: invalid device ordinal (device {device} of {device_count()})")
    return device


def jax_device(device: Any = None) -> Any:
    """JAX's device object of a GPU."""
    return gpus()[index_of(device)]


def set_device(device: Any) -> None:
    """Make a GPU the one that ``"cuda"`` means in this thread; a negative index does nothing."""
    if isinstance(device, int) and device < 0:
        return
    _current.index = index_of(device, optional=False)


class device:
    """Context manager: ``"cuda"`` means this GPU inside; None or a negative index changes nothing."""

    def __init__(self, device: Any) -> None:
        if isinstance(device, (str, torch_device)):
            given = torch_device(device)
            if given.type != "cuda":
                raise ValueError(f"Expected a cuda device, but got: {given}")
            self.idx = index_of(given) if given.index is None else given.index
        else:
            self.idx = -1 if device is None else int(device)
        self.prev_idx = -1

    def __enter__(self) -> None:
        if self.idx >= 0:
            self.prev_idx = current_device()
            set_device(self.idx)

    def __exit__(self, *exc: object) -> None:
        if self.idx >= 0:
            set_device(self.prev_idx)


class device_of(device):
    """Context manager: ``"cuda"`` means the GPU that holds a tensor; nothing changes for one elsewhere."""

    def __init__(self, obj: Any) -> None:
        super().__init__(obj.get_device() if obj.is_cuda else -1)


def get_device_name(device: Any = None) -> str:
    """Name of a GPU."""
    return str(jax_device(device).device_kind)


def get_device_capability(device: Any = None) -> tuple[int, int]:
    """Compute capability (major, minor) of a GPU."""
    major, _, minor = str(jax_device(device).compute_capability).partition(".")
    return int(major), int(minor or 0)


@dataclass(frozen=True)
class _CudaDeviceProperties:
    """What JAX tells of a GPU. ``total_memory`` is what JAX may allocate of it, in bytes."""

    name: str
    major: int
    minor: int
    total_memory: int
    multi_processor_count: int
    is_integrated: int = 0
    is_multi_gpu_board: int = 0
    warp_size: int = 32

    @property
    def gcnArchName(self) -> str:
        """The name again, as on CUDA builds."""
        return self.name

    def __repr__(self) -> str:
        return (
            f"_CudaDeviceProperties(name='{self.name}', major={self.major}, minor={self.minor}, "
            f"total_memory={self.total_memory >> 20}MB, multi_processor_count={self.multi_processor_count})"
        )


def get_device_properties(device: Any = None) -> _CudaDeviceProperties:
    """Name, compute capability, memory and number of multiprocessors of a GPU."""
    found = jax_device(device)
    stats = found.memory_stats() or {}
    return _CudaDeviceProperties(
        get_device_name(device), *get_device_capability(device), int(stats.get("bytes_limit", 0)),
        int(getattr(found, "core_count", 0)),
    )  # fmt: skip


def get_arch_list() -> list[str]:
    """Architectures that code can be compiled for: XLA compiles for the GPUs that are there."""
    return sorted({"sm_{}{}".format(*get_device_capability(i)) for i in range(device_count())})


def get_gencode_flags() -> str:
    """Compiler flags of the architectures of :func:`get_arch_list`."""
    return " ".join(f"-gencode compute=compute_{a[3:]},code={a}" for a in get_arch_list())


def is_bf16_supported(including_emulation: bool = True) -> bool:
    """Whether the current GPU computes in bfloat16 (below compute capability 8.0 XLA emulates it)."""
    return is_available() and (including_emulation or get_device_capability()[0] >= 8)


def is_tf32_supported() -> bool:
    """Whether the current GPU has TensorFloat-32 (compute capability 8.0)."""
    return is_available() and get_device_capability()[0] >= 8


def can_device_access_peer(device: Any, peer_device: Any) -> bool:
    """JAX does not tell which GPUs can read each other's memory."""
    raise NotImplementedError("torch.cuda.can_device_access_peer is not available: JAX does not tell")


def ipc_collect() -> None:
    """No memory is shared between processes, so there is nothing to collect."""
    init()


def synchronize(device: Any = None) -> None:
    """Run what is pending on a GPU and wait until it is done."""
    wait_for(place("cuda", index_of(device)))
