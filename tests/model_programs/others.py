"""A perceptron, a graph convolution and a Q-learner."""

from __future__ import annotations

import math
import random
from collections import deque

import torch
import torch.nn.functional as F
from torch import nn

from .parts import Classification, stepper


def mlp():
    """Perceptron with batch normalisation and dropout on clusters; Adam with decay, StepLR."""
    centres, labels = torch.randn(10, 32), torch.randint(10, (640,))
    x = centres[labels] + torch.randn(640, 32)
    net = nn.Sequential(
        *(nn.Linear(32, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Dropout(0.2)),
        *(nn.Linear(64, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Dropout(0.2), nn.Linear(64, 10)),
    )
    optimizer = torch.optim.Adam(net.parameters(), lr=5e-3, weight_decay=1e-4)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=15, gamma=0.5)
    batches = (batch for _ in iter(int, 1) for batch in zip(x.split(64), labels.split(64)))
    return [net], stepper(Classification(net, batches), optimizer, scheduler)


class GraphConvolution(nn.Module):
    """Sums of neighbours' features, weighted by both degrees, through a linear map (Kipf and Welling)."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.empty(inputs, outputs)), nn.Parameter(torch.zeros(outputs))
        nn.init.xavier_uniform_(self.weight)

    def forward(self, x, edges, weights):
        x = x @ self.weight
        messages = x[edges[0]] * weights[:, None]
        return torch.zeros_like(x).index_add_(0, edges[1], messages) + self.bias


class GCN(nn.Module):
    """Two graph convolutions with dropout."""

    def __init__(self, inputs, hidden, classes):
        super().__init__()
        self.first, self.second = GraphConvolution(inputs, hidden), GraphConvolution(hidden, classes)

    def forward(self, x, edges, weights):
        x = F.relu(self.first(F.dropout(x, 0.5, self.training), edges, weights))
        return F.log_softmax(self.second(F.dropout(x, 0.5, self.training), edges, weights), dim=1)


def gcn():
    """Classes of a graph's nodes from the labels of some; Adam with decay on the first layer, ChainedScheduler."""
    nodes, classes = 90, 3
    labels = torch.arange(nodes) % classes
    ends = torch.randint(nodes, (2, 600))
    edges = ends[:, (labels[ends[0]] == labels[ends[1]]) | (torch.rand(600) < 0.2)]
    edges = torch.cat([edges, edges.flip(0), torch.arange(nodes).expand(2, -1)], dim=1)
    degree = torch.bincount(edges[1], minlength=nodes).float()
    weights = degree[edges[0]].rsqrt() * degree[edges[1]].rsqrt()
    features = F.normalize(torch.rand(nodes, 16) + F.one_hot(labels, 16), p=1, dim=1)
    known = torch.arange(nodes) < 45
    net = GCN(16, 16, classes)
    groups = [{"params": net.first.parameters(), "weight_decay": 5e-4}, {"params": net.second.parameters()}]
    optimizer = torch.optim.Adam(groups, lr=0.02)
    rates = torch.optim.lr_scheduler
    scheduler = rates.ChainedScheduler(
        [rates.ConstantLR(optimizer, factor=0.5, total_iters=5), rates.ExponentialLR(optimizer, gamma=0.99)]
    )

    def loss():
        return F.nll_loss(net(features, edges, weights)[known], labels[known])

    return [net], stepper(loss, optimizer, scheduler)


class CartPole:
    """A pole on a cart, pushed left or right, in Python's floats (Barto, Sutton and Anderson)."""

    def __init__(self, generator):
        self.random = generator

    def reset(self):
        self.state = [self.random.uniform(-0.05, 0.05) for _ in range(4)]
        return self.state

    def step(self, action):
        """The next state, the reward and whether the pole fell."""
        x, speed, angle, turn = self.state
        force = 10.0 if action == 1 else -10.0
        push = (force + 0.05 * turn**2 * math.sin(angle)) / 1.1
        lift = 9.8 * math.sin(angle) - math.cos(angle) * push
        acceleration = lift / (0.5 * (4.0 / 3.0 - 0.1 * math.cos(angle) ** 2 / 1.1))
        drive = push - 0.05 * acceleration * math.cos(angle) / 1.1
        self.state = [x + 0.02 * speed, speed + 0.02 * drive, angle + 0.02 * turn, turn + 0.02 * acceleration]
        return self.state, 1.0, abs(self.state[0]) > 2.4 or abs(self.state[2]) > 0.2095


def dqn():
    """Deep Q-learning of CartPole: actions by epsilon-greedy (a host read where it is greedy), a replay buffer,
    a target net that follows softly; AdamW with AMSGrad, Huber loss, gradients clipped by value."""
    chance = random.Random(0)
    policy = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 2))
    target = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 2))
    target.load_state_dict(policy.state_dict())
    optimizer = torch.optim.AdamW(policy.parameters(), lr=1e-3, amsgrad=True)
    game, memory = CartPole(chance), deque(maxlen=200)
    state = torch.tensor(game.reset())

    def play(greedy):
        nonlocal state
        if greedy:
            with torch.no_grad():
                action = policy(state.unsqueeze(0)).max(1).indices.item()
        else:
            action = chance.randrange(2)
        following, reward, fell = game.step(action)
        following = torch.tensor(following)
        memory.append((state, action, reward, following, float(fell)))
        state = torch.tensor(game.reset()) if fell else following

    for _ in range(40):
        play(greedy=False)

    def step():
        play(greedy=chance.random() > 0.3)
        states, actions, rewards, followings, fell = zip(*chance.sample(memory, 32))
        values = policy(torch.stack(states)).gather(1, torch.tensor(actions).unsqueeze(1)).squeeze(1)
        with torch.no_grad():
            best = target(torch.stack(followings)).max(1).values
        expected = torch.tensor(rewards) + 0.95 * best * (1 - torch.tensor(fell))
        loss = F.smooth_l1_loss(values, expected)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_value_(policy.parameters(), 100)
        optimizer.step()
        with torch.no_grad():
            for theirs, mine in zip(target.parameters(), policy.parameters()):
                theirs.lerp_(mine, 0.05)
        return loss.detach()

    return [policy], step
