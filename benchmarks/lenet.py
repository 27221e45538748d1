"""An eighth of an epoch of LeNet on MNIST, in batches of 128: the cost of convolutions and pooling."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import agrad
import agrad.nn
import agrad.optim
from agrad.backends import numpy as backend
from agrad.backends.numpy_products import matmul

from .compare import Row, interleave, peer
from .mlp import BATCH, RATE, made_up

ROWS = 60 * BATCH
PLAIN = "LeNet, 60 steps at batch 128"
GOALS = {PLAIN: 1.6, f"{PLAIN}, with numba": 1.0}


def build(nn: Any) -> Any:
    """Return the network, by the same code for either library."""
    return nn.Sequential(
        nn.Conv2d(1, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(512, 10),
    )  # fmt: skip


def trainer(library: Any, x: Any, y: Any, device: str) -> Callable[[], None]:
    """Return a function that runs a training step for each batch."""
    model, loss = build(library.nn).to(device), library.nn.CrossEntropyLoss()
    optimizer = library.optim.SGD(model.parameters(), lr=RATE)
    images = library.asarray(x.reshape((-1, 1, 28, 28)), device=device)
    labels = library.asarray(y, device=device)

    def steps() -> None:
        for i in range(0, len(images), BATCH):
            optimizer.zero_grad()
            loss(model(images[i : i + BATCH]), labels[i : i + BATCH]).backward()
            optimizer.step()

    return steps


def without_numba(steps: Callable[[], None]) -> Callable[[], None]:
    """Return a function that runs the steps as if numba were not installed."""

    def plain() -> None:
        alone = patch.object(backend, "compiled", lambda: None)
        with alone, patch.object(backend.BACKEND.xp, "matmul", matmul):
            steps()

    return plain


def measure(device: str) -> list[Row]:
    """Return the rows of this benchmark: on the CPU one with NumPy alone, and one with numba."""
    torch = peer("torch")
    if not torch:
        return []
    x, y = (array[:ROWS] for array in made_up())
    ours = trainer(agrad, x, y, device)
    sides = {PLAIN: ours, "PyTorch": trainer(torch, x, y, device)}
    if device == "cpu" and peer("numba"):
        sides |= dict(zip(GOALS, (without_numba(ours), ours), strict=True))
    seconds = interleave(sides, device, rounds=5)
    theirs = seconds.pop("PyTorch")
    return [Row(work, "PyTorch", taken, theirs, GOALS[work]) for work, taken in seconds.items()]
