"""Random training steps: layers, losses, optimizers, hooks, accumulation, clipping and schedules, compiled and not.

AGRAD_PROGRAMS sets how many are drawn.
"""

import os
from itertools import pairwise

import numpy as np
import pytest

import agrad
from agrad import nn, optim
from tests.backends.test_waits import OPTIMIZERS
from tests.compiler.steps import run_both

CASES = int(os.environ.get("AGRAD_PROGRAMS", "12"))
FEW = 3  # that run on jax
WIDTHS = (3, 4, 7)
BETWEEN = {
    "ReLU": lambda draw, n: nn.ReLU(),
    "GELU": lambda draw, n: nn.GELU(),
    "Tanh": lambda draw, n: nn.Tanh(),
    "SiLU": lambda draw, n: nn.SiLU(),
    "PReLU": lambda draw, n: nn.PReLU(),
    "Softplus": lambda draw, n: nn.Softplus(),
    "Dropout": lambda draw, n: nn.Dropout(float(draw.choice([0.0, 0.3, 0.5]))),
    "BatchNorm1d": lambda draw, n: nn.BatchNorm1d(n),
    "LayerNorm": lambda draw, n: nn.LayerNorm(n),
    "RMSNorm": lambda draw, n: nn.RMSNorm(n),
    "checkpoint": lambda draw, n: Checkpointed(n),
    "residual": lambda draw, n: Residual(n),
}
LOSSES = {
    "cross_entropy": lambda draw: nn.CrossEntropyLoss(label_smoothing=float(draw.choice([0.0, 0.1]))),
    "nll": lambda draw: lambda y, t: nn.functional.nll_loss(agrad.log_softmax(y, axis=1), t),
    "mse": lambda draw: lambda y, t: nn.functional.mse_loss(y, one_hot(y, t)),
    "huber": lambda draw: lambda y, t: nn.functional.huber_loss(y, one_hot(y, t)),
    "bce": lambda draw: lambda y, t: nn.functional.binary_cross_entropy_with_logits(y, one_hot(y, t)),
}
SCHEDULERS = {
    "none": lambda optimizer: None,
    "StepLR": lambda optimizer: optim.lr_scheduler.StepLR(optimizer, 3),
    "CosineAnnealingLR": lambda optimizer: optim.lr_scheduler.CosineAnnealingLR(optimizer, 10),
    "OneCycleLR": lambda optimizer: optim.lr_scheduler.OneCycleLR(
        optimizer, 0.05, total_steps=40, cycle_momentum=not {"momentum", "betas"}.isdisjoint(optimizer.defaults)
    ),
}


def one_hot(y, t):
    return agrad.astype(t[:, None] == agrad.arange(y.shape[1], device=y.device), y.dtype)


class Residual(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.inner = nn.Sequential(nn.Linear(n, n), nn.Tanh())

    def forward(self, x):
        return x + self.inner(x)


class Checkpointed(Residual):
    def forward(self, x):
        return agrad.checkpoint(self.inner)(x)


def program(seed):
    """Return what makes a random step and its state, and what happens between steps."""
    draw = np.random.default_rng(seed)
    widths = [5, *draw.choice(WIDTHS, draw.integers(1, 4)), 4]
    layers = [str(name) for name in draw.choice(list(BETWEEN), len(widths))]
    loss_name, optimizer_name = str(draw.choice(list(LOSSES))), str(draw.choice(list(OPTIMIZERS)))
    scheduler_name = str(draw.choice(list(SCHEDULERS)))
    clip, accumulate, hook, freeze, early = draw.random(5) < 0.3
    modes = bool(draw.random() < 0.2)
    layer_seed = int(draw.integers(1000))

    def make():
        draws = np.random.default_rng(layer_seed)
        model = nn.Sequential()
        for i, (n, m) in enumerate(pairwise(widths)):
            model.append(nn.Linear(int(n), int(m)))
            model.append(BETWEEN[layers[i]](draws, int(m)))
        loss = LOSSES[loss_name](draws)
        if freeze:
            model[0].bias.requires_grad_(False)
        if hook:
            model[0].weight.register_hook(lambda g: 0.5 * g)
            model.register_forward_hook(lambda module, args, y: y * 0.5)
        optimizer = OPTIMIZERS[optimizer_name]([p for p in model.parameters() if p.requires_grad])

        def step(*batches):
            if early:
                optimizer.zero_grad()
            total = 0.0
            for x, t in batches:
                y = loss(model(x), t) / len(batches)
                y.backward()
                total = total + y.detach()
            if clip:
                nn.utils.clip_grad_norm_(model.parameters(), 0.1)
            optimizer.step()
            if not early:
                optimizer.zero_grad()
            return total

        return step, [model, optimizer]

    def batch(i):
        numbers = np.random.default_rng(i)
        x = agrad.asarray(numbers.standard_normal((6, 5), dtype=np.float32))
        return x, agrad.asarray(numbers.integers(0, 4, 6))

    schedulers = {}

    def between(state, i):
        model, optimizer = state
        if id(optimizer) not in schedulers:
            schedulers[id(optimizer)] = optimizer, SCHEDULERS[scheduler_name](optimizer)
        scheduler = schedulers[id(optimizer)][1]
        if scheduler is not None:
            scheduler.step()
        if modes:
            model.train(i % 6 != 4)

    return make, lambda i: (batch(i), batch(i + 50)) if accumulate else (batch(i),), between


@pytest.mark.parametrize("seed", range(CASES))
def test_random_steps(device, seed):
    if device.kind == "jax" and seed >= FEW:
        pytest.skip("jax compiles each new shape, which takes half a minute for a program")
    make, inputs, between = program(seed)
    run_both(make, inputs, 20, between=between, most=6)
