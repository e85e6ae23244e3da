"""One entry of the operator sample database as a record."""

from __future__ import annotations

import random
import warnings
from collections import Counter
from typing import Any

import numpy as np
import torch
from torch.testing._internal.common_device_type import toleranceOverride
from torch.testing._internal.opinfo.core import DecorateInfo

from .. import replay
from .encoding import Unsupported, dtype_name, encode, tensor
from .programs import Program, flatten, public_name, run

UNINITIALIZED = {"empty", "empty_like", "new_empty", "new_empty_strided", "empty_strided", "empty_permuted"}
"""Entries whose values are whatever the memory held."""

AMBIGUOUS = {"svd", "linalg.svd", "linalg.eig", "linalg.eigh", "svd_lowrank", "pca_lowrank", "linalg.eigvals", "linalg.qr", "qr"}  # fmt: skip
"""Entries whose factors are determined up to a sign or phase: values are compared after the entry's own processing."""

OUT_CRASHES = {"lu_solve", "linalg.lu_solve"}
"""Entries whose ``out=`` form corrupts memory in PyTorch 2.13."""

WIDER = {torch.float32: torch.float64, torch.complex64: torch.complex128, torch.bfloat16: torch.float64, torch.float16: torch.float64}  # fmt: skip


def full_name(op: Any) -> str:
    """``name`` or ``name.variant``: the entry's name."""
    return op.formatted_name if not hasattr(op, "full_name") else op.full_name


def _tensors(*values: Any) -> list[torch.Tensor]:
    found, seen = [], set()
    for t in flatten(list(values)):
        if id(t) not in seen:
            seen.add(id(t))
            found.append(t)
    return found


def _spread(items: list[Any], limit: int) -> list[tuple[int, Any]]:
    numbered = list(enumerate(items))
    if not limit or len(items) <= limit:
        return numbered
    picks = sorted({round(i * (len(items) - 1) / max(limit - 1, 1)) for i in range(limit)})
    return [numbered[i] for i in picks]


def _failure(error: BaseException, regex: str | None = None) -> dict[str, Any]:
    made = {"class": type(error).__name__, "message": str(error)[:600]}
    return {"error": made | ({"regex": regex} if regex else {})}


