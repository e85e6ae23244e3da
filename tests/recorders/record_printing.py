"""Record how PyTorch prints tensors: writes ``tests/data/printing.json``.

    python tests/recorders/record_printing.py      (in an environment with PyTorch 2.13)

A case holds its input in a form that NumPy rebuilds: ``raw`` (base64 of the elements' bytes, little-endian)
or ``ramp`` (``(arange(n) * multiply % modulo - offset) * scale`` in float64, then cast), and PyTorch's text.
"""

import base64
import json
import math
import pathlib
import random

import torch

OUT = pathlib.Path(__file__).resolve().parents[1] / "data" / "printing.json"
INF, NAN = math.inf, math.nan

FLOATS = ["float16", "bfloat16", "float32", "float64"]
FLOAT8 = ["float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz", "float8_e5m2fnuz", "float8_e8m0fnu"]
INTS = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]
COMPLEX = ["complex64", "complex128"]


class Masked(torch.Tensor):
    """A subclass with a name of its own."""


class MaskedParameter(torch.nn.Parameter):
    """A subclass of Parameter."""


class Identity(torch.autograd.Function):
    """A user's Function: its node is named after the class."""

    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, ct):
        return ct


NODES = {
    "clone": torch.Tensor.clone,
    "view": lambda t: t.view_as(t),
    "mul": lambda t: t * 1,
    "permute": lambda t: t.permute(*range(t.dim())),
    "function": Identity.apply,
}

cases: list[dict] = []


def raw_input(tensor: torch.Tensor) -> dict:
    data = bytes(tensor.contiguous().reshape(-1).view(torch.uint8).tolist()) if tensor.numel() else b""
    return {"raw": base64.b64encode(data).decode()}


def ramp(n: int, multiply: int, modulo: int, offset: int, scale: float) -> torch.Tensor:
    return ((torch.arange(n) * multiply) % modulo - offset).to(torch.float64) * scale


def case(values, dtype="float32", shape=None, *, options=None, default="float32", kind="Tensor", node=None,
         requires_grad=False, device="cpu", contents=None, ramp_of=None):  # fmt: skip
    """Print one tensor and keep the case."""
    if ramp_of is not None:
        tensor = ramp(*ramp_of).to(getattr(torch, dtype))
        source = {"ramp": list(ramp_of)}
    elif isinstance(values, torch.Tensor):
        tensor, source = values, raw_input(values)
        dtype = str(values.dtype).removeprefix("torch.")
    else:
        tensor = torch.tensor(values, dtype=getattr(torch, dtype))
        source = raw_input(tensor)
    if shape is not None:
        tensor = tensor.reshape(shape)
    record = {"dtype": dtype, "shape": list(tensor.shape), **source}

    torch.set_default_dtype(getattr(torch, default))
    if device != "cpu":
        tensor = tensor.to(device)
    if kind == "Masked":
        tensor = tensor.as_subclass(Masked)
    elif kind == "MaskedParameter":
        tensor, requires_grad = MaskedParameter(tensor), True
    elif kind == "Parameter":
        tensor, requires_grad = torch.nn.Parameter(tensor), True
    elif requires_grad or node:
        tensor.requires_grad_()
    if node:
        tensor = NODES[node](tensor)
        record["grad_fn"] = tensor.grad_fn.name()
        requires_grad = True
    torch.set_printoptions(profile="default")
    torch.set_printoptions(**(options or {}))
    record["text"] = torch.Tensor.__repr__(tensor, tensor_contents=contents)
    torch.set_printoptions(profile="default")
    torch.set_default_dtype(torch.float32)

    given = {"options": options, "requires_grad": requires_grad, "contents": contents}
    record |= {name: value for name, value in given.items() if value}
    named = {"default": (default, "float32"), "kind": (kind, "Tensor"), "device": (device, "cpu")}
    record |= {name: value for name, (value, usual) in named.items() if value != usual}
    cases.append(record)


