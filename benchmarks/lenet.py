"""An eighth of an epoch of LeNet on MNIST, in batches of 128: what convolutions and pooling cost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import agrad
import agrad.nn
import agrad.optim

from .compare import Row, peer, race
from .mlp import BATCH, RATE, made_up

ROWS = 60 * BATCH


def build(nn: Any) -> Any:
    """Return the network; the same code on either library."""
    return nn.Sequential(
        nn.Conv2d(1, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(512, 10),
    )  # fmt: skip


def trainer(library: Any, x: Any, y: Any, device: str) -> Callable[[], None]:
    """Return 60 steps."""
    model, loss = build(library.nn).to(device), library.nn.CrossEntropyLoss()
    optimizer = library.optim.SGD(model.parameters(), lr=RATE)
    images = library.asarray(x.reshape((-1, 1, 28, 28)), device=device)
    labels = library.asarray(y, device=device)

    def steps() -> None:
        for i in range(0, ROWS, BATCH):
            optimizer.zero_grad()
            loss(model(images[i : i + BATCH]), labels[i : i + BATCH]).backward()
            optimizer.step()

    return steps


def measure(device: str) -> list[Row]:
    """Return the row of this benchmark."""
    x, y = (array[:ROWS] for array in made_up())
    sides = {"agrad": trainer(agrad, x, y, device)}
    if torch := peer("torch"):
        sides["PyTorch"] = trainer(torch, x, y, device)
    return race("LeNet, 60 steps at batch 128", sides, {"PyTorch": 2.5}, device, rounds=5)
