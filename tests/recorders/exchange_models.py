"""Training states in both directions between this package and PyTorch: the twenty models, and every optimizer.

    python tests/recorders/exchange_models.py --torch-python PYTHON [names]      (PYTHON: with PyTorch 2.13)

A model of ``tests/model_programs`` is trained for two steps by PyTorch, which writes its modules, the states of modules
and optimizers, and the generator's. This package loads all that into a model of its own and writes it; PyTorch loads
that, compares it bit for bit, goes on with the losses of the uninterrupted run, and writes once more; this package
compares. An optimizer with each of its options takes three steps on one side and three more on the other.
"""

import argparse
import pathlib
import subprocess
import sys
import tempfile
import warnings

HERE = pathlib.Path(__file__).resolve()
sys.path.insert(0, str(HERE.parents[1]))

OPTIMIZERS = {
    "SGD": [
        {},
        {"lr": 0.01, "momentum": 0.9, "nesterov": True},
        {"momentum": 0.9, "dampening": 0.1, "weight_decay": 0.01},
    ],
    "Adam": [{}, {"amsgrad": True, "weight_decay": 0.01}, {"maximize": True}],
    "AdamW": [{}, {"amsgrad": True}],
    "Adamax": [{"weight_decay": 0.01}],
    "NAdam": [{}, {"decoupled_weight_decay": True, "weight_decay": 0.01}],
    "RAdam": [{}],
    "Adagrad": [{"lr_decay": 0.1, "initial_accumulator_value": 0.1}],
    "Adadelta": [{}],
    "RMSprop": [{}, {"momentum": 0.9, "centered": True}],
    "Rprop": [{}],
    "ASGD": [{}],
    "LBFGS": [{"max_iter": 3}, {"max_iter": 3, "line_search_fn": "strong_wolfe"}],
    "Adafactor": [{}, {"weight_decay": 0.01}],
    "Muon": [{}],
    "SparseAdam": [{}],
}


def differences(torch, a, b, at=""):
    """Where two objects differ: tensors by bits, dtype, shape and stride, all else by value."""
    if isinstance(a, torch.Tensor) and isinstance(b, torch.Tensor):
        if (a.dtype, a.shape, a.stride()) != (b.dtype, b.shape, b.stride()):
            yield f"{at}: {a.dtype} {tuple(a.shape)} {a.stride()}, {b.dtype} {tuple(b.shape)} {b.stride()}"
        elif a.numel() and not torch.equal(
            a.detach().reshape(-1).view(torch.uint8), b.detach().reshape(-1).view(torch.uint8)
        ):
            yield f"{at}: other values"
    elif isinstance(a, dict) and isinstance(b, dict):
        if list(a) != list(b):
            yield f"{at}: keys {list(a)}, {list(b)}"
        for key in a.keys() & b.keys():
            yield from differences(torch, a[key], b[key], f"{at}/{key}")
    elif isinstance(a, (list, tuple)) and type(a) is type(b) and len(a) == len(b):
        for i, (x, y) in enumerate(zip(a, b, strict=True)):
            yield from differences(torch, x, y, f"{at}/{i}")
    elif type(a) is not type(b) or a != b:
        yield f"{at}: {a!r}, {b!r}"


class Run:
    """A model of `model_programs` with all its optimizers."""

    def __init__(self, torch, name):
        import model_programs

        self.torch, self.optimizers = torch, []
        make = torch.optim.Optimizer.__init__

        def noted(optimizer, *args, **kwargs):
            self.optimizers.append(optimizer)
            make(optimizer, *args, **kwargs)

        torch.optim.Optimizer.__init__ = noted
        try:
            self.modules, self.step = model_programs.build(name)
        finally:
            torch.optim.Optimizer.__init__ = make

    def state(self):
        return {
            "modules": [module.state_dict() for module in self.modules],
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "random": self.torch.get_rng_state(),
        }

    def load(self, state):
        for module, values in zip(self.modules, state["modules"], strict=True):
            module.load_state_dict(values)
        for optimizer, values in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(values)
        self.torch.set_rng_state(state["random"])


def compare(torch, what, a, b):
    for i, text in enumerate(differences(torch, a, b)):
        if i < 5:
            print(f"    {what} {text}", flush=True)