VALUES = {  # floating-point rows, each of which turns on one rule
    "plain": [0.5, -1.25, 3.0],
    "whole": [1.0, -2.0, 300.0],
    "whole and special": [1.0, NAN, -INF, 20.0],
    "fraction and special": [0.5, NAN, INF, -INF],
    "only special": [NAN, INF, -INF],
    "special and zeros": [0.0, NAN, -0.0, -INF],
    "zeros": [0.0, -0.0],
    "small": [0.015625, 3.0517578125e-05],
    "ratio at the bound": [1.0, 1000.0],
    "ratio past the bound": [1.0, 1024.0],
    "ratio with a fraction": [0.5, 1024.0],
    "rounds up": [0.99995, 9.99995],
    "many": [i / 4 - 4 for i in range(33)],
}
WIDE = {  # rows beyond the range of the half types
    "at 1e8": [1e8, -1e8],
    "large whole": [1e8, 2e8],
    "past 1e8": [100000001.0, 150000000.0],
    "huge": [1e30, -3e30],
    "tiny": [1e-30, -2e-30],
    "huge and tiny": [1e30, 1e-30, 0.0, NAN],
    "at 1e-4": [1e-4, 2e-4],
    "below 1e-4": [9.9e-5, 1e-4],
    "subnormal": [1e-42, 2e-42],
}


def record_values() -> None:
    for dtype in FLOATS + FLOAT8:
        for row in VALUES.values():
            case(torch.tensor(row).to(getattr(torch, dtype)))
    for row in WIDE.values():
        for dtype in ["float32", "float64", "bfloat16"]:
            case(row, dtype)
    case([1e300, 1e-300, -1e-310, 5e-324], "float64")
    case([1.7976931348623157e308, -1.0], "float64")
    case(torch.arange(256).to(torch.uint8).view(torch.float8_e8m0fnu)[120:140])
    case(torch.tensor([127, 128, 255], dtype=torch.uint8).view(torch.float8_e8m0fnu))
    for dtype in INTS:
        info = torch.iinfo(getattr(torch, dtype))
        case([info.min, 0, info.max], dtype)
        case(list(range(60)), dtype, (3, 20))
    case([True, False, True], "bool")
    case([[True, True]] * 2, "bool")
    case([1, -20, 300])


def record_complex() -> None:
    rows = [
        [1 + 2j, -3.5 - 0.25j, 0j],
        [complex(-0.0, -0.0), complex(NAN, INF), complex(1e-9, -1e9)],
        [complex(1, -NAN), complex(0.5, -INF)],
        [1 + 0j, 200 - 3j],
        [complex(k / 3, -k) for k in range(17)],
    ]
    for dtype in COMPLEX:
        for row in rows:
            case(row, dtype)
            case(row, dtype, options={"sci_mode": True, "precision": 2})
        case(3 - 0.5j, dtype)
        case([], dtype)
        case(rows[0], dtype, default="float64")
        case(rows[0], dtype, node="mul")
    case([complex(k, 1 / (k + 1)) for k in range(30)], "complex64", (3, 10), options={"threshold": 5, "edgeitems": 1})


def record_shapes() -> None:
    for dtype in ["float32", "float64", "bfloat16", "int64", "int32", "bool", "complex64", "float8_e5m2"]:
        case(torch.ones((), dtype=torch.float32).to(getattr(torch, dtype)))
        for shape in [(0,), (0, 3), (2, 0), (1, 0, 4)]:
            case(torch.zeros(shape).to(getattr(torch, dtype)))
        case(torch.zeros(2, 3).to(getattr(torch, dtype)), device="meta")
        case(torch.zeros(()).to(getattr(torch, dtype)), device="meta")
    for value in [1.5, -0.0, NAN, -INF, 1e-7, 12345678.0, 123456789.0, 0.1]:
        case(value)
        case(value, "float64", node="clone")
    for shape in [(1, 1), (1, 1, 1), (2, 1, 3), (2, 2, 2, 2), (1, 2, 1, 2, 1)]:
        n = math.prod(shape)
        case(None, shape=shape, ramp_of=(n, 7, 11, 5, 0.5))
        case(None, "int64", shape, ramp_of=(n, 7, 11, 5, 1.0))