class Entry:
    """Records the samples of one entry in one dtype."""

    def __init__(self, op: Any, dtype: torch.dtype, largest: int) -> None:
        self.op, self.dtype, self.largest = op, dtype, largest
        self.f = public_name(op.op, op.name)
        method, in_place = op.method_variant, op.inplace_variant
        self.method = public_name(method, f"torch.Tensor.{getattr(method, '__name__', '')}") if method else None
        self.inplace = public_name(in_place, f"torch.Tensor.{getattr(in_place, '__name__', '')}") if in_place else None
        self.random = bool(getattr(op, "nondeterministic_seeded", False))
        self.skipped: Counter[str] = Counter()

    # ------------------------------------------------------------ one run

    def begin(
        self, sample: dict[str, Any], *, grad: bool = True, widen: bool = False
    ) -> tuple[Program, list[Any], dict[str, Any]]:
        """A program with fresh inputs, and the arguments of the call."""
        inputs = [replay.build(torch, d, grad=grad and not widen) for d in sample["inputs"]]
        if widen:
            inputs = [t.to(WIDER[t.dtype]) if t.dtype in WIDER else t for t in inputs]
            inputs = [t.requires_grad_() if "grad" in d else t for t, d in zip(inputs, sample["inputs"], strict=True)]
        program = Program(inputs)
        args = [replay.decode(torch, a, program.values.__getitem__) for a in sample["a"]]
        kwargs = {k: replay.decode(torch, v, program.values.__getitem__) for k, v in sample["k"].items()}
        torch.manual_seed(replay.SEED)
        return program, args, kwargs

    def describe(self, value: Any) -> Any:
        """An expected result as a tree."""
        return encode(value, lambda t: tensor(t, as_input=False))

    # ------------------------------------------------------------ samples

    def inputs(self, s: Any) -> dict[str, Any]:
        """The arguments of a sample; its tensors are numbered."""
        found = _tensors(s.input, s.args, s.kwargs)
        if sum(t.numel() for t in found) > self.largest:
            raise Unsupported("large")
        program = Program(found)
        return {
            "inputs": [tensor(t, as_input=True) for t in found],
            "a": [encode(a, program.leaf) for a in (s.input, *s.args)],
            "k": {k: encode(v, program.leaf) for k, v in s.kwargs.items()},
        }

    def sample(self, number: int, s: Any, *, outs: bool) -> dict[str, Any]:
        """A sample with all its forms."""
        made: dict[str, Any] = {"i": number} | self.inputs(s)
        program, args, kwargs = self.begin(made)
        inputs = list(program.values)
        try:
            result = run(program, self.op.op, self.f, args, kwargs)
        except Unsupported:
            raise
        except Exception as error:
            if self.f is None:
                if not program.calls:
                    raise Unsupported(f"an error before any call: {error}") from None
                made |= {"calls": program.calls, "ret": "last"}
            return made | _failure(error)
        if sum(t.numel() for t in flatten(result)) > self.largest:
            raise Unsupported("large")
        if self.f is None:
            made |= {"calls": program.calls, "ret": program.finish(result)}
        made["out"] = self.describe(result)
        processed = self.post(program, s, result, made)
        self.gradients(made, processed, inputs)
        if self.dtype in WIDER and not self.random:
            self.noise(made, s, result, processed)
        if self.method:
            self.method_form(made)
        if self.inplace:
            self.inplace_form(made)
        if outs and self.op.supports_out and self.op.name not in OUT_CRASHES:
            self.out_forms(made, result)
        return made

    def post(self, program: Program, s: Any, result: Any, made: dict[str, Any]) -> Any:
        """What the entry makes of a result before it is differentiated (such as removing a free sign)."""
        before, program.calls = program.calls, []
        program.last = result
        processed = run(program, lambda: s.output_process_fn_grad(result), None, (), {})
        if program.calls or processed is not result:
            made["post"] = {"calls": program.calls, "ret": program.finish(processed)}
            if full_name(self.op).split(".")[0] in AMBIGUOUS or self.op.name in AMBIGUOUS:
                made["post_out"] = self.describe(processed)
                made["unchecked"] = 1
        program.calls = before
        return processed

    def gradients(self, made: dict[str, Any], processed: Any, inputs: list[Any]) -> None:
        if not any("grad" in d for d in made["inputs"]):
            return
        try:
            found = replay.gradients(torch, processed, inputs)
        except Exception as error:
            made["grad_error"] = f"{type(error).__name__}: {error}"[:200]
            return
        if found is not None:
            made["grads"] = [None if g is None else tensor(g.detach(), as_input=False) for g in found]

    def noise(self, made: dict[str, Any], s: Any, result: Any, processed: Any) -> None:
        """How far results and gradients are from those in a wider dtype, where that is small."""
        try:
            program, args, kwargs = self.begin(made, widen=True)
            inputs = list(program.values)
            wide = self.op.op(*args, **kwargs)
            made |= _deviations("noise", flatten(result), flatten(wide), self.dtype)
            wide_processed = s.output_process_fn_grad(wide)
            if "post_out" in made:
                made |= _deviations("post_noise", flatten(processed), flatten(wide_processed), self.dtype)
            if "grads" in made:
                found = replay.gradients(torch, wide_processed, inputs)
                mine = [None if d is None else replay.build(torch, d) for d in made["grads"]]
                made |= _deviations("grad_noise", mine, found, self.dtype)
        except Exception:
            return

    # ------------------------------------------------------------ forms

    def method_form(self, made: dict[str, Any]) -> None:
        if made["a"][0] is None or not isinstance(made["a"][0], dict) or "v" not in made["a"][0]:
            return
        program, args, kwargs = self.begin(made)
        try:
            result = run(program, self.op.method_variant, self.method, args, kwargs)
        except Exception:
            return
        if _same(self.describe(result), made["out"]):
            made["method"] = 1

    def inplace_form(self, made: dict[str, Any]) -> None:
        if not isinstance(made["a"][0], dict) or "v" not in made["a"][0]:
            return
        program, args, kwargs = self.begin(made)
        inputs = list(program.values)
        if not inputs:
            return
        if inputs[0].requires_grad:
            program, args, kwargs = self.begin(made)
            inputs = list(program.values)
            clone = inputs[0].clone()
            args = [clone if a is inputs[0] else a for a in args]
            program.values[0] = clone
            program.numbers[id(clone)] = 0
        torch.manual_seed(replay.SEED)
        try:
            result = run(program, self.op.inplace_variant, self.inplace, args, kwargs)
        except Unsupported:
            raise
        except Exception as error:
            made["inplace"] = _failure(error)
            return
        found = self.describe(result)
        same = _same(found, made["out"], strides=False)
        made["inplace"] = {"out": "same" if same else found}
        if "grads" in made and "post" not in made:
            try:
                grads = replay.gradients(torch, result, inputs)
            except Exception:
                return
            if grads is not None:
                grads = [None if g is None else tensor(g.detach(), as_input=False) for g in grads]
                if _same(grads, made["grads"], strides=False):
                    made["inplace"]["grads"] = "same"

    def out_forms(self, made: dict[str, Any], result: Any) -> None:
        flat = flatten(result)
        whole = isinstance(result, torch.Tensor)
        if not flat or not (whole or isinstance(result, tuple) and len(flat) == len(result)):
            return
        if any(t.layout != torch.strided for t in flat):
            return
        made["outs"] = []
        for kind, change in OUT_KINDS.items():
            if kind == "grad" and not any("grad" in d for d in made["inputs"]):
                continue
            outs = [change(t.detach()) for t in flat]
            if any(t is None for t in outs):
                continue
            variant: dict[str, Any] = {
                "kind": kind,
                "out": [tensor(t, as_input=True) for t in outs],
                "tuple": not whole,
            }
            outs = replay.outputs_of(variant, torch)
            program, args, kwargs = self.begin(made, grad=kind == "grad")
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                try:
                    returned = self.op.op(*args, **kwargs, out=outs[0] if whole else tuple(outs))
                except Exception as error:
                    made["outs"].append(variant | _failure(error))
                    continue
            variant["result"] = [tensor(t, as_input=False) for t in outs]
            if [id(t) for t in flatten(returned)] != [id(t) for t in outs]:
                variant["returns"] = "something else"
            if any("was resized" in str(w.message) for w in caught):
                variant["warns"] = 1
            made["outs"].append(variant)

    # ------------------------------------------------------------ errors

    def errors(self) -> list[dict[str, Any]]:
        """The entry's inputs that must fail."""
        if self.op.error_inputs_func is None:
            return []
        found = []
        for number, e in enumerate(self.op.error_inputs("cpu")):
            try:
                made: dict[str, Any] = {"i": number} | self.inputs(e.sample_input)
                program, args, kwargs = self.begin(made)
                try:
                    run(program, self.op.op, self.f, args, kwargs)
                except Unsupported:
                    raise
                except Exception as error:
                    if self.f is None:
                        made |= {"calls": program.calls, "ret": "last"}
                        if not program.calls:
                            raise Unsupported("an error before any call") from None
                    found.append(made | _failure(error, e.error_regex))
            except Unsupported as reason:
                self.skipped[f"error input: {reason}"] += 1
        return found


