"""Nets that look at images: LeNet, ResNet-18 and -50, VGG, a depthwise net, U-Net, ViT, MLP-Mixer."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from .parts import Classification, labelled_images, stepper


def lenet():
    """LeNet-5 (tanh, average pooling); SGD with Nesterov momentum, MultiStepLR, a shuffling DataLoader."""
    images, labels = labelled_images(512, 1, 32, 10)
    net = nn.Sequential(
        *(nn.Conv2d(1, 6, 5), nn.Tanh(), nn.AvgPool2d(2)),
        *(nn.Conv2d(6, 16, 5), nn.Tanh(), nn.AvgPool2d(2), nn.Flatten()),
        *(nn.Linear(400, 120), nn.Tanh(), nn.Linear(120, 84), nn.Tanh(), nn.Linear(84, 10)),
    )
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9, nesterov=True)
    scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, [20, 35], gamma=0.5)
    loader = DataLoader(TensorDataset(images, labels), batch_size=16, shuffle=True, drop_last=True)
    batches = (batch for _ in iter(int, 1) for batch in loader)
    return [net], stepper(Classification(net, batches), optimizer, scheduler)


def _convolution(inputs, outputs, size, stride=1, groups=1):
    return nn.Conv2d(inputs, outputs, size, stride, size // 2, groups=groups, bias=False)


class BasicBlock(nn.Module):
    """Two 3x3 convolutions beside a shortcut."""

    expansion = 1

    def __init__(self, inputs, planes, stride):
        super().__init__()
        self.conv1, self.bn1 = _convolution(inputs, planes, 3, stride), nn.BatchNorm2d(planes)
        self.conv2, self.bn2 = _convolution(planes, planes, 3), nn.BatchNorm2d(planes)
        self.shortcut = _shortcut(inputs, planes, stride)

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(y)) + self.shortcut(x))


class Bottleneck(nn.Module):
    """1x1, 3x3 and 1x1 convolutions beside a shortcut."""

    expansion = 4

    def __init__(self, inputs, planes, stride):
        super().__init__()
        outputs = planes * self.expansion
        self.conv1, self.bn1 = _convolution(inputs, planes, 1), nn.BatchNorm2d(planes)
        self.conv2, self.bn2 = _convolution(planes, planes, 3, stride), nn.BatchNorm2d(planes)
        self.conv3, self.bn3 = _convolution(planes, outputs, 1), nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU(inplace=True)
        self.shortcut = _shortcut(inputs, outputs, stride)

    def forward(self, x):
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.bn3(self.conv3(self.relu(self.bn2(self.conv2(y)))))
        y += self.shortcut(x)
        return self.relu(y)


def _shortcut(inputs, outputs, stride):
    if stride == 1 and inputs == outputs:
        return nn.Identity()
    return nn.Sequential(_convolution(inputs, outputs, 1, stride), nn.BatchNorm2d(outputs))


class ResNet(nn.Module):
    """The residual net of He et al., with `width` channels in its first stage instead of 64; each block begins
    as its shortcut."""

    def __init__(self, block, depths, width, classes):
        super().__init__()
        self.conv1, self.bn1 = _convolution(3, width, 7, 2), nn.BatchNorm2d(width)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        stages, inputs = [], width
        for i, depth in enumerate(depths):
            blocks = []
            for j in range(depth):
                blocks.append(block(inputs, width * 2**i, 2 if i and not j else 1))
                inputs = width * 2**i * block.expansion
            stages.append(nn.Sequential(*blocks))
        self.stages = nn.Sequential(*stages)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(inputs, classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            elif isinstance(module, nn.BatchNorm2d):
                nn.init.constant_(module.weight, 1)
                nn.init.constant_(module.bias, 0)
        for module in self.modules():
            if isinstance(module, (BasicBlock, Bottleneck)):
                nn.init.zeros_(getattr(module, "bn2" if block is BasicBlock else "bn3").weight)

    def forward(self, x):
        x = self.maxpool(F.relu(self.bn1(self.conv1(x))))
        return self.fc(torch.flatten(self.avgpool(self.stages(x)), 1))


def _pool(images, labels, batch):
    """Batches of consecutive images, again and again."""
    while True:
        for start in range(0, len(images), batch):
            yield images[start : start + batch], labels[start : start + batch]


def resnet18():
    """ResNet-18 on 8 images of 64 by 64; SGD with momentum and weight decay, cosine schedule, smoothed labels."""
    images, labels = labelled_images(16, 3, 64, 4)
    net = ResNet(BasicBlock, [2, 2, 2, 2], 8, 4)
    optimizer = torch.optim.SGD(net.parameters(), lr=3e-3, momentum=0.9, weight_decay=5e-4)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=50)
    criterion = nn.CrossEntropyLoss(label_smoothing=0.1)
    return [net], stepper(Classification(net, _pool(images, labels, 8), criterion), optimizer, scheduler)


def resnet50():
    """ResNet-50 on 8 images of 64 by 64; SGD driven by OneCycleLR, which moves the momentum too."""
    images, labels = labelled_images(16, 3, 64, 4)
    net = ResNet(Bottleneck, [3, 4, 6, 3], 4, 4)
    optimizer = torch.optim.SGD(net.parameters(), lr=1e-4, momentum=0.9)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=2e-4, total_steps=50)
    return [net], stepper(Classification(net, _pool(images, labels, 8)), optimizer, scheduler)


def vgg():
    """VGG with batch normalisation and dropout on 32 by 32; Adamax, ExponentialLR, negative log-likelihood."""
    images, labels = labelled_images(64, 3, 32, 5)
    layers, inputs = [], 3
    for width in (8, "M", 16, "M", 24, 24, "M", 32, 32, "M", 32, 32, "M"):
        if width == "M":
            layers.append(nn.MaxPool2d(kernel_size=2, stride=2))
        else:
            layers += [nn.Conv2d(inputs, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU(inplace=True)]
            inputs = width
    head = [nn.Flatten(), nn.Linear(32, 64), nn.ReLU(True), nn.Dropout(), nn.Linear(64, 64), nn.ReLU(True)]
    net = nn.Sequential(*layers, *head, nn.Dropout(), nn.Linear(64, 5), nn.LogSoftmax(dim=1))
    optimizer = torch.optim.Adamax(net.parameters(), lr=5e-4)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.98)
    return [net], stepper(Classification(net, _pool(images, labels, 8), nn.NLLLoss()), optimizer, scheduler)


class InvertedResidual(nn.Module):
    """Expand (1x1), filter each channel by itself (3x3), squeeze and excite, project (1x1)."""

    def __init__(self, inputs, outputs, stride, expansion=3):
        super().__init__()
        hidden = inputs * expansion
        self.same = stride == 1 and inputs == outputs
        self.expand = nn.Sequential(_convolution(inputs, hidden, 1), nn.BatchNorm2d(hidden), nn.ReLU6())
        depthwise = _convolution(hidden, hidden, 3, stride, groups=hidden)
        self.depthwise = nn.Sequential(depthwise, nn.BatchNorm2d(hidden), nn.Hardswish())
        gate = nn.Conv2d(hidden, hidden // 4, 1), nn.ReLU(), nn.Conv2d(hidden // 4, hidden, 1), nn.Hardsigmoid()
        self.excite = nn.Sequential(nn.AdaptiveAvgPool2d(1), *gate)
        self.project = nn.Sequential(_convolution(hidden, outputs, 1), nn.BatchNorm2d(outputs))

    def forward(self, x):
        y = self.depthwise(self.expand(x))
        y = self.project(y * self.excite(y))
        return x + y if self.same else y


def mobilenet():
    """Inverted residuals with depthwise convolutions and gates; RMSprop with momentum, LinearLR."""
    images, labels = labelled_images(64, 3, 32, 5)
    blocks = [(8, 8, 1), (8, 12, 2), (12, 12, 1), (12, 16, 2), (16, 16, 1)]
    net = nn.Sequential(
        *(_convolution(3, 8, 3, 2), nn.BatchNorm2d(8), nn.Hardswish()),
        *(InvertedResidual(*block) for block in blocks),
        *(_convolution(16, 48, 1), nn.BatchNorm2d(48), nn.Hardswish(), nn.AdaptiveAvgPool2d(1), nn.Flatten()),
        *(nn.Dropout(0.2), nn.Linear(48, 5)),
    )
    optimizer = torch.optim.RMSprop(net.parameters(), lr=2e-4, alpha=0.9, momentum=0.9, weight_decay=1e-5, eps=1e-3)
    scheduler = torch.optim.lr_scheduler.LinearLR(optimizer, start_factor=0.3, total_iters=10)
    return [net], stepper(Classification(net, _pool(images, labels, 8)), optimizer, scheduler)


def _double(inputs, outputs):
    layers = []
    for size in (inputs, outputs):
        layers += [nn.Conv2d(size, outputs, 3, padding=1), nn.GroupNorm(4, outputs), nn.LeakyReLU(0.1)]
    return nn.Sequential(*layers)


class UNet(nn.Module):
    """Encoder and decoder with skip connections: pooled down by max-pooling, up by transposed convolutions."""

    def __init__(self, inputs, outputs, width):
        super().__init__()
        sizes = [width, 2 * width, 4 * width]
        self.down = nn.ModuleList(_double(a, b) for a, b in zip([inputs, *sizes], sizes))
        self.bottom = nn.Sequential(_double(sizes[-1], 8 * width), nn.Dropout2d(0.1))
        self.up = nn.ModuleList(nn.ConvTranspose2d(2 * s, s, 2, stride=2) for s in reversed(sizes))
        self.merge = nn.ModuleList(_double(2 * s, s) for s in reversed(sizes))
        self.out = nn.Conv2d(width, outputs, 1)

    def forward(self, x):
        skips = []
        for stage in self.down:
            x = stage(x)
            skips.append(x)
            x = F.max_pool2d(x, 2)
        x = self.bottom(x)
        for up, merge in zip(self.up, self.merge):
            x = merge(torch.cat([skips.pop(), up(x)], dim=1))
        return self.out(x)


def unet():
    """U-Net that finds discs in noise; cross-entropy and Dice, Adam (AMSGrad), ReduceLROnPlateau on each loss."""
    grid = torch.arange(32.0)
    centre, radius = 6 + 20 * torch.rand(32, 2, 1, 1), 3 + 4 * torch.rand(32, 1, 1)
    distance = (grid[:, None] - centre[:, 0]) ** 2 + (grid - centre[:, 1]) ** 2
    masks = (distance < radius**2).float().unsqueeze(1)
    images = masks + 0.7 * torch.randn(32, 1, 32, 32)
    net = UNet(1, 1, 4)
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3, amsgrad=True)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=6)
    batches = _pool(images, masks, 4)

    def loss():
        x, target = next(batches)
        logits = net(x)
        p = torch.sigmoid(logits)
        overlap = 2 * (p * target).sum(dim=(1, 2, 3)) + 1
        dice = 1 - overlap / (p.sum(dim=(1, 2, 3)) + target.sum(dim=(1, 2, 3)) + 1)
        return F.binary_cross_entropy_with_logits(logits, target) + dice.mean()

    return [net], stepper(loss, optimizer, scheduler, metric=True)


class ViT(nn.Module):
    """Patches as tokens behind a class token, through a pre-norm encoder."""

    def __init__(self, size, patch, width, depth, heads, classes):
        super().__init__()
        self.patches = nn.Conv2d(3, width, patch, stride=patch)
        self.token = nn.Parameter(torch.zeros(1, 1, width))
        self.position = nn.Parameter(torch.empty(1, (size // patch) ** 2 + 1, width))
        nn.init.trunc_normal_(self.position, std=0.02)
        layer = nn.TransformerEncoderLayer(
            width, heads, 2 * width, dropout=0.1, activation="gelu", batch_first=True, norm_first=True
        )
        self.encoder = nn.TransformerEncoder(layer, depth, norm=nn.LayerNorm(width), enable_nested_tensor=False)
        self.head = nn.Linear(width, classes)

    def forward(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(len(x), -1, -1), x], dim=1) + self.position
        return self.head(self.encoder(x)[:, 0])


def vit():
    """Vision transformer; AdamW (no decay for vectors), cosine schedule with warm restarts, clipped gradients."""
    images, labels = labelled_images(128, 3, 32, 5)
    net = ViT(32, 8, 32, 3, 4, 5)
    groups = [
        {"params": [p for p in net.parameters() if p.ndim > 1], "weight_decay": 0.05},
        {"params": [p for p in net.parameters() if p.ndim <= 1], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=2e-3)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, T_0=10, T_mult=2)
    return [net], stepper(Classification(net, _pool(images, labels, 16)), optimizer, scheduler, clip=1.0)


class MixerBlock(nn.Module):
    """A perceptron across tokens, then one across channels."""

    def __init__(self, tokens, width):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.tokens = nn.Sequential(nn.Linear(tokens, 2 * tokens), nn.GELU(), nn.Linear(2 * tokens, tokens))
        self.channels = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x):
        x = x + self.tokens(self.norm1(x).transpose(1, 2)).transpose(1, 2)
        return x + self.channels(self.norm2(x))


class Mixer(nn.Module):
    """MLP-Mixer: patches, mixing blocks, mean over tokens."""

    def __init__(self, tokens, width, depth, classes):
        super().__init__()
        self.unfold = nn.Unfold(8, stride=8)
        self.embed = nn.Linear(3 * 64, width)
        self.blocks = nn.Sequential(*(MixerBlock(tokens, width) for _ in range(depth)))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, classes)

    def forward(self, x):
        x = self.blocks(self.embed(self.unfold(x).transpose(1, 2)))
        return self.head(self.norm(x).mean(dim=1))


def mixer():
    """MLP-Mixer with mixed-up pairs of images (mixup); RAdam with decoupled decay, PolynomialLR."""
    images, labels = labelled_images(128, 3, 32, 5)
    net = Mixer(16, 24, 3, 5)
    optimizer = torch.optim.RAdam(net.parameters(), lr=5e-3, weight_decay=0.01, decoupled_weight_decay=True)
    scheduler = torch.optim.lr_scheduler.PolynomialLR(optimizer, total_iters=50, power=1.5)
    batches = _pool(images, F.one_hot(labels, 5).float(), 16)

    def loss():
        x, target = next(batches)
        order, share = torch.randperm(len(x)), torch.rand(len(x), 1)
        mixed = torch.lerp(x[order], x, share[..., None, None])
        return F.cross_entropy(net(mixed), torch.lerp(target[order], target, share))

    return [net], stepper(loss, optimizer, scheduler)
