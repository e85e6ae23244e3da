"""The examples run as README says, and do what they say."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import torchax_lite
from torchax_lite.check import check_file

pytest.importorskip("sklearn")
pytest.importorskip("matplotlib")
pytest.importorskip("tqdm")

ROOT = Path(torchax_lite.__file__).parents[1]
EXAMPLES = Path(__file__).parents[1] / "examples"


def run(*command, cwd):
    """Run an interpreter that finds the package under test; returns what it printed."""
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths)}
    result = subprocess.run(
        [sys.executable, *map(str, command)], cwd=cwd, env=environment, capture_output=True, text=True, timeout=600
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def is_png(path):
    return path.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_lenet_reads_digits(optimizer, tmp_path):
    script = EXAMPLES / "lenet_digits.py"
    printed = run("-m", "torchax_lite", script, "--optimizer", optimizer, "--output", tmp_path, cwd=tmp_path)
    accuracies = [float(x) for x in re.findall(r"test accuracy (\d+\.\d+)%", printed)]
    assert len(accuracies) == 12
    assert accuracies[-1] >= 97
    assert is_png(tmp_path / "lenet_loss.png")


def test_vae_learns(tmp_path):
    script = EXAMPLES / "vae_digits.py"
    printed = run("-m", "torchax_lite", script, "--epochs", 10, "--output", tmp_path, cwd=tmp_path)
    assert float(re.search(r"last epoch: (\d+\.\d+) nats", printed)[1]) < 28  # an untrained one: 45
    assert is_png(tmp_path / "vae_digits.png")


def test_gpt_learns_and_writes(tmp_path):
    script = EXAMPLES / "char_gpt.py"
    printed = run("-m", "torchax_lite", script, "--steps", 60, "--sample", 20, cwd=tmp_path)
    assert float(re.search(r"step   60  loss (\d+\.\d+)", printed)[1]) < 2.6  # an untrained one: log 49 = 3.9
    assert len(printed.partition("\n\n")[2].rstrip("\n")) >= 20


def test_a_text_classifier_learns_from_packed_sequences(tmp_path):
    printed = run("-m", "torchax_lite", EXAMPLES / "text_classifier.py", "--epochs", 2, "--workers", 1, cwd=tmp_path)
    losses = [float(x) for x in re.findall(r"loss (\d+\.\d+)", printed)]
    assert len(losses) == 2 and losses[1] < losses[0] < 1.6  # an untrained one: log 4 = 1.39
    assert float(re.findall(r"test accuracy (\d+\.\d+)%", printed)[-1]) > 40


def test_an_image_classifier_goes_on_from_its_checkpoint(tmp_path):
    pytest.importorskip("PIL")
    script = EXAMPLES / "image_folder.py"
    common = ("-m", "torchax_lite", script, "--workers", 1, "--output")
    whole = run(*common, tmp_path, "--epochs", 2, cwd=tmp_path).splitlines()
    assert whole[0].startswith("1438 images of 10 classes") and len(whole) == 3
    first = run(*common, tmp_path, "--epochs", 1, cwd=tmp_path).splitlines()
    second = run(*common, tmp_path, "--epochs", 2, "--resume", cwd=tmp_path).splitlines()
    lines = [(a, b) for a, b in zip([first[1], second[1]], whole[1:])]
    assert all(a.partition("  test")[0] == b.partition("  test")[0] for a, b in lines)  # the losses, to the digit
    # A program's first run may round the last bit otherwise than later ones, and an image in doubt change sides.
    assert all(abs(float(a.split()[-1][:-1]) - float(b.split()[-1][:-1])) <= 1.0 for a, b in lines)


def test_interop_both_ways(tmp_path):
    printed = run(EXAMPLES / "jax_interop.py", cwd=tmp_path)
    assert float(re.search(r"module in JAX: +loss (\d+\.\d+)", printed)[1]) < 0.5
    assert float(re.search(r"accuracy (\d+\.\d+)%", printed)[1]) > 75
    assert "[[1.0, 3.0, 5.0], [7.0, 9.0, 11.0]]" in printed


@pytest.mark.parametrize("name", ["lenet_digits", "vae_digits", "char_gpt", "text_classifier", "image_folder"])
def test_examples_use_nothing_that_is_missing(name):
    findings, names = check_file(EXAMPLES / f"{name}.py")
    assert findings == []
    assert names > 10


def test_the_text_is_what_its_script_writes(tmp_path):
    text = (EXAMPLES / "data" / "harbour_tales.txt").read_text(encoding="utf-8")
    (tmp_path / "make_tales.py").write_text((EXAMPLES / "data" / "make_tales.py").read_text(encoding="utf-8"))
    run(tmp_path / "make_tales.py", cwd=tmp_path)
    assert (tmp_path / "harbour_tales.txt").read_text(encoding="utf-8") == text
