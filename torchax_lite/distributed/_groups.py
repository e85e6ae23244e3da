"""Process groups of one process, and what they are made of.

With a world of one, every collective is a copy or nothing at all, and a script written for ``torchrun`` runs as it is.
More processes are JAX's own business: ``jax.distributed`` and ``jax.shard_map`` over a module's pure function
(``torchax_lite.interop``).
"""

from __future__ import annotations

import datetime
import enum
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs, urlparse

import torchax_lite as torch

from .stores import (
    FileStore,
    HashStore,
    Store,
)

Tensor = torch.Tensor


def _several(what: str) -> NotImplementedError:
    return NotImplementedError(
        f"{what} is not available: torchax_lite's torch.distributed serves one process (world size 1); for several use "
        "jax.distributed.initialize with jax.shard_map over torchax_lite.interop's pure function of a module"
    )


class RedOpType(enum.Enum):
    """Kinds of reductions."""

    SUM = 0
    AVG = 1
    PRODUCT = 2
    MIN = 3
    MAX = 4
    BAND = 5
    BOR = 6
    BXOR = 7
    PREMUL_SUM = 8
    UNUSED = 9

    def __repr__(self) -> str:
        return f"<RedOpType.{self.name}: {self.value}>"


class ReduceOp:
    """A reduction: one of ``SUM AVG PRODUCT MIN MAX BAND BOR BXOR``, or ``PREMUL_SUM`` with a factor."""

    RedOpType = RedOpType
    SUM, AVG, PRODUCT, MIN, MAX = RedOpType.SUM, RedOpType.AVG, RedOpType.PRODUCT, RedOpType.MIN, RedOpType.MAX
    BAND, BOR, BXOR, PREMUL_SUM = RedOpType.BAND, RedOpType.BOR, RedOpType.BXOR, RedOpType.PREMUL_SUM

    def __init__(self, op: Any, factor: Any = None) -> None:
        self._op: RedOpType = op.op if isinstance(op, ReduceOp) else op
        self._factor = factor

    @property
    def op(self) -> Any:
        """Which reduction it is."""
        return self._op

    @property
    def factor(self) -> Any:
        """The number of a ``PREMUL_SUM``."""
        return self._factor

    def __eq__(self, other: object) -> bool:
        return self.op == (other.op if isinstance(other, ReduceOp) else other)

    def __hash__(self) -> int:
        return hash(self.op)


reduce_op = ReduceOp


def _make_nccl_premul_sum(factor: Any) -> ReduceOp:
    """The sum of the inputs times a factor."""
    return ReduceOp(ReduceOp.PREMUL_SUM, factor)


class Backend(str):
    """The name of a backend, in lower case."""

    UNDEFINED, GLOO, NCCL, UCC, MPI, XCCL, XLA = "undefined", "gloo", "nccl", "ucc", "mpi", "xccl", "xla"
    default_device_backend_map = {"cpu": GLOO, "cuda": NCCL, "xpu": XCCL, "mps": GLOO}  # noqa: RUF012
    backend_list = [UNDEFINED, GLOO, NCCL, XCCL, UCC, MPI, XLA]  # noqa: RUF012  (PyTorch's public list)

    def __new__(cls, name: str) -> Backend:
        if not isinstance(name, str):
            raise ValueError(f"Backend constructor parameter must be string-ish, but got {name}")
        return super().__new__(cls, name.lower())

    @classmethod
    def register_backend(cls, name: str, func: Any, extended_api: bool = False, devices: Any = None) -> None:
        """Backends of other packages."""
        raise _several("Backend.register_backend")


class BackendConfig:
    """Which backend serves which device type."""

    def __init__(self, backend: str) -> None:
        parts = [p for p in backend.split(",") if p]
        if any(":" in p for p in parts):
            self.device_backend_map = {p.partition(":")[0]: Backend(p.partition(":")[2]) for p in parts}
        else:
            self.device_backend_map = {d: Backend(backend) for d in ("cpu", "cuda")}

    def get_device_backend_map(self) -> dict[str, Backend]:
        """Device type -> backend."""
        return self.device_backend_map

    def __repr__(self) -> str:
        return ",".join(f"{d}:{b}" for d, b in self.device_backend_map.items())


