"""Record PyTorch's module database: writes ``tests/data/module_db.json.gz`` and ``tests/data/module_db.npz``.

    python tests/recorders/record_module_db.py      (in an environment with PyTorch 2.13)

For every entry of ``common_modules.module_db``, in training and evaluation where they differ, and every configuration:
the arguments of constructor and ``forward``, how the module prints, its state's names and initial bytes for a seed and
the position of the random stream after it, and (as a few numbers a tensor) outputs, gradients of inputs and parameters
of a weighted sum, and what the forward pass changed in the state. In float32, and the first configuration of each
entry in float64 too. For the wrong configurations of ``module_error_inputs_func``: the error.

Inputs are not drawn by PyTorch but here, from numbered seeds, so that they need not be stored.
"""

import contextlib
import dataclasses
import gzip
import hashlib
import json
import pathlib
import sys
import warnings

import numpy as np

DATA = pathlib.Path(__file__).resolve().parents[1] / "data"
KEPT = 4
"""Numbers kept of a tensor: all its elements if there are no more, else as many weighted sums."""


# Values of tensors ----------------------------------------------------------------------------------------------------


def drawn(recipe):
    """The values of a recipe ``[kind, seed, shape, dtype, low, high]``."""
    kind, seed, shape, dtype, low, high = recipe
    state = np.random.RandomState(seed)
    if kind == "normal":
        return np.asarray(state.standard_normal(shape)).astype(dtype)
    if dtype == "bool":
        return state.randint(0, 2, shape).astype(bool)
    if dtype.startswith(("int", "uint")):
        return np.asarray(state.randint(low, high, shape)).astype(dtype)
    return np.asarray(state.uniform(low, high, shape)).astype(dtype)


def short(values):
    """The values with 8 significant bits, cut towards zero: what is not drawn is stored as that."""
    return (np.asarray(values, "float32").view(np.uint32) & 0xFFFF0000).view(np.float32)


@dataclasses.dataclass
class Reader:
    """Builds arguments from their descriptions."""

    torch: object
    raw: np.ndarray
    inputs: list = dataclasses.field(default_factory=list)

    def tensor(self, spec):
        torch = self.torch
        if spec["how"] == "raw":
            start, shape = spec["at"]
            values = self.raw[start : start + int(np.prod(shape, dtype=int))].astype(np.uint32) << 16
            values = values.view(np.float32).reshape(shape).astype(spec["dtype"])
        elif spec["how"] == "list":
            values = np.array(spec["values"], spec["dtype"]).reshape(spec["shape"])
        else:
            values = drawn(spec["recipe"])
        made = torch.from_numpy(np.array(values))
        strides = spec.get("strides", ())
        if 0 in strides:
            made = made[tuple(slice(0, 1) if n == 0 else slice(None) for n in strides)].expand(values.shape)
        elif strides:
            made = torch.empty_strided(tuple(values.shape), tuple(strides), dtype=made.dtype).copy_(made)
        if spec.get("grad"):
            made.requires_grad_()
            self.inputs.append(made)
            made = made.clone() if spec["grad"] == "clone" else made
        return made

    def table(self, specs):
        self.tensors = [self.tensor(spec) for spec in specs]

    def value(self, d):
        torch = self.torch
        if not isinstance(d, list):
            return d
        kind, *rest = d
        if kind == "T":
            return self.tensors[rest[0]]
        if kind == "tuple":
            return tuple(map(self.value, rest))
        if kind == "list":
            return list(map(self.value, rest))
        if kind == "dict":
            return {k: self.value(v) for k, v in rest[0].items()}
        if kind == "float":
            return float(rest[0])
        if kind == "complex":
            return complex(rest[0])
        if kind == "dtype":
            return getattr(torch, rest[0])
        if kind == "device":
            return torch.device(rest[0])
        if kind == "F":
            return getattr(torch.nn.functional, rest[0])
        if kind == "options":
            return torch.nn.LinearCrossEntropyOptions(**self.value(rest[0]))
        if kind == "module":
            return getattr(torch.nn, rest[0])(*self.value(rest[1]), **self.value(rest[2]))
        if kind == "packed":
            return torch.nn.utils.rnn.PackedSequence(*map(self.value, rest))
        raise TypeError(kind)


