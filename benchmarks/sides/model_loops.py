"""The models of `tests/model_programs` as loops: `LOOPS["model:NAME"](compiled)` returns `step()`."""

import functools

import model_programs


def _loop(name, compiled):
    if compiled:
        raise NotImplementedError("torch.compile of whole models")
    return model_programs.build(name)[1]


def wait(loss):
    """Wait for the value."""
    return loss.sum().item()


LOOPS = {f"model:{name}": functools.partial(_loop, name) for name in model_programs.MODELS}