class Work:
    """A collective under way: with one process it is done when it is started."""

    def __init__(self, result: Any = None) -> None:
        self._result = result

    def wait(self, timeout: Any = None) -> bool:
        """True: it is done."""
        return True

    def is_completed(self) -> bool:
        """True."""
        return True

    def is_success(self) -> bool:
        """True."""
        return True

    def exception(self) -> None:
        """None: nothing went wrong."""

    def synchronize(self) -> None:
        """Nothing is left to wait for."""

    def block_current_stream(self) -> None:
        """Nothing is left to wait for."""

    def source_rank(self) -> int:
        """0."""
        return 0

    def result(self) -> list[Tensor]:
        """The resulting tensors."""
        return self._result if isinstance(self._result, list) else [] if self._result is None else [self._result]

    def get_future(self) -> Any:
        """A future with the result."""
        from concurrent.futures import Future

        future: Any = Future()
        future.set_result(self.result())
        future.value = lambda: self.result()
        future.wait = lambda: self.result()
        return future


class ProcessGroup:
    """A group of processes: this one."""

    def __init__(self, backend: str, name: str, store: Store | None, description: str = "undefined") -> None:
        self._backend = backend
        self.group_name = name
        self.group_desc = description
        self._store = store
        self.bound_device_id: Any = None

    def rank(self) -> int:
        """0."""
        return 0

    def size(self) -> int:
        """1."""
        return 1

    def name(self) -> str:
        """Name of the backend."""
        return self._backend

    def get_group_store(self) -> Store | None:
        """The store that the group met at."""
        return self._store

    def barrier(self, *args: Any, **kwargs: Any) -> Work:
        """Nobody to wait for."""
        return Work()

    def allreduce(self, tensors: Any, *args: Any, **kwargs: Any) -> Work:
        """The tensors as they are."""
        return Work(tensors)

    def broadcast(self, tensors: Any, *args: Any, **kwargs: Any) -> Work:
        """The tensors as they are."""
        return Work(tensors)

    def shutdown(self) -> None:
        """Nothing to close."""

    def abort(self) -> None:
        """Nothing to close."""

    def set_timeout(self, timeout: datetime.timedelta) -> None:
        """Without effect: nothing is waited for."""


class _World(type):
    _default: ProcessGroup | None = None

    @property
    def WORLD(cls) -> ProcessGroup | None:
        """The default group; None before it is made."""
        return _World._default

    @WORLD.setter
    def WORLD(cls, value: ProcessGroup | None) -> None:
        _World._default = value


class group(metaclass=_World):
    """``group.WORLD`` is the default group."""


class GroupMember(metaclass=_World):
    """``GroupMember.WORLD`` is the default group; ``NON_GROUP_MEMBER`` stands for one that this process is not in."""

    NON_GROUP_MEMBER = -100


_groups: list[ProcessGroup] = []


class _GroupMap(Mapping[ProcessGroup, Any]):
    """The groups that were made: group -> (backend, store)."""

    def __getitem__(self, key: Any) -> Any:
        if key not in _groups:
            raise KeyError(key)
        return key.name(), key.get_group_store()

    def __iter__(self) -> Iterator[ProcessGroup]:
        return iter(list(_groups))

    def __len__(self) -> int:
        return len(_groups)


_pg_map = _GroupMap()


def _rank_not_in_group(group: Any) -> bool:
    """Whether this process is outside of a group."""
    return group is not None and group == GroupMember.NON_GROUP_MEMBER


_config: dict[str, BackendConfig] = {}


# -- availability ------------------------------------------------------------------------------------------------------


def is_available() -> bool:
    """Whether there is ``torch.distributed``."""
    return True


def is_initialized() -> bool:
    """Whether the default group was made."""
    return GroupMember.WORLD is not None