def record_summaries() -> None:
    big = [(1000,), (1001,), (5000,), (40, 40), (2, 600), (600, 2), (6, 7, 30), (7, 2, 7, 13), (3, 3, 3, 3, 14)]
    for shape in big:
        n = math.prod(shape)
        if n > 1000:
            case(None, shape=shape, ramp_of=(n, 7919, 1009, 504, 0.125))
            case(None, "int32", shape, ramp_of=(n, 7919, 1009, 504, 1.0))
    for shape in [(20,), (4, 5), (9, 9), (3, 4, 5), (2, 3, 4, 3)]:
        for options in [
            {"threshold": 5},
            {"threshold": 5, "edgeitems": 1},
            {"threshold": 0, "edgeitems": 2, "linewidth": 30},
            {"threshold": 5, "edgeitems": 0},
            {"edgeitems": 0},
        ]:
            case(None, shape=shape, ramp_of=(math.prod(shape), 7, 1009, 3, 0.25), options=options)
    case([3.5], shape=(), options={"threshold": 0})
    case([3.5], shape=(), options={"threshold": 0, "edgeitems": 0})
    # A hidden element has no say in the style; a shown one has.
    case([1.0] * 4 + [1e-9] + [1.0] * 5, options={"threshold": 5})
    case([1.0] * 2 + [1e-9] + [1.0] * 7, options={"threshold": 5})
    case(None, "float64", (1200,), ramp_of=(1200, 1, 5000, 0, 1.0), options={"profile": "short"})
    case(None, "int64", (1005,), ramp_of=(1005, 1, 5000, 0, 1.0), options={"profile": "full"})


def record_options() -> None:
    row = [0.1, -22.25, 333.125, 1e-3]
    for precision in [0, 1, 2, 6, 10]:
        for sci_mode in [None, True, False]:
            case(row, options={"precision": precision, "sci_mode": sci_mode})
    for values in [[1.0, 1e10], [0.0, NAN], [1e-9, 1.5], [1, 2], [1e20, 2.0, -INF]]:
        for sci_mode in [True, False]:
            case(values, "float64", options={"sci_mode": sci_mode})
    case([1, 2000], "int64", options={"sci_mode": True})
    for linewidth in [1, 20, 33, 79, 81, 200]:
        case(None, shape=(2, 21), ramp_of=(42, 17, 101, 50, 0.125), options={"linewidth": linewidth})
        case(None, "int16", (37,), ramp_of=(37, 17, 101, 50, 1.0), options={"linewidth": linewidth})
    for profile in ["default", "short", "full"]:
        case(row, options={"profile": profile, "linewidth": 30})


def record_suffixes() -> None:
    for default in FLOATS:
        for dtype in ["float16", "float32", "float64", "complex64", "complex128", "int64", "int32", "bool"]:
            case([1, 0], dtype, default=default)
            case([], dtype, default=default)
        case([1.5], "float32", default=default, device="meta")
    for node in NODES:
        case([1.5, 2.5], node=node)
        case([1.5, 2.5], "float64", node=node)
    case(2.0, node="clone")
    case([1.0, 2.0], requires_grad=True)
    case([1.0, 2.0], "float16", requires_grad=True)
    case([], requires_grad=True)
    case([[1.0, 2.0]], requires_grad=True, device="meta")
    for n in range(5, 14):  # the suffix moves to its own line
        case([0.5 * k for k in range(n)], "float64", requires_grad=True)
        case([[0.5 * k for k in range(n)]] * 2, "float64", requires_grad=True)
    for linewidth in [*range(39, 45), *range(62, 68)]:  # both sides of each place where a suffix fits or not
        options = {"linewidth": linewidth}
        case([1.5, 2.5], "float64", requires_grad=True, options=options)
        case([[1.5, 2.5]] * 2, "float64", requires_grad=True, options=options)
    for linewidth in range(28, 72):
        case([1.5], "float64", device="meta", requires_grad=True, options={"linewidth": linewidth})
    for kind in ["Parameter", "Masked", "MaskedParameter"]:
        case([[1.0, 2.5], [3.0, 4.0]], kind=kind)
        case(None, "float64", (3, 12), ramp_of=(36, 17, 101, 50, 0.125), kind=kind)
    for contents in ["...", "x" * 70, "first\nsecond"]:
        case([1.0], contents=contents)
        case([1.0], "float64", contents=contents, requires_grad=True)
        case([], "int32", contents=contents)