def _poisoned(t: torch.Tensor) -> torch.Tensor:
    return torch.ones_like(t, memory_format=torch.contiguous_format)


def _reversed_strides(t: torch.Tensor) -> torch.Tensor | None:
    if t.dim() < 2 or t.numel() == 0:
        return None
    order = list(reversed(range(t.dim())))
    return torch.ones([t.shape[i] for i in order], dtype=t.dtype).permute(order)


def _other_dtype(t: torch.Tensor) -> torch.Tensor | None:
    changed = {torch.float32: torch.int64, torch.float64: torch.float32, torch.bfloat16: torch.int32, torch.complex64: torch.float32, torch.int64: torch.int32, torch.bool: torch.uint8}  # fmt: skip
    return None if t.dtype not in changed else torch.ones(t.shape, dtype=changed[t.dtype])


def _wider_dtype(t: torch.Tensor) -> torch.Tensor | None:
    changed = {torch.float32: torch.float64, torch.bfloat16: torch.float32, torch.complex64: torch.complex128, torch.int64: torch.float32, torch.bool: torch.int64}  # fmt: skip
    return None if t.dtype not in changed else torch.ones(t.shape, dtype=changed[t.dtype])


OUT_KINDS = {
    "right": _poisoned,
    "strided": _reversed_strides,
    "empty": lambda t: torch.empty(0, dtype=t.dtype),
    "wrong shape": lambda t: torch.ones((*t.shape, 2), dtype=t.dtype),
    "wider dtype": _wider_dtype,
    "other dtype": _other_dtype,
    "grad": _poisoned,
}
"""The tensors given as ``out``, made from the result."""


