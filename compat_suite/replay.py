"""Does in a module under test what a record says, and compares with what PyTorch answered.

Everything a record names is looked up in the module that is passed in; only documented API is used to make inputs and
to read results.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from .registry import Mismatch, Missing

SEED = 42
DEVICE = "cpu"
"""Where inputs are put (set by :func:`use_device`); the records were made on the CPU."""
DRAWN = (
    "bernoulli", "cauchy", "exponential", "geometric", "log_normal", "multinomial", "normal", "rand", "uniform",
    "nn.functional.alpha_dropout", "nn.functional.dropout", "nn.functional.feature_alpha_dropout",
    "nn.functional.fractional_max_pool", "nn.functional.multi_head_attention_forward", "nn.functional.rrelu",
)  # fmt: skip
"""How the names of entries begin whose values the device's own generator draws."""
WIDER_ELSEWHERE = 16
"""What tolerances are multiplied by on another device, whose functions and sums round differently."""
_BITS = {"bfloat16": "uint16", "float8_e4m3fn": "uint8", "float8_e5m2": "uint8", "float8_e4m3fnuz": "uint8", "float8_e5m2fnuz": "uint8", "float8_e8m0fnu": "uint8"}  # fmt: skip

TOLERANCES = {
    "float16": (1e-3, 1e-5),
    "bfloat16": (1.6e-2, 1e-5),
    "float32": (1.3e-6, 1e-5),
    "float64": (1e-7, 1e-7),
    "complex32": (1e-3, 1e-5),
    "complex64": (1.3e-6, 1e-5),
    "complex128": (1e-7, 1e-7),
}
"""Relative and absolute tolerance by dtype: the defaults that ``torch.testing.assert_close`` documents."""


def use_device(torch: Any, device: str) -> None:
    """Put inputs, and what a call makes without naming a device, on ``device`` from now on; convolve in full float32."""
    global DEVICE
    DEVICE = device
    if device != "cpu":
        torch.set_default_device(device)
        torch.backends.cudnn.allow_tf32 = False


# ---------------------------------------------------------------- making values


def build(torch: Any, made: dict[str, Any], *, grad: bool = True) -> Any:
    """An input tensor from its description."""
    if "layout" in made:
        return _sparse(torch, made, grad)
    t = _dense(torch, made["a"], made["dtype"])
    if "memory" in made:
        t = t.as_strided(made["shape"], made["stride"]).detach()
    elif "stride" in made:
        t = torch.empty_strided(made["shape"], made["stride"], dtype=t.dtype, device=t.device).copy_(t)
    if "parameter" in made:
        return torch.nn.Parameter(t, requires_grad=bool(grad and "grad" in made))
    return t.requires_grad_() if grad and "grad" in made else t


def _dense(torch: Any, a: np.ndarray, dtype: str) -> Any:
    t = torch.from_numpy(np.array(a))
    if dtype in _BITS:
        t = t.view(getattr(torch, dtype))
    elif dtype == "complex32":
        t = torch.view_as_complex(t)
    return t if DEVICE == "cpu" else t.to(DEVICE)


def _sparse(torch: Any, made: dict[str, Any], grad: bool) -> Any:
    parts = [build(torch, p, grad=False) for p in made["parts"]]
    name = made["layout"]
    if name == "sparse_coo":
        t = torch.sparse_coo_tensor(*parts, made["shape"], is_coalesced=made["coalesced"] or None)
    else:
        t = getattr(torch, f"{name}_tensor")(*parts, made["shape"])
    return t.requires_grad_() if grad and "grad" in made else t


