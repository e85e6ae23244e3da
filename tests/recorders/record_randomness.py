"""Record PyTorch's random tensors: writes ``tests/data/randomness.json``.

    python tests/recorders/record_randomness.py        (in an environment with PyTorch 2.13 on a CPU with AVX2)

``stream``: one interleaved stream after ``manual_seed(0)``, ``[statements, digest]`` each: the statements leave a
tensor in ``x``; the digest is over its dtype, shape, strides and values. ``state``: digest of the generator's state at
the end. ``calls``: ``[expression, outcome]`` of single calls, each after ``manual_seed(0)``: ``[class, first line]`` of
the exception, or ``null``.
"""

import hashlib
import json
import pathlib
import random
import warnings

import numpy as np
import torch

OUT = pathlib.Path(__file__).resolve().parents[1] / "data" / "randomness.json"
REAL = ["float32", "float64", "float16", "bfloat16"]
INTEGER = ["int64", "int32", "int16", "int8", "uint8"]
BASES = [
    "zeros({n}, dtype=torch.{d})",
    "zeros({n}, 3, dtype=torch.{d}).t()",
    "zeros(2, 3, 4, {n}, dtype=torch.{d}).to(memory_format=torch.channels_last)",
    "zeros(3, {n}, 2, dtype=torch.{d}).permute(2, 0, 1)",
    "zeros(3, {n}, dtype=torch.{d})",
]
VIEWS = ["", "[..., ::2]", "[..., 1:]", ".unsqueeze(1)", ".transpose(0, -1)", "[-1:]"]
FILLS = {
    "uniform_": lambda r: r.choice(["", "-0.5, 2", "0.25, to=0.5"]),
    "normal_": lambda r: r.choice(["", "1, 0.02", "mean=-2.5, std=3"]),
    "exponential_": lambda r: r.choice(["", "0.25"]),
    "cauchy_": lambda r: r.choice(["", "1, 2"]),
    "log_normal_": lambda r: r.choice(["", "0.5, 0.25"]),
    "random_": lambda r: r.choice(["", "100", "3, 90", "**{'from': 2, 'to': 9}"]),
    "geometric_": lambda r: r.choice(["0.3", "p=0.9"]),
    "bernoulli_": lambda r: r.choice(["", "0.3", "p=0.75", "torch.full((1,), 0.4)"]),
}
LIKE = [
    "torch.rand_like({t})",
    "torch.randn_like({t})",
    "torch.randint_like({t}, 3, 77)",
    "torch.rand_like({t}, dtype=torch.float64)",
    "torch.randn_like({t}, memory_format=torch.contiguous_format)",
    "torch.normal({t}, 2.0)",
    "torch.normal(1.5, {t} + 1)",
    "torch.normal({t}, {t} + 2)",
    "torch.bernoulli({t} + 0.25)",
    "torch.bernoulli({t}, 0.6)",
    "torch.poisson({t} + 4)",
    "torch.binomial({t} + 9, {t} + 0.4)",
    "torch.rand({t}.shape, out={t})",
    "torch.randn({t}.shape, out={t})",
    "torch.nn.functional.dropout({t} + 1, 0.3)",
]
FACTORIES = [
    "torch.rand({n}, dtype=torch.{d})",
    "torch.randn({n}, dtype=torch.{d})",
    "torch.rand(3, {n}, dtype=torch.{d})",
    "torch.randn((2, {n}), dtype=torch.{d})",
    "torch.randn({n}, dtype=torch.complex64)",
    "torch.rand({n}, dtype=torch.complex128)",
    "torch.randint({n} + 1, ({n},))",
    "torch.randint(-7, 7 + {n}, (2, {n}), dtype=torch.{i})",
    "torch.randint(0, 2**40, ({n},))",
    "torch.randperm({n})",
    "torch.randperm({n}, dtype=torch.{i})",
    "torch.normal(0.5, 2.0, (3, {n}))",
    "torch.rand({n}).multinomial(1)",
    "torch.multinomial(torch.ones(3, {n} + 2) / 2, 2)",
    "torch.multinomial(torch.rand({n} + 2, 3).t(), 2)",
    "torch.multinomial(torch.rand(2, {n}), 9, replacement=True)",
    "torch.randint(0, 9, ({n},), out=torch.zeros({n}))",
    "torch.rand({n}, generator=g)",
    "torch.randn({n}, generator=g.manual_seed({n}))",
]
SINGLE = [
    "torch.rand('a')",
    "torch.rand(2.0)",
    "torch.rand(2, -1)",
    "torch.rand()",
    "torch.rand(2, dtype=torch.int64)",
    "torch.rand(2, foo=1)",
    "torch.rand((2,), 3)",
    "torch.rand((2, 3.0))",
    "torch.rand(2, None)",
    "torch.rand(2, size=(3,))",
    "torch.rand(2, out=torch.zeros(2, dtype=torch.int64))",
    "torch.rand(2, out=torch.zeros(2), dtype=torch.float64)",
    "torch.rand(2, layout=torch.sparse_coo)",
    "torch.rand(2, pin_memory=True)",
    "torch.rand_like(3)",
    "torch.rand_like(torch.zeros(2), 5)",
    "torch.rand_like(torch.zeros(2), memory_format=torch.channels_last)",
    "torch.randn(2, dtype=torch.int32)",
    "torch.randint(5)",
    "torch.randint(5, 3)",
    "torch.randint(3, 2, (3,))",
    "torch.randint(0, 5, 3)",
    "torch.randint(2.0, (2,))",
    "torch.randint(500, (2,), dtype=torch.uint8)",
    "torch.randint(3, (2,), dtype=torch.bool)",
    "torch.randint(3, (2,), dtype=torch.complex64)",
    "torch.randint(0, 2**63, (2,))",
    "torch.randint(0, 5, (2,), requires_grad=True)",
    "torch.randint(True, (2,))",
    "torch.randint(0, 5, (2,), 5)",
    "torch.randint_like(torch.zeros(2))",
    "torch.randint_like(torch.zeros(2), 2.5)",
    "torch.randint_like(torch.zeros(2), 5, 2)",
    "torch.randperm(-1)",
    "torch.randperm(5.0)",
    "torch.randperm()",
    "torch.randperm(300, dtype=torch.uint8)",
    "torch.randperm(5, dtype=torch.bool)",
    "torch.normal(0., 1.)",
    "torch.normal(0., 1., 2)",
    "torch.normal(0., -1., (2,))",
    "torch.normal(torch.zeros(2), -1.)",
    "torch.normal(1., -torch.ones(2))",
    "torch.normal(torch.zeros(3), torch.ones(2))",
    "torch.normal('a', 1.)",
    "torch.normal()",
    "torch.normal(torch.zeros(2), torch.ones(2, dtype=torch.complex64))",
    "torch.normal(torch.zeros(2), 1., dtype=torch.float64)",
    "torch.normal(torch.zeros(2), 1., out=torch.zeros(2, requires_grad=True))",
    "torch.bernoulli(torch.zeros(2), p=2)",
    "torch.bernoulli(torch.tensor([2.0, 2.0]))",
    "torch.bernoulli(torch.zeros(2, dtype=torch.int64))",
    "torch.bernoulli(0.5)",
    "torch.bernoulli(torch.zeros(2), 0.5, out=torch.zeros(2))",
    "torch.multinomial(torch.zeros(2), 1)",
    "torch.multinomial(torch.ones(2), 0)",
    "torch.multinomial(torch.ones(2), 3)",
    "torch.multinomial(-torch.ones(2), 2)",
    "torch.multinomial(torch.ones(2, 2, 2), 2)",
    "torch.multinomial(torch.ones(2), 2.0)",
    "torch.multinomial(torch.ones(2).long(), 1)",
    "torch.multinomial(torch.ones(2), 2, out=torch.zeros(2))",
    "torch.poisson(-torch.ones(2))",
    "torch.poisson(3)",
    "torch.poisson(torch.ones(2), 3)",
    "torch.binomial(torch.ones(2), torch.ones(2).double())",
    "torch.binomial(torch.ones(2), 0.5)",
    "torch.zeros(2).uniform_(0, 1, 2)",
    "torch.zeros(2).uniform_(1, 0)",
    "torch.zeros(2).uniform_('a')",
    "torch.zeros(2).uniform_(0, foo=1)",
    "torch.zeros(2).uniform_(0, **{'from': 1})",
    "torch.zeros(2).uniform_(generator=3)",
    "torch.zeros(2).normal_(0, -1)",
    "torch.zeros(2).normal_(torch.zeros(2), 1)",
    "torch.zeros(2).random_(5, 3)",
    "torch.zeros(2).random_(2.5)",
    "torch.zeros(2).random_(**{'from': 2})",
    "torch.zeros(2).random_(1, 2, 3)",
    "torch.zeros(2).bernoulli_(2.)",
    "torch.zeros(2).bernoulli_('a')",
    "torch.zeros(2).bernoulli_(torch.ones(2).long())",
    "torch.zeros(2).exponential_(0)",
    "torch.zeros(2).geometric_()",
    "torch.zeros(2).geometric_(1.)",
    "torch.zeros(2).cauchy_(0, -1)",
    "torch.zeros(2).log_normal_(0, 0)",
    "torch.zeros(2).long().uniform_()",
    "torch.zeros(2).long().normal_()",
    "torch.zeros(2).long().exponential_()",
    "torch.zeros(2).long().cauchy_()",
    "torch.zeros(2, requires_grad=True).uniform_()",
    "torch.zeros(2, requires_grad=True)[:1].normal_()",
    "torch.zeros(1).expand(3).uniform_()",
    "torch.Generator('meta')",
    "torch.Generator().manual_seed(2**64)",
    "torch.Generator().manual_seed(2.0)",
    "torch.Generator().set_state(torch.zeros(3))",
    "torch.Generator().set_state(torch.zeros(3, dtype=torch.uint8))",
    "torch.Generator().set_state(torch.zeros(5056, dtype=torch.uint8))",
    "torch.Generator().set_state(3)",
    "torch.Generator().get_offset()",
    "torch.Generator().graphsafe_get_state()",
    "torch.Generator().graphsafe_set_state(torch.Generator())",
    "torch.manual_seed(2**64)",
    "torch.manual_seed('x')",
    "torch.set_rng_state(torch.zeros(3))",
    "torch.rand(2, device='meta')",
    "torch.randint(True, size=(2,))",
    "torch.random.fork_rng(devices=3).__enter__()",
]