def is_gloo_available() -> bool:
    """Whether ``gloo`` may be asked for (for one process)."""
    return True


def is_nccl_available() -> bool:
    """Whether ``nccl`` may be asked for: where there is a GPU."""
    return torch.cuda.is_available()


def is_mpi_available() -> bool:
    """Whether ``mpi`` may be asked for (never)."""
    return False


def is_ucc_available() -> bool:
    """Whether ``ucc`` may be asked for (never)."""
    return False


def is_xccl_available() -> bool:
    """Whether ``xccl`` may be asked for (never)."""
    return False


def is_backend_available(backend: str) -> bool:
    """Whether a backend may be asked for."""
    name = backend.lower()
    known = {"gloo": True, "xla": True, "nccl": is_nccl_available(), "fake": True}
    return known.get(name, False)


def is_torchelastic_launched() -> bool:
    """Whether ``torchrun`` started this process."""
    return os.getenv("TORCHELASTIC_RUN_ID") is not None


def get_node_local_rank(fallback_rank: int | None = None) -> int:
    """``LOCAL_RANK`` of the environment.

    Raises:
        RuntimeError: it is not set, and there is no fallback.
    """
    if "LOCAL_RANK" in os.environ:
        return int(os.environ["LOCAL_RANK"])
    if fallback_rank is not None:
        return int(fallback_rank)
    raise RuntimeError(
        "LOCAL_RANK is not in the environment. Consider passing fallback_rank to allow `get_node_local_rank` to work, "
        "assuming you are not running in a multi-device context and want the code to run locally instead."
    )


# -- groups ------------------------------------------------------------------------------------------------------------


def _rendezvous(method: str, rank: int, world_size: int) -> tuple[int, int, Store]:
    """(rank, world size, store) by an ``init_method``."""
    url = urlparse(method)
    query = {k: v[0] for k, v in parse_qs(url.query).items()}
    rank = int(query.get("rank", rank))
    world_size = int(query.get("world_size", world_size))

    def error(text: str) -> ValueError:
        return ValueError(f"Error initializing torch.distributed using {url.scheme}:// rendezvous: {text}")

    if url.scheme == "env":
        found = {"RANK": rank, "WORLD_SIZE": world_size}
        for name, given in found.items():
            if given == -1:
                if name not in os.environ:
                    raise error(f"environment variable {name} expected, but not set")
                found[name] = int(os.environ[name])
        for name in ("MASTER_ADDR", "MASTER_PORT"):
            if name not in os.environ:
                raise error(f"environment variable {name} expected, but not set")
        return found["RANK"], found["WORLD_SIZE"], HashStore()
    if url.scheme == "tcp":
        if url.port is None:
            raise error("port number missing")
        if rank == -1:
            raise error("rank parameter missing")
        if world_size == -1:
            raise error("world size parameter missing")
        return rank, world_size, HashStore()
    if url.scheme == "file":
        if not url.path:
            raise error("path missing")
        if rank == -1:
            raise error("rank parameter missing")
        if world_size == -1:
            raise error("world size parameter missing")
        return rank, world_size, FileStore(url.path, world_size)
    raise RuntimeError(f"No rendezvous handler for {url.scheme}://")