class Writer:
    """Describes arguments so that a ``Reader`` builds them again."""

    def __init__(self, torch, recipes):
        self.torch = torch
        self.recipes = recipes
        self.raw = []
        self.count = 0
        self.start()

    def start(self):
        self.specs = []
        self.known = {}

    def tensor(self, t):
        if id(t) in self.known:
            return ["T", self.known[id(t)][0]]
        dtype = str(t.dtype)[6:]
        if id(t) in self.recipes:
            spec = {"how": "drawn", "recipe": self.recipes[id(t)][0]}
        elif t.is_floating_point():
            bits = (short(t.detach().numpy()).view(np.uint32) >> 16).astype(np.uint16).reshape(-1)
            spec = {"how": "raw", "at": [self.count, list(t.shape)], "dtype": dtype}
            self.raw.append(bits)
            self.count += bits.size
        else:
            spec = {"how": "list", "values": t.reshape(-1).tolist(), "shape": list(t.shape), "dtype": dtype}
        if not t.is_contiguous():
            spec["strides"] = list(t.stride())
        if t.requires_grad:
            spec["grad"] = True
        self.known[id(t)] = (len(self.specs), t)
        self.specs.append(spec)
        return ["T", len(self.specs) - 1]

    def value(self, v):
        torch = self.torch
        if isinstance(v, torch.Tensor):
            return self.tensor(v)
        if isinstance(v, torch.nn.utils.rnn.PackedSequence):
            return ["packed", *map(self.value, tuple(v))]
        if isinstance(v, tuple):
            return ["tuple", *map(self.value, v)]
        if isinstance(v, list):
            return ["list", *map(self.value, v)]
        if isinstance(v, dict):
            return ["dict", {k: self.value(x) for k, x in v.items()}]
        if isinstance(v, float):
            return ["float", repr(v)]
        if isinstance(v, complex):
            return ["complex", repr(v)]
        if v is None or isinstance(v, (int, str)):
            return v
        if isinstance(v, torch.dtype):
            return ["dtype", str(v)[6:]]
        if isinstance(v, torch.device):
            return ["device", str(v)]
        if isinstance(v, torch.nn.LinearCrossEntropyOptions):
            return ["options", self.value({f.name: getattr(v, f.name) for f in dataclasses.fields(v)})]
        if isinstance(v, torch.nn.Module):
            args, kwargs = v._made_with
            return ["module", type(v).__name__, self.value(tuple(args)), self.value(kwargs)]
        if callable(v) and getattr(torch.nn.functional, v.__name__, None) is v:
            return ["F", v.__name__]
        raise TypeError(type(v))


# What is observed -----------------------------------------------------------------------------------------------------


def flat(torch, value):
    """The tensors of nested outputs, with their paths."""
    if isinstance(value, torch.Tensor):
        return [("", value)]
    if value is None:
        return []
    found = []
    for i, item in enumerate(value):
        found += [(f".{i}{path}", t) for path, t in flat(torch, item)]
    return found


def weights(shape):
    """The weights of an output in the sum whose gradients are taken."""
    n = int(np.prod(shape, dtype=int))
    return np.cos(np.arange(n) * 1.7 + 0.3).reshape(shape)


def summary(values):
    """Few numbers: the elements themselves, or sums weighted with noise; sums of complex parts one after the other."""
    values = np.asarray(values)
    if values.dtype.kind == "c":
        values = np.stack([values.real, values.imag])
    x = values.astype("float64").reshape(-1)
    if x.size <= KEPT:
        return x
    noise = np.random.RandomState(x.size).uniform(0.5, 1.5, (KEPT, x.size))
    return noise * np.sign(np.random.RandomState(1).uniform(-1, 1, (KEPT, x.size))) @ x


def digest(torch, state):
    """Eight letters that stand for the names, shapes and bytes of a state; uninitialized parameters count by name."""
    found = hashlib.sha1()
    for key, value in state.items():
        found.update(key.encode())
        if isinstance(value, torch.nn.parameter.UninitializedTensorMixin):
            continue
        values = value.detach().numpy()
        found.update(f"{values.shape}{values.dtype}".encode() + values.tobytes())
    return found.hexdigest()[:8]


def built(torch, case, reader, seed):
    torch.manual_seed(seed)
    reader.table(case["tensors"])
    return getattr(torch.nn, case["module"])(*reader.value(case["init"][0]), **reader.value(case["init"][1]))


def observe(torch, case, raw):
    """What is compared of a configuration: a dictionary of plain values, and one of tensors."""
    plain, tensors = {}, {}
    reader = Reader(torch, raw)
    try:
        module = built(torch, case, reader, 7)
        module.to(getattr(torch, case["dtype"])).train(case["training"])
        plain["repr"] = repr(module)
        plain["keys"] = list(module.state_dict())
        plain["initial"] = digest(torch, module.state_dict())
        plain["stream"] = float(torch.rand(1))
        if case["forward"] is None:
            return plain, tensors
        torch.manual_seed(11)
        out = module(*reader.value(case["forward"][0]), **reader.value(case["forward"][1]))
    except Exception as error:
        plain["error"] = [type(error).__name__, str(error)[:60]]
        return plain, tensors
    plain["after"] = repr(module) if repr(module) != plain["repr"] else ""
    total = None
    for path, t in flat(torch, out):
        tensors["out" + path] = t
        if t.requires_grad:
            part = (t * torch.from_numpy(weights(tuple(t.shape))).to(t.dtype)).sum()
            total = part if total is None else total + part
    if total is not None:
        (total.real if total.is_complex() else total).backward()
    for i, t in enumerate(reader.inputs):
        if t.grad is not None:
            tensors[f"grad of input {i}"] = t.grad
    for name, p in module.named_parameters():
        if p.grad is not None:
            tensors[f"grad of {name}"] = p.grad
    tensors.update({f"state {name}": b for name, b in module.named_buffers() if b.is_floating_point()})
    plain["stream after"] = float(torch.rand(1))
    return plain, tensors