def zeros(*size, dtype):
    return torch.tensor(np.zeros(size), dtype=dtype)


def digest(x):
    """Of dtype, shape, strides and values."""
    x = x.detach()
    text = f"{x.dtype} {tuple(x.shape)} {tuple(x.stride())}"
    if x.dtype in (torch.float16, torch.bfloat16):
        x = x.to(torch.float32)
    return hashlib.sha256(text.encode() + x.contiguous().numpy().tobytes()).hexdigest()[:16]


def statements(r):
    n, d = r.choice([5, 16, 17]), r.choice(["float32", *REAL])
    base = r.choice(BASES).format(n=n, d=d) + r.choice(VIEWS)
    kind = r.random()
    if kind < 0.5:
        name = r.choice(list(FILLS))
        if name in ("random_", "geometric_", "bernoulli_") and r.random() < 0.5:
            base = base.replace(d, r.choice(INTEGER))
        return f"x = {base}; x.{name}({FILLS[name](r)}); x = x if x._base is None else x._base"
    if kind < 0.75:
        call = r.choice(LIKE)
        if "binomial" in call or "poisson" in call:
            base = base.replace(d, r.choice(REAL[:2]))
        return f"t = {base}; x = " + call.format(t="t")
    return "x = " + r.choice(FACTORIES).format(n=n, d=d, i=r.choice(INTEGER))


def main():
    r = random.Random(0)
    torch.manual_seed(0)
    stream = []
    names = {"torch": torch, "zeros": zeros, "g": torch.Generator().manual_seed(3)}
    while len(stream) < 120:
        text = statements(r)
        before = torch.get_rng_state()
        try:
            exec(text, names)
        except Exception:
            torch.set_rng_state(before)  # not a call that PyTorch takes
            continue
        stream.append([text, digest(names["x"])])
    state = hashlib.sha256(torch.get_rng_state().numpy().tobytes()).hexdigest()[:16]
    calls = []
    for text in SINGLE:
        torch.manual_seed(0)
        try:
            eval(text, {"torch": torch})
            calls.append([text, None])
        except Exception as error:
            calls.append([text, [type(error).__name__, str(error).splitlines()[0][:100]]])
    lines = [json.dumps(x) for x in stream], [json.dumps(x) for x in calls]
    body = ",\n".join(lines[0]), ",\n".join(lines[1])
    OUT.write_text(f'{{"stream": [\n{body[0]}\n],\n"state": "{state}",\n"calls": [\n{body[1]}\n]}}\n')


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
