"""Record PyTorch's answers for its operator sample database: ``python -m compat_suite.recorder --help``.

A child process records the entries, so that a crash of PyTorch itself costs one entry: it is recorded again without its
``out=`` forms (where crashes come from), or left out.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
import traceback
import warnings
from pathlib import Path

import torch
from torch.testing._internal.common_methods_invocations import op_db

from .. import codec
from .encoding import dtype_name
from .entries import full_name, record_entry


def parse(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m compat_suite.recorder", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder for one file by entry and dtype")
    parser.add_argument("--only", help="names of entries, separated by commas")
    parser.add_argument("--dtypes", default="float32", help="separated by commas")
    parser.add_argument("--limit", type=int, default=0, help="samples of an entry and dtype (0: all)")
    parser.add_argument("--outs", type=int, default=3, help="samples whose out= forms are recorded")
    parser.add_argument("--largest", type=int, default=60_000, help="most values of a sample")
    parser.add_argument("--seed", type=int, default=0, help="of the samples' random values")
    parser.add_argument("--skip-existing", action="store_true")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args(argv)


def record(options: argparse.Namespace) -> None:
    """Record what the options select in this process; says which entry it starts."""
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    only = set(options.only.split(",")) if options.only else None
    for dtype in (getattr(torch, d) for d in options.dtypes.split(",")):
        for op in op_db:
            name = full_name(op)
            path = options.out / f"{name}@{dtype_name(dtype)}.rec"
            if (only is not None and name not in only) or (options.skip_existing and path.exists()):
                continue
            if dtype not in op.dtypes:
                continue
            print(f"start {name}@{dtype_name(dtype)}", flush=True)
            begin = time.time()
            try:
                made = record_entry(op, dtype, options.limit, options.outs, options.largest, options.seed)
            except Exception:
                traceback.print_exc(file=sys.stdout)
                continue
            codec.write(path, {"record": codec.pack(made)})
            if made["skipped"]:
                print(
                    f"{name} {dtype}: {len(made['samples'])} samples, {time.time() - begin:.1f} s, left out {made['skipped']}"[
                        :300
                    ]
                )


def main(argv: list[str] | None = None) -> int:
    """Run the recorder; 0 if every selected entry could be recorded."""
    options = parse(argv)
    options.out.mkdir(parents=True, exist_ok=True)
    if options.child:
        record(options)
        return 0
    names = [full_name(op) for op in op_db]
    if options.only:
        wanted = options.only.split(",")
        names = [n for n in names if n in wanted or n.partition(".")[0] in wanted]
    lost = []
    for dtype in options.dtypes.split(","):
        todo, outs = list(names), {}
        while todo:
            without = todo[0] in outs
            batch = todo[:1] if without else todo
            command = [
                sys.executable,
                "-m",
                "compat_suite.recorder",
                "--child",
                "--out",
                str(options.out),
                "--dtypes",
                dtype,
            ]
            command += ["--only", ",".join(batch), "--limit", str(options.limit), "--largest", str(options.largest)]
            command += ["--seed", str(options.seed)]
            command += ["--outs", "0" if without else str(options.outs)] + ["--skip-existing"] * options.skip_existing
            child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
            assert child.stdout is not None
            current = ""
            for line in child.stdout:
                if line.startswith("start "):
                    current = line[6:].strip().rpartition("@")[0]
                else:
                    print(line, end="", flush=True)
            if child.wait() == 0:
                todo = todo[len(batch) :]
                continue
            print(f"PyTorch crashed in {current} {dtype}", flush=True)
            if without:
                lost.append(f"{current}@{dtype}")
                todo = todo[1:]
            else:
                outs[current] = 0
                todo = todo[todo.index(current) :]
    if lost:
        print("lost:", ", ".join(lost))
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