def decode(torch: Any, tree: Any, leaf: Callable[[int], Any]) -> Any:
    """A value from its tree; ``leaf`` gives the tensor of a number."""
    if isinstance(tree, list):
        return [decode(torch, x, leaf) for x in tree]
    if not isinstance(tree, dict):
        return tree
    ((kind, value),) = list(tree.items())[:1]
    if kind == "v":
        return leaf(value)
    if kind == "f":
        return float(value)
    if kind == "c":
        return complex(*(decode(torch, x, leaf) for x in value))
    if kind == "tu":
        return tuple(decode(torch, x, leaf) for x in value)
    if kind == "named":
        return tuple(decode(torch, x, leaf) for x in tree["items"])
    if kind == "d":
        return {decode(torch, k, leaf): decode(torch, v, leaf) for k, v in value}
    if kind == "size":
        return torch.Size(value)
    if kind == "torch":
        return getattr(torch, value)
    if kind == "device":
        return torch.device(DEVICE if value == "cpu" else value)
    if kind == "slice":
        return slice(*(decode(torch, x, leaf) for x in value))
    if kind == "ellipsis":
        return Ellipsis
    if kind == "type":
        return {"bool": bool, "int": int, "float": float, "complex": complex}[value]
    if kind == "np":
        return np.dtype(value[0]).type(decode(torch, value[1], leaf))
    if kind == "array":
        return np.array(value)
    if kind == "linear cross entropy":
        return torch.nn.LinearCrossEntropyOptions(**{k: decode(torch, v, leaf) for k, v in value})
    if kind == "module":
        return getattr(torch.nn, value)()
    raise ValueError(f"a record holds a value of kind {kind!r}")


def lookup(torch: Any, name: str) -> Callable[..., Any]:
    """What a record calls by ``name``; a name that ends in ``:get`` reads an attribute, in ``:set`` sets it.

    Raises:
        Missing: the module has no such name.
    """
    path, _, kind = name.partition(":")
    if kind:
        attribute = path.rpartition(".")[2]
        if not hasattr(torch.Tensor, attribute):
            raise Missing(path, "to exist", "no such name")
        return (lambda t: getattr(t, attribute)) if kind == "get" else (lambda t, v: setattr(t, attribute, v))
    value = torch
    for part in path.split(".")[1:]:
        try:
            value = getattr(value, part)
        except AttributeError:
            raise Missing(path, "to exist", "no such name") from None
    return value


def flatten(torch: Any, value: Any) -> list[Any]:
    """The tensors of a nested result in order."""
    if isinstance(value, torch.Tensor):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    return [t for v in value for t in flatten(torch, v)] if isinstance(value, list | tuple) else []


class Run:
    """The tensors of one run by number: inputs first, then what each call returned."""

    def __init__(self, torch: Any, inputs: list[Any]) -> None:
        self.torch, self.values, self.last = torch, list(inputs), None

    def call(self, name: str, args: Any, kwargs: Any, **more: Any) -> Any:
        """One call; ``more`` are keyword arguments that are no part of the record."""
        fn = lookup(self.torch, name)
        args = [decode(self.torch, a, self.values.__getitem__) for a in args]
        kwargs = {k: decode(self.torch, v, self.values.__getitem__) for k, v in (kwargs or {}).items()}
        if kwargs.get("device") == "cpu":
            kwargs["device"] = DEVICE
        self.last = fn(*args, **kwargs, **more)
        self.values += flatten(self.torch, self.last)
        return self.last

    def calls(self, program: dict[str, Any], **more: Any) -> Any:
        """All calls of a program, and its result."""
        calls = program["calls"]
        for i, c in enumerate(calls):
            self.call(c["f"], c["a"], c.get("k"), **(more if i == len(calls) - 1 else {}))
        return self.last if program["ret"] == "last" else decode(self.torch, program["ret"], self.values.__getitem__)


# ---------------------------------------------------------------- reading values


def as_numpy(torch: Any, t: Any) -> np.ndarray:
    """The values of a tensor, those of dtypes that NumPy lacks in the next wider one."""
    t = t.detach()
    name = str(t.dtype).removeprefix("torch.")
    if str(t.layout) != "torch.strided":
        t = t.to_dense()
    if name in _BITS:
        t = t.to(torch.float32)
    elif name == "complex32":
        t = t.to(torch.complex64)
    return t.numpy(force=True)


def recorded_values(made: dict[str, Any]) -> np.ndarray:
    """The values of a described tensor, as :func:`as_numpy` gives them."""
    a, name = made["a"], made["dtype"]
    if name == "bfloat16":
        return (a.astype(np.uint32) << 16).view(np.float32).reshape(a.shape)
    if name.startswith("float8"):
        return _float8(a, name)
    if name == "complex32":
        return a[..., 0].astype(np.float32) + 1j * a[..., 1].astype(np.float32)
    return a


