"""Key-value stores for processes to meet at; here they serve one process (``FileStore``: several on one machine)."""

from __future__ import annotations

import datetime
import pickle
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

__all__ = [
    "DistBackendError", "DistError", "DistNetworkError", "DistStoreError", "FileStore", "HashStore", "PrefixStore",
    "QueueEmptyError", "Store", "TCPStore",
]  # fmt: skip


def _bytes(value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


class DistError(RuntimeError):
    """Something went wrong between processes."""


class DistBackendError(DistError):
    """A collective failed."""


class DistNetworkError(DistError):
    """A connection failed."""


class DistStoreError(DistError):
    """A store failed, by its time limit for one."""


class QueueEmptyError(DistStoreError):
    """A queue of a store is empty."""


for _error in (DistError, DistBackendError, DistNetworkError, DistStoreError, QueueEmptyError):
    _error.__module__ = "torch.distributed"


class Store:
    """A dict of bytes by strings, with waiting."""

    def __init__(self) -> None:
        self._values: dict[str, bytes] = {}
        self._queues: dict[str, list[bytes]] = {}
        self._timeout = datetime.timedelta(seconds=300)
        self._changed = threading.Condition(threading.RLock())

    @property
    def timeout(self) -> datetime.timedelta:
        """How long :meth:`get` and :meth:`wait` wait."""
        return self._timeout

    def set_timeout(self, timeout: datetime.timedelta) -> None:
        """Set how long to wait."""
        self._timeout = timeout

    def _load(self) -> None:
        """Take over what others wrote."""

    def _save(self) -> None:
        """Show others what was written."""

    def set(self, key: str, value: Any) -> None:
        """Write a value."""
        with self._changed:
            self._load()
            self._values[key] = _bytes(value)
            self._save()
            self._changed.notify_all()

    def get(self, key: str) -> bytes:
        """A value, once it is there."""
        self.wait([key])
        return self._values[key]

    def add(self, key: str, amount: int) -> int:
        """Count a number up, from 0; returns it."""
        with self._changed:
            self._load()
            total = int(self._values.get(key, b"0")) + amount
            self._values[key] = str(total).encode()
            self._save()
            self._changed.notify_all()
            return total

    def append(self, key: str, value: Any) -> None:
        """Write at the end of a value."""
        with self._changed:
            self._load()
            self._values[key] = self._values.get(key, b"") + _bytes(value)
            self._save()
            self._changed.notify_all()

    def compare_set(self, key: str, expected_value: Any, desired_value: Any) -> bytes:
        """Write if the value is the expected one (or there is none and none is expected); returns what is there then."""
        with self._changed:
            self._load()
            held = self._values.get(key)
            if (held is None and not _bytes(expected_value)) or held == _bytes(expected_value):
                self._values[key] = _bytes(desired_value)
                self._save()
                self._changed.notify_all()
            return self._values.get(key, _bytes(expected_value))

    def wait(self, keys: Iterable[str], timeout: datetime.timedelta | None = None) -> None:
        """Wait for keys.

        Raises:
            DistStoreError: they did not come in time.
        """
        limit = (timeout or self._timeout).total_seconds()
        end = time.monotonic() + limit
        wanted = list(keys)
        with self._changed:
            while not self.check(wanted):
                left = end - time.monotonic()
                if left <= 0:
                    raise DistStoreError(f"wait timeout after {int(limit * 1000)}ms, keys: /{', /'.join(wanted)}")
                self._changed.wait(min(left, 0.1))

    def check(self, keys: Iterable[str]) -> bool:
        """Whether all keys are there."""
        self._load()
        return all(k in self._values for k in keys)

    def delete_key(self, key: str) -> bool:
        """Remove a key; returns whether it was there."""
        with self._changed:
            self._load()
            found = self._values.pop(key, None) is not None
            self._save()
            return found

    def num_keys(self) -> int:
        """Number of keys."""
        self._load()
        return len(self._values)

    def list_keys(self) -> list[str]:
        """All keys."""
        self._load()
        return list(self._values)

    def multi_get(self, keys: Iterable[str]) -> list[bytes]:
        """Several values, once they are there."""
        return [self.get(k) for k in keys]

    def multi_set(self, keys: Iterable[str], values: Iterable[Any]) -> None:
        """Write several values."""
        for k, v in zip(keys, values, strict=True):
            self.set(k, v)

    def queue_push(self, key: str, value: Any) -> None:
        """Put a value at the end of a queue."""
        with self._changed:
            self._queues.setdefault(key, []).append(_bytes(value))
            self._changed.notify_all()

    def queue_pop(self, key: str, block: bool = True) -> bytes:
        """Take a queue's first value.

        Raises:
            QueueEmptyError: there is none.
        """
        end = time.monotonic() + (self._timeout.total_seconds() if block else 0)
        with self._changed:
            while not self._queues.get(key):
                if time.monotonic() >= end:
                    raise QueueEmptyError("queue is empty")
                self._changed.wait(0.1)
            return self._queues[key].pop(0)

    def queue_len(self, key: str) -> int:
        """Length of a queue."""
        return len(self._queues.get(key, ()))

    def has_extended_api(self) -> bool:
        """Whether ``append``, ``multi_get`` and ``multi_set`` are there."""
        return True

    def clone(self) -> Store:
        """A store with the same content."""
        return self


class HashStore(Store):
    """A store in the memory of this process."""


class FileStore(Store):
    """A store in a file.

    Args:
        file_name: its path.
        world_size: number of processes.
    """

    def __init__(self, file_name: str, world_size: int = -1) -> None:
        super().__init__()
        self.path = str(file_name)

    def _load(self) -> None:
        file = Path(self.path)
        if file.exists() and file.stat().st_size:
            self._values = pickle.loads(file.read_bytes())

    def _save(self) -> None:
        temporary = Path(self.path + ".tmp")
        temporary.write_bytes(pickle.dumps(self._values))
        temporary.replace(self.path)


class TCPStore(Store):
    """A store of the one process of a group; no port is opened.

    Args:
        host_name, port: kept, and shown again.
        world_size: number of processes, at most 1 (or None).
        is_master: whether this process holds it, which must be so.
        timeout: how long to wait.
    """

    def __init__(
        self, host_name: str, port: int, world_size: int | None = None, is_master: bool = False,
        timeout: datetime.timedelta = datetime.timedelta(seconds=300), wait_for_workers: bool = True,
        multi_tenant: bool = False, master_listen_fd: int | None = None, use_libuv: bool = True,
    ) -> None:  # fmt: skip
        if (world_size or 1) > 1 or not is_master:
            raise NotImplementedError(
                "TCPStore between processes is not available: torchax_lite's torch.distributed serves one process; use "
                "jax.distributed.initialize and jax.shard_map for several"
            )
        super().__init__()
        self.host, self.port, self.libuvBackend = host_name, port, False
        self._timeout = timeout


class PrefixStore(Store):
    """Another store with a prefix before each key."""

    def __init__(self, prefix: str, store: Store) -> None:
        super().__init__()
        self.underlying_store = store
        self._prefix = prefix

    def __getattribute__(self, name: str) -> Any:
        if name in ("set", "get", "add", "append", "compare_set", "delete_key", "queue_push", "queue_pop", "queue_len"):
            store, prefix = object.__getattribute__(self, "underlying_store"), object.__getattribute__(self, "_prefix")
            return lambda key, *args, **kwargs: getattr(store, name)(f"{prefix}/{key}", *args, **kwargs)
        if name in ("wait", "check", "multi_get", "multi_set"):
            store, prefix = object.__getattribute__(self, "underlying_store"), object.__getattribute__(self, "_prefix")
            return lambda keys, *args: getattr(store, name)([f"{prefix}/{k}" for k in keys], *args)
        if name == "num_keys":
            return object.__getattribute__(self, "underlying_store").num_keys
        return object.__getattribute__(self, name)