def _same(a: Any, b: Any, *, strides: bool = True) -> bool:
    """Whether two trees describe the same values, bit for bit."""
    if isinstance(a, np.ndarray):
        return isinstance(b, np.ndarray) and a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if isinstance(a, dict) and isinstance(b, dict):
        ignored = set() if strides else {"stride"}
        keys = a.keys() - ignored
        return keys == b.keys() - ignored and all(_same(a[k], b[k], strides=strides) for k in keys)
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return len(a) == len(b) and all(_same(x, y, strides=strides) for x, y in zip(a, b, strict=True))
    return a == b


def _deviations(key: str, mine: list[Any], wide: Any, dtype: torch.dtype) -> dict[str, Any]:
    found = []
    if wide is None or len(mine) != len(wide):
        return {}
    limit = 1e-3 if dtype in (torch.float32, torch.complex64) else 5e-2
    least = 1.0 if key == "grad_noise" else 0.1  # a gradient that cancels out is as inexact as what flows into it
    for a, b in zip(mine, wide, strict=True):
        if (
            a is None
            or b is None
            or not (a.is_floating_point() or a.is_complex())
            or a.shape != b.shape
            or a.layout != torch.strided
        ):
            found.append(0.0)
            continue
        a, b = a.detach().to(torch.complex128), b.detach().to(torch.complex128)
        finite = torch.isfinite(a) & torch.isfinite(b)
        if not finite.any():
            found.append(0.0)
            continue
        worst = float((a - b)[finite].abs().max())
        scale = float(a[finite].abs().max())
        found.append(float(f"{worst:.3g}") if worst <= limit * max(scale, least) else 0.0)
    return {key: found} if any(found) else {}


_INEXACT = dict.fromkeys((f"special.bessel_{kind}" for kind in ("j0", "j1", "y0", "y1")), 1e-6)
"""Entries whose float64 results are wrong by about this in PyTorch itself (seen against SciPy)."""


def _tolerance(op: Any, dtype: torch.dtype) -> list[float] | None:
    """The widest tolerance that the entry asks for in comparisons on the CPU."""
    rtol, atol = 0.0, _INEXACT.get(op.name, 0.0) if dtype is torch.float64 else 0.0
    for d in op.decorators:
        if not isinstance(d, DecorateInfo) or d.device_type not in (None, "cpu"):
            continue
        if d.test_name and (
            "ref" in d.test_name or "gpu" in d.test_name or "cuda" in d.test_name or "quick" in d.test_name
        ):
            continue
        for override in d.decorators:
            if isinstance(override, toleranceOverride) and dtype in override.d:
                tol = override.d[dtype]
                rtol, atol = max(rtol, tol.rtol), max(atol, tol.atol)
    return [rtol, atol] if rtol or atol else None


def record_entry(
    op: Any, dtype: torch.dtype, limit: int = 0, outs: int = 3, largest: int = 60_000, seed: int = 0
) -> dict[str, Any] | None:
    """All forms of an entry in a dtype; None if the entry does not take it.

    Args:
        op: the entry.
        dtype: of the inputs.
        limit: most samples, spread over all (0: all).
        outs: samples whose ``out=`` forms are recorded.
        largest: most values of a sample's inputs or of its results; larger samples are left out.
        seed: of the samples' random values.
    """
    if dtype not in op.dtypes:
        return None
    entry = Entry(op, dtype, largest)
    grad = op.supports_autograd and dtype in op.backward_dtypes and (dtype.is_floating_point or dtype.is_complex)
    torch.manual_seed(seed)
    random.seed(seed)
    np.random.seed(seed)
    samples = _spread(list(op.sample_inputs("cpu", dtype, requires_grad=grad)), limit)
    record: dict[str, Any] = {"entry": full_name(op), "dtype": dtype_name(dtype), "f": entry.f}
    record |= {"method": entry.method, "inplace": entry.inplace, "random": entry.random}
    if op.name in UNINITIALIZED:
        record["unchecked"] = 1
    tol = _tolerance(op, dtype)
    if tol:
        record["tol"] = tol
    made = []
    with_outs = {number for number, _ in _spread([i for i, _ in samples], outs)} if outs else set()
    for position, (number, s) in enumerate(samples):
        try:
            made.append(entry.sample(number, s, outs=position in with_outs))
        except Unsupported as reason:
            entry.skipped[str(reason)] += 1
    record["samples"] = made
    record["errors"] = (
        entry.errors()
        if dtype == torch.float32
        or (torch.float32 not in op.dtypes and dtype_name(dtype) == sorted(map(dtype_name, op.dtypes))[-1])
        else []
    )
    record["skipped"] = dict(entry.skipped)
    return record