def _float8(bits: np.ndarray, name: str) -> np.ndarray:
    """Decode eight-bit floats: exponent width, bias and special values by the name of the format."""
    if name == "float8_e8m0fnu":
        return np.where(bits == 255, np.nan, np.exp2(bits.astype(np.float32) - 127)).astype(np.float32)
    exponent_bits = int(name[8])
    mantissa_bits = 7 - exponent_bits
    fnuz = name.endswith("fnuz")
    bias = (1 << (exponent_bits - 1)) - (0 if fnuz else 1)
    sign = np.where(bits >> 7, -1.0, 1.0)
    exponent = (bits >> mantissa_bits) & ((1 << exponent_bits) - 1)
    mantissa = (bits & ((1 << mantissa_bits) - 1)) / (1 << mantissa_bits)
    value = sign * np.where(
        exponent == 0, mantissa * 2.0 ** (1 - bias), (1 + mantissa) * np.exp2(exponent.astype(float) - bias)
    )
    if fnuz:
        return np.where(bits == 0x80, np.nan, value).astype(np.float32)
    if name == "float8_e4m3fn":
        return np.where((bits & 0x7F) == 0x7F, np.nan, value).astype(np.float32)
    special = np.where(mantissa == 0, sign * np.inf, np.nan)
    return np.where(exponent == (1 << exponent_bits) - 1, special, value).astype(np.float32)


# ---------------------------------------------------------------- comparing


def tolerance(dtype: str, given: Any = None) -> tuple[float, float]:
    """Relative and absolute tolerance of a dtype, at least ``given``."""
    rtol, atol = TOLERANCES.get(dtype, (0.0, 0.0))
    if DEVICE != "cpu":
        rtol, atol = WIDER_ELSEWHERE * rtol, WIDER_ELSEWHERE * atol
    return (max(rtol, given[0]), max(atol, given[1])) if given and rtol else (rtol, atol)


def _show(a: Any) -> str:
    text = np.array2string(np.asarray(a), precision=9, threshold=24, edgeitems=4, separator=", ")
    return text if len(text) < 600 else text[:600] + " ..."


def compare_values(where: str, got: np.ndarray, want: np.ndarray, rtol: float, atol: float) -> None:
    """Raise unless two arrays agree; NaN equals NaN, infinities must be the same."""
    if want.size == 0:
        return
    if want.dtype.kind in "biu" and got.dtype.kind in "biu":
        wrong = got != want
    else:
        with np.errstate(all="ignore"):
            if want.dtype.kind == "c" or got.dtype.kind == "c":
                _compare_complex(where, got, want, rtol, atol)
                return
            a, b = got.astype(np.float64), want.astype(np.float64)
            close = np.abs(a - b) <= atol + rtol * np.abs(b)
            wrong = ~(np.where(np.isfinite(a) & np.isfinite(b), close, a == b) | (np.isnan(a) & np.isnan(b)))
    if np.any(wrong):
        first = tuple(int(i) for i in np.argwhere(wrong)[0])
        raise Mismatch(
            f"{where}: {int(wrong.sum())} of {want.size} values (rtol {rtol:g}, atol {atol:g}; the first at {list(first)})",
            f"{want[first]!r} in {_show(want)}",
            f"{got[first]!r} in {_show(got)}",
        )


def _compare_complex(where: str, got: np.ndarray, want: np.ndarray, rtol: float, atol: float) -> None:
    finite = np.isfinite(want) & np.isfinite(got)
    bad = finite & (np.abs(got - want) > atol + rtol * np.abs(want))
    rest = ~finite & ~((np.isnan(want) & np.isnan(got)) | (got == want))
    wrong = bad | rest
    if np.any(wrong):
        first = tuple(int(i) for i in np.argwhere(wrong)[0])
        raise Mismatch(
            f"{where}: {int(wrong.sum())} of {want.size} values (rtol {rtol:g}, atol {atol:g}; the first at {list(first)})",
            f"{want[first]!r} in {_show(want)}",
            f"{got[first]!r} in {_show(got)}",
        )