def init_process_group(
    backend: str | None = None, init_method: str | None = None, timeout: datetime.timedelta | None = None,
    world_size: int = -1, rank: int = -1, store: Store | None = None, group_name: str = "", pg_options: Any = None,
    device_id: Any = None, _ranks: list[int] | None = None,
) -> None:  # fmt: skip
    """Make the default group, of this process.

    Args:
        backend: ``gloo``, ``nccl``, ``xla``, a ``cpu:gloo,cuda:nccl`` list; the name is kept, the work is XLA's.
        init_method: ``env://`` (the default), ``tcp://host:port`` or ``file:///path``.
        timeout: without effect: nobody is waited for.
        world_size, rank: 1 and 0, or read from where ``init_method`` says.
        store: instead of ``init_method``.
        device_id: the device of this process.

    Raises:
        ValueError: the group exists, or something is missing. NotImplementedError: more than one process.
    """
    if timeout is not None and not isinstance(timeout, datetime.timedelta):
        raise TypeError(f"Expected timeout argument to be of type datetime.timedelta, got {timeout}")
    if is_initialized():
        raise ValueError("trying to initialize the default process group twice!")
    if store is not None and init_method is not None:
        raise AssertionError("Cannot specify both init_method and store.")
    if store is not None:
        if not world_size > 0:
            raise AssertionError("world_size must be positive if using store")
        if not rank >= 0:
            raise AssertionError("rank must be non-negative if using store")
    else:
        rank, world_size, store = _rendezvous(init_method or "env://", rank, world_size)
    name = Backend("undefined" if backend is None else backend)
    config = BackendConfig("gloo" if backend is None else backend)
    for part in set(config.device_backend_map.values()):
        if part not in ("gloo", "nccl", "xla", "mpi", "ucc", "xccl", "fake"):
            raise AssertionError(f"Unknown backend type {part}")
        if part in ("mpi", "ucc", "xccl"):
            raise RuntimeError(f"Distributed package doesn't have {part.upper()} built in")
    if world_size > 1:
        raise _several(f"init_process_group with world_size={world_size}")
    if rank != 0:
        raise ValueError(f"rank {rank} does not fit a world of one process")
    made = ProcessGroup(name, group_name or "0", store, "default_pg")
    if device_id is not None:
        made.bound_device_id = (
            torch.device("cuda", device_id) if isinstance(device_id, int) else torch.device(device_id)
        )
    _config[made.group_name] = config
    _groups.append(made)
    GroupMember.WORLD = made


def destroy_process_group(group: ProcessGroup | None = None) -> None:
    """Forget a group; the default one takes all others along.

    Raises:
        AssertionError: there is none. ValueError: an unknown group.
    """
    if group == GroupMember.NON_GROUP_MEMBER:
        return
    target = GroupMember.WORLD if group is None else group
    if target is None:
        raise AssertionError("Process group cannot be None")
    if target not in _groups:
        raise ValueError("Invalid process group specified")
    if target is GroupMember.WORLD:
        _groups.clear()
        _config.clear()
        GroupMember.WORLD = None
    else:
        _groups.remove(target)


def _group(group: ProcessGroup | None) -> ProcessGroup:
    """The given group or the default one.

    Raises:
        ValueError: there is no default group, or the given one is unknown.
    """
    if GroupMember.WORLD is None:
        raise ValueError("Default process group has not been initialized, please make sure to call init_process_group.")
    if group is None:
        return GroupMember.WORLD
    if group not in _groups:
        raise ValueError("Invalid process group specified")
    return group


def _get_default_group() -> ProcessGroup:
    """The default group; ValueError where there is none."""
    return _group(None)


def get_rank(group: ProcessGroup | None = None) -> int:
    """The number of this process in a group: 0."""
    return _group(group).rank()


def get_world_size(group: ProcessGroup | None = None) -> int:
    """Number of processes of a group: 1."""
    return _group(group).size()


def get_backend(group: ProcessGroup | None = None) -> Backend:
    """Name of a group's backend."""
    return Backend(_group(group).name())


def get_backend_config(group: ProcessGroup | None = None) -> str:
    """Which backend serves which device type."""
    found = _group(group)
    return repr(_config.get(found.group_name) or BackendConfig(found.name()))


def get_default_backend_for_device(device: Any) -> str:
    """The backend for a device type: ``gloo`` for the CPU, ``nccl`` for GPUs, ``xla`` for others."""
    return {"cpu": "gloo", "cuda": "nccl"}.get(torch.device(device).type, "xla")


def get_process_group_ranks(group: ProcessGroup | None) -> list[int]:
    """The processes of a group: ``[0]``."""
    _group(group)
    return [0]


