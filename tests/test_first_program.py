"""The first program anybody runs prints PyTorch's text, character for character."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

DATA = Path(__file__).resolve().parent / "data"


def test_lenet_prints_the_same_text_for_every_seed():
    code = (
        "import contextlib, io, json, torch\n"
        f"source = open({str(DATA / 'lenet.py')!r}).read()\n"
        "texts = {}\n"
        "for seed in range(30):\n"
        "    torch.manual_seed(seed)\n"
        "    out = io.StringIO()\n"
        "    with contextlib.redirect_stdout(out):\n"
        "        exec(source, {})\n"
        "    texts[str(seed)] = out.getvalue()\n"
        "print(json.dumps(texts))\n"
    )
    env = {k: v for k, v in os.environ.items() if k != "XLA_FLAGS"}
    done = subprocess.run(
        [sys.executable, "-m", "torchax_lite", "-c", code], capture_output=True, text=True, env=env, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == json.loads((DATA / "lenet.json").read_text())