def model(torch, folder, name, turn):
    """One turn of one model: 0 PyTorch begins, 1 this package, 2 PyTorch again, 3 this package again."""
    before, after = folder / f"{name}.{turn - 1}.pt", folder / f"{name}.{turn}.pt"
    run = Run(torch, name)
    if turn == 0:
        for _ in range(2):
            run.step()
        torch.save(run.state(), after)
        torch.save(run.modules, folder / f"{name}.modules.{turn}.pt")
        torch.save([float(run.step()) for _ in range(2)], folder / f"{name}.losses.pt")
        return
    state = torch.load(before)
    if turn == 2:  # so that the next batches and rates are those of the uninterrupted run
        for _ in range(2):
            run.step()
    run.load(state)
    compare(torch, f"{name}, turn {turn}, loaded", run.state(), state)
    modules = torch.load(folder / f"{name}.modules.{turn - 1}.pt", weights_only=False)
    compare(torch, f"{name}, turn {turn}, modules", [m.state_dict() for m in modules], state["modules"])
    torch.save(run.state(), after)
    torch.save(modules, folder / f"{name}.modules.{turn}.pt")
    if turn == 2:
        compare(torch, f"{name}, whole round", state, torch.load(folder / f"{name}.0.pt"))
        losses = [float(run.step()) for _ in range(2)]
        compare(torch, f"{name}, losses after it", losses, torch.load(folder / f"{name}.losses.pt"))


def optimizer(torch, folder, name, turn):
    """One turn of an optimizer with each of its options: the first side steps, the second goes on."""
    for i, options in enumerate(OPTIMIZERS[name]):
        file = folder / f"{name}.{i}.pt"
        torch.manual_seed(0)
        shapes = [(4, 3)] if name in ("Muon", "SparseAdam") else [(4, 3), (3,)]
        params = [torch.nn.Parameter(torch.randn(shape)) for shape in shapes]
        optimizer = getattr(torch.optim, name)(params, **{"lr": 0.1, **options})

        def closure(params=params, optimizer=optimizer):
            optimizer.zero_grad()
            if name == "SparseAdam":
                loss = torch.nn.functional.embedding(torch.tensor([0, 2, 2]), params[0], sparse=True).square().sum()
            else:
                loss = sum((p * p).square().sum() + p.sum() for p in params)
            loss.backward()
            return loss

        if turn == 0:
            for _ in range(3):
                optimizer.step(closure)
            torch.save({"state": optimizer.state_dict(), "params": [p.detach().clone() for p in params]}, file)
            for _ in range(3):
                optimizer.step(closure)
            torch.save([p.detach() for p in params], f"{file}.after")
            continue
        state = torch.load(file)
        optimizer.load_state_dict(state["state"])
        for p, value in zip(params, state["params"], strict=True):
            p.data.copy_(value)
        compare(torch, f"{name} {options}", optimizer.state_dict(), state["state"])
        for _ in range(3):
            optimizer.step(closure)
        worst = max(
            float(((p.detach() - q).abs() / (1 + q.abs())).max())
            for p, q in zip(params, torch.load(f"{file}.after"), strict=True)
        )
        if not worst <= 2e-5:
            print(f"    {name} {options}: {worst:.1e} after three more steps", flush=True)


def side(name, turn, folder, names):
    """One turn of one side, in this process."""
    warnings.simplefilter("ignore")
    if name == "torchax_lite":
        sys.path.insert(0, str(HERE.parents[2]))
        import torchax_lite

        torchax_lite.install()
    import torch

    for part in names:
        (optimizer if part in OPTIMIZERS else model)(torch, folder, part, turn)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--torch-python", required=True, help="interpreter with PyTorch")
    parser.add_argument("--side", nargs=3, metavar=("SIDE", "TURN", "FOLDER"), help="for the processes of this script")
    parser.add_argument("names", nargs="*", help="models and optimizers; all by default")
    options = parser.parse_args()
    if options.side:
        name, turn, folder = options.side
        side(name, int(turn), pathlib.Path(folder), options.names)
        return
    pythons = {"torch": options.torch_python, "torchax_lite": sys.executable}
    models = [
        "mlp", "lenet", "resnet18", "resnet50", "vgg", "mobilenet", "unet", "dcgan", "vae", "lstm_tagger", "gru_tagger",
        "seq2seq", "transformer", "gpt", "bert", "vit", "mixer", "gcn", "realnvp", "dqn",
    ]  # fmt: skip
    there, back = ["torch", "torchax_lite"] * 2, ["torchax_lite", "torch"]
    rounds = [(n, there) for n in models] + [(n, sides) for n in OPTIMIZERS for sides in (there[:2], back)]
    clean = 0
    chosen = [(name, sides) for name, sides in rounds if not options.names or name in options.names]
    for name, sides in chosen:
        text = ""
        with tempfile.TemporaryDirectory() as folder:
            for turn, which in enumerate(sides):
                command = [pythons[which], str(HERE), "--torch-python", options.torch_python]
                command += ["--side", which, str(turn), folder, "--", name]
                done = subprocess.run(command, capture_output=True, text=True)
                text += done.stdout + (f"    {name}, turn {turn}: {done.stderr[-1500:]}\n" if done.returncode else "")
        clean += not text
        print(f"{name} ({', '.join(sides)}): {'as it was' if not text else 'DIFFERS'}\n{text}", end="", flush=True)
    print(f"{clean} of {len(chosen)} rounds kept everything")
    sys.exit(clean != len(chosen))


if __name__ == "__main__":
    main()