class Checks:
    """What is compared: values (or only what describes them), strides, and with which tolerance.

    Args:
        values: whether values are determined at all.
        strides: whether to compare strides.
        given: relative and absolute tolerance, if wider than the dtype's own.
        noise: by tensor, how far PyTorch's own result is from a computation in a wider dtype; a few times of that is
            allowed on top.
    """

    def __init__(self, *, values: bool = True, strides: bool = True, given: Any = None, noise: Any = None) -> None:
        self.values, self.strides, self.given, self.noise = values, strides, given, list(noise or [])

    def tensor(self, torch: Any, where: str, got: Any, want: dict[str, Any]) -> None:
        """Raise unless a tensor is as described."""
        noise = self.noise.pop(0) if self.noise else 0.0
        if not isinstance(got, torch.Tensor):
            raise Mismatch(where, f"a tensor of shape {tuple(want['shape'])}", f"{type(got).__name__} {got!r:.200}")
        dtype = str(got.dtype).removeprefix("torch.")
        if dtype != want["dtype"]:
            raise Mismatch(f"{where}: dtype", want["dtype"], dtype)
        if list(got.shape) != want["shape"]:
            raise Mismatch(f"{where}: shape", want["shape"], list(got.shape))
        layout = str(got.layout).removeprefix("torch.")
        if layout != want.get("layout", "strided"):
            raise Mismatch(f"{where}: layout", want.get("layout", "strided"), layout)
        if "layout" in want:
            if layout == "sparse_coo":
                parts: tuple[Any, ...] = (got._indices(), got._values())
            elif layout in ("sparse_csr", "sparse_bsr"):
                parts = (got.crow_indices(), got.col_indices(), got.values())
            else:
                parts = (got.ccol_indices(), got.row_indices(), got.values())
            for i, (part, described) in enumerate(zip(parts, want["parts"], strict=True)):
                self.tensor(torch, f"{where} part {i}", part, described)
            return
        if self.values:
            rtol, atol = tolerance(dtype, self.given)
            expected = recorded_values(want)
            finite = np.abs(expected[np.isfinite(expected)]) if expected.dtype.kind in "fc" else ()
            scale = (
                float(np.max(finite))
                if len(finite) and dtype in ("float32", "complex64", "float64", "complex128")
                else 0.0
            )
            atol = max(atol, 4 * (1.2e-7 if dtype in ("float32", "complex64") else 2.3e-16) * scale)
            compare_values(where, as_numpy(torch, got), expected, rtol, atol + 8 * noise)
        if self.strides:
            self.check_strides(where, got, want)

    def check_strides(self, where: str, got: Any, want: dict[str, Any]) -> None:
        """Raise unless the strides of the dimensions that have any are as described."""
        shape = want["shape"]
        if 0 in shape:
            return
        expected = want.get("stride") or contiguous_strides(shape)
        actual = list(got.stride())
        if any(n > 1 and a != b for n, a, b in zip(shape, actual, expected, strict=True)):
            raise Mismatch(f"{where}: strides (shape {shape})", expected, actual)

    def value(self, torch: Any, where: str, got: Any, want: Any) -> None:
        """Raise unless a result, possibly nested, is as recorded."""
        if isinstance(want, dict) and "dtype" in want:
            self.tensor(torch, where, got, want)
            return
        sequence: Any = None
        kind: type = list
        if isinstance(want, list):
            sequence = want
        elif isinstance(want, dict) and ("tu" in want or "named" in want):
            sequence, kind = want.get("tu", want.get("items")), tuple
        if sequence is not None:
            if not isinstance(got, kind):
                raise Mismatch(where, f"a {kind.__name__} of {len(sequence)}", type(got).__name__)
            items: list[Any] = list(got)  # type: ignore[call-overload]
            if len(items) != len(sequence):
                raise Mismatch(f"{where}: number of results", len(sequence), len(items))
            for i, (a, b) in enumerate(zip(items, sequence, strict=True)):
                self.value(torch, f"{where}[{i}]", a, b)
            return
        expected = decode(torch, want, lambda number: None)
        if isinstance(expected, float | complex) and not isinstance(got, bool):
            if not isinstance(got, type(expected)):
                raise Mismatch(where, repr(expected), f"{got!r:.200}")
            if self.values:
                compare_values(where, np.asarray(got), np.asarray(expected), *tolerance("float32", self.given))
            return
        if type(got) is not type(expected) or (self.values and got != expected):
            raise Mismatch(where, repr(expected), f"{got!r:.200}")


def contiguous_strides(shape: list[int]) -> list[int]:
    """The strides of a freshly made tensor."""
    strides, step = [], 1
    for n in reversed(shape):
        strides.append(step)
        step *= max(n, 1)
    return strides[::-1]


# ---------------------------------------------------------------- errors

_VARIABLE = re.compile(r"^[-+]?[0-9]|[\"'`\[\]{}<>()=\n]")


