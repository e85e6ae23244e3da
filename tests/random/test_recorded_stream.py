"""One long interleaved stream of draws against PyTorch's record (``tests/recorders/record_random.py``)."""

import hashlib
import json
import pathlib
import warnings

import ml_dtypes
import numpy as np
import pytest

import torchax_lite.random as tr

RECORD = np.load(pathlib.Path(__file__).parents[1] / "data" / "random.npz")
CALLS = json.loads(str(RECORD["calls"]))
ERRORS = json.loads(str(RECORD["errors"]))


def dtype_of(name):
    return np.dtype(ml_dtypes.bfloat16) if name == "bfloat16" else np.dtype(name)


def array(spec):
    values = np.array(spec["values"], np.float64)
    return (values.astype(np.float32) if "16" in spec["dtype"] else values).astype(dtype_of(spec["dtype"]))


def draw(generator, name, arguments):
    arguments = {key: array(value) if isinstance(value, dict) else value for key, value in arguments.items()}
    if name == "manual_seed":
        generator.manual_seed(**arguments)
        return np.empty(0)
    if "dtype" in arguments:
        arguments["dtype"] = dtype_of(arguments["dtype"])
    return getattr(tr, name)(generator, **arguments)


def test_every_draw_and_every_stream_position_is_pytorchs():
    generator = tr.CPUGenerator()
    ends = np.cumsum(RECORD["sizes"])
    for (name, arguments), start, end, state in zip(
        CALLS, ends - RECORD["sizes"], ends, RECORD["states"].tolist(), strict=True
    ):
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", ".*is out of bounds.*")
            result = draw(generator, name, arguments)
        expected = np.frombuffer(RECORD["values"][start:end].tobytes(), result.dtype)
        assert result.ravel().tobytes() == expected.tobytes(), (name, arguments, result, expected)
        digest = hashlib.sha256(generator.get_state().tobytes()).digest()[:8]
        assert list(digest) == state, f"stream position after {name} {arguments}"


def test_the_record_holds_every_fill_and_dtype():
    seen = {(name, arguments.get("dtype")) for name, arguments in CALLS}
    assert {name for name, _ in seen} >= {n for n in tr.__all__ if callable(getattr(tr, n))} - {
        "CPUGenerator",
        "check_seed",
        "uniforms_for_probabilities",  # drawn as bernoulli's are, compared in the program
    }
    for name in ("uniform", "normal"):
        for dtype in ("float16", "bfloat16", "float32", "float64", "complex64", "complex128"):
            assert (name, dtype) in seen


@pytest.mark.parametrize("name, arguments, kind, text", ERRORS, ids=lambda x: x if isinstance(x, str) else "")
def test_what_pytorch_refuses_is_refused_in_its_words(name, arguments, kind, text):
    generator = tr.CPUGenerator()
    before = generator.get_state()
    with pytest.raises(Exception) as caught:  # noqa: B017, PT011
        draw(generator, name, arguments)
    assert (caught.type.__name__, str(caught.value)) == (kind, text)
    assert np.array_equal(generator.get_state(), before)
