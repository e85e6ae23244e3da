"""``DeviceMesh``: the devices of a job in a grid. The job has one process here, so the grid has one place."""

from __future__ import annotations

import math
from typing import Any

import torchax_lite as torch

from . import _groups
from ._groups import _several

__all__ = ["DeviceMesh", "init_device_mesh"]


class DeviceMesh:
    """A grid of ranks.

    Args:
        device_type: ``"cpu"``, ``"cuda"`` or ``"xla"``.
        mesh: ranks, nested lists or an integer tensor; only rank 0 exists.
        mesh_dim_names: a name for each dimension.
    """

    def __init__(self, device_type: str, mesh: Any, *, mesh_dim_names: tuple[str, ...] | None = None) -> None:
        self.device_type = device_type
        self.mesh = (mesh.detach() if isinstance(mesh, torch.Tensor) else torch.as_tensor(mesh)).to("cpu", torch.int)
        if self.mesh.numel() != 1:
            raise _several(f"a DeviceMesh of {self.mesh.numel()} devices")
        if self.mesh.reshape(()).item() != 0:
            raise RuntimeError(f"the mesh names rank {self.mesh.reshape(()).item()}; the only process has rank 0")
        self.mesh_dim_names = None if mesh_dim_names is None else tuple(mesh_dim_names)
        if self.mesh_dim_names is not None and len(self.mesh_dim_names) != self.ndim:
            raise RuntimeError(
                "mesh_shape and mesh_dim_names should have same length! "
                f"Found len(mesh_dim_names): {len(self.mesh_dim_names)} and len(mesh_shape):{self.ndim}."
            )

    @property
    def ndim(self) -> int:
        """Dimensions of the grid."""
        return self.mesh.ndim

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes of the grid."""
        return tuple(self.mesh.shape)

    def size(self, mesh_dim: int | None = None) -> int:
        """Places of the grid, or of one of its dimensions."""
        return self.mesh.numel() if mesh_dim is None else self.mesh.size(mesh_dim)

    def get_rank(self) -> int:
        """0."""
        return 0

    def get_local_rank(self, mesh_dim: int | str | None = None) -> int:
        """This process's place along a dimension: 0."""
        if mesh_dim is None and self.ndim > 1:
            raise RuntimeError(
                f"Found the DeviceMesh have {self.ndim} dimensions",
                "Optional kwarg `mesh_dim` needs to be specified when device_mesh.ndim > 1.",
            )
        return 0

    def get_coordinate(self) -> list[int]:
        """This process's place along each dimension."""
        return [0] * self.ndim

    def get_group(self, mesh_dim: int | str | None = None) -> Any:
        """The group of the processes along a dimension: the default group."""
        return _groups._get_default_group()

    def get_all_groups(self) -> list[Any]:
        """The groups of all dimensions."""
        return [self.get_group(i) for i in range(self.ndim)]

    def __getitem__(self, mesh_dim_names: str | tuple[str, ...]) -> DeviceMesh:
        """The part of the grid along named dimensions."""
        if self.mesh_dim_names is None:
            raise RuntimeError("Cannot slice a DeviceMesh without mesh_dim_names!")
        names = (mesh_dim_names,) if isinstance(mesh_dim_names, str) else tuple(mesh_dim_names)
        for name in names:
            if name not in self.mesh_dim_names:
                raise KeyError(
                    f"Invalid mesh_dim_names {names} specified. Valid mesh_dim_names are {list(self.mesh_dim_names)}."
                )
        return DeviceMesh(self.device_type, self.mesh.reshape((1,) * len(names)), mesh_dim_names=names)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DeviceMesh) and (self.device_type, self.shape, self.mesh_dim_names) == (
            other.device_type, other.shape, other.mesh_dim_names,
        )  # fmt: skip

    def __hash__(self) -> int:
        return hash((self.device_type, self.shape, self.mesh_dim_names))

    def __enter__(self) -> DeviceMesh:
        return self

    def __exit__(self, *exc: Any) -> None:
        pass

    def __repr__(self) -> str:
        sizes = (
            ", ".join(f"{n}={s}" for n, s in zip(self.mesh_dim_names, self.shape))
            if self.mesh_dim_names
            else ", ".join(map(str, self.shape))
        )
        return f"DeviceMesh(({sizes}), '{self.device_type}', stride={self.mesh.stride()})"


def init_device_mesh(
    device_type: str, mesh_shape: tuple[int, ...], *, mesh_dim_names: tuple[str, ...] | None = None,
    backend_override: Any = None,
) -> DeviceMesh:  # fmt: skip
    """A :class:`DeviceMesh` of that shape; starts the default group if there is none. Its size must be 1."""
    if backend_override is not None:
        raise NotImplementedError("init_device_mesh(backend_override=...) is not available: there is one process")
    if mesh_dim_names is not None:
        if len(set(mesh_dim_names)) != len(mesh_dim_names):
            raise RuntimeError(
                "Each mesh_dim_name must be unique.",
                f"Found repeated mesh_dim_name in mesh_dim_names {mesh_dim_names}",
            )
        if len(mesh_shape) != len(mesh_dim_names):
            raise RuntimeError(
                "mesh_shape and mesh_dim_names should have same length!",
                f"Found len(mesh_dim_names): {len(mesh_dim_names)} and len(mesh_shape):{len(mesh_shape)}.",
            )
    if device_type and not device_type.isalpha():
        raise RuntimeError(
            f"Device type with index is not supported but got {device_type}. ",
            "If you maintained a 'torch.device' object, it's recommended to pass in 'device.type'.",
        )
    if math.prod(mesh_shape) != 1:
        raise _several(f"a DeviceMesh of {math.prod(mesh_shape)} devices")
    if not _groups.is_initialized():
        _groups.init_process_group()
    mesh = torch.arange(math.prod(mesh_shape), dtype=torch.int).reshape(mesh_shape)
    return DeviceMesh(device_type, mesh, mesh_dim_names=mesh_dim_names)