def leading_words(message: str) -> list[str]:
    """The first words of a message, at most six, up to the first that is a number or holds a quotation or a bracket.

    The name of an internal function in front (``special_i0e(): ...``) is no part of them.
    """
    words: list[str] = []
    for word in re.sub(r"^\S+\(\): ", "", message).split()[:6]:
        if _VARIABLE.search(word):
            break
        words.append(word.rstrip(":,;."))
    return words


def _said(kind: str, message: str) -> str:
    return f"{kind}: {message[:300]}"


def check_error(torch: Any, error: BaseException, want: dict[str, Any]) -> None:
    """Raise unless an exception has the recorded class and the message's leading words."""
    kind, message = type(error).__name__, str(error)
    if kind != want["class"]:
        raise Mismatch("exception", _said(want["class"], want["message"]), _said(kind, message))
    words = leading_words(want["message"])
    if leading_words(message)[: len(words)] == words and (words or not want["message"]):
        return
    pattern = want.get("regex")
    if pattern and re.search(pattern, message):
        return
    if not words and not pattern and want["message"][:1] == message[:1]:
        return
    raise Mismatch("message", _said(want["class"], want["message"]), _said(kind, message))


# ---------------------------------------------------------------- the forms of a call

FREE_AMONG_EQUALS = ("kthvalue", "topk")
"""Entries that are documented to return the place of any one of equal values."""


def settle(torch: Any, record: dict[str, Any], sample: dict[str, Any], got: Any, want: Any) -> Any:
    """What is expected of ``got``: the recorded result, with places among equal values as they came."""
    if record.get("entry") not in FREE_AMONG_EQUALS or not isinstance(got, list | tuple) or len(got) != 2:
        return want
    key = "named" if "named" in want else "tu"
    items = want.get("items" if key == "named" else "tu")
    if not items:
        return want
    x = as_numpy(torch, build(torch, sample["inputs"][0], grad=False))
    found, recorded = as_numpy(torch, got[1]), recorded_values(items[1])
    if not x.ndim or found.shape != recorded.shape or found.dtype != recorded.dtype:
        return want
    dim = _dim(sample)
    places = [a if a.ndim == x.ndim else np.expand_dims(a, dim) for a in (found, recorded)]
    if any(a.size and (a.min() < 0 or a.max() >= x.shape[dim]) for a in places):
        return want
    mine, theirs = (np.take_along_axis(x, a, dim) for a in places)
    if not np.array_equal(mine, theirs, equal_nan=x.dtype.kind in "fc"):
        return want
    settled = [items[0], {**items[1], "a": found}]
    return {**want, "items": settled} if key == "named" else {"tu": settled}


def _dim(sample: dict[str, Any]) -> int:
    """The dim along which an entry with places among its results picks."""
    found: int = sample["k"].get("dim", sample["a"][2] if len(sample["a"]) > 2 else -1)
    return found


def cotangent(shape: Any, dtype: str, number: int) -> np.ndarray:
    """A fixed cotangent: small multiples of 1/8, that every floating dtype holds exactly."""
    count = int(np.prod(shape, dtype=np.int64))
    steps = np.arange(count, dtype=np.int64)
    a = ((steps * 7 + 5 + 3 * number) % 17 - 8) / 8.0
    if dtype.startswith("complex"):
        a = a + 1j * (((steps * 5 + 1 + number) % 13 - 6) / 8.0)
        return a.astype("complex128" if dtype == "complex128" else "complex64").reshape(shape)
    return a.astype("float64" if dtype == "float64" else "float32").reshape(shape)


def gradients(torch: Any, result: Any, inputs: list[Any]) -> list[Any] | None:
    """The gradients of the inputs that want one, for the fixed cotangents; None if nothing is differentiable."""
    outs = [t for t in flatten(torch, result) if t.requires_grad]
    wanted = [t for t in inputs if t.requires_grad]
    if not outs or not wanted:
        return None
    cts = []
    for i, t in enumerate(outs):
        dtype = str(t.dtype).removeprefix("torch.")
        cts.append(torch.from_numpy(cotangent(tuple(t.shape), dtype, i)).to(t.device, t.dtype))
    found = iter(torch.autograd.grad(outs, wanted, cts, allow_unused=True))
    return [next(found) if t.requires_grad else None for t in inputs]


