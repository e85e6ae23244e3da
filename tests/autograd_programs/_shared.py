"""The registry of programs, and what they share."""

import warnings

PROGRAMS = {}


def program(fn):
    PROGRAMS[fn.__name__] = fn
    return fn


def outcome(fn, torch):
    """The program's result, or its error as ``["raises", class, text]``."""
    torch.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return plain(fn(torch))
        except Exception as e:
            return ["raises", type(e).__name__, str(e).split("(Triggered")[0].strip()]


def plain(x):
    """Tensors as lists of rounded numbers, everything else as JSON has it."""
    if x is None or isinstance(x, (bool, int, str)):
        return x
    if isinstance(x, complex):
        return [plain(x.real), plain(x.imag)]
    if isinstance(x, float):
        return float(f"{x:.4g}")
    if isinstance(x, (list, tuple)):
        return [plain(v) for v in x]
    return plain(x.detach().tolist())


def leaf(torch, *shape):
    n = 1
    for s in shape:
        n *= s
    return (torch.arange(1.0, 1 + n).reshape(shape) / 4).requires_grad_()


def weighted(torch, y, *xs):
    """Gradients of sum(w * y) with distinct weights, so that a misplaced cotangent shows."""
    w = torch.arange(1.0, 1 + y.numel()).reshape(y.shape)
    return torch.autograd.grad((y * w).sum(), xs, allow_unused=True)


def simple_function(torch, forward, backward):
    """A Function of one tensor from two plain functions."""
    return type("F", (torch.autograd.Function,), {"forward": staticmethod(forward), "backward": staticmethod(backward)})
