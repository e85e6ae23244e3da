"""Cases from what real PyTorch answered for its operator sample database.

The records are made by :mod:`compat_suite.recorder`, and lie in ``data/``, a file by family of names. A case is one form
of one entry in one dtype (forward, gradient, method, in place, ``out=``, errors, strides) with all its samples: its name
is ``entry[dtype] form``. Which cases there are stands in each file's notes, so that a record is read and unpacked when
its first case runs, and not before.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from . import codec, replay
from .registry import DOCS, RECORDED, Case, Mismatch, Missing, page_of

DATA = Path(__file__).with_name("data")

Sample = dict[str, Any]
Record = dict[str, Any]


# ---------------------------------------------------------------- which forms a record has


def _forward(torch: Any, record: Record, sample: Sample) -> None:
    replay.forward(torch, record, sample, strides=False)


def _strides(torch: Any, record: Record, sample: Sample) -> None:
    replay.forward(torch, record, sample, values=False)


def _method(torch: Any, record: Record, sample: Sample) -> None:
    replay.forward(torch, record, sample, record["method"], strides=False)


def _outs(torch: Any, record: Record, sample: Sample) -> None:
    for variant in sample["outs"]:
        replay.out(torch, record, sample, variant)


Form = tuple[Callable[[Record], list[Sample]], Callable[[Any, Record, Sample], None]]

FORMS: dict[str, Form] = {
    "forward": (lambda r: r["samples"], _forward),
    "strides": (lambda r: [s for s in r["samples"] if "out" in s and "rest" not in r], _strides),
    "gradient": (lambda r: [s for s in r["samples"] if "grads" in s], replay.gradient),
    "method": (lambda r: [s for s in r["samples"] if "method" in s], _method),
    "in place": (lambda r: [s for s in r["samples"] if "inplace" in s and r["inplace"]], replay.inplace),
    "out": (lambda r: [s for s in r["samples"] if s.get("outs")], _outs),
    "errors": (lambda r: r["errors"], replay.error),
}
"""The samples of a record that have a form, and the check of one."""


def case_notes(record: Record) -> dict[str, Any]:
    """What is known of a record without unpacking it: the public names it calls, and its forms."""
    called = record["f"] or _called(record)
    names = {"f": called}
    if record["method"]:
        names["method"] = record["method"]
    if record["inplace"]:
        names["in place"] = record["inplace"]
    return {"names": names, "forms": [form for form, (samples, _) in FORMS.items() if samples(record)]}


def _called(record: Record) -> str:
    for sample in [*record["samples"], *record["errors"]]:
        if sample.get("calls"):
            return str(sample["calls"][-1]["f"].partition(":")[0])
    return f"torch.{record['entry']}"


# ---------------------------------------------------------------- cases


@functools.lru_cache(maxsize=4)
def _record(path: Path, name: str) -> Record:
    record: Record = codec.Archive(path)[name]
    return record


def records() -> Iterator[tuple[Path, str, dict[str, Any]]]:
    """File, name (``entry@dtype``) and notes of every record."""
    for path in sorted(DATA.glob("*.rec")):
        for name, notes in codec.Archive(path).notes.items():
            yield path, name, notes


def check(torch: Any, path: Path, name: str, form: str) -> None:
    """Replay one form of a record, all its samples.

    Raises:
        Mismatch: a sample's answer is another than PyTorch's; says how many samples differ, and how the first does.
        Missing: the module has no such name.
    """
    record = _record(path, name)
    choose, run = FORMS[form]
    samples = choose(record)
    failures: list[tuple[Sample, Exception]] = []
    for sample in samples:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                run(torch, record, sample)
        except Missing:
            raise
        except Exception as raised:
            failures.append((sample, raised))
    if failures:
        sample, error = failures[0]
        call = describe(record, sample)
        if isinstance(error, replay.Mismatch):
            raise Mismatch(
                f"{len(failures)} of {len(samples)} samples; {call}: {error.what}", error.expected, error.got
            )
        raise Mismatch(
            f"{len(failures)} of {len(samples)} samples; {call}",
            "what was recorded",
            f"{type(error).__name__}: {error}",
        ) from error


def describe(record: Record, sample: Sample) -> str:
    """The call of a sample as text: ``torch.add(float32[5, 1], float32[5], alpha=2)``."""
    calls = sample.get("calls") or [{"f": record["f"], "a": sample["a"], "k": sample.get("k")}]
    text = "; ".join(
        f"{c['f']}({', '.join([_text(a, sample) for a in c['a']] + [f'{k}={_text(v, sample)}' for k, v in (c.get('k') or {}).items()])})"
        for c in calls
    )
    return text if len(text) < 400 else text[:400] + " ..."


def _text(tree: Any, sample: Sample) -> str:
    if isinstance(tree, list):
        return f"[{', '.join(_text(x, sample) for x in tree)}]"
    if not isinstance(tree, dict):
        return repr(tree)
    if "v" in tree:
        if tree["v"] >= len(sample["inputs"]):
            return "<result>"
        made = sample["inputs"][tree["v"]]
        strides = f" strides {made['stride']}" if "stride" in made else ""
        return f"{made['dtype']}{made['shape']}{strides}{' ' + made['layout'] if 'layout' in made else ''}"
    if "tu" in tree:
        return f"({', '.join(_text(x, sample) for x in tree['tu'])})"
    return str(next(iter(tree.values())))


def load() -> Iterator[Case]:
    """The recorded cases."""
    for path, name, notes in records():
        entry, _, dtype = name.rpartition("@")
        names = notes["names"]
        for form in notes["forms"]:
            api = names.get(form, names["f"])
            page = (
                page_of(api)
                if not api.rpartition(".")[2].startswith("_") and ".ops." not in api
                else DOCS + "torch.html"
            )
            yield Case(
                api,
                page,
                functools.partial(check, path=path, name=name, form=form),
                f"{entry}[{dtype}] {form}",
                RECORDED,
            )