def drawn_elsewhere(record: dict[str, Any], sample: dict[str, Any]) -> bool:
    """Whether values of a sample come from another generator than the CPU's, whose stream was recorded."""
    if DEVICE == "cpu":
        return False
    if record.get("random") or record["entry"].startswith(DRAWN):
        return True
    calls = sample.get("calls", [sample])
    return any((c.get("k") or {}).get("dropout_p") or "torch.rand" in c.get("f", "") for c in calls)


def has_values(record: dict[str, Any], sample: dict[str, Any]) -> bool:
    """Whether the values of a sample's results are determined."""
    return not (record.get("unchecked") or sample.get("unchecked") or drawn_elsewhere(record, sample))


def start(torch: Any, sample: dict[str, Any], *, grad: bool = True) -> Run:
    """A run with fresh inputs and the fixed seed."""
    run = Run(torch, [build(torch, made, grad=grad) for made in sample["inputs"]])
    torch.manual_seed(SEED)
    return run


def program(record: dict[str, Any], sample: dict[str, Any], form: str | None = None) -> dict[str, Any]:
    """The calls of a sample; ``form`` is the name of a method to call instead of the function."""
    if "calls" in sample and form is None:
        return sample
    return {"calls": [{"f": form or record["f"], "a": sample["a"], "k": sample.get("k")}], "ret": "last"}


def outputs_of(variant: dict[str, Any], torch: Any) -> list[Any]:
    """The tensors that a variant gives as ``out=``, in memory of their own, which may grow."""
    return [build(torch, made).clone() for made in variant["out"]]


def _expecting(sample: dict[str, Any], fn: Callable[[], Any], torch: Any) -> tuple[Any, bool]:
    """Run ``fn``; a recorded error must come. Returns the result and whether there is one."""
    if "error" not in sample:
        return fn(), True
    want = sample["error"]
    try:
        result = fn()
        for t in flatten(torch, result):
            as_numpy(torch, t)
    except Missing:
        raise
    except Exception as error:
        check_error(torch, error, want)
        return None, False
    raise Mismatch("exception", _said(want["class"], want["message"]), "none")


def forward(
    torch: Any, record: dict[str, Any], sample: dict[str, Any], form: str | None = None,
    *, strides: bool = True, values: bool = True,
) -> None:  # fmt: skip
    """The function (or a method form of it) returns what was recorded; strides and values are compared if asked for."""
    run = start(torch, sample)
    result, there = _expecting(sample, lambda: run.calls(program(record, sample, form)), torch)
    if not there:
        return
    check = Checks(
        values=values and has_values(record, sample),
        strides=strides,
        given=record.get("tol"),
        noise=sample.get("noise"),
    )
    check.value(torch, "result", result, settle(torch, record, sample, result, sample["out"]))
    if "post_out" in sample and values and not drawn_elsewhere(record, sample):
        Checks(given=record.get("tol"), strides=False, noise=sample.get("post_noise")).value(
            torch, "processed result", run.calls(sample["post"]), sample["post_out"]
        )


def gradient(torch: Any, record: dict[str, Any], sample: dict[str, Any]) -> None:
    """The gradients are what was recorded."""
    run = start(torch, sample)
    inputs = list(run.values)
    result = run.calls(program(record, sample))
    same = _same_places(torch, record, sample, result)
    if "post" in sample:
        result = run.calls(sample["post"])
    got = gradients(torch, result, inputs)
    if same or got is None or got[0] is None:
        compare_gradients(torch, record, sample, inputs, got)
        return
    # Equal values were picked elsewhere, so their gradients are elsewhere too: the sums over the picked dim are the same.
    want = sample["grads"][0]
    rtol, atol = GRADIENT_TOLERANCES.get(want["dtype"], (1e-7, 1e-7))
    sums = [a.astype(np.float64).sum(_dim(sample)) for a in (as_numpy(torch, got[0]), recorded_values(want))]
    compare_values("gradient of input 0, summed over the dim", *sums, rtol, atol)


def _same_places(torch: Any, record: dict[str, Any], sample: dict[str, Any], result: Any) -> bool:
    """Whether an entry that may pick any of equal values picked the recorded ones (any other entry: True)."""
    if record.get("entry") not in FREE_AMONG_EQUALS or not isinstance(sample.get("out"), dict):
        return True
    settled = settle(torch, record, sample, result, sample["out"])
    if settled is sample["out"]:
        return True
    mine, recorded = ((w["items"] if "named" in w else w["tu"])[1] for w in (settled, sample["out"]))
    return bool(np.array_equal(mine["a"], recorded_values(recorded)))


