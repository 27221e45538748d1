"""One epoch of an MLP 784-128-10 over 60,000 rows in batches of 128: the cost of training."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import agrad
import agrad.nn
import agrad.optim

from .compare import Row, peer, race

ROWS = 60_000
BATCH = 128
RATE = 0.1


def made_up() -> tuple[Any, Any]:
    """Return random images and labels of MNIST's size: the time does not depend on their content."""
    draw = np.random.default_rng(0)
    return draw.random((ROWS, 784), dtype=np.float32), draw.integers(0, 10, ROWS)


def trainer(library: Any, x: Any, y: Any, device: str, batch: int = BATCH) -> Callable[[], None]:
    """Return a function that runs an epoch, by the same code for either library."""
    nn = library.nn
    model = nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10)).to(device)
    loss = nn.CrossEntropyLoss()
    optimizer = library.optim.SGD(model.parameters(), lr=RATE)
    images, labels = library.asarray(x, device=device), library.asarray(y, device=device)

    def epoch() -> None:
        for i in range(0, len(images), batch):
            optimizer.zero_grad()
            loss(model(images[i : i + batch]), labels[i : i + batch]).backward()
            optimizer.step()

    return epoch


def stepper(xp: Any) -> Callable[[Any, Any], Any]:
    """Return a training step written out in NumPy or CuPy, which returns the loss."""
    draw = np.random.default_rng(1)
    w1 = xp.asarray(draw.standard_normal((128, 784), dtype=np.float32) / 28)
    w2 = xp.asarray(draw.standard_normal((10, 128), dtype=np.float32) / 11)
    b1, b2 = xp.zeros(128, dtype=np.float32), xp.zeros(10, dtype=np.float32)

    def step(x: Any, y: Any) -> Any:
        nonlocal w1, b1, w2, b2
        rows = xp.arange(x.shape[0])
        hidden = x @ w1.T + b1
        xp.maximum(hidden, 0, out=hidden)
        scores = hidden @ w2.T + b2
        scores -= scores.max(axis=1, keepdims=True)
        logs = scores - xp.log(xp.exp(scores).sum(axis=1, keepdims=True))
        loss = -logs[rows, y].mean()
        g = xp.exp(logs)
        g[rows, y] -= 1
        g /= x.shape[0]
        back = g @ w2
        back *= hidden > 0
        w2 -= RATE * (g.T @ hidden)
        b2 -= RATE * g.sum(axis=0)
        w1 -= RATE * (back.T @ x)
        b1 -= RATE * back.sum(axis=0)
        return loss

    return step


def by_hand(xp: Any, x: Any, y: Any, batch: int = BATCH) -> Callable[[], None]:
    """Return the same epoch written out in NumPy or CuPy."""
    images, labels = xp.asarray(x), xp.asarray(y)
    step = stepper(xp)

    def epoch() -> None:
        for i in range(0, len(images), batch):
            step(images[i : i + batch], labels[i : i + batch])

    return epoch


def measure(device: str) -> list[Row]:
    """Return the rows of this benchmark."""
    x, y = made_up()
    sides = {"agrad": trainer(agrad, x, y, device)}
    goals = {"PyTorch": 0.75}
    if library := peer("cupy" if device.startswith("cuda") else "numpy"):
        name = f"by hand in {library.__name__}"
        sides[name] = by_hand(library, x, y)
        goals[name] = 1.15
    if torch := peer("torch"):
        sides["PyTorch"] = trainer(torch, x, y, device)
    return race("MLP 784-128-10, one epoch at batch 128", sides, goals, device, rounds=15)