def get_global_rank(group: ProcessGroup, group_rank: int) -> int:
    """The number in the world of a group's process."""
    _group(group)
    if group_rank != 0:
        raise ValueError(f"Group rank {group_rank} is not part of group {group}")
    return 0


def get_group_rank(group: ProcessGroup, global_rank: int) -> int:
    """The number in a group of a process."""
    _group(group)
    if global_rank != 0:
        raise ValueError(f"Global rank {global_rank} is not part of group {group}")
    return 0


def get_pg_count() -> int:
    """Number of groups."""
    return len(_groups)


def new_group(
    ranks: Sequence[int] | None = None, timeout: Any = None, backend: str | None = None, pg_options: Any = None,
    use_local_synchronization: bool = False, group_desc: str | None = None, device_id: Any = None,
    sort_ranks: bool = True,
) -> Any:  # fmt: skip
    """A group of some of the processes: of this one, or (``ranks=[]``) one that it is not in."""
    world = _group(None)
    chosen = [0] if ranks is None else list(ranks)
    if len(chosen) > 1:
        raise ValueError(
            "the new group's world size should be less or equal to the world size set by init_process_group"
        )
    if any(r != 0 for r in chosen):
        raise ValueError("The new group's rank should be within the world_size set by init_process_group")
    if not chosen:
        return GroupMember.NON_GROUP_MEMBER
    name = Backend(backend) if backend else world.name()
    made = ProcessGroup(name, str(len(_groups)), world.get_group_store(), group_desc or "undefined")
    _groups.append(made)
    return made


def new_subgroups(
    group_size: int | None = None, group: Any = None, timeout: Any = None, backend: str | None = None,
    pg_options: Any = None, group_desc: str | None = None,
) -> tuple[Any, list[Any]]:  # fmt: skip
    """(this process's group, all groups) of a division into groups of one size."""
    size = 1 if group_size is None else group_size
    if size <= 0:
        raise ValueError(f"The arg 'group_size' ({size}) must be positive")
    if size > get_world_size():
        raise ValueError(f"The arg 'group_size' ({size}) must not exceed the world size ({get_world_size()})")
    made = new_group([0], timeout, backend, pg_options, group_desc=group_desc)
    return made, [made]


def new_subgroups_by_enumeration(
    ranks_per_subgroup_list: Sequence[Sequence[int]], timeout: Any = None, backend: str | None = None,
    pg_options: Any = None, group_desc: str | None = None,
) -> tuple[Any, list[Any]]:  # fmt: skip
    """(this process's group, all groups) of a division that lists each group's processes."""
    if not ranks_per_subgroup_list:
        raise ValueError("The arg 'ranks_per_subgroup_list' cannot be empty")
    made = [new_group(r, timeout, backend, pg_options, group_desc=group_desc) for r in ranks_per_subgroup_list]
    mine = next((g for g in made if isinstance(g, ProcessGroup)), None)
    return mine, made


def split_group(
    parent_pg: ProcessGroup | None = None, split_ranks: list[list[int]] | None = None, timeout: Any = None,
    pg_options: Any = None, group_desc: str | None = None, backend: Any = None,
) -> Any:  # fmt: skip
    """This process's group of a division of a group."""
    _group(parent_pg)
    return new_subgroups_by_enumeration(split_ranks or [[0]], timeout, backend, pg_options, group_desc)[0]


__all__ = [
    "Backend", "BackendConfig", "GroupMember", "ProcessGroup", "RedOpType", "ReduceOp", "Work",
    "destroy_process_group", "get_backend", "get_backend_config", "get_default_backend_for_device", "get_global_rank",
    "get_group_rank", "get_node_local_rank", "get_pg_count", "get_process_group_ranks", "get_rank", "get_world_size",
    "group", "init_process_group", "is_available", "is_backend_available", "is_gloo_available", "is_initialized",
    "is_mpi_available", "is_nccl_available", "is_torchelastic_launched", "is_ucc_available", "is_xccl_available",
    "new_group", "new_subgroups", "new_subgroups_by_enumeration", "reduce_op", "split_group",
]  # fmt: skip
