"""Twenty whole models with their training loops, in PyTorch's words.

They do `import torch`: the recorder runs them under PyTorch, the tests and benchmarks under the drop-in. A program
builds its model and returns `(modules, step)`; each `step()` trains once and returns the loss as a tensor.
"""

from __future__ import annotations

import torch

from .generative import dcgan, realnvp, vae
from .images import lenet, mixer, mobilenet, resnet18, resnet50, unet, vgg, vit
from .others import dqn, gcn, mlp
from .sequences import bert, gpt, gru_tagger, lstm_tagger, seq2seq, transformer

STEPS = 50

MODELS = {
    function.__name__: function
    for function in (mlp, lenet, resnet18, resnet50, vgg, mobilenet, unet, dcgan, vae, lstm_tagger)
    + (gru_tagger, seq2seq, transformer, gpt, bert, vit, mixer, gcn, realnvp, dqn)
}


def build(name, seed=0, nudge=0.0):
    """The modules and the step of a model; `nudge` changes each weight by about that share of itself."""
    torch.manual_seed(seed)
    modules, step = MODELS[name]()
    if nudge:
        drawn = torch.Generator().manual_seed(1)
        with torch.no_grad():
            for module in modules:
                for weight in module.parameters():
                    weight.mul_(1 + nudge * torch.randn(weight.shape, generator=drawn))
    return modules, step


def losses(name, steps=STEPS, after_step=None, **arguments):
    """The losses of training, as Python floats; they are read after the last step. `after_step` is told each step."""
    _, step = build(name, **arguments)
    found = []
    for index in range(steps):
        found.append(step())
        if after_step is not None:
            after_step(index)
    return [float(loss) for loss in found]
