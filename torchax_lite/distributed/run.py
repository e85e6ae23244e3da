"""``torchrun`` for one process: ``python -m torch.distributed.run [options] script.py ...`` sets the environment and runs."""

from __future__ import annotations

import argparse
import os
import runpy
import sys
import uuid
from collections.abc import Sequence
from typing import Any

from .distributed_c10d import _several

__all__ = ["get_args_parser", "main", "parse_args", "run"]


def get_args_parser() -> argparse.ArgumentParser:
    """``torchrun``'s options, as far as they concern one process."""
    parser = argparse.ArgumentParser(description="Start a script as the one process of a group")
    parser.add_argument("--nnodes", default="1:1")
    parser.add_argument("--nproc-per-node", "--nproc_per_node", default="1")
    parser.add_argument("--rdzv-backend", "--rdzv_backend", default="static")
    parser.add_argument("--rdzv-endpoint", "--rdzv_endpoint", default="")
    parser.add_argument("--rdzv-id", "--rdzv_id", default="none")
    parser.add_argument("--standalone", action="store_true")
    parser.add_argument("--node-rank", "--node_rank", type=int, default=0)
    parser.add_argument("--master-addr", "--master_addr", default="127.0.0.1")
    parser.add_argument("--master-port", "--master_port", type=int, default=29500)
    parser.add_argument("--max-restarts", "--max_restarts", type=int, default=0)
    parser.add_argument("-m", "--module", action="store_true")
    parser.add_argument("training_script")
    parser.add_argument("training_script_args", nargs=argparse.REMAINDER)
    return parser


def parse_args(args: Sequence[str] | None) -> argparse.Namespace:
    """The options of a command line."""
    return get_args_parser().parse_args(args)


def run(args: Any) -> None:
    """Run the script as rank 0 of a world of one.

    Raises:
        NotImplementedError: more than one process is asked for.
    """
    nodes = int(str(args.nnodes).partition(":")[0])
    per_node = str(args.nproc_per_node)
    if nodes > 1 or per_node not in ("1", "auto", "cpu", "gpu"):
        raise _several(f"torchrun with --nnodes={args.nnodes} --nproc-per-node={per_node}")
    os.environ.update(
        RANK="0", LOCAL_RANK="0", WORLD_SIZE="1", LOCAL_WORLD_SIZE="1", GROUP_RANK="0", GROUP_WORLD_SIZE="1",
        ROLE_RANK="0", ROLE_WORLD_SIZE="1", MASTER_ADDR=args.master_addr, MASTER_PORT=str(args.master_port),
        TORCHELASTIC_RESTART_COUNT="0", TORCHELASTIC_MAX_RESTARTS=str(args.max_restarts),
        TORCHELASTIC_RUN_ID=args.rdzv_id if args.rdzv_id != "none" else str(uuid.uuid4()),
    )  # fmt: skip
    sys.argv = [args.training_script, *args.training_script_args]
    if args.module:
        runpy.run_module(args.training_script, run_name="__main__", alter_sys=True)
    else:
        sys.path.insert(0, os.path.dirname(os.path.abspath(args.training_script)))
        runpy.run_path(args.training_script, run_name="__main__")


def main(args: Sequence[str] | None = None) -> None:
    """The command line."""
    from ..dropin import install

    install()
    run(parse_args(args))


if __name__ == "__main__":
    main()
