"""Nets that make data: a DCGAN pair, a variational autoencoder, a normalising flow (RealNVP).

Their distributions do not validate what they are given: each check is a Python decision about values, which is read by
the host (and cuts the program there).
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import distributions, nn
from torch.distributions import kl_divergence

from .parts import stepper


def _stripes(count, size):
    """Images between -1 and 1 of waves of random direction, length and phase."""
    grid = torch.linspace(-1, 1, size)
    angle, length, phase = (
        math.pi * torch.rand(count, 1, 1),
        3 + 3 * torch.rand(count, 1, 1),
        6 * torch.rand(count, 1, 1),
    )
    wave = torch.sin(length * (torch.cos(angle) * grid[:, None] + torch.sin(angle) * grid) + phase)
    return wave.unsqueeze(1)


def _initial(module):
    """DCGAN's initial law."""
    if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
        nn.init.normal_(module.weight, 0.0, 0.02)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)
        nn.init.zeros_(module.bias)


def dcgan():
    """A generator and a discriminator in turns, two Adams with betas 0.5 and 0.999; returns the sum of both losses."""
    generator = nn.Sequential(
        *(nn.ConvTranspose2d(16, 32, 4, bias=False), nn.BatchNorm2d(32), nn.ReLU(True)),
        *(nn.ConvTranspose2d(32, 16, 4, 2, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU(True)),
        *(nn.ConvTranspose2d(16, 8, 4, 2, 1, bias=False), nn.BatchNorm2d(8), nn.ReLU(True)),
        *(nn.ConvTranspose2d(8, 1, 4, 2, 1, bias=False), nn.Tanh()),
    )
    discriminator = nn.Sequential(
        *(nn.Conv2d(1, 8, 4, 2, 1, bias=False), nn.LeakyReLU(0.2, inplace=True)),
        *(nn.Conv2d(8, 16, 4, 2, 1, bias=False), nn.BatchNorm2d(16), nn.LeakyReLU(0.2, inplace=True)),
        *(nn.Conv2d(16, 32, 4, 2, 1, bias=False), nn.BatchNorm2d(32), nn.LeakyReLU(0.2, inplace=True)),
        *(nn.Conv2d(32, 1, 4, bias=False), nn.Flatten(0)),
    )
    generator.apply(_initial)
    discriminator.apply(_initial)
    images = _stripes(64, 32)
    adversary = torch.optim.Adam(discriminator.parameters(), lr=2e-4, betas=(0.5, 0.999))
    maker = torch.optim.Adam(generator.parameters(), lr=2e-4, betas=(0.5, 0.999))
    criterion = nn.BCEWithLogitsLoss()
    real, fake = torch.ones(8), torch.zeros(8)

    def step():
        x = images[torch.randint(len(images), (8,))]
        made = generator(torch.randn(8, 16, 1, 1))
        adversary.zero_grad()
        told = criterion(discriminator(x), real) + criterion(discriminator(made.detach()), fake)
        told.backward()
        adversary.step()
        maker.zero_grad()
        fooled = criterion(discriminator(made), real)
        fooled.backward()
        maker.step()
        return told.detach() + fooled.detach()

    return [generator, discriminator], step


def vae():
    """A convolutional variational autoencoder with distributions' rsample and KL; NAdam, a warmed-up KL weight."""
    images = (_stripes(128, 16) + 1) / 2
    encoder = nn.Sequential(
        *(nn.Conv2d(1, 8, 3, 2, 1), nn.ELU(), nn.Conv2d(8, 16, 3, 2, 1), nn.ELU(), nn.Flatten(), nn.Linear(256, 12))
    )
    decoder = nn.Sequential(
        *(
            nn.Linear(6, 256),
            nn.ELU(),
            nn.Unflatten(1, (16, 4, 4)),
            nn.Upsample(scale_factor=2),
            nn.Conv2d(16, 8, 3, 1, 1),
        ),
        *(nn.ELU(), nn.Upsample(scale_factor=2, mode="bilinear"), nn.Conv2d(8, 1, 3, 1, 1)),
    )
    optimizer = torch.optim.NAdam([*encoder.parameters(), *decoder.parameters()], lr=2e-3)
    prior = distributions.Normal(torch.zeros(6), torch.ones(6))
    weight = torch.tensor(0.0)

    def loss():
        weight.add_(0.02)
        x = images[torch.randperm(len(images))[:16]]
        mean, spread = encoder(x).chunk(2, dim=1)
        posterior = distributions.Normal(mean, F.softplus(spread) + 1e-3, validate_args=False)
        logits = decoder(posterior.rsample())
        pixels = distributions.ContinuousBernoulli(logits=logits, validate_args=False)
        likelihood = distributions.Independent(pixels, 3, validate_args=False).log_prob(x)
        return (weight * kl_divergence(posterior, prior).sum(dim=1) - likelihood).mean()

    return [encoder, decoder], stepper(loss, optimizer, clip=50.0)


class Coupling(nn.Module):
    """An affine coupling layer: what the mask keeps says how the rest is scaled and shifted."""

    def __init__(self, mask, width):
        super().__init__()
        self.register_buffer("mask", mask)
        size = len(mask)
        self.net = nn.Sequential(
            nn.Linear(size, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU(), nn.Linear(width, 2 * size)
        )
        self.bound = nn.Parameter(torch.ones(size))

    def forward(self, x):
        kept = x * self.mask
        scale, shift = self.net(kept).chunk(2, dim=-1)
        scale = self.bound * torch.tanh(scale) * (1 - self.mask)
        return kept + (1 - self.mask) * (x * scale.exp() + shift), scale.sum(dim=-1)


def realnvp():
    """RealNVP on two moons: masks in turns, exact log-likelihood; Adam with decay, an averaged copy of the model."""
    masks = [torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0])] * 3
    flow = nn.ModuleList(Coupling(mask, 32) for mask in masks)
    average = torch.optim.swa_utils.AveragedModel(flow, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.9))
    base = distributions.MultivariateNormal(torch.zeros(2), torch.eye(2), validate_args=False)
    optimizer = torch.optim.Adam(flow.parameters(), lr=2e-3, weight_decay=1e-5)

    def loss():
        angle, side = math.pi * torch.rand(128), torch.randint(2, (128,))
        sign = (1 - 2 * side).float()
        x = torch.stack([torch.cos(angle) * sign + side, torch.sin(angle) * sign + 0.5 * side], dim=1)
        x = x + 0.1 * torch.randn_like(x)
        total = torch.zeros(len(x))
        for layer in flow:
            x, log_det = layer(x)
            total = total + log_det
        return -(base.log_prob(x) + total).mean()

    train = stepper(loss, optimizer)

    def step():
        value = train()
        average.update_parameters(flow)
        return value

    return [flow], step
