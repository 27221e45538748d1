"""One training step of linear regression on 7 rows and 1 feature: the overhead of a step, with almost no arithmetic."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import agrad
import agrad.nn
import agrad.optim

from .compare import Row, peer, race

AREA = [[0.64], [0.72], [0.8], [0.95], [1.1], [1.2], [1.35]]
PRICE = [[2.4], [2.6], [3.0], [3.4], [3.9], [4.4], [4.9]]


def trainer(library: Any, device: str) -> Callable[[], None]:
    """Return a function that runs a training step, by the same code for either library."""
    x, y = library.tensor(AREA, device=device), library.tensor(PRICE, device=device)
    model = library.nn.Linear(1, 1).to(device)
    loss = library.nn.MSELoss()
    optimizer = library.optim.SGD(model.parameters(), lr=0.01)

    def step() -> None:
        optimizer.zero_grad()
        loss(model(x), y).backward()
        optimizer.step()

    return step


def by_hand(np: Any) -> Callable[[], None]:
    """Return the same step written out in NumPy or CuPy."""
    x, y = np.asarray(AREA, dtype=np.float32), np.asarray(PRICE, dtype=np.float32)
    w, b = np.zeros((1, 1), dtype=np.float32), np.zeros(1, dtype=np.float32)

    def step() -> None:
        nonlocal w, b
        error = x @ w.T + b - y
        (error * error).mean()
        g = error * (2 / 7)
        w -= 0.01 * (g.T @ x)
        b -= 0.01 * g.sum(axis=0)

    return step


def measure(device: str) -> list[Row]:
    """Return the rows of this benchmark."""
    sides = {"agrad": trainer(agrad, device)}
    if torch := peer("torch"):
        sides["PyTorch"] = trainer(torch, device)
    if library := peer("cupy" if device.startswith("cuda") else "numpy"):
        sides[f"by hand in {library.__name__}"] = by_hand(library)
    return race("linear-regression step, 7×1", sides, {"PyTorch": 0.2}, device)
