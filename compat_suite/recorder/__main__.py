"""Record PyTorch's answers for its operator sample database: ``python -m compat_suite.recorder --help``."""

from __future__ import annotations

import argparse
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


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m compat_suite.recorder")
    parser.add_argument("--out", type=Path, required=True, help="folder for the records")
    parser.add_argument("--only", help="names of entries, separated by commas")
    parser.add_argument("--dtypes", default="float32", help="separated by commas")
    parser.add_argument("--limit", type=int, default=0, help="samples of an entry and dtype (0: all)")
    parser.add_argument("--skip-existing", action="store_true")
    options = parser.parse_args(argv)
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    options.out.mkdir(parents=True, exist_ok=True)
    only = set(options.only.split(",")) if options.only else None
    for dtype in (getattr(torch, d) for d in options.dtypes.split(",")):
        for op in op_db:
            name = full_name(op)
            if only is not None and name not in only and op.name not in only:
                continue
            path = options.out / f"{name}@{dtype_name(dtype)}.rec"
            if options.skip_existing and path.exists():
                continue
            begin = time.time()
            try:
                record = record_entry(op, dtype, options.limit)
            except Exception:
                print(f"{name} {dtype}:", file=sys.stderr)
                traceback.print_exc()
                continue
            if record is None:
                continue
            codec.write(path, {"record": codec.pack(record)})
            taken = time.time() - begin
            skipped = f", skipped {record['skipped']}" if record["skipped"] else ""
            if taken > 5 or skipped:
                print(f"{name} {dtype}: {len(record['samples'])} samples, {taken:.1f} s{skipped}"[:300], flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
