"""Remote procedure calls: not available, ``is_available()`` says so."""

from .._placeholders import fill
from . import api  # noqa: F401


def is_available() -> bool:
    """False."""
    return False


fill(
    globals(),
    classes="BackendType PyRRef RRef RpcBackendOptions TensorPipeRpcBackendOptions WorkerInfo",
    functions="get_worker_info init_rpc remote rpc_async rpc_sync shutdown",
)
