"""What the programs share: one training step, classification, synthetic images."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn


def labelled_images(count, channels, size, classes):
    """Images and their classes: each class has a smooth pattern, under noise."""
    patterns = F.interpolate(torch.randn(classes, channels, 4, 4), size=size, mode="bilinear", align_corners=False)
    labels = torch.randint(classes, (count,))
    return patterns[labels] + 0.5 * torch.randn(count, channels, size, size), labels


class Classification:
    """Computes the loss of a net's scores of the next batch of (examples, labels)."""

    def __init__(self, net, batches, criterion=F.cross_entropy):
        self.net, self.batches, self.criterion = net, batches, criterion

    def __call__(self):
        x, y = next(self.batches)
        return self.criterion(self.net(x), y)


def stepper(loss, optimizer, scheduler=None, *, clip=None, metric=False):
    """A function that does one training step and returns its loss, which nothing has read unless `metric` is set.

    `clip` limits the norm of all gradients; with `metric` the scheduler is told the loss.
    """

    def step():
        optimizer.zero_grad()
        value = loss()
        value.backward()
        if clip is not None:
            nn.utils.clip_grad_norm_([p for group in optimizer.param_groups for p in group["params"]], clip)
        optimizer.step()
        if metric:
            scheduler.step(value.item())
        elif scheduler is not None:
            scheduler.step()
        return value.detach()

    return step
