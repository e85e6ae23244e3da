"""Record PyTorch's averaged models: writes ``tests/data/swa.json``.

    python tests/recorders/record_swa.py      (in an environment with PyTorch 2.13)

``averages`` and ``mistakes`` take the ``torch`` module: the tests call the same functions with ours.
"""

import json
import pathlib

OUT = pathlib.Path(__file__).resolve().parents[1] / "data" / "swa.json"

STEPS = 5


def kinds():
    """Name to ``options(torch.optim.swa_utils)`` of an AveragedModel."""

    def own(mean, new, n):
        return mean + (new - mean) / (2 * n + 1)

    def own_multi(means, new, n):
        for mean, value in zip(means, new):
            mean.mul_(0.5).add_(value, alpha=0.5)

    return {
        "default": lambda swa: {},
        "buffers": lambda swa: {"use_buffers": True},
        "ema": lambda swa: {"avg_fn": swa.get_ema_avg_fn(0.9)},
        "ema buffers": lambda swa: {"avg_fn": swa.get_ema_avg_fn(), "use_buffers": True},
        "multi ema": lambda swa: {"multi_avg_fn": swa.get_ema_multi_avg_fn(0.7)},
        "multi ema buffers": lambda swa: {"multi_avg_fn": swa.get_ema_multi_avg_fn(0.3), "use_buffers": True},
        "swa": lambda swa: {"avg_fn": swa.get_swa_avg_fn(), "use_buffers": True},
        "multi swa": lambda swa: {"multi_avg_fn": swa.get_swa_multi_avg_fn()},
        "own": lambda swa: {"avg_fn": own},
        "own multi": lambda swa: {"multi_avg_fn": own_multi},
    }


def network(torch):
    """A small model with batch normalisation, with weights that are the same everywhere."""
    nn = torch.nn
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Tanh(), nn.Linear(4, 1))
    with torch.no_grad():
        for i, p in enumerate(model.parameters()):
            p.copy_(torch.linspace(-0.5, 0.7, p.numel()).reshape(p.shape) * (1 + 0.1 * i))
    return model


def batch(torch, t):
    return torch.linspace(-1.0, 1.0, 15).reshape(5, 3) * (1 + 0.2 * t) + 0.1 * t


def averages(torch, name):
    """The averaged state after each of a few steps, the output, and the state after ``update_bn``."""
    swa = torch.optim.swa_utils
    model = network(torch)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    averaged = swa.AveragedModel(model, **kinds()[name](swa))
    out = {"keys": list(averaged.state_dict()), "states": []}
    for t in range(STEPS):
        optimizer.zero_grad()
        (model(batch(torch, t)) ** 2).mean().backward()
        optimizer.step()
        averaged.update_parameters(model)
        out["states"].append([v.flatten().tolist() for v in averaged.state_dict().values()])
    averaged.eval()
    out["output"] = averaged(batch(torch, 0)).flatten().tolist()
    averaged.train()
    swa.update_bn([(batch(torch, t), None) for t in range(3)], averaged)
    out["buffers"] = [v.flatten().tolist() for v in averaged.buffers()]
    out["momentum"] = averaged.module[1].momentum
    return out


def main():
    import torch

    torch.set_num_threads(1)
    text = json.dumps({name: averages(torch, name) for name in kinds()}, separators=(",", ":"))
    OUT.write_text(text.replace('],"', '],\n"') + "\n")
    print(f"{OUT}: {OUT.stat().st_size // 1024} KiB")


if __name__ == "__main__":
    main()