def compare_gradients(torch: Any, record: dict[str, Any], sample: dict[str, Any], inputs: list[Any], got: Any) -> None:
    """Raise unless gradients are as recorded; none counts as zeros."""
    if got is None:
        raise Mismatch("requires_grad", "some result to have it", "none")
    noise = sample.get("grad_noise") or [0.0] * len(got)
    for i, (a, want) in enumerate(zip(got, sample["grads"], strict=True)):
        if want is None:
            if a is not None and np.any(as_numpy(torch, a) != 0):
                raise Mismatch(f"gradient of input {i}", "none", _show(as_numpy(torch, a)))
            continue
        where = f"gradient of input {i}"
        if a is None:
            if "a" in want and not np.any(recorded_values(want) != 0):
                continue
            raise Mismatch(where, "one", "none")
        rtol, atol = GRADIENT_TOLERANCES.get(want["dtype"], (0.0, 0.0))
        given = record.get("tol") or (0.0, 0.0)
        given = (max(rtol, given[0]), max(atol, given[1]))
        check = Checks(values=not drawn_elsewhere(record, sample), strides=False, given=given, noise=[noise[i]])
        check.tensor(torch, where, a, want)


GRADIENT_TOLERANCES = {
    "float32": (1e-5, 2e-5),
    "complex64": (1e-5, 2e-5),
    "bfloat16": (3.2e-2, 1e-2),
    "float16": (2e-3, 1e-3),
}


def inplace(torch: Any, record: dict[str, Any], sample: dict[str, Any]) -> None:
    """The in-place form changes its first argument to what was recorded, and returns it."""
    variant = sample["inplace"]
    run = start(torch, sample)
    inputs = list(run.values)
    if inputs[0].requires_grad:
        run.values[0] = inputs[0].clone()
    target = run.values[0]
    result, there = _expecting(variant, lambda: run.calls(program(record, sample, record["inplace"])), torch)
    if not there:
        return
    if result is not target:
        raise Mismatch("result", "the first argument itself", "another object")
    want = sample["out"] if variant.get("out") == "same" else variant["out"]
    check = Checks(
        values=has_values(record, sample),
        strides=False,
        given=record.get("tol"),
        noise=sample.get("noise"),
    )
    check.value(torch, "result", result, want)
    if variant.get("grads") == "same":
        compare_gradients(torch, record, sample, inputs, gradients(torch, result, inputs))


def out(torch: Any, record: dict[str, Any], sample: dict[str, Any], variant: dict[str, Any]) -> None:
    """The ``out=`` form writes what was recorded into the tensors given, resizes and warns as recorded."""
    run = start(torch, sample, grad=variant["kind"] == "grad")
    tensors = outputs_of(variant, torch)
    target = tuple(tensors) if variant["tuple"] else tensors[0]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result, there = _expecting(variant, lambda: run.calls(program(record, sample), out=target), torch)
    if not there:
        return
    if "returns" not in variant and [id(t) for t in tensors] != [id(t) for t in flatten(torch, result)]:
        raise Mismatch(f"out= ({variant['kind']})", "the tensors given", "others")
    expected = variant["result"]
    made = sample["out"] if "dtype" in sample["out"] else None
    if len(tensors) == 2:
        expected = settle(torch, record, sample, tensors, {"tu": expected})["tu"]
    for i, (t, want) in enumerate(zip(tensors, expected, strict=True)):
        own = made or (sample["out"].get("tu") or sample["out"]["items"])[i]
        computed = tolerance(own["dtype"], record.get("tol"))  # the result is rounded before it is written
        check = Checks(
            values=has_values(record, sample),
            given=computed,
            noise=sample.get("noise", [])[i : i + 1],
        )
        check.tensor(torch, f"out= ({variant['kind']}) {i}", t, want)
    resized = any("was resized" in str(w.message) for w in caught)
    if resized != bool(variant.get("warns")):
        warns = ("no warning", "a warning")
        raise Mismatch(f"out= ({variant['kind']}): resizing", warns["warns" in variant], warns[resized])


def error(torch: Any, record: dict[str, Any], sample: dict[str, Any]) -> None:
    """The exception that was recorded is raised."""
    run = start(torch, sample)
    _expecting(sample, lambda: run.calls(program(record, sample)), torch)
