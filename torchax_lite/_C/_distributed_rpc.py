"""``torch._C._distributed_rpc``: names of remote procedure calls, of which there are none."""

from ..distributed._placeholders import fill

__all__: list[str] = []
fill(globals(), classes="PyRRef RpcAgent RpcBackendOptions TensorPipeAgent WorkerInfo")

_DEFAULT_INIT_METHOD = "env://"
_DEFAULT_NUM_WORKER_THREADS = 16
_DEFAULT_RPC_TIMEOUT_SEC = 60.0
_UNSET_RPC_TIMEOUT = -1.0


def _is_current_rpc_agent_set() -> bool:
    """False: no agent can be started."""
    return False