def record_random(count: int) -> None:
    """Small random cases over kinds, shapes, scales and options."""
    pick = random.Random(2013)
    torch.manual_seed(2013)
    for _ in range(count):
        dtype = getattr(torch, pick.choice(FLOATS * 3 + FLOAT8 + INTS + COMPLEX + ["bool"]))
        shape = [pick.randint(1, 5) for _ in range(pick.choice([1, 1, 2, 2, 3]))]
        values = torch.randn(shape, dtype=torch.float64) * 10.0 ** pick.choice([-6, -3, 0, 0, 1, 3, 6, 12])
        if pick.random() < 0.3:
            values = values.round()
        if not (dtype.is_floating_point or dtype.is_complex):
            values = values.clamp(0, 100)
        elif pick.random() < 0.3:
            values.view(-1)[:: pick.randint(1, 4)] = pick.choice([NAN, INF, -INF, 0.0, -0.0])
        tensor = torch.complex(values, values.flip(0) * 2).to(dtype) if dtype.is_complex else values.to(dtype)
        options = {
            "precision": pick.choice([None, None, 1, 3, 7]),
            "threshold": pick.choice([None, None, 3, 10]),
            "edgeitems": pick.choice([None, 1, 2]),
            "linewidth": pick.choice([None, None, 25, 50]),
            "sci_mode": pick.choice([None, None, True, False]),
        }
        case(tensor, options={name: value for name, value in options.items() if value is not None})


def record_formats() -> list[dict]:
    """What ``format(tensor, spec)`` gives, or the class and text of its error."""
    inputs = [
        (torch.tensor(3.14159), "Tensor"),
        (torch.tensor(0.1, dtype=torch.float16), "Tensor"),
        (torch.tensor(0.1, dtype=torch.bfloat16), "Tensor"),
        (torch.tensor(1.5).to(torch.float8_e5m2), "Tensor"),
        (torch.tensor(1e-9, dtype=torch.float64), "Tensor"),
        (torch.tensor(NAN), "Tensor"),
        (torch.tensor(42), "Tensor"),
        (torch.tensor(255, dtype=torch.uint8), "Tensor"),
        (torch.tensor(True), "Tensor"),
        (torch.tensor(1.5 - 2j), "Tensor"),
        (torch.tensor([3.14159]), "Tensor"),
        (torch.tensor(3.14159), "Masked"),
        (torch.tensor(3.14159), "meta"),
    ]
    results = []
    for tensor, kind in inputs:
        record = {"dtype": str(tensor.dtype).removeprefix("torch."), "shape": list(tensor.shape), **raw_input(tensor)}
        record |= {"device": "meta"} if kind == "meta" else {"kind": kind}
        given = {"Tensor": lambda t: t, "Masked": lambda t: t.as_subclass(Masked), "meta": lambda t: t.to("meta")}
        for spec in ["", ".4f", ".2e", "8.3f", ">9", "d", "x", "+", "zz"]:
            try:
                outcome = {"text": format(given[kind](tensor), spec)}
            except (TypeError, ValueError) as error:
                outcome = {"error": type(error).__name__, "message": str(error)}
            results.append({**record, "spec": spec, **outcome})
    return results


def record_option_calls() -> list[dict]:
    """The options after each of a sequence of ``set_printoptions`` calls."""
    calls: list[dict] = [
        {"profile": "default"},
        {"precision": 2},
        {"threshold": 10, "sci_mode": True},
        {"edgeitems": 1},
        {"profile": "full", "precision": 6},
        {"sci_mode": False, "linewidth": 120},
        {"profile": "short"},
        {},
        {"profile": "default", "sci_mode": None},
    ]
    results = []
    for call in calls:
        torch.set_printoptions(**call)
        results.append({"call": call, "options": dict(torch._tensor_str.get_printoptions())})
    return results


def main() -> None:
    record_values()
    record_complex()
    record_shapes()
    record_summaries()
    record_options()
    record_suffixes()
    record_random(120)
    sections = {"cases": cases, "formats": record_formats(), "option_calls": record_option_calls()}
    with OUT.open("w") as file:
        file.write(f'{{"torch": {json.dumps(torch.__version__)}')
        for name, rows in sections.items():
            lines = ",\n".join(json.dumps(row, separators=(",", ":")) for row in rows)
            file.write(f',\n"{name}": [\n{lines}\n]')
        file.write("\n}\n")
    print(f"{OUT}: {', '.join(f'{len(rows)} {name}' for name, rows in sections.items())}")


if __name__ == "__main__":
    main()