def in_pattern(tensors):
    """Names, dtypes, shapes and strides of tensors."""
    return [[name, str(t.dtype)[6:], list(t.shape)] for name, t in tensors.items()]


# Recording ------------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def own_draws(torch, common_modules, recipes):
    """Draw the inputs of PyTorch's database by recipes."""
    count = [0]

    def made(kind, shape, dtype, low, high, requires_grad):
        count[0] += 1
        recipe = [kind, count[0], list(shape), str(dtype)[6:], low, high]
        t = torch.from_numpy(np.array(drawn(recipe))).requires_grad_(requires_grad)
        recipes[id(t)] = (recipe, t)
        return t

    def make_tensor(
        *shape, dtype, device=None, low=None, high=None, requires_grad=False, noncontiguous=False, exclude_zero=False,
        memory_format=None,
    ):  # fmt: skip
        if noncontiguous or memory_format is not None:
            raise NotImplementedError
        shape = shape[0] if len(shape) == 1 and isinstance(shape[0], (tuple, list, torch.Size)) else shape
        integral = not dtype.is_floating_point
        low = -9 if low is None else low
        high = (10 if integral else 9) if high is None else high
        if dtype == torch.uint8:
            low = max(low, 0)
        return made("uniform", shape, dtype, low, high, requires_grad)

    def randn(*shape, dtype=None, device=None, requires_grad=False):
        shape = shape[0] if len(shape) == 1 and isinstance(shape[0], (tuple, list, torch.Size)) else shape
        return made("normal", shape, dtype or torch.float32, 0, 1, requires_grad)

    def randint(low, high, size, dtype=torch.int64, device=None, requires_grad=False):
        return made("uniform", size, dtype, low, high, False)

    before = common_modules.make_tensor, torch.randn, torch.randint
    common_modules.make_tensor, torch.randn, torch.randint = make_tensor, randn, randint
    try:
        yield
    finally:
        common_modules.make_tensor, torch.randn, torch.randint = before


def remember_arguments(torch):
    """Let modules that are arguments of others know what they were made with."""
    for cls in (torch.nn.TransformerEncoderLayer, torch.nn.TransformerDecoderLayer):
        original = cls.__init__

        def init(self, *args, _original=original, **kwargs):
            _original(self, *args, **kwargs)
            self.__dict__["_made_with"] = (args, kwargs)

        cls.__init__ = init


def described(writer, info, given, training, dtype):
    writer.start()
    inplace = given.constructor_input.kwargs.get("inplace", False) or True in given.constructor_input.args
    case = {
        "module": info.module_cls.__name__, "dtype": str(dtype)[6:], "training": training,
        "init": [writer.value(tuple(given.constructor_input.args)), writer.value(given.constructor_input.kwargs)],
        "forward": None if given.forward_input is None
        else [writer.value(tuple(given.forward_input.args)), writer.value(given.forward_input.kwargs)],
    }  # fmt: skip
    case["tensors"] = writer.specs
    for spec in writer.specs:
        if inplace and "grad" in spec:
            spec["grad"] = "clone"  # a leaf cannot be changed in place
    return case


def main():
    import torch
    from torch.testing._internal import common_modules

    sys.setrecursionlimit(10000)
    warnings.simplefilter("ignore")
    remember_arguments(torch)
    recipes, record, numbers = {}, [], []
    writer = Writer(torch, recipes)
    cases = []
    for info in common_modules.module_db:
        for dtype in (torch.float32, torch.float64):
            for training in (True, False) if info.train_and_eval_differ else (True,):
                with own_draws(torch, common_modules, recipes):
                    options = dict(device="cpu", dtype=dtype, requires_grad=True, training=training)
                    found = list(info.module_inputs_func(info, **options))
                    wrong = (
                        list(info.module_error_inputs_func(info, **options)) if info.module_error_inputs_func else []
                    )
                if dtype == torch.float64:
                    found, wrong = found[:1], []
                cases += [described(writer, info, given, training, dtype) for given in found]
                cases += [described(writer, info, e.module_error_input, training, dtype) for e in wrong]
    raw = np.concatenate(writer.raw)
    for case in cases:
        plain, tensors = observe(torch, case, raw)
        case["plain"], case["pattern"] = plain, in_pattern(tensors)
        values = [summary(t.detach().numpy()) for t in tensors.values()]
        case["at"] = sum(map(len, numbers))
        numbers.append(np.concatenate([np.zeros(0), *values]))
        record.append(case)
    with gzip.GzipFile(DATA / "module_db.json.gz", "wb", mtime=0) as file:
        file.write(json.dumps(record, separators=(",", ":")).encode())
    np.savez_compressed(DATA / "module_db.npz", raw=raw, numbers=np.concatenate(numbers).astype("float32"))
    errors = [case for case in record if "error" in case["plain"]]
    print(len(record), "configurations,", len(errors), "of them errors;", len(raw), "stored values")


if __name__ == "__main__":
    main()
